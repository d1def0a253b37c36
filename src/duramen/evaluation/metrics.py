"""Forecasts and outcomes come in; figures of how good the forecasts are go out.

Each is the definition written plainly, on the customers as they are; ``bootstrap`` has them for resamples, and
``registry`` says what each one asks of a forecast.
"""

from __future__ import annotations

import numpy as np

from duramen.evaluation.top_customers import first_customers
from duramen.forecast.retention_profit import RetentionOffer, contact

# The published example: an offer of a twentieth of what a retained customer brings, and a contact of a two-hundredth.
OFFER = RetentionOffer(offer_cost=0.05, contact_cost=0.005)


def captured(forecast: np.ndarray, actual: np.ndarray, share: float) -> float:
    """Return the share of all money that the first ``ceil(share * n)`` customers by forecast brought.

    Examples
    --------
    >>> captured(np.array([1.0, 3.0, 2.0, 0.0]), np.array([10.0, 60.0, 20.0, 10.0]), 0.25)
    0.6
    """
    first = first_customers(forecast, share)
    return float(actual[first].sum() / actual.sum()) if actual.sum() > 0 else float("nan")


def normalised_gini(forecast: np.ndarray, actual: np.ndarray) -> float:
    """Return how far the forecast's order concentrates the money, over what the perfect order would reach.

    1 is perfect, 0 is chance. Ties are broken by the order given.

    Examples
    --------
    >>> normalised_gini(np.array([1.0, 3.0, 2.0]), np.array([0.0, 9.0, 1.0]))
    1.0
    """
    best = _gini(actual, actual)
    return _gini(forecast, actual) / best if best > 0 else float("nan")


def _gini(forecast: np.ndarray, actual: np.ndarray) -> float:
    if actual.sum() <= 0:
        return 0.0
    running = np.cumsum(actual[np.argsort(-forecast, kind="stable")]) / actual.sum()
    return float(running.sum() / len(actual) - (len(actual) + 1) / (2 * len(actual)))


def gini(money: np.ndarray) -> float:
    """Return the Gini coefficient of money: 0 where all bring the same, near 1 where few of many bring everything.

    Missing where the total is not positive. Customers with negative money can raise it above 1.

    Examples
    --------
    >>> gini(np.array([2.0, 2.0])), gini(np.array([0.0, 0.0, 0.0, 8.0]))
    (0.0, 0.75)
    """
    return 2 * _gini(money, money) if money.sum() > 0 else float("nan")


def spearman(forecast: np.ndarray, actual: np.ndarray) -> float:
    """Return the rank correlation, missing where either is constant."""
    from scipy.stats import spearmanr

    if np.ptp(forecast) == 0 or np.ptp(actual) == 0:
        return float("nan")
    return float(spearmanr(forecast, actual).statistic)


def spearman_of_buyers(forecast: np.ndarray, actual: np.ndarray) -> float:
    """Return the rank correlation among the customers whose actual is not 0.

    Examples
    --------
    >>> round(spearman_of_buyers(np.array([1.0, 2.0, 9.0]), np.array([3.0, 4.0, 0.0])), 9)
    1.0
    """
    bought = actual != 0
    return spearman(forecast[bought], actual[bought]) if bought.sum() > 1 else float("nan")


def mean_absolute_error(forecast: np.ndarray, actual: np.ndarray) -> float:
    """Return the mean of ``|forecast - actual|``, in their unit."""
    from sklearn import metrics

    return float(metrics.mean_absolute_error(actual, forecast))


def total_bias(forecast: np.ndarray, actual: np.ndarray) -> float:
    """Return predicted total over actual total, less 1."""
    return float(forecast.sum() / actual.sum() - 1) if actual.sum() > 0 else float("nan")


def tenths(forecast: np.ndarray) -> list[np.ndarray]:
    """Return the rows of ten groups of as many customers each, the largest forecast first.

    Examples
    --------
    >>> [rows.tolist() for rows in tenths(np.arange(11.0))][:2]
    [[10, 9], [8]]
    """
    return [rows for rows in np.array_split(np.argsort(-forecast, kind="stable"), 10) if len(rows)]


def decile_error(forecast: np.ndarray, actual: np.ndarray) -> float:
    """Return the mean over ten predicted deciles of ``|predicted - actual| / actual``, of those with actual money."""
    errors = [
        abs(forecast[rows].sum() - actual[rows].sum()) / actual[rows].sum()
        for rows in tenths(forecast)
        if actual[rows].sum() > 0
    ]
    return float(np.mean(errors)) if errors else float("nan")


def calibration_error(forecast: np.ndarray, active: np.ndarray) -> float:
    """Return the mean difference of forecast probability and actual share, over tenths by forecast.

    Examples
    --------
    >>> round(calibration_error(np.full(20, 0.4), np.repeat([0.0, 1.0], 10)), 3)
    0.5
    """
    return sum(abs(float(forecast[rows].sum() - active[rows].sum())) for rows in tenths(forecast)) / len(
        active
    )


def area_under_roc(forecast: np.ndarray, active: np.ndarray) -> float:
    """Return the share of (active, inactive) pairs in the right order, ties as half; missing where all are alike.

    Examples
    --------
    >>> area_under_roc(np.array([0.9, 0.4, 0.4, 0.1]), np.array([1.0, 1.0, 0.0, 0.0]))
    0.875
    """
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(active, forecast)) if 0 < active.mean() < 1 else float("nan")


def average_precision(forecast: np.ndarray, active: np.ndarray) -> float:
    """Return the area under the precision-recall curve, missing where nobody is active.

    Examples
    --------
    >>> average_precision(np.array([0.9, 0.6, 0.3]), np.array([1.0, 0.0, 1.0]))
    0.8333333333333333
    """
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(active, forecast)) if active.any() else float("nan")


def brier(forecast: np.ndarray, active: np.ndarray) -> float:
    """Return the mean squared difference between a probability and the outcome (1 or 0).

    Examples
    --------
    >>> brier(np.array([0.5, 1.0]), np.array([0.0, 1.0]))
    0.125
    """
    from sklearn.metrics import brier_score_loss

    return float(brier_score_loss(active, forecast, pos_label=1))


def lift(forecast: np.ndarray, active: np.ndarray, share: float) -> float:
    """Return the active share among the first ``ceil(share * n)`` customers over that among all; chance gives 1.

    Examples
    --------
    >>> lift(np.array([0.9, 0.6, 0.3, 0.1]), np.array([1.0, 1.0, 0.0, 0.0]), 0.5)
    2.0
    """
    if not active.any():
        return float("nan")
    return float(active[first_customers(forecast, share)].mean() / active.mean())


def retention_profit(forecast: np.ndarray, active: np.ndarray) -> float:
    """Return what a retention campaign earned per customer, in shares of the value of a retained customer.

    Contacted are those whose churn probability makes it pay (``retention_profit.contact``), at the published example of
    an offer that costs a twentieth of that value and a contact that costs a two-hundredth of it.

    Examples
    --------
    >>> round(retention_profit(np.array([0.1, 0.9]), np.array([0.0, 1.0])), 3)
    0.14
    """
    return float(np.mean(campaign_profits(forecast, active)))


def campaign_profits(forecast: np.ndarray, active: np.ndarray) -> np.ndarray:
    """Return what contacting, or not, earned with each customer at the mean acceptance rate."""
    lost = OFFER.offer_cost + OFFER.contact_cost
    retained = OFFER.mean_acceptance * (1 - OFFER.offer_cost) - OFFER.contact_cost
    profits: np.ndarray = contact(1 - forecast, 1.0, OFFER) * np.where(active > 0, -lost, retained)
    return profits


def variance_explained(groups: np.ndarray, actual: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return eta squared: the variance of the groups' means over that of all, missing where nothing varies.

    Parameters
    ----------
    groups : numpy.ndarray of shape (n,)
        Whole numbers from 0.
    actual : numpy.ndarray of shape (n,)
    weights : numpy.ndarray of shape (n,), optional
        How often each counts.

    Examples
    --------
    >>> variance_explained(np.array([0, 0, 1, 1]), np.array([1.0, 1.0, 3.0, 3.0]))
    1.0
    >>> variance_explained(np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 1.0, 3.0]))
    0.0
    """
    weights = np.ones(len(actual)) if weights is None else weights
    centred = actual - np.average(actual, weights=weights)
    total = float(weights @ centred**2)
    if total <= 0:
        return float("nan")
    sizes = np.bincount(groups, weights=weights)
    sums = np.bincount(groups, weights=weights * centred)
    filled = sizes > 0
    return float((sums[filled] ** 2 / sizes[filled]).sum() / total)


def log_value(money: np.ndarray, basket: float) -> np.ndarray:
    """Return ``log(1 + money / basket)``, 0 where money is negative: the value that groups and models explain.

    Parameters
    ----------
    money : numpy.ndarray of shape (n,)
    basket : float
        ``typical_basket`` of the customers before the cutoff, so that the currency does not matter.

    Examples
    --------
    >>> log_value(np.array([-30.0, 0.0, 10 * (np.e - 1)]), 10.0).tolist()
    [0.0, 0.0, 1.0]
    """
    logs: np.ndarray = np.log1p(np.maximum(money, 0.0) / basket)
    return logs
