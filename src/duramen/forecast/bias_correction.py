"""Earlier folds come in; how far to correct a BTYD total, and how uncertain it then is, goes out.

BTYD knows no season and assumes that all customers slow down alike, so its totals miss by the same sign for a while.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from duramen.data.windows import YEAR, Window
from duramen.forecast.folds import Fold, complete_before

# Standard deviations of the parts of a miss, before any is seen: of what all windows share, of the season (of a day),
# and of chance over a whole horizon. A young base adds to it in proportion to horizon / history.
LASTING, SEASON, CHANCE, YOUTH = 0.1, 0.4, 0.2, 0.3
# The season of two days is alike where they lie about this share of a year apart, over 2 pi.
SEASON_LENGTH = 0.4
# How much of these deviations a base has is learned: as likely one of these shares as another.
SCALES = (0.125, 0.25, 0.5, 1.0)
# A closed quarter or a great sale counts no more than this.
LARGEST_MISS = 1.0
# A base that grew by less since then is a cohort that ages: what was a year ago was its youth, not the season.
LEAST_GROWTH = 1.1
# Eight in ten totals are meant to lie within so many standard errors.
EIGHTY_PERCENT = 1.2816
# Days at which the season of a window is looked up.
_POINTS = (np.arange(8) + 0.5) / 8


class Level(NamedTuple):
    """How a BTYD total is corrected, as a logarithm (of money) or in log odds (of the share of active customers).

    Attributes
    ----------
    shift : float
        What is added.
    standard_error : float
        Of the outcome about the corrected total: of the shift, of chance in the window, and of which customers buy.
    season : float
        The part of the shift that is the season.
    season_known : bool
        Whether the same season a year earlier is among the windows.
    clear : bool
        Whether the shift is larger than its own standard error.
    windows : int
        How many complete windows it was learned from.
    overlapping : bool
        Whether some of these windows share days.
    """

    shift: float = 0.0
    standard_error: float = 0.0
    season: float = 0.0
    season_known: bool = False
    clear: bool = False
    windows: int = 0
    overlapping: bool = False

    @property
    def factor(self) -> float:
        """What a total of money is multiplied with."""
        return float(np.exp(self.shift))


class Total(NamedTuple):
    """An expected total, and the bounds that contain the actual one in eight of ten cases."""

    expected: float
    low: float
    high: float


class Miss(NamedTuple):
    """The miss of a total over a window (log of actual / forecast, or log odds) and its sampling error."""

    window: Window
    size: float
    error: float


def money_level(folds: Sequence[Fold], window: Window) -> Level:
    """Return how the BTYD total of money over a window is corrected, by all windows that were complete before it."""
    return _level(folds, window, _miss_of_money)


def activity_level(folds: Sequence[Fold], window: Window) -> Level:
    """Return how the log odds of the BTYD share of active customers over a window are corrected."""
    return _level(folds, window, _miss_of_activity)


def total_interval(total: float, standard_error: float) -> tuple[float, float]:
    """Return the bounds that contain the actual total in eight of ten cases.

    Examples
    --------
    >>> [round(bound) for bound in total_interval(1000.0, 0.1)]
    [880, 1137]
    """
    spread = float(np.exp(EIGHTY_PERCENT * standard_error))
    return total / spread, total * spread


def estimate_level(misses: Sequence[Miss], window: Window, first: date, chance_error: float = 0.0) -> Level:
    """Return the expected miss of a window from the misses of windows before it, by Gaussian regression.

    A miss is a part that all windows share, a part that depends on the day of the year (a periodic kernel, averaged
    over the days of each window), chance that is independent from day to day, what a young base adds, and sampling
    error. All but the last are scaled by one number, averaged over its likelihood.

    Parameters
    ----------
    misses : sequence of Miss
    window : Window
        The one that is forecast.
    first : date
        The first day of the history.
    chance_error : float
        Sampling error of the total of the window itself.

    References
    ----------
    Rasmussen and Williams (2006), "Gaussian processes for machine learning", equations 2.25, 2.26 and 4.31.

    Examples
    --------
    A year ago the same quarter brought 35 % more than forecast, and the others what was forecast.

    >>> quarters = [Window("2022-10-01", 91).earlier(91 * k) for k in range(1, 6)]
    >>> misses = [Miss(quarter, 0.3 * (k == 3), 0.02) for k, quarter in enumerate(quarters)]
    >>> level = estimate_level(misses, Window("2022-10-01", 91), date(2020, 1, 1))
    >>> round(level.factor, 2), round(level.standard_error, 2)
    (1.22, 0.13)
    """
    windows = [*(miss.window for miss in misses), window]
    size, error = np.array([miss.size for miss in misses]), np.array([miss.error for miss in misses])
    season = SEASON**2 * _alike_in_season(windows, first)
    lengths = np.array([one.horizon for one in windows], dtype=float)
    ages = np.array([max((one.cutoff - first).days, 1) for one in windows])
    overlap = _overlap(windows)
    chance = CHANCE**2 * window.horizon * overlap / np.outer(lengths, lengths)
    own = np.diag((YOUTH * lengths / ages) ** 2)
    shared = overlap[:-1, :-1] / np.sqrt(np.outer(lengths[:-1], lengths[:-1]))
    sampling = np.outer(error, error) * shared + 1e-6 * np.eye(len(misses))

    posteriors = []
    for scale in SCALES:
        expected = scale**2 * (LASTING**2 + season)
        whole = expected + scale**2 * (chance + own)
        seen = whole[:-1, :-1] + sampling
        right = np.column_stack([size, whole[:-1, -1], expected[:-1, -1], scale**2 * season[:-1, -1]])
        solved = np.linalg.solve(seen, right)
        log_likelihood = -0.5 * (size @ solved[:, 0] + np.linalg.slogdet(seen)[1])
        shift, of_season = right[:, 2:].T @ solved[:, 0]
        posteriors.append(
            (
                log_likelihood,
                shift,
                of_season,
                expected[-1, -1] - right[:, 2] @ solved[:, 2],
                whole[-1, -1] - right[:, 1] @ solved[:, 1],
            )
        )
    likelihood, shifts, seasons, of_shift, of_outcome = np.array(posteriors).T
    weights = np.exp(likelihood - likelihood.max())
    weights /= weights.sum()
    mean = float(weights @ shifts)
    between = float(weights @ (shifts - mean) ** 2)
    return Level(
        shift=mean,
        standard_error=float(np.sqrt(weights @ of_outcome + between + chance_error**2)),
        season=float(weights @ seasons),
        season_known=any(_is_same_season(miss.window, window) for miss in misses),
        clear=bool(abs(mean) > np.sqrt(weights @ of_shift + between)),
        windows=len(misses),
        overlapping=bool(np.triu(overlap[:-1, :-1], 1).any()),
    )


def comparable_folds(folds: Sequence[Fold], window: Window) -> list[Fold]:
    """Return the complete folds that show something of a window's total.

    Left out is what lies in the same season a year earlier, where the base was then in its first year and has hardly
    any customer since: a cohort that ages, whose past year shows its youth and not the season.
    """
    known = complete_before(folds, window.cutoff)
    if not known:
        return []
    first = first_day(known)
    latest = max(known, key=lambda fold: fold.window.cutoff)

    def is_youth(fold: Fold) -> bool:
        grew = len(latest.outcomes) >= LEAST_GROWTH * len(fold.outcomes)
        return (fold.window.cutoff - first).days < YEAR and not grew and _is_same_season(fold.window, window)

    return [fold for fold in known if not is_youth(fold)]


def first_day(folds: Sequence[Fold]) -> date:
    """Return the day of the first purchase that any fold knows."""
    return min(fold.window.cutoff - timedelta(days=int(fold.features["T"].max())) for fold in folds)


def _level(
    folds: Sequence[Fold], window: Window, measure: Callable[[Fold], tuple[float, float] | None]
) -> Level:
    misses = []
    for fold in comparable_folds(folds, window):
        if (found := measure(fold)) is not None:
            # BTYD was fitted to as many customers over its history: what it learned from them is no surer.
            length, age = fold.window.horizon, float(fold.features["T"].max())
            size = float(np.clip(found[0], -LARGEST_MISS, LARGEST_MISS))
            misses.append(Miss(fold.window, size, found[1] * np.sqrt(1 + length / max(age, 1.0))))
    known = complete_before(folds, window.cutoff)
    first = first_day(known) if known else window.earlier(window.horizon).cutoff
    latest = max(misses, key=lambda miss: (miss.window.horizon, miss.window.cutoff), default=None)
    return estimate_level(misses, window, first, 0.0 if latest is None else latest.error)


def _miss_of_money(fold: Fold) -> tuple[float, float] | None:
    """Return the miss of the total as a logarithm and its sampling error, None where there is no money."""
    actual, forecast = fold.outcomes["value"].to_numpy(), fold.features["btyd_value"].to_numpy()
    if actual.sum() <= 0 or forecast.sum() <= 0:
        return None
    ratio = actual.sum() / forecast.sum()
    error = np.sqrt(np.sum((actual - ratio * forecast) ** 2)) / actual.sum()
    return float(np.log(ratio)), float(error)


def _miss_of_activity(fold: Fold) -> tuple[float, float] | None:
    """Return the miss of the share of active customers in log odds and its sampling error, None where none show it."""
    active = fold.outcomes["active"].to_numpy()
    forecast = fold.features["btyd_probability_active"].to_numpy()
    share = active.mean()
    if not (0 < share < 1 and 0 < forecast.mean() < 1):
        return None
    miss = np.log(share / (1 - share)) - np.log(forecast.mean() / (1 - forecast.mean()))
    error = np.sqrt(np.sum((active - forecast) ** 2)) / len(active) / (share * (1 - share))
    return float(miss), float(error)


def _alike_in_season(windows: Sequence[Window], first: date) -> np.ndarray:
    """Return how alike the seasons of windows are, 1 where their days are the same ones of the year."""
    days = np.array([(one.cutoff - first).days + one.horizon * _POINTS for one in windows])
    apart = np.sin(np.pi * (days.reshape(-1, 1) - days.reshape(1, -1)) / YEAR)
    count, points = days.shape
    alike = np.exp(-2 * (apart / SEASON_LENGTH) ** 2).reshape(count, points, count, points)
    mean: np.ndarray = alike.mean(axis=(1, 3))
    return mean


def _overlap(windows: Sequence[Window]) -> np.ndarray:
    """Return the days that each two windows share."""
    starts = np.array([one.cutoff.toordinal() for one in windows], dtype=float)
    ends = starts + [one.horizon for one in windows]
    shared = np.minimum.outer(ends, ends) - np.maximum.outer(starts, starts)
    days: np.ndarray = np.maximum(shared, 0.0)
    return days


def _is_same_season(earlier: Window, window: Window) -> bool:
    """Return whether a window covers at least half of the same season a year before another."""
    season = window.earlier(YEAR)
    shared = (min(earlier.end, season.end) - max(earlier.cutoff, season.cutoff)).days
    return 2 * shared >= min(season.horizon, earlier.horizon)
