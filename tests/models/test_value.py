"""The value model: a log-space blend whose weight is chosen where neither part had looked."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_tweedie_deviance

from duramen.data.windows import training_windows
from duramen.models.folds import build_folds, earlier_folds
from duramen.models.value import BTYD_WEIGHTS, SMALLEST_SHARE, ValueModel, _choose_blend, _level


@pytest.fixture(scope="module")
def folds(shop):
    return build_folds(shop.tx, training_windows(shop.window, shop.tx.first_date))


@pytest.fixture(scope="module")
def fitted(folds):
    return ValueModel().fit(folds)


def parts(rows=4_000, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.lognormal(2, 1, rows)
    return truth, rng.poisson(truth) * 1.0, rng


def test_the_blend_is_the_weighted_sum_of_logarithms(folds, fitted):
    features = folds[0].features
    btyd = np.maximum(features["btyd_value"], fitted.floor_)
    log_trees = fitted.booster_.predict(features, raw_score=True)
    weight = fitted.btyd_weight_
    expected = np.log(fitted.level_) + weight * np.log(btyd) + (1 - weight) * log_trees
    np.testing.assert_allclose(np.log(fitted.predict(features)), expected, rtol=1e-9, atol=1e-9)


def test_the_weight_is_the_one_that_held_out_customers_prefer():
    truth, actual, rng = parts()
    noise = np.exp(rng.normal(0, 1.5, len(truth)))
    good_btyd = pd.DataFrame({"btyd_value": truth, "trees_value": truth * noise})
    good_trees = pd.DataFrame({"btyd_value": truth * noise, "trees_value": truth})
    assert _choose_blend(good_btyd, actual)[0] == 1.0
    assert _choose_blend(good_trees, actual)[0] == 0.0


def test_every_other_weight_has_at_least_the_deviance_of_the_chosen_one(folds, fitted):
    judged = fitted.judged_
    actual = np.maximum(folds[0].outcomes["value"].to_numpy(), 0.0)
    btyd, trees = judged["btyd_value"].to_numpy(), judged["trees_value"].to_numpy()
    deviance = {
        weight: mean_tweedie_deviance(
            actual,
            _level(btyd, trees, weight, fitted.level_of_) * btyd**weight * trees ** (1 - weight),
            power=1.5,
        )
        for weight in BTYD_WEIGHTS
    }
    assert fitted.btyd_weight_ == min(deviance, key=deviance.get)


def test_where_parts_agree_the_middle_weight_is_taken():
    truth, actual, _ = parts()
    assert _choose_blend(pd.DataFrame({"btyd_value": truth, "trees_value": truth}), actual)[0] == 0.5


def test_the_total_is_that_of_the_part_that_came_nearer():
    truth, actual, _ = parts()
    low_trees = pd.DataFrame({"btyd_value": truth, "trees_value": truth * 0.6})
    assert _choose_blend(low_trees, actual)[1] == "btyd"
    assert (
        _choose_blend(
            low_trees.rename(columns={"btyd_value": "trees_value", "trees_value": "btyd_value"}), actual
        )[1]
        == "trees"
    )
    btyd, trees = truth, truth * 0.6
    blend = _level(btyd, trees, 0.25, "btyd") * btyd**0.25 * trees**0.75
    assert blend.sum() == pytest.approx(btyd.sum())


def test_what_is_judged_was_forecast_by_trees_of_earlier_folds_alone(folds, fitted):
    alone = ValueModel()
    alone.floor_ = fitted.floor_
    booster = alone._fit_trees(earlier_folds(folds, folds[0]))
    np.testing.assert_array_equal(
        fitted.judged_["trees_value"], np.exp(booster.predict(folds[0].features, raw_score=True))
    )


def test_outcomes_of_a_half_never_choose_their_own_blend(folds, fitted):
    even = np.arange(len(folds[0].outcomes)) % 2 == 0
    outcomes = folds[0].outcomes.copy()
    outcomes.loc[even, "value"] = outcomes.loc[even, "value"].to_numpy()[::-1] * 3
    turned = ValueModel().fit([replace(folds[0], outcomes=outcomes), *folds[1:]])
    np.testing.assert_array_equal(fitted.judged_["value"][even], turned.judged_["value"][even])


def test_without_an_earlier_fold_value_is_that_of_btyd(folds):
    model = ValueModel().fit(folds[:1])
    assert (model.booster_, model.btyd_weight_, model.level_) == (None, 1.0, 1.0)
    np.testing.assert_allclose(
        model.predict(folds[0].features), np.maximum(folds[0].features["btyd_value"], model.floor_)
    )


def test_no_value_is_below_the_floor(folds):
    model = ValueModel().fit(folds[:1])
    nothing = folds[0].features.head(3).assign(btyd_value=0.0)
    assert model.floor_ == pytest.approx(SMALLEST_SHARE * folds[0].outcomes["value"].mean())
    np.testing.assert_array_equal(model.predict(nothing), model.floor_)


def test_the_same_seed_gives_the_same_trees(folds, fitted):
    again = ValueModel().fit(folds)
    assert again.booster_.model_to_string() == fitted.booster_.model_to_string()
    assert again.to_dict() == fitted.to_dict()


def test_state_and_booster_back_predict_the_same(folds, fitted):
    again = ValueModel.from_dict(fitted.to_dict(), fitted.booster_)
    np.testing.assert_array_equal(again.predict(folds[0].features), fitted.predict(folds[0].features))
