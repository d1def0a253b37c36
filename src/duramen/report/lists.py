"""Lists of customers to act on come in; their captions and rows for the page go out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

import pandas as pd

from duramen.analysis.joined import in_a_row
from duramen.analysis.lists import BELOW, RELEASED, CustomerLists
from duramen.language import Sentence, marked, say, say_count, translated
from duramen.report import numbers

NAMED = 10
NAMES = {
    "call": marked("Call"),
    "write_to": marked("Write to"),
    "win_back": marked("Win back"),
    "below_break_even": marked("Below break-even"),
    "rose": marked("Customers who rose"),
}


@dataclass(frozen=True)
class ListSection:
    """One list: its name, a caption that counts its customers and their money, and the first rows.

    Parameters
    ----------
    key : str
        One of ``NAMES``.
    caption : str
    rows : list of dict
    loss : bool
        Whether the list is ordered by expected loss.
    note : str
        Who is not on the list, and why.
    """

    key: str
    caption: str
    rows: list[dict[str, Any]]
    loss: bool = True
    note: str = ""

    @property
    def name(self) -> str:
        """Its name in words."""
        return translated(NAMES[self.key])


class ListInTable(NamedTuple):
    """A list that the table of customers can show by itself.

    Attributes
    ----------
    key : str
        One of ``NAMES``.
    ids : pandas.Series
        Its customers.
    sort : str
        The column by which they are shown.
    up : bool
        Whether the lowest is first.
    """

    key: str
    ids: pd.Series[str]
    sort: str
    up: bool


def lists_in_table(
    lists: CustomerLists, write_to: pd.DataFrame, rose: pd.DataFrame | None
) -> list[ListInTable]:
    """Return the lists that have customers; those below break-even with the last of the ranking first."""
    known = [
        ("call", lists.call, "expected_loss", False),
        ("write_to", write_to, "expected_loss", False),
        ("win_back", lists.win_back, "expected_loss", False),
        ("below_break_even", lists.below_break_even, "rank", False),
        ("rose", rose, "rank", True),
    ]
    return [
        ListInTable(key, table["customer_id"], sort, up)
        for key, table, sort, up in known
        if table is not None and not table.empty
    ]


def list_sections(
    lists: CustomerLists,
    write_to: pd.DataFrame,
    left_out: pd.DataFrame,
    unit: str,
    cutoff: date,
    gaps: pd.DataFrame | None = None,
) -> list[ListSection]:
    """Return the lists as sections of the page.

    Parameters
    ----------
    lists : CustomerLists
    write_to : pandas.DataFrame
        Customers who get an automated e-mail, in the columns of the call list.
    left_out : pandas.DataFrame
        What ``lapsed_left_out`` returns.
    unit : str
        Unit of money.
    cutoff : date
        The day from which the time since the last purchase is counted.
    gaps : pandas.DataFrame, optional
        ``CustomerDetails.gaps``.
    """
    no_mail = say("No customer whose treatment is an automated e-mail has money at stake.")
    back = _by_loss("win_back", lists.win_back, unit, say("No customer is on the win-back list."))
    sections = [
        _by_loss("call", lists.call, unit, say("No customer is on the call list.")),
        _by_loss("write_to", write_to, unit, no_mail),
        replace(back, note=_not_won_back(left_out, unit)),
        _below_break_even(lists.below_break_even, unit),
    ]
    for section in sections:
        for row in section.rows:
            row |= _last_purchase(row, cutoff, gaps)
    return sections


def _last_purchase(row: dict[str, Any], cutoff: date, gaps: pd.DataFrame | None) -> dict[str, str]:
    """Return the day of the last purchase and how long ago it was, beside the customer's usual time; or nothing."""
    last = row.get("last_purchase")
    if last is None:
        return {"last_purchase": "", "pause": ""}
    ago = say_count("{n} day ago", "{n} days ago", (pd.Timestamp(cutoff) - last).days)
    return {"last_purchase": numbers.day(last), "pause": _beside_usual(ago, row["customer_id"], gaps)}


def _beside_usual(ago: str, customer: Any, gaps: pd.DataFrame | None) -> str:
    if gaps is None or customer not in gaps.index:
        return ago
    repeats, gap = gaps.loc[customer, ["frequency", "gap_mean"]].tolist()
    if repeats == 0:
        return say("{ago}, the only purchase day", ago=ago)
    # One gap is not yet what is usual.
    if repeats == 1:
        return ago
    if round(gap) <= 1:
        return say("{ago}, usually every day", ago=ago)
    return say("{ago}, usually every {gap}", ago=ago, gap=say_count("{n} day", "{n} days", round(gap)))


def _by_loss(key: str, table: pd.DataFrame, unit: str, empty: str) -> ListSection:
    if table.empty:
        return ListSection(key, empty, [])
    first = _first(table, "predicted_value", "expected_loss")
    caption = say_count(
        "{n} customer; expected loss {loss} {unit}.",
        "The first {shown} of {n} customers with money at stake; expected loss of all {loss} {unit}.",
        len(table),
        shown=len(first),
        loss=_sum(table["expected_loss"].sum()),
        unit=unit,
    )
    return ListSection(key, caption, first)


def _not_won_back(left_out: pd.DataFrame, unit: str) -> str:
    """Return how many lapsed customers are not on the list, and why; empty where all are."""
    sentences = [
        _left_out(why, customers, _sum(loss), unit)
        for why, customers, loss in left_out[["why", "customers", "expected_loss"]].itertuples(index=False)
    ]
    return in_a_row(sentences) if sentences else ""


def _left_out(why: str, customers: int, loss: str, unit: str) -> Sentence:
    if why == RELEASED:
        return say_count(
            "{n} lapsed customer is not on this list, because the treatment is \u201crelease\u201d; expected loss "
            "{loss} {unit}.",
            "{n} lapsed customers are not on this list, because their treatment is \u201crelease\u201d; expected "
            "loss {loss} {unit}.",
            customers,
            loss=loss,
            unit=unit,
        )
    if why == BELOW:
        return say_count(
            "{n} lapsed customer is not on this list, because the predicted value is less than the cost to serve; "
            "expected loss {loss} {unit}.",
            "{n} lapsed customers are not on this list, because their predicted value is less than the cost to serve; "
            "expected loss {loss} {unit}.",
            customers,
            loss=loss,
            unit=unit,
        )
    return say_count(
        "{n} lapsed customer is not on this list, because there is no money at stake.",
        "{n} lapsed customers are not on this list, because there is no money at stake.",
        customers,
    )


def _below_break_even(below: pd.DataFrame | None, unit: str) -> ListSection:
    key = "below_break_even"
    if below is None:
        missing = say(
            "Costs to serve are not known: with a file of costs, the setting cost_to_serve, this list shows which "
            "customers cost more than they bring."
        )
        return ListSection(key, missing, [], loss=False)
    if below.empty:
        return ListSection(key, say("No customer is below break-even."), [], loss=False)
    first = _first(below, "predicted_value")
    caption = say_count(
        "{n} customer, who costs {money} {unit} more than the predicted value.",
        "The first {shown} of {n} customers, the largest loss first; together they cost {money} {unit} "
        "more than their predicted value.",
        len(below),
        shown=len(first),
        money=_sum((below["cost_to_serve"] - below["predicted_value"]).sum()),
        unit=unit,
    )
    return ListSection(key, caption, first, loss=False)


def _first(table: pd.DataFrame, *money: str) -> list[dict[str, Any]]:
    """Return the first rows with money as text; a reason is empty where there is none."""
    rows = numbers.rows(table.head(NAMED), *money)
    return [row | {"reason": row.get("reason") or ""} for row in rows]


def _sum(total: float) -> str:
    return numbers.money(total, numbers.decimals([total]))
