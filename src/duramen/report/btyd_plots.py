"""In: a fitted purchase model and what customers did. Out: the three charts by which BTYD models are judged.

Called by the notebook and the report; each chart has its table beside it, for those who want the numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import altair as alt

FloatArray = NDArray[np.float64]

_SIZE: dict[str, Any] = {"width": 460, "height": 260}


class PurchaseModel(Protocol):
    """What the charts ask of a fitted purchase model."""

    def expected_purchases(self, customers: pd.DataFrame, horizon: float) -> FloatArray:
        """Expect purchases of known customers."""

    def expected_purchases_new_customer(self, horizon: ArrayLike) -> FloatArray:
        """Expect repeat purchases of new customers."""

    def purchase_distribution(self, customers: pd.DataFrame, horizon: float, most: int) -> FloatArray:
        """Give P(X = k)."""


def tracking_table(
    model: PurchaseModel, purchases: pd.DataFrame, cutoff: Any, days_per_unit: float = 1.0
) -> pd.DataFrame:
    """
    Count repeat purchases week by week beside what the model expects of the same customers.

    Parameters
    ----------
    model : purchase model
        Fitted before the cutoff.
    purchases : DataFrame
        One row a customer and purchase day, columns customer_id and date; customers whose first purchase is
        before the cutoff count.
    cutoff : date-like
        End of the calibration period.
    days_per_unit : float
        Days in the model's unit of time.

    Returns
    -------
    DataFrame
        One row a week: date (its end), actual, expected (cumulative), actual_week, expected_week.
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


def tracking_plot(
    model: PurchaseModel, purchases: pd.DataFrame, cutoff: Any, days_per_unit: float = 1.0
) -> alt.LayerChart:
    """
    Draw cumulative repeat purchases, actual and expected, with the cutoff between calibration and holdout.

    Parameters
    ----------
    model, purchases, cutoff, days_per_unit
        As in `tracking_table`.

    Returns
    -------
    altair.LayerChart
        The chart.
    """
    import altair as alt

    table = tracking_table(model, purchases, cutoff, days_per_unit)
    long = table.melt("date", ["actual", "expected"], "who", "purchases")
    lines = (
        alt.Chart(long)
        .mark_line()
        .encode(
            x=alt.X("date:T", title="end of week"),
            y=alt.Y("purchases:Q", title="repeat purchase days so far"),
            color=alt.Color("who:N", title=None),
        )
    )
    rule = (
        alt.Chart(pd.DataFrame({"date": [pd.Timestamp(cutoff)]}))
        .mark_rule(strokeDash=[4, 4])
        .encode(x="date:T")
    )
    chart: alt.LayerChart = (lines + rule).properties(
        title="Tracking: calibration left of the line, holdout right", **_SIZE
    )
    return chart


def frequency_table(model: PurchaseModel, customers: pd.DataFrame, most: int = 7) -> pd.DataFrame:
    """
    Count customers by their number of repeat purchases beside what the model expects at their ages.

    Parameters
    ----------
    model : purchase model
        Fitted.
    customers : DataFrame
        Columns frequency and T, and the covariates if the model has some.
    most : int
        Last bar, which holds all from there on.

    Returns
    -------
    DataFrame
        One row a bar: frequency ('0', '1', ..., 'most+'), actual, expected; both columns sum to the
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


def frequency_histogram(model: PurchaseModel, customers: pd.DataFrame, most: int = 7) -> alt.Chart:
    """
    Draw customers by their number of repeat purchases, actual beside expected.

    Parameters
    ----------
    model, customers, most
        As in `frequency_table`.

    Returns
    -------
    altair.Chart
        The chart.
    """
    import altair as alt

    table = frequency_table(model, customers, most)
    long = table.melt("frequency", var_name="who", value_name="customers")
    chart: alt.Chart = (
        alt.Chart(long)
        .mark_bar()
        .encode(
            x=alt.X(
                "frequency:N", sort=list(table["frequency"]), title="repeat purchase days in calibration"
            ),
            xOffset="who:N",
            y=alt.Y("customers:Q"),
            color=alt.Color("who:N", title=None),
        )
        .properties(title="Frequency of repeat purchases", **_SIZE)
    )
    return chart


def holdout_table(
    model: PurchaseModel, customers: pd.DataFrame, later: ArrayLike, horizon: float, most: int = 7
) -> pd.DataFrame:
    """
    Average what customers did in the holdout by their frequency in calibration, beside what was expected.

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
        Last group, which holds all from there on.

    Returns
    -------
    DataFrame
        One row a frequency: frequency, customers, actual, expected (means a customer).
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


def holdout_plot(
    model: PurchaseModel, customers: pd.DataFrame, later: ArrayLike, horizon: float, most: int = 7
) -> alt.Chart:
    """
    Draw mean purchases in the holdout by frequency in calibration, actual and expected.

    Parameters
    ----------
    model, customers, later, horizon, most
        As in `holdout_table`.

    Returns
    -------
    altair.Chart
        The chart.
    """
    import altair as alt

    table = holdout_table(model, customers, later, horizon, most)
    long = table.melt(["frequency", "customers"], var_name="who", value_name="purchases")
    chart: alt.Chart = (
        alt.Chart(long)
        .mark_line(point=True)
        .encode(
            x=alt.X(
                "frequency:N", sort=list(table["frequency"]), title="repeat purchase days in calibration"
            ),
            y=alt.Y("purchases:Q", title="mean purchase days in the holdout"),
            color=alt.Color("who:N", title=None),
            tooltip=["frequency", "customers", "who", alt.Tooltip("purchases:Q", format=".2f")],
        )
        .properties(title="Calibration against holdout", **_SIZE)
    )
    return chart
