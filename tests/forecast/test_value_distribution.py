"""The predictive distribution of value: its mean, its quantiles, and what is read from it agree with each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duramen.forecast.value_distribution import LEAST_ACTIVE, LEVELS, ValueDistribution


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    value, probability = rng.lognormal(3, 1, 4_000), rng.uniform(0.05, 0.95, 4_000)
    error = rng.lognormal(-0.32, 0.8, 4_000)
    actual = np.where(rng.random(4_000) < probability, value / probability * error, 0.0)
    return value, probability, actual, ValueDistribution().fit(value, probability, actual)


def test_errors_are_learned_where_enough_customers_were_active(fitted):
    value, probability, actual, distribution = fitted
    assert distribution.source_ == "later fold"
    assert (np.diff(distribution.errors_) >= 0).all()
    few = ValueDistribution().fit(
        value, probability, np.where(np.arange(4_000) < LEAST_ACTIVE - 1, actual, 0.0)
    )
    assert few.source_ == "assumed"
    assert few.errors_.mean() == pytest.approx(1.0)


def test_draws_have_the_mean_and_the_share_of_zeros(fitted):
    _, _, _, distribution = fitted
    rng = np.random.default_rng(1)
    value, probability = np.full(200_000, 30.0), np.full(200_000, 0.3)
    drawn = distribution.sample(value, probability, rng)
    assert drawn.mean() == pytest.approx(30.0, rel=0.03)
    assert (drawn > 0).mean() == pytest.approx(0.3, abs=0.005)


def test_the_same_seed_draws_the_same(fitted):
    value, probability, _, distribution = fitted
    first, second = (distribution.sample(value, probability, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@given(st.floats(0.01, 1e5), st.floats(1e-4, 1 - 1e-4), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_quantiles_never_fall(fitted, value, probability, one, other):
    _, _, _, distribution = fitted
    low, high = (
        distribution.quantile(np.array([value]), np.array([probability]), level)
        for level in sorted((one, other))
    )
    assert 0 <= low <= high


def test_a_quantile_that_inactivity_alone_reaches_is_zero(fitted):
    _, _, _, distribution = fitted
    assert distribution.quantile(np.array([10.0]), np.array([0.2]), 0.5) == 0.0
    assert distribution.quantile(np.array([10.0]), np.array([0.9]), 0.5) > 0.0


def test_the_probability_above_a_quantile_is_what_the_quantile_leaves(fitted):
    _, _, _, distribution = fitted
    value, probability = np.array([80.0]), np.array([0.7])
    for level in (0.4, 0.6, 0.9):
        threshold = distribution.quantile(value, probability, level)[0]
        assert distribution.probability_above(value, probability, threshold) == pytest.approx(
            1 - level, abs=1e-6
        )


def test_the_probability_above_money_falls_with_the_money(fitted):
    value, probability, _, distribution = fitted
    above = np.array(
        [distribution.probability_above(value, probability, money) for money in (1, 10, 100, 1e4)]
    )
    assert (np.diff(above, axis=0) <= 0).all()
    assert (above[0] <= probability).all()


@given(st.sampled_from([0.01, 4.0, 1000.0]))
def test_money_in_another_unit_changes_the_money_alone(fitted, factor):
    value, probability, actual, distribution = fitted
    other = ValueDistribution().fit(value * factor, probability, actual * factor)
    np.testing.assert_allclose(other.errors_, distribution.errors_, rtol=1e-9)
    np.testing.assert_allclose(
        other.quantile(value * factor, probability, 0.9),
        factor * distribution.quantile(value, probability, 0.9),
    )
    np.testing.assert_allclose(
        other.probability_above(value * factor, probability, 20 * factor),
        distribution.probability_above(value, probability, 20),
        atol=1e-12,
    )


def test_each_customer_can_have_a_threshold_and_one_of_nothing_is_exceeded_by_every_purchase(fitted):
    value, probability, _, distribution = fitted
    own = np.where(np.arange(4_000) % 2, 0.0, 20.0)
    above = distribution.probability_above(value, probability, own)
    np.testing.assert_array_equal(above[1::2], probability[1::2])
    np.testing.assert_array_equal(above[::2], distribution.probability_above(value, probability, 20.0)[::2])


def test_an_interval_contains_the_predicted_value(fitted):
    value, probability, _, distribution = fitted
    low, high = distribution.interval(value, probability)
    assert (low <= value).all()
    assert (value <= high).all()
    assert (low[probability < 0.9] == 0).all()
    unlikely = probability < 0.15
    np.testing.assert_array_equal(high[unlikely], value[unlikely])


@pytest.mark.parametrize(
    ("probability", "below", "above"),
    [(1 - 1e-9, 0.1, 0.1), (0.97, 0.07, 0.13), (0.9, 0.0, 0.2), (0.6, 0.0, 0.2), (0.3, 0.0, 0.2)],
)
def test_an_interval_leaves_out_one_outcome_in_five(probability, below, above):
    """For a spread so small that no end is moved to the predicted value, drawn from the distribution itself."""
    rng = np.random.default_rng(3)
    value, probability = np.full(100_000, 10.0), np.full(100_000, probability)
    error = rng.lognormal(-0.005, 0.1, 100_000)
    actual = np.where(rng.random(100_000) < probability, value / probability * error, 0.0)
    distribution = ValueDistribution().fit(value, probability, actual)
    low, high = distribution.interval(value, probability)
    assert ((actual < low).mean(), (actual > high).mean()) == pytest.approx((below, above), abs=0.01)


def test_an_interval_starts_at_0_where_one_in_twenty_buy_nothing_and_ends_at_the_value_for_likelier_buyers_too():
    """The value is above the quantile where few customers spend most of the money."""
    error = np.where(np.arange(1_000) % 10, 0.1, 9.1)
    distribution = ValueDistribution().fit(np.ones(1_000), np.full(1_000, 0.5), 2 * error)
    value, probability = np.full(4, 10.0), np.array([0.96, 0.951, 0.949, 0.4])
    low, high = distribution.interval(value, probability)
    assert (low > 0).tolist() == [True, True, False, False]
    assert (high >= value).all()
    assert high[-1] == value[-1]


def test_the_ends_of_an_interval_do_not_jump_where_it_becomes_one_sided():
    """With one shape of errors for all, which is assumed where hardly anybody is active."""
    distribution = ValueDistribution().fit(np.ones(2), np.full(2, 0.5), np.array([0.0, 2.0]))
    probability = np.linspace(0.5, 1 - 1e-9, 2_001)
    low, high = distribution.interval(10 * probability, probability)
    assert np.abs(np.diff(high)).max() < 0.05
    # The low end leaves 0 for the least money that an active customer spends, the quantile at half a per cent.
    assert np.abs(np.diff(low)).max() < 0.05 * 10


def test_each_group_by_probability_has_its_own_errors():
    rng = np.random.default_rng(0)
    value, probability = rng.lognormal(3, 1, 20_000), rng.uniform(0.05, 0.95, 20_000)
    spread = np.where(probability > 0.5, 0.2, 1.0)
    error = rng.lognormal(-(spread**2) / 2, spread)
    actual = np.where(rng.random(20_000) < probability, value / probability * error, 0.0)
    distribution = ValueDistribution().fit(value, probability, actual)
    assert len(distribution.errors_) == len(distribution.edges_) + 1 == 5
    high = probability > 0.6
    for chosen in (high, ~high):
        above = actual > distribution.quantile(value, probability, 0.9)
        assert above[chosen].mean() == pytest.approx(0.1, abs=0.02)


def test_groups_without_customers_are_none():
    value, actual = np.full(1_000, 5.0), np.random.default_rng(0).gamma(2, 4, 1_000)
    probability = np.where(np.arange(1_000) < 900, 0.9, 0.2)
    distribution = ValueDistribution().fit(value, probability, actual)
    assert len(distribution.errors_) == len(distribution.edges_) + 1
    assert np.isfinite(distribution.errors_).all()


def test_state_and_back_is_the_same(fitted):
    _, _, _, distribution = fitted
    again = ValueDistribution.from_dict(distribution.to_dict())
    np.testing.assert_array_equal(again.errors_, distribution.errors_)
    assert again.source_ == distribution.source_


def test_there_are_199_levels_evenly_apart():
    assert len(LEVELS) == 199
    np.testing.assert_allclose(np.diff(LEVELS), 0.005)
