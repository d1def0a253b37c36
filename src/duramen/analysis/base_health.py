"""The money of each customer in two equal periods comes in; whether the customer base became healthier goes out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from duramen.analysis.joined import listed
from duramen.data.money_unit import unit_in_words
from duramen.evaluation.bootstrap import draws
from duramen.language import Sentence, marked, say
from duramen.scoring.tiers import CORE_SHARE, SET_TOLERANCE

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 200
TAILS_95 = (0.025, 0.975)
# Resamples of fewer customers are too alike for their interval to mean anything.
LEAST_CUSTOMERS = 30
UP, DOWN, UNCLEAR = marked("up"), marked("down"), marked("no clear change")
HEALTHY, NOT_HEALTHY = marked("healthy"), marked("not healthy")
AVERAGE, CORE_SHARE_NAME = (
    marked("average value per customer"),
    marked("the share of money from customers of core size"),
)


@dataclass(frozen=True)
class Change:
    """A figure of two periods, with the 95 % interval of its change.

    Attributes
    ----------
    before, now : float
        The figure in the earlier and in the later period.
    change, low, high : float
        Its change and the ends of the interval.
    """

    before: float
    now: float
    change: float
    low: float
    high: float

    @property
    def direction(self) -> str:
        """``up`` or ``down`` where the whole interval is above or below 0, else ``no clear change``."""
        return UP if self.low > 0 else DOWN if self.high < 0 else UNCLEAR


@dataclass(frozen=True)
class BaseHealth:
    """Whether average value and core share rose between two equal periods; ``print`` shows it in sentences.

    Attributes
    ----------
    before, now : date
        First day of the earlier and of the later period.
    days : int
        Length of both.
    same_season : bool
        Whether they are a year apart; otherwise the season is part of each change.
    unit : str
        Unit of money.
    core_size : float
        The least money of a customer in the smallest set that brought 80 % of the money of the earlier period.
    average_value : Change
        Net money per customer who bought; its change is relative, 0.1 for a tenth more.
    core_share : Change
        Share of money from customers of at least ``core_size``; its change is a difference of shares.
    """

    before: date
    now: date
    days: int
    same_season: bool
    unit: str
    core_size: float
    average_value: Change
    core_share: Change

    @property
    def verdict(self) -> str:
        """``healthy`` where both rose, ``not healthy`` where either fell, else ``no clear change``."""
        directions = {self.average_value.direction, self.core_share.direction}
        if DOWN in directions:
            return NOT_HEALTHY
        return HEALTHY if directions == {UP} else UNCLEAR

    @property
    def opening(self) -> Sentence:
        """The verdict as a clause, with the figure that fails."""
        average, core = self.average_value.direction, self.core_share.direction
        if self.verdict == HEALTHY:
            return say(
                "The customer base became healthier: average value per customer and the share of money from customers "
                "of core size both rose"
            )
        named = {AVERAGE: average, CORE_SHARE_NAME: core}
        fell = [say(name) for name, direction in named.items() if direction == DOWN]
        risen = [say(name) for name, direction in named.items() if direction == UP]
        if fell and risen:
            return say(
                "The customer base did not become healthier: {figure} fell, although {other} rose",
                figure=fell[0],
                other=risen[0],
            )
        if fell:
            return say("The customer base did not become healthier: {figures} fell", figures=listed(fell))
        if risen:
            other = next(name for name, direction in named.items() if direction != UP)
            return say(
                "Only {figure} rose clearly; {other} shows no clear change", figure=risen[0], other=say(other)
            )
        return say(
            "The customer base shows no clear change: neither average value per customer nor the share of money from "
            "customers of core size changed clearly"
        )

    def __str__(self) -> str:
        average, core = self.average_value, self.core_share
        season = (
            say("the same season a year before")
            if self.same_season
            else say("another season, so the change includes the season")
        )
        return say(
            "{opening}. The comparison is of the {days} days from {now} with those from {before} ({season}). A "
            "customer who bought brought {average} {unit} on average, after {average_before} ({change}, 95 % interval "
            "{low} to {high}). Customers of core size (at least {size} {unit} in {days} days) brought {share} of the "
            "money, after {share_before} ({points} points, 95 % interval {points_low} to {points_high}).",
            opening=self.opening,
            days=self.days,
            now=self.now,
            before=self.before,
            season=season,
            unit=unit_in_words(self.unit),
            average=f"{average.now:,.2f}",
            average_before=f"{average.before:,.2f}",
            change=f"{average.change:+z,.1%}",
            low=f"{average.low:+z,.1%}",
            high=f"{average.high:+z,.1%}",
            size=f"{self.core_size:,.2f}",
            share=f"{core.now:.1%}",
            share_before=f"{core.before:.1%}",
            points=_points(core.change),
            points_low=_points(core.low),
            points_high=_points(core.high),
        )


def _points(difference: float) -> str:
    return f"{100 * difference:+z.1f}"


class SortedMoney:
    """The money of customers in a period, sorted once, so that a figure of a resample is a running sum.

    Parameters
    ----------
    money : numpy.ndarray of shape (n,)
    bought : numpy.ndarray of bool, shape (n,)
        Who bought; the others are customers of another period.
    """

    def __init__(self, money: np.ndarray, bought: np.ndarray) -> None:
        rows = np.flatnonzero(bought)
        self.rows = rows[np.argsort(-money[rows], kind="stable")]
        self.money = money[self.rows]

    def running(self, counts: np.ndarray) -> np.ndarray:
        """Return the running sum of money, the largest customer first, each as often as it was drawn."""
        running: np.ndarray = np.cumsum(counts[self.rows] * self.money)
        return running

    def core_size(self, running: np.ndarray) -> float:
        """Return the least money of a customer of the smallest set that brings ``CORE_SHARE``."""
        reached = running >= CORE_SHARE * running[-1] * (1 - SET_TOLERANCE)
        return float(self.money[np.argmax(reached)])

    def share_from(self, size: float, running: np.ndarray) -> float:
        """Return the share of money from customers who bring at least ``size``."""
        above = int(np.searchsorted(-self.money, -size, side="right"))
        return float(running[above - 1] / running[-1]) if above else 0.0


def share_from(money: np.ndarray, size: float) -> float:
    """Return the share of money from customers who bring at least ``size``; missing without money.

    Examples
    --------
    >>> share_from(np.array([6.0, 3.0, 1.0]), 3.0)
    0.9
    """
    total = money.sum()
    return float(money[money >= size].sum() / total) if total > 0 else float("nan")


def _figures(before: SortedMoney, now: SortedMoney, counts: np.ndarray) -> tuple[float, float, float, float]:
    """Return average value before and now, and core share before and now, of the drawn customers."""
    running_before, running_now = before.running(counts), now.running(counts)
    if not (running_before[-1] > 0 and running_now[-1] > 0):
        return (float("nan"),) * 4
    size = before.core_size(running_before)
    return (
        float(running_before[-1] / counts[before.rows].sum()),
        float(running_now[-1] / counts[now.rows].sum()),
        before.share_from(size, running_before),
        now.share_from(size, running_now),
    )


def health_changes(before: SortedMoney, now: SortedMoney, customers: int, seed: int) -> tuple[Change, Change]:
    """Return the change of average value and of core share, with intervals from resampled customers.

    Customers are drawn with both their periods, since most bought in both, and the core size is found again for each
    draw.

    Parameters
    ----------
    before, now : SortedMoney
        The same customers in the two periods.
    customers : int
        Number of these customers.
    seed : int

    Returns
    -------
    tuple of Change
    """
    figures = partial(_figures, before, now)
    drawn = np.array([figures(counts) for counts in draws(customers, RESAMPLES, seed)])
    average_before, average_now, core_before, core_now = figures(np.ones(customers))
    relative = np.nanquantile(drawn[:, 1] / drawn[:, 0] - 1, TAILS_95)
    points = np.nanquantile(drawn[:, 3] - drawn[:, 2], TAILS_95)
    return (
        Change(average_before, average_now, average_now / average_before - 1, *map(float, relative)),
        Change(core_before, core_now, core_now - core_before, *map(float, points)),
    )


def compare_periods(
    before: pd.DataFrame,
    now: pd.DataFrame,
    starts: tuple[date, date],
    *,
    days: int,
    same_season: bool,
    unit: str,
    seed: int = 0,
) -> BaseHealth | str:
    """Return whether the base became healthier between two equal periods.

    Parameters
    ----------
    before, now : pandas.DataFrame
        ``customer``, ``money`` (net) and ``bought`` (whether they did) of the customers of each period, who both have
        money in all.
    starts : tuple of date
        First day of each.
    days : int
        Length of each.
    same_season : bool
        Whether they are a year apart.
    unit : str
        Unit of money.
    seed : int
        Seed of the resamples.

    Returns
    -------
    BaseHealth or str
        A sentence where either period has fewer than 30 customers.
    """
    both = before.merge(
        now, on="customer", how="outer", suffixes=("_before", "_now"), validate="one_to_one", sort=True
    )
    earlier, later = (
        SortedMoney(both[f"money_{when}"].to_numpy(dtype=float), both[f"bought_{when}"].eq(True).to_numpy())
        for when in ("before", "now")
    )
    fewest = min(len(earlier.rows), len(later.rows))
    if fewest < LEAST_CUSTOMERS:
        return say(
            "No verdict on the base: only {customers} customers bought in one of the compared periods of {days} days, "
            "and an interval needs {least}; choose longer periods.",
            customers=f"{fewest:,}",
            days=days,
            least=LEAST_CUSTOMERS,
        )
    size = earlier.core_size(earlier.running(np.ones(len(both))))
    return BaseHealth(
        *starts, days, same_season, unit, size, *health_changes(earlier, later, len(both), seed)
    )
