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
from duramen.analysis.joined import in_a_row
from duramen.data.money_unit import unit_in_words
from duramen.language import say
from duramen.report.charts import finish, in_both_widths, percent
from duramen.report.numbers import count, day, decimals, money, rows, sentence_of, share

if TYPE_CHECKING:
    from duramen.analysis.base_structure import BaseStructure

MONEY_COLUMNS = ("revenue", "money", "returns_of_others", "average_value", "core_money", "core_from")


@dataclass(frozen=True)
class StructureSection:
    """What the page says of the structure of the customer base.

    Parameters
    ----------
    verdict : str
        Whether the base became healthier, with the figures.
    dependence : str
        How far it depends on single customers.
    comparisons : str
        Why revenue changed by another share since a year before than since the period before; empty where only one of
        them is known.
    flows : str
        How many entered the core and left it between the last two periods, and their money.
    average_title, core_title : str
        What the two drawings show.
    average_drawn, core_drawn : Markup
        Average value per customer, and core share, by period.
    reading : str
        How the table of periods is read.
    periods, losses : list of dict
        The periods with their ``revenue``, and what the loss of the largest customers would cost, as rows of the page.
    """

    verdict: str
    dependence: str
    comparisons: str
    flows: str
    average_title: str
    core_title: str
    average_drawn: Markup
    core_drawn: Markup
    reading: str
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
    average = core = say("change not known")
    first = known.iloc[0]
    if isinstance(health, BaseHealth):
        average, core = say(health.average_value.direction), say(health.core_share.direction)
        first = known[known["start"] == pd.Timestamp(health.before)].iloc[0]
    digits = decimals(known["average_value"])
    unit, length = unit_in_words(structure.unit), counted(structure.days, "day")
    both = {"since": day(first["start"]), "until": day(last["start"]), "days": length, "unit": unit}
    average_title = say(
        "Average value per customer: {direction}, {now} {unit} in the {days} from {until}, after {then} in those from "
        "{since}.",
        direction=average,
        now=money(last["average_value"], digits),
        then=money(first["average_value"], digits),
        **both,
    )
    core_title = say(
        "Share of money from customers who bring at least {size} {unit} in {days}: {direction}, {now} in those from "
        "{until}, after {then} in those from {since}.",
        size=money(structure.core_size, decimals([structure.core_size])),
        direction=core,
        now=share(last["core_share"]),
        then=share(first["core_share"]),
        **both,
    )
    title = say("{unit} per customer", unit=unit)
    periods = periods.assign(revenue=periods["money"] + periods["returns_of_others"])
    return StructureSection(
        verdict=sentence_of(str(structure.health)),
        dependence=sentence_of(str(structure.dependence)),
        comparisons=_comparisons(periods.set_index("start")["revenue"], structure),
        flows=_core_flows(structure),
        average_title=average_title,
        core_title=core_title,
        average_drawn=in_both_widths(
            lambda width: average_curve(known, title, structure.days, width), average_title
        ),
        core_drawn=in_both_widths(lambda width: core_curve(known, structure.days, width), core_title),
        reading=_reading(structure),
        periods=rows(periods, *MONEY_COLUMNS),
        losses=rows(structure.dependence.losses, "money", "money_left", "average_left"),
    )


def _comparisons(revenue: pd.Series[float], structure: BaseStructure) -> str:
    """Return why the change since a year before is another than that since the period before."""
    health = structure.health
    if isinstance(health, str) or not health.same_season or pd.Timestamp(health.before) == revenue.index[-2]:
        return ""
    now, before, year_before = revenue.iloc[-1], revenue.iloc[-2], revenue[pd.Timestamp(health.before)]
    if min(before, year_before) <= 0:
        return ""
    digits = decimals([now, before, year_before])
    return say(
        "Revenue changed by {year} compared with the same season a year before ({now} {unit} after {then}), and by "
        "{change} compared with the {days} just before. The two differ because the {days} just before are another "
        "season. The section on why revenue changed explains the second; where it takes the season out, what is left "
        "is the change between these two periods, not the change over a year.",
        year=share(now / year_before - 1, plus=True),
        now=money(now, digits),
        then=money(year_before, digits),
        unit=unit_in_words(structure.unit),
        days=counted(structure.days, "day"),
        change=share(now / before - 1, plus=True),
    )


def _reading(structure: BaseStructure) -> str:
    """Return how the table of periods is read, and why its averages leave a part of the revenue out."""
    reading = say(
        "Each period. The core is the smallest set of customers that brought 80\u202f% of its money."
    )
    returns = structure.periods["returns_of_others"]
    if not returns.round(2).any():
        return sentence_of(reading)
    last = float(returns.iloc[-1])
    others = say(
        "Revenue includes the returns of customers who did not buy in the period ({money} {unit} in the last one); "
        "averages and shares leave them out.",
        money=money(last, decimals([last])),
        unit=unit_in_words(structure.unit),
    )
    return sentence_of(in_a_row([reading, others]))


def _core_flows(structure: BaseStructure) -> str:
    """Return how many entered the core and left it between the last two periods."""
    flows = structure.flows[structure.flows["start"] == structure.periods["start"].iloc[-1]]
    into = flows[(flows["to"] == CORE) & (flows["from"] != CORE)]
    out = flows[(flows["from"] == CORE) & (flows["to"] != CORE)]
    digits = decimals([into["money_now"].sum(), out["money_before"].sum()])
    entered, left = (money(amount, digits) for amount in (into["money_now"].sum(), out["money_before"].sum()))
    return say(
        "Since the {before} before, {entered} entered the core and {left} left it. Those who entered bring "
        "{money_entered} {unit} now; those who left brought {money_left} {unit} before.",
        before=counted(structure.days, "day"),
        entered=counted(into["customers"].sum(), "customer"),
        left=count(out["customers"].sum()),
        money_entered=entered,
        money_left=left,
        unit=unit_in_words(structure.unit),
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
    y = percent("core_share", say("share of money"), alt.Y, domain=[0, 1])
    return _by_period(periods, y, days, width)


def _by_period(periods: pd.DataFrame, y: alt.Y, days: int, width: int) -> alt.LayerChart:
    """Draw a figure as a line through the periods, each at its first day."""
    axis = alt.Axis(
        title=say("period of {days} days, from", days=days),
        format="%Y-%m",
        tickCount=8 if width > 500 else 3,
        grid=False,
        labelOverlap=True,
        labelSeparation=8,
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
