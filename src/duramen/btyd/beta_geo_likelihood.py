"""Distinct purchase histories with weights come in; (M)BG/CNBD-k log-likelihood, gradient and Hessian go out."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, expit, gammaln, polygamma

from duramen.btyd.purchase_history import PurchaseHistory

FloatArray = NDArray[np.float64]

# Histories taken at once: they stay in the cache, and below the size at which BLAS wakes its threads.
_BLOCK = 8192


class BetaGeoLikelihood:
    r"""
    Log-likelihood of r, alpha, a, b given purchase histories.

    A customer buys at gaps that are Erlang-k with a Gamma(r, alpha) rate, and leaves with a Beta(a, b)
    probability after each repeat purchase (and, if modified, after the first). With n = kx, s = x survived
    chances to leave (x + 1 if modified) and :math:`\Delta = T - t_x`, the likelihood of one history is

    .. math::
        \frac{\Gamma(r+n)\alpha^r}{\Gamma(r)(\alpha+T)^{r+n}} \frac{B(a, b+s)}{B(a, b)}
        \left[1 + \sum_{j=1}^{k-1} \frac{\Gamma(r+n+j)}{\Gamma(r+n)\,j!} \Big(\frac{\Delta}{\alpha+T}\Big)^j
        + \frac{a}{b+s-1}\Big(\frac{\alpha+T}{\alpha+t_x}\Big)^{r+n}\right],

    the last term only where s > 0. The factor before the bracket depends on x or on T alone and is summed
    over their distinct values; the bracket needs one logarithm a history.

    Parameters
    ----------
    history : PurchaseHistory
        Distinct histories, durations in the unit of alpha.
    regularity : int
        The k of the Erlang gaps.
    modified : bool
        Whether customers may leave right after their first purchase.

    References
    ----------
    Fader, Hardie and Lee (2005), Marketing Science 24(2), eq. 6 (BG/NBD). Batislam, Denizel and Filiztekin
    (2007), IJRM 24(3) (MBG/NBD). Platzer and Reutterer (2016), Marketing Science 35(5) (MBG/CNBD-k).
    """

    def __init__(self, history: PurchaseHistory, regularity: int, modified: bool) -> None:
        self.regularity = regularity
        x, weights = history.frequency, history.weights
        self._total = float(weights.sum())
        levels, self._x_of = np.unique(x, return_inverse=True)
        self._n = regularity * levels
        self._survived = levels + 1 if modified else levels
        by_x = np.bincount(self._x_of, weights).astype(float)
        # customers with more than i purchase phases, and with more than i survived chances to leave
        self._comes, self._stays = _more_than(self._n, by_x), _more_than(self._survived, by_x)
        self._ages, age_of = np.unique(history.age, return_inverse=True)
        self._age_weight = np.bincount(age_of, weights)
        self._age_purchases = np.bincount(age_of, weights * regularity * x)
        # A history that cannot have ended and has no phases leaves the bracket at 1.
        live = np.flatnonzero((x > 0) | modified | (regularity > 1))
        self._may_end = bool(modified) | (x[live] > 0)
        self._spared = not self._may_end.all()
        self._weight = weights[live]
        self._x_of, self._age_of = self._x_of[live], age_of[live]
        self._recencies, self._recency_of = np.unique(history.recency[live], return_inverse=True)
        if regularity > 1:
            with np.errstate(divide="ignore"):
                self._log_waited = np.log((history.age - history.recency)[live])

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """
        Evaluate at parameters.

        Parameters
        ----------
        theta : ndarray of shape (4,)
            r, alpha, a, b, all positive.

        Returns
        -------
        value : float
            Log-likelihood.
        gradient : ndarray of shape (4,)
            By r, alpha, a, b.
        hessian : ndarray of shape (4, 4)
            Second derivatives.
        """
        value, gradient, hessian = self._outside(*theta)
        at = _At(theta, self._ages, self._recencies, self._n, self._survived)
        for start in range(0, len(self._weight), _BLOCK):
            inside = self._bracket(at, slice(start, start + _BLOCK))
            value, gradient, hessian = value + inside[0], gradient + inside[1], hessian + inside[2]
        return float(value), gradient, hessian

    def _outside(self, r: float, alpha: float, a: float, b: float) -> tuple[float, FloatArray, FloatArray]:
        """Sum of the logarithms of the factor before the bracket, ratios of Gammas factor by factor."""
        total, stays, comes = self._total, self._stays, self._comes
        aged = alpha + self._ages
        shape = r * self._age_weight + self._age_purchases
        paces = r + np.arange(len(comes))
        staying = b + np.arange(len(stays))
        value = (
            comes @ np.log(paces)
            - stays @ np.log1p(a / staying)
            - r * (self._age_weight @ np.log1p(self._ages / alpha))
            - self._age_purchases @ np.log(aged)
        )
        either = 1 / (a + staying)
        gradient = np.array(
            [
                comes @ (1 / paces) - self._age_weight @ np.log1p(self._ages / alpha),
                total * r / alpha - shape @ (1 / aged),
                -(stays @ either),
                # 1/(b + i) - 1/(a + b + i) without the difference: where nobody leaves a is next to nothing
                stays @ (a * either / staying),
            ]
        )
        hessian = np.zeros((4, 4))
        hessian[0, 0] = -(comes @ paces**-2)
        hessian[0, 1] = hessian[1, 0] = self._age_weight @ (self._ages / aged) / alpha
        hessian[1, 1] = shape @ aged**-2 - total * r / alpha**2
        hessian[2, 2] = hessian[2, 3] = hessian[3, 2] = stays @ either**2
        hessian[3, 3] = -(stays @ (a * (a + 2 * staying) * (either / staying) ** 2))
        return float(value), gradient, hessian

    def _bracket(self, at: _At, rows: slice) -> tuple[float, FloatArray, FloatArray]:
        """Sum of the logarithms of the bracket over some histories, a mixture."""
        weight = self._weight[rows]
        ended, ended_slope = self._ended(at, rows)
        phases = [self._phase(j, at, rows) for j in range(1, self.regularity)]
        logs = [ended, *(phase.log for phase in phases)]
        slopes = [ended_slope, *(phase.slope for phase in phases)]
        if phases:
            top = np.maximum(0.0, np.max(logs, axis=0))
            log_sum = top + np.log(np.exp(-top) + sum(np.exp(part - top) for part in logs))
            shares = [weight * np.exp(part - log_sum) for part in logs]
        else:
            log_sum = np.logaddexp(0.0, ended)
            shares = [weight * expit(ended)]
        gradient, hessian = np.zeros(4), self._ended_curve(at, rows, shares[0])
        spread = np.zeros_like(ended_slope)
        for share, slope in zip(shares, slopes, strict=True):
            weighted = slope * share
            gradient += weighted.sum(axis=1)
            hessian += weighted @ slope.T
            spread += weighted
        hessian -= (spread / weight) @ spread.T
        for share, phase in zip(shares[1:], phases, strict=True):
            hessian[0, 0] += share @ phase.by_r
            hessian[1, 1] += share @ phase.by_alpha
        return float(weight @ log_sum), gradient, hessian

    def _ended(self, at: _At, rows: slice) -> tuple[FloatArray, FloatArray]:
        """Log-odds of having left at the last purchase, and their slopes by r, alpha, a, b."""
        age, recency, x = self._age_of[rows], self._recency_of[rows], self._x_of[rows]
        stretch = at.log_aged[age] - at.log_recent[recency]
        shape, last = at.shape[x], at.last[x]
        log_odds = shape * stretch + (at.log_a - at.log_last[x])
        if self._spared:
            log_odds = np.where(self._may_end[rows], log_odds, -np.inf)
        slope = np.empty((4, len(stretch)))
        slope[0], slope[2], slope[3] = stretch, 1 / at.a, -1 / last
        slope[1] = -shape * (at.near[recency] - at.far[age])
        return log_odds, slope

    def _ended_curve(self, at: _At, rows: slice, share: FloatArray) -> FloatArray:
        """Second derivatives of those log-odds, summed by a share."""
        near, far = at.near[self._recency_of[rows]], at.far[self._age_of[rows]]
        x = self._x_of[rows]
        gap = near - far
        hessian = np.zeros((4, 4))
        hessian[0, 1] = hessian[1, 0] = -(share @ gap)
        hessian[1, 1] = (share * at.shape[x]) @ (gap * (near + far))
        hessian[2, 2] = -share.sum() / at.a**2
        hessian[3, 3] = share @ at.last[x] ** -2.0
        return hessian

    def _phase(self, j: int, at: _At, rows: slice) -> _Phase:
        """Log of the term of j phases passed since the last purchase, its slope and its curvatures."""
        age, x, shape = self._age_of[rows], self._x_of[rows], at.shape
        log = (
            j * (self._log_waited[rows] - at.log_aged[age])
            - gammaln(j + 1.0)
            + (gammaln(shape + j) - gammaln(shape))[x]
        )
        slope = np.zeros((4, len(log)))
        slope[0] = (digamma(shape + j) - digamma(shape))[x]
        slope[1] = -j * at.far[age]
        by_r = (polygamma(1, shape + j) - polygamma(1, shape))[x]
        return _Phase(log, slope, by_r, j * at.far[age] ** 2)


def _more_than(levels: FloatArray, weight: FloatArray) -> FloatArray:
    """Weight of the levels above i, for i = 0 .. the highest level - 1."""
    counted = np.bincount(levels.astype(np.int64), weight).astype(float)
    return np.asarray(np.cumsum(counted[::-1])[::-1][1:])


class _At:
    """Parameters, and what they make of each distinct age, recency and frequency."""

    def __init__(
        self, theta: FloatArray, ages: FloatArray, recencies: FloatArray, n: FloatArray, survived: FloatArray
    ) -> None:
        r, alpha, self.a, b = map(float, theta)
        self.log_a = math.log(self.a)
        self.log_aged, self.far = np.log(alpha + ages), 1 / (alpha + ages)
        self.log_recent, self.near = np.log(alpha + recencies), 1 / (alpha + recencies)
        self.shape = r + n
        # where nobody can have left yet, the value does not count
        self.last = b + np.maximum(survived, 1.0) - 1.0
        self.log_last = np.log(self.last)


class _Phase(NamedTuple):
    log: FloatArray
    slope: FloatArray
    by_r: FloatArray
    by_alpha: FloatArray
