"""Forecasts beside outcomes come in; how far to trust the ranking goes out, in sentences and drawings."""

from __future__ import annotations

from math import isfinite
from typing import Any, NamedTuple

import altair as alt
import pandas as pd
from markupsafe import Markup

from duramen.analysis.forecast_quality import BY_PAST_SPEND, MODEL, ForecastQuality
from duramen.analysis.report_summary import trust_sentence
from duramen.language import say
from duramen.report import numbers
from duramen.report.charts import LABEL, finish, in_half_width, large_amounts, percent


class Figure(NamedTuple):
    """A drawing with the title that states what it shows, and how to read it."""

    title: str
    reading: str
    drawn: Markup


class QualitySection(NamedTuple):
    """What the page says of the forecasts of the holdout.

    Parameters
    ----------
    sentence : str
        What the ranking found, beside sorting by past spend.
    coverage : str
        How many outcomes the intervals contained; empty where that is not known.
    figures : list of Figure
    deciles : list of dict
        Rows of the page.
    """

    sentence: str
    coverage: str
    figures: list[Figure]
    deciles: list[dict[str, Any]]


def quality_section(quality: ForecastQuality, unit: str) -> QualitySection:
    """Return sentences, drawings and the table of tenths of the holdout."""
    coverage = ""
    if isfinite(quality.coverage):
        coverage = say(
            "Of customers with a probability of a purchase above 20\u202f%, {share} had an outcome inside "
            "their 80\u202f% interval; the size of errors was learned from the other half of the customers.",
            share=numbers.share(quality.coverage, 0),
        )
    return QualitySection(
        sentence=numbers.spaced(trust_sentence(quality)),
        coverage=coverage,
        figures=[_gains(quality), _calibration(quality), _deciles(quality, unit)],
        deciles=numbers.rows(quality.deciles, "predicted", "actual"),
    )


def _gains(quality: ForecastQuality) -> Figure:
    title = say(
        "The top fifth of customers accounted for {model} of the money; sorted by past spend, {past}.",
        model=numbers.share(quality.captured, quality.digits),
        past=numbers.share(quality.captured_by_past_spend, quality.digits),
    )
    reading = say("Share of the money by share of customers, for three orders.")
    return Figure(title, reading, in_half_width(lambda width: gains_chart(quality.gains, width), title))


def _calibration(quality: ForecastQuality) -> Figure:
    first, last = quality.calibration.iloc[0], quality.calibration.iloc[-1]
    title = say(
        "Of the tenth most likely to buy {predicted} were expected and {actual} bought; of the tenth least likely, "
        "{least_predicted} and {least_actual}.",
        predicted=numbers.share(first["predicted"], 0),
        actual=numbers.share(first["actual"], 0),
        least_predicted=numbers.share(last["predicted"], 0),
        least_actual=numbers.share(last["actual"], 0),
    )
    reading = say("Each point is a tenth of the customers; on the dashed line the forecast is right.")
    drawn = in_half_width(lambda width: calibration_chart(quality.calibration, width), title)
    return Figure(title, reading, drawn)


def _deciles(quality: ForecastQuality, unit: str) -> Figure:
    first = quality.deciles.iloc[0]
    digits = numbers.decimals([first["predicted"], first["actual"]])
    title = say(
        "The tenth of customers with the highest forecast was expected to bring {predicted} {unit} and brought "
        "{actual}.",
        predicted=numbers.money(first["predicted"], digits),
        actual=numbers.money(first["actual"], digits),
        unit=unit,
    )
    reading = say("Each bar is the money of a tenth of the customers; the line is the forecast.")
    drawn = in_half_width(lambda width: deciles_chart(quality.deciles, unit, width), title)
    return Figure(title, reading, drawn)


def gains_chart(gains: pd.DataFrame, width: int) -> alt.LayerChart:
    """Draw the share of the money that the first customers brought, by the ranking and by past spend.

    Parameters
    ----------
    gains : pandas.DataFrame
        ``ForecastQuality.gains``.
    width : int
        Width of the drawing, pixels.
    """
    x = percent("customers", say("share of customers, the first of each order first"), alt.X, domain=[0, 1])
    y = percent("money", say("share of the money"), alt.Y, domain=[0, 1])
    lines = [
        alt.Chart(gains[gains["order"] == order]).mark_line(strokeWidth=2.5, color=colour, strokeDash=dash)
        .encode(x=x, y=y)
        for order, colour, dash in ((BY_PAST_SPEND, "var(--muted)", [5, 3]), (MODEL, "var(--heart)", []))
    ]  # fmt: skip
    even = alt.Chart(pd.DataFrame({"customers": [0.0, 1.0], "money": [0.0, 1.0]}))
    words = [
        alt.Chart(pd.DataFrame({"customers": [at], "money": [height]}))
        .mark_text(align="left", fontSize=LABEL, color=colour, fontWeight="bold")
        .encode(x=x, y=y, text=alt.value(text))
        for text, at, height, colour in (
            (say("this ranking"), 0.45, 0.42, "var(--heart)"),
            (say("dashed: by past spend"), 0.45, 0.32, "var(--muted)"),
            (say("dotted: in random order"), 0.45, 0.22, "var(--muted)"),
        )
    ]
    dotted = even.mark_line(color="var(--muted)", strokeDash=[1, 4], strokeWidth=1.5).encode(x=x, y=y)
    return finish([dotted, *lines, *words], width, 280 if width > 500 else 250)


def calibration_chart(calibration: pd.DataFrame, width: int) -> alt.LayerChart:
    """Draw the share of customers who bought against the probability that was predicted, by tenths.

    Parameters
    ----------
    calibration : pandas.DataFrame
        ``ForecastQuality.calibration``.
    width : int
        Width of the drawing, pixels.
    """
    top = min(1.0, 1.1 * float(calibration[["predicted", "actual"]].max().max()))
    x = percent(
        "predicted", say("predicted probability of a purchase, mean of a tenth"), alt.X, domain=[0, top]
    )
    y = percent("actual", say("share who bought"), alt.Y, domain=[0, top])
    even = alt.Chart(pd.DataFrame({"predicted": [0.0, top], "actual": [0.0, top]}))
    return finish(
        [
            even.mark_line(color="var(--muted)", strokeDash=[3, 4], strokeWidth=1).encode(x=x, y=y),
            alt.Chart(calibration)
            .mark_point(filled=True, size=90, color="var(--heart)", opacity=1)
            .encode(x=x, y=y),
        ],
        width,
        260,
    )


def deciles_chart(deciles: pd.DataFrame, unit: str, width: int) -> alt.LayerChart:
    """Draw the money expected and brought by each tenth of customers.

    Parameters
    ----------
    deciles : pandas.DataFrame
        ``ForecastQuality.deciles``.
    unit : str
        Unit of money.
    width : int
        Width of the drawing, pixels.
    """
    base = alt.Chart(deciles)
    x = alt.X(
        "decile:O",
        title=say("tenth of customers, 1 has the highest forecast"),
        axis=alt.Axis(labelAngle=0, grid=False),
    )
    axis = alt.Axis(
        labelExpr=large_amounts(), tickCount=5, title=say("{unit}: bar actual, line forecast", unit=unit)
    )
    return finish(
        [
            base.mark_bar(color="var(--sap)", width={"band": 0.7}).encode(
                x=x, y=alt.Y("actual:Q", axis=axis)
            ),
            base.mark_tick(color="var(--heart)", thickness=3, width={"band": 0.7}).encode(
                x=x, y="predicted:Q"
            ),
        ],
        width,
        240,
    )
