"""A fitted purchase model and what customers did come in; the usual three charts of a BTYD model go out.

``duramen.evaluation.btyd_tables`` returns the same figures as tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from numpy.typing import ArrayLike

from duramen.evaluation.btyd_tables import PurchaseModel, frequency_table, holdout_table, tracking_table
from duramen.language import say

if TYPE_CHECKING:
    import altair as alt

_SIZE: dict[str, Any] = {"width": 460, "height": 260}


def tracking_plot(
    model: PurchaseModel, purchases: pd.DataFrame, cutoff: Any, days_per_unit: float = 1.0
) -> alt.LayerChart:
    """Draw cumulative repeat purchases, actual and expected, with the cutoff between calibration and holdout.

    Parameters
    ----------
    model, purchases, cutoff, days_per_unit
        As in `tracking_table`.

    Returns
    -------
    altair.LayerChart
    """
    import altair as alt

    table = tracking_table(model, purchases, cutoff, days_per_unit)
    long = table.melt("date", ["actual", "expected"], "who", "purchases")
    lines = (
        alt.Chart(long)
        .mark_line()
        .encode(
            x=alt.X("date:T", title=say("end of week")),
            y=alt.Y("purchases:Q", title=say("repeat purchase days so far")),
            color=alt.Color("who:N", title=None),
        )
    )
    rule = (
        alt.Chart(pd.DataFrame({"date": [pd.Timestamp(cutoff)]}))
        .mark_rule(strokeDash=[4, 4])
        .encode(x="date:T")
    )
    chart: alt.LayerChart = (lines + rule).properties(
        title=say("Tracking: calibration left of the line, holdout right"), **_SIZE
    )
    return chart


def frequency_histogram(model: PurchaseModel, customers: pd.DataFrame, most: int = 7) -> alt.Chart:
    """Draw customers by their number of repeat purchases, actual and expected.

    Parameters
    ----------
    model, customers, most
        As in `frequency_table`.

    Returns
    -------
    altair.Chart
    """
    import altair as alt

    table = frequency_table(model, customers, most)
    long = table.melt("frequency", var_name="who", value_name="customers")
    chart: alt.Chart = (
        alt.Chart(long)
        .mark_bar()
        .encode(
            x=alt.X(
                "frequency:N", sort=list(table["frequency"]), title=say("repeat purchase days in calibration")
            ),
            xOffset="who:N",
            y=alt.Y("customers:Q", title=say("customers")),
            color=alt.Color("who:N", title=None),
        )
        .properties(title=say("Frequency of repeat purchases"), **_SIZE)
    )
    return chart


def holdout_plot(
    model: PurchaseModel, customers: pd.DataFrame, later: ArrayLike, horizon: float, most: int = 7
) -> alt.Chart:
    """Draw mean purchases in the holdout by frequency in calibration, actual and expected.

    Parameters
    ----------
    model, customers, later, horizon, most
        As in `holdout_table`.

    Returns
    -------
    altair.Chart
    """
    import altair as alt

    table = holdout_table(model, customers, later, horizon, most)
    long = table.melt(["frequency", "customers"], var_name="who", value_name="purchases")
    chart: alt.Chart = (
        alt.Chart(long)
        .mark_line(point=True)
        .encode(
            x=alt.X(
                "frequency:N", sort=list(table["frequency"]), title=say("repeat purchase days in calibration")
            ),
            y=alt.Y("purchases:Q", title=say("mean purchase days in the holdout")),
            color=alt.Color("who:N", title=None),
            tooltip=["frequency", "customers", "who", alt.Tooltip("purchases:Q", format=".2f")],
        )
        .properties(title=say("Calibration against holdout"), **_SIZE)
    )
    return chart
