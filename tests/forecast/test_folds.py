"""Rolling folds: what was known at each cutoff, what then happened, and nothing in between."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.forecast.btyd_value import BTYDValueModel
from duramen.forecast.folds import (
    BTYD_FEATURES,
    LEAST_CUSTOMERS,
    EarlierCutoffs,
    Fold,
    complete_before,
    model_features,
    stack_features,
)

WINDOWS = [Window("1997-12-01", 91), Window("1997-09-01", 91), Window("1997-10-15", 91)]


@pytest.fixture(scope="module")
def folds(shop):
    return EarlierCutoffs(shop.tx).folds(WINDOWS)


def test_folds_come_in_the_order_of_the_windows(folds):
    assert [fold.window for fold in folds] == WINDOWS


def test_features_and_outcomes_are_row_by_row_of_the_same_customers(shop, folds):
    for fold in folds:
        customers = customer_table(shop.tx, fold.window.cutoff)
        assert list(fold.outcomes["customer_id"]) == list(customers["customer_id"])
        np.testing.assert_array_equal(fold.features["net_spend"], customers["net_spend"].astype("float32"))


def test_the_trees_see_btyd_forecasts_but_no_id_and_no_probability_alive(folds):
    for fold in folds:
        assert set(BTYD_FEATURES) <= set(fold.features)
        assert not {"customer_id", "btyd_probability_alive"} & set(fold.features)


def test_outcomes_are_inside_the_horizon_alone(shop, folds):
    orders = shop.orders.assign(day=shop.orders["date"].dt.date)
    for fold in folds:
        inside = orders[(orders["day"] >= fold.window.cutoff) & (orders["day"] < fold.window.end)]
        money = inside.groupby("customer_id")["amount"].sum()
        expected = money.reindex(fold.outcomes["customer_id"], fill_value=0.0)
        np.testing.assert_allclose(fold.outcomes["value"], expected, atol=1e-6)
        np.testing.assert_array_equal(fold.outcomes["active"], (expected > 0).astype(float))


def test_only_folds_whose_outcomes_were_complete_come_before_a_cutoff(folds):
    holdout = folds[0]
    assert [fold.window for fold in complete_before(folds, holdout.window.cutoff)] == [WINDOWS[1]]
    touching = Fold(holdout.window.earlier(91), holdout.features, holdout.outcomes)
    overlapping = Fold(
        Window(touching.window.cutoff + timedelta(days=1), 91), holdout.features, holdout.outcomes
    )
    assert complete_before([holdout, touching, overlapping], holdout.window.cutoff) == [touching]


def test_windows_of_one_cutoff_share_their_customers_but_not_their_forecast(shop):
    whole, half = EarlierCutoffs(shop.tx).folds([Window("1997-12-01", 91), Window("1997-12-01", 45)])
    pd.testing.assert_frame_equal(
        whole.features.drop(columns=list(BTYD_FEATURES)), half.features.drop(columns=list(BTYD_FEATURES))
    )
    assert (half.features["btyd_purchases"] < whole.features["btyd_purchases"]).all()
    assert (half.outcomes["value"] <= whole.outcomes["value"] + 1e-9).all()


def test_a_window_with_too_few_customers_makes_no_fold(shop):
    early = Window("1997-01-02", 28)
    known = shop.orders[shop.orders["date"] < "1997-01-02"]["customer_id"].nunique()
    few = shop.orders[
        shop.orders["customer_id"].isin(shop.orders["customer_id"].unique()[: LEAST_CUSTOMERS - 1])
    ]
    assert known >= LEAST_CUSTOMERS or EarlierCutoffs(shop.tx).folds([early]) == []
    assert EarlierCutoffs(read_transactions(few)).folds([Window("1997-12-01", 91)]) == []


def test_stacks_keep_the_order_of_folds_and_rows(folds):
    features = stack_features(folds)
    assert len(features) == sum(len(fold.features) for fold in folds)
    second = len(folds[0].features)
    assert features["net_spend"].iloc[second] == folds[1].features["net_spend"].iloc[0]


def test_the_btyd_models_of_a_fold_are_those_of_its_own_past(shop, folds):
    cutoff = WINDOWS[1].cutoff
    history = read_transactions(shop.orders[shop.orders["date"] < pd.Timestamp(cutoff)])
    customers = customer_table(history, cutoff)
    pd.testing.assert_frame_equal(
        model_features(customers, BTYDValueModel().fit(customers), 91), folds[1].features, check_exact=True
    )
