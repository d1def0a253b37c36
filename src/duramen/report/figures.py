"""Held-out forecasts and outcomes come in; PNG figures go out. Called where a training is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import altair as alt

WIDTH, HEIGHT, PIXELS = 460, 320, 2
MODELS = {
    "duramen": ("predicted_value", "probability_active"),
    "BTYD x gamma-gamma": ("btyd_value", "btyd_probability"),
    "LightGBM": ("trees_value", "trees_probability"),
}
CURVE_POINTS, CALIBRATION_BINS = 200, 10
FEATURES, SHAPES = 15, 6  # shown of each model, and of each part


def holdout_figures(judged: pd.DataFrame) -> dict[str, bytes]:
    """Return the gains and the calibration figure of the held-out fold as PNG.

    Parameters
    ----------
    judged : pandas.DataFrame
        ``CoreCustomerModel.holdout_``.
    """
    return {"gains": _png(gains_figure(judged)), "calibration": _png(calibration_figure(judged))}


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


def gains_figure(judged: pd.DataFrame) -> alt.LayerChart:
    """Draw the share of held-out money that the first customers by each forecast brought."""
    import altair as alt

    actual = judged["actual_value"].to_numpy()
    curves = [_gains("past spend", judged["past_spend"].to_numpy(), actual)]
    curves += [
        _gains(name, judged[value].to_numpy(), actual)
        for name, (value, _) in MODELS.items()
        if judged[value].notna().all()
    ]
    x = alt.X("customers:Q", title="Share of customers, best forecast first", axis=alt.Axis(format="%"))
    y = alt.Y(
        "money:Q", title="Share of held-out money", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])
    )
    lines = alt.Chart(pd.concat(curves)).mark_line().encode(x, y, alt.Color("forecast:N", title="Order by"))
    even = alt.Chart(pd.DataFrame({"customers": [0, 1], "money": [0, 1]})).mark_line(
        strokeDash=[4, 4], color="grey"
    )
    return _sized(even.encode(x, y) + lines, "Money that the first customers brought")


def calibration_figure(judged: pd.DataFrame) -> alt.LayerChart:
    """Draw the share of customers who bought against the probability that they were given."""
    import altair as alt

    tables = [
        _calibration(name, judged[probability], judged["active"])
        for name, (_, probability) in MODELS.items()
        if judged[probability].notna().all()
    ]
    x = alt.X("given:Q", title="P(at least one purchase) given", scale=alt.Scale(domain=[0, 1]))
    y = alt.Y("bought:Q", title="Share who bought", scale=alt.Scale(domain=[0, 1]))
    points = (
        alt.Chart(pd.concat(tables))
        .mark_line(point=True)
        .encode(x, y, alt.Color("forecast:N", title="Model"))
    )
    even = alt.Chart(pd.DataFrame({"given": [0, 1], "bought": [0, 1]})).mark_line(
        strokeDash=[4, 4], color="grey"
    )
    return _sized(even.encode(x, y) + points, "Probability calibration on the held-out fold")


def _gains(name: str, forecast: np.ndarray, actual: np.ndarray) -> pd.DataFrame:
    held = np.concatenate([[0.0], np.cumsum(actual[np.argsort(-forecast, kind="stable")])])
    at = np.unique(np.linspace(0, len(actual), CURVE_POINTS).astype(int))
    return pd.DataFrame({"forecast": name, "customers": at / len(actual), "money": held[at] / held[-1]})


def _calibration(name: str, probability: pd.Series[float], active: pd.Series[float]) -> pd.DataFrame:
    """Compare in bins of as many customers each."""
    order = np.argsort(probability.to_numpy(), kind="stable")
    bins = [rows for rows in np.array_split(order, CALIBRATION_BINS) if len(rows)]
    return pd.DataFrame(
        {
            "forecast": name,
            "given": [probability.to_numpy()[rows].mean() for rows in bins],
            "bought": [active.to_numpy()[rows].mean() for rows in bins],
        }
    )


def _sized(chart: Any, title: str) -> alt.LayerChart:
    sized: alt.LayerChart = chart.properties(width=WIDTH, height=HEIGHT, title=title)
    return sized


def _png(chart: Any) -> bytes:
    import vl_convert

    png: bytes = vl_convert.vegalite_to_png(chart.to_json(), scale=PIXELS)
    return png
