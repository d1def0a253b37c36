"""A model, transactions and a few customers come in; where one more purchase would put each of them goes out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.data.customers import customer_table
from duramen.data.ids import find_ids
from duramen.data.money_unit import unit_in_words
from duramen.errors import InputError
from duramen.explain.reasons import by_theme, theme_in_words
from duramen.language import Sentence, marked, say, say_count, translated
from duramen.scoring.ranking import rank_scores
from duramen.scoring.tiers import Tiers

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions
    from duramen.scoring.model import CoreCustomerModel

# The days before the cutoff in which the further purchases are thought to have been made.
MONTH = 28

# Why a value can be lower with one more purchase, by the theme whose factor falls most.
_WHY_LOWER = {
    "age": marked("the time since the first purchase counts for less"),
    "breadth": marked("the variety of products changes"),
    "discounts": marked("the share of discounts changes"),
    "purchases": marked("the number of purchases counts for less"),
    "recency": marked("the time since the last purchase, measured against the typical gap, counts for less"),
    "returns": marked("the share of returns changes"),
    "rhythm": marked("the typical time between purchases changes"),
    "season": marked("the same season a year ago counts for less"),
    "spend": marked("the amounts per purchase day count for less"),
    "trend": marked("the recent months, compared with those before, count for less"),
    "weekdays": marked("the share of purchases at weekends changes"),
}
# Columns of a feature file are what they were before the purchase.
_OTHERWISE = marked("it counts for less with more purchases")
SMALLER_BASKETS = marked("the forecast expects smaller baskets")


def what_if(
    model: CoreCustomerModel,
    tx: Transactions,
    customer_ids: Iterable[Any],
    purchases: int = 1,
    *,
    scores: pd.DataFrame | None = None,
    tiers: Tiers | None = None,
    cost_to_serve: pd.Series[float] | None = None,
) -> pd.DataFrame:
    """Return where customers would stand, had they bought once more (or more often) in the last 28 days.

    Each further purchase day is a copy of the customer's own usual one (the day whose money is nearest to the median
    of all their purchase days), put into the month at even distances, on days without a purchase or a return. The
    customer table is computed again from those days, so that all features agree. Each customer is ranked again while
    all others stay as they are. The forecast says what customers with such a record went on to spend; whether one who
    is talked into a purchase spends as much is another question.

    The value is not forced to rise: one more small basket, or another typical time between purchases, can lower it. The
    sentence then says why, by the theme of reasons whose factor falls most.

    Parameters
    ----------
    model : CoreCustomerModel
    tx : Transactions
        With the history before the model's cutoff.
    customer_ids : iterable
        A few customers: each is ranked among all.
    purchases : int
        Further purchase days, at most 28.
    scores : pandas.DataFrame, optional
        What ``model.predict`` returned for all customers at the cutoff in question; by default they are scored at
        the cutoff of the model.
    tiers : Tiers, optional
        Those of the ranking; by default the model's.
    cost_to_serve : pandas.Series, optional
        What each customer costs over the horizon, by customer id; one more purchase is taken to cost nothing more.

    Returns
    -------
    pandas.DataFrame
        A row a customer, in the order given: ``customer_id``, ``purchases``, ``amount`` (money of one of those days);
        ``predicted_value``, ``score``, ``rank``, ``tier`` as they are, and the same with ``new_`` before them as they
        would be; ``sentence``. Money is in the unit of the source.

    Raises
    ------
    InputError
        If a customer is unknown before the cutoff or named twice, or the month has too few days left for the
        purchases.
    """
    if not 1 <= purchases <= MONTH:
        raise InputError(
            f"{purchases} further purchase days do not fit a month of {MONTH}; give 1 to {MONTH}."
        )
    given = list(customer_ids)
    if scores is None:
        scores = model.predict(customer_table(tx, model.window_.cutoff), with_reasons=False)
    cutoff = scores["cutoff"].iloc[0].date()
    tiers = model.tiers if tiers is None else tiers
    now = rank_scores(scores, tiers, cost_to_serve).set_index("customer_id")
    place = find_ids(given, now.index, "scores")
    unknown = [customer for customer, found in zip(given, place, strict=True) if found < 0]
    ids = now.index[place].tolist()
    if unknown or not ids or len(set(ids)) < len(ids):
        raise InputError(
            f"{len(unknown)} of the {len(ids)} customers asked for have no purchase before {cutoff} in {tx.source}"
            f"{f' (for example {unknown[0]!r})' if unknown else ''}; name at least one known customer, each once."
        )
    days, amounts = _with_further_days(tx, cutoff, ids, purchases)
    with_purchase = customer_table(days, cutoff)
    changed = model.predict(with_purchase, with_reasons=False).set_index("customer_id")
    falls = changed.loc[ids, "predicted_value"] < now.loc[ids, "predicted_value"]
    lowered = _most_lowered(model, tx, falls.index[falls], with_purchase) if falls.any() else {}
    rows = []
    for customer in ids:
        others = scores[scores["customer_id"] != customer]
        own = changed.loc[[customer]].reset_index()
        scores_then = pd.concat([others, own], ignore_index=True)
        ranking = rank_scores(scores_then, tiers, cost_to_serve).set_index("customer_id")
        row: dict[str, Any] = {
            "customer_id": customer,
            "purchases": purchases,
            "amount": amounts[customer],
        }
        for name in ("predicted_value", "score", "rank", "tier"):
            row[name], row[f"new_{name}"] = now.loc[customer, name], ranking.loc[customer, name]
        sentence: str = _sentence(row, len(now), model)
        if customer in lowered:
            smaller = changed.loc[customer, "expected_spend"] < now.loc[customer, "expected_spend"]
            sentence += translated(marked("; ")) + _why_lower(
                lowered[customer], purchases, smaller_baskets=bool(smaller)
            )
        rows.append(row | {"sentence": sentence})
    return pd.DataFrame(rows)


def _most_lowered(
    model: CoreCustomerModel, tx: Transactions, ids: pd.Index[Any], with_purchase: pd.DataFrame
) -> dict[Any, str]:
    """Return the theme of reasons whose factor falls most with the further purchases, by customer id."""
    cutoff = with_purchase.attrs["cutoff"]
    tables = (customer_table(tx.of_customers(ids.tolist()), cutoff), with_purchase)
    before, after = (
        by_theme(model.explainer_.effects("value", model.forecast_.forecast(table)).effects)
        .set_axis(pd.Index(table["customer_id"]))
        .loc[ids]
        for table in tables
    )
    lowest = (after - before).idxmin(axis=1)
    return {customer: str(theme) for customer, theme in lowest.items()}


def _why_lower(theme: str, purchases: int, *, smaller_baskets: bool) -> str:
    """Say why the value falls; ``smaller_baskets`` is whether less money per purchase day is expected.

    Examples
    --------
    >>> _why_lower("spend", 1, smaller_baskets=True)
    'with this purchase the value falls, mainly because the forecast expects smaller baskets (spend)'
    """
    smaller = theme == "spend" and smaller_baskets
    why = translated(SMALLER_BASKETS if smaller else _WHY_LOWER.get(theme, _OTHERWISE))
    return say_count(
        "with this purchase the value falls, mainly because {why} ({theme})",
        "with these purchases the value falls, mainly because {why} ({theme})",
        purchases,
        why=why,
        theme=theme_in_words(theme),
    )


def _with_further_days(
    tx: Transactions, cutoff: date, ids: list[Any], purchases: int
) -> tuple[Transactions, dict[Any, float]]:
    """Return the days of some customers with the further ones, and the money of one of these by customer."""
    import pyarrow as pa

    found = tx.of_customers(ids).history(cutoff).order_by("customer_id", "date").to_pyarrow()
    own: dict[Any, list[dict[str, Any]]] = {}
    for day in found.to_pylist():
        own.setdefault(day["customer_id"], []).append(day)
    amounts = {}
    for customer, days in own.items():
        bought = [day for day in days if day["purchase"]]
        usual = _usual_day(bought)
        amounts[customer] = float(usual["net"])
        # Nothing comes back of it, and it is nothing that the customer never bought before.
        usual = usual | {name: type(usual[name])(0) for name in usual if name.startswith("new_")}
        usual |= {"returned": type(usual["returned"])(0)}
        taken = {day["date"] for day in days}
        for free in _free_days(taken, min(day["date"] for day in bought), cutoff, purchases, customer):
            days.append(usual | {"date": free})
        _renew_gaps(days)
    workspace = tx.days.get_backend()
    table = pa.Table.from_pylist([day for days in own.values() for day in days], schema=found.schema)
    return replace(tx, days=workspace.create_table("days_what_if", table, overwrite=True)), amounts


def _usual_day(bought: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the purchase day whose money is nearest to the median of all; of several the latest."""
    nets = sorted(day["net"] for day in bought)
    median = (nets[len(nets) // 2] + nets[(len(nets) - 1) // 2]) / 2
    return min(reversed(bought), key=lambda day: abs(day["net"] - median))


def _free_days(taken: set[date], first: date, cutoff: date, purchases: int, customer: Any) -> list[date]:
    """Return days of the month before the cutoff, after the first purchase, as evenly apart as those taken allow."""
    month = [cutoff - timedelta(days=before) for before in range(1, MONTH + 1)]
    free = [day for day in month if day > first and day not in taken]
    if len(free) < purchases:
        raise InputError(
            f"customer {customer!r} has {len(free)} days without a purchase or a return in the {MONTH} days before "
            f"{cutoff} and after the first purchase on {first}, too few for {purchases} more; ask for fewer purchases "
            "or leave the customer out."
        )
    chosen = []
    for place in range(purchases):
        wanted = cutoff - timedelta(days=round(MONTH * (place + 0.5) / purchases))
        day = min(free, key=lambda day: abs((day - wanted).days))
        free.remove(day)
        chosen.append(day)
    return chosen


def _renew_gaps(days: list[dict[str, Any]]) -> None:
    """Count the days since the previous purchase day again, as ``duramen.data.purchase_days`` does."""
    previous = None
    for day in sorted(days, key=lambda day: day["date"]):
        if day["purchase"]:
            day["gap"] = None if previous is None else (day["date"] - previous).days
            previous = day["date"]


def _sentence(row: dict[str, Any], count: int, model: CoreCustomerModel) -> Sentence:
    unit = unit_in_words(model.unit_)
    amount, purchases = f"{row['amount']:,.2f}", row["purchases"]
    more = say_count(
        "one more purchase day of {amount} {unit} in the last {days} days",
        "{n} more purchase days of {amount} {unit} in the last {days} days",
        purchases,
        amount=amount,
        unit=unit,
        days=MONTH,
    )
    tier, new_tier = translated(row["tier"]), translated(row["new_tier"])
    if row["tier"] != row["new_tier"]:
        moves = say("from {tier} to {new_tier}", tier=tier, new_tier=new_tier)
    else:
        moves = say("still {tier}", tier=tier)
    values = {
        "more": more,
        "days": model.window_.horizon,
        "new_value": f"{row['new_predicted_value']:,.2f}",
        "value": f"{row['predicted_value']:,.2f}",
        "unit": unit,
        "rank": f"{row['rank']:,}",
        "customers": f"{count:,}",
        "tiers": moves,
    }
    if row["rank"] == row["new_rank"]:
        return say(
            "with {more}, predicted value over {days} days would be {new_value} instead of {value} {unit}, and rank "
            "{rank} of {customers} as now: {tiers}",
            **values,
        )
    return say(
        "with {more}, predicted value over {days} days would be {new_value} instead of {value} {unit}, and rank "
        "{new_rank} instead of {rank} of {customers}: {tiers}",
        **values,
        new_rank=f"{row['new_rank']:,}",
    )
