"""Resampled figures against the plain ones on the drawn customers, and intervals against what they promise."""

import inspect
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duramen.evaluation import bootstrap
from duramen.evaluation.bootstrap import Pair, Resample, draws
from duramen.evaluation.distributions import band_calibration_error, band_thresholds
from duramen.evaluation.registry import DISTRIBUTION, METRICS, PROBABILITY
from duramen.forecast.value_distribution import LEVELS

# Few distinct values, so that ties are everywhere; money may be taken back, and a count of 0 leaves a customer out.
customers = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from([0.0, 0.0, 2.5, 40.0, -1.0]), st.integers(0, 4)),
    min_size=2,
    max_size=40,
).filter(lambda rows: sum(count for *_, count in rows) > 1)
each_metric = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: f"{metric.target}: {metric.name}")


def resample(forecast, actual, counts):
    return Resample(Pair(forecast, actual), counts.astype(float))


def suited(metric, forecast, actual):
    """Return a forecast from 0 to 5 and an outcome of the kinds that a metric takes."""
    if metric.target in ("activity", "growing"):
        actual = (actual > 0).astype(float)
    if metric.requires == DISTRIBUTION:
        # Nothing below a level of 0.4, and up to five times 50 above it.
        forecast = np.outer(forecast, np.maximum(LEVELS - 0.4, 0) * 50)
    return forecast / 5 if metric.requires == PROBABILITY else forecast, actual


def at_share(function, share):
    """Return the function with another share of the customers, where it has one."""
    return partial(function.func, share=share) if isinstance(function, partial) else function


@each_metric
@given(rows=customers, share=st.sampled_from([0.1, 0.2, 0.25, 1.0]))
def test_a_figure_of_customers_who_count_k_times_is_that_of_k_repeated_rows(metric, rows, share):
    forecast, actual, counts = map(np.array, zip(*rows, strict=True))
    forecast, actual = suited(metric, forecast, actual)
    plain, resampled = (at_share(function, share) for function in (metric.function, metric.resampled))
    if plain is band_calibration_error:
        # The thresholds are those of all customers in every resample.
        plain = partial(plain, thresholds=band_thresholds(actual))
    expected = plain(np.repeat(forecast, counts, axis=0), np.repeat(actual, counts))
    assert resampled(resample(forecast, actual, counts)) == pytest.approx(expected, abs=1e-9, nan_ok=True)


@each_metric
def test_everybody_drawn_once_gives_the_figure_itself(metric):
    rng = np.random.default_rng(4)
    actual = rng.lognormal(size=997) * (rng.random(997) < 0.4)
    forecast, actual = suited(metric, rng.integers(0, 6, 997), actual)
    once = resample(forecast, actual, np.ones(997, dtype=int))
    assert metric.resampled(once) == pytest.approx(metric.function(forecast, actual), rel=1e-12)


def test_every_resampled_figure_is_registered():
    resampled = {
        function
        for _, function in inspect.getmembers(bootstrap, inspect.isfunction)
        if "drawn" in inspect.signature(function).parameters
    }
    registered = {getattr(metric.resampled, "func", metric.resampled) for metric in METRICS}
    assert resampled == registered


def test_a_draw_is_as_large_as_the_base_and_the_same_for_the_same_seed():
    first, second = (list(draws(50, 3, seed=7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert [counts.sum() for counts in first] == [50, 50, 50]
    assert not np.array_equal(first[0], first[1])
