"""A row far after all others is set aside and named; sparse and seasonal histories stay whole."""

import numpy as np
import pandas as pd
import pytest

from duramen.data.reading import read_transactions


def rows_on(days):
    days = pd.DatetimeIndex(days)
    ids = [f"C{number % 60}" for number in range(len(days))]
    return pd.DataFrame({"customer_id": ids, "date": days, "amount": 1.0})


EVERY_DAY = pd.date_range("2023-01-01", "2024-12-30")


@pytest.mark.parametrize("as_text", [False, True])
def test_one_date_twenty_months_after_the_rest_is_set_aside_and_named(as_text):
    orders = rows_on([*EVERY_DAY, "2026-09-01"])
    tx = read_transactions(orders.astype(str) if as_text else orders)
    assert str(tx.last_date) == "2024-12-30"
    assert tx.set_aside == {"date far after all others": 1}
    assert tx.quarantine()["date"].str[:10].tolist() == ["2026-09-01"]
    assert tx.rows_in == tx.rows_used + 1 == len(orders)
    assert tx.assumed == (
        "1 row is from 2026-09-01 on, 610 days after all others, which end on 2024-12-30: set aside; correct the "
        "dates to use them",
    )


HISTORIES = {
    "few rows": pd.date_range("2020-01-01", periods=50).append(pd.DatetimeIndex(["2023-01-01"])),
    "a gap of a season": pd.date_range("2023-01-01", periods=200).append(pd.DatetimeIndex(["2024-05-01"])),
    "a shop that opens again": pd.date_range("2020-01-01", periods=300).append(
        pd.date_range("2023-01-01", periods=20)
    ),
    "a fair every second year": pd.DatetimeIndex(
        np.concatenate([pd.date_range(f"{year}-05-01", periods=60) for year in (2016, 2018, 2020)])
    ).append(pd.DatetimeIndex(["2022-05-01"])),
    "a row in many months": pd.date_range("2005-01-01", periods=110, freq="70D"),
    "all on one day": pd.DatetimeIndex(["2020-01-01"] * 150 + ["2023-01-01"]),
}


@pytest.mark.parametrize("history", HISTORIES)
def test_other_histories_stay_whole(history):
    tx = read_transactions(rows_on(HISTORIES[history]))
    assert tx.set_aside == {}
    assert tx.last_date == HISTORIES[history].max().date()


def test_a_date_of_1970_does_not_hide_one_far_after_the_rest():
    days = pd.date_range("2023-01-01", periods=200).strftime("%Y-%m-%d").tolist()
    orders = pd.DataFrame({"customer_id": 1, "date": ["1970-01-01", *days, "2025-12-31"], "amount": 1.0})
    tx = read_transactions(orders)
    assert tx.set_aside == {"date far after all others": 1}
    assert tx.last_date.year == 2023
