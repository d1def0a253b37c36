"""A model, transactions and costs come in; the ranking, with the market of each core customer, goes out.

Called by the commands, for files, the terminal and the report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from duramen.analysis.market import MarketResponses, market_responses, with_core_in
from duramen.scoring.ranking import Tiers, rank_core_customers

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions
    from duramen.scoring.model import CoreCustomerModel


class Ranked(NamedTuple):
    """A ranking, and what it was made of.

    ``ranking`` has ``core_in``; ``customers`` is the customer table at its cutoff and ``scores`` what the model said of
    it; ``cost`` is the cost to serve by customer id, where there is one.
    """

    ranking: pd.DataFrame
    customers: pd.DataFrame
    scores: pd.DataFrame
    cost: pd.Series[float] | None
    tiers: Tiers
    market: MarketResponses


def rank_with_markets(
    model: CoreCustomerModel,
    tx: Transactions,
    customers: pd.DataFrame,
    cost: pd.Series[float] | None = None,
    tiers: Tiers | None = None,
) -> Ranked:
    """Score and rank customers, and say in which market each is core; responses lean on the segment's.

    Parameters
    ----------
    model : CoreCustomerModel
    tx : Transactions
    customers : pandas.DataFrame
        ``customer_table`` of ``tx`` at any cutoff.
    cost : pandas.Series, optional
        Cost to serve over the horizon, by customer id.
    tiers : Tiers, optional
        By default those of the model.

    Raises
    ------
    InputError
        If a column that the model learned from is missing, or a cost is missing, negative or of nobody.
    """
    tiers = model.tiers if tiers is None else tiers
    scores = model.score(customers)
    ranking = rank_core_customers(scores, tiers, cost)
    cutoff = ranking["cutoff"].iloc[0].date()
    market = market_responses(tx, cutoff, scores.set_index("customer_id")["segment"])
    ranking = with_core_in(ranking, market, tiers.core_share)
    return Ranked(ranking, customers, scores, cost, tiers, market)
