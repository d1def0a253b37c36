"""Transactions come in; retention, value and payback of customers by the time of their first purchase go out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from duramen.analysis.counted import counted
from duramen.analysis.joined import in_a_row
from duramen.data.customer_columns import known_numbers
from duramen.data.ids import id_text, ids_as_text
from duramen.data.money_unit import unit_in_words
from duramen.data.windows import YEAR, parse_day
from duramen.errors import InputError
from duramen.language import Sentence, marked, say

if TYPE_CHECKING:
    import ibis

    from duramen.data.transactions import Transactions

# Months of each length; histories of fewer quarters than this are shown by month.
MONTHS = {marked("month"): 1, marked("quarter"): 3}
LEAST_QUARTERS = 6
COST = "acquisition_cost"
# Of fewer customers a share says nothing.
LEAST_CUSTOMERS = 30
# A cohort can contain customers of before the data while this share of them has not bought again.
STILL_AWAY = 0.1


@dataclass(frozen=True)
class AcquisitionCohorts:
    """Customers grouped by the time of their first purchase; ``print`` shows the results in sentences.

    Attributes
    ----------
    period : str
        ``month`` or ``quarter``, of the calendar.
    unit : str
        Unit of money.
    triangle : pandas.DataFrame
        A row for each cohort and each period since, as ``retention_by_cohort`` describes.
    cohorts : pandas.DataFrame
        A row for each cohort.
    by_age : pandas.DataFrame
        A row for each age, of all cohorts that are comparable.
    money_outside : float
        Net money that belongs to no cell of the triangle: of customers who never bought, and before a first purchase.
    notes : tuple of str
        What a reader has to know, in sentences.
    """

    period: str
    unit: str
    triangle: pd.DataFrame
    cohorts: pd.DataFrame
    by_age: pd.DataFrame
    money_outside: float
    notes: tuple[str, ...] = ()

    @property
    def known_ages(self) -> pd.DataFrame:
        """The later ages at which enough customers who are surely new are known."""
        return self.by_age[(self.by_age["age"] > 0) & (self.by_age["customers"] >= LEAST_CUSTOMERS)]

    @property
    def retention_sentence(self) -> Sentence:
        """How many buy again in the period after their first purchase, and later."""
        later = self.known_ages
        if later.empty:
            return say(
                "Retention is not known yet: fewer than {least} customers who are surely new have a complete {period} "
                "after that of their first purchase.",
                least=LEAST_CUSTOMERS,
                period=say(self.period),
            )
        first = later.iloc[0]
        # Later ages are known of few cohorts, who need not be like the others.
        last = later[later["cohorts"] >= first["cohorts"] / 2].iloc[-1]
        values = {
            "share": f"{first['retention']:.1%}",
            "period": say(self.period),
            "customers": f"{first['customers']:,.0f}",
            "cohorts": counted(first["cohorts"], "cohort"),
        }
        if last["age"] <= 1:
            return say(
                "Of new customers, {share} buy in the {period} after that of their first purchase ({customers} "
                "customers of {cohorts}).",
                **values,
            )
        return say(
            "Of new customers, {share} buy in the {period} after that of their first purchase ({customers} customers "
            "of {cohorts}), and {share_later} {later} after it ({customers_later} of {cohorts_later}).",
            **values,
            share_later=f"{last['retention']:.1%}",
            later=counted(last["age"], self.period),
            customers_later=f"{last['customers']:,.0f}",
            cohorts_later=counted(last["cohorts"], "cohort"),
        )

    @property
    def payback_sentence(self) -> Sentence:
        """How many cohorts have earned back what they cost, or what is missing to know it."""
        if self.cohorts[COST].isna().all():
            return say("Give `acquisition_cost` to see how long new customers take to pay it back.")
        known = self.cohorts[self.cohorts[COST].notna() & (self.cohorts["complete_periods"] > 0)]
        paid = known["payback_periods"].dropna()
        values = {
            "paid": len(paid),
            "cohorts": counted(len(known), "cohort"),
            "period": say(self.period),
        }
        if not len(paid):
            return say("{paid} of {cohorts} with a cost and a complete {period} have paid it back.", **values)
        return say(
            "{paid} of {cohorts} with a cost and a complete {period} have paid it back; the median cohort needed "
            "{periods}, counting the {period} of the first purchase.",
            **values,
            periods=counted(float(paid.median()), self.period),
        )

    def __str__(self) -> str:
        return in_a_row([self.retention_sentence, self.payback_sentence, *self.notes])


def retention_by_cohort(
    tx: Transactions,
    period: str | None = None,
    *,
    cutoff: date | str | None = None,
    acquisition_cost: float | Mapping[str, float] | pd.DataFrame | None = None,
    margin: float = 1.0,
    complete_history: bool = False,
) -> AcquisitionCohorts:
    """Return the retention, the value and the payback of customers by the period of their first purchase.

    Parameters
    ----------
    tx : Transactions
    period : {"month", "quarter"}, optional
        Of the calendar; by default quarters where the history has six of them, else months.
    cutoff : date or str, optional
        First day that is not used; by default the day after the last one.
    acquisition_cost : float, mapping or pandas.DataFrame, optional
        Cost to acquire one customer, in the unit of the transactions: one for all, one by name of the cohort
        (``{"2011 Q1": 20.0}``), or a table with ``acquisition_cost`` and either ``cohort`` or ``customer_id``, of which
        the mean over the customers of a cohort is used.
    margin : float
        Share of net money that is left to pay it back, above 0 and at most 1; 1 where amounts are a margin already.
    complete_history : bool
        Whether the transactions have every customer's first purchase, because they begin with the business. Otherwise
        the first cohorts are left-censored: they contain customers who had bought before. These are the cohorts that
        begin before nine of ten earlier customers have bought again, by the gaps between purchases.

    Returns
    -------
    AcquisitionCohorts
        ``triangle`` has ``cohort`` (``2011 Q1`` or ``2011-03``), ``age`` (periods since that of the first purchase, 0
        for it), ``start`` (first day of the period), ``complete`` (whether the period ended before the cutoff),
        ``customers`` (of the cohort), ``buyers`` (of them in this period), ``retention`` (their share), ``money``
        (net), ``cumulative_money`` and ``cumulative_per_customer`` (money per customer of the cohort, whether still
        buying or not). Figures of incomplete periods are lower than they will be.

        ``cohorts`` has ``cohort``, ``start``, ``customers``, ``left_censored``, ``complete`` (whether it can still
        gain customers), ``complete_periods``, ``retention_1`` (in the first period after that of the first purchase),
        ``cumulative_per_customer``, ``acquisition_cost``, ``net_of_cost`` (per customer: margin on money less cost) and
        ``payback_periods`` (complete periods until the margin reached the cost, 1 for that of the first purchase;
        missing where it has not).

        ``by_age`` has ``age``, ``cohorts``, ``customers``, ``retention`` and ``money_per_customer`` of complete cells,
        without left-censored and incomplete cohorts.

    Raises
    ------
    InputError
        If the period or a cost is not valid, or nobody bought before the cutoff.

    Examples
    --------
    >>> from duramen.data.datasets import cdnow
    >>> from duramen.data.reading import read_transactions
    >>> found = retention_by_cohort(read_transactions(cdnow()), acquisition_cost=60.0, complete_history=True)
    >>> found.triangle[["cohort", "age", "retention", "cumulative_per_customer"]].head(3).round(3)
        cohort  age  retention  cumulative_per_customer
    0  1997 Q1    0      1.000                   45.609
    1  1997 Q1    1      0.229                   60.892
    2  1997 Q1    2      0.181                   73.334
    >>> found.cohorts["payback_periods"].tolist()[:1]
    [2]
    """
    end = tx.last_date + timedelta(days=1) if cutoff is None else parse_day(cutoff)
    period = _period(period, tx, end)
    if not 0 < margin <= 1:
        raise InputError(f"margin is {margin!r}; give the share of money that is left, for example 0.3.")
    first, cells, total = _cells(tx, end, period)
    if cells.empty:
        raise InputError(
            say("nobody in {source} bought before {day}; choose a later cutoff.", source=tx.source, day=end)
        )
    triangle = _triangle(cells, period, end)
    known_from = tx.first_date if complete_history else tx.first_date + timedelta(days=_days_away(tx, end))
    cohorts = _cohorts(triangle, known_from, complete_history=complete_history)
    cohorts[COST] = _costs(acquisition_cost, first, cohorts, period)
    paid = _payback(triangle, cohorts, margin)
    cohorts["net_of_cost"] = margin * cohorts["cumulative_per_customer"] - cohorts[COST]
    cohorts["payback_periods"] = cohorts["cohort"].map(paid).astype("Int64")
    found = AcquisitionCohorts(
        period=period,
        unit=tx.unit,
        triangle=triangle,
        cohorts=cohorts,
        by_age=_by_age(triangle, cohorts),
        money_outside=total - float(triangle["money"].sum()),
    )
    return replace(found, notes=_notes(found, end, margin))


def _period(period: str | None, tx: Transactions, end: date) -> str:
    if period is None:
        return "quarter" if (end - tx.first_date).days >= LEAST_QUARTERS * (YEAR // 4) else "month"
    if period not in MONTHS:
        raise InputError(f"period is {period!r}; choose month or quarter.")
    return period


def _cells(tx: Transactions, end: date, period: str) -> tuple[ibis.Table, pd.DataFrame, float]:
    """Return each customer's first period, the buyers and money by first period and period, and all money."""
    letter = {"month": "M", "quarter": "Q"}[period]
    history = tx.history(end)
    first = history.filter(history.purchase > 0).group_by("customer_id").aggregate(first=history.date.min())
    first = first.mutate(first=first["first"].truncate(letter).cast("date")).cache()
    # Customers are counted once a period.
    spend = history.group_by("customer_id", start=history.date.truncate(letter).cast("date")).aggregate(
        money=history.net.sum(), bought=(history.purchase > 0).any()
    )
    joined = spend.join(first, "customer_id")
    joined = joined.filter(joined.start >= joined["first"])
    cells = joined.group_by("first", "start").aggregate(
        buyers=joined.bought.sum(), money=joined.money.sum().cast("float64")
    )
    total = history.net.sum().cast("float64").to_pyarrow().as_py() or 0.0
    frame: pd.DataFrame = cells.to_pyarrow().to_pandas()
    return first, frame, total


def _months(days: pd.Series[Any]) -> pd.Series[int]:
    """Return the months since year 0 of days."""
    months: pd.Series[int] = 12 * days.dt.year + days.dt.month - 1
    return months


def _name(start: pd.Timestamp, period: str) -> str:
    """Return the name of a period of the calendar.

    Examples
    --------
    >>> _name(pd.Timestamp("2011-04-01"), "quarter"), _name(pd.Timestamp("2011-04-01"), "month")
    ('2011 Q2', '2011-04')
    """
    return f"{start.year} Q{start.quarter}" if period == "quarter" else f"{start:%Y-%m}"


def _triangle(cells: pd.DataFrame, period: str, end: date) -> pd.DataFrame:
    """Return every period of every cohort up to the cutoff, with 0 where nobody bought."""
    cells = cells.assign(first=pd.to_datetime(cells["first"]), start=pd.to_datetime(cells["start"]))
    firsts = sorted(cells["first"].unique())
    months = MONTHS[period]
    last = pd.Timestamp(end) - pd.Timedelta(days=1)
    every = [
        (first, start)
        for first in firsts
        for start in pd.date_range(first, last, freq=pd.DateOffset(months=months))
    ]
    grid = pd.DataFrame(every, columns=["first", "start"])
    found = grid.merge(cells, on=["first", "start"], how="left", validate="one_to_one")
    found["buyers"] = found["buyers"].fillna(0).astype("int64")
    found["money"] = found["money"].fillna(0.0)
    found["age"] = (_months(found["start"]) - _months(found["first"])) // months
    # All customers of a cohort bought in its first period.
    found["customers"] = found.groupby("first")["buyers"].transform("first")
    found["cohort"] = [_name(first, period) for first in found["first"]]
    found["complete"] = found["start"] + pd.DateOffset(months=months) <= pd.Timestamp(end)
    found["retention"] = found["buyers"] / found["customers"]
    found["cumulative_money"] = found.groupby("first")["money"].cumsum()
    found["cumulative_per_customer"] = found["cumulative_money"] / found["customers"]
    columns = ["cohort", "age", "start", "complete", "customers", "buyers", "retention", "money"]
    return found[[*columns, "cumulative_money", "cumulative_per_customer"]]


def _days_away(tx: Transactions, end: date) -> int:
    """Return the days from any day after which nine of ten customers, of those who buy again, have done so.

    A day falls into long gaps between purchases more often than into short ones: of the gaps g that it falls into, the
    share sum(max(g - t, 0)) / sum(g) lasts at least t days longer.
    """
    history = tx.history(end)
    known = history.filter(history.gap > 0)
    counts = known.group_by("gap").aggregate(times=known.count())
    found = counts.order_by("gap").to_pyarrow().to_pandas()
    gaps, times = found["gap"].to_numpy(dtype=float), found["times"].to_numpy(dtype=float)
    if not len(gaps):
        return 0
    days = np.arange(int(gaps[-1]) + 1)
    # Gaps of at least t + 1 days, summed over all later t, are the time that is left after t.
    until = np.append(0.0, np.cumsum(times))
    longer = times.sum() - until[np.searchsorted(gaps, days, side="right")]
    left = np.cumsum(longer[::-1])[::-1] / (gaps @ times)
    return int(np.argmax(left <= STILL_AWAY))


def _cohorts(triangle: pd.DataFrame, known_from: date, *, complete_history: bool) -> pd.DataFrame:
    grouped = triangle.groupby("cohort", sort=False)
    first = grouped.first()
    table = first[["start", "customers", "complete"]].reset_index()
    early = (table["start"] < pd.Timestamp(known_from)) | (table.index == 0)
    table.insert(3, "left_censored", early & (not complete_history))
    table["complete_periods"] = grouped["complete"].sum().to_numpy()
    after = triangle[triangle["complete"] & (triangle["age"] == 1)].set_index("cohort")["retention"]
    table["retention_1"] = table["cohort"].map(after).astype(float)
    table["cumulative_per_customer"] = grouped["cumulative_per_customer"].last().to_numpy()
    return table


def _by_age(triangle: pd.DataFrame, cohorts: pd.DataFrame) -> pd.DataFrame:
    used = cohorts.loc[cohorts["complete"] & ~cohorts["left_censored"], "cohort"]
    cells = triangle[triangle["complete"] & triangle["cohort"].isin(used)]
    sums = cells.groupby("age")[["customers", "buyers", "money"]].sum()
    sums.insert(0, "cohorts", cells.groupby("age").size())
    sums["retention"] = sums["buyers"] / sums["customers"]
    sums["money_per_customer"] = sums["money"] / sums["customers"]
    return sums.reset_index()[["age", "cohorts", "customers", "retention", "money_per_customer"]]


def _payback(triangle: pd.DataFrame, cohorts: pd.DataFrame, margin: float) -> pd.Series[int]:
    """Return the number of complete periods until margin on money reached the cost, of the cohorts where it has."""
    cost = triangle["cohort"].map(cohorts.set_index("cohort")[COST])
    reached = triangle[triangle["complete"] & (margin * triangle["cumulative_per_customer"] >= cost)]
    periods: pd.Series[int] = reached.groupby("cohort")["age"].min() + 1
    return periods


def _costs(given: Any, first: ibis.Table, cohorts: pd.DataFrame, period: str) -> np.ndarray:
    """Return the cost to acquire a customer of each cohort, missing where none is given."""
    names = cohorts["cohort"]
    if given is None:
        return np.full(len(names), np.nan)
    if isinstance(given, pd.DataFrame):
        if COST not in given or not {"cohort", "customer_id"} & set(given.columns):
            raise InputError(
                f"the table of costs has the columns {', '.join(map(str, given.columns))}; it needs {COST} and either "
                "cohort or customer_id."
            )
        known = given.assign(**{COST: known_numbers(given[COST], COST, low=0)})
        if "cohort" not in known:
            return _mean_costs(known, first, names, period)
        twice = known["cohort"][known["cohort"].duplicated()]
        if len(twice):
            raise InputError(f"the table of costs has the cohort {twice.iloc[0]} twice; give each one cost.")
        given = dict(zip(known["cohort"], known[COST], strict=True))
    if not isinstance(given, Mapping):
        return np.repeat(known_numbers([given], COST, low=0), len(names))
    unknown = [name for name in given if name not in set(names)]
    if unknown or not given:
        raise InputError(
            f"{COST} names the cohort {unknown[0] if unknown else None!r}, which is none of the {len(names)} cohorts "
            f"{names.iloc[0]} to {names.iloc[-1]}; use their names."
        )
    known_numbers(list(given.values()), COST, low=0)
    costs: np.ndarray = names.map(dict(given)).to_numpy(dtype=float)
    return costs


def _mean_costs(known: pd.DataFrame, first: ibis.Table, names: pd.Series[str], period: str) -> np.ndarray:
    """Return the mean cost over the customers of each cohort who have one."""
    import ibis

    texts = ids_as_text(known["customer_id"])
    again = texts[texts.duplicated()]
    if len(again):
        raise InputError(
            f"{len(again):,} customers are in the table of costs twice, for example {again.iloc[0]!r}; give each one "
            "cost."
        )
    costs_by_id = ibis.memtable(pd.DataFrame({"id": texts.to_numpy(), "cost": known[COST].to_numpy()}))
    joined = first.mutate(id=id_text(first.customer_id)).join(costs_by_id, "id")
    means = joined.group_by("first").aggregate(cost=joined.cost.mean()).to_pyarrow().to_pandas()
    if means.empty:
        raise InputError(
            f"none of the {len(known):,} customers of the table of costs (for example "
            f"{known['customer_id'].iloc[0]!r}) has bought; check that ids are written as in the orders."
        )
    starts = pd.to_datetime(means["first"])
    by_name = {_name(start, period): cost for start, cost in zip(starts, means["cost"], strict=True)}
    costs: np.ndarray = names.map(by_name).to_numpy(dtype=float)
    return costs


def _notes(found: AcquisitionCohorts, end: date, margin: float) -> tuple[str, ...]:
    notes: list[str] = []
    early = found.cohorts[found.cohorts["left_censored"]]
    if len(early):
        first, last = early["cohort"].iloc[[0, -1]]
        notes.append(
            say(
                "Customers of {cohorts} may have bought before the data begin, so these cohorts are not comparable "
                "with later ones; give `complete_history` where the data begin with the business.",
                cohorts=first if first == last else say("{first} to {last}", first=first, last=last),
            )
        )
    if not found.triangle["complete"].iloc[-1]:
        notes.append(
            say(
                "The {period} {name} is not complete on {day}: its figures are too low.",
                period=say(found.period),
                name=_name(found.triangle["start"].iloc[-1], found.period),
                day=end - timedelta(days=1),
            )
        )
    if round(found.money_outside, 2):
        notes.append(
            say(
                "{money} {unit} belong to no cohort: returns before a first purchase, and customers who never bought.",
                money=f"{found.money_outside:,.2f}",
                unit=unit_in_words(found.unit),
            )
        )
    if found.cohorts[COST].notna().any() and margin == 1 and not found.unit.endswith(" margin"):
        notes.append(say("Payback is based on revenue; give `margin` to base it on margin."))
    return tuple(notes)
