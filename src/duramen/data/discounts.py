"""A column of discounts comes in; whether it is a rate, and the money that a rate gives off, goes out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from duramen.data.amounts import parse_amount, parse_money
from duramen.errors import InputError
from duramen.language import say

if TYPE_CHECKING:
    import ibis
    from ibis import ir

# A column of numbers from 0 to 1 is a rate only where so many are filled and not 0,
FEWEST_RATES = 100
# so few are different,
MOST_RATES = 20
# and the middle amount is above this. Otherwise it may be money in small amounts.
LEAST_AMOUNT = 5
_RATE_NAME = re.compile(r"rate|percent|pct|%", re.IGNORECASE)
_PERCENT = r"^\s*[-+]?[\d.,]+\s*%\s*$"


def find_discount_rate(
    raw: ibis.Table,
    roles: Mapping[str, str],
    forms: Mapping[str, str],
    amount: ir.Column,
    where: str,
    assumed: list[str],
) -> tuple[dict[str, str], float]:
    """Return the roles, with ``discount_rate`` for a discount that is a rate, and what the rate is divided by.

    Parameters
    ----------
    raw : ibis.Table
        The source.
    roles, forms : mapping
        Source column of each role; form of each column of numbers.
    amount : ibis Column
        The parsed amount of each row.
    where : str
        How messages call the source.
    assumed : list of str
        Is given a sentence where a rate is found.

    Raises
    ------
    InputError
        If what the user named a rate has values below 0 or above 100.
    """
    role = next((role for role in ("discount_rate", "discount") if role in roles), None)
    if role is None:
        return dict(roles), 1.0
    column = raw[roles[role]]
    named = role == "discount_rate" or bool(_RATE_NAME.search(roles[role]))
    percent = _has_percent_signs(column)
    rate = _rate_number(column, forms[roles[role]]).abs()
    given = rate > 0
    row = raw.aggregate(
        most=rate.max(),
        given=given.sum(),
        different=rate.nunique(where=given),
        median=amount.abs().median(),
    )
    found = row.to_pyarrow().to_pylist()[0]
    most = found["most"] or 0.0
    proven = (
        most <= 1
        and (found["given"] or 0) >= FEWEST_RATES
        and found["different"] <= MOST_RATES
        and (found["median"] or 0) > LEAST_AMOUNT
    )
    if not (named or percent or proven):
        return dict(roles), 1.0
    if most > 100:
        raise InputError(
            f"column {roles[role]!r} of {where} looks like a rate of discount, and goes up to {most:,.0f}; give rates "
            "from 0 to 100 percent, or leave it out (`columns` discount= and `columns` discount_rate=)."
        )
    assumed.append(
        say(
            "column {column} is a rate of discount, not money, and the amounts are those after discount (`columns` "
            "{role}= leaves it out)",
            column=repr(roles[role]),
            role=role,
        )
    )
    kept = {name: source for name, source in roles.items() if name not in ("discount", "discount_rate")}
    return {**kept, "discount_rate": roles[role]}, 100.0 if percent or most > 1 else 1.0


def parse_discount(column: ir.Column, form: str, amount: ir.Column, scale: float) -> ir.Column:
    """Return the money that a rate gave off: of an amount after discount, amount * rate / (1 - rate)."""
    rate = _rate_number(column, form).abs() / scale
    off = (rate < 1).ifelse(amount.abs() * rate / (1 - rate), None)
    return parse_money(off, form)


def _rate_number(column: ir.Column, form: str) -> ir.Column:
    return parse_amount(column.re_replace(r"\s*%\s*$", "") if column.type().is_string() else column, form)


def _has_percent_signs(column: ir.Column) -> bool:
    """Return whether any text of a column is a percentage; no money is written so."""
    return bool(column.type().is_string() and column.re_search(_PERCENT).any().to_pyarrow().as_py())
