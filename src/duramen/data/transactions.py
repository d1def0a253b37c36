"""Orders from a file, a table or a frame come in; one row per customer and day goes out. Everybody starts here.

The door: each row is checked once, what cannot be used is counted and kept by reason, and inner code trusts the rest.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.data.checks import (
    choose_currency,
    choose_date_format,
    parse_amount,
    parse_customer_id,
    parse_date,
    parse_money,
    reason_set_aside,
    refuse_finer_amounts,
    refuse_unreadable,
)
from duramen.data.columns import REQUIRED, find_columns
from duramen.data.customer_file import CHANNEL, INTERNAL, CustomerFile, read_customer_file
from duramen.data.purchase_days import collapse_to_days, lines_of_shared_days
from duramen.data.sources import close_source, is_spark_frame, open_source, open_workspace, source_name
from duramen.errors import InputError

if TYPE_CHECKING:
    import ibis
    import pandas as pd

DUPLICATE = "duplicate line"


@dataclass(frozen=True)
class DataSummary:
    """What a careful analyst asks of the data first; money in the unit of the source."""

    source: str
    rows_in: int
    set_aside: dict[str, int]
    customers: int
    one_time_customers: int
    first_date: date
    last_date: date
    purchase_days: int
    days_without_purchase: int
    net_total: float
    returned_total: float
    unit: str
    optional: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def rows_used(self) -> int:
        """Rows in, less rows set aside."""
        return self.rows_in - sum(self.set_aside.values())

    @property
    def one_time_share(self) -> float:
        """Share of customers with a single purchase day."""
        return self.one_time_customers / self.customers

    @property
    def can_fit(self) -> list[str]:
        """What these data can support, in sentences."""
        days = (self.last_date - self.first_date).days + 1
        repeat = self.customers - self.one_time_customers
        told = [f"BTYD models and gamma-gamma: yes, {repeat:,} customers bought on more than one day."]
        told.append(
            f"LightGBM on rolling cutoffs: horizons up to {days // 3} days, a third of the {days:,} days of history."
        )
        if days < 2 * 364:
            told.append("Yearly season: no, less than two years of history.")
        return told

    def __str__(self) -> str:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in self.set_aside.items())
        lines = (
            ("rows", f"{self.rows_in:,} in = {self.rows_used:,} used + {self.rows_in - self.rows_used:,} set aside"
                     + (f" ({reasons})" if reasons else "")),
            ("span", f"{self.first_date} to {self.last_date}"),
            ("customers", f"{self.customers:,}, of whom {self.one_time_share:.0%} bought on one day only"),
            ("grain", f"{self.purchase_days:,} purchase days, one row per customer and day"),
            ("netting", f"returns of {self.returned_total:,.0f} {self.unit} netted; "
                        f"{self.days_without_purchase:,} days net to zero or less and are no purchases"),
            ("money", f"{self.net_total:,.0f} {self.unit} net"),
            ("columns", f"optional columns in use: {', '.join(self.optional) or 'none'}"),
            *(("customer file", sentence) for sentence in self.notes),
            *(("can be fitted", sentence) for sentence in self.can_fit),
        )  # fmt: skip
        return "\n".join(
            [f"Transactions from {self.source}", *(f"  {name:<14}{text}" for name, text in lines)]
        )


@dataclass(frozen=True)
class Transactions:
    """Checked purchases, one row per customer and day.

    Attributes
    ----------
    days : ibis.Table
        ``customer_id``, ``date``, ``net``, ``returned``, ``lines`` (that sold), ``orders``, ``purchase``, ``gap``
        and, where the source has them, ``quantity``, ``products``, ``new_products``, ``categories``,
        ``new_categories``, ``discount`` and ``cost``. A day that nets to zero or less is no ``purchase``, but its
        money counts.
    rows_in : int
        Rows of the source.
    set_aside : dict
        Rows that were not used, by reason.
    columns : dict
        Source column of each role.
    unit : str
        Unit of money.
    kinds : ibis.Table, optional
        ``customer_id`` and ``kind`` of the customers whose kind the orders or the customer file tell.
    notes : tuple of str
        How orders and customer file fit, in sentences.
    """

    days: ibis.Table
    rows_in: int
    set_aside: dict[str, int]
    columns: dict[str, str]
    unit: str
    source: str
    _rejected: Any = field(repr=False)
    kinds: ibis.Table | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()

    @property
    def rows_used(self) -> int:
        """Rows in, less rows set aside."""
        return self.rows_in - sum(self.set_aside.values())

    @property
    def rejected(self) -> ibis.Table:
        """The rows set aside, in the engine that read them."""
        table: ibis.Table = self._rejected
        return table

    def quarantine(self) -> pd.DataFrame:
        """Return the rows set aside, as they came, with the ``reason`` of each."""
        frame: pd.DataFrame = self._rejected.to_pyarrow().to_pandas()
        return frame

    def write_quarantine(self, path: str | Path) -> None:
        """Write the rows set aside to a CSV file, whole or not at all."""
        beside = Path(f"{path}.{os.getpid()}.part")
        try:
            self.quarantine().to_csv(beside, index=False)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)

    def history(self, cutoff: date) -> ibis.Table:
        """Return the days before ``cutoff``; nothing inside duramen sees later ones when it learns or scores."""
        return self.days.filter(self.days.date < cutoff)

    def of_customers(self, customer_ids: Iterable[Any]) -> Transactions:
        """Return the days of some customers alone."""
        import ibis
        import pyarrow as pa

        held = customer_ids if isinstance(customer_ids, pa.ChunkedArray) else pa.array(list(customer_ids))
        ids = ibis.memtable(pa.table({"customer_id": held}))
        return self._part(self.days.semi_join(ids, "customer_id"))

    def of_kind(self, kind: str) -> Transactions:
        """Return the days of the customers of one kind alone, to be modelled and ranked apart.

        Its ``source`` names the kind; rows in and set aside stay those of the whole source.

        Parameters
        ----------
        kind : str
            A kind that the source tells, such as "channel" or "consumer"; or "end": all who are not channel customers,
            also those of whom no kind is told, so that the channel and the end hold everybody once.

        Raises
        ------
        InputError
            If no kinds are told, nobody is of this one, or a customer is of two.
        """
        if self.kinds is None:
            raise InputError(
                f"{self.source} tells no kind of customer; add a column kind, or give a customer file with one."
            )
        twice = self.kinds.group_by("customer_id").having(self.kinds.count() > 1).aggregate()
        examples = twice.customer_id.cast("string").to_pyarrow().to_pylist()
        if examples:
            raise InputError(
                f"{len(examples):,} customers of {self.source} are of two kinds (for example {min(examples)!r}); give "
                "each customer one kind, or take all customers together."
            )
        told = self.kinds.kind.value_counts(name="customers").order_by("kind").to_pyarrow().to_pylist()
        counts = {row["kind"]: row["customers"] for row in told}
        if kind == INTERNAL:
            raise InputError(
                "internal customers are no revenue, and are set aside; look into the quarantine."
            )
        if kind == "end":
            channel = self.kinds.filter(self.kinds.kind == CHANNEL)
            return self._of_kind(kind, self.days.anti_join(channel, "customer_id"))
        if kind not in counts:
            held = ", ".join(f"{name} ({count:,})" for name, count in counts.items())
            raise InputError(
                f"no customer of {self.source} is of the kind {kind!r}; it tells {held or 'none'}, or end."
            )
        of_it = self.kinds.filter(self.kinds.kind == kind)
        return self._of_kind(kind, self.days.semi_join(of_it, "customer_id"))

    def _of_kind(self, kind: str, days: ibis.Table) -> Transactions:
        # What is said of a part must not read as if it were said of the whole.
        note = "rows are counted for customers of all kinds"
        notes = self.notes if note in self.notes else (*self.notes, note)
        return replace(self._part(days), source=f"{self.source} ({kind} customers)", notes=notes)

    def _part(self, days: ibis.Table) -> Transactions:
        import ibis

        # A name of its own: a part of a part must not take the place of the first.
        name = ibis.util.gen_name("days_of_customers")
        return replace(self, days=self.days.get_backend().create_table(name, days))

    @functools.cached_property
    def first_date(self) -> date:
        """First day of the source."""
        first: date = self.days.date.min().to_pyarrow().as_py()
        return first

    @functools.cached_property
    def last_date(self) -> date:
        """Last day of the source."""
        last: date = self.days.date.max().to_pyarrow().as_py()
        return last

    def digest(self, cutoff: date) -> str:
        """Return a fingerprint of the days before ``cutoff`` that no order of rows changes."""
        days = self.history(cutoff)
        text = (
            days.customer_id.cast("string") + "|" + days.date.cast("string") + "|" + days.net.cast("string")
        )
        row = days.aggregate(rows=days.count(), bits=text.hash().bit_xor()).to_pyarrow().to_pylist()[0]
        return f"{(row['bits'] or 0) & (2**64 - 1):016x}-{row['rows']}"

    def summary(self, cutoff: date | None = None) -> DataSummary:
        """Return the figures that describe the data, or its history before ``cutoff``."""
        days = self.days if cutoff is None else self.history(cutoff)
        customers = days.group_by("customer_id").aggregate(
            purchases=days.purchase.sum(),
            others=(~days.purchase).sum(),
            net=days.net.sum(),
            returned=days.returned.sum(),
            first=days.date.min(),
            last=days.date.max(),
        )
        found = customers.aggregate(
            customers=(customers.purchases > 0).sum(),
            one_time=(customers.purchases == 1).sum(),
            purchases=customers.purchases.sum(),
            others=customers.others.sum(),
            net=customers.net.sum().cast("float64"),
            returned=customers.returned.sum().cast("float64"),
            first=customers["first"].min(),
            last=customers["last"].max(),
        )
        row = found.to_pyarrow().to_pylist()[0]
        if not row["customers"]:
            raise InputError(
                f"{self.source} holds no purchase{'' if cutoff is None else f' before {cutoff}'}; its days run from "
                f"{self.first_date} to {self.last_date}; "
                + ("check the sign of the amounts." if cutoff is None else "choose a cutoff inside them.")
            )
        return DataSummary(
            source=self.source,
            rows_in=self.rows_in,
            set_aside=self.set_aside,
            customers=row["customers"],
            one_time_customers=row["one_time"],
            first_date=row["first"],
            last_date=row["last"],
            purchase_days=row["purchases"],
            days_without_purchase=row["others"],
            net_total=row["net"],
            returned_total=row["returned"],
            unit=self.unit,
            optional=tuple(role for role in self.columns if role not in REQUIRED),
            notes=self.notes,
        )

    def __str__(self) -> str:
        return str(self.summary())


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
    if decimal not in (".", ","):
        raise InputError(f"decimal mark {decimal!r} is neither '.' nor ','; give one of them.")
    workspace = _on_spark(source) if is_spark_frame(source) else open_workspace(memory_limit, threads)
    raw = open_source(workspace, source)
    given = {"customer_id": customer_id, "date": date, "amount": amount, **(columns or {})}
    roles = find_columns(raw.columns, given, where)
    form = choose_date_format(raw, roles["date"], date_format, where)
    rows = _parse(raw, roles, form, decimal)
    if "currency" in roles:
        currency = choose_currency(rows, roles["currency"], currency, where)
    notes: tuple[str, ...] = ()
    if customers is not None:
        known = customers if isinstance(customers, CustomerFile) else read_customer_file(customers)
        rows, note = known.join(rows)
        notes = (note,)
    rows = rows.mutate(reason=reason_set_aside(rows, datetime.now(UTC).date(), currency))

    counted = (
        rows.group_by("reason")
        .aggregate(
            rows=rows.count(),
            returns=(rows.amount < 0).sum(),
            money=rows.amount.abs().sum(),
            rounded=(rows.amount - rows.amount.round(4)).abs().sum(),
        )
        .to_pyarrow()
    )
    counts = {row["reason"]: row["rows"] for row in counted.to_pylist()}
    refuse_unreadable(rows, counts, roles, where)
    refuse_finer_amounts(
        rows, next(row for row in counted.to_pylist() if row["reason"] is None), roles, where
    )

    usable = rows.filter(rows.reason.isnull()).drop("reason")
    rejected = _as_it_came(rows.filter(rows.reason.notnull()), roles)
    set_aside = {
        reason: count
        for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0] or ""))
        if reason
    }
    has_returns = any(row["returns"] for row in counted.to_pylist() if row["reason"] is None)
    if customers is not None or any(raw[roles[role]].type().is_string() for role in ("date", "amount")):
        # Text is parsed, and customers are joined, once here, and not again by each look at the lines.
        usable = workspace.create_table("lines", usable)
    shared = workspace.create_table("shared", lines_of_shared_days(usable))
    if "order" in roles or "product" in roles:
        copies = workspace.create_table("copies", _copied_lines(shared))
        if surplus := int((copies.copies - 1).sum().fill_null(0).to_pyarrow().as_py()):
            set_aside[DUPLICATE] = surplus
            rejected = rejected.union(_as_it_came(_repeat(copies).mutate(reason=_text(DUPLICATE)), roles))
            shared = shared.distinct()
    days = workspace.create_table("days", collapse_to_days(usable, shared, has_returns))
    workspace.drop_table("shared")
    # A copy, since the source may be gone when the quarantine is asked for; of nothing, where that needs no look.
    rejected = workspace.create_table("rejected", rejected if set_aside else rejected.limit(0))
    kinds = workspace.create_table("kinds", _kinds(usable)) if "kind" in usable.columns else None
    close_source(workspace)
    return Transactions(
        days=days,
        rows_in=sum(counts.values()),
        set_aside=set_aside,
        columns=roles,
        unit=currency or "currency units",
        source=where,
        _rejected=rejected,
        kinds=kinds,
        notes=notes,
    )


def _on_spark(source: Any) -> Any:
    # Apart, since it needs the extra that only those have who have such a frame.
    from duramen.data.spark_workspace import SparkWorkspace

    return SparkWorkspace.of(source.sparkSession)


def _kinds(lines: ibis.Table) -> ibis.Table:
    """Return the kind of each customer of whom one is told."""
    told = lines.select("customer_id", kind=lines.kind.cast("string").lower().strip())
    return told.filter(told.kind.notnull() & (told.kind != "")).distinct()


def _copied_lines(lines: ibis.Table) -> ibis.Table:
    """Return the lines that occur more than once, with the number of ``copies``."""
    # Lines alike as they came are alike as they were read.
    came = [name for name in lines.columns if name.startswith("raw_")]
    counted = lines.group_by(came).aggregate(copies=lines.count())
    return counted.filter(counted.copies > 1)


def _parse(raw: ibis.Table, roles: Mapping[str, str], form: str, decimal: str) -> ibis.Table:
    parsed = {f"raw_{role}": raw[column] for role, column in roles.items()}
    parsed["customer_id"] = parse_customer_id(raw[roles["customer_id"]])
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
