"""Last horizon and moving average: sums by hand, customers who stop, returns, short histories, the choice of alpha."""

import numpy as np
import pandas as pd
import pytest

from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.evaluation.baselines import baseline_forecasts
from duramen.evaluation.moving_average import ALPHAS, smooth, weekly_average


def made_of(orders, window):
    tx = read_transactions(orders)
    forecasts = baseline_forecasts(tx, window, customer_table(tx, window.cutoff))
    return {forecast.model: forecast for forecast in forecasts if forecast.kind == "money"}


def average_of(orders, cutoff):
    tx = read_transactions(orders)
    customers = customer_table(tx, cutoff)
    return pd.Series(weekly_average(tx, Window(cutoff, 7).cutoff, customers), index=customers["customer_id"])


def weekly(customer, first, weeks, amount=10.0):
    dates = pd.date_range(first, periods=weeks, freq="7D")
    return pd.DataFrame({"customer_id": customer, "date": dates, "amount": amount})


def test_who_stopped_is_forecast_less_the_longer_ago_it_was():
    orders = pd.concat(
        [weekly("stopped", "2024-01-01", 20), weekly("paused", "2024-01-01", 35), weekly("goes on", "2024-01-01", 40)]
    )  # fmt: skip
    average = average_of(orders, "2024-10-07")
    assert 0 < average["stopped"] < average["paused"] < average["goes on"] <= 10.0
    # Twenty weeks without a purchase.
    before = average_of(orders[orders["date"] < "2024-05-20"], "2024-05-20")
    assert (average["stopped"] / before["stopped"]) < 0.98**20 + 1e-9


def test_the_average_is_the_weighted_sum_of_past_weeks():
    """With 10, 0, 30 in three weeks the average is alpha (30 + 10 (1 - alpha)^2), by the alpha of least error."""
    orders = pd.DataFrame(
        {
            "customer_id": "a",
            "date": pd.to_datetime(["2024-01-03", "2024-01-17", "2024-01-21"]),
            "amount": [10, 25, 5],
        }
    )
    alpha = np.array(ALPHAS)
    errors = (0 - alpha * 10) ** 2 + (30 - (1 - alpha) * alpha * 10) ** 2
    expected = alpha * (30 + 10 * (1 - alpha) ** 2)
    assert average_of(orders, "2024-01-24")["a"] == pytest.approx(expected[errors.argmin()])


def test_an_even_pace_asks_for_a_slow_average_and_a_changed_one_for_a_fast():
    rng = np.random.default_rng(0)
    noisy = [pd.Series(rng.exponential(10.0, 500)) for _ in range(60)]
    changed = [pd.Series(np.full(500, 10.0 if week % 20 < 10 else 40.0)) for week in range(60)]
    first = np.full(500, -1)
    np.testing.assert_array_equal(smooth(noisy, first), smooth(noisy, first, alphas=ALPHAS[:3]))
    np.testing.assert_array_equal(smooth(changed, first), smooth(changed, first, alphas=ALPHAS[-1:]))


def test_returns_count_and_no_forecast_is_below_nothing():
    orders = pd.concat([weekly("kept", "2024-01-01", 10), weekly("returned", "2024-01-01", 10)])
    back = pd.DataFrame(
        {"customer_id": ["returned"], "date": [pd.Timestamp("2024-03-10")], "amount": [-900.0]}
    )
    orders = pd.concat([orders, back])
    assert average_of(orders, "2024-03-11")["returned"] < 0
    forecast = made_of(orders, Window("2024-03-11", 28))["EWMA"]
    assert forecast.values[1] == 0.0
    assert forecast.values[0] == pytest.approx(4 * average_of(orders, "2024-03-11")["kept"])


def test_less_than_two_weeks_of_history_give_no_average():
    orders = pd.concat([weekly(name, "2024-01-01", 2) for name in "abc"])
    tx = read_transactions(orders)
    window = Window("2024-01-14", 7)
    assert weekly_average(tx, window.cutoff, customer_table(tx, window.cutoff)) is None
    assert "EWMA" not in made_of(orders, window)
    assert "EWMA" in made_of(orders, Window("2024-01-15", 7))


def test_the_last_horizon_is_the_sum_by_hand_with_returns(shop_orders):
    window = Window("1998-01-01", 91)
    some = shop_orders.iloc[::7].assign(amount=lambda rows: -3 * rows["amount"])
    orders = pd.concat([shop_orders, some], ignore_index=True)
    known = orders[orders["date"] < "1998-01-01"]
    by_hand = known[known["date"] >= "1997-10-02"].groupby("customer_id")["amount"].sum()
    tx = read_transactions(orders)
    customers = customer_table(tx, window.cutoff)
    forecast = made_of(orders, window)["last horizon"]
    expected = by_hand.reindex(customers["customer_id"]).fillna(0.0)
    np.testing.assert_allclose(forecast.values, expected, atol=1e-6)
    assert (forecast.values < 0).any()


def test_a_history_shorter_than_the_horizon_has_no_last_horizon(shop_orders):
    assert "last horizon" in made_of(shop_orders, Window("1997-04-01", 90))
    assert "last horizon" not in made_of(shop_orders, Window("1997-04-01", 91))
