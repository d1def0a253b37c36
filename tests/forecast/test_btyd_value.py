"""Purchases times spend as one model of net money, by the likeliest of the purchase models."""

import json
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from tests.markets import START, one_time_shop

from duramen.btyd.gamma_gamma import GammaGammaModel
from duramen.data.customers import customer_table
from duramen.data.outcomes import customer_outcomes
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.errors import InputError
from duramen.evaluation.metrics import captured
from duramen.forecast.btyd_value import PURCHASE_MODELS, SMALLEST_NET_RATIO, SPEND_MODELS, BTYDValueModel


@pytest.fixture(scope="module")
def fitted(shop):
    return BTYDValueModel().fit(shop.customers)


def test_value_is_purchases_times_spend(shop, fitted):
    forecast = fitted.forecast(shop.customers, 91)
    np.testing.assert_allclose(
        forecast["btyd_value"], forecast["btyd_purchases"] * forecast["btyd_spend"], rtol=1e-12
    )
    assert np.isfinite(forecast).all(axis=None)
    assert (forecast > 0).all(axis=None)


def test_a_longer_horizon_never_brings_less(shop, fitted):
    short, long = (fitted.forecast(shop.customers, days) for days in (28, 364))
    for column in ("btyd_purchases", "btyd_value", "btyd_probability_active"):
        assert (long[column] >= short[column]).all()
    np.testing.assert_array_equal(short["btyd_probability_alive"], long["btyd_probability_alive"])


def test_being_active_takes_being_alive(shop, fitted):
    forecast = fitted.forecast(shop.customers, 10_000)
    assert (forecast["btyd_probability_active"] <= forecast["btyd_probability_alive"] + 1e-9).all()


@pytest.mark.parametrize("kind", PURCHASE_MODELS)
def test_a_forecast_does_not_depend_on_who_else_is_asked_about(shop, kind):
    model, everybody = PURCHASE_MODELS[kind]().fit(shop.customers), shop.customers
    forecasts = {
        "purchases": lambda some: model.expected_purchases(some, 91),
        "discounted": lambda some: model.discounted_purchases(some, 364, 3e-4),
        "alive": model.probability_alive,
        "active": lambda some: model.probability_active(some, 91),
    }
    for name, forecast in forecasts.items():
        of_all = forecast(everybody)
        for rows in ([0], [7, 2000], range(0, 2500, 25), range(1, 2400)):
            alone = forecast(everybody.iloc[list(rows)].reset_index(drop=True))
            np.testing.assert_array_equal(alone, of_all[list(rows)], err_msg=name)


def test_lifetime_value_is_the_discounted_forecast(shop, fitted):
    undiscounted = fitted.lifetime_value(shop.customers, 364, 0.0)
    np.testing.assert_allclose(undiscounted, fitted.forecast(shop.customers, 364)["btyd_value"], rtol=1e-3)
    discounted = fitted.lifetime_value(shop.customers, 364, 0.1)
    assert (discounted < undiscounted).all()
    assert (discounted > undiscounted / 1.1).all()


def test_amounts_times_k_give_value_times_k(shop, fitted):
    money = ["monetary_value", "basket_mean", "net_spend"]
    dear = shop.customers.assign(**{name: shop.customers[name] * 100 for name in money})
    value = BTYDValueModel().fit(dear).forecast(dear, 91)["btyd_value"]
    np.testing.assert_allclose(value, 100 * fitted.forecast(shop.customers, 91)["btyd_value"], rtol=1e-4)


def test_returns_lower_every_forecast_alike(shop, fitted):
    returned = shop.customers.assign(net_spend=shop.customers["net_spend"] * 0.8)
    again = BTYDValueModel().fit(returned)
    assert fitted.net_ratio_ == pytest.approx(1.0)
    assert again.net_ratio_ == pytest.approx(0.8)
    ratio = again.forecast(returned, 91)["btyd_value"] / fitted.forecast(shop.customers, 91)["btyd_value"]
    np.testing.assert_allclose(ratio, 0.8)


def test_more_returned_than_bought_leaves_no_negative_value(shop):
    model = BTYDValueModel().fit(shop.customers.assign(net_spend=-5.0))
    assert model.net_ratio_ == SMALLEST_NET_RATIO
    assert (model.forecast(shop.customers, 91)["btyd_value"] > 0).all()


def test_the_index_of_the_customers_is_kept(shop, fitted):
    part = shop.customers.iloc[5:9].set_axis(list("abcd"))
    assert list(fitted.forecast(part, 91).index) == list("abcd")


def test_state_and_back_forecasts_the_same(shop, fitted):
    again = BTYDValueModel.from_dict(fitted.to_dict())
    pd.testing.assert_frame_equal(
        again.forecast(shop.customers, 91), fitted.forecast(shop.customers, 91), check_exact=True
    )


def test_the_likeliest_of_the_purchase_models_is_used(shop, fitted):
    alone = {
        kind: BTYDValueModel((kind,)).fit(shop.customers).purchases_.log_likelihood_
        for kind in PURCHASE_MODELS
    }
    assert fitted.kind_ == max(alone, key=alone.get)
    assert fitted.purchases_.log_likelihood_ == pytest.approx(max(alone.values()))


@pytest.mark.parametrize("kind", PURCHASE_MODELS)
def test_every_kind_comes_back_from_its_state(shop, kind):
    model = BTYDValueModel((kind,)).fit(shop.customers)
    again = BTYDValueModel.from_dict(json.loads(json.dumps(model.to_dict())))
    pd.testing.assert_frame_equal(again.forecast(shop.customers, 91), model.forecast(shop.customers, 91))
    np.testing.assert_array_equal(
        again.lifetime_value(shop.customers, 364, 0.1), model.lifetime_value(shop.customers, 364, 0.1)
    )


def test_one_time_buyers_differ_in_spend_by_their_first_basket(shop, fitted):
    once = shop.customers[shop.customers["frequency"] == 0].sort_values("basket_mean")
    spend = fitted.forecast(once, 91)["btyd_spend"].to_numpy()
    assert (np.diff(spend) >= 0).all()
    assert spend[-1] > 2 * spend[0]


@pytest.mark.parametrize("kind", SPEND_MODELS)
def test_every_spend_model_scales_with_money_and_comes_back_from_its_state(shop, kind):
    model = BTYDValueModel(("BG/NBD",), kind).fit(shop.customers)
    assert model.spend_kind_ == kind
    again = BTYDValueModel.from_dict(json.loads(json.dumps(model.to_dict())), ("BG/NBD",))
    forecast = model.forecast(shop.customers, 91)
    pd.testing.assert_frame_equal(again.forecast(shop.customers, 91), forecast, check_exact=True)
    money = ["monetary_value", "basket_mean", "net_spend"]
    dear = shop.customers.assign(**{name: shop.customers[name] * 100 for name in money})
    of_dear = BTYDValueModel(("BG/NBD",), kind).fit(dear).forecast(dear, 91)
    np.testing.assert_allclose(of_dear["btyd_value"], 100 * forecast["btyd_value"], rtol=1e-4)


def test_an_unknown_spend_model_is_refused_by_name():
    with pytest.raises(InputError, match="spend is 'gamma'; give 'gamma-gamma' or 'credibility'"):
        BTYDValueModel(spend="gamma")


def test_credibility_is_used_where_gamma_gamma_says_that_customers_do_not_differ(shop):
    # Expected spend grows with purchase days so that its spread shrinks as chance would make it shrink.
    days = shop.customers["frequency"] + 1
    regulars = shop.customers.assign(basket_mean=85 - 75 / np.sqrt(days), basket_evenness=0.97)
    model = BTYDValueModel(("BG/NBD",)).fit(regulars)
    assert model.spend_kind_ == "credibility"
    assert "Gamma-gamma does not fit these amounts" in model.spend_notes_[0]
    assert model.forecast(regulars, 91)["btyd_spend"].std() > 10


def test_spend_is_learned_where_hardly_any_customer_came_back(shop):
    once = shop.customers[shop.customers["frequency"] == 0]
    few = pd.concat([once, shop.customers[shop.customers["frequency"] == 1].head(3)])
    for kind in SPEND_MODELS:
        forecast = BTYDValueModel(("BG/NBD",), kind).fit(few).forecast(few, 91)
        assert np.isfinite(forecast).all(axis=None)
        assert (forecast["btyd_spend"] > 0).all()
        assert (BTYDValueModel(("BG/NBD",), kind).fit(once).forecast(once, 91)["btyd_spend"] > 0).all()


def test_where_nearly_all_buy_once_the_first_tenth_brings_as_much_as_by_past_spend():
    """One-time buyers differ by their first basket; spend of repeat purchases alone orders them by chance."""
    window, found = Window(START + timedelta(days=304), 91), []
    for seed in range(3):
        tx = read_transactions(one_time_shop(6_000, 395, seed=seed))
        customers = customer_table(tx, window.cutoff)
        assert (customers["frequency"] == 0).mean() > 0.93
        actual = customer_outcomes(tx, window, customers)["value"].to_numpy()
        forecast = BTYDValueModel().fit(customers).forecast(customers, window.horizon)
        repeat = GammaGammaModel(purchases="repeat").fit(customers).expected_spend(customers)
        orders = (customers["net_spend"], forecast["btyd_value"], forecast["btyd_purchases"] * repeat)
        found.append([captured(order.to_numpy(), actual, 0.1) for order in orders])
    past, value, by_repeat = np.mean(found, axis=0)
    assert value > past - 0.02
    assert value > by_repeat + 0.1
