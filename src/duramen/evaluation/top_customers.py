"""A forecast and a share come in; the customers it puts first, and how many of them are truly first, go out."""

from __future__ import annotations

import math

import numpy as np


def first_count(customers: int, share: float) -> int:
    """Return how many customers the first ``share`` of them are: ``ceil(share * n)``.

    Examples
    --------
    >>> first_count(30, 0.1), first_count(31, 0.1)
    (3, 4)
    """
    return math.ceil(share * customers)


def first_customers(forecast: np.ndarray, share: float) -> np.ndarray:
    """Return the rows of the first ``share`` of the customers, the largest forecast first, ties by the order given.

    Examples
    --------
    >>> first_customers(np.array([1.0, 3.0, 2.0, 3.0]), 0.75).tolist()
    [1, 3, 2]
    """
    return np.argsort(-forecast, kind="stable")[: first_count(len(forecast), share)]


def hit_rate(forecast: np.ndarray, actual: np.ndarray, share: float) -> float:
    """Return the share of the truly first customers that the forecast puts first.

    Customers without money are not among the truly first: of many who brought nothing, none is before the others.

    Examples
    --------
    >>> hit_rate(np.array([3.0, 2.0, 1.0, 0.0]), np.array([1.0, 0.0, 5.0, 0.0]), 0.75)
    1.0
    >>> hit_rate(np.array([3.0, 2.0, 1.0, 0.0]), np.array([1.0, 0.0, 5.0, 0.0]), 0.5)
    0.5
    """
    predicted, true = first_customers(forecast, share), first_customers(actual, share)
    true = true[actual[true] > 0]
    return len(np.intersect1d(predicted, true)) / len(true) if len(true) else float("nan")
