"""Purchase counts of customers come in; estimates of their elasticities go out, and what they have in common.

All that is learned from customers together comes from sums over them, whether they are in memory or on Spark.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import pandas as pd

from duramen.data.market_index import index_by_period
from duramen.errors import InputError
from duramen.forecast.market_level import LEAST_PERIODS, LEAST_PURCHASES, PERIOD, MarketLevel, trend
from duramen.language import say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    CountArray = NDArray[np.int8]

# The level moves if chance would move it so in one history of a thousand.
CHANCE = 1e-3
# The variance of elasticities counts if it lies this many standard errors above 0.
CLEAR = 3.0
ESTIMATES, INFORMATION = ["estimate_1", "estimate_2"], ["information_1", "information_2"]
# Customers of one group with the same information from either half of the history are a cell.
CELL = ["group", *INFORMATION]


class Counts(Protocol):
    """Purchase counts of customers by period, wherever they are."""

    def by_cohort(self, periods: int) -> tuple[IntArray, FloatArray]:
        """Return the customers of each cohort, shape (P + 1,), and their purchases by period, (P + 1, P)."""

    def cells(self, level: MarketLevel, centre: FloatArray) -> pd.DataFrame:
        """Return the ``cell_sums`` of estimates about the centre of each group, an array of shape (groups,)."""


def estimate_block(
    level: MarketLevel, centre: FloatArray, counts: CountArray, cohorts: IntArray, group: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Estimate the elasticities of a block of customers less their group's centre, from each half of the history.

    An estimate is one Newton step from the centre.

    Parameters
    ----------
    level : MarketLevel
    centre : array of shape (groups,)
        Mean elasticity of each group where that of all is 1; where it is not, it is further by ``level.response`` - 1.
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
    halves, own_share = np.array_split(np.flatnonzero(level.usable), 2), level.own_share()
    key = group * len(level.usual) + cohorts + 1
    order = np.argsort(key, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(key[order])) + 1) if len(order) else []:
        usual, middle = level.usual[cohorts[rows[0]] + 1], centre[group[rows[0]]] - 1 + level.response
        for half, periods in enumerate(halves):
            known = periods[usual[periods] > 0]
            # A trend of the customer's own explains two periods completely.
            if len(known) > 2:
                bought = counts[np.ix_(rows, known)].astype(float)
                score[rows, half], information[rows, half] = _score(
                    bought, usual[known], level.log_level[known], own_share[known], middle[half]
                )
    return np.divide(score, information, out=score, where=information > 0), information


def _score(
    bought: FloatArray, usual: FloatArray, log_level: FloatArray, own_share: FloatArray, centre: float
) -> tuple[FloatArray, FloatArray]:
    """Return the derivative of the log likelihood at the centre, and the information, of customers of one cohort."""
    share = usual * np.exp(centre * log_level)
    share /= share.sum()
    moved = log_level - trend(log_level, share)
    total = bought.sum(axis=1)
    information = total * (share @ moved**2)
    bought = bought - total[:, None] * share
    # To first order, the level without the customer is lower by the own surplus as a share of all purchases.
    return bought @ moved - bought**2 @ own_share, information


def cell_sums(group: IntArray, estimate: FloatArray, information: FloatArray) -> pd.DataFrame:
    """Add up estimates of a block of customers by cell: all that is learned from them together.

    Returns
    -------
    pandas.DataFrame
        A row for each cell: ``group``, ``information_1``, ``information_2``, its ``customers``, and the sums of
        ``estimate_1``, ``estimate_2``, their squares ``square_1`` and ``square_2``, their ``product`` and its square
        ``product_square``.
    """
    block = pd.DataFrame(
        {
            "group": group,
            "information_1": information[:, 0],
            "information_2": information[:, 1],
            "customers": 1,
        }
    )
    for half in (0, 1):
        block[f"estimate_{half + 1}"] = estimate[:, half]
        block[f"square_{half + 1}"] = estimate[:, half] ** 2
    block["product"] = estimate.prod(axis=1)
    block["product_square"] = block["product"] ** 2
    return block.groupby(CELL, as_index=False).sum()


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
    def of(cls, cells: pd.DataFrame) -> Variance:
        """Estimate the components by moments.

        Squared estimates times information rise with the information by the variance of elasticities, in a weighted
        regression whose intercept is the overdispersion; the product of both halves has the persistent variance as its
        mean.
        """
        known = cells[INFORMATION].to_numpy() > 0
        x = cells[INFORMATION].to_numpy()[known]
        customers = np.broadcast_to(cells[["customers"]].to_numpy(dtype=float), known.shape)[known]
        squares = x * cells[["square_1", "square_2"]].to_numpy()[known] / customers
        overdispersion = max(float(np.average(squares, weights=customers)), 1e-9) if len(x) else 1.0
        spread = 0.0
        for _ in range(10 if len(x) else 0):
            weight = customers * (overdispersion + spread * x) ** -2
            mean_x, mean = np.average(x, weights=weight), np.average(squares, weights=weight)
            across = np.average((x - mean_x) ** 2, weights=weight)
            slope = (
                np.average((x - mean_x) * (squares - mean), weights=weight) / across if across > 0 else 0.0
            )
            spread = max(float(slope), 0.0)
            overdispersion = max(float(mean - spread * mean_x), 1e-3 * float(mean), 1e-9)
        return cls._of_products(cells.loc[np.flatnonzero(known.all(axis=1))], overdispersion, spread)

    @classmethod
    def _of_products(cls, cells: pd.DataFrame, overdispersion: float, spread: float) -> Variance:
        """Divide the variance of elasticities into what both halves share and what they do not."""
        weight = np.prod(1 / (overdispersion / cells[INFORMATION].to_numpy() + spread), axis=1)
        total = (weight * cells["customers"]).sum()
        if not total > 0:
            return cls(overdispersion, 0.0, np.inf, spread)
        persistent = float((weight * cells["product"]).sum() / total)
        squared = (
            cells["product_square"] - 2 * persistent * cells["product"] + persistent**2 * cells["customers"]
        )
        error = float(np.sqrt((weight**2 * squared).sum()) / total)
        return cls(overdispersion, persistent, error, max(spread - persistent, 0.0))

    def weights(self, information: FloatArray) -> FloatArray:
        """Return the precision of each half about the customer's persistent elasticity, 0 without information."""
        return information / (self.overdispersion + self.transient * information)


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
        weights = self.variance.weights(information)
        weight = weights.sum(axis=1)
        mean = (weights * estimate).sum(axis=1) / np.maximum(weight, 1e-300)
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


def fit_elasticities(
    counts: Counts, starts: list[date], groups: int, index: pd.DataFrame | None = None
) -> Fitted:
    """Fit the level of the market and the distribution of elasticities to purchase counts.

    Parameters
    ----------
    counts : Counts
    starts : list of date
        The first day of each period.
    groups : int
        How many groups of customers there are.
    index : pandas.DataFrame, optional
        What ``read_market_index`` returns, in place of the level that the purchases show.

    Raises
    ------
    InputError
        If the index covers fewer periods than are needed, where the history has as many, or never changes in them.
    """
    level = MarketLevel.fit(starts, *counts.by_cohort(len(starts)))
    if index is not None:
        level = _along(index, level)
    if level.usable.sum() < LEAST_PERIODS:
        reason = say(
            "Only {periods} periods of {days} days have at least {purchases} purchases of known customers each, and "
            "{needed} are needed to see elasticities and whether they persist.",
            periods=level.usable.sum(),
            days=PERIOD,
            purchases=LEAST_PURCHASES,
            needed=LEAST_PERIODS,
        )
        return Fitted(level, np.nan, 0.0, reason)
    if level.outside:
        level = _with_mean_response(counts, level, groups)
    cells = counts.cells(level, np.ones(groups))
    variance = Variance.of(cells)
    change = level.typical_change(variance.overdispersion)
    if why_not := _why_not(level, variance, change):
        return Fitted(level, variance.overdispersion, change, why_not)
    prior = _fit_prior(counts, level, cells, variance, groups)
    return Fitted(level, variance.overdispersion, change, "", float(np.sqrt(variance.persistent)), prior)


def _along(index: pd.DataFrame, level: MarketLevel) -> MarketLevel:
    """Return the level of an outside index, refused where it covers too little of the history."""
    by_period = index_by_period(index, level.starts, PERIOD)
    found = level.along(by_period)
    if found.usable.sum() < LEAST_PERIODS <= level.usable.sum():
        dates = index["date"].dt.date
        raise InputError(
            f"the market index from {dates.iloc[0]} to {dates.iloc[-1]} covers {found.usable.sum()} of the "
            f"{level.usable.sum()} periods of {PERIOD} days of the history, and {LEAST_PERIODS} are needed; give an "
            f"index of the days from {level.starts[0]} on."
        )
    if found.usable.any() and np.ptp(by_period[found.usable]) == 0:
        raise InputError(
            f"the market index is {by_period[found.usable][0]:g} over the whole history; give a market that moves."
        )
    return found


def _with_mean_response(counts: Counts, level: MarketLevel, groups: int) -> MarketLevel:
    """Fit the mean elasticity of all customers to an outside index in each half of the history, by Newton's method.

    Each half has a mean of its own: what moves all purchases of a half and not the index is nobody's elasticity.
    """
    for _ in range(10):
        cells = counts.cells(level, np.ones(groups))
        information = cells[INFORMATION].to_numpy()
        total = (information * cells[["customers"]].to_numpy()).sum(axis=0)
        score = (information * cells[ESTIMATES].to_numpy()).sum(axis=0)
        step = np.clip(score / np.maximum(total, 1e-300), -1, 1)
        level = replace(level, response=level.response + step)
        if np.abs(step).max() < 1e-6:
            break
    return level


def _why_not(level: MarketLevel, variance: Variance, change: float) -> str:
    """Return why elasticities are not identified, or nothing."""
    if change == 0 or level.chance(variance.overdispersion) > CHANCE:
        return say(
            "Over {periods} periods of {days} days the market's level moves no more than by chance.",
            periods=level.usable.sum(),
            days=PERIOD,
        )
    if not variance.persistent > CLEAR * variance.standard_error:
        return say(
            "How customers responded to the market in the first half of the history does not carry over "
            "to the second half (the common variance is {found} standard errors above 0; {required} are "
            "required).",
            found=f"{variance.persistent / variance.standard_error:.1f}",
            required=f"{CLEAR:.0f}",
        )
    return ""


def _fit_prior(
    counts: Counts, level: MarketLevel, cells: pd.DataFrame, variance: Variance, groups: int
) -> Prior:
    """Fit the mean of each group, and the variance of customers about it."""
    centre, centre_variance, spread = np.ones(groups), np.zeros(groups), variance.persistent
    if groups == 1:
        return Prior(centre, centre_variance, spread, variance)
    # The mean of all counts as 1, as it is where the level is theirs; means of groups spread no more than customers do.
    for _ in range(3):
        weights = variance.weights(cells[INFORMATION].to_numpy())
        customers = cells["customers"].to_numpy()
        precision, moved = (
            np.bincount(cells["group"], weights=each.sum(axis=1), minlength=groups)
            for each in (weights * customers[:, None], weights * cells[ESTIMATES].to_numpy())
        )
        centre_variance = 1 / (precision + 1 / spread)
        centre = centre + (moved - (centre - 1) / spread) * centre_variance
        cells = counts.cells(level, centre)
        variance = Variance.of(cells)
    return Prior(centre, centre_variance, max(variance.persistent, 0.0), variance)
