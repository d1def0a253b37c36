"""A customer table and a window come in; what plain methods forecast goes out. Called by the backtest.

What an analyst would try first. Each learns from what lies before the cutoff and from nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from duramen.data.customers import customer_table, typical_basket
from duramen.data.outcomes import customer_outcomes
from duramen.data.transactions import Transactions
from duramen.data.windows import Window
from duramen.forecast.btyd_value import BTYDValueModel
from duramen.forecast.folds import LEAST_CUSTOMERS, in_money_unit
from duramen.forecast.growth import past_value
from duramen.segments.rfm import rfm_score

# Trees of LightGBM where nobody says otherwise.
DEFAULT_ROUNDS = 100


@dataclass(frozen=True)
class Forecast:
    """What one model said of every customer.

    Attributes
    ----------
    model : str
    target : str
        "value", "activity", "growth" or "potential" (growth where it is above 0).
    says : str
        "money" or "probability", or "order" where only who comes before whom has a meaning.
    values : numpy.ndarray of shape (n,)
    """

    model: str
    target: str
    says: str
    values: np.ndarray


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
    recency = -customers["time_since_last"].to_numpy()
    rfm = rfm_score(customers)
    past, trend = past_value(customers, horizon), past_trend(customers, horizon)
    return [
        Forecast("past spend", "value", "order", customers["net_spend"].to_numpy()),
        Forecast("past rate", "value", "money", past),
        *(Forecast("RFM score", target, "order", rfm) for target in ("value", "activity")),
        *(Forecast("recency", target, "order", recency) for target in ("value", "activity")),
        *_btyd(customers, horizon),
        *_plain_trees(tx, window, customers, seed),
        # That the past rate goes on is a growth of 0 for everybody: it orders nobody, and chance is what it earns.
        # Who spends most grows most is the order that can be made of it.
        Forecast("past rate", "growth", "order", past),
        Forecast("past trend", "growth", "money", trend),
        Forecast("past rate", "potential", "order", past),
        Forecast("past trend", "potential", "money", np.maximum(trend, 0.0)),
    ]


def _btyd(customers: pd.DataFrame, horizon: int) -> list[Forecast]:
    told = []
    for kind in ("BG/NBD", "Pareto/NBD"):
        forecast = BTYDValueModel((kind,)).fit(customers).forecast(customers, horizon)
        value, active = forecast["btyd_value"].to_numpy(), forecast["btyd_probability_active"].to_numpy()
        told += [
            Forecast(f"{kind} x gamma-gamma", "value", "money", value),
            Forecast(kind, "activity", "probability", active),
        ]
    return told


def _plain_trees(tx: Transactions, window: Window, customers: pd.DataFrame, seed: int) -> list[Forecast]:
    """LightGBM as it comes, on the customer table one label window earlier, money in typical baskets.

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
    basket = typical_basket(known)
    money, active = np.maximum(outcomes["value"].to_numpy(), 0.0) / basket, outcomes["active"].to_numpy()
    features, at_cutoff = (
        in_money_unit(table.drop(columns="customer_id"), basket) for table in (known, customers)
    )
    value = _default_trees(features, money, at_cutoff, seed, "tweedie") * basket * window.horizon / labels
    probability = _default_trees(features, active, at_cutoff, seed, "binary")
    says = "probability" if labels == window.horizon else "order"
    return [
        Forecast("plain LightGBM", "value", "money", value),
        Forecast("plain LightGBM", "activity", says, probability),
    ]


def _default_trees(
    features: pd.DataFrame, target: np.ndarray, at_cutoff: pd.DataFrame, seed: int, objective: str
) -> np.ndarray:
    import lightgbm as lgb

    # The last three change no default of the trees; they make the same trees come out every time, in silence.
    settings = {
        "objective": objective,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    learned = lgb.Dataset(features, label=target)
    booster = lgb.train(settings, learned, num_boost_round=DEFAULT_ROUNDS)
    forecast: np.ndarray = booster.predict(at_cutoff)
    return forecast


def past_trend(customers: pd.DataFrame, horizon: int) -> np.ndarray:
    """Return the growth of each customer over the horizon if the latest change of spend went on.

    The change is the net money of the last 182 days less that of the 182 days before, or of 91 days where the horizon
    or half the customer's age is shorter, as money over the horizon. Below an age of 182 days no change is known, and
    0 is foreseen.

    Parameters
    ----------
    customers : pandas.DataFrame
        Customer table with ``net_spend_91``, ``net_spend_182``, ``net_spend_364`` and ``T``.
    horizon : int
        Days.

    Returns
    -------
    numpy.ndarray of shape (n,)
        Net money in the unit of the source.

    Examples
    --------
    >>> customers = pd.DataFrame(
    ...     {"net_spend_91": [50.0, 50.0], "net_spend_182": [70.0, 70.0], "net_spend_364": 80.0, "T": [400.0, 90.0]}
    ... )
    >>> past_trend(customers, 182)
    array([60.,  0.])
    >>> past_trend(customers, 91)
    array([30.,  0.])
    """
    age = customers["T"].to_numpy()
    trend = np.zeros(len(customers))
    for length in (91, 182):
        recent, both = (customers[f"net_spend_{days}"].to_numpy() for days in (length, 2 * length))
        known = (age >= 2 * length) & (length <= max(horizon, 91))
        # Money has four decimals: what is left of equal sums beyond them is no change.
        trend = np.where(known, np.round(2 * recent - both, 4) * horizon / length, trend)
    return trend
