"""Money in several currencies becomes one, by the latest rate of each day, or is refused."""

import bisect
import datetime

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given, settings

from duramen.data.money_unit import compare_units
from duramen.data.reading import read_transactions
from duramen.errors import InputError

RATES = pd.DataFrame(
    {
        "date": ["2024-02-01", "2024-01-01", "2024-01-01"],
        "currency": ["USD", "USD", "GBP"],
        "rate": [0.8, 0.9, 1.2],
    }
)


def sales(**columns):
    return pd.DataFrame(
        {
            "customer": [1, 2, 3, 4],
            "date": ["2024-01-31", "2024-02-01", "2024-03-01", "2024-01-01"],
            "amount": [10.0, 10.0, -10.0, 10.0],
            "cost": [1.0, 1.0, -1.0, 1.0],
            "currency": ["USD", " USD", "GBP", "EUR"],
            **columns,
        }
    )


def test_each_amount_and_cost_is_converted_by_the_rate_of_its_day(days_of):
    tx = read_transactions(sales(), currency="EUR", exchange_rates=RATES)
    rows = [(float(row["net"]), float(row["cost"])) for row in days_of(tx)]
    assert rows == [(9, 0.9), (8, 0.8), (-12, -1.2), (10, 1)]
    assert (tx.unit, tx.rows_used) == ("EUR", 4)
    assert tx.assumed == (
        "money was converted to EUR by the table of exchange rates: USD in 2 rows, GBP in 1 rows",
    )


def test_rates_are_read_from_a_file(tmp_path):
    RATES.to_csv(tmp_path / "rates.csv", index=False)
    tx = read_transactions(sales(), currency="EUR", exchange_rates=tmp_path / "rates.csv")
    assert tx.summary().net_total == 15


def test_rows_set_aside_need_no_rate():
    tx = read_transactions(
        sales(currency=["USD", "CHF", "GBP", "EUR"]),
        currency="EUR",
        exchange_rates=RATES,
        where="currency!=CHF",
    )
    assert tx.rows_used == 3


@pytest.mark.parametrize(
    ("change", "settings", "sentence"),
    [
        ({"currency": ["USD", "CHF", "CHF", "EUR"]}, {}, "no rate for 2 rows .* CHF on 2024-02-01"),
        ({"date": "2023-12-31"}, {}, "no rate for 3 rows .* GBP on 2023-12-31"),
        ({"currency": ["USD", None, "GBP", "EUR"]}, {}, "1 rows of .* have no currency in column 'currency'"),
        ({}, {"currency": None}, "name it by `currency`"),
        ({}, {"currency": "USD"}, "give USD a rate other than 1"),
        ({}, {"exchange_rates": RATES.assign(rate=-1)}, "3 rows .* not above 0"),
        ({}, {"exchange_rates": RATES.assign(currency="USD")}, "2 rows .* two rates on one day"),
        (
            {},
            {"exchange_rates": RATES.assign(rate=[1, 2, None])},
            "1 rows .* no readable date, currency or rate",
        ),
        ({}, {"exchange_rates": RATES.drop(columns="rate")}, "no column that looks like rate"),
    ],
)
def test_what_cannot_be_converted_is_refused(change, settings, sentence):
    with pytest.raises(InputError, match=sentence):
        read_transactions(sales(**change), **{"currency": "EUR", "exchange_rates": RATES} | settings)


def test_rates_without_a_column_of_currencies_are_refused(orders):
    with pytest.raises(InputError, match="no column of the role currency"):
        read_transactions(orders(), currency="EUR", exchange_rates=RATES)


days = st.integers(0, 400).map(lambda day: datetime.date(2023, 1, 1) + datetime.timedelta(day))


@pytest.mark.slow
@given(st.lists(days, min_size=1, max_size=5, unique=True), st.lists(days, min_size=1, max_size=8))
@settings(max_examples=20)
def test_the_rate_of_a_day_is_the_latest_that_is_not_after_it(changes, dates):
    changes = sorted(changes)
    dates = [max(date, changes[0]) for date in dates]
    rates = pd.DataFrame({"date": changes, "currency": "USD", "rate": [2.0**n for n in range(len(changes))]})
    orders = pd.DataFrame({"customer": range(len(dates)), "date": dates, "amount": 1.0, "currency": "USD"})
    tx = read_transactions(orders, currency="EUR", exchange_rates=rates)
    found = tx.days.order_by("customer_id").to_pyarrow()["net"].to_pylist()
    assert [float(net) for net in found] == [2.0 ** (bisect.bisect(changes, date) - 1) for date in dates]


def test_a_model_takes_orders_in_its_own_unit_and_says_where_one_is_missing():
    assert compare_units("EUR", "EUR", "orders.csv") is None
    assert "taken as EUR" in compare_units("EUR", "currency units", "orders.csv")
    assert "taken to be USD" in compare_units("currency units", "USD", "orders.csv")
    with pytest.raises(InputError, match=r"trained on EUR and orders\.csv is in USD: .*`exchange_rates`"):
        compare_units("EUR", "USD", "orders.csv")


def _two_currencies(**changes):
    days = pd.date_range("2024-01-01", periods=12).strftime("%Y-%m-%d")
    orders = {
        "customer_id": [1, 2, None, None] * 3,
        "date": days,
        "amount": 10.0,
        "currency": ["EUR", "USD"] * 6,
    }
    return pd.DataFrame(orders | changes)


def test_money_set_aside_is_in_the_currency_to_convert_to():
    tx = read_transactions(
        _two_currencies(),
        currency="EUR",
        exchange_rates=pd.DataFrame({"date": ["2024-01-01"], "currency": ["USD"], "rate": [0.5]}),
    )
    assert tx.set_aside_money == {"missing customer id": 3 * 10 + 3 * 5}


def test_money_set_aside_in_other_currencies_has_no_sum():
    tx = read_transactions(_two_currencies(), currency="EUR")
    assert tx.set_aside == {"other currency": 3, "missing customer id": 6}
    assert tx.set_aside_money == {}


@pytest.mark.parametrize("target", ["EUR", "eur"])
def test_case_does_not_make_another_currency(target):
    orders = _two_currencies(customer_id=7, currency=["EUR", "usd", "eur", " USD"] * 3)
    rates = pd.DataFrame({"date": ["2024-01-01"], "currency": ["Usd"], "rate": [0.5]})
    tx = read_transactions(orders, currency=target, exchange_rates=rates)
    assert (tx.unit, tx.summary().net_total) == ("EUR", 6 * 10 + 6 * 5)
    assert read_transactions(orders, currency=target).set_aside == {"other currency": 6}


def test_dates_of_rates_that_could_be_two_are_those_of_the_orders():
    orders = _two_currencies(customer_id=7, date=pd.date_range("2024-01-10", periods=12).strftime("%d.%m.%Y"))
    rates = pd.DataFrame({"date": ["01.02.2023", "05.01.2024"], "currency": "USD", "rate": [9.0, 0.5]})
    tx = read_transactions(orders, currency="EUR", exchange_rates=rates, date_format="day-first")
    assert tx.summary().net_total == 6 * 10 + 6 * 5
    with pytest.raises(
        InputError, match="write them as YYYY-MM-DD, or give the `date_format` that they and the orders"
    ):
        read_transactions(orders, currency="EUR", exchange_rates=rates)


def test_what_opening_a_file_of_rates_assumed_is_said(tmp_path):
    (tmp_path / "rates.csv").write_bytes(
        "date,currency,rate,Währung\n2024-01-01,USD,0.5,Dollar\n".encode("cp1252")
    )
    tx = read_transactions(
        _two_currencies(customer_id=7), currency="EUR", exchange_rates=str(tmp_path / "rates.csv")
    )
    assert any("Windows-1252" in sentence for sentence in tx.assumed)
