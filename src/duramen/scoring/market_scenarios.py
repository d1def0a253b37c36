"""Scores and responses to the market come in; who is core in a rising and who in a falling market goes out.

Responses are estimated elasticities, or those of a scenario that the user states.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from duramen.errors import InputError, suggest
from duramen.io.score_columns import RANKING_COLUMNS
from duramen.language import marked
from duramen.scoring.tiers import CORE_SHARE, smallest_set, value_after_cost

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from duramen.data.transactions import Transactions
    from duramen.forecast.elasticities import MarketElasticities

    FloatArray = NDArray[np.float64]

# The markets in which a customer can be core.
CORE_IN = (
    marked("every market"), marked("up only"), marked("down only"), marked("as it is only"),
    marked("up and down only"), marked("none"),
)  # fmt: skip
# What a stated response is by.
BY = (marked("segment"), marked("category"))


@dataclass(frozen=True)
class MarketScenario:
    """A change of demand that the user states, and who responds to it how much.

    Parameters
    ----------
    change : float
        Change of demand as a share, such as -0.2 for a fall of 20 %; between -1 and 1, and not 0.
    response : mapping of str to float
        Response of segments or product categories: 1 moves with demand, 2 twice as much, 0 not at all. A segment is
        named in full ("3 active frequent"), by its number or by its name. What is not listed has 1. Without it
        customers respond by their estimated elasticities where these are identified, and else all alike.
    by : str
        What ``response`` names: "segment" or "category". The response of a customer is then the mean of the
        categories, each by the money that the customer paid for it.

    Raises
    ------
    InputError
        If the change is out of bounds, a response is not a number, or ``by`` is another word.

    Examples
    --------
    >>> MarketScenario(-0.2, {"3": 2}).of_segments(["3 active frequent", "4 lapsed frequent"])
    {'3 active frequent': 2}
    """

    change: float
    response: Mapping[str, float] = field(default_factory=dict)
    by: str = "segment"

    def __post_init__(self) -> None:
        if not (0 < abs(self.change) < 1):
            raise InputError(
                f"the change of demand is {self.change!r}; give a share between -1 and 1, such as -0.2 for a fall of "
                "20 %."
            )
        if self.by not in BY:
            raise InputError(f"responses by {self.by!r} are not known; {suggest(self.by, BY)}")
        for name, response in self.response.items():
            number = isinstance(response, int | float) and not isinstance(response, bool)
            if not (number and np.isfinite(response)):
                raise InputError(f"the response of {name!r} is {response!r}, not a number such as 2.")

    def of_segments(self, segments: Iterable[str]) -> dict[str, float]:
        """Return the stated responses by full name of the segment.

        Raises
        ------
        InputError
            If a response names none of the segments, or two name the same one.
        """
        found: dict[str, float] = {}
        segments = list(segments)
        for name, response in self.response.items():
            same = [segment for segment in segments if name in (segment, *segment.split(" ", 1))]
            if not same:
                raise InputError(f"there is no segment {name!r} to respond; {suggest(name, segments)}")
            if again := [segment for segment in same if segment in found]:
                raise InputError(f"the segment {again[0]!r} has two responses; give one.")
            found |= dict.fromkeys(same, response)
        return found

    def named(self, segments: Iterable[str]) -> MarketScenario:
        """Return the same scenario with the full names of its segments."""
        if self.by != "segment":
            return self
        return replace(self, response=self.of_segments(segments))

    def of_customers(
        self, scores: pd.DataFrame, segments: Iterable[str] | None = None, tx: Transactions | None = None
    ) -> FloatArray:
        """Return the stated response of each customer, shape (n,); parameters are those of `core_by_market_scenario`.

        Raises
        ------
        InputError
            If a response names no known segment or category, or purchases or their categories are not known.
        """
        if self.by == "segment":
            known = self.of_segments(scores["segment"].unique() if segments is None else segments)
            found = scores["segment"].astype(object).map(known)
        else:
            if tx is None:
                raise InputError("responses by category need the purchases; give `tx`.")
            found = scores["customer_id"].map(
                response_by_category(tx, scores["cutoff"].iloc[0].date(), self.response)
            )
        return np.asarray(found.fillna(1.0), dtype=np.float64)


def response_by_category(tx: Transactions, cutoff: date, response: Mapping[str, float]) -> pd.Series[float]:
    """Return the mean response of what each customer bought before a cutoff, weighted by money, by customer id.

    What is returned as a whole is not bought; lines without a category have response 1.

    Raises
    ------
    InputError
        If the orders have no category, or not one of these.
    """
    import ibis

    spend = tx.product_spend("category", cutoff)
    spend = spend.filter(spend.net > 0)
    known = spend.item.name("item").as_table().distinct().to_pyarrow()["item"].drop_null().to_pylist()
    if unknown := [name for name in response if name not in known]:
        raise InputError(
            f"there is no category {unknown[0]!r} to respond; {suggest(unknown[0], sorted(known))}"
        )
    cases = [(spend.item == name, float(number)) for name, number in response.items()]
    net = spend.net.cast("float64")
    responded = spend.mutate(money=net, moved=net * ibis.cases(*cases, else_=1.0))
    sums = responded.group_by("customer_id").aggregate(response=responded.moved.sum() / responded.money.sum())
    table: pd.DataFrame = sums.to_pyarrow().to_pandas()
    return table.set_index("customer_id")["response"]


def core_by_market_scenario(
    scores: pd.DataFrame,
    elasticities: MarketElasticities | None = None,
    change: float | None = None,
    core_share: float = CORE_SHARE,
    *,
    scenario: MarketScenario | None = None,
    segments: Iterable[str] | None = None,
    tx: Transactions | None = None,
) -> pd.DataFrame:
    """Return who is core in the market as it is, in a rising one and in a falling one.

    Parameters
    ----------
    scores : pandas.DataFrame
        What ``CoreCustomerModel.predict`` or the ranking returns: ``customer_id`` and ``predicted_value``; where it has
        ``cost_to_serve``, this is subtracted from the value in each market, with which it does not change. Responses
        by segment need ``segment``, and those by category ``cutoff``.
    elasticities : MarketElasticities, optional
        What ``market_elasticities`` returns; needed where the scenario states no responses of its own.
    change : float, optional
        How far the level of the market rises or falls, as a share, above 0 and below 1; by default that of the
        scenario, or else the typical change.
    core_share : float
        The share of value that the core accounts for, as of the tiers.
    scenario : MarketScenario, optional
        The change of demand and the responses to it that the user states.
    segments : iterable of str, optional
        All segments that can be named, with customers or without; by default those of the scores.
    tx : Transactions, optional
        The purchases, for responses by category.

    Returns
    -------
    pandas.DataFrame
        A row for each customer in the order of ``scores``: ``customer_id``, ``response``, ``value`` (money over the
        horizon), ``cost_to_serve`` where it is known, ``value_up`` and ``value_down`` = value x (1 +/-
        change)^response, ``core``, ``core_up``, ``core_down`` (in the smallest set that accounts for the core's share
        of that value, after cost), and ``core_in``: "every market", "up only" (in a rising market and not in a falling
        one), "down only" (the reverse), "as it is only", "up and down only", or "none".
        The response of a customer is the stated one, or the estimated elasticity; a customer without either has 1 and
        moves with the market. Where nothing is stated and no elasticities are identified all move alike, so that the
        three sets are one.

    Raises
    ------
    InputError
        If a column is missing, a customer has two rows, the change is not between 0 and 1, or a response names no known
        segment or category.
    """
    _refuse_scores(scores, change, scenario)
    if scenario is not None and scenario.response:
        response = scenario.of_customers(scores, segments, tx)
    elif elasticities is not None:
        own = elasticities.customers.set_index("customer_id")["elasticity"]
        response = scores["customer_id"].map(own).fillna(1.0).to_numpy(dtype=float)
    elif scenario is not None:
        response = np.ones(len(scores))
    else:
        raise InputError("there is nothing to say who responds how; give `elasticities` or `scenario`.")
    cost = scores["cost_to_serve"].to_numpy(dtype=float) if "cost_to_serve" in scores else None
    table = core_sets(
        scores["predicted_value"].to_numpy(dtype=float),
        response,
        scenario_change(elasticities, scenario) if change is None else change,
        cost=cost,
        core_share=core_share,
        identified=scenario is not None or (elasticities is not None and elasticities.identified),
    )
    if cost is not None:
        table.insert(1, "cost_to_serve", cost)
    table.insert(0, "response", response)
    table.insert(0, "customer_id", scores["customer_id"].array)
    return table


def _refuse_scores(scores: pd.DataFrame, change: float | None, scenario: MarketScenario | None) -> None:
    needed = ["customer_id", "predicted_value"]
    if scenario is not None and scenario.response:
        needed.append({"segment": "segment", "category": "cutoff"}[scenario.by])
    missing = [name for name in needed if name not in scores]
    if missing:
        raise InputError(
            f"the scores lack {' and '.join(missing)}; give what CoreCustomerModel.predict returns."
        )
    if change is not None and scenario is not None:
        raise InputError("both `change` and `scenario` are given, which has a change of its own; give one.")
    if change is not None and not 0 < change < 1:
        raise InputError(f"change {change!r} is not above 0 and below 1; write 0.2 for 20 %.")
    if scores["customer_id"].duplicated().any():
        again = scores.loc[scores["customer_id"].duplicated(), "customer_id"]
        raise InputError(
            f"{len(again):,} customers have two rows in the scores, for example {again.iloc[0]}; give one each."
        )


def scenario_change(elasticities: MarketElasticities | None, scenario: MarketScenario | None = None) -> float:
    """Return how far the market rises and falls: as stated, or else the typical change, and never a fall to nothing."""
    if scenario is not None:
        return abs(scenario.change)
    return 0.0 if elasticities is None else min(elasticities.typical_change, 0.99)


def value_in_market(value: FloatArray, response: FloatArray, change: float) -> FloatArray:
    """Return the value of each customer where demand changes by a share.

    Examples
    --------
    >>> value_in_market(np.array([100.0, 100.0]), np.array([1.0, 2.0]), -0.2).round(2)
    array([80., 64.])
    """
    moved: FloatArray = value * (1 + change) ** response
    return moved


def core_sets(
    value: FloatArray,
    elasticity: FloatArray,
    change: float,
    *,
    cost: FloatArray | None = None,
    core_share: float = CORE_SHARE,
    identified: bool = True,
) -> pd.DataFrame:
    """Return ``core_by_market_scenario`` without the id, from arrays of shape (n,) whose order breaks ties."""
    table = pd.DataFrame(
        {
            "value": value,
            "value_up": value_in_market(value, elasticity, change),
            "value_down": value_in_market(value, elasticity, -change),
        }
    )

    def core_of(name: str) -> NDArray[np.bool_]:
        return smallest_set(value_after_cost(table[name].to_numpy(), cost), core_share)

    if not identified:
        # Where all move alike, costs alone would move customers into the core, and no elasticity of their own.
        now = up = down = core_of("value")
    else:
        now, up, down = map(core_of, ("value", "value_up", "value_down"))
    table["core"], table["core_up"], table["core_down"] = now, up, down
    place = np.select([now & up & down, up & ~down, down & ~up, now, up], range(5), default=5)
    table["core_in"] = np.array(CORE_IN, dtype=object)[place]
    return table


def add_core_in(ranking: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return a ranking with ``core_in``, the markets in which each customer is core.

    Parameters
    ----------
    ranking : pandas.DataFrame
    table : pandas.DataFrame
        What ``core_by_market_scenario`` returns of it.
    """
    ranking = ranking.assign(core_in=table["core_in"].to_numpy())
    return ranking[[column for column in RANKING_COLUMNS if column in ranking]]
