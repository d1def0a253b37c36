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


def judged_figures(judged: pd.DataFrame) -> dict[str, bytes]:
    """Return the gains and the calibration figure of the held-out fold as PNG.

    Parameters
    ----------
    judged : pandas.DataFrame
        ``CoreCustomerModel.judged_``.
    """
    return {"gains": _png(gains_figure(judged)), "calibration": _png(calibration_figure(judged))}


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


def _png(chart: alt.LayerChart) -> bytes:
    import vl_convert

    png: bytes = vl_convert.vegalite_to_png(chart.to_json(), scale=PIXELS)
    return png
