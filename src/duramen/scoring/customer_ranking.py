"""A model, transactions and their customer table come in; the ranking goes out, with the markets of each customer."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from duramen.data.money_unit import compare_units
from duramen.explain.changes import News
from duramen.forecast.elasticities import MarketElasticities, market_elasticities
from duramen.scoring.market_scenarios import MarketScenario, add_core_in, core_by_market_scenario
from duramen.scoring.ranking import rank_core_customers
from duramen.scoring.tiers import Tiers

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions
    from duramen.scoring.model import CoreCustomerModel


class Ranked(NamedTuple):
    """A ranking, and what it was made of.

    ``ranking`` is what ``rank_customers`` returns; ``customers`` is the customer table at its cutoff and ``scores`` the
    model's prediction for it; ``cost`` is the cost to serve by customer id, where there is one. ``markets`` is what
    ``core_by_market_scenario`` returns of the ranking, in the ``scenario`` that was stated, if any.
    """

    ranking: pd.DataFrame
    customers: pd.DataFrame
    scores: pd.DataFrame
    cost: pd.Series[float] | None
    tiers: Tiers
    market: MarketElasticities
    markets: pd.DataFrame
    scenario: MarketScenario | None = None

    @property
    def cutoff(self) -> date:
        """The day that the ranking is made for."""
        day: date = self.ranking["cutoff"].iloc[0].date()
        return day

    def of(self, column: str) -> pd.Series[Any]:
        """Return a column of the ranking by customer id."""
        return self.ranking.set_index("customer_id")[column]


def rank_customers(
    model: CoreCustomerModel,
    tx: Transactions,
    customers: pd.DataFrame,
    cost_to_serve: pd.Series[float] | None = None,
    tiers: Tiers | None = None,
    previous: pd.DataFrame | None = None,
    *,
    scenario: MarketScenario | None = None,
    market_index: Any = None,
) -> pd.DataFrame:
    """Score and rank customers, with all columns that ``duramen score`` writes.

    Parameters
    ----------
    model : CoreCustomerModel
    tx : Transactions
        The purchases, from which each customer's response to the market is estimated.
    customers : pandas.DataFrame
        ``customer_table`` of ``tx`` at any cutoff.
    cost_to_serve : pandas.Series, optional
        Cost over the horizon in the money of the scores, at least 0, by customer id.
    tiers : Tiers, optional
        By default those of the model.
    previous : pandas.DataFrame, optional
        An earlier ranking of the same customers. What changed since is then ``reason_1`` of the customers for whom
        something notable did, and their first two reasons follow.
    scenario : MarketScenario, optional
        A change of demand, and who responds to it: ``core_in`` is then that of this scenario.
    market_index : str, Path or DataFrame, optional
        An outside market index, as ``market_elasticities`` takes it.

    Returns
    -------
    pandas.DataFrame
        What ``rank_core_customers`` returns of the scores, with ``core_in`` of ``core_by_market_scenario``.
        Elasticities are shrunk towards the mean of the customer's segment.

    Raises
    ------
    InputError
        If a column that the model learned from is missing, a cost is missing, negative or of an unknown customer, or
        the earlier ranking is of a later cutoff or has none of the customers, or the scenario or the index cannot be
        used, or the purchases are in another unit of money than the model.
    """
    ranked = rank_with_inputs(
        model, tx, customers, cost_to_serve, tiers, previous, scenario=scenario, market_index=market_index
    )
    return ranked.ranking


def rank_with_inputs(
    model: CoreCustomerModel,
    tx: Transactions,
    customers: pd.DataFrame,
    cost_to_serve: pd.Series[float] | None = None,
    tiers: Tiers | None = None,
    previous: pd.DataFrame | None = None,
    *,
    scenario: MarketScenario | None = None,
    market_index: Any = None,
) -> Ranked:
    """Return what ``rank_customers`` does, together with what it was made of."""
    compare_units(model.unit_, tx.unit, tx.source)
    tiers = model.tiers if tiers is None else tiers
    scores = model.predict(customers)
    ranking = rank_core_customers(scores, tiers, cost_to_serve)
    cutoff = ranking["cutoff"].iloc[0].date()
    if previous is not None:
        ranking = News(previous, tx, cutoff).first(ranking)
    scenario = None if scenario is None else scenario.named(model.segment_names_)
    segments = scores.set_index("customer_id")["segment"]
    market = market_elasticities(tx, cutoff, segments, index=market_index)
    markets = core_by_market_scenario(
        ranking,
        market,
        core_share=tiers.core_share,
        scenario=scenario,
        segments=model.segment_names_,
        tx=tx,
    )
    ranking = add_core_in(ranking, markets)
    return Ranked(ranking, customers, scores, cost_to_serve, tiers, market, markets, scenario)
