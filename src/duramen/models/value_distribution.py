"""A value, a probability and past errors come in; the predictive distribution of value goes out.

Called for intervals, growth potential and the probability of being core.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.special import ndtri
from sklearn.base import BaseEstimator

LEVELS = np.linspace(0.005, 0.995, 199)
# Fewer active customers than this cannot show a shape; a log-normal one with this spread stands in.
LEAST_ACTIVE = 50
USUAL_SPREAD = 1.0


class ValueDistribution(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Net money over the horizon: 0 with probability 1 - p, else the money expected if active, times an error.

    The error's quantiles are those of the active customers of a later fold, actual over expected, scaled to mean 1 so
    that the mean of the distribution is the predicted value.

    Attributes
    ----------
    errors_ : numpy.ndarray of shape (199,)
        Quantiles of the error at probabilities 0.005, 0.010, ... 0.995.
    source_ : str
        "later fold" or "assumed".
    """

    def fit(self, value: np.ndarray, probability: np.ndarray, actual: np.ndarray) -> Self:
        """Learn the errors from predicted value, P(active) and actual net money, each of shape (n,)."""
        active = actual > 0
        if active.sum() >= LEAST_ACTIVE:
            errors = np.quantile(actual[active] * probability[active] / value[active], LEVELS)
            self.source_ = "later fold"
        else:
            errors = np.exp(USUAL_SPREAD * ndtri(LEVELS))
            self.source_ = "assumed"
        self.errors_ = errors / errors.mean()
        return self

    def quantile(self, value: np.ndarray, probability: np.ndarray, level: float) -> np.ndarray:
        """Return the quantile of net money at ``level`` for each customer, 0 where inactivity alone reaches it."""
        inside = (level - (1 - probability)) / probability
        error = np.interp(inside, LEVELS, self.errors_)
        return np.where(inside > 0, value / probability * error, 0.0)

    def probability_above(self, value: np.ndarray, probability: np.ndarray, threshold: float) -> np.ndarray:
        """Return P(net money > threshold) for each customer, with a threshold above 0."""
        below = np.interp(threshold * probability / value, self.errors_, LEVELS, left=0.0, right=1.0)
        above: np.ndarray = probability * (1 - below)
        return above

    def expected_above(self, value: np.ndarray, probability: np.ndarray, floor: np.ndarray) -> np.ndarray:
        """Return the expected money above each customer's ``floor``: E[max(net money - floor, 0)]."""
        if_active = value / probability
        above = np.zeros_like(value)
        for error in self.errors_:
            above += np.maximum(if_active * error - floor, 0.0)
        expected: np.ndarray = probability * above / len(self.errors_)
        return expected

    def sample(self, value: np.ndarray, probability: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return one draw of net money for each customer."""
        level = rng.random(len(value))
        inside = (level - (1 - probability)) / probability
        return np.where(inside > 0, value / probability * np.interp(inside, LEVELS, self.errors_), 0.0)

    def to_dict(self) -> dict[str, Any]:
        """Return the quantiles as plain numbers."""
        return {"errors": self.errors_.tolist(), "source": self.source_}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        """Return the distribution that ``to_dict`` described."""
        model = cls()
        model.errors_, model.source_ = np.array(state["errors"]), state["source"]
        return model
