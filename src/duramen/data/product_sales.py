"""Transactions and periods come in; money and quantity of each customer by product and period go out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from duramen.data.checks import parse_text
from duramen.data.purchase_days import DAY, MONEY
from duramen.data.sources import reopened
from duramen.errors import InputError

if TYPE_CHECKING:
    import ibis

    from duramen.data.transactions import Transactions
    from duramen.data.windows import Window

NEEDED = ("product", "quantity")


def product_sales(tx: Transactions, periods: Mapping[str, Window]) -> ibis.Table:
    """Return what each customer bought of each product on the purchase days of each period.

    The lines are not kept but looked at again where they lie, so the source must still be there.

    Parameters
    ----------
    tx : Transactions
        With the roles product and quantity.
    periods : mapping of str to Window
        Name and days of each period; they do not overlap.

    Returns
    -------
    ibis.Table
        ``customer_id``, ``period``, ``item`` (text), ``money``, ``quantity`` and ``lines``, of lines that sold: with
        a product, an amount above 0 and a quantity above 0. Postage, fees and corrections are no product.

    Raises
    ------
    InputError
        If a role is missing, or the source has changed since it was read.
    """
    if missing := [role for role in NEEDED if role not in tx.columns]:
        raise InputError(
            f"{tx.source} has no column for {' and '.join(map(repr, missing))}; name one by `columns`, for example "
            "{'product': 'SKU', 'quantity': 'units'}."
        )
    import ibis

    dated = tx.days.filter(tx.days.purchase)
    period = ibis.cases(
        *(((dated.date >= days.cutoff) & (dated.date < days.end), name) for name, days in periods.items())
    )
    days = dated.mutate(period=period).filter(lambda table: table.period.notnull())
    lines = tx._lines.join(days.select(*DAY, "period"), DAY)
    amount, quantity = lines.amount.cast(MONEY), lines.quantity
    item = parse_text(lines["product"])
    sold = (amount > 0) & (quantity > 0) & item.notnull()
    if codes := [line.code for line in tx.service_lines]:
        sold &= item.notin(codes)
    sales = lines.group_by("customer_id", "period", item=item).aggregate(
        net=amount.sum(),
        money=amount.sum(where=sold).cast("float64"),
        quantity=quantity.sum(where=sold).cast("float64"),
        lines=sold.sum(),
    )
    workspace = tx.days.get_backend()
    with reopened(workspace, tx._address):
        found = workspace.create_table(ibis.util.gen_name("product_sales"), sales)
    money, then = (table.net.sum().to_pyarrow().as_py() for table in (found, days))
    if money != then:
        raise InputError(f"{tx.source} has changed since it was read; read it again.")
    return found.filter(found.lines > 0).drop("net")
