"""Losses of holdout customers come in; how much of the trees to use goes out.

The trees are used as far as a later fold shows that they gain on BTYD, which is the simpler model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class TreesUse(NamedTuple):
    """How much of the trees a forecast uses: a share of their score (0 is BTYD alone).

    ``two_stage`` is the part of that share which goes to trees in two stages: who comes back, and what they spend.
    """

    share: float
    two_stage: float = 0.0


NO_TREES = TreesUse(0.0)
# All of the trees, which is meant where the holdout is inconclusive, and half of their effect.
TREES_USES = (TreesUse(1.0), TreesUse(0.5))


def choose_use(losses: dict[TreesUse, np.ndarray]) -> TreesUse:
    """Return the use of the trees that the holdout supports.

    Another use than the first is taken if its mean loss is smaller by more than the standard error of the
    difference; and BTYD alone unless what is taken gains as clearly on it. No difference counts for more than
    that which a thousandth of the customers exceeds.

    Parameters
    ----------
    losses : dict
        Loss of each customer, shape (n,), by use; ``NO_TREES`` is among them, and the first of the others is meant
        where the holdout is inconclusive.
    """
    chosen, *others = (use for use in losses if use != NO_TREES)
    best = min(others, key=lambda use: float(losses[use].mean()), default=chosen)
    if is_clearly_less(losses[best], losses[chosen]):
        chosen = best
    return chosen if is_clearly_less(losses[chosen], losses[NO_TREES]) else NO_TREES


def is_clearly_less(losses: np.ndarray, others: np.ndarray) -> bool:
    """Return whether the mean loss is smaller than the other by more than the standard error of the difference."""
    gain = others - losses
    # None counts for more than the thousandth that differs most: a single customer must not decide, but the heavy
    # buyers, on whom much of the gain is made, are to be heard.
    most = np.quantile(np.abs(gain), 0.999, method="lower")
    gain = np.clip(gain, -most, most)
    return bool(gain.mean() > gain.std() / np.sqrt(len(gain)))


def cross_fit(
    forecasts: dict[TreesUse, np.ndarray], losses: Callable[[TreesUse, np.ndarray], np.ndarray]
) -> tuple[TreesUse, np.ndarray]:
    """Return the use that all customers support, and forecasts in which no customer chose for itself.

    Parameters
    ----------
    forecasts : dict
        Forecast of each holdout customer, shape (n,), by use.
    losses : callable
        From a use and the positions of some customers to the loss of each, which depends on none of the others.

    Returns
    -------
    TreesUse, numpy.ndarray of shape (n,)
        Each half of the customers is forecast with the use that the other half chose.
    """
    rows = np.arange(len(forecasts[NO_TREES]))

    def choose(some: np.ndarray) -> TreesUse:
        return choose_use({use: losses(use, some) for use in forecasts})

    chosen = np.empty(len(rows))
    for half, other in ((rows[::2], rows[1::2]), (rows[1::2], rows[::2])):
        chosen[half] = forecasts[choose(other)][half]
    return choose(rows), chosen
