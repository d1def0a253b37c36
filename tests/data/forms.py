"""The same 500 orders in the forms of real exports: writes them to files, and knows what must be read back."""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import uuid
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS, NO_ID = 500, 12
NBSP, NARROW, THIN, MINUS, APOSTROPHE = "\u00a0", "\u202f", "\u2009", "\u2212", "\u2019"


@dataclass(frozen=True)
class Order:
    """One line of an export; ``customer`` is None where it lacks the id."""

    customer: int | None
    when: datetime.datetime
    amount: Decimal
    number: int
    product: str


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
    line_end: str
    quoting: str
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
        )
        for i in range(ROWS)
    ]


ORDERS = make_orders()

NAMES = (
    ("customer_id", "date", "amount", "order_id", "product"),
    ("Customer ID", "Order Date", "Total", "Order No", "Product"),
    ("Kundennummer", "Bestelldatum", "Betrag", "Bestellnummer", "Artikel"),
    ("Client", "Date de commande", "Montant", "Numéro de commande", "Produit"),
    ("ID cliente", "Fecha de pedido", "Importe", "Número de pedido", "Producto"),
    ("Codice cliente", "Data ordine", "Importo", "Numero ordine", "Prodotto"),
    ("Cliente", "Data do pedido", "Valor", "Número do pedido", "Produto"),
    ("Klantnummer", "Besteldatum", "Bedrag", "Bestelnummer", "Artikel"),
    ("客户ID", "订单日期", "金额", "订单号", "商品"),
    ("顧客ID", "注文日", "金額", "注文番号", "商品"),
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
MISSING = ("", "NA", "N/A", "#N/A", "\\N", "null", "NaN", "None", "-")


@st.composite
def forms(draw: st.DrawFn) -> Form:
    """Draw a form that an export can have."""
    one = lambda *choices: draw(st.sampled_from(choices))  # noqa: E731
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
        layout=one("file", "file", "gzip", "folder", "parquet"),
        line_end=one("\n", "\r\n"),
        quoting=one("minimal", "minimal", "all", "backslash"),
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
    rows = [_row(order, form) for order in ORDERS]
    if form.layout == "parquet":
        path = folder / "orders.parquet"
        pq.write_table(pa.table([list(column) for column in zip(*rows, strict=True)], list(form.names)), path)
        return path
    if form.layout == "folder":
        path = folder / "orders"
        path.mkdir()
        (path / ".orders.csv.swp").write_bytes(b"\x00\x01b0VIM")
        (path / "2023.csv").write_bytes(_text(form, rows[:300]))
        (path / "2024.csv").write_bytes(_text(form, rows[300:]))
        return path
    path = folder / ("orders.csv.gz" if form.layout == "gzip" else "orders.csv")
    text = _text(form, rows)
    path.write_bytes(gzip.compress(text, 1) if form.layout == "gzip" else text)
    return path


def _row(order: Order, form: Form) -> tuple[str, ...]:
    return (
        written_id(order.customer, form),
        written_date(order.when, form),
        written_amount(order.amount, form),
        str(order.number),
        order.product,
    )


def _text(form: Form, rows: list[tuple[str, ...]]) -> bytes:
    stream = io.StringIO(newline="")
    escaped = {"doublequote": False, "escapechar": "\\"} if form.quoting == "backslash" else {}
    quoting = csv.QUOTE_ALL if form.quoting == "all" else csv.QUOTE_MINIMAL
    writer = csv.writer(
        stream, delimiter=form.separator, lineterminator=form.line_end, quoting=quoting, **escaped
    )
    writer.writerows([form.names, *rows])
    text = stream.getvalue()
    try:
        return text.encode(form.encoding)
    except UnicodeEncodeError:
        return text.encode("utf-8")


def options(form: Form) -> dict[str, str]:
    """Return what a user who knows the form says of it."""
    if not form.options:
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
        if order.customer is not None:
            day = (read_id(order.customer, form), order.when.date())
            days[day] = days.get(day, Decimal(0)) + exact(order.amount, form)
    return days
