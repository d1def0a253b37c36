"""Folds come in; expected net money per customer goes out: the BTYD forecast, bent by trees, brought to a total.

Called by the CoreCustomerModel. In log space the value is a sum, so that every factor multiplies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from duramen.data.windows import Window
from duramen.models.folds import Fold, complete_before, stack_features
from duramen.models.later_fold import MOST_ROUNDS, NO_TREES, TREES_USES, TreesUse, cross_fit
from duramen.models.level import money_level
from duramen.models.trees import fit_trees

TWEEDIE_POWER = 1.5
# The trees start from this power of the BTYD value. With all of it they would keep its spread, which is too wide for
# heavy buyers; with none they would have to learn anew what BTYD knows.
BTYD_POWER = 0.5
# No forecast is smaller than this share of the mean one: a logarithm needs a positive number.
SMALLEST_SHARE = 1e-4
# With fewer buyers on the later fold no gain of the trees is to be believed.
LEAST_BUYERS = 100


class ValueModel(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Expected net money over the horizon: a log-space blend of BTYD and LightGBM (Tweedie).

    ``value = level * btyd_value ** btyd_weight * exp(trees_weight * trees)``.

    The trees learn at earlier cutoffs how money is spread over customers. At each they start from
    ``btyd_value ** BTYD_POWER``, scaled to the money that came, so that neither the season nor the length of an
    earlier window leaves a trace. How many trees and how much of them is used is chosen on a later fold by Tweedie
    deviance, and nothing but BTYD unless the gain exceeds its standard error. ``level`` gives the customers at the
    cutoff, all but the thousandth with the largest values, the BTYD total, corrected by what it missed at the same
    season or last time (``duramen.models.level``).

    Parameters
    ----------
    seed : int

    Attributes
    ----------
    trees_weight_, btyd_weight_, level_, floor_ : float
    correction_ : float
        What the BTYD total was multiplied with.
    booster_ : lightgbm.Booster or None
        Its raw score is ``trees``.
    judged_ : pandas.DataFrame
        Forecasts for the judge's customers, by models that ended before its cutoff: ``value``, ``btyd_value``,
        ``trees_value`` (missing without trees). The use of the trees behind each ``value`` was chosen on the other
        half of the customers.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, folds: Sequence[Fold], judge: Fold, features: pd.DataFrame, window: Window) -> Self:
        """Learn to forecast a window from folds that were complete before its cutoff.

        Parameters
        ----------
        folds : sequence of Fold
        judge : Fold
            One of them; trees that ended before its cutoff show on it what they are worth.
        features : pandas.DataFrame
            The customers at ``window.cutoff``, whose forecasts are brought to the right total.
        window : Window
        """
        self.floor_ = float(SMALLEST_SHARE * max(judge.features["btyd_value"].mean(), 1e-9))
        use = self._judge(
            complete_before(folds, judge.window.cutoff), judge, money_level(folds, judge.window)
        )
        self.booster_ = None if use == NO_TREES else self._fit_trees(folds, use.rounds)
        self.trees_weight_ = use.share
        self.btyd_weight_ = 1.0 - use.share * (1.0 - BTYD_POWER)
        self.correction_ = money_level(folds, window)
        shape = self._shape(features, self.booster_, use)
        self.level_ = self.correction_ * _ratio_of_most(features["btyd_value"].to_numpy(), shape)
        return self

    def _judge(self, earlier: Sequence[Fold], judge: Fold, correction: float) -> TreesUse:
        """Keep what trees that ended before the judge's cutoff show on it; return how to use trees."""
        btyd = judge.features["btyd_value"].to_numpy()
        trial = self._fit_trees(earlier, MOST_ROUNDS)
        uses = (NO_TREES,) if trial is None else (*TREES_USES, NO_TREES)
        shapes = {use: self._shape(judge.features, trial, use) for use in uses}
        actual = np.maximum(judge.outcomes["value"].to_numpy(), 0.0)
        forecasts = {use: shape * correction * _ratio_of_most(btyd, shape) for use, shape in shapes.items()}

        def losses(forecast: np.ndarray, rows: np.ndarray) -> np.ndarray:
            # The total is another question than how it is spread: all are compared at the true one.
            scale = actual[rows].sum() / forecast[rows].sum()
            return _deviance(actual[rows], scale * forecast[rows])

        if trial is None or min(np.count_nonzero(actual[half::2]) for half in (0, 1)) < LEAST_BUYERS / 2:
            use, value = NO_TREES, forecasts[NO_TREES]
        else:
            use, value = cross_fit(forecasts, losses)
        trees = np.full(len(btyd), np.nan) if trial is None else forecasts[TREES_USES[0]]
        self.judged_ = pd.DataFrame({"value": value, "btyd_value": btyd, "trees_value": trees})
        return use

    def _fit_trees(self, folds: Sequence[Fold], rounds: int) -> Any:
        """Return trees that spread the money of each fold, None where no fold brought any."""
        folds = [fold for fold in folds if fold.outcomes["value"].clip(lower=0).sum() > 0]
        if not folds:
            return None
        targets = [np.maximum(fold.outcomes["value"].to_numpy(), 0.0) for fold in folds]
        # In units of the mean value the trees are held back alike in any currency.
        unit = np.concatenate(targets).mean()
        targets = [target / unit for target in targets]
        starts = []
        for fold, target in zip(folds, targets, strict=True):
            start = BTYD_POWER * self._log_btyd(fold.features)
            starts.append(start + np.log(target.sum() / np.exp(start).sum()))
        return fit_trees(
            stack_features(folds),
            np.concatenate(targets),
            np.concatenate(starts),
            rounds,
            self.seed,
            objective="tweedie",
            tweedie_variance_power=TWEEDIE_POWER,
        )

    def _log_btyd(self, features: pd.DataFrame) -> np.ndarray:
        log: np.ndarray = np.log(np.maximum(features["btyd_value"].to_numpy(), self.floor_))
        return log

    def _shape(self, features: pd.DataFrame, booster: Any, use: TreesUse) -> np.ndarray:
        """Return forecasts up to a factor that all customers share."""
        log = (1.0 - use.share * (1.0 - BTYD_POWER)) * self._log_btyd(features)
        if use.share > 0:
            log += use.share * booster.predict(features, raw_score=True, num_iteration=use.rounds)
        shape: np.ndarray = np.exp(log)
        return shape

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Return expected net money over the horizon, in the unit of the source, shape (n,)."""
        log = np.log(self.level_) + self.btyd_weight_ * self._log_btyd(features)
        if self.booster_ is not None:
            log += self.trees_weight_ * self.booster_.predict(features, raw_score=True)
        value: np.ndarray = np.exp(log)
        return value

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the trees as plain numbers."""
        return {
            "seed": self.seed,
            "trees_weight": self.trees_weight_,
            "btyd_weight": self.btyd_weight_,
            "level": self.level_,
            "correction": self.correction_,
            "floor": self.floor_,
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any], booster: Any) -> Self:
        """Return the fitted model that ``to_dict`` and its booster described."""
        model = cls(state["seed"])
        model.trees_weight_, model.btyd_weight_ = state["trees_weight"], state["btyd_weight"]
        model.level_, model.correction_, model.floor_ = state["level"], state["correction"], state["floor"]
        model.booster_ = booster
        return model


def _ratio_of_most(btyd: np.ndarray, shape: np.ndarray) -> float:
    """Return the ratio of two totals without the thousandth of the customers who are largest in either.

    Where the trees see a whale differently from BTYD, the others must not make up for it.
    """
    largest = np.maximum(btyd / btyd.sum(), shape / shape.sum())
    rows = np.argsort(largest, kind="stable")[: len(btyd) - int(np.ceil(len(btyd) / 1000))]
    return float(btyd[rows].sum() / shape[rows].sum())


def _deviance(actual: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """Return the Tweedie deviance (power 1.5) of each customer, up to a part that no forecast changes."""
    root = np.sqrt(forecast)
    deviance: np.ndarray = 4.0 * (actual / root + root)
    return deviance
