"""A model and blocks of the customer table come in; a ranking goes out a block at a time, never all of it in memory.

Called by ``duramen.analysis.ranked`` for the score command. Memory holds a block and what the rank needs of each
customer; all other columns wait in files of a work folder, and DuckDB brings them into the order of the ranks.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from duramen.io.files import WRITTEN_AT_ONCE, ParquetBlocks
from duramen.io.score_columns import RANKING_COLUMNS, REASONS
from duramen.scoring.ranking import rank_core_customers
from duramen.scoring.tiers import Tiers

if TYPE_CHECKING:
    from duramen.scoring.model import CoreCustomerModel

_LOG = logging.getLogger(__name__)

# The same in every row, so that no file but the last holds them.
CONSTANT = ("cutoff", "model_version")
# What ranks and tiers are made of, and what the responses to the market lean on.
KEPT = ("score", "predicted_value", "growth_potential", "segment")


class Scored(NamedTuple):
    """Scored customers in order of id: all columns in a Parquet file, and in memory what the rank needs.

    ``kept`` has the columns of ``KEPT``, the segment as a category; ``constant`` are the columns that are the same in
    every row, as a frame of one.
    """

    path: Path
    kept: pd.DataFrame
    constant: pd.DataFrame


def score_blocks(
    model: CoreCustomerModel,
    blocks: Iterable[pd.DataFrame],
    path: Path,
    *,
    with_reasons: bool = False,
    customers: int | None = None,
) -> Scored:
    """Score blocks of customers into a Parquet file, a row group each.

    Parameters
    ----------
    model : CoreCustomerModel
    blocks : iterable of pandas.DataFrame
        Those of ``customer_blocks``.
    path : Path
        File to write, in a folder of one's own.
    with_reasons : bool
        Whether to explain every customer.
    customers : int, optional
        How many there will be, for the log, which tells the rate and the time left.

    Raises
    ------
    InputError
        If a column that the model learned from is missing.
    """
    kept, rate = [], _Rate("scored", customers)
    with ParquetBlocks(path) as file:
        for block in blocks:
            scores = model.predict(block, with_reasons=with_reasons)
            kept.append(scores[list(KEPT)].astype({"segment": "category"}))
            constant = scores[list(CONSTANT)].head(1)
            file.append(scores.drop(columns=list(CONSTANT)))
            rate.tell(len(block))
    segment = pd.api.types.union_categoricals([part.pop("segment") for part in kept])
    return Scored(path, pd.concat(kept, ignore_index=True).assign(segment=segment), constant)


def place(scored: Scored, tiers: Tiers, cost: npt.NDArray[np.float64] | None = None) -> pd.DataFrame:
    """Rank scored customers by the rule of ``rank_core_customers``, from what memory holds of them.

    Parameters
    ----------
    scored : Scored
    tiers : Tiers
    cost : array of shape (n,), optional
        Cost to serve of each customer, in order of id.

    Returns
    -------
    pandas.DataFrame
        By rank: ``customer_id`` (not the id but its place in the order of ids, which breaks ties as the id does),
        ``rank``, ``tier`` (a category), ``score``, ``predicted_value``, ``growth_potential``, and ``cost_to_serve``
        where given.
    """
    numbers = scored.kept.drop(columns="segment", errors="ignore").assign(
        customer_id=np.arange(len(scored.kept))
    )
    # A word for each customer takes more memory than all its numbers.
    return rank_core_customers(numbers, tiers, cost).astype({"tier": "category"})


def write_reasons(
    model: CoreCustomerModel,
    blocks: Iterable[pd.DataFrame],
    wanted: npt.NDArray[np.bool_],
    path: Path,
) -> None:
    """Write the reasons of those who are wanted, missing for the others, to a Parquet file, a row group a block.

    Parameters
    ----------
    model : CoreCustomerModel
    blocks : iterable of pandas.DataFrame
        Those that were scored.
    wanted : array of bool, shape (n,)
        Whom to explain, in order of id.
    path : Path
        File to write, in a folder of one's own.
    """
    start, rate = 0, _Rate("explained", int(wanted.sum()))
    with ParquetBlocks(path) as file:
        for block in blocks:
            inside, start = wanted[start : start + len(block)], start + len(block)
            told = pd.DataFrame(index=block.index, columns=list(REASONS), dtype="str")
            if inside.any():
                some = block[inside]
                told.loc[inside] = model.reasons(some)[list(REASONS)].to_numpy()
                rate.tell(len(some))
            file.append(told)


def ranked_blocks(
    scored: Scored, places: pd.DataFrame, workspace: Any, reasons: Path | None = None
) -> Iterator[pd.DataFrame]:
    """Give the ranking, the best first, a block at a time.

    Parameters
    ----------
    scored : Scored
    places : pandas.DataFrame
        What ``place`` returns, and ``core_in`` where it is known.
    workspace : ibis DuckDB backend
        Whose memory limit the sorting keeps to.
    reasons : Path, optional
        What ``write_reasons`` wrote.

    Yields
    ------
    pandas.DataFrame
        The columns of ``RANKING_COLUMNS``; reasons that nobody asked for are missing.
    """
    kept = places.drop(columns=["customer_id", "predicted_value", "growth_potential"])
    by_id = kept.iloc[np.argsort(places["customer_id"].to_numpy())]

    def columns() -> Iterator[pa.RecordBatch]:
        scores = pq.ParquetFile(scored.path)
        groups = [scores.metadata.row_group(group).num_rows for group in range(scores.num_row_groups)]
        told_beside = itertools.repeat(None) if reasons is None else _rows_in_step(reasons, groups)
        start = 0
        for group, beside in zip(range(scores.num_row_groups), told_beside, strict=False):
            parts = [scores.read_row_group(group), *([] if beside is None else [beside])]
            own = by_id.iloc[start : start + len(parts[0])]
            start += len(own)
            own = own.astype({name: "str" for name in ("tier", "core_in") if name in own})
            parts.append(pa.Table.from_pandas(own, preserve_index=False))
            # The score of the rank is after cost.
            told = {name: part[name] for part in parts for name in part.column_names}
            yield from pa.table(told).combine_chunks().to_batches()

    batches = columns()
    first = next(batches)
    reader = pa.RecordBatchReader.from_batches(first.schema, _after(first, batches))
    ordered = workspace.con.from_arrow(reader).order("rank").to_arrow_reader(WRITTEN_AT_ONCE)
    for batch in ordered:
        block = batch.to_pandas()
        for name in scored.constant:
            block[name] = scored.constant[name].repeat(len(block)).array
        for name in REASONS:
            if name not in block:
                block[name] = pd.Series(index=block.index, dtype="str")
        yield block[[name for name in RANKING_COLUMNS if name in block]]


def _rows_in_step(path: Path, sizes: Iterable[int]) -> Iterator[pa.Table]:
    """Give the rows of a Parquet file so many at a time, whatever its own row groups hold."""
    file, group = pq.ParquetFile(path), 0
    held = file.schema_arrow.empty_table()
    for size in sizes:
        while len(held) < size:
            held, group = pa.concat_tables([held, file.read_row_group(group)]), group + 1
        yield held.slice(0, size)
        held = held.slice(size)


def _after(first: pa.RecordBatch, others: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from others


class _Rate:
    """Tells the log how many of the customers are done, how many a second, and how long the others will take."""

    def __init__(self, done: str, customers: int | None) -> None:
        self.done, self.of, self.count, self.started = done, customers, 0, time.perf_counter()

    def tell(self, customers: int) -> None:
        self.count += customers
        rate = self.count / max(time.perf_counter() - self.started, 1e-9)
        told = f"{self.count:,}"
        if self.of is not None:
            left = (self.of - self.count) / rate
            told += f" of {self.of:,}"
            rest = f", {left / 60:.0f} min left" if left >= 90 else f", {left:.0f} s left"
        _LOG.info("%s customers %s, %s a second%s", told, self.done, f"{rate:,.0f}", rest if self.of else "")
