"""Files as real exports write them are read to the figures that a person finds in them, or refused in a sentence."""

import datetime
import tarfile
from pathlib import Path

import pytest

from duramen.data.reading import read_transactions
from duramen.errors import InputError

# path, options, rows, rows used, net money, first day
EXPORTS = [
    ("amounts/french_orders.csv", {"decimal": ","}, 4_629, 4_629, 336_535.52, "2023-01-02"),
    ("amounts/french_orders.csv", {}, 4_629, 4_629, 336_535.52, "2023-01-02"),
    ("amounts/french_nbsp.csv", {"decimal": ","}, 100, 100, 4_916.00, "2023-01-10"),
    ("amounts/indian_orders.csv", {}, 4_629, 4_629, 16_826_776.00, "2023-01-02"),
    ("amounts/dot_thousands_int.csv", {}, 100, 100, 9_090_000.00, "2023-01-10"),
    ("amounts/trailing_minus.csv", {}, 100, 100, 1_175.00, "2023-01-10"),
    ("ids/missing_NA.csv", {}, 436, 348, 13_172.01, "2023-01-05"),
    ("ids/guest_account.csv", {}, 436, 436, 16_630.58, "2023-01-02"),
    ("ids/months", {}, 436, 435, 16_607.69, "2023-01-02"),
    ("ids/floatids.parquet", {"customers": "ids/customers_int.csv"}, 436, 427, 16_334.09, "2023-01-05"),
    ("ids/t_uint64big.parquet", {}, 436, 436, 16_630.58, "2023-01-02"),
    ("folders/date=2024-12-31", {}, 2_378, 2_378, 98_369.29, "2023-01-05"),
    ("folders/date=2024-12-31/orders.parquet", {}, 2_378, 2_378, 98_369.29, "2023-01-05"),
    ("folders/jupyter", {}, 436, 436, 16_630.58, "2023-01-02"),
    ("folders/macos2", {}, 436, 436, 16_630.58, "2023-01-02"),
    ("folders/spark_empty", {}, 436, 436, 16_630.58, "2023-01-02"),
    ("folders/mixedcols", {}, 436, 436, 16_630.58, "2023-01-02"),
    ("dates/ampm.csv", {}, 3, 3, 30.00, "2011-06-01"),
    ("dates/mon.csv", {}, 3, 3, 30.00, "2011-06-01"),
    ("dates/two_digit.csv", {}, 3, 3, 30.00, "2011-06-01"),
    ("dates/shopify.csv", {}, 3, 3, 30.00, "2023-01-05"),
    ("dates/epoch_s.csv", {}, 3, 3, 30.00, "2011-05-01"),
    ("orders/status_woo.csv", {}, 1_373, 825, 33_595.25, "2023-01-01"),
    ("orders/qty_price.csv", {}, 8_225, 8_225, 128_623.20, "2023-01-01"),
    ("orders/invoice_lines_no_product.csv", {}, 8_225, 8_225, 128_623.20, "2023-01-01"),
    ("orders/order_total_repeated.csv", {}, 8_225, 8_225, 992_649.65, "2023-01-01"),
    ("orders/order_total_repeated.csv", {"amount_per": "order"}, 8_225, 8_225, 128_623.20, "2023-01-01"),
    ("orders/backslash.csv", {}, 436, 436, 16_630.58, "2023-01-02"),
    ("orders/date_typo.csv", {}, 2_977, 2_976, 121_306.79, "2023-01-01"),
    ("orders/eur.csv", {}, 2_378, 2_378, 98_369.29, "2023-01-05"),
    ("orders/usd.csv", {}, 2_378, 2_378, 98_369.29, "2023-01-05"),
    ("orders/unicode_ids.csv", {}, 2_378, 2_378, 98_369.29, "2023-01-05"),
]


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """The folder of the files, with the hidden ones that a checkout would lose."""
    folder = tmp_path_factory.mktemp("exports")
    with tarfile.open(Path(__file__).parent / "files" / "exports.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.mark.parametrize(("path", "options", "rows", "used", "net", "first"), EXPORTS)
def test_an_export_is_read_to_its_figures(exports, path, options, rows, used, net, first):
    given = {name: exports / value if name == "customers" else value for name, value in options.items()}
    tx = read_transactions(exports / path, **given)
    assert (tx.rows_in, tx.rows_used, str(tx.first_date)) == (rows, used, first)
    assert tx.summary().net_total == pytest.approx(net, abs=0.005)
    assert tx.last_date <= datetime.date(2024, 12, 30)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("ids/guest_account.csv", "customer 'Guest' accounts for 20%"),
        ("folders/date=2024-12-31", "the folder name date=2024-12-31 was not read"),
        ("folders/jupyter", "1 hidden folder"),
        ("folders/macos2", "1 hidden file"),
        ("folders/spark_empty", "1 empty file"),
        ("folders/mixedcols", "were read as one column"),
        ("orders/qty_price.csv", "column 'Quantity' times column 'UnitPrice'"),
        ("orders/order_total_repeated.csv", "take it once (`amount_per` order)"),
        ("orders/date_typo.csv", "1 row is from 2026-09-01 on, 610 days after all others"),
        ("orders/status_woo.csv", "unpaid, cancelled or refunded by column 'status' are no sales"),
    ],
)
def test_what_was_decided_about_an_export_is_said(exports, path, sentence):
    assert sentence in " ".join(read_transactions(exports / path).assumed)


def test_only_completed_orders_of_a_shop_count_and_every_status_is_listed(exports):
    statuses = read_transactions(exports / "orders" / "status_woo.csv").statuses
    assert [status.status for status in statuses if status.used] == ["wc-completed"]
    assert {status.status for status in statuses} > {"wc-cancelled", "wc-refunded", "wc-failed", "wc-pending"}
    assert sum(status.rows for status in statuses) == 1_373


def test_a_delta_table_whose_log_is_damaged_is_refused(exports):
    with pytest.raises(InputError, match="Delta table whose log cannot be read"):
        read_transactions(exports / "folders" / "delta")


def test_euros_and_dollars_have_units_of_their_own(exports):
    assert read_transactions(exports / "orders" / "eur.csv").unit == "EUR"
    assert read_transactions(exports / "orders" / "usd.csv").unit == "USD"
