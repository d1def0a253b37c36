"""A table of flows between the groups of two cutoffs comes in; its Sankey drawing goes out. Called by the report.

The left bars are the groups of the earlier cutoff and the right ones those of the later, as high as they have
customers; a band between them is as thick as the customers who went there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from duramen.analysis.migration import GONE, NEW
from duramen.errors import InputError
from duramen.language import say
from duramen.report.charts import LABEL, finish, text_width, wrapped
from duramen.report.numbers import count, probability

# In pixels: width of a bar, space between bar and label, least space between two labels, height of a line of a label,
# mean width of a letter, and height of all customers together.
BAR, BESIDE, BETWEEN, LINE, LETTER, ALL = 9, 8, 8, 16, 6.8, 240
MOST_LINES = 4
# A band of one customer among thousands is still visible.
THINNEST = 0.5
# Points along the edge of a band, joined by curves; those near the ends keep the ends level.
ALONG = (0.0, 0.1, 0.9, 1.0)
# Colour and opacity of each kind of band, in the order in which they are drawn.
LOOKS = {"outside": ("var(--muted)", 0.3), "stayed": ("var(--sap)", 0.7), "moved": ("var(--heart)", 0.35)}


@dataclass(frozen=True)
class _Bar:
    """A group on one side: its position, and the lines of its label, the last of which has its figures."""

    name: str
    lines: list[str]
    top: float
    bottom: float

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


def sankey_chart(
    table: pd.DataFrame, width: int, outside: tuple[str, ...] = (NEW, GONE), first: Sequence[str] = ()
) -> alt.LayerChart:
    """Draw how many customers went from which group to which.

    Parameters
    ----------
    table : DataFrame
        ``from``, ``to`` and ``customers``, as ``segment_transitions`` returns them. Groups are drawn from
        above in the order in which the table names them first.
    width : int
        Width of the drawing, pixels.
    outside : tuple of str
        Names for customers of one cutoff only, which are drawn below the others with faint bands.
    first : sequence of str
        Groups in the order in which they are drawn; others follow in the order of the table.

    Returns
    -------
    LayerChart
        Bands of customers who stayed in their group have another colour than those of customers who changed it.

    Raises
    ------
    InputError
        If there is no flow to draw.
    """
    drawn = table.loc[table["customers"] > 0, ["from", "to", "customers"]]
    if drawn.empty:
        raise InputError("there are no customers in the table of flows; give one with at least one flow.")
    drawn = drawn.astype({"from": str, "to": str, "customers": float})
    order = list(dict.fromkeys([*first, *drawn["from"], *drawn["to"]]))
    order.sort(key=lambda name: name in outside)  # the sort is stable
    most = 0.27 * width if width > 500 else 0.31 * width
    letters = max(int((most - BAR - BESIDE) / LETTER), 8)
    sides = [_labelled(drawn, side, order, letters) for side in ("from", "to")]
    longest = max(text_width(line) for side in sides for _, lines in side.values() for line in lines)
    room = min(most, longest * LETTER + BAR + BESIDE)
    height = max(sum(_slots(side)) for side in sides)
    left, right = (_placed(side, height) for side in sides)
    layers = [
        *_bands(drawn, left, right, (room, width - room), outside),
        _bars([*_at(left, room - BAR), *_at(right, width - room)]),
        *_words(left, room - BAR - BESIDE, "right"),
        *_words(right, width - room + BAR + BESIDE, "left"),
    ]
    across, down = alt.Scale(domain=[0, width], nice=False), alt.Scale(domain=[height, 0], nice=False)
    encoded = [
        layer.encode(x=alt.X("x:Q", axis=None, scale=across), y=alt.Y("y:Q", axis=None, scale=down))
        for layer in layers
    ]
    return finish(encoded, width, round(height))


def _labelled(
    drawn: pd.DataFrame, side: str, order: list[str], letters: int
) -> dict[str, tuple[float, list[str]]]:
    """Return the thickness of each group of a side, and the lines of its label."""
    customers = {str(name): float(number) for name, number in drawn.groupby(side)["customers"].sum().items()}
    total = sum(customers.values())
    labelled = {}
    for name in order:
        if name in customers:
            words = wrapped(name, letters, MOST_LINES)
            figures = say(
                "{n} ({share})", n=count(customers[name]), share=probability(customers[name] / total)
            )
            labelled[name] = (ALL * customers[name] / total, [*words, figures])
    return labelled


def _slots(side: dict[str, tuple[float, list[str]]]) -> list[float]:
    """Return the height that each group needs: at least that of its label."""
    return [max(thick, LINE * len(lines)) + BETWEEN for thick, lines in side.values()]


def _placed(side: dict[str, tuple[float, list[str]]], height: float) -> list[_Bar]:
    """Return the bars of the groups spread over the height, each in the middle of its slot."""
    slots = _slots(side)
    spare = (height - sum(slots)) / len(slots)
    bars, start = [], 0.0
    for (name, (thick, lines)), slot in zip(side.items(), slots, strict=True):
        top = start + (slot + spare - thick) / 2
        bars.append(_Bar(name, lines, top, top + thick))
        start += slot + spare
    return bars


def _bands(
    drawn: pd.DataFrame,
    left: list[_Bar],
    right: list[_Bar],
    ends: tuple[float, float],
    outside: tuple[str, ...],
) -> list[alt.Chart]:
    """Return the bands, in one layer for each of ``LOOKS``."""
    leave, arrive = ({bar.name: bar.top for bar in side} for side in (left, right))
    along = np.array(ALONG)
    bend = along**2 * (3 - 2 * along)
    x = ends[0] + along * (ends[1] - ends[0])
    bands: dict[str, list[pd.DataFrame]] = {look: [] for look in LOOKS}
    scale = ALL / float(drawn["customers"].sum())
    customers = drawn.set_index(["from", "to"])["customers"].to_dict()
    # Bands leave and arrive in the order of the bars on the other side, so that few cross.
    for source in leave:
        for target in arrive:
            if (source, target) not in customers:
                continue
            thick = scale * customers[source, target]
            top = leave[source] + bend * (arrive[target] - leave[source])
            leave[source] += thick
            arrive[target] += thick
            look = "stayed" if source == target else "moved"
            look = "outside" if {source, target} & set(outside) else look
            band = f"{source} to {target}"
            seen = max(thick, THINNEST)
            bands[look].append(pd.DataFrame({"band": band, "x": x, "y": top, "bottom": top + seen}))
    return [
        alt.Chart(pd.concat(bands[look]).round(1))
        .mark_area(color=colour, opacity=opacity, interpolate="monotone")
        .encode(y2="bottom:Q", detail="band:N")
        for look, (colour, opacity) in LOOKS.items()
        if bands[look]
    ]


def _at(bars: list[_Bar], x: float) -> list[dict[str, float]]:
    # A group of one customer among thousands is still visible.
    return [{"x": x, "end": x + BAR, "y": bar.top, "bottom": max(bar.bottom, bar.top + 1)} for bar in bars]


def _bars(places: list[dict[str, float]]) -> Any:
    bars = alt.Chart(pd.DataFrame(places).round(1)).mark_rect(color="var(--ink)")
    return bars.encode(x2="end:Q", y2="bottom:Q")


def _words(bars: list[_Bar], x: float, align: Any) -> list[alt.Chart]:
    """Return each label centred at its bar, with its figures under the name."""
    lines = [
        {
            "x": x,
            "y": bar.middle + (line - (len(bar.lines) - 1) / 2) * LINE,
            "text": text,
            "colour": "var(--muted)" if line == len(bar.lines) - 1 else "var(--ink)",
        }
        for bar in bars
        for line, text in enumerate(bar.lines)
    ]
    return [
        alt.Chart(texts[["x", "y", "text"]].round(1))
        .mark_text(align=align, baseline="middle", fontSize=LABEL, color=str(colour))
        .encode(text="text:N")
        for colour, texts in pd.DataFrame(lines).groupby("colour")
    ]
