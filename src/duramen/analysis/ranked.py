"""A model, transactions and costs come in; the ranking, with the market of each core customer, goes out.

Called by the commands: whole for the report and the demo, in blocks for files of any size.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from duramen.analysis.market import (
    MarketElasticities,
    core_by_response,
    market_elasticities,
    responses_of,
    usual_swing,
    with_core_in,
)
from duramen.data.customers import customer_blocks, customer_ids
from duramen.data.windows import parse_day
from duramen.scoring.batch import place, ranked_blocks, score_blocks, write_reasons
from duramen.scoring.incremental import Rescored, rescore
from duramen.scoring.ranking import costs_of, rank_core_customers
from duramen.scoring.tiers import Tiers

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions
    from duramen.scoring.model import CoreCustomerModel

_LOG = logging.getLogger(__name__)


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
    market: MarketElasticities

    @property
    def cutoff(self) -> date:
        """The day that the ranking is made for."""
        day: date = self.ranking["cutoff"].iloc[0].date()
        return day

    def of(self, column: str) -> pd.Series[Any]:
        """Return a column of the ranking by customer id."""
        return self.ranking.set_index("customer_id")[column]


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
    scores = model.predict(customers)
    ranking = rank_core_customers(scores, tiers, cost)
    cutoff = ranking["cutoff"].iloc[0].date()
    market = market_elasticities(tx, cutoff, scores.set_index("customer_id")["segment"])
    ranking = with_core_in(ranking, market, tiers.core_share)
    return Ranked(ranking, customers, scores, cost, tiers, market)


class RankedBlocks(NamedTuple):
    """A ranking that memory does not hold, and what it was made of.

    ``places`` has of each customer, by rank, what fits into memory: ``rank``, ``tier``, ``score``, ``predicted_value``,
    ``growth_potential``, ``core_in``, ``cost_to_serve`` where there is one, and as ``customer_id`` its place in the
    order of ids. ``blocks`` are those of the ranking, to be gone through once. ``market`` has no rows of customers.
    ``rescored`` is what became of an earlier run's scores, None where none were to be used.
    """

    places: pd.DataFrame
    blocks: Iterator[pd.DataFrame]
    tiers: Tiers
    market: MarketElasticities
    rescored: Rescored | None = None


def rank_in_blocks(
    model: CoreCustomerModel,
    tx: Transactions,
    cutoff: date | str,
    folder: Path,
    cost: pd.Series[float] | None = None,
    tiers: Tiers | None = None,
    reasons: str = "all",
    earlier: Path | None = None,
) -> RankedBlocks:
    """Score and rank as ``rank_with_markets`` does, with no more in memory than a block and a few numbers a customer.

    Parameters
    ----------
    model : CoreCustomerModel
    tx : Transactions
        Where there are many, ``sorted_by_customer``.
    cutoff : date or str
        First day that is not history.
    folder : Path
        An empty folder of one's own, whose files the blocks are made of.
    cost : pandas.Series, optional
        Cost to serve over the horizon, by customer id.
    tiers : Tiers, optional
        By default those of the model.
    reasons : str
        Who is explained: "all", "core" or "none"; of the others the reasons are missing.
    earlier : Path, optional
        What an earlier run kept, if it is there: only customers whose days are others than then are scored, and
        ``rescored.scored.path`` is what to keep for the next run.

    Raises
    ------
    InputError
        If a column that the model learned from is missing, a cost is missing, negative or of nobody, or ``earlier`` is
        something else.
    """
    tiers, cutoff = model.tiers if tiers is None else tiers, parse_day(cutoff)
    ids = customer_ids(tx, cutoff)
    costs = None if cost is None else costs_of(pd.DataFrame({"customer_id": ids.to_pandas()}), cost)
    explained, rescored = reasons == "all", None
    if earlier is None:
        blocks = customer_blocks(tx, cutoff, ids)
        scored = score_blocks(
            model, blocks, folder / "scored.parquet", with_reasons=explained, customers=len(ids)
        )
    else:
        rescored = rescore(model, tx, cutoff, earlier, folder, with_reasons=explained)
        scored = rescored.scored
    _LOG.info("who is core in which market")
    market = responses_of(tx, cutoff, ids, scored.kept.pop("segment").array)
    response = market.customers["response"].to_numpy()
    # What is told of each customer's response fills memory, and only the response is needed.
    market = replace(market, customers=market.customers.iloc[:0].copy())
    places = place(scored, tiers, costs)
    order = places["customer_id"].to_numpy()
    places["core_in"] = core_by_response(
        places["predicted_value"].to_numpy(),
        response[order],
        usual_swing(market),
        cost=places["cost_to_serve"].to_numpy() if costs is not None else None,
        core_share=tiers.core_share,
        identified=market.identified,
    )["core_in"].astype("category")
    told = None
    if reasons == "core":
        told = folder / "reasons.parquet"
        wanted = np.zeros(len(ids), dtype=bool)
        wanted[order[places["tier"].isin(tiers.core_names).to_numpy()]] = True
        write_reasons(model, customer_blocks(tx, cutoff, ids), wanted, told)
    ranking = ranked_blocks(scored, places, tx.days.get_backend(), told)
    return RankedBlocks(places, ranking, tiers, market, rescored)
