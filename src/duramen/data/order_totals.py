"""Checked lines come in; whether their amounts are totals of whole orders, each counted once, goes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from duramen.data.checks import MISSING_WORDS, MOST_UNREADABLE, parse_text, quote_examples
from duramen.data.statuses import sale_first
from duramen.errors import InputError
from duramen.language import marked, say, urgent

if TYPE_CHECKING:
    import ibis

AmountPer = Literal["line", "order"]
ORDER = ("customer_id", "order")
# What is of one order where no column says which: the times as they came, of which days know no hour.
MOMENT = ("customer_id", "raw_date")
# Fewer orders with several lines show nothing.
FEWEST_ORDERS = 20
# Share of the orders with several lines in which all lines have one amount.
MOST_ALIKE = 0.95
# Amounts of that many orders in a hundred differ: in a shop with three prices, lines of one price are no surprise.
LEAST_DIFFERENT = 0.2
_REPEATED = marked(
    "all lines have one amount in {alike} of {orders} orders with several lines, and each line counts: if "
    "the lines are copies, or column {column} is the total of the order, take it once (`amount_per` order)"
)
_REPEATED_AT_ONE_TIME = marked(
    "all lines have one amount in {alike} of {orders} purchases of one customer at one time with several lines, and "
    "each line counts: if column {column} is the total of the order, name the column of the order (`columns` order=) "
    "and take the total once (`amount_per` order)"
)


def repeated_total(shared: ibis.Table, column: str) -> list[str]:
    """Return a sentence where each line of an order seems to repeat the order's total; none otherwise.

    Parameters
    ----------
    shared : ibis.Table
        The lines of days that have several.
    column : str
        Source column of the amount.
    """
    others = [role for role in ("product", "line", "quantity") if role in shared.columns]
    has_order = "order" in shared.columns
    if not has_order and not others:
        return []
    lines = shared.filter(shared.amount != 0)
    lines = lines.filter(lines.order.notnull()) if has_order else lines
    counts = {role: lines[role].nunique() for role in others}
    orders = lines.group_by(*(ORDER if has_order else MOMENT), "date").aggregate(
        lines=lines.count(), least=lines.amount.min(), most=lines.amount.max(), **counts
    )
    orders = orders.filter(orders["lines"] > 1)
    alike = orders.least == orders.most
    if others:
        # Lines that are equal in all else are copies of each other.
        differ = orders[others[0]] > 1
        for role in others[1:]:
            differ |= orders[role] > 1
        alike &= differ
    found = orders.aggregate(
        orders=orders.count(), alike=alike.sum(), amounts=orders.most.nunique(where=alike)
    )
    row = found.to_pyarrow().to_pylist()[0]
    if row["orders"] < FEWEST_ORDERS or row["alike"] < MOST_ALIKE * row["orders"]:
        return []
    if row["amounts"] < LEAST_DIFFERENT * row["alike"]:
        return []
    sentence = say(
        _REPEATED if has_order else _REPEATED_AT_ONE_TIME,
        alike=f"{row['alike']:,}",
        orders=f"{row['orders']:,}",
        column=repr(column),
    )
    return [urgent(sentence)]


def fill_blank_lines(rows: ibis.Table) -> ibis.Table:
    """Return the rows with 0 where the amount is empty and another line of the order has its total.

    Some shop systems write the total of an order on its first line alone.
    """
    if "order" not in rows.columns:
        return rows
    empty = parse_text(rows.raw_amount, MISSING_WORDS).isnull() & rows.amount.isnull()
    has_total = rows.amount.count().over(group_by=[rows.customer_id, rows.order]) > 0
    return rows.mutate(amount=(empty & has_total).ifelse(0.0, rows.amount))


def take_once(
    rows: ibis.Table, column: str, where: str, status_used: Sequence[str] | None = None
) -> ibis.Table:
    """Return the rows with the amount of each order on one of its lines, and 0 on the others.

    It is on a line whose status counts, where the order has one: ``status_used``, or by what the words mean.

    Raises
    ------
    InputError
        If there is no order column, or the lines of an order have several amounts in more than a few orders.
    """
    import ibis

    if "order" not in rows.columns:
        raise InputError(
            f"{where} has no column that looks like order, and the amount is to count once per order; name it by "
            "`columns`, or leave `amount_per` out."
        )
    _refuse_several_amounts(rows.filter(rows.amount != 0), column, where)
    sales = [sale_first(rows.status, status_used)] if "status" in rows.columns else []
    # Always the same line, whatever the order of rows.
    told_apart = [
        role for role in ("product", "line", "category", "quantity", "cost") if role in rows.columns
    ]
    window = ibis.window(
        group_by=[rows.customer_id, rows.order, rows.amount, rows.reason],
        order_by=[*sales, rows.date, *(rows[role] for role in told_apart)],
    )
    first = (ibis.row_number().over(window) == 0) | rows.order.isnull()
    return rows.mutate(amount=first.ifelse(rows.amount, rows.amount * 0))


def _refuse_several_amounts(rows: ibis.Table, column: str, where: str) -> None:
    used = rows.filter(rows.reason.isnull() & rows.order.notnull())
    orders = used.group_by(*ORDER).aggregate(amounts=used.amount.nunique())
    several = orders.filter(orders.amounts > 1)
    counted = orders.aggregate(orders=orders.count(), several=(orders.amounts > 1).sum()).to_pyarrow()
    number, count = counted["orders"][0].as_py(), counted["several"][0].as_py() or 0
    if count > MOST_UNREADABLE * number:
        raise InputError(
            f"column {column!r} of {where} has several amounts in {count:,} of {number:,} orders (for example "
            f"{quote_examples(several, 'order')}), so that it is not the total of the order; leave `amount_per` out."
        )
