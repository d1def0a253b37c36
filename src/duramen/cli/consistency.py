"""Orders come in; whether rankings at past cutoffs and on the last day agree with themselves goes out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from duramen.cli.config.cutoffs import ConsistencyConfig
from duramen.cli.groups import TOGETHER, choose_groups
from duramen.cli.inputs import choose_windows, read_customers, read_features, read_orders
from duramen.cli.next_commands import orders_command
from duramen.cli.progress import step
from duramen.cli.terminal import new_table, show_bold, show_dim, show_lines, show_next, show_table
from duramen.data.money_unit import unit_in_words
from duramen.data.windows import Window
from duramen.language import say, say_count, translated

if TYPE_CHECKING:
    from duramen.analysis.consistency_at_cutoffs import Consistency

# The status of a run that found a contradiction.
CONTRADICTION = 1
# Failed checks, and cutoffs with outcomes, of a summary.
FAILURES, CUTOFFS = 4, 4


def consistency(config: ConsistencyConfig) -> None:
    """Check rankings at past cutoffs and on the day after the last purchase; end with status 1 where a check fails."""
    from duramen.analysis.consistency_at_cutoffs import consistency_over_time

    tx = read_orders(config.orders, config, read_customers(config), read_features(config))
    windows = choose_windows(tx, config)
    last_day = Window(tx.last_date + timedelta(days=1), config.horizon or windows[-1].horizon)
    (group,) = choose_groups(tx, config.kind or TOGETHER)
    with step(say("Training, ranking and checking at each cutoff and on the last day")):
        found = consistency_over_time(
            group.tx, [*windows, last_day], forecast=config.forecast.settings(), seed=config.seed
        )
    _show(found, tx.unit, verbose=config.verbose)
    show_next([orders_command("train", config.orders, config)])
    if not found.checks["holds"].all():
        raise SystemExit(CONTRADICTION)


def _show(found: Consistency, unit: str, *, verbose: bool) -> None:
    """Show the checks that fail, and how often customers did what was said of them."""
    failed = found.checks[~found.checks["holds"]]
    count, cutoffs = len(found.checks), found.checks["cutoff"].nunique()
    show_bold(
        say(
            "{passed} of {all} checks pass, at {cutoffs} cutoffs.",
            passed=count - len(failed),
            all=count,
            cutoffs=cutoffs,
        )
    )
    shown = failed if verbose else failed.head(FAILURES)
    for row in shown.to_dict("records"):
        show_lines(
            say(
                "Fails at {cutoff}: {check} ({figure}, at most {limit}).",
                cutoff=str(row["cutoff"]), check=translated(row["check"]), figure=f"{row['figure']:.3g}",
                limit=f"{row['limit']:.3g}",
            ),
            style="red",
        )  # fmt: skip
    if more := len(failed) - len(shown):
        show_lines(
            say_count("{n} more failure: --verbose", "{n} more failures: --verbose", more), style="red"
        )
    if found.outcomes.empty:
        return
    outcomes = found.outcomes
    if not verbose:
        latest = outcomes["cutoff"].drop_duplicates().tail(CUTOFFS)
        outcomes = outcomes[outcomes["cutoff"].isin(latest)]
    table = new_table(
        say("cutoff"), say("said to be"), say("customers"), say("true"), "95 %", say("others"), say("before"),
        say("after"), left=(0, 1),
    )  # fmt: skip
    for one in outcomes.itertuples(index=False):
        figures = (
            [f"{one.did:.0%}", say("{low} to {high}", low=f"{one.low:.0%}", high=f"{one.high:.0%}"), f"{one.base:.0%}",
             f"{one.past_value:,.0f}", f"{one.actual_value:,.0f}"] if one.customers else [""] * 5
        )  # fmt: skip
        table.add_row(str(one.cutoff), translated(str(one.word)), f"{one.customers:,}", *figures)
    show_table(table)
    show_dim(
        say(
            "“True” is the share who did what the label says: spent more over the horizon than at their "
            "past rate (declining: less). “Others” is the same share among all customers who are neither "
            "at risk nor lapsed; for rising, among all customers outside the core. “Before” is the mean "
            "money at the past rate and “after” the mean money spent, in {unit}.",
            unit=unit_in_words(unit),
        )
    )
