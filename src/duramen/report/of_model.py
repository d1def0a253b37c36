"""A model, its scorecard, transactions and a ranking come in; the whole report goes out. Called by the commands."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from duramen.analysis.rising import newly_rising
from duramen.data.customers import customer_table
from duramen.data.errors import InputError
from duramen.report.page import write_report
from duramen.scoring.what_if import MONTH, what_if

if TYPE_CHECKING:
    from duramen.analysis.ranked import Ranked
    from duramen.data.transactions import Transactions
    from duramen.scoring.model import CoreCustomerModel

# Customers just outside the core of whom the report says what would have to change.
NEAR_CORE = 5


def write_model_report(
    path: str | Path, model: CoreCustomerModel, scorecard: pd.DataFrame, tx: Transactions, ranked: Ranked
) -> Path:
    """Write the report of a ranking, whole or not at all.

    Parameters
    ----------
    path : str or Path
    model : CoreCustomerModel
    scorecard : pandas.DataFrame
        ``duramen.scorecard(model.judged_)``.
    tx : Transactions
    ranked : Ranked
        ``duramen.analysis.ranked.rank_with_markets`` of the same model and transactions.
    """
    cutoff = ranked.ranking["cutoff"].iloc[0].date()
    rising_since, rising = _rising(model, tx, ranked.scores, cutoff)
    return write_report(
        path,
        title=f"Core customers of {Path(tx.source).name.removeprefix('dataset:')}",
        summary=tx.summary(cutoff),
        ranking=ranked.ranking,
        scorecard=scorecard,
        importance=model.importance_,
        segments=model.segment_table(ranked.ranking),
        notes=model.notes_,
        unit=model.unit_,
        cutoff=cutoff,
        horizon_days=model.window_.horizon,
        model_version=model.model_version_,
        past_value=ranked.customers.set_index("customer_id")["net_spend"],
        tiers=ranked.tiers,
        growth_weight=model.growth_weight_,
        growth_weight_curve=model.growth_weight_curve_ if model.growth_weight is None else None,
        market=ranked.market,
        rising=rising,
        rising_since=rising_since,
        near_core=_near_core(model, tx, ranked),
        shapes=model.shape_,
    )


def _rising(
    model: CoreCustomerModel, tx: Transactions, scores: pd.DataFrame, cutoff: date
) -> tuple[date, pd.DataFrame | None]:
    """Return who rose since a horizon earlier, where as much history lies before that."""
    earlier = cutoff - timedelta(days=model.window_.horizon)
    if (earlier - tx.first_date).days < model.window_.horizon:
        return earlier, None
    then = model.score(customer_table(tx, earlier), with_reasons=False)
    try:
        return earlier, newly_rising(then, scores)
    except InputError:  # nobody of that time brought anything, then or now
        return earlier, None


def _near_core(model: CoreCustomerModel, tx: Transactions, ranked: Ranked) -> pd.DataFrame | None:
    """Return what one more purchase would change for the first customers outside the core."""
    # Whoever came within the month, or on most of its days, has no room for one more purchase in it.
    table = ranked.customers
    room = table.loc[(table["T"] > MONTH) & (table["purchase_days_28"] < MONTH / 2), "customer_id"]
    ranking = ranked.ranking
    outside = ranking[
        ~ranking["tier"].isin(ranked.tiers.core_names) & ranking["customer_id"].isin(room)
    ].head(NEAR_CORE)
    if outside.empty:
        return None
    return what_if(
        model,
        tx,
        outside["customer_id"],
        scores=ranked.scores,
        tiers=ranked.tiers,
        cost_to_serve=ranked.cost,
    )
