"""A buyer's Gamma purchase rate and Beta chance to leave come in; expected purchases, plain or discounted, go out.

Where the hypergeometric form loses its sign or its digits, these integrals keep both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

FloatArray = NDArray[np.float64]

_STEP = 0.25
_DIGITS = 40.0  # e**-40 is what the cut tails weigh
_ROWS = 2048
# Numbers of nodes are multiples of this, so that many buyers share one.
_NODES = 16
_NEARLY_SURE = 0.999

# Expected purchases at a known chance to leave, given p of shape (n, k) and shape and stretch of shape (n,
# 1).
Count = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]


def poisson_purchases(p: FloatArray, shape: FloatArray, stretch: FloatArray) -> FloatArray:
    """
    Expect purchases of a buyer whose chance to leave is known and whose gaps are exponential.

    Parameters
    ----------
    p : ndarray of shape (n, k)
        Chances to leave.
    shape, stretch : ndarray of shape (n, 1)
        R and u = horizon/scale.

    Returns
    -------
    ndarray of shape (n, k)
        (1 - (1 + p u)**-R) / p.
    """
    return np.asarray(-np.expm1(-shape * np.log1p(p * stretch)) / p)


def erlang_purchases(regularity: int, passed: int) -> Count:
    r"""
    Expect purchases of a buyer whose chance to leave is known and whose gaps have k exponential phases.

    With N phases to come (negative binomial) and j passed since the last purchase, the buyer has
    :math:`M = \lfloor (j + N)/k \rfloor` occasions and makes :math:`(1 - (1-p)^M)/p` purchases. The mean
    over N is a sum over the k-th roots of unity of its generating function, written with expm1 so that
    small p keep their digits; where few phases are to be expected, the sum over purchases is shorter and
    keeps more.

    Parameters
    ----------
    regularity : int
        k, the phases of a gap.
    passed : int
        j, those passed since the last purchase.

    Returns
    -------
    callable
        Takes p of shape (n, m), R and u of shape (n, 1); gives expected purchases of shape (n, m).
    """
    back = passed - np.arange(regularity)
    turns = np.exp(2j * np.pi * np.arange(1, regularity) / regularity)

    def count(p: FloatArray, shape: FloatArray, stretch: FloatArray) -> FloatArray:
        few = ((shape * stretch <= 1) & (stretch <= 1))[:, 0]
        out = np.empty(p.shape)
        out[few] = by_terms(p[few], shape[few], stretch[few], 60)
        many, big_r, u = p[~few], shape[~few], stretch[~few]
        roots = by_roots(np.minimum(many, _NEARLY_SURE), big_r, u)
        # who surely leaves makes one purchase: few more terms count, and roots would cancel
        out[~few] = np.where(many > _NEARLY_SURE, by_terms(many, big_r, u, 6 * regularity), roots)
        return out

    def by_terms(p: FloatArray, shape: FloatArray, stretch: FloatArray, phases: int) -> FloatArray:
        z = stretch / (1 + stretch)
        total, staying = np.zeros(p.shape), np.ones(p.shape)
        for needed in range(regularity - passed, phases + regularity, regularity):
            total += staying * betainc(needed, shape, z)
            staying *= 1 - p
        return total

    def by_roots(p: FloatArray, shape: FloatArray, stretch: FloatArray) -> FloatArray:
        log_stay = np.log1p(-p) / regularity
        shifts = [np.expm1(step * log_stay) for step in back]
        even = sum(shifts) / regularity
        fewer = np.expm1(-shape * np.log1p(-np.expm1(log_stay) * stretch))
        total = even + fewer + even * fewer
        stay = np.exp(log_stay)
        for turn in turns:
            uneven = sum(shift * turn**step for shift, step in zip(shifts, back, strict=True)) / regularity
            total = total + (uneven * np.exp(-shape * np.log1p((1 - stay * turn) * stretch))).real
        return np.maximum(-total / p, 0.0)

    return count


def purchases_while_alive(
    shape: FloatArray, stretch: FloatArray, a: float, b: FloatArray, count: Count = poisson_purchases
) -> FloatArray:
    r"""
    Expect purchases of a buyer who is there at the cutoff.

    With a Gamma(shape, 1/scale) purchase rate, a Beta(a, b) chance p to leave after each purchase and
    stretch u = horizon/scale,

    .. math:: E = \int_0^1 \frac{1 - (1 + pu)^{-R}}{p}\,\mathrm{Beta}(p; a, b)\,dp.

    This equals eq. 10 of Fader, Hardie and Lee (2005) without its 1/(a - 1) and its cancelling 2F1; every
    term here is positive. The integral is taken over logit(p) by the trapezoidal rule, whose error falls
    exponentially for integrands that are analytic in a strip, with stretched tails for small a and b.

    Parameters
    ----------
    shape, stretch, b : ndarray of shape (n,)
        R, u and b of each buyer.
    a : float
        First parameter of the Beta.
    count : callable
        Expected purchases at a known p; as in the formula unless gaps are Erlang.

    Returns
    -------
    ndarray of shape (n,)
        Expected purchases, exactly 0 where the stretch is 0, at most R u.

    Examples
    --------
    >>> import numpy as np
    >>> round(float(purchases_while_alive(np.array([2.0]), np.array([1.0]), 1.0, np.array([1.0]))[0]), 6)
    1.193147
    """
    out = np.empty(len(shape))
    for rows, p, weight in _leaving(shape, stretch, a, b):
        big_r, u = shape[rows, None], stretch[rows, None]
        total = (weight * count(p, big_r, u)).sum(axis=1)
        out[rows] = np.minimum(total / weight.sum(axis=1), shape[rows] * stretch[rows])
    return out


def discounted_purchases_while_alive(
    shape: FloatArray,
    scale: FloatArray,
    a: float,
    b: FloatArray,
    horizon: float,
    discount: float,
    count: Count = poisson_purchases,
) -> FloatArray:
    r"""
    Expect purchases, each counted as exp(-discount * time) of one.

    By parts, :math:`\int_0^H e^{-\delta t} dE(t) = e^{-\delta H} E(H) + \delta\int_0^H e^{-\delta
    t}E(t)\,dt`; the integral over time is taken by Gauss-Legendre panels that shrink towards the cutoff as
    the buyer's pace asks.

    Parameters
    ----------
    shape, scale, b : ndarray of shape (n,)
        Shape and rate parameter of the Gamma, and b of the Beta, of each buyer.
    a : float
        First parameter of the Beta.
    horizon : float
        Length of the future, in the unit of the scale.
    discount : float
        Continuous rate for the same unit, at least 0.
    count : callable
        Expected purchases at a known p.

    Returns
    -------
    ndarray of shape (n,)
        Discounted expected purchases.
    """
    stretch = horizon / scale
    if discount == 0 or horizon == 0:
        return purchases_while_alive(shape, stretch, a, b, count)
    out = np.empty(len(shape))
    # the fastest decay of purchases in units of the horizon decides how many panels near the cutoff are
    # needed
    panels = np.ceil(np.log2(np.maximum(shape * stretch + discount * horizon, 16.0) / 16.0)).astype(int)
    for halvings in np.unique(panels):
        members = np.flatnonzero(panels == halvings)
        fraction, share = time_panels(int(halvings))
        faded = np.exp(-discount * horizon * fraction) * share * discount * horizon
        for rows, p, weight in _leaving(shape[members], stretch[members], a, b[members]):
            some = members[rows]
            big_r, u = shape[some, None], stretch[some, None]
            inner = np.exp(-discount * horizon) * count(p, big_r, u)
            for part, factor in zip(fraction, faded, strict=True):
                inner += factor * count(p, big_r, u * part)
            out[some] = (weight * inner).sum(axis=1) / weight.sum(axis=1)
    return out


def time_panels(halvings: int) -> tuple[FloatArray, FloatArray]:
    """
    Return Gauss-Legendre nodes on (0, 1), in panels that halve towards 0.

    Parameters
    ----------
    halvings : int
        How often the panel next to 0 is halved.

    Returns
    -------
    nodes, weights : ndarray
        Twelve a panel.
    """
    node, weight = np.polynomial.legendre.leggauss(12)
    edges = np.concatenate([[0.0], 0.5 ** np.arange(halvings, -1, -1.0)])
    width = np.diff(edges)
    nodes = edges[:-1, None] + width[:, None] * (node + 1) / 2
    return nodes.ravel(), (width[:, None] * weight / 2).ravel()


def _leaving(
    shape: FloatArray, stretch: FloatArray, a: float, b: FloatArray
) -> Iterator[tuple[NDArray[np.int64], FloatArray, FloatArray]]:
    """
    Yield rows some at a time, with nodes for p, and Beta(a, b) weights up to a factor common to a row's nodes.

    Each row has as many nodes as it needs itself: what is expected of a buyer must not depend, not even in
    the last digit, on who else is asked about.
    """
    left, right = -np.log1p((shape + 1) * stretch + b) - 2.5, np.log1p(a + shape) + 2.5
    low, high = _reach(a, b, left)
    # y is logit(p) in the middle and its logarithm in the tails
    start = np.where(low < left, left - np.log1p(np.maximum(left - low, 0.0)), low)
    stop = np.where(high > right, right + np.log1p(np.maximum(high - right, 0.0)), high)
    step = min(_STEP, 0.6 / np.sqrt(a))
    needed = _NODES * np.ceil((np.ceil((stop - start) / step) + 1) / _NODES).astype(int)
    for count in np.unique(needed):
        members = np.flatnonzero(needed == count)
        for rows in np.split(members, range(_ROWS, len(members), _ROWS)):
            y = start[rows, None] + ((stop - start)[rows] / (count - 1))[:, None] * np.arange(count)
            before, after = np.exp(left[rows, None] - y), np.exp(y - right[rows, None])
            logit = y - before + after
            log_p = -np.logaddexp(0.0, -logit)
            log_weight = a * log_p + b[rows, None] * (log_p - logit)
            log_weight -= log_weight.max(axis=1, keepdims=True)
            # below e**-600 a chance to leave counts as that, which keeps it divisible
            yield rows, np.exp(np.maximum(log_p, -600.0)), np.exp(log_weight) * (1 + before + after)


def _reach(a: float, b: FloatArray, left: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Range of logit(p) outside which the integrand weighs less than e**-40 of its peak."""
    width = 9 * np.sqrt(1 / a + 1 / b)
    low = left + 2.5 - _DIGITS / a
    high = np.log(a / b) + _DIGITS / b + width
    if a > 2:
        low = np.maximum(low, np.log((a - 1) / b) - _DIGITS / (a - 1) - 9 * np.sqrt(1 / (a - 1) + 1 / b))
    # far right of the Beta's peak (1 - p)**b falls faster than the tail rate b says
    far = (a + _DIGITS + 9 * np.sqrt(a)) / b
    steep = np.where(far > 30, far, np.log(np.expm1(np.minimum(far, 30.0))))
    return low, np.minimum(high, steep)
