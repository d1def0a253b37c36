"""Transactions come in; how customers, value and concentration of the base changed over equal periods goes out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from duramen.analysis.base_health import BaseHealth, compare_periods, share_from
from duramen.analysis.counted import counted
from duramen.analysis.joined import in_a_row
from duramen.analysis.migration import segment_transitions
from duramen.data.windows import YEAR, parse_day
from duramen.errors import InputError
from duramen.evaluation.metrics import captured, gini
from duramen.language import marked, say
from duramen.scoring.tiers import smallest_set

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions

# A quarter of 13 whole weeks, so that every period has the same weekdays.
QUARTER = 91
CORE, OTHER, INACTIVE, NEW = marked("core"), marked("other"), marked("inactive"), marked("new")
# Accounting standards (IFRS 8, ASC 280) ask firms to disclose a customer who brings this share of revenue.
MAJOR_CUSTOMER = 0.1
LARGEST = (1, 5, 10, 20)


@dataclass(frozen=True)
class Dependence:
    """How far the money of a period depends on single customers; ``print`` shows it in a sentence.

    Attributes
    ----------
    customers : int
        Customers who bought in the period.
    largest_customer : object
        Id of the customer who brought the most money.
    largest_share : float
        The share of money that this customer brought.
    customers_for_half : int
        The fewest customers who together brought half of the money.
    losses : pandas.DataFrame
        What the loss of the largest customers would cost in a period like this: ``largest`` (number of them),
        ``money``, ``share`` (of money), ``money_left`` and ``average_left`` (money per remaining customer).
    """

    customers: int
    largest_customer: Any
    largest_share: float
    customers_for_half: int
    losses: pd.DataFrame

    @property
    def depends_on_one(self) -> bool:
        """Whether one customer brings at least a tenth of the money."""
        return self.largest_share >= MAJOR_CUSTOMER

    def __str__(self) -> str:
        values = {
            "customer": self.largest_customer,
            "share": f"{self.largest_share:.1%}",
            "customers": counted(self.customers, "customer"),
            "half": f"{self.customers_for_half:,}",
        }
        if self.depends_on_one:
            return say(
                "Revenue depends on one customer: {customer} brings {share} of the money. Of {customers}, the "
                "largest {half} account for half of it.",
                **values,
            )
        return say(
            "Revenue does not depend on any single customer: the largest, {customer}, brings {share} of the money. Of "
            "{customers}, the largest {half} account for half of it.",
            **values,
        )


@dataclass(frozen=True)
class BaseStructure:
    """The structure of a customer base over equal periods; ``print`` shows the verdict in sentences.

    Attributes
    ----------
    days : int
        Length of a period.
    unit : str
        Unit of money.
    core_size : float
        The money of a period from which a customer is of core size, as in ``health``.
    periods : pandas.DataFrame
        A row for each period, as ``structure_over_time`` describes.
    flows : pandas.DataFrame
        Customers who went into, out of and between groups from each period to the next.
    dependence : Dependence
        Of the last period.
    health : BaseHealth or str
        The verdict on the last period, or the sentence that says why there is none.
    """

    days: int
    unit: str
    core_size: float
    periods: pd.DataFrame
    flows: pd.DataFrame
    dependence: Dependence
    health: BaseHealth | str

    def __str__(self) -> str:
        health = self.health if isinstance(self.health, str) else str(self.health)
        return in_a_row([health, str(self.dependence)])


def structure_over_time(
    tx: Transactions, days: int = QUARTER, *, cutoff: date | str | None = None, seed: int = 0
) -> BaseStructure:
    """Return how customers, value per customer, core share and concentration changed over equal periods.

    A base becomes healthier where average value per customer and core share both rise; the number of customers alone
    does not show it. The last period is compared with the same season a year before where the history has it, else
    with the first period. The core of a period is the smallest set of customers that brought 80 % of its money. As
    this share is 80 % by definition, the core share that is compared uses a fixed size: the share of money from
    customers who bring at least as much as the smallest core customer of the earlier period. Money is not adjusted for
    prices.

    Parameters
    ----------
    tx : Transactions
    days : int
        Length of each period. The last one ends before ``cutoff``; a remainder at the beginning of the history that is
        shorter than a period is left out, except that customers who bought in it are known.
    cutoff : date or str, optional
        First day that is not used; by default the day after the last one.
    seed : int
        Seed of the resamples of the intervals.

    Returns
    -------
    BaseStructure
        ``periods`` has ``start`` and ``end`` (the first day after it), ``customers`` (who bought), ``new_customers``
        (whose first purchase it was), ``money`` (net, of these customers), ``returns_of_others`` (net money of
        customers who did not buy in the period: with ``money`` it adds up to that of the transactions),
        ``average_value`` (money per customer), ``core_customers``, ``core_customers_share``, ``core_money``,
        ``core_from`` (the least money of a core customer), ``core_size_customers_share`` and ``core_share`` (shares of
        customers and money of customers of core size), ``gini``, ``top_1``, ``top_5`` and ``top_20`` (share of money of
        that per cent of customers), ``largest_share`` and ``customers_for_half``.

        ``flows`` has ``start`` (of the later period), ``from``, ``to``, ``customers``, ``share_of_from``,
        ``money_before`` and ``money_now``. Groups are ``core``, ``other`` (bought, outside the core), ``inactive``
        (bought in an earlier period, but not in this one: their money is that of returns) and, only in ``from``,
        ``new``.

    Raises
    ------
    InputError
        If the history has fewer than two periods, or the compared periods have no money.

    Examples
    --------
    >>> from duramen.data.datasets import cdnow
    >>> from duramen.data.reading import read_transactions
    >>> structure = structure_over_time(read_transactions(cdnow()), cutoff="1998-07-01")
    >>> structure.periods[["customers", "average_value", "core_customers_share", "core_share"]].tail(2).round(2)
       customers  average_value  core_customers_share  core_share
    4       3831          69.03                  0.44        0.81
    5       3317          64.31                  0.45        0.78
    >>> structure.health.verdict
    'not healthy'
    """
    starts, end = period_starts(tx, days, cutoff)
    customers, spend = _spend(tx, starts, end, days)
    # Rows are in the order of periods.
    bounds = np.searchsorted(spend["period"], range(len(starts) + 1))
    by_period = [spend.iloc[first:after] for first, after in pairwise(bounds)]
    last = len(starts) - 1
    a_year = max(1, round(YEAR / days))
    base = max(last - a_year, 0)
    for compared in (base, last):
        where = say(
            "the {days} days from {day} of {source}", days=days, day=starts[compared], source=tx.source
        )
        _refuse_without_money(_buyers(by_period[compared]), where)
    sizes = _buyers(by_period[base])
    core_size = float(sizes[smallest_set(sizes)].min())
    periods = pd.DataFrame([_figures(rows, core_size) for rows in by_period])
    periods.insert(0, "start", pd.to_datetime(pd.Series(starts)))
    periods.insert(1, "end", periods["start"] + pd.Timedelta(days=days))
    first = customers["first_period"].value_counts()
    periods.insert(3, "new_customers", [int(first.get(period, 0)) for period in range(len(starts))])
    return BaseStructure(
        days=days,
        unit=tx.unit,
        core_size=core_size,
        periods=periods,
        flows=_flows(customers["first_period"].to_numpy(), by_period, starts),
        dependence=_dependence(by_period[last].query("bought"), customers["customer_id"]),
        health=compare_periods(
            by_period[base],
            by_period[last],
            (starts[base], starts[last]),
            days=days,
            same_season=last >= a_year,
            unit=tx.unit,
            seed=seed,
        ),
    )


def period_starts(tx: Transactions, days: int, cutoff: date | str | None) -> tuple[list[date], date]:
    """Return the first day of each complete period before ``cutoff``, the earliest first, and the cutoff."""
    if days < 1:
        raise InputError(f"days is {days}; a period has at least 1 day, for example 91.")
    end = tx.last_date + timedelta(days=1) if cutoff is None else parse_day(cutoff)
    count = (end - tx.first_date).days // days
    if count < 2:
        raise InputError(
            say(
                "{source} has {days_before} days before {day}, fewer than two periods of {days}; choose shorter "
                "periods.",
                source=tx.source,
                days_before=f"{max((end - tx.first_date).days, 0):,}",
                day=end,
                days=days,
            )
        )
    return [end - timedelta(days=days * (count - number)) for number in range(count)], end


def _spend(tx: Transactions, starts: list[date], end: date, days: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return each customer with the period of their first purchase, and the money of each in each period.

    Customers are numbered in the order of their ids. A first purchase before the first period has the number -1, and
    customers who never bought have a number beyond the last period.
    """
    import ibis

    history = tx.history(end)
    period = (history.date.delta(ibis.literal(starts[0]), unit="day") / days).floor().cast("int32")
    history = history.mutate(period=period)
    # Ids are numbered once: numbers are compared and sorted faster than texts.
    known = history.group_by("customer_id").aggregate(
        first_period=ibis.greatest(history.period.min(where=history.purchase > 0).fill_null(len(starts)), -1)
    )
    number = (ibis.row_number().over(ibis.window(order_by="customer_id"))).cast("int32")
    known = known.mutate(customer=number).cache()
    inside = history.filter(history.period >= 0)
    sums = inside.group_by("customer_id", "period").aggregate(
        money=inside.net.sum().cast("float64"), bought=(inside.purchase > 0).any()
    )
    spend = sums.join(known, "customer_id").select("customer", "period", "money", "bought")
    customers = known.order_by("customer").select("customer_id", "first_period").to_pyarrow().to_pandas()
    return customers, spend.order_by("period", "customer").to_pyarrow().to_pandas()


def _buyers(rows: pd.DataFrame) -> np.ndarray:
    """Return the money of the customers who bought, the most first: sorted money is sorted again in no time."""
    money: np.ndarray = -np.sort(-rows["money"].to_numpy()[rows["bought"].to_numpy(dtype=bool)])
    return money


def _refuse_without_money(money: np.ndarray, where: str) -> None:
    if not money.sum() > 0:
        raise InputError(
            say(
                "{where} have no money ({customers} customers bought); choose longer periods or others.",
                where=where,
                customers=f"{len(money):,}",
            )
        )


def _figures(rows: pd.DataFrame, core_size: float) -> dict[str, Any]:
    """Return the figures of a period; those of money are missing where it is not positive."""
    money = _buyers(rows)
    customers, total = len(money), money.sum()
    core = smallest_set(money)
    missing = float("nan")
    return {
        "customers": customers,
        "money": total,
        "returns_of_others": rows["money"][~rows["bought"].to_numpy(dtype=bool)].sum(),
        "average_value": total / customers if customers else missing,
        "core_customers": int(core.sum()),
        "core_customers_share": core.mean() if customers else missing,
        "core_money": money[core].sum(),
        "core_from": money[core].min() if core.any() else missing,
        "core_size_customers_share": (money >= core_size).mean() if customers else missing,
        "core_share": share_from(money, core_size),
        "gini": gini(money),
        "top_1": captured(money, money, 0.01),
        "top_5": captured(money, money, 0.05),
        "top_20": captured(money, money, 0.2),
        "largest_share": money.max() / total if total > 0 else missing,
        "customers_for_half": int(smallest_set(money, 0.5).sum()),
    }


def _flows(first_period: np.ndarray, by_period: list[pd.DataFrame], starts: list[date]) -> pd.DataFrame:
    """Return the flows between groups from each period to the next, with the money of both."""
    groups = [_groups(first_period, rows, period) for period, rows in enumerate(by_period)]
    money = [_by_customer(rows, len(first_period)) for rows in by_period]
    tables = []
    for before, now in pairwise(range(len(starts))):
        sides = groups[before], groups[now]
        table, second = (
            segment_transitions(*sides, money=money[period], order=(CORE, OTHER, INACTIVE), new=NEW)
            for period in (before, now)
        )
        table = table.rename(columns={"money": "money_before"}).assign(money_now=second["money"])
        table.insert(0, "start", pd.Timestamp(starts[now]))
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _by_customer(rows: pd.DataFrame, customers: int) -> pd.Series[float]:
    money = np.zeros(customers)
    money[rows["customer"]] = rows["money"]
    return pd.Series(money)


def _groups(first_period: np.ndarray, rows: pd.DataFrame, period: int) -> pd.Series[Any]:
    """Return the group of each customer who has bought by the end of a period, by number."""
    groups = np.full(len(first_period), INACTIVE, dtype=object)
    bought = rows[rows["bought"]]
    groups[bought["customer"]] = np.where(smallest_set(bought["money"].to_numpy()), CORE, OTHER)
    known = np.flatnonzero(first_period <= period)
    return pd.Series(groups[known], index=known)


def _dependence(buyers: pd.DataFrame, ids: pd.Series[Any]) -> Dependence:
    money = buyers["money"].to_numpy()
    order = np.argsort(-money, kind="stable")
    total, customers = money.sum(), len(money)
    losses = []
    for largest in (number for number in LARGEST if number < customers):
        lost = money[order[:largest]].sum()
        left = total - lost
        losses.append(
            {
                "largest": largest,
                "money": lost,
                "share": lost / total,
                "money_left": left,
                "average_left": left / (customers - largest),
            }
        )
    largest_customer = ids[buyers["customer"].to_numpy()[order[0]]]
    return Dependence(
        customers=customers,
        largest_customer=largest_customer,
        largest_share=float(money[order[0]] / total),
        customers_for_half=int(smallest_set(money, 0.5).sum()),
        losses=pd.DataFrame(losses, columns=["largest", "money", "share", "money_left", "average_left"]),
    )
