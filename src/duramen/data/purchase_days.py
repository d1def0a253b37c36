"""Checked lines come in; one row per customer and day goes out.

Whatever looks back from a day (its gap, what it bought for the first time) is computed here once: it cannot depend on
later rows, so that every cutoff may use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ibis

# Sums of decimals are exact, so that they do not depend on the order in which threads add them.
MONEY = "decimal(18, 4)"
# Counts of one day; half the width of what engines count in, and the days are the largest table kept.
COUNT = "int32"
DAY = ("customer_id", "date")
# What is counted once a day, and what is counted when a customer first buys it.
BREADTHS = {"product": ("products", "new_products"), "category": ("categories", "new_categories")}


def lines_of_shared_days(lines: ibis.Table) -> ibis.Table:
    """Return the lines of days that have several: all others are a day already."""
    shared = lines.group_by(*DAY).having(lines.count() > 1).aggregate()
    return lines.semi_join(shared, DAY)


def collapse_to_days(lines: ibis.Table, shared: ibis.Table, has_returns: bool) -> ibis.Table:
    """Net the lines of each customer and day.

    Parameters
    ----------
    lines : ibis.Table
        ``customer_id``, ``date``, ``amount`` and the optional columns order, product, category, quantity, discount,
        cost; every row usable.
    shared : ibis.Table
        Those of ``lines_of_shared_days``, each to be counted once.
    has_returns : bool
        Whether any amount is negative.

    Returns
    -------
    ibis.Table
        The columns that ``Transactions.days`` documents.
    """
    # What is nothing in money is no sale: some sources write 4e-16 where they mean 0.
    lines, shared = (table.mutate(amount=table.amount.cast(MONEY)) for table in (lines, shared))
    days = _days_of_one_line(lines.anti_join(shared, DAY))
    days = days.union(_days_of_several_lines(shared, has_returns).select(days.columns))
    for role, (_, column) in BREADTHS.items():
        if role in lines.columns:
            days = _add_first_times(days, lines.filter(lines.amount > 0), role, column)
    return _add_gaps(days.mutate(purchase=days.net > 0))


def _summands(lines: ibis.Table) -> dict[str, Any]:
    """Return what each line adds to its day."""
    summands = {"net": lines.amount, "lines": (lines.amount > 0).cast(COUNT)}
    summands |= {
        role: lines[role].fill_null(0).cast(MONEY) for role in ("quantity", "cost") if role in lines.columns
    }
    if "discount" in lines.columns:
        # Some sources write what was given off as a negative number.
        summands["discount"] = lines.discount.abs().fill_null(0).cast(MONEY)
    return summands


def _days_of_one_line(lines: ibis.Table) -> ibis.Table:
    """Take each line as a day: one order, and a sale or a return."""
    import ibis

    day = _summands(lines)
    day["returned"] = ibis.greatest(-day["net"], ibis.literal(0).cast(MONEY))
    day["orders"] = ibis.literal(1, COUNT)
    for role, (column, _) in BREADTHS.items():
        if role in lines.columns:
            day[column] = ((lines.amount > 0) & lines[role].notnull()).cast(COUNT)
    return lines.select(*DAY, **day)


def _days_of_several_lines(lines: ibis.Table, has_returns: bool) -> ibis.Table:
    """Add the lines of a day up; a sale and a return of one amount on one day are neither."""
    import ibis

    sale = lines.amount > 0
    sums = {name: value.sum().cast(value.type()) for name, value in _summands(lines).items()}
    # Lines that name no order were still ordered.
    orders = lines.order.nunique(where=sale) if "order" in lines.columns else ibis.literal(1)
    sums["orders"] = ibis.greatest(orders, 1).cast(COUNT)
    for role, (column, _) in BREADTHS.items():
        if role in lines.columns:
            sums[column] = lines[role].nunique(where=sale).cast(COUNT)
    days = lines.group_by(*DAY).aggregate(**sums)
    if not has_returns:
        return days.mutate(returned=ibis.literal(0).cast(MONEY))
    joined = days.join(_net_of_reversals(lines), DAY)
    return joined.mutate(lines=(joined.lines - joined.cancelled).cast(COUNT)).drop("cancelled")


def _net_of_reversals(lines: ibis.Table) -> ibis.Table:
    """Return the money of each day's returns, and the number of pairs, without pairs of a sale and a return alike."""
    import ibis

    sizes = lines.group_by(*DAY, size=lines.amount.abs()).aggregate(
        sales=(lines.amount > 0).sum(), returns=(lines.amount < 0).sum()
    )
    pairs = ibis.least(sizes.sales, sizes.returns)
    return sizes.group_by(*DAY).aggregate(
        returned=(sizes["size"] * (sizes.returns - pairs)).sum().cast(MONEY), cancelled=pairs.sum()
    )


def _add_first_times(days: ibis.Table, sales: ibis.Table, role: str, column: str) -> ibis.Table:
    """Count what a customer bought for the first time on a day: its sum up to any cutoff is the breadth by then."""
    firsts = sales.group_by("customer_id", role).aggregate(date=sales.date.min())
    counted = firsts.group_by(*DAY).aggregate(firsts[role].count().cast(COUNT).name(column))
    joined = days.left_join(counted, DAY)
    return joined.select(*(days[name] for name in days.columns), joined[column].fill_null(0).name(column))


def _add_gaps(days: ibis.Table) -> ibis.Table:
    """Add the days since the customer's previous purchase day, null where there is none and on other days."""
    import ibis

    # Within a customer the days that are no purchase come first, so that a purchase looks back to a purchase.
    window = ibis.window(group_by=days.customer_id, order_by=[days.purchase, days.date])
    previous = days.purchase.ifelse(days.date, None).lag().over(window)
    return days.mutate(gap=days.date.delta(previous, unit="day").cast(COUNT))
