"""Simulated experiments whose truth is known: intervals are right, orders are found only where effects differ."""

import numpy as np
import pandas as pd
import pytest

from duramen.errors import InputError
from duramen.evaluation.uplift import average_effect, predict_effects, qini_curve, treatment_profit


def experiment(seed, *, differ, customers=1_500, average=5.0, share=0.5):
    """Return features, outcomes, who was treated, past spend and the true effect on each customer."""
    rng = np.random.default_rng(seed)
    features = pd.DataFrame(rng.normal(size=(customers, 5)), columns=[f"feature_{i}" for i in range(5)])
    past = rng.gamma(1.5, 40.0, customers)
    effect = average + 8.0 * differ * np.sign(features["feature_0"].to_numpy())
    treated = rng.permutation(customers) < share * customers
    outcome = 0.7 * past + rng.gamma(1.0, 20.0, customers) + effect * treated
    return features.assign(past=past), outcome, treated, past, effect


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_nineteen_of_twenty_intervals_contain_the_true_average(share):
    inside, widths = [], []
    for seed in range(400):
        _, outcome, treated, past, effect = experiment(seed, differ=True, share=share)
        found = average_effect(outcome, treated, past)
        inside.append(((found["low"] <= effect.mean()) & (effect.mean() <= found["high"])).to_numpy())
        widths.append((found["high"] - found["low"]).to_numpy())
    assert np.mean(inside, axis=0) == pytest.approx([0.95, 0.95], abs=0.035)
    plain, adjusted = np.mean(widths, axis=0)
    assert adjusted < 0.7 * plain


def test_the_difference_in_means_is_that_of_welch():
    _, outcome, treated, _, _ = experiment(0, differ=True)
    row = average_effect(outcome, treated).iloc[0]
    with_, without = outcome[treated], outcome[~treated]
    assert row["effect"] == pytest.approx(with_.mean() - without.mean())
    assert row["standard_error"] == pytest.approx(
        np.sqrt(with_.var(ddof=1) / len(with_) + without.var(ddof=1) / len(without))
    )


def test_where_effects_differ_the_order_is_found_and_pays():
    features, outcome, treated, past, effect = experiment(1, differ=True, customers=3_000)
    found = predict_effects(features, outcome, treated, past)
    assert np.corrcoef(found["effect"], effect)[0, 1] > 0.6
    assert found["effect"].mean() == pytest.approx(effect.mean(), abs=3)
    for name in ("relative", "two_model", "transformed_outcome"):
        assert qini_curve(found[name], outcome, treated, past).low > 0
    profit = treatment_profit(found["effect"], outcome, treated, past, 5.0).set_index("choice")
    chosen, everybody = profit.loc["predicted effect above cost"], profit.loc["everybody"]
    assert chosen["profit"] > everybody["profit"]
    true = ((found["effect"] > 5) * (effect - 5)).sum()
    assert chosen["profit_low"] < true < chosen["profit_high"]
    assert profit.loc["nobody", ["treated", "cost", "profit"]].tolist() == [0, 0, 0]


def test_where_effects_are_alike_the_interval_holds_0():
    above, height = [], []
    for seed in range(30):
        features, outcome, treated, past, _ = experiment(seed, differ=False, customers=800)
        found = qini_curve(
            predict_effects(features, outcome, treated, past, seed)["relative"], outcome, treated, past, seed
        )
        above.append(found.low > 0)
        height.append(found.coefficient)
    assert sum(above) <= 3
    assert abs(np.mean(height)) < 3 * np.std(height) / np.sqrt(30)


def test_scores_known_before_the_experiment_have_narrower_intervals():
    features, outcome, treated, past, _ = experiment(2, differ=True)
    fixed, fitted = (
        qini_curve(features["feature_0"], outcome, treated, past, cross_fitted=cross)
        for cross in (False, True)
    )
    assert fixed.coefficient == fitted.coefficient
    assert fitted.high - fitted.low == pytest.approx(np.sqrt(2) * (fixed.high - fixed.low))
    # The gain of treating everybody has no order in it.
    assert fixed.curve.iloc[-1].tolist() == pytest.approx(fitted.curve.iloc[-1].tolist())


def test_the_curve_is_the_difference_in_means_of_the_first_customers():
    features, outcome, treated, past, _ = experiment(3, differ=True, customers=1_000)
    curve = qini_curve(features["feature_0"], outcome, treated, np.zeros(1_000)).curve
    first = features["feature_0"].rank(ascending=False).to_numpy() <= 300
    gain = 0.3 * (outcome[first & treated].mean() - outcome[first & ~treated].mean())
    assert curve["gain"].iloc[30] == pytest.approx(gain)
    assert curve["gain"].iloc[-1] == pytest.approx(outcome[treated].mean() - outcome[~treated].mean())
    assert ((curve["low"] <= curve["gain"]) & (curve["gain"] <= curve["high"])).mean() > 0.95
    assert past.sum() > 0


def test_a_prediction_does_not_use_the_customers_own_outcome():
    features, outcome, treated, past, _ = experiment(4, differ=False, customers=600)
    before = predict_effects(features, outcome, treated, past)["relative"]
    changed = outcome.copy()
    changed[7] += 10_000
    after = predict_effects(features, changed, treated, past)["relative"]
    part = np.random.default_rng(0).permutation(600) % 5
    own = part == part[7]
    assert np.allclose(after[own], before[own])
    assert not np.allclose(after[~own], before[~own])


def test_columns_that_do_not_fit_are_refused():
    features, outcome, treated, past, _ = experiment(5, differ=False, customers=200)
    with pytest.raises(InputError, match="outcome has the shape"):
        average_effect(outcome[:-1], treated)
    with pytest.raises(InputError, match="treated has the shape"):
        predict_effects(features, outcome, treated[:-1], past)
