"""The configuration of each command: its settings, their types, bounds and defaults, and what does not go together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from duramen.cli.config.options import (
    EXPERIMENT,
    ORDERS,
    AsJson,
    Columns,
    Conditions,
    CostToServe,
    Day,
    Days,
    Experiment,
    File,
    Horizon,
    Kind,
    KindOrGroups,
    KindOrTogether,
    Memory,
    Model,
    ModelName,
    Names,
    OneCutoff,
    OneHorizon,
    Report,
    Seed,
    SegmentWeights,
    Texts,
    TimeZone,
    column,
    earlier_ranking,
    folder,
)
from duramen.cli.config.settings import Config, Finite, Option, Text
from duramen.cli.config.tables import (
    ForecastTable,
    MarketTable,
    MonitorTable,
    PortfolioTable,
    PromotionTable,
    TiersTable,
)
from duramen.errors import InputError


class ReadingConfig(Config):
    """How orders are read."""

    customer_id: Annotated[Text | None, column("the customer id")] = None
    date: Annotated[Text | None, column("the date")] = None
    amount: Annotated[Text | None, column("the net amount, or two to multiply as in Quantity*Price")] = None
    amount_per: Annotated[
        Literal["line", "order"] | None,
        Option(
            "What an amount is of: order where each line repeats the total of its order.", "line or order", "order",
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


class CheckConfig(OrdersConfig):
    """Settings of ``duramen check``."""

    as_json: AsJson = False


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
    seed: Seed = 0
    experiment: Experiment = EXPERIMENT
    tiers: Annotated[TiersTable, AfterValidator(_check_tiers)] | None = None
    segment_weights: SegmentWeights | None = None
    portfolio: PortfolioTable = PortfolioTable()
    forecast: ForecastTable = ForecastTable()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.cost_to_serve and not self.report:
            raise InputError(
                "costs to serve change the ranking, not the model, and without --report training makes no ranking; add "
                "a report, or give the costs to duramen score."
            )
        return self


class ScoreConfig(OrdersConfig):
    """Settings of ``duramen score``."""

    model: Model = "model"
    out: Annotated[
        Text,
        Option(
            "Parquet or CSV file to write, or a table: duckdb://file.db/table, "
            "postgresql://user@host/database/table (password by PGPASSWORD).",
            "a file or a table", "scores.parquet", metavar="PLACE",
        ),
    ] = "scores.parquet"  # fmt: skip
    cutoff: OneCutoff = None
    report: Report = None
    explanations: Annotated[
        File | None,
        Option(
            "Parquet file for every factor and term of every customer.", "a Parquet file", "why.parquet",
            metavar="FILE",
        ),
    ] = None  # fmt: skip
    kind: KindOrGroups = None
    cost_to_serve: CostToServe = None
    reasons: Annotated[
        Literal["all", "core", "none"],
        Option(
            "Customers who are given reasons: all, core or none; most of the time goes there.",
            "one of all, core, none", "core", metavar="WHO",
        ),
    ] = "all"  # fmt: skip
    previous_scores: Annotated[Text | None, earlier_ranking()] = None
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
    tiers: TiersTable | None = None
    portfolio: PortfolioTable = PortfolioTable()
    market: MarketTable = MarketTable()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.report and self.reasons != "all":
            raise InputError(
                "a report shows the reasons of customers of all tiers; leave --reasons or --report out."
            )
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


def _money(help: str, example: str = "10", default: str = "") -> Option:
    return Option(help, "an amount of money", example, metavar="MONEY", default=default)


def _most(help: str) -> Option:
    return Option(help, "a whole number from 1 on", "500", metavar="N", default="no limit")


ContactCost = Annotated[Finite, Field(ge=0), _money("What it costs to reach a customer.", "1")]
Acceptance = Annotated[
    float | None,
    Field(gt=0, le=1),
    Option(
        "Share of leaving customers who accept the offer.", "a number above 0 to 1", "0.2", metavar="SHARE",
        default="0.3, the published mean",
    ),
]  # fmt: skip


class ListsConfig(OrdersConfig):
    """Settings of ``duramen lists``."""

    offer_cost: Annotated[Finite, Field(ge=0), _money("What the offer costs where a customer takes it.")]
    contact_cost: ContactCost = 0.0
    acceptance: Acceptance = None
    budget: Annotated[
        Finite | None,
        Field(gt=0),
        _money("Expected cost of the call list, at most: contacts, and offers taken.", "5000", "no limit"),
    ] = None
    contacts: Annotated[int | None, Field(ge=1), _most("Customers on the call list, at most.")] = None
    win_back_acceptance: Annotated[
        float | None,
        Field(gt=0, le=1),
        Option(
            "Share of lapsed customers who accept the offer.", "a number above 0 to 1", "0.1", metavar="SHARE",
            default="as for the call list",
        ),
    ] = None  # fmt: skip
    win_back_budget: Annotated[
        Finite | None,
        Field(gt=0),
        _money("Expected cost of the win-back list, at most.", "2000", "no limit"),
    ] = None
    win_back_contacts: Annotated[
        int | None, Field(ge=1), _most("Customers on the win-back list, at most.")
    ] = None
    previous_scores: Annotated[
        Text | None,
        earlier_ranking(", and only customers who were not rising or core then are newly rising"),
    ] = None
    model: Model = "model"
    out: Annotated[File, folder("Folder for the lists.", "lists")] = Path("lists")
    cutoff: OneCutoff = None
    kind: KindOrGroups = None
    cost_to_serve: CostToServe = None
    tiers: TiersTable | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.offer_cost + self.contact_cost:
            raise InputError(
                "--offer-cost and --contact-cost are both 0: what costs nothing can go to everybody; give what the "
                "offer or the contact costs."
            )
        return self


class BaseConfig(OrdersConfig):
    """Settings of ``duramen base``."""

    first_day: Annotated[
        Day | None,
        Option(
            "First day of the period whose revenue is compared with that of the period before, as long.", "a day",
            "2011-06-01", metavar="DAY", flag="--from", default="91 days before the end",
        ),
    ] = None  # fmt: skip
    last_day: Annotated[
        Day | None,
        Option(
            "Last day of that period.", "a day", "2011-08-30", metavar="DAY", flag="--to", default="the last day"
        ),
    ] = None  # fmt: skip
    model: Annotated[
        Text | None,
        Option(
            "A trained model, for what is expected: money that comes back, customers below break-even, whom to keep.",
            "a folder or an MLflow URI", "model", metavar="MODEL",
        ),
    ] = None  # fmt: skip
    acquisition_cost: Annotated[
        Finite | None, Field(gt=0), _money("What it costs to win a customer.", "12")
    ] = None
    margin: Annotated[
        float | None,
        Field(gt=0, le=1),
        Option(
            "Share of net money that is left after the goods are paid.", "a number above 0 to 1", "0.4",
            metavar="SHARE", default="1, where amounts are margins",
        ),
    ] = None  # fmt: skip
    order_cost: Annotated[Finite, Field(ge=0), _money("What serving an order costs.", "4")] = 0.0
    return_cost: Annotated[Finite, Field(ge=0), _money("What serving a return costs.", "6")] = 0.0
    customer_cost: Annotated[
        Finite,
        Field(ge=0),
        _money("What serving a customer costs over the horizon, whatever is bought.", "2"),
    ] = 0.0
    cheaper_service: Annotated[
        float | None,
        Field(ge=0, le=1),
        Option(
            "Cost of a cheaper service for customers below break-even, as a share of the present one.",
            "a number from 0 to 1", "0.5", metavar="SHARE",
        ),
    ] = None  # fmt: skip
    minimum_order: Annotated[
        Finite | None, Field(gt=0), _money("The smallest order that would be taken.", "25")
    ] = None
    complete_history: Annotated[
        bool,
        Option(
            "The orders begin with the business: every first purchase is in them.", "true or false", "true"
        ),
    ] = False
    offer_cost: Annotated[
        Finite, Field(ge=0), _money("What an offer to stay costs where a customer takes it.")
    ] = 0.0
    contact_cost: ContactCost = 0.0
    acceptance: Acceptance = None
    campaign: Annotated[
        Text | None,
        Option(
            "CSV or Parquet of a randomised campaign: customer_id, treated (1 or 0) and date.", "a CSV or Parquet file",
            "campaign.csv", metavar="FILE",
        ),
    ] = None  # fmt: skip
    reward_budget: Annotated[
        Finite | None, Field(gt=0), _money("Money for the rewards of a club over the horizon.", "5000")
    ] = None
    out: Annotated[File, folder("Folder for the page and its tables.", "base")] = Path("base")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise InputError(f"--to is {self.last_day}, before --from {self.first_day}; give a later day.")
        return self


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


class RollbackConfig(Config):
    """Settings of ``duramen rollback``."""

    name: ModelName = None
    kind: Annotated[
        Kind | None,
        Option(
            "Kind of customers of the champion, where the name is the default.",
            "one of channel, end, together, consumer, business", "end", metavar="KIND",
        ),
    ] = None  # fmt: skip


class DemoConfig(Config):
    """Settings of ``duramen demo``."""

    out: Annotated[File, folder("Folder for the ranking, the report and the model.", "duramen-demo")] = Path(
        "duramen-demo"
    )


CONFIGS: dict[str, type[Config]] = {
    "check": CheckConfig,
    "train": TrainConfig,
    "score": ScoreConfig,
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
