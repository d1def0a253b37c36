"""Purchase days come in; the level of the market by period goes out, and what is usual at each customer age."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import ibis
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

# Whole weeks, so that every period has the same weekdays.
PERIOD = 28
# Both halves must show ups and downs about a trend of their own; beyond three years a business is another one.
LEAST_PERIODS, MOST_PERIODS = 12, 39
# Purchases of known customers without which a period's level is no more than noise.
LEAST_PURCHASES = 30
# Rounds of scaling rows and columns in turn, by when the fit moves no more.
ROUNDS = 200


def period_starts(first: date, cutoff: date) -> list[date]:
    """Return the first day of each whole period of 28 days between two days, counted back from the cutoff."""
    periods = min((cutoff - first).days // PERIOD, MOST_PERIODS)
    return [cutoff - timedelta(days=PERIOD * (periods - p)) for p in range(periods)]


def count_columns(periods: int) -> list[str]:
    """Return the names of the columns that ``purchases_by_period`` counts in."""
    return [f"period_{p}" for p in range(periods)]


def purchases_by_period(days: ibis.Table, cutoff: date, periods: int) -> ibis.Table:
    """Count the purchase days of each customer in each period before the cutoff.

    Returns
    -------
    ibis.Table
        ``customer_id``, ``cohort`` (the period of the first purchase, -1 where it is before all of them), and the
        ``count_columns``.
    """
    import ibis

    before = ibis.literal(cutoff)
    days = days.filter((days.date < cutoff) & days.purchase)
    days = days.mutate(back=(before.delta(days.date, unit="day") - 1) // PERIOD)
    # A period of 28 days has no more purchase days than a byte counts.
    counts = {
        name: days.count(where=days.back == periods - 1 - p).cast("int8")
        for p, name in enumerate(count_columns(periods))
    }
    cohort = periods - 1 - (before.delta(days.date.min(), unit="day") - 1) // PERIOD
    return days.group_by("customer_id").aggregate(cohort=ibis.greatest(cohort, -1).cast("int64"), **counts)


@dataclass(frozen=True)
class MarketLevel:
    """Purchases of known customers by period, against those that are usual at their ages.

    Attributes
    ----------
    starts : list of date
        The first day of each of the P periods.
    known_customers, purchases : array of int, shape (P,)
        Customers who had bought before the period, and their purchases in it.
    usable : array of bool, shape (P,)
        Whether the period has enough purchases.
    log_level : array of float, shape (P,)
        Logarithm of purchases / expected purchases, about its trend; of no meaning where not usable.
    usual : array of float, shape (P + 1, P)
        Expected purchases of a customer at level 1: a row for each cohort from -1 on, a column for each period; 0 where
        the cohort is not yet known.
    response : array of float, shape (2,)
        Mean elasticity of all customers in each half of the history: 1 to their own level.
    outside : bool
        Whether the level is that of an outside index, which is known without error.
    """

    starts: list[date]
    known_customers: IntArray
    purchases: IntArray
    usable: NDArray[np.bool_]
    log_level: FloatArray
    usual: FloatArray
    response: FloatArray = field(default_factory=lambda: np.ones(2))
    outside: bool = False

    @classmethod
    def fit(cls, starts: list[date], customers: IntArray, bought: FloatArray) -> MarketLevel:
        """Fit the level and the usual purchases at each age.

        Purchases of cohort c in period p are Poisson with mean customers(c) usual(age) level(p), fitted by scaling
        rows and columns in turn. Ages count in doublings, and those from before the periods are one.

        Parameters
        ----------
        starts : list of date
        customers : array of shape (P + 1,)
            Customers of each cohort from -1 on.
        bought : array of shape (P + 1, P)
            Their purchases by period.
        """
        periods = len(starts)
        cohort, period = np.arange(-1, periods)[:, None], np.arange(periods)[None, :]
        known = period > cohort
        size, bought = customers[:, None] * known, bought * known
        age = np.where(cohort < 0, 0, 1 + np.log2(np.maximum(period - cohort, 1)).astype(int))
        ages = int(age.max(initial=0)) + 1

        def by_age(table: FloatArray) -> FloatArray:
            return np.bincount(age.ravel(), weights=table.ravel(), minlength=ages).astype(float)

        at_age, level = np.ones(ages), np.ones(periods)
        for _ in range(ROUNDS):
            level = bought.sum(axis=0) / np.maximum((size * at_age[age]).sum(axis=0), 1e-9)
            at_age = by_age(bought) / np.maximum(by_age(size * level), 1e-9)
        usual = at_age[age] * known
        purchases = bought.sum(axis=0).astype(np.int64)
        usable = purchases >= LEAST_PURCHASES
        expected = (size * usual).sum(axis=0)
        log_level = np.log(np.where(usable, purchases, 1) / np.where(usable, expected, 1))
        log_level -= trend(log_level, (purchases * usable).astype(float))
        return cls(starts, size.sum(axis=0), purchases, usable, log_level, usual)

    def along(self, index: FloatArray) -> MarketLevel:
        """Return the level of an outside index in place of that of the purchases, about its trend.

        Parameters
        ----------
        index : array of shape (P,)
            Mean of the index over each period, NaN where it is not known.
        """
        usable = self.usable & np.isfinite(index)
        log_level = np.log(np.where(usable, index, 1.0))
        log_level -= trend(log_level, (self.purchases * usable).astype(float))
        return replace(self, usable=usable, log_level=log_level, outside=True)

    @property
    def mean_response(self) -> float:
        """Mean elasticity of all customers over both halves of the history."""
        return float(self.response.mean())

    def own_share(self) -> FloatArray:
        """Return how much of each period's level one purchase is: nothing of an outside index."""
        return np.zeros(len(self.starts)) if self.outside else 1 / np.maximum(self.purchases, 1)

    def variance(self, overdispersion: float) -> FloatArray:
        """Return the sampling variance of each log level."""
        return overdispersion * self.own_share()

    def typical_change(self, overdispersion: float) -> float:
        """Return the root mean square change of the log level beyond chance, as a share."""
        level, variance = self.log_level[self.usable], self.variance(overdispersion)[self.usable]
        beyond = np.mean(np.diff(level) ** 2 - variance[1:] - variance[:-1])
        return float(np.expm1(np.sqrt(max(float(beyond), 0.0))))

    def chance(self, overdispersion: float) -> float:
        """Return the probability that a level that stands still shows as much movement."""
        from scipy.stats import chi2

        if self.outside:
            return 0.0
        level, variance = self.log_level[self.usable], self.variance(overdispersion)[self.usable]
        return float(chi2.sf(np.sum(level**2 / variance), len(level) - 2))

    def table(self, overdispersion: float) -> pd.DataFrame:
        """Return a row for each period, with the level and its standard error where it is usable."""
        table = pd.DataFrame(
            {
                "start": pd.to_datetime(self.starts),
                "known_customers": self.known_customers,
                "purchases": self.purchases,
            }
        )
        table["level"] = np.where(self.usable, np.exp(self.log_level), np.nan)
        error = np.nan if self.outside else np.sqrt(self.variance(overdispersion))
        table["standard_error"] = table["level"] * error
        return table


def trend(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the weighted least-squares line through values at 0, 1, ... along the last axis."""
    time = np.arange(values.shape[-1], dtype=float)
    total = np.maximum(weights.sum(axis=-1, keepdims=True), 1e-300)
    time = time - (weights * time).sum(axis=-1, keepdims=True) / total
    mean = (weights * values).sum(axis=-1, keepdims=True) / total
    slope = (weights * time * values).sum(axis=-1, keepdims=True)
    line: FloatArray = (
        mean + slope / np.maximum((weights * time**2).sum(axis=-1, keepdims=True), 1e-300) * time
    )
    return line
