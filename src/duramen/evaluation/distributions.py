"""Quantiles of each customer's outcome and the outcomes come in; figures of how good the distributions are go out.

A distribution is an array of shape (n, 199): the quantiles at ``duramen.forecast.value_distribution.LEVELS``.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from duramen.forecast.value_distribution import LEVELS

# Customers at a time, so that no copy of all quantiles is made.
BLOCK = 10_000


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
