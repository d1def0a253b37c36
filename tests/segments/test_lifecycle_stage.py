"""Own rhythm and stage of life: by the customer's pace, not by the calendar."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duramen.data.customers import customer_table
from duramen.segments.behaviour import base_gap, typical_gap
from duramen.segments.lifecycle_stage import LAPSED_AFTER, STAGES, lifecycle_stage


def customer(frequency, gap, silence, position=0.5, last_gap=None):
    return {
        "frequency": float(frequency), "gap_mean": gap, "time_since_last": float(silence),
        "purchase_position": position, "T": 400.0, "gap_last": gap if last_gap is None else last_gap,
    }  # fmt: skip


def stage(*rows, base=30.0):
    return list(lifecycle_stage(pd.DataFrame(list(rows)), base))


def test_the_gap_of_the_base_is_the_geometric_mean_over_repeat_buyers():
    customers = pd.DataFrame({"gap_mean": [10.0, 40.0, np.nan], "T": [100.0, 100.0, 7.0]})
    assert base_gap(customers) == pytest.approx(20.0)


def test_without_a_repeat_buyer_the_gap_of_the_base_is_the_mean_age():
    assert base_gap(pd.DataFrame({"gap_mean": [np.nan, np.nan], "T": [100.0, 50.0]})) == pytest.approx(75.0)


def test_a_customer_without_a_repeat_purchase_has_the_gap_of_the_base():
    assert typical_gap(pd.DataFrame([customer(0, np.nan, 5)]), 30.0) == pytest.approx(30.0)


def test_two_repeat_purchases_weigh_as_much_as_the_base():
    assert typical_gap(pd.DataFrame([customer(2, 120.0, 5)]), 30.0) == pytest.approx(60.0)


@given(st.integers(0, 200), st.floats(1, 1000), st.floats(1, 1000))
def test_the_typical_gap_lies_between_that_of_the_customer_and_that_of_the_base(frequency, gap, base):
    found = typical_gap(pd.DataFrame([customer(frequency, gap, 0)]), base)[0]
    assert min(gap, base) * (1 - 1e-9) <= found <= max(gap, base) * (1 + 1e-9)


def test_silence_is_measured_by_the_typical_gap():
    weekly, yearly = customer(40, 7.0, 60), customer(6, 360.0, 60)
    assert stage(weekly, yearly) == ["lapsed", "steady"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (customer(0, np.nan, 10, np.nan), "building"),
        (customer(1, 30.0, 10), "building"),
        (customer(0, np.nan, 61, np.nan), "declining"),
        (customer(0, np.nan, 121, np.nan), "lapsed"),
        (customer(10, 30.0, 10), "steady"),
        (customer(10, 30.0, 10, 0.75), "growing"),
        (customer(10, 30.0, 10, 0.25), "declining"),
        (customer(10, 30.0, 61), "declining"),
        (customer(10, 30.0, 121), "lapsed"),
        (customer(10, 30.0, 59), "steady"),
        (customer(10, 30.0, 10, 0.59), "steady"),
        (customer(2, 30.0, 10, 0.65), "steady"),
    ],
)
def test_each_stage_by_its_definition(row, expected):
    assert stage(row) == [expected]


def came_back(frequency, gap, absence, silence, position=0.5):
    """Return a customer of even gaps whose last one was an absence."""
    return customer(frequency, ((frequency - 1) * gap + absence) / frequency, silence, position, absence)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (came_back(10, 30.0, 121, 5), "recovered"),
        (came_back(10, 30.0, 119, 5), "steady"),
        (came_back(10, 7.0, 121, 5, 0.25), "recovered"),
        (came_back(10, 7.0, 121, 5, 0.75), "recovered"),
        (came_back(10, 30.0, 121, 80), "declining"),
        (came_back(10, 30.0, 121, 400), "lapsed"),
        (came_back(1, 30.0, 121, 5), "recovered"),
        (came_back(1, 30.0, 119, 5), "building"),
    ],
)
def test_a_purchase_after_more_than_four_typical_gaps_is_a_recovery(row, expected):
    assert stage(row) == [expected]


def test_the_absence_itself_does_not_make_the_rhythm_that_it_is_measured_by():
    weekly = came_back(4, 7.0, 150, 5)
    assert typical_gap(pd.DataFrame([weekly]), 30.0)[0] * LAPSED_AFTER > weekly["gap_last"]
    assert stage(weekly) == ["recovered"]


def test_recovered_customers_were_lapsed_until_the_day_of_the_return(shop):
    base = shop.model.segments_.base_gap_
    recovered = shop.customers[lifecycle_stage(shop.customers, base) == "recovered"]
    assert len(recovered) > 100
    for silence in recovered["time_since_last"].value_counts().index[:3]:
        returned = recovered.loc[recovered["time_since_last"] == silence, "customer_id"]
        before = customer_table(shop.tx, shop.window.cutoff - timedelta(days=int(silence)))
        stages = pd.Series(lifecycle_stage(before, base), index=before["customer_id"])
        assert set(stages[returned]) == {"lapsed"}


def test_every_customer_of_the_shop_has_one_stage_in_any_order(shop):
    stages = lifecycle_stage(shop.customers, shop.model.segments_.base_gap_)
    assert set(stages) == set(STAGES)
    order = np.random.default_rng(0).permutation(len(stages))
    np.testing.assert_array_equal(
        lifecycle_stage(shop.customers.iloc[order], shop.model.segments_.base_gap_), stages[order]
    )


def test_time_in_another_unit_changes_no_stage(shop):
    times = ["gap_mean", "gap_last", "time_since_last", "T"]
    weeks = shop.customers.assign(**{name: shop.customers[name] / 7 for name in times})
    np.testing.assert_array_equal(
        lifecycle_stage(weeks, base_gap(weeks)), lifecycle_stage(shop.customers, base_gap(shop.customers))
    )
