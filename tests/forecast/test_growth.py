"""The direction of a customer: forecast against the own past rate, how surely, and in money."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duramen.data.outcomes import customer_outcomes
from duramen.evaluation.metrics import area_under_roc, calibration_error, lift, spearman
from duramen.forecast.growth import growth_rate, past_trend, past_value

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


def test_the_rate_is_negative_exactly_where_the_forecast_is_below_the_past(shop):
    scores = shop.scores
    shrinks = scores["predicted_value"] < scores["past_value"]
    assert 0 < shrinks.mean() < 1
    assert ((scores["growth_rate"] < 0) == shrinks).all()
    assert ((scores["growth_potential"] > 0) == (scores["growth_rate"] > 0)).all()


@given(
    st.floats(0.01, 1e6), st.floats(0, 1e6), st.sampled_from([0.01, 1.0, 1e4]), st.sampled_from([0.01, 1e4])
)
def test_the_rate_keeps_its_sign_is_finite_and_knows_no_currency(value, past, basket, factor):
    rate = growth_rate(np.array([value]), np.array([past]), basket)[0]
    assert np.isfinite(rate)
    assert np.sign(rate) == np.sign(value - past) or rate == pytest.approx(0, abs=1e-9)
    other = growth_rate(np.array([factor * value]), np.array([factor * past]), factor * basket)[0]
    assert other == pytest.approx(rate, rel=1e-6, abs=1e-9)


def test_potential_is_what_the_forecast_lies_above_the_past(shop):
    scores = shop.scores
    above = np.maximum(scores["predicted_value"] - scores["past_value"], 0.0)
    np.testing.assert_array_equal(scores["growth_potential"], above)
    np.testing.assert_array_equal(scores["past_value"], past_value(shop.customers, shop.window.horizon))


def test_nobody_is_likelier_to_grow_than_to_buy(shop):
    scores = shop.scores
    assert (scores["probability_growing"] <= scores["probability_active"] + 1e-12).all()
    assert (scores["probability_growing"] >= 0).all()


def test_who_grows_is_found_beyond_the_past_trend_and_as_often_as_said(shop):
    money = customer_outcomes(shop.tx, shop.window, shop.customers)["value"].to_numpy()
    change = money - shop.scores["past_value"].to_numpy()
    grew = (change > 0).astype(float)
    probability = shop.scores["probability_growing"].to_numpy()
    ratio = (shop.scores["predicted_value"] / np.maximum(shop.scores["past_value"], 1e-9)).to_numpy()
    trend = past_trend(shop.customers, shop.window.horizon)
    assert grew.mean() < 1 / 3
    assert area_under_roc(probability, grew) > area_under_roc(ratio, grew) > area_under_roc(trend, grew)
    assert lift(probability, grew, 0.1) >= 1.5
    assert calibration_error(probability, grew) < 0.03
    assert spearman(shop.scores["growth_rate"].to_numpy(), change) > max(spearman(trend, change), 0)
