"""Forecasts and outcomes come in; the figures of resampled customers go out. Called by the backtest.

A resample is how often each customer was drawn. Whatever is sorted is sorted once, and a resample costs a few running
sums: each figure equals that of ``metrics`` on the drawn customers, copies of one behind each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from duramen.analysis.metrics import first_count


def draws(customers: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield how often each of ``customers`` was drawn, with replacement, as many times as there are customers."""
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        yield np.bincount(rng.integers(customers, size=customers), minlength=customers)


class Order:
    """Customers sorted once by a column, the largest first, ties by the order given.

    Attributes
    ----------
    rows : numpy.ndarray of shape (n,)
    tie_starts : numpy.ndarray
        Where in the order each run of equal values begins.
    """

    def __init__(self, values: np.ndarray) -> None:
        self.rows = np.argsort(-values, kind="stable")
        ordered = values[self.rows]
        self.tie_starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])


class Drawn:
    """The drawn customers in an order.

    Parameters
    ----------
    order : Order
    counts : numpy.ndarray of shape (n,)
        How often each customer was drawn, in the order given.
    """

    def __init__(self, order: Order, counts: np.ndarray) -> None:
        self.order = order
        self.copies = counts[order.rows]
        self.until = np.cumsum(self.copies)

    def of_first(self, amounts: np.ndarray, counts: int | np.ndarray) -> np.ndarray:
        """Return the sum of ``amounts`` over the first ``counts`` drawn customers."""
        ordered = amounts[self.order.rows]
        last = np.searchsorted(self.until, counts)
        surplus = (self.until[last] - counts) * ordered[last]
        sums: np.ndarray = np.cumsum(self.copies * ordered)[last] - surplus
        return sums

    def copies_among_first(self, count: int) -> np.ndarray:
        """Return how many copies of each customer, in the order given, are among the first ``count``."""
        among = np.empty_like(self.copies)
        among[self.order.rows] = np.clip(count - (self.until - self.copies), 0, self.copies)
        return among

    @cached_property
    def ranks(self) -> np.ndarray:
        """Rank of each customer in the order given, 1 the largest; copies and ties share their mean rank."""
        starts = self.order.tie_starts
        tied = np.add.reduceat(self.copies, starts)
        mean = np.cumsum(tied) - (tied - 1) / 2
        ranks = np.empty(len(self.copies))
        ranks[self.order.rows] = np.repeat(mean, np.diff(starts, append=len(self.copies)))
        return ranks


class Resample:
    """One resample of a forecast and of what came.

    Parameters
    ----------
    forecast, actual : numpy.ndarray of shape (n,)
    by_forecast, by_actual : Order
        Of these two.
    counts : numpy.ndarray of shape (n,)
        How often each customer was drawn.
    """

    def __init__(
        self,
        forecast: np.ndarray,
        actual: np.ndarray,
        by_forecast: Order,
        by_actual: Order,
        counts: np.ndarray,
    ) -> None:
        self.forecast, self.actual, self.counts = forecast, actual, counts
        self.by_forecast, self.by_actual = Drawn(by_forecast, counts), Drawn(by_actual, counts)
        self.size = int(counts.sum())
        self.total = float(counts @ actual)


def captured(drawn: Resample, share: float) -> float:
    """Return ``metrics.captured`` of the drawn customers."""
    first = drawn.by_forecast.of_first(drawn.actual, first_count(drawn.size, share))
    return float(first / drawn.total) if drawn.total > 0 else float("nan")


def hit_rate(drawn: Resample, share: float) -> float:
    """Return ``metrics.hit_rate`` of the drawn customers."""
    count = first_count(drawn.size, share)
    both = np.minimum(drawn.by_forecast.copies_among_first(count), drawn.by_actual.copies_among_first(count))
    return float(both.sum() / count)


def normalised_gini(drawn: Resample) -> float:
    """Return ``metrics.normalised_gini`` of the drawn customers."""
    if drawn.total <= 0:
        return float("nan")
    best = _gini(drawn, drawn.by_actual)
    return _gini(drawn, drawn.by_forecast) / best if best > 0 else float("nan")


def _gini(drawn: Resample, by: Drawn) -> float:
    # The money of the k-th customer of n is held by n - k + 1 of the running sums; here for all copies of one.
    sums = by.copies * (drawn.size - by.until) + by.copies * (by.copies + 1) / 2
    held = sums @ drawn.actual[by.order.rows] / drawn.total
    return float(held / drawn.size - (drawn.size + 1) / (2 * drawn.size))


def spearman(drawn: Resample) -> float:
    """Return ``metrics.spearman`` of the drawn customers."""
    middle = (drawn.size + 1) / 2
    forecast, actual = drawn.by_forecast.ranks - middle, drawn.by_actual.ranks - middle
    spread = (drawn.counts @ forecast**2) * (drawn.counts @ actual**2)
    return float(drawn.counts @ (forecast * actual) / np.sqrt(spread)) if spread > 0 else float("nan")


def spearman_of_buyers(drawn: Resample) -> float:
    """Return ``metrics.spearman_of_buyers`` of the drawn customers."""
    buyers = drawn.counts * (drawn.actual != 0)
    by_forecast, by_actual = drawn.by_forecast.order, drawn.by_actual.order
    return spearman(Resample(drawn.forecast, drawn.actual, by_forecast, by_actual, buyers))


def mean_absolute_error(drawn: Resample) -> float:
    """Return ``metrics.mean_absolute_error`` of the drawn customers."""
    return float(drawn.counts @ np.abs(drawn.forecast - drawn.actual) / drawn.size)


def total_bias(drawn: Resample) -> float:
    """Return ``metrics.total_bias`` of the drawn customers."""
    return float(drawn.counts @ drawn.forecast / drawn.total - 1) if drawn.total > 0 else float("nan")


def decile_error(drawn: Resample) -> float:
    """Return ``metrics.decile_error`` of the drawn customers."""
    ends = np.cumsum(np.full(10, drawn.size // 10) + (np.arange(10) < drawn.size % 10))
    foreseen, came = (
        np.diff(drawn.by_forecast.of_first(amounts, ends), prepend=0.0)
        for amounts in (drawn.forecast, drawn.actual)
    )
    some = came > 0
    return float(np.mean(np.abs(foreseen - came)[some] / came[some])) if some.any() else float("nan")


def area_under_roc(drawn: Resample) -> float:
    """Return ``metrics.area_under_roc`` of the drawn customers."""
    active, idle = drawn.total, drawn.size - drawn.total
    if not (active and idle):
        return float("nan")
    ranks = (drawn.counts * drawn.actual) @ drawn.by_forecast.ranks
    return float(1 - (ranks - active * (active + 1) / 2) / (active * idle))


def average_precision(drawn: Resample) -> float:
    """Return ``metrics.average_precision`` of the drawn customers."""
    if not drawn.total:
        return float("nan")
    by, starts = drawn.by_forecast, drawn.by_forecast.order.tie_starts
    active = np.add.reduceat(by.copies * drawn.actual[by.order.rows], starts)
    seen = np.cumsum(np.add.reduceat(by.copies, starts))
    return float(active @ (np.cumsum(active) / np.maximum(seen, 1)) / drawn.total)


def brier(drawn: Resample) -> float:
    """Return ``metrics.brier`` of the drawn customers."""
    return float(drawn.counts @ (drawn.forecast - drawn.actual) ** 2 / drawn.size)


def lift(drawn: Resample, share: float) -> float:
    """Return ``metrics.lift`` of the drawn customers."""
    return captured(drawn, share) * drawn.size / first_count(drawn.size, share)
