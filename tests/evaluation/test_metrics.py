"""Each figure against values computed by hand, and against its definition written in another way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from duramen.evaluation.metrics import captured, decile_error, normalised_gini, spearman, total_bias

outcomes = st.lists(st.tuples(st.integers(0, 6).map(float), st.floats(0, 1000)), min_size=2, max_size=40).map(
    lambda pairs: np.array(pairs).T
)


def test_captured_by_hand():
    actual = np.array([10.0, 60.0, 20.0, 10.0])
    forecast = np.array([4.0, 1.0, 3.0, 2.0])
    assert captured(forecast, actual, 0.25) == pytest.approx(0.10)
    assert captured(forecast, actual, 0.5) == pytest.approx(0.30)
    assert captured(forecast, actual, 1.0) == pytest.approx(1.0)


def test_captured_rounds_the_number_of_customers_up():
    assert captured(np.arange(10.0)[::-1], np.ones(10), 0.11) == pytest.approx(0.2)


def test_captured_breaks_ties_by_the_order_given():
    assert captured(np.zeros(4), np.array([5.0, 0.0, 0.0, 5.0]), 0.25) == pytest.approx(0.5)
    assert captured(np.zeros(4), np.array([0.0, 5.0, 0.0, 5.0]), 0.25) == 0.0


@given(outcomes, st.floats(0.01, 1.0))
def test_captured_is_what_a_stable_sort_brings_first(pair, share):
    forecast, actual = pair
    if actual.sum() <= 0:
        assert np.isnan(captured(forecast, actual, share))
        return
    order = sorted(range(len(forecast)), key=lambda i: -forecast[i])
    first = order[: int(np.ceil(share * len(forecast)))]
    assert captured(forecast, actual, share) == pytest.approx(sum(actual[first]) / sum(actual))


def test_normalised_gini_is_one_for_the_perfect_order_and_minus_one_for_its_reverse():
    actual = np.array([0.0, 3.0, 1.0, 8.0, 2.0])
    assert normalised_gini(actual, actual) == pytest.approx(1.0)
    assert normalised_gini(np.exp(actual), actual) == pytest.approx(1.0)
    assert normalised_gini(-actual, actual) == pytest.approx(-1.0)


def test_normalised_gini_by_hand():
    # Held shares 0, 0.9, 1 against the even 1/3, 2/3, 1: -1/3 + 0.2333 = -0.1; perfect: 0.9, 1, 1: 0.9.
    assert normalised_gini(np.array([3.0, 2.0, 1.0]), np.array([0.0, 9.0, 1.0])) == pytest.approx(-0.1 / 0.9)


def test_normalised_gini_of_a_random_order_is_about_zero():
    rng = np.random.default_rng(0)
    actual = rng.lognormal(size=20_000)
    assert normalised_gini(rng.random(20_000), actual) == pytest.approx(0.0, abs=0.03)


def test_spearman_is_that_of_scipy_and_missing_where_nothing_varies():
    rng = np.random.default_rng(1)
    forecast, actual = rng.random(50), rng.integers(0, 5, 50).astype(float)
    assert spearman(forecast, actual) == pytest.approx(spearmanr(forecast, actual)[0])
    assert np.isnan(spearman(np.ones(5), actual[:5]))


def test_total_bias_by_hand():
    assert total_bias(np.array([6.0, 6.0]), np.array([10.0, 0.0])) == pytest.approx(0.2)


def test_decile_error_by_hand():
    forecast = np.arange(20.0, 0.0, -1.0)
    assert decile_error(forecast, forecast) == 0.0
    assert decile_error(forecast, 2 * forecast) == pytest.approx(0.5)
    # Only the best decile has money: 39 predicted, 30 actual.
    actual = np.zeros(20)
    actual[:2] = 15.0
    assert decile_error(forecast, actual) == pytest.approx(0.3)


@pytest.mark.parametrize(
    "metric", [lambda f, a: captured(f, a, 0.1), normalised_gini, decile_error, total_bias]
)
def test_without_any_money_a_figure_is_missing(metric):
    assert np.isnan(metric(np.arange(5.0), np.zeros(5)))
