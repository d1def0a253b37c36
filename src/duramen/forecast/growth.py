"""Predicted value and the customer's own past come in; who will grow, and by how much, goes out."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

from duramen.forecast.top_customers import first_count, hit_rate
from duramen.forecast.value_distribution import ValueDistribution

# Weights of the expected decline that are tried: what is asked is who grows, so decline counts half at most.
DECLINE_WEIGHTS = tuple(np.arange(6) / 10)
# The customers who grew most, of whom as many as possible are to be found.
TOP_SHARE = 0.1


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


class GrowthModel:
    """Money over the horizon above the customer's own past rate.

    ``growth_potential`` is E[max(money - past, 0)] under the predictive distribution of value: never negative, so a
    customer who shrinks has little of it, not a debt. ``growth_outlook`` orders customers by who will grow: the
    potential less ``decline_weight_`` times the expected decline E[max(past - money, 0)]. With a weight of 0 the
    largest customers lead, who also fall deepest; with 1, the mean, those lead who have nothing to lose. The weight
    is the largest that finds as many of those who grew most on a later fold as the best one does, within a standard
    error: of the orders that find the growers, the one that knows best who falls.

    Attributes
    ----------
    decline_weight_ : float
    """

    def fit(self, past: np.ndarray, potential: np.ndarray, value: np.ndarray, actual: np.ndarray) -> Self:
        """Learn the weight of decline from past, potential, predicted and actual money of holdout customers."""
        decline = expected_decline(past, potential, value)
        grown = actual - past
        hits = {
            weight: hit_rate(potential - weight * decline, grown, TOP_SHARE) for weight in DECLINE_WEIGHTS
        }
        best = max(hits.values())
        error = np.sqrt(best * (1 - best) / first_count(len(grown), TOP_SHARE))
        self.decline_weight_ = float(max(weight for weight, hit in hits.items() if hit >= best - error))
        return self

    def predict(
        self,
        customers: pd.DataFrame,
        value: np.ndarray,
        probability: np.ndarray,
        distribution: ValueDistribution,
        horizon: int,
    ) -> pd.DataFrame:
        """Return ``growth_potential`` and ``growth_outlook`` of each customer, in the unit of the source."""
        past = past_value(customers, horizon)
        potential = distribution.expected_above(value, probability, past)
        outlook = potential - self.decline_weight_ * expected_decline(past, potential, value)
        return pd.DataFrame({"growth_potential": potential, "growth_outlook": outlook}, index=customers.index)

    def to_dict(self) -> dict[str, Any]:
        """Return the weight as a plain number."""
        return {"decline_weight": self.decline_weight_}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        """Return the model that ``to_dict`` described."""
        model = cls()
        model.decline_weight_ = state["decline_weight"]
        return model


def expected_decline(past: np.ndarray, potential: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Return E[max(past - money, 0)], which is the potential less what the value lies above the past."""
    decline: np.ndarray = np.maximum(potential - (value - past), 0.0)
    return decline
