"""Predicted value and the customer's own past come in; growth potential goes out. Called by the CoreCustomerModel."""

from __future__ import annotations

import numpy as np
import pandas as pd

from duramen.models.value_distribution import ValueDistribution


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


def growth_potential(
    customers: pd.DataFrame,
    value: np.ndarray,
    probability: np.ndarray,
    distribution: ValueDistribution,
    horizon: int,
) -> np.ndarray:
    """Return the expected money over the horizon above the customer's own past rate.

    It is the mean, under the predictive distribution of value, of what exceeds ``past_value``: never negative, in
    the unit of the source, shape (n,). A customer who shrinks has little of it, not a debt.
    """
    return distribution.expected_above(value, probability, past_value(customers, horizon))
