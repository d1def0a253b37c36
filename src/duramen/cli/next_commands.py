"""The settings of a command come in; the commands that follow it go out, as they can be pasted into a shell."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from duramen.cli.config.ranking import RankingConfig
from duramen.cli.config.reading import ModelledConfig, ReadingConfig
from duramen.cli.config.settings import Flag
from duramen.cli.config.train import TrainConfig

# What `uv run` sets for the program that it starts.
STARTED_BY_UV = "UV_RUN_RECURSION_DEPTH"


def next_commands(config: TrainConfig, *, report: Path | None, ranking: Path, run: Any) -> list[str]:
    """Return the commands with which one goes on after a training.

    Parameters
    ----------
    config : TrainConfig
    report : Path or None
        The report, where none was written yet; else None.
    ranking : Path
        Where later scores go.
    run : RecordedRun or None
        The record of MLflow, if there is one.
    """
    common = _model_words(str(config.model_out), config.kind, config.cost_to_serve)
    commands = [orders_command("score", config.orders, config, *common, "--out", str(ranking))]
    if report is not None:
        commands.insert(0, orders_command("report", config.orders, config, *common, "--out", str(report)))
    return [*commands, *store_commands(run)]


def ranking_command(name: str, config: RankingConfig, out: str) -> str:
    """Return a command that ranks the same customers with the same model."""
    common = _model_words(config.model, config.kind, config.cost_to_serve)
    if config.cutoff is not None:
        common += ["--cutoff", config.cutoff.isoformat()]
    return orders_command(name, config.orders, config, *common, "--out", out)


def _model_words(model: str, kind: str | None, cost_to_serve: str | None) -> list[str]:
    words = ["--model", model]
    words += [] if kind is None else ["--kind", kind]
    return words + ([] if cost_to_serve is None else ["--cost-to-serve", cost_to_serve])


def orders_command(name: str, orders: str, config: ReadingConfig, *words: str) -> str:
    """Return a command on some orders, which reads them as this one does."""
    return command_line("duramen", name, orders, *reading_words(config), *words)


def store_commands(run: Any) -> list[str]:
    """Return the command that opens the records of MLflow, if there is a run and it is opened by a command."""
    if run is None or not run.how_to_open.startswith("mlflow "):
        return []
    # The address of the store is one word, with its spaces.
    return [command_line(*run.how_to_open.split(" ", 3))]


def command_line(*words: str) -> str:
    """Return a command as it is pasted into a shell, by ``uv run`` where that started this one."""
    return started_by() + shlex.join(words)


def reading_words(config: ReadingConfig) -> list[str]:
    """Return the flags with which the orders were read, in which language, and no others.

    Examples
    --------
    >>> reading_words(TrainConfig(orders="a.csv", currency="EUR", columns={"order": "Invoice"}, seed=3))
    ['--column', 'order=Invoice', '--currency', 'EUR']
    """
    flags = {flag.name: flag for flag in ModelledConfig.flags() if flag.name != "verbose"}
    return [
        word
        for name, flag in flags.items()
        if name in config.model_fields_set
        for text in _texts(flag, getattr(config, name))
        for word in (flag.words, text)
    ]


def _texts(flag: Flag, value: object) -> Iterator[str]:
    """Give the value of a flag as it is written, or each of its values."""
    if value is None or value == flag.field.default:
        return
    if isinstance(value, dict):
        yield from (f"{key}={entry}" for key, entry in value.items())
    elif isinstance(value, list):
        yield from map(str, value)
    else:
        yield value.isoformat() if isinstance(value, date) else str(value)


def started_by() -> str:
    """Return what a command begins with where this one was started by ``uv run``."""
    return "uv run " if os.environ.get(STARTED_BY_UV) else ""
