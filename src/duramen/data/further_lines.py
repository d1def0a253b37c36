"""Parsed lines come in, of which an export fills only one of each order; each with what its order has goes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from duramen.data.checks import MISSING_WORDS, parse_text
from duramen.language import say_count

if TYPE_CHECKING:
    import ibis
    from ibis import ir

# What is of the whole order; its total counts once.
CARRIED = ("customer_id", "date", "status", "currency")
FIELDS = (*CARRIED, "amount")
# Fewer orders with several lines show no layout, nor do those of which fewer are written alike.
FEWEST_ORDERS = 5
MOST_ALIKE = 0.95


def carry_order_fields(rows: ibis.Table, roles: Mapping[str, str], assumed: list[str]) -> ibis.Table:
    """Return the rows with what one line of an order has for all of its lines; the same rows where no field is so.

    Shopify writes total, status and currency of an order on its first line alone. The other lines get status and
    currency, and 0 as their amount. A field is of that kind where nearly all orders with several lines have it once;
    an order may have no customer at all. An order of several customers or days stays as it is: its number is used
    again.

    Parameters
    ----------
    rows : ibis.Table
        Each row as it came (``raw_``) and as it was read.
    roles : mapping of role to column
        For messages.
    assumed : list of str
        Is given a sentence for the fields that were carried, and for the amount.
    """
    if "order" not in rows.columns:
        return rows
    fields = [field for field in FIELDS if field in rows.columns]
    blank = rows.aggregate(**{field: (~_is_filled(rows, field)).any() for field in fields}).to_pyarrow()
    fields = [field for field in fields if blank[field][0].as_py()]
    orders = _orders(rows, fields)
    fields = _on_one_line(orders, fields) if fields else []
    if not fields:
        return rows
    joined = rows.left_join(orders, rows.order == orders.its_order)
    changed = {
        field: ~_is_filled(joined, field) & joined[f"once_{field}"].fill_null(False) for field in fields
    }
    values = {field: 0.0 if field == "amount" else joined[f"its_{field}"] for field in fields}
    counts = joined.aggregate(**{field: value.sum() for field, value in changed.items()}).to_pyarrow()
    _say(counts.to_pylist()[0], roles, assumed)
    read = {field: changed[field].ifelse(values[field], joined[field]) for field in fields}
    return joined.select(**{name: read.get(name, joined[name]) for name in rows.columns})


def _is_filled(rows: ibis.Table, field: str) -> ir.BooleanValue:
    return parse_text(rows[f"raw_{field}"], MISSING_WORDS).notnull()


def _orders(rows: ibis.Table, fields: list[str]) -> ibis.Table:
    """Return the orders with several lines: of each field its value, and whether it is there ``once``."""
    rows = rows.filter(parse_text(rows.order).notnull())
    filled = {field: _is_filled(rows, field) for field in fields}
    orders = rows.group_by(its_order=rows.order).aggregate(
        lines=rows.count(),
        customers=rows.customer_id.nunique(),
        days=rows.date.nunique(),
        **{f"lines_{field}": has.sum() for field, has in filled.items()},
        **{f"its_{field}": rows[field].max(where=has) for field, has in filled.items()},
    )
    is_one = (orders.customers <= 1) & (orders.days <= 1)
    once = {f"once_{field}": is_one & (orders[f"lines_{field}"] == 1) for field in fields}
    return orders.mutate(**once).filter(orders["lines"] > 1)


def _on_one_line(orders: ibis.Table, fields: list[str]) -> list[str]:
    """Return the fields that nearly all orders with several lines have once."""
    of = {field: orders.customers > 0 if field == "customer_id" else orders["lines"] > 0 for field in fields}
    counted = orders.aggregate(
        **{f"of_{field}": of[field].sum() for field in fields},
        **{field: orders[f"once_{field}"].sum() for field in fields},
    )
    row = counted.to_pyarrow().to_pylist()[0]
    return [
        field
        for field in fields
        if (row[field] or 0) >= max(FEWEST_ORDERS, MOST_ALIKE * (row[f"of_{field}"] or 0))
    ]


def _say(counts: Mapping[str, int], roles: Mapping[str, str], assumed: list[str]) -> None:
    carried = [field for field in CARRIED if field in counts]
    if carried:
        assumed.append(
            say_count(
                "only one line of each order has {columns}: {n} other line takes it from there",
                "only one line of each order has {columns}: {n} other lines take it from there",
                max(counts[field] for field in carried),
                columns=", ".join(repr(roles[field]) for field in carried),
            )
        )
    if "amount" in counts:
        assumed.append(
            say_count(
                "only one line of each order has {column}, which counts once as the total of the order: {n} other line "
                "adds no money",
                "only one line of each order has {column}, which counts once as the total of the order: {n} other "
                "lines add no money",
                counts["amount"],
                column=repr(roles["amount"]),
            )
        )
