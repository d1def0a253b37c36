"""The configuration of each command, by its name."""

from __future__ import annotations

from duramen.cli.config.audit import AuditConfig
from duramen.cli.config.base import BaseConfig
from duramen.cli.config.check import CheckConfig
from duramen.cli.config.cutoffs import BacktestConfig, ConsistencyConfig
from duramen.cli.config.demo import DemoConfig
from duramen.cli.config.lists import ListsConfig
from duramen.cli.config.monitor import MonitorConfig
from duramen.cli.config.promotion import PromoteConfig, RollbackConfig
from duramen.cli.config.ranking import ReportConfig, ScoreConfig
from duramen.cli.config.reading import ShownConfig
from duramen.cli.config.train import TrainConfig

CONFIGS: dict[str, type[ShownConfig]] = {
    "check": CheckConfig,
    "train": TrainConfig,
    "score": ScoreConfig,
    "report": ReportConfig,
    "lists": ListsConfig,
    "base": BaseConfig,
    "backtest": BacktestConfig,
    "consistency": ConsistencyConfig,
    "audit": AuditConfig,
    "monitor": MonitorConfig,
    "promote": PromoteConfig,
    "rollback": RollbackConfig,
    "demo": DemoConfig,
}
