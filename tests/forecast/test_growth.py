"""Growth potential: expected money above the customer's own past rate."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duramen.data.outcomes import customer_outcomes
from duramen.forecast.growth import (
    DECLINE_WEIGHTS,
    TOP_SHARE,
    GrowthModel,
    expected_decline,
    past_value,
)
from duramen.forecast.top_customers import hit_rate

customers_of = st.lists(
    st.tuples(
        st.integers(-10_000, 10_000_000).map(lambda cents: cents / 100), st.integers(1, 3000).map(float)
    ),
    min_size=1,
    max_size=10,
).map(lambda rows: pd.DataFrame(rows, columns=["net_spend", "T"]))


def test_past_value_by_hand():
    customers = pd.DataFrame({"net_spend": [364.0, 91.0, -20.0, 0.0], "T": [364.0, 10.0, 100.0, 50.0]})
    np.testing.assert_allclose(past_value(customers, 91), [91.0, 91.0, 0.0, 0.0])


@given(customers_of, st.integers(1, 400), st.sampled_from([0.5, 8.0, 1024.0]))
def test_amounts_times_k_give_past_value_times_k(customers, horizon, factor):
    scaled = customers.assign(net_spend=customers["net_spend"] * factor)
    np.testing.assert_allclose(
        past_value(scaled, horizon), factor * past_value(customers, horizon), rtol=1e-12
    )


@given(customers_of, st.integers(1, 400))
def test_past_value_is_never_negative_nor_more_than_all_the_money(customers, horizon):
    past = past_value(customers, horizon)
    assert (past >= 0).all()
    assert (past <= np.maximum(customers["net_spend"], 0) * (1 + 1e-12)).all()


def grown(shop, customers, value):
    probability = shop.scores["probability_active"].to_numpy()[: len(value)]
    return shop.model.forecast_.growth_.predict(
        customers, value, probability, shop.model.forecast_.distribution_, 91
    )


def test_amounts_times_k_give_growth_times_k(shop):
    value = shop.scores["predicted_value"].to_numpy()
    growth = grown(shop, shop.customers, value)
    np.testing.assert_allclose(growth["growth_potential"], shop.scores["growth_potential"])
    dear = shop.customers.assign(net_spend=shop.customers["net_spend"] * 100)
    np.testing.assert_allclose(grown(shop, dear, value * 100), 100 * growth, rtol=1e-9, atol=1e-6)


def test_growth_lies_between_nothing_and_the_predicted_value(shop):
    growth, value = shop.scores["growth_potential"], shop.scores["predicted_value"]
    assert (growth >= 0).all()
    assert (growth <= value * (1 + 1e-9)).all()
    assert (growth >= value - past_value(shop.customers, 91) - 1e-6).all()
    assert (shop.scores["growth_outlook"] <= growth + 1e-9).all()


def test_a_customer_whose_past_was_nothing_can_only_grow(shop):
    growth = grown(shop, shop.customers.head(1).assign(net_spend=0.0), np.array([25.0]))
    assert growth["growth_potential"].item() == pytest.approx(25.0)
    assert growth["growth_outlook"].item() == pytest.approx(25.0)


def test_the_outlook_of_weight_one_is_the_mean_growth():
    past, potential, value = np.array([10.0, 30.0]), np.array([8.0, 5.0]), np.array([15.0, 12.0])
    np.testing.assert_allclose(potential - expected_decline(past, potential, value), value - past)


def test_the_weight_finds_the_growers_and_then_knows_who_falls():
    rng = np.random.default_rng(0)
    past, potential = rng.gamma(1, 20, 4_000), rng.gamma(1, 20, 4_000)
    decline = rng.gamma(1, 20, 4_000)
    value = past + potential - decline
    # Who grows is decided by the potential less half the decline.
    actual = past + potential - 0.5 * decline + rng.normal(0, 1, 4_000)
    weight = GrowthModel().fit(past, potential, value, actual).decline_weight_
    assert 0.4 <= weight <= 0.6
    hits = {w: hit_rate(potential - w * decline, actual - past, TOP_SHARE) for w in DECLINE_WEIGHTS}
    assert hits[weight] >= max(hits.values()) - 0.03


def test_who_grew_after_the_cutoff_is_found_better_than_by_chance(shop):
    came = customer_outcomes(shop.tx, shop.window, shop.customers)["value"].to_numpy()
    grown = came - past_value(shop.customers, shop.window.horizon)
    outlook = shop.scores["growth_outlook"].to_numpy()
    assert hit_rate(outlook, grown, TOP_SHARE) > 1.3 * TOP_SHARE
    assert shop.model.forecast_.growth_.decline_weight_ in DECLINE_WEIGHTS


def test_the_weight_comes_back_from_its_state():
    model = GrowthModel()
    model.decline_weight_ = 0.3
    assert GrowthModel.from_dict(model.to_dict()).decline_weight_ == 0.3
