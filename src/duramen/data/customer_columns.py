"""Columns that stand beside the customers come in; checked arrays of one length go out.

Probabilities, money and outcomes that a caller hands over as plain arrays are checked here once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duramen.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike


def known_numbers(
    values: ArrayLike,
    name: str,
    customers: int | None = None,
    low: float | None = None,
    high: float | None = None,
) -> np.ndarray:
    """Return one known number per customer.

    Parameters
    ----------
    values : array_like of shape (n,)
    name : str
        What the numbers are, for the sentence of an error.
    customers : int, optional
        The number of customers that there must be.
    low, high : float, optional
        The least and the greatest number allowed.

    Returns
    -------
    numpy.ndarray of shape (n,), dtype float64

    Raises
    ------
    InputError
        If there are none or not as many as customers, or any is not numeric, missing, infinite or out of range.

    Examples
    --------
    >>> known_numbers([True, False], "churned", low=0, high=1)
    array([1., 0.])
    """
    import numpy as np

    try:
        numbers = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{name} has values that are not numeric ({error}); give one number per customer."
        ) from None
    if numbers.ndim != 1 or not len(numbers) or len(numbers) != (customers or len(numbers)):
        wanted = "each customer" if customers is None else f"each of the {customers:,} customers"
        raise InputError(
            f"{name} has the shape {numbers.shape}; give one number for {wanted}, in the same order."
        )
    low, high = (-np.inf if low is None else low), (np.inf if high is None else high)
    wrong = ~(np.isfinite(numbers) & (numbers >= low) & (numbers <= high))
    if wrong.any():
        span = "" if np.isinf([low, high]).all() else f" from {low:g} to {high:g}"
        raise InputError(
            f"{name} is missing or not a number{span} for {wrong.sum():,} of {len(wrong):,} customers "
            f"({_examples(numbers, wrong)}); fix or leave out those customers."
        )
    return numbers


def who_left(churned: ArrayLike, customers: int | None = None) -> np.ndarray:
    """Return which customers left, as booleans of shape (n,), from 1 (or true) and 0 (or false).

    Raises
    ------
    InputError
        As ``known_numbers`` does, and if any number is neither 0 nor 1.

    Examples
    --------
    >>> who_left([1, 0, 1.0])
    array([ True, False,  True])
    """
    left = known_numbers(churned, "churned", customers, 0, 1)
    between = (left > 0) & (left < 1)
    if between.any():
        raise InputError(
            f"churned is neither 0 nor 1 for {between.sum():,} of {len(left):,} customers "
            f"({_examples(left, between)}); give what happened, not a probability."
        )
    ones: np.ndarray = left == 1
    return ones


def _examples(numbers: np.ndarray, rows: np.ndarray) -> str:
    return ", ".join(f"row {row}: {numbers[row]:g}" for row in rows.nonzero()[0][:3].tolist())
