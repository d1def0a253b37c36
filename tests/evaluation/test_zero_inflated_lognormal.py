"""Mean, quantiles and gradient of a lognormal with zeros: against known worlds, draws and finite differences."""

import numpy as np
import pytest
from scipy.stats import lognorm

from duramen.evaluation.zero_inflated_lognormal import (
    gradient,
    hurdle_mean,
    hurdle_quantiles,
    negative_log_likelihood,
    parameters_of,
)
from duramen.forecast.value_distribution import LEVELS


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    return rng.normal([0.0, 3.0, -0.2], [1.5, 1.0, 0.4], (400, 3))


@pytest.fixture
def money(scores):
    rng = np.random.default_rng(1)
    probability, mu, sigma = parameters_of(scores)
    return np.where(rng.random(400) < probability, np.exp(rng.normal(mu, sigma)), 0.0)


def test_the_loss_is_the_log_likelihood_of_scipys_lognormal(scores, money):
    probability, mu, sigma = parameters_of(scores)
    buys = money > 0
    density = lognorm.logpdf(money[buys], s=sigma[buys], scale=np.exp(mu[buys]))
    # The loss leaves out what no score changes: log money, and the constant of the normal density.
    left_out = np.log(money[buys]) + 0.5 * np.log(2 * np.pi)
    loss = negative_log_likelihood(scores, money)
    np.testing.assert_allclose(loss[buys], -np.log(probability[buys]) - density - left_out, rtol=1e-9)
    np.testing.assert_allclose(loss[~buys], -np.log1p(-probability[~buys]), rtol=1e-9)


def test_the_gradient_is_that_of_finite_differences(scores, money):
    first, _ = gradient(scores, money)
    for column in range(3):
        step = np.zeros(3)
        step[column] = 1e-5
        change = negative_log_likelihood(scores + step, money) - negative_log_likelihood(scores - step, money)
        np.testing.assert_allclose(first[:, column], change / 2e-5, rtol=1e-5, atol=1e-6)


def test_the_second_derivatives_are_expected_over_draws_of_money():
    """The Fisher information of one customer: the mean over what the customer may spend."""
    scores, rng = np.array([[0.4, 2.0, -0.5]]).repeat(200_000, axis=0), np.random.default_rng(2)
    probability, mu, sigma = parameters_of(scores)
    money = np.where(rng.random(len(scores)) < probability, np.exp(rng.normal(mu, sigma)), 0.0)
    _, second = gradient(scores, money)
    for column in range(3):
        step = np.zeros(3)
        step[column] = 1e-4
        ahead, back = (gradient(scores + sign * step, money)[0].mean(axis=0) for sign in (1, -1))
        mixed = (ahead - back) / 2e-4
        assert mixed[column] == pytest.approx(second[:, column].mean(), rel=0.02)
        np.testing.assert_allclose(np.delete(mixed, column), 0.0, atol=0.02)
    assert (second >= 0).all()


def test_quantiles_and_mean_are_those_of_drawn_money():
    rng = np.random.default_rng(3)
    probability, mu, sigma = np.array([0.3, 1.0]), np.array([2.0, 4.0]), np.array([1.0, 0.5])
    drawn = np.exp(rng.normal(mu, sigma, (400_000, 2))) * (rng.random((400_000, 2)) < probability)
    quantiles = hurdle_quantiles(probability, mu, sigma)
    assert quantiles.shape == (2, len(LEVELS))
    # Just above the level 1 - p money rises steeply, and chance among the draws moves it.
    np.testing.assert_allclose(quantiles, np.quantile(drawn, LEVELS, axis=0).T, rtol=0.04, atol=0.15)
    np.testing.assert_allclose(hurdle_mean(probability, mu, sigma), drawn.mean(axis=0), rtol=0.02)


def test_quantiles_rise_with_the_level_and_are_finite_for_every_probability():
    quantiles = hurdle_quantiles(np.array([0.0, 1e-300, 0.004, 0.5, 1.0]), np.full(5, 3.0), 0.0)
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert not quantiles[:3].any()
    np.testing.assert_allclose(quantiles[4], np.exp(3.0), rtol=1e-6)


def test_the_mean_of_a_wild_sigma_is_capped():
    assert hurdle_mean(np.array([0.5]), np.array([3.0]), np.array([40.0]), most=1000.0) == pytest.approx(
        500.0
    )
