"""Intervals of differences: what they promise by simulation, what two cutoffs share, and the verdicts."""

import numpy as np
import pandas as pd
import pytest

from duramen.data.windows import Window
from duramen.evaluation.comparison import compare, figures_by_cutoff
from duramen.evaluation.forecasts import Forecast
from duramen.evaluation.holdout import Holdout
from duramen.evaluation.registry import METRICS


def population(customers, rng):
    """Return P(active) by a good and by a coarse forecast, and who was active."""
    true = rng.beta(0.6, 1.4, customers)
    good = np.clip(true + rng.normal(0, 0.15, customers), 0.01, 0.99)
    coarse = np.round(np.clip(true + rng.normal(0, 0.25, customers), 0.01, 0.99), 1)
    return good, coarse, (rng.random(customers) < true).astype(float)


def holdout_of(forecast, baseline, active, cutoff="1998-01-01", ids=None):
    scores = pd.DataFrame({"customer_id": np.arange(len(active)) if ids is None else ids})
    forecasts = [
        Forecast(model, "activity", "probability", values)
        for model, values in (("duramen", forecast), ("baseline", baseline))
    ]
    return Holdout(Window(cutoff, 91), scores, forecasts, {"activity": active})


def compared(*parts, seed=0, resamples=200):
    return compare(parts, figures_by_cutoff(parts), seed=seed, resamples=resamples)


@pytest.mark.slow
def test_the_interval_of_a_difference_holds_the_true_one_as_often_as_it_says():
    """In 100 samples of 250 customers, with 200 resamples each; the true difference is that of a million."""
    rng = np.random.default_rng(11)
    good, coarse, active = population(1_000_000, rng)
    true = {
        metric.name: metric.function(good, active) - metric.function(coarse, active)
        for metric in METRICS
        if metric.target == "activity"
    }
    covered = pd.Series(0, index=list(true))
    for simulation in range(100):
        found = compared(holdout_of(*population(250, rng)), seed=simulation, resamples=200)
        found = found[found["cutoff"].notna()].set_index("metric")
        difference = pd.Series(true)
        covered += ((found["low"] <= difference) & (difference <= found["high"])).astype(int)
    # 95 % are promised, and 100 draws of that lie in 0.88 to 1 nearly always.
    assert (covered / 100).between(0.88, 1).all(), covered / 100


def test_the_same_seed_gives_the_same_interval():
    parts = holdout_of(*population(300, np.random.default_rng(0)))
    pd.testing.assert_frame_equal(compared(parts), compared(parts), check_exact=True)
    assert not compared(parts).equals(compared(parts, seed=1))


def test_two_cutoffs_share_the_drawn_customers():
    """The same customers with the same outcomes at two cutoffs give the same interval as at one."""
    parts = population(400, np.random.default_rng(1))
    twice = compared(holdout_of(*parts), holdout_of(*parts, cutoff="1998-04-01"))
    first, second, mean = (rows.drop(columns="cutoff") for _, rows in twice.groupby("cutoff", dropna=False))
    pd.testing.assert_frame_equal(mean.reset_index(drop=True), first.reset_index(drop=True))
    pd.testing.assert_frame_equal(second.reset_index(drop=True), first.reset_index(drop=True))


def test_the_mean_of_two_cutoffs_with_other_customers_is_surer_than_one():
    rng = np.random.default_rng(2)
    ids = np.arange(400)
    both = compared(
        holdout_of(*population(400, rng), ids=ids),
        holdout_of(*population(400, rng), cutoff="1998-04-01", ids=ids + 400),
    )
    width = (both["high"] - both["low"]).groupby([both["metric"], both["cutoff"].isna()]).mean().unstack()
    assert (width[True] < 0.85 * width[False]).all()


@pytest.mark.parametrize("verdict", ["better", "worse", "level"])
def test_a_verdict_says_who_is_better_whichever_way_the_metric_points(verdict):
    rng = np.random.default_rng(3)
    good, _, active = population(4_000, rng)
    noise = rng.permutation(good)
    forecast, baseline = {"better": (good, noise), "worse": (noise, good), "level": (good, good)}[verdict]
    found = compared(holdout_of(forecast, baseline, active))
    assert set(found["metric"]) == {
        "AUC", "PR-AUC", "lift at top 10 %", "retention profit", "Brier", "calibration error",
    }  # fmt: skip
    assert set(found["verdict"]) == {verdict}


def test_what_rounding_leaves_behind_is_no_lead():
    good, _, active = population(4_000, np.random.default_rng(4))
    closer = good + 1e-6 * (active - good)
    found = compared(holdout_of(closer, good, active)).set_index("metric").loc["Brier"]
    assert (found["high"] < 0).all()
    assert set(found["verdict"]) == {"level"}


def test_total_bias_is_compared_by_its_size():
    actual = np.random.default_rng(5).lognormal(size=500)
    forecasts = [
        Forecast("duramen", "value", "money", 1.1 * actual),
        Forecast("low", "value", "money", 0.7 * actual),
    ]
    scores = pd.DataFrame({"customer_id": np.arange(500)})
    found = compared(Holdout(Window("1998-01-01", 91), scores, forecasts, {"value": actual}))
    row = found[found["metric"] == "total bias"].iloc[0]
    assert (row["figure"], row["baseline_figure"]) == pytest.approx((0.1, 0.3))
    assert row["difference"] == pytest.approx(-0.2)
    assert row["verdict"] == "better"


def test_customers_that_no_resample_draws_leave_no_trace():
    """A cutoff with two customers among a thousand: the resamples without them count for nothing."""
    rng = np.random.default_rng(6)
    small = holdout_of(np.array([0.9, 0.1]), np.array([0.2, 0.3]), np.array([1.0, 0.0]))
    large = holdout_of(*population(1_000, rng), cutoff="1998-04-01")
    found = compared(small, large)
    assert np.isfinite(found[["low", "high"]]).all(axis=None)
