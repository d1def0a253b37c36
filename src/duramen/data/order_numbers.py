"""Raw rows without a column that is called order come in; the column that has numbers of orders goes out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from duramen.data.checks import parse_text
from duramen.data.file_columns import FILE
from duramen.language import say

if TYPE_CHECKING:
    import ibis

# Shopify calls the column Name, as any export may call that of a person.
_NUMBER = r"^#\d+$"
# Rows that rule out nearly all columns, before a column is looked at as a whole.
SAMPLE = 100
# Share of the numbers that are of one customer and one time: two orders may be merged, or a number be mistyped.
MOST_OF_ONE = 0.95


def find_order_numbers(
    raw: ibis.Table, roles: Mapping[str, str], given: Mapping[str, str | None], assumed: list[str]
) -> dict[str, str]:
    """Return the roles with a column of numbers such as ``#1001`` as the order, where none has the name of one.

    Parameters
    ----------
    raw : ibis.Table
        The rows of the source.
    roles : mapping of role to column
        As found by name.
    given : mapping of role to column name
        What the user named; an order named by an empty text is none.
    assumed : list of str
        Is given a sentence where a column was found.
    """
    if "order" in roles or given.get("order") is not None:
        return dict(roles)
    used = {FILE, *roles.values()}
    texts = [name for name in raw.columns if name not in used and raw[name].type().is_string()]
    sample = raw.select(texts).limit(SAMPLE).to_pyarrow() if texts else {}
    for name in texts:
        values = [value for value in sample[name].to_pylist() if value and value.strip()]
        if (
            values
            and all(re.search(_NUMBER, value.strip()) for value in values)
            and _are_orders(raw, name, roles)
        ):
            assumed.append(
                say(
                    "column {column} has the number of the order, such as {example} (`columns` order= names another)",
                    column=repr(name),
                    example=repr(values[0]),
                )
            )
            return {**roles, "order": name}
    return dict(roles)


def _are_orders(raw: ibis.Table, name: str, roles: Mapping[str, str]) -> bool:
    """Return whether every value is a number of an order: that of one customer at one time."""
    text = parse_text(raw[name])
    rows = raw.select(
        number=text, customer=parse_text(raw[roles["customer_id"]]), time=parse_text(raw[roles["date"]])
    )
    rows = rows.filter(rows.number.notnull())
    numbers = rows.group_by("number").aggregate(customers=rows.customer.nunique(), times=rows.time.nunique())
    found = numbers.aggregate(
        numbers=numbers.count(),
        of_one=((numbers.customers <= 1) & (numbers.times <= 1)).sum(),
        other=(~numbers.number.re_search(_NUMBER)).any(),
    )
    row = found.to_pyarrow().to_pylist()[0]
    return not row["other"] and row["of_one"] >= MOST_OF_ONE * row["numbers"]
