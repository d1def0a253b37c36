"""Customers before a campaign, and who was treated, come in; whether treatment was assigned at random goes out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from duramen.data.customer_columns import known_numbers
from duramen.errors import InputError
from duramen.evaluation.metrics import area_under_roc

LEAST_CUSTOMERS = 50
"""Customers that each of the two groups needs."""
# With a true experiment one in a hundred is refused.
LEAST_P = 0.01
PERMUTATIONS, FOLDS, PENALTY = 499, 5, 0.1
# The test is of a sample where customers are more.
SAMPLE = 20_000
NAMED = 3


class Balance(NamedTuple):
    """Whether treated customers and the control group were alike before the campaign.

    Attributes
    ----------
    features : pandas.DataFrame
        A row for each feature, the most unbalanced first: ``feature``, ``mean_treated``, ``mean_control``,
        ``difference`` (standardised: difference in means / pooled standard deviation) and ``p_value`` (Welch).
    auc : float
        How well treatment of other customers is predicted from the features: the probability that a treated customer
        has the higher prediction than a control customer, 0.5 where treatment is random.
    p_value : float
        Share of random assignments that are predicted as well.
    treated_share : float
    random : bool
        False where the share is below 1 %.
    sentence : str
        The result in words.
    """

    features: pd.DataFrame
    auc: float
    p_value: float
    treated_share: float
    random: bool
    sentence: str


def balance_test(features: pd.DataFrame, treated: ArrayLike, seed: int = 0) -> Balance:
    """Return whether treatment can be predicted from what was known of customers before the campaign.

    A classifier two-sample test: a ridge regression of treatment on the rank and the squared rank of each feature, and
    on whether it is missing, is fitted to four fifths of the customers and predicts the others. How predictions vary
    with treatment (their covariance) is compared with that of random assignments, so the p-value is exact for any
    number of features.

    Parameters
    ----------
    features : pandas.DataFrame of shape (n, m)
        What was known before the campaign; numeric columns but ``customer_id`` are used.
    treated : array_like of shape (n,)
        1 where the customer was treated, 0 where in the control group.
    seed : int

    Raises
    ------
    InputError
        If no column is numeric, ``treated`` does not fit, or a group has fewer than 50 customers.

    References
    ----------
    Lopez-Paz, D. and Oquab, M. (2017), "Revisiting classifier two-sample tests", ICLR.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> spend = rng.gamma(2.0, 50.0, 400)
    >>> balance_test(pd.DataFrame({"spend": spend}), rng.permutation(400) < 200).random
    True
    >>> balance_test(pd.DataFrame({"spend": spend}), spend > 80).random
    False
    """
    group = treated_or_not(treated, len(features))
    numbers = numeric_features(features)
    auc, p_value = _classifier_test(numbers, group, seed)
    table = _differences(numbers, group)
    random = p_value >= LEAST_P
    return Balance(
        table, auc, p_value, float(group.mean()), random, _sentence(table, auc, p_value, random=random)
    )


def treated_or_not(treated: ArrayLike, customers: int | None = None) -> np.ndarray:
    """Return who was treated, as booleans of shape (n,), from 1 and 0; each group needs 50 customers.

    Raises
    ------
    InputError
        If a value is neither 1 nor 0, or a group has too few customers.
    """
    numbers = known_numbers(treated, "treated", customers, 0, 1)
    if (between := (numbers > 0) & (numbers < 1)).any():
        raise InputError(f"treated is neither 0 nor 1 for {between.sum():,} customers; give 1 or 0 for each.")
    group: np.ndarray = numbers == 1
    least = min(group.sum(), (~group).sum())
    if least < LEAST_CUSTOMERS:
        raise InputError(
            f"the campaign has {group.sum():,} treated and {(~group).sum():,} control customers; an experiment needs "
            f"{LEAST_CUSTOMERS} or more of each."
        )
    return group


def numeric_features(features: pd.DataFrame) -> pd.DataFrame:
    """Return the numeric columns but ``customer_id``, as float64.

    Raises
    ------
    InputError
        If there is none.
    """
    numbers = features.drop(columns="customer_id", errors="ignore").select_dtypes(["number", "bool"])
    if numbers.empty:
        raise InputError("the features have no numeric column; give those of customer_table.")
    return numbers.astype("float64")


def _differences(features: pd.DataFrame, group: np.ndarray) -> pd.DataFrame:
    """Return the means of both groups, their standardised difference and the p-value of Welch, largest first."""
    from scipy.special import ndtr

    sides = features[group], features[~group]
    means, variances = ([getattr(side, name)() for side in sides] for name in ("mean", "var"))
    difference = means[0] - means[1]
    spread = np.sqrt((variances[0] + variances[1]) / 2)
    error = np.sqrt(sum(variance / side.count() for variance, side in zip(variances, sides, strict=True)))
    table = pd.DataFrame(
        {
            "mean_treated": means[0],
            "mean_control": means[1],
            # A feature that is the same for all customers does not differ.
            "difference": (difference / spread.where(spread > 0)).fillna(0.0),
            "p_value": 2 * ndtr(-np.abs((difference / error.where(error > 0)).fillna(0.0))),
        }
    )
    table = table.rename_axis("feature").reset_index()
    return table.sort_values("difference", key=np.abs, ascending=False, kind="stable", ignore_index=True)


def _classifier_test(features: pd.DataFrame, group: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the AUC of predicting treatment out of fold, and the share of assignments predicted as well.

    The share is by covariance, which finds a few customers who are all treated sooner than ranks do.
    """
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(group))[:SAMPLE]
    terms, label = _terms(features.iloc[rows]), group[rows].astype(float)
    # The first column is the assignment itself; the others are random ones.
    labels = np.column_stack([label, *(rng.permutation(label) for _ in range(PERMUTATIONS))])
    area, covariance = 0.0, np.zeros(labels.shape[1])
    for fold in range(FOLDS):
        inside = np.arange(len(rows)) % FOLDS == fold
        fitted, held = terms[~inside], terms[inside]
        gram = fitted.T @ fitted + PENALTY * len(fitted) * np.eye(terms.shape[1])
        weights = np.linalg.solve(gram, fitted.T @ (labels[~inside] - labels[~inside].mean(axis=0)))
        predicted = held @ weights
        covariance += ((predicted - predicted.mean(axis=0)) * labels[inside]).sum(axis=0)
        area += area_under_roc(predicted[:, 0], labels[inside, 0]) / FOLDS
    return area, float((covariance >= covariance[0] - 1e-12).mean())


def _terms(features: pd.DataFrame) -> np.ndarray:
    """Return standardised ranks, their squares and marks of missing values, without columns that do not vary."""
    rank = features.rank(pct=True).to_numpy()
    missing = np.isnan(rank)
    rank = np.where(missing, 0.5, rank) - 0.5
    terms = np.hstack([rank, rank**2, missing.astype(float)])
    terms = terms - terms.mean(axis=0)
    spread = terms.std(axis=0)
    kept = spread > 1e-9
    scaled: np.ndarray = terms[:, kept] / spread[kept]
    return scaled


def _sentence(table: pd.DataFrame, auc: float, p_value: float, *, random: bool) -> str:
    if random:
        return (
            f"Treated and control customers were alike before the campaign: treatment cannot be predicted (AUC "
            f"{auc:.2f}, p {p_value:.2f})."
        )
    named = ", ".join(
        f"{row.feature} ({row.difference:+.2f} standard deviations)" for row in table.head(NAMED).itertuples()
    )
    return (
        f"Treatment can be predicted from what was known before the campaign (AUC {auc:.2f}, p {p_value:.3f}); "
        f"the most unbalanced features are {named}."
    )
