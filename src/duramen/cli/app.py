"""Words on a command line come in; the commands are called with them.

Nothing heavy is imported here, so that --help is quick.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="duramen",
    help="Find the core customers of a business in its transactions, and explain why each is one.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # rich takes twice as long to import as the rest of --help together
    pretty_exceptions_enable=False,
)

Orders = Annotated[
    str | None,
    typer.Argument(
        help="A CSV or Parquet file, a folder of either, duckdb://file.db/table, or dataset:cdnow. "
        "Can stand in the --config file.",
        show_default=False,
    ),
]
CustomerId = Annotated[str | None, typer.Option(help="Column of the customer id; usual names are found.")]
DateColumn = Annotated[str | None, typer.Option("--date", help="Column of the date; usual names are found.")]
Amount = Annotated[str | None, typer.Option(help="Column of the net amount; usual names are found.")]
Column = Annotated[
    list[str] | None,
    typer.Option(
        help="Another column as ROLE=NAME (order, product, category, quantity, discount, cost, ...)."
    ),
]
Customers = Annotated[
    str | None,
    typer.Option(
        help="CSV or Parquet about customers: kind, household or firm. Internal ones are set aside, and members "
        "of a household are one customer."
    ),
]
Kind = Annotated[
    str | None,
    typer.Option(
        help="Whom to take: channel, end, consumer or business customers alone, or together as one. [default: channel "
        "and end customers apart, where both are told]"
    ),
]
OneKind = Annotated[
    str | None,
    typer.Option(
        help="Whom to take: channel, end, consumer or business customers alone. [default: together as one]"
    ),
]
DateFormat = Annotated[str | None, typer.Option(help="iso, compact, day-first or month-first.")]
Decimal = Annotated[str | None, typer.Option(help="Decimal mark of numbers in text files.")]
Currency = Annotated[str | None, typer.Option(help="Currency to use, and the name of the unit of money.")]
Config = Annotated[
    Path | None, typer.Option(help="TOML file with any of these options; the command line wins.")
]
Cutoff = Annotated[
    str | None, typer.Option(help="First day that is not history. [default: the day after the last row]")
]
CostToServe = Annotated[
    str | None,
    typer.Option(
        help="CSV or Parquet with customer_id and cost_to_serve, in money over the horizon, for the ranking."
    ),
]
Threads = Annotated[int | None, typer.Option(help="Processor threads to use. [default: all]")]
MemoryLimit = Annotated[str | None, typer.Option(help="What DuckDB may hold in memory, for example 4GB.")]


@app.command(
    epilog="Example: duramen train orders.csv --cutoff 2011-06-01 --horizon 183d --model-out model/",
)
def train(
    orders: Orders = None,
    cutoff: Cutoff = None,
    horizon: Annotated[
        str | None, typer.Option(help="Days or weeks to forecast: 183d, 26w. [default: chosen from the data]")
    ] = None,
    model_out: Annotated[
        Path | None, typer.Option(help="Folder for the saved model. [default: model]")
    ] = None,
    previous: Annotated[
        str | None,
        typer.Option(
            help="The model in use, a folder or an MLflow URI: segments that go on keep their numbers."
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="HTML report to write as well.")] = None,
    customer_id: CustomerId = None,
    date: DateColumn = None,
    amount: Amount = None,
    column: Column = None,
    customers: Customers = None,
    kind: Kind = None,
    date_format: DateFormat = None,
    decimal: Decimal = None,
    currency: Currency = None,
    growth_weight: Annotated[
        float | None,
        typer.Option(help="Weight of growth potential in the score; learned where none is given."),
    ] = None,
    cost_to_serve: CostToServe = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all that is random.")] = None,
    memory_limit: MemoryLimit = None,
    config: Config = None,
) -> None:
    """Fit the models to orders, judge them on held-out purchases, save them and record them in MLflow."""
    from duramen.cli import train as command
    from duramen.cli.config import read_options

    options = read_options(
        config,
        orders=orders, cutoff=cutoff, horizon=horizon, model_out=model_out, previous=previous, report=report,
        customer_id=customer_id, date=date, amount=amount, columns=column, customers=customers, kind=kind,
        date_format=date_format, decimal=decimal, currency=currency, growth_weight=growth_weight,
        cost_to_serve=cost_to_serve, seed=seed, memory_limit=memory_limit,
    )  # fmt: skip
    command.train(options)


@app.command(
    epilog="Example: duramen score orders.csv --model model/ --cutoff 2011-06-01 --out scores.parquet",
)
def score(
    orders: Orders = None,
    model: Annotated[
        str | None, typer.Option(help="Folder, or MLflow URI: models:/duramen@champion, runs:/RUN/model.")
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            help="Parquet or CSV file to write, or a table: duckdb://file.db/table, "
            "postgresql://user@host/database/table (password by PGPASSWORD). [default: scores.parquet]"
        ),
    ] = None,
    cutoff: Cutoff = None,
    report: Annotated[Path | None, typer.Option(help="HTML report to write as well.")] = None,
    explanations: Annotated[
        Path | None, typer.Option(help="Parquet file for every factor and term of every customer.")
    ] = None,
    customer_id: CustomerId = None,
    date: DateColumn = None,
    amount: Amount = None,
    column: Column = None,
    customers: Customers = None,
    kind: Kind = None,
    date_format: DateFormat = None,
    decimal: Decimal = None,
    currency: Currency = None,
    cost_to_serve: CostToServe = None,
    reasons: Annotated[
        str | None,
        typer.Option(help="Who is explained: all, core or none; most of the time goes there. [default: all]"),
    ] = None,
    incremental: Annotated[
        Path | None,
        typer.Option(
            help="Parquet file that keeps what was scored: the next run at the same cutoff scores only customers "
            "whose orders changed, with the same result."
        ),
    ] = None,
    memory_limit: MemoryLimit = None,
    threads: Threads = None,
    engine: Annotated[
        str | None,
        typer.Option(help="duckdb, or spark, which reads and writes what Spark does. [default: duckdb]"),
    ] = None,
    master: Annotated[
        str | None, typer.Option(help="Master of Spark: local[2], yarn, spark://host:7077.")
    ] = None,
    config: Config = None,
) -> None:
    """Rank the customers of orders with a saved model."""
    from duramen.cli import score as command
    from duramen.cli.config import read_options

    options = read_options(
        config,
        orders=orders, cutoff=cutoff, model=model, out=out, report=report, explanations=explanations,
        customer_id=customer_id, date=date, amount=amount, columns=column, customers=customers, kind=kind,
        date_format=date_format, decimal=decimal, currency=currency, cost_to_serve=cost_to_serve,
        reasons=reasons, incremental=incremental, memory_limit=memory_limit, threads=threads, engine=engine,
        master=master,
    )  # fmt: skip
    command.score(options)


@app.command(
    epilog="Example: duramen backtest orders.csv --horizon 182d --cutoffs 3 --out backtest/",
)
def backtest(
    orders: Orders = None,
    horizon: Annotated[
        str | None, typer.Option(help="Days or weeks to forecast: 183d, 26w. [default: chosen from the data]")
    ] = None,
    cutoff: Annotated[
        list[str] | None,
        typer.Option(
            help="A day to forecast from; may be given again. [default: the latest with a complete horizon, and "
            "earlier ones half a horizon apart]"
        ),
    ] = None,
    cutoffs: Annotated[
        int | None, typer.Option(help="How many cutoffs where none is given. [default: 3]")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the tables and figures. [default: backtest]")
    ] = None,
    customer_id: CustomerId = None,
    date: DateColumn = None,
    amount: Amount = None,
    column: Column = None,
    customers: Customers = None,
    kind: OneKind = None,
    date_format: DateFormat = None,
    decimal: Decimal = None,
    currency: Currency = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all that is random.")] = None,
    memory_limit: MemoryLimit = None,
    config: Config = None,
) -> None:
    """Judge the model beside plain baselines at several past cutoffs, each trained only on what lay before it."""
    from duramen.cli import backtest as command
    from duramen.cli.config import read_options

    options = read_options(
        config,
        orders=orders, horizon=horizon, cutoff=cutoff, cutoffs=cutoffs, out=out,
        customer_id=customer_id, date=date, amount=amount, columns=column, customers=customers, kind=kind,
        date_format=date_format, decimal=decimal, currency=currency, seed=seed, memory_limit=memory_limit,
    )  # fmt: skip
    command.backtest(options)


@app.command(
    epilog="Example: duramen audit segments.csv --transactions orders.csv --cutoff 2011-06-01 --out audit.html",
)
def audit(
    segments: Annotated[
        str | None, typer.Argument(help="CSV or Parquet with customer_id and segment.", show_default=False)
    ] = None,
    transactions: Annotated[
        str | None,
        typer.Option(help="The orders: a file, a folder, duckdb://file.db/table, or dataset:cdnow."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="HTML page to write; its table goes beside it. [default: audit.html]"),
    ] = None,
    segment: Annotated[str | None, typer.Option(help="Column of the label. [default: segment]")] = None,
    treatment: Annotated[
        str | None,
        typer.Option(help="CSV or Parquet with segment and treatment, or a column. [default: treatment]"),
    ] = None,
    assigned_on: Annotated[
        str | None, typer.Option(help="Day of the labels. [default: the column assigned_on, if any]")
    ] = None,
    previous: Annotated[
        Path | None, typer.Option(help="An earlier file of the same kind, for how stable the labels are.")
    ] = None,
    cutoff: Annotated[
        str | None,
        typer.Option(help="First day the labels know nothing of. [default: the day of the labels]"),
    ] = None,
    horizon: Annotated[
        str | None, typer.Option(help="Days or weeks that labels should foretell: 91d, 26w.")
    ] = None,
    customer_id: CustomerId = None,
    date: DateColumn = None,
    amount: Amount = None,
    column: Column = None,
    date_format: DateFormat = None,
    decimal: Decimal = None,
    currency: Currency = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all that is random.")] = None,
    memory_limit: MemoryLimit = None,
    config: Config = None,
) -> None:
    """Examine anybody's segments by the seven ways in which segmentations go wrong."""
    from duramen.cli import audit as command
    from duramen.cli.config import read_options

    options = read_options(
        config,
        segments=segments, orders=transactions, out=out, segment=segment, treatment=treatment,
        assigned_on=assigned_on, previous=previous, cutoff=cutoff, horizon=horizon,
        customer_id=customer_id, date=date, amount=amount, columns=column, date_format=date_format,
        decimal=decimal, currency=currency, seed=seed, memory_limit=memory_limit,
    )  # fmt: skip
    command.audit(options)


Name = Annotated[
    str | None,
    typer.Option(help="Registered model. [default: duramen, or duramen-channel and the like for one kind]"),
]


@app.command(
    epilog="Example: duramen promote model/ orders.csv, and then duramen score orders.csv --model "
    "models:/duramen@champion",
)
def promote(
    model: Annotated[
        str | None,
        typer.Argument(
            help="The challenger: a folder, runs:/RUN/model or models:/NAME/VERSION. [default: model]",
            show_default=False,
        ),
    ] = None,
    orders: Annotated[
        str | None,
        typer.Argument(
            help="Orders that reach a whole horizon beyond what challenger and champion learned from: a file, a "
            "folder, duckdb://file.db/table, or dataset:cdnow. The first champion needs none.",
            show_default=False,
        ),
    ] = None,
    name: Name = None,
    metric: Annotated[
        str | None, typer.Option(help="What decides. [default: value captured at top 20 %]")
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(help="How much better a challenger must surely be, in the metric's unit. [default: 0]"),
    ] = None,
    cutoff: Annotated[
        str | None,
        typer.Option(help="Day from which both forecast. [default: the latest with a complete horizon]"),
    ] = None,
    customer_id: CustomerId = None,
    date: DateColumn = None,
    amount: Amount = None,
    column: Column = None,
    customers: Customers = None,
    kind: OneKind = None,
    date_format: DateFormat = None,
    decimal: Decimal = None,
    currency: Currency = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all that is random.")] = None,
    memory_limit: MemoryLimit = None,
    config: Config = None,
) -> None:
    """Register a model as challenger; it becomes champion if it surely beats the one there is on later purchases."""
    from duramen.cli import promote as command
    from duramen.cli.config import read_options

    options = read_options(
        config,
        model=model, orders=orders, name=name, cutoff=cutoff,
        customer_id=customer_id, date=date, amount=amount, columns=column, customers=customers, kind=kind,
        date_format=date_format, decimal=decimal, currency=currency, seed=seed, memory_limit=memory_limit,
    )  # fmt: skip
    # Single settings of a table; those of the file that are not given here stay.
    given = {key: value for key, value in (("metric", metric), ("margin", margin)) if value is not None}
    command.promote(options | {"promotion": options.get("promotion", {}) | given})


@app.command(epilog="Example: duramen rollback --name duramen")
def rollback(
    name: Name = None,
    kind: Annotated[
        str | None, typer.Option(help="Whose champion, where the name is the default: channel, end, ...")
    ] = None,
    config: Config = None,
) -> None:
    """Make the champion before the champion again."""
    from duramen.cli import promote as command
    from duramen.cli.config import read_options

    command.rollback(read_options(config, name=name, kind=kind))


@app.command(epilog="Example: duramen demo --out duramen-demo")
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the ranking, the report and the model.")] = Path(
        "duramen-demo"
    ),
) -> None:
    """Train on the purchases of 23,570 CDNOW customers and show everything that comes out."""
    from duramen.cli import demo as command

    command.demo(out)


def main() -> None:
    """Run the command line; what the user must mend is one sentence and exit status 2."""
    from duramen.errors import InputError

    # Threads that spin while they wait make training ten times slower where anything else runs on the machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app()
    except InputError as error:
        typer.secho(f"duramen: {error}", err=True, fg="red")
        sys.exit(2)
    except Exception as error:
        # Looked up by name: DuckDB takes long to import, and was if it has run out.
        if type(error).__name__ != "OutOfMemoryException":
            raise
        told = str(error).split("\n")[0]
        typer.secho(
            f"duramen: DuckDB has too little memory ({told}); raise --memory-limit.", err=True, fg="red"
        )
        sys.exit(2)
    except KeyboardInterrupt:
        typer.secho("duramen: interrupted; nothing was left half-written.", err=True)
        sys.exit(130)
