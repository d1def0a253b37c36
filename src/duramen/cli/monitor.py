"""A model, orders up to now and earlier scores come in; drift, forecasts beside outcomes and alarms go out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import typer
from rich.table import Table

from duramen.cli.config.monitor import MonitorConfig
from duramen.cli.inputs import choose_cutoff, load_model, one_model, orders_of_model
from duramen.cli.next_commands import command_line, orders_command, reading_words, store_commands
from duramen.cli.progress import step
from duramen.cli.recording import UNRECORDED, recorded
from duramen.cli.terminal import (
    console,
    new_table,
    show_bold,
    show_dim,
    show_lines,
    show_next,
    show_notes,
    show_run,
    show_table,
)
from duramen.data.money_unit import unit_in_words
from duramen.language import say, say_count, translated
from duramen.report.numbers import capital

if TYPE_CHECKING:
    from duramen.analysis.monitoring import Monitoring
    from duramen.scoring.model import CoreCustomerModel

# The exit status where a figure is beyond its limit.
ALARM = 3
# Features and scores that the terminal shows, furthest first, and alarms of a summary.
SHOWN, SHOWN_BRIEFLY, ALARMS_SHOWN = 8, 4, 2
# A note begins with the place of the scores, which may be long.
PLACED_NOTE_LINES = 4


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
        with step(say("Measuring drift, and comparing earlier scores with outcomes")):
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
        _show(found, verbose=config.verbose)
        if run is not None:
            show_run(run)
        show_next([*commands, *store_commands(run)])
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
    """Return the commands that would bring another model into use."""
    kind = [] if config.kind is None else ["--kind", config.kind]
    if config.challenger is not None:
        return [_promote_command(config, config.challenger, kind)]
    horizon = model.window_.horizon
    # One horizon before now, so that the outcomes are there to compare the challenger on.
    learned, when = cutoff - timedelta(days=horizon), ""
    if learned <= model.window_.cutoff:
        # That challenger would know no more than the model: it learns up to now, and is compared later.
        last = cutoff + timedelta(days=horizon - 1)
        learned, when = cutoff, f"  # {say('with orders up to {day}', day=last.isoformat())}"
    words = ["--cutoff", str(learned), "--horizon", f"{horizon}d", "--model-out", "challenger", *kind]
    return [
        orders_command("train", config.orders, config, *words),
        f"{_promote_command(config, 'challenger', kind)}{when}",
    ]


def _promote_command(config: MonitorConfig, challenger: str, kind: list[str]) -> str:
    return command_line("duramen", "promote", challenger, config.orders, *reading_words(config), *kind)


def _show(found: Monitoring, *, verbose: bool) -> None:
    """Show drift, forecasts beside outcomes, and each alarm with what to do."""
    if len(found.drift):
        shown = SHOWN if verbose else SHOWN_BRIEFLY
        show_bold(
            say(
                "Drift from {since} to {cutoff}: {n} of {all} features and scores are beyond their limit.",
                since=str(found.since), cutoff=str(found.cutoff), n=int(found.drift["alarm"].astype(bool).sum()),
                all=len(found.drift),
            )
        )  # fmt: skip
        # In a summary, what is beyond its limit comes first: a base ages, and much moves by itself.
        first = found.drift if verbose else found.drift.sort_values("alarm", ascending=False, kind="stable")
        show_table(_drift_table(first.head(shown)))
        if verbose:
            _explain_drift(min(shown, len(found.drift)), len(found.drift))
    tables = [rows for _, rows in found.realised.groupby("scores", sort=False)]
    for rows in tables if verbose else tables[-1:]:
        _show_realised(rows, unit_in_words(found.unit))
    notes = (capital(MonitorConfig.in_flags(note)) for note in found.notes)
    show_notes(notes, verbose=verbose, lines=PLACED_NOTE_LINES)
    alarms = found.alarms if verbose else found.alarms[:ALARMS_SHOWN]
    for alarm in alarms:
        show_lines(say("Alarm: {sentence}", sentence=alarm.sentence), style="bold red")
    if more := len(found.alarms) - len(alarms):
        show_lines(say_count("{n} more alarm: --verbose", "{n} more alarms: --verbose", more), style="red")
    if not len(found.drift) and found.realised.empty:
        show_lines(say("Nothing was compared, so no alarm can be given."), style="yellow")
    elif not found.alarms:
        show_lines(say("No alarm."), style="bold green")


def _explain_drift(shown: int, measured: int) -> None:
    show_dim(
        say(
            "The {n} of {all} with the most drift. Index: the population stability index. At least: the lower end of "
            "the 95 % interval. Usual: drift over the same number of days before. Without a limit the usual drift is "
            "not known, so there is no alarm.",
            n=shown,
            all=measured,
        )
    )


def _show_realised(rows: pd.DataFrame, unit: str) -> None:
    """Show how good earlier scores were."""
    first = rows.iloc[0]
    show_bold(
        say(
            "{place}: {n} customers, {days} days from {cutoff}; predicted {predicted} {unit}, actual {actual} {unit}.",
            place=first["scores"], n=f"{first['customers']:,}", days=first["horizon_days"], cutoff=first["cutoff"],
            predicted=f"{first['predicted']:,.0f}", actual=f"{first['actual']:,.0f}", unit=unit,
        )
    )  # fmt: skip
    show_table(_realised_table(rows))


def _drift_table(drift: pd.DataFrame) -> Table:
    table = new_table("", say("index"), say("at least"), say("usual"), say("limit"))
    for row in drift.itertuples(index=False):
        cells = (row.psi, row.low, row.usual, row.limit)
        table.add_row(str(row.name), *map(_figure, cells), style="red" if row.alarm else "")
    return table


def _realised_table(rows: pd.DataFrame) -> Table:
    table = new_table("", say("figure"), say("interval"), say("holdout"), say("limit"))
    for row in rows.itertuples(index=False):
        low, high = _figure(row.low), _figure(row.high)
        interval = say("{low} to {high}", low=low, high=high) if low and high else low or high
        cells = (_figure(row.figure), interval, _figure(row.holdout), _figure(row.limit))
        table.add_row(translated(str(row.metric)), *cells, style="red" if row.alarm else "")
    return table


def _figure(figure: Any) -> str:
    """Write a figure in three digits, and a missing one as nothing."""
    return "" if pd.isna(figure) else f"{figure:,.3f}"
