"""Typical gap and stage of life: by the customer's own columns, and by no other customer's."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duramen.data.customers import customer_table
from duramen.segments.activity import ActivityLevels
from duramen.segments.behaviour import base_gap, silence_in_gaps, typical_gap
from duramen.segments.lifecycle_stage import ABSENT_AFTER, STAGES, lifecycle_stage

HORIZON, PLAIN = 91, ActivityLevels()


def customer(frequency, gap, age=400.0, last_gap=None):
    return {
        "frequency": float(frequency), "gap_mean": gap, "T": age, "gap_last": gap if last_gap is None else last_gap,
    }  # fmt: skip


def stage(row, active=0.9, growth=0.0, levels=PLAIN):
    """Return the stage of one customer by the forecast."""
    (found,) = lifecycle_stage(
        pd.DataFrame([row]), [active], [growth], horizon=HORIZON, base=30.0, levels=levels
    )
    return found


def stages_of(model, customers, scores):
    return lifecycle_stage(
        customers, scores["probability_active"], scores["growth_rate"], horizon=HORIZON,
        base=model.segments_.base_gap_, levels=model.segments_.activity_levels_,
    )  # fmt: skip


def test_the_gap_of_the_base_is_the_geometric_mean_over_repeat_buyers():
    customers = pd.DataFrame({"gap_mean": [10.0, 40.0, np.nan], "T": [100.0, 100.0, 7.0]})
    assert base_gap(customers) == pytest.approx(20.0)


def test_without_a_repeat_buyer_the_gap_of_the_base_is_the_mean_age():
    assert base_gap(pd.DataFrame({"gap_mean": [np.nan, np.nan], "T": [100.0, 50.0]})) == pytest.approx(75.0)


def test_a_customer_without_a_repeat_purchase_has_the_gap_of_the_base():
    assert typical_gap(pd.DataFrame([customer(0, np.nan)]), 30.0) == pytest.approx(30.0)


def test_two_repeat_purchases_weigh_as_much_as_the_base():
    assert typical_gap(pd.DataFrame([customer(2, 120.0)]), 30.0) == pytest.approx(60.0)


@given(st.integers(0, 200), st.floats(1, 1000), st.floats(1, 1000))
def test_the_typical_gap_lies_between_that_of_the_customer_and_that_of_the_base(frequency, gap, base):
    found = typical_gap(pd.DataFrame([customer(frequency, gap)]), base)[0]
    assert min(gap, base) * (1 - 1e-9) <= found <= max(gap, base) * (1 + 1e-9)


@pytest.mark.parametrize(
    ("row", "active", "growth", "expected"),
    [
        (customer(10, 30.0), 0.9, 0.0, "steady"),
        (customer(10, 30.0), 0.9, 0.09, "steady"),
        (customer(10, 30.0), 0.9, 0.11, "growing"),
        (customer(10, 30.0), 0.9, -0.09, "steady"),
        (customer(10, 30.0), 0.9, -0.11, "declining"),
        (customer(10, 30.0), 0.5, 0.0, "steady"),
        (customer(10, 30.0), 0.49, 0.5, "at risk"),
        (customer(10, 30.0), 0.2, 0.5, "at risk"),
        (customer(10, 30.0), 0.19, 0.5, "lapsed"),
        (customer(1, 30.0), 0.9, 0.5, "building"),
        (customer(1, 30.0), 0.3, 0.0, "at risk"),
        (customer(0, np.nan), 0.1, 0.0, "lapsed"),
        (customer(0, np.nan, age=90.0), 0.1, 0.0, "building"),
        (customer(1, 30.0, age=90.0), 0.3, 0.0, "building"),
        (customer(2, 30.0, age=90.0), 0.1, 0.0, "lapsed"),
        (customer(2, 30.0, age=90.0), 0.9, 0.2, "growing"),
        (customer(0, np.nan, age=91.0), 0.1, 0.0, "lapsed"),
    ],
)
def test_each_stage_by_its_definition(row, active, growth, expected):
    assert stage(row, active, growth) == expected


def test_stages_use_the_words_of_the_segments():
    rare = ActivityLevels.of_segments([0.3, 0.1])
    found = [stage(customer(10, 30.0), active, levels=rare) for active in (0.15, 0.149, 0.059)]
    assert found == ["steady", "at risk", "lapsed"]


def came_back(frequency, gap, absence):
    """Return a customer of even gaps whose last one was an absence."""
    return customer(frequency, ((frequency - 1) * gap + absence) / frequency, last_gap=absence)


@pytest.mark.parametrize(
    ("row", "active", "expected"),
    [
        (came_back(10, 30.0, 121), 0.9, "recovered"),
        (came_back(10, 30.0, 119), 0.9, "steady"),
        (came_back(10, 30.0, 121), 0.4, "at risk"),
        (came_back(10, 30.0, 121), 0.1, "lapsed"),
        (came_back(1, 30.0, 121), 0.9, "recovered"),
        (came_back(1, 30.0, 119), 0.9, "building"),
    ],
)
def test_a_purchase_after_more_than_four_typical_gaps_is_a_recovery(row, active, expected):
    assert stage(row, active) == expected


def test_who_came_back_to_spend_less_than_before_has_not_recovered():
    assert stage(came_back(10, 30.0, 121), 0.9, -0.3) == "declining"


def test_the_absence_itself_does_not_make_the_rhythm_that_it_is_measured_by():
    weekly = came_back(4, 7.0, 150)
    assert typical_gap(pd.DataFrame([weekly]), 30.0)[0] * ABSENT_AFTER > weekly["gap_last"]
    assert stage(weekly) == "recovered"


def test_recovered_customers_were_absent_until_the_day_of_the_return(shop):
    base = shop.model.segments_.base_gap_
    stages = lifecycle_stage(
        shop.customers, np.ones(len(shop.customers)), np.zeros(len(shop.customers)), horizon=91, base=base,
        levels=ActivityLevels(),
    )  # fmt: skip
    recovered = shop.customers[stages == "recovered"]
    assert len(recovered) > 30
    for silence in recovered["time_since_last"].value_counts().index[:3]:
        returned = recovered.loc[recovered["time_since_last"] == silence, "customer_id"]
        before = customer_table(shop.tx, shop.window.cutoff - timedelta(days=int(silence)))
        known = before[before["customer_id"].isin(returned)]
        assert (silence_in_gaps(known, base) > ABSENT_AFTER).all()


def test_every_customer_of_the_shop_has_one_stage_in_any_order_and_alone(shop):
    stages = stages_of(shop.model, shop.customers, shop.scores)
    assert (stages == shop.scores["lifecycle_stage"]).all()
    assert set(stages) <= set(STAGES)
    order = np.random.default_rng(0).permutation(len(stages))
    shuffled = stages_of(shop.model, shop.customers.iloc[order], shop.scores.iloc[order])
    np.testing.assert_array_equal(shuffled, stages[order])
    few = shop.customers.iloc[order[:5]]
    np.testing.assert_array_equal(
        shop.model.predict(few, with_reasons=False)["lifecycle_stage"], stages[order[:5]]
    )


def test_growing_customers_are_forecast_to_grow_and_nobody_lapsed_to_buy(shop):
    levels, by_stage = shop.model.segments_.activity_levels_, shop.scores.groupby("lifecycle_stage")
    growth, active = (
        by_stage["growth_rate"].agg(["min", "max"]),
        by_stage["probability_active"].agg(["min", "max"]),
    )
    assert growth.at["declining", "max"] <= -0.1 < growth.at["steady", "min"]
    assert growth.at["steady", "max"] < 0.1 <= growth["min"].get("growing", 0.1)
    assert active.at["lapsed", "max"] < levels.lapsed_below <= active.at["at risk", "min"]
    assert active.at["at risk", "max"] < levels.active_from <= active.at["steady", "min"]


def test_time_in_another_unit_changes_no_stage(shop):
    weeks = shop.customers.assign(
        **{name: shop.customers[name] / 7 for name in ("gap_mean", "gap_last", "T")}
    )
    found = lifecycle_stage(
        weeks, shop.scores["probability_active"], shop.scores["growth_rate"], horizon=HORIZON / 7,
        base=shop.model.segments_.base_gap_ / 7, levels=shop.model.segments_.activity_levels_,
    )  # fmt: skip
    np.testing.assert_array_equal(found, shop.scores["lifecycle_stage"])
