"""Quantiles of each customer's outcome and the outcomes come in; figures of how good the distributions are go out.

A distribution is an array of shape (n, 199): the quantiles at ``duramen.forecast.value_distribution.LEVELS``.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from duramen.evaluation.metrics import calibration_error
from duramen.forecast.value_distribution import LEVELS

# Customers at a time, so that no copy of all quantiles is made.
BLOCK = 10_000
# Of the probability integral transform, two between neighbouring levels.
STEPS = 2 * (len(LEVELS) + 1)
# Shares of the customers with money that lie below the thresholds of the bands.
BANDS = (0.25, 0.5, 0.75)


def _blocks(quantiles: np.ndarray, actual: np.ndarray) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    for start in range(0, len(actual), BLOCK):
        rows = slice(start, start + BLOCK)
        yield rows, quantiles[rows].astype(float), actual[rows, np.newaxis]


def ranked_probability_scores(quantiles: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Return the continuous ranked probability score (CRPS) of each customer, in the unit of the outcome, shape (n,).

    It is the integral of ``(F(x) - 1{actual <= x})**2``, which equals twice the mean pinball loss of the quantiles.

    References
    ----------
    Gneiting and Raftery (2007), "Strictly proper scoring rules, prediction, and estimation", section 4.2; Laio and
    Tamea (2007), "Verification tools for probabilistic forecasts of continuous hydrological variables", for the form
    in quantiles.

    Examples
    --------
    >>> ranked_probability_scores(np.full((2, 199), 3.0), np.array([3.0, 5.0])).round(9)
    array([0., 2.])
    """
    scores = np.empty(len(actual))
    for rows, forecast, outcome in _blocks(quantiles, actual):
        short = outcome - forecast
        scores[rows] = 2 * np.maximum(LEVELS * short, (LEVELS - 1) * short).mean(axis=1)
    return scores


def crps(quantiles: np.ndarray, actual: np.ndarray) -> float:
    """Return the mean of ``ranked_probability_scores``."""
    return float(ranked_probability_scores(quantiles, actual).mean())


def transform_bounds(quantiles: np.ndarray, actual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return P(X < actual) and P(X <= actual) of each customer, as numbers of half steps of 1 / 400, shape (n,).

    The probability integral transform (PIT) of an outcome lies between them: at a mass, such as that of no purchase, by
    the size of the mass, and elsewhere by one step between two quantiles.

    Examples
    --------
    >>> half_idle = np.concatenate([np.zeros(100), np.arange(1, 100.0)])[np.newaxis]
    >>> [ends.tolist() for ends in transform_bounds(half_idle, np.zeros(1))]
    [[0], [201]]
    >>> [ends.tolist() for ends in transform_bounds(half_idle, np.array([1.5]))]
    [[202], [204]]
    """
    below, upto = (np.empty(len(actual), dtype=int) for _ in range(2))
    for rows, forecast, outcome in _blocks(quantiles, actual.astype(quantiles.dtype)):
        below[rows], upto[rows] = (forecast < outcome).sum(axis=1), (forecast <= outcome).sum(axis=1)
    # A quantile that equals the outcome shows that a mass begins or ends within half a step of it.
    at_mass = below < upto
    low = np.where(at_mass & (below > 0), 2 * below + 1, 2 * below)
    high = np.where(at_mass & (upto < len(LEVELS)), 2 * upto + 1, np.where(at_mass, STEPS, 2 * upto + 2))
    return low, high


def transform_distance(bounds: tuple[np.ndarray, np.ndarray], counts: np.ndarray | None = None) -> float:
    """Return the Kolmogorov-Smirnov distance of the transforms from the uniform distribution.

    Each customer counts as spread evenly between the two bounds, which needs no random number.

    Parameters
    ----------
    bounds : pair of numpy.ndarray of shape (n,)
        ``transform_bounds``.
    counts : numpy.ndarray of shape (n,), optional
        How often each customer counts.

    References
    ----------
    Czado, Gneiting and Held (2009), "Predictive model assessment for count data", section 2.1.
    """
    low, high = bounds
    counts = np.ones(len(low)) if counts is None else counts
    density = counts / (high - low)
    changes = np.bincount(low, density, STEPS + 1) - np.bincount(high, density, STEPS + 1)
    share = np.cumsum(np.cumsum(changes)[:-1]) / counts.sum()
    return float(np.abs(share - np.arange(1, STEPS + 1) / STEPS).max())


def pit_distance(quantiles: np.ndarray, actual: np.ndarray) -> float:
    """Return how far the transforms of the outcomes are from uniform, by ``transform_distance``."""
    return transform_distance(transform_bounds(quantiles, actual))


def probability_above(quantiles: np.ndarray, threshold: float) -> np.ndarray:
    """Return P(outcome > threshold) of each customer, linear between two quantiles, shape (n,).

    Examples
    --------
    >>> probability_above(np.arange(1, 200.0)[np.newaxis], 150).tolist()
    [0.25]
    """
    above = np.empty(len(quantiles))
    ends = np.concatenate([[0.0], LEVELS, [1.0]])
    for rows, forecast, _ in _blocks(quantiles, np.zeros(len(quantiles))):
        upto = (forecast <= threshold).sum(axis=1)
        before, after = (
            np.take_along_axis(forecast, np.clip(upto + step, 0, len(LEVELS) - 1)[:, np.newaxis], 1)[:, 0]
            for step in (-1, 0)
        )
        inside = (upto > 0) & (upto < len(LEVELS))
        part = np.divide(threshold - before, after - before, out=np.full(len(upto), 0.5), where=inside)
        part[upto == 0] = 0.0
        above[rows] = 1 - ends[upto] - part * (ends[upto + 1] - ends[upto])
    return above


def band_thresholds(actual: np.ndarray) -> np.ndarray:
    """Return the quartiles of the outcomes above 0, shape (3,), missing where there is none.

    Examples
    --------
    >>> band_thresholds(np.array([-5.0, 0.0, 1.0, 2.0, 3.0])).tolist()
    [1.5, 2.0, 2.5]
    """
    positive = actual[actual > 0]
    return np.quantile(positive, BANDS) if len(positive) else np.full(len(BANDS), np.nan)


def band_calibration_error(
    quantiles: np.ndarray, actual: np.ndarray, thresholds: np.ndarray | None = None
) -> float:
    """Return the mean ``calibration_error`` of the probabilities that the outcome exceeds each threshold.

    Parameters
    ----------
    quantiles : numpy.ndarray of shape (n, 199)
    actual : numpy.ndarray of shape (n,)
    thresholds : numpy.ndarray, optional
        ``band_thresholds(actual)`` by default.
    """
    if thresholds is None:
        thresholds = band_thresholds(actual)
    if np.isnan(thresholds).any():
        return float("nan")
    errors = [
        calibration_error(probability_above(quantiles, threshold), (actual > threshold).astype(float))
        for threshold in thresholds
    ]
    return float(np.mean(errors))
