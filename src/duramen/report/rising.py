"""Tables of rising customers and of customers just below the core come in; sentences and rows go out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

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


def rising_section(rising: pd.DataFrame, since: date | None, now: date) -> CustomerSection:
    """Return how many customers rose beyond noise, and the first of them.

    Parameters
    ----------
    rising : DataFrame
        What ``duramen.analysis.rising.newly_rising`` returns.
    since, now : date
        The two cutoffs; the earlier may be unknown.

    Returns
    -------
    CustomerSection
    """
    between = f"between {day(since)} and {day(now)}" if since else f"from an earlier cutoff to {day(now)}"
    if rising.empty:
        return CustomerSection(f"No customer rose {between} beyond noise.", [])
    who = "1 customer" if len(rising) == 1 else f"{count(len(rising))} customers"
    entered = int(rising["entered_core"].sum())
    first = rows(rising.head(NAMED), "value_before", "value_with_all", "value_now")
    for row in first:
        row["own_factor"] = factor(row["own_factor"])
    into_core = f"{count(entered) if entered else 'none'} of them entered the core"
    sentence = f"{who} rose {between} by more than season, trend and noise explain; {into_core}."
    return CustomerSection(sentence, first)


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
        return CustomerSection("No customer just below the core was looked at.", [])
    unknown = (set(near_core["tier"]) | set(near_core["new_tier"])).difference(tiers.names)
    if unknown:
        raise ValueError(
            f"customers near the core are in tiers {sorted(unknown)}, which the ranking does not have"
        )
    purchases = int(near_core["purchases"].iloc[0])
    further = "one more purchase day" if purchases == 1 else f"{count(purchases)} more purchase days"
    entering = int(near_core["new_tier"].isin(tiers.core_names).sum())
    inside = f"{count(entering) if entering else 'none'} would be in it with {further}"
    sentence = f"Of {count(len(near_core))} customers just below the core {inside}."
    return CustomerSection(sentence, rows(near_core.head(NAMED)))
