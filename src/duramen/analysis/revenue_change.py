"""Transactions and two equal periods come in; why revenue changed goes out, in parts that add up and in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.analysis.counted import counted, signed
from duramen.analysis.postponed_demand import GONE, POSTPONED, check_complete, missing_demand
from duramen.analysis.revenue_parts import (
    FREQUENCY,
    KNOWN_GOODS,
    LOST,
    PRICE,
    RETURNED,
    UNITS,
    WON,
    Part,
    parts_of_change,
    spending,
)
from duramen.data.product_sales import NEEDED
from duramen.data.windows import YEAR
from duramen.errors import InputError

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions
    from duramen.data.windows import Window
    from duramen.scoring.model import CoreCustomerModel

SEASON = "season"
# What fewer customers did a year earlier is chance, not season.
LEAST_CUSTOMERS = 30


@dataclass(frozen=True)
class RevenueChange:
    """Why revenue changed between two periods; ``print`` shows it in sentences.

    Attributes
    ----------
    before, after : Window
        The two periods.
    unit : str
        Unit of money.
    revenue_before, revenue_after : float
        Net money, returns subtracted.
    parts : pandas.DataFrame
        ``part``, ``money`` (they add up to the change), ``share_of_before`` (money / revenue before), ``customers``
        (whom the part concerns) and ``money_with_season`` (before the season was removed; adds up to the change too).
    missing : pandas.DataFrame
        What ``missing_demand`` returns; the season is not removed from it.
    notes : tuple of str
        What the data cannot show, in sentences.
    """

    before: Window
    after: Window
    unit: str
    revenue_before: float
    revenue_after: float
    parts: pd.DataFrame
    missing: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def change(self) -> float:
        """Revenue after less revenue before."""
        return self.revenue_after - self.revenue_before

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """What happened, in three to five sentences for a sales manager."""
        return tuple(
            sentence for sentence in (self._result(), self._causes(), *self._turnover(), *self._missing())
        )

    def __str__(self) -> str:
        return "\n".join([*self.sentences, *self.notes])

    def _money(self, money: float) -> str:
        return f"{money:,.0f} {self.unit}"

    def _result(self) -> str:
        if round(self.change, 2) == 0:
            return (
                f"Revenue did not change: {self._money(self.revenue_after)} in the {self.after}, as before."
            )
        moved = "fell" if self.change < 0 else "rose"
        by = f"{self._money(abs(self.change))} ({abs(self.change) / self.revenue_before:,.1%})"
        return (
            f"Revenue {moved} by {by}, from {self._money(self.revenue_before)} in the {self.before} to "
            f"{self._money(self.revenue_after)} in the {self.after}."
        )

    def _causes(self) -> str:
        parts = self.parts.set_index("part")
        named: dict[Any, str] = {}
        for row in self.parts.to_dict("records"):
            money, share = row["money"], row["share_of_before"]
            named[row["part"]] = f"{row['part']} ({money:+,.0f} {self.unit}, {share:+,.1%} of revenue before)"
        season = named.pop(SEASON, None)
        begin = (
            f"The change that also occurred a year earlier is {season}; apart from it, the"
            if season
            else "The"
        )
        moved = parts["money"].loc[list(named)].abs()
        first = moved[moved >= 0.5].nlargest(3).index.tolist()
        if not first:
            return "No part of it changed."
        *most, last = first
        if most:
            listed = f"parts are {', '.join(named[part] for part in most)} and {named[last]}"
        else:
            listed = f"part is {named[last]}"
        sentence = f"{begin} largest {listed}"
        if PRICE in named and PRICE not in first:
            sentence += f"; other prices of the same products account for {parts['money'][PRICE]:+,.0f}"
        return sentence + "."

    def _turnover(self) -> list[str]:
        seen = {row["part"]: row for row in self.parts.to_dict("records")}
        lost, won, back = (seen[name] for name in (LOST, WON, RETURNED))
        season = "With the season, " if SEASON in seen else ""
        return [
            f"{season}{counted(lost['customers'], 'customer')} of the first period did not buy in the second "
            f"({signed(lost['money_with_season'])} {self.unit}); {won['customers']:,.0f} bought for the first time "
            f"({signed(won['money_with_season'])}) and {back['customers']:,.0f} came back after a pause "
            f"({signed(back['money_with_season'])})."
        ]

    def _missing(self) -> list[str]:
        money = self.missing.set_index(["from", "demand"])["money"].clip(lower=0.0)
        total = float(money.sum())
        if total <= 0:
            return []
        late = self.missing[self.missing["demand"] == POSTPONED]
        expected, low, high = (float(late[name].sum()) for name in ("expected_back", "back_low", "back_high"))
        gone_back = float(
            self.missing.loc[self.missing["demand"] == GONE, "expected_back"].clip(lower=0.0).sum()
        )
        late_money = float(money[:, POSTPONED].sum())
        postponed = self._money(late_money)
        back = (
            f"In the next {self.after.horizon} days {self._money(expected)} of the postponed money is expected back "
            f"({low:,.0f} to {high:,.0f} in at least 8 of 10 cases), beyond what these customers spend now, and "
            f"{self._money(gone_back)} of the money called gone."
        )
        return [
            f"Of {self._money(total)} missing from lost customers and from customers who buy less often, "
            f"{self._money(money[LOST, GONE])} is from lost customers who are unlikely to buy in the next period, "
            f"{self._money(money[FREQUENCY, GONE])} is gone from customers who bought in both periods, and {postponed} "
            "is postponed.",
            *([back] if late_money >= 0.5 else []),
        ]


def explain_revenue_change(
    tx: Transactions, before: Window, after: Window, model: CoreCustomerModel | None = None
) -> RevenueChange:
    """Return why revenue changed between two periods of equal length.

    With n purchase days (days that net to more than 0) and m money per purchase day of a customer, the parts are

    - lost customers: bought in the first period and not in the second, minus n0 m0;
    - won customers: first ever purchase in the second period, plus n1 m1;
    - returned customers: had bought earlier, not in the first period, and again in the second, plus n1 m1;
    - of customers who bought in both, purchase frequency: (n1 - n0) (m0 + m1) / 2, summed over customers; what is
      left is their money per purchase day, (m1 - m0) (n0 + n1) / 2;
    - where lines have product and quantity, money per purchase day is basket size, price and mix. Price: change of a
      product's mean price times its mean quantity (q0 + q1) / 2, summed over products of both periods. Basket size:
      change of the goods per purchase day times the mean money per good, where a product counts in its usual quantity
      per line, so that 30 litres of fuel are one good. Mix: what is left, which is other products;
    - returns: the money of days that net to 0 or less;
    - season: revenue before times the relative change, other than by price, between the same two periods 364 days
      earlier. It is removed from each part by what that part was of revenue then. It is shown where half a year of
      history comes before, and includes whatever else changed between these two periods.

    All are midpoints of both periods (Bennet's indicator), so that neither the order of parts nor of periods matters:
    exchanging the periods reverses every sign.

    Parameters
    ----------
    tx : Transactions
    before, after : Window
        The periods: days with cutoff <= date < end, as many in both.
    model : CoreCustomerModel, optional
        Fitted before the end of ``after`` for a horizon of its length; its forecasts then say what is postponed.

    Returns
    -------
    RevenueChange

    Raises
    ------
    InputError
        If the periods differ in length, overlap, are not inside the transactions, or the first has no revenue.

    References
    ----------
    Bennet, T. L. (1920), "The theory of measurement of changes in cost of living", JRSS 83(3).

    Examples
    --------
    >>> from duramen.data.reading import read_transactions
    >>> from duramen.data.windows import Window
    >>> days = ["2020-01-01", "2020-02-05", "2020-01-09", "2020-03-05", "2020-03-09", "2020-04-30"]
    >>> spent = [10.0, 10.0, 5.0, 12.0, 8.0, 1.0]
    >>> tx = read_transactions(pd.DataFrame({"customer": list("aabacc"), "date": days, "amount": spent}))
    >>> why = explain_revenue_change(tx, Window("2020-01-01", 60), Window("2020-03-01", 60))
    >>> print(why.parts[["part", "money"]].to_string(index=False))
                      part  money
            lost customers   -5.0
             won customers    8.0
        returned customers    0.0
        purchase frequency  -11.0
    money per purchase day    3.0
                   returns    0.0
    """
    _check(tx, before, after)
    customers = spending(tx, before, after)
    revenue, parts = _revenue_and_parts(tx, before, after, customers)
    if revenue <= 0:
        raise InputError(
            f"the {before} have no revenue above 0 in {tx.source}; choose a period before with sales."
        )
    season, note = _season(tx, before, after, revenue)
    notes = [note]
    if before.earlier(before.horizon).cutoff < tx.first_date:
        notes.append(
            "The 80 % interval covers only who will buy, because no earlier period shows how far such expectations "
            "miss."
        )
    if missing := [role for role in NEEDED if role not in tx.columns]:
        notes.append(
            f"Price, mix and basket size are not separated, because the lines have no column for "
            f"{' and '.join(missing)}."
        )
    elif PRICE not in parts:
        notes.append(
            "Price, mix and basket size are not separated, because lines with a product and a quantity above 0 hold "
            "less "
            f"than {KNOWN_GOODS:.0%} of the money of the customers who bought in both periods."
        )
    if before.cutoff <= tx.first_date:
        notes.append(
            "The transactions begin with the first period, so that customers who return after a pause count as won."
        )
    return RevenueChange(
        before=before,
        after=after,
        unit=tx.unit,
        revenue_before=revenue / UNITS,
        revenue_after=(revenue + sum(part.units for part in parts.values())) / UNITS,
        parts=_table(parts, season, revenue),
        missing=missing_demand(tx, before, after, model, customers),
        notes=tuple(notes),
    )


def _check(tx: Transactions, before: Window, after: Window) -> None:
    if before.horizon != after.horizon:
        raise InputError(
            f"the period before has {before.horizon} days and the period after {after.horizon}; give both as many."
        )
    if before.end > after.cutoff:
        raise InputError(
            f"the period before ends at {before.end} and the period after begins at {after.cutoff}; give periods that "
            "follow each other."
        )
    for period in (before, after):
        check_complete(tx, period)


def _revenue_and_parts(
    tx: Transactions, before: Window, after: Window, customers: pd.DataFrame
) -> tuple[int, dict[str, Part]]:
    """Return the net money of the first period and the parts of the change, in ten-thousandths."""
    revenue = int(customers["spent_before"].sum() + customers["returned_before"].sum())
    return revenue, parts_of_change(tx, before, after, customers)


def _season(
    tx: Transactions, before: Window, after: Window, revenue: int
) -> tuple[dict[str, Part] | None, str]:
    """Return the parts of the season in ten-thousandths, or None, and the sentence about it."""
    if (after.end - before.cutoff).days > YEAR:
        return None, "No season is removed, because the two periods together are longer than a year."
    first, second = before.earlier(YEAR), after.earlier(YEAR)
    # A base that had just begun shows its own youth, not the season.
    if (first.cutoff - tx.first_date).days < max(first.horizon, YEAR // 2):
        return None, (
            f"No season is removed, because the history before {first.cutoff} is shorter than half a year; a column "
            "date that reaches back further would show it."
        )
    customers = spending(tx, first, second)
    bought = min(int((customers[f"purchases_{name}"] > 0).sum()) for name in ("before", "after"))
    if bought < LEAST_CUSTOMERS:
        return None, (
            f"No season is removed, because only {bought:,} customers bought in one of the two periods a year earlier; "
            f"it takes {LEAST_CUSTOMERS}."
        )
    then, parts = _revenue_and_parts(tx, first, second, customers)
    if then <= 0:
        return None, f"No season is removed, because the {first} have no revenue."
    # A change of price is a decision, not a season.
    parts.pop(PRICE, None)
    season = {name: Part(round(revenue * part.units / then), part.customers) for name, part in parts.items()}
    moved = sum(part.units for part in parts.values()) / then
    return season, (
        f"Between the same two periods 364 days earlier revenue changed by {moved:+.1%} other than by price; that "
        "much of revenue before is taken as season."
    )


def _table(parts: dict[str, Part], season: dict[str, Part] | None, revenue: int) -> pd.DataFrame:
    usual = {name: season[name].units if season and name in season else 0 for name in parts}
    rows = [(name, part.units - usual[name], part.customers, part.units) for name, part in parts.items()]
    if season is not None:
        concerned = max((part.customers for part in season.values()), default=0)
        rows.append((SEASON, sum(usual.values()), concerned, 0))
    table = pd.DataFrame(rows, columns=["part", "money", "customers", "money_with_season"])
    table["share_of_before"] = table["money"] / revenue
    table[["money", "money_with_season"]] /= UNITS
    return table[["part", "money", "share_of_before", "customers", "money_with_season"]]
