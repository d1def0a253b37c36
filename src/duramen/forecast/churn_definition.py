"""Purchase days and a cutoff come in; the days without a purchase after which a customer may be called lost go out.

Called before a horizon is chosen for churn.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from duramen.data.windows import parse_day
from duramen.errors import InputError
from duramen.language import say

if TYPE_CHECKING:
    import pandas as pd

    from duramen.data.transactions import Transactions

# With fewer customers who came back, or who could be watched for so long, there is no distribution of gaps.
LEAST_CUSTOMERS = 50
# Silences must have been watched for so many times the days suggested: gaps without a memory that pass at a tenth
# have then at most 11.1 % in truth beyond the days.
WATCHED_TIMES = 2


@dataclass(frozen=True)
class ChurnDefinition:
    """The days without a purchase after which few customers come back, or why the data are inconclusive.

    Attributes
    ----------
    days : int or None
        Days without a purchase; None where the data are inconclusive.
    share_back_later : float or None
        Of the customers who come back within ``watched`` days, the share that takes longer than ``days``.
    silences_ended : float or None
        Of the pauses that reached ``days``, the share that still ended within ``watched`` days: how often it would be
        wrong to call such a customer lost for good.
    gaps : int
        Gaps between two purchase days of a customer that the answer rests on.
    repeat_buyers : int
        Customers who have any.
    watched : int
        Longest pause in days that at least 50 customers could have shown; later returns are unknown.
    reason : str
        The answer, or what is missing, in words.
    """

    days: int | None
    share_back_later: float | None
    silences_ended: float | None
    gaps: int
    repeat_buyers: int
    watched: int
    reason: str

    def __str__(self) -> str:
        return self.reason


def suggest_churn_days(tx: Transactions, cutoff: date | str, share: float = 0.1) -> ChurnDefinition:
    """Return the days without a purchase after which at most ``share`` of those who come back at all still come back.

    The distribution of a customer's gaps is the product-limit estimate in which each customer counts once, however
    many gaps there are:

        P(back within t days) = 1 - prod over u <= t of (1 - returned(u) / at_risk(u)),

    where a customer with m gaps adds 1/m to ``returned(u)`` for each gap of u days, and 1/m to ``at_risk(u)`` for
    each gap of u days or more; one who has not come back is at risk as long as watched. The open gap of a customer
    who has come back before is left out: which gap is cut off by the cutoff depends on its length, while the closed
    ones of a customer are similar. Counting each gap once instead would let frequent buyers decide.

    Parameters
    ----------
    tx : Transactions
    cutoff : date or str
        First day that is not history. Days after the last of the source do not count as days without a purchase.
    share : float
        Between 0 and 1.

    Returns
    -------
    ChurnDefinition
        Without ``days`` where fewer than 50 customers came back, or where the history is shorter than twice the days
        would be, so that it cannot show that returns have ended.

    Raises
    ------
    InputError
        If the cutoff is no day or the share not between 0 and 1.

    References
    ----------
    Wang, M.-C. and Chang, S.-H. (1999), "Nonparametric estimation of a recurrent survival function", Journal of the
    American Statistical Association 94(445).
    """
    cutoff = parse_day(cutoff)
    if not 0 < share < 1:
        raise InputError(
            f"share {share!r} is not between 0 and 1; write 0.1 for a tenth of those who come back."
        )
    gaps, customers = _count_gaps(tx, cutoff)
    repeat_buyers = int(customers.loc[customers["repeat"], "count"].sum())
    closed, watched = int(gaps["count"].sum()), _watched(customers)

    def definition(
        days: int | None, later: float | None, ended: float | None, reason: str
    ) -> ChurnDefinition:
        return ChurnDefinition(days, later, ended, closed, repeat_buyers, watched, reason)

    if repeat_buyers < LEAST_CUSTOMERS:
        reason = say(
            "Customers who bought on more than one day before {cutoff}: {customers}; it takes {needed} to say how long "
            "they stay away.",
            cutoff=cutoff,
            customers=f"{repeat_buyers:,}",
            needed=LEAST_CUSTOMERS,
        )
        return definition(None, None, None, reason)
    never = customers[~customers["repeat"]]
    back = _share_back(gaps["gap"], gaps["count"] / gaps["own"], never["silence"], never["count"], watched)
    days = int(np.argmax(back >= (1 - share) * back[-1]))
    if watched < WATCHED_TIMES * days:
        reason = say(
            "Customers still come back when the history ends: {part} of the returns within {watched} days, the "
            "longest pause that could be observed, take {days} days, more than half of it; it takes a longer "
            "history, or a larger share than {share}.",
            part=f"{1 - share:.0%}",
            watched=f"{watched:,}",
            days=f"{days:,}",
            share=f"{share:.0%}",
        )
        return definition(None, None, None, reason)
    later = float(1 - back[days] / back[-1])
    silent = 1 - _share_back(gaps["gap"], gaps["count"], customers["silence"], customers["count"], watched)
    ended = float(1 - silent[-1] / silent[days]) if silent[days] > 0 else 0.0
    reason = say(
        "After {days} days without a purchase: of the customers who come back within {watched} days, {later} take "
        "longer ({gaps} gaps of {customers} customers). Of the pauses that reached {days} days, {ended} still "
        "ended with a purchase.",
        days=f"{days:,}",
        watched=f"{watched:,}",
        later=f"{later:.1%}",
        gaps=f"{closed:,}",
        customers=f"{repeat_buyers:,}",
        ended=f"{ended:.0%}",
    )
    return definition(days, later, ended, reason)


def _count_gaps(tx: Transactions, cutoff: date) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the ``count`` of gaps by ``own``, their customer's number of them, and that of customers by open gap.

    Counts are whole numbers, so that they do not depend on the order in which threads add them. An open gap is the
    days of ``silence`` since the last purchase day, the cutoff not included; ``age`` is that since the first.
    """
    import ibis

    purchases = tx.history(cutoff).filter(lambda days: days.purchase)
    last_watched = ibis.literal(min(cutoff - timedelta(days=1), tx.last_date))
    lives = purchases.group_by("customer_id").aggregate(
        own=purchases.gap.count(), first=purchases.date.min(), last=purchases.date.max()
    )
    known = purchases.filter(purchases.gap.notnull()).join(lives, "customer_id")
    gaps = known.group_by("own", "gap").aggregate(count=known.count())
    open_gaps = lives.select(
        age=last_watched.delta(lives["first"], unit="day"),
        silence=last_watched.delta(lives["last"], unit="day"),
        repeat=lives.own > 0,
    )
    customers = open_gaps.group_by("age", "silence", "repeat").aggregate(count=open_gaps.count())
    return (
        gaps.order_by("own", "gap").to_pyarrow().to_pandas(),
        customers.order_by("age", "silence", "repeat").to_pyarrow().to_pandas(),
    )


def _watched(customers: pd.DataFrame) -> int:
    """Return the longest silence in days that ``LEAST_CUSTOMERS`` customers are old enough to have shown."""
    oldest = customers.sort_values("age", ascending=False)
    enough = oldest["age"][oldest["count"].cumsum() >= LEAST_CUSTOMERS]
    return int(enough.iloc[0]) if len(enough) else 0


def _share_back(
    gaps: pd.Series[int],
    gap_weights: pd.Series[float],
    silences: pd.Series[int],
    silence_weights: pd.Series[float],
    watched: int,
) -> np.ndarray:
    """Return the product-limit share of gaps that closed within 0, 1, ... ``watched`` days; silences are open gaps."""
    longest = max([watched, *gaps, *silences])
    returned = np.bincount(gaps, gap_weights, minlength=longest + 1)
    leaving = returned + np.bincount(silences, silence_weights, minlength=longest + 1)
    at_risk = np.cumsum(leaving[::-1])[::-1]
    hazard = np.divide(returned, at_risk, out=np.zeros_like(at_risk), where=at_risk > 0)
    back: np.ndarray = (1 - np.cumprod(1 - hazard))[: watched + 1]
    return back
