"""Transactions come in; how each customer's purchases respond to the market goes out.

An elasticity of 1 moves with the market, 2 twice as much, 0 not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from duramen.data.customers import customer_ids, slices_of_customers
from duramen.data.market_index import read_market_index
from duramen.data.windows import parse_day
from duramen.errors import InputError
from duramen.forecast.elasticity_estimation import (
    CELL,
    Fitted,
    Prior,
    cell_sums,
    estimate_block,
    fit_elasticities,
)
from duramen.forecast.market_level import (
    PERIOD,
    MarketLevel,
    count_columns,
    period_starts,
    purchases_by_period,
)
from duramen.language import marked, say

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa
    from numpy.typing import NDArray

    from duramen.data.transactions import Transactions

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    CountArray = NDArray[np.int8]

# Customers whose purchases are estimated from at once, so that memory has no more of them as floats.
BLOCK = 262_144


@dataclass(frozen=True)
class MarketElasticities:
    """Each customer's elasticity to the level of the market, from the purchase days before a cutoff.

    Attributes
    ----------
    cutoff : date
    customers : pandas.DataFrame
        A row for each customer, by id: ``customer_id``, ``group``, ``purchases`` (days that inform the elasticity),
        ``elasticity`` (percent by which the customer's purchases change where the market's change by one), and its
        ``standard_error``. Where nothing is identified, every elasticity is 1 and its standard error missing.
    level : pandas.DataFrame
        A row for each period of 28 days: ``start``, ``known_customers`` (who had bought before it), ``purchases`` of
        theirs, ``level`` (their purchases against those usual at their ages, 1 on its trend) and ``standard_error``.
    typical_change : float
        Typical change of the level from a period to the next beyond chance, as a share; 0 where none is seen.
    spread : float
        Standard deviation of the true elasticities, as far as they persist; 0 where none is seen.
    identified : bool
        Whether elasticities differ in a way that both halves of the history show.
    reason : str
        Why not, in a sentence; empty where they do.
    mean : float
        Mean elasticity of all customers: 1 where the level is that of their own purchases.
    outside : bool
        Whether the level is that of an outside index; its ``standard_error`` is then missing.
    """

    cutoff: date
    customers: pd.DataFrame
    level: pd.DataFrame
    typical_change: float
    spread: float
    identified: bool
    reason: str
    mean: float = 1.0
    outside: bool = False

    @classmethod
    def of(cls, fitted: Fitted, cutoff: date, customers: pd.DataFrame) -> MarketElasticities:
        """Return what is learned from all customers together, with the elasticities of each."""
        return cls(
            cutoff,
            customers,
            fitted.level.table(fitted.overdispersion),
            fitted.typical_change,
            fitted.spread,
            fitted.prior is not None,
            fitted.reason,
            fitted.level.mean_response,
            fitted.level.outside,
        )

    def __str__(self) -> str:
        if not self.identified:
            return say(
                "Market elasticities before {cutoff}: none. {reason}", cutoff=self.cutoff, reason=self.reason
            )
        text = (
            marked(
                "Market elasticities to the outside index before {cutoff}: mean {mean}, standard deviation {spread} "
                "over {periods} periods of {days} days; the level typically changes by {change}."
            )
            if self.outside
            else marked(
                "Market elasticities before {cutoff}: mean {mean}, standard deviation {spread} over {periods} "
                "periods of {days} days; the level typically changes by {change}."
            )
        )
        return say(
            text,
            cutoff=self.cutoff,
            mean=f"{self.mean:.2g}",
            spread=f"{self.spread:.2f}",
            periods=len(self.level),
            days=PERIOD,
            change=f"{self.typical_change:.0%}",
        )


def market_elasticities(
    tx: Transactions, cutoff: date | str, groups: pd.Series[str] | None = None, *, index: Any = None
) -> MarketElasticities:
    """Estimate how each customer's purchases respond to the level of the market.

    The market's level of a period is the number of purchase days of the customers known at its start, against what
    is usual at their ages (time since the first purchase), about its own log-linear trend. Newcomers do not raise it
    and ageing does not lower it; a steady rise or fall of all cannot be separated from ageing, and counts as that.
    Season is part of the level.

    Given a customer's purchases of each half of the history, those of period p are expected in proportion to
    usual(age) level(p)^elasticity. The level leaves the customer's own purchases out, and a log-linear trend of the
    customer's own in each half is allowed for, so that growing and leaving are not taken for an elasticity.
    Estimates are shrunk towards the group's mean by the variance that persists: what both halves of the history have
    in common.

    Parameters
    ----------
    tx : Transactions
    cutoff : date or str
        Only purchase days before it are used.
    groups : pandas.Series, optional
        The group of each customer, such as the segment, indexed by customer id; one group by default.
    index : str, Path or DataFrame, optional
        An outside market index, as ``read_market_index`` takes it, in place of the level that the purchases show.

    Returns
    -------
    MarketElasticities
        ``identified`` is False where fewer than 12 periods of 28 days have 30 purchases of known customers, where the
        level moves no more than by chance, or where elasticities do not persist.

    Raises
    ------
    InputError
        If no purchase lies before the cutoff, a customer has no group or several, or the index cannot be used.

    References
    ----------
    Morris, C. N. (1983), "Parametric empirical Bayes inference: theory and applications", JASA 78(381).
    McCullagh, P. and Nelder, J. A. (1989), "Generalized linear models", 2nd edition, chapters 6 and 9.
    """
    cutoff = parse_day(cutoff)
    index = None if index is None else read_market_index(index)
    ids = customer_ids(tx, cutoff)
    return elasticities_of(tx, cutoff, ids, _groups_of(ids.to_pandas(), groups), index)


def elasticities_of(
    tx: Transactions,
    cutoff: date,
    ids: pa.ChunkedArray,
    group: NDArray[np.object_] | pd.Categorical,
    index: pd.DataFrame | None = None,
) -> MarketElasticities:
    """Estimate ``market_elasticities`` of customers whose ids and groups are arrays of shape (n,).

    Parameters
    ----------
    tx : Transactions
    cutoff : date
        Only purchase days before it are used.
    ids : pyarrow.ChunkedArray
        ``customer_ids`` of ``tx`` at the cutoff.
    group : array
        The group of each.
    index : pandas.DataFrame, optional
        What ``read_market_index`` returns.
    """
    starts = period_starts(tx.first_date, cutoff)
    code, names = pd.factorize(group)
    counts = _CountsInMemory(*_read_counts(tx, cutoff, ids, len(starts)), code)
    fitted = fit_elasticities(counts, starts, len(names), index)
    inform = (counts.counts[:, p] * (counts.cohorts < p) for p in np.flatnonzero(fitted.level.usable))
    customers: dict[str, object] = {"customer_id": ids.to_pandas(), "group": group}
    customers["purchases"] = sum(inform, np.zeros(len(ids), np.uint64))
    if fitted.prior is None:
        customers |= {"elasticity": 1.0, "standard_error": np.nan}
    else:
        elasticity, customers["standard_error"] = counts.shrink(fitted.level, fitted.prior)
        customers["elasticity"] = elasticity - 1 + fitted.level.mean_response
    return MarketElasticities.of(fitted, cutoff, pd.DataFrame(customers))


def _read_counts(
    tx: Transactions, cutoff: date, ids: pa.ChunkedArray, periods: int
) -> tuple[CountArray, IntArray]:
    """Return purchase days by customer and period, and the period of each first purchase."""
    counts, cohorts = np.empty((len(ids), periods), dtype=np.int8), np.empty(len(ids), dtype=np.int64)
    start = 0

    def describe(days: ibis.Table, cutoff: date) -> str:
        return str(days.get_backend().compile(purchases_by_period(days, cutoff, periods)))

    for inside, found in slices_of_customers(tx, cutoff, describe, ids):
        order = found["customer_id"].to_pandas().argsort(kind="stable").to_numpy()
        rows, start = slice(start, start + len(inside)), start + len(inside)
        for p, name in enumerate(count_columns(periods)):
            counts[rows, p] = found[name].to_numpy()[order]
        cohorts[rows] = found["cohort"].to_numpy()[order]
    return counts, cohorts


def _groups_of(ids: pd.Series[str], groups: pd.Series[str] | None) -> NDArray[np.object_]:
    if groups is None:
        return np.full(len(ids), "all", dtype=object)
    if not groups.index.is_unique:
        again = groups.index[groups.index.duplicated()]
        raise InputError(f"{len(again):,} customers have two groups, for example {again[0]}; give one each.")
    group = ids.map(groups)
    if group.isna().any():
        raise InputError(
            f"{group.isna().sum():,} of {len(ids):,} customers have no group, for example {ids[group.isna()].iloc[0]}; "
            "give a Series of groups indexed by customer id."
        )
    return group.to_numpy(dtype=object)


class _CountsInMemory(NamedTuple):
    """Purchase counts of shape (n, P), and the cohort and the group's number of each customer."""

    counts: CountArray
    cohorts: IntArray
    group: IntArray

    def by_cohort(self, periods: int) -> tuple[IntArray, FloatArray]:
        row = self.cohorts + 1
        bought = np.zeros((periods + 1, periods))
        for p in range(periods):
            bought[:, p] = np.bincount(row, weights=self.counts[:, p], minlength=periods + 1)
        return np.bincount(row, minlength=periods + 1), bought

    def cells(self, level: MarketLevel, centre: FloatArray) -> pd.DataFrame:
        parts = [
            cell_sums(group, *estimate_block(level, centre, counts, cohorts, group))
            for counts, cohorts, group in self._blocks()
        ]
        return pd.concat(parts).groupby(CELL, as_index=False).sum()

    def shrink(self, level: MarketLevel, prior: Prior) -> tuple[FloatArray, FloatArray]:
        """Return the elasticity of each customer, and its standard error."""
        parts = [
            prior.shrink(*estimate_block(level, prior.centre, counts, cohorts, group), group)
            for counts, cohorts, group in self._blocks()
        ]
        elasticity, error = (np.concatenate(each) for each in zip(*parts, strict=True))
        return elasticity, error

    def _blocks(self) -> Iterator[tuple[CountArray, IntArray, IntArray]]:
        for start in range(0, len(self.group), BLOCK):
            rows = slice(start, start + BLOCK)
            yield self.counts[rows], self.cohorts[rows], self.group[rows]
