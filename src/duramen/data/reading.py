"""Orders from a file, a table or a frame come in; checked purchase days go out.

Each row is checked once; what cannot be used is counted and kept by reason, and inner code trusts the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from duramen.data.addresses import is_duckdb_address
from duramen.data.amount_columns import NUMBERS, find_order_columns, is_computed, is_margin
from duramen.data.checked_lines import check_lines, keep_days
from duramen.data.checks import choose_currency, reason_set_aside
from duramen.data.columns import refuse_unknown_roles
from duramen.data.customer_file import CustomerFile, read_customer_file
from duramen.data.dates import choose_date_format, parse_date, refuse_unknown_format
from duramen.data.exchange_rates import ExchangeRates, read_exchange_rates
from duramen.data.feature_file import FeatureFile, read_feature_file, refuse_features_on_spark
from duramen.data.file_columns import FILE, Opened
from duramen.data.frames import is_spark_frame
from duramen.data.further_lines import carry_order_fields
from duramen.data.hashed_ids import hash_id, read_salt
from duramen.data.losses import refuse_lost_groups
from duramen.data.money_unit import unit_beside, unit_of
from duramen.data.order_numbers import find_order_numbers
from duramen.data.order_totals import AmountPer, fill_blank_lines, take_once
from duramen.data.parsed_lines import count_sales, parse_lines
from duramen.data.row_filter import Conditions, rows_left_out
from duramen.data.service_lines import refuse_unknown_choice
from duramen.data.sources import close_source, open_source, source_name
from duramen.data.split_columns import refuse_split_columns
from duramen.data.statuses import parse_names
from duramen.data.time_zones import refuse_unknown_zone
from duramen.data.transactions import Transactions
from duramen.data.unsigned_returns import unsigned_returns
from duramen.data.workspace import open_workspace
from duramen.errors import InputError

if TYPE_CHECKING:
    import ibis


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
        Memory that DuckDB may use, for example ``"4GB"``; more goes to disk.
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
    A row is a duplicate line where all its mapped columns equal another's and there is a line number, or an order
    number and a product; without them, two equal rows may be two purchases and are kept. Lines of a day that
    cancel exactly (a sale and its reversal of the same amount) leave no trace but their rows.
    """
    called = name or source_name(source)
    given = {"customer_id": customer_id, "date": date, "amount": amount, **(columns or {})}
    _refuse_parameters(given, date_format, time_zone, decimal, amount_per, service_lines, threads)
    assumed: list[str] = []
    status_names = None if status_used is None else parse_names(status_used)
    other = _read_other_files(
        customers, features, exchange_rates, hash_ids, currency, decimal, date_format, assumed
    )
    refuse_features_on_spark(other.features, source)
    workspace = _on_spark(source) if is_spark_frame(source) else open_workspace(memory_limit, threads)
    opened = Opened(assumed)
    raw = open_source(workspace, source, opened)
    named = [column for column in raw.columns if column != FILE]
    roles = find_order_columns(named, given, called, assumed)
    roles = find_order_numbers(raw, roles, given, assumed)
    opened.refuse_lacking({role: column for role, column in roles.items() if column in raw.columns}, given)
    refuse_split_columns(raw, roles, given, called)
    _refuse_missing_roles(roles, called, exchange_rates, status_used, service_lines)
    form = choose_date_format(raw, roles["date"], date_format, called, time_zone)
    assumed += form.assumed
    days = parse_date(raw[roles["date"]], form.name, time_zone)
    left_out = None if where is None else rows_left_out(raw, where, decimal, called)
    roles, parsed, amounts, marks = parse_lines(raw, roles, days, decimal, left_out, called, assumed)
    rows = carry_order_fields(parsed, roles, assumed)
    is_read_once = rows is not parsed or amount_per == "order" or other.change_lines or _is_parsed(raw, roles)
    currency = unit_beside(marks, roles, currency, called, assumed)
    if "currency" in roles and other.rates is None:
        currency = choose_currency(rows, roles["currency"], currency, called)
    if amount_per == "order":
        rows = fill_blank_lines(rows)
    rows, notes = _join_customers(rows, other)
    one_currency = currency if other.rates is None else None
    rows = rows.mutate(reason=reason_set_aside(rows, datetime.now(UTC).date(), one_currency))
    if amount_per == "order":
        rows = take_once(rows, roles["amount"], called, status_names)
    if other.rates is not None:
        rows = other.rates.convert(rows, roles["currency"], called, assumed)
    if is_read_once:
        # Not again by each look at the lines.
        rows = workspace.create_table("rows", rows)
    rows, sales = count_sales(rows, roles, called, assumed, status_names, service_lines)
    checked = check_lines(rows, roles, called)
    assumed += unsigned_returns(checked.lines, roles)
    every = raw if left_out is None else raw.filter(~left_out)
    refuse_lost_groups(every, {"amount": amounts, "date": days}, roles, checked.set_aside, called)
    unit = unit_of(currency, margin=is_margin(roles))
    kept = keep_days(workspace, checked, roles, amount_per, unit, hashed=other.salt is not None)
    close_source(workspace)
    features = other.features
    if features is not None:
        features = features.compared_with(kept.days, other.customers)
        assumed += features.assumed
    return Transactions(
        days=kept.days,
        rows_in=kept.rows_in,
        set_aside=kept.set_aside,
        columns=roles,
        unit=unit,
        source=called,
        _rejected=kept.rejected,
        _lines=kept.lines,
        _address=source if is_duckdb_address(source) else None,
        kinds=kept.kinds,
        notes=notes,
        assumed=(*assumed, *kept.assumed),
        statuses=sales.statuses,
        service_lines=sales.service_lines,
        set_aside_money=kept.set_aside_money,
        features=features,
    )


class _OtherFiles(NamedTuple):
    """What is known beside the orders."""

    customers: CustomerFile | None
    features: FeatureFile | None
    rates: ExchangeRates | None
    salt: str | None

    @property
    def change_lines(self) -> bool:
        """Whether lines are joined with one of them."""
        return any(one is not None for one in (self.customers, self.rates, self.salt))


def _read_other_files(
    customers: Any,
    features: Any,
    exchange_rates: Any,
    hash_ids: str | Path | None,
    currency: str | None,
    decimal: str | None,
    date_format: str | None,
    assumed: list[str],
) -> _OtherFiles:
    salt = None if hash_ids is None else read_salt(hash_ids, assumed)
    rates = (
        None
        if exchange_rates is None
        else read_exchange_rates(exchange_rates, currency, decimal, date_format, assumed)
    )
    if customers is not None and not isinstance(customers, CustomerFile):
        customers = read_customer_file(customers, hash_ids=hash_ids)
    if features is not None and not isinstance(features, FeatureFile):
        features = read_feature_file(features, decimal=decimal, date_format=date_format, hash_ids=hash_ids)
    return _OtherFiles(customers, features, rates, salt)


def _join_customers(rows: ibis.Table, other: _OtherFiles) -> tuple[ibis.Table, tuple[str, ...]]:
    """Return the lines with hashed ids and households where they are asked for, and a note of the customer file."""
    if other.salt is not None:
        rows = rows.mutate(customer_id=hash_id(rows.customer_id, other.salt))
    if other.customers is None:
        return rows, ()
    rows, note = other.customers.join(rows)
    return rows, (note, *other.customers.assumed)


def _is_parsed(raw: ibis.Table, roles: Mapping[str, str]) -> bool:
    """Return whether dates or numbers of the lines are made of text or of several columns."""
    columns = [roles[role] for role in ("date", *NUMBERS) if roles.get(role) in raw.columns]
    return is_computed(roles) or any(raw[column].type().is_string() for column in columns)


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


def _on_spark(source: Any) -> Any:
    # Apart, since it needs the extra that only those have who have such a frame.
    from duramen.data.spark_workspace import SparkWorkspace

    return SparkWorkspace.of(source.sparkSession)
