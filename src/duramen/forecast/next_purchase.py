"""A purchase model, customers and P(active) come in; the days until each customer buys next go out.

Let P(t) be the purchase model's probability of at least one purchase within t days of the cutoff, and H the horizon,
over which the forecast of activity corrects P(H) to p. Who buys in the horizon, and who does not, then buys when the
purchase model expects it of them: ``F(t) = p P(t) / P(H)`` up to the horizon, and
``F(t) = p + (1 - p) (P(t) - P(H)) / (1 - P(H))`` after it. F rises with t, and F(H) is p.

Of the ways to correct the purchase model (the same factor, the same change of the log odds or of the hazard for all t)
this one gave the days of real purchases the highest likelihood.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from duramen.btyd.purchase_model import ActiveBy, PurchaseModel

# The date by which half have bought, and the ends of an interval in which eight of ten next purchases are expected.
QUANTILES = {"next_purchase": 0.5, "next_purchase_low": 0.1, "next_purchase_high": 0.9}
NEXT_PURCHASE_COLUMNS = tuple(QUANTILES)
# Dates reach so many horizons: beyond the first one, nothing has corrected the purchase model.
HORIZONS = 2
# Days at which the distribution is known; between them its logarithm is straight in the logarithm of time.
KNOTS = 32
# No probability is nearer to 0 than this.
_SMALLEST = 1e-12


def next_purchase_days(
    purchases: PurchaseModel, customers: pd.DataFrame, probability: np.ndarray, horizon: int
) -> pd.DataFrame:
    """Return the day of the next purchase, counted from the cutoff, by which half, 10 % and 90 % have bought.

    Parameters
    ----------
    purchases : PurchaseModel
        Fitted, durations in days.
    customers : pandas.DataFrame
        Customer table at the cutoff.
    probability : numpy.ndarray of shape (n,)
        P(at least one purchase in the horizon), above 0 and below 1.
    horizon : int
        In days.

    Returns
    -------
    pandas.DataFrame
        ``NEXT_PURCHASE_COLUMNS`` on the index of ``customers``: whole days, 0 is the day of the cutoff; missing where
        the quantile lies beyond ``HORIZONS`` horizons.
    """
    days = knots(horizon)
    by_btyd = purchases.active_by(customers, days)
    found = days_until(np.array(list(QUANTILES.values())), by_btyd, probability, days, horizon)
    # Within t days are the days 0 to t - 1.
    return pd.DataFrame(found - 1, index=customers.index, columns=list(NEXT_PURCHASE_COLUMNS))


def dates_after(cutoff: pd.Timestamp, days: pd.DataFrame) -> pd.DataFrame:
    """Return days that are counted from the cutoff as dates, missing where they are.

    Examples
    --------
    >>> dates_after(pd.Timestamp("2011-09-01"), pd.DataFrame({"next_purchase": [0.0, 12.0, np.nan]}))
      next_purchase
    0    2011-09-01
    1    2011-09-13
    2           NaT
    """
    dates = {name: cutoff + pd.to_timedelta(days[name], unit="D") for name in days}
    return pd.DataFrame(dates, index=days.index).astype("datetime64[us]")


def knots(horizon: int) -> np.ndarray:
    """Return the days at which the distribution is evaluated, from 1 to the last; the horizon is one of them.

    Examples
    --------
    >>> knots(4)
    array([1., 2., 3., 4., 5., 6., 7., 8.])
    """
    return np.union1d(np.rint(np.geomspace(1, HORIZONS * horizon, KNOTS)), [float(horizon)])


def days_until(
    shares: np.ndarray, by_btyd: ActiveBy, probability: np.ndarray, days: np.ndarray, horizon: int
) -> np.ndarray:
    """Return the whole number of days within which each share of such customers have bought.

    Parameters
    ----------
    shares : numpy.ndarray of shape (q,)
    by_btyd : ActiveBy
        P(at least one purchase) by the purchase model within each number of days.
    probability : numpy.ndarray of shape (n,)
        The corrected P(at least one purchase in the horizon).
    days : numpy.ndarray of shape (m,)
        Whole numbers that rise; the horizon is one of them.
    horizon : int

    Returns
    -------
    numpy.ndarray of shape (n, q)
        Missing where a share lies beyond the last day.

    Examples
    --------
    >>> days = np.array([1.0, 2.0, 4.0])
    >>> curves = np.array([[0.2, 0.4, 0.6], [0.01, 0.02, 0.04]])
    >>> by_btyd = ActiveBy(np.ones(2), curves, np.arange(2))
    >>> days_until(np.array([0.1, 0.5]), by_btyd, np.array([0.5, 0.02]), days, horizon=2)
    array([[ 1.,  2.],
           [nan, nan]])
    """

    def at(knot: np.ndarray | int) -> np.ndarray:
        """Return P(at least one purchase) by the purchase model within the day of each customer's knot."""
        return np.asarray(by_btyd.alive * by_btyd.curves[by_btyd.curve, knot])

    in_horizon = np.maximum(at(int(np.searchsorted(days, horizon))), _SMALLEST)
    log_days, found = np.log(days), np.empty((len(probability), len(shares)))
    for column, share in enumerate(shares):
        # Where the corrected distribution reaches the share, that of the purchase model reaches this.
        later = share > probability
        after_horizon = in_horizon + (share - probability) / (1 - probability) * (1 - in_horizon)
        sought = np.where(later, after_horizon, share / probability * in_horizon)
        knot = _first_that_reaches(at, sought, len(days))
        upper = np.clip(knot, 1, len(days) - 1)
        low, high = (np.log(np.maximum(at(end), _SMALLEST)) for end in (upper - 1, upper))
        part = np.clip((np.log(sought) - low) / np.maximum(high - low, _SMALLEST), 0.0, 1.0)
        time = np.exp(log_days[upper - 1] + part * (log_days[upper] - log_days[upper - 1]))
        # What lies a rounding error above a whole day is that day.
        whole = np.maximum(np.ceil(time - 1e-9), np.where(later, horizon + 1, 1))
        found[:, column] = np.where(knot == len(days), np.nan, whole)
    return found


def _first_that_reaches(at: Callable[[np.ndarray], np.ndarray], sought: np.ndarray, count: int) -> np.ndarray:
    """Return the first of ``count`` knots at which each customer reaches what is sought, ``count`` where none does."""
    low, high = np.zeros(len(sought), dtype=np.int64), np.full(len(sought), count)
    for _ in range(int(count).bit_length()):
        middle = (low + high) // 2
        reached = at(np.minimum(middle, count - 1)) >= sought
        high = np.where(reached & (low < high), middle, high)
        low = np.where(reached, low, np.minimum(middle + 1, high))
    return high
