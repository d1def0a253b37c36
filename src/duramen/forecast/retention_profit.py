"""Churn probabilities, values and an offer come in; whom to contact, and what that earns, go out.

For a customer worth ``v``, an offer
that costs ``d`` when it is taken, ``f`` to make, and that a leaving customer accepts with probability ``g``:

    leaves, contacted     g (v - d) - f      kept and worth v, or not kept and only contacted
    stays, contacted      -(d + f)           takes the offer that was not needed
    not contacted         0
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from duramen.data.customer_columns import known_numbers, who_left
from duramen.errors import InputError
from duramen.language import marked

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

WORTH, MOST_LIKELY, EVERYBODY = (
    marked("worth contacting"),
    marked("most likely to leave"),
    marked("everybody"),
)


@dataclass(frozen=True)
class RetentionOffer:
    """What an offer to stay costs, and how often a customer who would leave accepts it.

    Parameters
    ----------
    offer_cost : float
        Money that the offer costs when it is taken: the published ``d``.
    contact_cost : float
        Money that it costs to reach one customer: the published ``f``.
    acceptance_alpha, acceptance_beta : float
        The acceptance rate is unknown and follows Beta(alpha, beta); the published 6 and 14 have mean 0.30 and lie
        between 0.13 and 0.51 in 95 of 100 cases.
    acceptance : float, optional
        A known acceptance rate above 0 and up to 1, in the place of the Beta distribution.

    Raises
    ------
    InputError
        If a cost is negative or none of them is above 0, or the acceptance is not a rate above 0 and up to 1.

    Examples
    --------
    >>> RetentionOffer(offer_cost=10, contact_cost=1).mean_acceptance
    0.3
    """

    offer_cost: float
    contact_cost: float
    acceptance_alpha: float = 6.0
    acceptance_beta: float = 14.0
    acceptance: float | None = None

    def __post_init__(self) -> None:
        for name in ("offer_cost", "contact_cost"):
            if not 0 <= _number(getattr(self, name)) < np.inf:
                raise InputError(f"{name} is {getattr(self, name)!r}; give money, 0 or more.")
        if self.offer_cost + self.contact_cost == 0:
            raise InputError(
                "offer_cost and contact_cost are both 0: what costs nothing can go to everybody; give what the "
                "offer or the contact costs."
            )
        for name in ("acceptance_alpha", "acceptance_beta"):
            if not 0 < _number(getattr(self, name)) < np.inf:
                raise InputError(
                    f"{name} is {getattr(self, name)!r}; give a number above 0, such as 6 and 14."
                )
        if self.acceptance is not None and not 0 < _number(self.acceptance) <= 1:
            raise InputError(
                f"acceptance is {self.acceptance!r}; give a rate above 0 and up to 1, such as 0.3."
            )

    @property
    def mean_acceptance(self) -> float:
        """Expected share of leaving customers who accept."""
        if self.acceptance is not None:
            return self.acceptance
        return self.acceptance_alpha / (self.acceptance_alpha + self.acceptance_beta)


class MaximumProfit(NamedTuple):
    """The best that thresholds on a ranking earn.

    Attributes
    ----------
    profit : float
        Money per customer of the base, contacted or not.
    contacted : float
        Share of the base that is contacted to earn it.
    """

    profit: float
    contacted: float


def money_at_stake(
    predicted_value: ArrayLike, probability_active: ArrayLike, past_value: ArrayLike
) -> np.ndarray:
    """Return what each customer brings over the horizon if kept, and never more than they spent so far.

    ``min(predicted_value / probability_active, past_value)``, and never below 0. The quotient alone grows without
    limit as the probability nears 0: customers who are almost certainly lost would have the most at stake.

    Parameters
    ----------
    predicted_value : array_like of shape (n,)
        Money over the horizon, which already allows for leaving.
    probability_active : array_like of shape (n,)
        Probability of a purchase in the horizon.
    past_value : array_like of shape (n,)
        Net money that the customer spent in as long a time (``duramen.forecast.growth.past_value``), or in all.

    Returns
    -------
    numpy.ndarray of shape (n,)
        Money, in the unit of the values.

    Raises
    ------
    InputError
        If the columns differ in length, or have missing values or values out of range.

    Examples
    --------
    >>> money_at_stake([20.0, 6.0, 0.5], [0.5, 0.1, 0.001], [90.0, 35.0, 12.0])
    array([40., 35., 12.])
    """
    active = known_numbers(probability_active, "probability_active", low=0, high=1)
    past = np.maximum(known_numbers(past_value, "past_value", len(active)), 0.0)
    value = np.maximum(known_numbers(predicted_value, "predicted_value", len(active)), 0.0)
    # Compared before it is divided: the quotient of a tiny probability is more than a float can be.
    at_stake: np.ndarray = np.divide(value, active, out=past.copy(), where=value < past * active)
    return at_stake


def expected_profit(churn_probability: ArrayLike, value: ArrayLike, offer: RetentionOffer) -> np.ndarray:
    """Return what contacting each customer is expected to earn, negative where it loses.

    ``p (g (v - d) - f) - (1 - p) (d + f)`` with the mean acceptance ``g``.

    Parameters
    ----------
    churn_probability : array_like of shape (n,)
    value : float or array_like of shape (n,)
        Money that a customer brings who is kept, such as ``money_at_stake``. A forecast that already allows for
        leaving, such as ``predicted_value``, is less.
    offer : RetentionOffer

    Returns
    -------
    numpy.ndarray of shape (n,)
        Money, in the unit of ``value`` and of the offer.

    Raises
    ------
    InputError
        If a probability or a value is missing or out of range.

    References
    ----------
    Verbeke, W., Dejaeger, K., Martens, D., Hur, J. and Baesens, B. (2012), "New insights into churn prediction in the
    telecommunication sector: a profit driven data mining approach", European Journal of Operational Research 218(1).

    Examples
    --------
    >>> expected_profit([0.5, 0.1], 200, RetentionOffer(offer_cost=10, contact_cost=1)).round(2)
    array([22.5, -4.3])
    """
    probability = _probability(churn_probability)
    kept = offer.mean_acceptance * (_value(value, len(probability)) - offer.offer_cost) - offer.contact_cost
    profit: np.ndarray = probability * kept - (1 - probability) * (offer.offer_cost + offer.contact_cost)
    return profit


def expected_cost(churn_probability: ArrayLike, offer: RetentionOffer) -> np.ndarray:
    """Return what contacting each customer is expected to cost: the contact, and the offer where it is taken.

    ``f + d (1 - p (1 - g))`` with the mean acceptance ``g``: customers who would stay take the offer too.

    Examples
    --------
    >>> expected_cost([0.5, 1.0], RetentionOffer(offer_cost=10, contact_cost=1))
    array([7.5, 4. ])
    """
    leaves = _probability(churn_probability)
    cost: np.ndarray = offer.contact_cost + offer.offer_cost * (1 - leaves * (1 - offer.mean_acceptance))
    return cost


def profit_threshold(value: ArrayLike, offer: RetentionOffer) -> np.ndarray:
    """Return the churn probability above which contacting a customer is expected to earn money.

    ``(d + f) / (g (v - d) + d)``, and infinite where ``g (v - d) <= f``: there even a customer who is sure to leave
    is not worth the contact.

    Parameters
    ----------
    value : float or array_like of shape (n,)
        Money that a customer brings who is kept.
    offer : RetentionOffer

    Returns
    -------
    numpy.ndarray of shape (n,)
        Below 1, or infinite; of shape (1,) for a single value.

    Examples
    --------
    >>> profit_threshold([200.0, 12.0], RetentionOffer(offer_cost=10, contact_cost=1)).round(3)
    array([0.164,   inf])
    """
    kept = offer.mean_acceptance * (known_numbers(np.atleast_1d(value), "value") - offer.offer_cost)
    threshold = np.full(len(kept), np.inf)
    pays = kept > offer.contact_cost
    threshold[pays] = (offer.offer_cost + offer.contact_cost) / (kept[pays] + offer.offer_cost)
    return threshold


def contact(churn_probability: ArrayLike, value: ArrayLike, offer: RetentionOffer) -> np.ndarray:
    """Return who is worth contacting: booleans of shape (n,), true above the customer's own ``profit_threshold``.

    Examples
    --------
    >>> contact([0.5, 0.1, 0.9], [200, 200, 12], RetentionOffer(offer_cost=10, contact_cost=1))
    array([ True, False, False])
    """
    probability = _probability(churn_probability)
    above: np.ndarray = probability > profit_threshold(_value(value, len(probability)), offer)
    return above


def break_even_acceptance(
    churn_probability: ArrayLike, value: ArrayLike, offer: RetentionOffer
) -> np.ndarray:
    """Return the acceptance rate above which contacting a customer is expected to earn money.

    ``(p f + (1 - p) (d + f)) / (p (v - d))``, and infinite where not even a rate of 1 earns money.

    Returns
    -------
    numpy.ndarray of shape (n,)
        From 0 to 1, or infinite.

    Examples
    --------
    >>> break_even_acceptance([0.5, 0.9], [200, 5], RetentionOffer(offer_cost=10, contact_cost=1)).round(3)
    array([0.063,   inf])
    """
    leaves = _probability(churn_probability)
    spent = offer.contact_cost + (1 - leaves) * offer.offer_cost
    gained = leaves * (_value(value, len(leaves)) - offer.offer_cost)
    pays = (gained > 0) & (spent <= gained)
    rate: np.ndarray = np.divide(spent, gained, out=np.full(len(leaves), np.inf), where=pays)
    return rate


def campaign_choices(
    churn_probability: ArrayLike, value: ArrayLike, offer: RetentionOffer
) -> dict[str, np.ndarray]:
    """Return whom each choice of `campaign_profit` contacts: booleans of shape (n,) by its name.

    Examples
    --------
    >>> list(campaign_choices([0.5, 0.1], 200, RetentionOffer(offer_cost=10, contact_cost=1)))
    ['worth contacting', 'most likely to leave', 'everybody']
    """
    worth = contact(churn_probability, value, offer)
    likely = np.zeros_like(worth)
    likely[np.argsort(-_probability(churn_probability), kind="stable")[: worth.sum()]] = True
    return {
        WORTH: worth,
        MOST_LIKELY: likely,
        EVERYBODY: np.ones_like(worth),
    }


def campaign_profit(
    churn_probability: ArrayLike, value: ArrayLike, offer: RetentionOffer, churned: ArrayLike | None = None
) -> pd.DataFrame:
    """Return what it costs to lower churn and what that saves, for the chosen customers and for plainer choices.

    These are sums; `contact` returns which customers, and ``duramen.analysis.call_list`` their ids within a budget.

    Parameters
    ----------
    churn_probability : array_like of shape (n,)
    value : float or array_like of shape (n,)
        Money that a customer brings who is kept.
    offer : RetentionOffer
    churned : array_like of shape (n,), optional
        What happened (1 left, 0 stayed) without a campaign. Customers are chosen by the probabilities alone; the
        columns then say what each choice would have earned at the mean acceptance.

    Returns
    -------
    pandas.DataFrame
        A row for each choice: "worth contacting" (`contact`), "most likely to leave" (as many, by churn probability
        alone, ties in the order given), "everybody". Columns: ``contacted`` and ``kept`` (customers), ``churn_rate``
        of the whole base after it, ``cost`` (contacts, and offers taken), ``saved`` (value of those kept),
        ``profit`` (saved less cost) and ``cost_per_kept`` (missing where no customer is kept); money in the unit of
        ``value``.

    Examples
    --------
    >>> offer = RetentionOffer(offer_cost=10, contact_cost=1)
    >>> campaign_profit([0.5, 0.1], 200, offer)[["choice", "contacted", "cost", "saved", "profit"]]
                     choice  contacted  cost  saved  profit
    0      worth contacting          1   7.5   30.0    22.5
    1  most likely to leave          1   7.5   30.0    22.5
    2             everybody          2  17.8   36.0    18.2
    """
    import pandas as pd

    probability = _probability(churn_probability)
    money = _value(value, len(probability))
    leaves = probability if churned is None else who_left(churned, len(probability)).astype(float)
    kept = leaves * offer.mean_acceptance
    cost = expected_cost(leaves, offer)
    rows = []
    for choice, chosen in campaign_choices(probability, money, offer).items():
        spent, saved, stay = cost[chosen].sum(), (kept * money)[chosen].sum(), kept[chosen].sum()
        rows.append(
            {
                "choice": choice,
                "contacted": int(chosen.sum()),
                "kept": stay,
                "churn_rate": (leaves.sum() - stay) / len(leaves),
                "cost": spent,
                "saved": saved,
                "profit": saved - spent,
                "cost_per_kept": spent / stay if stay else np.nan,
            }
        )
    return pd.DataFrame(rows)


def expected_maximum_profit(
    churn_probability: ArrayLike, churned: ArrayLike, offer: RetentionOffer, value: ArrayLike
) -> MaximumProfit:
    """Return the profit of the best thresholds, expected over the acceptance rate: EMPC, to compare churn models.

    For each acceptance rate ``g`` the customers above the best threshold are contacted; the mean over ``g`` is taken
    exactly. In the plane of what contacting costs and what it may save, the thresholds that are best for some ``g``
    are the vertices of the upper hull of the customers in their order. A piece of the hull with cost ``C`` and saving
    ``S`` is contacted where ``g S > C``, so that

        EMPC = 1/n sum over pieces of E[max(g S - C, 0)].

    With one value for all, that hull is the convex hull of the ROC curve, and this is the published measure. It is
    the most that could have been earned by the ranking: thresholds are chosen after the fact.

    Parameters
    ----------
    churn_probability : array_like of shape (n,)
    churned : array_like of shape (n,)
        1 where the customer left, 0 where not.
    offer : RetentionOffer
        With a known ``acceptance`` the result is the maximum profit of Verbeke et al. (2012).
    value : float or array_like of shape (n,)
        Money that a customer brings who is kept. With one value for all only the order of the probabilities counts.
        With a value each, customers are ordered by ``expected_profit``, and those whose value does not exceed the
        offer are never contacted.

    Returns
    -------
    MaximumProfit
        ``profit`` in money per customer, and the share ``contacted``.

    Raises
    ------
    InputError
        If the columns differ in length, or have missing values or values out of range.

    References
    ----------
    Verbraken, T., Verbeke, W. and Baesens, B. (2013), "A novel profit maximizing metric for measuring classification
    performance of customer churn prediction models", IEEE Transactions on Knowledge and Data Engineering 25(5).

    Examples
    --------
    >>> offer = RetentionOffer(offer_cost=10, contact_cost=1)
    >>> best = expected_maximum_profit([0.9, 0.8, 0.3, 0.1], [1, 0, 1, 0], offer, 200)
    >>> round(best.profit, 2), round(best.contacted, 2)
    (25.25, 0.75)
    """
    order = expected_profit(churn_probability, value, offer)
    money = _value(value, len(order))
    left = who_left(churned, len(order))
    saving = np.where(left, money - offer.offer_cost, 0.0)
    cost = offer.contact_cost + np.where(left, 0.0, offer.offer_cost)
    reachable = money > offer.offer_cost
    if not reachable.any():
        return MaximumProfit(0.0, 0.0)
    saving, cost, size = _upper_hull(order[reachable], saving[reachable], cost[reachable])
    excess, used = _over_acceptance(offer, saving, cost)
    return MaximumProfit(float(excess.sum() / len(order)), float((size * used).sum() / len(order)))


def _upper_hull(order: np.ndarray, saving: np.ndarray, cost: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the saving, cost and customers of each piece of the hull, customers taken from the highest ``order``.

    The slopes of an upper hull are the decreasing isotonic regression of the increments. They are taken against
    saving plus cost, which is above 0 for each customer, where a churner may cost nothing to contact.
    """
    from scipy.optimize import isotonic_regression

    _, tied = np.unique(-order, return_inverse=True)
    saving, cost, size = (np.bincount(tied, each) for each in (saving, cost, np.ones_like(cost)))
    pieces = isotonic_regression(saving / (saving + cost), weights=saving + cost, increasing=False).blocks[
        :-1
    ]
    return tuple(np.add.reduceat(each, pieces) for each in (saving, cost, size))


def _over_acceptance(
    offer: RetentionOffer, saving: np.ndarray, cost: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return E[max(g S - C, 0)] and P(g S > C) over the acceptance rate ``g``, for each S and C."""
    from scipy.special import betaincc

    if offer.acceptance is not None:
        excess = np.maximum(offer.acceptance * saving - cost, 0.0)
        return excess, (excess > 0).astype(float)
    alpha, beta = offer.acceptance_alpha, offer.acceptance_beta
    # A piece that saves less than it costs at full acceptance has no break-even rate below 1.
    rate = np.minimum(np.divide(cost, saving, out=np.ones_like(cost), where=saving > 0), 1.0)
    used = betaincc(alpha, beta, rate)
    return offer.mean_acceptance * saving * betaincc(alpha + 1, beta, rate) - cost * used, used


def _probability(churn_probability: ArrayLike) -> np.ndarray:
    return known_numbers(churn_probability, "churn_probability", low=0, high=1)


def _value(value: ArrayLike, customers: int) -> np.ndarray:
    """Return one value per customer, from as many or from a single one."""
    money = np.repeat(value, customers) if np.ndim(value) == 0 else value
    return known_numbers(money, "value", customers)


def _number(given: object) -> float:
    """Return the number that was given, and not a number for anything else."""
    return (
        float(given) if isinstance(given, int | float | np.number) and not isinstance(given, bool) else np.nan
    )
