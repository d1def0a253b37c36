"""A value, a probability and past errors come in; the predictive distribution of value goes out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from scipy.special import ndtri

LEVELS = np.linspace(0.005, 0.995, 199)
# Those who buy often are easier to forecast than those who seldom do, so each group by P(active) has its own errors.
MOST_GROUPS = 5
# Fewer active customers than this cannot show a shape; a log-normal one with this spread stands in.
LEAST_ACTIVE = 50
USUAL_SPREAD = 1.0


class ValueDistribution:
    """Net money over the horizon: 0 with probability 1 - p, else the money expected if active, times an error.

    The error's quantiles are those of the active customers of a later fold, actual over expected, in up to five
    groups by p, each scaled to mean 1 so that the mean of the distribution is the predicted value.

    Attributes
    ----------
    edges_ : numpy.ndarray of shape (g - 1,)
        Probabilities that divide the groups.
    errors_ : numpy.ndarray of shape (g, 199)
        Quantiles of the error at probabilities 0.005, 0.010, ... 0.995, a row a group.
    source_ : str
        "later fold" or "assumed".
    """

    def fit(self, value: np.ndarray, probability: np.ndarray, actual: np.ndarray) -> Self:
        """Learn the errors from predicted value, P(active) and actual net money, each of shape (n,)."""
        active = actual > 0
        groups = min(MOST_GROUPS, int(active.sum()) // LEAST_ACTIVE)
        if groups == 0:
            self.source_, self.edges_ = "assumed", np.empty(0)
            errors = np.exp(USUAL_SPREAD * ndtri(LEVELS))[np.newaxis]
        else:
            self.source_ = "later fold"
            self.edges_ = np.unique(np.quantile(probability[active], np.linspace(0, 1, groups + 1)[1:-1]))
            error = actual[active] * probability[active] / value[active]
            group = np.searchsorted(self.edges_, probability[active])
            errors = np.array([np.quantile(error[group == number], LEVELS) for number in np.unique(group)])
            self.edges_ = self.edges_[np.unique(group)[1:] - 1]
        self.errors_ = errors / errors.mean(axis=1, keepdims=True)
        return self

    def _groups(self, probability: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give the errors of each group, and which customers are in it."""
        group = np.searchsorted(self.edges_, probability)
        for number, errors in enumerate(self.errors_):
            yield errors, np.flatnonzero(group == number)

    def quantile(self, value: np.ndarray, probability: np.ndarray, level: float | np.ndarray) -> np.ndarray:
        """Return the quantile of net money at ``level`` for each customer, 0 where inactivity alone reaches it.

        ``level`` is one for all or one for each customer.
        """
        inside = (level - (1 - probability)) / probability
        error = np.empty(len(value))
        for errors, rows in self._groups(probability):
            error[rows] = np.interp(inside[rows], LEVELS, errors)
        return np.where(inside > 0, value / probability * error, 0.0)

    def quantiles(self, value: np.ndarray, probability: np.ndarray) -> np.ndarray:
        """Return the quantiles of net money at ``LEVELS`` in single precision, of shape (n, 199)."""
        return np.stack(
            [self.quantile(value, probability, level).astype(np.float32) for level in LEVELS], axis=1
        )

    def interval(
        self, value: np.ndarray, probability: np.ndarray, low: float, high: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the quantiles ``low`` and ``high`` of net money, widened to contain the predicted value.

        Where inactivity is likelier than ``high``, both quantiles are 0 and the mean is above them.
        """
        return (
            np.minimum(self.quantile(value, probability, low), value),
            np.maximum(self.quantile(value, probability, high), value),
        )

    def probability_above(
        self, value: np.ndarray, probability: np.ndarray, threshold: float | np.ndarray
    ) -> np.ndarray:
        """Return P(net money > threshold) for each customer, with a threshold of 0 or more.

        ``threshold`` is one for all or one for each customer.
        """
        needed = threshold * probability / value
        above = np.empty(len(value))
        for errors, rows in self._groups(probability):
            above[rows] = 1 - np.interp(needed[rows], errors, LEVELS, left=0.0, right=1.0)
        # Every active customer spends more than nothing.
        return probability * np.where(needed > 0, above, 1.0)

    def sample(self, value: np.ndarray, probability: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return one draw of net money for each customer."""
        return self.quantile(value, probability, rng.random(len(value)))

    def to_dict(self) -> dict[str, Any]:
        """Return the quantiles as plain numbers."""
        return {"edges": self.edges_.tolist(), "errors": self.errors_.tolist(), "source": self.source_}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        """Return the distribution that ``to_dict`` described."""
        model = cls()
        model.edges_, model.errors_ = np.array(state["edges"]), np.array(state["errors"])
        model.source_ = state["source"]
        return model
