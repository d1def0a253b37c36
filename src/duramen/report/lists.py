"""Lists of customers to act on come in; their captions and rows for the page go out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from duramen.analysis.lists import CustomerLists
from duramen.language import say, say_count
from duramen.report import numbers

NAMED = 10


@dataclass(frozen=True)
class ListSection:
    """One list: its name, a caption that counts its customers and their money, and the first rows.

    Parameters
    ----------
    name, caption : str
    rows : list of dict
    loss : bool
        Whether the list is ordered by expected loss.
    """

    name: str
    caption: str
    rows: list[dict[str, Any]]
    loss: bool = True


def list_sections(lists: CustomerLists, unit: str) -> list[ListSection]:
    """Return the lists as sections of the page."""
    sections = [
        _by_loss(say("Call"), lists.call, unit, say("No customer is on the call list.")),
        _by_loss(say("Win back"), lists.win_back, unit, say("No lapsed customer is worth winning back.")),
    ]
    return [*sections, _below_break_even(lists.below_break_even, unit)]


def _by_loss(name: str, table: pd.DataFrame, unit: str, empty: str) -> ListSection:
    if table.empty:
        return ListSection(name, empty, [])
    first = _first(table, "predicted_value", "expected_loss")
    caption = say_count(
        "{n} customer; expected loss {loss} {unit}.",
        "The first {shown} of {n} customers with money at stake; expected loss of all {loss} {unit}.",
        len(table),
        shown=len(first),
        loss=_sum(table["expected_loss"]),
        unit=unit,
    )
    return ListSection(name, caption, first)


def _below_break_even(below: pd.DataFrame | None, unit: str) -> ListSection:
    name = say("Below break-even")
    if below is None:
        missing = say(
            "Costs to serve are not known: with a file of costs, the setting cost_to_serve, this list shows which "
            "customers cost more than they bring."
        )
        return ListSection(name, missing, [], loss=False)
    if below.empty:
        return ListSection(name, say("No customer is below break-even."), [], loss=False)
    first = _first(below, "predicted_value")
    caption = say_count(
        "{n} customer, who costs {money} {unit} more than the predicted value.",
        "The first {shown} of {n} customers, the largest loss first; together they cost {money} {unit} "
        "more than their predicted value.",
        len(below),
        shown=len(first),
        money=_sum(below["cost_to_serve"] - below["predicted_value"]),
        unit=unit,
    )
    return ListSection(name, caption, first, loss=False)


def _first(table: pd.DataFrame, *money: str) -> list[dict[str, Any]]:
    """Return the first rows with money as text; a reason is empty where there is none."""
    rows = numbers.rows(table.head(NAMED), *money)
    return [row | {"reason": row.get("reason") or ""} for row in rows]


def _sum(column: pd.Series[float]) -> str:
    total = float(column.sum())
    return numbers.money(total, numbers.decimals([total]))
