"""A stated market scenario and the core in it come in; who joins and leaves, and how stable the core is, goes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from duramen.analysis.counted import counted
from duramen.language import Sentence, marked, say, say_count
from duramen.scoring.market_scenarios import MarketScenario, value_in_market
from duramen.scoring.tiers import CORE_SHARE, smallest_set, value_after_cost

if TYPE_CHECKING:
    import numpy.typing as npt

# The core is stable while those who join or leave it number at most this share of today's core.
STABLE_CHANGE = 0.1
# Changes of demand for which the core is compared with today's: steps of 5 % up to half.
CHANGES = tuple(step / 100 for step in (*range(-50, 0, 5), *range(5, 55, 5)))
# Responses that are named in a sentence; the others are counted.
NAMED = 2
IN_WORDS = {
    -1.0: marked("move the other way"),
    0.0: marked("do not respond"),
    0.5: marked("respond half as much"),
    1.0: marked("respond as the market"),
    2.0: marked("respond twice as much"),
}
WHOSE = {
    "segment": marked("customers of segment {name} {respond}"),
    "category": marked("purchases of category {name} {respond}"),
}


@dataclass(frozen=True)
class ScenarioSummary:
    """The core of a stated scenario, compared with that of today.

    Attributes
    ----------
    scenario : MarketScenario
    core, scenario_core : int
        Customers in the core today, and in the scenario.
    joining, leaving : pandas.DataFrame
        Customers who join and who leave the core, the largest value of today first: ``customer_id``, ``response``,
        ``value`` and ``scenario_value`` (money over the horizon).
    share_staying : float
        Share of the customers of today's core who stay in it; NaN where there is no core.
    value_share_staying : float
        Share of the value of today's core that they have, after cost where costs are known.
    overlap : float
        Customers in both core sets as a share of those in either (Jaccard).
    stability : pandas.DataFrame
        A row for each change of demand from -50 % to 50 %: ``change``, ``joining``, ``leaving``, and ``changed``,
        both together as a share of today's core.
    alike : bool
        Whether all customers respond alike.
    costs : bool
        Whether the core is by value after cost, which does not change with demand.
    """

    scenario: MarketScenario
    core: int
    scenario_core: int
    joining: pd.DataFrame
    leaving: pd.DataFrame
    share_staying: float
    value_share_staying: float
    overlap: float
    stability: pd.DataFrame
    alike: bool
    costs: bool

    def __str__(self) -> str:
        """Return what the scenario does to the core, in one sentence."""
        return str(self.sentence)

    @property
    def sentence(self) -> Sentence:
        """What the scenario does to the core."""
        percent = _percent(self.scenario.change)
        condition = (
            say("If demand falls by {change}", change=percent)
            if self.scenario.change < 0
            else say("If demand rises by {change}", change=percent)
        )
        if not self.core:
            return say(
                "{condition}, the effect on the core is not known, because there is no core today.",
                condition=condition,
            )
        if self.alike and not self.costs:
            return say(
                "{condition} for all customers alike, the core stays the same {customers}. The core "
                "changes only if some customers respond more or less than others.",
                condition=condition,
                customers=counted(self.core, "customer"),
            )
        return say(
            "{condition}, {effect}; {stable}.",
            condition=_who(condition, self.scenario, alike=self.alike),
            effect=self._effect(),
            stable=self._stable_up_to(),
        )

    def _effect(self) -> Sentence:
        """Return how many join the core and leave it."""
        if not len(self.joining) + len(self.leaving):
            return say("the core stays the same {customers}", customers=counted(self.core, "customer"))
        leaving = _leaving(len(self.leaving))
        if len(self.leaving):
            leaving = say(
                "{leaving} ({share} of its value today)",
                leaving=leaving,
                share=_whole(1 - self.value_share_staying),
            )
        return say(
            "the core goes from {core} to {core_then} customers: {joining}, {leaving}",
            core=f"{self.core:,}",
            core_then=f"{self.scenario_core:,}",
            joining=_joining(len(self.joining)),
            leaving=leaving,
        )

    def _stable_up_to(self) -> Sentence:
        """Return up to which change in the direction of the scenario the core changes little."""
        direction = np.sign(self.scenario.change)
        table = self.stability[np.sign(self.stability["change"]) == direction]
        table = table.iloc[table["change"].abs().argsort(kind="stable")]
        share = _whole(STABLE_CHANGE)
        for most, effect in (
            (0.0, say("the core does not change")),
            (STABLE_CHANGE, say("no more than {share} of the core changes", share=share)),
        ):
            within = (table["changed"] <= most).cummin().to_numpy(dtype=bool)
            if within.any():
                change = _move(table["change"].to_numpy()[within][-1])
                return say("up to {change} {effect}", change=change, effect=effect)
        change = _move(table["change"].iloc[0])
        return say("{change} changes more than {share} of the core", change=change, share=share)


def summarise_scenario(
    table: pd.DataFrame, scenario: MarketScenario, core_share: float = CORE_SHARE
) -> ScenarioSummary:
    """Return who joins and who leaves the core in a stated scenario, and how stable the core is.

    Parameters
    ----------
    table : pandas.DataFrame
        What ``core_by_market_scenario`` returns: ``customer_id``, ``response``, ``value``, and ``cost_to_serve`` where
        costs are known. Its order breaks ties.
    scenario : MarketScenario
        The one that ``table`` is of.
    core_share : float
        The share of value that the core accounts for.

    Returns
    -------
    ScenarioSummary
        As text it is one sentence.

    Examples
    --------
    >>> table = pd.DataFrame({"customer_id": ["a", "b", "c"], "response": [2.0, 1.0, 1.0], "value": [60.0, 30.0, 20.0]})
    >>> print(summarise_scenario(table, MarketScenario(-0.4, {"1": 2})))
    If demand falls by 40% and customers of segment 1 respond twice as much (a fall of 64%), the core \
goes from 2 to 3 customers: 1 joins, none leaves; up to a fall of 15% the core does not change.
    """
    value, response = (table[name].to_numpy(dtype=float) for name in ("value", "response"))
    cost = table["cost_to_serve"].to_numpy(dtype=float) if "cost_to_serve" in table else None

    def core_at(change: float) -> npt.NDArray[np.bool_]:
        return smallest_set(value_after_cost(value_in_market(value, response, change), cost), core_share)

    now, then, worth = core_at(0.0), core_at(scenario.change), value_after_cost(value, cost)
    shown = table[["customer_id", "response", "value"]].assign(
        scenario_value=value_in_market(value, response, scenario.change)
    )
    rows = [(change, core_at(change)) for change in CHANGES]
    stability = pd.DataFrame(
        [(change, (core & ~now).sum(), (now & ~core).sum()) for change, core in rows],
        columns=["change", "joining", "leaving"],
    )
    core = int(now.sum())
    stability["changed"] = (stability["joining"] + stability["leaving"]) / max(core, 1)
    return ScenarioSummary(
        scenario=scenario,
        core=core,
        scenario_core=int(then.sum()),
        joining=shown[then & ~now].sort_values("value", ascending=False, kind="stable", ignore_index=True),
        leaving=shown[now & ~then].sort_values("value", ascending=False, kind="stable", ignore_index=True),
        share_staying=float((now & then).sum() / core) if core else float("nan"),
        value_share_staying=float(worth[now & then].sum() / worth[now].sum()) if core else float("nan"),
        overlap=float((now & then).sum() / (now | then).sum()) if core else float("nan"),
        stability=stability,
        alike=bool(len(response) == 0 or (response == response[0]).all()),
        costs=cost is not None,
    )


def _who(condition: Sentence, scenario: MarketScenario, *, alike: bool) -> Sentence:
    """Return the change of demand, and who responds how much."""
    if not scenario.response:
        return (
            say("{condition} while costs to serve stay", condition=condition)
            if alike
            else say("{condition} and customers respond as their purchases show", condition=condition)
        )
    stated = list(scenario.response.items())
    for name, response in stated[:NAMED]:
        respond = _responding(response, scenario.change)
        part = say(WHOSE[scenario.by], name=name, respond=respond)
        condition = say("{condition} and {part}", condition=condition, part=part)
    if len(stated) > NAMED:
        more = f"{len(stated) - NAMED:,}"
        condition = say("{condition} and {more} more respond as stated", condition=condition, more=more)
    return condition


def _responding(response: float, change: float) -> Sentence:
    known = IN_WORDS.get(float(response))
    words = say(known) if known else say("respond {times} times as much", times=f"{response:g}")
    if response in (0, 1):
        return words
    own = (1 + change) ** response - 1
    return say("{words} ({change})", words=words, change=_move(own))


def _move(change: float) -> Sentence:
    percent = _percent(round(change, 2))
    return (
        say("a fall of {change}", change=percent) if change < 0 else say("a rise of {change}", change=percent)
    )


def _joining(customers: int) -> Sentence:
    """Return how many join.

    Examples
    --------
    >>> _joining(0), _joining(1), _joining(1200)
    ('none joins', '1 joins', '1,200 join')
    """
    return say_count("{n} joins", "{n} join", customers) if customers else say("none joins")


def _leaving(customers: int) -> Sentence:
    return say_count("{n} leaves", "{n} leave", customers) if customers else say("none leaves")


def _percent(change: float) -> str:
    return f"{100 * abs(change):.4g}%"


def _whole(share: float) -> str:
    """Return a share as whole per cent, and 0 only where it is nothing."""
    return say("less than 1%") if 0 < share < 0.005 else f"{share:.0%}"
