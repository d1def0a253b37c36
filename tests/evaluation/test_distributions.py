"""Figures of whole distributions against closed forms, draws, and forecasts that are known to be wrong."""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from duramen.evaluation.distributions import (
    band_calibration_error,
    band_thresholds,
    crps,
    pit_distance,
    probability_above,
    ranked_probability_scores,
    transform_bounds,
)
from duramen.forecast.value_distribution import LEVELS, ValueDistribution


def zero_or_exponential(idle, mean):
    """Return the quantiles of money that is 0 with probability ``idle`` and else exponential, each of shape (n,)."""
    inside = np.clip((LEVELS - idle[:, np.newaxis]) / (1 - idle[:, np.newaxis]), 0, None)
    return (-mean[:, np.newaxis] * np.log1p(-inside)).astype(np.float32)


@pytest.fixture(scope="module")
def known():
    """Idle probabilities and means of 20,000 customers, and outcomes drawn from exactly these distributions."""
    rng = np.random.default_rng(0)
    idle, mean = rng.uniform(0, 0.95, 20_000), rng.lognormal(3, 1, 20_000)
    actual = np.where(rng.random(20_000) < idle, 0.0, rng.exponential(mean))
    return idle, mean, actual


def test_the_crps_of_a_normal_distribution_is_its_closed_form():
    """Gneiting and Raftery (2007), equation 5; 199 quantiles leave out a little of the tails."""
    outcomes = np.linspace(-3, 3, 13)
    scores = ranked_probability_scores(np.tile(ndtri(LEVELS), (13, 1)), outcomes)
    density = np.exp(-(outcomes**2) / 2) / np.sqrt(2 * np.pi)
    closed = outcomes * (2 * ndtr(outcomes) - 1) + 2 * density - 1 / np.sqrt(np.pi)
    np.testing.assert_allclose(scores, closed, rtol=0.01)


def test_the_crps_of_a_mass_at_zero_and_a_tail_is_that_of_draws(known):
    """E|X - y| - E|X - X'| / 2 over draws of X."""
    idle, mean, actual = (part[:200] for part in known)
    rng = np.random.default_rng(1)
    first, second = (
        np.where(rng.random((4_000, 200)) < idle, 0.0, rng.exponential(mean, (4_000, 200))) for _ in range(2)
    )
    by_draws = np.abs(first - actual).mean(axis=0) - np.abs(first - second).mean(axis=0) / 2
    assert crps(zero_or_exponential(idle, mean), actual) == pytest.approx(by_draws.mean(), rel=0.02)


def test_no_distribution_has_a_lower_expected_crps_than_the_right_one(known):
    idle, mean, actual = known
    right = crps(zero_or_exponential(idle, mean), actual)
    for wrong in ((idle, 1.5 * mean), (idle, mean / 1.5), (0.7 * idle, mean), (np.full(20_000, 0.5), mean)):
        assert crps(zero_or_exponential(*wrong), actual) > 1.005 * right


def test_the_pit_distance_of_the_right_distribution_is_about_zero_and_of_wrong_ones_is_not(known):
    idle, mean, actual = known
    # The distance of 20,000 uniform numbers exceeds 0.0115 once in a hundred times.
    assert pit_distance(zero_or_exponential(idle, mean), actual) < 0.0115
    assert pit_distance(zero_or_exponential(idle, 1.5 * mean), actual) > 0.03
    assert pit_distance(zero_or_exponential(0.8 * idle, mean), actual) > 0.03
    assert pit_distance(zero_or_exponential(np.zeros(20_000), mean), actual) > 0.3


def test_an_outcome_at_the_mass_of_zero_spreads_over_it_and_a_return_lies_below_all():
    quantiles = zero_or_exponential(np.array([0.5, 0.5]), np.ones(2))
    low, high = transform_bounds(quantiles, np.array([0.0, -3.0]))
    assert (low / 400).tolist() == [0, 0]
    assert (high / 400).tolist() == pytest.approx([0.5, 0.005], abs=0.005)


def test_if_nobody_buys_and_the_forecast_knows_it_the_distribution_is_calibrated():
    assert pit_distance(np.zeros((10, 199)), np.zeros(10)) == pytest.approx(0.0, abs=1e-12)


def test_the_probability_above_a_threshold_is_what_the_quantiles_leave(known):
    idle, mean, _ = known
    for threshold in (0.0, 5.0, 50.0):
        exact = (1 - idle) * np.exp(-threshold / mean)
        np.testing.assert_allclose(
            probability_above(zero_or_exponential(idle, mean), threshold), exact, atol=0.0055
        )


def test_the_bands_of_the_right_distribution_are_calibrated_and_of_wrong_ones_are_not(known):
    idle, mean, actual = known
    right = band_calibration_error(zero_or_exponential(idle, mean), actual)
    assert right < 0.01
    assert band_calibration_error(zero_or_exponential(idle, 2 * mean), actual) > 3 * right
    assert band_calibration_error(zero_or_exponential(0.7 * idle, mean), actual) > 3 * right


def test_without_any_money_there_are_no_bands():
    assert np.isnan(band_thresholds(np.zeros(5))).all()
    assert np.isnan(band_calibration_error(np.ones((5, 199)), np.zeros(5)))


def test_the_quantiles_of_a_value_distribution_are_those_it_gives_one_by_one():
    rng = np.random.default_rng(2)
    value, probability = rng.lognormal(3, 1, 500), rng.uniform(0.05, 0.95, 500)
    actual = np.where(rng.random(500) < probability, value / probability * rng.lognormal(size=500), 0.0)
    distribution = ValueDistribution().fit(value, probability, actual)
    quantiles = distribution.quantiles(value, probability)
    assert (quantiles.shape, quantiles.dtype) == ((500, 199), np.float32)
    for level in (0.1, 0.5, 0.8):
        column = quantiles[:, np.searchsorted(LEVELS, level - 1e-9)]
        np.testing.assert_allclose(column, distribution.quantile(value, probability, level), rtol=1e-5)
