"""A cutoff and a horizon come in; history and outcome windows go out.

History is ``date < cutoff``; outcomes are ``cutoff <= date < cutoff + horizon``. Both are counted in days.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from numbers import Integral
from typing import Any

from duramen.errors import InputError
from duramen.language import Sentence, marked, say

# 52 whole weeks: a season is compared with the same weekdays a year before.
YEAR = 364
# A calendar year on average: rates per year and yearly interest refer to it.
DAYS_PER_YEAR = 365.25
# Whole weeks, so that every window has the same weekdays.
HORIZONS = (28, 91, 182, YEAR)
# Rolling cutoffs beyond these add rows of ever older behaviour, not new facts.
MOST_TRAINING_CUTOFFS = 6
# Days and months of each unit in which a horizon is written.
_UNITS = {
    "d": (1, 0),
    "day": (1, 0),
    "w": (7, 0),
    "week": (7, 0),
    "month": (0, 1),
    "y": (0, 12),
    "year": (0, 12),
}
_WAYS = "write 183d, 26w, '9 months' or '1 year'"


@dataclass(frozen=True)
class Horizon:
    """A length of time: whole days, or months of the calendar, which are days only from a cutoff.

    Examples
    --------
    >>> parse_horizon("39W")
    Horizon(days=273, months=0)
    >>> parse_horizon("9 months").after(date(2011, 5, 31)).isoformat()
    '2012-02-29'
    """

    days: int = 0
    months: int = 0

    def after(self, cutoff: date) -> date:
        """Return the first day after the horizon; months end on the same day of the month, or on its last."""
        return self._moved(cutoff, 1)

    def before(self, end: date) -> date:
        """Return the cutoff from which the horizon ends on a day, or, at the end of a month, shortly before."""
        return self._moved(end, -1)

    def _moved(self, day: date, sign: int) -> date:
        try:
            if not self.months:
                return day + sign * timedelta(days=self.days)
            year, month = divmod(12 * day.year + day.month - 1 + sign * self.months, 12)
            last = calendar.monthrange(year, month + 1)[1]
            return date(year, month + 1, min(day.day, last))
        except (OverflowError, ValueError):
            bound = "ends after the year 9999" if sign > 0 else "starts before the year 1"
            raise InputError(f"horizon {self} from {day} {bound}; write a shorter one.") from None

    def __str__(self) -> str:
        return f"{self.months} months" if self.months else f"{self.days}d"


@dataclass(frozen=True, init=False, order=True)
class Window:
    """A cutoff and the horizon after it.

    Parameters
    ----------
    cutoff : date or str
        First day that is not history; a string is read as ``YYYY-MM-DD``.
    horizon : int, str, timedelta, pandas.Timedelta, numpy.timedelta64 or Horizon
        Length of the outcome window: whole days, or text such as ``"183d"``, ``"26w"``, ``"9 months"`` and
        ``"1 year"``. Months and years are those of the calendar from the cutoff.

    Raises
    ------
    InputError
        If either cannot be read, or the horizon is shorter than a day.

    Examples
    --------
    >>> window = Window("2011-06-01", "26w")
    >>> window.horizon, window.end.isoformat()
    (182, '2011-11-30')
    >>> Window("2011-06-01", "9 months").horizon, Window("2011-01-01", "9 months").horizon
    (274, 273)
    """

    cutoff: date
    horizon: int

    def __init__(self, cutoff: date | str, horizon: int | timedelta | str | Horizon) -> None:
        object.__setattr__(self, "cutoff", parse_day(cutoff))
        end = parse_horizon(horizon).after(self.cutoff)
        object.__setattr__(self, "horizon", (end - self.cutoff).days)

    @property
    def end(self) -> date:
        """First day after the horizon."""
        return self.cutoff + timedelta(days=self.horizon)

    def earlier(self, days: int) -> Window:
        """Return the same horizon after a cutoff that lies ``days`` earlier."""
        return Window(self.cutoff - timedelta(days=days), self.horizon)

    def __str__(self) -> str:
        return f"{self.horizon} day{'' if self.horizon == 1 else 's'} from {self.cutoff.isoformat()}"

    def in_words(self) -> Sentence:
        """Return the text of the window in the language that is set."""
        text = marked("{days} day from {start}") if self.horizon == 1 else marked("{days} days from {start}")
        return say(text, days=self.horizon, start=self.cutoff.isoformat())


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


def parse_horizon(horizon: int | timedelta | str | Horizon) -> Horizon:
    """Return the length of time that is written in any of the ways of ``Window``.

    Raises
    ------
    InputError
        If it is not a whole number of days, weeks, months or years, or shorter than a day.

    Examples
    --------
    >>> parse_horizon(" 39 weeks "), parse_horizon(timedelta(weeks=39)), parse_horizon("1 year")
    (Horizon(days=273, months=0), Horizon(days=273, months=0), Horizon(days=0, months=12))
    """
    if isinstance(horizon, Horizon):
        return horizon
    days, months = _days_and_months(horizon)
    if not isinstance(days, int | float | Integral) or days % 1 != 0:
        raise InputError(f"horizon {horizon!r} is not a whole number of days; {_WAYS}.")
    if int(days) + months < 1:
        raise InputError(f"horizon {horizon!r} is shorter than a day; write at least 1d.")
    return Horizon(int(days), months)


def _days_and_months(horizon: Any) -> tuple[Any, int]:
    if isinstance(horizon, timedelta):
        return horizon / timedelta(days=1), 0
    if type(horizon).__name__ == "timedelta64":
        import numpy as np

        if np.datetime_data(horizon)[0] in ("Y", "M"):
            return 0, int(horizon / np.timedelta64(1, "M"))
        return float(horizon / np.timedelta64(1, "D")), 0
    if not isinstance(horizon, str):
        return horizon, 0
    match = re.fullmatch(r"\s*(\d+)\s*([a-z]*)\s*", horizon.lower())
    unit = match and (match[2] or "d")
    if not match or (unit not in _UNITS and (unit or "").removesuffix("s") not in _UNITS):
        raise InputError(
            f"horizon {horizon!r} is not a whole number of days, weeks, months or years; {_WAYS}."
        )
    days, months = _UNITS.get(str(unit)) or _UNITS[str(unit).removesuffix("s")]
    return int(match[1]) * days, int(match[1]) * months


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
