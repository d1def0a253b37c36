"""Purchase histories and BG/NBD parameters come in; what to expect of each customer goes out."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, expit, gammaln

from duramen.btyd.beta_geo_expectation import (
    Count,
    discounted_purchases_while_alive,
    erlang_purchases,
    poisson_purchases,
    purchases_while_alive,
)
from duramen.btyd.purchase_history import PurchaseHistory, by_distinct, distinct_rows, take
from duramen.btyd.purchase_model import ActiveBy

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Histories evaluated at once, to keep temporary arrays small.
_ROWS = 65_536


class BetaGeoPosterior:
    """
    Customers with Gamma purchase rates and Beta chances to leave, given their histories.

    Parameters
    ----------
    history : PurchaseHistory
        One entry a customer.
    params : tuple of float
        r, alpha, a, b, with alpha in the unit of the history.
    regularity : int
        k, the phases of a gap.
    modified : bool
        Whether customers may leave right after their first purchase.
    """

    def __init__(
        self,
        history: PurchaseHistory,
        params: tuple[float, float, float, float],
        regularity: int,
        modified: bool,
    ) -> None:
        self._history, self._params = history, params
        self._regularity, self._modified = regularity, modified

    @cached_property
    def alive(self) -> FloatArray:
        """P(not left by the cutoff)."""
        return np.asarray(self._states.sum(axis=0))

    def expected(self, span: float, rate: float) -> FloatArray:
        """Equation 10 of Fader, Hardie and Lee (2005), and its sum over the phases passed."""
        r, alpha, a, _ = self._params
        k, history = self._regularity, self._history
        expected = np.zeros(len(history.frequency))
        for passed, state in enumerate(self._states):
            count = self._count(passed)

            def while_alive(
                x: FloatArray, age: FloatArray, passed: int = passed, count: Count = count
            ) -> FloatArray:
                shape, scale, stays = r + k * x + passed, alpha + age, self._stays(x)
                if rate == 0:
                    return purchases_while_alive(shape, span / scale, a, stays, count)
                return discounted_purchases_while_alive(shape, scale, a, stays, span, rate, count)

            expected += state * by_distinct(history.frequency, history.age, while_alive)
        return expected

    def expected_of_new(self, spans: FloatArray) -> FloatArray:
        """Equation 9: expected repeat purchases in each time of customers of age 0, one a time."""
        r, alpha, a, _ = self._params
        none = np.zeros(len(spans))
        made = purchases_while_alive(r + none, spans / alpha, a, self._stays(none), self._count(0))
        return np.asarray(self._states[0] * made)

    def active(self, span: float) -> FloatArray:
        """Return P(at least one purchase)."""
        r, alpha, _, _ = self._params
        k = self._regularity
        shape, scale = r + k * self._history.frequency, alpha + self._history.age
        # one phase missing: 1 - (1 - z)**R keeps its digits so
        active = self._states[-1] * -np.expm1(-(shape + k - 1) * np.log1p(span / scale))
        for passed in range(k - 1):
            active += self._states[passed] * betainc(k - passed, shape + passed, span / (scale + span))
        return np.asarray(active)

    def active_by(self, spans: FloatArray) -> ActiveBy:
        """Return P(at least one purchase) in each of m times that grow."""
        customers = len(self._history.frequency)
        if self._regularity > 1:
            curves = np.column_stack([self.active(span) for span in spans])
            return ActiveBy(np.ones(customers), curves, np.arange(customers))
        r, alpha, _, _ = self._params
        codes, (x, age) = distinct_rows((self._history.frequency, self._history.age))
        curves = -np.expm1(-(r + x)[:, None] * np.log1p(spans / (alpha + age)[:, None]))
        return ActiveBy(self.alive, curves, codes)

    def distribution(self, span: float, most: int) -> FloatArray:
        """Return P(k purchases) for k = 0 .. most, shape (n, most + 1)."""
        at_least = self._at_least(span, most + 1)
        return np.maximum(at_least[:, :-1] - at_least[:, 1:], 0.0)

    def _at_least(self, span: float, most: int) -> FloatArray:
        r"""
        P(X >= n) for n = 0 .. most: n occasions come in time, and the buyer stays after each but the last.

        For k = 1 it is :math:`P(alive) \frac{B(a, b' + n - 1)}{B(a, b')} I_z(n, r + x)` with z =
        horizon/(alpha + T + horizon). All terms are positive.
        """
        r, alpha, a, _ = self._params
        k, x = self._regularity, self._history.frequency
        stays, states = self._stays(x), self._states
        z = span / (alpha + self._history.age + span)
        out = np.ones((len(x), most + 1))
        for n in range(1, most + 1):
            out[:, n] = sum(
                state * betainc(n * k - passed, r + k * x + passed, z) for passed, state in enumerate(states)
            )
            states = states * ((stays + n - 1) / (a + stays + n - 1))
        return out

    def draw(self, span: float, draws: int, rng: np.random.Generator) -> IntArray:
        """Draw numbers of purchases, shape (n, draws), the same whatever the order of the customers."""
        history, k = self._history, self._regularity
        r, alpha, a, _ = self._params
        order = np.lexsort((history.recency, history.age, history.frequency))
        x, age = history.frequency[order, None], history.age[order, None]
        size = (len(order), draws)
        # states up to the draw: 0 .. k - 1 phases passed, or k where the customer has left
        bounds = np.cumsum(self._states[:, order], axis=0)
        drawn = rng.random(size)
        passed = np.zeros(size, dtype=np.int64)
        for bound in bounds:
            passed += drawn >= bound[:, None]
        rate = rng.standard_gamma(r + k * x + np.minimum(passed, k - 1)) / (alpha + age)
        phases = rng.poisson(np.minimum(rate * span, 1e18))
        occasions = ((phases + passed) // k).astype(float)
        leaving = rng.beta(a, np.broadcast_to(self._stays(x), size))
        with np.errstate(divide="ignore", over="ignore"):
            until_leaving = 1 + np.floor(rng.standard_exponential(size) / -np.log1p(-leaving))
        made = np.where(passed < k, np.minimum(occasions, until_leaving), 0.0)
        out = np.empty(size, dtype=np.int64)
        out[order] = made
        return out

    def _count(self, passed: int) -> Count:
        return erlang_purchases(self._regularity, passed) if self._regularity > 1 else poisson_purchases

    def _stays(self, x: FloatArray) -> FloatArray:
        """Second parameter of the Beta of a buyer who is there at the cutoff."""
        return self._params[3] + x + (1 if self._modified else 0)

    @cached_property
    def _states(self) -> FloatArray:
        """Probabilities of being there with j = 0 .. k - 1 phases passed, a row each."""
        out = np.empty((self._regularity, len(self._history.frequency)))
        for start in range(0, out.shape[1], _ROWS):
            rows = slice(start, start + _ROWS)
            out[:, rows] = self._states_of(take(self._history, rows))
        return out

    def _states_of(self, history: PurchaseHistory) -> FloatArray:
        r, alpha, a, b = self._params
        k, x = self._regularity, history.frequency
        shape = r + k * x
        chances = x + 1 if self._modified else x
        stretch = np.log(alpha + history.age) - np.log(alpha + history.recency)
        left = shape * stretch + math.log(a) - np.log(b + np.maximum(chances, 1) - 1)
        left = np.where(chances > 0, left, -np.inf)
        if k == 1:
            return np.asarray(expit(-left))[None]
        with np.errstate(divide="ignore"):
            waited = np.log(history.age - history.recency) - np.log(alpha + history.age)
        phases = np.arange(1.0, k)[:, None]
        here = phases * waited + gammaln(shape + phases) - gammaln(shape) - gammaln(phases + 1)
        logs = np.vstack([np.zeros(len(x)), here, left])
        weights = np.exp(logs - logs.max(axis=0))
        return np.asarray(weights[:-1] / weights.sum(axis=0))
