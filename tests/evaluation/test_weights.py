"""A customer who counts k times is k equal customers, for every figure that takes counts."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duramen.evaluation import bootstrap, metrics
from duramen.evaluation.bootstrap import Pair, Resample
from duramen.forecast.growth import hit_rate

RESAMPLED = {
    name: function
    for name, function in inspect.getmembers(bootstrap, inspect.isfunction)
    if function.__module__ == bootstrap.__name__ and "drawn" in inspect.signature(function).parameters
}
# Few distinct values, so that ties are everywhere; a count of 0 leaves a customer out.
counted = st.lists(
    st.tuples(
        st.integers(0, 5), st.sampled_from([0.0, 0.0, 2.5, 40.0]), st.integers(0, 3), st.integers(0, 4)
    ),
    min_size=2,
    max_size=30,
).filter(lambda rows: sum(row[-1] for row in rows) > 1)


@pytest.mark.parametrize("name", sorted(RESAMPLED))
@settings(deadline=None)
@given(rows=counted, share=st.sampled_from([0.1, 0.25, 1.0]))
def test_a_figure_of_counted_customers_is_that_of_repeated_ones(name, rows, share):
    forecast, actual, _, count = map(np.array, zip(*rows, strict=True))
    forecast = forecast / 5
    if name in {"area_under_roc", "average_precision", "brier", "lift", "retention_profit"}:
        actual = (actual > 0).astype(float)
    given_share = [share] if "share" in inspect.signature(RESAMPLED[name]).parameters else []
    figure = hit_rate if name == "hit_rate" else getattr(metrics, name)
    plain = figure(np.repeat(forecast, count), np.repeat(actual, count), *given_share)
    drawn = Resample(Pair(forecast, actual), count.astype(float))
    assert RESAMPLED[name](drawn, *given_share) == pytest.approx(plain, abs=1e-9, nan_ok=True)


@settings(deadline=None)
@given(rows=counted)
def test_variance_explained_of_counted_customers_is_that_of_repeated_ones(rows):
    _, actual, groups, count = map(np.array, zip(*rows, strict=True))
    weighted = metrics.variance_explained(actual, groups, count)
    repeated = metrics.variance_explained(np.repeat(actual, count), np.repeat(groups, count))
    assert weighted == pytest.approx(repeated, abs=1e-9, nan_ok=True)
