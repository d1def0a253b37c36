"""Market elasticities and a ranking come in; which customers are core when the market rises or falls goes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from duramen.analysis.core_summary import sums_by_group
from duramen.forecast.market_level import PERIOD
from duramen.report import curves
from duramen.report.charts import in_both_widths
from duramen.report.numbers import THIN, count, day, rows, share
from duramen.scoring.tiers import smallest_set

if TYPE_CHECKING:
    from duramen.forecast.elasticities import MarketElasticities

# What the ranking's column ``core_in`` says, and how the page says it.
CORE_IN = {
    "every market": "Core in every market",
    "up only": "Core in a rising market only",
    "down only": "Core in a falling market only",
    "as it is only": "Core in the market as it is only",
    "up and down only": "Core in a rising and in a falling market, not as it is",
    "none": "Core in none",
}
ONE_SIDED = ("up only", "down only")  # whose first customers are named
NAMED = 10
WIDTH = 1.96  # standard errors to either side of the level, for a 95 % interval


@dataclass(frozen=True)
class MarketSection:
    """What the page says of the market.

    Parameters
    ----------
    period : int
        Length of a period of the level, days.
    sentences : list of str
        What the history shows of the market and of elasticities to it.
    drawn : Markup or None
        The level by period, where it is known.
    sets : list of dict
        Who is core when: ``name``, ``customers``, ``customers_share``, ``value_share`` and ``first``, the first of
        them where they are named; empty where elasticities are not identified.
    """

    period: int
    sentences: list[str]
    drawn: Markup | None
    sets: list[dict[str, Any]]


def market_section(elasticities: MarketElasticities, ranking: pd.DataFrame) -> MarketSection:
    """Return which customers are core when the market rises and when it falls.

    Parameters
    ----------
    elasticities : MarketElasticities
        What the history shows.
    ranking : DataFrame
        The score table in rank order, with ``core_in`` where elasticities are identified.

    Returns
    -------
    MarketSection

    Raises
    ------
    ValueError
        If elasticities are identified and the ranking does not say who is core in which market.
    """
    level = _drawn(elasticities.level)
    if not elasticities.identified:
        core = int(smallest_set(ranking["predicted_value"].to_numpy(dtype=float)).sum())
        alike = (
            "The data show no difference between customers in how they move with the market, so the core set is the "
            f"same {count(core)} customers whether it rises or falls."
        )
        return MarketSection(PERIOD, [elasticities.reason, alike], level, [])
    if "core_in" not in ranking:
        raise ValueError("the ranking has no column core_in; add that of core_by_market_scenario")
    sentence = (
        f"The market\u2019s level typically changes by {share(elasticities.typical_change, 0)} from a period to the "
        "next. Where it "
        f"changes by 1{THIN}%, the purchases of a customer change by 1{THIN}% on average, with a standard deviation of "
        f"{elasticities.spread:.2g}{THIN}% between customers that both halves of the history before "
        f"{day(elasticities.cutoff)} show."
    )
    return MarketSection(PERIOD, [sentence], level, _sets(ranking))


def _sets(ranking: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the customers and value of each set, and the first customers of those sets that depend on the market."""
    figures = ["customers", "customers_share", "value_share"]
    sums = sums_by_group(ranking, "core_in").set_index("name")[figures]
    sums = sums.reindex(list(CORE_IN), fill_value=0)
    sets = sums.assign(name=list(CORE_IN.values())).to_dict("records")
    for core_in, shown in zip(CORE_IN, sets, strict=True):
        members = ranking.loc[ranking["core_in"] == core_in, ["customer_id", "rank", "predicted_value"]]
        shown["first"] = rows(members.head(NAMED if core_in in ONE_SIDED else 0), "predicted_value")
    return [{str(name): entry for name, entry in shown.items()} for shown in sets]


def _drawn(level: pd.DataFrame) -> Markup | None:
    known = level.dropna(subset="level")
    if len(known) < 2:
        return None
    half = WIDTH * level["standard_error"]
    ends = level[["start", "level"]].assign(from_=level["level"] - half, to=level["level"] + half)
    by_level = known.sort_values("level", kind="stable")
    lowest, highest = by_level.iloc[0], by_level.iloc[-1]
    return in_both_widths(
        lambda width: curves.level_curve(ends, width),
        f"Level of the market over {len(level)} periods, 1 on its trend: lowest {lowest['level']:.2f} in the period "
        f"from {day(lowest['start'])}, highest {highest['level']:.2f} in that from {day(highest['start'])}.",
    )
