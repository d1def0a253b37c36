"""Transactions and a window come in; forecasts of value and activity by plain LightGBM models go out.

They learn from the customer table one label window before the cutoff and from what customers did in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import logit

from duramen.data.customers import customer_table, typical_basket
from duramen.data.outcomes import customer_outcomes
from duramen.data.transactions import Transactions
from duramen.data.windows import Window
from duramen.evaluation.forecasts import Forecast
from duramen.evaluation.registry import DISTRIBUTION, MONEY, ORDER, PROBABILITY
from duramen.evaluation.zero_inflated_lognormal import gradient, hurdle_mean, hurdle_quantiles, parameters_of
from duramen.forecast.extra_features import ExtraFeatures
from duramen.forecast.folds import LEAST_CUSTOMERS, in_money_unit
from duramen.language import marked

PLAIN_TREES, HURDLE, ZILN = marked("plain LightGBM"), marked("hurdle LightGBM"), "ZILN"
# Boosting rounds of LightGBM by default.
DEFAULT_ROUNDS = 100
# The same trees every time, without messages. More threads gain little on so few customers, and wait where others work.
FIXED = {"deterministic": True, "force_col_wise": True, "num_threads": 1, "verbosity": -1}
# Trees for p, mu and sigma. Default ones follow the noise of some thousand customers.
# Where no feature can divide the customers, as among few, all get the same (by default an own objective fails there).
SMALL_TREES = FIXED | {"num_leaves": 4, "lambda_l2": 1.0, "feature_pre_filter": False}
SMALL_ROUNDS = 50
# Curvature in a leaf below which it says nothing: about 80 customers for p, ten buyers for sigma.
LEAST_HESSIAN = 20.0
# Logarithms of the money of buyers who all spend the same have no spread to start from.
LEAST_SPREAD = 0.1


@dataclass(frozen=True)
class LabelWindow:
    """What models learn from, and what they forecast; money in typical baskets.

    Attributes
    ----------
    features, at_cutoff : pandas.DataFrame
        The customers at the start of the label window, and those at the cutoff.
    money, active : numpy.ndarray of shape (n,)
        What the customers of ``features`` did in the label window; money below 0 counts as 0.
    unit : float
        Money over the horizon for each basket in the label window.
    is_whole : bool
        Whether the label window is as long as the horizon.
    """

    features: pd.DataFrame
    at_cutoff: pd.DataFrame
    money: np.ndarray
    active: np.ndarray
    unit: float
    is_whole: bool

    @property
    def kind_of_activity(self) -> str:
        """What a forecast of ``active`` is of the horizon."""
        return PROBABILITY if self.is_whole else ORDER

    @classmethod
    def before(cls, tx: Transactions, window: Window, customers: pd.DataFrame) -> Self | None:
        """Return the label window that ends at the cutoff, or None where the history has nothing to learn from.

        It is the horizon, or half the history where that is less: as much history lies before it as it is long. Money
        is then scaled to the horizon; a probability over fewer days has no such scale and gives an order, and a
        distribution is not given.
        """
        labels = min(window.horizon, (window.cutoff - tx.first_date).days // 2)
        if labels < 1:
            return None
        training = Window(window.cutoff, labels).earlier(labels)
        known = customer_table(tx, training.cutoff)
        outcomes = customer_outcomes(tx, training, known)
        if len(known) < LEAST_CUSTOMERS or not 0 < outcomes["active"].mean() < 1:
            return None
        basket, extra = typical_basket(known), ExtraFeatures.of(tx, window.cutoff)
        features, at_cutoff = (
            in_money_unit(extra.encode(table.drop(columns="customer_id")), basket)
            for table in (known, customers)
        )
        return cls(
            features,
            at_cutoff,
            money=np.maximum(outcomes["value"].to_numpy(), 0.0) / basket,
            active=outcomes["active"].to_numpy(),
            unit=basket * window.horizon / labels,
            is_whole=labels == window.horizon,
        )


def learned_forecasts(
    tx: Transactions, window: Window, customers: pd.DataFrame, *, seed: int = 0
) -> list[Forecast]:
    """Return the forecasts of plain, hurdle and zero-inflated lognormal LightGBM that the history supports.

    Parameters
    ----------
    tx : Transactions
    window : Window
    customers : pandas.DataFrame
        ``customer_table(tx, window.cutoff)``; its rows are those of the forecasts.
    seed : int
    """
    known = LabelWindow.before(tx, window, customers)
    if known is None:
        return []
    forecasts = _plain(known, seed)
    if (known.money > 0).sum() >= LEAST_CUSTOMERS:
        forecasts += _zero_inflated(HURDLE, known, *hurdle_parameters(known, seed))
        forecasts += _zero_inflated(ZILN, known, *ziln_parameters(known, seed))
    return forecasts


def _plain(known: LabelWindow, seed: int) -> list[Forecast]:
    """Return LightGBM with its defaults: Tweedie for money, binary for activity."""
    money, active = (
        _trees(
            known.features, target, known.at_cutoff, FIXED | {"objective": objective}, DEFAULT_ROUNDS, seed
        )
        for target, objective in ((known.money, "tweedie"), (known.active, "binary"))
    )
    return [
        Forecast(PLAIN_TREES, "value", MONEY, money * known.unit),
        Forecast(PLAIN_TREES, "activity", known.kind_of_activity, active),
    ]


def _zero_inflated(
    name: str, known: LabelWindow, probability: np.ndarray, mu: np.ndarray, sigma: np.ndarray | float
) -> list[Forecast]:
    value = hurdle_mean(probability, mu, sigma, most=known.money.max()) * known.unit
    forecasts = [
        Forecast(name, "value", MONEY, value),
        Forecast(name, "activity", known.kind_of_activity, probability),
    ]
    if known.is_whole:
        quantiles = hurdle_quantiles(probability, mu, sigma) * np.float32(known.unit)
        forecasts.append(Forecast(name, "value", DISTRIBUTION, quantiles))
    return forecasts


def hurdle_parameters(known: LabelWindow, seed: int = 0) -> tuple[np.ndarray, np.ndarray, float]:
    """Return p by a classifier, mu by a regression of the buyers' log money, and sigma, that of its residuals."""
    buys = known.money > 0
    bought, log_money = known.features[buys], np.log(known.money[buys])
    classifier, regression = (SMALL_TREES | {"objective": name} for name in ("binary", "regression"))
    probability = _trees(known.features, buys.astype(float), known.at_cutoff, classifier, SMALL_ROUNDS, seed)
    both = pd.concat([bought, known.at_cutoff])
    mu = _trees(bought, log_money, both, regression, SMALL_ROUNDS, seed)
    return probability, mu[len(bought) :], float(np.std(log_money - mu[: len(bought)]))


def ziln_parameters(known: LabelWindow, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return p, mu and sigma by trees that lower the negative log likelihood of all three at once."""
    log_money = np.log(known.money[known.money > 0])
    start = np.array(
        [
            logit(len(log_money) / len(known.money)),
            log_money.mean(),
            np.log(max(log_money.std(), LEAST_SPREAD)),
        ]
    )
    settings = SMALL_TREES | {
        "objective": lambda scores, _: gradient(scores, known.money),
        "num_class": 3,
        "min_sum_hessian_in_leaf": LEAST_HESSIAN,
    }
    scores = _trees(known.features, known.money, known.at_cutoff, settings, SMALL_ROUNDS, seed, start)
    return parameters_of(scores + start)


def _trees(
    features: pd.DataFrame,
    target: np.ndarray,
    at_cutoff: pd.DataFrame,
    settings: dict[str, Any],
    rounds: int,
    seed: int,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Fit LightGBM, and return its forecast at the cutoff; with ``start``, the raw scores above it."""
    import lightgbm as lgb

    scores = None if start is None else np.tile(start, (len(features), 1))
    data = lgb.Dataset(features, label=target, init_score=scores)
    booster = lgb.train(settings | {"seed": seed}, data, num_boost_round=rounds)
    forecast: np.ndarray = booster.predict(at_cutoff, num_threads=1)
    return forecast
