"""Predicted value and the customer's own past come in; by how much the customer grows, and how surely, go out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from duramen.forecast.value_distribution import ValueDistribution

GROWTH_COLUMNS = ("past_value", "growth_rate", "probability_growing", "growth_potential")


def past_value(customers: pd.DataFrame, horizon: int) -> np.ndarray:
    """Return what each customer would spend over the horizon if the own past rate went on, never below 0.

    The rate is net money to date per day of age. An age below the horizon counts as one horizon: one purchase of
    three days ago is no rate of a hundred a year.

    Parameters
    ----------
    customers : pandas.DataFrame
        Customer table with ``net_spend`` and ``T`` in days.
    horizon : int
        Days.

    Returns
    -------
    numpy.ndarray of shape (n,)
        Net money in the unit of the source.

    Examples
    --------
    >>> past_value(pd.DataFrame({"net_spend": [40.0, 40.0], "T": [100.0, 2.0]}), 50)
    array([20., 40.])
    """
    rate = customers["net_spend"].to_numpy() / np.maximum(customers["T"].to_numpy(), horizon)
    money: np.ndarray = np.maximum(rate * horizon, 0.0)
    return money


def past_trend(customers: pd.DataFrame, horizon: int) -> np.ndarray:
    """Return the growth of each customer over the horizon if the latest change of spend continues.

    The change is the net money of the last 182 days less that of the 182 days before, or of 91 days where the horizon
    or half the customer's age is shorter, as money over the horizon. Below an age of 182 days no change is known, and
    the growth is 0.

    Parameters
    ----------
    customers : pandas.DataFrame
        Customer table with ``net_spend_91``, ``net_spend_182``, ``net_spend_364`` and ``T``.
    horizon : int
        Days.

    Returns
    -------
    numpy.ndarray of shape (n,)
        Net money in the unit of the source.

    Examples
    --------
    >>> customers = pd.DataFrame(
    ...     {"net_spend_91": [50.0, 50.0], "net_spend_182": [70.0, 70.0], "net_spend_364": 80.0, "T": [400.0, 90.0]}
    ... )
    >>> past_trend(customers, 182)
    array([60.,  0.])
    >>> past_trend(customers, 91)
    array([30.,  0.])
    """
    age = customers["T"].to_numpy()
    trend = np.zeros(len(customers))
    for length in (91, 182):
        recent, both = (customers[f"net_spend_{days}"].to_numpy() for days in (length, 2 * length))
        known = (age >= 2 * length) & (length <= max(horizon, 91))
        # Money has four decimals; a difference of equal sums beyond them is a rounding error.
        trend = np.where(known, np.round(2 * recent - both, 4) * horizon / length, trend)
    return trend


def growth_rate(value: np.ndarray, past: np.ndarray, basket: float) -> np.ndarray:
    """Return predicted over past value, less 1: negative exactly where a customer is forecast to spend less.

    A typical purchase day is added to both, which pulls the rate towards 0 where both are small: from a past of next to
    nothing any forecast would be a growth of thousands of per cent.

    Parameters
    ----------
    value, past : array of shape (n,)
        Predicted and past value, in money over the same horizon.
    basket : float
        Money of a typical purchase day.

    Examples
    --------
    >>> growth_rate(np.array([120.0, 30.0, 5.0]), np.array([100.0, 60.0, 0.0]), 10.0).round(3)
    array([ 0.182, -0.429,  0.5  ])
    """
    rate: np.ndarray = (value + basket) / (past + basket) - 1
    return rate


def growth_forecast(
    value: np.ndarray,
    past: np.ndarray,
    probability_active: np.ndarray,
    distribution: ValueDistribution,
    basket: float,
) -> pd.DataFrame:
    """Return the direction of each customer: columns ``GROWTH_COLUMNS``.

    - ``past_value``: money over the horizon at the customer's own past rate;
    - ``growth_rate``: predicted over past value, less 1 (`growth_rate`);
    - ``probability_growing``: P(money over the horizon > ``past_value``) by the predictive distribution of value,
      never above ``probability_active``;
    - ``growth_potential``: predicted value above past value in money, 0 where the customer is forecast to spend less.

    Parameters
    ----------
    value, past, probability_active : array of shape (n,)
    distribution : ValueDistribution
        That of the forecast.
    basket : float
        Money of a typical purchase day.
    """
    return pd.DataFrame(
        {
            "past_value": past,
            "growth_rate": growth_rate(value, past, basket),
            "probability_growing": distribution.probability_above(value, probability_active, past),
            "growth_potential": np.maximum(value - past, 0.0),
        }
    )
