"""Features, a target and a starting score come in; a LightGBM booster goes out. Called by every model with trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import lightgbm as lgb
    import numpy as np
    import pandas as pd

# Small trees and a small step: deeper ones learned the noise of a few thousand customers, and on a hundred thousand
# they gained nothing. The same settings serve every data set.
SETTINGS: dict[str, Any] = {
    "num_leaves": 7,
    "max_depth": 3,
    "learning_rate": 0.05,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
# A leaf of fewer customers than this says more about them than about the next ones.
LEAST_LEAF, LEAF_SHARE = 20, 0.002


def fit_trees(
    features: pd.DataFrame, target: np.ndarray, start: np.ndarray, rounds: int, seed: int, **objective: Any
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
        Trees.
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
    # More expected purchases or money by BTYD never mean less; of no other feature is the sense certain.
    settings["monotone_constraints"] = [int(str(name).startswith("btyd_")) for name in features]
    data = lgb.Dataset(features, label=target, init_score=start)
    return lgb.train(settings | objective, data, num_boost_round=rounds)
