"""Purchase histories and Pareto/NBD parameters come in; what to expect of each customer goes out."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from duramen.btyd.pareto_nbd_likelihood import graded, left_before, nodes_needed, range_of_time
from duramen.btyd.purchase_history import PurchaseHistory, distinct_rows, pack
from duramen.btyd.purchase_model import ActiveBy

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_ROWS = 2048
# Ends of the pieces of an integral over time, as parts of the longest time, and Gauss-Legendre nodes in each.
_PIECES, _NODES_OF_PIECE = 0.6 ** np.arange(16.0), 3


class ParetoNBDPosterior:
    """
    Customers with Gamma rates of purchases and of leaving, given their histories.

    Parameters
    ----------
    history : PurchaseHistory
        One entry a customer.
    r, s : float
        Shapes of the two Gammas.
    alpha, beta : ndarray of shape (n,)
        Their rate parameters, one a customer, in the unit of the history.
    alike : bool
        Whether alpha and beta are the same for all, so that equal histories are evaluated once.
    """

    def __init__(
        self, history: PurchaseHistory, r: float, alpha: FloatArray, s: float, beta: FloatArray, alike: bool
    ) -> None:
        self._history, self._s, self._alike = history, s, alike
        self._prior = r, alpha, beta
        # at the cutoff: Gamma(shape, scale) rate of purchases, Gamma(s, staying) rate of leaving
        self._shape = r + history.frequency
        self._scale, self._staying = alpha + history.age, beta + history.age

    @cached_property
    def alive(self) -> FloatArray:
        """P(not left by the cutoff)."""
        history, s = self._history, self._s
        _, alpha, beta = self._prior
        if self._alike:
            key, _ = pack((history.frequency, history.age, history.recency))
            _, distinct, codes = np.unique(key, return_index=True, return_inverse=True)
        else:
            distinct = codes = np.arange(len(alpha))

        def alive(rows: IntArray) -> FloatArray:
            ended = left_before(
                self._shape[rows], alpha[rows], s, beta[rows], history.recency[rows], history.age[rows]
            )
            return np.asarray(expit(-ended.log_odds))

        bought, left = (rate[distinct] + history.recency[distinct] for rate in (alpha, beta))
        wait = history.age[distinct] - history.recency[distinct]
        _, *ranges = range_of_time(self._shape[distinct], bought, s, left, wait)
        return _in_chunks(alive, distinct, nodes_needed(*ranges))[codes]

    def expected(self, span: float, rate: float) -> FloatArray:
        r"""
        Equation 41 of Fader and Hardie, note 009, with its limit at s = 1; discounted, its integral.

        That is :math:`P(alive)\frac{r+x}{\alpha+T}\int_0^H e^{-\delta t}\big(\frac{\beta+T}{\beta+T+t}\big)^s dt`.
        """
        if rate == 0 or span == 0:
            return self.alive * expected_while_alive(self._shape, self._scale, self._s, self._staying, span)
        levels, codes = np.unique(self._staying, return_inverse=True)
        s = self._s

        def time(rows: IntArray) -> FloatArray:
            staying = levels[rows]
            log_time, step = graded(np.log1p(span / staying), s - 1 + rate * staying)
            grown = staying * np.expm1(log_time)
            return np.asarray((step * np.exp((1 - s) * log_time - rate * grown)).sum(axis=0) * staying)

        nodes = nodes_needed(np.log1p(span / levels), s - 1 + rate * levels)
        faded = _in_chunks(time, np.arange(len(levels)), nodes)[codes]
        return self.alive * self._shape / self._scale * faded

    def active(self, span: float) -> FloatArray:
        r"""
        P(at least one purchase): the first comes at t while the customer is there.

        With R = r + x, A = alpha + T, B = beta + T it is
        :math:`P(alive)\int_0^H \frac{R}{A+t}\big(\frac{A}{A+t}\big)^R\big(\frac{B}{B+t}\big)^s dt`.
        """
        s, shape, scale, staying = self._s, self._shape, self._scale, self._staying
        middle, length, power = range_of_time(shape, scale, s, staying, span)

        def active(rows: IntArray) -> FloatArray:
            unit, big_r = middle[rows], shape[rows]
            log_time, step = graded(length[rows], power[rows])
            time = unit * np.expm1(log_time)
            fall = big_r * np.log1p(time / scale[rows]) + s * np.log1p(time / staying[rows])
            density = np.exp(log_time - fall) / (scale[rows] + time)
            return np.asarray((step * density).sum(axis=0) * unit * big_r)

        found = _in_chunks(active, np.arange(len(shape)), nodes_needed(length, power))
        return self.alive * np.minimum(found, 1.0)

    def active_by(self, spans: FloatArray) -> ActiveBy:
        """Return P(at least one purchase) in each of m times that grow: the integral of `active`, piece by piece."""
        node, weight = np.polynomial.legendre.leggauss(_NODES_OF_PIECE)
        ends = np.union1d(spans, spans[-1] * _PIECES)
        edges = np.concatenate([[0.0], ends])
        width = np.diff(edges)
        time = (edges[:-1, None] + width[:, None] * (node + 1) / 2).ravel()
        step = (width[:, None] * weight / 2).ravel()
        shape, scale, staying = self._shape, self._scale, self._staying
        codes = np.arange(len(shape))
        if self._alike:
            r, alpha, beta = self._prior
            codes, (x, age) = distinct_rows((self._history.frequency, self._history.age))
            shape, scale, staying = r + x, alpha[0] + age, beta[0] + age
        curves = np.empty((len(shape), len(spans)))
        for start in range(0, len(shape), _ROWS):
            rows = slice(start, start + _ROWS)
            buying, leaving = scale[rows, None], staying[rows, None]
            fall = shape[rows, None] * np.log1p(time / buying) + self._s * np.log1p(time / leaving)
            mass = step * shape[rows, None] / (buying + time) * np.exp(-fall)
            pieces = mass.reshape(-1, len(width), len(node)).sum(axis=2)
            curves[rows] = np.minimum(pieces.cumsum(axis=1)[:, np.searchsorted(ends, spans)], 1.0)
        return ActiveBy(self.alive, curves, codes)

    def distribution(self, span: float, most: int) -> FloatArray:
        """P(k purchases) for k = 0 .. most: negative binomial up to leaving, which is integrated out."""
        shape = self._shape
        out = np.zeros((len(shape), most + 1))
        for start in range(0, len(shape), _ROWS):
            rows = slice(start, start + _ROWS)
            z, weight = self._exposures(self._scale[rows], self._staying[rows], span)
            chance = np.exp(-shape[rows, None] * -np.log1p(-z)) * weight
            out[rows, 0] = chance.sum(axis=1)
            for k in range(1, most + 1):
                chance = chance * z * ((shape[rows] + k - 1) / k)[:, None]
                out[rows, k] = chance.sum(axis=1)
        out *= self.alive[:, None]
        out[:, 0] += 1 - self.alive
        return out

    def _exposures(
        self, scale: FloatArray, staying: FloatArray, span: float
    ) -> tuple[FloatArray, FloatArray]:
        """Times that a customer who is there may stay in the horizon, as t/(A + t), with probabilities."""
        s = self._s
        node, weight = np.polynomial.legendre.leggauss(20)
        # panels that halve towards the cutoff, each smooth in the logarithm of time
        edges = np.concatenate([[0.0], span * 0.5 ** np.arange(5, -1, -1.0)])
        width = np.diff(edges)
        time = (edges[:-1, None] + width[:, None] * (node + 1) / 2).ravel()
        step = (width[:, None] * weight / 2).ravel()
        density = s / (staying[:, None] + time) * np.exp(-s * np.log1p(time / staying[:, None])) * step
        stays = np.exp(-s * np.log1p(span / staying))
        # leaving is certain to come early or not: what the panels miss of it is put right here
        density *= ((1 - stays) / np.maximum(density.sum(axis=1), 1e-300))[:, None]
        exposure = np.concatenate([time, [span]])
        return exposure / (scale[:, None] + exposure), np.column_stack([density, stays])

    def draw(self, span: float, draws: int, rng: np.random.Generator) -> IntArray:
        """Draw numbers of purchases, shape (n, draws), the same whatever the order of the customers."""
        history = self._history
        _, alpha, beta = self._prior
        order = np.lexsort((beta, alpha, history.recency, history.age, history.frequency))
        size = (len(order), draws)
        shape, scale, staying = (part[order, None] for part in (self._shape, self._scale, self._staying))
        speed = rng.standard_gamma(np.broadcast_to(shape, size)) / scale
        leaving = rng.standard_gamma(self._s, size) / staying
        with np.errstate(divide="ignore", over="ignore"):
            life = np.minimum(rng.standard_exponential(size) / leaving, span)
        made = rng.poisson(np.minimum(speed * life, 1e18))
        out = np.empty(size, dtype=np.int64)
        out[order] = np.where(rng.random(size) < self.alive[order, None], made, 0)
        return out


def expected_while_alive(
    shape: FloatArray, scale: FloatArray, s: float, staying: FloatArray, span: ArrayLike
) -> FloatArray:
    """Expected purchases of a customer who is there: purchase rate times expected time before leaving."""
    power = s - 1
    grown = np.log1p(np.asarray(span) / staying)
    # a power nearer to 0 than this changes nothing but would divide by 0
    time = grown if abs(power) < 1e-12 else -np.expm1(-power * grown) / power
    return np.asarray(shape / scale * staying * time)


def _in_chunks(function: Callable[[IntArray], FloatArray], rows: IntArray, nodes: IntArray) -> FloatArray:
    """
    Evaluate some rows at a time: nodes of all at once would not stay in the cache.

    Rows go together that need as many nodes: what is expected of a customer must not depend, not even in
    the last digit, on who else is asked about.
    """
    found = np.empty(len(rows))
    for count in np.unique(nodes):
        members = np.flatnonzero(nodes == count)
        for some in np.split(members, range(_ROWS, len(members), _ROWS)):
            # NumPy adds the nodes of one row alone in another order than those of many.
            found[some] = function(rows[some.repeat(2)] if len(some) == 1 else rows[some])[: len(some)]
    return found
