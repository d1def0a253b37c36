"""Small tables come in; Altair charts of curves go out, in the style of the other charts."""

from __future__ import annotations

import json
from math import ceil, floor, log10
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from duramen.language import say
from duramen.report.charts import LABEL, finish, large_amounts, percent
from duramen.report.numbers import digits_apart

TICKS = 5  # about so many at the axis of the market's level
SMALL = 270  # pixels: three fit side by side on a screen, one fills a phone


def weight_curve(curve: pd.DataFrame, used: float, by_value: float, width: int) -> alt.LayerChart:
    """Draw the share of money that the first customers captured at each weight of growth.

    Parameters
    ----------
    curve : DataFrame
        ``weight``, ``captured`` and the ends ``from_`` and ``to`` of the interval about it, shares of one.
    used : float
        The weight in the score, which is marked.
    by_value : float
        Share captured by value alone, from which the intervals are drawn.
    width : int
        Width of the drawing, pixels.

    Returns
    -------
    LayerChart
    """
    top = max(used, float(curve["weight"].max()))
    # The weights are closer to each other the smaller they are.
    x = alt.X(
        "weight:Q",
        axis=alt.Axis(
            title=say("weight of growth potential in the score"), values=list(curve["weight"]), format="~g"
        ),
        scale=alt.Scale(type="sqrt", domain=[0, top], nice=False, padding=8),
    )
    low, high = float(curve["from_"].min()), float(curve["to"].max())
    margin = 0.1 * (high - low) or 0.01
    y = percent(
        "captured", say("share of later money"), alt.Y, zero=False, domain=[low - margin, high + margin]
    )
    base = alt.Chart(curve)
    mark = alt.Chart(pd.DataFrame({"weight": [used]}))
    # On the scale of square roots, this is its middle.
    right = used > top / 4
    return finish(
        [
            alt.Chart(pd.DataFrame({"captured": [by_value]}))
            .mark_rule(color="var(--muted)", strokeDash=[3, 4])
            .encode(y=y),
            mark.mark_rule(color="var(--heart)", strokeWidth=2, opacity=0.5).encode(x=x),
            base.mark_rule(color="var(--sap)", strokeWidth=5).encode(x=x, y=alt.Y("from_:Q"), y2="to:Q"),
            base.mark_line(color="var(--heart)", strokeWidth=1.5).encode(x=x, y=y),
            base.mark_point(
                filled=True, size=70, color="var(--heart)", stroke="var(--paper)", strokeWidth=1.5, opacity=1
            ).encode(x=x, y=y),
            mark.mark_text(
                align="right" if right else "left",
                dx=-8 if right else 8,
                dy=8,
                fontSize=LABEL,
                fontWeight="bold",
                color="var(--ink)",
            ).encode(x=x, y=alt.value(0), text=alt.value(say("used: {weight}", weight=f"{used:g}"))),
        ],
        width,
        240,
    )


def level_curve(level: pd.DataFrame, width: int) -> alt.LayerChart:
    """Draw the market's level by period, within its error.

    Parameters
    ----------
    level : DataFrame
        ``start`` (date), ``level`` (1 on its trend) and the ends ``from_`` and ``to`` of its interval, which may be
        missing.
    width : int
        Width of the drawing, pixels.

    Returns
    -------
    LayerChart
    """
    months = alt.Axis(
        title=None,
        format="%Y-%m",
        tickCount=_months_apart(level["start"], 8 if width > 500 else 4),
        grid=False,
        labelOverlap=True,
        labelSeparation=8,
    )
    x = alt.X("start:T", axis=months)
    drawn = level[["level", "from_", "to"]].to_numpy(dtype=float)
    digits = digits_apart(*np.linspace(np.nanmin(drawn), np.nanmax(drawn), TICKS + 1))
    axis = alt.Axis(
        title=say("level, 1 on its trend"),
        labelExpr=f"'\u00d7' + format(datum.value, '.{digits}~f')",
        tickCount=TICKS,
    )
    y = alt.Y("level:Q", axis=axis, scale=alt.Scale(zero=False, nice=False, padding=6))
    base = alt.Chart(level)
    return finish(
        [
            base.mark_area(color="var(--sap)", opacity=0.45).encode(x=x, y=alt.Y("from_:Q"), y2="to:Q"),
            alt.Chart(pd.DataFrame({"level": [1.0]}))
            .mark_rule(color="var(--muted)", strokeDash=[3, 4])
            .encode(y=y),
            base.mark_line(color="var(--heart)", strokeWidth=2).encode(x=x, y=y),
        ],
        width,
        200,
    )


def _months_apart(days: pd.Series[Any], most: int) -> dict[str, Any]:
    """Return an interval of whole months that gives at most so many ticks, so that no month is named twice."""
    span = (pd.to_datetime(days.max()) - pd.to_datetime(days.min())).days / 30.4
    step = next((step for step in (1, 2, 3, 6) if span / step <= most), 12)
    return (
        {"interval": "month", "step": step}
        if step < 12
        else {"interval": "year", "step": ceil(span / 12 / most)}
    )


def dependence_curve(bins: pd.DataFrame, *, times: bool, unit: str, yes_no: bool = False) -> alt.LayerChart:
    """Draw how a feature moves a prediction, in one small width that fits a phone as well.

    Parameters
    ----------
    bins : DataFrame
        ``value``, ``effect``, ``low`` and ``high``, a row for each bin with a value.
    times : bool
        Whether effects are factors, drawn on a logarithmic axis about 1; else terms about 0.
    unit : str
        Unit of the feature.
    yes_no : bool
        Whether the feature is 1 for yes and 0 for no.

    Returns
    -------
    LayerChart
        A line within a band; points within their intervals where there is nothing between two values.
    """
    low, high = _least_span(float(bins["low"].min()), float(bins["high"].max()), times=times)
    ticks = {"values": _factors_between(low, high)} if times else {"tickCount": 4}
    prefix = "'\u00d7' + " if times else ""
    y = alt.Y(
        "effect:Q",
        axis=alt.Axis(
            title=say("times the value") if times else say("log odds"),
            labelExpr=f"{prefix}format(datum.value, '.3~g')",
            **ticks,
        ),
        scale=alt.Scale(type="log" if times else "linear", domain=[low, high], nice=False),
    )
    amount = f"datum.value >= 1000 ? ({large_amounts()}) : format(datum.value, '.3~g')"
    scale, marks = _scale_of(bins["value"])
    apart = set(bins["value"]) <= {0, 1}
    if apart:
        scale, marks = {"domain": [-0.5, 1.5]}, {"values": [0, 1]}
    if yes_no:
        yes, no = json.dumps(say("yes")), json.dumps(say("no"))
        amount = f"datum.value ? {yes} : {no}"
    axis = alt.Axis(title=None if yes_no else unit, grid=False, labelExpr=amount, labelFlush=True, **marks)
    x = alt.X("value:Q", axis=axis, scale=alt.Scale(zero=False, nice=False, padding=6, **scale))
    base = alt.Chart(bins)
    even = alt.Chart(pd.DataFrame({"effect": [1.0 if times else 0.0]}))
    layers = [even.mark_rule(color="var(--muted)", strokeDash=[3, 4]).encode(y=y)]
    if len(bins) > 1 and not apart:
        band = base.mark_area(color="var(--sap)", opacity=0.45)
        line = base.mark_line(color="var(--heart)", strokeWidth=2)
    else:
        band = base.mark_rule(color="var(--sap)", strokeWidth=5)
        line = base.mark_point(filled=True, size=60, color="var(--heart)", opacity=1)
    layers += [band.encode(x=x, y=alt.Y("low:Q"), y2="high:Q"), line.encode(x=x, y=y)]
    return finish(layers, SMALL, 150)


def qini_chart(curve: pd.DataFrame, unit: str, width: int) -> alt.LayerChart:
    """Draw what an experiment gains by treating the customers with the highest predicted effect first.

    Parameters
    ----------
    curve : DataFrame
        ``customers`` (share treated), ``gain`` with the ends ``low`` and ``high`` of its interval, and ``at_random``
        (gain of as many at random), which is drawn dashed.
    unit : str
        Unit of the gain.
    width : int
        Width of the drawing, pixels.

    Returns
    -------
    LayerChart
    """
    x = percent("customers", say("share of customers treated, highest effect first"), alt.X, domain=[0, 1])
    axis = alt.Axis(title=say("gain per customer of the base, {unit}", unit=unit), format=".3~g", tickCount=5)
    y = alt.Y("gain:Q", axis=axis, scale=alt.Scale(nice=False, padding=6))
    base = alt.Chart(curve)
    return finish(
        [
            base.mark_area(color="var(--sap)", opacity=0.45).encode(x=x, y=alt.Y("low:Q"), y2="high:Q"),
            base.mark_line(color="var(--muted)", strokeDash=[3, 4], strokeWidth=1).encode(
                x=x, y=alt.Y("at_random:Q")
            ),
            base.mark_line(color="var(--heart)", strokeWidth=2).encode(x=x, y=y),
        ],
        width,
        240,
    )


def contact_profit_chart(curve: pd.DataFrame, unit: str, width: int) -> alt.LayerChart:
    """Draw the expected profit of a retention campaign by the number of customers contacted.

    Parameters
    ----------
    curve : DataFrame
        ``order``, ``contacted`` (customers) and ``profit``. The first order is drawn in full with its best number
        marked, the others dashed.
    unit : str
        Unit of the profit.
    width : int
        Width of the drawing, pixels.

    Returns
    -------
    LayerChart
    """
    first = curve[curve["order"] == curve["order"].iloc[0]]
    best = first.loc[[first["profit"].idxmax()]]
    ticks = 5 if width > 500 else 3
    axis = alt.Axis(title=say("customers contacted, from the top of the order"), format=",d", tickCount=ticks)
    x = alt.X("contacted:Q", axis=axis, scale=alt.Scale(nice=False))
    money = alt.Axis(
        title=say("expected profit by risk \u00d7 value, {unit}", unit=unit),
        labelExpr=large_amounts(),
        tickCount=5,
    )
    y = alt.Y("profit:Q", axis=money, scale=alt.Scale(nice=False, padding=6))
    right = float(best["contacted"].iloc[0]) > float(first["contacted"].max()) / 2
    point = alt.Chart(best)
    return finish(
        [
            alt.Chart(pd.DataFrame({"profit": [0.0]}))
            .mark_rule(color="var(--muted)", strokeDash=[3, 4])
            .encode(y=y),
            alt.Chart(curve[curve["order"] != best["order"].iloc[0]])
            .mark_line(color="var(--muted)", strokeDash=[3, 4], strokeWidth=1.5)
            .encode(x=x, y=y, detail="order:N"),
            alt.Chart(first).mark_line(color="var(--heart)", strokeWidth=2).encode(x=x, y=y),
            point.mark_point(
                filled=True, size=70, color="var(--heart)", stroke="var(--paper)", strokeWidth=1.5, opacity=1
            ).encode(x=x, y=y),
            point.mark_text(
                align="right" if right else "left",
                dy=20,
                fontSize=LABEL,
                fontWeight="bold",
                color="var(--ink)",
            ).encode(x=x, y=y, text=alt.value(say("best: {n}", n=f"{best['contacted'].iloc[0]:,}"))),
        ],
        width,
        240,
    )


def _least_span(low: float, high: float, *, times: bool) -> tuple[float, float]:
    """Return the ends of an axis, wide enough to include no effect and to show a very small effect as small."""
    least = (0.9, 1.1) if times else (-0.1, 0.1)
    return min(low, least[0]), max(high, least[1])


def _factors_between(low: float, high: float) -> list[float]:
    """Return the factors to label at an axis: the coarsest steps of which at least three are on it."""
    medium = [0.3, 0.5, 0.7, 1, 1.5, 2, 3]
    fine = [0.8, 0.9, 1, 1.1, 1.2, 1.4, 1.6]
    inside = [
        [times for times in steps if low <= times <= high] for steps in (_steps(low, high), medium, fine)
    ]
    return next(steps for steps in inside if len(steps) > 2)


def _steps(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times the powers of ten between two positive ends, thinned to a handful."""
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    steps = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    if high / low > 100:
        steps = [10.0**power for power in powers]
    return [step for step in steps if low <= step <= high]


def _scale_of(values: pd.Series) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return scale and ticks of a feature; a skewed feature gets a scale that leaves room for the many small values."""
    middle, most = float(values.median()), float(values.max())
    if most - float(values.min()) < 0.01 * abs(most):
        return {}, {"values": [middle]}
    if values.min() < 0 or not 0 < 6 * middle < most:
        return {}, {"tickCount": 4}
    return {"type": "symlog", "constant": middle}, {"values": [0.0, *_steps(middle, most)]}
