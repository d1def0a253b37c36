"""A ranking comes in; the core set, its typical customer and sums by group go out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from duramen.language import marked
from duramen.scoring.tiers import DEFAULT_TIERS, Tiers, smallest_set, value_after_cost

# A customer who is core in this share of the simulated outcomes or more is a stable member of the core; one who is core
# in less than half of them is an unstable member.
STABLE, HALF = 0.8, 0.5
NOT_KNOWN = marked("not known")


@dataclass(frozen=True)
class CoreSummary:
    """The core set in figures.

    Attributes
    ----------
    size, customers : int
        Customers in the core set, and all customers.
    value, value_all : float
        Value over the horizon of the core set and of all customers, in money: predicted value, and where costs are
        known what is left of it after the cost to serve.
    active : float
        Expected number of customers with at least one purchase in the horizon.
    stable, uncertain : int
        Members of the core that are core in at least ``STABLE`` of the simulated outcomes, and in ``HALF`` up to
        ``STABLE`` of them.
    simulated_size : float
        Mean size of the core over the simulated outcomes.
    past_share : float or None
        Share of past net money that came from the core set; None where it is not known.
    cost_share : float or None
        Share of the cost to serve that goes to the core set; None where costs are not known.
    after_cost : bool
        Whether the value is after the cost to serve.
    """

    size: int
    customers: int
    value: float
    value_all: float
    active: float
    stable: int
    uncertain: int
    simulated_size: float
    past_share: float | None = None
    cost_share: float | None = None
    after_cost: bool = False

    @property
    def customers_share(self) -> float:
        """Share of the customers that are core."""
        return self.size / self.customers

    @property
    def value_share(self) -> float:
        """Share of the value that the core accounts for; NaN where there is no value."""
        return self.value / self.value_all if self.value_all > 0 else float("nan")


def ranked_value(ranking: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return the value by which tiers are cut, shape (rows of the ranking,), in money over the horizon."""
    cost = ranking["cost_to_serve"].to_numpy(dtype=float) if "cost_to_serve" in ranking else None
    return value_after_cost(ranking["predicted_value"].to_numpy(dtype=float), cost)


def core_members(ranking: pd.DataFrame, tiers: Tiers = DEFAULT_TIERS) -> npt.NDArray[np.bool_]:
    """Return which rows of a ranking are the core set: the fewest customers with ``tiers.core_share`` of the value."""
    return smallest_set(ranked_value(ranking), tiers.core_share)


def summarise_core(
    ranking: pd.DataFrame, tiers: Tiers = DEFAULT_TIERS, past_value: pd.Series[float] | None = None
) -> CoreSummary:
    """Return the core set of a ranking in figures.

    Parameters
    ----------
    ranking : pandas.DataFrame
        What ``rank_core_customers`` returns.
    tiers : Tiers
        The tiers of the ranking.
    past_value : pandas.Series, optional
        Net money of the whole history by customer id; a customer without an entry has none.

    Returns
    -------
    CoreSummary

    Examples
    --------
    >>> ranking = pd.DataFrame({"customer_id": ["a", "b"], "predicted_value": [90.0, 10.0],
    ...                         "probability_active": [0.9, 0.4], "probability_core": [1.0, 0.1]})
    >>> core = summarise_core(ranking)
    >>> core.size, core.value_share, core.stable
    (1, 0.9, 1)
    """
    value, members = ranked_value(ranking), core_members(ranking, tiers)
    chance = ranking["probability_core"].to_numpy(dtype=float)
    cost = ranking["cost_to_serve"].to_numpy(dtype=float) if "cost_to_serve" in ranking else np.zeros(1)
    past_share = None
    if past_value is not None and float(past_value.sum()) > 0:
        in_core = past_value.index.isin(ranking.loc[members, "customer_id"])
        past_share = float(past_value[in_core].sum()) / float(past_value.sum())
    return CoreSummary(
        size=int(members.sum()),
        customers=len(ranking),
        value=float(value[members].sum()),
        value_all=float(value.sum()),
        active=float(ranking["probability_active"].sum()),
        stable=int((chance[members] >= STABLE).sum()),
        uncertain=int(((chance[members] >= HALF) & (chance[members] < STABLE)).sum()),
        simulated_size=float(chance.sum()),
        past_share=past_share,
        cost_share=float(cost[members].sum() / cost.sum()) if cost.sum() > 0 else None,
        after_cost="cost_to_serve" in ranking,
    )


def value_curve(values: npt.NDArray[np.float64], keep: int, points: int = 60) -> pd.DataFrame:
    """Return the cumulative share of value against the share of customers, highest value first.

    Parameters
    ----------
    values : array of shape (customers,)
        Value in money, with a positive total.
    keep : int
        A number of customers whose point is on the curve exactly.
    points : int
        About how many points to return at most, however many customers there are.

    Returns
    -------
    pandas.DataFrame
        Columns ``customers`` and ``value``, both shares of one, from (0, 0) to (1, 1).
    """
    running = np.concatenate([[0.0], np.cumsum(np.sort(values)[::-1])])
    last = len(values)
    # Denser at the start, where the curve bends.
    at = np.unique(np.append(np.round(last * np.linspace(0, 1, points) ** 2).astype(int), keep))
    return pd.DataFrame({"customers": at / last, "value": running[at] / running[-1]})


@dataclass(frozen=True)
class TypicalCustomer:
    """The median and the most frequent entries of some customers.

    Attributes
    ----------
    predicted_value, probability_active : float
        Medians; money over the horizon, and a probability.
    segment, lifecycle_stage : str
        The most frequent ones; of equal counts the first name.
    segment_share, lifecycle_stage_share : float
        Shares of the customers in them.
    """

    predicted_value: float
    probability_active: float
    segment: str
    segment_share: float
    lifecycle_stage: str
    lifecycle_stage_share: float


def typical_customer(ranking: pd.DataFrame) -> TypicalCustomer:
    """Return what is typical of the customers of a ranking, which has at least one row."""
    segment, segment_share = _most_frequent(ranking["segment"])
    stage, stage_share = _most_frequent(ranking["lifecycle_stage"])
    return TypicalCustomer(
        predicted_value=float(ranking["predicted_value"].median()),
        probability_active=float(ranking["probability_active"].median()),
        segment=segment,
        segment_share=segment_share,
        lifecycle_stage=stage,
        lifecycle_stage_share=stage_share,
    )


def _most_frequent(column: pd.Series[Any]) -> tuple[str, float]:
    counts = column.astype(str).value_counts()
    name = min(counts.index[counts == counts.iloc[0]])
    return str(name), float(counts.iloc[0]) / len(column)


def sums_by_group(ranking: pd.DataFrame, column: str, order: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return customers, value and activity of each group of a ranking.

    Parameters
    ----------
    ranking : pandas.DataFrame
        What ``rank_core_customers`` returns, in rank order.
    column : str
        What to group by; customers without an entry are in the group "not known".
    order : tuple of str
        Groups that come first, in this order; the others follow as they appear in the ranking.

    Returns
    -------
    pandas.DataFrame
        A row for each group that has customers: ``name``, ``customers``, ``customers_share``, ``value`` (predicted,
        money), ``value_share`` (NaN where there is no value), ``value_mean`` (money) and ``active_mean``.
    """
    keys = ranking[column].astype("object").where(ranking[column].notna(), NOT_KNOWN).astype(str)
    grouped = ranking.groupby(keys, sort=False)
    table = pd.DataFrame(
        {
            "customers": grouped.size(),
            "value": grouped["predicted_value"].sum(),
            "active_mean": grouped["probability_active"].mean(),
        }
    )
    first = [name for name in order if name in table.index]
    table = table.loc[first + [name for name in table.index if name not in order]]
    total = float(table["value"].sum())
    table["customers_share"] = table["customers"] / len(ranking)
    table["value_share"] = table["value"] / total if total > 0 else float("nan")
    table["value_mean"] = table["value"] / table["customers"]
    return table.rename_axis("name").reset_index()
