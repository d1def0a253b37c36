"""A ranking comes in; the rows and the drawing of its map of value and growth go out."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

import altair as alt
import pandas as pd
from markupsafe import Markup

from duramen.analysis.joined import in_a_row
from duramen.analysis.value_growth_cells import value_growth_cells
from duramen.forecast.direction import STEADY_WITHIN
from duramen.language import say, translated
from duramen.report import numbers
from duramen.report.charts import finish, in_both_widths, percent
from duramen.report.groups import share_pairs
from duramen.scoring.value_growth import (
    CORE_DECLINING,
    CORE_GROWING,
    CORE_STEADY,
    REST,
    RISING,
    value_growth_map,
)

COLOURS = {
    CORE_GROWING: "var(--good)", CORE_STEADY: "var(--line)", CORE_DECLINING: "var(--heart)", RISING: "var(--open)",
    REST: "var(--sap)",
}  # fmt: skip


@dataclass(frozen=True)
class ValueGrowthSection:
    """What the page says of value and growth.

    Parameters
    ----------
    sentence : str
    together : str
        How far the forecast of all customers together is from their past rates, and what of it is the season.
    finding : str
        Which part of the value the declining core customers have.
    rows : list of dict
        Rows of ``value_growth_map`` with money as text.
    key : list of tuple
        Name and colour of each place on the map.
    drawn : Markup or None
        The share of customers and of value of each place; None where no value is above 0.
    map : Markup or None
        Customers by predicted value and growth; None where no value is above 0.
    """

    sentence: str
    together: str
    finding: str
    rows: list[dict[str, Any]]
    key: list[tuple[str, str]]
    drawn: Markup | None
    map: Markup | None


def value_growth_section(ranking: pd.DataFrame, unit: str, season: float | None = None) -> ValueGrowthSection:
    """Return the map of value and growth of a ranking.

    Parameters
    ----------
    ranking : pandas.DataFrame
        What ``rank_core_customers`` returns.
    unit : str
        Unit of money.
    season : float, optional
        By which share the season of the horizon changes the forecast of all customers, where it is known.
    """
    table = value_growth_map(ranking)
    rows = numbers.rows(table, "past_value", "predicted_value")
    for row, change in zip(rows, table["change"], strict=True):
        row["quadrant"] = translated(str(row["quadrant"]))
        row["change"] = numbers.share(change, 0, plus=True) if pd.notna(change) else numbers.DASH
    growing, steady, declining, rising, _ = map(numbers.count, table["customers"])
    sentence = say(
        "{growing} core customers are forecast to spend at least a tenth more than at their own past rate, {declining} "
        "at least a tenth less, and {steady} about as much; {rising} customers outside the core are in the rising "
        "tier.",
        growing=growing,
        steady=steady,
        declining=declining,
        rising=rising,
    )
    names = {
        "quadrant": "name",
        "share_of_customers": "customers_share",
        "share_of_value": "value_share",
    }
    losing = table.set_index("quadrant")[["share_of_customers", "share_of_value"]].astype(float)
    finding = say(
        "Core customers who are forecast to spend at least a tenth less are {share} of customers and {value_share} of "
        "predicted value.",
        share=numbers.share(losing["share_of_customers"][CORE_DECLINING]),
        value_share=numbers.share(losing["share_of_value"][CORE_DECLINING]),
    )
    cells = value_growth_cells(ranking)
    return ValueGrowthSection(
        sentence,
        _together(table["past_value"].sum(), table["predicted_value"].sum(), season),
        finding,
        rows,
        [(translated(name), colour) for name, colour in COLOURS.items()],
        share_pairs(table.rename(columns=names).assign(name=table["quadrant"].map(translated))),
        None if cells.empty else in_both_widths(lambda width: map_chart(cells, unit, width), sentence),
    )


def _together(past: float, predicted: float, season: float | None) -> str:
    """Return how far the forecast of all customers is from their past rates, and what of it is the season."""
    if past <= 0:
        return ""
    change = predicted / past - 1
    share = numbers.share(abs(change), 0)
    if not round(100 * change):
        text = say("All customers together are forecast to spend as much as at their past rates.")
    elif change < 0:
        text = say("All customers together are forecast {share} below their past rates.", share=share)
    else:
        text = say("All customers together are forecast {share} above their past rates.", share=share)
    if season is None or not round(100 * season):
        return text
    values = {
        "share": numbers.share(abs(season), 0),
        "without": numbers.share((1 + change) / (1 + season) - 1, 0, plus=True),
    }
    if season < 0:
        part = say(
            "The season of the forecast days lowers every forecast by {share}; without it, the difference would be "
            "{without}.",
            **values,
        )
    else:
        part = say(
            "The season of the forecast days raises every forecast by {share}; without it, the difference would be "
            "{without}.",
            **values,
        )
    return in_a_row([text, part])


def map_chart(cells: pd.DataFrame, unit: str, width: int) -> alt.LayerChart:
    """Draw customers by predicted value and growth, larger where there are more of them.

    Parameters
    ----------
    cells : pandas.DataFrame
        What ``value_growth_cells`` returns.
    unit : str
        Unit of money.
    width : int
        Width of the drawing, pixels.
    """
    title = say("predicted value, {unit}, logarithmic", unit=unit)
    low, high = floor(log10(cells["value"].min())), ceil(log10(cells["value"].max()))
    # Cells lie between powers of ten; where there are few of these, 2 and 5 times them are named too.
    named = (1,) if high - low > 2 else (1, 2, 5)
    ticks = [digit * 10.0**power for power in range(low, high + 1) for digit in named]
    x = alt.X(
        "value:Q",
        scale=alt.Scale(type="log", nice=False, padding=12, domain=[10.0**low, 10.0**high])
        if high - low < 2
        else alt.Scale(type="log", nice=False, padding=12),
        axis=alt.Axis(
            title=title, format=",~r", values=ticks, labelOverlap=True, labelBound=True, grid=False
        ),
    )
    y = percent("growth", say("growth against the past rate"), alt.Y, padding=10)
    size = alt.Size(
        "customers:Q", scale=alt.Scale(type="sqrt", range=[14, 420 if width > 500 else 200]), legend=None
    )
    colour = alt.Color(
        "quadrant:N", scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())), legend=None
    )
    steady = alt.Chart(pd.DataFrame({"growth": [-STEADY_WITHIN, STEADY_WITHIN]}))
    band = steady.mark_rule(color="var(--muted)", strokeDash=[3, 4])
    points = alt.Chart(cells).mark_point(filled=True, opacity=0.75).encode(x=x, y=y, size=size, color=colour)
    return finish([band.encode(y=y), points], width, 320 if width > 500 else 280)
