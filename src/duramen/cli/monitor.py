"""A model, orders up to now and earlier scores come in; drift, forecasts beside outcomes and alarms go out."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import typer
from rich import box
from rich.table import Table

from duramen.cli.config.commands import MonitorConfig
from duramen.cli.inputs import choose_cutoff, load_model, one_model, orders_of_model
from duramen.cli.recording import UNRECORDED, recorded
from duramen.cli.terminal import console, show_heading, show_run, step, warn
from duramen.report.numbers import sentence_of

if TYPE_CHECKING:
    from duramen.analysis.monitoring import Monitoring
    from duramen.scoring.model import CoreCustomerModel

# The exit status where a figure is beyond its limit.
ALARM = 3
# Features and scores that the terminal shows, furthest first.
SHOWN = 8


def monitor(config: MonitorConfig) -> None:
    """Measure drift since training and compare earlier scores with outcomes; end with status 3 on an alarm."""
    from duramen.analysis.earlier_scores import read_earlier_scores
    from duramen.analysis.monitoring import monitor as compare_with_training
    from duramen.tracking.record import record_monitoring
    from duramen.tracking.store import refuse_unwritable_store

    refuse_unwritable_store()
    with _quiet(config.as_json):
        earlier = [read_earlier_scores(place) for place in dict.fromkeys(config.scores or ())]
        address = one_model(config.model, config.kind)
        model = load_model(address)
        tx = orders_of_model(config.orders, config, address, config.kind, [model])
        cutoff = choose_cutoff(tx, config.cutoff)
        with step("Measuring drift, and comparing earlier scores with outcomes"):
            found = compare_with_training(
                model,
                tx,
                earlier,
                cutoff=cutoff,
                since=config.since,
                limits=config.monitor.limits(),
                seed=config.seed,
            )
        run = recorded(
            lambda: record_monitoring(
                found,
                tx,
                experiment=config.experiment,
                kind=config.kind or "",
                configuration=config.recorded(),
            )
        )
        commands = _next_commands(config, model, cutoff) if found.alarms else []
        _show(found, commands)
        if run is not None:
            show_run(run)
    if config.as_json:
        content = found.to_dict() | {"next": commands, "run": None if run is None else run.run_id}
        typer.echo(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))
    if found.alarms:
        raise SystemExit(ALARM)
    if run is None:
        raise SystemExit(UNRECORDED)


@contextmanager
def _quiet(as_json: bool) -> Iterator[None]:
    """Show nothing where JSON is asked for and nothing else."""
    before, console.quiet = console.quiet, as_json
    try:
        yield
    finally:
        console.quiet = before


def _next_commands(config: MonitorConfig, model: CoreCustomerModel, cutoff: date) -> list[str]:
    """Return the commands that would bring another model into use; how orders are read is to be added as before."""
    orders, kind = shlex.quote(config.orders), f" --kind {config.kind}" if config.kind else ""
    if config.challenger is not None:
        return [f"duramen promote {shlex.quote(config.challenger)} {orders}{kind}"]
    horizon = model.window_.horizon
    # One horizon before now, so that the outcomes are there to compare the challenger on.
    learned, when = cutoff - timedelta(days=horizon), ""
    if learned <= model.window_.cutoff:
        # That challenger would know no more than the model: it learns up to now, and is compared later.
        learned, when = cutoff, f"  # with orders up to {cutoff + timedelta(days=horizon - 1)}"
    return [
        f"duramen train {orders} --cutoff {learned} --horizon {horizon}d --model-out challenger{kind}",
        f"duramen promote challenger {orders}{kind}{when}",
    ]


def _show(found: Monitoring, commands: list[str]) -> None:
    """Show drift, forecasts beside outcomes, and each alarm with what to do."""
    if len(found.drift):
        show_heading(f"Drift from {found.since} to {found.cutoff}: population stability index")
        console.print(_drift_table(found.drift.head(SHOWN)))
        console.print(
            f"The {min(SHOWN, len(found.drift))} of {len(found.drift)} with the most drift. At least: the lower end of "
            "the 95 % interval. Usual: drift over the same number of days before. Without a limit the usual drift is "
            "not known, so there is no alarm.",
            style="dim", highlight=False, soft_wrap=True,
        )  # fmt: skip
    for place, rows in found.realised.groupby("scores", sort=False):
        first = rows.iloc[0]
        show_heading(
            f"{place}: {first['customers']:,} customers, {first['horizon_days']} days from {first['cutoff']}"
        )
        console.print(
            f"Predicted {first['predicted']:,.0f} {found.unit}, actual {first['actual']:,.0f} {found.unit}.",
            highlight=False,
        )
        console.print(_realised_table(rows))
    for note in found.notes:
        warn(sentence_of(MonitorConfig.in_flags(note)))
    for alarm in found.alarms:
        console.print(
            f"Alarm: {alarm.sentence}", style="bold red", highlight=False, markup=False, soft_wrap=True
        )
    if not len(found.drift) and found.realised.empty:
        console.print("Nothing was compared, so no alarm can be given.", style="yellow")
    elif not found.alarms:
        console.print("No alarm.", style="bold green")
    for command in commands:
        console.print(f"  next: {command}", style="dim", highlight=False, markup=False, soft_wrap=True)


def _drift_table(drift: pd.DataFrame) -> Table:
    table = _table("", "index", "at least", "usual", "limit")
    for row in drift.itertuples(index=False):
        cells = (row.psi, row.low, row.usual, row.limit)
        table.add_row(str(row.name), *map(_figure, cells), style="red" if row.alarm else "")
    return table


def _realised_table(rows: pd.DataFrame) -> Table:
    table = _table("", "figure", "interval", "holdout", "limit")
    for row in rows.itertuples(index=False):
        ends = [_figure(end) for end in (row.low, row.high)]
        interval = " to ".join(filter(None, ends))
        cells = (_figure(row.figure), interval, _figure(row.holdout), _figure(row.limit))
        table.add_row(str(row.metric), *cells, style="red" if row.alarm else "")
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _figure(figure: Any) -> str:
    """Write a figure in three digits, and a missing one as nothing."""
    return "" if pd.isna(figure) else f"{figure:,.3f}"
