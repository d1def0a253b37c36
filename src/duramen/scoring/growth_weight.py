"""Forecasts of an earlier cutoff and the money of the horizon after the next come in; the weight of growth goes out.

Called by the CoreCustomerModel. What growth is worth shows late: not in the horizon that was forecast, but in the one
that follows it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

# Plain and stated: used where history shows nothing, and the most where it shows no loss but no clear gain either.
DEFAULT_GROWTH_WEIGHT = 0.1
GROWTH_WEIGHTS = (0.0, 0.02, 0.05, DEFAULT_GROWTH_WEIGHT, 0.25, 0.5, 1.0, 2.0)
# The money that the first customers bring is what a weight is judged by. One border alone is noisy: which few stand
# on either side of it decides. So it is the mean over ten borders, from the first twentieth to the first half.
TOP_SHARES = tuple(np.arange(1, 11) / 20)
# Less than this is rounding: orders that differ in nobody who counts capture the same.
ROUNDING = 1e-9
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
        A row a weight: ``weight``; ``captured``, the share of all money that the first 5 %, 10 %, ... 50 % of the
        customers by ``value + weight * potential`` brought, in the mean over these ten; ``difference`` to that of
        value alone, with its 95 % interval ``low`` to ``high`` over customers (a ratio of two sums, linearised; the
        orders are taken as fixed).

    Examples
    --------
    >>> value, potential = np.array([9.0, 8, 1, 1, 1]), np.array([0.0, 9, 0, 0, 0])
    >>> curve = growth_weight_curve(value, potential, np.array([1.0, 3, 0, 0, 0]))
    >>> curve.loc[[0, 4], ["weight", "captured"]].to_numpy().round(2).tolist()
    [[0.0, 0.7], [0.25, 0.9]]
    """
    counts = np.ceil(np.array(TOP_SHARES) * len(value))

    def often_chosen(weight: float) -> np.ndarray:
        """Return in what share of the ten borders each customer is inside."""
        place = np.empty(len(value))
        place[np.argsort(-(value + weight * potential), kind="stable")] = np.arange(len(value))
        inside: np.ndarray = (len(counts) - np.searchsorted(counts, place, side="right")) / len(counts)
        return inside

    total = money.sum()
    by_value = often_chosen(0.0)
    rows = []
    for weight in GROWTH_WEIGHTS:
        inside = often_chosen(weight)
        difference = float(((inside - by_value) * money).sum() / total)
        influence = (inside - by_value - difference) * money / total
        margin = WIDTH * float(np.sqrt((influence**2).sum()))
        captured = float((inside * money).sum() / total)
        rows.append((weight, captured, difference, difference - margin, difference + margin))
    return pd.DataFrame(rows, columns=["weight", "captured", "difference", "low", "high"])


def choose_growth_weight(curve: pd.DataFrame) -> float:
    """Return the weight under which growth counts as far as history shows no loss by it.

    Up to the default that is the largest weight whose order captured no less than value alone. A larger one is taken
    where it captured clearly more than value alone, and more than that weight.
    """
    weights, captured = curve["weight"].to_numpy(), curve["captured"].to_numpy()
    costless = (weights <= DEFAULT_GROWTH_WEIGHT) & (curve["difference"].to_numpy() >= -ROUNDING)
    chosen = int(np.flatnonzero(costless)[-1])
    gains = (
        (weights > DEFAULT_GROWTH_WEIGHT)
        & (curve["low"].to_numpy() > 0)
        & (captured > captured[chosen] + ROUNDING)
    )
    return float(weights[np.where(gains, captured, -np.inf).argmax() if gains.any() else chosen])
