"""The value model: BTYD corrected by trees as far as the holdout supports it, and brought to the corrected total."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_tweedie_deviance

import duramen as dm
from duramen.forecast.bias_correction import money_level
from duramen.forecast.folds import complete_before
from duramen.forecast.model_selection import NO_TREES, TreesUse
from duramen.forecast.trees import TreeFolds, bin_features
from duramen.forecast.value import (
    BTYD_POWER,
    ENOUGH_BUYERS,
    NO_BOOSTERS,
    SMALLEST_SHARE,
    TWO_STAGES_ALONE,
    VALUE_USES,
    ValueModel,
    _deviance,
    _weights,
    log_probability_ratio,
)


@pytest.fixture(scope="module")
def fitted(shop, rolling_folds, holdout, features, activity):
    return ValueModel().fit(rolling_folds, holdout, features, shop.window, activity)


def with_values(fold, value):
    return replace(fold, outcomes=fold.outcomes.assign(value=value))


@pytest.mark.slow
def test_the_value_is_a_sum_of_logarithms(fitted, features, activity):
    assert fitted.boosters_.value is not None
    log = (
        np.log(fitted.level_)
        + fitted.btyd_weight_ * np.log(np.maximum(features["btyd_value"], fitted.floor_))
        + fitted.trees_weight_ * fitted.boosters_.value.predict(features, raw_score=True)
    )
    if fitted.boosters_.spend is not None:
        stages = log_probability_ratio(features, activity.predict(features))
        stages += fitted.boosters_.spend.predict(features, raw_score=True)
        log += fitted.two_stage_weight_ * stages
    np.testing.assert_allclose(
        np.log(fitted.predict(features, activity.predict(features))), log, rtol=1e-9, atol=1e-12
    )
    assert fitted.btyd_weight_ == 1 - fitted.trees_weight_ * (1 - BTYD_POWER)


def test_the_two_stages_multiply_who_comes_with_what_they_spend(
    shop, rolling_folds, holdout, features, activity, monkeypatch
):
    assert _weights(TWO_STAGES_ALONE) == (0.0, 1.0, 1.0)
    monkeypatch.setattr(
        "duramen.forecast.value.cross_fit", lambda forecasts, _losses: (TWO_STAGES_ALONE, forecasts[NO_TREES])
    )
    fitted = ValueModel().fit(rolling_folds, holdout, features, shop.window, activity)
    probability = activity.predict(features)
    btyd = features["btyd_value"].clip(lower=fitted.floor_) / features["btyd_probability_active"].clip(
        1e-4, 1 - 1e-4
    )
    spend = btyd * np.exp(fitted.boosters_.spend.predict(features, raw_score=True))
    np.testing.assert_allclose(fitted.predict(features, probability), fitted.level_ * probability * spend)
    assert fitted.boosters_.value is None
    again = ValueModel.from_dict(fitted.to_dict(), fitted.boosters_)
    np.testing.assert_array_equal(again.predict(features, probability), fitted.predict(features, probability))


def test_the_weights_of_a_blend_leave_one_whole_btyd_value():
    assert _weights(NO_TREES) == (0.0, 0.0, 1.0)
    for use in VALUE_USES:
        trees, two_stage, btyd = _weights(use)
        assert trees + two_stage == use.share
        assert btyd + trees * (1 - BTYD_POWER) == 1.0


def test_the_total_is_that_of_btyd_corrected_with_the_largest_counted_as_the_next(
    shop, fitted, rolling_folds, features, activity
):
    assert fitted.correction_ == money_level(rolling_folds, shop.window).factor
    value, btyd = fitted.predict(features, activity.predict(features)), features["btyd_value"].to_numpy()
    # a thousandth of 2,613 customers is 3
    value, btyd = (np.minimum(money, np.sort(money)[-4]) for money in (value, btyd))
    assert value.sum() == pytest.approx(fitted.correction_ * btyd.sum(), rel=1e-9)


def test_the_holdout_was_forecast_by_trees_of_earlier_folds_alone(
    shop, fitted, rolling_folds, holdout, features, activity
):
    later = [with_values(fold, 1e6) for fold in rolling_folds if fold.window.end > holdout.window.cutoff]
    changed = [*complete_before(rolling_folds, holdout.window.cutoff), *later]
    again = ValueModel().fit(changed, holdout, features, shop.window, activity)
    # Windows that overlap the holdout help to choose; the choice is of customers who do not choose for themselves.
    by_trees = ["btyd_value", "trees_value", "two_stage_value"]
    pd.testing.assert_frame_equal(again.holdout_[by_trees], fitted.holdout_[by_trees], check_exact=True)


def test_the_level_of_the_holdout_is_of_its_past_too(fitted, rolling_folds, holdout):
    # The largest thousandth counts as much as the next; of these customers it is 3.
    trees, btyd = (
        np.minimum(money, np.sort(money)[-4]).sum()
        for money in (fitted.holdout_["trees_value"].to_numpy(), holdout.features["btyd_value"].to_numpy())
    )
    assert trees == pytest.approx(money_level(rolling_folds, holdout.window).factor * btyd, rel=1e-9)
    assert money_level(rolling_folds, holdout.window) == money_level(
        complete_before(rolling_folds, holdout.window.cutoff), holdout.window
    )


def test_outcomes_of_a_half_never_choose_how_it_is_forecast(
    shop, fitted, rolling_folds, holdout, features, activity
):
    half = holdout.outcomes["customer_id"].iloc[::2]
    model = ValueModel()
    trials, turned = model.try_trees(rolling_folds, holdout), []
    assert len(trials) > 1
    for trial in trials:
        value = trial.fold.outcomes["value"].to_numpy().copy()
        own = trial.fold.outcomes["customer_id"].isin(half).to_numpy()
        value[own] = value[own][::-1] * 3
        turned.append(trial._replace(fold=with_values(trial.fold, value)))
    again = model.fit(rolling_folds, turned[0].fold, features, shop.window, activity, trials=turned)
    np.testing.assert_array_equal(fitted.holdout_["value"][::2], again.holdout_["value"][::2])


def test_earlier_windows_are_asked_until_there_are_buyers_enough(rolling_folds, holdout, monkeypatch):
    trials = ValueModel().try_trees(rolling_folds, holdout)
    buyers = [np.count_nonzero(trial.fold.outcomes["value"] > 0) for trial in trials]
    assert sum(buyers[:-1]) < ENOUGH_BUYERS
    assert trials[0].fold is holdout
    cutoffs = [trial.fold.window.cutoff for trial in trials]
    assert cutoffs == sorted(cutoffs, reverse=True)
    assert {trial.fold.window.horizon for trial in trials} == {holdout.window.horizon}
    monkeypatch.setattr("duramen.forecast.value.ENOUGH_BUYERS", buyers[0])
    assert len(ValueModel().try_trees(rolling_folds, holdout)) == 1


def test_trees_that_gain_on_the_holdout_by_chance_are_not_used_where_earlier_windows_lose(
    shop, rolling_folds, holdout, features, activity
):
    model = ValueModel()
    (of_holdout, *earlier) = model.try_trees(rolling_folds, holdout)
    # The holdout as the trees say, the windows before it as BTYD says.
    use = VALUE_USES[0]
    shape = model._shape(
        holdout.features, activity.holdout_["probability"].to_numpy(), of_holdout.boosters, use
    )
    rng = np.random.default_rng(0)
    lucky = of_holdout._replace(fold=with_values(holdout, shape * rng.gamma(0.5, 2.0, len(shape))))
    by_btyd = [
        trial._replace(fold=with_values(trial.fold, 30 * trial.fold.features["btyd_value"]))
        for trial in earlier
    ]
    assert earlier
    for trials, uses_trees in (([lucky], True), ([lucky, *by_btyd], False)):
        fitted = model.fit(rolling_folds, lucky.fold, features, shop.window, activity, trials=trials)
        assert (fitted.boosters_ != NO_BOOSTERS) is uses_trees


def test_season_and_length_of_earlier_windows_leave_no_trace_in_the_trees(fitted, rolling_folds, holdout):
    earlier = complete_before(rolling_folds, holdout.window.cutoff)
    seasoned = [with_values(fold, fold.outcomes["value"] * 2.0) for fold in earlier]
    both = TreesUse(1.0, two_stage=0.5)
    trees, again = (
        fitted._fit_trees(tree_folds, tree_folds.folds, both)
        for tree_folds in (TreeFolds(earlier), TreeFolds(seasoned))
    )
    for one, other in zip(trees, again, strict=True):
        raw = [booster.predict(holdout.features, raw_score=True) for booster in (one, other)]
        np.testing.assert_allclose(raw[0] - raw[0].mean(), raw[1] - raw[1].mean(), atol=0.05)


def test_trees_that_learned_noise_are_not_used(shop, rolling_folds, holdout, features, activity):
    rng = np.random.default_rng(0)
    noise = [with_values(fold, rng.permutation(fold.outcomes["value"].to_numpy())) for fold in rolling_folds]
    holdout_of_noise = next(fold for fold in noise if fold.window == holdout.window)
    model = ValueModel().fit(noise, holdout_of_noise, features, shop.window, activity)
    # BTYD did not learn the noise: nothing gains on it but by pulling all to the mean, which the trees may do.
    honest = ValueModel().fit([*noise[:1], holdout], holdout, features, shop.window, activity)
    assert honest.boosters_ == NO_BOOSTERS
    assert honest.btyd_weight_ == 1.0
    assert np.isfinite(model.predict(features, activity.predict(features))).all()


def test_without_an_earlier_fold_value_is_that_of_btyd(shop, holdout, features, activity):
    model = ValueModel().fit([holdout], holdout, features, shop.window, activity)
    assert (model.boosters_, model.btyd_weight_, model.trees_weight_) == (NO_BOOSTERS, 1.0, 0.0)
    assert model.holdout_[["trees_value", "two_stage_value"]].isna().all(axis=None)
    ratio = model.predict(features, activity.predict(features)) / np.maximum(
        features["btyd_value"], model.floor_
    )
    np.testing.assert_allclose(ratio, ratio.iloc[0])


def test_where_nobody_bought_nothing_is_learned(shop, rolling_folds, holdout, features, activity):
    empty = [with_values(fold, 0.0) for fold in rolling_folds]
    holdout_of_none = next(fold for fold in empty if fold.window == holdout.window)
    model = ValueModel().fit(empty, holdout_of_none, features, shop.window, activity)
    assert model.boosters_ == NO_BOOSTERS
    assert model.correction_ == 1.0


def test_no_value_is_below_the_floor(fitted, holdout, activity):
    nothing = holdout.features.head(3).assign(btyd_value=0.0)
    assert fitted.floor_ == pytest.approx(SMALLEST_SHARE * holdout.features["btyd_value"].mean())
    assert (fitted.predict(nothing, activity.predict(nothing)) > 0).all()


def test_the_deviance_is_that_of_scikit_learn_up_to_what_no_forecast_changes():
    rng = np.random.default_rng(0)
    actual, one, other = rng.gamma(1, 10, 500) * (rng.random(500) < 0.4), *rng.gamma(3, 5, (2, 500))
    ours = _deviance(actual, one).mean() - _deviance(actual, other).mean()
    theirs = mean_tweedie_deviance(actual, one, power=1.5) - mean_tweedie_deviance(actual, other, power=1.5)
    assert ours == pytest.approx(theirs)


def test_the_final_trees_have_the_rounds_of_the_settings(fitted):
    assert fitted.boosters_.value.num_trees() == ValueModel().trees.rounds


def test_more_expected_purchases_never_mean_less(fitted, features, activity):
    rows = features.head(50)
    probability = activity.predict(rows)
    for name in ("btyd_purchases", "btyd_spend", "btyd_value"):
        low, high = (
            fitted.predict(rows.assign(**{name: rows[name] * factor}), probability) for factor in (1.0, 3.0)
        )
        assert (high >= low * (1 - 1e-12)).all()


def test_the_same_seed_gives_the_same_trees(shop, rolling_folds, holdout, features, fitted, activity):
    again = ValueModel().fit(rolling_folds, holdout, features, shop.window, activity)
    assert again.boosters_.value.model_to_string() == fitted.boosters_.value.model_to_string()
    assert again.to_dict() == fitted.to_dict()


def test_state_and_booster_back_predict_the_same(features, fitted, activity):
    again = ValueModel.from_dict(fitted.to_dict(), fitted.boosters_)
    np.testing.assert_array_equal(
        again.predict(features, activity.predict(features)),
        fitted.predict(features, activity.predict(features)),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "cutoff", "horizon"), [(10, "1998-04-01", "91d"), (1, "1998-06-30", "182d")]
)
def test_parts_of_binned_rows_are_those_rows(step, cutoff, horizon, monkeypatch):
    # Of bundled or sparse features LightGBM takes other values, and writes beyond its memory.
    import lightgbm as lgb

    compared = []

    def train_both(parameters, part, **settings):
        booster = fit(parameters, part, **settings)
        whole, rows = part.reference, part.used_indices
        frame = frames[id(whole)]
        again = lgb.Dataset(frame.iloc[rows], reference=whole, params=whole.params).construct()
        again.set_label(part.get_label()).set_init_score(part.get_init_score())
        other = fit(parameters, again, **settings)
        compared.append(np.abs(booster.predict(frame) - other.predict(frame)).max())
        return booster

    def keep(frame):
        whole = bin_features(frame)
        frames[id(whole)] = frame
        return whole

    frames, fit = {}, lgb.train
    monkeypatch.setattr("duramen.forecast.trees.bin_features", keep)
    monkeypatch.setattr(lgb, "train", train_both)
    ids = [f"{number:05d}" for number in range(1, 23571, step)]
    tx = dm.read_transactions("dataset:cdnow").of_customers(ids)
    dm.CoreCustomerModel().fit(tx, dm.Window(cutoff, horizon))
    assert len(compared) > 3
    assert max(compared) == 0
