"""Forecasts and outcomes come in; the points of gains and calibration curves go out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from duramen.evaluation.metrics import tenths

GAINS_POINTS = 200


def gains_curve(forecast: np.ndarray, actual: np.ndarray) -> pd.DataFrame:
    """Return which share of the money the first customers by forecast brought.

    Returns
    -------
    pandas.DataFrame
        ``customers`` and ``money``, rising shares from 0 to 1.

    Examples
    --------
    >>> gains_curve(np.array([2.0, 1.0]), np.array([3.0, 1.0]))["money"].tolist()
    [0.0, 0.75, 1.0]
    """
    running = np.concatenate([[0.0], np.cumsum(actual[np.argsort(-forecast, kind="stable")])])
    at = np.unique(np.linspace(0, len(actual), GAINS_POINTS).astype(int))
    return pd.DataFrame({"customers": at / len(actual), "money": running[at] / running[-1]})


def calibration_curve(probability: np.ndarray, active: np.ndarray) -> pd.DataFrame:
    """Return predicted probabilities beside the share of customers who bought.

    Returns
    -------
    pandas.DataFrame
        A row a tenth of the customers: ``bin`` (1 the most probable), mean ``predicted``, ``actual`` share and
        ``customers``.

    Examples
    --------
    >>> calibration_curve(np.array([0.2, 0.9]), np.array([0.0, 1.0]))["actual"].tolist()
    [1.0, 0.0]
    """
    rows = [
        (number, probability[inside].mean(), active[inside].mean(), len(inside))
        for number, inside in enumerate(tenths(probability), start=1)
    ]
    return pd.DataFrame(rows, columns=["bin", "predicted", "actual", "customers"])
