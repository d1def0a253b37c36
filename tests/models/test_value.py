"""The value model: BTYD bent by trees as far as a later fold speaks for it, and brought to the corrected total."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_tweedie_deviance

from duramen.data.windows import judge_window, training_windows
from duramen.models.folds import build_folds, complete_before, model_features
from duramen.models.later_fold import MOST_ROUNDS, TREES_USES
from duramen.models.level import money_level
from duramen.models.value import BTYD_POWER, SMALLEST_SHARE, ValueModel, _deviance


@pytest.fixture(scope="module")
def folds(shop):
    return build_folds(shop.tx, training_windows(shop.window, shop.tx.first_date))


@pytest.fixture(scope="module")
def judge(shop, folds):
    window = judge_window(shop.window, shop.tx.first_date)
    return next(fold for fold in folds if fold.window == window)


@pytest.fixture(scope="module")
def features(shop):
    return model_features(shop.customers, shop.model.btyd_, shop.window.horizon)


@pytest.fixture(scope="module")
def fitted(shop, folds, judge, features):
    return ValueModel().fit(folds, judge, features, shop.window)


def with_values(fold, value):
    return replace(fold, outcomes=fold.outcomes.assign(value=value))


def test_the_value_is_a_sum_of_logarithms(fitted, features):
    assert fitted.booster_ is not None
    log = (
        np.log(fitted.level_)
        + fitted.btyd_weight_ * np.log(np.maximum(features["btyd_value"], fitted.floor_))
        + fitted.trees_weight_ * fitted.booster_.predict(features, raw_score=True)
    )
    np.testing.assert_allclose(np.log(fitted.predict(features)), log, rtol=1e-9, atol=1e-12)
    assert fitted.btyd_weight_ == 1 - fitted.trees_weight_ * (1 - BTYD_POWER)


def test_the_total_of_most_is_that_of_btyd_corrected(shop, fitted, folds, features):
    assert fitted.correction_ == money_level(folds, shop.window)
    value, btyd = fitted.predict(features), features["btyd_value"].to_numpy()
    largest = np.maximum(btyd / btyd.sum(), value / value.sum())
    most = largest < np.sort(largest)[-3]  # a thousandth of 2,613 customers is 3
    assert value[most].sum() == pytest.approx(fitted.correction_ * btyd[most].sum(), rel=1e-3)


def test_what_is_judged_was_forecast_by_trees_of_earlier_folds_alone(shop, fitted, folds, judge, features):
    later = [with_values(fold, 1e6) for fold in folds if fold.window.end > judge.window.cutoff]
    changed = [*complete_before(folds, judge.window.cutoff), *later]
    again = ValueModel().fit(changed, judge, features, shop.window)
    pd.testing.assert_frame_equal(again.judged_, fitted.judged_, check_exact=True)


def test_the_level_of_what_is_judged_is_of_its_past_too(fitted, folds, judge):
    total = money_level(folds, judge.window) * judge.features["btyd_value"].sum()
    assert fitted.judged_["trees_value"].sum() == pytest.approx(total, rel=0.03)
    assert money_level(folds, judge.window) == money_level(
        complete_before(folds, judge.window.cutoff), judge.window
    )


def test_outcomes_of_a_half_never_choose_how_it_is_forecast(shop, fitted, folds, judge, features):
    value = judge.outcomes["value"].to_numpy().copy()
    value[::2] = value[::2][::-1] * 3
    turned = with_values(judge, value)
    again = ValueModel().fit([turned, *(f for f in folds if f is not judge)], turned, features, shop.window)
    np.testing.assert_array_equal(fitted.judged_["value"][::2], again.judged_["value"][::2])


def test_season_and_length_of_earlier_windows_leave_no_trace_in_the_trees(fitted, folds, judge):
    earlier = complete_before(folds, judge.window.cutoff)
    seasoned = [with_values(fold, fold.outcomes["value"] * 2.0) for fold in earlier]
    trees, again = (fitted._fit_trees(some, 20) for some in (earlier, seasoned))
    raw = [booster.predict(judge.features, raw_score=True) for booster in (trees, again)]
    np.testing.assert_allclose(raw[0] - raw[0].mean(), raw[1] - raw[1].mean(), atol=0.05)


def test_trees_that_learned_noise_are_not_used(shop, folds, judge, features):
    rng = np.random.default_rng(0)
    noise = [with_values(fold, rng.permutation(fold.outcomes["value"].to_numpy())) for fold in folds]
    judge_of_noise = next(fold for fold in noise if fold.window == judge.window)
    model = ValueModel().fit(noise, judge_of_noise, features, shop.window)
    # BTYD did not learn the noise: nothing gains on it but by pulling all to the mean, which the trees may do.
    honest = ValueModel().fit([*noise[:1], judge], judge, features, shop.window)
    assert honest.booster_ is None
    assert honest.btyd_weight_ == 1.0
    assert np.isfinite(model.predict(features)).all()


def test_without_an_earlier_fold_value_is_that_of_btyd(shop, judge, features):
    model = ValueModel().fit([judge], judge, features, shop.window)
    assert (model.booster_, model.btyd_weight_, model.trees_weight_) == (None, 1.0, 0.0)
    assert model.judged_["trees_value"].isna().all()
    ratio = model.predict(features) / np.maximum(features["btyd_value"], model.floor_)
    np.testing.assert_allclose(ratio, ratio.iloc[0])


def test_where_nobody_bought_nothing_is_learned(shop, folds, judge, features):
    empty = [with_values(fold, 0.0) for fold in folds]
    judge_of_none = next(fold for fold in empty if fold.window == judge.window)
    model = ValueModel().fit(empty, judge_of_none, features, shop.window)
    assert model.booster_ is None
    assert model.correction_ == 1.0


def test_no_value_is_below_the_floor(fitted, judge):
    nothing = judge.features.head(3).assign(btyd_value=0.0)
    assert fitted.floor_ == pytest.approx(SMALLEST_SHARE * judge.features["btyd_value"].mean())
    assert (fitted.predict(nothing) > 0).all()


def test_the_deviance_is_that_of_scikit_learn_up_to_what_no_forecast_changes():
    rng = np.random.default_rng(0)
    actual, one, other = rng.gamma(1, 10, 500) * (rng.random(500) < 0.4), *rng.gamma(3, 5, (2, 500))
    ours = _deviance(actual, one).mean() - _deviance(actual, other).mean()
    theirs = mean_tweedie_deviance(actual, one, power=1.5) - mean_tweedie_deviance(actual, other, power=1.5)
    assert ours == pytest.approx(theirs)


def test_the_final_trees_have_the_rounds_that_were_chosen(fitted):
    assert fitted.booster_.num_trees() in {use.rounds for use in TREES_USES}
    assert max(use.rounds for use in TREES_USES) == MOST_ROUNDS


def test_more_expected_purchases_never_mean_less(fitted, features):
    rows = features.head(50)
    for name in ("btyd_purchases", "btyd_spend", "btyd_value"):
        low, high = (fitted.predict(rows.assign(**{name: rows[name] * factor})) for factor in (1.0, 3.0))
        assert (high >= low * (1 - 1e-12)).all()


def test_the_same_seed_gives_the_same_trees(shop, folds, judge, features, fitted):
    again = ValueModel().fit(folds, judge, features, shop.window)
    assert again.booster_.model_to_string() == fitted.booster_.model_to_string()
    assert again.to_dict() == fitted.to_dict()


def test_state_and_booster_back_predict_the_same(features, fitted):
    again = ValueModel.from_dict(fitted.to_dict(), fitted.booster_)
    np.testing.assert_array_equal(again.predict(features), fitted.predict(features))
