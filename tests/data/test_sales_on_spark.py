"""Which lines are sales, and what they are worth, is the same on DuckDB and on a real local Spark."""

import pandas as pd
import pytest

from duramen.data.reading import read_transactions

# Spark leaves the sockets open through which it hands rows to Python, until the collector finds them.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

ORDERS = pd.DataFrame(
    {
        "customer": [7.0, 8.0, 7.0, 9.0, 9.0, 7.0],
        "date": ["2024-01-31", "2024-02-01", "2024-03-01", "2024-01-01", "2024-01-02", "2024-01-03"],
        "amount": ["10", "20", "40", "80", "160", "320"],
        "status": ["wc-completed", "wc-cancelled", "已完成", " Paid", "已退款", None],
        "currency": ["USD", "USD", "EUR", "EUR", "USD", " EUR "],
        "StockCode": ["22423", "POST", "22423", "BANK  CHARGES", "22423", "POSTAGE SET"],
        "Country": ["Germany", " Germany", "France", "Germany ", "Germany", "Peru"],
    }
)
RATES = pd.DataFrame({"date": ["2024-01-01", "2024-02-01"], "currency": "USD", "rate": [0.9, 0.8]})


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"currency": "EUR", "service_lines": "drop", "where": ["Country!=Peru", "amount<=100"]},
        {"currency": "EUR", "exchange_rates": RATES, "status_used": "wc-completed,wc-cancelled"},
    ],
)
def test_spark_and_duckdb_use_the_same_lines(spark, settings, tmp_path):
    (tmp_path / "salt").write_text("0123456789abcdef")
    found = []
    for orders in (ORDERS, spark.createDataFrame(ORDERS)):
        tx = read_transactions(orders, name="orders", hash_ids=tmp_path / "salt", **settings)
        days = tx.days.order_by("customer_id", "date").select("customer_id", "date", "net", "purchase")
        rows = tx.days.get_backend().to_pyarrow(days).to_pylist()
        found.append((rows, tx.set_aside, tx.statuses, tx.service_lines, tx.assumed))
    assert found[0] == found[1]
    assert found[0][0]
