"""Checked order lines come in; the last day that is no slip of the pen goes out.

A wrong year in one row would otherwise set the cutoff, and leave a history without purchases before it.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from duramen.data.purchase_days import MONEY
from duramen.language import Sentence, marked, say_count

if TYPE_CHECKING:
    import ibis

LONE_DATE = marked("date far after all others")
# Less is no base to call a day unusual: a small shop may rest for a year.
LEAST_ROWS = 100
LEAST_GAP = 365
# How many times as long as the gaps before the gap must be: all but one in a hundred of them, and the longest.
USUAL_GAPS = 10
LONGEST_GAPS = 2
MOST_ROWS = 10
MOST_SHARE = 0.01


class LoneDates(NamedTuple):
    """The few rows behind a long gap."""

    last_day: date
    first: date
    rows: int
    money: float

    def in_words(self) -> Sentence:
        """Return which rows are set aside, and why."""
        return say_count(
            "{n} row is from {first} on, {days} days after all others, which end on {last}: set aside; correct the "
            "dates to use them",
            "{n} rows are from {first} on, {days} days after all others, which end on {last}: set aside; correct the "
            "dates to use them",
            self.rows,
            first=self.first,
            days=f"{(self.first - self.last_day).days:,}",
            last=self.last_day,
        )


def find_lone_dates(lines: ibis.Table) -> LoneDates | None:
    """Return the few rows that lie far after all others, None where there are none."""
    import numpy as np

    counted = (
        lines.group_by("date")
        .aggregate(rows=lines.count(), money=lines.amount.cast(MONEY).sum())
        .order_by("date")
        .to_pyarrow()
    )
    days = counted["date"].to_numpy().astype("datetime64[D]")
    rows = counted["rows"].to_numpy()
    if rows.sum() < LEAST_ROWS or len(days) < 3:
        return None
    gaps = np.diff(days).astype(int)
    behind = rows[::-1].cumsum()[::-1][1:]
    most = min(MOST_ROWS, MOST_SHARE * rows.sum())
    few = behind <= most
    # A few rows long before all others, such as of 1970, make no gap usual.
    usual = rows.cumsum()[:-1] > most
    for place in (few & (gaps > LEAST_GAP)).nonzero()[0]:
        before = gaps[:place][usual[:place]]
        if len(before) and gaps[place] > max(
            USUAL_GAPS * np.quantile(before, 0.99), LONGEST_GAPS * before.max()
        ):
            money = sum(counted["money"].to_pylist()[place + 1 :])
            return LoneDates(days[place].item(), days[place + 1].item(), int(behind[place]), float(money))
    return None
