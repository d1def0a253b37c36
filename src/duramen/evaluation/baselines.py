"""A customer table and a window come in; forecasts of simple methods, which the model is compared with, go out.

Each learns from what lies before the cutoff and from nothing else.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from duramen.data.outcomes import customer_outcomes
from duramen.data.transactions import Transactions
from duramen.data.windows import Window
from duramen.evaluation.forecasts import Forecast
from duramen.evaluation.learned_baselines import learned_forecasts
from duramen.evaluation.moving_average import WEEK, weekly_average
from duramen.evaluation.registry import DISTRIBUTION, GROUPS, MONEY, ORDER, PROBABILITY
from duramen.forecast.btyd_value import BTYDValueModel
from duramen.forecast.growth import past_trend, past_value
from duramen.language import marked
from duramen.segments.rfm import groups_of_equal_count, rfm_score

PAST_SPEND, PAST_RATE, PAST_TREND = marked("past spend"), marked("past rate"), marked("past trend")
LAST_HORIZON, MOVING_AVERAGE = marked("last horizon"), "EWMA"
RFM, RECENCY = marked("RFM score"), marked("recency")


def simple_orders(customers: pd.DataFrame) -> list[Forecast]:
    """Return the orders that need no model: past spend, the RFM score and recency.

    Parameters
    ----------
    customers : pandas.DataFrame
        With ``net_spend``, ``frequency`` and ``time_since_last``, such as a customer table.
    """
    spend, rfm = customers["net_spend"].to_numpy(), rfm_score(customers)
    recency = -customers["time_since_last"].to_numpy()
    return [
        Forecast(PAST_SPEND, "value", ORDER, spend),
        *(Forecast(RFM, target, ORDER, rfm) for target in ("value", "activity")),
        *(Forecast(RECENCY, target, ORDER, recency) for target in ("value", "activity")),
    ]


def simple_groups(customers: pd.DataFrame, count: int) -> list[Forecast]:
    """Return groups that need no model, ``count`` of each kind with as many customers each.

    Parameters
    ----------
    customers : pandas.DataFrame
        With ``net_spend``, ``frequency`` and ``time_since_last``, such as a customer table.
    count : int
    """
    groups = groups_of_equal_count(customers, count)
    return [Forecast(name, "segments", GROUPS, labels) for name, labels in groups.items()]


def baseline_forecasts(
    tx: Transactions, window: Window, customers: pd.DataFrame, *, seed: int = 0
) -> list[Forecast]:
    """Return the forecasts of every baseline that the history supports.

    Parameters
    ----------
    tx : Transactions
    window : Window
    customers : pandas.DataFrame
        ``duramen.data.customers.customer_table(tx, window.cutoff)``; its rows are those of the forecasts.
    seed : int

    Returns
    -------
    list of Forecast
    """
    horizon = window.horizon
    past, trend = past_value(customers, horizon), past_trend(customers, horizon)
    return [
        *simple_orders(customers),
        Forecast(PAST_RATE, "value", MONEY, past),
        *_last_horizon(tx, window, customers),
        *_moving_average(tx, window, customers),
        *_btyd(customers, horizon, seed),
        *learned_forecasts(tx, window, customers, seed=seed),
        # A past rate that continues is a growth of 0 for every customer and orders none, so its order is by spend.
        *(Forecast(PAST_RATE, target, ORDER, past) for target in ("growth", "growing")),
        *(Forecast(PAST_TREND, target, ORDER, trend) for target in ("growth", "growing")),
    ]


def _last_horizon(tx: Transactions, window: Window, customers: pd.DataFrame) -> list[Forecast]:
    """Return net money over as many days before the cutoff as the horizon has, where the history reaches back."""
    last = window.earlier(window.horizon)
    if last.cutoff < tx.first_date:
        return []
    money = customer_outcomes(tx, last, customers)["value"].to_numpy()
    return [Forecast(LAST_HORIZON, "value", MONEY, money)]


def _moving_average(tx: Transactions, window: Window, customers: pd.DataFrame) -> list[Forecast]:
    """Return the moving average of weekly spend over the horizon, never below 0."""
    average = weekly_average(tx, window.cutoff, customers)
    if average is None:
        return []
    return [Forecast(MOVING_AVERAGE, "value", MONEY, np.maximum(average, 0.0) * window.horizon / WEEK)]


def _btyd(customers: pd.DataFrame, horizon: int, seed: int) -> list[Forecast]:
    forecasts = []
    for kind in ("BG/NBD", "Pareto/NBD"):
        model = BTYDValueModel((kind,)).fit(customers)
        forecast = model.forecast(customers, horizon)
        value, active = forecast["btyd_value"].to_numpy(), forecast["btyd_probability_active"].to_numpy()
        forecasts += [
            Forecast(f"{kind} x gamma-gamma", "value", MONEY, value),
            Forecast(
                f"{kind} x gamma-gamma", "value", DISTRIBUTION,
                model.money_quantiles(customers, horizon, seed=seed),
            ),
            Forecast(kind, "activity", PROBABILITY, active),
        ]  # fmt: skip
    return forecasts
