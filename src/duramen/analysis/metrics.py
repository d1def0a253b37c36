"""Forecasts and outcomes come in; the figures people decide by go out. Called by the scorecard."""

from __future__ import annotations

import numpy as np


def captured(forecast: np.ndarray, actual: np.ndarray, share: float) -> float:
    """Return the share of all money that the first ``ceil(share * n)`` customers by forecast brought.

    Ties are broken by the order given.

    Examples
    --------
    >>> captured(np.array([1.0, 3.0, 2.0, 0.0]), np.array([10.0, 60.0, 20.0, 10.0]), 0.25)
    0.6
    """
    first = np.argsort(-forecast, kind="stable")[: int(np.ceil(share * len(forecast)))]
    return float(actual[first].sum() / actual.sum()) if actual.sum() > 0 else float("nan")


def normalised_gini(forecast: np.ndarray, actual: np.ndarray) -> float:
    """Return how far the forecast's order concentrates the money, over what the perfect order would reach.

    1 is perfect, 0 is chance. Ties are broken by the order given.

    Examples
    --------
    >>> normalised_gini(np.array([1.0, 3.0, 2.0]), np.array([0.0, 9.0, 1.0]))
    1.0
    """
    best = _gini(actual, actual)
    return _gini(forecast, actual) / best if best > 0 else float("nan")


def _gini(forecast: np.ndarray, actual: np.ndarray) -> float:
    if actual.sum() <= 0:
        return 0.0
    held = np.cumsum(actual[np.argsort(-forecast, kind="stable")]) / actual.sum()
    return float(held.sum() / len(actual) - (len(actual) + 1) / (2 * len(actual)))


def spearman(forecast: np.ndarray, actual: np.ndarray) -> float:
    """Return the rank correlation, missing where either is constant."""
    from scipy.stats import spearmanr

    if np.ptp(forecast) == 0 or np.ptp(actual) == 0:
        return float("nan")
    return float(spearmanr(forecast, actual).statistic)


def decile_error(forecast: np.ndarray, actual: np.ndarray) -> float:
    """Return the mean over ten predicted deciles of ``|predicted - actual| / actual``, of those with actual money."""
    deciles = np.array_split(np.argsort(-forecast, kind="stable"), 10)
    errors = [
        abs(forecast[rows].sum() - actual[rows].sum()) / actual[rows].sum()
        for rows in deciles
        if actual[rows].sum() > 0
    ]
    return float(np.mean(errors)) if errors else float("nan")


def total_bias(forecast: np.ndarray, actual: np.ndarray) -> float:
    """Return predicted total over actual total, less 1."""
    return float(forecast.sum() / actual.sum() - 1) if actual.sum() > 0 else float("nan")
