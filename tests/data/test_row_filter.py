"""Rows are kept by the values of any column; what is left out is counted."""

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given, settings

from duramen.data.reading import read_transactions
from duramen.data.row_filter import parse_conditions
from duramen.errors import InputError

ORDERS = pd.DataFrame(
    {
        "customer": [1, 1, 2, 3],
        "date": ["2024-01-01", "2024-01-02", "2024-01-02", "2024-01-09"],
        "amount": ["10", "20", "40", "80"],
        "Country": ["Germany", " France ", "Germany", None],
        "shop": [7.0, 7.0, 8.0, None],
    }
)


def kept(where, orders=ORDERS):
    """The sum of the amounts that are used, each of which is a power of two times ten."""
    tx = read_transactions(orders, where=where)
    assert tx.rows_in == tx.rows_used + sum(tx.set_aside.values()) == len(orders)
    return tx.summary().net_total


@pytest.mark.parametrize(
    ("where", "money"),
    [
        ("Country=Germany", 50),
        ("Country=Germany, France", 70),
        ("Country != Germany", 100),
        ({"Country": "France"}, 20),
        ({"shop": 7}, 30),
        ("shop=7", 30),
        ("shop=7.0", 30),
        ("shop!=7,8", 80),
        ("amount>=40", 120),
        ("amount<40", 30),
        ("shop>7", 40),
        (["Country=Germany", "amount>10"], 40),
        ({"Country": ["Germany", "France"], "shop": "7"}, 30),
    ],
)
def test_rows_are_kept_by_what_their_columns_have(where, money):
    assert kept(where) == money


def test_what_is_left_out_is_set_aside_with_its_reason():
    tx = read_transactions(ORDERS, where="Country=Germany")
    assert tx.set_aside == {"left out by `where`": 2}
    assert tx.quarantine()["amount"].tolist() == ["20", "80"]


def test_a_currency_that_is_left_out_needs_no_choice():
    orders = ORDERS.assign(currency=["EUR", "USD", "EUR", "USD"])
    tx = read_transactions(orders, where="Country=Germany")
    assert (tx.unit, tx.rows_used) == ("EUR", 2)


def test_unreadable_rows_that_are_left_out_do_not_make_a_column_unusable():
    assert kept("Country=Germany", ORDERS.assign(amount=["10", "free", "40", "none"])) == 50


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ("Contry=Germany", "has no column 'Contry' for `where`; .*did you mean 'Country'?"),
        (
            "Country=germany",
            "has 'germany' in column 'Country', .* 'Germany', 'France'; did you mean 'Germany'?",
        ),
        ("Country=Peru", "has 'Peru' in column 'Country', .* for example 'Germany', 'France'"),
        ("Country", "'Country' is not a condition on a column"),
        ("Country=", "has no value"),
        ("=Germany", "is not a condition"),
        ("Country>3", "'Country' .* is not numeric in 3 rows"),
        ("date>2024-01-02", "which is not one number"),
        ("amount>1,2", "which is not one number"),
        ("amount>=1000", "leaves no row to use: left out by `where` 4"),
    ],
)
def test_a_condition_that_cannot_be_meant_is_refused(where, sentence):
    with pytest.raises(InputError, match=sentence):
        read_transactions(ORDERS, where=where)


@given(st.lists(st.sampled_from(["Germany", "France", "7", "8"]), min_size=1, unique=True))
@settings(max_examples=20)
def test_a_written_condition_is_read_as_it_was_meant(values):
    (condition,) = parse_conditions(f" Country = {' , '.join(values)} ")
    assert parse_conditions(str(condition)) == (condition,)
    assert condition.values == tuple(values)


def test_na_is_a_value_of_a_country_and_no_number():
    orders = pd.DataFrame(
        {
            "customer_id": [1, 2, 3, 4],
            "date": "2024-01-01",
            "amount": 1.0,
            "country": ["NA", "DE", "DE", None],
            "quantity": ["NA", "1", "-", "3"],
        }
    )
    assert read_transactions(orders, where="country=NA").rows_used == 1
    assert read_transactions(orders, where="country!=NA").rows_used == 3
    assert read_transactions(orders, where="quantity>=2").rows_used == 1
