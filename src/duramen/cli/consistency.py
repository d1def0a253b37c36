"""Orders come in; whether rankings at past cutoffs and on the last day tell one story goes out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from duramen.cli.config.commands import ConsistencyConfig
from duramen.cli.groups import TOGETHER, choose_groups
from duramen.cli.inputs import choose_windows, read_customers, read_features, read_orders
from duramen.cli.terminal import console, step
from duramen.data.windows import Window

if TYPE_CHECKING:
    from duramen.analysis.consistency_at_cutoffs import Consistency

# The status of a run that found a contradiction.
CONTRADICTION = 1


def consistency(config: ConsistencyConfig) -> None:
    """Check rankings at past cutoffs and on the day after the last purchase; end with status 1 where a check fails."""
    from duramen.analysis.consistency_at_cutoffs import consistency_over_time

    tx = read_orders(config.orders, config, read_customers(config), read_features(config))
    windows = choose_windows(tx, config)
    last_day = Window(tx.last_date + timedelta(days=1), config.horizon or windows[-1].horizon)
    (group,) = choose_groups(tx, config.kind or TOGETHER)
    with step("Training, ranking and checking at each cutoff and on the last day"):
        found = consistency_over_time(
            group.tx, [*windows, last_day], forecast=config.forecast.settings(), seed=config.seed
        )
    _show(found, tx.unit)
    if not found.checks["holds"].all():
        raise SystemExit(CONTRADICTION)


def _show(found: Consistency, unit: str) -> None:
    """Show the checks that fail, and how often customers did what was said of them."""
    failed = found.checks[~found.checks["holds"]]
    for row in failed.itertuples(index=False):
        console.print(
            f"Does not hold at {row.cutoff}: {row.check} ({row.figure:.3g}, at most {row.limit:.3g}).",
            style="red",
            highlight=False,
            soft_wrap=True,
        )
    count, cutoffs = len(found.checks), found.checks["cutoff"].nunique()
    console.print(
        f"\n[bold]{count - len(failed)} of {count} checks hold, at {cutoffs} cutoffs.[/]", highlight=False
    )
    if found.outcomes.empty:
        return
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("cutoff", "said to be", "customers", "true", "95 %", "others", "before", "after"):
        table.add_column(name, justify="left" if name in ("cutoff", "said to be") else "right", no_wrap=True)
    for row in found.outcomes.itertuples(index=False):
        figures = (
            [f"{row.did:.0%}", f"{row.low:.0%} to {row.high:.0%}", f"{row.base:.0%}", f"{row.past_value:,.0f}",
             f"{row.actual_value:,.0f}"] if row.customers else [""] * 5
        )  # fmt: skip
        table.add_row(str(row.cutoff), str(row.word), f"{row.customers:,}", *figures)
    console.print(table)
    console.print(
        "True: spent more (declining: less) over the horizon than at their own past rate. Others: the same share "
        "of all customers whose stage is neither at risk nor lapsed, and for rising of all outside the core. Before "
        f"and after: mean money at the past rate, and spent, in {unit}.",
        style="dim",
        highlight=False,
    )
