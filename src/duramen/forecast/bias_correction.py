"""Earlier folds come in; how far to correct a BTYD total goes out.

BTYD knows no season and assumes that all customers slow down alike, so its totals miss by the same sign for a while.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from duramen.data.windows import YEAR, Window
from duramen.forecast.folds import Fold, complete_before

# Misses of a total, as logarithms: how far they usually lie from none, and how far one lies from the next, in the
# same season and in another. A correction is pulled towards none by their ratio and by its own standard error.
USUAL_MISS, CHANGE_IN_SEASON, CHANGE = 0.2, 0.1, 0.15


def comparable_fold(folds: Sequence[Fold], window: Window) -> Fold | None:
    """Return the complete fold that shows most about a window's total: the same season, or the latest long one.

    The same season is the window a year earlier. Otherwise the longest outcomes count, and of those the latest.
    """
    known = complete_before(folds, window.cutoff)
    return next(
        (fold for fold in known if _is_same_season(fold, window)),
        max(known, key=lambda fold: (fold.window.horizon, fold.window.cutoff), default=None),
    )


def shrink(miss: float, standard_error: float, *, same_season: bool) -> float:
    """Return how much of a miss of a total is expected to come again.

    Examples
    --------
    >>> round(shrink(0.1, 0.0, same_season=True), 3), round(shrink(0.1, 0.0, same_season=False), 3)
    (0.08, 0.064)
    """
    change = CHANGE_IN_SEASON if same_season else CHANGE
    again = miss * USUAL_MISS**2 / (USUAL_MISS**2 + change**2 + standard_error**2)
    # A peak or a closed quarter is not the rule of the next one.
    return again if same_season else max(-USUAL_MISS, min(again, USUAL_MISS))


def money_level(folds: Sequence[Fold], window: Window) -> float:
    """Return the factor by which the BTYD total of money over a window is corrected, 1 where no fold shows it."""
    fold = comparable_fold(folds, window)
    if fold is None:
        return 1.0
    actual, forecast = fold.outcomes["value"].to_numpy(), fold.features["btyd_value"].to_numpy()
    if actual.sum() <= 0 or forecast.sum() <= 0:
        return 1.0
    ratio = actual.sum() / forecast.sum()
    error = np.sqrt(np.sum((actual - ratio * forecast) ** 2)) / actual.sum()
    return float(np.exp(shrink(np.log(ratio), float(error), same_season=_is_same_season(fold, window))))


def activity_level(folds: Sequence[Fold], window: Window) -> float:
    """Return what is added to the log odds of the BTYD share of active customers over a window."""
    fold = comparable_fold(folds, window)
    if fold is None:
        return 0.0
    active = fold.outcomes["active"].to_numpy()
    forecast = fold.features["btyd_probability_active"].to_numpy()
    share = active.mean()
    if not (0 < share < 1 and 0 < forecast.mean() < 1):
        return 0.0
    miss = np.log(share / (1 - share)) - np.log(forecast.mean() / (1 - forecast.mean()))
    error = np.sqrt(np.sum((active - forecast) ** 2)) / len(active) / (share * (1 - share))
    return shrink(float(miss), float(error), same_season=_is_same_season(fold, window))


def _is_same_season(fold: Fold, window: Window) -> bool:
    return fold.window == window.earlier(YEAR)
