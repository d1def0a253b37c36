"""Purchase days come in; gaps and sudden changes of level over time go out, which an incomplete export may have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from duramen.language import marked, say, translated

if TYPE_CHECKING:
    import numpy as np

    from duramen.data.transactions import Transactions

# A stretch without rows is unusual from a week on, if it is several times as long as almost all others.
SHORTEST_GAP, TIMES_USUAL = 7, 4
# Fewer days with rows show no usual stretch.
FEWEST_DAYS = 30
# Weeks compared on either side of a change, and those right beside it, which show that it is sudden.
WEEKS, NEAREST = 8, 3
# A change of level is at least by this factor, and by so many standard errors of the weeks around it.
LEAST_FACTOR, STANDARD_ERRORS = 2.0, 5.0
# Weeks with fewer purchase days show no mean spend.
FEWEST_PURCHASES = 10
MOST_SHOWN = 5


@dataclass(frozen=True)
class Gap:
    """Days in a row without any row: ``first`` to ``last``, where 99 % of all stretches have at most ``usual``."""

    first: date
    last: date
    usual: int

    @property
    def days(self) -> int:
        """Number of days without rows."""
        return (self.last - self.first).days + 1

    def __str__(self) -> str:
        return say(
            "no rows from {first} to {last} ({days} days; usually at most {usual} in a row)",
            first=str(self.first), last=str(self.last), days=f"{self.days:,}", usual=self.usual,
        )  # fmt: skip


@dataclass(frozen=True)
class LevelShift:
    """A sudden change of a weekly figure, from the week that begins on ``date``, between medians of 8 weeks."""

    date: date
    figure: str
    before: float
    after: float

    def __str__(self) -> str:
        values = {
            "figure": translated(self.figure),
            "before": f"{self.before:,.4g}",
            "after": f"{self.after:,.4g}",
            "week": str(self.date),
        }
        if self.after > self.before:
            return say("{figure} rose from {before} to {after} from the week of {week} on", **values)
        return say("{figure} fell from {before} to {after} from the week of {week} on", **values)


@dataclass(frozen=True)
class TimeCheck:
    """What is unusual in the course of the orders over time, the longest and largest first."""

    gaps: tuple[Gap, ...]
    level_shifts: tuple[LevelShift, ...]


def check_over_time(tx: Transactions) -> TimeCheck:
    """Return gaps and sudden changes of level.

    A gap is a stretch of at least 7 days without any row that is more than 4 times as long as 99 % of all stretches. A
    change of level is one by a factor of 2 or more in the purchase days of a week, or in the mean spend of a purchase
    day, between the medians of the 8 weeks before and after it; it is sudden where the 3 weeks on either side show it
    too, and it is more than 5 standard errors of the weekly figures.

    Parameters
    ----------
    tx : Transactions

    Returns
    -------
    TimeCheck
        At most 5 of each.
    """
    import numpy as np

    days = tx.days.group_by("date").aggregate(
        purchases=tx.days.purchase.sum(), net=tx.days.net.sum(where=tx.days.purchase).fill_null(0)
    )
    columns = days.order_by("date").to_pyarrow().to_pydict()
    day = np.array(columns["date"], dtype="datetime64[D]")
    purchases = np.array(columns["purchases"], dtype=float)
    net = np.array(columns["net"], dtype=float)
    return TimeCheck(tuple(_gaps(day)), tuple(_level_shifts(day, purchases, net)))


def _gaps(day: np.ndarray) -> list[Gap]:
    """Return the unusually long stretches between the days with rows, in their order, the longest first."""
    import numpy as np

    if len(day) < FEWEST_DAYS:
        return []
    empty = np.diff(day).astype(int) - 1
    usual = int(np.percentile(empty, 99, method="lower"))
    found = [
        Gap(day[i].item() + timedelta(days=1), day[i + 1].item() - timedelta(days=1), usual)
        for i in np.flatnonzero((empty >= SHORTEST_GAP) & (empty > TIMES_USUAL * usual))
    ]
    return sorted(found, key=lambda gap: -gap.days)[:MOST_SHOWN]


def _level_shifts(day: np.ndarray, purchases: np.ndarray, net: np.ndarray) -> list[LevelShift]:
    """Return the sudden changes of purchase days a week and of mean spend a purchase day, the largest first."""
    import numpy as np

    week = ((day - day[0]).astype(int)) // 7
    # The last week may not be over.
    weeks = int(week[-1])
    bought = np.bincount(week, purchases, weeks + 1)[:weeks]
    spent = np.bincount(week, net, weeks + 1)[:weeks]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(bought >= FEWEST_PURCHASES, spent / bought, np.nan)
    starts = [day[0].item() + timedelta(days=7 * i) for i in range(weeks)]
    found: list[Any] = []
    for figure, values, noise in (
        (marked("purchase days a week"), bought, 1.0),
        (marked("mean spend a purchase day"), mean, 0.0),
    ):
        found += [
            (size, LevelShift(starts[i], figure, before, after))
            for i, size, before, after in _jumps(values, noise)
        ]
    return [shift for _, shift in sorted(found, key=lambda one: (-one[0], one[1].date))][:MOST_SHOWN]


def _jumps(values: np.ndarray, poisson: float) -> list[tuple[int, float, float, float]]:
    """Return place, size in logs, level before and level after of each sudden change of a series, the largest first.

    ``poisson`` is 1 where the values are counts, which vary by chance alone by their square root.
    """
    import numpy as np

    # A week without a purchase counts as half of one.
    logs = np.log(np.maximum(values, 0.5) if poisson else values)
    candidates = []
    for i in range(WEEKS, len(values) - WEEKS + 1):
        around = logs[i - WEEKS : i + WEEKS]
        if np.isnan(around).any():
            continue
        far = np.median(around[WEEKS:]) - np.median(around[:WEEKS])
        near = np.median(logs[i : i + NEAREST]) - np.median(logs[i - NEAREST : i])
        rest = np.concatenate(
            [around[:WEEKS] - np.median(around[:WEEKS]), around[WEEKS:] - np.median(around[WEEKS:])]
        )
        low = np.exp(min(np.median(around[WEEKS:]), np.median(around[:WEEKS])))
        # 1.4826 makes the median deviation a standard deviation; a median's error is 1.25 times that of a mean.
        deviation = np.hypot(1.4826 * np.median(np.abs(rest)), np.sqrt(poisson / low))
        error = 1.25 * deviation * np.sqrt(2 / WEEKS)
        sudden = far * near > 0 and abs(near) >= 0.8 * abs(far)
        if sudden and abs(far) >= max(np.log(LEAST_FACTOR), STANDARD_ERRORS * error):
            step = abs(logs[i] - logs[i - 1])
            candidates.append((abs(far), step, i))
    taken: list[int] = []
    for _, _, i in sorted(candidates, key=lambda one: (-round(one[0], 1), -one[1])):
        if all(abs(i - other) >= WEEKS for other in taken):
            taken.append(i)
    return [
        (
            i,
            float(abs(np.median(logs[i : i + WEEKS]) - np.median(logs[i - WEEKS : i]))),
            float(np.median(values[i - WEEKS : i])),
            float(np.median(values[i : i + WEEKS])),
        )
        for i in taken
    ]
