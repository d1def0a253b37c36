"""Purchases as one row per customer and day, with what was set aside when they were read."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from duramen.data.checks import parse_text
from duramen.data.customer_file import CHANNEL, INTERNAL
from duramen.data.ids import id_of_type, id_table, id_text
from duramen.data.purchase_days import BREADTHS, DAY, MONEY
from duramen.data.service_lines import ServiceLine
from duramen.data.sources import reopened
from duramen.data.statuses import Status
from duramen.data.summary import DataSummary, count_days
from duramen.data.windows import parse_day
from duramen.errors import InputError
from duramen.io.atomic import atomic_file
from duramen.language import said_again, say

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from duramen.data.feature_file import FeatureFile


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
        ``customer_id`` and ``kind`` of the customers whose kind is in the orders or the customer file.
    notes : tuple of str
        How orders and customer file fit, in sentences.
    assumed : tuple of str
        What the reading decided by itself, in sentences, each with the option that sets it.
    statuses : tuple of Status
        Each order status of the rows that can be used: ``status``, ``rows``, ``money`` and whether it was ``used``.
    service_lines : tuple of ServiceLine
        Each product code that is postage, a fee, a voucher or a correction: ``code``, ``rows``, ``money``, ``used``.
    set_aside_money : dict
        Money of the rows that were not used, by reason, where their amounts are numbers.
    features : FeatureFile, optional
        Further columns about customers, which ``customer_table`` adds as they were known before its cutoff.
    """

    days: ibis.Table
    rows_in: int
    set_aside: dict[str, int]
    columns: dict[str, str]
    unit: str
    source: str
    _rejected: Any = field(repr=False)
    _lines: Any = field(repr=False)
    _address: str | None = field(repr=False)
    kinds: ibis.Table | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    service_lines: tuple[ServiceLine, ...] = ()
    set_aside_money: dict[str, float] = field(default_factory=dict)
    features: FeatureFile | None = field(default=None, repr=False)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: the days lie in a database of this process."""
        raise InputError(
            "Transactions are tables in a database of this process and cannot be pickled; give the other process the "
            "source to read, or tx.days.to_pandas()."
        )

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

    def examples_set_aside(self, rows: int = 3) -> dict[str, list[dict[str, str | None]]]:
        """Return the first rows set aside for each reason, in the order of their text, as they came."""
        import ibis

        if not self.set_aside:
            return {}
        label, *own = self._rejected.columns
        place = ibis.row_number().over(ibis.window(group_by=label, order_by=own))
        first = self._rejected.mutate(its_place=place).filter(lambda table: table.its_place < rows)
        listed = first.order_by("its_place").drop("its_place").to_pyarrow().to_pylist()
        return {
            reason: [{name: row[name] for name in own} for row in listed if row[label] == reason]
            for reason in self.set_aside
        }

    def write_quarantine(self, path: str | Path) -> None:
        """Write the rows set aside to a CSV file, whole or not at all."""
        with atomic_file(Path(path)) as beside:
            self.quarantine().to_csv(beside, index=False)

    def history(self, cutoff: date) -> ibis.Table:
        """Return the days before ``cutoff``; nothing inside duramen sees later ones when it learns or scores."""
        return self.days.filter(self.days.date < cutoff)

    def of_customers(self, customer_ids: Iterable[Any]) -> Transactions:
        """Return the days of some customers alone, whose ids may be numbers or text: 7, 7.0 and "7" are one."""
        given = id_table(customer_ids)
        ids = given.select(customer_id=id_of_type(given.customer_id, self.days.customer_id.type()))
        return self._part(self.days.semi_join(ids, "customer_id"))

    def of_kind(self, kind: str) -> Transactions:
        """Return the days of the customers of one kind alone, to be modelled and ranked apart.

        Its ``source`` names the kind; rows in and set aside stay those of the whole source.

        Parameters
        ----------
        kind : str
            A kind in the source, such as "channel" or "consumer"; or "end": all who are not channel customers,
            also those of unknown kind, so that channel and end together have every customer once.

        Raises
        ------
        InputError
            If no kinds are known, no customer is of this one, or a customer is of two.
        """
        if self.kinds is None:
            raise InputError(
                f"{self.source} has no kind of customer; add a column kind, or give a customer file with one."
            )
        twice = self.kinds.group_by("customer_id").having(self.kinds.count() > 1).aggregate()
        examples = twice.customer_id.cast("string").to_pyarrow().to_pylist()
        if examples:
            raise InputError(
                f"{len(examples):,} customers of {self.source} are of two kinds (for example {min(examples)!r}); give "
                "each customer one kind, or take all customers together."
            )
        stated = self.kinds.kind.value_counts(name="customers").order_by("kind").to_pyarrow().to_pylist()
        counts = {row["kind"]: row["customers"] for row in stated}
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
                f"no customer of {self.source} is of the kind {kind!r}; give {held or 'none'}, or end."
            )
        of_it = self.kinds.filter(self.kinds.kind == kind)
        return self._of_kind(kind, self.days.semi_join(of_it, "customer_id"))

    def _of_kind(self, kind: str, days: ibis.Table) -> Transactions:
        # What is said of a part must not read as if it were said of the whole.
        note = say("rows are counted for customers of all kinds")
        notes = self.notes if note in said_again(self.notes) else (*self.notes, note)
        return replace(self._part(days), source=f"{self.source} ({kind} customers)", notes=notes)

    def _part(self, days: ibis.Table) -> Transactions:
        import ibis

        # A name of its own: a part of a part must not take the place of the first.
        name = ibis.util.gen_name("days_of_customers")
        return replace(self, days=self.days.get_backend().create_table(name, days))

    def product_spend(self, role: str, cutoff: date | str) -> ibis.Table:
        """Return the money of each customer by product or category before ``cutoff``, from the same checked lines.

        The lines are not kept but looked at again where they lie, so the source must still be there.

        Parameters
        ----------
        role : str
            "product" or "category".
        cutoff : date or str
            First day that is not history.

        Returns
        -------
        ibis.Table
            ``customer_id``, ``item`` (text, null for lines that name none) and ``net`` (money, returns subtracted),
            which adds up to the money of the days before the cutoff.

        Raises
        ------
        InputError
            If the source has no such column, or the source has changed since it was read.
        """
        if role not in BREADTHS or role not in self.columns:
            raise InputError(
                f"{self.source} has no column for {role!r}; name one by `columns`, for example {{'product': 'SKU'}}."
            )
        import ibis

        workspace, days = self.days.get_backend(), self.history(parse_day(cutoff))
        lines = self._lines.semi_join(days, DAY)
        item = parse_text(lines[role])
        spend = lines.group_by("customer_id", item=item).aggregate(
            net=lines.amount.cast(MONEY).sum().cast(MONEY)
        )
        with reopened(workspace, self._address):
            found = workspace.create_table(ibis.util.gen_name("product_spend"), spend)
        money, then = (table.net.sum().to_pyarrow().as_py() for table in (found, days))
        if money != then:
            raise InputError(f"{self.source} has changed since it was read; read it again.")
        return found

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
        """Return a fingerprint of what was known before ``cutoff`` that no order of rows changes."""
        days = self.history(cutoff)
        text = id_text(days.customer_id) + "|" + days.date.cast("string") + "|" + days.net.cast("string")
        texts, workspace = days.select(text=text), days.get_backend()
        if workspace.name == "pyspark":
            bits, rows = workspace.hash_texts(texts)
        else:
            hashed = texts.aggregate(rows=texts.count(), bits=texts.text.hash().bit_xor())
            row = hashed.to_pyarrow().to_pylist()[0]
            bits, rows = row["bits"] or 0, row["rows"]
        of_features = "" if self.features is None else f"-{self.features.digest(cutoff)}"
        return f"{bits & (2**64 - 1):016x}-{rows}{of_features}"

    def summary(self, cutoff: date | None = None) -> DataSummary:
        """Return the figures that describe the data, or its history before ``cutoff``."""
        row, later = count_days(self.days if cutoff is None else self.history(cutoff)), 0
        if cutoff is not None:
            later = int(
                self.days.filter(self.days.date >= cutoff, self.days.purchase).count().to_pyarrow().as_py()
            )
        if not row["customers"]:
            raise InputError(
                f"{self.source} has no purchase{'' if cutoff is None else f' before {cutoff}'}; its days run from "
                f"{self.first_date} to {self.last_date}; "
                + ("check the sign of the amounts." if cutoff is None else "choose a cutoff inside them.")
            )
        return DataSummary(
            source=self.source,
            rows_in=self.rows_in,
            set_aside=self.set_aside,
            **row,
            unit=self.unit,
            columns=self.columns,
            notes=tuple(said_again(self.notes)),
            assumed=tuple(said_again(self.assumed)),
            statuses=self.statuses,
            service_lines=self.service_lines,
            set_aside_money=self.set_aside_money,
            features=() if self.features is None else tuple(said_again(self.features.notes)),
            purchase_days_after=later,
        )

    def __str__(self) -> str:
        return str(self.summary())
