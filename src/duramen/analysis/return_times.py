"""Purchase days come in; how soon customers buy again goes out, by number of purchases and own typical gap."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from duramen.data.transactions import Transactions

    FloatArray = NDArray[np.float64]

# Customers with as many purchases and more wait alike: first of each class.
CLASSES = (1, 2, 3, 5, 9)
# Waits are counted in eighths of a typical gap, up to this many gaps.
STEP, LONGEST = 0.125, 30.0
# One gap in a hundred is longer than the usual range.
USUAL = 0.99


@dataclass(frozen=True)
class ReturnTimes:
    """The distribution of the time to the next purchase, in typical gaps of the customer.

    A customer's typical gap after k purchases is (days from first to last purchase + g) / k, where g is the median gap
    after a first purchase: own gaps count more, the more there are.

    Attributes
    ----------
    first_gap : float
        g, days.
    not_returned : array of shape (classes, steps + 1)
        Share who have not bought again after each step, by number of purchases (Kaplan and Meier's estimate: gaps that
        are still open count as long as they last).
    usual : array of shape (classes,)
        The gap, in typical gaps, that 99 % of closed gaps do not exceed.

    References
    ----------
    Kaplan, E. L. and Meier, P. (1958), "Nonparametric estimation from incomplete observations", JASA 53(282).
    """

    first_gap: float
    not_returned: FloatArray
    usual: FloatArray

    @classmethod
    def fit(cls, tx: Transactions, cutoff: date) -> ReturnTimes:
        """Learn from the purchase days before a cutoff."""
        import ibis

        days = tx.history(cutoff)
        days = days.filter(days.purchase).select("customer_id", "date")
        window = ibis.window(group_by="customer_id", order_by="date")
        rows = days.mutate(
            number=ibis.row_number().over(window) + 1,
            since_first=days.date.delta(
                days.date.min().over(ibis.window(group_by="customer_id")), unit="day"
            ),
            next=days.date.lead().over(window),
        )
        rows = rows.mutate(
            wait=ibis.coalesce(rows.next, ibis.literal(cutoff)).delta(rows.date, unit="day"),
            closed=rows.next.notnull(),
        )
        middle = rows.filter((rows.number == 1) & rows.closed).wait.median().to_pyarrow().as_py()
        first_gap = float(middle or 1.0)
        typical = (rows.since_first + first_gap) / rows.number
        step = ibis.least((rows.wait / typical / STEP).floor(), LONGEST / STEP).cast("int64")
        group = ibis.cases(
            *((rows.number >= least, place) for place, least in reversed(list(enumerate(CLASSES)))), else_=0
        )
        counted = rows.group_by(group=group, step=step).aggregate(closed=rows.closed.sum(), gaps=rows.count())
        return cls(first_gap, *_survival(counted.to_pyarrow().to_pandas()))

    def typical_gap(self, purchases: ArrayLike, first_to_last: ArrayLike) -> FloatArray:
        """Return the typical gap in days of customers with these purchase days and days between first and last."""
        gap: FloatArray = (np.asarray(first_to_last, dtype=float) + self.first_gap) / np.asarray(purchases)
        return gap

    def within_usual(self, purchases: ArrayLike, gap: ArrayLike, since: ArrayLike) -> NDArray[np.bool_]:
        """Return whether the days since the last purchase are in the usual range of the customer's gaps."""
        inside: NDArray[np.bool_] = np.asarray(since) / np.asarray(gap) <= self.usual[_class_of(purchases)]
        return inside

    def probability(self, purchases: ArrayLike, gap: ArrayLike, since: ArrayLike, horizon: int) -> FloatArray:
        """Return the probability of a purchase in the next ``horizon`` days.

        Parameters
        ----------
        purchases : array_like of shape (n,)
            Purchase days so far.
        gap : array_like of shape (n,)
            The typical gap, days.
        since : array_like of shape (n,)
            Days since the last purchase.
        horizon : int
            Days.
        """
        group, gap, since = _class_of(purchases), np.asarray(gap), np.asarray(since, dtype=float)
        now, then = self._share(group, since / gap), self._share(group, (since + horizon) / gap)
        return 1.0 - np.divide(then, now, out=np.ones_like(now), where=now > 0)

    def _share(self, group: NDArray[np.int64], gaps: FloatArray) -> FloatArray:
        """Return the share who have not bought again, linear between steps."""
        place = np.minimum(gaps / STEP, LONGEST / STEP)
        whole = np.minimum(place.astype(int), self.not_returned.shape[1] - 2)
        low, high = self.not_returned[group, whole], self.not_returned[group, whole + 1]
        share: FloatArray = low + (place - whole) * (high - low)
        return share


def _class_of(purchases: ArrayLike) -> NDArray[np.int64]:
    return np.maximum(np.searchsorted(CLASSES, np.asarray(purchases), side="right") - 1, 0)


def _survival(counted: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    """Return the share not returned after each step, and the usual range, of each class."""
    steps = int(LONGEST / STEP)
    closed, gaps = np.zeros((len(CLASSES), steps + 1)), np.zeros((len(CLASSES), steps + 1))
    at = (counted["group"].to_numpy(), counted["step"].to_numpy())
    closed[at], gaps[at] = counted["closed"], counted["gaps"]
    at_risk = gaps[:, ::-1].cumsum(axis=1)[:, ::-1]
    # A gap that is still open in a step was open for half of it.
    exposed = at_risk - (gaps - closed) / 2
    stay = 1.0 - np.divide(closed, exposed, out=np.zeros_like(closed), where=exposed > 0)
    share = np.concatenate([np.ones((len(CLASSES), 1)), stay[:, :steps].cumprod(axis=1)], axis=1)
    reached = closed.cumsum(axis=1) >= USUAL * closed.sum(axis=1, keepdims=True)
    return share, (reached.argmax(axis=1) + 1) * STEP
