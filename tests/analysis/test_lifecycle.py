"""How customers pass through the stages of life: from which to which, for how long, and what each stage brings."""

import dataclasses
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from duramen.analysis.lifecycle import (
    NOT_YET,
    refuse_short_history,
    stage_length,
    stage_transitions,
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
from duramen.scoring.model import CoreCustomerModel
from duramen.segments.activity import ActivityLevels
from duramen.segments.behaviour import silence_in_gaps
from duramen.segments.lifecycle_stage import STAGES, lifecycle_stage

EARLIER, LATER = "1997-10-01", "1998-01-01"


@pytest.fixture(scope="module")
def tx(shop):
    return shop.tx


@pytest.fixture(scope="module")
def grocery():
    tx = read_transactions(complete_journey(), currency="USD")
    return tx, CoreCustomerModel().fit(tx, Window("2017-09-03", 91))


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


def predict(customers, *, with_reasons):
    """Forecast by silence alone, and that everybody goes on as before."""
    assert not with_reasons
    silence = silence_in_gaps(customers, 7.0)
    active = np.select([silence < 2, silence < 4], [0.9, 0.4], 0.1)
    stages = lifecycle_stage(
        customers, active, np.zeros(len(customers)), horizon=28, base=7.0, levels=ActivityLevels()
    )
    return pd.DataFrame({"customer_id": customers["customer_id"], "lifecycle_stage": stages})


BY_SILENCE = SimpleNamespace(predict=predict, window_=Window(date(2010, 12, 1), 28))


def day(number):
    return date(2010, 1, 1) + timedelta(days=number)


def test_at_the_cutoff_of_the_model_stages_are_those_of_its_ranking(shop):
    stages = stages_at(shop.model, shop.tx, shop.window.cutoff)
    expected = shop.scores.set_index("customer_id")["lifecycle_stage"]
    pd.testing.assert_series_equal(stages, expected)


def test_transitions_hold_every_customer_of_the_later_cutoff_once(shop):
    table = stage_transitions(shop.model, shop.tx, EARLIER, LATER)
    assert table["customers"].sum() == len(customer_table(shop.tx, LATER))
    assert set(table["from"]) <= {*STAGES, NOT_YET}
    assert set(table["to"]) <= set(STAGES)
    shares = matrix(table, "share_of_from")
    assert shares.index.tolist() == [stage for stage in (*STAGES, NOT_YET) if stage in shares.index]
    assert shares.sum(axis=1).to_numpy() == pytest.approx(1.0)


def test_a_pause_is_seen_as_lapsed_then_recovered_then_left_behind():
    tx = bought(WORLD)
    looks = [stages_at(BY_SILENCE, tx, day(number))["pauses"] for number in (140, 160, 200, 212, 330)]
    assert looks == ["steady", "at risk", "lapsed", "recovered", "steady"]
    table = stage_transitions(BY_SILENCE, tx, day(140), day(200)).set_index(["from", "to"])["customers"]
    assert table["steady", "lapsed"] == 1
    assert table.loc[NOT_YET].sum() == 1


def test_times_in_the_steady_stage_end_with_the_pause_and_begin_again():
    tx = bought(WORLD)
    times = time_in_stage(BY_SILENCE, tx, day(100), day(352), step=28)
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


def test_times_are_those_of_the_looks_one_by_one(shop):
    times = time_in_stage(shop.model, shop.tx, EARLIER, "1998-04-01", step=91)
    looks = [date(1998, 4, 1) - timedelta(days=91 * back) for back in (2, 1, 0)]
    seen = pd.concat([stages_at(shop.model, shop.tx, look) == "steady" for look in looks])
    assert times["looks"].sum() == seen.sum() > 0
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
        == "6 customers were steady. Of the 5 stays that began during the observation, half lasted at least 56 days."
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


def test_what_follows_adds_up_to_the_orders_of_the_window(shop, tx, shop_orders):
    window = Window(LATER, 91)
    table = what_follows(tx, stages_at(shop.model, tx, LATER), window)
    inside = shop_orders[(shop_orders["date"] >= LATER) & (shop_orders["date"] < "1998-04-02")]
    known = inside[inside["customer_id"].isin(customer_table(tx, LATER)["customer_id"])]
    assert (table["money_per_customer_day"] * table["customers"]).sum() * 91 == pytest.approx(
        known["amount"].sum()
    )
    assert (table["active_share"] * table["customers"]).sum() == pytest.approx(known["customer_id"].nunique())
    assert table["share_of_money"].sum() == pytest.approx(1.0)
    assert table.attrs["money"] == "net spend"


def test_money_is_what_the_ranking_is_of_also_where_costs_are_known():
    dear = bought(WORLD, cost=4.0)
    table = what_follows(dear, pd.Series("all", index=list(WORLD)), Window(day(300), 56))
    assert table.attrs["money"] == "net spend"
    assert table.loc[0, "money_per_customer_day"] == pytest.approx(10.0 / 7)
    margin = dataclasses.replace(dear, columns={**dear.columns, "amount": "margin"})
    assert (
        what_follows(margin, pd.Series("all", index=list(WORLD)), Window(day(300), 56)).attrs["money"]
        == "margin"
    )


def test_outcomes_of_stages_are_as_their_names_say(shop):
    active = what_follows(
        shop.tx, stages_at(shop.model, shop.tx, shop.window.cutoff), Window("1998-04-01", 91)
    )
    active = active.set_index("group")["active_share"]
    assert active["steady"] > active["at risk"] > active["lapsed"]
    assert active["recovered"] > active["lapsed"]


@pytest.mark.slow
def test_outcomes_and_transitions_of_stages_are_as_their_names_say_on_groceries(grocery):
    tx, model = grocery
    stages = stages_at(model, tx, "2017-09-03")
    later = what_follows(tx, stages, Window("2017-09-03", 91)).set_index("group")
    assert later.loc[["growing", "steady", "declining"], "active_share"].min() > 0.9
    # Hardly anybody has lapsed here, and of new customers little is known.
    known = later["active_share"].drop(["lapsed", "building"], errors="ignore")
    assert known.idxmin() == "at risk"
    shares = matrix(stage_transitions(model, tx, "2017-06-04", "2017-09-03"), "share_of_from")
    assert shares.loc["steady", "steady"] > shares.loc["growing", "steady"]


def test_orders_of_later_days_change_nothing_before_them(shop, shop_orders):
    short = read_transactions(shop_orders[shop_orders["date"] < "1998-01-01"], currency="USD")
    pd.testing.assert_frame_equal(
        stage_transitions(shop.model, short, EARLIER, "1997-12-31"),
        stage_transitions(shop.model, shop.tx, EARLIER, "1997-12-31"),
    )


@pytest.mark.parametrize(
    ("cutoffs", "said"),
    [
        ([EARLIER], "1 cutoff can show no change"),
        ([EARLIER, EARLIER], "1 cutoff can show no change"),
        (
            ["1997-02-01", LATER],
            "there are 31 days of history before 1997-02-01, and stages compare a forecast over 91 days",
        ),
        ([EARLIER, "1999-01-01"], "the cutoff 1999-01-01 is after the data"),
    ],
)
def test_a_history_too_short_for_stages_is_refused_in_a_sentence(tx, cutoffs, said):
    with pytest.raises(InputError, match=said):
        refuse_short_history(tx, cutoffs, 91)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda shop: stage_transitions(shop.model, shop.tx, LATER, EARLIER), "give the earlier one first"),
        (lambda shop: time_in_stage(shop.model, shop.tx, EARLIER, LATER, "core"), "there is no stage 'core'"),
        (lambda shop: time_in_stage(shop.model, shop.tx, EARLIER, LATER, step=0), "a step of 0 days"),
        (lambda shop: time_in_stage(shop.model, shop.tx, LATER, EARLIER), "1 cutoff can show no change"),
        (lambda shop: what_follows(shop.tx, pd.Series({"00002": 1}), Window(LATER, 364)), "the data end on 1998-06-30"),
        (lambda shop: what_follows(shop.tx, pd.Series({"00002": None}), Window(LATER, 28)), "have no group"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_in_a_sentence(shop, ask, said):
    with pytest.raises(InputError, match=said):
        ask(shop)
