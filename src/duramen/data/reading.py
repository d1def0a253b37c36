"""Orders from a file, a table or a frame come in; checked purchase days go out.

Each row is checked once; what cannot be used is counted and kept by reason, and inner code trusts the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from duramen.data.addresses import is_duckdb_address
from duramen.data.amount_columns import (
    NUMBERS,
    amount_as_it_came,
    find_order_columns,
    is_computed,
    is_margin,
    parse_line_amount,
)
from duramen.data.amounts import choose_forms, parse_money
from duramen.data.checked_lines import check_lines, keep_days
from duramen.data.checks import choose_currency, reason_set_aside
from duramen.data.columns import REQUIRED, refuse_unknown_roles
from duramen.data.customer_file import CustomerFile, read_customer_file
from duramen.data.dates import choose_date_format, parse_date, refuse_unknown_format
from duramen.data.discounts import find_discount_rate, parse_discount
from duramen.data.exchange_rates import read_exchange_rates
from duramen.data.feature_file import FeatureFile, read_feature_file, refuse_features_on_spark
from duramen.data.file_columns import Opened
from duramen.data.frames import is_spark_frame
from duramen.data.hashed_ids import hash_id, read_salt
from duramen.data.ids import parse_id
from duramen.data.money_unit import unit_of
from duramen.data.order_totals import AmountPer, take_once
from duramen.data.row_filter import Conditions, rows_left_out
from duramen.data.service_lines import ServiceLine, refuse_unknown_choice, use_service_lines
from duramen.data.sources import close_source, open_source, source_name
from duramen.data.statuses import Status, parse_names, use_statuses
from duramen.data.time_zones import refuse_unknown_zone
from duramen.data.transactions import Transactions
from duramen.data.workspace import open_workspace
from duramen.errors import InputError

if TYPE_CHECKING:
    import ibis
    from ibis import ir


def read_transactions(
    source: Any,
    *,
    customer_id: str | None = None,
    date: str | None = None,
    amount: str | None = None,
    amount_per: AmountPer | None = None,
    columns: Mapping[str, str] | None = None,
    date_format: str | None = None,
    time_zone: str | None = None,
    decimal: str | None = None,
    currency: str | None = None,
    customers: CustomerFile | Any = None,
    features: FeatureFile | Any = None,
    name: str | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
    where: Conditions | None = None,
    status_used: str | Iterable[str] | None = None,
    service_lines: Literal["keep", "drop"] = "keep",
    exchange_rates: Any = None,
    hash_ids: str | Path | None = None,
) -> Transactions:
    """Read, check, net and collapse orders to one row per customer and day.

    Parameters
    ----------
    source : str, Path, frame, ibis.Table or pyspark.sql.DataFrame
        A file (CSV, Parquet, JSON lines, Excel), a folder of one kind, a Delta table, an address such as
        ``duckdb://file.db/table``, or a frame. What lies on Spark stays there: the days are a table of Spark.
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
        ``iso``, ``compact``, ``day-first``, ``month-first``, ``year-first``, ``month-name``, ``epoch`` or ``excel``;
        found by itself where it is unambiguous.
    time_zone : str, optional
        The zone whose day counts for times that know their zone or are written with an offset, such as
        ``Europe/Berlin``. By default the day in UTC, or with an offset the day as written. Other times stay.
    decimal : str, optional
        Decimal mark of numbers written as text; found in the numbers where they show it.
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
    where : str, iterable of str or mapping, optional
        Rows to keep: conditions such as ``"Country=Germany,France"``, ``"Channel!=wholesale"`` or ``"Quantity>=10"``,
        or the values of columns, as in ``{"Country": ["Germany", "France"]}``; all must be met.
    status_used : str or iterable of str, optional
        The order statuses that count as sales; by default what their words mean.
    service_lines : str
        Whether lines whose product code says postage, fee, voucher or correction count: ``keep`` or ``drop``.
    exchange_rates : str, Path or frame, optional
        ``date``, ``currency`` and ``rate``, by which all money becomes ``currency``.
    hash_ids : str or Path, optional
        File with a secret salt, by which customer ids are hashed; it is created where there is none. A ``CustomerFile``
        must have been read with the same.

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
    called = name or source_name(source)
    given = {"customer_id": customer_id, "date": date, "amount": amount, **(columns or {})}
    _refuse_parameters(given, date_format, time_zone, decimal, amount_per, service_lines, threads)
    assumed: list[str] = []
    rates = None if exchange_rates is None else read_exchange_rates(exchange_rates, currency, decimal)
    salt = None if hash_ids is None else read_salt(hash_ids, assumed)
    if customers is not None and not isinstance(customers, CustomerFile):
        customers = read_customer_file(customers, hash_ids=hash_ids)
    if features is not None and not isinstance(features, FeatureFile):
        features = read_feature_file(features, decimal=decimal, date_format=date_format, hash_ids=hash_ids)
    refuse_features_on_spark(features, source)
    workspace = _on_spark(source) if is_spark_frame(source) else open_workspace(memory_limit, threads)
    opened = Opened(assumed)
    raw = open_source(workspace, source, opened)
    roles = find_order_columns(raw.columns, given, called, assumed)
    opened.refuse_lacking({role: column for role, column in roles.items() if column in raw.columns}, given)
    _refuse_missing_roles(roles, called, exchange_rates, status_used, service_lines)
    left_out = None if where is None else rows_left_out(raw, where, decimal, called)
    form = choose_date_format(raw, roles["date"], date_format, called, time_zone)
    assumed += form.assumed
    days = parse_date(raw[roles["date"]], form.name, time_zone)
    roles, rows = _parse(raw, roles, days, decimal, left_out, called, assumed)
    if salt is not None:
        rows = rows.mutate(customer_id=hash_id(rows.customer_id, salt))
    if "currency" in roles and rates is None:
        kept = rows if where is None else rows.filter(~rows.left_out)
        currency = choose_currency(kept, roles["currency"], currency, called)
    notes: tuple[str, ...] = ()
    if customers is not None:
        rows, note = customers.join(rows)
        notes = (note,)
    rows = rows.mutate(reason=reason_set_aside(rows, datetime.now(UTC).date(), None if rates else currency))
    if amount_per == "order":
        rows = take_once(rows, roles["amount"], called)
    if rates is not None:
        rows = rates.convert(rows, roles["currency"], called, assumed)
    # Text is parsed, and other tables are joined, once, and not again by each look at the lines.
    derived = (
        any(one is not None for one in (customers, rates, salt))
        or amount_per == "order"
        or is_computed(roles)
    )
    if derived or any(
        raw[roles[role]].type().is_string() for role in ("date", *NUMBERS) if roles.get(role) in raw.columns
    ):
        rows = workspace.create_table("rows", rows)
    rows, counted = _count_sales(rows, roles, called, assumed, status_used, service_lines)
    kept_days = keep_days(workspace, check_lines(rows, roles, called), roles, amount_per)
    close_source(workspace)
    if features is not None:
        features = features.compared_with(kept_days.days, customers)
        assumed += features.assumed
    return Transactions(
        days=kept_days.days,
        rows_in=kept_days.rows_in,
        set_aside=kept_days.set_aside,
        columns=roles,
        unit=unit_of(currency, margin=is_margin(roles)),
        source=called,
        _rejected=kept_days.rejected,
        _lines=kept_days.lines,
        _address=source if is_duckdb_address(source) else None,
        kinds=kept_days.kinds,
        notes=notes,
        assumed=(*assumed, *kept_days.assumed),
        statuses=counted.statuses,
        service_lines=counted.service_lines,
        set_aside_money=kept_days.set_aside_money,
        features=features,
    )


def _refuse_parameters(
    roles: Mapping[str, str | None],
    date_format: str | None,
    time_zone: str | None,
    decimal: str | None,
    amount_per: str | None,
    service_lines: str,
    threads: int | None,
) -> None:
    """Refuse what is wrong whatever the source has, before the source is opened."""
    refuse_unknown_roles(roles)
    refuse_unknown_choice(service_lines)
    if date_format is not None:
        refuse_unknown_format(date_format)
    if time_zone is not None:
        refuse_unknown_zone(time_zone)
    if decimal not in (".", ",", None):
        raise InputError(f"decimal mark {decimal!r} is neither '.' nor ','; give one of them by `decimal`.")
    if amount_per not in ("line", "order", None):
        raise InputError(f"`amount_per` is {amount_per!r}; give 'line' or 'order'.")
    if amount_per == "order" and service_lines == "drop":
        raise InputError(
            "the total of an order includes its postage and fees, which `service_lines` drop cannot leave out of "
            "`amount_per` order; give one of the two."
        )
    if threads is not None and threads < 1:
        raise InputError(f"{threads} threads cannot work; give 1 or more by `threads`.")


def _refuse_missing_roles(
    roles: Mapping[str, str], called: str, exchange_rates: Any, status_used: Any, service_lines: str
) -> None:
    """Refuse an option for a column that the source does not have."""
    for given, role, parameter in (
        (exchange_rates is not None, "currency", "exchange_rates"),
        (status_used is not None, "status", "status_used"),
        (service_lines == "drop", "product", "service_lines"),
    ):
        if given and role not in roles:
            raise InputError(
                f"{called} has no column of the role {role}, which `{parameter}` needs; name it in `columns`."
            )


class _Counted(NamedTuple):
    """What was counted of the orders' own words, for the summary."""

    statuses: tuple[Status, ...]
    service_lines: tuple[ServiceLine, ...]


def _count_sales(
    rows: ibis.Table,
    roles: Mapping[str, str],
    called: str,
    assumed: list[str],
    status_used: str | Iterable[str] | None,
    service_lines: str,
) -> tuple[ibis.Table, _Counted]:
    """Set aside the lines that are no sales by their status or product code."""
    statuses: tuple[Status, ...] = ()
    services: tuple[ServiceLine, ...] = ()
    if "status" in roles:
        names = None if status_used is None else parse_names(status_used)
        rows, statuses = use_statuses(rows, roles["status"], names, called, assumed)
    if "product" in roles:
        rows, services = use_service_lines(rows, service_lines, assumed)
    return rows, _Counted(statuses, services)


def _parse(
    raw: ibis.Table,
    roles: Mapping[str, str],
    days: ir.Column,
    decimal: str | None,
    left_out: ir.BooleanValue | None,
    called: str,
    assumed: list[str],
) -> tuple[dict[str, str], ibis.Table]:
    """Return the roles and each row as it came and as it was read."""
    numbers = [roles[role] for role in NUMBERS if roles.get(role) in raw.columns]
    money = set(numbers) - {roles.get("quantity"), roles.get("discount_rate")}
    forms = choose_forms(raw, numbers, decimal, called, assumed, money)
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
    return roles, raw.select(**parsed)


def _on_spark(source: Any) -> Any:
    # Apart, since it needs the extra that only those have who have such a frame.
    from duramen.data.spark_workspace import SparkWorkspace

    return SparkWorkspace.of(source.sparkSession)
