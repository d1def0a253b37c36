"""Lines with a quantity and an amount come in; a sentence on returns whose amount has no minus goes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from duramen.data.amount_columns import is_of_parts
from duramen.language import Sentence, say, urgent

if TYPE_CHECKING:
    import ibis

# Fewer may be slips.
FEWEST = 5


def unsigned_returns(rows: ibis.Table, roles: Mapping[str, str]) -> list[Sentence]:
    """Return a sentence where most rows with a negative quantity have a positive amount, which counts as a sale.

    Parameters
    ----------
    rows : ibis.Table
        Parsed lines with ``amount`` and, where there is one, ``quantity``.
    roles : mapping of role to column
    """
    if "quantity" not in rows.columns or is_of_parts(roles):
        return []
    back = rows.filter(rows.quantity < 0)
    sums = back.aggregate(rows=back.count(), sold=(back.amount > 0).sum()).to_pyarrow().to_pylist()[0]
    if (sums["sold"] or 0) < FEWEST or 2 * sums["sold"] < sums["rows"]:
        return []
    quantity, amount = roles["quantity"], roles["amount"]
    return [
        urgent(
            say(
                "{n} rows have a negative {quantity} and a positive {amount}, and count as sales; if they are returns, "
                "give their {amount} a minus, or name {product} as `amount` if {amount} is the price of one unit",
                n=f"{sums['sold']:,}",
                quantity=repr(quantity),
                amount=repr(amount),
                product=repr(f"{quantity}*{amount}"),
            )
        )
    ]
