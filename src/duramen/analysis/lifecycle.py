"""Transactions and cutoffs come in; how customers pass through the stages of life, and what each brings, goes out.

Called by the report and by whoever asks whether the stages tell anything that days since the last purchase do not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from duramen.analysis.migration import check_groups, segment_transitions
from duramen.data.customers import customer_table
from duramen.data.outcomes import customer_outcomes
from duramen.data.windows import Window, parse_day
from duramen.errors import InputError
from duramen.evaluation import metrics
from duramen.segments.behaviour import base_gap
from duramen.segments.lifecycle_stage import LAPSED_AFTER, STAGES, lifecycle_stage

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions

NOT_YET = "not yet a customer"
STAGE, RECENCY, BOTH = "lifecycle stage", "days since last purchase", "both together"
FINER = f"{RECENCY}, as many groups as both"
# Whole weeks, as short as the shortest usual horizon: fine enough to see a season, coarse enough for one query each.
STEP = 28


def stages_at(tx: Transactions, cutoff: date | str, base: float | None = None) -> pd.Series[Any]:
    """Return the life-cycle stage of each customer at a cutoff, by customer id.

    Parameters
    ----------
    tx : Transactions
    cutoff : date or str
    base : float, optional
        Gap of the base in days, by which those are measured who have hardly a rhythm of their own; that of the
        customers at the cutoff where not given.
    """
    return _stages(customer_table(tx, cutoff), base)


def _stages(customers: pd.DataFrame, base: float | None = None) -> pd.Series[Any]:
    stages = lifecycle_stage(customers, base_gap(customers) if base is None else base)
    return pd.Series(stages, index=pd.Index(customers["customer_id"]), name="lifecycle_stage")


def refuse_short_history(
    tx: Transactions, cutoffs: Iterable[date | str], base: float | None = None
) -> list[date]:
    """Return the cutoffs in order, or refuse those before which the stages could not yet show.

    Nobody is lapsed who has not been silent for four gaps; before a first cutoff with less history than four gaps of
    the base, every customer is young, and what follows would show the youth of the data and not that of customers.

    Raises
    ------
    InputError
        If there are fewer than two different cutoffs, one lies outside the data, or the first has less history.
    """
    days = sorted({parse_day(cutoff) for cutoff in cutoffs})
    if len(days) < 2:
        raise InputError(
            f"{len(days)} cutoff{'' if len(days) == 1 else 's'} can show no change; give two or more different ones."
        )
    end = tx.last_date + timedelta(days=1)
    if days[-1] > end:
        raise InputError(
            f"the cutoff {days[-1]} lies after the data, which end on {tx.last_date}; the days between would look like "
            f"silence; choose cutoffs up to {end}."
        )
    # At an early cutoff only the short gaps of the base have ended.
    last_base = base_gap(customer_table(tx, days[-1])) if base is None else base
    needed = int(np.ceil(LAPSED_AFTER * last_base))
    history = (days[0] - tx.first_date).days
    if history < needed:
        raise InputError(
            f"there are {history} days of history before {days[0]}, and a customer of the usual pace is lapsed after "
            f"{needed}: stages cannot be told there; choose a first cutoff from "
            f"{tx.first_date + timedelta(days=needed)} on, or wait for more history."
        )
    return days


def stage_transitions(tx: Transactions, earlier: date | str, later: date | str) -> pd.DataFrame:
    """Return from which stage to which customers went between two cutoffs.

    Both cutoffs are measured by the base's gap at the earlier one, so that customers move and not the yardstick.

    Parameters
    ----------
    tx : Transactions
    earlier, later : date or str

    Returns
    -------
    pandas.DataFrame
        As ``migration.segment_transitions`` returns it, in the order of ``STAGES``; customers whose first purchase lies
        between the cutoffs come
        from ``"not yet a customer"``. ``migration.matrix`` makes it a matrix of counts or shares.

    Raises
    ------
    InputError
        If the history is too short (``refuse_short_history``) or the cutoffs are in the wrong order.
    """
    before, after = _two_tables(tx, earlier, later)
    base = base_gap(before)
    return segment_transitions(_stages(before, base), _stages(after, base), order=STAGES, new=NOT_YET)


def _two_tables(
    tx: Transactions, earlier: date | str, later: date | str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the customer tables of two cutoffs whose stages can be compared."""
    if parse_day(earlier) > parse_day(later):
        raise InputError(
            f"the earlier cutoff {earlier} lies after the later one {later}; give the earlier one first."
        )
    after = customer_table(tx, later)
    refuse_short_history(tx, [earlier, later], base_gap(after))
    return customer_table(tx, earlier), after


def time_in_stage(
    tx: Transactions, first: date | str, last: date | str, stage: str = "steady", step: int = STEP
) -> pd.DataFrame:
    """Return each unbroken time that a customer spent in a stage, looked at every ``step`` days up to ``last``.

    A look stands for the days until the next one. The base's gap is that of the last look: it is known best there,
    and nothing is predicted. The length of the steady time is what a customer's earning power rests on.

    Parameters
    ----------
    tx : Transactions
    first, last : date or str
        The looks lie on ``last``, ``last - step`` and so on, not before ``first``.
    stage : str
    step : int
        Days between two looks.

    Returns
    -------
    pandas.DataFrame
        A row for each time in the stage, by customer and start: ``customer_id``, ``start`` (day of the first look in
        it), ``looks``, ``days`` (``looks`` times ``step``), ``begin_seen`` (false where the first look of all found the
        customer in it) and ``end_seen`` (false where the last one did: censored, the time goes on).

    Raises
    ------
    InputError
        If the stage is unknown, the step is shorter than a day or the history is too short.
    """
    if stage not in STAGES:
        raise InputError(f"there is no stage {stage!r}; there are {', '.join(STAGES)}.")
    if step < 1:
        raise InputError(f"a step of {step} days leads nowhere; give one of at least 1, for example {STEP}.")
    low, high = parse_day(first), parse_day(last)
    looks = [high - timedelta(days=back) for back in range(0, max((high - low).days, 0) + 1, step)][::-1]
    at_last = customer_table(tx, high)
    base = base_gap(at_last)
    refuse_short_history(tx, looks, base)
    tables = [*(customer_table(tx, look) for look in looks[:-1]), at_last]
    seen = [_stages(customers, base) == stage for customers in tables]
    inside = pd.concat(dict(zip(looks, seen, strict=True)), axis=1)
    return _unbroken(inside.fillna(value=False).astype(bool).sort_index(), step)


def _unbroken(inside: pd.DataFrame, step: int) -> pd.DataFrame:
    """Return the unbroken runs of a table of who (rows) was inside at which look (columns)."""
    held = inside.to_numpy()
    outside = np.zeros((len(held), 1), dtype=bool)
    change = np.diff(np.hstack([outside, held, outside]).astype(np.int8), axis=1)
    # Row by row, so that the n-th begin and the n-th end are of one run.
    rows, begins = np.nonzero(change == 1)
    ends = np.nonzero(change == -1)[1]
    return pd.DataFrame(
        {
            "customer_id": inside.index[rows],
            "start": pd.to_datetime(inside.columns)[begins],
            "looks": ends - begins,
            "days": (ends - begins) * step,
            "begin_seen": begins > 0,
            "end_seen": ends < held.shape[1],
        }
    )


def time_by_customer(times: pd.DataFrame) -> pd.DataFrame:
    """Return the time in a stage of each customer who was ever seen in it.

    Parameters
    ----------
    times : pandas.DataFrame
        From ``time_in_stage``.

    Returns
    -------
    pandas.DataFrame
        By customer id: ``customer_id``, ``days`` (in all), ``longest`` (days), ``times`` (how often it was entered)
        and ``censored`` (whether a begin or an end was not seen, so that it was longer).
    """
    whole = times.assign(censored=~(times["begin_seen"] & times["end_seen"]))
    told = whole.groupby("customer_id").agg(
        days=("days", "sum"), longest=("days", "max"), times=("days", "size"), censored=("censored", "any")
    )
    return told.reset_index()


@dataclass(frozen=True)
class StageLength:
    """How long a stage lasts once entered; ``print`` says it in a sentence.

    Attributes
    ----------
    stage : str
    customers : int
        Ever seen in the stage.
    times : int
        How often it was entered while watched.
    ended : int
        How many of these ended while watched.
    median_days : float or None
        Half of them last at least so long; None where more than half had not ended within the days watched.
    watched : int
        Longest time seen from its begin, in days.
    table : pandas.DataFrame
        ``days``, ``at_risk``, ``ended`` and ``share_left``: of the times entered, the part that lasts longer.
    """

    stage: str
    customers: int
    times: int
    ended: int
    median_days: float | None
    watched: int
    table: pd.DataFrame

    def __str__(self) -> str:
        told = f"{self.customers:,} customers were {self.stage}; of {self.times:,} times that began while watched, "
        if not self.times:
            return f"{self.customers:,} customers were {self.stage}; no such time began while watched."
        if self.median_days is None:
            left = self.table["share_left"].iloc[-1]
            return told + f"{left:.0%} lasted longer than the {self.watched:,} days that could be seen."
        return told + f"half lasted at least {self.median_days:,.0f} days."


def stage_length(times: pd.DataFrame, stage: str = "steady") -> StageLength:
    """Return how long a stage lasts, with the times that had not ended counted as long as they were seen.

    The product-limit estimate over the times whose begin was seen: those begun before the first look are the long ones
    among all that were running then, and would lengthen the answer.

    Parameters
    ----------
    times : pandas.DataFrame
        From ``time_in_stage``.
    stage : str
        Its name, for the words.

    Returns
    -------
    StageLength

    References
    ----------
    Kaplan, E. L. and Meier, P. (1958), "Nonparametric estimation from incomplete observations", JASA 53(282).
    """
    begun = times[times["begin_seen"]]
    lengths = begun.groupby("days")["end_seen"]
    # A time of so many days was at risk at each length up to it.
    table = pd.DataFrame({"at_risk": lengths.size()[::-1].cumsum()[::-1], "ended": lengths.sum().astype(int)})
    table["share_left"] = (1 - table["ended"] / table["at_risk"]).cumprod()
    half = table.index[table["share_left"] <= 0.5]
    return StageLength(
        stage=stage,
        customers=int(times["customer_id"].nunique()),
        times=len(begun),
        ended=int(begun["end_seen"].sum()),
        median_days=float(half[0]) if len(half) else None,
        watched=int(table.index.max()) if len(table) else 0,
        table=table.reset_index()[["days", "at_risk", "ended", "share_left"]],
    )


def what_follows(tx: Transactions, groups: pd.Series[Any], window: Window) -> pd.DataFrame:
    """Return what each group of customers did in a window: who bought, and what they brought a day.

    Parameters
    ----------
    tx : Transactions
    groups : pandas.Series
        The group of each customer at ``window.cutoff``, by customer id: ``stages_at``, segments, tiers.
    window : Window

    Returns
    -------
    pandas.DataFrame
        A row for each group, stages in the order of ``STAGES``, others sorted: ``group``, ``customers``,
        ``active_share`` (with a purchase in the window), ``money_per_customer_day`` (margin where costs are known,
        else net spend; attrs["money"] says which), ``share_of_money``.

    Raises
    ------
    InputError
        If the window is not complete in the data, a customer is there twice or has no group.
    """
    check_groups(groups, "given")
    outcomes = _outcomes(tx, pd.DataFrame({"customer_id": groups.index}), window)
    grouped = outcomes.groupby(groups.to_numpy(), observed=True)
    table = pd.DataFrame(
        {
            "customers": grouped.size(),
            "active_share": grouped["active"].mean(),
            "money_per_customer_day": grouped["money"].mean() / window.horizon,
            "share_of_money": grouped["money"].sum() / outcomes["money"].sum(),
        }
    )
    known = [stage for stage in STAGES if stage in table.index]
    table = table.loc[[*known, *(group for group in table.index if group not in known)]]
    table = table.rename_axis("group").reset_index()
    table.attrs["money"] = money_name(tx)
    return table


def money_name(tx: Transactions) -> str:
    """Return what money is counted: ``margin`` where costs are known, else ``net spend``."""
    return "margin" if "cost" in tx.days.columns else "net spend"


def _outcomes(tx: Transactions, customers: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Return ``active`` and ``money`` of each customer in a window that the data hold wholly."""
    end = tx.last_date + timedelta(days=1)
    if window.end > end:
        raise InputError(
            f"the {window} reach to {window.end}, but the data end on {tx.last_date}; choose a cutoff or horizon that "
            "ends inside them."
        )
    outcomes = customer_outcomes(tx, window, customers).rename(columns={"value": "money"})
    if "cost" in tx.days.columns:
        days = tx.days.filter((tx.days.date >= window.cutoff) & (tx.days.date < window.end))
        spent = days.group_by("customer_id").aggregate(cost=days.cost.sum().cast("float64"))
        cost = spent.to_pyarrow().to_pandas().set_index("customer_id")["cost"]
        outcomes["money"] -= outcomes["customer_id"].map(cost).fillna(0.0)
    return outcomes


def stages_against_recency(tx: Transactions, earlier: date | str, later: date | str) -> pd.DataFrame:
    """Return how well the stage tells who will be active, beside days since the last purchase in as many groups.

    What each group did between the cutoffs is taken as the forecast for customers who are in it at the later one, and
    judged over as many days after it. Groups of days since the last purchase hold as many customers each at the earlier
    cutoff, and their bounds are kept.

    Parameters
    ----------
    tx : Transactions
    earlier, later : date or str
        The data must reach as far beyond ``later`` as that lies beyond ``earlier``.

    Returns
    -------
    pandas.DataFrame
        A row each for ``lifecycle stage``, ``days since last purchase``, ``both together`` (each pair of the two a
        group), and those days in as many groups as both make, since more groups tell more: ``method``, ``groups``
        (fewer where equal days leave no border), ``auc`` and ``brier`` of the share active, ``gini`` (normalised) of
        the money.

    Raises
    ------
    InputError
        If the history is too short, or the window after ``later`` is not complete.
    """
    before, after = _two_tables(tx, earlier, later)
    first, second = parse_day(earlier), parse_day(later)
    base, length = base_gap(before), (second - first).days
    learned, came = _outcomes(tx, before, Window(first, length)), _outcomes(tx, after, Window(second, length))
    then, now = (
        pd.Categorical(_stages(one, base), categories=STAGES).codes.astype(int) for one in (before, after)
    )
    count = len(np.unique(then))
    silence, silence_now = before["time_since_last"].to_numpy(), after["time_since_last"].to_numpy()
    days, days_now = _in_groups(silence, silence_now, count)
    both, both_now = then * count + days, now * count + days_now
    finer, finer_now = _in_groups(silence, silence_now, len(np.unique(both)))
    told = [
        {"method": STAGE} | _judge(then, now, learned, came),
        {"method": RECENCY} | _judge(days, days_now, learned, came),
        {"method": BOTH} | _judge(both, both_now, learned, came),
        {"method": FINER} | _judge(finer, finer_now, learned, came),
    ]
    return pd.DataFrame(told)


def _in_groups(then: np.ndarray, now: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut both where the earlier one falls into so many groups of as many customers each."""
    bounds = np.unique(np.quantile(then, np.arange(1, count) / count))
    return np.searchsorted(bounds, then), np.searchsorted(bounds, now)


def _judge(then: np.ndarray, now: np.ndarray, learned: pd.DataFrame, came: pd.DataFrame) -> dict[str, Any]:
    """Take the means of groups learned before as forecasts now; a group without any then has those of all."""
    forecast = {}
    for what in ("active", "money"):
        means = learned[what].groupby(then).mean()
        forecast[what] = pd.Series(now).map(means).fillna(learned[what].mean()).to_numpy(dtype=float)
    active, money = came["active"].to_numpy(), came["money"].to_numpy()
    return {
        "groups": len(np.unique(then)),
        "auc": metrics.area_under_roc(forecast["active"], active),
        "brier": metrics.brier(forecast["active"], active),
        "gini": metrics.normalised_gini(forecast["money"], money),
    }
