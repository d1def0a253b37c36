"""Rolling folds: what was known at each cutoff, what then happened, and nothing in between."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from duramen.data.customers import customer_table
from duramen.data.transactions import read_transactions
from duramen.data.windows import Window
from duramen.models.btyd_value import BTYDValueModel
from duramen.models.folds import (
    BTYD_FEATURES,
    LEAST_CUSTOMERS,
    Fold,
    build_folds,
    earlier_folds,
    model_features,
    stack_features,
    stack_outcome,
)

WINDOWS = [Window("1997-12-01", 91), Window("1997-09-01", 91), Window("1997-10-15", 91)]


@pytest.fixture(scope="module")
def folds(shop):
    return build_folds(shop.tx, WINDOWS)


def test_folds_come_in_the_order_of_the_windows(folds):
    assert [fold.window for fold in folds] == WINDOWS


def test_features_and_outcomes_are_row_by_row_of_the_same_customers(shop, folds):
    for fold in folds:
        customers = customer_table(shop.tx, fold.window.cutoff)
        assert list(fold.outcomes["customer_id"]) == list(customers["customer_id"])
        np.testing.assert_array_equal(fold.features["net_spend"], customers["net_spend"])


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


def test_earlier_folds_are_complete_when_the_judge_is_cut(folds):
    judge = folds[0]
    assert [fold.window for fold in earlier_folds(folds, judge)] == [WINDOWS[1]]
    touching = Fold(judge.window.earlier(91), judge.features, judge.outcomes)
    overlapping = Fold(Window(touching.window.cutoff + timedelta(days=1), 91), judge.features, judge.outcomes)
    assert earlier_folds([judge, touching, overlapping], judge) == [touching]


def test_a_window_with_too_few_customers_makes_no_fold(shop):
    early = Window("1997-01-02", 28)
    known = shop.orders[shop.orders["date"] < "1997-01-02"]["customer_id"].nunique()
    few = shop.orders[
        shop.orders["customer_id"].isin(shop.orders["customer_id"].unique()[: LEAST_CUSTOMERS - 1])
    ]
    assert known >= LEAST_CUSTOMERS or build_folds(shop.tx, [early]) == []
    assert build_folds(read_transactions(few), [Window("1997-12-01", 91)]) == []


def test_stacks_keep_rows_together(folds):
    features, value = stack_features(folds), stack_outcome(folds, "value")
    assert len(features) == len(value) == sum(len(fold.features) for fold in folds)
    second = len(folds[0].features)
    assert features["net_spend"].iloc[second] == folds[1].features["net_spend"].iloc[0]
    assert value.iloc[second] == folds[1].outcomes["value"].iloc[0]


def test_the_btyd_models_of_a_fold_are_those_of_its_own_past(shop, folds):
    cutoff = WINDOWS[1].cutoff
    history = read_transactions(shop.orders[shop.orders["date"] < pd.Timestamp(cutoff)])
    customers = customer_table(history, cutoff)
    pd.testing.assert_frame_equal(
        model_features(customers, BTYDValueModel().fit(customers), 91), folds[1].features, check_exact=True
    )
