"""A cutoff and a horizon come in; history and outcome windows go out. Called by every room that looks at time.

History is ``date < cutoff``; outcomes are ``cutoff <= date < cutoff + horizon``. Both are counted in days.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from numbers import Integral
from typing import Any

from duramen.errors import InputError

# 52 whole weeks: a season is compared with the same weekdays a year before.
YEAR = 364
# A calendar year on average: rates per year and yearly interest refer to it.
DAYS_PER_YEAR = 365.25
# Whole weeks, so that every window holds the same weekdays.
HORIZONS = (28, 91, 182, YEAR)
# Rolling cutoffs beyond these add rows of ever older behaviour, not new facts.
MOST_TRAINING_CUTOFFS = 6


@dataclass(frozen=True, init=False, order=True)
class Window:
    """A cutoff and the horizon after it.

    Parameters
    ----------
    cutoff : date or str
        First day that is not history; a string is read as ``YYYY-MM-DD``.
    horizon : int, timedelta or str
        Length of the outcome window in days; a string is days or weeks (``"183d"``, ``"26w"``). Months and
        years are refused, since they have no fixed length.

    Raises
    ------
    InputError
        If either cannot be read, or the horizon is shorter than a day.

    Examples
    --------
    >>> window = Window("2011-06-01", "26w")
    >>> window.horizon, window.end.isoformat()
    (182, '2011-11-30')
    """

    cutoff: date
    horizon: int

    def __init__(self, cutoff: date | str, horizon: int | timedelta | str) -> None:
        object.__setattr__(self, "cutoff", parse_day(cutoff))
        object.__setattr__(self, "horizon", parse_horizon(horizon))
        if self.horizon > (date.max - self.cutoff).days:
            raise InputError(
                f"horizon {horizon!r} from {self.cutoff} ends after the year 9999; write a shorter one."
            )

    @property
    def end(self) -> date:
        """First day after the horizon."""
        return self.cutoff + timedelta(days=self.horizon)

    def earlier(self, days: int) -> Window:
        """Return the same horizon after a cutoff that lies ``days`` earlier."""
        return Window(self.cutoff - timedelta(days=days), self.horizon)

    def __str__(self) -> str:
        return f"{self.horizon} days from {self.cutoff.isoformat()}"


def parse_day(day: date | str) -> date:
    """Return a calendar day from a date, a timestamp or ``YYYY-MM-DD``."""
    if isinstance(day, datetime) and day == day:  # pandas' missing time is a datetime that equals nothing
        return day.date()
    if isinstance(day, date) and not isinstance(day, datetime):
        return day
    try:
        return date.fromisoformat(str(day).strip())
    except ValueError:
        raise InputError(
            f"cutoff {day!r} is not a day; write it as YYYY-MM-DD, for example 2011-06-01."
        ) from None


def parse_horizon(horizon: int | timedelta | str) -> int:
    """Return a horizon in days from a number of days or a string such as ``183d`` or ``26w``."""
    days: Any = horizon
    if isinstance(horizon, timedelta):
        days = horizon / timedelta(days=1)
    elif isinstance(horizon, str):
        match = re.fullmatch(r"\s*(\d+)\s*(d|days?|w|weeks?)?\s*", horizon)
        if match is None:
            raise InputError(
                f"horizon {horizon!r} is not a number of days or weeks; write 183d or 26w "
                "(months and years have no fixed length)."
            )
        days = int(match[1]) * (7 if (match[2] or "d").startswith("w") else 1)
    if not isinstance(days, int | float | Integral) or days % 1 != 0:
        raise InputError(f"horizon {horizon!r} is not a whole number of days; write 183d or 26w.")
    whole = int(days)
    if whole < 1:
        raise InputError(f"horizon {horizon!r} is shorter than a day; write at least 1d.")
    return whole


def choose_horizon(first: date, cutoff: date) -> int:
    """Return the longest usual horizon that fits three times into the history, in days.

    Three times, so that a model can learn from one horizon, be evaluated on the next, and still have history
    before both. Histories shorter than 84 days get a third of what there is.

    Examples
    --------
    >>> choose_horizon(date(1997, 1, 1), date(1998, 7, 1))
    182
    """
    third = (cutoff - first).days // 3
    return max((days for days in HORIZONS if days <= third), default=max(third, 1))


def holdout_window(window: Window, first: date) -> Window:
    """Return the latest window whose outcomes are complete before ``window.cutoff``.

    It is as long as the horizon, or, where the history is short, as two fifths of it: then there is history before
    it, and in that history a shorter window to learn from.

    Examples
    --------
    >>> str(holdout_window(Window("1998-07-01", 182), date(1997, 1, 1)))
    '182 days from 1997-12-31'
    >>> str(holdout_window(Window("1997-10-01", 273), date(1997, 1, 1)))
    '109 days from 1997-06-14'
    """
    length = min(window.horizon, max((window.cutoff - first).days * 2 // 5, 1))
    return Window(window.cutoff - timedelta(days=length), length)


def training_windows(window: Window, first: date, cutoffs: int = MOST_TRAINING_CUTOFFS) -> list[Window]:
    """Return the windows to learn from, all complete before ``window.cutoff``; one of them is the holdout.

    Their cutoffs lie half the holdout's length apart. After each the outcomes of half that length are taken, which
    shows the most recent behaviour, and where they are complete those of the whole. The same season a year before
    the window, and a year before the holdout, comes last where the history reaches back: it shows what the season
    does to the total.

    Examples
    --------
    >>> for training in training_windows(Window("1998-07-01", 182), date(1997, 1, 1)):
    ...     print(training)
    91 days from 1998-04-01
    182 days from 1997-12-31
    91 days from 1997-12-31
    182 days from 1997-10-01
    91 days from 1997-10-01
    182 days from 1997-07-02
    91 days from 1997-07-02
    182 days from 1997-04-02
    91 days from 1997-04-02
    """
    holdout = holdout_window(window, first)
    whole, half = holdout.horizon, holdout.horizon // 2
    windows: list[Window] = []
    for steps in range(1, cutoffs + 1):
        cutoff = window.cutoff - timedelta(days=steps * whole // 2)
        if (cutoff - first).days < least_history(whole):
            break
        lengths = [whole] if steps > 1 else []
        windows += [Window(cutoff, length) for length in [*lengths, half] if length > 0]
    for later in (window, holdout):
        season = later.earlier(YEAR)
        # A base that had just begun shows its own youth, not the season.
        if later.horizon <= YEAR and (season.cutoff - first).days >= max(later.horizon, YEAR // 2):
            windows.append(season)
    return list(dict.fromkeys(windows))


def least_history(horizon: int) -> int:
    """Return the days of history without which a cutoff teaches nothing about a horizon."""
    return min(max(horizon // 2, 28), horizon)
