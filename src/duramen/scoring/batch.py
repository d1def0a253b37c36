"""A model and transactions come in; the ranking goes out a block at a time, never all of it in memory.

Memory has a block and what the rank needs of each customer; all other columns are in files of a work folder, which
DuckDB sorts by rank.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from duramen.data.customers import customer_blocks, customer_ids
from duramen.data.market_index import read_market_index
from duramen.data.windows import parse_day
from duramen.explain.changes import News
from duramen.forecast.elasticities import MarketElasticities, elasticities_of
from duramen.io.files import WRITTEN_AT_ONCE
from duramen.io.score_columns import REASONS
from duramen.scoring.block_scoring import Scored, score_blocks, write_reasons
from duramen.scoring.incremental import Rescored, rescore
from duramen.scoring.market_scenarios import MarketScenario, core_sets, scenario_change
from duramen.scoring.ranking import costs_of, describe_places, rank_scores
from duramen.scoring.tiers import Tiers

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions
    from duramen.scoring.model import CoreCustomerModel

_LOG = logging.getLogger(__name__)


class RankedBlocks(NamedTuple):
    """A ranking that is not all in memory, and what it was made of.

    ``places`` has the columns of each customer that fit into memory, by rank: ``rank``, ``tier``, ``score``,
    ``predicted_value``, ``growth_rate``, ``probability_growing``, ``lifecycle_stage``, ``response`` to the market,
    ``core_in``, ``cost_to_serve`` where there is one, and as ``customer_id`` its position in the order of ids.
    ``blocks`` are those of the ranking, to be read once. ``market`` has no rows of customers. ``rescored`` counts the
    scores of an earlier run that were used; None where none were to be used.
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
    cost_to_serve: pd.Series[float] | None = None,
    tiers: Tiers | None = None,
    reasons: str = "all",
    earlier: Path | None = None,
    previous: pd.DataFrame | None = None,
    *,
    scenario: MarketScenario | None = None,
    market_index: Any = None,
) -> RankedBlocks:
    """Score and rank as ``rank_customers`` does, with no more in memory than a block and a few numbers a customer.

    Parameters
    ----------
    model : CoreCustomerModel
    tx : Transactions
        Where there are many, ``sorted_by_customer``.
    cutoff : date or str
        First day that is not history.
    folder : Path
        An empty folder that no other run uses; the blocks are read from its files.
    cost_to_serve : pandas.Series, optional
        Cost over the horizon, by customer id.
    tiers : Tiers, optional
        By default those of the model.
    reasons : str
        The customers to explain: "all", "core" or "none"; the reasons of the others are missing.
    earlier : Path, optional
        The scores that an earlier run kept; only customers whose days have changed since are scored. The file to keep
        for the next run is ``rescored.scored.path``. It need not exist.
    previous : pandas.DataFrame, optional
        An earlier ranking, as ``rank_customers`` takes it; what changed is not kept for the next run.
    scenario, market_index
        As ``rank_customers`` takes them.

    Raises
    ------
    InputError
        As ``rank_customers`` does, or if ``earlier`` is another file.
    """
    tiers, cutoff = model.tiers if tiers is None else tiers, parse_day(cutoff)
    ids = customer_ids(tx, cutoff)
    costs = (
        None
        if cost_to_serve is None
        else costs_of(pd.DataFrame({"customer_id": ids.to_pandas()}), cost_to_serve)
    )
    news = None if previous is None else News(previous, tx, cutoff)
    explained, rescored = reasons == "all", None
    if earlier is None:
        blocks = customer_blocks(tx, cutoff, ids)
        scored = score_blocks(
            model, blocks, folder / "scored.parquet", with_reasons=explained, customers=len(ids)
        )
    else:
        rescored = rescore(model, tx, cutoff, earlier, folder, with_reasons=explained)
        scored = rescored.scored
    _LOG.info("estimating market elasticities")
    segment = scored.kept.pop("segment").array
    index = None if market_index is None else read_market_index(market_index)
    market = elasticities_of(tx, cutoff, ids, segment, index)
    response = market.customers["elasticity"].to_numpy()
    if scenario is not None and scenario.response:
        response = _stated_response(scenario, model, ids, segment, tx, cutoff)
    # The other columns of each customer fill memory, and are not needed.
    market = replace(market, customers=market.customers.iloc[:0].copy())
    places = _rank_scored(scored, tiers, costs)
    order = places["customer_id"].to_numpy()
    places["response"] = response[order]
    places["core_in"] = _core_in(places, market, tiers, scenario)
    reasons_path = None
    if reasons == "core":
        reasons_path = folder / "reasons.parquet"
        wanted = np.zeros(len(ids), dtype=bool)
        wanted[order[places["tier"].isin(tiers.core_names).to_numpy()]] = True
        write_reasons(model, customer_blocks(tx, cutoff, ids), wanted, reasons_path)
    ranking = ranked_blocks(scored, places, tiers, tx.days.get_backend(), reasons_path)
    if news is not None:
        ranking = map(news.first, ranking)
    return RankedBlocks(places, ranking, tiers, market, rescored)


def _rank_scored(scored: Scored, tiers: Tiers, cost: npt.NDArray[np.float64] | None) -> pd.DataFrame:
    """Rank scored customers by ``rank_scores``, from the columns that are in memory.

    As ``customer_id`` the result has not the id but its position in the order of ids, which breaks ties as the id does.
    """
    numbers = scored.kept.drop(columns="segment", errors="ignore").assign(
        customer_id=np.arange(len(scored.kept))
    )
    # A word for each customer takes more memory than all its numbers.
    return rank_scores(numbers, tiers, cost).astype({"tier": "category"})


def _stated_response(
    scenario: MarketScenario,
    model: CoreCustomerModel,
    ids: pa.ChunkedArray,
    segment: Any,
    tx: Transactions,
    cutoff: date,
) -> npt.NDArray[np.float64]:
    """Return the stated response of each customer, in the order of ids."""
    customers = pd.DataFrame({"customer_id": ids.to_pandas(), "segment": segment})
    return scenario.of_customers(customers.assign(cutoff=pd.Timestamp(cutoff)), model.segment_names_, tx)


def _core_in(
    places: pd.DataFrame, market: MarketElasticities, tiers: Tiers, scenario: MarketScenario | None
) -> pd.Series[Any]:
    """Return the markets in which each customer is core, by rank, as a category."""
    sets = core_sets(
        places["predicted_value"].to_numpy(),
        places["response"].to_numpy(),
        scenario_change(market, scenario),
        cost=places["cost_to_serve"].to_numpy() if "cost_to_serve" in places else None,
        core_share=tiers.core_share,
        identified=market.identified or scenario is not None,
    )
    return sets["core_in"].astype("category")


def ranked_blocks(
    scored: Scored, places: pd.DataFrame, tiers: Tiers, workspace: Any, reasons: Path | None = None
) -> Iterator[pd.DataFrame]:
    """Give the ranking, the best first, a block at a time.

    Parameters
    ----------
    scored : Scored
    places : pandas.DataFrame
        ``RankedBlocks.places``.
    tiers : Tiers
        Those of the places.
    workspace : ibis DuckDB backend
        Whose memory limit the sorting keeps to.
    reasons : Path, optional
        What ``write_reasons`` wrote.

    Yields
    ------
    pandas.DataFrame
        The columns of ``RANKING_COLUMNS``; reasons that were not asked for are missing.
    """
    kept = places.drop(
        columns=[
            "customer_id",
            "predicted_value",
            "growth_rate",
            "probability_growing",
            "lifecycle_stage",
            "response",
        ],
        errors="ignore",
    )
    by_id = kept.iloc[np.argsort(places["customer_id"].to_numpy())]

    def by_customer() -> Iterator[pa.RecordBatch]:
        scores = pq.ParquetFile(scored.path)
        groups = [scores.metadata.row_group(group).num_rows for group in range(scores.num_row_groups)]
        beside_each = itertools.repeat(None) if reasons is None else _rows_in_step(reasons, groups)
        start = 0
        for group, beside in zip(range(scores.num_row_groups), beside_each, strict=False):
            parts = [scores.read_row_group(group), *([] if beside is None else [beside])]
            own = by_id.iloc[start : start + len(parts[0])]
            start += len(own)
            own = own.astype({name: "str" for name in ("tier", "core_in") if name in own})
            parts.append(pa.Table.from_pandas(own, preserve_index=False))
            # The score of the rank is after cost.
            columns = {name: part[name] for part in parts for name in part.column_names}
            yield from pa.table(columns).combine_chunks().to_batches()

    batches = by_customer()
    first = next(batches)
    reader = pa.RecordBatchReader.from_batches(first.schema, _after(first, batches))
    # A connection of its own: any other query on that of the workspace would end the result early.
    ordered = workspace.con.cursor().from_arrow(reader).order("rank").to_arrow_reader(WRITTEN_AT_ONCE)
    given = 0
    for batch in ordered:
        block = batch.to_pandas()
        given += len(block)
        for name in scored.constant:
            block[name] = scored.constant[name].repeat(len(block)).array
        for name in REASONS:
            if name not in block:
                block[name] = pd.Series(index=block.index, dtype="str")
        yield describe_places(block, tiers)
    if given != len(places):
        raise RuntimeError(f"DuckDB gave {given:,} rows of a ranking of {len(places):,} customers.")


def _rows_in_step(path: Path, sizes: Iterable[int]) -> Iterator[pa.Table]:
    """Give the rows of a Parquet file in tables of these sizes, whatever the sizes of its row groups."""
    file, group = pq.ParquetFile(path), 0
    rows = file.schema_arrow.empty_table()
    for size in sizes:
        while len(rows) < size:
            rows, group = pa.concat_tables([rows, file.read_row_group(group)]), group + 1
        yield rows.slice(0, size)
        rows = rows.slice(size)


def _after(first: pa.RecordBatch, others: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from others
