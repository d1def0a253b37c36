"""What a value is and why a row cannot be used, each rule beside its nearest exception."""

import datetime

import hypothesis.strategies as st
import ibis
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings

from duramen.data.amounts import parse_amount, parse_money
from duramen.data.checks import (
    DATE_FORMATS,
    choose_date_format,
    parse_date,
)
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
@settings(max_examples=20, deadline=None)
def test_money_keeps_four_decimals_exactly(values, money):
    assert values(lambda column: parse_money(column, "."), [str(money)]) == [money]


DATES = {
    "iso": {"2011-02-03": 3, "2011/2/3": 3, "2011.02.03": 3, " 2011-02-03 ": 3, "2011-02-03 23:59:59": 3,
            "2011-02-03T23:59:59.123": 3, "2011-02-03T00:30:00Z": 3, "2011-02-03T00:30:00+02:00": 3, "2011-02-30": None,
            "2011-13-01": None, "20110203": None, "03.02.2011": None, "": None, "soon": None, "x2011-02-03": None},
    "compact": {"20110203": 3, "2011020": None, "2011-02-03": None, "20110230": None, "201102031": None},
    "day-first": {"03.02.2011": 3, "3/2/2011": 3, "03-02-2011 10:15": 3, "30.02.2011": None, "3.2.11": None},
    "month-first": {"02/03/2011": 3, "2.3.2011": 3, "02-03-2011T10:15": 3, "13/03/2011": None, "2/3/11": None},
}  # fmt: skip


@pytest.mark.parametrize("form", DATES)
def test_a_date_is_read_in_its_form_or_not_at_all(values, form):
    read = values(lambda column: parse_date(column, form), list(DATES[form]))
    days = {text: day and datetime.date(2011, 2, day) for text, day in DATES[form].items()}
    assert dict(zip(days, read, strict=True)) == days


def test_a_time_that_knows_its_zone_is_its_day_in_utc(values):
    late = datetime.datetime(2011, 2, 3, 23, 30, tzinfo=datetime.UTC)
    for zone in ("UTC", "America/New_York", "Asia/Tokyo", "+05:30"):
        assert values(lambda c: parse_date(c, "iso"), [late], pa.timestamp("us", zone)) == [late.date()]
    before_1970 = datetime.datetime(1960, 1, 1, 0, 0, 0, 5, tzinfo=datetime.UTC)
    assert values(lambda c: parse_date(c, "iso"), [before_1970], pa.timestamp("us", "UTC")) == [
        before_1970.date()
    ]
    assert values(lambda c: parse_date(c, "iso"), [late.replace(tzinfo=None)], pa.timestamp("ns")) == [
        late.date()
    ]


def chosen(column, given=None):
    table = ibis.duckdb.connect().create_table("raw", pa.table({"date": column}))
    return choose_date_format(table, "date", given, "orders.csv")


@pytest.mark.parametrize(
    ("column", "form"),
    [
        (["2011-02-03", "2011-02-04 10:00"], "iso"),
        (["20110203", "20110204"], "compact"),
        ([20110203, 20110204], "compact"),
        (["03.02.2011", "13.02.2011"], "day-first"),
        (["02/03/2011", "02/13/2011"], "month-first"),
        ([datetime.date(2011, 2, 3)], "iso"),
        (["", "nan", None], "iso"),
    ],
)
def test_the_form_of_dates_is_found_where_it_is_plain(column, form):
    assert chosen(column) == form


def test_dates_that_could_be_day_or_month_first_are_asked_about():
    column = ["03/02/2011", "04/02/2011", "04/03/2011"]
    with pytest.raises(InputError) as told:
        chosen(column)
    assert str(told.value) == (
        "the dates in column 'date' of orders.csv could be day first or month first in all 3 rows (for example "
        "'03/02/2011', '04/02/2011', '04/03/2011'); say which with `date_format` day-first or month-first."
    )
    assert chosen(column, "day-first") == "day-first"
    assert chosen(column, "month-first") == "month-first"


def test_dates_in_three_forms_are_refused():
    column = ["2011-02-03"] * 8 + ["13.02.2011"] * 6 + ["20110203"] * 6
    with pytest.raises(InputError) as told:
        chosen(column)
    assert str(told.value) == (
        "column 'date' of orders.csv holds dates in several forms or none: of 20 values 8 read as iso, 6 read as "
        "compact, 6 read as day-first, and 12 do not read as iso (for example '13.02.2011', '20110203'); write them "
        "all as YYYY-MM-DD, or name another column with `date`."
    )


def test_a_column_without_dates_is_refused():
    with pytest.raises(InputError, match="not one reads as a date, and 2 do not read as iso"):
        chosen(["A1", "A2"])
    with pytest.raises(InputError, match="holds float64, not dates; name the date column with `date`"):
        chosen([1.5, 2.5])
    formats = ", ".join(map(repr, DATE_FORMATS))
    with pytest.raises(InputError, match=f"'dmy' is not a date format; choose one of {formats}"):
        chosen(["2011-02-03"], "dmy")


def test_the_stated_form_decides_what_the_day_is(orders, days_of):
    frame = orders(date=["03/02/2011"] * 3)
    first = {
        form: days_of(read_transactions(frame, date_format=form))[0]["date"]
        for form in ("day-first", "month-first")
    }
    assert first == {"day-first": datetime.date(2011, 2, 3), "month-first": datetime.date(2011, 3, 2)}


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
    with pytest.raises(InputError, match="has no currency 'GBP'; it holds EUR, USD"):
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
