"""How customers pass through the stages of life: from which to which, for how long, and what each stage brings."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from duramen.analysis.lifecycle import (
    BOTH,
    FINER,
    NOT_YET,
    RECENCY,
    STAGE,
    refuse_short_history,
    stage_length,
    stage_transitions,
    stages_against_recency,
    stages_at,
    time_by_customer,
    time_in_stage,
    what_follows,
)
from duramen.analysis.migration import matrix
from duramen.data.customers import customer_table
from duramen.data.datasets import complete_journey
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.errors import InputError
from duramen.segments.behaviour import base_gap
from duramen.segments.lifecycle_stage import STAGES, lifecycle_stage

EARLIER, LATER = "1997-10-01", "1998-01-01"


@pytest.fixture(scope="module")
def tx(shop_orders):
    return read_transactions(shop_orders)


@pytest.fixture(scope="module")
def grocery():
    return read_transactions(
        complete_journey(), customer_id="household_id", date="transaction_timestamp", amount="sales_value"
    )


def bought(days_of, amount=10.0, **columns):
    """Return transactions of customers who bought on the given days of 2010, counted from the first of January."""
    rows = [
        {"customer_id": name, "date": date(2010, 1, 1) + timedelta(days=day), "amount": amount} | columns
        for name, days in days_of.items()
        for day in days
    ]
    return read_transactions(pd.DataFrame(rows), columns={name: name for name in columns})


def weekly(first, last):
    return range(first, last, 7)


# Ten weekly customers, of whom one pauses for ten weeks from the twentieth and one comes late.
WORLD = {f"weekly {i}": [*weekly(i % 7, 360)] for i in range(8)} | {
    "pauses": [*weekly(0, 140), *weekly(210, 360)],
    "late": [*weekly(160, 360)],
}


def day(number):
    return date(2010, 1, 1) + timedelta(days=number)


def test_everybody_is_in_the_stage_of_the_rule(tx):
    customers = customer_table(tx, LATER)
    stages = stages_at(tx, LATER)
    np.testing.assert_array_equal(
        stages[customers["customer_id"]], lifecycle_stage(customers, base_gap(customers))
    )


def test_transitions_hold_every_customer_of_the_later_cutoff_once(tx):
    table = stage_transitions(tx, EARLIER, LATER)
    assert table["customers"].sum() == len(customer_table(tx, LATER))
    assert set(table["from"]) <= {*STAGES, NOT_YET}
    assert set(table["to"]) <= set(STAGES)
    shares = matrix(table, "share_of_from")
    assert shares.index.tolist() == [stage for stage in (*STAGES, NOT_YET) if stage in shares.index]
    assert shares.sum(axis=1).to_numpy() == pytest.approx(1.0)


@pytest.mark.slow
def test_transitions_read_sensibly_on_groceries(grocery):
    shares = matrix(stage_transitions(grocery, "2017-06-04", "2017-09-03"), "share_of_from")
    assert shares.loc["steady", "steady"] > 0.7
    assert shares.loc["lapsed", "lapsed"] == shares["lapsed"].drop(["building", NOT_YET]).max()
    assert shares.loc["lapsed", "recovered"] > shares.loc["steady", "recovered"]


def test_a_pause_is_seen_as_lapsed_then_recovered_then_left_behind():
    tx = bought(WORLD)
    looks = [stages_at(tx, day(number))["pauses"] for number in (140, 160, 200, 212, 330)]
    assert looks == ["steady", "declining", "lapsed", "recovered", "steady"]
    table = stage_transitions(tx, day(140), day(200)).set_index(["from", "to"])["customers"]
    assert table["steady", "lapsed"] == 1
    assert table.loc[NOT_YET].sum() == 1


@pytest.mark.slow
def test_times_in_the_steady_stage_end_with_the_pause_and_begin_again():
    tx = bought(WORLD)
    times = time_in_stage(tx, day(100), day(352), step=28)
    pauses = times[times["customer_id"] == "pauses"]
    assert pauses["begin_seen"].tolist() == [False, True]
    assert pauses["end_seen"].tolist() == [True, False]
    assert (pauses["days"] == pauses["looks"] * 28).all()
    steady = times[times["customer_id"] == "weekly 3"]
    assert steady[["looks", "begin_seen", "end_seen"]].to_numpy().tolist() == [[10, False, False]]
    told = time_by_customer(times).set_index("customer_id")
    assert told.loc["pauses", ["times", "censored"]].tolist() == [2, True]
    assert told.loc["pauses", "days"] == pauses["days"].sum()
    assert told.loc["weekly 3", "longest"] == 10 * 28


def test_times_are_those_of_the_looks_one_by_one(tx):
    times = time_in_stage(tx, EARLIER, "1998-04-01", step=91)
    base = base_gap(customer_table(tx, "1998-04-01"))
    looks = [date(1998, 4, 1) - timedelta(days=91 * back) for back in (2, 1, 0)]
    seen = pd.concat([stages_at(tx, look, base) == "steady" for look in looks])
    assert times["looks"].sum() == seen.sum()
    assert set(times["customer_id"]) == set(seen.index[seen])


def test_the_length_of_a_stage_counts_unended_times_as_long_as_they_were_seen():
    times = pd.DataFrame(
        {
            "customer_id": [*"abcdef"],
            "days": [28, 28, 56, 56, 84, 140],
            "begin_seen": [True] * 5 + [False],
            "end_seen": [True, False, True, True, False, False],
        }
    )
    length = stage_length(times)
    assert length.table.to_numpy().tolist() == [
        [28, 5, 1, pytest.approx(4 / 5)],
        [56, 3, 2, pytest.approx(4 / 5 / 3)],
        [84, 1, 0, pytest.approx(4 / 5 / 3)],
    ]
    assert (length.customers, length.times, length.ended, length.watched) == (6, 5, 3, 84)
    assert (
        str(length)
        == "6 customers were steady; of 5 times that began while they were observed, half lasted at least 56 days."
    )


def test_a_stage_that_mostly_goes_on_has_no_median():
    times = pd.DataFrame(
        {
            "customer_id": [*"abcd"], "days": [28, 56, 56, 56], "begin_seen": [True] * 4,
            "end_seen": [True, False, False, False],
        }
    )  # fmt: skip
    length = stage_length(times)
    assert length.median_days is None
    assert str(length).endswith("75% lasted longer than the 56 days of observation.")
    assert "no such time began" in str(stage_length(times.assign(begin_seen=False)))


def test_what_follows_adds_up_to_the_orders_of_the_window(tx, shop_orders):
    window = Window(LATER, 91)
    table = what_follows(tx, stages_at(tx, LATER), window)
    inside = shop_orders[(shop_orders["date"] >= LATER) & (shop_orders["date"] < "1998-04-02")]
    known = inside[inside["customer_id"].isin(customer_table(tx, LATER)["customer_id"])]
    assert (table["money_per_customer_day"] * table["customers"]).sum() * 91 == pytest.approx(
        known["amount"].sum()
    )
    assert (table["active_share"] * table["customers"]).sum() == pytest.approx(known["customer_id"].nunique())
    assert table["share_of_money"].sum() == pytest.approx(1.0)
    assert table.attrs["money"] == "net spend"


def test_where_costs_are_known_the_margin_is_told():
    dear = bought(WORLD, cost=4.0)
    table = what_follows(dear, pd.Series("all", index=list(WORLD)), Window(day(300), 56))
    assert table.attrs["money"] == "margin"
    assert table.loc[0, "money_per_customer_day"] == pytest.approx(6.0 / 7)


@pytest.mark.parametrize("source", ["tx", "grocery"])
def test_who_is_lapsed_returns_least_and_who_is_steady_far_more(source, request):
    orders = request.getfixturevalue(source)
    cutoff = {"tx": LATER, "grocery": "2017-09-03"}[source]
    active = what_follows(orders, stages_at(orders, cutoff), Window(cutoff, 91)).set_index("group")[
        "active_share"
    ]
    # Hardly anybody of these shops, which got no new customers, is still building.
    assert active.drop("building").idxmin() == "lapsed"
    assert active["steady"] > active["recovered"] > active["lapsed"]


def test_stages_are_judged_beside_days_since_the_last_purchase_in_as_many_groups(tx):
    table = stages_against_recency(tx, EARLIER, LATER).set_index("method")
    assert table.index.tolist() == [STAGE, RECENCY, BOTH, FINER]
    assert table.loc[STAGE, "groups"] == table.loc[RECENCY, "groups"] == len(STAGES)
    assert table.loc[BOTH, "groups"] >= table.loc[FINER, "groups"] > len(STAGES)
    assert table["auc"].between(0.65, 0.9).all()
    assert (table["brier"] < 0.2).all()


def test_orders_of_later_days_change_nothing_before_them(tx, shop_orders):
    short = read_transactions(shop_orders[shop_orders["date"] < "1998-01-01"])
    pd.testing.assert_frame_equal(
        stage_transitions(short, EARLIER, "1997-12-31"), stage_transitions(tx, EARLIER, "1997-12-31")
    )


@pytest.mark.parametrize(
    ("cutoffs", "said"),
    [
        ([EARLIER], "1 cutoff can show no change"),
        ([EARLIER, EARLIER], "1 cutoff can show no change"),
        (
            ["1997-02-01", LATER],
            "there are 31 days of history before 1997-02-01, and a customer with the typical gap",
        ),
        ([EARLIER, "1999-01-01"], "the cutoff 1999-01-01 is after the data"),
    ],
)
def test_a_history_too_short_for_stages_is_refused_in_a_sentence(tx, cutoffs, said):
    with pytest.raises(InputError, match=said):
        refuse_short_history(tx, cutoffs)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda tx: stage_transitions(tx, LATER, EARLIER), "give the earlier one first"),
        (lambda tx: time_in_stage(tx, EARLIER, LATER, stage="core"), "there is no stage 'core'"),
        (lambda tx: time_in_stage(tx, EARLIER, LATER, step=0), "a step of 0 days"),
        (lambda tx: time_in_stage(tx, LATER, EARLIER), "1 cutoff can show no change"),
        (lambda tx: what_follows(tx, stages_at(tx, LATER), Window(LATER, 364)), "but the data end on 1998-06-30"),
        (lambda tx: stages_against_recency(tx, EARLIER, "1998-06-01"), "but the data end on"),
        (lambda tx: what_follows(tx, pd.Series({"00002": None}), Window(LATER, 28)), "have no group"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_in_a_sentence(tx, ask, said):
    with pytest.raises(InputError, match=said):
        ask(tx)
