"""Orders from a file, a table or a frame come in; checked purchase days go out.

Each row is checked once; what cannot be used is counted and kept by reason, and inner code trusts the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from duramen.data.amount_columns import (
    NUMBERS,
    amount_as_it_came,
    find_order_columns,
    is_computed,
    is_margin,
    parse_line_amount,
)
from duramen.data.amounts import choose_forms, parse_money
from duramen.data.checks import (
    NOT_NUMERIC,
    choose_currency,
    choose_date_format,
    parse_date,
    reason_set_aside,
    refuse_finer_amounts,
    refuse_unknown_format,
    refuse_unreadable,
)
from duramen.data.columns import REQUIRED, refuse_unknown_roles
from duramen.data.customer_file import CustomerFile, read_customer_file
from duramen.data.discounts import find_discount_rate, parse_discount
from duramen.data.ids import parse_id
from duramen.data.losses import refuse_patterns
from duramen.data.order_totals import AmountPer, repeated_total, take_once
from duramen.data.purchase_days import MONEY, collapse_to_days, lines_of_shared_days
from duramen.data.sources import (
    close_source,
    is_duckdb_address,
    is_spark_frame,
    open_source,
    open_workspace,
    source_name,
)
from duramen.data.transactions import Transactions
from duramen.errors import InputError

if TYPE_CHECKING:
    import ibis
    from ibis import ir

DUPLICATE = "duplicate line"


def read_transactions(
    source: Any,
    *,
    customer_id: str | None = None,
    date: str | None = None,
    amount: str | None = None,
    amount_per: AmountPer | None = None,
    columns: Mapping[str, str] | None = None,
    date_format: str | None = None,
    decimal: str | None = None,
    currency: str | None = None,
    customers: CustomerFile | Any = None,
    name: str | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
) -> Transactions:
    """Read, check, net and collapse orders to one row per customer and day.

    Parameters
    ----------
    source : str, Path, pandas.DataFrame, pyarrow.Table, ibis.Table or pyspark.sql.DataFrame
        A CSV or Parquet file, a folder of either, ``duckdb://file.db/table``, or a frame. What lies on Spark stays
        there: the days are a table of Spark.
    customer_id, date, amount : str, optional
        Names of the three columns that suffice; found by themselves where the names are usual. ``amount`` is net
        money of the row, negative for a return, or two columns to multiply, as in ``"Quantity*Price"``;
        "margin" for revenue less cost.
    amount_per : {"line", "order"}, optional
        What an amount is of: "order" where each line repeats the total of its order, which then counts once.
    columns : mapping, optional
        Names of further columns by role: order, product, category, quantity, price, discount, discount_rate, cost,
        currency, status, kind, line.
    date_format : str, optional
        ``iso``, ``compact``, ``day-first`` or ``month-first``; found by itself where it is unambiguous.
    decimal : str, optional
        Decimal mark of numbers written as text; found in the numbers where they show it.
    currency : str, optional
        The currency to use where the source has several, and the name of the unit.
    customers : CustomerFile or what ``read_customer_file`` takes, optional
        What is known of the customers: internal ones are set aside, and the orders of members become those of their
        household or firm, as if it had been their customer.
    name : str, optional
        What messages call the source; by default its path.
    memory_limit : str, optional
        What DuckDB may hold in memory, for example ``"4GB"``; more goes to disk.
    threads : int, optional
        Processor threads for DuckDB.

    Raises
    ------
    InputError
        If the source, a column or its content cannot be used as a whole; single bad rows are set aside instead.

    Notes
    -----
    A row is a duplicate line where all its mapped columns equal another's and a product or line-number column tells
    the lines of an order apart; without one, two equal rows may be two purchases and are kept. Lines of a day that
    cancel exactly (a sale and its reversal of the same amount) leave no trace but their rows.
    """
    where = name or source_name(source)
    given = {"customer_id": customer_id, "date": date, "amount": amount, **(columns or {})}
    _refuse_parameters(given, date_format, decimal, amount_per, threads)
    if customers is not None and not isinstance(customers, CustomerFile):
        customers = read_customer_file(customers)
    workspace = _on_spark(source) if is_spark_frame(source) else open_workspace(memory_limit, threads)
    raw = open_source(workspace, source)
    assumed: list[str] = []
    roles = find_order_columns(raw.columns, given, where, assumed)
    form = choose_date_format(raw, roles["date"], date_format, where)
    numbers = [roles[role] for role in NUMBERS if role in roles and roles[role] in raw.columns]
    forms = choose_forms(raw, numbers, decimal, where, assumed)
    amounts = parse_line_amount(raw, roles, forms)
    roles, scale = find_discount_rate(raw, roles, forms, amounts, where, assumed)
    rows = _parse(raw, roles, form, forms, amounts, scale)
    if "currency" in roles:
        currency = choose_currency(rows, roles["currency"], currency, where)
    notes: tuple[str, ...] = ()
    if customers is not None:
        rows, note = customers.join(rows)
        notes = (note,)
    rows = rows.mutate(reason=reason_set_aside(rows, datetime.now(UTC).date(), currency))
    if amount_per == "order":
        rows = take_once(rows, roles["amount"], where)
    # Text is parsed, and customers are joined, once, and not again by each look at the lines.
    texts = any(raw[name].type().is_string() for name in (roles["date"], *numbers))
    keep = customers is not None or texts or is_computed(roles)
    checked = _keep_days(workspace, _check(rows, roles, where), roles, amount_per, keep_lines=keep)
    close_source(workspace)
    return Transactions(
        days=checked.days,
        rows_in=checked.rows_in,
        set_aside=checked.set_aside,
        columns=roles,
        unit=(currency or "currency units") + (" margin" if is_margin(roles) else ""),
        source=where,
        _rejected=checked.rejected,
        _lines=checked.lines,
        _address=source if is_duckdb_address(source) else None,
        kinds=checked.kinds,
        notes=notes,
        assumed=(*assumed, *checked.assumed),
        set_aside_money=checked.set_aside_money,
    )


def _refuse_parameters(
    roles: Mapping[str, str | None],
    date_format: str | None,
    decimal: str | None,
    amount_per: str | None,
    threads: int | None,
) -> None:
    """Refuse what is wrong whatever the source has, before the source is opened."""
    refuse_unknown_roles(roles)
    if date_format is not None:
        refuse_unknown_format(date_format)
    if decimal not in (".", ",", None):
        raise InputError(f"decimal mark {decimal!r} is neither '.' nor ','; give one of them by `decimal`.")
    if amount_per not in ("line", "order", None):
        raise InputError(f"`amount_per` is {amount_per!r}; give 'line' or 'order'.")
    if threads is not None and threads < 1:
        raise InputError(f"{threads} threads cannot work; give 1 or more by `threads`.")


class _Checked(NamedTuple):
    """Lines to use and rows set aside, each row in one of them."""

    lines: ibis.Table
    rejected: ibis.Table
    rows_in: int
    set_aside: dict[str, int]
    set_aside_money: dict[str, float]
    has_returns: bool


class _Days(NamedTuple):
    """What is kept of the lines, in tables of the workspace."""

    days: ibis.Table
    lines: ibis.Table
    rejected: ibis.Table
    kinds: ibis.Table | None
    rows_in: int
    set_aside: dict[str, int]
    set_aside_money: dict[str, float]
    assumed: list[str]


def _check(rows: ibis.Table, roles: Mapping[str, str], where: str) -> _Checked:
    """Separate the rows by their reason, and refuse a source that is unusable as a whole."""
    counted = rows.group_by("reason").aggregate(
        rows=rows.count(),
        returns=(rows.amount < 0).sum(),
        money=rows.amount.abs().sum(),
        # Exact, and of nothing for the rows to use: their money is that of the days.
        lost=rows.reason.notnull().ifelse(rows.amount, None).round(4).cast(MONEY).sum(),
        rounded=(rows.amount - rows.amount.round(4)).abs().sum(),
    )
    by_reason = {row["reason"]: row for row in counted.to_pyarrow().to_pylist()}
    counts = {reason: row["rows"] for reason, row in by_reason.items()}
    refuse_unreadable(rows, counts, roles, where)
    refuse_patterns(rows, counts, roles, where)
    refuse_finer_amounts(rows, by_reason[None], roles, where)
    set_aside = {
        reason: count
        for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0] or ""))
        if reason
    }
    return _Checked(
        lines=rows.filter(rows.reason.isnull()).drop("reason"),
        rejected=_as_it_came(rows.filter(rows.reason.notnull()), roles),
        rows_in=sum(counts.values()),
        set_aside=set_aside,
        # Where the amount is why a row is set aside, its money is unknown.
        set_aside_money={
            reason: float(by_reason[reason]["lost"])
            for reason in set_aside
            if by_reason[reason]["lost"] is not None and reason != NOT_NUMERIC
        },
        has_returns=bool(by_reason[None]["returns"]),
    )


def _keep_days(
    workspace: Any, checked: _Checked, roles: Mapping[str, str], amount_per: str | None, *, keep_lines: bool
) -> _Days:
    """Collapse the lines to days without copies, and keep them and the rows set aside in the workspace."""
    lines, rejected, set_aside = checked.lines, checked.rejected, dict(checked.set_aside)
    money = dict(checked.set_aside_money)
    if keep_lines or amount_per == "order":
        lines = workspace.create_table("lines", lines)
    used = lines
    shared = workspace.create_table("shared", lines_of_shared_days(lines))
    assumed = [] if amount_per else repeated_total(shared, roles["amount"])
    # A copy of a line whose order counts once adds no money.
    if amount_per != "order" and ("product" in roles or "line" in roles):
        copies = workspace.create_table("copies", _copied_lines(shared))
        surplus, worth = _surplus(copies)
        if surplus:
            set_aside[DUPLICATE], money[DUPLICATE] = surplus, worth
            rejected = rejected.union(_as_it_came(_repeat(copies).mutate(reason=_text(DUPLICATE)), roles))
            shared, used = shared.distinct(), lines.distinct()
    days = workspace.create_table("days", collapse_to_days(lines, shared, checked.has_returns))
    workspace.drop_table("shared")
    # A copy, since the source may be gone when the quarantine is asked for; of nothing, where that needs no look.
    rejected = workspace.create_table("rejected", rejected if set_aside else rejected.limit(0))
    kinds = workspace.create_table("kinds", _kinds(lines)) if "kind" in lines.columns else None
    return _Days(days, used, rejected, kinds, checked.rows_in, set_aside, money, assumed)


def _on_spark(source: Any) -> Any:
    # Apart, since it needs the extra that only those have who have such a frame.
    from duramen.data.spark_workspace import SparkWorkspace

    return SparkWorkspace.of(source.sparkSession)


def _kinds(lines: ibis.Table) -> ibis.Table:
    """Return the kind of each customer of whom one is known."""
    known = lines.select("customer_id", kind=lines.kind.cast("string").lower().strip())
    return known.filter(known.kind.notnull() & (known.kind != "")).distinct()


def _copied_lines(lines: ibis.Table) -> ibis.Table:
    """Return the lines that occur more than once, with the number of ``copies``."""
    # Lines alike as they came are alike as they were read.
    came = [name for name in lines.columns if name.startswith("raw_")]
    counted = lines.group_by(came).aggregate(copies=lines.count(), worth=lines.amount.max())
    return counted.filter(counted.copies > 1)


def _surplus(copies: ibis.Table) -> tuple[int, float]:
    """Return how many lines are copies of others, and their money."""
    more = copies.copies - 1
    worth = (more * copies.worth.round(4).cast(MONEY)).sum()
    row = copies.aggregate(more=more.sum(), worth=worth).to_pyarrow().to_pylist()[0]
    return int(row["more"] or 0), float(row["worth"] or 0)


def _parse(
    raw: ibis.Table,
    roles: Mapping[str, str],
    form: str,
    forms: Mapping[str, str],
    amounts: ir.Column,
    scale: float,
) -> ibis.Table:
    parsed = {f"raw_{role}": raw[column] for role, column in roles.items() if column in raw.columns}
    parsed["raw_amount"] = amount_as_it_came(raw, roles)
    parsed["customer_id"] = parse_id(raw[roles["customer_id"]])
    parsed["date"] = parse_date(raw[roles["date"]], form)
    parsed["amount"] = amounts
    for role in set(roles) - set(REQUIRED):
        column = raw[roles[role]]
        if role == "discount_rate":
            parsed["discount"] = parse_discount(column, forms[roles[role]], amounts, scale)
            continue
        parsed[role] = parse_money(column, forms[roles[role]]) if role in NUMBERS else column
    return raw.select(**parsed)


def _text(value: str) -> Any:
    import ibis

    return ibis.literal(value)


def _as_it_came(rows: ibis.Table, roles: Mapping[str, str]) -> ibis.Table:
    """Return the reason and the source's own columns, as text."""
    own = {name.lower() for name in roles.values()}
    label = next(name for name in ("reason", "set_aside_reason", "duramen_reason") if name not in own)
    return rows.select(
        rows.reason.name(label),
        *(rows[f"raw_{role}"].cast("string").name(name) for role, name in roles.items()),
    )


def _repeat(copies: ibis.Table) -> ibis.Table:
    """Return each line once for every copy beyond the first."""
    import ibis

    return copies.mutate(copy=ibis.range(0, copies.copies.cast("int64") - 1).unnest()).drop(
        "copy", "copies", "worth"
    )
