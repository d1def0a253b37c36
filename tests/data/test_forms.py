"""The same orders in any form of a real export are read to the same figures, or refused in one sentence."""

import os
import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from tests.data.forms import (
    NAMES,
    NARROW,
    NBSP,
    ORDERS,
    Form,
    expected_aside,
    expected_days,
    forms,
    options,
    write_orders,
)

from duramen.data.ids import id_text
from duramen.data.reading import read_transactions
from duramen.errors import InputError

# A run beside the suite sets more, for example DURAMEN_TEST_FORMS=200000.
CASES = int(os.environ.get("DURAMEN_TEST_FORMS", "500"))

ENGLISH, GERMAN, FRENCH, JAPANESE = NAMES[1], NAMES[2], NAMES[3], NAMES[9]
PLAIN = Form(
    separator=",", encoding="utf-8", decimal=".", grouping="", negative="-", currency="", whole=False, date="iso",
    ids="number", missing="", names=NAMES[0], layout="file", typed=False, line_end="\n", quoting="minimal", parts=False,
    statuses=None, country=True, padded=False, ending="", options=False,
)  # fmt: skip
PLACES = dict(line_end="\r\n", separator=";", encoding="cp1252")
COMMON = {
    "Shopify": dict(
        names=(
            "Customer ID", "Created at", "Total", "Name", "Lineitem name", "Lineitem quantity", "Lineitem price",
            "Financial Status", "Shipping Country",
        ),
        date="iso +0000", statuses=("paid", "voided"),
    ),
    "WooCommerce": dict(
        names=(
            "customer_id", "date_created", "order_total", "order_number", "item_name", "quantity", "item_price", "status",
            "billing_country",
        ),
        date="iso T", statuses=("wc-completed", "wc-cancelled"), quoting="all",
    ),
    "Magento": dict(
        names=(
            "Customer ID", "Purchase Date", "Grand Total (Base)", "Increment ID", "Product", "Qty Ordered", "Price",
            "Status", "Country",
        ),
        date="month name first", statuses=("complete", "canceled"), currency="${}", grouping=",", quoting="all",
    ),
    "PrestaShop": dict(
        names=(
            "id_customer", "date_add", "total_paid", "reference", "product_name", "product_quantity", "unit_price",
            "current_state", "country",
        ),
        date="iso time", separator=";", statuses=("Paiement accepté", "Annulé"),
    ),
    "Stripe": dict(
        names=(
            "Customer ID", "Created (UTC)", "Amount", "id", "Description", "Quantity", "Price", "Status", "Card Country",
        ),
        ids="letters", date="iso time", statuses=("Paid", "Failed"),
    ),
    "SAP": dict(
        names=(
            "Debitor", "Belegdatum", "Nettobetrag", "Belegnummer", "Material", "Menge", "Preis", "Status", "Land",
        ),
        ids="zeros", date="points", decimal=",", grouping=".", negative="trailing", **PLACES,
    ),
    "order lines with a price per unit": dict(names=ENGLISH, date="month first time", parts=True),
    "a German spreadsheet": dict(
        names=GERMAN, date="points", decimal=",", grouping=".", currency="{} €", missing="#NV", ending="cells", **PLACES
    ),
    "a French spreadsheet": dict(names=FRENCH, date="day first", decimal=",", grouping=NBSP, **PLACES),
    "a French shop": dict(names=FRENCH, date="day first time", decimal=",", grouping=NARROW, currency="{} €"),
    "an American spreadsheet": dict(
        names=ENGLISH, date="month first", grouping=",", currency="${}", negative="brackets", missing="#N/A",
        line_end="\r\n", encoding="utf-8-sig",
    ),
    "an Indian spreadsheet": dict(names=ENGLISH, date="month name", grouping="indian", encoding="utf-8-sig"),
    "whole yen of a Japanese shop": dict(names=JAPANESE, date="slashes", grouping=",", whole=True, currency="¥{}"),
    "Unicode text of Excel": dict(names=ENGLISH, date="month first AM", separator="\t", encoding="utf-16"),
    "a workbook": dict(names=ENGLISH, layout="xlsx", typed=True),
    "a workbook of which the dates lost their format": dict(names=GERMAN, layout="xlsx", date="excel time"),
    "pandas": dict(ids="float", date="iso time"),
    "R": dict(missing="NA", quoting="all"),
    "MySQL": dict(missing="\\N", separator="\t", date="iso time"),
    "Spark": dict(layout="folder", quoting="backslash", date="iso UTC", ids="uuid"),
    "BigQuery": dict(layout="jsonl", typed=True),
    "a warehouse": dict(layout="parquet", typed=True, ids="float"),
    "an event log": dict(layout="zst", date="epoch ms", ids="uuid"),
}  # fmt: skip


def assert_same_figures(tx, form):
    """Assert that orders read are those written, to the cent, and that each row that is set aside should be."""
    days = tx.days.select(id=id_text(tx.days.customer_id), date=tx.days.date, net=tx.days.net)
    found = {(row["id"], row["date"]): row["net"] for row in days.to_pyarrow().to_pylist()}
    assert found == expected_days(form)
    assert tx.set_aside == expected_aside(form)
    assert tx.rows_in == tx.rows_used + sum(tx.set_aside.values()) >= len(ORDERS)


@pytest.mark.slow
@given(forms())
@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_same_orders_in_any_form_are_the_same_or_refused(form):
    folder = Path(tempfile.mkdtemp())
    try:
        tx = read_transactions(write_orders(form, folder), **options(form))
    except InputError as error:
        sentence = str(error)
        assert sentence.endswith((".", "?"))
        assert "\n" not in sentence
        event("refused: " + re.sub(r"[\d'(\[].*", "", sentence.replace(str(folder), ""))[:60])
        return
    finally:
        shutil.rmtree(folder)
    event("read")
    assert_same_figures(tx, form)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMON)
def test_common_exports_are_read_without_an_option(name, tmp_path):
    form = replace(PLAIN, **COMMON[name])
    assert_same_figures(read_transactions(write_orders(form, tmp_path)), form)
