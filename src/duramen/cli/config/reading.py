"""How orders are read by every command that reads them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from duramen.cli.config.options import (
    ORDERS,
    Columns,
    Conditions,
    Language,
    Memory,
    Names,
    TimeZone,
    Verbose,
    column,
)
from duramen.cli.config.settings import Config, Option, Text


class ShownConfig(Config):
    """How much of its result a command shows, and in which language."""

    lang: Language = "en"
    verbose: Verbose = False


class ReadingConfig(ShownConfig):
    """How orders are read."""

    customer_id: Annotated[Text | None, column("the customer id")] = None
    date: Annotated[Text | None, column("the date")] = None
    amount: Annotated[Text | None, column("the net amount, or two to multiply as in Quantity*Price")] = None
    amount_per: Annotated[
        Literal["line", "order"] | None,
        Option(
            "What each amount covers: line, or order if each line repeats the total of its order.",
            "line or order", "order",
            metavar="WHAT", default="line",
        ),
    ] = None  # fmt: skip
    columns: Annotated[
        Columns | None,
        Option(
            "Another column (order, product, category, quantity, discount, cost, ...); may be given again.",
            "a role and the name of its column", "order=InvoiceNo", metavar="ROLE=NAME", flag="--column",
        ),
    ] = None  # fmt: skip
    customers: Annotated[
        Text | None,
        Option(
            "CSV or Parquet about customers: kind, household or firm. Internal ones are set aside, and members of a "
            "household are one customer.",
            "a CSV or Parquet file", "customers.csv", metavar="FILE",
        ),
    ] = None  # fmt: skip
    date_format: Annotated[
        Literal["iso", "compact", "day-first", "month-first", "year-first", "month-name", "epoch", "excel"] | None,
        Option(
            "iso, compact, day-first, month-first, year-first, month-name, epoch or excel.",
            "one of iso, compact, day-first, month-first, year-first, month-name, epoch, excel", "day-first",
            metavar="FORMAT", default="found in the data",
        ),
    ] = None  # fmt: skip
    time_zone: Annotated[
        TimeZone | None,
        Option(
            "Time zone whose days count for times with a zone or an offset.", "a time zone", "Europe/Berlin",
            metavar="ZONE", default="UTC, with an offset the day as written",
        ),
    ] = None  # fmt: skip
    decimal: Annotated[
        Literal[".", ","] | None,
        Option(
            "Decimal mark of numbers in text files.", "'.' or ','", "','", metavar="MARK", default="found in the data"
        ),
    ] = None  # fmt: skip
    currency: Annotated[
        Text | None,
        Option("Currency to use, and the name of the unit of money.", "the code of a currency", "USD", metavar="CODE"),
    ] = None  # fmt: skip
    where: Annotated[
        Conditions | None,
        Option(
            "Rows to use, such as Country=Germany,France or Channel!=wholesale or Quantity>=10; may be given again, "
            "and all must be met.",
            "a condition on a column", "Country=Germany,France", metavar="CONDITION",
        ),
    ] = None  # fmt: skip
    status_used: Annotated[
        Names | None,
        Option(
            "Order statuses that count as sales, separated by commas; may be given again.",
            "statuses of the orders", "paid,shipped", metavar="STATUSES", default="by what their words mean",
        ),
    ] = None  # fmt: skip
    service_lines: Annotated[
        Literal["keep", "drop"],
        Option(
            "Whether lines whose product code says postage, fee, voucher or correction count: keep or drop.",
            "keep or drop", "drop", metavar="CHOICE",
        ),
    ] = "keep"  # fmt: skip
    exchange_rates: Annotated[
        Text | None,
        Option(
            "CSV or Parquet with date, currency and rate, by which all money becomes --currency.",
            "a CSV or Parquet file", "rates.csv", metavar="FILE",
        ),
    ] = None  # fmt: skip
    hash_ids: Annotated[
        Text | None,
        Option(
            "File with a secret salt, by which customer ids are hashed; it is created where there is none.",
            "a file", "salt.txt", metavar="FILE",
        ),
    ] = None  # fmt: skip
    memory_limit: Annotated[
        Memory | None,
        Option("Memory that DuckDB may use, for example 4GB.", "an amount of memory", "4GB", metavar="AMOUNT"),
    ] = None  # fmt: skip
    threads: Annotated[
        int | None,
        Field(ge=1),
        Option("Processor threads to use.", "a whole number from 1 on", "4", metavar="N", default="all"),
    ] = None


class ModelledConfig(ReadingConfig):
    """How orders are read that models learn from or score."""

    features: Annotated[
        Text | None,
        Option(
            "CSV or Parquet with columns of your own about customers for the models, each row known from a day on.",
            "a CSV or Parquet file", "features.csv", metavar="FILE",
        ),
    ] = None  # fmt: skip


class OrdersConfig(ModelledConfig):
    """Orders, and how they are read."""

    orders: Annotated[
        Text, Option(ORDERS, "a file, a folder or a table of orders", "orders.csv", argument=True)
    ]
