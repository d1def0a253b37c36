"""A model and a group of customers come in; their ranking and its report go out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from duramen.cli.groups import Group
from duramen.cli.inputs import credit_of
from duramen.cli.terminal import show_groups, show_heading, step
from duramen.data.customers import customer_table

if TYPE_CHECKING:
    from duramen.analysis.portfolio_axes import Axes
    from duramen.data.customer_file import CustomerFile
    from duramen.scoring.customer_ranking import Ranked
    from duramen.scoring.market_scenarios import MarketScenario
    from duramen.scoring.model import CoreCustomerModel
    from duramen.scoring.tiers import Tiers


OPEN_REPORT = "open it in a browser; it needs no network"
NOT_DRAWN = "to draw, install duramen with its extra: duramen[report]"


def rank_customers(
    model: CoreCustomerModel,
    group: Group,
    cutoff: date,
    cost: pd.Series[float] | None,
    tiers: Tiers,
    previous: pd.DataFrame | None = None,
    *,
    scenario: MarketScenario | None = None,
    market_index: pd.DataFrame | None = None,
) -> Ranked:
    """Return the ranking of a group, with reasons and markets, in memory."""
    from duramen.scoring.customer_ranking import rank_with_inputs

    with step("Scoring, explaining and ranking every customer"):
        customers = customer_table(group.tx, cutoff)
        own = None if cost is None else cost.loc[customers["customer_id"]]
        return rank_with_inputs(
            model, group.tx, customers, own, tiers, previous, scenario=scenario, market_index=market_index
        )


def rank_without_reasons(model: CoreCustomerModel, group: Group, cutoff: date) -> pd.DataFrame:
    """Return a ranking without reasons, which take most of the time."""
    from duramen.scoring.ranking import rank_core_customers

    with step(f"Ranking {group.who}"):
        scores = model.predict(customer_table(group.tx, cutoff), with_reasons=False)
        return rank_core_customers(scores, model.tiers)


def write_report(
    path: Path,
    model: CoreCustomerModel,
    card: pd.DataFrame,
    group: Group,
    ranked: Ranked,
    axes: Axes,
    customers: CustomerFile | None = None,
) -> Path:
    """Draw the report of a group; return where it is."""
    from duramen.report.model_report import write_ranked_report

    with step("Drawing the report"):
        credit = credit_of(customers, ranked.customers["customer_id"])
        write_ranked_report(path, model, group.tx, ranked, card, credit=credit, axes=axes)
    return path


def show_group(group: Group) -> None:
    """Show the name of the group above what follows, where there is another one."""
    if group.apart:
        show_heading(group.who.capitalize())


def compare_groups(
    groups: list[Group], rankings: Mapping[str, tuple[pd.DataFrame, Tiers]], unit: str
) -> None:
    """Show the groups side by side, where there are several."""
    if not groups[0].apart:
        return
    rows = {
        kind: (
            len(ranking),
            int(ranking["tier"].isin(tiers.core_names).sum()),
            float(ranking["predicted_value"].sum()),
        )
        for kind, (ranking, tiers) in rankings.items()
    }
    show_groups(rows, {group.kind: group.customers for group in groups if group.kind not in rows}, unit)
