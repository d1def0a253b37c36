"""Scores and market elasticities come in; who is core in a rising and who in a falling market goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from duramen.errors import InputError
from duramen.io.score_columns import RANKING_COLUMNS
from duramen.scoring.tiers import CORE_SHARE, smallest_set, value_after_cost

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from duramen.forecast.elasticities import MarketElasticities

    FloatArray = NDArray[np.float64]

# The markets in which a customer can be core.
CORE_IN = ("every market", "up only", "down only", "as it is only", "up and down only", "none")


def core_by_market_scenario(
    scores: pd.DataFrame,
    elasticities: MarketElasticities,
    change: float | None = None,
    core_share: float = CORE_SHARE,
) -> pd.DataFrame:
    """Return who is core in the market as it is, in a rising one and in a falling one.

    Parameters
    ----------
    scores : pandas.DataFrame
        What ``CoreCustomerModel.predict`` or the ranking returns: ``customer_id`` and ``predicted_value``; where it has
        ``cost_to_serve``, this is subtracted from the value in each market, with which it does not change.
    elasticities : MarketElasticities
        What ``market_elasticities`` returns.
    change : float, optional
        How far the level of the market rises or falls, as a share, above 0 and below 1; by default the typical change.
    core_share : float
        The share of value that the core accounts for, as of the tiers.

    Returns
    -------
    pandas.DataFrame
        A row for each customer in the order of ``scores``: ``customer_id``, ``value`` (money over the horizon),
        ``value_up`` and ``value_down`` = value x (1 +/- change)^elasticity, ``core``, ``core_up``, ``core_down`` (in
        the smallest set that accounts for the core's share of that value, after cost), and ``core_in``: "every market",
        "up only" (in a rising market and not in a falling one), "down only" (the reverse), "as it is only",
        "up and down only", or "none".
        A customer without an elasticity of its own moves with the market. Where no elasticities are identified all
        move alike, so that the three sets are one.

    Raises
    ------
    InputError
        If a column is missing, a customer has two rows, or the change is not between 0 and 1.
    """
    missing = [name for name in ("customer_id", "predicted_value") if name not in scores]
    if missing:
        raise InputError(
            f"the scores lack {' and '.join(missing)}; give what CoreCustomerModel.predict returns."
        )
    if change is not None and not 0 < change < 1:
        raise InputError(f"change {change!r} is not above 0 and below 1; write 0.2 for 20 %.")
    if scores["customer_id"].duplicated().any():
        again = scores.loc[scores["customer_id"].duplicated(), "customer_id"]
        raise InputError(
            f"{len(again):,} customers have two rows in the scores, for example {again.iloc[0]}; give one each."
        )
    own = elasticities.customers.set_index("customer_id")["elasticity"]
    table = core_sets(
        scores["predicted_value"].to_numpy(dtype=float),
        scores["customer_id"].map(own).fillna(1.0).to_numpy(dtype=float),
        scenario_change(elasticities) if change is None else change,
        cost=scores["cost_to_serve"].to_numpy(dtype=float) if "cost_to_serve" in scores else None,
        core_share=core_share,
        identified=elasticities.identified,
    )
    table.insert(0, "customer_id", scores["customer_id"].array)
    return table


def scenario_change(elasticities: MarketElasticities) -> float:
    """Return the change of the market in scenarios by default: the typical one, and never a fall to nothing."""
    return min(elasticities.typical_change, 0.99)


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
            "value_up": value * (1 + change) ** elasticity,
            "value_down": value * (1 - change) ** elasticity,
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


def add_core_in(
    ranking: pd.DataFrame, elasticities: MarketElasticities, core_share: float = CORE_SHARE
) -> pd.DataFrame:
    """Return a ranking with ``core_in``, the markets in which each customer is core.

    Where no elasticities are identified the core is the same in every market, as far as the data show.
    """
    core_in = core_by_market_scenario(ranking, elasticities, core_share=core_share)["core_in"]
    ranking = ranking.assign(core_in=core_in.to_numpy())
    return ranking[[column for column in RANKING_COLUMNS if column in ranking]]
