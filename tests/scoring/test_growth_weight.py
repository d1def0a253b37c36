"""The weight of growth: evaluated on the horizon after the one that was forecast, else the default."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duramen.data.windows import Window
from duramen.evaluation.metrics import captured
from duramen.scoring.growth_weight import (
    DEFAULT_GROWTH_WEIGHT,
    GROWTH_WEIGHTS,
    MARGIN,
    TOP_SHARES,
    choose_growth_weight,
    growth_weight_curve,
)
from duramen.scoring.model import CoreCustomerModel


@pytest.fixture(scope="module")
def world():
    """Return a value that says nothing, a potential that says all, and the money that then came."""
    rng = np.random.default_rng(0)
    potential = rng.gamma(0.5, 10, 4_000)
    return rng.gamma(2, 5, 4_000), potential, potential * rng.gamma(2, 0.5, 4_000)


def test_each_weight_is_evaluated_by_what_its_first_customers_brought(world):
    value, potential, money = world
    curve = growth_weight_curve(value, potential, money, 0 * money)
    assert tuple(curve["weight"]) == GROWTH_WEIGHTS
    for row in curve.itertuples():
        brought = [captured(value + row.weight * potential, money, share) for share in TOP_SHARES]
        assert row.captured == pytest.approx(np.mean(brought))
    alone = curve[curve["weight"] == 0.0].iloc[0]
    np.testing.assert_allclose(curve["difference"], curve["captured"] - alone["captured"], atol=1e-12)
    assert alone[["difference", "low", "high"]].tolist() == [0, 0, 0]


def test_the_interval_is_that_of_resampled_customers(world):
    value, potential, money = world
    curve = growth_weight_curve(value, potential, money, 0 * money).set_index("weight")
    sets = {}
    for weight in (0.0, 0.25):
        place = np.argsort(np.argsort(-(value + weight * potential), kind="stable"))
        sets[weight] = np.mean([place < np.ceil(share * len(value)) for share in TOP_SHARES], axis=0)
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(1_000):
        rows = rng.integers(0, len(value), len(value))
        parts = [sets[weight][rows] @ money[rows] / money[rows].sum() for weight in sets]
        drawn.append(parts[1] - parts[0])
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert curve.loc[0.25, "low"] == pytest.approx(low, abs=0.1 * (high - low))
    assert curve.loc[0.25, "high"] == pytest.approx(high, abs=0.1 * (high - low))


@given(seed=st.integers(0, 10_000), customers=st.integers(20, 400))
def test_the_weight_that_is_chosen_loses_less_than_the_margin(seed, customers):
    rng = np.random.default_rng(seed)
    value, potential = rng.lognormal(3, 1, customers), rng.exponential(20, customers)
    money = rng.poisson(value + rng.choice([0, 1]) * potential).astype(float)
    curve = growth_weight_curve(value, potential, money, value).set_index("weight")
    chosen = choose_growth_weight(curve.reset_index())
    least = -MARGIN * curve.loc[0.0, "captured"]
    assert curve.loc[chosen, "low"] > least
    assert (curve.loc[curve.index > chosen, "low"] <= least).all()


def test_growth_that_tells_what_comes_gets_more_weight_and_noise_gets_none(world):
    value, potential, money = world
    assert choose_growth_weight(growth_weight_curve(value, potential, money, 0 * money)) == max(
        GROWTH_WEIGHTS
    )
    noise = np.random.default_rng(2).permutation(potential) * 10
    assert choose_growth_weight(growth_weight_curve(money + 1, noise, money, 0 * money)) == 0.0
    assert choose_growth_weight(growth_weight_curve(value, value, money, 0 * money)) == max(GROWTH_WEIGHTS)


@pytest.mark.slow
def test_it_is_learned_from_two_horizons_before_the_cutoff_alone(shop, history_alone):
    again = history_alone.model
    pd.testing.assert_frame_equal(again.growth_weight_curve_, shop.model.growth_weight_curve_)
    assert (
        again.growth_weight_ == shop.model.growth_weight_ == choose_growth_weight(again.growth_weight_curve_)
    )


@pytest.mark.slow
def test_a_weight_that_is_given_is_used(shop):
    by_hand = CoreCustomerModel(growth_weight=2.0).fit(shop.tx, shop.window)
    assert by_hand.growth_weight_ == 2.0
    assert by_hand.growth_weight_curve_.empty
    scores = by_hand.predict(shop.customers, with_reasons=False)
    np.testing.assert_allclose(scores["score"], scores["predicted_value"] + 2 * scores["growth_potential"])


@pytest.mark.slow
def test_a_history_of_less_than_three_horizons_keeps_the_default_and_says_so(shop):
    short = CoreCustomerModel().fit(shop.tx, Window("1997-09-01", 120))
    assert short.growth_weight_ == DEFAULT_GROWTH_WEIGHT
    assert short.growth_weight_curve_.empty
    assert any("weight in the score is the default, 0.25" in note for note in short.notes_)
