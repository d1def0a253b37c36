"""A stated market scenario and the core in it come in; who joins and leaves, and how stable the core is, goes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

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
    -1.0: "move the other way",
    0.0: "do not respond",
    0.5: "respond half as much",
    1.0: "respond as the market",
    2.0: "respond twice as much",
}
WHOSE = {"segment": "customers of segment", "category": "purchases of category"}


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
        change = self.scenario.change
        condition = f"If demand {'falls' if change < 0 else 'rises'} by {_percent(change)}"
        if not self.core:
            return f"{condition}, nothing can be said of the core: there is none today."
        same = f"{self.core:,} customer{'s' if self.core > 1 else ''}"
        if self.alike and not self.costs:
            return (
                f"{condition} for all customers alike, the core stays the same {same}, as at any "
                "other change: only customers who respond more or less than others can change it."
            )
        who = _who(self.scenario, alike=self.alike)
        if not len(self.joining) + len(self.leaving):
            effect = f"the core stays the same {same}"
        else:
            gone = f" ({_whole(1 - self.value_share_staying)} of its value today)"
            effect = (
                f"the core goes from {self.core:,} to {self.scenario_core:,} customers: "
                f"{_counted(len(self.joining), 'join')}, {_counted(len(self.leaving), 'leave')}"
                f"{gone if len(self.leaving) else ''}"
            )
        return f"{condition}{who}, {effect}; {self._stable_up_to()}."

    def _stable_up_to(self) -> str:
        """Return up to which change in the direction of the scenario the core changes little."""
        direction = np.sign(self.scenario.change)
        word = "fall" if direction < 0 else "rise"
        table = self.stability[np.sign(self.stability["change"]) == direction]
        table = table.iloc[table["change"].abs().argsort(kind="stable")]
        for most, effect in (
            (0.0, "the core does not change"),
            (STABLE_CHANGE, f"no more than {_whole(STABLE_CHANGE)} of the core changes"),
        ):
            within = (table["changed"] <= most).cummin().to_numpy(dtype=bool)
            if within.any():
                change = table["change"].to_numpy()[within][-1]
                return f"up to a {word} of {_percent(change)} {effect}"
        return f"a {word} of {_percent(table['change'].iloc[0])} changes more than {_whole(STABLE_CHANGE)} of the core"


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


def _who(scenario: MarketScenario, *, alike: bool) -> str:
    """Return who responds how much, to follow the change of demand in a sentence."""
    if not scenario.response:
        return " while costs to serve stay" if alike else " and customers respond as their purchases show"
    stated = list(scenario.response.items())
    parts = [
        f"{WHOSE[scenario.by]} {name} {_responding(response, scenario.change)}"
        for name, response in stated[:NAMED]
    ]
    if len(stated) > NAMED:
        parts.append(f"{len(stated) - NAMED:,} more respond as stated")
    return f" and {' and '.join(parts)}"


def _responding(response: float, change: float) -> str:
    words = IN_WORDS.get(float(response), f"respond {response:g} times as much")
    if response in (0, 1):
        return words
    own = (1 + change) ** response - 1
    return f"{words} (a {'fall' if own < 0 else 'rise'} of {_percent(round(own, 2))})"


def _counted(customers: int, verb: str) -> str:
    """Return how many do what.

    Examples
    --------
    >>> _counted(0, "join"), _counted(1, "join"), _counted(1200, "join")
    ('none joins', '1 joins', '1,200 join')
    """
    if customers > 1:
        return f"{customers:,} {verb}"
    return f"{customers or 'none'} {verb}s"


def _percent(change: float) -> str:
    return f"{100 * abs(change):.4g}%"


def _whole(share: float) -> str:
    """Return a share as whole per cent, and 0 only where it is nothing."""
    return "less than 1%" if 0 < share < 0.005 else f"{share:.0%}"
