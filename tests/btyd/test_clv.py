"""Customer lifetime value: against a sum by months, its units, its edges."""

import math

import numpy as np
import pytest

from duramen.btyd import BetaGeoModel, GammaGammaModel, ParetoNBDModel, customer_lifetime_value
from duramen.btyd.clv import yearly_to_unit
from duramen.errors import InputError


@pytest.fixture(scope="module")
def fitted(cdnow):
    return BetaGeoModel().fit(cdnow), GammaGammaModel().fit(cdnow)


def test_value_is_the_discounted_sum_of_expected_purchases_times_spend(cdnow, fitted):
    model, spend = fitted
    some = cdnow.head(50)
    value = customer_lifetime_value(model, spend, some, 52, unit="weeks", discount_rate=0.15, margin=0.3)
    edges = np.linspace(0, 52, 521)
    expected = np.array([model.expected_purchases(some, edge) for edge in edges])
    faded = np.exp(-yearly_to_unit(0.15, "weeks") * (edges[1:] + edges[:-1]) / 2)
    by_sum = 0.3 * spend.expected_spend(some) * (np.diff(expected, axis=0) * faded[:, None]).sum(axis=0)
    np.testing.assert_allclose(value, by_sum, rtol=1e-6)


def test_value_lies_beside_lifetimes_whose_months_pay_at_their_end(cdnow, fitted):
    model, spend = fitted
    buyers = cdnow[cdnow["frequency"] > 0]
    columns = (buyers[c] for c in ("frequency", "recency", "T", "monetary_value"))
    theirs = spend.to_lifetimes().customer_lifetime_value(
        model.to_lifetimes(), *columns, time=12, discount_rate=0.01, freq="W"
    )
    ours = customer_lifetime_value(
        model, spend, buyers, 12 * 4.345, unit="weeks", discount_rate=1.01 ** (365.25 / 7 / 4.345) - 1
    )
    # half a month of discount lies between paying within the month and at its end
    assert (ours / theirs).min() > 1.001
    assert (ours / theirs).max() < 1.01


def test_the_unit_does_not_change_the_value(cdnow, fitted):
    model, spend = fitted
    daily = cdnow.assign(recency=cdnow["recency"] * 7, T=cdnow["T"] * 7)
    weeks = customer_lifetime_value(model, spend, cdnow, 52, unit="weeks")
    days = customer_lifetime_value(BetaGeoModel().fit(daily), spend, daily, 364, unit="days")
    np.testing.assert_allclose(days, weeks, rtol=1e-8)


def test_no_horizon_gives_nothing_and_no_discount_the_plain_product(cdnow, fitted):
    model, spend = fitted
    assert (customer_lifetime_value(model, spend, cdnow, 0) == 0).all()
    np.testing.assert_allclose(
        customer_lifetime_value(model, spend, cdnow, 39, discount_rate=0),
        model.expected_purchases(cdnow, 39) * spend.expected_spend(cdnow),
    )
    fifty = customer_lifetime_value(model, 35.0, cdnow, 50 * 52.18, unit="weeks")
    assert np.isfinite(fifty).all()
    assert (fifty > 0).all()


def test_an_endless_horizon_gives_the_residual_lifetime_value_where_the_model_has_it(cdnow, fitted):
    model, some = ParetoNBDModel().fit(cdnow), cdnow.head(50)
    residual = customer_lifetime_value(model, 35.0, some, math.inf, unit="weeks", discount_rate=0.15)
    centuries = customer_lifetime_value(model, 35.0, some, 30_000, unit="weeks", discount_rate=0.15)
    np.testing.assert_allclose(residual, centuries, rtol=1e-6)
    with pytest.raises(InputError, match="BetaGeoModel has no residual lifetime value"):
        customer_lifetime_value(*fitted, some, math.inf)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"unit": "fortnights"}, "unit of time 'fortnights' is unknown"),
        ({"discount_rate": -0.1}, "discount rate is -0.1"),
        ({"margin": np.nan}, "margin is nan"),
    ],
)
def test_wrong_options_are_named(cdnow, fitted, options, sentence):
    with pytest.raises(InputError, match=sentence):
        customer_lifetime_value(*fitted, cdnow, 10, **options)
