"""Transactions come in; how each customer's purchases respond to the market goes out.

An elasticity of 1 moves with the market, 2 twice as much, 0 not at all. What is learned from all customers is made of
sums over customers, so that blocks of them can lie in memory or on Spark.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import pandas as pd

from duramen.data.customers import customer_ids, slices_of_customers
from duramen.data.windows import parse_day
from duramen.errors import InputError
from duramen.forecast.market_level import (
    LEAST_PERIODS,
    LEAST_PURCHASES,
    PERIOD,
    MarketLevel,
    count_columns,
    period_starts,
    purchases_by_period,
    trend,
)

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from duramen.data.transactions import Transactions

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    CountArray = NDArray[np.int8]

# The level moves if chance would move it so in one history of a thousand.
CHANCE = 1e-3
# The variance of elasticities counts if it lies this many standard errors above 0.
CLEAR = 3.0
# Customers whose purchases are weighted at once, so that memory holds no more of them as floats.
BLOCK = 65_536


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
    """

    cutoff: date
    customers: pd.DataFrame
    level: pd.DataFrame
    typical_change: float
    spread: float
    identified: bool
    reason: str

    def __str__(self) -> str:
        if not self.identified:
            return f"Market elasticities before {self.cutoff}: none. {self.reason}"
        return (
            f"Market elasticities before {self.cutoff}: mean 1, standard deviation {self.spread:.2f} over "
            f"{len(self.level)} periods of {PERIOD} days; the level typically changes by {self.typical_change:.0%}."
        )


def market_elasticities(
    tx: Transactions, cutoff: date | str, groups: pd.Series[str] | None = None
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

    Returns
    -------
    MarketElasticities
        ``identified`` is False where fewer than 12 periods of 28 days have 30 purchases of known customers, where the
        level moves no more than by chance, or where elasticities do not persist.

    Raises
    ------
    InputError
        If no purchase lies before the cutoff, or a customer has no group or several.

    References
    ----------
    Morris, C. N. (1983), "Parametric empirical Bayes inference: theory and applications", JASA 78(381).
    McCullagh, P. and Nelder, J. A. (1989), "Generalized linear models", 2nd edition, chapters 6 and 9.
    """
    cutoff = parse_day(cutoff)
    ids = customer_ids(tx, cutoff)
    return elasticities_of(tx, cutoff, ids, _groups_of(ids.to_pandas(), groups))


def elasticities_of(
    tx: Transactions, cutoff: date, ids: pa.ChunkedArray, group: NDArray[np.object_] | pd.Categorical
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
    """
    starts = period_starts(tx.first_date, cutoff)
    code, names = pd.factorize(group)
    counts = _CountsInMemory(*_read_counts(tx, cutoff, ids, len(starts)), code)
    fitted = fit_elasticities(counts, starts, len(names))
    usable = np.flatnonzero(fitted.level.usable)
    inform = (counts.counts[:, p] * (counts.cohorts < p) for p in usable)
    customers: dict[str, object] = {"customer_id": ids.to_pandas(), "group": group}
    customers["purchases"] = sum(inform, np.zeros(len(ids), np.uint64))
    if fitted.prior is None:
        customers |= {"elasticity": 1.0, "standard_error": np.nan}
    else:
        estimates = counts.estimates(fitted.level, fitted.prior.centre)
        elasticity, error = fitted.prior.shrink(estimates.estimate, estimates.information, code)
        customers |= {"elasticity": elasticity, "standard_error": error}
    return fitted.summary(cutoff, pd.DataFrame(customers))


def _read_counts(
    tx: Transactions, cutoff: date, ids: pa.ChunkedArray, periods: int
) -> tuple[CountArray, IntArray]:
    """Return purchase days by customer and period, and the period of each first purchase."""
    counts, cohorts = np.empty((len(ids), periods), dtype=np.int8), np.empty(len(ids), dtype=np.int64)
    start = 0
    for inside, found in slices_of_customers(
        tx, cutoff, lambda days, cutoff: purchases_by_period(days, cutoff, periods), ids
    ):
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


# What is estimated of a block of n customers: each one's elasticity less the group's centre from either half of the
# history, the information in it (both of shape (n, 2)), and the number of each one's group; and sums made of them.
Terms = Callable[["FloatArray", "FloatArray", "IntArray"], "FloatArray"]


class Estimates(Protocol):
    """Elasticities estimated from each half of the history, of customers wherever they lie."""

    def sums(self, terms: Terms) -> FloatArray:
        """Return the total over customers of an array that ``terms`` makes of a block of them."""


class Counts(Protocol):
    """Purchase counts of customers by period, wherever they lie."""

    def by_cohort(self, periods: int) -> tuple[IntArray, FloatArray]:
        """Return the customers of each cohort, shape (P + 1,), and their purchases by period, (P + 1, P)."""

    def estimates(self, level: MarketLevel, centre: FloatArray) -> Estimates:
        """Estimate elasticities about the centre of each group, an array of shape (groups,)."""


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

    def estimates(self, level: MarketLevel, centre: FloatArray) -> _EstimatesInMemory:
        estimate, information = estimate_block(level, centre, self.counts, self.cohorts, self.group)
        return _EstimatesInMemory(estimate, information, self.group)


class _EstimatesInMemory(NamedTuple):
    estimate: FloatArray
    information: FloatArray
    group: IntArray

    def sums(self, terms: Terms) -> FloatArray:
        blocks = [slice(start, start + BLOCK) for start in range(0, max(len(self.group), 1), BLOCK)]
        parts = [terms(self.estimate[rows], self.information[rows], self.group[rows]) for rows in blocks]
        total: FloatArray = np.sum(parts, axis=0)
        return total


def estimate_block(
    level: MarketLevel, centre: FloatArray, counts: CountArray, cohorts: IntArray, group: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Estimate the elasticities of a block of customers less their group's centre, from each half of the history.

    An estimate is one Newton step from the centre.

    Parameters
    ----------
    level : MarketLevel
    centre : array of shape (groups,)
    counts : array of shape (n, P)
        Purchase days by period.
    cohorts, group : array of shape (n,)
        Period of the first purchase, and number of the group.

    Returns
    -------
    estimate, information : array of shape (n, 2)
        The information is that of Poisson purchases, 0 where a half has none.
    """
    score, information = np.zeros((len(group), 2)), np.zeros((len(group), 2))
    halves = np.array_split(np.flatnonzero(level.usable), 2)
    key = group * len(level.usual) + cohorts + 1
    order = np.argsort(key, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(key[order])) + 1) if len(order) else []:
        usual, middle = level.usual[cohorts[rows[0]] + 1], centre[group[rows[0]]]
        for half, periods in enumerate(halves):
            known = periods[usual[periods] > 0]
            # A trend of the customer's own explains two periods completely.
            if len(known) > 2:
                for some in np.array_split(rows, len(rows) // BLOCK + 1):
                    bought = counts[np.ix_(some, known)].astype(float)
                    score[some, half], information[some, half] = _score(
                        bought, usual[known], level.log_level[known], level.purchases[known], middle
                    )
    return np.divide(score, information, out=score, where=information > 0), information


def _score(
    bought: FloatArray, usual: FloatArray, log_level: FloatArray, purchases: IntArray, centre: float
) -> tuple[FloatArray, FloatArray]:
    """Return the derivative of the log likelihood at the centre, and the information, of customers of one cohort."""
    share = usual * np.exp(centre * log_level)
    share /= share.sum()
    moved = log_level - trend(log_level, share)
    total = bought.sum(axis=1)
    information = total * (share @ moved**2)
    bought = bought - total[:, None] * share
    # To first order, the level without the customer is lower by the own surplus as a share of all purchases.
    return bought @ moved - bought**2 @ (1 / purchases), information


class Variance(NamedTuple):
    """Components of the variance of estimates about the centre.

    That of a half is ``overdispersion`` / information + ``transient`` + ``persistent``; the halves have ``persistent``
    in common, which has a ``standard_error``.
    """

    overdispersion: float
    persistent: float
    standard_error: float
    transient: float

    @classmethod
    def of(cls, estimates: Estimates) -> Variance:
        """Estimate the components by moments.

        Squared residuals times information rise with the information by the variance of elasticities, in a weighted
        regression whose intercept is the overdispersion; the product of both halves has the persistent variance as its
        mean.
        """

        def totals(estimate: FloatArray, information: FloatArray, _: IntArray) -> FloatArray:
            return np.array([(information > 0).sum(), information.sum(), (estimate**2 * information).sum()])

        halves, information_mean, squares_mean = estimates.sums(totals)
        if not halves:
            return cls(1.0, 0.0, np.inf, 0.0)
        information_mean, squares_mean = information_mean / halves, squares_mean / halves
        overdispersion, spread = max(squares_mean, 1e-9), 0.0

        def moments(estimate: FloatArray, information: FloatArray, _: IntArray) -> FloatArray:
            known = information > 0
            x = information[known]
            weight = (overdispersion + spread * x) ** -2
            # Close to the means, so that differences of large sums do not lose digits.
            squares, x = estimate[known] ** 2 * x - squares_mean, x - information_mean
            return np.array([weight.sum(), *(weight @ z for z in (x, squares, x**2, x * squares))])

        for _ in range(10):
            total, *sums = estimates.sums(moments)
            x, squares, xx, xy = np.array(sums) / total
            across = xx - x**2
            slope = (xy - x * squares) / across if across > 0 else 0.0
            spread = max(float(slope), 0.0)
            mean = squares + squares_mean
            overdispersion = max(float(mean - spread * (x + information_mean)), 1e-3 * float(mean), 1e-9)
        return cls._of_products(estimates, overdispersion, spread)

    @classmethod
    def _of_products(cls, estimates: Estimates, overdispersion: float, spread: float) -> Variance:
        """Divide the variance of elasticities into what both halves share and what they do not."""

        def products(estimate: FloatArray, information: FloatArray, _: IntArray) -> FloatArray:
            both = (information > 0).all(axis=1)
            weight = np.prod(1 / (overdispersion / information[both] + spread), axis=1)
            product = weight * estimate[both].prod(axis=1)
            return np.array(
                [weight.sum(), product.sum(), weight @ weight, weight @ product, product @ product]
            )

        total, product, ww, wp, pp = estimates.sums(products)
        if not total > 0:
            return cls(overdispersion, 0.0, np.inf, spread)
        persistent = float(product / total)
        error = np.sqrt(max(pp - 2 * persistent * wp + persistent**2 * ww, 0.0)) / total
        return cls(overdispersion, persistent, float(error), max(spread - persistent, 0.0))

    def combine(self, estimate: FloatArray, information: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return precision and mean of the two halves of each customer, about the customer's persistent elasticity."""
        # A half without information has no weight.
        weight = information / (self.overdispersion + self.transient * information)
        total = weight.sum(axis=1)
        return total, (weight * estimate).sum(axis=1) / np.maximum(total, 1e-300)


class Prior(NamedTuple):
    """The distribution of true elasticities: the mean of each group, its variance, and that of customers about it."""

    centre: FloatArray
    centre_variance: FloatArray
    spread: float
    variance: Variance

    def shrink(
        self, estimate: FloatArray, information: FloatArray, group: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return each customer's elasticity shrunk towards its group's mean, and its standard error."""
        weight, mean = self.variance.combine(estimate, information)
        own = weight * self.spread / (1 + weight * self.spread)
        error = np.sqrt((1 - own) * self.spread + (1 - own) ** 2 * self.centre_variance[group])
        return self.centre[group] + own * mean, error


class Fitted(NamedTuple):
    """What is learned from all customers together; ``prior`` is None where elasticities are not identified."""

    level: MarketLevel
    overdispersion: float
    typical_change: float
    reason: str
    spread: float = 0.0
    prior: Prior | None = None

    def summary(self, cutoff: date, customers: pd.DataFrame) -> MarketElasticities:
        """Return it with the elasticities of customers."""
        return MarketElasticities(
            cutoff,
            customers,
            self.level.table(self.overdispersion),
            self.typical_change,
            self.spread,
            self.prior is not None,
            self.reason,
        )


def fit_elasticities(counts: Counts, starts: list[date], groups: int) -> Fitted:
    """Fit the level of the market and the distribution of elasticities to purchase counts.

    Parameters
    ----------
    counts : Counts
    starts : list of date
        The first day of each period.
    groups : int
        How many groups of customers there are.
    """
    level = MarketLevel.fit(starts, *counts.by_cohort(len(starts)))
    if level.usable.sum() < LEAST_PERIODS:
        reason = (
            f"Only {level.usable.sum()} periods of {PERIOD} days have at least {LEAST_PURCHASES} purchases of known "
            f"customers each, and {LEAST_PERIODS} are needed to see elasticities and whether they persist."
        )
        return Fitted(level, np.nan, 0.0, reason)
    estimates = counts.estimates(level, np.ones(groups))
    variance = Variance.of(estimates)
    change = level.typical_change(variance.overdispersion)
    if reason := _why_not(level, variance, change):
        return Fitted(level, variance.overdispersion, change, reason)
    prior = _fit_prior(counts, level, estimates, variance, groups)
    return Fitted(level, variance.overdispersion, change, "", float(np.sqrt(variance.persistent)), prior)


def _why_not(level: MarketLevel, variance: Variance, change: float) -> str:
    """Return why elasticities are not identified, or nothing."""
    if change == 0 or level.chance(variance.overdispersion) > CHANCE:
        return f"Over {level.usable.sum()} periods of {PERIOD} days the market's level moves no more than by chance."
    if not variance.persistent > CLEAR * variance.standard_error:
        return (
            "Elasticities of the first half of the history do not persist in the second: the variance that they have "
            f"in common is {variance.persistent / variance.standard_error:.1f} standard errors above 0, and "
            f"{CLEAR:.0f} are required."
        )
    return ""


def _fit_prior(
    counts: Counts, level: MarketLevel, estimates: Estimates, variance: Variance, groups: int
) -> Prior:
    """Fit the mean of each group, and the variance of customers about it."""
    centre, centre_variance, spread = np.ones(groups), np.zeros(groups), variance.persistent
    if groups == 1:
        return Prior(centre, centre_variance, spread, variance)

    def by_group(estimate: FloatArray, information: FloatArray, group: IntArray) -> FloatArray:
        weight, mean = variance.combine(estimate, information)
        return np.array(
            [np.bincount(group, weights=each, minlength=groups) for each in (weight, weight * mean)]
        )

    # The mean of all is 1, since the level is theirs; means of groups spread no more than customers do.
    for _ in range(3):
        precision, moved = estimates.sums(by_group)
        centre_variance = 1 / (precision + 1 / spread)
        centre = centre + (moved - (centre - 1) / spread) * centre_variance
        estimates = counts.estimates(level, centre)
        variance = Variance.of(estimates)
    return Prior(centre, centre_variance, max(variance.persistent, 0.0), variance)
