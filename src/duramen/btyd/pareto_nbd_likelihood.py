"""Distinct purchase histories with weights come in; Pareto/NBD log-likelihood, gradient and Hessian go out."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, expit, gammaln, polygamma

from duramen.btyd.purchase_history import PurchaseHistory

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Histories taken at once: with some ten nodes each they stay in the cache.
_BLOCK = 2048
# The integrand falls as exp(-y); nodes are Gauss-Legendre in exp(-y / _GRADE), which leaves it q**5 times a
# smooth function, so that a short and an endless range are both integrated to rounding.
_GRADE = 6.0
# Nodes that the length of the range of log-time asks for.
_NODES = ((1.5, 10), (2.5, 14), (5.0, 32), (12.0, 80), (np.inf, 200))


class ParetoNBDLikelihood:
    r"""
    Log-likelihood of r, alpha, s, beta (and rate multipliers) given purchase histories.

    Purchases are Poisson at a Gamma(r, alpha) rate, and leaving is exponential at a Gamma(s, beta) rate. With
    R = r + x the likelihood of one history is

    .. math::
        \frac{\Gamma(R)\alpha^r\beta^s}{\Gamma(r)(\alpha+T)^R(\beta+T)^s}
        \left[1 + s\int_{t_x}^{T} \Big(\frac{\alpha+T}{\alpha+\tau}\Big)^{R}
        \Big(\frac{\beta+T}{\beta+\tau}\Big)^{s} \frac{d\tau}{\beta+\tau}\right].

    The integral is the difference of two 2F1 of Schmittlein et al. and of Fader and Hardie (2005), eq. 18
    to 20, before it is written as a difference: one positive integrand, so no sign or digit is lost, and
    its derivatives are integrals over the same nodes.

    Parameters
    ----------
    history : PurchaseHistory
        Distinct histories, durations in the unit of alpha and beta.
    purchase_covariates, dropout_covariates : ndarray of shape (n, m)
        Columns that scale the purchase rate and the rate of leaving: rate times multiplier**column.

    References
    ----------
    Schmittlein, Morrison and Colombo (1987), Management Science 33(1), 1-24. Fader and Hardie (2005), "A
    note on deriving the Pareto/NBD model", note 009.
    """

    def __init__(
        self,
        history: PurchaseHistory,
        purchase_covariates: FloatArray | None = None,
        dropout_covariates: FloatArray | None = None,
    ) -> None:
        self._history = history
        none = np.empty((len(history.frequency), 0))
        self._buying = none if purchase_covariates is None else purchase_covariates
        self._leaving = none if dropout_covariates is None else dropout_covariates
        self._levels, self._x_of = np.unique(history.frequency, return_inverse=True)

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """
        Evaluate at parameters.

        Parameters
        ----------
        theta : ndarray of shape (4 + m,)
            r, alpha, s, beta and the multipliers of the covariates, all positive.

        Returns
        -------
        value : float
            Log-likelihood.
        gradient : ndarray of shape (4 + m,)
            First derivatives.
        hessian : ndarray of shape (4 + m, 4 + m)
            Second derivatives.
        """
        size = len(theta)
        value, gradient, hessian = 0.0, np.zeros(size), np.zeros((size, size))
        alpha, beta = rates(theta, self._buying, self._leaving)
        r = theta[0]
        tables = np.array(
            [
                gammaln(r + self._levels) - gammaln(r),
                digamma(r + self._levels) - digamma(r),
                polygamma(1, r + self._levels) - polygamma(1, r),
            ]
        )
        for start in range(0, len(alpha), _BLOCK):
            rows = slice(start, start + _BLOCK)
            part = self._rows(theta, alpha[rows], beta[rows], rows, tables)
            value += part[0]
            self._contract(part[1], part[2], rows, gradient, hessian)
        # from logarithms of the parameters back to the parameters
        return value, gradient / theta, (hessian - np.diag(gradient)) / np.outer(theta, theta)

    def _rows(
        self, theta: FloatArray, alpha: FloatArray, beta: FloatArray, rows: slice, tables: FloatArray
    ) -> tuple[float, FloatArray, FloatArray]:
        """Weighted value, and gradient (4, n) and Hessian (4, 4, n) of each row in its own log-parameters."""
        r, _, s, _ = theta[:4]
        x, recency, age, weights = (
            column[rows]
            for column in (
                self._history.frequency,
                self._history.recency,
                self._history.age,
                self._history.weights,
            )
        )
        table = tables[:, self._x_of[rows]]
        ended = left_before(r + x, alpha, s, beta, recency, age)
        share = expit(ended.log_odds)
        mean, second = ended.moments(r + x, alpha, s, beta, age)
        aged, grown = np.log1p(age / alpha), np.log1p(age / beta)
        value = table[0] - r * aged - x * np.log(alpha + age) - s * grown + np.logaddexp(0.0, ended.log_odds)
        gradient = mean * share
        gradient += np.stack(
            [table[1] - aged, r / alpha - (r + x) / (alpha + age), -grown, s / beta - s / (beta + age)]
        )
        hessian = second * share - (share * mean)[:, None] * (share * mean)[None]
        hessian[0, 0] += table[2]
        hessian[0, 1] += age / (alpha * (alpha + age))
        hessian[1, 0] = hessian[0, 1]
        hessian[1, 1] += (r + x) / (alpha + age) ** 2 - r / alpha**2
        hessian[2, 3] += age / (beta * (beta + age))
        hessian[3, 2] = hessian[2, 3]
        hessian[3, 3] += s / (beta + age) ** 2 - s / beta**2
        scale = np.stack(np.broadcast_arrays(r, alpha, s, beta))
        gradient *= scale
        hessian *= scale[:, None] * scale[None]
        hessian[range(4), range(4)] += gradient
        return float(weights @ value), gradient * weights, hessian * weights

    def _contract(
        self, slope: FloatArray, curve: FloatArray, rows: slice, gradient: FloatArray, hessian: FloatArray
    ) -> None:
        """Add rows in their own log-parameters to sums in the model's; log alpha_i = log alpha - z log m."""
        gradient[:4] += slope.sum(axis=1)
        hessian[:4, :4] += curve.sum(axis=2)
        z = np.hstack([self._buying[rows], self._leaving[rows]])
        if z.shape[1] == 0:
            return
        own = np.repeat([1, 3], [self._buying.shape[1], self._leaving.shape[1]])
        gradient[4:] -= (slope[own] * z.T).sum(axis=1)
        crossed = -np.einsum("pmn,nm->pm", curve[:, own], z)
        hessian[:4, 4:] += crossed
        hessian[4:, :4] += crossed.T
        hessian[4:, 4:] += np.einsum("lmn,nl,nm->lm", curve[np.ix_(own, own)], z, z)


def rates(
    theta: FloatArray, purchase_covariates: FloatArray, dropout_covariates: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """
    Return alpha and beta of each history.

    Parameters
    ----------
    theta : ndarray of shape (4 + m,)
        r, alpha, s, beta and the multipliers.
    purchase_covariates, dropout_covariates : ndarray of shape (n, m1), (n, m2)
        Columns.

    Returns
    -------
    alpha, beta : ndarray of shape (n,)
        Rate parameters of the two Gammas: a rate twice as high halves them.
    """
    logs = np.log(theta)
    split = 4 + purchase_covariates.shape[1]
    alpha = np.exp(np.clip(logs[1] - purchase_covariates @ logs[4:split], -300.0, 300.0))
    beta = np.exp(np.clip(logs[3] - dropout_covariates @ logs[split:], -300.0, 300.0))
    return alpha, beta


class Ended(NamedTuple):
    """
    The integral over the time of leaving, with its nodes.

    Attributes
    ----------
    log_odds : ndarray of shape (n,)
        Log-odds of having left between the last purchase and the end, given the history.
    bought, left : ndarray of shape (nodes, n)
        alpha + tau and beta + tau at the nodes.
    buying, leaving : ndarray of shape (nodes, n)
        Logarithms of (alpha + T)/(alpha + tau) and (beta + T)/(beta + tau).
    share : ndarray of shape (nodes, n)
        Density of the time of leaving, given that it lies in the range; sums to 1 over the nodes.
    """

    log_odds: FloatArray
    bought: FloatArray
    left: FloatArray
    buying: FloatArray
    leaving: FloatArray
    share: FloatArray

    def moments(
        self, shape: FloatArray, alpha: FloatArray, s: float, beta: FloatArray, age: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """
        Return what the log-integral contributes to gradient and Hessian.

        Parameters
        ----------
        shape, alpha, beta, age : ndarray of shape (n,)
            R, alpha, beta and T of each history.
        s : float
            Shape of the Gamma of leaving.

        Returns
        -------
        mean : ndarray of shape (4, n)
            Mean slope of the log-integrand by r, alpha, s, beta.
        second : ndarray of shape (4, 4, n)
            Mean of its curvature plus its squared slope.
        """
        far, last = 1 / (alpha + age), 1 / (beta + age)
        # slopes by r, alpha, s, beta up to the factors -R and -(s + 1), which are the same at all nodes
        parts = (self.buying, 1 / self.bought - far, self.leaving, 1 / self.left - last)
        mean, second = np.empty((4, len(shape))), np.empty((4, 4, len(shape)))
        for i, part in enumerate(parts):
            weighted = part * self.share
            mean[i] = weighted.sum(axis=0)
            for j in range(i, 4):
                second[i, j] = second[j, i] = np.einsum("kn,kn->n", weighted, parts[j])
        near, gone = mean[1].copy(), mean[3].copy()
        near_squared, gone_squared = second[1, 1].copy(), second[3, 3].copy()
        # back to the slopes: each is factor * part + constant
        factor = np.stack(np.broadcast_arrays(1.0, -shape, 1.0, -(s + 1)))
        constant = np.stack(np.broadcast_arrays(0.0, 0.0, 1 / s, -last))
        mean *= factor
        second *= factor[:, None] * factor[None]
        second += constant[:, None] * mean[None] + mean[:, None] * constant[None]
        second += constant[:, None] * constant[None]
        mean += constant
        second[0, 1] -= near
        second[1, 0] = second[0, 1]
        second[1, 1] += shape * (near_squared + 2 * far * near)
        second[2, 2] -= 1 / s**2
        second[2, 3] -= gone
        second[3, 2] = second[2, 3]
        second[3, 3] += (s + 1) * (gone_squared + 2 * last * gone) + last**2
        return mean, second


def left_before(
    shape: FloatArray, alpha: FloatArray, s: float, beta: FloatArray, start: FloatArray, end: FloatArray
) -> Ended:
    """
    Integrate over the time of leaving between the last purchase and the end.

    Parameters
    ----------
    shape, alpha, beta : ndarray of shape (n,)
        R = r + x, alpha and beta of each history.
    s : float
        Shape of the Gamma of leaving.
    start, end : ndarray of shape (n,)
        The range of times, t_x and T.

    Returns
    -------
    Ended
        Log-odds, nodes and their shares.
    """
    bought, left, wait = alpha + start, beta + start, end - start
    middle, length, power = range_of_time(shape, bought, s, left, wait)
    log_time, step = graded(length, power)
    waited = np.expm1(log_time)
    late = middle * waited
    bought_fall, left_fall = np.log1p(late / bought), np.log1p(late / left)
    left_then = left + late
    density = np.exp(-shape * bought_fall - s * left_fall) * step * (1 + waited) / left_then
    total = density.sum(axis=0)
    buying, leaving = np.log1p(wait / bought), np.log1p(wait / left)
    with np.errstate(divide="ignore"):
        log_odds = shape * buying + s * leaving + np.log(s * middle * total)
    share = density / np.maximum(total, 1e-300)
    return Ended(log_odds, bought + late, left_then, buying - bought_fall, leaving - left_fall, share)


def range_of_time(
    shape: FloatArray, bought: FloatArray, s: float, left: FloatArray, wait: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """
    Return the logarithm of time that resolves both bought + t and left + t, and the slope of the fall in it.

    Parameters
    ----------
    shape, bought, left : ndarray of shape (n,)
        R, and the rate parameters of buying and of leaving at t = 0.
    s : float
        Shape of leaving.
    wait : float or ndarray of shape (n,)
        The longest t.

    Returns
    -------
    middle, length, power : ndarray of shape (n,)
        Unit of time, range of log(1 + t / middle), and slope.
    """
    middle = np.minimum(bought, left)
    return middle, np.log1p(np.asarray(wait) / middle), middle * (shape / bought + s / left)


def nodes_needed(length: FloatArray, power: FloatArray) -> IntArray:
    """Return how many nodes `graded` gives each row by itself, shape (n,)."""
    longest = np.minimum(length, 40.0 / np.maximum(power, 1e-6))
    limits, counts = zip(*_NODES, strict=True)
    return np.asarray(counts)[np.searchsorted(limits, longest)]


def graded(length: FloatArray, power: FloatArray) -> tuple[FloatArray, FloatArray]:
    """
    Return nodes for integrals over (0, length) of functions that fall like exp(-power * v), or smoothly.

    Parameters
    ----------
    length, power : ndarray of shape (n,)
        Range and slope of the fall, one a row.

    Returns
    -------
    nodes, weights : ndarray of shape (k, n)
        k is what the longest range asks for.
    """
    slope = np.maximum(power, 1e-6)
    node, weight = _legendre(int(nodes_needed(length, power).max(initial=_NODES[0][1])))
    span = -np.expm1(-slope * length / _GRADE)
    part = node[:, None] * span
    return np.log1p(-part) * (-_GRADE / slope), weight[:, None] * (_GRADE / slope * span) / (1 - part)


@cache
def _legendre(count: int) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre nodes and weights on (0, 1)."""
    node, weight = np.polynomial.legendre.leggauss(count)
    return (node + 1) / 2, weight / 2
