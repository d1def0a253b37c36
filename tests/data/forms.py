"""The same 500 orders in the forms of real exports: writes them to files, and knows what must be read back."""

from __future__ import annotations

import csv
import datetime
import io
import json
import uuid
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

ROWS, NO_ID, EMPTY = 500, 12, 3
NBSP, NARROW, THIN, MINUS, APOSTROPHE = "\u00a0", "\u202f", "\u2009", "\u2212", "\u2019"


@dataclass(frozen=True)
class Order:
    """One line of an export; ``customer`` is None where it lacks the id."""

    customer: int | None
    when: datetime.datetime
    amount: Decimal
    number: int
    product: str
    quantity: int
    cancelled: bool


@dataclass(frozen=True)
class Form:
    """How an export is written: a word for each of its ways."""

    separator: str
    encoding: str
    decimal: str
    grouping: str
    negative: str
    currency: str
    whole: bool
    date: str
    ids: str
    missing: str
    names: tuple[str, ...]
    layout: str
    typed: bool
    line_end: str
    quoting: str
    parts: bool
    statuses: tuple[str, str] | None
    country: bool
    padded: bool
    ending: str
    options: bool


def make_orders() -> list[Order]:
    """Return 500 orders of 60 customers over two years, with large amounts, returns, quotes and missing ids."""
    random = np.random.default_rng(5)
    customers = 10_000 + random.integers(0, 60, ROWS)
    minutes = random.integers(0, 725 * 24 * 60, ROWS)
    amounts = np.exp(random.normal(5, 2.2, ROWS)).round(2) + 0.01
    returned = random.random(ROWS) < 0.06
    start = datetime.datetime(2023, 1, 5)
    products = ["Mug", 'Sign 12" "Home"', "Tea, green", "Café au lait", "Box; large"]
    return [
        Order(
            customer=None if i % (ROWS // NO_ID) == 7 else int(customers[i]),
            when=start + datetime.timedelta(minutes=int(minutes[i]), seconds=i % 60),
            amount=Decimal(f"{-amounts[i] if returned[i] else amounts[i]:.2f}"),
            number=500_000 + i,
            product=f"{products[i % 5]} {i}",
            quantity=1 + i % 4,
            cancelled=i % 17 == 3,
        )
        for i in range(ROWS)
    ]


ORDERS = make_orders()

# Customer, date, amount, order, product, quantity, price per unit, status and country.
NAMES = tuple(
    tuple(line.split(", "))
    for line in """
customer_id, date, amount, order_id, product, quantity, price, status, country
Customer ID, Order Date, Total, Order No, Product, Quantity, Unit Price, Order Status, Country
Kundennummer, Bestelldatum, Betrag, Bestellnummer, Artikel, Menge, Einzelpreis, Bestellstatus, Land
Client, Date de commande, Montant, Numéro de commande, Produit, Quantité, Prix unitaire, Statut, Pays
ID cliente, Fecha de pedido, Importe, Número de pedido, Producto, Cantidad, Precio unitario, Estado del pedido, País
Codice cliente, Data ordine, Importo, Numero ordine, Prodotto, Quantità, Prezzo unitario, Stato, Paese
Cliente, Data do pedido, Valor, Número do pedido, Produto, Quantidade, Preço unitário, Status, País
Klantnummer, Besteldatum, Bedrag, Bestelnummer, Artikel, Aantal, Stukprijs, Bestelstatus, Land
客户ID, 订单日期, 金额, 订单号, 商品, 数量, 单价, 订单状态, 国家
顧客ID, 注文日, 金額, 注文番号, 商品, 数量, 単価, 注文状況, 国
""".strip().splitlines()
)
DATES = {
    "iso": "%Y-%m-%d",
    "iso time": "%Y-%m-%d %H:%M:%S",
    "iso T": "%Y-%m-%dT%H:%M:%S",
    "iso UTC": "%Y-%m-%dT%H:%M:%SZ",
    "iso +0000": "%Y-%m-%d %H:%M:%S +0000",
    "slashes": "%Y/%m/%d",
    "compact": "%Y%m%d",
    "day first": "%d/%m/%Y",
    "day first time": "%d/%m/%Y %H:%M",
    "points": "%d.%m.%Y",
    "month first": "%m/%d/%Y",
    "month first time": "%m/%d/%Y %H:%M",
    "month first AM": "%m/%d/%Y %I:%M:%S %p",
    "two digits": "%d.%m.%y",
    "two digits month first": "%m/%d/%y",
    "month name": "%d-%b-%Y",
    "month name first": "%b %d, %Y",
    "epoch": "",
    "epoch ms": "",
    "excel": "",
    "excel time": "",
}
# What `date_format` calls each way of writing a date.
NAMED = {
    "iso": "iso", "slashes": "iso", "compact": "compact", "day": "day-first", "points": "day-first",
    "month first": "month-first", "month name": "month-name", "two digits": "day-first",
    "two digits month first": "month-first", "epoch": "epoch", "excel": "excel",
}  # fmt: skip
MISSING = ("", "NA", "N/A", "#N/A", "#NV", "\\N", "null", "(null)", "NaN", "None", "-")
STATUSES = (
    None, None, ("wc-completed", "wc-cancelled"), ("paid", "voided"), ("Abgeschlossen", "Storniert"),
    ("Terminée", "Annulée"), ("已完成", "已取消"),
)  # fmt: skip


@st.composite
def forms(draw: st.DrawFn) -> Form:
    """Draw a form that an export can have."""
    one = lambda *choices: draw(st.sampled_from(choices))  # noqa: E731  so that each line below reads as a choice
    decimal = one(".", ",")
    groups = (
        ("", ",", " ", NBSP, NARROW, "'", APOSTROPHE, "indian")
        if decimal == "."
        else ("", ".", " ", NBSP, NARROW, THIN, "'")
    )
    return Form(
        separator=one(",", ";", "\t", "|"),
        encoding=one("utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252"),
        decimal=decimal,
        grouping=one(*groups),
        negative=one("-", "-", "trailing", "brackets", "unicode"),
        currency=one("", "", "€ {}", "{} €", "${}", "{} EUR", "CHF {}"),
        whole=one(False, False, False, True),
        date=one(*DATES),
        ids=one("number", "number", "float", "spaces", "zeros", "letters", "uuid"),
        missing=one(*MISSING),
        names=one(*NAMES),
        layout=one("file", "file", "file", "gzip", "zst", "folder", "parquet", "xlsx", "jsonl"),
        typed=one(False, True),
        line_end=one("\n", "\r\n"),
        quoting=one("minimal", "minimal", "all", "backslash"),
        parts=one(False, False, True),
        statuses=one(*STATUSES),
        country=one(False, True),
        padded=one(False, False, False, True),
        ending=one("", "", "lines", "cells"),
        options=one(False, False, True),
    )


def written_id(customer: int | None, form: Form) -> str:
    """Return an id as the export writes it."""
    if customer is None:
        return form.missing
    return {
        "number": f"{customer}",
        "float": f"{customer}.0",
        "spaces": f" {customer} ",
        "zeros": f"{customer:08d}",
        "letters": f"C-{customer}",
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, str(customer))),
    }[form.ids]


def read_id(customer: int, form: Form) -> str:
    """Return the id that must be read back, as text."""
    return str(customer) if form.ids in ("float", "spaces") else written_id(customer, form)


def exact(amount: Decimal, form: Form) -> Decimal:
    """Return the amount that the export has: some have whole numbers alone."""
    return amount.to_integral_value() if form.whole else amount


def written_amount(amount: Decimal, form: Form) -> str:
    """Return an amount as the export writes it."""
    amount = exact(amount, form)
    whole, _, part = f"{abs(amount):f}".partition(".")
    text = _grouped(whole, form.grouping) + (form.decimal + part if part else "")
    text = (form.currency or "{}").format(text)
    if amount >= 0:
        return text
    return {"-": "-{}", "trailing": "{}-", "brackets": "({})", "unicode": MINUS + "{}"}[form.negative].format(
        text
    )


def _grouped(whole: str, grouping: str) -> str:
    if not grouping:
        return whole
    if grouping != "indian":
        return f"{int(whole):,}".replace(",", grouping)
    head, tail = whole[:-3], whole[-3:]
    pairs = []
    while head:
        pairs.insert(0, head[-2:])
        head = head[:-2]
    return ",".join([*pairs, tail])


def written_date(when: datetime.datetime, form: Form) -> str:
    """Return a time as the export writes it, which is that of UTC."""
    seconds = when.replace(tzinfo=datetime.UTC).timestamp()
    serial = (when - datetime.datetime(1899, 12, 30)) / datetime.timedelta(days=1)
    special = {
        "epoch": f"{seconds:.0f}",
        "epoch ms": f"{seconds * 1000:.0f}",
        "excel": f"{serial:.0f}" if when.hour < 12 else f"{int(serial)}",
        "excel time": f"{serial:.6f}",
    }
    if form.date == "excel":
        return str(int(serial))
    return special.get(form.date) or when.strftime(DATES[form.date])


def write_orders(form: Form, folder: Path) -> Path:
    """Write the 500 orders; return the file or folder."""
    header = [f" {name} " if form.padded else name for name in _shown(form)]
    if form.layout in ("parquet", "xlsx", "jsonl"):
        path = folder / f"orders.{form.layout}"
        rows = [(_typed_row if form.typed else _row)(order, form) for order in ORDERS]
        {"parquet": _write_parquet, "xlsx": _write_xlsx, "jsonl": _write_json}[form.layout](
            path, header, rows
        )
        return path
    rows = [_row(order, form) for order in ORDERS]
    if form.layout == "folder":
        path = folder / "orders"
        path.mkdir()
        (path / ".orders.csv.swp").write_bytes(b"\x00\x01b0VIM")
        (path / "2023.csv").write_bytes(_text(form, [header, *rows[:300]]))
        (path / "2024.csv").write_bytes(_text(form, [header, *rows[300:]]))
        return path
    path = folder / ("orders.csv" + {"gzip": ".gz", "zst": ".zst"}.get(form.layout, ""))
    with pa.output_stream(path) as stream:
        stream.write(_text(form, [header, *rows]))
    return path


def _shown(form: Form) -> list[str]:
    """Return the names of the columns that the export has."""
    shown = [
        True,
        True,
        not form.parts,
        True,
        True,
        form.parts,
        form.parts,
        bool(form.statuses),
        form.country,
    ]
    return [name for name, has in zip(form.names, shown, strict=True) if has]


def _cells(order: Order, form: Form, customer: Any, date: Any, amount: Any, quantity: Any) -> list[Any]:
    money = [] if form.parts else [amount]
    parts = [quantity, amount] if form.parts else []
    status = [form.statuses[order.cancelled]] if form.statuses else []
    country = [["Germany", "France"][order.number % 2]] if form.country else []
    return [customer, date, *money, str(order.number), order.product, *parts, *status, *country]


def _row(order: Order, form: Form) -> list[Any]:
    """Return an order as text; a return has the negative quantity, where the price is that of a unit."""
    amount = abs(order.amount) if form.parts else order.amount
    quantity = str(order.quantity if order.amount > 0 else -order.quantity)
    texts = (written_id(order.customer, form), written_date(order.when, form), written_amount(amount, form))
    return _cells(order, form, *texts, quantity)


def _typed_row(order: Order, form: Form) -> list[Any]:
    """Return an order with numbers and times, where the kind of file has them."""
    number = {"number": int, "float": float}.get(form.ids)
    customer = (
        (number(order.customer) if number else written_id(order.customer, form)) if order.customer else None
    )
    when = f"{order.when}" if form.layout == "jsonl" else order.when
    amount = float(exact(abs(order.amount) if form.parts else order.amount, form))
    return _cells(
        order, form, customer, when, amount, order.quantity if order.amount > 0 else -order.quantity
    )


def _write_parquet(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    pq.write_table(pa.table([list(column) for column in zip(*rows, strict=True)], header), path)


def _write_xlsx(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    with xlsxwriter.Workbook(path, {"default_date_format": "dd.mm.yy", "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("Orders")
        for number, row in enumerate([header, *rows]):
            sheet.write_row(number, 0, row)
        book.add_worksheet("Empty")


def _write_json(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    path.write_text(
        "\n".join(json.dumps(dict(zip(header, row, strict=True))) for row in rows), encoding="utf-8"
    )


def _text(form: Form, rows: list[list[Any]]) -> bytes:
    stream = io.StringIO(newline="")
    escaped = {"doublequote": False, "escapechar": "\\"} if form.quoting == "backslash" else {}
    quoting = csv.QUOTE_ALL if form.quoting == "all" else csv.QUOTE_MINIMAL
    writer = csv.writer(
        stream, delimiter=form.separator, lineterminator=form.line_end, quoting=quoting, **escaped
    )
    writer.writerows(rows)
    empty = {"lines": "", "cells": form.separator * (len(rows[0]) - 1)}
    if form.ending:
        stream.write(f"{empty[form.ending]}{form.line_end}" * EMPTY)
    text = stream.getvalue()
    try:
        return text.encode(form.encoding)
    except UnicodeEncodeError:
        return text.encode("utf-8")


def options(form: Form) -> dict[str, str]:
    """Return what a user who knows the form says of it."""
    if not form.options or (form.typed and form.layout in ("parquet", "xlsx", "jsonl")):
        return {}
    name = next(
        word
        for start, word in sorted(NAMED.items(), key=lambda one: -len(one[0]))
        if form.date.startswith(start)
    )
    return {"decimal": form.decimal, "date_format": name}


def expected_days(form: Form) -> dict[tuple[str, datetime.date], Decimal]:
    """Return the net money of each customer and day."""
    days: dict[tuple[str, datetime.date], Decimal] = {}
    for order in ORDERS:
        if order.customer is not None and not (form.statuses and order.cancelled):
            day = (read_id(order.customer, form), order.when.date())
            money = exact(order.amount, form) * (order.quantity if form.parts else 1)
            days[day] = days.get(day, Decimal(0)) + money
    return days


def expected_aside(form: Form) -> dict[str, int]:
    """Return how many rows must be set aside for each reason: those of empty cells have no id."""
    files = {"folder": 2, "parquet": 0, "xlsx": 0, "jsonl": 0}.get(form.layout, 1)
    empty = EMPTY * files if form.ending == "cells" else 0
    cancelled = sum(order.cancelled and order.customer is not None for order in ORDERS)
    return {
        "missing customer id": empty + sum(order.customer is None for order in ORDERS),
        **({"unpaid or refunded order": cancelled} if form.statuses else {}),
    }
