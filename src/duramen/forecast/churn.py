"""Folds come in; the probability of at least one purchase in the horizon goes out.

Churn is its complement: no purchase in the horizon.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from duramen.data.windows import Window
from duramen.forecast.bias_correction import activity_level
from duramen.forecast.folds import Fold
from duramen.forecast.model_selection import NO_TREES, TREES_USES, TreesUse, choose_use
from duramen.forecast.settings import DEFAULT_FORECAST, TreeSettings
from duramen.forecast.trees import TreeFolds, fit_trees
from duramen.io.autologging import without_autologging

# No probability is nearer to 0 or 1 than this.
SMALLEST_PROBABILITY = 1e-4
# With fewer customers who bought, or fewer who did not, a holdout shows no gain of the trees.
LEAST_OF_BOTH = 50
# Slopes of calibration lie about so far from 1, and about so far from one time to the next.
USUAL_SLOPE, CHANGE_OF_SLOPE = 0.1, 0.1
# The trees start from this much of the log odds by BTYD.
BTYD_POWER = 0.5


class ActivityModel:
    """P(at least one purchase in the horizon): BTYD, corrected by LightGBM and for the share of active customers.

    ``logit p = intercept + slope * (btyd_weight * logit p_btyd + trees_weight * trees)``.

    The trees learn at earlier cutoffs who buys again. At each they start from ``BTYD_POWER`` times the log odds by
    BTYD, moved to the share of customers who bought, so that neither the season nor the length of an earlier window
    leaves a trace. How much of them is used is chosen on the holdout by log loss, and nothing but
    BTYD unless the gain exceeds its standard error. ``slope`` is the coefficient of the log odds in a logistic
    regression on the holdout, shrunk towards 1 as far as it is uncertain (``calibration_slope``). ``intercept`` gives
    the customers at the cutoff the mean probability of BTYD, corrected by its errors in all earlier windows
    (``duramen.forecast.bias_correction``).

    Parameters
    ----------
    trees : TreeSettings
    calibrated : bool
        Whether the log odds are multiplied with the slope; otherwise it is 1.
    seed : int

    Attributes
    ----------
    intercept_, slope_, btyd_weight_, trees_weight_ : float
    booster_ : lightgbm.Booster or None
        Its raw score is ``trees``.
    holdout_ : pandas.DataFrame
        Forecasts for the holdout customers, by models that ended before its cutoff: ``probability``,
        ``btyd_probability``, ``trees_probability`` (missing without trees). The use of the trees and the slope behind
        each ``probability`` were learned on the other half of the customers.
    """

    def __init__(
        self, trees: TreeSettings = DEFAULT_FORECAST.trees, *, calibrated: bool = True, seed: int = 0
    ) -> None:
        self.trees = trees
        self.calibrated = calibrated
        self.seed = seed

    @without_autologging()
    def fit(
        self,
        folds: Sequence[Fold],
        holdout: Fold,
        features: pd.DataFrame,
        window: Window,
        tree_folds: TreeFolds | None = None,
    ) -> Self:
        """Learn to forecast a window from folds that were complete before its cutoff.

        Parameters
        ----------
        folds : sequence of Fold
        holdout : Fold
            One of them; trees that ended before its cutoff are evaluated on it.
        features : pandas.DataFrame
            The customers at ``window.cutoff``, whose probabilities are brought to the right mean.
        window : Window
        tree_folds : TreeFolds, optional
            Of the same folds, where other models learn from them too.
        """
        if tree_folds is None:
            tree_folds = TreeFolds(folds)
        use = self._evaluate(tree_folds, holdout, activity_level(folds, holdout.window).shift)
        self.booster_ = None if use == NO_TREES else self._fit_trees(tree_folds, tree_folds.folds)
        self.trees_weight_, self.btyd_weight_ = use.share, 1.0 - use.share * (1.0 - BTYD_POWER)
        mean = _expected_share(features, activity_level(folds, window).shift)
        self.intercept_ = _shift_to(self.slope_ * _log_odds(features, self.booster_, use), mean)
        return self

    def _evaluate(self, tree_folds: TreeFolds, holdout: Fold, correction: float) -> TreesUse:
        """Keep the forecasts of trees that ended before the holdout's cutoff; return how to use trees."""
        active = holdout.outcomes["active"].to_numpy()
        earlier = tree_folds.before(holdout.window.cutoff)
        trial = self._fit_trees(tree_folds, earlier)
        uses = (NO_TREES,) if trial is None else (*TREES_USES, NO_TREES)
        scores = {use: _log_odds(holdout.features, trial, use) for use in uses}
        mean = _expected_share(holdout.features, correction)
        forecasts = {
            use: clip_probability(expit(score + _shift_to(score, mean))) for use, score in scores.items()
        }

        def losses(use: TreesUse, rows: np.ndarray) -> np.ndarray:
            # The mean is another question than who buys: all are compared at the true one.
            score = logit(forecasts[use][rows])
            score += _shift_to(score, active[rows].mean())
            return np.asarray(np.logaddexp(0.0, score) - active[rows] * score)

        counts = [np.count_nonzero(active[half::2] == value) for half in (0, 1) for value in (0, 1)]
        shown = trial is not None and min(counts) >= LEAST_OF_BOTH / 2

        def choose(rows: np.ndarray) -> TreesUse:
            return choose_use({use: losses(use, rows) for use in forecasts}) if shown else NO_TREES

        rows = np.arange(len(active))
        use = choose(rows)
        self.slope_ = self._slope(logit(forecasts[use]), active)
        calibrated = np.empty(len(active))
        for half, other in ((rows[::2], rows[1::2]), (rows[1::2], rows[::2])):
            probability = forecasts[choose(other)]
            stretched = self._slope(logit(probability[other]), active[other]) * logit(probability[half])
            calibrated[half] = expit(stretched + _shift_to(stretched, probability[half].mean()))
        self.holdout_ = pd.DataFrame(
            {
                "probability": clip_probability(calibrated),
                "btyd_probability": clip_probability(holdout.features["btyd_probability_active"].to_numpy()),
                "trees_probability": np.nan if trial is None else forecasts[TREES_USES[0]],
            }
        )
        return use

    def _slope(self, log_odds: np.ndarray, active: np.ndarray) -> float:
        return calibration_slope(log_odds, active) if self.calibrated else 1.0

    def _fit_trees(self, tree_folds: TreeFolds, folds: Sequence[Fold]) -> Any:
        """Return trees that some folds teach who buys, None where none shows it: all customers bought or none."""
        folds = [fold for fold in folds if 0 < fold.outcomes["active"].mean() < 1]
        if not folds:
            return None
        targets = [fold.outcomes["active"].to_numpy() for fold in folds]
        starts = []
        for fold, target in zip(folds, targets, strict=True):
            start = BTYD_POWER * _btyd_log_odds(fold.features)
            starts.append(start + _shift_to(start, target.mean()))
        return fit_trees(
            tree_folds.binned(),
            np.concatenate(targets),
            np.concatenate(starts),
            self.seed,
            self.trees,
            rows=tree_folds.rows(folds),
            objective="binary",
        )

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Return P(at least one purchase in the horizon), shape (n,)."""
        score = self.btyd_weight_ * _btyd_log_odds(features)
        if self.booster_ is not None:
            score += self.trees_weight_ * self.booster_.predict(features, raw_score=True)
        return clip_probability(expit(self.intercept_ + self.slope_ * score))

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the trees as plain numbers."""
        return {
            "intercept": self.intercept_,
            "slope": self.slope_,
            "btyd_weight": self.btyd_weight_,
            "trees_weight": self.trees_weight_,
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any], booster: Any, **parameters: Any) -> Self:
        """Return the fitted model that ``to_dict``, its booster and its parameters described."""
        model = cls(**parameters)
        model.intercept_, model.slope_ = state["intercept"], state["slope"]
        model.btyd_weight_, model.trees_weight_ = state["btyd_weight"], state["trees_weight"]
        model.booster_ = booster
        return model


def calibration_slope(log_odds: np.ndarray, active: np.ndarray) -> float:
    """Return the factor that calibrates log odds, shrunk towards 1 as far as it is uncertain.

    Below 1 the probabilities were too bold, above 1 too timid; with few customers of either kind it is 1.

    References
    ----------
    Platt (1999), "Probabilistic outputs for support vector machines".

    Examples
    --------
    >>> bought = np.repeat([1.0, 0.0, 1.0, 0.0], [600, 400, 400, 600])
    >>> bold = np.repeat([1.0, -1.0], 1000)
    >>> round(calibration_slope(bold, bought), 2), calibration_slope(bold[:10], bought[:10])
    (0.73, 1.0)
    """
    from sklearn.linear_model import LogisticRegression

    if (
        min(np.count_nonzero(active), np.count_nonzero(active == 0)) < LEAST_OF_BOTH / 2
        or np.ptp(log_odds) == 0
    ):
        return 1.0
    fitted = LogisticRegression(C=np.inf).fit(log_odds[:, np.newaxis], active)
    probability = fitted.predict_proba(log_odds[:, np.newaxis])[:, 1]
    weights = probability * (1 - probability)
    spread = np.average((log_odds - np.average(log_odds, weights=weights)) ** 2, weights=weights)
    variance = 1 / (weights.sum() * spread)
    again = USUAL_SLOPE**2 / (USUAL_SLOPE**2 + CHANGE_OF_SLOPE**2 + variance)
    return float(1 + again * (fitted.coef_[0, 0] - 1))


def clip_probability(probability: np.ndarray) -> np.ndarray:
    """Return probabilities that are neither 0 nor 1."""
    clipped: np.ndarray = np.clip(probability, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return clipped


def _btyd_log_odds(features: pd.DataFrame) -> np.ndarray:
    log_odds: np.ndarray = logit(clip_probability(features["btyd_probability_active"].to_numpy()))
    return log_odds


def _log_odds(features: pd.DataFrame, booster: Any, use: TreesUse) -> np.ndarray:
    """Return log odds up to a term that all customers share."""
    log_odds = (1.0 - use.share * (1.0 - BTYD_POWER)) * _btyd_log_odds(features)
    if use.share > 0:
        log_odds += use.share * booster.predict(features, raw_score=True)
    return log_odds


def _expected_share(features: pd.DataFrame, correction: float) -> float:
    """Return the mean probability by BTYD, its log odds moved by a correction."""
    mean = np.clip(features["btyd_probability_active"].mean(), SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return float(expit(logit(mean) + correction))


def _shift_to(log_odds: np.ndarray, mean: float) -> float:
    """Return what must be added to log odds for the probabilities to have this mean."""
    from scipy.optimize import brentq

    # 80 is beyond the log odds that any clipped probability and some hundred trees can reach.
    return float(brentq(lambda shift: expit(log_odds + shift).mean() - mean, -80.0, 80.0, xtol=1e-12))
