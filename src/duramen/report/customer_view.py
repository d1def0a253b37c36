"""What is known of one customer comes in; the charts of purchases, factors and forecast go out.

The page draws them for the customer who is chosen, with the same charts on other data.
"""

from __future__ import annotations

from typing import Any, TypeVar

import altair as alt
import pandas as pd

from duramen.language import marked, say, translated

THEMES = {
    "recency": marked("time since the last purchase"),
    "purchases": marked("number of purchases"),
    "spend": marked("amounts spent"),
    "rhythm": marked("time between purchases"),
    "trend": marked("recent months against those before"),
    "season": marked("same season a year ago"),
    "weekdays": marked("purchases at weekends"),
    "returns": marked("returns"),
    "breadth": marked("variety of products"),
    "discounts": marked("discounts"),
    "age": marked("time as a customer"),
}
OTHERS = marked("all other factors")
# What the data of a chart are called in its specification, where the page puts those of the chosen customer.
NAMED = "chosen"
Drawn = TypeVar("Drawn", alt.Chart, alt.LayerChart)
_CONFIG: dict[str, Any] = {
    "aria": False,
    "background": "transparent",
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--muted)", "titleColor": "var(--muted)", "titleFontWeight": "normal", "labelFontSize": 12,
        "titleFontSize": 12, "gridColor": "var(--hair)", "domain": False, "ticks": False, "labelLimit": 0,
        "labelPadding": 6, "titlePadding": 8,
    },
}  # fmt: skip


def purchases_chart(months: pd.DataFrame | None, unit: str) -> alt.Chart:
    """Draw the net money of one customer by month; a month of returns alone is below zero and in another colour.

    Parameters
    ----------
    months : pandas.DataFrame or None
        ``month`` (text, such as "2011-06") and ``net`` (money), every month of a span in order, 0 where there is
        nothing; None for a chart whose data come later.
    unit : str
        Unit of money.
    """
    bars = alt.Chart(_data(months)).mark_bar(width={"band": 0.8}, tooltip=True)
    axis = alt.Axis(grid=False, labelAngle=0, labelOverlap="parity", labelBound=22, labelSeparation=10)
    x = alt.X("month:O", title=None, sort=None, axis=axis)
    y = alt.Y("net:Q", title=say("{unit} per month", unit=unit), axis=alt.Axis(format=",~f", tickCount=4))
    colour: Any = alt.condition("datum.net < 0", alt.value("var(--muted)"), alt.value("var(--heart)"))
    drawn: alt.Chart = bars.encode(x, y, color=colour)
    # The name of a month is wider than its bar: the last one needs room on the right.
    return _sized(drawn.properties(padding={"left": 5, "right": 26, "top": 5, "bottom": 5}), 170)


def factors_chart(factors: pd.DataFrame | None, unit: str) -> alt.LayerChart:
    """Draw how the factors of one customer lead from the typical value to the predicted value.

    Parameters
    ----------
    factors : pandas.DataFrame or None
        ``name``, ``from`` and ``to`` (money before and after the factor), ``text`` (the factor) and ``kind`` ("up",
        "down" or "value"), in the order of the bars.
    unit : str
        Unit of money.
    """
    base = alt.Chart(_data(factors))
    scale = alt.Scale(type="log", nice=False, padding=34)
    x = alt.X(
        "from:Q", scale=scale, title=say("{unit}, logarithmic", unit=unit),
        axis=alt.Axis(format=",~r", tickCount=4, labelOverlap=True, labelBound=True, labelSeparation=8),
    )  # fmt: skip
    y = alt.Y("name:N", sort=None, title=None, axis=_names())
    colours = alt.Scale(domain=["up", "down", "value"], range=["var(--heart)", "var(--muted)", "var(--ink)"])
    bars = base.mark_bar(height={"band": 0.6}, minBandSize=2).encode(
        x, y, alt.X2("to:Q"), color=alt.Color("kind:N", scale=colours, legend=None)
    )
    words = base.mark_text(align="left", dx=6, fontSize=12, color="var(--ink)").encode(
        alt.X("right:Q", scale=scale), y, text="text:N"
    )
    drawn: alt.LayerChart = alt.LayerChart(layer=[bars, words])
    return _sized(drawn, {"step": 26})


def forecast_chart(forecast: pd.DataFrame | None, unit: str) -> alt.LayerChart:
    """Draw the predicted value of one customer with its interval, beside the value at the past rate.

    Parameters
    ----------
    forecast : pandas.DataFrame or None
        ``name``, ``value``, ``low`` and ``high`` (money), a row for the past rate and one for the forecast.
    unit : str
        Unit of money.
    """
    base = alt.Chart(_data(forecast))
    y = alt.Y("name:N", sort=None, title=None, axis=_names())
    x = alt.X(
        "value:Q", title=say("{unit} over the horizon", unit=unit), scale=alt.Scale(zero=True),
        axis=alt.Axis(format=",~f", tickCount=4, labelOverlap=True, labelBound=True, labelSeparation=8),
    )  # fmt: skip
    interval = base.mark_rule(
        strokeWidth=8,
        color="var(--sap)",
    ).encode(alt.X("low:Q"), y, alt.X2("high:Q"))
    point = base.mark_point(filled=True, size=120, color="var(--heart)", opacity=1).encode(x, y)
    words = base.mark_text(dy=-13, fontSize=12, color="var(--ink)").encode(x, y, text="text:N")
    drawn: alt.LayerChart = alt.LayerChart(layer=[interval, point, words])
    return _sized(drawn, {"step": 44})


def chart_specs(unit: str) -> dict[str, Any]:
    """Return the specifications of the charts, whose data the page puts in under the name ``NAMED``."""
    charts = {
        "purchases": purchases_chart(None, unit),
        "factors": factors_chart(None, unit),
        "forecast": forecast_chart(None, unit),
    }
    # The page puts in the height: the step of a row times the rows.
    return {name: chart.to_dict(validate=False) for name, chart in charts.items()}


def theme_words() -> dict[str, str]:
    """Return what each theme of factors is called, in the language that is set."""
    return {name: translated(words) for name, words in THEMES.items()} | {"": translated(OTHERS)}


def _names() -> alt.Axis:
    """Return an axis of names, each over as many lines as it has."""
    return alt.Axis(
        labelColor="var(--ink)", labelFontSize=12.5, labelPadding=12, labelExpr="split(datum.label, '\\n')"
    )


def _data(table: pd.DataFrame | None) -> Any:
    return alt.NamedData(name=NAMED) if table is None else table


def _sized(chart: Drawn, height: Any) -> Drawn:
    sized: Drawn = chart.properties(
        width="container", height=height, autosize=alt.AutoSizeParams(type="fit-x", contains="padding")
    ).configure(**_CONFIG)
    return sized
