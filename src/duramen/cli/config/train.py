"""The configuration of ``duramen train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from duramen.cli.config.options import (
    EXPERIMENT,
    CostToServe,
    Experiment,
    File,
    KindOrGroups,
    OneCutoff,
    OneHorizon,
    Reasons,
    Report,
    Seed,
    SegmentWeights,
    folder,
    refuse_report_without_reasons,
)
from duramen.cli.config.reading import OrdersConfig
from duramen.cli.config.settings import Finite, Option, Text
from duramen.cli.config.tables import ForecastTable, PortfolioTable, TiersTable


def _check_tiers(table: TiersTable) -> TiersTable:
    """Refuse settings that make no tiers; those of scoring change the tiers of a model, and are checked with them."""
    table.tiers()
    return table


class TrainConfig(OrdersConfig):
    """Settings of ``duramen train``."""

    cutoff: OneCutoff = None
    horizon: OneHorizon = None
    model_out: Annotated[File, folder("Folder for the saved model.", "model")] = Path("model")
    overwrite: Annotated[
        bool, Option("Replace a saved model that is in the folder.", "true or false", "true")
    ] = False
    previous: Annotated[
        Text | None,
        Option(
            "The model in use, a folder or an MLflow URI: segments that go on keep their numbers.",
            "a folder or an MLflow URI", "models:/duramen@champion", metavar="MODEL",
        ),
    ] = None  # fmt: skip
    report: Report = None
    kind: KindOrGroups = None
    growth_weight: Annotated[
        Finite | None,
        Option(
            "Weight of growth potential in the score.", "a finite number", "0.25", metavar="NUMBER", default="learned"
        ),
    ] = None  # fmt: skip
    cost_to_serve: CostToServe = None
    reasons: Reasons = "all"
    seed: Seed = 0
    experiment: Experiment = EXPERIMENT
    tiers: Annotated[TiersTable, AfterValidator(_check_tiers)] | None = None
    segment_weights: SegmentWeights | None = None
    portfolio: PortfolioTable = PortfolioTable()
    forecast: ForecastTable = ForecastTable()

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse_report_without_reasons(self.report, self.reasons)
        return self
