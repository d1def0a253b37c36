"""A customer table comes in; checked columns and weights as float64 arrays go out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from duramen.errors import InputError

FloatArray = NDArray[np.float64]


def check_table(customers: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raise InputError unless it is a pandas DataFrame with the columns."""
    needed = ", ".join(columns)
    if not isinstance(customers, pd.DataFrame):
        raise InputError(
            f"The customer table is a {type(customers).__name__}; give a pandas DataFrame with the columns {needed}."
        )
    missing = [name for name in columns if name not in customers]
    if missing:
        raise InputError(
            f"The customer table lacks the column {', '.join(missing)}: it has "
            f"{', '.join(map(str, customers))}; give {needed}."
        )


def finite(customers: pd.DataFrame, name: str) -> FloatArray:
    """Take a column, shape (n,); InputError where a value is missing, infinite or unreadable."""
    column = customers[name]
    if column.dtype == np.float64:
        values = column.to_numpy()
    else:
        values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    refuse(customers, ~np.isfinite(values), name, "is missing or not a finite number")
    return values


def non_negative(customers: pd.DataFrame, name: str) -> FloatArray:
    """Take a column as `finite` does; InputError where a value is negative."""
    values = finite(customers, name)
    refuse(customers, values < 0, name, "is negative")
    return values


def whole(customers: pd.DataFrame, name: str) -> FloatArray:
    """Take a column as `non_negative` does; InputError where a value is not a whole number."""
    values = non_negative(customers, name)
    refuse(customers, values != np.floor(values), name, "is not a whole number of purchase days")
    return values


def read_weights(customers: pd.DataFrame, sample_weight: ArrayLike | None) -> FloatArray:
    """
    Take how many customers share each row, shape (n,); 1 each if it is not given.

    Raises
    ------
    InputError
        If there is not one a row, one is negative or not finite, or all are 0.
    """
    if sample_weight is None:
        return np.broadcast_to(1.0, len(customers))
    values = np.asarray(sample_weight, dtype=float)
    if values.shape != (len(customers),):
        raise InputError(
            f"sample_weight has shape {values.shape} for {len(customers)} customers; give one weight a row."
        )
    wrong = ~(np.isfinite(values) & (values >= 0))
    refuse(customers, wrong, "sample_weight", "is negative or not finite", values)
    if not values.any():
        raise InputError("sample_weight is zero in all rows; give at least one customer a weight above 0.")
    return values


def refuse(
    customers: pd.DataFrame,
    wrong: NDArray[np.bool_],
    name: str,
    what: str,
    values: ArrayLike | None = None,
) -> None:
    """Raise InputError with column, count and example rows, if any row is wrong; values if not of the column."""
    if not wrong.any():
        return
    rows = np.flatnonzero(wrong)
    shown = pd.Series(np.asarray(customers[name] if values is None else values))
    labels = customers.index[rows[:3]].tolist()
    examples = ", ".join(
        f"row {label!r}: {value}" for label, value in zip(labels, shown[rows].tolist(), strict=False)
    )
    raise InputError(
        f"{name} {what} in {len(rows)} of {len(customers)} rows ({examples}); fix or drop these rows."
    )


def check_horizon(horizon: float) -> float:
    """Return a length of the future in the unit of T; InputError if it is negative or not finite."""
    value = float(horizon)
    if not (np.isfinite(value) and value >= 0):
        raise InputError(f"The horizon is {horizon}; give a finite number of at least 0, in the unit of T.")
    return value
