"""Erlang-k gaps: their expectation, their fit, and the k that the likelihood chooses."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betainc, betaln
from tests.histories import simulate

from duramen.btyd import BetaGeoModel, ModifiedBetaGeoModel
from duramen.btyd.beta_geo_expectation import erlang_purchases, purchases_while_alive
from duramen.errors import InputError

NAMES = ("r", "alpha", "a", "b")
PARAMS = (2.0, 6.0, 0.7, 4.0)


@pytest.fixture(scope="module")
def regular_world():
    return simulate("modified", PARAMS, 30_000, 40.0, seed=1, horizon=30.0, regularity=3)


@pytest.mark.slow
@pytest.mark.parametrize("regularity", [2, 3, 5])
@pytest.mark.parametrize("stretch", [1e-6, 0.3, 1.5, 12.0])
@pytest.mark.parametrize("a", [0.01, 0.8, 6.0])
def test_expectation_equals_its_sum_over_purchases(regularity, stretch, a):
    shape, b = np.array([0.5, 4.0, 90.0]), np.array([0.3, 5.0, 40.0])
    n = np.arange(1, 40_001)
    for passed in range(regularity):
        expected = purchases_while_alive(
            shape, np.full(3, stretch), a, b, erlang_purchases(regularity, passed)
        )
        summed = [
            float(
                (
                    np.exp(betaln(a, b[i] + n - 1) - betaln(a, b[i]))
                    * betainc(n * regularity - passed, shape[i], stretch / (1 + stretch))
                ).sum()
            )
            for i in range(3)
        ]
        np.testing.assert_allclose(expected, summed, rtol=1e-8)


def test_auto_finds_the_simulated_regularity_and_its_parameters(regular_world):
    model = ModifiedBetaGeoModel("auto").fit(regular_world)
    assert model.regularity_ == 3
    intervals = model.confidence_intervals(0.999)
    for name, value in zip(NAMES, PARAMS, strict=True):
        assert intervals.loc[name, "lower"] < value < intervals.loc[name, "upper"]
    fixed = ModifiedBetaGeoModel(3).fit(regular_world)
    assert fixed.params_ == model.params_
    assert fixed.log_likelihood_ > ModifiedBetaGeoModel(1).fit(regular_world).log_likelihood_


def test_auto_stays_at_one_where_gaps_are_exponential():
    world = simulate("plain", (0.8, 6.0, 0.7, 4.0), 8_000, 40.0, seed=2)
    assert BetaGeoModel("auto").fit(world).regularity_ == 1


@pytest.mark.parametrize("cls", [BetaGeoModel, ModifiedBetaGeoModel])
def test_predictions_agree_with_simulated_futures(cls):
    kind = "modified" if cls is ModifiedBetaGeoModel else "plain"
    world = simulate(kind, PARAMS, 200_000, 40.0, seed=4, horizon=30.0, regularity=3)
    model = cls.from_dict({"params": dict(zip(NAMES, PARAMS, strict=True)), "regularity": 3})
    world["expected"] = model.expected_purchases(world, 30.0)
    world["active"] = model.probability_active(world, 30.0)
    world["acted"] = world["later"] > 0
    by = [world["frequency"].clip(upper=4), np.where(world["frequency"] == 0, -1, world["recency"] // 8)]
    groups = world.groupby(by)
    means = groups[["later", "expected", "acted", "active"]].mean()
    count, spread = groups.size(), groups["later"].std()
    means, noise = means[count > 500], (spread / np.sqrt(count))[count > 500]
    assert ((means["later"] - means["expected"]).abs() < 4.5 * noise).all()
    assert ((means["acted"] - means["active"]).abs() < 4.5 * 0.5 / np.sqrt(count[count > 500])).all()
    new = simulate(kind, PARAMS, 100_000, 0.0, seed=5, horizon=30.0, regularity=3)["later"]
    assert model.expected_purchases_new_customer(30.0)[0] == pytest.approx(
        new.mean(), abs=4.5 * new.std() / np.sqrt(len(new))
    )


def test_distribution_draws_and_expectation_are_of_one_piece():
    model = ModifiedBetaGeoModel.from_dict({"params": dict(zip(NAMES, PARAMS, strict=True)), "regularity": 4})
    customers = pd.DataFrame({"frequency": [0, 2, 9], "recency": [0.0, 30.0, 38.0], "T": [39.0, 39.0, 39.0]})
    distribution = model.purchase_distribution(customers, 39, 200)
    np.testing.assert_allclose(distribution.sum(axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(
        distribution @ np.arange(201), model.expected_purchases(customers, 39), rtol=1e-7
    )
    np.testing.assert_allclose(1 - distribution[:, 0], model.probability_active(customers, 39), rtol=1e-9)
    drawn = model.simulate_purchases(customers, 39, 40_000, seed=1)
    for k in range(4):
        np.testing.assert_allclose((drawn == k).mean(axis=1), distribution[:, k], atol=0.012)


def test_the_unit_of_time_changes_alpha_alone(regular_world):
    some = regular_world.head(3000)
    days = some.assign(
        recency=some["recency"] * 7,
        T=some["T"] * 7,
        log_gaps=some["log_gaps"] + some["frequency"] * np.log(7),
    )
    one, two = BetaGeoModel("auto").fit(some), BetaGeoModel("auto").fit(days)
    assert one.regularity_ == two.regularity_
    assert two.params_["alpha"] == pytest.approx(7 * one.params_["alpha"], rel=1e-8)
    np.testing.assert_allclose(two.expected_purchases(days, 210), one.expected_purchases(some, 30), rtol=1e-8)


def test_json_and_the_sentences(regular_world):
    some = regular_world.head(500)
    model = BetaGeoModel(2).fit(some)
    again = BetaGeoModel.from_dict(json.loads(json.dumps(model.to_dict())))
    np.testing.assert_array_equal(again.expected_purchases(some, 9), model.expected_purchases(some, 9))
    with pytest.raises(InputError, match="lifetimes knows no regular gaps"):
        model.to_lifetimes()
    with pytest.raises(InputError, match="lacks the column log_gaps"):
        BetaGeoModel("auto").fit(some.drop(columns="log_gaps"))
    for wrong in (0, 2.5, "weekly", 99):
        with pytest.raises(InputError, match="give a whole number from 1 to 8 or 'auto'"):
            BetaGeoModel(wrong).fit(some)


SIZES = st.floats(-8, 8).map(np.exp)


@pytest.mark.slow
@settings(max_examples=60)
@given(
    x=st.one_of(st.integers(0, 40), st.integers(0, 10_000)),
    age=st.floats(0, 30 * 365.25 * 24),
    part=st.floats(0, 1),
    horizon=st.one_of(st.just(0.0), st.floats(1e-6, 50 * 365.25 * 24)),
    params=st.tuples(SIZES, SIZES, SIZES, SIZES),
    regularity=st.integers(2, 6),
    cls=st.sampled_from([BetaGeoModel, ModifiedBetaGeoModel]),
)
def test_every_admissible_history_gives_finite_predictions(x, age, part, horizon, params, regularity, cls):
    model = cls.from_dict({"params": dict(zip(NAMES, params, strict=True)), "regularity": regularity})
    customers = pd.DataFrame({"frequency": [x], "recency": [age * part if x else 0.0], "T": [age]})
    expected = model.expected_purchases(customers, horizon)[0]
    active = model.probability_active(customers, horizon)[0]
    assert np.isfinite(expected)
    assert 0 <= active <= 1 + 1e-9
    assert active <= expected * (1 + 1e-6) + 1e-12
    assert 0 <= model.discounted_purchases(customers, horizon, 1e-5)[0] <= expected * (1 + 1e-6) + 1e-12
    assert 0 <= model.probability_alive(customers)[0] <= 1 + 1e-12
    assert (model.simulate_purchases(customers, horizon, 3, seed=0) >= 0).all()
    if horizon == 0:
        assert expected == 0 == active
