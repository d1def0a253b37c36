"""Pareto/NBD: published numbers, lifetimes, other integrals, simulation, covariates, and the whole domain."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import hyperu
from tests.histories import simulate

from duramen.btyd import ParetoNBDModel
from duramen.btyd.pareto_nbd_likelihood import ParetoNBDLikelihood, left_before
from duramen.btyd.purchase_history import group, read_history, take
from duramen.errors import InputError

PUBLISHED = {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}


def frame(*rows):
    return pd.DataFrame(rows, columns=["frequency", "recency", "T"], dtype=float)


def test_cdnow_gives_the_published_parameters_and_likelihood(cdnow, published):
    model = ParetoNBDModel().fit(cdnow)
    reference = published["pareto_nbd"]
    assert {name: round(value, 3) for name, value in model.params_.items()} == pytest.approx(
        reference["params"], abs=0.0011
    )
    assert round(model.log_likelihood_, 1) == reference["log_likelihood"]
    assert model.convergence_.converged


def test_cdnow_holdout_correlation_is_the_published_one(cdnow, cdnow_holdout, published):
    expected = ParetoNBDModel().fit(cdnow).expected_purchases(cdnow, 39)
    correlation = np.corrcoef(expected, cdnow_holdout["purchases"])[0, 1]
    assert correlation == pytest.approx(published["pareto_nbd"]["holdout_correlation"], abs=0.002)


def test_predictions_agree_with_lifetimes_at_the_same_parameters(cdnow):
    model = ParetoNBDModel().fit(cdnow)
    theirs = model.to_lifetimes(cdnow)
    history = [cdnow[name].to_numpy() for name in ("frequency", "recency", "T")]
    np.testing.assert_allclose(
        model.probability_alive(cdnow), theirs.conditional_probability_alive(*history), rtol=1e-9
    )
    for horizon in (0.5, 39, 500):
        np.testing.assert_allclose(
            model.expected_purchases(cdnow, horizon),
            theirs.conditional_expected_number_of_purchases_up_to_time(horizon, *history),
            rtol=1e-9,
        )
        assert model.expected_purchases_new_customer(horizon)[0] == pytest.approx(
            theirs.expected_number_of_purchases_up_to_time(horizon), rel=1e-9
        )
    distribution = model.purchase_distribution(cdnow, 39, 5)
    for k in range(6):
        np.testing.assert_allclose(
            distribution[:, k],
            theirs.conditional_probability_of_n_purchases_up_to_time(k, 39, *history),
            atol=1e-10,
        )


def test_the_likelihood_is_that_of_lifetimes(cdnow):
    theta = (0.7, 8.0, 0.4, 20.0)
    theirs = ParetoNBDModel.from_dict({"params": PUBLISHED}).to_lifetimes()
    columns = [cdnow[name].to_numpy() for name in ("frequency", "recency", "T")]
    total = theirs._conditional_log_likelihood(theta, *columns).sum()
    ours = ParetoNBDLikelihood(group(read_history(cdnow)))(np.array(theta))[0]
    assert ours == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("theta", [(0.5, 10.0, 0.6, 11.0), (3.0, 0.4, 2.0, 90.0), (0.1, 300.0, 0.02, 0.3)])
@pytest.mark.parametrize("covariates", [0, 1])
def test_gradient_and_hessian_are_those_of_the_likelihood(cdnow, theta, covariates):
    history = take(group(read_history(cdnow)), slice(0, 400))
    rng = np.random.default_rng(0)
    z = [rng.normal(size=(400, 2)), rng.normal(size=(400, 1))] if covariates else []
    likelihood = ParetoNBDLikelihood(history, *z)
    theta = np.array([*theta, *([1.2, 0.8, 1.4] if covariates else [])])
    _, gradient, hessian = likelihood(theta)
    for i in range(len(theta)):
        step = np.zeros(len(theta))
        step[i] = 1e-5 * theta[i]
        above, below = likelihood(theta + step), likelihood(theta - step)
        assert (above[0] - below[0]) / (2 * step[i]) == pytest.approx(gradient[i], rel=1e-5, abs=1e-4)
        np.testing.assert_allclose(
            (above[1] - below[1]) / (2 * step[i]), hessian[i], rtol=1e-4, atol=1e-6 * np.abs(hessian).max()
        )


@settings(max_examples=150)
@given(
    logs=st.tuples(*[st.floats(-6, 6)] * 4),
    x=st.one_of(st.integers(0, 30), st.integers(0, 10_000)),
    age=st.floats(-3, 7).map(np.exp),
    part=st.floats(0, 0.999),
)
def test_the_integral_equals_adaptive_integration(logs, x, age, part):
    r, alpha, s, beta = np.exp(logs)
    start = age * part if x else 0.0
    one = [np.array([value]) for value in (r + x, alpha, beta, start, age)]
    ours = left_before(one[0], one[1], s, one[2], one[3], one[4]).log_odds[0]

    def density(log_wait):
        wait = np.exp(log_wait)
        fall = (r + x) * np.log1p(wait / (alpha + start)) + s * np.log1p(wait / (beta + start))
        return s * wait / (beta + start + wait) * np.exp(-fall)

    # in the logarithm of the time since the last purchase, piece by piece
    edges = np.log(age - start) - np.concatenate([np.arange(0, 30, 1.5), [36.0]])
    total = sum(
        quad(density, low, high, epsabs=0, epsrel=1e-10, limit=200)[0]
        for high, low in itertools.pairwise(edges)
    )
    lift = (r + x) * np.log1p((age - start) / (alpha + start)) + s * np.log1p((age - start) / (beta + start))
    assert ours == pytest.approx(np.log(total) + lift, rel=1e-9, abs=1e-7)


def test_residual_purchases_equal_the_published_form(cdnow):
    model = ParetoNBDModel().fit(cdnow)
    discount = 0.15 / 52
    r, alpha, s, beta = model.params_.values()
    staying = beta + cdnow["T"]
    tricomi = staying**s * discount ** (s - 1) * hyperu(s, s, discount * staying)
    published = model.probability_alive(cdnow) * (r + cdnow["frequency"]) / (alpha + cdnow["T"]) * tricomi
    np.testing.assert_allclose(model.residual_purchases(cdnow, discount), published, rtol=1e-9)
    with pytest.raises(InputError, match="must be above 0"):
        model.residual_purchases(cdnow, 0.0)


def test_discounted_purchases_equal_a_fine_sum_over_time(cdnow):
    model = ParetoNBDModel().fit(cdnow)
    some = cdnow.head(30)
    edges = np.linspace(0, 104, 1001)
    expected = np.array([model.expected_purchases(some, edge) for edge in edges])
    faded = np.exp(-0.01 * (edges[1:] + edges[:-1]) / 2)
    by_sum = (np.diff(expected, axis=0) * faded[:, None]).sum(axis=0)
    np.testing.assert_allclose(model.discounted_purchases(some, 104, 0.01), by_sum, rtol=1e-6)


@pytest.mark.parametrize("s", [1.0, 1.0 + 1e-13, 1.0 - 1e-9])
def test_expectation_passes_through_its_limit_at_s_1(s):
    customers = frame((0, 0, 39), (4, 20, 39))
    model = ParetoNBDModel.from_dict({"params": PUBLISHED | {"s": s}})
    near = ParetoNBDModel.from_dict({"params": PUBLISHED | {"s": 1.0 + 1e-6}})
    np.testing.assert_allclose(
        model.expected_purchases(customers, 39), near.expected_purchases(customers, 39), rtol=1e-5
    )


def test_predictions_agree_with_simulated_futures():
    """Bin simulated customers by history; compare the mean of what they then did. Frequency 0 included."""
    params = (0.8, 10.0, 0.7, 12.0)
    world = simulate("pareto", params, 400_000, 30.0, seed=3, horizon=40.0)
    model = ParetoNBDModel.from_dict({"params": dict(zip(PUBLISHED, params, strict=True))})
    world["expected"] = model.expected_purchases(world, 40.0)
    world["active"] = model.probability_active(world, 40.0)
    world["bin"] = np.where(world["frequency"] == 0, -1, (world["recency"] // 6))
    world["acted"] = world["later"] > 0
    means = world.groupby([world["frequency"].clip(upper=4), "bin"])[
        ["later", "expected", "acted", "active"]
    ].mean()
    count = world.groupby([world["frequency"].clip(upper=4), "bin"]).size()
    spread = world.groupby([world["frequency"].clip(upper=4), "bin"])["later"].std()
    means = means[count > 500]
    noise = (spread / np.sqrt(count))[count > 500]
    assert ((means["later"] - means["expected"]).abs() < 4.5 * noise).all()
    assert ((means["acted"] - means["active"]).abs() < 4.5 * 0.5 / np.sqrt(count[count > 500])).all()


def test_distribution_draws_and_expectation_are_of_one_piece():
    model = ParetoNBDModel.from_dict({"params": PUBLISHED})
    customers = frame((0, 0, 39), (2, 30, 39), (9, 38, 39), (9, 10, 39))
    distribution = model.purchase_distribution(customers, 39, 300)
    np.testing.assert_allclose(distribution.sum(axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(
        distribution @ np.arange(301), model.expected_purchases(customers, 39), rtol=1e-8
    )
    np.testing.assert_allclose(1 - distribution[:, 0], model.probability_active(customers, 39), rtol=1e-9)
    drawn = model.simulate_purchases(customers, 39, 40_000, seed=1)
    for k in range(4):
        np.testing.assert_allclose((drawn == k).mean(axis=1), distribution[:, k], atol=0.012)
    np.testing.assert_allclose(drawn.mean(axis=1), distribution @ np.arange(301), rtol=0.05, atol=0.004)


@pytest.mark.parametrize("scale", [1 / 7, 24.0, 86_400.0])
def test_the_unit_of_time_changes_alpha_and_beta_alone(cdnow, scale):
    other = cdnow.assign(recency=cdnow["recency"] * scale, T=cdnow["T"] * scale)
    one, two = ParetoNBDModel().fit(cdnow), ParetoNBDModel().fit(other)
    for name, by in {"r": 1, "alpha": scale, "s": 1, "beta": scale}.items():
        assert two.params_[name] == pytest.approx(one.params_[name] * by, rel=1e-8)
    np.testing.assert_allclose(
        two.expected_purchases(other, 39 * scale), one.expected_purchases(cdnow, 39), rtol=1e-8
    )


def test_row_order_weights_and_json(cdnow):
    one = ParetoNBDModel().fit(cdnow)
    assert ParetoNBDModel().fit(cdnow.sample(frac=1, random_state=1)).to_dict() == one.to_dict()
    counted = cdnow.groupby(["frequency", "recency", "T"]).size().reset_index(name="n")
    assert ParetoNBDModel().fit(counted, sample_weight=counted["n"]).to_dict() == one.to_dict()
    again = ParetoNBDModel.from_dict(json.loads(json.dumps(one.to_dict())))
    assert again.to_dict() == one.to_dict()
    np.testing.assert_array_equal(again.probability_alive(cdnow), one.probability_alive(cdnow))


def simulate_with_covariates(customers, seed):
    """Simulate two groups: the second buys twice as fast and leaves half as fast."""
    second = np.arange(customers) % 2
    low = simulate("pareto", (0.8, 10.0, 0.9, 20.0), customers, 52.0, seed)
    high = simulate("pareto", (0.8, 5.0, 0.9, 40.0), customers, 52.0, seed + 1)
    return pd.concat([low[second == 0], high[second == 1]]).assign(second=np.sort(second))


def test_covariates_recover_the_rates_that_they_multiply():
    world = simulate_with_covariates(40_000, 5)
    model = ParetoNBDModel(purchase_covariates=["second"], dropout_covariates=["second"]).fit(world)
    intervals = model.confidence_intervals(0.99)
    assert intervals.loc["purchase_second", "lower"] < 2 < intervals.loc["purchase_second", "upper"]
    assert intervals.loc["dropout_second", "lower"] < 0.5 < intervals.loc["dropout_second", "upper"]
    assert model.log_likelihood_ > ParetoNBDModel().fit(world).log_likelihood_ + 100
    again = ParetoNBDModel.from_dict(json.loads(json.dumps(model.to_dict())))
    np.testing.assert_array_equal(again.expected_purchases(world, 9), model.expected_purchases(world, 9))
    with pytest.raises(InputError, match="lacks the covariate second"):
        model.expected_purchases(world.drop(columns="second"), 9)
    with pytest.raises(InputError, match="second is missing"):
        model.expected_purchases(world.assign(second=np.nan), 9)
    with pytest.raises(InputError, match="lifetimes has no covariates"):
        model.to_lifetimes()


def test_a_covariate_in_another_scale_gives_the_same_predictions():
    world = simulate_with_covariates(4_000, 6)
    one = ParetoNBDModel(["second"], ["second"]).fit(world)
    two = ParetoNBDModel(["second"], ["second"]).fit(world.assign(second=world["second"] * 1000 + 5000))
    assert two.params_["purchase_second"] ** 1000 == pytest.approx(one.params_["purchase_second"], rel=1e-6)
    np.testing.assert_allclose(
        two.expected_purchases(world.assign(second=world["second"] * 1000 + 5000), 9),
        one.expected_purchases(world, 9),
        rtol=1e-6,
    )
    idle = ParetoNBDModel(["same"]).fit(world.assign(same=3.0))
    assert idle.params_["purchase_same"] == pytest.approx(1, abs=1e-6)
    assert "purchase_same" in idle.convergence_.weak


@pytest.mark.parametrize(
    "customers",
    [
        frame((3, 20, 30)),
        frame((0, 0, 30)),
        frame((0, 0, 0)),
        frame(*[(0, 0, 30)] * 50),
        frame(*[(5, 30, 30)] * 50),
        frame((10_000, 1, 1), (0, 0, 1e6)),
        frame(*[(x, x, x + 1) for x in range(1, 40)]),
    ],
    ids=["one", "one-timer", "no age", "all zero", "all equal", "extremes", "one a day"],
)
def test_thin_data_fit_to_something_finite_and_say_so(customers):
    model = ParetoNBDModel().fit(customers)
    assert np.isfinite(list(model.params_.values())).all()
    assert np.isfinite(model.log_likelihood_)
    assert model.convergence_.weak or model.convergence_.boundary
    assert np.isfinite(np.linalg.eigvalsh(model.covariance_)).all()
    expected = model.expected_purchases(customers, 10)
    assert np.isfinite(expected).all()
    assert (expected >= 0).all()


SIZES = st.floats(-10, 10).map(np.exp)


@settings(max_examples=150)
@given(
    x=st.one_of(st.integers(0, 40), st.integers(0, 10_000)),
    age=st.floats(0, 30 * 365.25 * 24),
    part=st.floats(0, 1),
    horizon=st.one_of(st.just(0.0), st.floats(1e-9, 50 * 365.25 * 24)),
    params=st.tuples(SIZES, SIZES, SIZES, SIZES),
)
def test_every_admissible_history_gives_finite_ordered_predictions(x, age, part, horizon, params):
    model = ParetoNBDModel.from_dict({"params": dict(zip(PUBLISHED, params, strict=True))})
    customers = frame((x, age * part if x else 0.0, age))
    alive = model.probability_alive(customers)[0]
    active = model.probability_active(customers, horizon)[0]
    expected = model.expected_purchases(customers, horizon)[0]
    discounted = model.discounted_purchases(customers, horizon, 1e-5)[0]
    assert 0 <= active <= alive * (1 + 1e-9) <= 1 + 1e-9
    assert np.isfinite(expected)
    assert active <= expected * (1 + 1e-7)
    assert 0 <= discounted <= expected * (1 + 1e-7)
    assert expected <= model.expected_purchases(customers, horizon * 2)[0] * (1 + 1e-9)
    if horizon == 0:
        assert expected == 0 == active == discounted
    assert np.isfinite(model.residual_purchases(customers, 1e-4)).all()
    assert (model.simulate_purchases(customers, horizon, 3, seed=0) >= 0).all()
    distribution = model.purchase_distribution(customers, horizon, 3)
    assert (distribution >= 0).all()
    assert distribution.sum() <= 1 + 1e-9
