"""The parts of a change of revenue come in; the drawing of how they lead from before to after goes out."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd
from markupsafe import Markup

from duramen.errors import InputError
from duramen.report.charts import LABEL, finish, in_both_widths
from duramen.report.numbers import decimals, money, share

TOTAL = "change of revenue"
# Height of a row in pixels, and the mean width of a letter.
ROW, LETTER = 30, 6.8


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
    moved = "fell" if change < 0 else "rose"
    title = f"Revenue {moved} by {money(abs(change), digits)} {unit}"
    if change and len(sides):
        largest = int(sides["money"].abs().to_numpy().argmax())
        part, most = sides["part"].iloc[largest], float(sides["money"].iloc[largest])
        title += f"; the largest part is {part} ({money(most, digits, plus=True)} {unit})"
    return WaterfallSection(title, in_both_widths(lambda width: waterfall_chart(parts, width), f"{title}."))


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
        losses are filled in the stronger colour. The last bar is the whole change.

    Raises
    ------
    InputError
        If there is no part to draw.
    """
    if parts.empty:
        raise InputError("there are no parts to draw; give the parts of a change of revenue.")
    bars = _bars(parts)
    low, high = float(bars[["start", "end"]].min().min()), float(bars[["start", "end"]].max().max())
    letters = int(bars["text"].str.len().max())
    names = min(int(bars["part"].str.len().max()) * LETTER, width / 2)
    # The text beside the outermost bar needs room inside the drawing.
    plot = max(width - names - 20, 60)
    room = min(letters * LETTER / plot, 0.75)
    span = max(high - low, 1e-9) / (1 - room)
    scale = alt.Scale(domain=[low, low + span], nice=False)
    x, right = (alt.X(f"{place}:Q", axis=None, scale=scale) for place in ("start", "right"))
    y = alt.Y(
        "part:N",
        sort=bars["part"].tolist(),
        axis=alt.Axis(title=None, labelColor="var(--ink)", labelFontSize=13, labelLimit=0),
    )
    zero = alt.Chart(pd.DataFrame({"start": [0.0]})).mark_rule(color="var(--muted)", strokeDash=[3, 4])
    layers = [zero.encode(x=x)]
    for kind, colour in (("loss", "var(--heart)"), ("gain", "var(--sap)"), ("total", "var(--ink)")):
        chosen = bars[bars["kind"] == kind]
        if len(chosen):
            mark = alt.Chart(chosen).mark_bar(color=colour, height=16)
            layers.append(mark.encode(x=x, x2="end:Q", y=y))
    words = alt.Chart(bars).mark_text(align="left", dx=8, fontSize=LABEL, color="var(--muted)")
    layers.append(words.encode(x=right, y=y, text="text:N"))
    return finish(layers, width, ROW * len(bars))


def _bars(parts: pd.DataFrame) -> pd.DataFrame:
    """Return where each bar starts and ends, and what is written beside it."""
    amounts = parts["money"].to_numpy(dtype=float)
    end = np.cumsum(amounts)
    total = float(amounts.sum())
    bars = pd.DataFrame(
        {
            "part": [*parts["part"], TOTAL],
            "start": [*(end - amounts), 0.0],
            "end": [*end, total],
            "money": [*amounts, total],
            "share": [*parts["share_of_before"], float(parts["share_of_before"].sum())],
        }
    )
    digits = decimals(bars["money"])
    bars["kind"] = [*np.where(amounts < 0, "loss", "gain"), "total"]
    bars["right"] = bars[["start", "end"]].max(axis=1)
    bars["text"] = [
        f"{money(amount, digits, plus=True)} ({share(of, plus=True)})"
        for amount, of in zip(bars["money"], bars["share"], strict=True)
    ]
    return bars
