"""Scores and a figure come in, one for all or one for each customer; a checked array of one a row goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from duramen.data.customer_columns import known_numbers
from duramen.data.ids import find_ids
from duramen.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    FloatArray: TypeAlias = npt.NDArray[np.float64]
    Figure: TypeAlias = float | pd.Series[float] | npt.ArrayLike


def for_each_customer(
    scores: pd.DataFrame, given: Figure, name: str, low: float | None = None, high: float | None = None
) -> FloatArray:
    """Return a figure for each row of the scores.

    Parameters
    ----------
    scores : pandas.DataFrame
        Has ``customer_id``.
    given : float, pandas.Series or array of shape (n,)
        One number for all, a Series by customer id, or a value for each row. Customers of a Series who are not in the
        scores are left out.
    name : str
        What the figure is, for the sentence of an error.
    low, high : float, optional
        The least and the greatest number allowed.

    Returns
    -------
    numpy.ndarray of shape (n,)

    Raises
    ------
    InputError
        If a customer has no figure or two, or a figure is not numeric or out of range.

    Examples
    --------
    >>> scores = pd.DataFrame({"customer_id": [7, 8]})
    >>> for_each_customer(scores, pd.Series([0.3, 0.2], index=["8", "7"]), "margin").tolist()
    [0.2, 0.3]
    >>> for_each_customer(scores, 0.3, "margin").tolist()
    [0.3, 0.3]
    """
    if isinstance(given, pd.Series):
        place = find_ids(scores["customer_id"], given.index, name)
        if (missing := place < 0).any():
            raise InputError(
                f"{name} lacks {missing.sum():,} of {len(scores):,} customers (for example "
                f"{scores['customer_id'][missing].iloc[0]!r}); give each customer a number, by customer id."
            )
        given = given.iloc[place]
    elif np.ndim(given) == 0:
        given = np.repeat(given, len(scores))
    return known_numbers(given, name, len(scores), low, high)


def check_number(number: float, name: str, low: float, high: float, example: str) -> None:
    """Refuse a number that is outside of its bounds.

    Parameters
    ----------
    number : float
    name : str
        What the number is.
    low, high : float
        The least and the greatest that is allowed.
    example : str
        What to give, for the sentence of an error.

    Raises
    ------
    InputError
        If it is not a number between both.
    """
    is_number = isinstance(number, int | float | np.number) and not isinstance(number, bool)
    if not (is_number and low <= number <= high):
        raise InputError(f"{name} is {number!r}; give {example}.")


def check_columns(scores: pd.DataFrame, needed: Iterable[str]) -> None:
    """Refuse scores that lack a column, or have two rows for a customer.

    Parameters
    ----------
    scores : pandas.DataFrame
    needed : iterable of str
        Names of columns, ``customer_id`` among them.

    Raises
    ------
    InputError
        If a column is missing, there are no customers, or one has two rows.
    """
    if missing := [name for name in needed if name not in scores]:
        raise InputError(
            f"the scores have no column {', '.join(missing)}; give what CoreCustomerModel.predict returns."
        )
    if scores.empty:
        raise InputError("the scores have no customers; give at least one row.")
    again = scores.loc[scores["customer_id"].duplicated(), "customer_id"]
    if len(again):
        raise InputError(
            f"{len(again):,} customers have two rows in the scores (for example {again.iloc[0]!r}); give one each."
        )
