"""A ranking, and the price of an offer where there is one, come in; lists of customers to act on go out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from duramen.data.ids import find_ids
from duramen.errors import InputError
from duramen.forecast.retention_profit import expected_cost, expected_profit, money_at_stake
from duramen.language import Sentence, say
from duramen.scoring.ranking import refuse_other_tiers
from duramen.scoring.tiers import DEFAULT_TIERS, Tiers
from duramen.scoring.treatments import AUTOMATED, RELEASE
from duramen.segments.activity import LAPSED

if TYPE_CHECKING:
    import numpy.typing as npt

    from duramen.forecast.retention_profit import RetentionOffer

NEEDED = (
    "customer_id", "rank", "tier", "predicted_value", "past_value", "churn_probability", "probability_active",
    "lifecycle_stage", "treatment",
)  # fmt: skip
# Why a list contacts no customer of a kind.
RELEASED, BELOW, NOTHING_TO_LOSE = "released", "below break-even", "nothing to lose"


@dataclass(frozen=True)
class Budget:
    """What a list may cost, and how many customers it may have.

    Parameters
    ----------
    money : float, optional
        Expected cost of all contacts and of the offers that are taken, above 0; by default without limit.
    contacts : int, optional
        Most customers, from 1 on; by default without limit.

    Raises
    ------
    InputError
        If a limit is not such a number.

    Examples
    --------
    >>> Budget(money=20).first(np.array([7.5, 7.5, 7.5]))
    2
    """

    money: float | None = None
    contacts: int | None = None

    def __post_init__(self) -> None:
        if self.money is not None and not 0 < self.money < np.inf:
            raise InputError(f"the budget is {self.money!r}; give money above 0, such as 5000.")
        if self.contacts is not None and not (isinstance(self.contacts, int) and self.contacts >= 1):
            raise InputError(f"the contacts are {self.contacts!r}; give a whole number from 1 on.")

    def first(self, cost: npt.NDArray[np.float64]) -> int:
        """Return how many customers fit, taken in order until the next one would exceed a limit."""
        count = len(cost) if self.contacts is None else min(self.contacts, len(cost))
        if self.money is not None:
            count = min(count, int(np.searchsorted(np.cumsum(cost), self.money, side="right")))
        return count


NO_LIMIT = Budget()


class CustomerLists(NamedTuple):
    """The lists of a ranking.

    Each has ``customer_id``, ``rank``, ``tier``, ``predicted_value``, ``churn_probability``, ``last_purchase`` and
    ``reason`` (where the ranking has them) and ``treatment``.

    Attributes
    ----------
    call : pandas.DataFrame
        What ``call_list`` returns.
    win_back : pandas.DataFrame
        What ``win_back_list`` returns.
    new_in_rising_tier : pandas.DataFrame
        Customers of the tier rising, by rank, who were not rising or core in the earlier ranking, where one is given.
    below_break_even : pandas.DataFrame or None
        Customers below break-even with their ``cost_to_serve``, the largest loss first; None where no costs are known.
    """

    call: pd.DataFrame
    win_back: pd.DataFrame
    new_in_rising_tier: pd.DataFrame
    below_break_even: pd.DataFrame | None


class ByContact(NamedTuple):
    """A list in two parts.

    Attributes
    ----------
    personal : pandas.DataFrame
        Customers whom people contact: all whose treatment does not begin with "automated e-mail".
    automated : pandas.DataFrame
        The others.
    """

    personal: pd.DataFrame
    automated: pd.DataFrame


def customer_lists(
    ranking: pd.DataFrame,
    offer: RetentionOffer | None = None,
    budget: Budget = NO_LIMIT,
    *,
    win_back_offer: RetentionOffer | None = None,
    win_back_budget: Budget = NO_LIMIT,
    previous: pd.DataFrame | None = None,
    tiers: Tiers = DEFAULT_TIERS,
) -> CustomerLists:
    """Return whom to call, whom to win back, who is new in the rising tier and who is below break-even.

    Parameters
    ----------
    ranking : pandas.DataFrame
        What ``rank_core_customers`` or ``rank_customers`` returns.
    offer : RetentionOffer, optional
        The offer to customers who may leave. With it customers are listed by expected profit, the highest first, where
        it is above 0; without it by expected loss. ``order_in_words`` says so in a sentence.
    budget : Budget
        The limit of the call list. Money needs an offer, whose cost it limits.
    win_back_offer : RetentionOffer, optional
        The offer to lapsed customers; by default the same one.
    win_back_budget : Budget
        The limit of the win-back list.
    previous : pandas.DataFrame, optional
        An earlier ranking, of which ``customer_id`` and ``tier`` are used.
    tiers : Tiers
        The tiers of both rankings.

    Raises
    ------
    InputError
        If a column is missing, a tier has another name, the earlier ranking is not earlier, or there is a budget of
        money and no offer.
    """
    return CustomerLists(
        call_list(ranking, offer, budget, tiers),
        win_back_list(ranking, win_back_offer or offer, win_back_budget, tiers),
        _new_in_rising_tier(ranking, previous, tiers),
        _below_break_even(ranking, tiers),
    )


def call_list(
    ranking: pd.DataFrame,
    offer: RetentionOffer | None = None,
    budget: Budget = NO_LIMIT,
    tiers: Tiers = DEFAULT_TIERS,
) -> pd.DataFrame:
    """Return whom to contact so that they do not leave, in the order of ``customer_lists``, within a budget.

    Left out are customers who are lapsed, whose treatment begins with "release", who are below break-even, or whose
    contact is not expected to earn money; without an offer, who have nothing to lose.

    Parameters
    ----------
    ranking, offer, budget, tiers
        As in ``customer_lists``.

    Returns
    -------
    pandas.DataFrame
        The columns of ``CustomerLists`` with ``money_at_stake`` (over the horizon, at most the past value, less the
        cost to serve where it is known) and ``expected_loss`` (churn probability times money at stake); with an offer
        ``money_at_stake``, ``expected_profit`` and ``cost`` (the expected one) of each contact.

    Raises
    ------
    InputError
        As ``customer_lists`` does.
    """
    return _worth_contacting(contactable(ranking, offer, tiers), offer, budget)


def win_back_list(
    ranking: pd.DataFrame,
    offer: RetentionOffer | None = None,
    budget: Budget = NO_LIMIT,
    tiers: Tiers = DEFAULT_TIERS,
) -> pd.DataFrame:
    """Return which lapsed customers to win back, in the order of ``customer_lists``, within a budget.

    Parameters, columns and the other rules are those of ``call_list``; no customer is on both lists.
    """
    return _worth_contacting(contactable(ranking, offer, tiers, lapsed=True), offer, budget)


def by_contact(listed: pd.DataFrame) -> ByContact:
    """Divide a list of customers by who acts.

    Examples
    --------
    >>> treatments = ["sales team: call today", "automated e-mail: send one offer", "send flowers"]
    >>> by_contact(pd.DataFrame({"treatment": treatments})).personal["treatment"].tolist()
    ['sales team: call today', 'send flowers']
    """
    automated = _begins_with(AUTOMATED, listed)
    return ByContact(*(listed[rows].reset_index(drop=True) for rows in (~automated, automated)))


def order_in_words(lists: CustomerLists) -> Sentence:
    """Return by what the call list and the win-back list are ordered, which depends on whether there is an offer."""
    if "expected_loss" not in lists.call:
        return say("Ordered by expected profit: what the contact is expected to earn after its cost.")
    # Customers below break-even are known where costs are.
    if lists.below_break_even is None:
        return say(
            "Ordered by expected loss: the churn probability times what the customer brings over the horizon if kept. "
            "What a kept customer brings is the predicted value divided by the probability of a purchase, and at most "
            "the money at the past rate."
        )
    return say(
        "Ordered by expected loss: the churn probability times what the customer brings over the horizon if kept. "
        "What a kept customer brings is the predicted value divided by the probability of a purchase, at most the "
        "money at the past rate, less the cost to serve; if this is below 0, it counts as 0."
    )


def contactable(
    ranking: pd.DataFrame,
    offer: RetentionOffer | None = None,
    tiers: Tiers = DEFAULT_TIERS,
    *,
    lapsed: bool = False,
) -> pd.DataFrame:
    """Return the customers whom a list may contact, by rank, with what each contact is expected to cost and earn.

    Left out are customers whose treatment begins with "release" and those below break-even.

    Parameters
    ----------
    ranking, offer, tiers
        As in ``customer_lists``.
    lapsed : bool
        Lapsed customers, who can be won back, or all others, who can be kept.

    Returns
    -------
    pandas.DataFrame
        The columns of the ranking with those that ``call_list`` adds.

    Raises
    ------
    InputError
        As ``customer_lists`` does.
    """
    _check(ranking, tiers)
    among = (ranking["lifecycle_stage"] == LAPSED) == lapsed
    chosen: pd.DataFrame = _priced(ranking, offer)[among & (_why_left_out(ranking, tiers) == "")]
    return chosen


def lapsed_left_out(ranking: pd.DataFrame, tiers: Tiers = DEFAULT_TIERS) -> pd.DataFrame:
    """Return how many lapsed customers are not on the win-back list by expected loss, and why.

    Parameters
    ----------
    ranking, tiers
        As in ``customer_lists``.

    Returns
    -------
    pandas.DataFrame
        A row for each reason (``RELEASED``, ``BELOW``, ``NOTHING_TO_LOSE``) that leaves customers out: ``why``,
        ``customers`` and ``expected_loss`` (their sum, in money).

    Raises
    ------
    InputError
        As ``customer_lists`` does.
    """
    _check(ranking, tiers)
    lapsed = _priced(ranking, None)[ranking["lifecycle_stage"] == LAPSED]
    why = np.where(lapsed["expected_loss"] > 0, "", NOTHING_TO_LOSE)
    left_out = _why_left_out(lapsed, tiers)
    by = lapsed.groupby(np.where(left_out == "", why, left_out), sort=False)["expected_loss"]
    sums = pd.DataFrame({"customers": by.size(), "expected_loss": by.sum()})
    known = [reason for reason in (RELEASED, BELOW, NOTHING_TO_LOSE) if reason in sums.index]
    return sums.loc[known].rename_axis("why").reset_index()


def _why_left_out(ranking: pd.DataFrame, tiers: Tiers) -> npt.NDArray[np.str_]:
    """Return why no list contacts a customer, whatever is at stake; empty where one may."""
    rules = [_begins_with(RELEASE, ranking), ranking["tier"] == tiers.below_break_even.name]
    return np.select(rules, [RELEASED, BELOW], "")


def _begins_with(words: str, listed: pd.DataFrame) -> pd.Series[bool]:
    """Return whose treatment begins with some words, in capitals or not."""
    return listed["treatment"].str.lower().str.startswith(words)


def expected_loss(ranking: pd.DataFrame) -> pd.Series[float]:
    """Return the money over the horizon that each customer is expected to take away, by which lists are ordered."""
    return _priced(ranking, None)["expected_loss"]


def _priced(ranking: pd.DataFrame, offer: RetentionOffer | None) -> pd.DataFrame:
    """Return a ranking with the money at stake and the expected loss, or with an offer the profit and cost of each."""
    leaves = ranking["churn_probability"].to_numpy()
    at_stake = money_at_stake(
        ranking["predicted_value"], ranking["probability_active"], ranking["past_value"]
    )
    if "cost_to_serve" in ranking:
        at_stake = np.maximum(at_stake - ranking["cost_to_serve"].to_numpy(), 0.0)
    priced = ranking.assign(money_at_stake=at_stake)
    if offer is None:
        return priced.assign(expected_loss=leaves * at_stake)
    return priced.assign(
        expected_profit=expected_profit(leaves, at_stake, offer), cost=expected_cost(leaves, offer)
    )


def _worth_contacting(could: pd.DataFrame, offer: RetentionOffer | None, budget: Budget) -> pd.DataFrame:
    """Return the customers whose contact earns money, or avoids a loss where there is no offer, the most first."""
    if offer is None and budget.money is not None:
        raise InputError(
            "a budget of money needs an offer; give what the offer costs, or limit the contacts."
        )
    by, more = ("expected_loss", ()) if offer is None else ("expected_profit", ("cost",))
    chosen = could[could[by] > 0].sort_values([by, "rank"], ascending=[False, True], kind="stable")
    cost = np.zeros(len(chosen)) if offer is None else chosen["cost"].to_numpy()
    return _columns(chosen.head(budget.first(cost)), ("money_at_stake", by, *more))


def _new_in_rising_tier(ranking: pd.DataFrame, previous: pd.DataFrame | None, tiers: Tiers) -> pd.DataFrame:
    _check(ranking, tiers)
    rising = ranking[ranking["tier"] == tiers.rising.name]
    if previous is not None:
        _check_previous(ranking, previous, tiers)
        known = previous[previous["tier"].isin((*tiers.core_names, tiers.rising.name))]
        rising = rising[find_ids(rising["customer_id"], known["customer_id"], "the earlier ranking") < 0]
    return _columns(rising.sort_values("rank", kind="stable"))


def _below_break_even(ranking: pd.DataFrame, tiers: Tiers) -> pd.DataFrame | None:
    if "cost_to_serve" not in ranking:
        return None
    below = ranking[ranking["tier"] == tiers.below_break_even.name]
    left = below["predicted_value"] - below["cost_to_serve"]
    return _columns(below.loc[left.sort_values(kind="stable").index], ("cost_to_serve",))


def _columns(chosen: pd.DataFrame, more: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return the columns of a list, ``more`` among them."""
    known = {"last_purchase": "last_purchase", "reason": "reason_1"}
    facts = {name: chosen[column] for name, column in known.items() if column in chosen}
    listed = chosen[["customer_id", "rank", "tier", "predicted_value", "churn_probability", *more]]
    return listed.assign(**facts, treatment=chosen["treatment"]).reset_index(drop=True)


def _check(ranking: pd.DataFrame, tiers: Tiers) -> None:
    if missing := [name for name in NEEDED if name not in ranking]:
        raise InputError(
            f"the ranking has no column {', '.join(missing)}; give what rank_core_customers returns."
        )
    refuse_other_tiers(ranking, tiers)


def _check_previous(ranking: pd.DataFrame, previous: pd.DataFrame, tiers: Tiers) -> None:
    if missing := [name for name in ("customer_id", "tier") if name not in previous]:
        raise InputError(
            f"the earlier ranking has no column {', '.join(missing)}; give what rank_core_customers returns."
        )
    refuse_other_tiers(previous, tiers)
    if "cutoff" in ranking and "cutoff" in previous:
        then, now = pd.to_datetime(previous["cutoff"]).max(), ranking["cutoff"].min()
        if then >= now:
            raise InputError(
                f"the earlier ranking is of {then:%Y-%m-%d} and this one of {now:%Y-%m-%d}; give one of an earlier "
                "cutoff."
            )
