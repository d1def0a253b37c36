"""Labels of customers and stand-ins for them come in; how much of the label the stand-ins explain goes out.

Every figure is about 0 for a random label and 1 where the label is explained completely.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from duramen.evaluation.bootstrap import draws

FOLDS, TREES = 5, 40
# Of a smaller segment a fold has fewer than two customers, and its recall would be chance.
FEWEST_CUSTOMERS = 10
# Leaves of single customers would overfit.
LEAST_LEAF = 3
# With so many customers a share of recovery is known to two or three points; more would only take longer.
MOST_CUSTOMERS = 6_000
RESAMPLES = 200
TAILS_95 = (0.025, 0.975)


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval over resampled customers."""

    figure: float
    low: float
    high: float


def estimate(figure: float, resampled: np.ndarray) -> Estimate:
    """Return a figure with the interval that contains 95 % of its resamples."""
    low, high = np.quantile(resampled, TAILS_95)
    return Estimate(float(figure), float(low), float(high))


def large_segments(labels: pd.Series) -> pd.Series:
    """Return, for each customer, whether the segment is large enough to be compared."""
    enough: pd.Series = labels.map(labels.value_counts()) >= FEWEST_CUSTOMERS
    return enough


def explained_by_cells(labels: np.ndarray, cells: np.ndarray) -> float:
    """Return the share of the label's entropy that the cell of a customer explains, less what chance gives.

    ``(I - E[I]) / (H(label) - E[I])`` with the mutual information I and its expectation E[I] over all ways to shuffle
    the labels: the adjusted mutual information, normalised by the label's own entropy, so that many small cells do not
    dilute a label that they explain completely.

    Parameters
    ----------
    labels, cells : numpy.ndarray of shape (n,)

    Returns
    -------
    float
        1 where the cell determines the label, about 0 where it explains no more than chance.

    References
    ----------
    Vinh, N. X., Epps, J. and Bailey, J. (2010), "Information theoretic measures for clusterings comparison", JMLR 11.

    Examples
    --------
    >>> labels = np.repeat(["a", "b"], 50)
    >>> round(explained_by_cells(labels, np.repeat([1, 2, 3, 4], 25)), 2)
    1.0
    >>> round(explained_by_cells(labels, np.tile([1, 2], 50)), 2)
    -0.01
    """
    from scipy.stats import entropy
    from sklearn.metrics import mutual_info_score
    from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information

    table = contingency_matrix(labels, cells, sparse=True)
    by_chance = float(expected_mutual_information(table, len(labels)))
    room = float(entropy(np.unique(labels, return_counts=True)[1])) - by_chance
    if room <= 0:
        return 0.0
    return float((mutual_info_score(None, None, contingency=table) - by_chance) / room)


def recovered(features: pd.DataFrame, labels: np.ndarray, seed: int = 0) -> Estimate:
    """Return how much of the label trees recover from features, on customers whom they did not learn from.

    ``(b - 1/k) / (1 - 1/k)`` with the balanced accuracy b (the mean over the k segments of the share that is found
    again) of a small random forest, cross-fitted. Balanced, so that a segment of nearly all customers is not recovered
    by predicting it always.

    Parameters
    ----------
    features : pandas.DataFrame of shape (n, p)
        Numbers, none missing.
    labels : numpy.ndarray of shape (n,)
        At least two segments of `FEWEST_CUSTOMERS` customers each.
    seed : int

    Returns
    -------
    Estimate
        1 where every customer is found in the own segment, about 0 where the features explain nothing.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    forest = RandomForestClassifier(
        TREES, min_samples_leaf=LEAST_LEAF, class_weight="balanced", random_state=seed
    )
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    codes, segments = pd.factorize(labels, sort=True)
    # Ranks, so that the unit does not matter; digits beyond single precision differ between units.
    ranks = features.astype("float32").rank().to_numpy()
    found = cross_val_predict(forest, ranks, codes, cv=folds) == codes
    chance = 1 / len(segments)

    def share(weights: np.ndarray) -> float:
        of_segment = np.bincount(codes, weights=weights, minlength=len(segments))
        drawn = of_segment > 0
        recall = (
            np.bincount(codes, weights=weights * found, minlength=len(segments))[drawn] / of_segment[drawn]
        )
        return float((recall.mean() - chance) / (1 - chance))

    resampled = np.array([share(weights) for weights in draws(len(codes), RESAMPLES, seed)])
    return estimate(share(np.ones(len(codes))), resampled)
