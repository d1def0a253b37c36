"""Features, a target and a starting score come in; a LightGBM booster goes out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from duramen.forecast.settings import DEFAULT_FORECAST, TreeSettings

if TYPE_CHECKING:
    import lightgbm as lgb
    import numpy as np
    import pandas as pd

# One thread: on a machine that others use, threads that wait for each other in hundreds of small steps take many times
# as long. Several boosters are grown at once instead.
FIXED: dict[str, Any] = {
    "bagging_freq": 1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


def fit_trees(
    features: pd.DataFrame,
    target: np.ndarray,
    start: np.ndarray,
    rounds: int,
    seed: int,
    settings: TreeSettings = DEFAULT_FORECAST.trees,
    **objective: Any,
) -> lgb.Booster:
    """Fit gradient-boosted trees to what a starting score leaves unexplained.

    Parameters
    ----------
    features : pandas.DataFrame of shape (n, p)
        Missing values stay missing: the trees send them to a side of their own.
    target : numpy.ndarray of shape (n,)
    start : numpy.ndarray of shape (n,)
        Raw score that each customer has before the first tree. The booster's own raw score leaves it out.
    rounds : int
        Trees; those of ``settings`` are what is tried first.
    seed : int
    settings : TreeSettings
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
        "min_data_in_leaf": max(settings.min_leaf_customers, int(settings.min_leaf_share * len(features))),
        "seed": seed,
    }
    # More expected purchases or money by BTYD never mean less; of no other feature is the sense certain.
    parameters["monotone_constraints"] = [int(str(name).startswith("btyd_")) for name in features]
    data = lgb.Dataset(
        features, label=target, init_score=start, feature_name=names_in_trees(map(str, features))
    )
    return lgb.train(parameters | objective, data, num_boost_round=rounds)


def names_in_trees(features: Iterable[str]) -> list[str]:
    """Return the names of the columns, or their place where LightGBM's text could not hold the name."""
    names = list(features)
    return [
        name if name.isascii() and name.isidentifier() else str(place) for place, name in enumerate(names)
    ]
