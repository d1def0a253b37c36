"""Checked purchase days come in; the figures that describe the data go out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from duramen.data.money_unit import unit_in_words
from duramen.data.service_lines import ServiceLine
from duramen.data.statuses import Status
from duramen.data.windows import YEAR
from duramen.language import is_urgent, say, say_list, translated

if TYPE_CHECKING:
    import ibis

# Statuses and service lines that the summary lists each.
MOST_WORDS = 12


@dataclass(frozen=True)
class DataSummary:
    """What a careful analyst asks of the data first; money in the unit of the source."""

    source: str
    rows_in: int
    set_aside: dict[str, int]
    customers: int
    one_time_customers: int
    first_date: date
    last_date: date
    purchase_days: int
    days_without_purchase: int
    net_total: float
    returned_total: float
    unit: str
    columns: dict[str, str]
    notes: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    service_lines: tuple[ServiceLine, ...] = ()
    set_aside_money: dict[str, float] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    purchase_days_after: int = 0

    @property
    def rows_used(self) -> int:
        """Rows in, less rows set aside."""
        return self.rows_in - sum(self.set_aside.values())

    @property
    def one_time_share(self) -> float:
        """Share of customers with a single purchase day."""
        return self.one_time_customers / self.customers

    @property
    def can_fit(self) -> list[str]:
        """What these data can support, in sentences."""
        days = (self.last_date - self.first_date).days + 1
        repeat = self.customers - self.one_time_customers
        stated: list[str] = [
            say(
                "BTYD models and gamma-gamma: yes, {customers} customers bought on more than one day.",
                customers=f"{repeat:,}",
            ),
            say(
                "LightGBM on rolling cutoffs: horizons up to {longest} days, a third of the {days} days of history.",
                longest=days // 3,
                days=f"{days:,}",
            ),
        ]
        if days < 2 * YEAR:
            stated.append(say("Yearly season: no, less than two years of history."))
        return stated

    def _worth(self, reason: str) -> str:
        money = self.set_aside_money.get(reason)
        return "" if money is None else f" ({money:,.0f} {self.unit})"

    def lines(self) -> list[tuple[str, str]]:
        """Return all of it as texts, each with its name."""
        unit = unit_in_words(self.unit)
        rows = say(
            "{rows} in = {used} used + {aside} set aside",
            rows=f"{self.rows_in:,}", used=f"{self.rows_used:,}", aside=f"{self.rows_in - self.rows_used:,}",
        )  # fmt: skip
        if self.set_aside:
            reasons = say_list(
                f"{translated(reason)} {count:,}{self._worth(reason)}"
                for reason, count in self.set_aside.items()
            )
            rows = say("{rows} ({reasons})", rows=rows, reasons=reasons)
        return [
            (say("rows"), rows),
            (say("span"), say("{first} to {last}", first=str(self.first_date), last=str(self.last_date))),
            (say("customers"), say("{n}, of whom {share} bought on one day only", n=f"{self.customers:,}",
                                   share=f"{self.one_time_share:.0%}")),
            (say("grain"), say("{days} purchase days, one row per customer and day", days=f"{self.purchase_days:,}")),
            (say("netting"), say(
                "returns of {money} {unit} netted; {days} days net to zero or less and are no purchases",
                money=f"{self.returned_total:,.0f}", unit=unit, days=f"{self.days_without_purchase:,}",
            )),
            (say("money"), say("{money} {unit} net", money=f"{self.net_total:,.0f}", unit=unit)),
            *((say("to check"), sentence) for sentence in self.assumed if is_urgent(sentence)),
            (say("columns"), say_list(
                say("{role} from {column}", role=role, column=repr(column)) for role, column in self.columns.items()
            )),
            *_counted_lines(say("status"), self.statuses, unit),
            *_counted_lines(say("service line"), self.service_lines, unit),
            *((say("assumed"), sentence) for sentence in self.assumed if not is_urgent(sentence)),
            *((say("customer file"), sentence) for sentence in self.notes),
            *((say("feature file"), sentence) for sentence in self.features),
            *((say("can be fitted"), sentence) for sentence in self.can_fit),
        ]  # fmt: skip

    def __str__(self) -> str:
        title = say("Transactions from {source}", source=self.source)
        return "\n".join([title, *(f"  {name:<14}{text}" for name, text in self.lines())])


def _counted_lines(
    what: str, counted: Sequence[tuple[str, int, float, bool]], unit: str
) -> list[tuple[str, str]]:
    """Return a line for each of the first words: rows, money and whether they are used, in columns."""
    shown = [
        (word if len(word) <= 40 else f"{word[:39]}…", f"{rows:,}", f"{money:,.2f}", used)
        for word, rows, money, used in counted[:MOST_WORDS]
    ]
    if not shown:
        return []
    words, rows, money = (max(len(str(row[place])) for row in shown) for place in range(3))
    lines = [
        (
            what,
            f"{word:<{words}}  {say('{n} rows', n=f'{count:>{rows}}')}  {sum_:>{money}} {unit}  "
            + (say("used") if used else say("not used")),
        )
        for word, count, sum_, used in shown
    ]
    if more := counted[MOST_WORDS:]:
        used = sum(one[1] for one in more if one[3])
        rest = sum(one[1] for one in more) - used
        rows_of_more = say(
            "{n} more, with {used} rows used and {rest} not used",
            n=f"{len(more):,}", used=f"{used:,}", rest=f"{rest:,}",
        )  # fmt: skip
        lines.append((what, rows_of_more))
    return lines


def count_days(days: ibis.Table) -> dict[str, Any]:
    """Return the fields of ``DataSummary`` that are computed from purchase days, by name."""
    customers = days.group_by("customer_id").aggregate(
        purchases=days.purchase.sum(),
        others=(~days.purchase).sum(),
        net=days.net.sum(),
        returned=days.returned.sum(),
        first=days.date.min(),
        last=days.date.max(),
    )
    found = customers.aggregate(
        customers=(customers.purchases > 0).sum(),
        one_time_customers=(customers.purchases == 1).sum(),
        purchase_days=customers.purchases.sum(),
        days_without_purchase=customers.others.sum(),
        net_total=customers.net.sum().cast("float64"),
        returned_total=customers.returned.sum().cast("float64"),
        first_date=customers["first"].min(),
        last_date=customers["last"].max(),
    )
    row: dict[str, Any] = found.to_pyarrow().to_pylist()[0]
    return row
