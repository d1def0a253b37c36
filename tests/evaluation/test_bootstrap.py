"""Resampled figures against the plain ones on the drawn customers, and intervals against what they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duramen.evaluation.bootstrap import Pair, Resample, draws
from duramen.evaluation.registry import MEASURES

# Few distinct values, so that ties are everywhere; money may be taken back.
customers = st.lists(
    st.tuples(st.integers(0, 5).map(float), st.sampled_from([0.0, 0.0, 2.5, 40.0, -1.0]), st.integers(0, 3)),
    min_size=2,
    max_size=40,
).filter(lambda rows: sum(count for *_, count in rows) > 1)


def resample(forecast, actual, counts):
    return Resample(Pair(forecast, actual), counts.astype(float))


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: f"{measure.target}: {measure.name}")
@given(rows=customers)
@settings(deadline=None)
def test_a_resampled_figure_is_the_plain_one_of_the_drawn_customers(measure, rows):
    forecast, actual, counts = map(np.array, zip(*rows, strict=True))
    if measure.target == "activity":
        forecast, actual = forecast / 5, (actual > 0).astype(float)
    expected = measure.figure(np.repeat(forecast, counts), np.repeat(actual, counts))
    assert measure.resampled(resample(forecast, actual, counts)) == pytest.approx(
        expected, abs=1e-9, nan_ok=True
    )


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: f"{measure.target}: {measure.name}")
def test_everybody_drawn_once_gives_the_figure_itself(measure):
    rng = np.random.default_rng(4)
    actual = rng.lognormal(size=997) * (rng.random(997) < 0.4)
    forecast = np.round(rng.random(997) * (1 + actual), 2)
    if measure.target == "activity":
        forecast, actual = forecast / forecast.max(), (actual > 0).astype(float)
    once = resample(forecast, actual, np.ones(997, dtype=int))
    assert measure.resampled(once) == pytest.approx(measure.figure(forecast, actual), rel=1e-12)


def test_a_draw_is_as_large_as_the_base_and_the_same_for_the_same_seed():
    first, second = (list(draws(50, 3, seed=7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert [counts.sum() for counts in first] == [50, 50, 50]
    assert not np.array_equal(first[0], first[1])
