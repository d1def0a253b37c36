"""Tables of customers who rose and of customers just below the core come in; sentences and rows go out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from duramen.analysis.joined import in_a_row
from duramen.language import Sentence, say, say_count
from duramen.report.numbers import count, day, factor, rows
from duramen.scoring.tiers import Tiers

NAMED = 10


@dataclass(frozen=True)
class CustomerSection:
    """Customers that the page names, and what it says of all of them.

    Parameters
    ----------
    sentence : str
        How many there are, and how many of them are or would be core.
    first : list of dict
        The first of them, as rows of the page.
    """

    sentence: str
    first: list[dict[str, Any]]


def rose_section(rose: pd.DataFrame, since: date | None, now: date, ranking: pd.DataFrame) -> CustomerSection:
    """Return how many customers rose beyond noise, and the first of them.

    Parameters
    ----------
    rose : DataFrame
        What ``duramen.analysis.customers_who_rose`` returns.
    since, now : date
        The two cutoffs; the earlier may be unknown.
    ranking : DataFrame
        The ranking at the later cutoff, for reasons and treatments.

    Returns
    -------
    CustomerSection
    """
    if rose.empty:
        return CustomerSection(_none_rose(since, now), [])
    entered = int(rose["entered_core"].sum())
    first = rows(rose.head(NAMED), "value_before", "value_with_all", "value_now")
    known = ranking.drop_duplicates("customer_id").set_index("customer_id")
    for row in first:
        row["own_factor"] = factor(row["own_factor"])
        reason = known["reason_1"].get(row["customer_id"]) if "reason_1" in known else None
        row["reason"] = reason if isinstance(reason, str) else ""
        row["treatment"] = str(known["treatment"].get(row["customer_id"], ""))
    return CustomerSection(in_a_row([_rose(len(rose), since, now), _entered(entered)]), first)


def _none_rose(since: date | None, now: date) -> Sentence:
    if since is None:
        return say("No customer rose from an earlier cutoff to {now} beyond noise.", now=day(now))
    return say("No customer rose between {since} and {now} beyond noise.", since=day(since), now=day(now))


def _rose(customers: int, since: date | None, now: date) -> Sentence:
    if since is None:
        return say_count(
            "{n} customer rose from an earlier cutoff to {now} by more than season, trend and chance explain.",
            "{n} customers rose from an earlier cutoff to {now} by more than season, trend and chance explain.",
            customers,
            now=day(now),
        )
    return say_count(
        "{n} customer rose between {since} and {now} by more than season, trend and chance explain.",
        "{n} customers rose between {since} and {now} by more than season, trend and chance explain.",
        customers,
        since=day(since),
        now=day(now),
    )


def _entered(customers: int) -> Sentence:
    if not customers:
        return say("None of them entered the core.")
    return say("{n} of them entered the core.", n=count(customers))


def near_core_section(near_core: pd.DataFrame, tiers: Tiers) -> CustomerSection:
    """Return how many customers just below the core one more purchase would bring into it, and the first of them.

    Parameters
    ----------
    near_core : DataFrame
        What ``duramen.scoring.what_if.what_if`` returns.
    tiers : Tiers
        The tiers of the ranking, which name the core.

    Returns
    -------
    CustomerSection

    Raises
    ------
    ValueError
        If the customers were ranked by other tiers.
    """
    if near_core.empty:
        return CustomerSection(say("No customer just below the core was examined."), [])
    unknown = (set(near_core["tier"]) | set(near_core["new_tier"])).difference(tiers.names)
    if unknown:
        raise ValueError(
            f"customers near the core are in tiers {sorted(unknown)}, which the ranking does not have"
        )
    purchases = int(near_core["purchases"].iloc[0])
    entering = int(near_core["new_tier"].isin(tiers.core_names).sum())
    first = rows(near_core.head(NAMED))
    return CustomerSection(_would_enter(len(near_core), entering, purchases), first)


def _would_enter(customers: int, entering: int, purchases: int) -> Sentence:
    values = {"n": count(customers), "days": _purchase_days(purchases)}
    if not entering:
        return say("With {days}, none of the {n} customers just below the core would enter it.", **values)
    return say(
        "With {days}, {entering} of the {n} customers just below the core would enter it.",
        **values,
        entering=count(entering),
    )


def _purchase_days(purchases: int) -> Sentence:
    if purchases == 1:
        return say("one more purchase day")
    return say("{n} more purchase days", n=count(purchases))
