"""How features move a prediction: the first six of each part, with missing values apart."""

import re

import numpy as np
import pandas as pd
import pytest

from duramen.report.dependence import dependence_section


def test_six_features_a_part_are_drawn_in_the_order_given(shapes):
    value, activity = dependence_section(shapes, "GBP")
    assert (value["part"], value["times"], value["all"]) == ("value", True, 7)
    assert (activity["part"], activity["times"], activity["all"]) == ("activity", False, 2)
    names = [feature["feature"] for feature in value["features"]]
    assert names == ["time_since_last", "net_spend", "frequency", "gap_mean", "T", "basket_mean"]
    assert all(feature["drawn"].count("<svg ") == 1 for feature in value["features"])
    assert "Days from the last purchase day" in value["features"][0]["meaning"]
    assert ">GBP</text>" in value["features"][1]["drawn"]


def test_customers_without_a_feature_are_described_apart(shapes):
    value, activity = dependence_section(shapes, "GBP")
    assert value["features"][3]["missing"] == "Missing for 80 customers: x0.779 on average."
    assert value["features"][0]["missing"] == ""
    assert activity["features"][1]["missing"] == "Missing for 80 customers: \u22120.25 log odds on average."
    assert activity["features"][1]["drawn"] is None


def test_the_text_of_a_drawing_names_its_ends(shapes):
    value, activity = dependence_section(shapes, "GBP")
    ends = (
        "time_since_last moves the prediction: x0.607 at 1 days to x1.65 at 500, over 8 groups of customers"
    )
    assert ends in value["features"][0]["drawn"]
    assert "\u22120.50 log odds at 1 probability to +0.50 log odds at 500" in activity["features"][0]["drawn"]


@pytest.mark.parametrize(
    ("values", "effects"),
    [
        ([0.0, 0.0, 0.1, 4000.0], [0.2, 1.0, 3.0, 40.0]),
        ([-5.0, 0.0, 5.0], [1.0, 1.0, 1.0]),
        ([0.0], [1.0]),
        ([1.0, 2.0, 9000.0, 2e6], [0.001, 1.0, 1.0, 2.0]),
        ([0.0, 0.5, 1.0], [0.96, 1.0, 1.04]),
    ],
)
def test_the_axis_includes_no_effect_and_every_point_is_finite(values, effects):
    effects = np.array(effects)
    rows = pd.DataFrame({"value": values, "effect": effects, "low": effects / 1.01, "high": effects * 1.01})
    rows = rows.assign(part="value", feature="net_spend", customers=5, unit="times")
    drawn = dependence_section(rows, "GBP")[0]["features"][0]["drawn"]
    assert ">\u00d71</text>" in drawn
    assert not re.search("NaN|Infinity|undefined", drawn)
