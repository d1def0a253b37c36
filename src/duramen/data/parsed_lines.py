"""Raw rows come in; each as it came and as it was read, and then those that are no sales set aside, go out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from duramen.data.amount_columns import NUMBERS, amount_as_it_came, parse_line_amount
from duramen.data.amounts import choose_forms, parse_money
from duramen.data.columns import REQUIRED
from duramen.data.discounts import find_discount_rate, parse_discount
from duramen.data.ids import parse_id
from duramen.data.service_lines import ServiceLine, use_service_lines
from duramen.data.statuses import Status, use_statuses

if TYPE_CHECKING:
    import ibis
    from ibis import ir


class ParsedLines(NamedTuple):
    """Each row as it came (``raw_``) and as it was read.

    With the roles of the columns, the amount of each row of the source, and the currencies written beside the numbers
    of its columns.
    """

    roles: dict[str, str]
    rows: ibis.Table
    amounts: ir.Column
    currencies: dict[str, str]


def parse_lines(
    raw: ibis.Table,
    roles: Mapping[str, str],
    days: ir.Column,
    decimal: str | None,
    left_out: ir.BooleanValue | None,
    called: str,
    assumed: list[str],
) -> ParsedLines:
    """Read each row of a source."""
    numbers = [roles[role] for role in NUMBERS if roles.get(role) in raw.columns]
    marks: dict[str, str] = {}
    money = set(numbers) - {roles.get("quantity"), roles.get("discount_rate")}
    forms = choose_forms(raw, numbers, decimal, called, assumed, marks, money)
    amounts = parse_line_amount(raw, roles, forms)
    roles, scale = find_discount_rate(raw, roles, forms, amounts, called, assumed)
    parsed = {f"raw_{role}": raw[column] for role, column in roles.items() if column in raw.columns}
    parsed["raw_amount"] = amount_as_it_came(raw, roles)
    if left_out is not None:
        parsed["left_out"] = left_out
    parsed["customer_id"] = parse_id(raw[roles["customer_id"]])
    parsed["date"] = days
    parsed["amount"] = amounts
    for role in set(roles) - set(REQUIRED):
        column = raw[roles[role]]
        if role == "discount_rate":
            parsed["discount"] = parse_discount(column, forms[roles[role]], amounts, scale)
            continue
        parsed[role] = parse_money(column, forms[roles[role]]) if role in NUMBERS else column
    return ParsedLines(roles, raw.select(**parsed), amounts, marks)


class CountedSales(NamedTuple):
    """What was counted of the orders' own words, for the summary."""

    statuses: tuple[Status, ...]
    service_lines: tuple[ServiceLine, ...]


def count_sales(
    rows: ibis.Table,
    roles: Mapping[str, str],
    called: str,
    assumed: list[str],
    status_used: Sequence[str] | None,
    service_lines: str,
) -> tuple[ibis.Table, CountedSales]:
    """Set aside the lines that are no sales by their status or product code."""
    statuses: tuple[Status, ...] = ()
    services: tuple[ServiceLine, ...] = ()
    if "status" in roles:
        rows, statuses = use_statuses(rows, roles["status"], status_used, called, assumed)
    if "product" in roles:
        rows, services = use_service_lines(rows, service_lines, assumed)
    return rows, CountedSales(statuses, services)
