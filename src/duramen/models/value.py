"""Folds come in; expected net money per customer goes out, by BTYD, by trees, and by their blend.

Called by the CoreCustomerModel. In log space the blend is a weighted sum, so that every factor multiplies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.metrics import mean_tweedie_deviance

from duramen.models.folds import Fold, earlier_folds, stack_features, stack_outcome
from duramen.models.trees import fit_trees

TWEEDIE_POWER = 1.5
# Weights of the BTYD forecast that are tried; the middle one is meant where the later fold cannot tell.
BTYD_WEIGHTS = (0.5, 0.25, 0.75, 0.0, 1.0)
# No forecast is smaller than this share of the mean one: a logarithm needs a positive number.
SMALLEST_SHARE = 1e-6


class ValueModel(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Expected net money over the horizon: a log-space blend of BTYD and LightGBM (Tweedie).

    ``value = level * btyd_value ** w * trees_value ** (1 - w)``. The weight ``w`` is the one of five with the least
    Tweedie deviance on a later fold that the trial trees had not seen; ``level`` gives the blend the total of the part
    whose own total came nearer to that fold's. Where no earlier fold exists to learn from, ``w`` is 1 and there are
    no trees.

    Parameters
    ----------
    seed : int

    Attributes
    ----------
    btyd_weight_, level_, floor_ : float
    level_of_ : str
        The part that gives the total: "btyd" or "trees".
    booster_ : lightgbm.Booster or None
        Its raw score is the logarithm of expected money.
    judged_ : pandas.DataFrame
        Forecasts on the latest fold, made by models that ended before it: ``value``, ``btyd_value``, ``trees_value``
        (missing without trees). The weight behind each ``value`` was chosen on the other half of the customers.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, folds: Sequence[Fold]) -> Self:
        """Learn from folds, latest first; the first is the judge of the others and is then learned from too."""
        judge = folds[0]
        earlier = earlier_folds(folds, judge)
        self.floor_ = float(SMALLEST_SHARE * max(judge.outcomes["value"].mean(), 1e-3))
        if not earlier:
            self.booster_, self.btyd_weight_, self.level_, self.level_of_ = None, 1.0, 1.0, "btyd"
            btyd = judge.features["btyd_value"].to_numpy()
            self.judged_ = pd.DataFrame({"value": btyd, "btyd_value": btyd, "trees_value": np.nan})
            return self
        self.judged_ = self._judge(earlier, judge)
        actual = np.maximum(judge.outcomes["value"].to_numpy(), 0.0)
        self.btyd_weight_, self.level_of_ = _choose_blend(self.judged_, actual)
        self.booster_ = self._fit_trees(folds)
        self.level_ = _level(*self._parts(judge.features), self.btyd_weight_, self.level_of_)
        return self

    def _judge(self, earlier: Sequence[Fold], judge: Fold) -> pd.DataFrame:
        self.booster_ = self._fit_trees(earlier)
        btyd, trees = self._parts(judge.features)
        judged = pd.DataFrame({"value": np.nan, "btyd_value": btyd, "trees_value": trees})
        actual = np.maximum(judge.outcomes["value"].to_numpy(), 0.0)
        even = np.arange(len(judged)) % 2 == 0
        for half in (even, ~even):
            weight, level_of = _choose_blend(judged[~half], actual[~half])
            level = _level(btyd, trees, weight, level_of)
            judged.loc[half, "value"] = level * btyd[half] ** weight * trees[half] ** (1 - weight)
        return judged

    def _fit_trees(self, folds: Sequence[Fold]) -> Any:
        target = np.maximum(stack_outcome(folds, "value").to_numpy(), 0.0)
        return fit_trees(
            stack_features(folds),
            target,
            self.seed,
            objective="tweedie",
            tweedie_variance_power=TWEEDIE_POWER,
        )

    def _parts(self, features: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        btyd = np.maximum(features["btyd_value"].to_numpy(), self.floor_)
        assert self.booster_ is not None
        return btyd, np.exp(self.booster_.predict(features, raw_score=True))

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Return expected net money over the horizon, in the unit of the source, shape (n,)."""
        if self.booster_ is None:
            floored: np.ndarray = np.maximum(features["btyd_value"].to_numpy(), self.floor_)
            return floored
        btyd, trees = self._parts(features)
        value: np.ndarray = self.level_ * btyd**self.btyd_weight_ * trees ** (1 - self.btyd_weight_)
        return value

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the trees as plain numbers."""
        return {
            "seed": self.seed,
            "btyd_weight": self.btyd_weight_,
            "level": self.level_,
            "level_of": self.level_of_,
            "floor": self.floor_,
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any], booster: Any) -> Self:
        """Return the fitted model that ``to_dict`` and its booster described."""
        model = cls(state["seed"])
        model.btyd_weight_, model.level_, model.floor_ = state["btyd_weight"], state["level"], state["floor"]
        model.level_of_ = state["level_of"]
        model.booster_ = booster
        return model


def _level(btyd: np.ndarray, trees: np.ndarray, weight: float, level_of: str) -> float:
    """Return the factor that gives a blend the total of one of its parts."""
    total = btyd.sum() if level_of == "btyd" else trees.sum()
    return float(total / (btyd**weight * trees ** (1 - weight)).sum())


def _choose_blend(parts: pd.DataFrame, actual: np.ndarray) -> tuple[float, str]:
    """Return the weight of BTYD, and the part that gives the total, which did best on held-out customers."""
    btyd, trees = parts["btyd_value"].to_numpy(), parts["trees_value"].to_numpy()
    miss = {
        name: abs(np.log(part.sum() / max(actual.sum(), 1e-9)))
        for name, part in (("btyd", btyd), ("trees", trees))
    }
    level_of = min(miss, key=lambda name: miss[name])

    def deviance(weight: float) -> float:
        blend = _level(btyd, trees, weight, level_of) * btyd**weight * trees ** (1 - weight)
        return float(mean_tweedie_deviance(actual, blend, power=TWEEDIE_POWER))

    return min(BTYD_WEIGHTS, key=deviance), level_of
