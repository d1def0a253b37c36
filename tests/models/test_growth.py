"""Growth potential: expected money above the customer's own past rate."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duramen.models.growth import growth_potential, past_value

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


def test_amounts_times_k_give_growth_times_k(shop):
    value, probability = (shop.scores[name].to_numpy() for name in ("predicted_value", "probability_active"))
    grown = growth_potential(shop.customers, value, probability, shop.model.distribution_, 91)
    np.testing.assert_allclose(grown, shop.scores["growth_potential"])
    dear = shop.customers.assign(net_spend=shop.customers["net_spend"] * 100)
    np.testing.assert_allclose(
        growth_potential(dear, value * 100, probability, shop.model.distribution_, 91), 100 * grown
    )


def test_growth_lies_between_nothing_and_the_predicted_value(shop):
    growth, value = shop.scores["growth_potential"], shop.scores["predicted_value"]
    assert (growth >= 0).all()
    assert (growth <= value * (1 + 1e-9)).all()
    assert (growth >= value - past_value(shop.customers, 91) - 1e-6).all()


def test_a_customer_whose_past_was_nothing_can_only_grow(shop):
    one = shop.customers.head(1).assign(net_spend=0.0)
    value, probability = np.array([25.0]), np.array([0.4])
    assert growth_potential(one, value, probability, shop.model.distribution_, 91) == pytest.approx(25.0)
