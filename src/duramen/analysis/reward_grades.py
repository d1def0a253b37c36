"""Scores, a margin and a budget come in; the grades of a club, the reward of each and its members go out.

A reward is paid out of what the grade brings in: it is a share of the contribution that the lowest member of the grade
is expected to bring.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from duramen.analysis.break_even import LEAST_MARGIN
from duramen.analysis.lists import Budget
from duramen.analysis.per_customer import check_columns, check_number
from duramen.errors import InputError
from duramen.language import say
from duramen.scoring.tiers import DEFAULT_TIERS, Tiers, smallest_set

if TYPE_CHECKING:
    import numpy.typing as npt

    from duramen.analysis.per_customer import FloatArray

LARGEST = np.finfo(float).max
# Keeps rounding in the sum of rewards from passing the budget.
BELOW_BUDGET = 1 - 1e-12


class RewardGrades(NamedTuple):
    """The grades of a club, its members, and what was assumed.

    Attributes
    ----------
    grades : pandas.DataFrame
        A row for each grade that has members, the best first: ``grade``, ``threshold`` (predicted value of the lowest
        member, money over the horizon), ``customers``, ``predicted_value`` and ``contribution`` (sums), ``reward`` (for
        each member, money over the horizon), ``cost`` (rewards and administration of the grade), ``needed_response``
        (by which share the contribution must rise for the grade to cover its cost); where a response is given also
        ``extra_contribution`` and ``net_gain`` (what it leaves after cost, above 0 in every grade).
    members : pandas.DataFrame
        A row for each member, by falling predicted value, ties by id: ``customer_id``, ``grade``, ``predicted_value``
        and ``reward``.
    notes : tuple of str
        What was assumed or left out, a sentence each.
    """

    grades: pd.DataFrame
    members: pd.DataFrame
    notes: tuple[str, ...]


def plan_rewards(
    scores: pd.DataFrame,
    margin: float,
    budget: Budget,
    *,
    response: float | None = None,
    pay_out: float = 0.5,
    cost_per_member: float = 0.0,
    tiers: Tiers = DEFAULT_TIERS,
) -> RewardGrades:
    """Return who joins a club for the best customers, in which grade, and what reward each grade can be paid.

    Grades are the smallest sets of customers that account for 40 %, 80 % and 95 % of predicted value (the shares of
    ``tiers``, after whose tiers they are named). The budget is spent on the best first; where it ends, so does the
    club. Customers of equal value join together or not at all. Left out are customers below break-even, where the
    scores have a ``cost_to_serve``.

    - With a response, the reward is ``pay_out * response * margin * threshold``, and a customer joins only where the
      rest of their extra contribution is more than ``cost_per_member``: each grade, and in expectation each member,
      earns more than they cost.
    - Without one, the whole budget is shared out, in proportion to ``margin * threshold`` and never above it, and
      ``needed_response`` shows what it would take to earn it back.

    Parameters
    ----------
    scores : pandas.DataFrame
        What ``CoreCustomerModel.predict`` or the ranking returns: ``customer_id`` and ``predicted_value`` are used.
    margin : float
        Share of money that is left after goods and the cost of orders, from 0.001 to 1.
    budget : Budget
        Money for rewards and administration over the horizon, and the most members (``contacts``).
    response : float, optional
        The share by which members are assumed to buy more because of the reward, above 0, such as 0.05. Only a test
        with a control group shows it.
    pay_out : float
        Share of the extra contribution that is paid out as rewards, above 0 and below 1; half of it is the default.
    cost_per_member : float
        Administration of one member over the horizon, in money.
    tiers : Tiers

    Returns
    -------
    RewardGrades

    Raises
    ------
    InputError
        If a column is missing, a number is not valid, or there is neither a response nor money in the budget.

    Examples
    --------
    >>> scores = pd.DataFrame({"customer_id": list("abcd"), "predicted_value": [400.0, 200.0, 200.0, 10.0]})
    >>> club = plan_rewards(scores, 0.5, Budget(money=100), response=0.1)
    >>> club.grades[["grade", "threshold", "customers", "reward", "cost", "net_gain"]]
      grade  threshold  customers  reward  cost  net_gain
    0   VIP      400.0          1    10.0  10.0      10.0
    1  main      200.0          2     5.0  10.0      10.0
    >>> plan_rewards(scores, 0.5, Budget(money=80)).grades["needed_response"].round(2).tolist()
    [0.2, 0.2]
    """
    check_columns(scores, ("customer_id", "predicted_value"))
    _check(margin, budget, response, pay_out, cost_per_member)
    ordered = _candidates(scores, margin)
    value, number = _graded(ordered, tiers)
    contribution = margin * value
    if response is not None:
        number[(1 - pay_out) * response * contribution <= cost_per_member] = -1
    number = _first_members(value, number, len(value) if budget.contacts is None else budget.contacts)
    if response is None:
        rate, number = _rate_within(budget, contribution, number, cost_per_member)
    else:
        rate = pay_out * response
    reward = rate * _lowest(contribution, number)
    number = _first_members(value, number, budget.first((reward + cost_per_member)[number >= 0]))
    inside = number >= 0
    names = np.array([tiers.vip.name, tiers.main.name, tiers.regular.name], dtype=object)
    members = ordered[inside].assign(grade=names[number[inside]], reward=reward[inside])
    grades = _grades(members, margin, cost_per_member)
    if response is not None:
        grades["extra_contribution"] = response * grades["contribution"]
        grades["net_gain"] = grades["extra_contribution"] - grades["cost"]
    members = members[["customer_id", "grade", "predicted_value", "reward"]].reset_index(drop=True)
    return RewardGrades(grades, members, _notes(members, response, pay_out, budget))


def _check(
    margin: float, budget: Budget, response: float | None, pay_out: float, cost_per_member: float
) -> None:
    check_number(margin, "margin", LEAST_MARGIN, 1, f"a share from {LEAST_MARGIN} to 1, such as 0.3")
    if not isinstance(budget, Budget):
        raise InputError(f"budget is {budget!r}; give Budget(money=5000).")
    if response is None and budget.money is None:
        raise InputError(
            "there is neither a response nor money in the budget; give Budget(money=5000) or a response."
        )
    if response is not None:
        check_number(response, "response", 1e-9, 10, "the share by which members buy more, such as 0.05")
    check_number(pay_out, "pay_out", 1e-9, 1 - 1e-9, "a share above 0 and below 1, such as 0.5")
    check_number(cost_per_member, "cost_per_member", 0, LARGEST, "money of at least 0, such as 2")


def _candidates(scores: pd.DataFrame, margin: float) -> pd.DataFrame:
    """Return customers who are not below break-even, by falling value, ties by id."""
    chosen = scores["predicted_value"] > 0
    if "cost_to_serve" in scores:
        chosen &= margin * scores["predicted_value"] >= scores["cost_to_serve"]
    ordered = scores.loc[chosen, ["customer_id", "predicted_value"]].sort_values("customer_id", kind="stable")
    return ordered.sort_values("predicted_value", ascending=False, kind="stable", ignore_index=True)


def _graded(ordered: pd.DataFrame, tiers: Tiers) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Return the value of each candidate and the number of the grade, 0 for the best and -1 for none."""
    value = ordered["predicted_value"].to_numpy()
    number = np.full(len(value), -1, dtype=np.int64)
    for grade, share in reversed(list(enumerate((tiers.vip_share, tiers.core_share, tiers.regular_share)))):
        inside = smallest_set(value, share)
        if inside.any():
            # Those of the same value are in the same grade.
            number[value >= value[inside].min()] = grade
    return value, number


def _first_members(value: FloatArray, number: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """Return the grades of the first members alone, without those who are as good as the next one who has no place."""
    inside = np.flatnonzero(number >= 0)
    kept = number.copy()
    if count < len(inside):
        kept[value <= value[inside[count]]] = -1
    return kept


def _lowest(contribution: FloatArray, number: npt.NDArray[np.int64]) -> FloatArray:
    """Return the contribution of the lowest member of each one's grade, 0 outside the club."""
    lowest = np.zeros(len(number))
    for grade in np.unique(number[number >= 0]):
        lowest[number == grade] = contribution[number == grade].min()
    return lowest


def _rate_within(
    budget: Budget, contribution: FloatArray, number: npt.NDArray[np.int64], cost_per_member: float
) -> tuple[float, npt.NDArray[np.int64]]:
    """Return the share of contribution that spends the budget, and the grades that it leaves something for."""
    number = number.copy()
    while (inside := number >= 0).any():
        left = float(budget.money or 0.0) - inside.sum() * cost_per_member
        if left > 0:
            return min(left / _lowest(contribution, number).sum() * BELOW_BUDGET, 1.0), number
        number[number == number.max()] = -1
    return 0.0, number


def _grades(members: pd.DataFrame, margin: float, cost_per_member: float) -> pd.DataFrame:
    by = members.groupby("grade", sort=False)
    grades = pd.DataFrame(
        {
            "threshold": by["predicted_value"].min(),
            "customers": by.size(),
            "predicted_value": by["predicted_value"].sum(),
            "contribution": margin * by["predicted_value"].sum(),
            "reward": by["reward"].first(),
        }
    )
    grades["cost"] = grades["customers"] * (grades["reward"] + cost_per_member)
    grades["needed_response"] = grades["cost"] / grades["contribution"]
    return grades.reset_index()


def _notes(members: pd.DataFrame, response: float | None, pay_out: float, budget: Budget) -> tuple[str, ...]:
    if response is None:
        first = say(
            "How members respond to rewards is not known. Needed response is the increase in contribution that covers "
            "the cost of a grade; a test with a control group measures the true response."
        )
    else:
        first = say(
            "Members are assumed to bring {response} more because of rewards, and {share} of that is paid out; a test "
            "with a control group would show the true response.",
            response=f"{response:.1%}",
            share=f"{pay_out:.0%}",
        )
    if len(members):
        return (first,)
    if budget.money is None:
        return first, say("No customer joins: with any budget no grade earns more than it costs.")
    money = f"{budget.money:,.2f}"
    return first, say(
        "No customer joins: with a budget of {money} no grade earns more than it costs.", money=money
    )
