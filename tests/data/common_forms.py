"""The forms of common exports, one for each shop system, spreadsheet or database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.data.forms import NAMES, NARROW, NBSP, Form

ENGLISH, GERMAN, FRENCH, JAPANESE = NAMES[1], NAMES[2], NAMES[3], NAMES[9]
PLAIN = Form(
    separator=",", encoding="utf-8", decimal=".", grouping="", negative="-", currency="", whole=False, date="iso",
    ids="number", missing="", names=NAMES[0], layout="file", typed=False, line_end="\n", quoting="minimal", parts=False,
    statuses=None, country=True, padded=False, ending="", options=False,
)  # fmt: skip
EXCEL = {"line_end": "\r\n", "separator": ";", "encoding": "cp1252"}


def _form(**ways: Any) -> Form:
    return replace(PLAIN, **ways)


COMMON = {
    "Shopify": _form(
        names=(
            "Customer ID", "Created at", "Total", "Name", "Lineitem name", "Lineitem quantity", "Lineitem price",
            "Financial Status", "Shipping Country",
        ),
        date="iso +0000", statuses=("paid", "voided"),
    ),
    "WooCommerce": _form(
        names=(
            "customer_id", "date_created", "order_total", "order_number", "item_name", "quantity", "item_price",
            "status", "billing_country",
        ),
        date="iso T", statuses=("wc-completed", "wc-cancelled"), quoting="all",
    ),
    "Magento": _form(
        names=(
            "Customer ID", "Purchase Date", "Grand Total (Base)", "Increment ID", "Product", "Qty Ordered", "Price",
            "Status", "Country",
        ),
        date="month name first", statuses=("complete", "canceled"), currency="${}", grouping=",", quoting="all",
    ),
    "PrestaShop": _form(
        names=(
            "id_customer", "date_add", "total_paid", "reference", "product_name", "product_quantity", "unit_price",
            "current_state", "country",
        ),
        date="iso time", separator=";", statuses=("Paiement accepté", "Annulé"),
    ),
    "Stripe": _form(
        names=(
            "Customer ID", "Created (UTC)", "Amount", "id", "Description", "Quantity", "Price", "Status",
            "Card Country",
        ),
        ids="letters", date="iso time", statuses=("Paid", "Failed"),
    ),
    "SAP": _form(
        names=(
            "Debitor", "Belegdatum", "Nettobetrag", "Belegnummer", "Material", "Menge", "Preis", "Status", "Land",
        ),
        ids="zeros", date="points", decimal=",", grouping=".", negative="trailing", **EXCEL,
    ),
    "order lines with a price per unit": _form(names=ENGLISH, date="month first time", parts=True),
    "a German spreadsheet": _form(
        names=GERMAN, date="points", decimal=",", grouping=".", currency="{} €", missing="#NV", ending="cells", **EXCEL
    ),
    "a French spreadsheet": _form(names=FRENCH, date="day first", decimal=",", grouping=NBSP, **EXCEL),
    "a French shop": _form(names=FRENCH, date="day first time", decimal=",", grouping=NARROW, currency="{} €"),
    "an American spreadsheet": _form(
        names=ENGLISH, date="month first", grouping=",", currency="${}", negative="brackets", missing="#N/A",
        line_end="\r\n", encoding="utf-8-sig",
    ),
    "an Indian spreadsheet": _form(names=ENGLISH, date="month name", grouping="indian", encoding="utf-8-sig"),
    "whole yen of a Japanese shop": _form(names=JAPANESE, date="slashes", grouping=",", whole=True, currency="¥{}"),
    "Unicode text of Excel": _form(names=ENGLISH, date="month first AM", separator="\t", encoding="utf-16"),
    "a workbook": _form(names=ENGLISH, layout="xlsx", typed=True),
    "a workbook of which the dates lost their format": _form(names=GERMAN, layout="xlsx", date="excel time"),
    "pandas": _form(ids="float", date="iso time"),
    "R": _form(missing="NA", quoting="all"),
    "MySQL": _form(missing="\\N", separator="\t", date="iso time"),
    "Spark": _form(layout="folder", quoting="backslash", date="iso UTC", ids="uuid"),
    "BigQuery": _form(layout="jsonl", typed=True),
    "a warehouse": _form(layout="parquet", typed=True, ids="float"),
    "an event log": _form(layout="zst", date="epoch ms", ids="uuid"),
}  # fmt: skip
