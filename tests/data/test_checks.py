"""What a value is and why a row cannot be used, each rule beside its nearest exception."""

import datetime

import hypothesis.strategies as st
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings

from duramen.data.amounts import parse_amount, parse_money
from duramen.data.reading import read_transactions
from duramen.errors import InputError

AMOUNTS_WITH_POINT = {
    "12": 12, "12.50": 12.5, " -12.5 ": -12.5, "+3": 3, ".5": 0.5, "1e3": 1000, "1,234.50": 1234.5, "-1,234": -1234,
    "1,234,567.8": 1234567.8, "0": 0, "9999999999999": 9999999999999, "": None, "12,5": None, "1,23": None,
    "1,2345": None, "1.234,50": None, "12 EUR": 12, "$12": 12, "(12)": -12, "abc": None, "nan": None, "inf": None,
    "-Infinity": None, "1e13": None, "1e400": None, "0x10": None, "1 234": 1234, "--1": None,
}  # fmt: skip
AMOUNTS_WITH_COMMA = {
    "12": 12, "12,50": 12.5, "1.234,50": 1234.5, "-1.234": -1234, "1.234.567": 1234567, "12.50": None, "1,234.50": None,
    "1.23": None, "0.125": None, ",5": 0.5, "nan": None,
}  # fmt: skip


@pytest.mark.parametrize(("decimal", "amounts"), [(".", AMOUNTS_WITH_POINT), (",", AMOUNTS_WITH_COMMA)])
def test_an_amount_is_read_in_the_stated_form_or_not_at_all(values, decimal, amounts):
    read = values(lambda column: parse_amount(column, decimal), list(amounts))
    assert dict(zip(amounts, read, strict=True)) == amounts


@pytest.mark.parametrize(
    ("column", "dtype", "expected"),
    [
        ([1, None, -2], pa.int64(), [1, None, -2]),
        ([1.5, float("nan"), float("-inf")], pa.float64(), [1.5, None, None]),
        ([9e12, 1e13, -1e13], pa.float64(), [9e12, None, None]),
        ([True, False, None], pa.bool_(), [1, 0, None]),
        ([2**63 - 1, 7, None], pa.int64(), [None, 7, None]),
    ],
)
def test_numbers_are_amounts_where_they_are_finite_and_exact(values, column, dtype, expected):
    assert values(lambda c: parse_amount(c, "."), column, dtype) == expected


@given(st.decimals(-(10**8), 10**8, places=4))
@settings(max_examples=20)
def test_money_keeps_four_decimals_exactly(values, money):
    assert values(lambda column: parse_money(column, "."), [str(money)]) == [money]


def test_amounts_finer_than_four_decimals_are_refused_where_rounding_them_counts(orders):
    bitcoin = orders(amount=["0.00012345", "0.0002", "3e-4"])
    with pytest.raises(
        InputError, match=r"column 'amount' of the DataFrame has amounts with more than the four decimals"
    ):
        read_transactions(bitcoin)
    fuel = orders(amount=["51.23456", "20.000049", "3"])
    assert read_transactions(fuel).summary().net_total == pytest.approx(
        fuel["amount"].astype(float).sum(), abs=1e-2
    )


def test_text_in_the_amount_column_is_refused_with_count_and_examples(orders):
    frame = orders(amount=["12 pens", "free", "3"])
    with pytest.raises(InputError) as told:
        read_transactions(pd.concat([frame] * 5))
    assert str(told.value) == (
        "column 'amount' of the DataFrame: 10 of 15 rows, amount is not numeric (for example '12 pens', 'free'); write "
        "plain numbers (12.50), give `decimal` ',' or name another column with `amount`."
    )


@pytest.mark.parametrize(
    ("role", "value", "reason"),
    [("amount", "free", "amount is not numeric"), ("date", "soon", "unreadable date")],
)
def test_up_to_five_percent_of_a_column_may_be_unreadable(mostly_good, role, value, reason):
    bad = mostly_good(5, **{role: value}).tail(1)
    few = pd.concat([mostly_good(95), *[bad] * 5])
    tx = read_transactions(few)
    assert tx.set_aside == {reason: 5}
    assert tx.quarantine()[role].tolist() == [value] * 5
    with pytest.raises(InputError, match=f"for example {value!r}"):
        read_transactions(pd.concat([few, bad]))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"customer": " "}, "missing customer id"),
        ({"date": None}, "unreadable date"),
        ({"date": "2020-02-30"}, "unreadable date"),
        ({"date": "0001-01-01"}, "date before 1900"),
        ({"date": "1900-01-01"}, None),
        ({"date": "2999-01-01"}, "future date"),
        ({"amount": ""}, "amount is not numeric"),
        ({"amount": "0"}, None),
        ({"kind": " Internal "}, "internal customer"),
        ({"kind": "channel"}, None),
        ({"status": "Refunded"}, "unpaid or refunded order"),
        ({"status": "pending "}, "unpaid or refunded order"),
        ({"status": "paid"}, None),
        ({"customer": None, "date": "soon", "amount": "free"}, "missing customer id"),
        ({"date": "soon", "amount": "free"}, "unreadable date"),
        ({"amount": "free", "status": "void"}, "amount is not numeric"),
    ],
    ids=str,
)
def test_the_first_reason_that_holds_is_the_one_counted(mostly_good, bad, reason):
    optional = {name: None for name in bad if name in ("kind", "status")}
    tx = read_transactions(mostly_good(25, **bad).assign(**{k: [None] * 24 + [bad[k]] for k in optional}))
    assert tx.set_aside == ({reason: 1} if reason else {})


def test_today_is_no_future(mostly_good):
    today = datetime.datetime.now(datetime.UTC).date()
    assert read_transactions(mostly_good(date=str(today))).set_aside == {}
    later = today + datetime.timedelta(days=2)
    assert read_transactions(mostly_good(date=str(later))).set_aside == {"future date": 1}


def test_several_currencies_need_a_choice(orders):
    frame = orders(currency=["EUR", " EUR", "USD"])
    with pytest.raises(InputError) as told:
        read_transactions(frame)
    assert str(told.value) == (
        "column 'currency' of the DataFrame mixes currencies (EUR in 2 rows, USD in 1 rows); say which to use with "
        "`currency`."
    )
    with pytest.raises(InputError, match="has no currency 'GBP'; it has EUR, USD"):
        read_transactions(frame, currency="GBP")
    tx = read_transactions(frame, currency="USD")
    assert tx.set_aside == {"other currency": 2}
    assert tx.unit == "USD"
    assert read_transactions(orders(currency=["EUR", None, "EUR"])).unit == "EUR"
    assert read_transactions(orders(), currency="SEK").unit == "SEK"


def test_a_source_that_leaves_no_row_is_refused(orders):
    with pytest.raises(InputError, match="leaves no row to use: missing customer id 3; check the columns"):
        read_transactions(orders(customer=None))
    with pytest.raises(InputError, match="leaves no row to use: future date 3"):
        read_transactions(orders(date="2999-01-01"))


def test_the_decimal_mark_is_a_point_or_a_comma(orders, days_of):
    frame = orders(amount=["3,0", "4,5", "1.005,0"])
    assert [float(day["net"]) for day in days_of(read_transactions(frame, decimal=","))] == [3, 4.5, 1005]
    with pytest.raises(InputError, match=r"decimal mark ';' is neither '\.' nor ','"):
        read_transactions(frame, decimal=";")
