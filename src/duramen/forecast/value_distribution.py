"""A value, a probability and past errors come in; the predictive distribution of value goes out."""

from __future__ import annotations

import math
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
# Share of the outcomes that an interval should contain, and as many customers as the learned correction of it needs to
# count half.
INTERVAL = 0.8
CAUTIOUS_BELOW = 100
# Customers who are active with no more than this probability stay away more often than an interval has room for.
LEAST_PROBABILITY = 1 - INTERVAL


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
    share_ : float
        Share of the distribution that ``interval`` takes, so that it contains 80 % of the outcomes of the later fold.
    """

    def fit(self, value: np.ndarray, probability: np.ndarray, actual: np.ndarray) -> Self:
        """Learn errors and intervals from predicted value, P(active) and actual net money, each of shape (n,)."""
        self._learn_errors(value, probability, actual)
        self.share_ = INTERVAL
        halves = [slice(start, None, 2) for start in (0, 1)]
        others = [type(self)()._learn_errors(value[half], probability[half], actual[half]) for half in halves]
        if all(other.source_ == "later fold" for other in others):
            # Each half is measured with the errors of the other one (split conformal prediction).
            needed = np.concatenate(
                [
                    other.needed_share(value[half], probability[half], actual[half])
                    for other, half in zip(others, halves[::-1], strict=True)
                ]
            )
            self.share_ = _cautious_share(needed[~np.isnan(needed)])
        return self

    def _learn_errors(self, value: np.ndarray, probability: np.ndarray, actual: np.ndarray) -> Self:
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

    def interval(self, value: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of the interval that is meant to contain 80 % of the outcomes of such customers.

        A customer who is certain to buy has 10 % of the outcomes below and 10 % above. No outcome lies below 0, so each
        per cent by which a customer may stay away moves a per cent from below to above; where 10 % or more stay away,
        the interval is one-sided: from 0 to the money that 80 % stay below. Where 5 to 10 % stay away it contains up to
        85 %, since it begins at 0 already.

        Both ends are widened to contain the predicted value. Where 80 % or more stay away, no purchase at all is enough
        to cover 80 %: the interval is 0 to the predicted value and contains more than 80 %.

        The 80 % are measured on a later fold, and the share ``share_`` of the distribution is taken that covers them
        (``needed_share``).
        """
        low, high = _levels(probability, self.share_)
        return (
            np.minimum(self.quantile(value, probability, low), value),
            np.maximum(self.quantile(value, probability, high), value),
        )

    def needed_share(self, value: np.ndarray, probability: np.ndarray, actual: np.ndarray) -> np.ndarray:
        """Return the smallest ``share_`` whose interval contains each actual, infinite where the actual is below 0.

        It is missing for customers who are active with a probability of 20 % or less: no share is needed for them.
        """
        upto = 1 - self.probability_above(value, probability, np.maximum(actual, 0.0))
        # The inverse of ``_levels``: both ends move outwards as the share rises.
        for_low = np.where(actual < value, 1 - 2 * (upto + 1 - probability), 0.0)
        for_high = np.where(actual > value, np.minimum(2 * (upto + 1 - probability) - 1, upto), 0.0)
        needed = np.where(actual < 0, np.inf, np.maximum(np.maximum(for_low, for_high), 0.0))
        return np.where(probability > LEAST_PROBABILITY, needed, np.nan)

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
        return {
            "edges": self.edges_.tolist(),
            "errors": self.errors_.tolist(),
            "source": self.source_,
            "share": self.share_,
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        """Return the distribution that ``to_dict`` described."""
        model = cls()
        model.edges_, model.errors_ = np.array(state["edges"]), np.array(state["errors"])
        model.source_, model.share_ = state["source"], state["share"]
        return model


def _levels(probability: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the levels of the quantiles at which an interval ends that takes a share of the distribution.

    Examples
    --------
    >>> [level.round(2).tolist() for level in _levels(np.array([1.0, 0.96, 0.9, 0.5]), 0.8)]
    [[0.1, 0.06, 0.0, 0.0], [0.9, 0.86, 0.8, 0.8]]
    """
    low = np.maximum((1 - share) / 2 - (1 - probability), 0.0)
    return low, low + share


def _cautious_share(needed: np.ndarray) -> float:
    """Return the share that covers 80 % of customers like these, closer to 80 % the fewer they are.

    Examples
    --------
    >>> [_cautious_share(np.full(count, 0.6)) for count in (900, 100, 0)]
    [0.62, 0.7, 0.8]
    """
    count = len(needed)
    if count == 0:
        return INTERVAL
    # Split conformal prediction: of exchangeable customers, the next one needs no more than this in 80 % of the cases.
    rank = min(math.ceil((count + 1) * INTERVAL), count)
    covering = min(float(np.sort(needed)[rank - 1]), 1.0)
    return round(INTERVAL + (covering - INTERVAL) * count / (count + CAUTIOUS_BELOW), 6)
