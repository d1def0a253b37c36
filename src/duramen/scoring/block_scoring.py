"""A model and blocks of the customer table come in; a file of scores goes out, and in memory what the rank needs."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from duramen.io.files import ParquetBlocks
from duramen.io.score_columns import REASONS
from duramen.segments.lifecycle_stage import STAGES

if TYPE_CHECKING:
    from duramen.scoring.model import CoreCustomerModel

_LOG = logging.getLogger(__name__)

# The same in every row, so that no file but the last has them.
CONSTANT = ("cutoff", "model_version")
# What ranks and tiers are made of, and the group that elasticities are shrunk towards.
KEPT = ("score", "predicted_value", "growth_rate", "probability_growing", "lifecycle_stage", "segment")
STAGE = pd.CategoricalDtype(list(STAGES))


class Scored(NamedTuple):
    """Scored customers in order of id: all columns in a Parquet file, and in memory what the rank needs.

    ``kept`` has the columns of ``KEPT``, stage and segment as categories; ``constant`` are the columns that are the
    same in every row, as a frame of one.
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
        The file to write.
    with_reasons : bool
        Whether to explain every customer.
    customers : int, optional
        How many there will be, for the log, which shows the rate and the time left.

    Raises
    ------
    InputError
        If a column that the model learned from is missing.
    """
    kept, rate = [], _Rate("scored", customers)
    with ParquetBlocks(path) as file:
        for block in blocks:
            scores = model.predict(block, with_reasons=with_reasons)
            kept.append(scores[list(KEPT)].astype({"lifecycle_stage": STAGE, "segment": "category"}))
            constant = scores[list(CONSTANT)].head(1)
            file.append(scores.drop(columns=list(CONSTANT)))
            rate.log(len(block))
    segment = pd.api.types.union_categoricals([part.pop("segment") for part in kept])
    return Scored(path, pd.concat(kept, ignore_index=True).assign(segment=segment), constant)


def write_reasons(
    model: CoreCustomerModel,
    blocks: Iterable[pd.DataFrame],
    wanted: npt.NDArray[np.bool_],
    path: Path,
) -> None:
    """Write the reasons of some customers, missing for the others, to a Parquet file, a row group for each block.

    Parameters
    ----------
    model : CoreCustomerModel
    blocks : iterable of pandas.DataFrame
        Those that were scored.
    wanted : array of bool, shape (n,)
        Which customers to explain, in order of id.
    path : Path
        The file to write.
    """
    start, rate = 0, _Rate("explained", int(wanted.sum()))
    with ParquetBlocks(path) as file:
        for block in blocks:
            inside, start = wanted[start : start + len(block)], start + len(block)
            reasons = pd.DataFrame(index=block.index, columns=list(REASONS), dtype="str")
            if inside.any():
                some = block[inside]
                reasons.loc[inside] = model.reasons(some)[list(REASONS)].to_numpy()
                rate.log(len(some))
            file.append(reasons)


class _Rate:
    """Logs how many of the customers are done, how many a second, and how long the others will take."""

    def __init__(self, done: str, customers: int | None) -> None:
        self.done, self.of, self.count, self.started = done, customers, 0, time.perf_counter()

    def log(self, customers: int) -> None:
        self.count += customers
        rate = self.count / max(time.perf_counter() - self.started, 1e-9)
        count, rest = f"{self.count:,}", ""
        if self.of is not None:
            left = (self.of - self.count) / rate
            count += f" of {self.of:,}"
            rest = f", {left / 60:.0f} min left" if left >= 90 else f", {left:.0f} s left"
        _LOG.info("%s customers %s, %s a second%s", count, self.done, f"{rate:,.0f}", rest)
