"""A model and a ranking come in; what one more purchase would change for customers just below the core goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from duramen.scoring.what_if import MONTH, what_if

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions
    from duramen.scoring.customer_ranking import Ranked
    from duramen.scoring.model import CoreCustomerModel


def what_if_near_core(
    model: CoreCustomerModel, tx: Transactions, ranked: Ranked, customers: int = 5
) -> pd.DataFrame | None:
    """Return what one more purchase day would change for the first customers below the core.

    Customers whose first purchase lies within the last 28 days, or who bought on half of these days or more, are left
    out: there is no room for one more purchase day.

    Parameters
    ----------
    model : CoreCustomerModel
    tx : Transactions
    ranked : Ranked
        The ranking of the same model and transactions.
    customers : int
        How many customers to look at.

    Returns
    -------
    pandas.DataFrame or None
        What ``what_if`` returns; None where every customer is core or has no room.
    """
    ranking = ranked.ranking
    below = ~ranking["tier"].isin(ranked.tiers.core_names) & ranking["customer_id"].isin(
        with_room(ranked.customers)
    )
    first = ranking.loc[below, "customer_id"].head(customers)
    if first.empty:
        return None
    return what_if(model, tx, first, scores=ranked.scores, tiers=ranked.tiers, cost_to_serve=ranked.cost)


def with_room(customers: pd.DataFrame) -> pd.Series[str]:
    """Return the ids of the customers of a customer table who have room for one more purchase day in the last 28."""
    room: pd.Series[str] = customers.loc[
        (customers["T"] > MONTH) & (customers["purchase_days_28"] < MONTH / 2), "customer_id"
    ]
    return room
