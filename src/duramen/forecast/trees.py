"""Features, a target and a starting score come in; a LightGBM booster goes out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from duramen.forecast.folds import Fold, complete_before, stack_features
from duramen.forecast.settings import DEFAULT_FORECAST, TreeSettings

if TYPE_CHECKING:
    from datetime import date

    import lightgbm as lgb
    import pandas as pd

# A part of the rows has wrong bins where LightGBM keeps features bundled or sparse (trees of other values, and writes
# beyond its memory), so that every feature has a column of its own.
# One thread: on a machine that others use, threads that wait for each other in hundreds of small steps take many times
# as long. Several boosters are grown at once instead.
FIXED: dict[str, Any] = {
    "bagging_freq": 1,
    "deterministic": True,
    "enable_bundle": False,
    "force_col_wise": True,
    "is_enable_sparse": False,
    "num_threads": 1,
    "verbosity": -1,
}


# With so many customers of all folds together, a part of the folds gives trees that rank as well.
ENOUGH_ROWS = 100_000


class TreeFolds:
    """The folds that trees learn from, their features sorted into LightGBM's bins once for all trees.

    Where customers are many, those are the folds with the shortest outcomes, half a horizon: they reach closest to the
    present, and the longer ones are made of the same days. Of few customers the longer ones steady the trees. The
    borders of the bins are quantiles of features and know no outcome.

    Parameters
    ----------
    folds : sequence of Fold

    Attributes
    ----------
    folds : list of Fold
    """

    def __init__(self, folds: Sequence[Fold]) -> None:
        shortest = min(fold.window.horizon for fold in folds)
        few = sum(len(fold.features) for fold in folds) < ENOUGH_ROWS
        self.folds = [fold for fold in folds if few or fold.window.horizon == shortest]
        self._ends = np.cumsum([0, *(len(fold.features) for fold in self.folds)])
        self._lock = Lock()
        self._binned: lgb.Dataset | None = None

    def before(self, cutoff: date) -> list[Fold]:
        """Return those whose outcomes were complete at a cutoff."""
        return complete_before(self.folds, cutoff)

    def rows(self, folds: Sequence[Fold]) -> np.ndarray:
        """Return the rows of some of the folds, in their order."""
        places = {id(fold): place for place, fold in enumerate(self.folds)}
        found = [np.arange(*self._ends[[places[id(fold)], places[id(fold)] + 1]]) for fold in folds]
        return np.concatenate(found)

    def binned(self) -> lgb.Dataset:
        """Return the features of all folds, binned when they are first asked for."""
        with self._lock:
            if self._binned is None:
                self._binned = bin_features(stack_features(self.folds))
            return self._binned


def bin_features(features: pd.DataFrame) -> lgb.Dataset:
    """Return features as trees read them. Missing values stay missing: the trees send them to a side of their own."""
    import lightgbm as lgb

    names = names_in_trees(map(str, features))
    # Which features can divide the customers depends on who learns from them.
    return lgb.Dataset(features, feature_name=names, params=FIXED | {"feature_pre_filter": False}).construct()


def fit_trees(
    binned: lgb.Dataset,
    target: np.ndarray,
    start: np.ndarray,
    seed: int,
    settings: TreeSettings = DEFAULT_FORECAST.trees,
    *,
    rows: np.ndarray | None = None,
    **objective: Any,
) -> lgb.Booster:
    """Fit gradient-boosted trees to what a starting score leaves unexplained.

    Parameters
    ----------
    binned : lightgbm.Dataset
        What ``bin_features`` returned.
    target : numpy.ndarray of shape (n,)
    start : numpy.ndarray of shape (n,)
        Raw score that each customer has before the first tree. The booster's own raw score leaves it out.
    seed : int
    settings : TreeSettings
    rows : numpy.ndarray of shape (n,), optional
        The rows of ``binned`` that ``target`` and ``start`` are of, in order; all of them by default.
    **objective
        LightGBM's objective and its parameters.

    Returns
    -------
    lightgbm.Booster
        The same for the same input and seed.
    """
    import lightgbm as lgb

    parameters = FIXED | {
        "num_leaves": settings.num_leaves,
        "max_depth": settings.max_depth,
        "learning_rate": settings.learning_rate,
        "feature_fraction": settings.feature_fraction,
        "bagging_fraction": settings.bagging_fraction,
        "lambda_l2": settings.lambda_l2,
        "min_data_in_leaf": max(settings.min_leaf_customers, int(settings.min_leaf_share * len(target))),
        "feature_pre_filter": False,
        "seed": seed,
    }
    # More expected purchases or money by BTYD never mean less; of no other feature is the sense certain.
    parameters["monotone_constraints"] = [int(name.startswith("btyd_")) for name in binned.get_feature_name()]
    data = binned.subset(list(range(binned.num_data())) if rows is None else rows.tolist()).construct()
    data.set_label(target).set_init_score(start)
    return lgb.train(parameters | objective, data, num_boost_round=settings.rounds)


def names_in_trees(features: Iterable[str]) -> list[str]:
    """Return the names of the columns, or their place where LightGBM's text could not hold the name."""
    names = list(features)
    return [
        name if name.isascii() and name.isidentifier() else str(place) for place, name in enumerate(names)
    ]
