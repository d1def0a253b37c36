"""Growth potential is divided fairly among value, activity and past."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from duramen.explain.growth_terms import INPUTS, growth_terms
from duramen.forecast.value_distribution import ValueDistribution

AVERAGE = {"predicted_value": 30.0, "probability_active": 0.4, "past_value": 25.0}


@pytest.fixture(scope="module")
def distribution():
    """Return log-normal errors in two groups, so that the probability chooses between them."""
    rng = np.random.default_rng(1)
    probability = rng.uniform(0.05, 0.95, 4000)
    value = rng.gamma(2.0, 20.0, 4000)
    actual = np.where(
        rng.random(4000) < probability, value / probability * rng.lognormal(-0.5, 1.0, 4000), 0.0
    )
    return ValueDistribution().fit(value, probability, actual)


@pytest.fixture(scope="module")
def inputs():
    rng = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "predicted_value": rng.gamma(1.0, 40.0, 50),
            "probability_active": rng.uniform(0.05, 0.95, 50),
            "past_value": rng.gamma(1.0, 40.0, 50),
        }
    )


def test_terms_are_the_mean_over_all_orders_of_joining(inputs, distribution):
    terms, base = growth_terms(inputs, AVERAGE, distribution)
    for row in (0, 17, 49):
        own = inputs.iloc[row]
        gained = dict.fromkeys(INPUTS, 0.0)
        for order in permutations(INPUTS):
            known = dict(AVERAGE)
            before = base
            for name in order:
                known[name] = own[name]
                after = distribution.expected_above(*(np.array([known[name]]) for name in INPUTS))[0]
                gained[name] += (after - before) / 6
                before = after
        np.testing.assert_allclose(terms.iloc[row], [gained[name] for name in INPUTS], atol=1e-9)


def test_terms_and_base_add_to_the_growth_potential(inputs, distribution):
    terms, base = growth_terms(inputs, AVERAGE, distribution)
    potential = distribution.expected_above(*(inputs[name].to_numpy() for name in INPUTS))
    np.testing.assert_allclose(base + terms.sum(axis=1), potential, rtol=1e-9)


def test_what_a_customer_shares_with_the_average_adds_nothing(distribution):
    same = pd.DataFrame([AVERAGE | {"past_value": 60.0}, AVERAGE])
    terms, _ = growth_terms(same, AVERAGE, distribution)
    np.testing.assert_allclose(terms[["predicted_value", "probability_active"]], 0.0, atol=1e-12)
    assert terms["past_value"].iloc[0] < 0
    assert terms["past_value"].iloc[1] == 0


def test_more_forecast_adds_and_more_past_takes_away(inputs, distribution):
    terms, _ = growth_terms(inputs, AVERAGE, distribution)
    above = inputs > pd.Series(AVERAGE)
    assert (terms.loc[above["predicted_value"], "predicted_value"] >= 0).all()
    assert (terms.loc[above["past_value"], "past_value"] <= 0).all()
