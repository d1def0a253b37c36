"""A customer table and a window come in; forecasts of simple methods, which the model is compared with, go out.

Each learns from what lies before the cutoff and from nothing else.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from duramen.data.customers import customer_table, typical_basket
from duramen.data.outcomes import customer_outcomes
from duramen.data.transactions import Transactions
from duramen.data.windows import Window
from duramen.evaluation.forecasts import Forecast
from duramen.evaluation.registry import DISTRIBUTION, GROUPS, MONEY, ORDER, PROBABILITY
from duramen.forecast.btyd_value import BTYDValueModel
from duramen.forecast.extra_features import ExtraFeatures
from duramen.forecast.folds import LEAST_CUSTOMERS, in_money_unit
from duramen.forecast.growth import past_trend, past_value
from duramen.segments.rfm import groups_of_equal_count, rfm_score

PAST_SPEND, PAST_RATE, PAST_TREND = "past spend", "past rate", "past trend"
RFM, RECENCY, PLAIN_TREES = "RFM score", "recency", "plain LightGBM"
# Boosting rounds of LightGBM by default.
DEFAULT_ROUNDS = 100


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
        ``customer_table(tx, window.cutoff)``; its rows are those of the forecasts.
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
        *_btyd(customers, horizon, seed),
        *_plain_trees(tx, window, customers, seed),
        # A past rate that continues is a growth of 0 for every customer and orders none, so its order is by spend.
        *(Forecast(PAST_RATE, target, ORDER, past) for target in ("growth", "growing")),
        *(Forecast(PAST_TREND, target, ORDER, trend) for target in ("growth", "growing")),
    ]


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


def _plain_trees(tx: Transactions, window: Window, customers: pd.DataFrame, seed: int) -> list[Forecast]:
    """Return LightGBM with its defaults, on the customer table one label window earlier, money in typical baskets.

    The label window is the horizon, or half the history where that is less: as much history lies before it as it is
    long. Money is then scaled to the horizon; a probability over fewer days has no such scale and gives an order.
    """
    labels = min(window.horizon, (window.cutoff - tx.first_date).days // 2)
    if labels < 1:
        return []
    training = Window(window.cutoff, labels).earlier(labels)
    known = customer_table(tx, training.cutoff)
    outcomes = customer_outcomes(tx, training, known)
    if len(known) < LEAST_CUSTOMERS or not 0 < outcomes["active"].mean() < 1:
        return []
    basket, extra = typical_basket(known), ExtraFeatures.of(tx, window.cutoff)
    money, active = np.maximum(outcomes["value"].to_numpy(), 0.0) / basket, outcomes["active"].to_numpy()
    features, at_cutoff = (
        in_money_unit(extra.encode(table.drop(columns="customer_id")), basket) for table in (known, customers)
    )
    value = _default_trees(features, money, at_cutoff, seed, "tweedie") * basket * window.horizon / labels
    probability = _default_trees(features, active, at_cutoff, seed, "binary")
    kind = PROBABILITY if labels == window.horizon else ORDER
    return [
        Forecast(PLAIN_TREES, "value", MONEY, value),
        Forecast(PLAIN_TREES, "activity", kind, probability),
    ]


def _default_trees(
    features: pd.DataFrame, target: np.ndarray, at_cutoff: pd.DataFrame, seed: int, objective: str
) -> np.ndarray:
    import lightgbm as lgb

    # All but the objective change no default of the trees; they give the same trees every time, without messages.
    settings = {
        "objective": objective,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    booster = lgb.train(settings, lgb.Dataset(features, label=target), num_boost_round=DEFAULT_ROUNDS)
    forecast: np.ndarray = booster.predict(at_cutoff)
    return forecast
