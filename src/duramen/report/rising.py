"""Who rose, and who stands at the door of the core: tables of customers come in, sentences and rows go out.

Called by the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from duramen.report.numbers import count, day, factor, rows
from duramen.scoring.tiers import Tiers

NAMED = 10


@dataclass(frozen=True)
class Movers:
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


def risen(rising: pd.DataFrame, since: date | None, now: date) -> Movers:
    """Tell who rose beyond noise.

    Parameters
    ----------
    rising : DataFrame
        What ``duramen.analysis.rising.newly_rising`` returns.
    since, now : date
        The two cutoffs; the earlier may be unknown.

    Returns
    -------
    Movers
    """
    between = f"between {day(since)} and {day(now)}" if since else f"from an earlier cutoff to {day(now)}"
    if rising.empty:
        return Movers(f"Nobody rose {between} beyond noise.", [])
    who = "1 customer" if len(rising) == 1 else f"{count(len(rising))} customers"
    entered = int(rising["entered_core"].sum())
    first = rows(rising.head(NAMED), "value_before", "value_with_all", "value_now")
    for row in first:
        row["own_factor"] = factor(row["own_factor"])
    sentence = (
        f"{who} rose {between} for reasons of their own; {count(entered) if entered else 'none'} of them entered the "
        "core."
    )
    return Movers(sentence, first)


def at_the_door(near_core: pd.DataFrame, tiers: Tiers) -> Movers:
    """Tell whom a further purchase would bring into the core.

    Parameters
    ----------
    near_core : DataFrame
        What ``duramen.scoring.what_if.what_if`` returns.
    tiers : Tiers
        The tiers of the ranking, which name the core.

    Returns
    -------
    Movers

    Raises
    ------
    ValueError
        If the customers were ranked by other tiers.
    """
    if near_core.empty:
        return Movers("Nobody was looked at who stands just outside the core.", [])
    strange = set(near_core["tier"]) | set(near_core["new_tier"])
    if strange := strange.difference(tiers.names):
        raise ValueError(
            f"customers near the core are in {sorted(strange)}, tiers that the ranking was not made by"
        )
    purchases = int(near_core["purchases"].iloc[0])
    further = "one more purchase day" if purchases == 1 else f"{count(purchases)} more purchase days"
    entering = int(near_core["new_tier"].isin([tiers.vip.name, tiers.main.name]).sum())
    inside = f"{count(entering) if entering else 'none'} would be in it with {further}"
    sentence = f"Of {count(len(near_core))} customers looked at just outside the core {inside}."
    return Movers(sentence, rows(near_core.head(NAMED)))
