"""A ranking and what things cost come in; break-even, exit plan, retention, reward grades and referrals go out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from duramen.analysis.answers import answer_or_reason
from duramen.analysis.break_even import BreakEven, MinimumOrder, ServiceCosts, customer_contributions
from duramen.analysis.exit_plan import ExitPlan, plan_exit
from duramen.analysis.lists import Budget
from duramen.analysis.referrals import referral_value
from duramen.analysis.retention_economics import RetentionEconomics, summarise_retention
from duramen.analysis.reward_grades import RewardGrades, plan_rewards
from duramen.errors import InputError
from duramen.language import say
from duramen.scoring.ranking import rank_core_customers

if TYPE_CHECKING:
    import pandas as pd

    from duramen.forecast.retention_profit import RetentionOffer
    from duramen.scoring.model import CoreCustomerModel

# Columns of the scores that are money over the horizon.
MONEY = (
    "score", "predicted_value", "predicted_value_low", "predicted_value_high", "past_value", "growth_potential",
    "expected_spend", "clv",
)  # fmt: skip
# The names of all tables that a result may have.
ECONOMIC_TABLES = (
    "break_even", "break_even_summary", "exit_plan", "exit_plan_customers", "churn_point_by_tier",
    "churn_point_by_segment", "contact_choices", "win_back_or_release", "reward_grades", "club_members", "referrals",
)  # fmt: skip


@dataclass(frozen=True)
class BaseCosts:
    """What it costs to serve, keep and reward customers; what is not given has no figures.

    Parameters
    ----------
    margin : float
        Share of net money that is left after the goods; 1 where amounts are margins already.
    service : ServiceCosts, optional
        What orders, returns and customers cost to serve.
    acquisition : float, optional
        What it costs to win a customer.
    offer : RetentionOffer, optional
        The offer to customers who may leave.
    reward_budget : float, optional
        Money for the rewards of a club over the horizon.
    cheaper_service : float, optional
        Cost of a cheaper service, as a share of that of the present one.
    minimum_order : float, optional
        The smallest order that would be taken.
    """

    margin: float = 1.0
    service: ServiceCosts | None = None
    acquisition: float | None = None
    offer: RetentionOffer | None = None
    reward_budget: float | None = None
    cheaper_service: float | None = None
    minimum_order: float | None = None


NO_COSTS = BaseCosts()


@dataclass(frozen=True)
class BaseEconomics:
    """What customers leave, and what keeping and rewarding them earns; a missing part is the sentence that says why.

    Attributes
    ----------
    break_even : BreakEven or str
        What each customer is expected to leave after costs.
    exit_plan : ExitPlan or str
        Whom to move to a cheaper service, stage by stage.
    retention : RetentionEconomics or str
        Whom to contact and whom to win back, and what it earns.
    rewards : RewardGrades or str
        Who joins a club, and the reward of each grade.
    referrals : pandas.DataFrame or str
        The value that customers brought by referring others.
    """

    break_even: BreakEven | str
    exit_plan: ExitPlan | str
    retention: RetentionEconomics | str
    rewards: RewardGrades | str
    referrals: pd.DataFrame | str

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return every table by the name of its file."""
        found: dict[str, pd.DataFrame] = {}
        if not isinstance(self.break_even, str):
            found |= {"break_even": self.break_even.customers, "break_even_summary": self.break_even.summary}
        if not isinstance(self.exit_plan, str):
            found |= {"exit_plan": self.exit_plan.stages, "exit_plan_customers": self.exit_plan.customers}
        if not isinstance(self.retention, str):
            kept = self.retention
            found |= {
                "churn_point_by_tier": kept.by_tier,
                "churn_point_by_segment": kept.by_segment,
                "contact_choices": kept.choices,
                "win_back_or_release": kept.win_back,
            }
        if not isinstance(self.rewards, str):
            found |= {"reward_grades": self.rewards.grades, "club_members": self.rewards.members}
        if not isinstance(self.referrals, str):
            found["referrals"] = self.referrals
        return found


def economics_of_base(
    scores: pd.DataFrame,
    customers: pd.DataFrame,
    model: CoreCustomerModel,
    costs: BaseCosts = NO_COSTS,
    referred_by: pd.Series[Any] | None = None,
    new_within: int = 0,
) -> BaseEconomics:
    """Return what customers leave after costs, and what keeping, letting go and rewarding them is expected to earn.

    Parameters
    ----------
    scores : pandas.DataFrame
        What ``model.predict`` returns.
    customers : pandas.DataFrame
        The customer table of the scores.
    model : CoreCustomerModel
    costs : BaseCosts
    referred_by : pandas.Series, optional
        The id of the referrer by customer id, of a customer file.
    new_within : int
        Days: customers who first bought so recently have the cost to win them still to earn back. Of earlier ones it is
        spent whatever is decided now.
    """
    pays = answer_or_reason(lambda: _break_even(scores, customers, model, costs, new_within))
    cost = None
    if not isinstance(pays, str):
        by_id = pays.customers.set_index("customer_id")[["cost_to_serve", "acquisition_cost"]].sum(axis=1)
        cost = by_id.loc[scores["customer_id"]].to_numpy()
    return BaseEconomics(
        break_even=pays,
        exit_plan=pays if isinstance(pays, str) else answer_or_reason(lambda: _exit_plan(scores, pays)),
        retention=answer_or_reason(lambda: _retention(scores, model, costs, cost)),
        rewards=answer_or_reason(lambda: _rewards(scores, costs, cost)),
        referrals=answer_or_reason(lambda: _referrals(scores, referred_by)),
    )


def without_model() -> BaseEconomics:
    """Return the parts that need a model, each as the sentence that asks for one."""
    reason = say(
        "Break-even, whom to keep, rewards and referrals need a forecast: give a trained model as `model`."
    )
    return BaseEconomics(reason, reason, reason, reason, reason)


def _break_even(
    scores: pd.DataFrame,
    customers: pd.DataFrame,
    model: CoreCustomerModel,
    costs: BaseCosts,
    new_within: int,
) -> BreakEven:
    if costs.service is None:
        raise InputError(
            say(
                "The contribution of each customer is not shown: give what it costs to serve them, such as "
                "`order_cost`."
            )
        )
    acquisition = None
    if costs.acquisition is not None:
        acquisition = np.where(customers["T"] <= new_within, costs.acquisition, 0.0)
    return customer_contributions(
        scores,
        costs.margin,
        costs.service,
        acquisition_cost=acquisition,
        cheaper_service=costs.cheaper_service,
        minimum_order=None if costs.minimum_order is None else MinimumOrder(costs.minimum_order),
        customers=customers,
        model=model,
    )


def _exit_plan(scores: pd.DataFrame, pays: BreakEven) -> ExitPlan:
    if not pays.customers["below_break_even"].any():
        raise InputError(say("No customer is below break-even, so nobody needs a cheaper service."))
    plan = plan_exit(scores, pays.customers)
    if not plan.stages["released"].any():
        raise InputError(
            say("No customer to release: all who are below break-even are growing, new or may become core.")
        )
    return plan


def _retention(
    scores: pd.DataFrame, model: CoreCustomerModel, costs: BaseCosts, cost: np.ndarray | None
) -> RetentionEconomics:
    """Price retention in margin after cost, so that nobody below break-even is kept by an offer."""
    if costs.offer is None:
        raise InputError(
            say(
                "What it costs to keep customers, and what that saves, is not shown: give the cost of an offer as "
                "`offer_cost`."
            )
        )
    in_margin = scores.assign(**{name: costs.margin * scores[name] for name in MONEY if name in scores})
    return summarise_retention(
        rank_core_customers(in_margin, model.tiers, cost), costs.offer, tiers=model.tiers, unit=model.unit_
    )


def _referrals(scores: pd.DataFrame, referred_by: pd.Series[Any] | None) -> pd.DataFrame:
    found = referral_value(scores, referred_by)
    if not found["referred_in_all"].any():
        raise InputError(
            say("No customer has a referrer in the column referred_by, so there is nothing to credit.")
        )
    return found


def _rewards(scores: pd.DataFrame, costs: BaseCosts, cost: np.ndarray | None) -> RewardGrades:
    if costs.reward_budget is None:
        raise InputError(say("Reward grades are not shown: give the money for rewards as `reward_budget`."))
    known = scores if cost is None else scores.assign(cost_to_serve=cost)
    return plan_rewards(known, costs.margin, Budget(costs.reward_budget))
