"""A ranking comes in; the rows of its first customers go out, with each interval placed on one scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from duramen.forecast.next_purchase import NEXT_PURCHASE_COLUMNS
from duramen.language import say
from duramen.report import numbers

SHOWN = 20
MONEY = ("score", "predicted_value", "predicted_value_low", "predicted_value_high")
INTERVAL = ["predicted_value_low", "predicted_value", "predicted_value_high"]
REASONS = ("reason_1", "reason_2", "reason_3")


def first_customers(ranking: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the first customers of a ranking as rows of the page.

    Parameters
    ----------
    ranking : DataFrame
        What ``rank_core_customers`` returns, in rank order.

    Returns
    -------
    list of dict
        The columns of the ranking with money as text, ``next_purchase`` in words, ``reasons`` (those that there are)
        and ``places``: ``low``, ``at`` and ``width`` of the interval, in per cent of the widest.
    """
    first = ranking.head(SHOWN)
    bounds = first[INTERVAL].to_numpy(dtype=float)
    rows = numbers.rows(first, *MONEY)
    growth = first["growth_rate"].astype(float)
    for row, rate, (low, middle, high) in zip(rows, growth, _places(bounds), strict=True):
        row["growth_rate"] = numbers.share(rate, 0, plus=True)
        row["places"] = {"low": round(low, 2), "at": round(middle, 2), "width": round(high - low, 2)}
        row["next_purchase"] = next_purchase(*(row[name] for name in NEXT_PURCHASE_COLUMNS))
        row["reasons"] = [
            numbers.spaced(row[name]) for name in REASONS if pd.notna(row[name]) and str(row[name])
        ]
    return rows


def next_purchase(date: Any, low: Any, high: Any) -> str:
    """Return the dates of the next purchase of a customer in words.

    Examples
    --------
    >>> day = pd.Timestamp("2012-03-14")
    >>> next_purchase(day, day - pd.Timedelta("12D"), day + pd.Timedelta("50D"))
    '14 March 2012 (8 in 10 such customers: 2 March 2012 to 3 May 2012)'
    >>> next_purchase(day, day, pd.NaT)
    '14 March 2012 (9 in 10 such customers: 14 March 2012 or later)'
    >>> next_purchase(pd.NaT, day, pd.NaT)
    'less likely than not within two horizons'
    """
    if pd.isna(date):
        return say("less likely than not within two horizons")
    values = {"date": numbers.day(date), "low": numbers.day(low)}
    if pd.isna(high):
        return say("{date} (9 in 10 such customers: {low} or later)", **values)
    return say("{date} (8 in 10 such customers: {low} to {high})", **values, high=numbers.day(high))


def _places(bounds: np.ndarray) -> np.ndarray:
    """Return bounds as places on one scale, in per cent of the range from 0 (or the least) to the highest."""
    start, end = min(0.0, float(np.nanmin(bounds))), float(np.nanmax(bounds))
    return 100 * (bounds - start) / (end - start) if end > start else np.zeros_like(bounds)
