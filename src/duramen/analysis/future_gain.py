"""Labels, past spend and outcomes come in; what the label predicts beyond past spend goes out.

Every forecast is cross-fitted: of customers whom it was not learned from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from duramen.analysis.label_dependence import FEWEST_CUSTOMERS, FOLDS, RESAMPLES, Estimate, estimate
from duramen.evaluation.bootstrap import draws
from duramen.evaluation.metrics import log_value

# Past spend may act in any smooth way: a label must not seem to add what a curve of past spend predicts.
KNOTS = 8


def gain_in_value(
    spend: np.ndarray, labels: np.ndarray, value: np.ndarray, basket: float, seed: int = 0
) -> Estimate:
    """Return how much of the variance of log value the label predicts beyond past spend.

    The difference of two cross-fitted R2 of log(1 + value / basket), value below 0 counted as 0: from a cubic spline in
    the rank of past spend with a term for each segment, less from the spline alone.

    Parameters
    ----------
    spend, labels, value : numpy.ndarray of shape (n,)
        Money before the cutoff, the segment, and money in the horizon.
    basket : float
        ``typical_basket`` of all customers before the cutoff.
    seed : int

    Returns
    -------
    Estimate
        In shares of the variance; below 0 where the label only adds noise.
    """
    from sklearn.linear_model import Ridge

    actual = log_value(value, basket)

    def loss(design: np.ndarray) -> np.ndarray:
        predicted = _cross_fitted(Ridge(alpha=1.0), design, actual, "predict", seed)
        squares: np.ndarray = (actual - predicted) ** 2
        return squares

    return _gain(loss, spend, labels, (actual - actual.mean()) ** 2, seed)


def gain_in_activity(spend: np.ndarray, labels: np.ndarray, active: np.ndarray, seed: int = 0) -> Estimate:
    """Return how much of the deviance of activity (1.0 or 0.0 in the horizon) the label explains beyond past spend.

    As `gain_in_value`, by logistic regression, in shares of the deviance that one rate for all leaves.
    """
    from sklearn.linear_model import LogisticRegression

    def loss(design: np.ndarray) -> np.ndarray:
        model = LogisticRegression(max_iter=1_000)
        predicted = _cross_fitted(model, design, active.astype(int), "predict_proba", seed)[:, 1]
        return _deviance(predicted, active)

    return _gain(loss, spend, labels, _deviance(np.full(len(active), active.mean()), active), seed)


def can_predict(active: np.ndarray) -> bool:
    """Return whether enough customers bought, and enough did not, to learn the difference."""
    return bool(min(active.sum(), (1 - active).sum()) >= FEWEST_CUSTOMERS)


def _gain(loss: Any, spend: np.ndarray, labels: np.ndarray, of_all: np.ndarray, seed: int) -> Estimate:
    from sklearn.preprocessing import SplineTransformer

    rank = pd.Series(spend).rank(pct=True).to_numpy()[:, None]
    past = SplineTransformer(n_knots=KNOTS, include_bias=False).fit_transform(rank)
    terms = pd.get_dummies(pd.Series(labels), dtype=float).to_numpy()
    gained = loss(past) - loss(np.hstack([past, terms]))
    resampled = np.array(
        [(weights @ gained) / (weights @ of_all) for weights in draws(len(gained), RESAMPLES, seed)]
    )
    return estimate(gained.sum() / of_all.sum(), resampled)


def _cross_fitted(model: Any, design: np.ndarray, actual: np.ndarray, method: str, seed: int) -> np.ndarray:
    from sklearn.model_selection import KFold, cross_val_predict

    folds = KFold(FOLDS, shuffle=True, random_state=seed)
    predicted: np.ndarray = cross_val_predict(model, design, actual, cv=folds, method=method)
    return predicted


def _deviance(probability: np.ndarray, active: np.ndarray) -> np.ndarray:
    deviance: np.ndarray = -2 * np.log(np.where(active > 0, probability, 1 - probability))
    return deviance
