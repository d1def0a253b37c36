"""``duramen check`` shows what orders are, as text for people and as JSON for jobs, and trains nothing."""

import json

import pandas as pd
import pytest


def spaced(text):
    """Return a text whose lines are joined: it is wrapped where the terminal ends."""
    return " ".join(text.split())


@pytest.fixture
def shop(tmp_path):
    """A file of 400 orders of which two lack the customer, with two weeks without rows."""
    day = pd.date_range("2022-01-01", periods=400).to_series().reset_index(drop=True)
    frame = pd.DataFrame({"customer": [f"c{i % 40}" for i in range(400)], "date": day, "amount": 12.5})
    frame.loc[[3, 7], "customer"] = ""
    frame[~day.between("2022-06-01", "2022-06-14")].to_csv(tmp_path / "orders.csv", index=False)


@pytest.mark.usefixtures("shop")
def test_orders_are_shown_with_what_is_unusual_in_them(duramen):
    status, out, err, new = duramen("check", "orders.csv")
    assert (status, err, new) == (0, "", set())
    assert "386 in = 384 used + 2 set aside" in out
    assert "missing customer id, for example customer empty, date '2022-01-04', amount '12.5'" in spaced(out)
    assert "no rows from 2022-06-01 to 2022-06-14 (14 days; usually at most 0 in a row)" in spaced(out)
    assert "customer_id from 'customer', date from 'date', amount from 'amount'" in spaced(out)


@pytest.mark.usefixtures("shop")
def test_jobs_get_json_and_nothing_else(duramen):
    status, out, err, new = duramen("check", "orders.csv", "--json")
    assert (status, err, new) == (0, "", set())
    told = json.loads(out)
    assert (told["rows_in"], told["rows_used"], told["customers"]) == (386, 384, 40)
    assert told["columns"] == {"customer_id": "customer", "date": "date", "amount": "amount"}
    assert told["examples_set_aside"]["missing customer id"][0] == {
        "customer": None,
        "date": "2022-01-04",
        "amount": "12.5",
    }
    assert told["gaps"] == [{"first": "2022-06-01", "last": "2022-06-14", "usual": 0, "days": 14}]
    assert told["level_shifts"] == []


def test_orders_that_cannot_be_used_end_with_one_sentence(duramen, refused, tmp_path):
    (tmp_path / "orders.csv").write_text("customer,when,amount\n1,soon,2\n")
    assert "no column that looks like date" in refused(duramen("check", "orders.csv", "--json"))


@pytest.mark.usefixtures("shop")
def test_examples_have_no_ids_where_ids_are_hashed(duramen, tmp_path):
    (tmp_path / "salt").write_text("0123456789abcdef")
    out = duramen("check", "orders.csv", "--hash-ids", "salt")[1]
    assert "missing customer id, for example date '2022-01-04', amount '12.5'" in spaced(out)
