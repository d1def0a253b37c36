"""A fitted purchase model and what customers did come in; tables that compare the two go out."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


class PurchaseModel(Protocol):
    """The methods of a fitted purchase model that the tables need."""

    def expected_purchases(self, customers: pd.DataFrame, horizon: float) -> FloatArray:
        """Expect purchases of known customers."""

    def expected_purchases_new_customer(self, horizon: ArrayLike) -> FloatArray:
        """Expect repeat purchases of new customers."""

    def purchase_distribution(self, customers: pd.DataFrame, horizon: float, most: int) -> FloatArray:
        """Give P(X = k)."""


def tracking_table(
    model: PurchaseModel, purchases: pd.DataFrame, cutoff: Any, days_per_unit: float = 1.0
) -> pd.DataFrame:
    """Return repeat purchases week by week, actual and expected by the model for the same customers.

    Parameters
    ----------
    model : purchase model
        Fitted before the cutoff.
    purchases : DataFrame
        One row for each customer and purchase day, with the columns customer_id and date; customers whose first
        purchase is before the cutoff count.
    cutoff : date-like
        End of the calibration period.
    days_per_unit : float
        Days in the model's unit of time.

    Returns
    -------
    DataFrame
        One row for each week: date (its end), actual, expected (cumulative), actual_week, expected_week.
    """
    cut = pd.Timestamp(cutoff)
    days = purchases.assign(date=pd.to_datetime(purchases["date"]))
    first = days.groupby("customer_id")["date"].transform("min")
    days, first = days[first < cut], first[first < cut]
    repeats = np.sort(days.loc[days["date"] > first, "date"].to_numpy())
    starts, count = np.unique(days.loc[days["date"] == first, "date"].to_numpy(), return_counts=True)
    ends = pd.date_range(days["date"].min(), days["date"].max(), freq="7D")[1:]
    expected = np.zeros(len(ends))
    for start, customers in zip(starts, count, strict=True):
        age = np.maximum((ends - start).total_seconds().to_numpy() / 86_400, 0.0)
        expected += customers * model.expected_purchases_new_customer(age / days_per_unit)
    # an end of week belongs to the week before it, as a cutoff does
    actual = np.searchsorted(repeats, ends.to_numpy(), side="left").astype(float)
    return pd.DataFrame(
        {
            "date": ends,
            "actual": actual,
            "expected": expected,
            "actual_week": np.diff(actual, prepend=0.0),
            "expected_week": np.diff(expected, prepend=0.0),
        }
    )


def frequency_table(model: PurchaseModel, customers: pd.DataFrame, most: int = 7) -> pd.DataFrame:
    """Return customers by number of repeat purchases, actual and expected by the model at their ages.

    Parameters
    ----------
    model : purchase model
        Fitted.
    customers : DataFrame
        Columns frequency and T, and the covariates if the model has some.
    most : int
        Last bar, which also has all higher numbers.

    Returns
    -------
    DataFrame
        One row for each bar: frequency ('0', '1', ..., 'most+'), actual, expected; both columns sum to the
        customers.
    """
    ages, codes = np.unique(customers["T"].to_numpy(dtype=float), return_inverse=True)
    weight = np.bincount(codes)
    new = pd.DataFrame({"frequency": [0], "recency": [0.0], "T": [0.0]})
    expected = np.zeros(most)
    for age, count in zip(ages, weight, strict=True):
        expected += count * model.purchase_distribution(new, float(age), most - 1)[0]
    actual = np.bincount(np.minimum(customers["frequency"].to_numpy(dtype=int), most), minlength=most + 1)
    return pd.DataFrame(
        {
            "frequency": [*map(str, range(most)), f"{most}+"],
            "actual": actual.astype(float),
            "expected": [*expected, len(customers) - expected.sum()],
        }
    )


def holdout_table(
    model: PurchaseModel, customers: pd.DataFrame, later: ArrayLike, horizon: float, most: int = 7
) -> pd.DataFrame:
    """Return mean purchases in the holdout by frequency in calibration, actual and expected.

    Parameters
    ----------
    model : purchase model
        Fitted before the cutoff.
    customers : DataFrame
        Histories at the cutoff.
    later : array-like of shape (n,)
        Purchase days in the holdout.
    horizon : float
        Its length, in the model's unit of time.
    most : int
        Last group, which also has all higher numbers.

    Returns
    -------
    DataFrame
        One row for each frequency: frequency, customers, actual, expected (means per customer).
    """
    frequency = np.minimum(customers["frequency"].to_numpy(dtype=int), most)
    table = pd.DataFrame(
        {
            "frequency": frequency,
            "actual": np.asarray(later, dtype=float),
            "expected": model.expected_purchases(customers, horizon),
        }
    )
    by = table.groupby("frequency")
    out = by[["actual", "expected"]].mean().reset_index()
    out.insert(1, "customers", by.size().to_numpy())
    out["frequency"] = [f"{value}+" if value == most else str(value) for value in out["frequency"]]
    return out
