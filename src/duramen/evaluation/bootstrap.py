"""Forecasts and outcomes come in; the figures of resampled customers go out.

A resample is how often each customer was drawn. Sorting is done once, and a resample costs a few running sums: each
figure equals that of ``metrics`` on the drawn customers, with copies of a customer next to each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from duramen.evaluation import distributions, metrics
from duramen.evaluation.top_customers import first_count


def draws(customers: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield how often each of ``customers`` was drawn, with replacement, as many times as there are customers."""
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        # Floats, since they are multiplied by money.
        yield np.bincount(rng.integers(customers, size=customers), minlength=customers).astype(float)


class Order:
    """Customers sorted once by a column, the largest first, ties by the order given.

    Attributes
    ----------
    rows : numpy.ndarray of shape (n,)
    values : numpy.ndarray of shape (n,)
        The column in this order.
    tie_starts, tie_sizes : numpy.ndarray
        Where in the order each run of equal values begins, and how many customers it has.
    """

    def __init__(self, values: np.ndarray) -> None:
        self.rows = np.argsort(-values, kind="stable")
        self.values = values[self.rows]
        # A base without buyers has no runs either.
        changes = np.append(True, self.values[1:] != self.values[:-1])[: len(values)]
        self.tie_starts = np.flatnonzero(changes)
        self.tie_sizes = np.diff(self.tie_starts, append=len(values))


class Pair:
    """A forecast and the outcome, both sorted.

    Parameters
    ----------
    forecast : numpy.ndarray of shape (n,) or, of a distribution, (n, 199)
    actual : numpy.ndarray of shape (n,)
    by_actual : Order, optional
        That of ``actual``, which all forecasts of a target share.
    """

    def __init__(self, forecast: np.ndarray, actual: np.ndarray, by_actual: Order | None = None) -> None:
        self.forecast, self.actual, self._by_actual = forecast, actual, by_actual

    @cached_property
    def by_actual(self) -> Order:
        """The customers by outcome."""
        return self._by_actual or Order(self.actual)

    @cached_property
    def by_forecast(self) -> Order:
        """The customers by forecast."""
        return Order(self.forecast)

    @cached_property
    def actual_by_forecast(self) -> np.ndarray:
        """The outcomes in the order of the forecast."""
        actual: np.ndarray = self.actual[self.by_forecast.rows]
        return actual

    @cached_property
    def scores(self) -> np.ndarray:
        """The CRPS of each, where the forecast is a distribution."""
        return distributions.ranked_probability_scores(self.forecast, self.actual)

    @cached_property
    def transforms(self) -> tuple[np.ndarray, np.ndarray]:
        """The bounds of the probability integral transform of each, where the forecast is a distribution."""
        return distributions.transform_bounds(self.forecast, self.actual)

    @cached_property
    def bands(self) -> list[Pair]:
        """Whether the outcome exceeds each threshold, and the probability of that by the forecast distribution."""
        return [
            Pair(
                distributions.probability_above(self.forecast, threshold),
                (self.actual > threshold).astype(float),
            )
            for threshold in distributions.band_thresholds(self.actual)
            if not np.isnan(threshold)
        ]

    @cached_property
    def error(self) -> np.ndarray:
        """How far the forecast is off."""
        error: np.ndarray = np.abs(self.forecast - self.actual)
        return error

    @cached_property
    def profits(self) -> np.ndarray:
        """What a retention campaign earned with each."""
        return metrics.campaign_profits(self.forecast, self.actual)

    @cached_property
    def buyers(self) -> np.ndarray:
        """Rows of the customers whose actual is not 0."""
        return np.flatnonzero(self.actual)

    @cached_property
    def of_buyers(self) -> Pair:
        """The same pair of these customers alone."""
        return Pair(self.forecast[self.buyers], self.actual[self.buyers])


class Drawn:
    """The drawn customers in an order.

    Parameters
    ----------
    order : Order
    counts : numpy.ndarray of shape (n,)
        How often each customer was drawn, in the order given.

    Attributes
    ----------
    copies, until : numpy.ndarray of shape (n,)
        How often each was drawn, in this order, and the running sum.
    """

    def __init__(self, order: Order, counts: np.ndarray) -> None:
        self.order = order
        self.copies = counts[order.rows]
        self.until = np.cumsum(self.copies)

    def first(self, count: int) -> np.ndarray:
        """Return the copies of the leading customers that are among the first ``count`` drawn."""
        last = int(np.searchsorted(self.until, count))
        copies: np.ndarray = self.copies[: last + 1].copy()
        copies[-1] -= self.until[last] - count
        return copies

    @cached_property
    def ranks(self) -> np.ndarray:
        """Rank of each in this order, from the middle one; copies and ties share their mean rank."""
        tied = np.add.reduceat(self.copies, self.order.tie_starts)
        mean = np.cumsum(tied) - (tied - 1) / 2 - (self.until[-1] + 1) / 2
        ranks: np.ndarray = np.repeat(mean, self.order.tie_sizes)
        return ranks

    @cached_property
    def ranks_as_given(self) -> np.ndarray:
        """The same ranks in the order given."""
        ranks = np.empty_like(self.ranks)
        ranks[self.order.rows] = self.ranks
        return ranks

    @cached_property
    def spread(self) -> float:
        """Sum of the squared ranks."""
        return float(self.copies @ self.ranks**2)

    def gini(self, amounts: np.ndarray) -> float:
        """Return how far this order concentrates ``amounts``, given in this order; 0 is chance."""
        size = self.until[-1]
        # The money of the k-th customer of n is in n - k + 1 of the running sums; here for all copies of one.
        sums = self.copies * (size - self.until + (self.copies + 1) / 2)
        return float(sums @ amounts / (self.copies @ amounts) / size - (size + 1) / (2 * size))


class Resample:
    """One resample of a pair.

    Parameters
    ----------
    pair : Pair
    counts : numpy.ndarray of shape (n,)
        How often each customer was drawn.
    by_actual : Drawn, optional
        That of ``pair.by_actual``, which all forecasts of a target share.
    """

    def __init__(self, pair: Pair, counts: np.ndarray, by_actual: Drawn | None = None) -> None:
        self.pair, self.counts, self._by_actual = pair, counts, by_actual
        self.size = int(counts.sum())
        self.total = float(counts @ pair.actual)

    @cached_property
    def by_actual(self) -> Drawn:
        """The drawn customers by outcome."""
        return self._by_actual or Drawn(self.pair.by_actual, self.counts)

    @cached_property
    def by_forecast(self) -> Drawn:
        """The drawn customers by forecast."""
        return Drawn(self.pair.by_forecast, self.counts)

    @cached_property
    def totals_of_tenths(self) -> tuple[np.ndarray, np.ndarray]:
        """The forecast and the actual total of each tenth by forecast."""
        ends = np.cumsum(np.full(10, self.size // 10) + (np.arange(10) < self.size % 10))
        by = self.by_forecast
        last = np.searchsorted(by.until, ends)
        predicted, actual = (
            np.diff(
                np.cumsum(by.copies * amounts)[last] - (by.until[last] - ends) * amounts[last], prepend=0.0
            )
            for amounts in (by.order.values, self.pair.actual_by_forecast)
        )
        return predicted, actual


def captured(drawn: Resample, share: float) -> float:
    """Return ``metrics.captured`` of the drawn customers."""
    first = drawn.by_forecast.first(first_count(drawn.size, share))
    return (
        float(first @ drawn.pair.actual_by_forecast[: len(first)] / drawn.total)
        if drawn.total > 0
        else float("nan")
    )


def hit_rate(drawn: Resample, share: float) -> float:
    """Return ``hit_rate`` of the drawn customers."""
    count = first_count(drawn.size, share)
    predicted, true = drawn.by_forecast.first(count), drawn.by_actual.first(count)
    true = true * (drawn.pair.by_actual.values[: len(true)] > 0)
    truly_first = np.zeros(len(drawn.counts))
    truly_first[drawn.pair.by_actual.rows[: len(true)]] = true
    both = np.minimum(predicted, truly_first[drawn.pair.by_forecast.rows[: len(predicted)]])
    return float(both.sum() / true.sum()) if true.sum() > 0 else float("nan")


def normalised_gini(drawn: Resample) -> float:
    """Return ``metrics.normalised_gini`` of the drawn customers."""
    if drawn.total <= 0:
        return float("nan")
    best = drawn.by_actual.gini(drawn.pair.by_actual.values)
    return drawn.by_forecast.gini(drawn.pair.actual_by_forecast) / best if best > 0 else float("nan")


def spearman(drawn: Resample) -> float:
    """Return ``metrics.spearman`` of the drawn customers."""
    spread = drawn.by_forecast.spread * drawn.by_actual.spread if drawn.size else 0.0
    if spread == 0:
        return float("nan")
    actual = drawn.by_actual.ranks_as_given[drawn.pair.by_forecast.rows]
    return float((drawn.by_forecast.copies * drawn.by_forecast.ranks) @ actual / np.sqrt(spread))


def spearman_of_buyers(drawn: Resample) -> float:
    """Return ``metrics.spearman_of_buyers`` of the drawn customers."""
    counts = drawn.counts[drawn.pair.buyers]
    return spearman(Resample(drawn.pair.of_buyers, counts)) if counts.any() else float("nan")


def mean_absolute_error(drawn: Resample) -> float:
    """Return ``metrics.mean_absolute_error`` of the drawn customers."""
    return float(drawn.counts @ drawn.pair.error / drawn.size)


def crps(drawn: Resample) -> float:
    """Return ``distributions.crps`` of the drawn customers."""
    return float(drawn.counts @ drawn.pair.scores / drawn.size)


def pit_distance(drawn: Resample) -> float:
    """Return ``distributions.pit_distance`` of the drawn customers."""
    return distributions.transform_distance(drawn.pair.transforms, drawn.counts)


def band_calibration_error(drawn: Resample) -> float:
    """Return ``distributions.band_calibration_error`` of the drawn customers, by the thresholds of all customers."""
    errors = [calibration_error(Resample(band, drawn.counts)) for band in drawn.pair.bands]
    return float(np.mean(errors)) if errors else float("nan")


def total_bias(drawn: Resample) -> float:
    """Return ``metrics.total_bias`` of the drawn customers."""
    return float(drawn.counts @ drawn.pair.forecast / drawn.total - 1) if drawn.total > 0 else float("nan")


def decile_error(drawn: Resample) -> float:
    """Return ``metrics.decile_error`` of the drawn customers."""
    predicted, actual = drawn.totals_of_tenths
    some = actual > 0
    return float(np.mean(np.abs(predicted - actual)[some] / actual[some])) if some.any() else float("nan")


def calibration_error(drawn: Resample) -> float:
    """Return ``metrics.calibration_error`` of the drawn customers."""
    predicted, actual = drawn.totals_of_tenths
    return float(np.abs(predicted - actual).sum() / drawn.size)


def area_under_roc(drawn: Resample) -> float:
    """Return ``metrics.area_under_roc`` of the drawn customers."""
    active, idle = drawn.total, drawn.size - drawn.total
    if not (active and idle):
        return float("nan")
    by = drawn.by_forecast
    # The mean rank of those who were active lies above the middle by half of what the area has above one half.
    return float(0.5 - (by.copies * drawn.pair.actual_by_forecast) @ by.ranks / (active * idle))


def average_precision(drawn: Resample) -> float:
    """Return ``metrics.average_precision`` of the drawn customers."""
    if not drawn.total:
        return float("nan")
    by, starts = drawn.by_forecast, drawn.pair.by_forecast.tie_starts
    active = np.add.reduceat(by.copies * drawn.pair.actual_by_forecast, starts)
    seen = np.cumsum(np.add.reduceat(by.copies, starts))
    return float(active @ (np.cumsum(active) / np.maximum(seen, 1)) / drawn.total)


def brier(drawn: Resample) -> float:
    """Return ``metrics.brier`` of the drawn customers."""
    return float(drawn.counts @ drawn.pair.error**2 / drawn.size)


def retention_profit(drawn: Resample) -> float:
    """Return ``metrics.retention_profit`` of the drawn customers."""
    return float(drawn.counts @ drawn.pair.profits / drawn.size)


def lift(drawn: Resample, share: float) -> float:
    """Return ``metrics.lift`` of the drawn customers."""
    return captured(drawn, share) * drawn.size / first_count(drawn.size, share)


def variance_explained(drawn: Resample) -> float:
    """Return ``metrics.variance_explained`` of the drawn customers."""
    return metrics.variance_explained(drawn.pair.forecast, drawn.pair.actual, drawn.counts)
