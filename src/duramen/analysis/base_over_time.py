"""Transactions and two periods come in; all that is known of the customer base over time goes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from duramen.analysis.acquisition_cohorts import AcquisitionCohorts, retention_by_cohort
from duramen.analysis.answers import answer_or_reason
from duramen.analysis.base_costs import (
    ECONOMIC_TABLES,
    NO_COSTS,
    BaseCosts,
    BaseEconomics,
    economics_of_base,
    without_model,
)
from duramen.analysis.base_structure import QUARTER, BaseStructure, structure_over_time
from duramen.analysis.campaigns import Campaign, CampaignEffect, campaign_effect
from duramen.analysis.periods import in_words
from duramen.analysis.revenue_change import RevenueChange, explain_revenue_change
from duramen.data.customers import customer_table
from duramen.data.windows import Window, parse_day
from duramen.errors import InputError
from duramen.language import say

if TYPE_CHECKING:
    import pandas as pd

    from duramen.data.transactions import Transactions
    from duramen.scoring.model import CoreCustomerModel

# The names of all tables that a result may have.
TABLES = (
    "revenue_change", "missing_money", "structure", "core_flows", "largest_customers", "cohorts", "cohorts_over_time",
    "campaign_average", "campaign_customers", "qini_curve", *ECONOMIC_TABLES,
)  # fmt: skip


@dataclass(frozen=True)
class CustomerBase:
    """What happened to a customer base; a part that the data cannot show is the sentence that says why.

    Attributes
    ----------
    source : str
        Where the transactions came from.
    unit : str
        Unit of money.
    before, after : Window
        The two periods whose revenue is compared.
    change : RevenueChange
        Why revenue changed.
    structure : BaseStructure or str
        Average value, core and concentration, over periods of this length.
    cohorts : AcquisitionCohorts or str
        Retention and value of new customers by the time of their first purchase.
    economics : BaseEconomics
        What customers leave after costs, and what keeping and rewarding them earns.
    campaign : CampaignEffect or str
        What a randomised campaign changed until the end of the second period.
    """

    source: str
    unit: str
    before: Window
    after: Window
    change: RevenueChange
    structure: BaseStructure | str
    cohorts: AcquisitionCohorts | str
    economics: BaseEconomics
    campaign: CampaignEffect | str

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return every table by the name of its file."""
        found = {"revenue_change": self.change.parts, "missing_money": self.change.missing}
        if isinstance(self.structure, BaseStructure):
            found |= {
                "structure": self.structure.periods,
                "core_flows": self.structure.flows,
                "largest_customers": self.structure.dependence.losses,
            }
        if isinstance(self.cohorts, AcquisitionCohorts):
            found |= {"cohorts": self.cohorts.cohorts, "cohorts_over_time": self.cohorts.triangle}
        if isinstance(self.campaign, tuple):
            found |= {
                "campaign_average": self.campaign.average,
                "campaign_customers": self.campaign.by_customer,
                "qini_curve": self.campaign.qini.curve,
            }
        return found | self.economics.tables()


def compared_periods(
    tx: Transactions, first_day: date | str | None = None, last_day: date | str | None = None
) -> tuple[Window, Window]:
    """Return the period from a first to a last day, both included, after the period before it, as long.

    Without days it is the last 91 days of the transactions.

    Raises
    ------
    InputError
        If the last day is before the first, or a period reaches beyond the transactions.

    Examples
    --------
    >>> from duramen.data.datasets import cdnow
    >>> from duramen.data.reading import read_transactions
    >>> [str(period) for period in compared_periods(read_transactions(cdnow()), "1998-04-01", "1998-06-30")]
    ['91 days from 1997-12-31', '91 days from 1998-04-01']
    """
    end = (tx.last_date if last_day is None else parse_day(last_day)) + timedelta(days=1)
    start = end - timedelta(days=QUARTER) if first_day is None else parse_day(first_day)
    if start >= end:
        raise InputError(f"the period from {start} ends on {end - timedelta(days=1)}; give a later last day.")
    after = Window(start, (end - start).days)
    before = after.earlier(after.horizon)
    if before.cutoff < tx.first_date or after.end > tx.last_date + timedelta(days=1):
        raise InputError(
            say(
                "{source} has orders from {first} to {last}, which do not cover the {before} and the {after}; choose "
                "days so that the period, and the one before it, are inside the orders.",
                source=tx.source,
                first=tx.first_date,
                last=tx.last_date,
                before=in_words(before),
                after=in_words(after),
            )
        )
    return before, after


def customer_base(
    tx: Transactions,
    before: Window,
    after: Window,
    model: CoreCustomerModel | None = None,
    costs: BaseCosts = NO_COSTS,
    *,
    complete_history: bool = False,
    campaign: Campaign | None = None,
    referred_by: Callable[[pd.Series[Any]], pd.Series[Any]] | None = None,
    scores: pd.DataFrame | None = None,
    seed: int = 0,
) -> CustomerBase:
    """Return why revenue changed, and structure, cohorts and economics of the base at the end of the second period.

    Parameters
    ----------
    tx : Transactions
    before, after : Window
        Two periods of equal length, such as ``compared_periods`` returns.
    model : CoreCustomerModel, optional
        Trained before the end of ``after``. Without it nothing is said of what customers will bring.
    costs : BaseCosts
    complete_history : bool
        Whether the transactions begin with the business, so that every first purchase is in them.
    campaign : Campaign, optional
        Who was treated and who was not, and when; its cost for each customer is the contact cost of the offer.
    referred_by : callable, optional
        Gets ids of customers and returns who referred them, by customer id.
    scores : pandas.DataFrame, optional
        Forecasts for the next period, as long as the second one, if they are known, such as the ranking at its end.
    seed : int
        Of resamples.

    Raises
    ------
    InputError
        If the periods are not inside the transactions or of different length, the model knows later days, or the
        campaign has no day inside of them.
    """
    if campaign is not None:
        _refuse_other_days(campaign, tx, after)
    if model is not None and model.window_.cutoff > after.end:
        raise InputError(
            f"the model learned from orders until {model.window_.cutoff}, after the end of the period on "
            f"{after.end}; give "
            "a model that was trained earlier, or a later period."
        )
    change = explain_revenue_change(tx, before, after, model if _fits(model, after) else None, scores)
    if model is not None and not _fits(model, after):
        change = replace(
            change,
            notes=(
                *change.notes,
                say(
                    "The model forecasts {days} days and the period has {days_of_period}: all figures of costs are "
                    "over the horizon of the model.",
                    days=model.window_.horizon,
                    days_of_period=after.horizon,
                ),
            ),
        )
    return CustomerBase(
        source=tx.source,
        unit=tx.unit,
        before=before,
        after=after,
        change=change,
        structure=answer_or_reason(
            lambda: structure_over_time(tx, after.horizon, cutoff=after.end, seed=seed)
        ),
        cohorts=answer_or_reason(
            lambda: retention_by_cohort(
                tx,
                cutoff=after.end,
                acquisition_cost=costs.acquisition,
                margin=costs.margin,
                complete_history=complete_history,
            )
        ),
        economics=without_model() if model is None else _economics(tx, after, model, costs, referred_by),
        campaign=answer_or_reason(lambda: _campaign(tx, after, campaign, costs, seed)),
    )


def _fits(model: CoreCustomerModel | None, after: Window) -> bool:
    """Return whether the model can say what comes back: it forecasts a period as long, and knows nothing later."""
    return model is not None and model.window_.horizon == after.horizon and model.window_.cutoff <= after.end


def _refuse_other_days(campaign: Campaign, tx: Transactions, after: Window) -> None:
    if campaign.day is None:
        raise InputError(f"{campaign.source} has no column date; add it, with the day of the campaign.")
    if not tx.first_date < campaign.day < after.end:
        raise InputError(
            f"{campaign.source} is of {campaign.day}, which is not between {tx.first_date} and {after.end}, the "
            "first day "
            "of the orders and the end of the period; give a campaign of a day between them."
        )


def _campaign(
    tx: Transactions, after: Window, campaign: Campaign | None, costs: BaseCosts, seed: int
) -> CampaignEffect:
    if campaign is None:
        raise InputError(
            say(
                "The effect of a campaign is not known: give a randomised campaign, with treated customers and a "
                "control group, as `campaign`."
            )
        )
    # The effect is in net money, of which the margin pays the contact.
    assert campaign.day is not None
    cost = None if costs.offer is None else costs.offer.contact_cost / costs.margin
    return campaign_effect(tx, campaign, (after.end - campaign.day).days, cost=cost, seed=seed)


def _economics(
    tx: Transactions,
    after: Window,
    model: CoreCustomerModel,
    costs: BaseCosts,
    referred_by: Callable[[pd.Series[Any]], pd.Series[Any]] | None,
) -> BaseEconomics:
    customers = customer_table(tx, after.end)
    scores = model.predict(customers, with_reasons=False)
    known = None if referred_by is None else referred_by(scores["customer_id"])
    return economics_of_base(scores, customers, model, costs, known, after.horizon)
