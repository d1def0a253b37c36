"""The options that say which rows are sales reach the reading, and a model refuses another unit of money."""

from pathlib import Path

import pandas as pd
import pytest

SAVED = Path(__file__).parents[1] / "fixtures" / "format_7" / "model"


@pytest.fixture
def orders(tmp_path):
    table = pd.DataFrame(
        {
            "customer": [1, 2, 3, 4],
            "date": "2024-01-02",
            "amount": 10.0,
            "status": ["paid", "open", "paid", "paid"],
            "currency": ["EUR", "GBP", "EUR", "EUR"],
            "product": ["tea", "tea", "postage", "tea"],
            "country": ["DE", "DE", "DE", "FR"],
        }
    )
    table.to_csv(tmp_path / "orders.csv", index=False)
    pd.DataFrame({"date": ["2024-01-01"], "currency": "GBP", "rate": 1.2}).to_csv(
        tmp_path / "rates.csv", index=False
    )
    (tmp_path / "salt").write_text("0123456789abcdef")


@pytest.mark.slow
@pytest.mark.usefixtures("orders")
def test_the_options_reach_the_reading_and_euros_are_refused_by_a_model_of_dollars(duramen, refused):
    result = duramen(
        "score", "orders.csv", "--model", SAVED, "--where", "country=DE", "--status-used", "paid,open",
        "--service-lines", "drop", "--currency", "EUR", "--exchange-rates", "rates.csv", "--hash-ids", "salt",
        "--verbose",
    )  # fmt: skip
    shown = " ".join(result[1].split())
    assert "4 in = 2 used + 2 set aside (left out by --where 1 (10 EUR), service line 1 (10 EUR))" in shown
    assert "22 EUR net" in shown
    assert "customer ids are hashed with the salt in salt; keep it secret" in shown
    sentence = refused(result)
    assert "the model was trained on USD and orders.csv is in EUR" in sentence
    assert "--exchange-rates with --currency USD" in sentence


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--where", "country"], "--where is ['country'], not a condition on a column"),
        (["--where", "country>DE"], "--where is ['country>DE'], not a condition on a column"),
        (["--status-used", ","], "--status-used is [','], not statuses of the orders"),
        (["--service-lines", "none"], "--service-lines is 'none', not keep or drop"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_the_orders_are_read(words, told, duramen, refused):
    assert told in refused(duramen("score", "no.csv", "--model", SAVED, *words))
