"""The forecast model alone: it forecasts what the core customer model scores, and learns from the past alone."""

import numpy as np
import pandas as pd
import pytest

from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions
from duramen.errors import InputError
from duramen.forecast.model import ForecastModel


@pytest.fixture(scope="module")
def alone(shop):
    return ForecastModel().fit(shop.tx, shop.window)


def test_it_forecasts_alone_what_the_core_customer_model_predicts(shop, alone):
    forecast = alone.forecast(shop.customers)
    for name, values in {
        "predicted_value": forecast.value,
        "probability_active": forecast.probability,
        "growth_potential": forecast.growth["growth_potential"],
        "growth_rate": forecast.growth["growth_rate"],
        "probability_growing": forecast.growth["probability_growing"],
        "probability_alive": forecast.btyd["btyd_probability_alive"],
    }.items():
        np.testing.assert_array_equal(values, shop.scores[name], err_msg=name)


def test_its_holdout_and_notes_are_part_of_those_of_the_core_customer_model(shop, alone):
    pd.testing.assert_frame_equal(
        alone.holdout_, shop.model.holdout_.drop(columns="segment"), check_exact=True
    )
    assert alone.notes_ == shop.model.notes_[: len(alone.notes_)] != []
    assert alone.holdout_window_ == shop.model.holdout_window_


def test_a_block_is_the_forecast_of_its_customers(shop, alone):
    rows = slice(40, 90)
    block, forecast = alone.forecast(shop.customers).block(rows), alone.forecast(shop.customers.iloc[rows])
    np.testing.assert_allclose(block.value, forecast.value, rtol=1e-12)
    np.testing.assert_allclose(block.probability, forecast.probability, rtol=1e-12)
    for name in ("features", "btyd", "growth"):
        pd.testing.assert_frame_equal(getattr(block, name), getattr(forecast, name), rtol=1e-12)


def test_state_boosters_and_holdout_back_forecast_the_same(shop, alone):
    again = ForecastModel.from_dict(
        alone.to_dict(), alone.boosters(), alone.holdout_, alone.settings, alone.seed
    )
    assert again.to_dict() == alone.to_dict()
    for one, other in zip(again.forecast(shop.customers), alone.forecast(shop.customers), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_customer_table_without_a_learned_column_is_refused(shop, alone):
    with pytest.raises(InputError, match=r"lacks 2 columns .*customer_id, quantity"):
        alone.forecast(shop.customers.drop(columns=["customer_id", "quantity"]))


def test_the_training_sample_is_the_same_at_each_call(shop):
    from duramen.forecast.settings import ForecastSettings

    model = ForecastModel(ForecastSettings(training_customers=100), seed=3)
    first, second = (
        customer_table(model.training_sample(shop.tx, shop.customers), shop.window.cutoff) for _ in range(2)
    )
    assert len(first) == 100
    pd.testing.assert_frame_equal(first, second)
    assert ForecastModel().training_sample(shop.tx, shop.customers) is shop.tx


@pytest.mark.slow
def test_customers_at_the_holdout_are_too_few_where_nearly_all_came_after_it(shop):
    known = shop.orders["customer_id"].isin(shop.orders["customer_id"].unique()[:5])
    later = shop.orders["date"] + pd.Timedelta(days=365)
    orders = shop.orders.assign(date=shop.orders["date"].where(known, later))
    with pytest.raises(
        InputError, match=r"fewer than 10 customers before 1997-12-31.* to evaluate a forecast on"
    ):
        ForecastModel().fit(read_transactions(orders, currency="USD"), shop.window)


def test_settings_of_another_kind_are_refused():
    with pytest.raises(InputError, match="give ForecastSettings"):
        ForecastModel({"calibrated": False})
