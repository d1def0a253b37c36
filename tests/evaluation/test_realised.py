"""Figures of forecasts whose outcomes are known: the registry's own, with intervals that chance alone does not move."""

import numpy as np
import pandas as pd
import pytest

from duramen.evaluation.realised import COMPARED, COVERAGE, realised_figures


def calibrated(customers, seed, *, value=10.0):
    """Return forecasts that are right on average, with outcomes drawn from them."""
    rng = np.random.default_rng(seed)
    probability = rng.uniform(0.05, 0.95, customers)
    active = (rng.random(customers) < probability).astype(float)
    return pd.DataFrame(
        {
            "predicted_value": value * probability,
            "predicted_value_low": 0.0,
            "predicted_value_high": np.where(probability > 0.2, value, 0.0),
            "probability_active": probability,
            "value": value * active,
            "active": active,
        }
    )


def test_the_figures_are_those_of_the_registry():
    scored = calibrated(500, 1)
    found = realised_figures(scored, None).set_index(["target", "metric"])["figure"]
    columns = {"value": ("predicted_value", "value"), "activity": ("probability_active", "active")}
    for one in COMPARED:
        forecast, actual = (scored[name].to_numpy() for name in columns[one.target])
        assert found[one.target, one.name] == one.function(forecast, actual)
    inside = scored["value"].between(scored["predicted_value_low"], scored["predicted_value_high"])
    assert found["value", COVERAGE] == inside.mean()


def test_few_customers_do_not_make_a_calibration_error_certain():
    lows = [
        realised_figures(calibrated(200, seed), None, seed=seed).set_index("metric")["low"][
            "calibration error"
        ]
        for seed in range(30)
    ]
    assert sum(low > 0.05 for low in lows) <= 1


def test_the_interval_of_the_total_bias_contains_it_as_often_as_it_says():
    inside = 0
    for seed in range(60):
        row = (
            realised_figures(calibrated(300, seed), None, confidence=0.9, seed=seed)
            .set_index("metric")
            .loc["total bias"]
        )
        inside += row["low"] <= 0 <= row["high"]
    assert 47 <= inside <= 60


def test_the_change_is_measured_against_other_customers():
    scored, holdout = calibrated(2000, 1), calibrated(2000, 2)
    table = realised_figures(scored, holdout).set_index("metric")
    assert (table["change"] == table["figure"] - table["holdout"]).all()
    assert (table["change_low"] < table["change"]).all()
    assert ((table["change_low"] < 0) & (table["change_high"] > 0)).all()
    worse = scored.assign(
        probability_active=scored["probability_active"].sample(frac=1, random_state=0).to_numpy()
    )
    assert realised_figures(worse, holdout).set_index("metric")["change_high"]["AUC"] < -0.2


def test_what_has_no_figure_is_missing_and_the_unit_of_money_does_not_matter():
    scored = calibrated(400, 3)
    nothing = realised_figures(scored.assign(value=0.0, active=0.0), None).set_index("metric")
    assert nothing.loc[["total bias", "AUC"], ["figure", "low", "high"]].isna().all(axis=None)
    money = ["predicted_value", "predicted_value_low", "predicted_value_high", "value"]
    times = realised_figures(scored.assign(**{name: scored[name] * 1024 for name in money}), None)
    pd.testing.assert_frame_equal(times, realised_figures(scored, None))
    assert times.set_index("metric")["holdout"].isna().all()
    assert times["figure"].iloc[0] == pytest.approx(
        scored["predicted_value"].sum() / scored["value"].sum() - 1
    )
