"""Numbers as shops, banks and spreadsheets write them: read as they are meant, or refused."""

from decimal import Decimal

import hypothesis.strategies as st
import ibis
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings

from duramen.data.amounts import PLAIN, choose_forms, parse_amount, parse_money
from duramen.data.reading import read_transactions
from duramen.errors import InputError

NARROW, NO_BREAK, THIN, MINUS = "\u202f", "\u00a0", "\u2009", "\u2212"
POINT = {
    "€ 12.50": 12.5, "12.50 EUR": 12.5, "R$ 10": 10, "CHF 1'000.50": 1000.5, "1\u2019000.50": 1000.5, "1'000.-": 1000,
    "1'000.\u2013": 1000, "Fr. 12.-": 12, "$1,234.56": 1234.56, "+12.50": 12.5, "-€12.50": -12.5, "€-12.50": -12.5,
    "€ - 12.50": -12.5, "(12.50)": -12.5, "($1,234.50)": -1234.5, "$(12.50)": -12.5, "12.50-": -12.5, "12.50 -": -12.5,
    "12.50- EUR": -12.5, f"{MINUS}12.50": -12.5, f"{NO_BREAK}12.50{NO_BREAK}": 12.5, f"1{THIN}234.50": 1234.5,
    "1,23,456.00": 123456, "12,34,567": 1234567, "₹1,00,000": 100000, "kr. 12": 12, "12 zł": 12, "usd 12": 12,
    "-12.50-": None, "(-12.50)": None, "12.50 ABC": None, "SKU12": None, "1,23,45": None, "1 23": None,
    "1,234 567": None, "-": None, "()": None, "€": None, "1.2.3": None, "12%": None, "2020-01-02": None, "0,125": None,
}  # fmt: skip
COMMA = {
    f"2{NARROW}531,40": 2531.4, f"2{NO_BREAK}531,40 €": 2531.4, "1.250.000": 1250000, "1.234,50-": -1234.5, "10,-": 10,
    "1'000,50": 1000.5, "EUR 12,50": 12.5, "12.50": None, "1,234.50": None, "0.125": None, "1,23,456": None,
}  # fmt: skip


@pytest.mark.parametrize(("form", "amounts"), [(".", POINT), (",", COMMA)])
def test_an_amount_is_read_as_it_is_usually_written(values, form, amounts):
    read = values(lambda column: parse_amount(column, form), list(amounts))
    assert dict(zip(amounts, read, strict=True)) == amounts


def orders(amounts, **columns):
    days = pd.date_range("2023-01-01", periods=len(amounts), freq="D").strftime("%Y-%m-%d")
    customers = [f"C{i % 60}" for i in range(len(amounts))]
    return pd.DataFrame({"customer_id": customers, "date": days, "amount": amounts} | columns)


def net(tx):
    return tx.days.net.sum().to_pyarrow().as_py()


@pytest.mark.parametrize(
    ("usual", "rare", "total", "mark"),
    [
        ("12,50", f"1{NO_BREAK}234,50", "4916.00", ","),
        ("12,50", f"1{NARROW}234,50", "4916.00", ","),
        ("15.000", "1.250.000", "5205000", ","),
        ("15,000", "1,250.5", "1458751.5", "."),
        ("12.50", "12.50-", "1175.00", "."),
        ("12.50", "(12.50)", "1175.00", "."),
        ("12,345.00", "1,23,456.00", "1567833", "."),
        ("1.250", "12.50", "158.75", "."),
        ("1.250", "0.250", "122", "."),
    ],
)
def test_what_a_few_values_prove_is_how_the_whole_column_is_read(usual, rare, total, mark):
    tx = read_transactions(orders([usual] * 97 + [rare] * 3))
    assert tx.rows_used == 100
    assert net(tx) == Decimal(total)
    assert [mark in sentence for sentence in tx.assumed] == ([True] if mark == "," else [])


def test_numbers_that_read_both_ways_are_asked_about():
    frame = orders(["15.000", "950", "1.250"])
    with pytest.raises(InputError) as told:
        read_transactions(frame)
    assert str(told.value) == (
        "the mark in the numbers of column 'amount' of the DataFrame could be the decimal mark or group thousands in 2 "
        "rows (for example '1.250', '15.000'), and no value shows which; say which mark is the decimal one with "
        "`decimal` '.' or ','."
    )
    assert net(read_transactions(frame, decimal=",")) == 17200
    assert net(read_transactions(frame, decimal=".")) == Decimal("966.25")


def test_values_that_prove_both_marks_leave_the_others_open():
    frame = orders(["15.000"] * 90 + ["1.250.000"] * 5 + ["12.50"] * 5)
    with pytest.raises(InputError, match="5 other values show a decimal point and 5 a decimal comma"):
        read_transactions(frame)


def test_a_column_takes_the_mark_that_another_proves():
    frame = orders(["12,50", "3,25"], quantity=["1,000", "2,000"])
    tx = read_transactions(frame)
    assert tx.days.quantity.sum().to_pyarrow().as_py() == 3
    assert tx.assumed[1] == (
        "the decimal mark of column 'quantity' is ',', as in other columns (`decimal` sets it)"
    )


def test_amounts_of_several_currencies_in_one_column_are_refused():
    with pytest.raises(InputError, match=r"several currencies \(USD in 1 rows, EUR in 2 rows\)"):
        read_transactions(orders(["$12", "€ 12", "12 EUR", "3"]))
    assert net(read_transactions(orders(["$12", "USD 12", "US$ 3"]))) == 27


def test_plain_columns_are_only_cast(values):
    assert values(lambda column: parse_amount(column, PLAIN), [" 1.5 ", "", "nan", None]) == [
        1.5,
        None,
        None,
        None,
    ]


ENGINE = ibis.duckdb.connect()
FORMS = {
    "plain": (",", ".", "{}"), "no groups": ("", ",", "{}"), "US": (",", ".", "${}"), "German": (".", ",", "{} €"),
    "French": (NARROW, ",", "{} EUR"), "no-break": (NO_BREAK, ",", "{}"), "Swiss": ("\u2019", ".", "CHF {}"),
    "spaces": (" ", ".", "{}"),
}  # fmt: skip
SIGNS = {"front": "-{}", "behind": "{}-", "brackets": "({})", "Unicode": MINUS + "{}"}


def written(amount, group, mark, frame, sign, *, whole):
    """An amount as people write it, whole ones without decimals where ``whole``."""
    text = f"{abs(amount):,.0f}" if whole and amount == amount.to_integral() else f"{abs(amount):,.2f}"
    text = frame.format(text.replace(",", "g").replace(".", mark).replace("g", group))
    return SIGNS[sign].format(text) if amount < 0 else text


@pytest.mark.slow
@given(
    st.lists(st.decimals(Decimal("-9999999"), Decimal(9999999), places=2), min_size=5, max_size=30),
    st.sampled_from(list(FORMS)),
    st.sampled_from(list(SIGNS)),
    st.booleans(),
    st.sampled_from([None, "right"]),
)
@settings(max_examples=25)
def test_the_same_amounts_read_the_same_in_every_form_or_are_refused(amounts, form, sign, whole, decimal):
    if whole:
        amounts = [amount.to_integral() for amount in amounts]
    group, mark, frame = FORMS[form]
    texts = [written(amount, group, mark, frame, sign, whole=whole) for amount in amounts]
    table = ENGINE.create_table("raw", pa.table({"amount": texts}), overwrite=True)
    try:
        forms = choose_forms(table, ["amount"], mark if decimal else None, "orders.csv", [])
    except InputError:
        # Nothing is open where the mark is given; else only whole amounts leave it open.
        assert whole
        assert decimal is None
        return
    read = table.select(money=parse_money(table.amount, forms["amount"])).to_pyarrow()["money"].to_pylist()
    assert read == amounts


@pytest.mark.parametrize("written", ["{}元", "{}円", "\u2014{}"])
def test_signs_of_china_and_japan_and_a_long_dash_are_read(written):
    orders = pd.DataFrame(
        {"customer_id": [1, 2], "date": "2024-01-01", "amount": ["5.00", written.format("2.50")]}
    )
    assert read_transactions(orders).summary().net_total == 5 + (-2.5 if written[0] == "\u2014" else 2.5)


@pytest.mark.parametrize(
    ("written", "unit"),
    [("€ 5", "EUR"), ("5 CHF", "CHF"), ("$5", "currency units"), ("5 kr", "currency units")],
)
def test_a_sign_that_means_one_currency_is_the_unit(written, unit):
    orders = pd.DataFrame({"customer_id": [1, 2], "date": "2024-01-01", "amount": written})
    tx = read_transactions(orders)
    assert tx.unit == unit
    assert (unit == "currency units") == (not tx.assumed)
    if unit != "currency units":
        assert read_transactions(orders, currency=unit.lower()).unit == unit
        with pytest.raises(
            InputError, match=f"are written in {unit}, and `currency` is USD; give `currency` {unit}"
        ):
            read_transactions(orders, currency="USD")
    else:
        assert read_transactions(orders, currency="NOK").unit == "NOK"


def test_true_and_false_are_no_amounts():
    with pytest.raises(InputError, match="column 'amount' of the DataFrame has true and false, not numbers"):
        read_transactions(pd.DataFrame({"customer_id": [1], "date": "2024-01-01", "amount": True}))


@pytest.mark.parametrize(("mark", "decimal"), [(".", ","), (",", ".")])
def test_whole_money_of_which_thousands_are_grouped_is_read_and_said(mark, decimal):
    texts = [f"{100 + 17 * i:,}".replace(",", mark) for i in range(100)]
    table = ENGINE.create_table("raw", pa.table({"amount": texts}), overwrite=True)
    assumed: list[str] = []
    forms = choose_forms(table, ["amount"], None, "orders.csv", assumed, money=["amount"])
    assert forms == {"amount": decimal}
    assert assumed == [
        f"the mark in the whole amounts of column 'amount', such as '1{mark}001', groups thousands (`decimal` sets it)"
    ]


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param([f"{i}.250" for i in range(1, 99)], id="each with three decimals"),
        pytest.param(
            [f"{100 + i}" for i in range(50)] + [f"1.25{i % 9 + 1}" for i in range(50)], id="no last 0"
        ),
        pytest.param(
            [f"{990 + i}" for i in range(50)] + [f"1.2{i:02d}" for i in range(50)], id="1000 without a mark"
        ),
        pytest.param(
            [f"{i % 9 + 1}" for i in range(50)] + [f"1.2{i:02d}" for i in range(50)], id="no hundreds"
        ),
    ],
)
def test_marks_in_whole_money_that_may_be_decimal_ones_are_asked_about(texts):
    table = ENGINE.create_table("raw", pa.table({"amount": texts}), overwrite=True)
    with pytest.raises(InputError, match="could be the decimal mark or group thousands"):
        choose_forms(table, ["amount"], None, "orders.csv", [], money=["amount"])
