"""The configuration of ``duramen audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from duramen.cli.config.options import ORDERS, Day, File, Horizon, Seed, column
from duramen.cli.config.reading import ReadingConfig
from duramen.cli.config.settings import Option, Text


class AuditConfig(ReadingConfig):
    """Settings of ``duramen audit``."""

    segments: Annotated[
        Text,
        Option(
            "CSV or Parquet with customer_id and segment.", "a CSV or Parquet file with customer_id and segment",
            "segments.csv", argument=True,
        ),
    ]  # fmt: skip
    orders: Annotated[
        Text,
        Option(
            f"The orders. {ORDERS}", "a file, a folder or a table of orders", "orders.csv", metavar="ORDERS",
            flag="--transactions",
        ),
    ]  # fmt: skip
    out: Annotated[
        File,
        Option("HTML page to write; its table goes beside it.", "an HTML file", "audit.html", metavar="FILE"),
    ] = Path("audit.html")
    segment: Annotated[Text, column("the segment")] = "segment"
    treatment: Annotated[
        Text | None,
        Option(
            "CSV or Parquet with segment and treatment, or a column.", "a file or the name of a column", "treatment",
            metavar="PLACE", default="the column treatment, if any",
        ),
    ] = None  # fmt: skip
    assigned_on: Annotated[
        Day | None,
        Option("Day of the labels.", "a day", "2011-06-01", metavar="DAY", default="the column assigned_on, if any"),
    ] = None  # fmt: skip
    previous: Annotated[
        Text | None,
        Option(
            "An earlier file of the same kind, for how stable the labels are.", "a CSV or Parquet file",
            "before.csv", metavar="FILE",
        ),
    ] = None  # fmt: skip
    cutoff: Annotated[
        Day | None,
        Option(
            "First day of outcomes, unknown to the labels.", "a day", "2011-06-01", metavar="DAY",
            default="the day of the labels",
        ),
    ] = None  # fmt: skip
    horizon: Annotated[
        Horizon | None,
        Option(
            "Length of the outcomes that labels should predict, such as 91d or 26w.",
            "a length in days, weeks, months or years", "91d", metavar="LENGTH", default="chosen from the data",
        ),
    ] = None  # fmt: skip
    seed: Seed = 0
