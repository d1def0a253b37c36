"""Forecasts and outcomes of the holdout come in; PNG figures go out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.evaluation.baselines import PAST_SPEND
from duramen.evaluation.curves import calibration_curve, gains_curve
from duramen.evaluation.registry import MONEY, PROBABILITY
from duramen.evaluation.scorecards import holdout_forecasts

if TYPE_CHECKING:
    import altair as alt

WIDTH, HEIGHT, PIXELS = 460, 320, 2
FEATURES, SHAPES = 15, 6  # shown of each model, and of each part


def holdout_figures(holdout: pd.DataFrame) -> dict[str, bytes]:
    """Return the gains and the calibration figure of the holdout as PNG.

    Parameters
    ----------
    holdout : pandas.DataFrame
        ``CoreCustomerModel.holdout_``.
    """
    return {"gains": _png(gains_figure(holdout)), "calibration": _png(calibration_figure(holdout))}


def effect_figures(importance: pd.DataFrame, shape: pd.DataFrame) -> dict[str, bytes]:
    """Return the SHAP importance of features, and how the strongest of them move each forecast, as PNG.

    Parameters
    ----------
    importance, shape : pandas.DataFrame
        ``CoreCustomerModel.importance_`` and ``dependence_``; there is no figure of what is empty.
    """
    drawn = {f"shape_{part}": _png(shape_figure(bins)) for part, bins in shape.groupby("part", sort=False)}
    if len(importance):
        drawn["importance"] = _png(importance_figure(importance))
    return drawn


def importance_figure(importance: pd.DataFrame) -> alt.HConcatChart:
    """Draw the mean absolute SHAP value of the strongest features of each model."""
    import altair as alt

    bars = [
        alt.Chart(rows.head(FEATURES))
        .mark_bar()
        .encode(
            alt.X("mean_abs_shap:Q", title=f"mean |SHAP value|, {rows['unit'].iloc[0]}"),
            alt.Y("feature:N", title=None, sort=None),
        )
        .properties(width=WIDTH // 2, height=HEIGHT, title=f"What moves {name}")
        for name, rows in importance.groupby("model", sort=False)
    ]
    drawn: alt.HConcatChart = alt.hconcat(*bars)
    return drawn


def shape_figure(bins: pd.DataFrame) -> alt.ConcatChart:
    """Draw how the strongest features of one part move it: the mean effect by bin, and its 10 % to 90 %."""
    import altair as alt

    part, unit = bins["part"].iloc[0], bins["unit"].iloc[0]
    how = alt.Scale(type="log" if unit == "times" else "linear")
    charts = []
    for name in list(dict.fromkeys(bins["feature"]))[:SHAPES]:
        known = alt.Chart(bins[(bins["feature"] == name) & bins["value"].notna()])
        x = alt.X("value:Q", title=str(name), scale=alt.Scale(zero=False))
        band = known.mark_area(opacity=0.3).encode(x, alt.Y("low:Q", title=unit, scale=how), alt.Y2("high:Q"))
        line = known.mark_line(point=True).encode(x, alt.Y("effect:Q", scale=how))
        charts.append((band + line).properties(width=WIDTH // 2, height=HEIGHT // 2))
    drawn: alt.ConcatChart = alt.concat(*charts, columns=3).properties(title=f"How features move {part}")
    return drawn


def gains_figure(holdout: pd.DataFrame) -> alt.LayerChart:
    """Draw the share of the holdout's money that the first customers by each forecast brought."""
    import altair as alt

    actual = holdout["actual_value"].to_numpy()
    curves = [
        gains_curve(forecast.values, actual).assign(forecast=forecast.model)
        for forecast in holdout_forecasts(holdout)
        if forecast.target == "value" and (forecast.kind == MONEY or forecast.model == PAST_SPEND)
    ]
    x = alt.X("customers:Q", title="Share of customers, best forecast first", axis=alt.Axis(format="%"))
    y = alt.Y(
        "money:Q",
        title="Share of the holdout's money",
        axis=alt.Axis(format="%"),
        scale=alt.Scale(domain=[0, 1]),
    )
    lines = alt.Chart(pd.concat(curves)).mark_line().encode(x, y, alt.Color("forecast:N", title="Order by"))
    even = alt.Chart(pd.DataFrame({"customers": [0, 1], "money": [0, 1]})).mark_line(
        strokeDash=[4, 4], color="grey"
    )
    return _sized(even.encode(x, y) + lines, "Money that the first customers brought")


def calibration_figure(holdout: pd.DataFrame) -> alt.LayerChart:
    """Draw the share of customers who bought against the predicted probability."""
    import altair as alt

    curves = [
        calibration_curve(forecast.values, holdout["active"].to_numpy()).assign(forecast=forecast.model)
        for forecast in holdout_forecasts(holdout)
        if forecast.kind == PROBABILITY
    ]
    x = alt.X("predicted:Q", title="Predicted P(at least one purchase)", scale=alt.Scale(domain=[0, 1]))
    y = alt.Y("actual:Q", title="Share who bought", scale=alt.Scale(domain=[0, 1]))
    points = (
        alt.Chart(pd.concat(curves))
        .mark_line(point=True)
        .encode(x, y, alt.Color("forecast:N", title="Model"))
    )
    even = alt.Chart(pd.DataFrame({"predicted": [0, 1], "actual": [0, 1]})).mark_line(
        strokeDash=[4, 4], color="grey"
    )
    return _sized(even.encode(x, y) + points, "Probability calibration on the holdout")


def _sized(chart: Any, title: str) -> alt.LayerChart:
    sized: alt.LayerChart = chart.properties(width=WIDTH, height=HEIGHT, title=title)
    return sized


def _png(chart: Any) -> bytes:
    import vl_convert

    png: bytes = vl_convert.vegalite_to_png(chart.to_json(), scale=PIXELS)
    return png
