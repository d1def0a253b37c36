"""The parts of a change of revenue come in; the drawing of how they lead from before to after goes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd
from markupsafe import Markup

from duramen.errors import InputError
from duramen.language import marked, say, translated
from duramen.report.charts import LABEL, finish, in_both_widths, text_width
from duramen.report.numbers import decimals, money, share

TOTAL = marked("change of revenue")
# Heights of a row and of its bar in pixels, and the mean width of a letter.
ROW, BAR, LETTER = 30, 16, 6.8
BESIDE = 500  # pixels, from which on words are beside the bars


@dataclass(frozen=True)
class WaterfallSection:
    """What the page shows of a change of revenue.

    Parameters
    ----------
    title : str
        The finding, with its unit.
    drawn : Markup
    """

    title: str
    drawn: Markup


def waterfall_section(parts: pd.DataFrame, unit: str) -> WaterfallSection:
    """Return the drawing of the parts of a change of revenue, and a title that states the largest.

    Parameters
    ----------
    parts : DataFrame
        ``part``, ``money`` and ``share_of_before``, as ``duramen.analysis.explain_revenue_change`` returns them.
    unit : str
        Unit of money.

    Returns
    -------
    WaterfallSection
    """
    change = float(parts["money"].sum())
    sides = parts[parts["money"] < 0] if change < 0 else parts[parts["money"] > 0]
    digits = decimals(parts["money"])
    values = {"change": money(abs(change), digits), "unit": unit}
    if change and len(sides):
        largest = int(sides["money"].abs().to_numpy().argmax())
        most = float(sides["money"].iloc[largest])
        values |= {"part": say(sides["part"].iloc[largest]), "money": money(most, digits, plus=True)}
    title = _title(values, fell=change < 0)
    return WaterfallSection(title, in_both_widths(lambda width: waterfall_chart(parts, width), title))


def _title(values: dict[str, str], *, fell: bool) -> str:
    if "part" not in values:
        return say("Revenue did not change.")
    if fell:
        return say("Revenue fell by {change} {unit}; the largest part is {part} ({money} {unit}).", **values)
    return say("Revenue rose by {change} {unit}; the largest part is {part} ({money} {unit}).", **values)


def waterfall_chart(parts: pd.DataFrame, width: int) -> alt.LayerChart:
    """Draw how the parts add up to the change of revenue, one below the other; 0 is the revenue before.

    Parameters
    ----------
    parts : DataFrame
        ``part``, ``money`` and ``share_of_before``, drawn in this order.
    width : int
        Width of the drawing, pixels.

    Returns
    -------
    LayerChart
        A bar for each part from where the one before ended, the money and its share of the revenue before beside it;
        losses run to the left. The last bar is the whole change.

    Raises
    ------
    InputError
        If there is no part to draw.
    """
    if parts.empty:
        raise InputError("there are no parts to draw; give the parts of a change of revenue.")
    bars = _bars(parts)
    beside = width > BESIDE
    x, y = _places(bars, width, beside=beside)
    # On a phone the words are above the bar, which then has the whole width.
    down, up = (0.0, 0.0) if beside else (BAR / 2 + 1, -BAR / 2 - 2)
    zero = alt.Chart(bars).mark_tick(color="var(--muted)", size=BAR + 8, thickness=1, yOffset=down)
    layers = [zero.encode(x=x("zero"), y=y)]
    for kind, colour in (("loss", "var(--heart)"), ("gain", "var(--sap)"), ("total", "var(--ink)")):
        chosen = bars[bars["kind"] == kind]
        if len(chosen):
            bar = alt.Chart(chosen).mark_bar(color=colour, height=BAR, yOffset=down)
            layers.append(bar.encode(x=x("start"), x2="end:Q", y=y))
    text = alt.Chart(bars).mark_text(align="right", fontSize=LABEL, color="var(--muted)", dy=up)
    layers.append(text.encode(x=alt.value("width"), y=y, text="text:N"))
    if not beside:
        name = alt.Chart(bars).mark_text(align="left", fontSize=13, color="var(--ink)", dy=up)
        layers.append(name.encode(x=alt.value(0), y=y, text="part:N"))
    return finish(layers, width, (ROW if beside else ROW + 18) * len(bars))


def _places(bars: pd.DataFrame, width: int, *, beside: bool) -> tuple[Callable[[str], alt.X], alt.Y]:
    """Return where bars begin and where rows are; words beside the bars have room on both sides of all of them."""
    low, high = float(bars[["start", "end"]].min().min()), float(bars[["start", "end"]].max().max())
    room, axis = 0.0, None
    if beside:
        names = min(max(map(text_width, bars["part"])) * LETTER, width / 2)
        letters = max(map(text_width, bars["text"])) + 2
        room = min(letters * LETTER / (width - names - 20), 0.75)
        axis = alt.Axis(title=None, labelColor="var(--ink)", labelFontSize=13, labelLimit=0)
    scale = alt.Scale(domain=[low, low + max(high - low, 1e-9) / (1 - room)], nice=False)

    def x(place: str) -> alt.X:
        return alt.X(f"{place}:Q", axis=None, scale=scale)

    return x, alt.Y("part:N", sort=bars["part"].tolist(), axis=axis)


def _bars(parts: pd.DataFrame) -> pd.DataFrame:
    """Return where each bar starts and ends, and what is written beside it."""
    amounts = parts["money"].to_numpy(dtype=float)
    end = np.cumsum(amounts)
    total = float(amounts.sum())
    bars = pd.DataFrame(
        {
            "part": [translated(str(part)) for part in (*parts["part"], TOTAL)],
            "start": [*(end - amounts), 0.0],
            "end": [*end, total],
            "money": [*amounts, total],
            "share": [*parts["share_of_before"], float(parts["share_of_before"].sum())],
        }
    )
    digits = decimals(bars["money"])
    bars["kind"] = [*np.where(amounts < 0, "loss", "gain"), "total"]
    bars["zero"] = 0.0
    bars["text"] = [
        say("{n} ({share})", n=money(amount, digits, plus=True), share=share(of, plus=True))
        for amount, of in zip(bars["money"], bars["share"], strict=True)
    ]
    return bars
