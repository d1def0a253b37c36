"""Words on a command line come in; the command that they name is run.

Nothing heavy is imported here, so that --help is quick: the options of a command are built when it is named.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup

from duramen.cli.ending import ending_in_a_sentence


class Command(NamedTuple):
    """What ``--help`` says of a command."""

    summary: str
    example: str


COMMANDS = {
    "check": Command(
        "Read orders and show what they are, how they were read and what is unusual in them; nothing is trained.",
        "duramen check orders.csv, or duramen check orders.csv --json > orders.json",
    ),
    "train": Command(
        "Fit the models to orders, evaluate them on a holdout, rank the customers, and save models and ranking.",
        "duramen train orders.csv --model-out model/ --report report.html",
    ),
    "score": Command(
        "Rank the customers of orders with a saved model.",
        "duramen score orders.csv --model model/ --cutoff 2011-06-01 --out scores.parquet",
    ),
    "report": Command(
        "Rank the customers of orders with a saved model and write the report, one HTML page for a browser.",
        "duramen report orders.csv --model model/ --out report.html",
    ),
    "lists": Command(
        "List whom to call within a budget, whom to win back, who is new in the rising tier and who is below "
        "break-even.",
        "duramen lists orders.csv --model model/ --offer-cost 10 --contact-cost 1 --budget 5000 --out lists/",
    ),
    "base": Command(
        "Explain why revenue changed between two periods, and how value, core, cohorts and costs of the customer base "
        "developed.",
        "duramen base orders.csv --from 2011-07-01 --to 2011-09-30 --out base/",
    ),
    "backtest": Command(
        "Compare the model with plain baselines at several past cutoffs, each trained only on what lay before it.",
        "duramen backtest orders.csv --horizon 182d --cutoffs 3 --out backtest/",
    ),
    "consistency": Command(
        "Check at past cutoffs and on the last day that tiers, segments, stages and growth of a ranking agree, and how "
        "often they came true.",
        "duramen consistency orders.csv --horizon 91d --cutoffs 4",
    ),
    "audit": Command(
        "Examine any segments of customers by the seven ways in which segmentations go wrong.",
        "duramen audit segments.csv --transactions orders.csv --cutoff 2011-06-01 --out audit.html",
    ),
    "monitor": Command(
        "Measure drift since training and compare earlier scores with outcomes; exit status 3 if a limit is exceeded.",
        "duramen monitor orders.csv --model model/ --scores scores-1998-01.parquet",
    ),
    "promote": Command(
        "Register a model as challenger; it becomes champion if it is clearly better than the present one on later "
        "purchases.",
        "duramen promote model/ orders.csv, and then duramen score orders.csv --model models:/duramen@champion",
    ),
    "rollback": Command("Make the previous champion the champion again.", "duramen rollback --name duramen"),
    "demo": Command(
        "Train on the purchases of 23,570 CDNOW customers, and write a ranking, a report and a model.",
        "duramen demo --out duramen-demo",
    ),
}


class _Commands(TyperGroup):
    """The commands; the options of one are built when it is to run, or to show its help."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        from duramen.cli.command import build_command

        name, _, rest = super().resolve_command(ctx, args)
        return name, build_command(str(name), *COMMANDS[str(name)]), rest


app = typer.Typer(
    name="duramen",
    cls=_Commands,
    help="Find the core customers of a business in its transactions, and explain why each is one.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # rich takes twice as long to import as the rest of --help together
    pretty_exceptions_enable=False,
)


def _without_options() -> None:
    """Stand for a command where only its name and its summary are shown."""


for _name, _command in COMMANDS.items():
    app.command(_name, help=_command.summary)(_without_options)


def main() -> None:
    """Run the command line; what the user must fix is one sentence and exit status 2."""
    # Threads that spin while they wait make training ten times slower where anything else runs on the machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    with ending_in_a_sentence():
        app()
