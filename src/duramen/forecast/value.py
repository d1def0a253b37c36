"""Folds and activity come in; expected net money goes out: the BTYD forecast, corrected by trees and for its total.

In log space the value is a sum, so that every factor multiplies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from duramen.data.windows import Window
from duramen.forecast.bias_correction import money_level
from duramen.forecast.churn import ActivityModel, clip_probability
from duramen.forecast.folds import Fold
from duramen.forecast.model_selection import NO_TREES, TREES_USES, TreesUse, cross_fit
from duramen.forecast.settings import DEFAULT_FORECAST, TreeSettings
from duramen.forecast.trees import TreeFolds, fit_trees
from duramen.io.autologging import without_autologging

TWEEDIE_POWER = 1.5
# The trees start from this power of the BTYD value. With all of it they would keep its spread, which is too wide for
# heavy buyers; with none they would have to learn again what BTYD knows.
BTYD_POWER = 0.5
# No forecast is smaller than this share of the mean one: a logarithm needs a positive number.
SMALLEST_SHARE = 1e-4
# A quarter of the two stages steadies the trees of value where it gains.
VALUE_USES = (*TREES_USES, TreesUse(1.0, two_stage=0.25))
# Shown beside the rest and never chosen: it gained on no data set beyond chance.
TWO_STAGES_ALONE = TreesUse(1.0, two_stage=1.0)
# With fewer buyers a holdout shows no gain of the trees.
LEAST_BUYERS = 100
# With fewer the holdout does not decide alone: earlier windows are asked too.
ENOUGH_BUYERS = 500


class Boosters(NamedTuple):
    """Two kinds of LightGBM trees, each None where it is not used.

    ``value`` (Tweedie) spreads the money of all customers, ``spend`` (gamma) that of those who bought.
    """

    value: Any
    spend: Any


NO_BOOSTERS = Boosters(None, None)


class Trial(NamedTuple):
    """Trees that end before the cutoff of a fold, on which their use is evaluated."""

    fold: Fold
    boosters: Boosters


class ValueModel:
    """Expected net money over the horizon: a log-space blend of BTYD, LightGBM (Tweedie) and LightGBM in two stages.

    ``value = level * btyd_value ** btyd_weight * exp(trees_weight * trees) * two_stages ** two_stage_weight`` with
    ``two_stages = probability / btyd_probability * exp(spend_trees)``: BTYD value whose probability of a purchase is
    that of the activity model, and whose spend if active is corrected by trees of their own.

    The trees learn at earlier cutoffs how money is spread over customers. At each they start from
    ``btyd_value ** BTYD_POWER``, those of spend from ``btyd_value / btyd_probability``, scaled to the money
    of the window, so that neither the season nor the length of an earlier window leaves a trace. Which kind of
    trees and how much of them is used is chosen on the holdout by Tweedie deviance, and nothing but BTYD unless
    the gain exceeds its standard error. A holdout with fewer than ``ENOUGH_BUYERS`` does not decide alone: the windows
    before it are evaluated alike, by trees of their own. ``level`` gives the customers at the cutoff the BTYD total
    (the largest thousandth counted as much as the next), corrected by its errors in all earlier windows
    (``duramen.forecast.bias_correction``).

    Parameters
    ----------
    trees : TreeSettings
    seed : int

    Attributes
    ----------
    trees_weight_, two_stage_weight_, btyd_weight_, level_, floor_ : float
    correction_ : float
        What the BTYD total was multiplied with.
    total_level_ : Level
        Where that comes from, and how uncertain the total is; not kept in a saved model.
    total_, total_error_ : float or None
        Sum of the forecasts of the customers at the cutoff, and the standard error of its logarithm; None in a model
        that an older release saved.
    season_ : float or None
        The part of ``correction_`` that is the season, as a logarithm; None where no year before shows it, and in a
        model that an older release saved.
    boosters_ : Boosters
        Their raw scores are ``trees`` and ``spend_trees``.
    holdout_ : pandas.DataFrame
        Forecasts for the holdout customers, by models that ended before its cutoff: ``value``, ``btyd_value``,
        ``trees_value`` and ``two_stage_value`` (missing without trees). The use of the trees behind each ``value``
        was chosen on the other half of the customers.
    """

    def __init__(self, trees: TreeSettings = DEFAULT_FORECAST.trees, *, seed: int = 0) -> None:
        self.trees = trees
        self.seed = seed

    @without_autologging()
    def fit(
        self,
        folds: Sequence[Fold],
        holdout: Fold,
        features: pd.DataFrame,
        window: Window,
        activity: ActivityModel,
        tree_folds: TreeFolds | None = None,
        trials: Sequence[Trial] | None = None,
    ) -> Self:
        """Learn to forecast a window from folds that were complete before its cutoff.

        Parameters
        ----------
        folds : sequence of Fold
        holdout : Fold
            One of them; trees that ended before its cutoff are evaluated on it.
        features : pandas.DataFrame
            The customers at ``window.cutoff``, whose forecasts are brought to the right total.
        window : Window
        activity : ActivityModel
            Fitted to the same.
        tree_folds : TreeFolds, optional
            Of the same folds, where other models learn from them too.
        trials : sequence of Trial, optional
            What ``try_trees`` returned for the same folds, where it was called already.
        """
        if tree_folds is None:
            tree_folds = TreeFolds(folds)
        if trials is None:
            trials = self.try_trees(folds, holdout, tree_folds)
        use = self._evaluate(
            trials,
            money_level(folds, holdout.window).factor,
            activity.holdout_["probability"].to_numpy(),
        )
        self.trees_weight_, self.two_stage_weight_, self.btyd_weight_ = _weights(use)
        self.boosters_ = self._fit_trees(tree_folds, tree_folds.folds, use)
        self.total_level_ = money_level(folds, window)
        self.correction_ = self.total_level_.factor
        shape = self._shape(features, activity.predict(features), self.boosters_, use)
        self.level_ = self.correction_ * _ratio_of_totals(features["btyd_value"].to_numpy(), shape)
        self.total_: float | None = float(self.level_ * shape.sum())
        self.total_error_: float | None = self.total_level_.standard_error
        known = self.total_level_.season_known
        self.season_: float | None = self.total_level_.season if known else None
        return self

    def try_trees(
        self, folds: Sequence[Fold], holdout: Fold, tree_folds: TreeFolds | None = None
    ) -> list[Trial]:
        """Return trees that end before the holdout's cutoff, and before that of each earlier fold that is asked."""
        if tree_folds is None:
            tree_folds = TreeFolds(folds)
        self.floor_ = float(SMALLEST_SHARE * max(holdout.features["btyd_value"].mean(), 1e-9))
        trials: list[Trial] = []
        for fold in (holdout, *_earlier_windows(folds, holdout)):
            if sum(np.count_nonzero(_money(trial.fold)) for trial in trials) >= ENOUGH_BUYERS:
                break
            earlier = tree_folds.before(fold.window.cutoff)
            trial = Trial(fold, self._fit_trees(tree_folds, earlier, TreesUse(1.0, two_stage=0.5)))
            if fold is holdout or trial.boosters != NO_BOOSTERS:
                trials.append(trial)
        return trials

    def _evaluate(self, trials: Sequence[Trial], correction: float, probability: np.ndarray) -> TreesUse:
        """Keep the forecasts of the first trial on the holdout; return how to use trees."""
        (holdout, trial), *others = trials
        btyd, actual = holdout.features["btyd_value"].to_numpy(), _money(holdout)
        missing = np.full(len(btyd), np.nan)
        uses = (NO_TREES,) if trial == NO_BOOSTERS else (*VALUE_USES, TWO_STAGES_ALONE, NO_TREES)
        shapes = {use: self._shape(holdout.features, probability, trial, use) for use in uses}
        forecasts = {use: shape * correction * _ratio_of_totals(btyd, shape) for use, shape in shapes.items()}
        two_stage_value = forecasts.pop(TWO_STAGES_ALONE, missing)

        def losses(use: TreesUse, rows: np.ndarray) -> np.ndarray:
            of_holdout = losses_of_spread(actual[rows], forecasts[use][rows])
            ids = holdout.outcomes["customer_id"].iloc[rows]
            return of_holdout + sum(self._earlier_losses(one, use, ids) for one in others)

        if (
            trial == NO_BOOSTERS
            or min(np.count_nonzero(actual[half::2]) for half in (0, 1)) < LEAST_BUYERS / 2
        ):
            use, value = NO_TREES, forecasts[NO_TREES]
        else:
            use, value = cross_fit(forecasts, losses)
        self.holdout_ = pd.DataFrame(
            {
                "value": value,
                "btyd_value": btyd,
                "trees_value": forecasts.get(VALUE_USES[0], missing),
                "two_stage_value": two_stage_value,
            }
        )
        return use

    def _earlier_losses(self, trial: Trial, use: TreesUse, ids: pd.Series[Any]) -> np.ndarray:
        """Return the loss of each of these customers in an earlier window, 0 where not yet a customer."""
        known = trial.fold.outcomes["customer_id"].isin(ids).to_numpy()
        actual = _money(trial.fold)[known]
        if not actual.any():
            return np.zeros(len(ids))
        features = trial.fold.features[known]
        by_btyd = clip_probability(features["btyd_probability_active"].to_numpy())
        losses = losses_of_spread(actual, self._shape(features, by_btyd, trial.boosters, use))
        by_id = pd.Series(losses, trial.fold.outcomes["customer_id"][known].to_numpy())
        found: np.ndarray = by_id.reindex(ids, fill_value=0.0).to_numpy()
        return found

    def _fit_trees(self, tree_folds: TreeFolds, folds: Sequence[Fold], use: TreesUse) -> Boosters:
        """Return trees that spread the money of each of some folds, those that are used; none where none has any."""
        folds = [fold for fold in folds if fold.outcomes["value"].clip(lower=0).sum() > 0]
        if not folds:
            return NO_BOOSTERS
        rows = tree_folds.rows(folds)
        targets = [_money(fold) for fold in folds]
        # In units of the mean value the trees are regularised alike in any currency.
        unit = np.concatenate(targets).mean()
        targets = [target / unit for target in targets]

        trees_weight, two_stage_weight, _ = _weights(use)
        value = spend = None
        if trees_weight > 0:
            starts = [BTYD_POWER * self._log_btyd(fold.features) for fold in folds]
            value = fit_trees(
                tree_folds.binned(),
                np.concatenate(targets),
                _scaled(starts, targets),
                self.seed,
                self.trees,
                rows=rows,
                objective="tweedie",
                tweedie_variance_power=TWEEDIE_POWER,
            )
        if two_stage_weight > 0:
            bought = [target > 0 for target in targets]
            targets = [target[those] for target, those in zip(targets, bought, strict=True)]
            starts = [
                (self._log_btyd(fold.features) - _log_btyd_probability(fold.features))[those]
                for fold, those in zip(folds, bought, strict=True)
            ]
            spend = fit_trees(
                tree_folds.binned(),
                np.concatenate(targets),
                _scaled(starts, targets),
                self.seed,
                self.trees,
                rows=rows[np.concatenate(bought)],
                objective="gamma",
            )
        return Boosters(value, spend)

    def _log_btyd(self, features: pd.DataFrame) -> np.ndarray:
        log: np.ndarray = np.log(np.maximum(features["btyd_value"].to_numpy(), self.floor_))
        return log

    def _shape(
        self, features: pd.DataFrame, probability: np.ndarray, boosters: Boosters, use: TreesUse
    ) -> np.ndarray:
        """Return forecasts up to a factor that all customers share."""
        trees_weight, two_stage_weight, btyd_weight = _weights(use)
        log = btyd_weight * self._log_btyd(features)
        if trees_weight > 0:
            log += trees_weight * boosters.value.predict(features, raw_score=True)
        if two_stage_weight > 0:
            spend = boosters.spend.predict(features, raw_score=True)
            log += two_stage_weight * (log_probability_ratio(features, probability) + spend)
        shape: np.ndarray = np.exp(log)
        return shape

    def predict(self, features: pd.DataFrame, probability: np.ndarray) -> np.ndarray:
        """Return expected net money over the horizon, in the unit of the features, shape (n,).

        ``probability`` is that of the activity model.
        """
        share = self.trees_weight_ + self.two_stage_weight_
        use = NO_TREES if share == 0 else TreesUse(share, self.two_stage_weight_ / share)
        return self.level_ * self._shape(features, probability, self.boosters_, use)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the trees as plain numbers."""
        return {
            "trees_weight": self.trees_weight_,
            "two_stage_weight": self.two_stage_weight_,
            "btyd_weight": self.btyd_weight_,
            "level": self.level_,
            "correction": self.correction_,
            "total": self.total_,
            "total_error": self.total_error_,
            "season": self.season_,
            "floor": self.floor_,
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any], boosters: Boosters, **parameters: Any) -> Self:
        """Return the fitted model that ``to_dict``, its boosters and its parameters described."""
        model = cls(**parameters)
        model.trees_weight_, model.btyd_weight_ = state["trees_weight"], state["btyd_weight"]
        model.two_stage_weight_ = state["two_stage_weight"]
        model.level_, model.correction_, model.floor_ = state["level"], state["correction"], state["floor"]
        model.total_, model.total_error_ = state["total"], state["total_error"]
        model.season_ = state.get("season")
        model.boosters_ = boosters
        return model


def _earlier_windows(folds: Sequence[Fold], holdout: Fold) -> list[Fold]:
    """Return the folds before the holdout that are as long, the latest first."""
    earlier = [
        fold
        for fold in folds
        if fold.window.cutoff < holdout.window.cutoff and fold.window.horizon == holdout.window.horizon
    ]
    return sorted(earlier, key=lambda fold: fold.window.cutoff, reverse=True)


def _money(fold: Fold) -> np.ndarray:
    money: np.ndarray = np.maximum(fold.outcomes["value"].to_numpy(), 0.0)
    return money


def _weights(use: TreesUse) -> tuple[float, float, float]:
    """Return the weights of the value trees, of the two stages, and of BTYD in log space."""
    trees_weight = use.share * (1.0 - use.two_stage)
    return trees_weight, use.share * use.two_stage, 1.0 - trees_weight * (1.0 - BTYD_POWER)


def _scaled(starts: Sequence[np.ndarray], targets: Sequence[np.ndarray]) -> np.ndarray:
    """Return the starting scores of all folds, each moved to the total of its target."""
    moved = [
        start + np.log(target.sum() / np.exp(start).sum())
        for start, target in zip(starts, targets, strict=True)
    ]
    return np.concatenate(moved)


def log_probability_ratio(features: pd.DataFrame, probability: np.ndarray) -> np.ndarray:
    """Return the logarithm of P(active) by the activity model over that by BTYD, shape (n,)."""
    log: np.ndarray = np.log(probability) - _log_btyd_probability(features)
    return log


def _log_btyd_probability(features: pd.DataFrame) -> np.ndarray:
    log: np.ndarray = np.log(clip_probability(features["btyd_probability_active"].to_numpy()))
    return log


def _ratio_of_totals(money: np.ndarray, other: np.ndarray) -> float:
    """Return the ratio of two totals in which the largest thousandth count as much as the next.

    Where one sees a whale differently from the other, the rest must not make up for it.
    """
    largest = int(np.ceil(len(money) / 1000))
    totals = [np.minimum(values, np.sort(values)[-largest - 1]).sum() for values in (money, other)]
    return float(totals[0] / totals[1])


def losses_of_spread(actual: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """Return the deviance of each customer at the true total: how it is spread is another question than its size."""
    return _deviance(actual, _ratio_of_totals(actual, forecast) * forecast)


def _deviance(actual: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """Return the Tweedie deviance (power 1.5) of each customer, up to a part that no forecast changes."""
    root = np.sqrt(forecast)
    deviance: np.ndarray = 4.0 * (actual / root + root)
    return deviance
