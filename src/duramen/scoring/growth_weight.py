"""Forecasts of an earlier cutoff and the money of the horizon after the next come in; the weight of growth goes out.

Called by the CoreCustomerModel. What growth is worth shows late: not in the horizon that was forecast, but in the one
that follows it.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

# Plain and stated; what history does not contradict stays.
DEFAULT_GROWTH_WEIGHT = 0.25
GROWTH_WEIGHTS = (0.0, 0.1, DEFAULT_GROWTH_WEIGHT, 0.5, 1.0, 2.0)
# The money that the first fifth of the customers bring is what a weight is judged by.
TOP_SHARE = 0.2
# Standard errors to either side that hold a difference 19 times in 20.
WIDTH = 1.96


def growth_weight_curve(value: np.ndarray, potential: np.ndarray, money: np.ndarray) -> pd.DataFrame:
    """Judge each weight of growth by the money that the customers it puts first then brought.

    Parameters
    ----------
    value, potential : numpy.ndarray of shape (n,)
        ``predicted_value`` and ``growth_potential`` at an earlier cutoff; ties are broken by the order given.
    money : numpy.ndarray of shape (n,)
        Net money in the horizon that follows the one they forecast.

    Returns
    -------
    pandas.DataFrame
        A row a weight: ``weight``; ``captured``, the share of all money that the first fifth of the customers by
        ``value + weight * potential`` brought; ``difference`` to the default weight's, with its 95 % interval ``low``
        to ``high`` over customers (a ratio of two sums, linearised; the sets are taken as fixed).

    Examples
    --------
    >>> value, potential = np.array([9.0, 8, 1, 1, 1]), np.array([0.0, 9, 0, 0, 0])
    >>> curve = growth_weight_curve(value, potential, np.array([1.0, 3, 0, 0, 0]))
    >>> curve.loc[[0, 2], ["weight", "captured"]].to_numpy().tolist()
    [[0.0, 0.25], [0.25, 0.75]]
    """
    first = math.ceil(TOP_SHARE * len(value))

    def chosen(weight: float) -> np.ndarray:
        inside = np.zeros(len(value))
        inside[np.argsort(-(value + weight * potential), kind="stable")[:first]] = 1.0
        return inside

    total = money.sum()
    by_default = chosen(DEFAULT_GROWTH_WEIGHT)
    rows = []
    for weight in GROWTH_WEIGHTS:
        inside = chosen(weight)
        difference = float(((inside - by_default) * money).sum() / total)
        influence = (inside - by_default - difference) * money / total
        margin = WIDTH * float(np.sqrt((influence**2).sum()))
        captured = float((inside * money).sum() / total)
        rows.append((weight, captured, difference, difference - margin, difference + margin))
    return pd.DataFrame(rows, columns=["weight", "captured", "difference", "low", "high"])


def choose_growth_weight(curve: pd.DataFrame) -> float:
    """Return the weight that captured most, or the default where none captured clearly more than it."""
    best = int(curve["captured"].to_numpy().argmax())
    clearly_more = curve["low"].to_numpy()[best] > 0
    return float(curve["weight"].to_numpy()[best]) if clearly_more else DEFAULT_GROWTH_WEIGHT
