"""Transactions and the file of a randomised campaign come in; what the campaign changed, and for whom, goes out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from duramen.data.checks import parse_text
from duramen.data.customers import customer_table
from duramen.data.ids import find_ids, id_text, parse_id
from duramen.data.money_unit import unit_in_words
from duramen.data.outcomes import customer_outcomes
from duramen.data.sources import open_source, source_name
from duramen.data.windows import Window, parse_day
from duramen.data.workspace import open_workspace
from duramen.errors import InputError
from duramen.evaluation.randomisation import Balance, balance_test
from duramen.evaluation.uplift import Qini, average_effect, predict_effects, qini_curve, treatment_profit
from duramen.language import Sentence, marked, say

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions
    from duramen.data.windows import Horizon

WORDS = {"1": 1.0, "1.0": 1.0, "true": 1.0, "yes": 1.0, "0": 0.0, "0.0": 0.0, "false": 0.0, "no": 0.0}
MONEY, BOUGHT = marked("net money"), marked("share who bought")


@dataclass(frozen=True)
class Campaign:
    """Who was treated in a campaign, and when.

    Attributes
    ----------
    table : pandas.DataFrame
        ``customer_id`` as text and ``treated`` (1.0 or 0.0), one row a customer.
    day : date or None
        Day of the campaign, where the file has one.
    source : str
        How messages call the file.
    """

    table: pd.DataFrame
    day: date | None
    source: str


class CampaignEffect(NamedTuple):
    """What a randomised campaign changed.

    Attributes
    ----------
    window : Window
        The day of the campaign and the horizon of the outcomes.
    balance : Balance
        Whether treatment was random.
    average : pandas.DataFrame
        ``outcome`` ("net money" or "share who bought", per customer over the horizon) with the columns of
        ``average_effect``.
    by_customer : pandas.DataFrame
        ``customer_id``, ``treated``, ``effect`` (net money over the horizon, from trees that have not seen the
        customer; the average for all where the experiment shows no differences) and, where a cost is given, ``treat``
        (whether the effect exceeds it).
    qini : Qini
        Of the order by predicted effect.
    coefficients : pandas.DataFrame
        ``order`` ("relative", "two_model" or "transformed_outcome") with its Qini ``coefficient``, ``low`` and
        ``high`` (95 %), net money per customer.
    profit : pandas.DataFrame or None
        What ``treatment_profit`` returns, where a cost is given.
    sentences : tuple of str
        What the figures mean.
    """

    window: Window
    balance: Balance
    average: pd.DataFrame
    by_customer: pd.DataFrame
    qini: Qini
    coefficients: pd.DataFrame
    profit: pd.DataFrame | None
    sentences: tuple[str, ...]


def read_campaign(
    source: Any, *, customer_id: str = "customer_id", treated: str = "treated", day: str = "date"
) -> Campaign:
    """Read and check the file of a campaign.

    Parameters
    ----------
    source : str, Path or pandas.DataFrame
        CSV, Parquet or a frame with a row a customer, treated customers and the control group.
    customer_id, treated, day : str
        Its columns: the id, 1 (treated) or 0 (control group), and the day of the campaign, which may be left out.

    Raises
    ------
    InputError
        If a column is missing, a customer has no id or several rows, ``treated`` is neither 1 nor 0, or the days
        differ.
    """
    where = source_name(source)
    raw = open_source(open_workspace(), source)
    if missing := [name for name in (customer_id, treated) if name not in raw.columns]:
        raise InputError(
            f"{where} has no column {' or '.join(map(repr, missing))}; give a row a customer with the id and treated "
            "(1 for treated, 0 for the control group)."
        )
    written = {"customer_id": id_text(parse_id(raw[customer_id])), "treated": parse_text(raw[treated])}
    if day in raw.columns:
        written["day"] = parse_text(raw[day])
    table: pd.DataFrame = raw.select(**written).to_pyarrow().to_pandas()
    if table.empty:
        raise InputError(
            f"{where} has no rows; give a row a customer, treated customers and a control group."
        )
    table["treated"] = table["treated"].str.lower().map(WORDS)
    for wrong, what, what_to_do in (
        (table["customer_id"].isna(), "have no customer id", "fill it in or leave those rows out"),
        (
            table["treated"].isna(),
            f"have neither 0 nor 1 in {treated!r}",
            "write 1 for treated, 0 for control",
        ),
        (table["customer_id"].duplicated(), "repeat a customer", "give each customer one row"),
    ):
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0]) + 1
            raise InputError(
                f"{wrong.sum():,} rows of {where} {what} (for example row {first}); {what_to_do}."
            )
    return Campaign(table[["customer_id", "treated"]], _day(table, where), where)


def _day(table: pd.DataFrame, where: str) -> date | None:
    days = sorted({_one_day(text, where) for text in table["day"].dropna()}) if "day" in table else []
    if len(days) > 1:
        raise InputError(
            f"{where} has {len(days)} days, {days[0]} to {days[-1]}; give one campaign of one day at a time."
        )
    return days[0] if days else None


def _one_day(text: str, where: str) -> date:
    try:
        # A time of the day may follow.
        return parse_day(text[:10] if text[10:11] in ("", " ", "T") else text)
    except InputError:
        raise InputError(
            f"{where} has {text!r} in its column date, which is not a day; write 2011-06-01."
        ) from None


def campaign_effect(
    tx: Transactions,
    campaign: Campaign,
    horizon: int | str | Horizon,
    *,
    day: date | str | None = None,
    cost: float | None = None,
    seed: int = 0,
) -> CampaignEffect:
    """Return the average effect of a randomised campaign, the effect on each customer, and whom to treat.

    Customers count from their history before the day of the campaign; what they buy from that day on is the outcome.
    The answer is causal only where treatment was assigned at random and one customer's treatment does not change what
    another one buys. Money is that of the transactions: where it is revenue, compare the cost with margin.

    Parameters
    ----------
    tx : Transactions
        Orders up to the end of the horizon.
    campaign : Campaign
        What ``read_campaign`` returns.
    horizon : int, str or Horizon
        How long outcomes are counted, as in ``Window``.
    day : date or str, optional
        Day of the campaign, where its file has none.
    cost : float, optional
        Money that treating one customer costs, 0 or more.
    seed : int

    Raises
    ------
    InputError
        If the day is unknown, orders end before the horizon does, a group has fewer than 50 customers with history,
        or treatment was not assigned at random.
    """
    if cost is not None and not 0 <= cost < np.inf:
        raise InputError(f"cost is {cost!r}; give the money that treating one customer costs, 0 or more.")
    window = _window(tx, campaign, horizon, day)
    customers, group = _customers(tx, campaign, window)
    balance = balance_test(customers, group, seed)
    if not balance.random:
        raise InputError(
            say(
                "{source} is not a randomised experiment: {found}; give a campaign whose treatment was drawn at "
                "random.",
                source=campaign.source,
                found=balance.sentence[0].lower() + balance.sentence[1:-1],
            )
        )
    outcomes = customer_outcomes(tx, window, customers)
    before = customer_outcomes(tx, window.earlier(window.horizon), customers)
    money, past = outcomes["value"].to_numpy(), before["value"].to_numpy()
    average = pd.concat(
        [
            average_effect(outcomes[name], group, before[name]).assign(outcome=outcome)
            for outcome, name in ((MONEY, "value"), (BOUGHT, "active"))
        ],
        ignore_index=True,
    )
    average.insert(0, "outcome", average.pop("outcome"))
    effects = predict_effects(customers, money, group, past, seed)
    curves = {
        name: qini_curve(effects[name], money, group, past, seed)
        for name in ("relative", "two_model", "transformed_outcome")
    }
    qini = curves["relative"]
    effect = effects["effect"] if qini.differs else float(average["effect"].iloc[1])
    by_customer = customers[["customer_id"]].assign(treated=group, effect=effect)
    profit = None
    if cost is not None:
        profit = treatment_profit(by_customer["effect"], money, group, past, cost)
        by_customer["treat"] = by_customer["effect"] > cost
    left_out = len(campaign.table) - len(customers)
    unit = unit_in_words(tx.unit)
    return CampaignEffect(
        window,
        balance,
        average,
        by_customer,
        qini,
        pd.DataFrame(
            [(name, found.coefficient, found.low, found.high) for name, found in curves.items()],
            columns=["order", "coefficient", "low", "high"],
        ),
        profit,
        (
            _on_customers(group, left_out, window),
            balance.sentence,
            _on_average(average, window, unit),
            _on_differences(qini, unit),
            *([_on_profit(by_customer, average, cost, unit)] if cost is not None else []),
        ),
    )


def _window(
    tx: Transactions, campaign: Campaign, horizon: int | str | Horizon, day: date | str | None
) -> Window:
    known = parse_day(day) if day is not None else campaign.day
    if known is None:
        raise InputError(f"{campaign.source} has no column date; add it, or give the day of the campaign.")
    if day is not None and campaign.day not in (None, known):
        raise InputError(
            f"{campaign.source} is of {campaign.day}, and the day given is {known}; give one of them."
        )
    window = Window(known, horizon)
    if (window.end - tx.last_date).days > 1:
        raise InputError(
            say(
                "the orders end on {last_order} and the outcomes on {last_outcome}; give later orders or a shorter "
                "horizon.",
                last_order=tx.last_date,
                last_outcome=window.end,
            )
        )
    return window


def _customers(tx: Transactions, campaign: Campaign, window: Window) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the customer table of those in the campaign who bought before it, and who of them was treated."""
    customers = customer_table(tx, window.cutoff)
    place = find_ids(customers["customer_id"], campaign.table["customer_id"], campaign.source)
    if not (place >= 0).any():
        raise InputError(
            say(
                "none of the {customers} customers of {source} bought before {day}; check that its ids are those of "
                "the orders.",
                customers=f"{len(campaign.table):,}",
                source=campaign.source,
                day=window.cutoff,
            )
        )
    chosen = customers[place >= 0].reset_index(drop=True)
    return chosen, campaign.table["treated"].to_numpy()[place[place >= 0]]


def _on_customers(group: np.ndarray, left_out: int, window: Window) -> Sentence:
    values = {
        "day": window.cutoff,
        "treated": f"{int(group.sum()):,}",
        "control": f"{int((1 - group).sum()):,}",
    }
    if not left_out:
        return say("The campaign of {day} has {treated} treated and {control} control customers.", **values)
    return say(
        "The campaign of {day} has {treated} treated and {control} control customers; {left_out} without a purchase "
        "before it are left out.",
        **values,
        left_out=f"{left_out:,}",
    )


def _on_average(average: pd.DataFrame, window: Window, unit: str) -> Sentence:
    row = average.iloc[1]
    shown = (
        say("The campaign changed what customers spend")
        if row["low"] > 0 or row["high"] < 0
        else say("The campaign shows no average effect on what customers spend")
    )
    return say(
        "{shown}: {effect} per treated customer over {days} days (95 % interval {low} to {high}), adjusted for spend "
        "before the campaign.",
        shown=shown,
        effect=f"{row['effect']:+z,.2f} {unit}",
        days=window.horizon,
        low=f"{row['low']:+,.2f}",
        high=f"{row['high']:+,.2f}",
    )


def _on_differences(qini: Qini, unit: str) -> Sentence:
    figures = say(
        "Qini coefficient {coefficient} per customer, 95 % interval {low} to {high}",
        coefficient=f"{qini.coefficient:+z,.2f} {unit}",
        low=f"{qini.low:+,.2f}",
        high=f"{qini.high:+,.2f}",
    )
    if qini.differs:
        return say(
            "The effect differs between customers, and the predicted effect ranks them correctly ({figures}).",
            figures=figures,
        )
    return say(
        "The experiment shows no differences in effect between customers ({figures}); use the average effect.",
        figures=figures,
    )


def _on_profit(by_customer: pd.DataFrame, average: pd.DataFrame, cost: float, unit: str) -> Sentence:
    row = average.iloc[1]
    values = {"cost": f"{cost:,.2f} {unit}", "whom": _whom(int(by_customer["treat"].sum()), len(by_customer))}
    if row["low"] <= cost <= row["high"]:
        return say(
            "At a cost of {cost} per customer, treat {whom}; the interval of the average effect includes the cost, so "
            "only a larger experiment can show whether it pays on average.",
            **values,
        )
    return say("At a cost of {cost} per customer, treat {whom}.", **values)


def _whom(treat: int, customers: int) -> Sentence:
    if not treat:
        return say("nobody")
    if treat == customers:
        return say("everybody")
    return say("{treat} of {customers} customers", treat=f"{treat:,}", customers=f"{customers:,}")
