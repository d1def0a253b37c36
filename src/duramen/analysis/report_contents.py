"""A model, transactions and a ranking come in; the tables that the report shows go out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.analysis.answers import answer_or_reason
from duramen.analysis.base_over_time import CustomerBase, compared_periods, customer_base
from duramen.analysis.base_structure import QUARTER
from duramen.analysis.churn_by_segment import churn_by_segment
from duramen.analysis.core_summary import (
    CoreSummary,
    core_members,
    ranked_value,
    summarise_core,
    sums_by_group,
    value_curve,
)
from duramen.analysis.customer_details import CustomerDetails, customer_details
from duramen.analysis.forecast_quality import ForecastQuality, forecast_quality
from duramen.analysis.lifecycle_history import StageHistory, stage_history
from duramen.analysis.lists import (
    ByContact,
    CustomerLists,
    by_contact,
    call_list,
    customer_lists,
    lapsed_left_out,
)
from duramen.analysis.near_core import what_if_near_core
from duramen.analysis.portfolio_axes import DEFAULT_AXES, LOYALTY_BY_SIZE, MATRICES, Axes
from duramen.analysis.portfolio_matrices import portfolio
from duramen.analysis.price_buyers import price_sensitivity
from duramen.analysis.report_summary import Step, summary_steps
from duramen.analysis.scenario_summary import ScenarioSummary, summarise_scenario
from duramen.analysis.segmentation_review import SegmentationReview, review_segmentation
from duramen.analysis.who_rose import rose_since
from duramen.data.customers import customer_table
from duramen.data.windows import Window
from duramen.errors import InputError
from duramen.evaluation.scorecards import scorecard
from duramen.forecast.elasticities import MarketElasticities
from duramen.language import say
from duramen.scoring.customer_ranking import rank_with_inputs
from duramen.scoring.model_summary import total_sentence
from duramen.scoring.ranking import tier_table
from duramen.scoring.tiers import DEFAULT_TIERS, Tiers
from duramen.scoring.treatments import treatment_table
from duramen.segments.lifecycle_stage import STAGES

if TYPE_CHECKING:
    from duramen.data.customer_file import CustomerFile
    from duramen.data.summary import DataSummary
    from duramen.data.transactions import Transactions
    from duramen.scoring.customer_ranking import Ranked
    from duramen.scoring.market_scenarios import MarketScenario
    from duramen.scoring.model import CoreCustomerModel


# So many customers of the call list are looked at with one more purchase, as many as the page names.
CALLED = 10


@dataclass(frozen=True)
class ReportTables:
    """What a report shows; what is None has no section in it.

    Attributes
    ----------
    title : str
        Title of the report, such as the name of the business.
    summary : DataSummary
        ``Transactions.summary``: rows, customers, dates and money of the source.
    ranking : pandas.DataFrame
        What ``rank_core_customers`` returns; money in ``unit`` over the horizon. With ``cost_to_serve`` the core and
        the tiers are by value after cost. It has ``core_in`` where ``market`` is identified.
    scorecard : pandas.DataFrame
        What ``scorecard`` returns; may have no rows.
    importance : pandas.DataFrame
        ``CoreCustomerModel.importance_``; may have no rows.
    segments : pandas.DataFrame
        What ``CoreCustomerModel.segment_table`` returns; may have no rows.
    notes : list of str
        What the data could not support in this run, in sentences.
    unit : str
        Unit of money, such as ``"GBP"``.
    cutoff : date
        First day of the horizon; the history ends the day before.
    horizon_days : int
        Length of the horizon, in days.
    model_version : str
    total : str
        The expected total with its interval, in a few words; empty where a model did not keep it.
    season : float, optional
        By which share the season of the horizon changes the forecast of all customers, where it is known.
    past_value : pandas.Series, optional
        Net money of the whole history by customer id.
    tiers : Tiers
        The tiers of the ranking.
    growth_weight : float, optional
        Weight of growth in the score.
    growth_weight_curve : pandas.DataFrame, optional
        ``CoreCustomerModel.growth_weight_curve_``; None where the weight was given by the user.
    market : MarketElasticities, optional
        Responses of customers to the market.
    scenario : ScenarioSummary, optional
        The core of a stated scenario; ``core_in`` of the ranking is then of it.
    rose : pandas.DataFrame, optional
        What ``customers_who_rose`` returns.
    rose_since : date, optional
        The earlier cutoff of ``rose``.
    near_core : pandas.DataFrame, optional
        What ``what_if`` returns of customers just below the core.
    dependence : pandas.DataFrame, optional
        ``CoreCustomerModel.dependence_``: how predictions move with each feature.
    lifecycle : StageHistory, optional
        How customers passed through the stages.
    segmentation : SegmentationReview, optional
        How the segments were chosen and how old they are.
    portfolios : mapping of tuple of str to DataFrame or str, optional
        By axes, what ``portfolio`` returns or the sentence that says why there is none.
    price_sensitivity : pandas.DataFrame or str, optional
        What ``price_sensitivity`` returns or the sentence that says why there is none.
    base : CustomerBase or str, optional
        The customer base of the last 91 days beside the 91 before, or the sentence that says why there is none.
    quality : ForecastQuality, optional
        How good the forecasts of the holdout were.
    churn : pandas.DataFrame, optional
        What ``churn_by_segment`` returns.
    details : CustomerDetails, optional
        What is known of each customer beside the ranking.

    Raises
    ------
    ValueError
        If the ranking has no rows, or the rows read are not the rows used and the rows set aside.
    """

    title: str
    summary: DataSummary
    ranking: pd.DataFrame
    scorecard: pd.DataFrame
    importance: pd.DataFrame
    segments: pd.DataFrame
    notes: list[str]
    unit: str
    cutoff: date
    horizon_days: int
    model_version: str
    total: str = ""
    season: float | None = None
    past_value: pd.Series[float] | None = None
    tiers: Tiers = DEFAULT_TIERS
    growth_weight: float | None = None
    growth_weight_curve: pd.DataFrame | None = None
    market: MarketElasticities | None = None
    scenario: ScenarioSummary | None = None
    rose: pd.DataFrame | None = None
    rose_since: date | None = None
    near_core: pd.DataFrame | None = None
    dependence: pd.DataFrame | None = None
    lifecycle: StageHistory | None = None
    segmentation: SegmentationReview | None = None
    portfolios: Mapping[tuple[str, ...], pd.DataFrame | str] | None = None
    price_sensitivity: pd.DataFrame | str | None = None
    base: CustomerBase | str | None = None
    quality: ForecastQuality | None = None
    churn: pd.DataFrame | None = None
    details: CustomerDetails | None = None

    @cached_property
    def core(self) -> CoreSummary:
        """The core set in figures."""
        return summarise_core(self.ranking, self.tiers, self.past_value)

    @cached_property
    def core_customers(self) -> pd.DataFrame:
        """The rows of the ranking that are core."""
        return self.ranking[core_members(self.ranking, self.tiers)]

    @cached_property
    def curve(self) -> pd.DataFrame:
        """The cumulative share of value by share of customers; needs a core."""
        return value_curve(ranked_value(self.ranking), self.core.size)

    @cached_property
    def by_tier(self) -> pd.DataFrame:
        """Customers, value and service of each tier."""
        return tier_table(self.ranking, self.tiers)

    @cached_property
    def by_stage(self) -> pd.DataFrame:
        """Customers, value and activity of each life-cycle stage."""
        return sums_by_group(self.ranking, "lifecycle_stage", STAGES)

    @cached_property
    def by_treatment(self) -> pd.DataFrame:
        """For whom each treatment is, and what is at stake."""
        return treatment_table(self.ranking)

    @cached_property
    def lists(self) -> CustomerLists:
        """Whom to call, whom to win back and who is below break-even, by expected loss.

        The call list has the customers whom people contact; ``write_to`` has the others.
        """
        made = customer_lists(self.ranking, tiers=self.tiers)
        return made._replace(call=self._may_leave.personal)

    @cached_property
    def write_to(self) -> pd.DataFrame:
        """Customers who may leave and get an automated e-mail, by expected loss."""
        return self._may_leave.automated

    @cached_property
    def lapsed_left_out(self) -> pd.DataFrame:
        """How many lapsed customers are not on the win-back list, and why."""
        return lapsed_left_out(self.ranking, self.tiers)

    @cached_property
    def _may_leave(self) -> ByContact:
        return by_contact(call_list(self.ranking, tiers=self.tiers))

    def steps(self) -> list[Step]:
        """Return what happened and what to do, in the language that is set."""
        rose = None if self.rose is None else len(self.rose)
        return summary_steps(
            self.ranking,
            self.unit,
            self.lists,
            self.base,
            self.quality,
            rose,
            self.scorecard,
            self.total,
            self.summary,
        )

    def __post_init__(self) -> None:
        if self.ranking.empty:
            raise ValueError("the ranking has no rows, so there is nothing to report")
        read = self.summary
        lost = read.rows_in - read.rows_used - sum(read.set_aside.values())
        if lost:
            raise ValueError(f"rows in differ from rows used and rows set aside by {lost}")


def tables_of_model(
    model: CoreCustomerModel,
    tx: Transactions,
    *,
    cutoff: date | str | None = None,
    customer_file: CustomerFile | None = None,
    tiers: Tiers | None = None,
    cost_to_serve: pd.Series[float] | None = None,
    axes: Axes = DEFAULT_AXES,
    scenario: MarketScenario | None = None,
    market_index: Any = None,
) -> ReportTables:
    """Rank the customers of transactions by a model, and return the tables of the report.

    Parameters are those of ``duramen.write_report``; the customer file is read already.
    """
    customers = customer_table(tx, model.window_.cutoff if cutoff is None else cutoff)
    ranked = rank_with_inputs(
        model, tx, customers, cost_to_serve, tiers, scenario=scenario, market_index=market_index
    )
    credit = None
    if customer_file is not None and "credit" in customer_file.table:
        credit = customer_file.of("credit", customers["customer_id"])
    return report_tables(model, tx, ranked, scorecard(model.holdout_), credit=credit, axes=axes)


def report_tables(
    model: CoreCustomerModel,
    tx: Transactions,
    ranked: Ranked,
    card: pd.DataFrame,
    *,
    credit: pd.Series[Any] | None = None,
    axes: Axes = DEFAULT_AXES,
) -> ReportTables:
    """Return the tables of the report on a ranking.

    Parameters
    ----------
    model : CoreCustomerModel
    tx : Transactions
    ranked : Ranked
        What ``rank_with_inputs`` returns of the same model and transactions.
    card : pandas.DataFrame
        ``scorecard(model.holdout_)``.
    credit : pandas.Series, optional
        Grade or number by customer id; with it the portfolio is also by credit.
    axes : Axes
        Levels, cuts and names of the portfolio.
    """
    # Orders may not say their unit, which the model knows.
    tx = replace(tx, unit=model.unit_)
    horizon = model.window_.horizon
    earlier = ranked.cutoff - timedelta(days=horizon)
    then = answer_or_reason(lambda: customer_table(tx, earlier))
    near_core = what_if_near_core(model, tx, ranked)
    named = [*_first_to_call(ranked), *([] if near_core is None else near_core["customer_id"])]
    return ReportTables(
        title=say("Core customers of {source}", source=Path(tx.source).name.removeprefix("dataset:")),
        summary=tx.summary(ranked.cutoff),
        ranking=ranked.ranking,
        scorecard=card,
        importance=model.importance_,
        segments=model.segment_table(ranked.ranking),
        notes=model.notes_,
        unit=model.unit_,
        cutoff=ranked.cutoff,
        horizon_days=horizon,
        model_version=model.model_version_,
        total=total_sentence(model.forecast_),
        season=model.forecast_.season_ if ranked.cutoff == model.window_.cutoff else None,
        past_value=ranked.customers.set_index("customer_id")["net_spend"],
        tiers=ranked.tiers,
        growth_weight=model.growth_weight_,
        growth_weight_curve=model.growth_weight_curve_ if model.growth_weight is None else None,
        market=ranked.market,
        scenario=_scenario(ranked),
        rose=rose_since(model, tx, ranked.scores, earlier, then),
        rose_since=earlier,
        near_core=near_core,
        dependence=model.dependence_,
        lifecycle=stage_history(model, tx, ranked, earlier, then),
        segmentation=review_segmentation(model, tx, ranked, earlier, then),
        portfolios=_portfolios(ranked, horizon, credit, axes),
        price_sensitivity=_price_sensitivity(ranked, horizon),
        base=answer_or_reason(lambda: _base(tx, ranked, horizon)),
        quality=forecast_quality(model.holdout_),
        churn=churn_by_segment(model, tx, ranked, earlier, then),
        details=customer_details(model, tx, ranked, named=named),
    )


def _first_to_call(ranked: Ranked) -> list[str]:
    """Return the ids of the first customers of the call list."""
    call = by_contact(call_list(ranked.ranking, tiers=ranked.tiers)).personal
    return list(call["customer_id"].head(CALLED))


def _base(tx: Transactions, ranked: Ranked, horizon: int) -> CustomerBase:
    """Return what happened to the customer base in the last 91 days before the cutoff."""
    last_day = min(ranked.cutoff - timedelta(days=1), tx.last_date)
    known = (last_day - tx.first_date).days + 1
    if known < 2 * QUARTER:
        raise InputError(
            say(
                "The orders cover {known} days: from {needed} on, this section shows why revenue changed between the "
                "last {days} days and those before.",
                known=known,
                needed=2 * QUARTER,
                days=QUARTER,
            )
        )
    before, after = compared_periods(tx, last_day=last_day)
    forecast = Window(ranked.cutoff, horizon)
    scores = ranked.ranking if forecast == Window(after.end, after.horizon) else None
    return customer_base(tx, before, after, scores=scores)


def _scenario(ranked: Ranked) -> ScenarioSummary | None:
    """Return the core of the stated scenario, where there is one."""
    if ranked.scenario is None:
        return None
    return summarise_scenario(ranked.markets, ranked.scenario, ranked.tiers.core_share)


def _portfolios(
    ranked: Ranked, horizon: int, credit: pd.Series[Any] | None, axes: Axes
) -> dict[tuple[str, ...], pd.DataFrame | str]:
    """Return the matrix of loyalty and size, and where credit is known those with it."""

    def matrix(names: tuple[str, ...]) -> pd.DataFrame | str:
        return answer_or_reason(
            lambda: portfolio(ranked.ranking, ranked.customers, horizon, names, credit, axes)
        )

    return {names: matrix(names) for names in ([LOYALTY_BY_SIZE] if credit is None else MATRICES)}


def _price_sensitivity(ranked: Ranked, horizon: int) -> pd.DataFrame | str | None:
    """Return who buys at a discount, where discounts are known."""
    customers = ranked.customers
    if "discount_share" not in customers or customers["discount_share"].isna().all():
        return None
    return answer_or_reason(lambda: price_sensitivity(ranked.ranking, customers, horizon))
