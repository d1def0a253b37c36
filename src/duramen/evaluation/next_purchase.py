"""Scores and the days of the next purchases come in; how far the forecast dates are off goes out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from duramen.evaluation.forecasts import DURAMEN
from duramen.forecast.next_purchase import NEXT_PURCHASE_COLUMNS
from duramen.segments.behaviour import base_gap

# The last purchase and the customer's own mean gap after it.
OWN_GAP = "own mean gap"


def next_purchase_errors(
    scores: pd.DataFrame, customers: pd.DataFrame, actual: np.ndarray, horizon: int
) -> pd.DataFrame:
    """Return how far the date of the next purchase is off, for the model and for the customer's own mean gap.

    Only customers who bought have a day to compare with, although a forecast is also of those who did not. The median
    error, which is of buyers alone, therefore favours early dates; the mean error is of all customers and favours none.
    The coverage is of the customers whose interval ends within the horizon: only of them it is known whether the next
    purchase lay inside, and one who did not buy lies outside.

    Parameters
    ----------
    scores : pandas.DataFrame
        With ``cutoff`` and the dates of ``NEXT_PURCHASE_COLUMNS``.
    customers : pandas.DataFrame
        The customer table at the cutoff, of the same customers in the same order.
    actual : numpy.ndarray of shape (n,)
        What ``duramen.data.outcomes.days_to_purchase`` returns.
    horizon : int
        In days.

    Returns
    -------
    pandas.DataFrame
        A row for ``DURAMEN`` and one for ``OWN_GAP``: ``model``; ``buyers``, who bought in the horizon, how many of
        them the model gave a date (``dated``), and the ``median_error`` of these dates in days; ``mean_error`` of all
        customers in days, where a purchase or a date after the horizon, or none, counts as its end; ``intervals`` that
        end within the horizon, and the share ``inside``, which should be 80 %. The own mean gap has no interval.
    """
    days = scores[list(NEXT_PURCHASE_COLUMNS)].sub(scores["cutoff"], axis=0)
    dates, low, high = (days[name].dt.days.to_numpy(dtype=float) for name in days)
    bought = ~np.isnan(actual)
    dated = bought & ~np.isnan(dates)
    known = high < horizon
    inside = (actual >= low) & (actual <= high)
    coverage = {"intervals": int(known.sum()), "inside": inside[known].mean() if known.any() else np.nan}
    capped = np.where(bought, actual, horizon)
    rows = [
        {
            "model": model,
            "buyers": int(bought.sum()),
            "dated": int(dated.sum()),
            "median_error": np.median(np.abs(day - actual)[dated]) if dated.any() else np.nan,
            "mean_error": np.abs(np.fmin(day, horizon) - capped).mean(),
        }
        for model, day in ((DURAMEN, dates), (OWN_GAP, own_gap_days(customers)))
    ]
    rows[0] |= coverage
    return pd.DataFrame(rows)


def own_gap_days(customers: pd.DataFrame) -> np.ndarray:
    """Return the day after the cutoff that lies the customer's mean gap after the last purchase, at the least 0.

    Who has bought once has the typical gap of the others.

    Examples
    --------
    >>> customers = pd.DataFrame({"gap_mean": [30.0, 10.0, np.nan], "time_since_last": [10.0, 50.0, 2.0]})
    >>> own_gap_days(customers).round(1)
    array([20. ,  0. , 15.3])
    """
    gap = customers["gap_mean"].fillna(base_gap(customers))
    return (gap - customers["time_since_last"]).clip(lower=0.0).to_numpy(dtype=float)
