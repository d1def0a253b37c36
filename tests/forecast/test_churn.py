"""Activity and churn: BG/NBD bent by trees as far as a later fold speaks for it, at the corrected mean."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from duramen.forecast.bias_correction import activity_level
from duramen.forecast.churn import SMALLEST_PROBABILITY, ActivityModel, _shift_to, calibration_slope
from duramen.forecast.folds import complete_before


@pytest.fixture(scope="module")
def fitted(activity):
    return activity


def with_active(fold, active):
    return replace(fold, outcomes=fold.outcomes.assign(active=active))


def test_probabilities_stay_off_zero_and_one(features, fitted):
    probability = fitted.predict(features)
    assert (probability >= SMALLEST_PROBABILITY).all()
    assert (probability <= 1 - SMALLEST_PROBABILITY).all()
    assert (fitted.predict(features.assign(btyd_probability_active=1.0)) < 1).all()


def test_the_log_odds_are_a_sum(features, fitted):
    assert fitted.booster_ is not None
    score = fitted.intercept_ + fitted.slope_ * (
        fitted.btyd_weight_ * logit(features["btyd_probability_active"].clip(1e-4, 1 - 1e-4))
        + fitted.trees_weight_ * fitted.booster_.predict(features, raw_score=True)
    )
    np.testing.assert_allclose(fitted.predict(features), expit(score).clip(1e-4, 1 - 1e-4), rtol=1e-9)


def test_the_mean_is_that_of_btyd_corrected(shop, features, fitted, rolling_folds):
    mean = expit(
        logit(features["btyd_probability_active"].mean()) + activity_level(rolling_folds, shop.window).shift
    )
    assert fitted.predict(features).mean() == pytest.approx(mean, abs=1e-4)


def test_the_holdout_was_forecast_by_trees_of_earlier_folds_alone(
    shop, fitted, rolling_folds, holdout, features
):
    later = [with_active(fold, 1.0) for fold in rolling_folds if fold.window.end > holdout.window.cutoff]
    changed = [*complete_before(rolling_folds, holdout.window.cutoff), *later]
    again = ActivityModel().fit(changed, holdout, features, shop.window)
    pd.testing.assert_frame_equal(again.holdout_, fitted.holdout_, check_exact=True)


def test_outcomes_of_a_half_never_choose_how_it_is_forecast(shop, fitted, rolling_folds, holdout, features):
    active = holdout.outcomes["active"].to_numpy().copy()
    active[::2] = 1 - active[::2]
    turned = with_active(holdout, active)
    again = ActivityModel().fit(
        [turned, *(f for f in rolling_folds if f is not holdout)], turned, features, shop.window
    )
    np.testing.assert_array_equal(fitted.holdout_["probability"][::2], again.holdout_["probability"][::2])


def test_held_out_probabilities_are_calibrated_in_tenths(fitted, holdout):
    by = pd.DataFrame({"p": fitted.holdout_["probability"], "active": holdout.outcomes["active"]})
    tenth = pd.qcut(by["p"].rank(method="first"), 10, labels=False)
    table = by.groupby(tenth).agg(p=("p", "mean"), active=("active", "mean"), customers=("p", "size"))
    error = np.sqrt(table["p"] * (1 - table["p"]) / table["customers"])
    # The level of one season is known to about two points; within it, three standard errors.
    assert ((table["p"] - table["active"]).abs() < 0.02 + 3 * error).all()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_where_all_came_or_none_nothing_is_learned(shop, rolling_folds, holdout, features, share):
    same = [with_active(fold, share) for fold in rolling_folds]
    holdout_of_same = next(fold for fold in same if fold.window == holdout.window)
    model = ActivityModel().fit(same, holdout_of_same, features, shop.window)
    assert model.booster_ is None
    np.testing.assert_allclose(
        model.predict(features), features["btyd_probability_active"].clip(1e-4, 1 - 1e-4), rtol=1e-6
    )


def test_without_an_earlier_fold_the_order_is_that_of_btyd(shop, holdout, features):
    model = ActivityModel().fit([holdout], holdout, features, shop.window)
    assert model.booster_ is None
    stretched = model.slope_ * logit(features["btyd_probability_active"].clip(1e-4, 1 - 1e-4))
    np.testing.assert_allclose(logit(model.predict(features)) - stretched, model.intercept_, atol=1e-6)
    assert 0.5 < model.slope_ < 1.5


def test_the_slope_undoes_boldness_as_far_as_it_is_certain():
    rng = np.random.default_rng(0)
    truth = rng.normal(-1, 1.5, 100_000)
    came = (rng.random(len(truth)) < expit(truth)).astype(float)
    # With an infinite sample half the way is gone: slopes change as much as they differ from 1.
    assert calibration_slope(2 * truth, came) == pytest.approx(0.75, abs=0.01)
    assert calibration_slope(truth, came) == pytest.approx(1, abs=0.01)
    assert abs(calibration_slope(2 * truth[:200], came[:200]) - 1) < 0.2
    assert calibration_slope(np.zeros(500), came[:500]) == 1


def test_the_shift_gives_the_mean_that_was_asked_for():
    log_odds = np.random.default_rng(0).normal(0, 3, 1_000)
    for mean in (0.001, 0.3, 0.999):
        assert expit(log_odds + _shift_to(log_odds, mean)).mean() == pytest.approx(mean, abs=1e-9)


def test_state_and_booster_back_predict_the_same(features, fitted):
    again = ActivityModel.from_dict(fitted.to_dict(), fitted.booster_)
    np.testing.assert_array_equal(again.predict(features), fitted.predict(features))
