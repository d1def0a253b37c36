"""Settings of a forecast: typed, bounded, the same as plain values, and heard by LightGBM."""

import re
from dataclasses import FrozenInstanceError, asdict

import numpy as np
import pandas as pd
import pytest

from duramen.errors import InputError
from duramen.forecast.settings import DEFAULT_FORECAST, ForecastSettings, TreeSettings
from duramen.forecast.trees import bin_features, fit_trees
from duramen.io import saved_model


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"num_leaves": 1}, "num_leaves of trees is 1; give a whole number from 2 to 131,072."),
        ({"max_depth": 0}, "max_depth of trees is 0; give a whole number from 1 to 64."),
        ({"learning_rate": 0}, "learning_rate of trees is 0; give a number above 0 to 1."),
        ({"learning_rate": 1.01}, "learning_rate of trees is 1.01; give a number above 0 to 1."),
        ({"rounds": 0}, "rounds of trees is 0; give a whole number from 1 to 10,000."),
        ({"rounds": 150.0}, "rounds of trees is 150.0; give a whole number"),
        ({"min_leaf_customers": 0}, "min_leaf_customers of trees is 0; give a whole number from 1 on."),
        ({"min_leaf_share": 0.6}, "min_leaf_share of trees is 0.6; give a number from 0 to 0.5."),
        ({"feature_fraction": float("nan")}, "feature_fraction of trees is nan; give a number above 0 to 1."),
        ({"bagging_fraction": True}, "bagging_fraction of trees is True; give a number above 0 to 1."),
        ({"lambda_l2": -1}, "lambda_l2 of trees is -1; give a number from 0 on."),
        ({"lambda_l2": float("inf")}, "lambda_l2 of trees is inf; give a number from 0 on."),
        ({"lambda_l2": "much"}, "lambda_l2 of trees is 'much'; give a number from 0 on."),
    ],
    ids=str,
)
def test_a_setting_of_trees_outside_its_bounds_is_refused_with_the_bound(settings, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        TreeSettings(**settings)
    with pytest.raises(InputError, match=re.escape(sentence)):
        ForecastSettings.from_dict({"trees": settings})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"btyd_models": ()},
            "btyd_models of a forecast are (); give at least one of BG/NBD, MBG/NBD, Pareto/NBD.",
        ),
        ({"btyd_models": "BG/NBD"}, "btyd_models of a forecast are 'BG/NBD'; give at least one of"),
        (
            {"btyd_models": ["BG/NBD", "NBD"]},
            "btyd_models of a forecast are ['BG/NBD', 'NBD']; give at least one of",
        ),
        ({"btyd_models": [["BG/NBD"]]}, "btyd_models of a forecast are [['BG/NBD']]; give at least one of"),
        ({"training_cutoffs": 1}, "training_cutoffs of a forecast is 1; give a whole number from 2 to 100."),
        ({"training_customers": 9}, "training_customers of a forecast is 9; give a whole number from 10 on."),
        ({"calibrated": 1}, "calibrated of a forecast is 1; give True or False."),
    ],
    ids=str,
)
def test_a_setting_of_a_forecast_outside_its_bounds_is_refused_with_the_bound(settings, sentence):
    for make in (lambda: ForecastSettings(**settings), lambda: ForecastSettings.from_dict(settings)):
        with pytest.raises(InputError, match=re.escape(sentence)):
            make()


def test_trees_are_given_as_settings_or_as_a_table():
    with pytest.raises(InputError, match="trees of a forecast are 7; give a table of num_leaves, max_depth"):
        ForecastSettings.from_dict({"trees": 7})
    with pytest.raises(InputError, match=re.escape("trees of a forecast are {}; give TreeSettings(...).")):
        ForecastSettings(trees={})


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (
            {"leaves": 7},
            "a forecast has no setting 'leaves'; the settings are btyd_models, training_cutoffs,",
        ),
        ({"trees": {"leaves": 7}}, "trees has no setting 'leaves'; the settings are num_leaves, max_depth,"),
    ],
)
def test_an_unknown_setting_is_refused_with_those_that_are_known(table, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        ForecastSettings.from_dict(table)


def test_settings_come_back_from_plain_values_and_do_not_change():
    settings = ForecastSettings(
        btyd_models=("Pareto/NBD",), calibrated=False, trees=TreeSettings(max_depth=2)
    )
    assert ForecastSettings.from_dict(settings.to_dict()) == settings
    assert ForecastSettings.from_dict({}) == ForecastSettings() == DEFAULT_FORECAST
    assert hash(settings) != hash(DEFAULT_FORECAST)
    with pytest.raises(FrozenInstanceError):
        settings.calibrated = True


def test_models_of_older_formats_are_given_the_settings_that_were_fixed_then():
    then = saved_model.SETTINGS_UNTIL_5
    trees = TreeSettings(learning_rate=0.05, rounds=150, feature_fraction=0.7)
    assert ForecastSettings.from_dict(then) == ForecastSettings(trees=trees)
    assert set(then) == set(DEFAULT_FORECAST.to_dict()) - {"training_customers"}
    assert set(then["trees"]) == set(asdict(TreeSettings()))


@pytest.mark.parametrize(
    ("setting", "written"),
    [
        ({"num_leaves": 5}, "[num_leaves: 5]"),
        ({"max_depth": 2}, "[max_depth: 2]"),
        ({"learning_rate": 0.2}, "[learning_rate: 0.2]"),
        ({"min_leaf_customers": 33}, "[min_data_in_leaf: 33]"),
        ({"min_leaf_share": 0.1}, "[min_data_in_leaf: 40]"),
        ({"feature_fraction": 0.4}, "[feature_fraction: 0.4]"),
        ({"bagging_fraction": 0.6}, "[bagging_fraction: 0.6]"),
        ({"lambda_l2": 3.0}, "[lambda_l2: 3]"),
    ],
    ids=str,
)
def test_each_setting_of_trees_reaches_lightgbm(setting, written):
    rng = np.random.default_rng(0)
    points = pd.DataFrame(rng.normal(size=(400, 10)), columns=list("abcdefghij"))
    target, start = points["a"].to_numpy() + rng.normal(size=400), np.zeros(400)
    usual, tuned = (
        fit_trees(bin_features(points), target, start, 0, settings, objective="regression").model_to_string()
        for settings in (TreeSettings(), TreeSettings(**setting))
    )
    assert written in tuned
    assert written not in usual
    assert tuned.split("parameters:")[0] != usual.split("parameters:")[0]
