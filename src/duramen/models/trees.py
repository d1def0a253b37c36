"""Features and a target come in; a LightGBM booster goes out. Called by the value and the activity model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import lightgbm as lgb
    import numpy as np
    import pandas as pd

# Shallow trees and a small step: with a few thousand customers deeper ones learn the noise, and with a million
# the trees still see every feature. The same settings serve every data set.
SETTINGS: dict[str, Any] = {
    "num_leaves": 15,
    "max_depth": 5,
    "learning_rate": 0.05,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
ROUNDS = 200
# A leaf of fewer customers than this says more about them than about the next ones.
LEAST_LEAF, LEAF_SHARE = 20, 0.002


def fit_trees(features: pd.DataFrame, target: np.ndarray, seed: int, **objective: Any) -> lgb.Booster:
    """Fit gradient-boosted trees.

    Parameters
    ----------
    features : pandas.DataFrame of shape (n, p)
        Missing values stay missing: the trees send them to a side of their own.
    target : numpy.ndarray of shape (n,)
    seed : int
    **objective
        LightGBM's objective and its parameters.

    Returns
    -------
    lightgbm.Booster
        The same for the same input and seed, however many threads fit it.
    """
    import lightgbm as lgb

    settings = SETTINGS | {"min_data_in_leaf": max(LEAST_LEAF, int(LEAF_SHARE * len(features))), "seed": seed}
    return lgb.train(settings | objective, lgb.Dataset(features, label=target), num_boost_round=ROUNDS)
