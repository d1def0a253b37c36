"""Settings that several commands share: types, checks and descriptions."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from duramen.cli.config.settings import Finite, Option, Setting, Text
from duramen.data.windows import Window, parse_day
from duramen.errors import InputError
from duramen.language import ENGLISH

Kind = Literal["channel", "end", "together", "consumer", "business"]
EXPERIMENT = "duramen"
ORDERS = "A CSV or Parquet file, a folder of either, duckdb://file.db/table, or dataset:cdnow."


def _checked_horizon(horizon: int | str) -> int | str:
    """Refuse what is not a length of time; calendar months are counted from the cutoff later."""
    Window(date(2000, 1, 1), horizon)
    return horizon


def _checked_memory(amount: str) -> str:
    from duramen.data.workspace import parse_memory

    parse_memory(amount)
    return amount


def _checked_zone(name: str) -> str:
    from duramen.data.time_zones import refuse_unknown_zone

    refuse_unknown_zone(name)
    return name


def _checked_roles(columns: dict[str, str]) -> dict[str, str]:
    from duramen.data.columns import refuse_unknown_roles

    refuse_unknown_roles(columns)
    return columns


def _checked_conditions(conditions: list[str]) -> list[str]:
    from duramen.data.row_filter import parse_conditions

    parse_conditions(conditions)
    return conditions


def _names(names: Any) -> Any:
    from duramen.data.statuses import parse_names

    return parse_names(names if isinstance(names, list) else str(names))


def _checked_weights(weights: dict[str, float]) -> dict[str, float]:
    from duramen.segments.segmenter import weights_of

    weights_of(weights)
    return weights


def _days(days: Any) -> Any:
    return [parse_day(day) for day in (days if isinstance(days, list) else [days])]


def _several(values: Any) -> Any:
    return values if isinstance(values, list) else [values]


File = Annotated[Path, BeforeValidator(lambda path: path or None)]
Day = Annotated[date, BeforeValidator(parse_day)]
Texts = Annotated[list[Text], BeforeValidator(_several)]
Days = Annotated[list[date], BeforeValidator(_days)]
Horizon = Annotated[int | str, AfterValidator(_checked_horizon)]
Memory = Annotated[str, AfterValidator(_checked_memory)]
TimeZone = Annotated[str, AfterValidator(_checked_zone)]
Columns = Annotated[dict[str, str], AfterValidator(_checked_roles)]
Conditions = Annotated[list[Text], BeforeValidator(_several), AfterValidator(_checked_conditions)]
Names = Annotated[list[Text], Field(min_length=1), BeforeValidator(_names)]
SegmentWeights = Annotated[
    dict[str, Annotated[float, Setting("How much a measure counts.", "a number from 0 on", "0.5")]],
    AfterValidator(_checked_weights),
]


def column(role: str) -> Option:
    """Return the option that names the column of a role."""
    return Option(f"Column of {role}; usual names are found.", "the name of a column", role, metavar="COLUMN")


def folder(help: str, example: str) -> Option:
    """Return the option that names a folder to write."""
    return Option(help, "a folder", example, metavar="FOLDER")


def earlier_ranking(more: str = "") -> Option:
    """Return the option that names an earlier ranking."""
    help = "An earlier ranking of duramen score, or a table duckdb://file.db/table: reasons begin with what changed"
    return Option(f"{help}{more}.", "a file or a table", "before.parquet", metavar="PLACE")


def money(help: str, example: str = "10", default: str = "") -> Option:
    """Return the option that gives an amount of money."""
    return Option(help, "an amount of money", example, metavar="MONEY", default=default)


def refuse_report_without_reasons(report: Path | None, reasons: str) -> None:
    """Refuse a report where some customers get no reasons."""
    if report and reasons != "all":
        raise InputError(
            "a report shows the reasons of customers of all tiers; leave --reasons or --report out."
        )


ContactCost = Annotated[Finite, Field(ge=0), money("What it costs to reach a customer.", "1")]
Acceptance = Annotated[
    float | None,
    Field(gt=0, le=1),
    Option(
        "Share of leaving customers who accept the offer.", "a number above 0 to 1", "0.2", metavar="SHARE",
        default="0.3, the published mean",
    ),
]  # fmt: skip
Language = Annotated[
    Literal["en", "zh"],
    Option(
        "Language of what is shown and of the pages: en (English) or zh (Simplified Chinese).", "en or zh",
        "zh", metavar="CODE", default=ENGLISH,
    ),
]  # fmt: skip
Verbose = Annotated[
    bool,
    Option(
        "Show all details of the orders and the result instead of a summary.", "true or false",
        "true",
    ),
]  # fmt: skip
Reasons = Annotated[
    Literal["all", "core", "none"],
    Option(
        "Which customers to explain with reasons: all, core or none. Reasons take most of the run time.",
        "one of all, core, none", "core", metavar="WHO",
    ),
]  # fmt: skip
AsJson = Annotated[
    bool, Option("Print JSON and nothing else, for jobs.", "true or false", "true", flag="--json")
]
Report = Annotated[
    File | None, Option("HTML report to write as well.", "an HTML file", "report.html", metavar="FILE")
]
OneCutoff = Annotated[
    Day | None,
    Option(
        "First day that is not history.", "a day", "2011-06-01", metavar="DAY", default="the day after the last row"
    ),
]  # fmt: skip
OneHorizon = Annotated[
    Horizon | None,
    Option(
        "Length of the forecast, such as 183d, 26w or 9 months.", "a length in days, weeks, months or years", "183d",
        metavar="LENGTH", default="chosen from the data",
    ),
]  # fmt: skip
CostToServe = Annotated[
    Text | None,
    Option(
        "CSV or Parquet with customer_id and cost_to_serve (money over the horizon), for the ranking.",
        "a CSV or Parquet file", "costs.csv", metavar="FILE",
    ),
]  # fmt: skip
KindOrGroups = Annotated[
    Kind | None,
    Option(
        "Customers to use: channel, end, consumer or business customers alone, or together for all in one base.",
        "one of channel, end, together, consumer, business", "end", metavar="KIND",
        default="channel and end customers apart, where the data have both",
    ),
]  # fmt: skip
KindOrTogether = Annotated[
    Kind | None,
    Option(
        "Customers to use: channel, end, consumer or business customers alone.",
        "one of channel, end, together, consumer, business", "end", metavar="KIND", default="all together as one",
    ),
]  # fmt: skip
Seed = Annotated[
    int, Field(ge=0), Option("Seed of all random numbers.", "a whole number from 0 on", "7", metavar="N")
]
Experiment = Annotated[
    Text, Option("MLflow experiment of the run.", "the name of an experiment", EXPERIMENT, metavar="NAME")
]
Model = Annotated[
    Text,
    Option(
        "Folder, or MLflow URI: models:/duramen@champion, runs:/RUN/model.", "a folder or an MLflow URI",
        "models:/duramen@champion", metavar="MODEL",
    ),
]  # fmt: skip
ModelName = Annotated[
    Annotated[str, Field(pattern="^[^/:]+$")] | None,
    Option(
        "Registered model.", "the name of a registered model, without / and :", "duramen", metavar="NAME",
        default="duramen, or duramen-channel and the like for one kind",
    ),
]  # fmt: skip
