"""How features move a prediction: the first six of each part, with missing values apart."""

import re

import numpy as np
import pandas as pd
import pytest

from duramen.report.dependence import dependence_section


def test_six_features_a_part_are_drawn_in_the_order_of_their_effects(shapes):
    value, activity = dependence_section(shapes, "GBP")
    assert (value["part"], value["times"], value["all"]) == ("value", True, 7)
    assert (activity["part"], activity["times"], activity["all"]) == ("activity", False, 2)
    names = [feature["feature"] for feature in value["features"]]
    assert names == [row["feature"] for row in value["ranked"]][:6]
    assert all(feature["drawn"].count("<svg ") == 1 for feature in value["features"])
    assert "Days from the last purchase day" in value["features"][0]["meaning"]
    spend = next(feature for feature in value["features"] if feature["feature"] == "net_spend")
    assert ">GBP</text>" in spend["drawn"]


def test_customers_without_a_feature_are_described_apart(shapes):
    value, activity = dependence_section(shapes, "GBP")
    assert value["features"][3]["missing"] == "Missing for 80 customers: \u00d70.779 on average."
    assert value["features"][0]["missing"] == ""
    assert activity["features"][1]["missing"] == "Missing for 80 customers: \u22120.25 log odds on average."
    assert activity["features"][1]["drawn"] is None


def test_the_text_of_a_drawing_names_its_ends(shapes):
    value, activity = dependence_section(shapes, "GBP")
    ends = "to the cutoff. Effect on the prediction: \u00d70.607 at 1 days to \u00d71.65 at 500"
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


def found(values, effects, *, feature="net_spend", unit="times"):
    """Return what is shown of one feature with these effects."""
    rows = pd.DataFrame({"value": values, "effect": effects, "low": effects, "high": effects})
    rows = rows.assign(part="value", feature=feature, customers=5, unit=unit)
    return dependence_section(rows, "GBP")[0]["features"][0]


@pytest.mark.parametrize(
    ("effects", "finding"),
    [
        (
            [0.85, 1.0, 1.15],
            "Higher values raise the predicted value: \u00d70.85 at \u22121,010, \u00d71.15 at 9,680 (GBP).",
        ),
        (
            [1.2, 1.0, 0.9],
            "Higher values lower the predicted value: \u00d71.2 at \u22121,010, \u00d70.9 at 9,680 (GBP).",
        ),
        (
            [1.1, 0.8, 1.1],
            "The effect on the predicted value is lowest at 3, \u00d70.8, and highest at \u22121,010, \u00d71.1 (GBP).",
        ),
        ([1.1, 1.1, 1.1], "The effect is the same at every value, \u00d71.1."),
    ],
)
def test_the_finding_says_in_words_which_way_a_feature_moves_the_prediction(effects, finding):
    assert found([-1010.0, 3.0, 9680.0], effects)["finding"] == finding


def test_the_finding_on_activity_is_in_log_odds_and_the_axis_says_so():
    shown = found([0.0, 4.0], [-0.5, 0.5], unit="log odds")
    assert shown["finding"].startswith(
        "Higher values raise the probability of a purchase: \u22120.50 log odds at 0,"
    )
    assert ">log odds</text>" in shown["drawn"]
    assert ">times the value</text>" in found([0.0, 4.0], [0.9, 1.1])["drawn"]


def test_a_feature_that_is_yes_or_no_is_two_points_and_not_a_line():
    shown = found([0.0, 1.0], [0.9, 1.2], feature="channel = web")
    assert shown["finding"] == "Yes raises the predicted value: \u00d71.2 for yes, \u00d70.9 for no."
    assert ">yes</text>" in shown["drawn"]
    line = ' stroke="var(--heart)"'
    assert line not in shown["drawn"]
    assert line in found([0.0, 2.0], [0.9, 1.2])["drawn"]
