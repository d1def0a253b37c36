"""The total of an order that each of its lines repeats, taken once or named."""

from decimal import Decimal

import pandas as pd
import pytest
from tests.data.test_amount_columns import LINES, TOTAL, net

from duramen.data.reading import read_transactions
from duramen.errors import InputError

EACH = LINES.assign(money=LINES["Quantity"].astype(int) * (LINES["UnitPrice"].astype(float) * 100).round())
TOTALS = pd.DataFrame(
    {
        "order_id": LINES["InvoiceNo"],
        "product_id": LINES["Description"],
        "order_date": LINES["InvoiceDate"],
        "customer_id": LINES["CustomerID"],
        "order_total": (EACH.groupby("InvoiceNo")["money"].transform("sum") / 100).map("{:.2f}".format),
    }
)


def test_a_total_repeated_on_each_line_is_named_with_the_option_that_takes_it_once():
    tx = read_transactions(TOTALS)
    assert net(tx) > 4 * TOTAL
    (sentence,) = tx.assumed
    assert "or column 'order_total' is the total of the order, take it once (`amount_per` order)" in sentence
    assert read_transactions(TOTALS, amount_per="line").assumed == ()


def test_a_total_counts_once_per_order_and_no_row_is_set_aside():
    tx = read_transactions(TOTALS, amount_per="order")
    assert net(tx) == TOTAL
    assert (tx.rows_used, tx.set_aside, tx.assumed) == (len(TOTALS), {}, ())
    assert net(read_transactions(TOTALS.sample(frac=1, random_state=3), amount_per="order")) == TOTAL
    spend = tx.product_spend("product", tx.last_date).to_pyarrow().to_pylist()
    shuffled = read_transactions(TOTALS.sample(frac=1, random_state=3), amount_per="order")
    again = shuffled.product_spend("product", tx.last_date).to_pyarrow().to_pylist()
    assert sorted(map(str, spend)) == sorted(map(str, again))


def test_lines_without_an_order_each_keep_their_amount():
    frame = TOTALS.head(40).assign(order_id=None, order_total="2.50")
    frame.loc[:1, "order_id"] = "A"
    assert net(read_transactions(frame, amount_per="order")) == Decimal("2.50") * 39


def test_amounts_of_lines_are_no_totals():
    assert len(read_transactions(LINES).assumed) == 1
    frame = LINES.assign(amount=["9.99"] * len(LINES))
    assert read_transactions(frame).assumed == ()
    with pytest.raises(
        InputError, match=r"has several amounts in \d+ of 200 orders .* leave `amount_per` out"
    ):
        read_transactions(LINES, amount_per="order")


@pytest.mark.parametrize(
    ("frame", "per", "sentence"),
    [
        (TOTALS.drop(columns="order_id"), "order", "has no column that looks like order"),
        (TOTALS, "day", "`amount_per` is 'day'; give 'line' or 'order'."),
    ],
)
def test_an_amount_per_order_needs_orders(frame, per, sentence):
    with pytest.raises(InputError, match=sentence):
        read_transactions(frame, amount_per=per)


@pytest.mark.parametrize(("status_used", "total"), [(None, 30.0), (["sent"], 30.0), (["void"], 20.0)])
def test_the_total_of_an_order_is_on_a_line_that_counts_as_a_sale(status_used, total):
    lines = pd.DataFrame(
        {
            "customer_id": [1, 1, 2],
            "date": "2024-01-02",
            "order": ["a", "a", "b"],
            "product": ["1", "2", "3"],
            "status": ["void", "sent", "sent"],
            "amount": [20.0, 20.0, 10.0],
        }
    )
    tx = read_transactions(lines, amount_per="order", status_used=status_used)
    assert tx.summary().net_total == total


@pytest.mark.parametrize("amount_per", [None, "order"])
def test_a_total_on_the_first_line_alone_counts_once(amount_per):
    first = ~TOTALS.duplicated("order_id")
    shopify = TOTALS.assign(order_total=TOTALS["order_total"].where(first, ""))
    tx = read_transactions(shopify, amount_per=amount_per)
    assert net(tx) == TOTAL
    assert tx.rows_used == len(TOTALS)


def test_an_order_without_any_total_is_set_aside():
    frame = TOTALS.copy()
    last = frame["order_id"] == frame["order_id"].iloc[-1]
    frame["order_total"] = frame["order_total"].where(~last, "")
    tx = read_transactions(frame, amount_per="order")
    assert tx.set_aside == {"amount is not numeric": int(last.sum())}
