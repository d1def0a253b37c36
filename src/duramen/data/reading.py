"""Orders from a file, a table or a frame come in; checked purchase days go out.

Each row is checked once; what cannot be used is counted and kept by reason, and inner code trusts the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from duramen.data.checks import (
    choose_currency,
    choose_date_format,
    parse_amount,
    parse_date,
    parse_money,
    reason_set_aside,
    refuse_finer_amounts,
    refuse_unknown_format,
    refuse_unreadable,
)
from duramen.data.columns import REQUIRED, find_columns, refuse_unknown_roles
from duramen.data.customer_file import CustomerFile, read_customer_file
from duramen.data.feature_file import FeatureFile, read_feature_file, refuse_features_on_spark
from duramen.data.ids import parse_id
from duramen.data.purchase_days import collapse_to_days, lines_of_shared_days
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

DUPLICATE = "duplicate line"


def read_transactions(
    source: Any,
    *,
    customer_id: str | None = None,
    date: str | None = None,
    amount: str | None = None,
    columns: Mapping[str, str] | None = None,
    date_format: str | None = None,
    decimal: str = ".",
    currency: str | None = None,
    customers: CustomerFile | Any = None,
    features: FeatureFile | Any = None,
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
        money of the row, negative for a return.
    columns : mapping, optional
        Names of further columns by role: order, product, category, quantity, discount, cost, currency, status, kind.
    date_format : str, optional
        ``iso``, ``compact``, ``day-first`` or ``month-first``; found by itself where it is unambiguous.
    decimal : str
        Decimal mark of numbers written as text.
    currency : str, optional
        The currency to use where the source has several, and the name of the unit.
    customers : CustomerFile or what ``read_customer_file`` takes, optional
        What is known of the customers: internal ones are set aside, and the orders of members become those of their
        household or firm, as if it had been their customer.
    features : FeatureFile or what ``read_feature_file`` takes, optional
        Further columns about the customers, for the models; not for orders on Spark.
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
    A row is a duplicate line where all its mapped columns equal another's and an order or product column tells
    lines apart; with three columns alone, two equal rows may be two purchases and are kept. Lines of a day that
    cancel exactly (a sale and its reversal of the same amount) leave no trace but their rows.
    """
    where = name or source_name(source)
    given = {"customer_id": customer_id, "date": date, "amount": amount, **(columns or {})}
    _refuse_parameters(given, date_format, decimal, threads)
    if customers is not None and not isinstance(customers, CustomerFile):
        customers = read_customer_file(customers)
    if features is not None and not isinstance(features, FeatureFile):
        features = read_feature_file(features, decimal=decimal, date_format=date_format)
    refuse_features_on_spark(features, source)
    workspace = _on_spark(source) if is_spark_frame(source) else open_workspace(memory_limit, threads)
    raw = open_source(workspace, source)
    roles = find_columns(raw.columns, given, where)
    form = choose_date_format(raw, roles["date"], date_format, where)
    rows = _parse(raw, roles, form, decimal)
    if "currency" in roles:
        currency = choose_currency(rows, roles["currency"], currency, where)
    assumed: list[str] = []
    notes: tuple[str, ...] = ()
    if customers is not None:
        rows, note = customers.join(rows)
        notes = (note,)
    rows = rows.mutate(reason=reason_set_aside(rows, datetime.now(UTC).date(), currency))
    # Text is parsed, and customers are joined, once, and not again by each look at the lines.
    keep = customers is not None or any(raw[roles[role]].type().is_string() for role in ("date", "amount"))
    checked = _keep_days(workspace, _check(rows, roles, where), roles, keep_lines=keep)
    close_source(workspace)
    if features is not None:
        features = features.compared_with(checked.days, customers)
        assumed += features.assumed
    return Transactions(
        days=checked.days,
        rows_in=checked.rows_in,
        set_aside=checked.set_aside,
        columns=roles,
        unit=currency or "currency units",
        source=where,
        _rejected=checked.rejected,
        _lines=checked.lines,
        _address=source if is_duckdb_address(source) else None,
        kinds=checked.kinds,
        notes=notes,
        assumed=tuple(assumed),
        features=features,
    )


def _refuse_parameters(
    roles: Mapping[str, str | None], date_format: str | None, decimal: str, threads: int | None
) -> None:
    """Refuse what is wrong whatever the source has, before the source is opened."""
    refuse_unknown_roles(roles)
    if date_format is not None:
        refuse_unknown_format(date_format)
    if decimal not in (".", ","):
        raise InputError(f"decimal mark {decimal!r} is neither '.' nor ','; give one of them by `decimal`.")
    if threads is not None and threads < 1:
        raise InputError(f"{threads} threads cannot work; give 1 or more by `threads`.")


class _Checked(NamedTuple):
    """Lines to use and rows set aside, each row in one of them."""

    lines: ibis.Table
    rejected: ibis.Table
    rows_in: int
    set_aside: dict[str, int]
    has_returns: bool


class _Days(NamedTuple):
    """What is kept of the lines, in tables of the workspace."""

    days: ibis.Table
    lines: ibis.Table
    rejected: ibis.Table
    kinds: ibis.Table | None
    rows_in: int
    set_aside: dict[str, int]


def _check(rows: ibis.Table, roles: Mapping[str, str], where: str) -> _Checked:
    """Separate the rows by their reason, and refuse a source that is unusable as a whole."""
    counted = rows.group_by("reason").aggregate(
        rows=rows.count(),
        returns=(rows.amount < 0).sum(),
        money=rows.amount.abs().sum(),
        rounded=(rows.amount - rows.amount.round(4)).abs().sum(),
    )
    by_reason = {row["reason"]: row for row in counted.to_pyarrow().to_pylist()}
    counts = {reason: row["rows"] for reason, row in by_reason.items()}
    refuse_unreadable(rows, counts, roles, where)
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
        has_returns=bool(by_reason[None]["returns"]),
    )


def _keep_days(workspace: Any, checked: _Checked, roles: Mapping[str, str], *, keep_lines: bool) -> _Days:
    """Collapse the lines to days without copies, and keep them and the rows set aside in the workspace."""
    lines, rejected, set_aside = checked.lines, checked.rejected, dict(checked.set_aside)
    if keep_lines:
        lines = workspace.create_table("lines", lines)
    used = lines
    shared = workspace.create_table("shared", lines_of_shared_days(lines))
    if "order" in roles or "product" in roles:
        copies = workspace.create_table("copies", _copied_lines(shared))
        if surplus := int((copies.copies - 1).sum().fill_null(0).to_pyarrow().as_py()):
            set_aside[DUPLICATE] = surplus
            rejected = rejected.union(_as_it_came(_repeat(copies).mutate(reason=_text(DUPLICATE)), roles))
            shared, used = shared.distinct(), lines.distinct()
    days = workspace.create_table("days", collapse_to_days(lines, shared, checked.has_returns))
    workspace.drop_table("shared")
    # A copy, since the source may be gone when the quarantine is asked for; of nothing, where that needs no look.
    rejected = workspace.create_table("rejected", rejected if set_aside else rejected.limit(0))
    kinds = workspace.create_table("kinds", _kinds(lines)) if "kind" in lines.columns else None
    return _Days(days, used, rejected, kinds, checked.rows_in, set_aside)


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
    counted = lines.group_by(came).aggregate(copies=lines.count())
    return counted.filter(counted.copies > 1)


def _parse(raw: ibis.Table, roles: Mapping[str, str], form: str, decimal: str) -> ibis.Table:
    parsed = {f"raw_{role}": raw[column] for role, column in roles.items()}
    parsed["customer_id"] = parse_id(raw[roles["customer_id"]])
    parsed["date"] = parse_date(raw[roles["date"]], form)
    parsed["amount"] = parse_amount(raw[roles["amount"]], decimal)
    for role in set(roles) - set(REQUIRED):
        column = raw[roles[role]]
        parsed[role] = parse_money(column, decimal) if role in ("quantity", "discount", "cost") else column
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

    return copies.mutate(copy=ibis.range(0, copies.copies.cast("int64") - 1).unnest()).drop("copy", "copies")
