"""The core and the groups, counted on small tables that can be checked by hand."""

import numpy as np
import pandas as pd
import pytest

from duramen.analysis.core_summary import (
    core_members,
    summarise_core,
    sums_by_group,
    typical_customer,
    value_curve,
)
from duramen.report.core import certainty, headline
from duramen.scoring.tiers import Tiers, smallest_set


@pytest.mark.parametrize("customers", [1, 3, 299, 100_000])
def test_the_curve_has_few_points_and_keeps_the_core_exactly(customers):
    values = np.random.default_rng(1).lognormal(3, 1, customers)
    size = int(smallest_set(values).sum())
    curve = value_curve(values, size)
    assert len(curve) <= 301
    assert curve.iloc[0].tolist() == [0.0, 0.0]
    assert curve.iloc[-1].tolist() == pytest.approx([1.0, 1.0])
    at = curve[np.isclose(curve["customers"], size / customers, rtol=0, atol=1e-12)]
    assert at["value"].item() == pytest.approx(np.sort(values)[::-1][:size].sum() / values.sum())
    assert curve["value"].is_monotonic_increasing


def ranking() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": ["a", "b", "c"],
            "predicted_value": [70.0, 20.0, 10.0],
            "probability_active": [0.9, 0.5, 0.1],
            "probability_core": [1.0, 0.5, 0.1],
            "tier": ["VIP", None, "small"],
        }
    )


def test_the_core_in_figures():
    core = summarise_core(ranking(), past_value=pd.Series({"c": 50.0, "a": 100.0, "b": 50.0}))
    assert (core.size, core.customers, core.value, core.value_all) == (2, 3, 90.0, 100.0)
    assert (core.active, core.stable, core.uncertain) == (pytest.approx(1.5), 1, 1)
    assert core.simulated_size == pytest.approx(1.6)
    assert core.past_share == pytest.approx(0.75)
    sentence = headline(core).replace("\u202f", " ")
    assert sentence == "2 of 3 customers (66.7 %) account for 90 % of the predicted value."


def test_members_are_counted_from_four_fifths_of_the_outcomes_from_half_and_below_half():
    chances = [0.9, 0.8, 0.79, 0.5, 0.49, 0.1]
    members = pd.DataFrame(
        {
            "customer_id": [*"abcdef"],
            "predicted_value": 1.0,
            "probability_active": 0.5,
            "probability_core": chances,
        }
    )
    core = summarise_core(members, Tiers(core_share=0.95))
    assert (core.size, core.stable, core.uncertain) == (6, 2, 2)
    assert certainty(core).replace("\u202f", " ") == (
        "How sure: 2 of the 6 core customers are core in at least 80 % of simulated outcomes, 2 in 50 % to 80 %, and 2 "
        "in less than half."
    )


def test_past_value_is_joined_by_customer_and_never_by_position():
    past = pd.Series({"z": 100.0, "a": 300.0})
    assert summarise_core(ranking(), Tiers(core_share=0.7), past).past_share == pytest.approx(0.75)


def test_customers_without_a_group_are_not_known_and_the_given_order_comes_first():
    groups = sums_by_group(ranking(), "tier", ("small", "VIP", "absent"))
    assert groups["name"].tolist() == ["small", "VIP", "not known"]
    assert groups["customers"].sum() == 3
    assert groups["value_share"].tolist() == pytest.approx([0.1, 0.7, 0.2])


def test_with_costs_the_core_is_by_what_is_left_after_them():
    costly = ranking().assign(cost_to_serve=[60.0, 5.0, 35.0])
    core = summarise_core(costly)
    assert core_members(costly).tolist() == [True, True, False]
    assert (core.value, core.value_all, core.after_cost) == (25.0, 25.0, True)
    assert core.cost_share == pytest.approx(0.65)
    assert summarise_core(ranking()).cost_share is None


def test_the_typical_customer_has_medians_and_the_most_frequent_names():
    customers = ranking().assign(segment=[2, 1, 2], lifecycle_stage=["steady", "lapsed", "growing"])
    typical = typical_customer(customers)
    assert (typical.predicted_value, typical.probability_active) == (20.0, 0.5)
    assert (typical.segment, typical.segment_share) == ("2", pytest.approx(2 / 3))
    assert typical.lifecycle_stage == "growing"
