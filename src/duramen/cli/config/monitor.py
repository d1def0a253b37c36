"""The configuration of ``duramen monitor``."""

from __future__ import annotations

from typing import Annotated

from duramen.cli.config.options import (
    EXPERIMENT,
    AsJson,
    Day,
    Experiment,
    KindOrTogether,
    Model,
    OneCutoff,
    Seed,
    Texts,
)
from duramen.cli.config.reading import OrdersConfig
from duramen.cli.config.settings import Option, Text
from duramen.cli.config.tables import MonitorTable


class MonitorConfig(OrdersConfig):
    """Settings of ``duramen monitor``."""

    model: Model = "model"
    scores: Annotated[
        Texts | None,
        Option(
            "Earlier scores of duramen score, with the JSON beside them; may be given again. Those whose horizon has "
            "passed are compared with outcomes.",
            "a Parquet or CSV file", "scores-1998-01.parquet", metavar="FILE",
        ),
    ] = None  # fmt: skip
    since: Annotated[
        Day | None,
        Option(
            "Day that drift is measured from, such as that of the scoring before.", "a day", "2011-06-01",
            metavar="DAY", default="the cutoff of the training",
        ),
    ] = None  # fmt: skip
    cutoff: OneCutoff = None
    challenger: Annotated[
        Text | None,
        Option(
            "A model that could replace this one: on an alarm, the command to promote it is shown.",
            "a folder or an MLflow URI", "challenger", metavar="MODEL",
        ),
    ] = None  # fmt: skip
    as_json: AsJson = False
    kind: KindOrTogether = None
    seed: Seed = 0
    experiment: Experiment = EXPERIMENT
    monitor: MonitorTable = MonitorTable()
