"""Draws from predictive distributions and outcomes of an earlier horizon come in; calibrated intervals go out."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from duramen.btyd.gamma_gamma import GammaGammaModel
from duramen.btyd.purchase_model import PurchaseModel
from duramen.errors import InputError
from duramen.forecast.value_distribution import LEVELS

FloatArray = NDArray[np.float64]
# Draws behind the quantiles of a customer, and customers that are drawn at a time.
DRAWS = 400
BLOCK = 5_000


def sample_money(
    purchases: PurchaseModel,
    spend: GammaGammaModel,
    customers: pd.DataFrame,
    horizon: float,
    draws: int,
    seed: int,
) -> FloatArray:
    """
    Draw each customer's money over a horizon.

    The number of purchases comes from the purchase model, the customer's mean spend from the posterior of
    the spend model, and the sum of that many Gamma(p) amounts about it.

    Parameters
    ----------
    purchases : purchase model
        Fitted.
    spend : GammaGammaModel
        Fitted.
    customers : DataFrame
        Columns frequency, recency, T, monetary_value.
    horizon : float
        Length of the future, in the unit of T.
    draws : int
        Draws a customer.
    seed : int
        Seed.

    Returns
    -------
    ndarray of shape (n, draws)
        Money, 0 where no purchase was drawn.

    Raises
    ------
    InputError
        If a history, an amount or the horizon is inadmissible.
    """
    rng = np.random.default_rng(seed)
    order = _order_of_histories(customers)
    ordered = customers.iloc[order]
    made = purchases.simulate_purchases(ordered, horizon, draws, rng)
    mean = spend.simulate_spend(ordered, draws, rng)
    p = spend.params_["p"]
    money = rng.standard_gamma(np.maximum(p * made, 1e-300)) * mean / p
    out = np.empty(made.shape)
    out[order] = np.where(made > 0, money, 0.0)
    return out


def _order_of_histories(customers: pd.DataFrame) -> NDArray[np.intp]:
    """Return the order to draw in, so that the order of the frame leaves no trace."""
    keys = [customers[name].to_numpy() for name in ("monetary_value", "recency", "T", "frequency")]
    return np.lexsort(keys)


def money_quantiles(
    purchases: PurchaseModel, spend: GammaGammaModel, customers: pd.DataFrame, horizon: float, seed: int
) -> NDArray[np.float32]:
    """
    Return the quantiles of each customer's money over a horizon, from draws of a block of customers at a time.

    Parameters
    ----------
    purchases : purchase model
        Fitted.
    spend : GammaGammaModel
        Fitted.
    customers : DataFrame
        Columns frequency, recency, T, monetary_value.
    horizon : float
        Length of the future, in the unit of T.
    seed : int
        Seed.

    Returns
    -------
    ndarray of shape (n, 199)
        Quantiles at `duramen.forecast.value_distribution.LEVELS`.
    """
    order = _order_of_histories(customers)
    quantiles = np.empty((len(customers), len(LEVELS)), dtype=np.float32)
    for number, start in enumerate(range(0, len(order), BLOCK)):
        rows = order[start : start + BLOCK]
        drawn = sample_money(purchases, spend, customers.iloc[rows], horizon, DRAWS, seed + number)
        quantiles[rows] = np.quantile(drawn, LEVELS, axis=1).T
    return quantiles


class ConformalIntervals:
    """
    Central intervals of predictive draws, so wide that they covered the outcomes of an earlier horizon.

    The score of an outcome y is its two-sided tail probability 2 min(P(X <= y), P(X >= y)) under the
    customer's own draws; the interval at tail alpha covers y exactly where the score exceeds alpha.
    Calibration takes for alpha the score that the right share of calibration customers exceeds. If later
    customers are exchangeable with those, the intervals cover at least the given level, whatever the
    model (split conformal; Vovk et al. 2005). Counts and money with many zeros have intervals that cover
    more than that; calibration narrows those too. It takes draws, not a customer table, and so it is not a
    scikit-learn estimator.

    Parameters
    ----------
    level : float
        Share of outcomes that the intervals should cover.

    Attributes
    ----------
    tail_ : float
        alpha after calibration; 1 - level before.

    References
    ----------
    Vovk, Gammerman and Shafer (2005), "Algorithmic Learning in a Random World"; Lei et al. (2018), JASA
    113, 1094-1111.

    Examples
    --------
    >>> import numpy as np
    >>> draws = np.random.default_rng(0).normal(size=(500, 400))
    >>> outcomes = np.random.default_rng(1).normal(scale=2, size=500)
    >>> intervals = ConformalIntervals(0.9).calibrate(draws, outcomes)
    >>> bool(intervals.tail_ < 0.1)
    True
    """

    def __init__(self, level: float = 0.9) -> None:
        if not 0 < level < 1:
            raise InputError(f"The level is {level}; give a share between 0 and 1, such as 0.9.")
        self.level = level
        self.tail_ = 1 - level

    def calibrate(self, draws: ArrayLike, outcomes: ArrayLike) -> Self:
        """
        Choose the tail from customers whose outcomes are known.

        Parameters
        ----------
        draws : array-like of shape (n, m)
            Predictive draws of the calibration customers, made at their cutoff.
        outcomes : array-like of shape (n,)
            Their outcomes.

        Returns
        -------
        ConformalIntervals
            Itself, calibrated.

        Raises
        ------
        InputError
            If there are no customers, or not one outcome for each.
        """
        scores = np.sort(tail_probability(draws, outcomes))
        # the share of exchangeable newcomers that score lower than the k-th of n is at most k / (n + 1)
        rank = math.floor((len(scores) + 1) * (1 - self.level))
        self.tail_ = float(scores[rank - 1]) if rank > 0 else 0.0
        return self

    def predict(self, draws: ArrayLike) -> FloatArray:
        """
        Return an interval for each customer.

        Parameters
        ----------
        draws : array-like of shape (n, m)
            Predictive draws.

        Returns
        -------
        ndarray of shape (n, 2)
            Lower and upper end, both inside.
        """
        ordered = np.sort(np.asarray(draws, dtype=float), axis=1)
        count = ordered.shape[1]
        # the smallest k of the draws of which more than tail/2 lie at or below it, and so from above
        skip = min(math.floor(count * min(self.tail_, 1.0) / 2), (count - 1) // 2)
        return np.column_stack([ordered[:, skip], ordered[:, count - 1 - skip]])

    def to_dict(self) -> dict[str, Any]:
        """
        Return level and tail.

        Returns
        -------
        dict
            JSON types.
        """
        return {"level": self.level, "tail": self.tail_}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """
        Rebuild from `to_dict`.

        Parameters
        ----------
        saved : dict
            level and tail.

        Returns
        -------
        ConformalIntervals
            Calibrated as it was.
        """
        intervals = cls(float(saved["level"]))
        intervals.tail_ = float(saved["tail"])
        return intervals


def tail_probability(draws: ArrayLike, outcomes: ArrayLike) -> FloatArray:
    """
    Return the two-sided tail probability of each outcome under its own draws.

    Parameters
    ----------
    draws : array-like of shape (n, m)
        Predictive draws.
    outcomes : array-like of shape (n,)
        One a row.

    Returns
    -------
    ndarray of shape (n,)
        2 min(P(X <= y), P(X >= y)), above 1 where the draws pile up at the outcome.

    Raises
    ------
    InputError
        If there are no customers, or not one outcome for each.
    """
    values = np.asarray(draws, dtype=float)
    known = np.asarray(outcomes, dtype=float)
    if values.ndim != 2 or known.shape != values.shape[:1] or not len(known):
        raise InputError(
            f"There are {known.size} outcomes for draws of shape {values.shape}; give one a row."
        )
    below = (values <= known[:, None]).mean(axis=1)
    above = (values >= known[:, None]).mean(axis=1)
    return np.asarray(2 * np.minimum(below, above))
