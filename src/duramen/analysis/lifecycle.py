"""A model, transactions and cutoffs come in; how customers pass through the life-cycle stages goes out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from duramen.analysis.migration import check_groups, segment_transitions
from duramen.data.amount_columns import is_margin
from duramen.data.customers import customer_table
from duramen.data.outcomes import customer_outcomes
from duramen.data.windows import Window, parse_day
from duramen.errors import InputError
from duramen.language import Sentence, marked, say, say_count
from duramen.segments.lifecycle_stage import STAGES

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions
    from duramen.scoring.model import CoreCustomerModel

NOT_YET = marked("not yet a customer")
# Whole weeks, as short as the shortest usual horizon: fine enough for a season, coarse enough for a query each.
STEP = 28


def stages_at(model: CoreCustomerModel, tx: Transactions, cutoff: date | str) -> pd.Series[Any]:
    """Return the life-cycle stage of each customer at a cutoff, by customer id.

    The model forecasts from the purchases before the cutoff. At a cutoff before its own, it has learned from some of
    what follows: to compare stages with their outcomes, give a model fitted at the cutoff.

    Parameters
    ----------
    model : CoreCustomerModel
    tx : Transactions
    cutoff : date or str
    """
    scores = model.predict(customer_table(tx, cutoff), with_reasons=False)
    return scores.set_index("customer_id")["lifecycle_stage"]


def refuse_short_history(tx: Transactions, cutoffs: Iterable[date | str], horizon: int) -> list[date]:
    """Return the cutoffs in order, or refuse cutoffs with less than a horizon of history before them.

    With less, every customer is younger than the horizon: nobody who bought once or twice could be lapsed, no past rate
    is of a whole horizon, and later stages would show the age of the data and not that of customers.

    Raises
    ------
    InputError
        If there are fewer than two different cutoffs, one is outside the data, or the first has less history.
    """
    days = sorted({parse_day(cutoff) for cutoff in cutoffs})
    if len(days) < 2:
        raise InputError(
            say_count(
                "{n} cutoff can show no change; give two or more different ones.",
                "{n} cutoffs can show no change; give two or more different ones.",
                len(days),
            )
        )
    end = tx.last_date + timedelta(days=1)
    if days[-1] > end:
        raise InputError(
            say(
                "the cutoff {cutoff} is after the data, which end on {last}; the days between would count as days "
                "without a purchase; choose cutoffs up to {end}.",
                cutoff=days[-1],
                last=tx.last_date,
                end=end,
            )
        )
    history = (days[0] - tx.first_date).days
    if history < horizon:
        raise InputError(
            say(
                "there are {history} days of history before {day}, and stages compare a forecast over {horizon} days "
                "with as many days of the past, so they are not known there; choose a first cutoff from {first} on, "
                "or wait for more history.",
                history=history,
                day=days[0],
                horizon=horizon,
                first=tx.first_date + timedelta(days=horizon),
            )
        )
    return days


def stage_transitions(
    model: CoreCustomerModel, tx: Transactions, earlier: date | str, later: date | str
) -> pd.DataFrame:
    """Return from which stage to which customers went between two cutoffs.

    The same model forecasts at both, so that customers move and not the definition.

    Parameters
    ----------
    model : CoreCustomerModel
    tx : Transactions
    earlier, later : date or str

    Returns
    -------
    pandas.DataFrame
        What ``migration.segment_transitions`` returns, in the order of ``STAGES``; customers whose first purchase is
        between the cutoffs come from ``"not yet a customer"``. ``migration.matrix`` makes a matrix of it.

    Raises
    ------
    InputError
        If the history is too short (``refuse_short_history``) or the cutoffs are in the wrong order.
    """
    if parse_day(earlier) > parse_day(later):
        raise InputError(
            f"the earlier cutoff {earlier} is after the later one {later}; give the earlier one first."
        )
    refuse_short_history(tx, [earlier, later], model.window_.horizon)
    then, now = (stages_at(model, tx, cutoff) for cutoff in (earlier, later))
    return segment_transitions(then, now, order=STAGES, new=NOT_YET)


def time_in_stage(
    model: CoreCustomerModel,
    tx: Transactions,
    first: date | str,
    last: date | str,
    stage: str = "steady",
    step: int = STEP,
) -> pd.DataFrame:
    """Return each unbroken time that a customer spent in a stage, observed every ``step`` days up to ``last``.

    An observation counts for the days until the next one. The same model forecasts at each of them.

    Parameters
    ----------
    model : CoreCustomerModel
    tx : Transactions
    first, last : date or str
        The days of observation are ``last``, ``last - step`` and so on, not before ``first``.
    stage : str
    step : int
        Days between two observations.

    Returns
    -------
    pandas.DataFrame
        A row for each time in the stage, by customer and start: ``customer_id``, ``start`` (day of its first
        observation), ``looks`` (its observations), ``days`` (``looks`` times ``step``), ``begin_seen`` (false where the
        customer is in the stage at the first observation of all) and ``end_seen`` (false where at the last one:
        censored, the time goes on).

    Raises
    ------
    InputError
        If the stage is unknown, the step is shorter than a day or the history is too short.
    """
    if stage not in STAGES:
        raise InputError(f"there is no stage {stage!r}; there are {', '.join(STAGES)}.")
    if step < 1:
        raise InputError(f"a step of {step} days is too short; give one of at least 1, for example {STEP}.")
    low, high = parse_day(first), parse_day(last)
    looks = [high - timedelta(days=back) for back in range(0, max((high - low).days, 0) + 1, step)][::-1]
    refuse_short_history(tx, looks, model.window_.horizon)
    inside = pd.concat({look: stages_at(model, tx, look) == stage for look in looks}, axis=1)
    return _unbroken(inside.fillna(value=False).astype(bool).sort_index(), step)


def _unbroken(inside: pd.DataFrame, step: int) -> pd.DataFrame:
    """Return the unbroken runs of a table of customers (rows) who were inside at an observation (columns)."""
    is_inside = inside.to_numpy()
    outside = np.zeros((len(is_inside), 1), dtype=bool)
    change = np.diff(np.hstack([outside, is_inside, outside]).astype(np.int8), axis=1)
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
            "end_seen": ends < is_inside.shape[1],
        }
    )


def time_by_customer(times: pd.DataFrame) -> pd.DataFrame:
    """Return the time in a stage of each customer who was ever observed in it.

    Parameters
    ----------
    times : pandas.DataFrame
        From ``time_in_stage``.

    Returns
    -------
    pandas.DataFrame
        By customer id: ``customer_id``, ``days`` (in all), ``longest`` (days), ``times`` (how often it was entered)
        and ``censored`` (whether a begin or an end was not observed, so that it was longer).
    """
    whole = times.assign(censored=~(times["begin_seen"] & times["end_seen"]))
    by_customer = whole.groupby("customer_id").agg(
        days=("days", "sum"), longest=("days", "max"), times=("days", "size"), censored=("censored", "any")
    )
    return by_customer.reset_index()


@dataclass(frozen=True)
class StageLength:
    """How long a stage lasts once entered; ``print`` shows it in a sentence.

    Attributes
    ----------
    stage : str
    customers : int
        Customers ever observed in the stage.
    times : int
        How often it was entered while observed.
    ended : int
        How many of these ended while observed.
    median_days : float or None
        Median length; None where more than half had not ended within the days observed.
    watched : int
        Longest time observed from its begin, in days.
    table : pandas.DataFrame
        ``days``, ``at_risk``, ``ended`` and ``share_left``: the share of times that last longer.
    """

    stage: str
    customers: int
    times: int
    ended: int
    median_days: float | None
    watched: int
    table: pd.DataFrame

    def __str__(self) -> str:
        return str(self.sentence)

    @property
    def sentence(self) -> Sentence:
        """The length of the stage in words."""
        values = {"customers": f"{self.customers:,}", "stage": say(self.stage), "times": f"{self.times:,}"}
        if not self.times:
            return say(
                "{customers} customers were {stage}; no such time began while they were observed.", **values
            )
        if self.median_days is None:
            return say(
                "{customers} customers were {stage}. Of the {times} stays that began during the "
                "observation, {share} lasted longer than the {days} days of observation.",
                **values,
                share=f"{self.table['share_left'].iloc[-1]:.0%}",
                days=f"{self.watched:,}",
            )
        return say(
            "{customers} customers were {stage}. Of the {times} stays that began during the observation, "
            "half lasted at least {days} days.",
            **values,
            days=f"{self.median_days:,.0f}",
        )


def stage_length(times: pd.DataFrame, stage: str = "steady") -> StageLength:
    """Return how long a stage lasts, allowing for the times that had not ended (censored).

    The product-limit estimate over the times whose begin was observed: those begun before the first observation are the
    longer ones among all at that day, and would bias the length upwards.

    Parameters
    ----------
    times : pandas.DataFrame
        From ``time_in_stage``.
    stage : str
        Its name, for the sentence.

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
    """Return the outcomes of each group of customers in a window: how many bought, and their money a day.

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
        ``active_share`` (with a purchase in the window), ``money_per_customer_day`` (of what the ranking is of:
        net spend, or margin where the amounts are; attrs["money"] says which), ``share_of_money``.

    Raises
    ------
    InputError
        If the window is not complete in the data, a customer appears twice or has no group.
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
    """Return the kind of money that is counted: ``margin`` where amounts are after costs, else ``net spend``."""
    return marked("margin") if is_margin(tx.columns) else marked("net spend")


def _outcomes(tx: Transactions, customers: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Return ``active`` and ``money`` of each customer in a window that is complete in the data."""
    end = tx.last_date + timedelta(days=1)
    if window.end > end:
        raise InputError(
            f"the {window} reach to {window.end}, but the data end on {tx.last_date}; choose a cutoff or horizon that "
            "ends inside the data."
        )
    return customer_outcomes(tx, window, customers).rename(columns={"value": "money"})
