"""Market elasticities and a ranking come in; which customers are core when the market rises or falls goes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from duramen.analysis.core_summary import sums_by_group
from duramen.analysis.joined import in_a_row
from duramen.forecast.market_level import PERIOD
from duramen.language import marked, say, translated
from duramen.report import curves
from duramen.report.charts import in_both_widths
from duramen.report.numbers import (
    chosen,
    count,
    day,
    digits_apart,
    per_cent,
    rows,
    sentence_of,
    share,
    spaced,
)
from duramen.scoring.tiers import smallest_set

if TYPE_CHECKING:
    from duramen.analysis.scenario_summary import ScenarioSummary
    from duramen.forecast.elasticities import MarketElasticities

# What the ranking's column ``core_in`` says, and how the page says it.
CORE_IN = {
    "every market": marked("Core in every market"),
    "up only": marked("Core in a rising market only"),
    "down only": marked("Core in a falling market only"),
    "as it is only": marked("Core in the market as it is only"),
    "up and down only": marked("Core in a rising and in a falling market, not as it is"),
    "none": marked("Core in none"),
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
    level : str
        How far the level moved, or empty.
    drawn : Markup or None
        The level by period, where it is known.
    outside : bool
        Whether the level is that of an outside index.
    change : str
        How far the market rises and falls in ``sets``, in words.
    sets : list of dict
        Who is core when: ``name``, ``customers``, ``customers_share``, ``value_share`` and ``first``, the first of
        them where they are named; empty where customers do not respond differently.
    stability : list of dict
        ``change`` of demand, and who is ``joining`` and ``leaving`` the core, ``changed`` as a share of it; empty
        without a stated scenario that changes it.
    """

    period: int
    sentences: list[str]
    level: str
    drawn: Markup | None
    outside: bool
    change: str
    sets: list[dict[str, Any]]
    stability: list[dict[str, Any]]


def market_section(
    elasticities: MarketElasticities, ranking: pd.DataFrame, scenario: ScenarioSummary | None = None
) -> MarketSection:
    """Return which customers are core when the market rises and when it falls.

    Parameters
    ----------
    elasticities : MarketElasticities
        What the history shows.
    ranking : DataFrame
        The score table in rank order, with ``core_in`` where elasticities are identified or a scenario is stated.
    scenario : ScenarioSummary, optional
        The core of a stated scenario, of which ``core_in`` then is.

    Returns
    -------
    MarketSection

    Raises
    ------
    ValueError
        If customers respond differently and the ranking does not say who is core in which market.
    """
    sentences = [sentence_of(str(scenario))] if scenario else []
    sentences += _of_history(elasticities) if elasticities.identified else [spaced(elasticities.reason)]
    differ = elasticities.identified if scenario is None else not scenario.alike or scenario.costs
    if not differ and scenario is None:
        sentences.append(_alike(ranking))
    if differ and "core_in" not in ranking:
        raise ValueError("the ranking has no column core_in; add that of core_by_market_scenario")
    return MarketSection(
        period=PERIOD,
        sentences=sentences,
        level=_level(elasticities),
        drawn=_drawn(elasticities),
        outside=elasticities.outside,
        change=say("its typical change") if scenario is None else chosen(abs(scenario.scenario.change)),
        sets=_sets(ranking) if differ else [],
        stability=_stability(scenario.stability) if scenario and differ else [],
    )


def _alike(ranking: pd.DataFrame) -> str:
    """Return that the core is the same in every market, and how to state a scenario."""
    core = int(smallest_set(ranking["predicted_value"].to_numpy(dtype=float)).sum())
    return say(
        "The data cannot show whether customers respond to the market differently, so all are assumed to "
        "respond alike, and the core set is the same {n} customers whether it rises or falls. To see the "
        "core where some respond more than others, state a scenario: when scoring, set demand_change, "
        "such as -20 for a fall of 20\u202f%, and the responses of segments or categories in the table "
        "market.response.",
        n=count(core),
    )


def _of_history(elasticities: MarketElasticities) -> list[str]:
    """Return what the history shows of identified elasticities."""
    change = share(elasticities.typical_change, 0)
    if elasticities.outside:
        level = say(
            "The level of the outside index typically changes by {change} from a period to the next.",
            change=change,
        )
    else:
        level = say(
            "The level of the market typically changes by {change} from a period to the next.", change=change
        )
    responses = say(
        "If it changes by 1\u202f%, the purchases of a customer change by {mean}{per_cent} on average. "
        "Customers differ: the standard deviation between them is {spread}{per_cent}, consistent across "
        "both halves of the history before {day}.",
        mean=f"{elasticities.mean:.2g}",
        spread=f"{elasticities.spread:.2g}",
        per_cent=per_cent(),
        day=day(elasticities.cutoff),
    )
    return [in_a_row([level, responses])]


def _stability(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the changes of demand in steps of 10 %, in words."""
    tens = table[(100 * table["change"]).round() % 10 == 0]
    return [
        {
            "change": share(row["change"], 0, plus=True),
            "joining": count(row["joining"]),
            "leaving": count(row["leaving"]),
            "changed": share(row["changed"]),
        }
        for row in rows(tens)
    ]


def _sets(ranking: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the customers and value of each set, and the first customers of those sets that depend on the market."""
    figures = ["customers", "customers_share", "value_share"]
    sums = sums_by_group(ranking, "core_in").set_index("name")[figures]
    sums = sums.reindex(list(CORE_IN), fill_value=0)
    sets = sums.assign(name=[translated(name) for name in CORE_IN.values()]).to_dict("records")
    for core_in, shown in zip(CORE_IN, sets, strict=True):
        members = ranking.loc[ranking["core_in"] == core_in, ["customer_id", "rank", "predicted_value"]]
        shown["first"] = rows(members.head(NAMED if core_in in ONE_SIDED else 0), "predicted_value")
    return [{str(name): entry for name, entry in shown.items()} for shown in sets]


def _level(elasticities: MarketElasticities) -> str:
    """Return when the level was lowest and highest."""
    known = elasticities.level.dropna(subset="level")
    if len(known) < 2:
        return ""
    by_level = known.sort_values("level", kind="stable")
    lowest, highest = by_level.iloc[0], by_level.iloc[-1]
    digits = digits_apart(lowest["level"], highest["level"])
    values = {
        "lowest": f"{lowest['level']:.{digits}f}",
        "low_day": day(lowest["start"]),
        "highest": f"{highest['level']:.{digits}f}",
        "high_day": day(highest["start"]),
    }
    if elasticities.outside:
        return say(
            "The outside index was lowest, {lowest}, in the period from {low_day} and highest, {highest}, in that from "
            "{high_day}.",
            **values,
        )
    return say(
        "The market was lowest, {lowest}, in the period from {low_day} and highest, {highest}, in that from "
        "{high_day}.",
        **values,
    )


def _drawn(elasticities: MarketElasticities) -> Markup | None:
    level = elasticities.level
    if len(level.dropna(subset="level")) < 2:
        return None
    half = WIDTH * level["standard_error"]
    ends = level[["start", "level"]].assign(from_=level["level"] - half, to=level["level"] + half)
    description = say(
        "Level by period, {n} periods, 1 on its trend. {finding}", n=len(level), finding=_level(elasticities)
    )
    return in_both_widths(lambda width: curves.level_curve(ends, width), description)
