"""Acquisition cohorts come in; sentences, rows and drawings of retention and value go out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd
from markupsafe import Markup

from duramen.analysis.acquisition_cohorts import LEAST_CUSTOMERS
from duramen.analysis.counted import counted
from duramen.analysis.joined import in_a_row
from duramen.data.money_unit import unit_in_words
from duramen.language import say
from duramen.report.charts import LABEL, finish, in_both_widths
from duramen.report.numbers import count, decimals, money, per_cent, rows, sentence_of, spaced

if TYPE_CHECKING:
    from duramen.analysis.acquisition_cohorts import AcquisitionCohorts

# Pixels: least width of a cell with its share written inside, and with its unit; and the names of cohorts.
ROOM_FOR_SHARE, ROOM_FOR_UNIT = 24, 40
ROOM_FOR_NAMES = 90
SINCE_FIRST = {
    "month": lambda: say("months since that of the first purchase"),
    "quarter": lambda: say("quarters since that of the first purchase"),
}
WITH_FIRST = {
    "month": lambda: say("months, that of the first purchase included"),
    "quarter": lambda: say("quarters, that of the first purchase included"),
}


@dataclass(frozen=True)
class CohortSection:
    """What the page says of acquisition cohorts.

    Parameters
    ----------
    retention_title : str
        How many buy again.
    value_title : str
        What a customer of the newest comparable cohort brought, beside an older one.
    payback : str
        How many cohorts have paid back their cost.
    notes : list of str
        What a reader has to know.
    retention_drawn, value_drawn : Markup or None
        The triangle of retention, None where no later period is complete; and the curves of cumulative value of cohorts
        of new customers, None where no two of them can be compared.
    cohorts : list of dict
        The cohorts as rows of the page.
    """

    retention_title: str
    value_title: str
    payback: str
    notes: list[str]
    retention_drawn: Markup | None
    value_drawn: Markup | None
    cohorts: list[dict[str, Any]]


def cohort_section(found: AcquisitionCohorts) -> CohortSection:
    """Return retention and value of acquisition cohorts, and their drawings.

    Parameters
    ----------
    found : AcquisitionCohorts

    Returns
    -------
    CohortSection
    """
    found = replace(found, triangle=_named(found.triangle), cohorts=_named(found.cohorts))
    complete = found.triangle[found.triangle["complete"]]
    later = complete[complete["age"] > 0]
    # Cohorts with customers of before the data are not comparable, and far above the others.
    early = found.cohorts.loc[found.cohorts["left_censored"], "cohort"]
    comparable = complete[~complete["cohort"].isin(early)]
    named, value_title = _compared(found, complete)
    retention_title = _retention_title(found)
    costs = found.cohorts["acquisition_cost"].dropna().unique()
    cost = float(costs[0]) if len(costs) == 1 else None
    unit = say("{unit} per customer of the cohort", unit=unit_in_words(found.unit))
    retention_drawn = value_drawn = None
    if len(named) > 1:
        value_drawn = in_both_widths(
            lambda width: value_curves(comparable, named, found.period, unit, cost, width), value_title
        )
    if not later.empty:
        retention_drawn = in_both_widths(
            lambda width: retention_triangle(later, found.period, width), retention_title
        )
    return CohortSection(
        retention_title=retention_title,
        value_title=value_title,
        payback=sentence_of(found.payback_sentence),
        notes=[sentence_of(note) for note in found.notes],
        retention_drawn=retention_drawn,
        value_drawn=value_drawn,
        cohorts=rows(found.cohorts, "cumulative_per_customer", "acquisition_cost", "net_of_cost"),
    )


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the names of its cohorts as the page writes months and quarters."""
    return table.assign(cohort=[spaced(str(name)) for name in table["cohort"]])


def _retention_title(found: AcquisitionCohorts) -> str:
    """Return how many buy again, or what the figure shows while that is not known."""
    complete = found.triangle["complete"] & (found.triangle["age"] > 0)
    if len(found.known_ages) or not complete.any():
        return sentence_of(found.retention_sentence)
    shown = say(
        "The figure shows all customers by their first purchase in the orders; some may have bought before."
    )
    return sentence_of(in_a_row([found.retention_sentence, shown]))


def _compared(found: AcquisitionCohorts, complete: pd.DataFrame) -> tuple[list[str], str]:
    """Return the oldest and the newest comparable cohort, and what a customer of each brought at the same age."""
    cohorts = found.cohorts
    new_customers = cohorts[
        cohorts["complete"] & ~cohorts["left_censored"] & (cohorts["customers"] >= LEAST_CUSTOMERS)
    ]
    able, long = (new_customers[new_customers["complete_periods"] >= least] for least in (2, 3))
    able = able if len(long) < 2 else long
    if len(able) < 2:
        return list(able["cohort"]), say(
            "Fewer than two cohorts of at least {least} new customers have {periods} complete: what customers of "
            "different cohorts bring cannot be compared yet.",
            least=LEAST_CUSTOMERS,
            periods=counted(2, found.period),
        )
    old, new = able["cohort"].iloc[[0, -1]]
    periods = int(able["complete_periods"].iloc[-1])
    at = complete[complete["age"] == periods - 1].set_index("cohort")["cumulative_per_customer"]
    sizes = able.set_index("cohort")["customers"]
    then, now = float(at[old]), float(at[new])
    digits = decimals([then, now])
    return [old, new], say(
        "A customer acquired in {new} ({new_size} customers) brought {now} {unit} in the first {periods}, one acquired "
        "in {old} ({old_size}) {then}.",
        new=new,
        new_size=count(sizes[new]),
        now=money(now, digits),
        unit=unit_in_words(found.unit),
        periods=counted(periods, found.period),
        old=old,
        old_size=count(sizes[old]),
        then=money(then, digits),
    )


def retention_triangle(cells: pd.DataFrame, period: str, width: int) -> alt.LayerChart:
    """Draw the share of each cohort who bought in each later period, coloured more strongly where more did.

    Parameters
    ----------
    cells : DataFrame
        ``cohort``, ``age`` (periods, above 0) and ``retention`` (share of one), the oldest cohort first.
    period : str
        Name of a period.
    width : int
        Width of the drawing, pixels.

    Returns
    -------
    LayerChart
    """
    ages = int(cells["age"].nunique())
    room = (width - ROOM_FOR_NAMES) / ages
    unit = per_cent() if room >= ROOM_FOR_UNIT else ""
    frame = cells[["cohort", "age", "retention"]].assign(
        text=[f"{100 * part:.0f}{unit}" for part in cells["retention"]]
    )
    every = max(1, -(-ages // (12 if width > 500 else 6)))
    x = alt.X(
        "age:O",
        axis=alt.Axis(
            title=SINCE_FIRST[period](),
            labelAngle=0,
            grid=False,
            orient="top",
            labelExpr=f"(datum.value - 1) % {every} == 0 ? datum.value : ''",
        ),
    )
    y = alt.Y(
        "cohort:N",
        sort=None,
        axis=alt.Axis(title=say("first purchase"), labelColor="var(--ink)", labelLimit=0),
    )
    top = max(float(frame["retention"].max()), 0.01)
    # Styles of the page cannot be blended by the renderer, so that one colour is drawn more or less opaque.
    opacity = alt.Opacity("retention:Q", scale=alt.Scale(domain=[0, top], range=[0.04, 0.62]), legend=None)
    base = alt.Chart(frame)
    layers = [
        base.mark_rect(color="var(--heart)", stroke="var(--paper)", strokeWidth=1).encode(
            x=x, y=y, opacity=opacity
        )
    ]
    if room >= ROOM_FOR_SHARE:
        layers.append(base.mark_text(fontSize=LABEL - 1, color="var(--ink)").encode(x=x, y=y, text="text:N"))
    return finish(layers, width, 24 * int(frame["cohort"].nunique()))


def value_curves(
    cells: pd.DataFrame, named: list[str], period: str, unit: str, cost: float | None, width: int
) -> alt.LayerChart:
    """Draw the cumulative money per customer of each cohort, two of them named.

    Parameters
    ----------
    cells : DataFrame
        ``cohort``, ``age`` (periods) and ``cumulative_per_customer`` (money).
    named : list of str
        The cohorts to name, of which the last is drawn strongest.
    period : str
        Name of a period.
    unit : str
        What the vertical axis counts.
    cost : float or None
        Cost to acquire a customer, drawn as a line.
    width : int
        Width of the drawing, pixels.

    Returns
    -------
    LayerChart
    """
    frame = cells[["cohort", "age", "cumulative_per_customer"]].rename(
        columns={"cumulative_per_customer": "value"}
    )
    frame["age"] += 1
    ages = int(frame["age"].max())
    x = alt.X(
        "age:Q",
        axis=alt.Axis(
            title=WITH_FIRST[period](),
            values=list(range(1, ages + 1, max(1, ages // 6))),
            grid=False,
        ),
        scale=alt.Scale(domain=[1, ages + (0.12 if width > 500 else 0.3) * ages], nice=False),
    )
    top = max(float(frame["value"].max()), cost or 0.0)
    y = alt.Y(
        "value:Q",
        axis=alt.Axis(title=unit, format=",~r" if top < 1000 else ",.0f", tickCount=5),
        scale=alt.Scale(domain=[min(0.0, float(frame["value"].min())), 1.05 * top], nice=False),
    )
    others = alt.Chart(frame)
    layers = [
        others.mark_line(color="var(--muted)", strokeWidth=1, opacity=0.6).encode(
            x=x, y=y, detail="cohort:N"
        ),
        others.mark_point(filled=True, size=16, color="var(--muted)", opacity=0.6).encode(x=x, y=y),
    ]
    for cohort in named:
        own = frame[frame["cohort"] == cohort]
        colour = "var(--heart)" if cohort == named[-1] else "var(--ink)"
        layers += [
            alt.Chart(own).mark_line(color=colour, strokeWidth=2.5).encode(x=x, y=y),
            alt.Chart(own.tail(1))
            .mark_text(align="left", dx=6, fontSize=LABEL, fontWeight="bold", color=colour)
            .encode(x=x, y=y, text="cohort:N"),
        ]
    if cost is not None:
        line = alt.Chart(pd.DataFrame({"value": [cost], "age": [ages], "text": [say("cost")]}))
        layers += [
            line.mark_rule(color="var(--muted)", strokeDash=[3, 4]).encode(y=y),
            line.mark_text(align="left", dx=6, dy=-8, fontSize=LABEL, color="var(--muted)").encode(
                x=x, y=y, text="text:N"
            ),
        ]
    return finish(layers, width, 300 if width > 500 else 260)
