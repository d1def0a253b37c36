"""Scores, a margin and costs come in; what each customer is expected to leave, and who is below break-even, go out.

``contribution = margin * money - cost to serve - acquisition cost``, all over the horizon of the scores. Orders and
returns are expected in proportion to the customer's money, with the variance of a Poisson count: a customer who buys
nothing costs nothing by the order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from duramen.analysis.per_customer import check_columns, check_number, for_each_customer
from duramen.errors import InputError
from duramen.language import marked, say

if TYPE_CHECKING:
    from duramen.analysis.per_customer import Figure, FloatArray
    from duramen.forecast.value_distribution import ValueDistribution
    from duramen.scoring.model import CoreCustomerModel

NEEDED = (
    "customer_id", "predicted_value", "predicted_value_low", "predicted_value_high", "expected_purchases",
    "expected_spend", "probability_active",
)  # fmt: skip
# What is earned on a thousand of money; with no margin at all there is no revenue at which a customer breaks even.
LEAST_MARGIN = 0.001
# What brings a customer above break-even, in the order of the summary.
REMEDIES = (
    marked("none needed"),
    marked("either"),
    marked("cheaper service"),
    marked("minimum order"),
    marked("neither"),
)
ABOVE, BELOW, ALL = marked("above break-even"), marked("below break-even"), marked("all")
LIFTED_BY = (
    marked("below break-even, lifted by either"),
    marked("below break-even, lifted by cheaper service"),
    marked("below break-even, lifted by minimum order"),
    marked("below break-even, lifted by neither"),
)
# The 90 % point of the normal distribution: 80 % lie within it on both sides.
NORMAL_80 = 1.2815515655446004
# Levels of a customer's money, given a purchase, over which the probability is averaged.
LEVELS = np.arange(0.01, 1, 0.02)
NEXT_TO_NOTHING = 1e-12
MONEY = ("predicted_value", "cost_to_serve", "acquisition_cost", "contribution")


@dataclass(frozen=True)
class ServiceCosts:
    """What it costs to serve a customer over the horizon, in the money of the scores.

    Parameters
    ----------
    per_order : float
        Cost of one order: picking, packing, shipping, payment.
    per_return : float
        Cost of one day with a return.
    per_customer : float, pandas.Series or array of shape (n,)
        What a customer costs whether they buy or not: one number, a Series by customer id (what
        ``duramen.data.costs.read_costs`` reads of a file), or a value for each row of the scores.

    Raises
    ------
    InputError
        If a cost of an order or a return is negative or not a number.

    Examples
    --------
    >>> ServiceCosts(per_order=4.5, per_customer=2)
    ServiceCosts(per_order=4.5, per_return=0.0, per_customer=2)
    """

    per_order: float = 0.0
    per_return: float = 0.0
    per_customer: Figure = 0.0

    def __post_init__(self) -> None:
        for name in ("per_order", "per_return"):
            check_number(
                getattr(self, name), name, 0, np.finfo(float).max, "money of at least 0, such as 4.50"
            )


class MinimumOrder(NamedTuple):
    """The smallest order that is taken, and what becomes of smaller ones.

    Attributes
    ----------
    money : float
        Customers whose expected spend an order is below this are concerned, with all of their orders.
    raised_share : float
        The share of these orders that is raised to the minimum; the others are not placed. 1 if all are raised, 0 if
        none is. No data show it before it is tried: half is an assumption.
    """

    money: float
    raised_share: float = 0.5


class BreakEven(NamedTuple):
    """Contribution of each customer over the horizon, its sums, and what was left out.

    Attributes
    ----------
    customers : pandas.DataFrame
        A row for each customer, the lowest contribution first, ties by id: ``customer_id``, ``predicted_value``,
        ``cost_to_serve``, ``acquisition_cost``, ``contribution`` (expected) with ``contribution_low`` and
        ``contribution_high`` (80 % interval), ``revenue_needed`` (money at which costs of this size are covered),
        ``below_break_even``; where they are asked for ``probability_below_break_even``,
        ``contribution_cheaper_service``, ``contribution_minimum_order`` and ``remedy`` (what brings the customer
        above: one of ``REMEDIES``).
    summary : pandas.DataFrame
        A row for customers above break-even, for each remedy of those below, and for all: ``group``, ``customers``,
        ``share_of_customers``, and sums of ``predicted_value``, ``cost_to_serve``, ``acquisition_cost`` and
        ``contribution``.
    notes : tuple of str
        What was assumed or left out, and what would bring it, a sentence each.
    """

    customers: pd.DataFrame
    summary: pd.DataFrame
    notes: tuple[str, ...]


class _Orders(NamedTuple):
    """What the contribution of each customer is made of, arrays of shape (n,)."""

    purchases_per_money: FloatArray
    margin: FloatArray
    cost_per_order: FloatArray
    cost_per_customer: FloatArray
    acquisition: FloatArray

    def cost_to_serve(self, purchases: FloatArray) -> FloatArray:
        return purchases * self.cost_per_order + self.cost_per_customer

    def contribution(self, value: FloatArray, cost_to_serve: FloatArray) -> FloatArray:
        return self.margin * value - cost_to_serve - self.acquisition

    def without_orders(self, value: FloatArray) -> FloatArray:
        """Return the contribution before the cost of orders."""
        return self.contribution(value, self.cost_per_customer)

    def spread(self, purchases: FloatArray) -> FloatArray:
        """Return the standard deviation of the cost of as many orders."""
        return self.cost_per_order * np.sqrt(purchases)


def customer_contributions(
    scores: pd.DataFrame,
    margin: Figure,
    costs: ServiceCosts | None = None,
    *,
    acquisition_cost: Figure | None = None,
    cheaper_service: float | None = None,
    minimum_order: MinimumOrder | None = None,
    customers: pd.DataFrame | None = None,
    model: CoreCustomerModel | None = None,
) -> BreakEven:
    """Return what each customer is expected to leave after costs, and who of those below break-even can be lifted.

    A customer is below break-even where the expected contribution is negative. With a margin of 1 and costs per
    customer alone these are the customers of the tier "below break-even" of ``rank_core_customers``; for any other
    margin or cost, give the ranking ``revenue_needed`` as its ``cost_to_serve``.

    Parameters
    ----------
    scores : pandas.DataFrame
        What ``CoreCustomerModel.predict`` or the ranking returns.
    margin : float, pandas.Series or array of shape (n,)
        Share of a customer's money that is left after the goods, from 0.001 to 1: one for all, a Series by customer
        id, or a value for each row.
    costs : ServiceCosts, optional
        By default the column ``cost_to_serve`` of a ranking with costs.
    acquisition_cost : float, pandas.Series or array of shape (n,), optional
        What is still to be earned back of the cost to win the customer. For those who were won long ago it is spent
        whatever is decided now: give 0 for these.
    cheaper_service : float, optional
        Cost to serve by a cheaper service, as a share of what it is now, from 0 to 1. Customers are assumed to buy as
        much as before.
    minimum_order : MinimumOrder, optional
    customers : pandas.DataFrame, optional
        Customer table at the cutoff of the scores. Its ``return_days`` and ``frequency`` bring the returns: as many a
        purchase as so far.
    model : CoreCustomerModel, optional
        The model of the scores. Its distribution of value brings the probability of being below break-even.

    Returns
    -------
    BreakEven

    Raises
    ------
    InputError
        If a column or a customer is missing, or a number is not valid.

    Notes
    -----
    The interval is that of the predicted value, wider by the spread of orders. It leaves out that margin and costs are
    themselves uncertain, and a change of what the customer spends an order: where orders cost most of what they earn,
    it contains fewer than 80 % of the outcomes of frequent buyers.

    Examples
    --------
    >>> scores = pd.DataFrame(
    ...     {
    ...         "customer_id": ["a", "b"], "predicted_value": [100.0, 20.0], "predicted_value_low": [40.0, 0.0],
    ...         "predicted_value_high": [180.0, 50.0], "expected_purchases": [2.0, 1.0],
    ...         "expected_spend": [50.0, 20.0], "probability_active": [0.9, 0.4],
    ...     }
    ... )
    >>> result = customer_contributions(scores, 0.3, ServiceCosts(per_order=8), cheaper_service=0.5)
    >>> result.customers[["customer_id", "contribution", "contribution_low", "remedy"]].round(1)
      customer_id  contribution  contribution_low           remedy
    0           b          -2.0             -18.5  cheaper service
    1           a          14.0               1.6      none needed
    """
    check_columns(scores, NEEDED)
    notes: list[str] = []
    orders = _orders(scores, margin, costs, acquisition_cost, customers, notes)
    value, purchases = scores["predicted_value"].to_numpy(), scores["expected_purchases"].to_numpy()
    cost = orders.cost_to_serve(purchases)
    contribution = orders.contribution(value, cost)
    low, high = _interval(scores, orders)
    table = pd.DataFrame(
        {
            "customer_id": scores["customer_id"].array,
            "predicted_value": value,
            "cost_to_serve": cost,
            "acquisition_cost": orders.acquisition,
            "contribution": contribution,
            "contribution_low": low,
            "contribution_high": high,
            "revenue_needed": (cost + orders.acquisition) / orders.margin,
            "below_break_even": contribution < 0,
        }
    )
    if model is None:
        notes.append(
            say("The probability of being below break-even is not shown: give a `model` to compute it.")
        )
    else:
        table["probability_below_break_even"] = _probability_below(
            scores, orders, model.forecast_.distribution_
        )
    _add_remedies(table, scores, orders, cheaper_service, minimum_order, notes)
    table = table.sort_values(["contribution", "customer_id"], kind="stable", ignore_index=True)
    return BreakEven(table, _summary(table), tuple(notes))


def _orders(
    scores: pd.DataFrame,
    margin: Figure,
    costs: ServiceCosts | None,
    acquisition_cost: Figure | None,
    customers: pd.DataFrame | None,
    notes: list[str],
) -> _Orders:
    """Return margin and costs of each customer, and note what is not known of them."""
    if costs is not None and "cost_to_serve" in scores:
        raise InputError(
            "the scores have a cost_to_serve already; give the scores of the model, or no costs."
        )
    if costs is None and "cost_to_serve" in scores:
        costs = ServiceCosts(per_customer=scores["cost_to_serve"].to_numpy())
    elif costs is None:
        costs = ServiceCosts()
        notes.append(
            say(
                "The cost to serve is not known and counts as 0: give costs, or a ranking with the column "
                "cost_to_serve."
            )
        )
    if acquisition_cost is None:
        acquisition_cost = 0.0
        notes.append(say("The cost to win customers is not known and counts as 0: give `acquisition_cost`."))
    per_order = np.full(len(scores), float(costs.per_order))
    if costs.per_return:
        per_order += costs.per_return * _returns_per_order(scores, customers, notes)
    value, purchases = scores["predicted_value"].to_numpy(), scores["expected_purchases"].to_numpy()
    return _Orders(
        np.divide(purchases, value, out=np.zeros(len(value)), where=value > 0),
        for_each_customer(scores, margin, "margin", LEAST_MARGIN, 1),
        per_order,
        for_each_customer(scores, costs.per_customer, "the cost per customer", 0),
        for_each_customer(scores, acquisition_cost, "acquisition_cost", 0),
    )


def _returns_per_order(
    scores: pd.DataFrame, customers: pd.DataFrame | None, notes: list[str]
) -> FloatArray | float:
    """Return days with a return for each purchase day of the past, shape (n,), or 0 where they are not known."""
    if customers is None or not {"customer_id", "return_days", "frequency"} <= set(customers):
        notes.append(
            say(
                "Returns count as free: give customers, the customer table, whose column return_days brings them."
            )
        )
        return 0.0
    by_id = customers.set_index("customer_id")
    returns = by_id["return_days"].fillna(0) / (by_id["frequency"] + 1)
    return for_each_customer(scores, returns, "the customer table", 0)


def _interval(scores: pd.DataFrame, orders: _Orders) -> tuple[FloatArray, FloatArray]:
    """Return the ends of the contribution: at the ends of money, wider by the spread of orders there."""
    money = np.stack([scores[f"predicted_value_{end}"].to_numpy() for end in ("low", "high")])
    purchases = orders.purchases_per_money * money
    ends = orders.contribution(money, orders.cost_to_serve(purchases))
    spread = NORMAL_80 * orders.spread(purchases)
    expected = orders.contribution(
        scores["predicted_value"].to_numpy(), orders.cost_to_serve(scores["expected_purchases"].to_numpy())
    )
    # Where an order costs more than it earns, the most money is the least contribution.
    rows, worst, best = np.arange(len(scores)), ends.argmin(axis=0), ends.argmax(axis=0)
    low = expected - np.hypot(expected - ends[worst, rows], spread[worst, rows])
    high = expected + np.hypot(ends[best, rows] - expected, spread[best, rows])
    # Nobody leaves more than without any order to pay for. Adding 0 writes -0.0 as 0.
    return low + 0.0, np.minimum(high, orders.without_orders(money)[best, rows]) + 0.0


def _probability_below(scores: pd.DataFrame, orders: _Orders, distribution: ValueDistribution) -> FloatArray:
    """Return P(contribution < 0), averaged over the money of a customer who buys, plus that of one who does not."""
    from scipy.special import ndtr

    value, active = scores["predicted_value"].to_numpy(), scores["probability_active"].to_numpy()
    below = np.zeros(len(value))
    for level in LEVELS:
        money = distribution.quantile(value, active, 1 - active + active * level)
        left, purchases = orders.without_orders(money), orders.purchases_per_money * money
        spread = orders.spread(purchases)
        short = purchases * orders.cost_per_order - left
        # Without a spread to speak of, the expected cost decides.
        certain = np.where(short > 0, np.inf, -np.inf)
        deviations = np.divide(short, spread, out=certain, where=spread > NEXT_TO_NOTHING * np.abs(short))
        below += np.where(left < 0, 1.0, ndtr(deviations)) / len(LEVELS)
    total: FloatArray = active * below + (1 - active) * (orders.without_orders(np.zeros(len(value))) < 0)
    return total


def _add_remedies(
    table: pd.DataFrame,
    scores: pd.DataFrame,
    orders: _Orders,
    cheaper_service: float | None,
    minimum_order: MinimumOrder | None,
    notes: list[str],
) -> None:
    """Add to the table what each remedy would make of the contribution, and which of them lifts a customer."""
    if cheaper_service is None and minimum_order is None:
        notes.append(
            say(
                "Who could be lifted above break-even is left out: give `cheaper_service` or `minimum_order`."
            )
        )
        return
    by_service = by_minimum = np.zeros(len(table), dtype=bool)
    if cheaper_service is not None:
        check_number(cheaper_service, "cheaper_service", 0, 1, "its cost as a share of today's, such as 0.4")
        cheaper = orders.contribution(
            table["predicted_value"].to_numpy(), cheaper_service * table["cost_to_serve"].to_numpy()
        )
        table["contribution_cheaper_service"], by_service = cheaper, cheaper >= 0
        notes.append(
            say(
                "The cheaper service is assumed to cost {share} of today's, with customers buying as much.",
                share=f"{cheaper_service:.0%}",
            )
        )
    if minimum_order is not None:
        raised = _with_minimum_order(table, scores, orders, minimum_order)
        table["contribution_minimum_order"], by_minimum = raised, raised >= 0
        notes.append(
            say(
                "Customers who spend less than {money} an order are assumed to raise {share} of their orders to it "
                "and not to place the others.",
                money=f"{minimum_order.money:,.2f}",
                share=f"{minimum_order.raised_share:.0%}",
            )
        )
    below = table["below_break_even"].to_numpy()
    table["remedy"] = np.select(
        [~below, by_service & by_minimum, by_service, by_minimum], REMEDIES[:4], default=REMEDIES[4]
    ).astype(object)


def _with_minimum_order(
    table: pd.DataFrame, scores: pd.DataFrame, orders: _Orders, minimum: MinimumOrder
) -> FloatArray:
    check_number(minimum.money, "the minimum order", 0, np.finfo(float).max, "money, such as 25")
    check_number(minimum.raised_share, "raised_share", 0, 1, "a share from 0 to 1, such as 0.5")
    placed = scores["expected_purchases"].to_numpy() * minimum.raised_share
    small = scores["expected_spend"].to_numpy() < minimum.money
    then = orders.contribution(placed * minimum.money, orders.cost_to_serve(placed))
    return np.where(small, then, table["contribution"].to_numpy())


def _summary(table: pd.DataFrame) -> pd.DataFrame:
    below = table["below_break_even"].to_numpy()
    groups = {ABOVE: ~below}
    if "remedy" in table:
        for remedy, name in zip(REMEDIES[1:], LIFTED_BY, strict=True):
            chosen = below & (table["remedy"] == remedy).to_numpy()
            if chosen.any():
                groups[name] = chosen
    else:
        groups[BELOW] = below
    groups[ALL] = np.ones(len(table), dtype=bool)
    rows = [
        {"group": group, "customers": int(chosen.sum()), "share_of_customers": chosen.mean()}
        | table.loc[chosen, list(MONEY)].sum().to_dict()
        for group, chosen in groups.items()
    ]
    return pd.DataFrame(rows)
