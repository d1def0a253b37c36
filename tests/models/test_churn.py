"""Activity and churn: probabilities that are calibrated where neither part had looked."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.metrics import brier_score_loss

from duramen.data.windows import training_windows
from duramen.models.churn import SMALLEST_PROBABILITY, ActivityModel, _calibrate, _combine
from duramen.models.folds import build_folds


@pytest.fixture(scope="module")
def folds(shop):
    return build_folds(shop.tx, training_windows(shop.window, shop.tx.first_date))


@pytest.fixture(scope="module")
def fitted(folds):
    return ActivityModel().fit(folds)


def test_probabilities_stay_off_zero_and_one(folds, fitted):
    probability = fitted.predict(folds[0].features)
    assert (probability >= SMALLEST_PROBABILITY).all()
    assert (probability <= 1 - SMALLEST_PROBABILITY).all()
    certain = folds[0].features.assign(btyd_probability_active=1.0)
    assert (fitted.predict(certain) < 1).all()


def test_the_probability_is_the_logistic_of_both_scores(folds, fitted):
    features = folds[0].features
    intercept, slope_trees, slope_btyd = fitted.calibration_
    score = (
        intercept
        + slope_trees * fitted.booster_.predict(features, raw_score=True)
        + slope_btyd * logit(features["btyd_probability_active"])
    )
    np.testing.assert_allclose(fitted.predict(features), expit(score).clip(1e-4, 1 - 1e-4), rtol=1e-9)


def test_calibration_mends_scores_that_are_too_sure():
    rng = np.random.default_rng(0)
    truth = rng.normal(-1, 1.2, 20_000)
    active = (rng.random(20_000) < expit(truth)).astype(float)
    weights = _calibrate(3 * truth + 1, rng.normal(size=20_000), active)
    np.testing.assert_allclose(weights, [-1 / 3, 1 / 3, 0.0], atol=0.05)
    assert brier_score_loss(active, _combine(weights, 3 * truth + 1, np.zeros(20_000))) == pytest.approx(
        brier_score_loss(active, expit(truth)), abs=0.002
    )


def test_a_score_that_points_the_wrong_way_is_left_out_and_not_turned():
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=(2, 5_000))
    active = (rng.random(5_000) < expit(one + other)).astype(float)
    _, slope_trees, slope_btyd = _calibrate(-one, other, active)
    assert slope_trees == 0.0
    assert slope_btyd > 0.5


def test_a_dozen_customers_cannot_pull_the_calibration_far():
    weights = _calibrate(np.linspace(-3, 3, 12), np.linspace(-3, 3, 12), np.repeat([0.0, 1.0], 6))
    assert max(map(abs, weights)) < 3


def test_the_mean_held_out_probability_is_the_share_that_came(folds, fitted):
    active = folds[0].outcomes["active"]
    assert fitted.judged_["probability"].mean() == pytest.approx(active.mean(), abs=0.02)


def test_outcomes_of_a_half_never_calibrate_themselves(folds, fitted):
    even = np.arange(len(folds[0].outcomes)) % 2 == 0
    outcomes = folds[0].outcomes.copy()
    outcomes.loc[even, "active"] = 1 - outcomes.loc[even, "active"]
    turned = ActivityModel().fit([replace(folds[0], outcomes=outcomes), *folds[1:]])
    np.testing.assert_array_equal(turned.judged_["probability"][even], fitted.judged_["probability"][even])
    assert not np.array_equal(turned.judged_["probability"][~even], fitted.judged_["probability"][~even])


def test_without_an_earlier_fold_the_probability_is_that_of_btyd(folds):
    model = ActivityModel().fit(folds[:1])
    assert model.booster_ is None
    np.testing.assert_allclose(
        model.predict(folds[0].features),
        folds[0].features["btyd_probability_active"].clip(1e-4, 1 - 1e-4),
        rtol=1e-9,
    )


def test_state_and_booster_back_predict_the_same(folds, fitted):
    again = ActivityModel.from_dict(fitted.to_dict(), fitted.booster_)
    np.testing.assert_array_equal(again.predict(folds[0].features), fitted.predict(folds[0].features))
