"""In: a customer frame with frequency, recency and T. Out: checked arrays, and distinct histories weighted.

Called by every purchase model before fitting or predicting; nothing behind this door checks again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from duramen.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

COLUMNS = ("frequency", "recency", "T")
LOG_GAPS = "log_gaps"
# Durations turned to another unit differ in their last bits; a recency above T by less than this is equal
# to T.
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
        Sum of the logarithms of the gaps between purchases; zeros where they were not asked for.
    """

    frequency: FloatArray
    recency: FloatArray
    age: FloatArray
    weights: FloatArray
    log_gaps: FloatArray


def read_history(
    customers: pd.DataFrame, weights: ArrayLike | None = None, *, gaps: bool = False
) -> PurchaseHistory:
    """
    Check a customer frame and take its purchase histories.

    Parameters
    ----------
    customers : DataFrame
        Columns frequency, recency, T.
    weights : array-like of shape (n,), optional
        Customers that share each row; 1 if not given.
    gaps : bool
        Whether to take the column log_gaps as well, the sum of the logarithms of the gaps between purchases.

    Returns
    -------
    PurchaseHistory
        Arrays in the order of the rows.

    Raises
    ------
    InputError
        If a column is missing, or holds a negative, missing, infinite or non-integer value where it must not,
        or recency exceeds T. The sentence names column, count and example rows.

    Examples
    --------
    >>> import pandas as pd
    >>> read_history(pd.DataFrame({"frequency": [2], "recency": [30.0], "T": [38.0]})).age
    array([38.])
    """
    missing = [name for name in COLUMNS if name not in customers]
    if missing:
        raise InputError(
            f"The customer table lacks the column {', '.join(missing)}: it has "
            f"{', '.join(map(str, customers))}; give frequency, recency and T."
        )
    if len(customers) == 0:
        raise InputError("The customer table has no rows; give at least one customer.")
    x, recency, age = (non_negative(customers, name) for name in COLUMNS)
    refuse(customers, x != np.floor(x), "frequency", "is not a whole number of purchase days")
    refuse(customers, recency > age * (1 + _ROUNDING), "recency", "exceeds T, the age at the cutoff")
    refuse(customers, (x == 0) & (recency > 0), "recency", "is above 0 though frequency is 0")
    log_gaps = np.broadcast_to(0.0, len(x))
    if gaps:
        log_gaps = np.zeros(len(x))
        log_gaps[x > 0] = finite(customers[x > 0], LOG_GAPS)
    if (recency > age).any():
        recency = np.minimum(recency, age)
    return PurchaseHistory(x, recency, age, read_weights(customers, weights), log_gaps)


def group(history: PurchaseHistory) -> PurchaseHistory:
    """
    Merge equal histories: sorted, each with the sum of its weights and of its log gaps.

    The order of the rows leaves no trace, so that a fit gives the same bytes whatever the order of its input.

    Parameters
    ----------
    history : PurchaseHistory
        One entry a customer.

    Returns
    -------
    PurchaseHistory
        One entry a distinct (frequency, recency, age).
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
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    x, age, recency = unpack(key[order][starts])
    total = np.add.reduceat(weights[order], starts)
    return PurchaseHistory(x, recency, age, total, np.add.reduceat((weights * gaps)[order], starts) / total)


def mean_age(history: PurchaseHistory) -> float:
    """
    Give the unit of time inside a fit, so that any unit outside leads to the same search.

    Parameters
    ----------
    history : PurchaseHistory
        Histories with weights.

    Returns
    -------
    float
        Weighted mean of T, or 1 where all are 0.
    """
    mean = float(history.weights @ history.age) / float(history.weights.sum())
    return mean if mean > 0 else 1.0


def rescale(history: PurchaseHistory, unit: float) -> PurchaseHistory:
    """
    Count time in another unit.

    Parameters
    ----------
    history : PurchaseHistory
        Histories.
    unit : float
        The new unit in the old one.

    Returns
    -------
    PurchaseHistory
        The same histories.
    """
    return replace(
        history,
        recency=history.recency / unit,
        age=history.age / unit,
        log_gaps=history.log_gaps - history.frequency * np.log(unit),
    )


def take(history: PurchaseHistory, rows: slice | IntArray) -> PurchaseHistory:
    """
    Keep some histories.

    Parameters
    ----------
    history : PurchaseHistory
        Histories.
    rows : slice or ndarray of int
        Which.

    Returns
    -------
    PurchaseHistory
        Those.
    """
    return PurchaseHistory(*(getattr(history, field.name)[rows] for field in fields(history)))


def every(count: int, about: int) -> slice:
    """
    Choose every n-th of sorted histories, so that the few are spread as the many are.

    Parameters
    ----------
    count : int
        Number of histories.
    about : int
        How many to keep, roughly.

    Returns
    -------
    slice
        Which.
    """
    step = max(count // about, 1)
    return slice(step // 2, None, step)


def first_of_equal(columns: Sequence[FloatArray]) -> IntArray:
    """
    Find where each run of equal rows begins.

    Parameters
    ----------
    columns : sequence of ndarray of shape (n,)
        Sorted rows.

    Returns
    -------
    ndarray of int
        Positions, one a distinct row.
    """
    changes = np.zeros(len(columns[0]), dtype=bool)
    changes[0] = True
    for column in columns:
        changes[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changes)


def pace(history: PurchaseHistory) -> float:
    """
    Give purchases per unit of time over all customers, kept away from 0 and from infinity.

    Parameters
    ----------
    history : PurchaseHistory
        Histories with weights, time in units of `mean_age`.

    Returns
    -------
    float
        A rate to start a search from.
    """
    purchases = float(history.weights @ history.frequency)
    rate = max(purchases, 0.5) / max(float(history.weights @ history.age), 1e-9)
    return min(max(rate, 1e-4), 1e4)


def by_distinct(
    x: FloatArray, age: FloatArray, function: Callable[[FloatArray, FloatArray], FloatArray]
) -> FloatArray:
    """
    Evaluate a function of frequency and age once for each distinct pair.

    Parameters
    ----------
    x, age : ndarray of shape (n,)
        Frequency and T.
    function : callable
        Takes both for some pairs, returns a value for each.

    Returns
    -------
    ndarray of shape (n,)
        The values.
    """
    key, unpack = pack((x, age))
    codes, distinct = pd.factorize(key)
    distinct_x, distinct_age = unpack(np.asarray(distinct))
    return function(distinct_x, distinct_age)[codes]


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
    """
    Give every distinct row of the columns its own integer, ordered as the rows are.

    Parameters
    ----------
    columns : sequence of ndarray of shape (n,)
        Values without NaN.

    Returns
    -------
    key : ndarray of int64 of shape (n,)
        Equal rows have equal keys.
    unpack : callable
        Takes keys, returns the columns.
    """
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


def finite(customers: pd.DataFrame, name: str) -> FloatArray:
    """
    Take a column as float64, refusing missing, infinite and unreadable values.

    Parameters
    ----------
    customers : DataFrame
        The caller's frame.
    name : str
        Its column.

    Returns
    -------
    ndarray of shape (n,)
        The values.

    Raises
    ------
    InputError
        If a value is no finite number.
    """
    column = customers[name]
    if column.dtype == np.float64:
        values = column.to_numpy()
    else:
        values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    refuse(customers, ~np.isfinite(values), name, "is missing or not a finite number")
    return values


def non_negative(customers: pd.DataFrame, name: str) -> FloatArray:
    """
    Take a column as float64, refusing what `finite` refuses, and negative values.

    Parameters
    ----------
    customers : DataFrame
        The caller's frame.
    name : str
        Its column.

    Returns
    -------
    ndarray of shape (n,)
        The values.

    Raises
    ------
    InputError
        If a value is negative or no finite number.
    """
    values = finite(customers, name)
    refuse(customers, values < 0, name, "is negative")
    return values


def read_weights(customers: pd.DataFrame, weights: ArrayLike | None) -> FloatArray:
    """
    Take the weights of the rows.

    Parameters
    ----------
    customers : DataFrame
        The caller's frame.
    weights : array-like of shape (n,), optional
        Customers that share each row; 1 if not given.

    Returns
    -------
    ndarray of shape (n,)
        Weights, at least one of them above 0.

    Raises
    ------
    InputError
        If their number differs from the rows, or one is negative or not finite, or all are 0.
    """
    if weights is None:
        return np.broadcast_to(1.0, len(customers))
    values = np.asarray(weights, dtype=float)
    if values.shape != (len(customers),):
        raise InputError(f"There are {values.size} weights for {len(customers)} customers; give one a row.")
    refuse(customers, ~(np.isfinite(values) & (values >= 0)), "weights", "is negative or not finite", values)
    if not values.any():
        raise InputError("All weights are 0; give at least one customer a weight above 0.")
    return values


def refuse(
    customers: pd.DataFrame,
    wrong: NDArray[np.bool_],
    name: str,
    what: str,
    values: ArrayLike | None = None,
) -> None:
    """
    Raise the sentence that names column, count and example rows, if any row is wrong.

    Parameters
    ----------
    customers : DataFrame
        The caller's frame.
    wrong : ndarray of bool of shape (n,)
        Rows at fault.
    name : str
        The column at fault.
    what : str
        What is wrong with it.
    values : array-like of shape (n,), optional
        The values to show, if they are not those of the column.

    Raises
    ------
    InputError
        If a row is wrong.
    """
    if not wrong.any():
        return
    rows = np.flatnonzero(wrong)
    shown = pd.Series(np.asarray(customers[name] if values is None else values))
    examples = ", ".join(f"row {customers.index[row]!r}: {shown[row]}" for row in rows[:3])
    raise InputError(
        f"{name} {what} in {len(rows)} of {len(customers)} rows ({examples}); mend or drop these rows."
    )


def check_horizon(horizon: float) -> float:
    """
    Refuse a horizon that is negative, infinite or missing.

    Parameters
    ----------
    horizon : float
        Length of the future, in the unit of T.

    Returns
    -------
    float
        The horizon.

    Raises
    ------
    InputError
        If it is not a finite number of at least 0.
    """
    value = float(horizon)
    if not (np.isfinite(value) and value >= 0):
        raise InputError(f"The horizon is {horizon}; give a finite number of at least 0, in the unit of T.")
    return value
