"""The configurations of the commands that look at past cutoffs: ``duramen backtest`` and ``duramen consistency``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from duramen.cli.config.options import (
    EXPERIMENT,
    Days,
    Experiment,
    File,
    KindOrTogether,
    OneHorizon,
    Seed,
    folder,
)
from duramen.cli.config.reading import OrdersConfig
from duramen.cli.config.settings import Option
from duramen.cli.config.tables import ForecastTable
from duramen.errors import InputError


class CutoffsConfig(OrdersConfig):
    """Orders, and the past cutoffs at which models are trained on what lies before."""

    horizon: OneHorizon = None
    cutoff: Annotated[
        Days | None,
        Option(
            "A day to forecast from; may be given again.", "a day", "2011-06-01", metavar="DAY",
            default="the latest with a complete horizon, and earlier ones half a horizon apart",
        ),
    ] = None  # fmt: skip
    cutoffs: Annotated[
        int,
        Field(ge=1),
        Option("How many cutoffs, where none is given.", "a whole number from 1 on", "3", metavar="N"),
    ] = 3
    kind: KindOrTogether = None
    seed: Seed = 0
    forecast: ForecastTable = ForecastTable()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.cutoff and "cutoffs" in self.model_fields_set:
            raise InputError(
                "both --cutoff and --cutoffs are given; give the days themselves, or how many of them."
            )
        return self


class BacktestConfig(CutoffsConfig):
    """Settings of ``duramen backtest``."""

    out: Annotated[File, folder("Folder for the tables and figures.", "backtest")] = Path("backtest")
    seeds: Annotated[
        int,
        Field(ge=0),
        Option(
            "Train the latest cutoff with as many other seeds too, and show how far ranks differ.",
            "a whole number from 0 on", "2", metavar="N",
        ),
    ] = 0  # fmt: skip
    experiment: Experiment = EXPERIMENT


class ConsistencyConfig(CutoffsConfig):
    """Settings of ``duramen consistency``, which looks at the last day as well."""
