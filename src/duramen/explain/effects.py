"""A forecast of customers comes in; the effect of each feature on each of them goes out, as factors or terms.

In log space the blend of BTYD and trees is a sum, so its exponentials multiply to the value exactly.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import logit

from duramen.explain.tree_shap import TreeShap
from duramen.forecast.churn import clip_probability
from duramen.forecast.model import Forecast, ForecastModel
from duramen.forecast.value import log_probability_ratio
from duramen.language import marked

# The unit of factors, and that of terms of P(active).
TIMES, LOG_ODDS = marked("times"), marked("log odds")


class Effects(NamedTuple):
    """What each feature does to one part of the ranking.

    Of "value" the ``effects`` are logarithms of factors, else terms, shape (n, p); ``base`` is what all customers
    share, None where there is nothing; ``unit`` is that of the terms, or of the product of the factors.
    """

    part: str
    effects: pd.DataFrame
    base: float | None
    unit: str

    def relative_to(self, typical: dict[str, float]) -> Effects:
        """Return the same effects relative to those of a typical customer, by feature, which go into the base."""
        if self.base is None or not typical:
            return self
        moved = pd.Series(typical).reindex(self.effects.columns, fill_value=0.0)
        return self._replace(effects=self.effects - moved, base=self.base + float(moved.sum()))

    def means(self, weights: np.ndarray) -> dict[str, float]:
        """Return the weighted mean of the effects of each feature over the customers."""
        means = np.average(self.effects.to_numpy(), axis=0, weights=weights)
        return dict(zip(map(str, self.effects.columns), means.tolist(), strict=True))


def value_effects(model: ForecastModel, typical: dict[str, float], forecast: Forecast) -> Effects:
    """Return logarithms of the factors that multiply to the predicted value.

    Parameters
    ----------
    model : ForecastModel
    typical : dict of str to float
        ``typical_customer`` of the customers that others are compared with.
    forecast : Forecast
        Of the customers to explain, by the model.
    """
    features, btyd, value = forecast.features, forecast.btyd, model.value_
    factors = pd.DataFrame(0.0, index=features.index, columns=features.columns)
    base, boosters = 0.0, model.boosters()
    weight, two_stage = value.btyd_weight_, value.two_stage_weight_
    for name, share in (("value", value.trees_weight_), ("spend", two_stage)):
        if name in boosters:
            trees = _tree_shap(boosters[name])
            factors += share * trees.values(features)
            base += share * trees.base
    if two_stage > 0:
        typical_ratio = np.log(typical["probability_ratio"])
        ratio = log_probability_ratio(features, forecast.probability)
        factors["probability_active"] = two_stage * (ratio - typical_ratio)
        base += two_stage * typical_ratio
    # BTYD value = P(alive) x purchases if alive x spend; a value below the floor counts as the floor.
    typical_alive, typical_purchases, typical_spend = (
        np.log(typical[part]) for part in ("btyd_probability_alive", "btyd_purchases", "btyd_spend")
    )
    alive = np.log(_positive(btyd["btyd_probability_alive"]))
    spend = np.log(_positive(btyd["btyd_spend"]))
    unit = np.log(model.money_unit_)
    total = unit + np.log(np.maximum(features["btyd_value"], value.floor_))
    purchases_if_alive = total - spend - alive
    typical_if_alive = typical_purchases - typical_alive
    factors["btyd_probability_alive"] = weight * (alive - typical_alive)
    factors["btyd_purchases"] += weight * (purchases_if_alive - typical_if_alive)
    factors["btyd_spend"] += weight * (spend - typical_spend)
    base += weight * (typical_purchases + typical_spend - unit)
    base += np.log(value.level_) + unit
    return Effects("value", factors, float(base), model.unit_)


def activity_effects(model: ForecastModel, typical: dict[str, float], forecast: Forecast) -> Effects:
    """Return terms that add to the log odds of P(active); the parameters are those of ``value_effects``."""
    activity, features, boosters = model.activity_, forecast.features, model.boosters()
    terms = pd.DataFrame(0.0, index=features.index, columns=features.columns)
    base = activity.intercept_
    if "activity" in boosters:
        share = activity.slope_ * activity.trees_weight_
        trees = _tree_shap(boosters["activity"])
        terms += share * trees.values(features)
        base += share * trees.base
    # The rest is BTYD's, and what keeps a probability from 0 and 1.
    rest = logit(forecast.probability) - base - terms.sum(axis=1).to_numpy()
    average = activity.slope_ * activity.btyd_weight_ * typical["btyd_log_odds"]
    terms["btyd_probability_active"] += rest - average
    return Effects("activity", terms, float(base + average), LOG_ODDS)


def growth_effects(forecast: Forecast, unit: str) -> Effects:
    """Return terms that add to growth potential: predicted value, less the part of the own past that it covers."""
    terms = pd.DataFrame(
        {
            "predicted_value": forecast.value,
            "past_value": -np.minimum(forecast.growth["past_value"], forecast.value),
        },
        index=forecast.features.index,
    )
    return Effects("growth", terms, None, unit)


def score_effects(
    forecast: Forecast, growth_weight: float, unit: str, cost: np.ndarray | None = None
) -> Effects:
    """Return terms that add to the score; costs to serve, where there are any, are one of them."""
    terms = pd.DataFrame(
        {
            "predicted_value": forecast.value,
            "growth_potential": growth_weight * forecast.growth["growth_potential"],
        },
        index=forecast.features.index,
    )
    if cost is not None:
        terms["cost_to_serve"] = -cost
    return Effects("score", terms, None, unit)


@lru_cache(maxsize=3)
def _tree_shap(booster: Any) -> TreeShap:
    """Take a booster's trees apart once, and not again for each block of customers; a model has three boosters."""
    return TreeShap(booster)


def typical_customer(forecast: Forecast) -> dict[str, float]:
    """Return the typical active customer: means in which each customer counts by P(active).

    The means of BTYD's parts and of the probability ratio are geometric. Customers who have lapsed count for little, so
    that a base with many of them is not what the others are compared with.
    """

    def mean(values: npt.ArrayLike) -> float:
        return float(np.average(np.asarray(values, dtype=float), weights=forecast.probability))

    parts = ("btyd_probability_alive", "btyd_purchases", "btyd_spend")
    typical = {part: float(np.exp(mean(np.log(_positive(forecast.btyd[part]))))) for part in parts}
    ratio = log_probability_ratio(forecast.features, forecast.probability)
    by_btyd = clip_probability(forecast.btyd["btyd_probability_active"].to_numpy())
    return typical | {
        "probability_ratio": float(np.exp(mean(ratio))),
        "btyd_log_odds": mean(logit(by_btyd)),
    }


def _positive(values: pd.Series[float] | np.ndarray) -> np.ndarray:
    """Keep logarithms finite."""
    kept: np.ndarray = np.maximum(np.asarray(values, dtype=float), 1e-12)
    return kept


def long_table(ids: pd.Series[Any], explained: Effects, known: pd.DataFrame) -> pd.DataFrame:
    """Return the effects of each feature on each customer below each other, the strongest first.

    Parameters
    ----------
    ids : pandas.Series of shape (n,)
    explained : Effects
    known : pandas.DataFrame
        Has what each customer has of each feature, in columns of the same names.

    Returns
    -------
    pandas.DataFrame
        ``customer_id``, ``part``, ``feature``, ``value``, ``factor``, ``term``, ``rank``, ``unit``; in the order
        of ``ids``. The effect that all customers share has rank 0; where there is none there is no such row.
    """
    part, effects, base, unit = explained
    strength = effects.to_numpy()
    order = np.argsort(-np.abs(strength), axis=1, kind="stable")
    names = effects.columns.to_numpy(dtype=object)[order]
    values = np.take_along_axis(known[effects.columns].to_numpy(dtype=float), order, axis=1)
    strength = np.take_along_axis(strength, order, axis=1)
    first = 1
    if base is not None:
        count = len(effects)
        names = np.column_stack([np.full(count, "base", dtype=object), names])
        values = np.column_stack([np.full(count, np.nan), values])
        strength = np.column_stack([np.full(count, base), strength])
        first = 0
    count, width = strength.shape
    multiplies = part == "value"
    units = np.full((count, width), TIMES if multiplies else unit, dtype=object)
    if multiplies:
        units[:, 0] = unit
    return pd.DataFrame(
        {
            "customer_id": ids.repeat(width).to_numpy(),
            "part": part,
            "feature": names.ravel(),
            "value": values.ravel(),
            "factor": np.exp(strength.ravel()) if multiplies else np.nan,
            "term": np.nan if multiplies else strength.ravel(),
            "rank": np.tile(np.arange(first, first + width), count),
            "unit": units.ravel(),
        }
    )
