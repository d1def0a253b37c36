"""A customer table with frequency, recency and T comes in; checked histories go out, equal ones merged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from duramen.btyd.validation import check_table, finite, non_negative, read_weights, refuse, whole
from duramen.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

COLUMNS = ("frequency", "recency", "T")
LOG_GAPS = "log_gaps"
# Durations converted to another unit differ in their last bits: a recency above T by less than this equals T.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class PurchaseHistory:
    """
    Purchase histories, one entry a customer (or a group of equal customers).

    Attributes
    ----------
    frequency : ndarray of shape (n,)
        Repeat purchase days.
    recency : ndarray of shape (n,)
        Age at the last purchase, in the caller's unit of time.
    age : ndarray of shape (n,)
        Age at the cutoff (the column T), in the same unit.
    weights : ndarray of shape (n,)
        Customers that share the history.
    log_gaps : ndarray of shape (n,)
        Sum of the logarithms of the gaps between purchases; zeros where they are not read.
    """

    frequency: FloatArray
    recency: FloatArray
    age: FloatArray
    weights: FloatArray
    log_gaps: FloatArray

    @property
    def customers(self) -> float:
        """Sum of the weights."""
        return float(self.weights.sum())

    @property
    def purchases(self) -> float:
        """Repeat purchase days of all customers."""
        return float(self.weights @ self.frequency)


def read_history(
    customers: pd.DataFrame, sample_weight: ArrayLike | None = None, *, gaps: bool = False
) -> PurchaseHistory:
    """
    Check a customer table and take its purchase histories, in the order of the rows.

    Parameters
    ----------
    customers : DataFrame
        Columns frequency, recency, T.
    sample_weight : array-like of shape (n,), optional
        Customers that share each row; 1 if not given.
    gaps : bool
        Whether to take the column log_gaps as well, the sum of the logarithms of the gaps between purchases.

    Raises
    ------
    InputError
        If a column is missing, or has a negative, missing, infinite or non-integer value where it must not,
        or recency exceeds T. The sentence names column, count and example rows.

    Examples
    --------
    >>> import pandas as pd
    >>> read_history(pd.DataFrame({"frequency": [2], "recency": [30.0], "T": [38.0]})).age
    array([38.])
    """
    check_table(customers, (*COLUMNS, LOG_GAPS) if gaps else COLUMNS)
    if len(customers) == 0:
        raise InputError("The customer table has no rows; give at least one customer.")
    x = whole(customers, "frequency")
    recency, age = non_negative(customers, "recency"), non_negative(customers, "T")
    refuse(customers, recency > age * (1 + _ROUNDING), "recency", "exceeds T, the age at the cutoff")
    refuse(customers, (x == 0) & (recency > 0), "recency", "is above 0 though frequency is 0")
    log_gaps = np.broadcast_to(0.0, len(x))
    if gaps:
        log_gaps = np.zeros(len(x))
        log_gaps[x > 0] = finite(customers[x > 0], LOG_GAPS)
    if (recency > age).any():
        recency = np.minimum(recency, age)
    return PurchaseHistory(x, recency, age, read_weights(customers, sample_weight), log_gaps)


def group(history: PurchaseHistory) -> PurchaseHistory:
    """
    Merge equal (frequency, recency, age): sorted, each with the sum of its weights and mean of its log gaps.

    The order of the rows leaves no trace, so that a fit gives the same bytes whatever the order of its input.
    """
    used = history.weights > 0
    x, recency, age, weights, gaps = (
        column[used]
        for column in (history.frequency, history.recency, history.age, history.weights, history.log_gaps)
    )
    key, unpack = pack((x, age, recency))
    if bool(np.all(weights == 1)) and not gaps.any():
        distinct, counts = np.unique(key, return_counts=True)
        x, age, recency = unpack(distinct)
        return PurchaseHistory(x, recency, age, counts.astype(float), np.zeros(len(distinct)))
    order = np.lexsort((gaps, weights, key))
    starts = first_of_equal((key[order],))
    x, age, recency = unpack(key[order][starts])
    total = np.add.reduceat(weights[order], starts)
    return PurchaseHistory(x, recency, age, total, np.add.reduceat((weights * gaps)[order], starts) / total)


def mean_age(history: PurchaseHistory) -> float:
    """Return the weighted mean of T, 1 where all are 0: as the unit inside a fit it makes any unit outside alike."""
    mean = float(history.weights @ history.age) / float(history.weights.sum())
    return mean if mean > 0 else 1.0


def rescale(history: PurchaseHistory, unit: float) -> PurchaseHistory:
    """Return the same histories with time counted in a unit that is given in the old one."""
    return replace(
        history,
        recency=history.recency / unit,
        age=history.age / unit,
        log_gaps=history.log_gaps - history.frequency * np.log(unit),
    )


def take(history: PurchaseHistory, rows: slice | IntArray) -> PurchaseHistory:
    """Return some of the histories."""
    return PurchaseHistory(*(getattr(history, field.name)[rows] for field in fields(history)))


def every(count: int, about: int) -> slice:
    """Choose every n-th of ``count`` sorted rows, ``about`` so many, spread as all of them are."""
    step = max(count // about, 1)
    return slice(step // 2, None, step)


def pace(history: PurchaseHistory) -> float:
    """Return purchases per unit of time over all customers, kept away from 0 and infinity, to start a search from."""
    rate = max(history.purchases, 0.5) / max(float(history.weights @ history.age), 1e-9)
    return min(max(rate, 1e-4), 1e4)


def by_distinct(
    x: FloatArray, age: FloatArray, function: Callable[[FloatArray, FloatArray], FloatArray]
) -> FloatArray:
    """Return the values, shape (n,), of a function that is evaluated once for each distinct frequency and age."""
    codes, distinct = distinct_rows((x, age))
    return function(*distinct)[codes]


def distinct_rows(columns: Sequence[FloatArray]) -> tuple[IntArray, list[FloatArray]]:
    """Return which distinct row each row is, shape (n,), and the columns of the distinct rows."""
    key, unpack = pack(columns)
    codes, distinct = pd.factorize(key)
    return codes, unpack(np.asarray(distinct))


def first_of_equal(columns: Sequence[NDArray[Any]]) -> IntArray:
    """Return where each run of equal rows begins, given the columns of sorted rows."""
    changes = np.zeros(len(columns[0]), dtype=bool)
    changes[0] = True
    for column in columns:
        changes[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changes)


class _Unpack:
    """Turn packed keys back into the columns they were made of."""

    def __init__(self, levels: Sequence[FloatArray]) -> None:
        self.levels = levels

    def __call__(self, key: IntArray) -> list[FloatArray]:
        columns: list[FloatArray] = []
        for level in reversed(self.levels):
            key, code = np.divmod(key, len(level))
            columns.append(level[code])
        return columns[::-1]


def pack(columns: Sequence[FloatArray]) -> tuple[IntArray, _Unpack]:
    """Return an integer for each row, equal for equal rows and ordered as they are, and what turns it back."""
    key = np.zeros(len(columns[0]), dtype=np.int64)
    levels = []
    for column in columns:
        code, level = _codes(column)
        key = key * len(level) + code
        levels.append(level)
    return key, _Unpack(levels)


def _codes(column: FloatArray) -> tuple[IntArray, FloatArray]:
    """Whole numbers of a modest range are their own codes, which spares a sort."""
    top = float(column.max())
    if top < 100_000 and bool(np.all(column == np.floor(column))):
        return column.astype(np.int64), np.arange(top + 1.0)
    codes, level = pd.factorize(column, sort=True)
    return codes.astype(np.int64), np.asarray(level, dtype=float)
