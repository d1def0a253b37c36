"""What customers did in the horizon: its edges, those who did nothing, and the order of the rows."""

import datetime

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given, settings

from duramen.data.outcomes import customer_outcomes
from duramen.data.reading import read_transactions
from duramen.data.windows import Window

START = datetime.date(2020, 1, 1)
WINDOW = Window("2020-02-01", 28)


def on(day):
    return START + datetime.timedelta(days=day)


def read(rows):
    return read_transactions(pd.DataFrame(rows, columns=["customer", "date", "amount"]))


def test_the_horizon_holds_its_first_day_and_not_its_end():
    tx = read([(1, "2020-01-31", 1), (1, "2020-02-01", 2), (1, "2020-02-28", 4), (1, "2020-02-29", 8)])
    outcomes = customer_outcomes(tx, WINDOW, pd.DataFrame({"customer_id": [1]}))
    assert outcomes.to_dict("records") == [{"customer_id": 1, "value": 6.0, "purchases": 2.0, "active": 1.0}]


def test_customers_who_bought_nothing_get_zero():
    tx = read([(1, "2020-01-05", 1), (2, "2020-03-05", 1)])
    outcomes = customer_outcomes(tx, WINDOW, pd.DataFrame({"customer_id": [1, 2]}))
    assert (outcomes[["value", "purchases", "active"]] == 0).all(axis=None)
    assert (outcomes.dtypes.iloc[1:] == "float64").all()


def test_a_customer_who_only_returned_is_not_active_and_brought_less_than_nothing():
    tx = read([(1, "2020-01-05", 9), (1, "2020-02-05", -4)])
    outcomes = customer_outcomes(tx, WINDOW, pd.DataFrame({"customer_id": [1]}))
    assert outcomes.loc[0, ["value", "purchases", "active"]].tolist() == [-4, 0, 0]


@pytest.mark.parametrize("ids", [["b", "a", "c"], [3, 1, 2], [2.0, 3.0, 1.0]], ids=str)
def test_ids_keep_their_order_and_dtype(ids):
    customers = pd.DataFrame({"customer_id": ids, "frequency": 0.0}, index=[7, 8, 9])
    tx = read([(ids[2], "2020-02-05", 1), (ids[0], "2020-02-05", 3)])
    outcomes = customer_outcomes(tx, WINDOW, customers)
    assert outcomes["customer_id"].tolist() == ids
    assert outcomes["customer_id"].dtype == customers["customer_id"].dtype
    assert outcomes["value"].tolist() == [3, 0, 1]
    assert customers.columns.tolist() == ["customer_id", "frequency"]


def test_a_customer_named_twice_is_refused():
    tx = read([(1, "2020-02-05", 1)])
    with pytest.raises(pd.errors.MergeError):
        customer_outcomes(tx, WINDOW, pd.DataFrame({"customer_id": [1, 1]}))


rows = st.tuples(st.integers(1, 3), st.integers(0, 60).map(on), st.sampled_from([5.0, 2.5, -1.0]))


@pytest.mark.slow
@given(st.lists(rows, min_size=1, max_size=25), st.integers(1, 30), st.integers(1, 30))
@settings(max_examples=25)
def test_neighbouring_windows_add_up_and_nothing_is_counted_twice(lines, first, second):
    tx = read(lines)
    customers = pd.DataFrame({"customer_id": [1, 2, 3]})
    one = customer_outcomes(tx, Window(START, first), customers)
    two = customer_outcomes(tx, Window(on(first), second), customers)
    both = customer_outcomes(tx, Window(START, first + second), customers)
    for column in ("value", "purchases"):
        assert (one[column] + two[column]).tolist() == both[column].tolist()
    inside = [amount for _, day, amount in lines if day < on(first + second)]
    assert both["value"].sum() == sum(inside)
