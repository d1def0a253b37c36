"""The core and the groups: counted right on small tables that can be checked by hand."""

import numpy as np
import pandas as pd
import pytest

from duramen.report.core_summary import by_group, core_of, value_curve
from duramen.scoring.tiers import smallest_set


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
    core = core_of(ranking(), np.array([True, True, False]), pd.Series({"c": 50.0, "a": 100.0, "b": 50.0}))
    assert (core.size, core.customers, core.value, core.value_all) == (2, 3, 90.0, 100.0)
    assert (core.active, core.firm, core.open) == (pytest.approx(1.5), 1, 1)
    assert core.simulated == pytest.approx(1.6)
    assert core.past == pytest.approx(0.75)
    assert (
        core.sentence.replace("\u202f", " ") == "2 of 3 customers (66.7 %) hold 90 % of the predicted value."
    )


def test_past_value_is_joined_by_customer_and_never_by_place():
    past = pd.Series({"z": 100.0, "a": 300.0})
    assert core_of(ranking(), np.array([True, False, False]), past).past == pytest.approx(0.75)


def test_a_group_without_a_name_is_said_to_be_unknown_and_named_order_comes_first():
    groups = by_group(ranking(), "tier", ("small", "VIP", "absent"))
    assert groups["name"].tolist() == ["small", "VIP", "not known"]
    assert groups["customers"].sum() == 3
    assert groups["value_share"].tolist() == pytest.approx([0.1, 0.7, 0.2])
