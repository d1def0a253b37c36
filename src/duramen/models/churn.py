"""Folds come in; the probability of at least one purchase in the horizon goes out. Called by the CoreCustomerModel.

Churn is its complement: no purchase in the horizon.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.base import BaseEstimator

from duramen.models.folds import Fold, earlier_folds, stack_features, stack_outcome
from duramen.models.trees import fit_trees

# Nobody is given a probability nearer to 0 or 1 than this.
SMALLEST_PROBABILITY = 1e-4


class ActivityModel(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """P(at least one purchase in the horizon): LightGBM and BG/NBD, calibrated together on a later fold.

    ``logit p = b0 + b1 logit p_trees + b2 logit p_btyd`` with non-negative slopes, fitted by logistic regression on
    the latest fold for trees that ended before it. Where no earlier fold exists, p is that of BG/NBD.

    Parameters
    ----------
    seed : int

    Attributes
    ----------
    calibration_ : tuple of float
        ``b0, b1, b2``.
    booster_ : lightgbm.Booster or None
        Its raw score is logit p_trees.
    judged_ : pandas.DataFrame
        Forecasts on the latest fold by models that ended before it: ``probability``, ``btyd_probability``,
        ``trees_probability``. The calibration behind each ``probability`` was fitted to the other half of them.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, folds: Sequence[Fold]) -> Self:
        """Learn from folds, latest first; the first calibrates the others and is then learned from too."""
        judge = folds[0]
        earlier = earlier_folds(folds, judge)
        btyd = _clip(judge.features["btyd_probability_active"].to_numpy())
        if not earlier:
            self.booster_, self.calibration_ = None, (0.0, 0.0, 1.0)
            self.judged_ = pd.DataFrame(
                {"probability": btyd, "btyd_probability": btyd, "trees_probability": np.nan}
            )
            return self
        self.booster_ = self._fit_trees(earlier)
        trees = self._trees_score(judge.features)
        active = judge.outcomes["active"].to_numpy()
        self.calibration_ = _calibrate(trees, logit(btyd), active)
        even = np.arange(len(active)) % 2 == 0
        probability = np.empty(len(active))
        for half in (even, ~even):
            calibration = _calibrate(trees[~half], logit(btyd[~half]), active[~half])
            probability[half] = _combine(calibration, trees[half], logit(btyd[half]))
        self.judged_ = pd.DataFrame(
            {"probability": probability, "btyd_probability": btyd, "trees_probability": expit(trees)}
        )
        self.booster_ = self._fit_trees(folds)
        return self

    def _fit_trees(self, folds: Sequence[Fold]) -> Any:
        target = stack_outcome(folds, "active").to_numpy()
        return fit_trees(stack_features(folds), target, self.seed, objective="binary")

    def _trees_score(self, features: pd.DataFrame) -> np.ndarray:
        assert self.booster_ is not None
        score: np.ndarray = self.booster_.predict(features, raw_score=True)
        return score

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Return P(at least one purchase in the horizon), shape (n,)."""
        btyd = logit(_clip(features["btyd_probability_active"].to_numpy()))
        trees = np.zeros_like(btyd) if self.booster_ is None else self._trees_score(features)
        return _combine(self.calibration_, trees, btyd)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the trees as plain numbers."""
        return {"seed": self.seed, "calibration": list(self.calibration_)}

    @classmethod
    def from_dict(cls, state: dict[str, Any], booster: Any) -> Self:
        """Return the fitted model that ``to_dict`` and its booster described."""
        model = cls(state["seed"])
        model.calibration_ = tuple(state["calibration"])
        model.booster_ = booster
        return model


def _clip(probability: np.ndarray) -> np.ndarray:
    clipped: np.ndarray = np.clip(probability, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return clipped


def _combine(calibration: tuple[float, ...], trees: np.ndarray, btyd: np.ndarray) -> np.ndarray:
    intercept, slope_trees, slope_btyd = calibration
    return _clip(expit(intercept + slope_trees * trees + slope_btyd * btyd))


def _calibrate(trees: np.ndarray, btyd: np.ndarray, active: np.ndarray) -> tuple[float, float, float]:
    """Fit the logistic regression with slopes held at zero or above; a weak pull keeps it at their even mean."""
    from scipy.optimize import minimize

    design = np.column_stack([np.ones_like(trees), trees, btyd])
    prior = np.array([0.0, 0.5, 0.5])

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        score = design @ weights
        pull = weights - prior
        value = np.sum(np.logaddexp(0.0, score) - active * score) + 0.5 * np.sum(pull**2)
        return float(value), design.T @ (expit(score) - active) + pull

    found = minimize(loss, prior, jac=True, method="L-BFGS-B", bounds=[(None, None), (0, None), (0, None)])
    intercept, slope_trees, slope_btyd = (float(weight) for weight in found.x)
    return intercept, slope_trees, slope_btyd
