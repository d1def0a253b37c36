"""A model, its scorecard, transactions and a ranking come in; the whole report goes out. Called by the commands."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from duramen.analysis.lifecycle import (
    NOT_YET,
    STEP,
    refuse_short_history,
    stage_length,
    time_in_stage,
    what_follows,
)
from duramen.analysis.migration import SegmentationAge, group_drift, segment_transitions, segmentation_drift
from duramen.analysis.portfolio_axes import DEFAULT_AXES, LOYALTY_BY_SIZE, MATRICES, Axes
from duramen.analysis.portfolio_matrices import portfolio
from duramen.analysis.price_buyers import price_sensitivity
from duramen.analysis.rising import newly_rising
from duramen.data.customers import customer_table
from duramen.data.windows import Window
from duramen.errors import InputError
from duramen.evaluation.segment_information import segment_value
from duramen.report.lifecycle import Course
from duramen.report.page import write_report
from duramen.report.segments import Renewal
from duramen.scoring.what_if import MONTH, what_if
from duramen.segments.lifecycle_stage import LAPSED_AFTER, STAGES, base_gap, lifecycle_stage

if TYPE_CHECKING:
    from duramen.analysis.ranked import Ranked
    from duramen.data.transactions import Transactions
    from duramen.scoring.model import CoreCustomerModel

Told = TypeVar("Told")

# Customers just outside the core of whom the report says what would have to change.
NEAR_CORE = 5
# The steady stage is watched for nine looks: with much fewer most times would have no end, and each one costs a
# customer table. Of so many customers a share has a standard error of half a point at most.
WATCHED, WATCHED_CUSTOMERS = 9 * STEP, 10_000


def write_model_report(
    path: str | Path,
    model: CoreCustomerModel,
    scorecard: pd.DataFrame,
    tx: Transactions,
    ranked: Ranked,
    credit: pd.Series[Any] | None = None,
    axes: Axes = DEFAULT_AXES,
) -> Path:
    """Write the report of a ranking, whole or not at all.

    Parameters
    ----------
    path : str or Path
    model : CoreCustomerModel
    scorecard : pandas.DataFrame
        ``duramen.scorecard(model.holdout_)``.
    tx : Transactions
    ranked : Ranked
        ``duramen.analysis.ranked.rank_with_markets`` of the same model and transactions.
    credit : pandas.Series, optional
        Grade or number by customer id; with it the portfolio is also by credit.
    axes : Axes
        Levels, cuts and names of the portfolio.
    """
    cutoff = ranked.ranking["cutoff"].iloc[0].date()
    earlier = cutoff - timedelta(days=model.window_.horizon)
    then = _answer(lambda: customer_table(tx, earlier))
    return write_report(
        path,
        title=f"Core customers of {Path(tx.source).name.removeprefix('dataset:')}",
        summary=tx.summary(cutoff),
        ranking=ranked.ranking,
        scorecard=scorecard,
        importance=model.importance_,
        segments=model.segment_table(ranked.ranking),
        notes=model.notes_,
        unit=model.unit_,
        cutoff=cutoff,
        horizon_days=model.window_.horizon,
        model_version=model.model_version_,
        past_value=ranked.customers.set_index("customer_id")["net_spend"],
        tiers=ranked.tiers,
        growth_weight=model.growth_weight_,
        growth_weight_curve=model.growth_weight_curve_ if model.growth_weight is None else None,
        market=ranked.market,
        rising=_rising(model, tx, then, ranked.scores, earlier),
        rising_since=earlier,
        near_core=_near_core(model, tx, ranked),
        shapes=model.shape_,
        course=_course(model, tx, then, ranked, earlier),
        renewal=_renewal(model, tx, then, ranked, earlier),
        portfolios=_portfolios(ranked, model.window_.horizon, credit, axes),
        price_led=_price_led(ranked, model.window_.horizon),
    )


def _answer(ask: Callable[[], Told]) -> Told | str:
    """Return what the analysis answers, or the sentence with which it refuses to."""
    try:
        return ask()
    except InputError as refusal:
        return str(refusal)


def _rising(
    model: CoreCustomerModel,
    tx: Transactions,
    then: pd.DataFrame | str,
    scores: pd.DataFrame,
    earlier: date,
) -> pd.DataFrame | None:
    """Return who rose since a horizon earlier, where as much history lies before that."""
    if isinstance(then, str) or (earlier - tx.first_date).days < model.window_.horizon:
        return None
    before = model.predict(then, with_reasons=False)
    try:
        return newly_rising(before, scores)
    except InputError:  # nobody of that time brought anything, then or now
        return None


def _course(
    model: CoreCustomerModel, tx: Transactions, then: pd.DataFrame | str, ranked: Ranked, earlier: date
) -> Course:
    """Return how customers passed through the stages, by the gap of the base that the ranking's stages are told by."""
    cutoff, now = _now(ranked, "lifecycle_stage")
    if not isinstance(then, str):
        refusal = _answer(lambda: refuse_short_history(tx, [earlier, cutoff], model.base_gap_))
        then = refusal if isinstance(refusal, str) else then
    moves, follows = then, None
    if not isinstance(then, str):
        stages = pd.Series(
            lifecycle_stage(then, model.base_gap_),
            index=pd.Index(then["customer_id"]),
            name="lifecycle_stage",
        )
        moves = segment_transitions(stages, now, order=STAGES, new=NOT_YET)
        follows = what_follows(tx, stages, Window(earlier, model.window_.horizon))
    watched, sampled = ranked.customers, None
    if len(watched) > WATCHED_CUSTOMERS:
        sampled = WATCHED_CUSTOMERS
        rng = np.random.default_rng(model.seed)
        watched = watched.iloc[np.sort(rng.choice(len(watched), sampled, replace=False))]
        tx = tx.of_customers(watched["customer_id"])
    # The first look lies where those of the usual pace can be lapsed. What began at the second of two looks would be
    # seen at no other: there are three at least, and where the history holds no three, the analysis refuses.
    told_from = tx.first_date + timedelta(days=math.ceil(LAPSED_AFTER * base_gap(watched)))
    looks = min(max((cutoff - told_from).days // STEP, 2), WATCHED // STEP)
    first = cutoff - timedelta(days=looks * STEP)
    lasting = _answer(lambda: stage_length(time_in_stage(tx, first, cutoff)))
    return Course(earlier, moves, follows, lasting, first, sampled)


def _renewal(
    model: CoreCustomerModel, tx: Transactions, then: pd.DataFrame | str, ranked: Ranked, earlier: date
) -> Renewal:
    """Return how the segments were chosen, how old they are, and who has moved between them."""
    cutoff, now = _now(ranked, "segment")
    segmenter, made = model.segments_, model.window_.cutoff
    numbers = segmenter.profile_["segment"].to_numpy()
    names = dict(zip(numbers.tolist(), segmenter.names(numbers).tolist(), strict=True))
    moves, drift = then, None
    if not isinstance(then, str):
        before = pd.Series(segmenter.names(segmenter.predict(then)), index=pd.Index(then["customer_id"]))
        moves, drift = segment_transitions(before, now, order=list(names.values())), group_drift(before, now)
    age: SegmentationAge | str | None = None
    if made > cutoff:
        age = f"the segments were made of the history before {made}, which is later than this ranking's day."
    elif made < cutoff:
        known = then if made == earlier else _answer(lambda: customer_table(tx, made))
        age = known if isinstance(known, str) else segmentation_drift(segmenter, known, ranked.customers)
    judged = model.holdout_.rename(columns={"past_spend": "net_spend"})
    came = judged[["customer_id", "active"]].assign(value=judged["actual_value"])
    foretells = segment_value(judged, came, judged["segment"]).verdict
    return Renewal(earlier, moves, drift, age, segmenter.candidates_, segmenter.changes_, names, foretells)


def _now(ranked: Ranked, column: str) -> tuple[date, pd.Series[Any]]:
    """Return the ranking's day, and a column of it by customer id."""
    return ranked.ranking["cutoff"].iloc[0].date(), ranked.ranking.set_index("customer_id")[column]


def _portfolios(
    ranked: Ranked, horizon: int, credit: pd.Series[Any] | None, axes: Axes
) -> dict[tuple[str, ...], pd.DataFrame | str]:
    """Return the matrix of loyalty and size, and where credit is known those with it."""

    def placed(matrix: tuple[str, ...]) -> pd.DataFrame | str:
        return _answer(lambda: portfolio(ranked.ranking, ranked.customers, horizon, matrix, credit, axes))

    return {matrix: placed(matrix) for matrix in ([LOYALTY_BY_SIZE] if credit is None else MATRICES)}


def _price_led(ranked: Ranked, horizon: int) -> pd.DataFrame | str | None:
    """Return who buys for the price, where discounts are known."""
    customers = ranked.customers
    if "discount_share" not in customers or customers["discount_share"].isna().all():
        return None
    return _answer(lambda: price_sensitivity(ranked.ranking, customers, horizon))


def _near_core(model: CoreCustomerModel, tx: Transactions, ranked: Ranked) -> pd.DataFrame | None:
    """Return what one more purchase would change for the first customers outside the core."""
    # Whoever came within the month, or on most of its days, has no room for one more purchase in it.
    table = ranked.customers
    room = table.loc[(table["T"] > MONTH) & (table["purchase_days_28"] < MONTH / 2), "customer_id"]
    ranking = ranked.ranking
    outside = ranking[
        ~ranking["tier"].isin(ranked.tiers.core_names) & ranking["customer_id"].isin(room)
    ].head(NEAR_CORE)
    if outside.empty:
        return None
    return what_if(
        model,
        tx,
        outside["customer_id"],
        scores=ranked.scores,
        tiers=ranked.tiers,
        cost_to_serve=ranked.cost,
    )
