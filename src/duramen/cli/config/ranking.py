"""The configurations of the commands that rank with a saved model: ``duramen score`` and ``duramen report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import model_validator

from duramen.cli.config.options import (
    CostToServe,
    File,
    KindOrGroups,
    Model,
    OneCutoff,
    Reasons,
    Report,
    earlier_ranking,
    refuse_report_without_reasons,
)
from duramen.cli.config.reading import OrdersConfig
from duramen.cli.config.settings import Option, Text
from duramen.cli.config.tables import MarketTable, PortfolioTable, TiersTable
from duramen.errors import InputError


class RankingConfig(OrdersConfig):
    """Settings of the commands that rank customers with a saved model."""

    model: Model = "model"
    cutoff: OneCutoff = None
    kind: KindOrGroups = None
    cost_to_serve: CostToServe = None
    previous_scores: Annotated[Text | None, earlier_ranking()] = None
    tiers: TiersTable | None = None
    portfolio: PortfolioTable = PortfolioTable()
    market: MarketTable = MarketTable()


class ReportConfig(RankingConfig):
    """Settings of ``duramen report``."""

    out: Annotated[File, Option("HTML report to write.", "an HTML file", "report.html", metavar="FILE")] = (
        Path("report.html")
    )


class ScoreConfig(RankingConfig):
    """Settings of ``duramen score``."""

    out: Annotated[
        Text,
        Option(
            "Parquet or CSV file to write, or a table: duckdb://file.db/table, "
            "postgresql://user@host/database/table (password by PGPASSWORD).",
            "a file or a table", "scores.parquet", metavar="PLACE",
        ),
    ] = "scores.parquet"  # fmt: skip
    report: Report = None
    explanations: Annotated[
        File | None,
        Option(
            "Parquet file for every factor and term of every customer.", "a Parquet file", "why.parquet",
            metavar="FILE",
        ),
    ] = None  # fmt: skip
    reasons: Reasons = "all"
    incremental: Annotated[
        File | None,
        Option(
            "Parquet file that keeps what was scored: the next run at the same cutoff scores only customers whose "
            "orders changed, with the same result.",
            "a Parquet file", "kept.parquet", metavar="FILE",
        ),
    ] = None  # fmt: skip
    engine: Annotated[
        Literal["duckdb", "spark"],
        Option(
            "duckdb, or spark, which reads and writes what Spark does.", "duckdb or spark", "spark", metavar="ENGINE"
        ),
    ] = "duckdb"  # fmt: skip
    master: Annotated[
        Text | None,
        Option(
            "Master of Spark: local[2], yarn, spark://host:7077.", "a master of Spark", "local[2]", metavar="MASTER"
        ),
    ] = None  # fmt: skip

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse_report_without_reasons(self.report, self.reasons)
        if self.report and self.incremental:
            raise InputError(
                "a report draws from all columns of all customers, so that all are scored; leave --incremental or "
                "--report out."
            )
        if self.previous_scores and self.reasons == "none":
            raise InputError(
                "--previous-scores puts what changed first among the reasons, and --reasons none leaves them all out; "
                "leave one of the two out."
            )
        if self.engine == "spark":
            self._refuse_not_on_spark()
        elif self.master:
            raise InputError("--master is for Spark alone; give --engine spark with it.")
        return self

    def _refuse_not_on_spark(self) -> None:
        for option in ("report", "explanations", "customers", "features", "incremental", "previous_scores"):
            if getattr(self, option):
                raise InputError(
                    f"--{option.replace('_', '-')} is not for --engine spark, which writes the ranking alone; leave it "
                    "out, or leave --engine out and use DuckDB."
                )
        if self.market.given():
            raise InputError(
                "--market, --demand-change and [market] are not for --engine spark, which knows the market by the "
                "purchases alone; leave them out, or leave --engine out and use DuckDB."
            )
        if self.threads:
            raise InputError(
                "--threads is for DuckDB; Spark has as many as its master gives, for example --master 'local[2]'."
            )
        if self.out.startswith(("duckdb://", "postgresql://", "postgres://")):
            raise InputError(
                "Spark writes a folder of Parquet files, not a table of a database; name a folder by --out, or leave "
                "--engine out and use DuckDB."
            )
        if self.out.lower().endswith(".csv"):
            raise InputError(
                f"Spark writes a folder of Parquet files, not {self.out!r}; name a folder by --out."
            )
