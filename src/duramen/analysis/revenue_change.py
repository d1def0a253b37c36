"""Transactions and two equal periods come in; why revenue changed goes out, in parts that add up and in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.analysis.counted import counted, signed
from duramen.analysis.joined import as_sentence, listed
from duramen.analysis.periods import in_words
from duramen.analysis.postponed_demand import MORE_OFTEN, POSTPONED, UNCERTAIN, check_complete, missing_demand
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
from duramen.data.money_unit import unit_in_words
from duramen.data.product_sales import NEEDED
from duramen.data.windows import YEAR
from duramen.errors import InputError
from duramen.language import Sentence, marked, say

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions
    from duramen.data.windows import Window
    from duramen.scoring.model import CoreCustomerModel

SEASON = marked("season")
ROLES = {"product": marked("product"), "quantity": marked("quantity")}
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
        """What happened, in three to six sentences for a sales manager."""
        return tuple(
            sentence
            for sentence in (
                self._result(),
                self._causes(),
                self._turnover(),
                *self._against_season(),
                *self._missing(),
            )
        )

    def __str__(self) -> str:
        return "\n".join([*self.sentences, *self.notes])

    def _money(self, money: float) -> str:
        return f"{money:,.0f} {unit_in_words(self.unit)}"

    def _signed(self, money: float) -> str:
        return f"{signed(money)} {unit_in_words(self.unit)}"

    def _result(self) -> Sentence:
        values = {
            "money_before": self._money(self.revenue_before),
            "before": in_words(self.before),
            "money_after": self._money(self.revenue_after),
            "after": in_words(self.after),
        }
        season = self._season_money()
        if round(season):
            moved = self._moved(self.change)
            return say(
                "{result}; the season accounts for {season} ({share}), and without it {rest}. It was {money_before} in "
                "the {before} and {money_after} in the {after}.",
                result=moved[0].upper() + moved[1:],
                season=self._signed(season),
                share=f"{season / self.revenue_before:+,.1%}",
                rest=self._moved(self.change - season),
                **values,
            )
        if round(self.change, 2) == 0:
            return say("Revenue did not change: {money_after} in the {after}, as before.", **values)
        values |= {
            "change": self._money(abs(self.change)),
            "share": f"{abs(self.change) / self.revenue_before:,.1%}",
        }
        if self.change < 0:
            return say(
                "Revenue fell by {change} ({share}), from {money_before} in the {before} to {money_after} in the "
                "{after}.",
                **values,
            )
        return say(
            "Revenue rose by {change} ({share}), from {money_before} in the {before} to {money_after} in the {after}.",
            **values,
        )

    def _season_money(self) -> float:
        """Return what of the change is season, 0 where it is not separated."""
        return float(self.parts.loc[self.parts["part"] == SEASON, "money"].sum())

    def _moved(self, change: float) -> Sentence:
        """Return by how much revenue rose or fell, as a clause."""
        if not round(change):
            return say("revenue did not change")
        values = {"change": self._money(abs(change)), "share": f"{abs(change) / self.revenue_before:,.1%}"}
        if change < 0:
            return say("revenue fell by {change} ({share})", **values)
        return say("revenue rose by {change} ({share})", **values)

    def _causes(self) -> Sentence:
        named: dict[Any, str] = {
            row["part"]: say(
                "{part} ({money} {unit}, {share} of revenue before)",
                part=say(row["part"]),
                money=signed(row["money"]),
                unit=unit_in_words(self.unit),
                share=f"{row['share_of_before']:+z,.1%}",
            )
            for row in self.parts.to_dict("records")
        }
        season = named.pop(SEASON, None)
        money = self.parts.set_index("part")["money"]
        moved = money.loc[list(named)].abs()
        first = moved[moved >= 0.5].nlargest(3).index.tolist()
        if not first:
            return say("No part of it changed.")
        causes = _largest([named[part] for part in first])
        if season:
            causes = say(
                "the change that also occurred a year earlier is {season}; apart from it, {causes}",
                season=season,
                causes=causes,
            )
        if PRICE in named and PRICE not in first:
            causes = say(
                "{causes}; other prices of the same products changed revenue by {money}",
                causes=causes,
                money=signed(money[PRICE]),
            )
        return as_sentence(causes)

    def _turnover(self) -> Sentence:
        seen = {row["part"]: row for row in self.parts.to_dict("records")}
        lost, won, back = (seen[name] for name in (LOST, WON, RETURNED))
        return say(
            "{customers} of the first period did not buy in the second ({lost}); {won_customers} bought for the first "
            "time ({won}) and {returned_customers} came back after a pause ({returned}).",
            customers=counted(lost["customers"], "customer"),
            lost=self._with_and_without_season(lost),
            won_customers=f"{won['customers']:,.0f}",
            won=self._with_and_without_season(won),
            returned_customers=f"{back['customers']:,.0f}",
            returned=self._with_and_without_season(back),
        )

    def _with_and_without_season(self, part: dict[Any, Any]) -> str:
        """Return the money of a part, and what is left of it after the season where that is taken out."""
        money = self._signed(part["money_with_season"])
        if SEASON not in set(self.parts["part"]):
            return money
        return say("{money}; {left} after the season is taken out", money=money, left=signed(part["money"]))

    def _against_season(self) -> list[Sentence]:
        """Explain a part of the unexpected sign, which it can have only where the season is taken out."""
        money = self.parts.set_index("part")["money"]
        if SEASON not in money or not (money[LOST] >= 0.5 or min(money[WON], money[RETURNED]) <= -0.5):
            return []
        return [
            say(
                "To take the season out, each part is compared with the same part a year earlier, as a share of "
                "revenue. So what is left of won or returned customers can be negative (they brought less than a year "
                "earlier), and of lost customers positive (less was lost than a year earlier)."
            )
        ]

    def _missing(self) -> list[Sentence]:
        """Say what is missing, and what of it is expected back, in the figures of the table ``missing``."""
        more = -float(self.missing.loc[self.missing["demand"] == MORE_OFTEN, "money"].sum())
        fewer = self.missing[self.missing["demand"] != MORE_OFTEN]
        money = {name: float(part) for name, part in fewer.groupby("from")["money"].sum().items()}
        late, other = (fewer[fewer["demand"] == demand].sum() for demand in (POSTPONED, UNCERTAIN))
        total = money[LOST] + money[FREQUENCY]
        if total <= 0:
            return []
        return [
            say(
                "{money} is missing: {lost} from lost customers and {fewer} from customers who bought less often. Of "
                "this, {postponed} is postponed, and the return of {uncertain} is uncertain. Customers who bought more "
                "often brought {more} more, so that lost customers and purchase frequency changed revenue by {change} "
                "together.",
                money=self._money(total),
                lost=self._money(money[LOST]),
                fewer=self._money(money[FREQUENCY]),
                postponed=self._money(late["money"]),
                uncertain=self._money(other["money"]),
                more=self._money(more),
                change=self._signed(more - total),
            ),
            say(
                "Expected back in the next {days} days, above what each of these customers spends now: {late} of the "
                "postponed money ({late_low} to {late_high} in at least 8 of 10 cases) and {other} of the uncertain "
                "money ({other_low} to {other_high}).",
                days=self.after.horizon,
                late=self._money(late["expected_back"]),
                late_low=f"{late['back_low']:,.0f}",
                late_high=f"{late['back_high']:,.0f}",
                other=self._money(other["expected_back"]),
                other_low=f"{other['back_low']:,.0f}",
                other_high=f"{other['back_high']:,.0f}",
            ),
        ]


def _largest(parts: list[str]) -> Sentence:
    if len(parts) == 1:
        return say("the largest part is {part}", part=parts[0])
    return say("the largest parts are {parts}", parts=listed(parts))


def explain_revenue_change(
    tx: Transactions,
    before: Window,
    after: Window,
    model: CoreCustomerModel | None = None,
    scores: pd.DataFrame | None = None,
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
    scores : pandas.DataFrame, optional
        These forecasts, if they are known, such as the ranking at the end of ``after``.

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
            say(
                "the {period} have no revenue above 0 in {source}; choose a period before with sales.",
                period=in_words(before),
                source=tx.source,
            )
        )
    season, note = _season(tx, before, after, revenue)
    notes: list[str] = [note]
    if model is None and scores is None:
        notes.append(
            say(
                "What is expected back follows from the times between purchases and from past spend, because no model "
                "forecasts the {days} days after the second period.",
                days=after.horizon,
            )
        )
    if before.earlier(before.horizon).cutoff < tx.first_date:
        notes.append(
            say(
                "The 80 % interval covers only who will buy, because no earlier period shows how far such "
                "expectations miss."
            )
        )
    if missing := [role for role in NEEDED if role not in tx.columns]:
        notes.append(
            say(
                "Price, mix and basket size are not separated, because the lines have no column for {columns}.",
                columns=listed([say(ROLES[role]) for role in missing]),
            )
        )
    elif PRICE not in parts:
        notes.append(
            say(
                "Price, mix and basket size are not separated, because lines with a product and a quantity above "
                "0 account for less than {share} of the money of the customers who bought in both periods.",
                share=f"{KNOWN_GOODS:.0%}",
            )
        )
    if before.cutoff <= tx.first_date:
        notes.append(
            say(
                "The transactions begin with the first period, so that customers who return after a pause count as "
                "won."
            )
        )
    return RevenueChange(
        before=before,
        after=after,
        unit=tx.unit,
        revenue_before=revenue / UNITS,
        revenue_after=(revenue + sum(part.units for part in parts.values())) / UNITS,
        parts=_table(parts, season, revenue),
        missing=missing_demand(tx, before, after, model, customers, scores),
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
) -> tuple[dict[str, Part] | None, Sentence]:
    """Return the parts of the season in ten-thousandths, or None, and the sentence about it."""
    if (after.end - before.cutoff).days > YEAR:
        return None, say("No season is removed, because the two periods together are longer than a year.")
    first, second = before.earlier(YEAR), after.earlier(YEAR)
    # A base that had just begun shows its own youth, not the season.
    needed = first.cutoff - timedelta(days=max(first.horizon, YEAR // 2))
    if needed < tx.first_date:
        return None, say(
            "No season is removed: it shows only where orders reach back to {needed}, which is the same two periods a "
            "year earlier and at least half a year before them, and these orders begin on {first}.",
            needed=needed,
            first=tx.first_date,
        )
    customers = spending(tx, first, second)
    bought = min(int((customers[f"purchases_{name}"] > 0).sum()) for name in ("before", "after"))
    if bought < LEAST_CUSTOMERS:
        return None, say(
            "No season is removed, because only {customers} customers bought in one of the two periods a year earlier; "
            "it takes {least}.",
            customers=f"{bought:,}",
            least=LEAST_CUSTOMERS,
        )
    then, parts = _revenue_and_parts(tx, first, second, customers)
    if then <= 0:
        return None, say(
            "No season is removed, because the {period} have no revenue.", period=in_words(first)
        )
    # A change of price is a decision, not a season.
    parts.pop(PRICE, None)
    season = {name: Part(round(revenue * part.units / then), part.customers) for name, part in parts.items()}
    moved = sum(part.units for part in parts.values()) / then
    return season, say(
        "Season: between the same two periods 364 days earlier, revenue changed by {change}, not "
        "counting price changes. The same percentage of the earlier period's revenue is counted as "
        "season here.",
        change=f"{moved:+.1%}",
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
