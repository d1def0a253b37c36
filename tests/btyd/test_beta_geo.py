"""BG/NBD and MBG/NBD: published numbers, lifetimes, other integrals, simulation, and the whole domain."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaln
from tests.histories import simulate

from duramen.btyd import BetaGeoModel, ModifiedBetaGeoModel
from duramen.btyd.beta_geo_expectation import discounted_purchases_while_alive, purchases_while_alive
from duramen.btyd.beta_geo_likelihood import BetaGeoLikelihood
from duramen.btyd.purchase_history import group, read_history
from duramen.errors import InputError

MODELS = [BetaGeoModel, ModifiedBetaGeoModel]
PUBLISHED = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}


def frame(*rows):
    return pd.DataFrame(rows, columns=["frequency", "recency", "T"], dtype=float)


def test_cdnow_gives_the_published_parameters_and_likelihood(cdnow, published):
    model = BetaGeoModel().fit(cdnow)
    reference = published["beta_geo"]
    assert {name: round(value, 3) for name, value in model.params_.items()} == pytest.approx(
        reference["params"], abs=0.0011
    )
    assert round(model.log_likelihood_, 1) == reference["log_likelihood"]
    assert model.convergence_.converged
    assert not model.convergence_.boundary


def test_cdnow_holdout_correlation_is_the_published_one(cdnow, cdnow_holdout, published):
    expected = BetaGeoModel().fit(cdnow).expected_purchases(cdnow, 39)
    correlation = np.corrcoef(expected, cdnow_holdout["purchases"])[0, 1]
    assert correlation == pytest.approx(published["beta_geo"]["holdout_correlation"], abs=0.002)


@pytest.mark.parametrize("cls", MODELS)
def test_predictions_agree_with_lifetimes_at_the_same_parameters(cls, cdnow):
    model = cls().fit(cdnow)
    theirs = model.to_lifetimes(cdnow)
    x, recency, age = cdnow["frequency"], cdnow["recency"], cdnow["T"]
    for horizon in (0.1, 39, 500):
        np.testing.assert_allclose(
            model.expected_purchases(cdnow, horizon), theirs.predict(horizon, x, recency, age), rtol=1e-9
        )
        np.testing.assert_allclose(
            model.expected_purchases_new_customer(horizon),
            theirs.expected_number_of_purchases_up_to_time(horizon),
            rtol=1e-9,
        )
    np.testing.assert_allclose(
        model.probability_alive(cdnow), theirs.conditional_probability_alive(x, recency, age), rtol=1e-9
    )


@pytest.mark.parametrize("cls", MODELS)
def test_fit_agrees_with_lifetimes_where_it_converges(cls, cdnow):
    model = cls().fit(cdnow)
    theirs = model.to_lifetimes()
    theirs.fit(cdnow["frequency"], cdnow["recency"], cdnow["T"])
    # lifetimes keeps the mean negative log-likelihood in its own scale of time
    moved = -theirs._negative_log_likelihood_ * len(cdnow) + cdnow["frequency"].sum() * np.log(theirs._scale)
    assert model.log_likelihood_ >= moved - 1e-8 * abs(moved)
    np.testing.assert_allclose(list(model.params_.values()), theirs.params_.to_numpy(), rtol=2e-3)


@pytest.mark.parametrize("modified", [False, True])
@pytest.mark.parametrize("regularity", [1, 2, 4])
@pytest.mark.parametrize("theta", [(0.3, 4.0, 0.8, 2.4), (2.0, 30.0, 0.05, 9.0), (0.9, 0.5, 3.0, 0.2)])
def test_gradient_and_hessian_are_those_of_the_likelihood(cdnow, modified, regularity, theta):
    likelihood = BetaGeoLikelihood(group(read_history(cdnow.iloc[:300])), regularity, modified)
    theta = np.array(theta)
    _, gradient, hessian = likelihood(theta)
    for i in range(4):
        step = np.zeros(4)
        step[i] = 1e-5 * theta[i]
        above, below = likelihood(theta + step), likelihood(theta - step)
        assert (above[0] - below[0]) / (2 * step[i]) == pytest.approx(gradient[i], rel=1e-5, abs=1e-4)
        np.testing.assert_allclose(
            (above[1] - below[1]) / (2 * step[i]), hessian[i], rtol=1e-5, atol=1e-5 * np.abs(hessian).max()
        )


def by_terms(shape, stretch, a, b, terms):
    """Sum P(X >= n) over n: another way to the same expectation, all terms positive."""
    from scipy.special import betainc

    n = np.arange(1, terms + 1)
    staying = np.exp(betaln(a, b + n - 1) - betaln(a, b))
    return float((staying * betainc(n, shape, stretch / (1 + stretch))).sum())


@pytest.mark.slow
@pytest.mark.parametrize("shape", [0.01, 0.3, 5.0, 200.0])
@pytest.mark.parametrize("stretch", [1e-9, 0.01, 1.0, 20.0])
@pytest.mark.parametrize("a", [1e-4, 0.3, 0.999999, 1.0, 1.000001, 2.5, 60.0, 1e4])
def test_expectation_equals_its_sum_over_purchases(shape, stretch, a):
    b = np.array([1e-3, 0.2, 3.0, 90.0, 5e4])
    expected = purchases_while_alive(np.full(5, shape), np.full(5, stretch), a, b)
    summed = [by_terms(shape, stretch, a, value, 60_000) for value in b]
    # the sum stops after 60,000 purchases: a thin tail beyond it is the sum's fault where leaving is rare
    np.testing.assert_allclose(expected, summed, rtol=2e-7 if stretch == 20.0 and shape < 1 else 1e-9)


def test_expectation_is_exactly_nothing_over_no_time():
    nothing = purchases_while_alive(np.array([0.3, 1e4]), np.zeros(2), 0.8, np.array([1e-4, 1e4]))
    assert (nothing == 0).all()


def test_discounted_purchases_equal_a_fine_sum_over_time():
    shape, scale, b = (
        np.array([0.5, 30.0, 3000.0]),
        np.array([40.0, 300.0, 90.0]),
        np.array([2.0, 30.0, 3000.0]),
    )
    discount, horizon = 0.0026, 400.0
    edges = np.concatenate([[0.0], np.geomspace(1e-6, horizon, 4000)])
    sums = [
        np.array([purchases_while_alive(shape[[i]], edge / scale[[i]], 0.7, b[[i]])[0] for edge in edges])
        for i in range(3)
    ]
    middle = np.exp(-discount * (edges[1:] + edges[:-1]) / 2)
    fine = [(np.diff(total) * middle).sum() for total in sums]
    discounted = discounted_purchases_while_alive(shape, scale, 0.7, b, horizon, discount)
    np.testing.assert_allclose(discounted, fine, rtol=1e-5)


@pytest.mark.parametrize("cls", MODELS)
def test_predictions_agree_with_simulated_futures(cls):
    """Bin simulated customers by history; compare the mean of what they then did. Frequency 0 included."""
    params = (0.8, 10.0, 0.9, 2.5)
    kind = "modified" if cls is ModifiedBetaGeoModel else "plain"
    world = simulate(kind, params, 400_000, 30.0, seed=3, horizon=40.0)
    model = cls.from_dict({"params": dict(zip(["r", "alpha", "a", "b"], params, strict=True))})
    world["expected"] = model.expected_purchases(world, 40.0)
    world["active"] = model.probability_active(world, 40.0)
    world["bin"] = np.where(world["frequency"] == 0, -1, (world["recency"] // 6))
    world["acted"] = world["later"] > 0
    means = world.groupby([world["frequency"].clip(upper=4), "bin"]).agg(
        n=("later", "size"), later=("later", "mean"), spread=("later", "std"),
        expected=("expected", "mean"), active=("active", "mean"), acted=("acted", "mean"),
    )  # fmt: skip
    means = means[means["n"] > 500]
    noise = means["spread"] / np.sqrt(means["n"])
    assert ((means["later"] - means["expected"]).abs() < 4.5 * noise).all()
    assert ((means["acted"] - means["active"]).abs() < 4.5 * 0.5 / np.sqrt(means["n"])).all()


@pytest.mark.parametrize("cls", MODELS)
def test_distribution_draws_and_expectation_are_of_one_piece(cls):
    model = cls.from_dict({"params": PUBLISHED})
    customers = frame((0, 0, 39), (2, 30, 39), (9, 38, 39), (9, 10, 39))
    distribution = model.purchase_distribution(customers, 39, 400)
    np.testing.assert_allclose(distribution.sum(axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(
        distribution @ np.arange(401), model.expected_purchases(customers, 39), rtol=1e-6
    )
    np.testing.assert_allclose(1 - distribution[:, 0], model.probability_active(customers, 39), rtol=1e-9)
    drawn = model.simulate_purchases(customers, 39, 40_000, seed=1)
    for k in range(4):
        np.testing.assert_allclose((drawn == k).mean(axis=1), distribution[:, k], atol=0.012)
    np.testing.assert_allclose(
        drawn.mean(axis=1), model.expected_purchases(customers, 39), rtol=0.05, atol=0.003
    )


@pytest.mark.parametrize("cls", MODELS)
@pytest.mark.parametrize("scale", [1 / 7, 24.0, 1 / 365.25, 86_400.0])
def test_the_unit_of_time_changes_alpha_alone(cls, cdnow, scale):
    other = cdnow.assign(recency=cdnow["recency"] * scale, T=cdnow["T"] * scale)
    one, two = cls().fit(cdnow), cls().fit(other)
    for name in ("r", "a", "b"):
        assert two.params_[name] == pytest.approx(one.params_[name], rel=1e-9)
    assert two.params_["alpha"] == pytest.approx(one.params_["alpha"] * scale, rel=1e-9)
    np.testing.assert_allclose(
        two.expected_purchases(other, 39 * scale), one.expected_purchases(cdnow, 39), rtol=1e-8
    )


@pytest.mark.parametrize("cls", MODELS)
def test_row_order_weights_and_the_callers_frame(cls, cdnow):
    before = cdnow.copy()
    one = cls().fit(cdnow)
    pd.testing.assert_frame_equal(cdnow, before)
    assert cls().fit(cdnow.sample(frac=1, random_state=1)).to_dict() == one.to_dict()
    counted = cdnow.groupby(["frequency", "recency", "T"]).size().reset_index(name="n")
    grouped = cls().fit(counted, sample_weight=counted["n"])
    assert grouped.to_dict() == one.to_dict()


@pytest.mark.parametrize("cls", MODELS)
def test_json_brings_back_the_model(cls, cdnow):
    model = cls().fit(cdnow)
    again = cls.from_dict(json.loads(json.dumps(model.to_dict())))
    assert again.to_dict() == model.to_dict()
    assert again.convergence_ == model.convergence_
    pd.testing.assert_frame_equal(again.covariance_, model.covariance_)
    np.testing.assert_array_equal(again.expected_purchases(cdnow, 9), model.expected_purchases(cdnow, 9))


def test_a_dict_of_another_model_is_refused():
    with pytest.raises(InputError, match="is a BetaGeoModel, not a ModifiedBetaGeoModel"):
        ModifiedBetaGeoModel.from_dict({"model": "BetaGeoModel", "params": PUBLISHED})
    with pytest.raises(InputError, match="params a, b"):
        BetaGeoModel.from_dict({"params": {"r": 1, "alpha": 2, "a": -1}})


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("frequency", -1, "frequency is negative in 1 of 3 rows .row 1: -1"),
        ("frequency", 1.5, "frequency is not a whole number"),
        ("frequency", np.nan, "frequency is missing"),
        ("recency", 99, "recency exceeds T"),
        ("recency", "x", "recency is missing or not a finite number"),
        ("T", np.inf, "T is missing or not a finite number"),
        ("T", -3, "T is negative"),
    ],
)
@pytest.mark.parametrize("cls", MODELS)
def test_inadmissible_rows_are_named(cls, column, value, sentence):
    customers = frame((2, 30, 39), (1, 3, 39), (0, 0, 39)).astype(object)
    customers.loc[1, column] = value
    with pytest.raises(InputError, match=sentence):
        cls().fit(customers)
    with pytest.raises(InputError, match=sentence):
        cls.from_dict({"params": PUBLISHED}).expected_purchases(customers, 1)


def test_a_recency_at_frequency_zero_a_missing_column_and_no_rows_are_named():
    with pytest.raises(InputError, match="recency is above 0 though frequency is 0"):
        BetaGeoModel().fit(frame((0, 3, 9)))
    with pytest.raises(InputError, match="lacks the column T"):
        BetaGeoModel().fit(frame((0, 3, 9)).drop(columns="T"))
    with pytest.raises(InputError, match="no rows"):
        BetaGeoModel().fit(frame())
    with pytest.raises(InputError, match="sample_weight is negative"):
        BetaGeoModel().fit(frame((0, 0, 9), (0, 0, 9)), sample_weight=[1, -1])
    with pytest.raises(InputError, match="sample_weight is zero in all rows"):
        BetaGeoModel().fit(frame((0, 0, 9)), sample_weight=[0])
    with pytest.raises(InputError, match=r"sample_weight has shape \(1,\) for 2 customers"):
        BetaGeoModel().fit(frame((0, 0, 9), (0, 0, 9)), sample_weight=[1])
    with pytest.raises(InputError, match="horizon is -1"):
        BetaGeoModel.from_dict({"params": PUBLISHED}).expected_purchases(frame((0, 0, 9)), -1)


@pytest.mark.parametrize("cls", MODELS)
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
def test_thin_data_fit_to_something_finite_and_say_so(cls, customers):
    model = cls().fit(customers)
    assert np.isfinite(list(model.params_.values())).all()
    assert min(model.params_.values()) > 0
    assert np.isfinite(model.log_likelihood_)
    assert model.convergence_.weak or model.convergence_.boundary
    roots = np.linalg.eigvalsh(model.covariance_)
    assert np.isfinite(roots).all()
    assert (model.covariance_ == model.covariance_.T).all(axis=None)
    expected = model.expected_purchases(customers, 10)
    assert np.isfinite(expected).all()
    assert (expected >= 0).all()
    assert np.isfinite(model.confidence_intervals().to_numpy()).all()


def test_the_known_breakers_stay_finite():
    model = BetaGeoModel.from_dict({"params": {"r": 0.1, "alpha": 1.0, "a": 0.05, "b": 0.3}})
    assert 0 < model.expected_purchases(frame((0, 0, 1)), 30)[0] < 30  # a + b + x - 1 < 0
    many = BetaGeoModel.from_dict({"params": PUBLISHED})
    x = np.arange(500.0, 700.0)
    busy = pd.DataFrame({"frequency": x, "recency": 700.0, "T": 700.0})
    expected = many.expected_purchases(busy, 365)
    assert np.isfinite(expected).all()
    assert (np.diff(expected) > 0).all()
    assert ModifiedBetaGeoModel.from_dict({"params": PUBLISHED}).probability_alive(frame((0, 0, 39)))[0] < 1


SIZES = st.floats(-10, 10).map(np.exp)


@pytest.mark.parametrize("cls", MODELS)
@settings(max_examples=100)
@given(
    x=st.one_of(st.integers(0, 40), st.integers(0, 10_000)),
    age=st.floats(0, 30 * 365.25 * 24),
    part=st.floats(0, 1),
    horizon=st.one_of(st.just(0.0), st.floats(1e-9, 50 * 365.25 * 24)),
    params=st.tuples(SIZES, SIZES, SIZES, SIZES),
)
def test_every_admissible_history_gives_finite_ordered_predictions(cls, x, age, part, horizon, params):
    model = cls.from_dict({"params": dict(zip(PUBLISHED, params, strict=True))})
    customers = frame((x, age * part if x else 0.0, age))
    alive = model.probability_alive(customers)[0]
    active = model.probability_active(customers, horizon)[0]
    expected = model.expected_purchases(customers, horizon)[0]
    discounted = model.discounted_purchases(customers, horizon, 1e-5)[0]
    assert 0 <= active <= alive <= 1
    assert np.isfinite(expected)
    assert active <= expected * (1 + 1e-9)
    assert 0 <= discounted <= expected * (1 + 1e-9)
    assert expected <= model.expected_purchases(customers, horizon * 2)[0] * (1 + 1e-9)
    assert (expected == 0) == (active == 0) or expected < 1e-300
    if horizon == 0:
        assert expected == 0 == active == discounted
    drawn = model.simulate_purchases(customers, horizon, 3, seed=0)
    assert (drawn >= 0).all()
    assert (model.purchase_distribution(customers, horizon, 3) >= 0).all()
