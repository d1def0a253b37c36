"""The core and the groups in figures: the score table comes in, counts and shares go out.

Nothing is fitted or estimated here. Called by the page and its self-test.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from duramen.report.numbers import chosen, count, share
from duramen.scoring.tiers import Tiers

# What stays core in so many simulated outcomes is firm; in so few, it is not.
FIRM, LOOSE = 0.8, 0.2


def held_value(ranking: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return the money of each customer that the tiers share out.

    Parameters
    ----------
    ranking : DataFrame
        The score table.

    Returns
    -------
    array of float, shape (rows of the ranking,)
        ``predicted_value``; where costs are known what is left of it after ``cost_to_serve``, 0 below break-even.
    """
    value = ranking["predicted_value"].to_numpy(dtype=float)
    if "cost_to_serve" not in ranking:
        return value
    left: npt.NDArray[np.float64] = np.maximum(value - ranking["cost_to_serve"].to_numpy(dtype=float), 0.0)
    return left


def money_held(ranking: pd.DataFrame) -> str:
    """Name the money that the tiers share out."""
    if "cost_to_serve" not in ranking:
        return "predicted value"
    return "predicted value after cost of those above break-even"


def value_curve(values: npt.NDArray[np.float64], keep: int, points: int = 300) -> pd.DataFrame:
    """Trace the cumulative share of value against the share of customers, best first.

    Parameters
    ----------
    values : array of shape (customers,)
        Predicted value in money, with a positive total.
    keep : int
        A number of customers whose point must be on the curve exactly.
    points : int
        About how many points to return at most, however many customers there are.

    Returns
    -------
    DataFrame
        Columns ``customers`` and ``value``, both shares of one, from (0, 0) to (1, 1).
    """
    running = np.concatenate([[0.0], np.cumsum(np.sort(values)[::-1])])
    last = len(values)
    # Denser at the start, where the curve bends.
    at = np.unique(np.append(np.round(last * np.linspace(0, 1, points) ** 2).astype(int), keep))
    return pd.DataFrame({"customers": at / last, "value": running[at] / running[-1]})


@dataclass(frozen=True)
class Core:
    """The core set in figures.

    Parameters
    ----------
    size, customers : int
        Customers in the core set, and all of them.
    value, value_all : float
        Money over the horizon that the tiers share out, of the core set and of all.
    active : float
        Expected number of customers with at least one purchase in the horizon.
    firm, open : int
        Members of the core that stay core in at least 80 % of simulated outcomes (``FIRM``), and in 20 % to 80 %.
    simulated : float
        Customers in the core of an outcome, on average over the simulated ones.
    past : float or None
        Share of past revenue that came from the core set, where it is known.
    money : str
        What that money is: predicted value, before or after cost.
    cost_part : float or None
        Share of the cost to serve that goes to the core set, where it is known.
    """

    size: int
    customers: int
    value: float
    value_all: float
    active: float
    firm: int
    open: int
    simulated: float
    past: float | None
    money: str = "predicted value"
    cost_part: float | None = None

    @property
    def part(self) -> float:
        """Share of the customers that are core."""
        return self.size / self.customers

    @property
    def value_part(self) -> float:
        """Share of the money held by the core; not a number where there is none."""
        return self.value / self.value_all if self.value_all > 0 else float("nan")

    @property
    def sentence(self) -> str:
        """The headline."""
        if not self.size:
            return (
                f"No core can be named: the {self.money} of all {count(self.customers)} customers "
                "is not above zero."
            )
        verb = "holds" if self.size == 1 else "hold"
        return (
            f"{count(self.size)} of {count(self.customers)} customers ({share(self.part)}) "
            f"{verb} {share(self.value_part, 0)} of the {self.money}."
        )


def core_of(ranking: pd.DataFrame, members: npt.NDArray[np.bool_], past: pd.Series | None) -> Core:
    """Count the core set.

    Parameters
    ----------
    ranking : DataFrame
        The score table.
    members : array of bool, shape (rows of the ranking,)
        Who is core.
    past : Series or None
        Past net money, indexed by customer id; a customer without an entry has none.

    Returns
    -------
    Core
    """
    value = held_value(ranking)
    chance = ranking["probability_core"].to_numpy(dtype=float)
    past_part = None
    if past is not None and float(past.sum()) > 0:
        in_core = past.index.isin(ranking.loc[members, "customer_id"])
        past_part = float(past[in_core].sum()) / float(past.sum())
    cost_part = None
    if "cost_to_serve" in ranking and float(ranking["cost_to_serve"].sum()) > 0:
        cost = ranking["cost_to_serve"].to_numpy(dtype=float)
        cost_part = float(cost[members].sum() / cost.sum())
    return Core(
        size=int(members.sum()),
        customers=len(ranking),
        value=float(value[members].sum()),
        value_all=float(value.sum()),
        active=float(ranking["probability_active"].sum()),
        firm=int((chance[members] >= FIRM).sum()),
        open=int(((chance[members] >= LOOSE) & (chance[members] < FIRM)).sum()),
        simulated=float(chance.sum()),
        past=past_part,
        money=money_held(ranking),
        cost_part=cost_part,
    )


def by_group(ranking: pd.DataFrame, column: str, order: tuple[str, ...] = ()) -> pd.DataFrame:
    """Sum up the customers of each group of the ranking.

    Parameters
    ----------
    ranking : DataFrame
        The score table, in rank order.
    column : str
        What to group by.
    order : tuple of str
        Groups that come first, in this order; the others follow as they appear in the ranking.

    Returns
    -------
    DataFrame
        Columns ``name``, ``customers``, ``customers_share``, ``value`` (money), ``value_share``,
        ``value_mean`` (money) and ``active_mean``, a row each group.
    """
    keys = ranking[column].astype("object").where(ranking[column].notna(), "not known").astype(str)
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


def tier_words(tiers: Tiers, money: str) -> str:
    """Say in sentences who is in which tier.

    Parameters
    ----------
    tiers : Tiers
        Names and thresholds.
    money : str
        What they share out, as ``money_held`` names it.

    Returns
    -------
    str
    """
    vip, main, rising, regular, small, below = tiers.names
    told = [
        f"{vip}: the fewest customers that hold {chosen(tiers.vip_share)} of the {money}",
        f"{main}: with them, {chosen(tiers.core_share)}",
        f"{rising}: of the {chosen(tiers.rising_share)} outside the core with the most growth potential, those whose "
        f"potential is more than {tiers.rising_ratio:g} times their predicted value",
        f"{regular}: up to {chosen(tiers.regular_share)}",
        f"{small}: the rest",
    ]
    if not tiers.rising_share:
        told[2] = f"{rising}: nobody, by choice"
    if money != "predicted value":
        told.append(
            f"{below}: whose predicted value is less than the cost to serve, however much they may grow; they hold "
            "nothing of it"
        )
    return ". ".join(text[:1].upper() + text[1:] for text in told) + "."
