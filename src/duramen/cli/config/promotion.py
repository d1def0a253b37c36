"""The configurations of ``duramen promote`` and ``duramen rollback``."""

from __future__ import annotations

from typing import Annotated

from duramen.cli.config.options import (
    EXPERIMENT,
    ORDERS,
    Day,
    Experiment,
    Kind,
    KindOrTogether,
    ModelName,
    Seed,
)
from duramen.cli.config.reading import ModelledConfig, ShownConfig
from duramen.cli.config.settings import Option, Text
from duramen.cli.config.tables import PromotionTable


class PromoteConfig(ModelledConfig):
    """Settings of ``duramen promote``."""

    model: Annotated[
        Text,
        Option(
            "The challenger: a folder, runs:/RUN/model or models:/NAME/VERSION.",
            "a folder or an MLflow URI", "runs:/RUN/model", argument=True,
        ),
    ] = "model"  # fmt: skip
    orders: Annotated[
        Text | None,
        Option(
            "Orders that reach a whole horizon beyond those that challenger and champion were trained on. "
            f"{ORDERS} The first champion needs none.",
            "a file, a folder or a table of orders", "orders.csv", argument=True,
        ),
    ] = None  # fmt: skip
    name: ModelName = None
    promotion: PromotionTable = PromotionTable()
    cutoff: Annotated[
        Day | None,
        Option(
            "Day from which both forecast.", "a day", "2011-06-01", metavar="DAY",
            default="the latest with a complete horizon",
        ),
    ] = None  # fmt: skip
    kind: KindOrTogether = None
    seed: Seed = 0
    experiment: Experiment = EXPERIMENT


class RollbackConfig(ShownConfig):
    """Settings of ``duramen rollback``."""

    name: ModelName = None
    kind: Annotated[
        Kind | None,
        Option(
            "Kind of customers of the champion, where the name is the default.",
            "one of channel, end, together, consumer, business", "end", metavar="KIND",
        ),
    ] = None  # fmt: skip
