"""The structure of a customer base over periods comes in; sentences, rows and drawings of it go out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd
from markupsafe import Markup

from duramen.analysis.base_health import BaseHealth
from duramen.analysis.base_structure import CORE
from duramen.analysis.counted import counted
from duramen.report.charts import finish, in_both_widths, percent
from duramen.report.numbers import count, day, decimals, money, rows, sentence_of, share

if TYPE_CHECKING:
    from duramen.analysis.base_structure import BaseStructure

MONEY_COLUMNS = ("money", "returns_of_others", "average_value", "core_money", "core_from")


@dataclass(frozen=True)
class StructureSection:
    """What the page says of the structure of the customer base.

    Parameters
    ----------
    verdict : str
        Whether the base became healthier, with the figures.
    dependence : str
        How far it depends on single customers.
    flows : str
        Who came into the core and left it between the last two periods, and their money.
    average_title, core_title : str
        What the two drawings show.
    average_drawn, core_drawn : Markup
        Average value per customer, and core share, by period.
    periods, losses : list of dict
        The periods, and what the loss of the largest customers would cost, as rows of the page.
    """

    verdict: str
    dependence: str
    flows: str
    average_title: str
    core_title: str
    average_drawn: Markup
    core_drawn: Markup
    periods: list[dict[str, Any]]
    losses: list[dict[str, Any]]


def structure_section(structure: BaseStructure) -> StructureSection:
    """Return the verdict on a customer base, its periods and their drawings.

    Parameters
    ----------
    structure : BaseStructure

    Returns
    -------
    StructureSection
    """
    periods = structure.periods
    known = periods.dropna(subset="average_value")
    health = structure.health
    last = known.iloc[-1]
    average = core = "change not known"
    first = known.iloc[0]
    if isinstance(health, BaseHealth):
        average, core = health.average_value.direction, health.core_share.direction
        first = known[known["start"] == pd.Timestamp(health.before)].iloc[0]
    digits = decimals(known["average_value"])
    since, until = day(first["start"]), day(last["start"])
    average_title = (
        f"Average value per customer: {average}, {money(last['average_value'], digits)} {structure.unit} in the "
        f"{counted(structure.days, 'day')} from {until}, after {money(first['average_value'], digits)} in those from "
        f"{since}"
    )
    size = money(structure.core_size, decimals([structure.core_size]))
    core_title = (
        f"Share of money from customers who bring at least {size} {structure.unit} in "
        f"{counted(structure.days, 'day')}: {core}, {share(last['core_share'])} in those from {until}, after "
        f"{share(first['core_share'])} in those from {since}"
    )
    title = f"{structure.unit} per customer"
    return StructureSection(
        verdict=sentence_of(str(structure.health)),
        dependence=sentence_of(str(structure.dependence)),
        flows=_core_flows(structure),
        average_title=average_title,
        core_title=core_title,
        average_drawn=in_both_widths(
            lambda width: average_curve(known, title, structure.days, width), average_title + "."
        ),
        core_drawn=in_both_widths(lambda width: core_curve(known, structure.days, width), core_title + "."),
        periods=rows(periods, *MONEY_COLUMNS),
        losses=rows(structure.dependence.losses, "money", "money_left", "average_left"),
    )


def _core_flows(structure: BaseStructure) -> str:
    """Return who came into the core and left it between the last two periods."""
    flows = structure.flows[structure.flows["start"] == structure.periods["start"].iloc[-1]]
    into = flows[(flows["to"] == CORE) & (flows["from"] != CORE)]
    out = flows[(flows["from"] == CORE) & (flows["to"] != CORE)]
    digits = decimals([into["money_now"].sum(), out["money_before"].sum()])
    entered, left = (money(amount, digits) for amount in (into["money_now"].sum(), out["money_before"].sum()))
    return (
        f"Since the {structure.days} days before, {counted(into['customers'].sum(), 'customer')} entered the core and "
        f"{count(out['customers'].sum())} left it. Those who entered bring {entered} {structure.unit} now; those who "
        f"left brought {left} {structure.unit} before."
    )


def average_curve(periods: pd.DataFrame, title: str, days: int, width: int) -> alt.LayerChart:
    """Draw the average value per customer by period.

    Parameters
    ----------
    periods : DataFrame
        ``start`` (date) and ``average_value`` (money).
    title : str
        What the vertical axis counts.
    days : int
        Length of a period.
    width : int
        Width of the drawing, pixels.

    Returns
    -------
    LayerChart
    """
    top = float(periods["average_value"].max())
    low = min(0.0, float(periods["average_value"].min()))
    axis = alt.Axis(title=title, format=",~r" if top < 1000 else ",.0f", tickCount=5)
    y = alt.Y("average_value:Q", axis=axis, scale=alt.Scale(domain=[low, 1.05 * top], nice=False))
    return _by_period(periods, y, days, width)


def core_curve(periods: pd.DataFrame, days: int, width: int) -> alt.LayerChart:
    """Draw the share of money from customers of core size by period.

    Parameters
    ----------
    periods : DataFrame
        ``start`` (date) and ``core_share`` (share of one).
    days : int
        Length of a period.
    width : int
        Width of the drawing, pixels.

    Returns
    -------
    LayerChart
    """
    y = percent("core_share", "share of money", alt.Y, domain=[0, 1])
    return _by_period(periods, y, days, width)


def _by_period(periods: pd.DataFrame, y: alt.Y, days: int, width: int) -> alt.LayerChart:
    """Draw a figure as a line through the periods, each at its first day."""
    axis = alt.Axis(
        title=f"period of {days} days, from", format="%b %Y", tickCount=8 if width > 500 else 3, grid=False
    )
    x = alt.X("start:T", axis=axis, scale=alt.Scale(nice=False, padding=12))
    base = alt.Chart(periods[["start", "average_value", "core_share"]])
    return finish(
        [
            base.mark_line(color="var(--heart)", strokeWidth=2).encode(x=x, y=y),
            base.mark_point(
                filled=True, size=70, color="var(--heart)", stroke="var(--paper)", strokeWidth=1.5, opacity=1
            ).encode(x=x, y=y),
        ],
        width,
        200,
    )
