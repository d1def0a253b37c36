"""Checked lines come in; one row per customer and day goes out. Called by the door.

Whatever looks back from a day (its gap, what it bought for the first time) is computed here once: it cannot depend on
later rows, so that every cutoff may use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ibis

# Sums of decimals are exact, so that they do not depend on the order in which threads add them.
MONEY = "decimal(18, 4)"
MEASURES = ("quantity", "cost")
# What is counted once a day, and what is counted when a customer first buys it.
BREADTHS = {"product": ("products", "new_products"), "category": ("categories", "new_categories")}


def collapse_to_days(lines: ibis.Table, has_returns: bool) -> ibis.Table:
    """Net the lines of each customer and day.

    Parameters
    ----------
    lines : ibis.Table
        ``customer_id``, ``date``, ``amount`` and the optional columns order, product, category, quantity, discount,
        cost; every row usable.
    has_returns : bool
        Whether any amount is negative.

    Returns
    -------
    ibis.Table
        The columns that ``Transactions.days`` documents.
    """
    lines = lines.mutate(money=lines.amount.cast(MONEY))
    days = _look_closer(lines.group_by("customer_id", "date").aggregate(**_sums(lines)), lines, has_returns)
    for role, (_, column) in BREADTHS.items():
        if role in lines.columns:
            days = _add_first_times(days, lines.filter(lines.amount > 0), role, column)
    return _add_gaps(days.mutate(purchase=days.net > 0))


def _sums(lines: ibis.Table) -> dict[str, Any]:
    sale = lines.amount > 0
    sums: dict[str, Any] = {"net": lines.money.sum().cast(MONEY)}
    sums["rows"] = lines.count()
    sums["lines"] = sale.sum().cast("int64")
    sums |= {role: lines[role].sum().fill_null(0).cast(MONEY) for role in MEASURES if role in lines.columns}
    if "discount" in lines.columns:
        # Some sources write what was given off as a negative number.
        sums["discount"] = lines.discount.abs().sum().fill_null(0).cast(MONEY)
    for role, (column, _) in BREADTHS.items():
        if role in lines.columns:
            sums[column] = lines[role].nunique(where=sale)
    return sums


def _look_closer(days: ibis.Table, lines: ibis.Table, has_returns: bool) -> ibis.Table:
    """Count orders and tell what was bought from what was returned.

    A day with one line is one order, and a sale or a return. Only days with several lines, which are few where a line
    is an order, are looked at again: their orders may be several, and a sale and a return of one amount are neither.
    """
    import ibis

    seen = lines.semi_join(days.filter(days.rows > 1), ["customer_id", "date"])
    found = _cancel(seen) if has_returns else None
    if "order" in lines.columns:
        orders = seen.group_by("customer_id", "date").aggregate(
            orders=lambda t: t.order.nunique(where=t.amount > 0)
        )
        found = orders if found is None else found.join(orders, ["customer_id", "date"])
    one, nothing = ibis.literal(1, "int64"), ibis.literal(0).cast(MONEY)
    if found is None:
        return days.mutate(orders=one, bought=days.net, returned=nothing)
    joined = days.left_join(found, ["customer_id", "date"])
    alone = ibis.greatest(-days.net, nothing)
    returned = ibis.coalesce(joined.returned, alone).cast(MONEY) if has_returns else nothing
    cancelled = joined.cancelled.fill_null(0) if has_returns else 0
    return joined.select(
        *(days[name] for name in days.columns if name != "lines"),
        (days.lines - cancelled).cast("int64").name("lines"),
        # Lines that name no order were still ordered.
        (ibis.greatest(joined.orders.fill_null(1), one) if "order" in lines.columns else one).name("orders"),
        (days.net + returned).cast(MONEY).name("bought"),
        returned.name("returned"),
    )


def _cancel(lines: ibis.Table) -> ibis.Table:
    """Return the money of each day's returns, and the number of pairs, without pairs of a sale and a return alike."""
    import ibis

    sizes = lines.group_by("customer_id", "date", size=lines.money.abs()).aggregate(
        sales=(lines.amount > 0).sum(), returns=(lines.amount < 0).sum()
    )
    pairs = ibis.least(sizes.sales, sizes.returns)
    return sizes.group_by("customer_id", "date").aggregate(
        returned=(sizes["size"] * (sizes.returns - pairs)).sum().cast(MONEY),
        cancelled=pairs.sum().cast("int64"),
    )


def _add_first_times(days: ibis.Table, sales: ibis.Table, role: str, column: str) -> ibis.Table:
    """Count what a customer bought for the first time on a day: its sum up to any cutoff is the breadth by then."""
    firsts = sales.group_by("customer_id", role).aggregate(date=sales.date.min())
    counted = firsts.group_by("customer_id", "date").aggregate(firsts[role].count().name(column))
    joined = days.left_join(counted, ["customer_id", "date"])
    return joined.select(*(days[name] for name in days.columns), joined[column].fill_null(0).name(column))


def _add_gaps(days: ibis.Table) -> ibis.Table:
    """Add the days since the customer's previous purchase day, null where there is none and on other days."""
    import ibis

    # Within a customer the days that are no purchase come first, so that a purchase looks back to a purchase.
    window = ibis.window(group_by=days.customer_id, order_by=[days.purchase, days.date])
    previous, was_purchase = days.date.lag().over(window), days.purchase.lag().over(window)
    gap = days.date.delta(previous, unit="day").cast("int64")
    return days.mutate(gap=(days.purchase & was_purchase).ifelse(gap, None))
