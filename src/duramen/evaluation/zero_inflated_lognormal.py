"""Three parameters of each customer's money come in; mean, quantiles and the gradient of their likelihood go out.

Money is 0 with probability 1 - p, else lognormal: its logarithm has mean mu and standard deviation sigma. Source: Wang,
Liu & Miao (2019), "A deep probabilistic model for customer lifetime value prediction", arXiv:1912.07753.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, ndtri

from duramen.forecast.value_distribution import LEVELS


def hurdle_mean(
    probability: np.ndarray, mu: np.ndarray, sigma: np.ndarray | float, most: float = np.inf
) -> np.ndarray:
    """Return the expected money, p exp(mu + sigma^2 / 2).

    Parameters
    ----------
    probability, mu : array of shape (n,)
    sigma : float or array of shape (n,)
    most : float
        The most that a customer who buys is expected to spend. The exponential of an uncertain mu or sigma has no
        bound, and one customer could otherwise outweigh all others.

    Examples
    --------
    >>> hurdle_mean(np.array([0.5, 0.5]), np.log([10.0, 1e9]), 0.0, most=100.0).round(6)
    array([ 5., 50.])
    """
    money: np.ndarray = probability * np.exp(np.minimum(mu + np.square(sigma) / 2, np.log(most)))
    return money


def hurdle_quantiles(
    probability: np.ndarray, mu: np.ndarray, sigma: np.ndarray | float, levels: np.ndarray = LEVELS
) -> np.ndarray:
    """Return the quantiles of money, 0 up to the level 1 - p.

    Parameters
    ----------
    probability, mu : array of shape (n,)
    sigma : float or array of shape (n,)
    levels : array of shape (q,)

    Returns
    -------
    numpy.ndarray of shape (n, q)
        In single precision.

    Examples
    --------
    >>> hurdle_quantiles(np.array([0.5]), np.log([10.0]), 1.0, np.array([0.25, 0.5, 0.75])).round(6)
    array([[ 0.,  0., 10.]], dtype=float32)
    """
    probability, mu, sigma = (np.reshape(given, (-1, 1)) for given in (probability, mu, sigma))
    # The levels among those who buy.
    inside = 1 - (1 - levels) / np.maximum(probability, np.finfo(float).tiny)
    buys = inside > 0
    money = np.exp(mu + sigma * ndtri(np.where(buys, inside, 0.5)))
    quantiles: np.ndarray = np.where(buys, money, 0.0).astype(np.float32)
    return quantiles


def parameters_of(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return p, mu and sigma from scores of shape (n, 3): the log odds of p, mu, and the logarithm of sigma."""
    return expit(scores[:, 0]), scores[:, 1], np.exp(scores[:, 2])


def negative_log_likelihood(scores: np.ndarray, money: np.ndarray) -> np.ndarray:
    """Return the loss of each customer (equation 5 of the paper), without terms that no score changes.

    Parameters
    ----------
    scores : array of shape (n, 3)
        As in ``parameters_of``.
    money : array of shape (n,)
        0 or more.
    """
    odds, mu, log_sigma = scores.T
    buys = money > 0
    error = (np.log(np.where(buys, money, 1.0)) - mu) * np.exp(-log_sigma)
    loss: np.ndarray = np.logaddexp(0.0, odds) - buys * odds + buys * (log_sigma + error**2 / 2)
    return loss


def gradient(scores: np.ndarray, money: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first derivatives of the loss by the scores, and the expected second ones, both of shape (n, 3).

    The expected ones (Fisher information) are positive, and none is mixed: the steps of the trees are then those of
    Fisher scoring, of each score for itself.
    """
    probability, mu, sigma = parameters_of(scores)
    buys = (money > 0).astype(float)
    error = (np.log(np.where(buys > 0, money, 1.0)) - mu) / sigma
    first = np.column_stack([probability - buys, -buys * error / sigma, buys * (1 - error**2)])
    second = np.column_stack([probability * (1 - probability), buys / sigma**2, 2 * buys])
    return first, second
