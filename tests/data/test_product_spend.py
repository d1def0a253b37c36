"""The money of products is that of the transactions: one reader, whatever the orders hold."""

from decimal import Decimal

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given, settings

from duramen.analysis.product_mix import bought_by_customer
from duramen.data.reading import read_transactions
from duramen.errors import InputError

AFTER = "2030-01-01"
LINE = {"customer": "a", "date": "2024-01-02", "amount": "10.00", "order": "1", "product": "tea", "currency": "EUR",
        "status": "paid"}  # fmt: skip
HOMES = pd.DataFrame({"customer": ["a", "b", "c"], "household": ["home", "home", None]})


def orders_of(*changes):
    """Return lines that differ from the usual one, and enough other ones for the columns to be readable."""
    usual = [LINE | {"customer": "c", "order": f"more {i}", "product": "milk"} for i in range(20)]
    return pd.DataFrame([*usual, *(LINE | change for change in changes)])


def spend_of(tx, role="product", cutoff=AFTER):
    rows = tx.product_spend(role, cutoff).to_pyarrow().to_pylist()
    return {(row["customer_id"], row["item"]): row["net"] for row in rows}


def test_duplicates_other_currencies_unpaid_orders_and_households_are_those_of_the_transactions():
    orders = orders_of(
        {}, {}, {"customer": "b", "product": "tea"}, {"currency": "USD", "amount": "500"},
        {"status": "cancelled", "amount": "70", "order": "2"}, {"date": "2999-01-01"},
        {"customer": "b", "order": "3", "amount": "-4.5"}, {"customer": "", "order": "4"},
        {"product": " salt ", "order": "5", "amount": "1"}, {"product": None, "order": "6", "amount": "2"},
    )  # fmt: skip
    tx = read_transactions(orders, currency="EUR", customers=HOMES)
    assert tx.set_aside["duplicate line"] == 1
    spend = spend_of(tx)
    assert spend == {
        ("home", "tea"): Decimal("15.5"), ("home", "salt"): 1, ("home", None): 2, ("c", "milk"): 200,
    }  # fmt: skip
    assert sum(spend.values()) == Decimal(str(tx.summary().net_total))


@pytest.mark.slow
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "customer": st.sampled_from(["a", "b", "c", ""]),
                "date": st.sampled_from(["2024-01-02", "2024-01-03", "2024-02-01", "2999-01-01"]),
                "amount": st.sampled_from(["10.00", "-10.00", "0.0001", "3"]),
                "order": st.sampled_from(["1", "2"]),
                "product": st.sampled_from(["tea", "milk", None]),
                "currency": st.sampled_from(["EUR", "USD"]),
                "status": st.sampled_from(["paid", "cancelled"]),
            }
        ),
        max_size=12,
    ),
    st.sampled_from([AFTER, "2024-01-03"]),
)
@settings(max_examples=10)
def test_the_money_of_products_is_the_money_of_each_customer(lines, cutoff):
    usual = orders_of().assign(customer="c")
    tx = read_transactions(pd.concat([usual, pd.DataFrame(lines)]), currency="EUR", customers=HOMES)
    found = pd.Series(spend_of(tx, cutoff=cutoff)).groupby(level=0).sum().to_dict()
    days = (
        tx.history(pd.Timestamp(cutoff).date()).group_by("customer_id").aggregate(net=lambda t: t.net.sum())
    )
    assert found == {row["customer_id"]: row["net"] for row in days.to_pyarrow().to_pylist()}


def test_products_are_those_of_the_same_lines_in_every_kind_of_source(stored, kind):
    orders = orders_of({"amount": "4"}, {"customer": "b", "product": "salt"}).assign(
        amount=lambda frame: frame["amount"].astype(float), date=pd.Timestamp("2024-01-02"), category="food"
    )
    tx = read_transactions(stored(kind, orders))
    assert spend_of(tx) == {("a", "tea"): 4, ("b", "salt"): 10, ("c", "milk"): 200}
    assert spend_of(tx, "category") == {("a", "food"): 4, ("b", "food"): 10, ("c", "food"): 200}
    assert spend_of(tx.of_customers(["b"])) == {("b", "salt"): 10}
    assert spend_of(tx, cutoff="2024-01-02") == {}


def test_lines_that_changed_since_they_were_read_are_refused(tmp_path):
    path = tmp_path / "orders.parquet"
    orders = orders_of().assign(amount=10.0, date=pd.Timestamp("2024-01-02"))
    orders.to_parquet(path)
    tx = read_transactions(path)
    assert spend_of(tx) == {("c", "milk"): 200}
    orders.assign(amount=11.0).to_parquet(path)
    with pytest.raises(InputError, match="has changed since it was read; read it again"):
        tx.product_spend("product", AFTER)


@pytest.mark.parametrize("role", ["category", "order", "nothing"])
def test_a_role_without_a_column_of_products_is_refused(role):
    with pytest.raises(InputError, match=r"has no column for .*; name one by `columns`"):
        read_transactions(orders_of()).product_spend(role, AFTER)


def test_what_a_customer_gave_back_as_a_whole_is_not_bought():
    orders = orders_of(
        {}, {"order": "2", "amount": "-10.00"}, {"order": "3", "product": "salt"}, {"product": None}
    )
    bought = bought_by_customer(read_transactions(orders), AFTER)
    assert list(bought) == ["product"]
    assert bought["product"].to_numpy().tolist() == [["a", "salt", 10.0], ["c", "milk", 200.0]]
