"""A model, transactions and a ranking come in; how customers passed through the life-cycle stages goes out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from duramen.analysis.answers import answer_or_reason
from duramen.analysis.lifecycle import (
    NOT_YET,
    STEP,
    StageLength,
    refuse_short_history,
    stage_length,
    time_in_stage,
    what_follows,
)
from duramen.analysis.migration import segment_transitions
from duramen.data.windows import Window
from duramen.segments.lifecycle_stage import STAGES

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions
    from duramen.scoring.customer_ranking import Ranked
    from duramen.scoring.model import CoreCustomerModel

# Over nine steps most times in the steady stage begin and end; each step needs one customer table.
OBSERVED_DAYS = 9 * STEP
# The standard error of a share of so many customers is half a percentage point at most.
OBSERVED_CUSTOMERS = 10_000


@dataclass(frozen=True)
class StageHistory:
    """How customers passed through the stages; where the history is too short, the sentence that says so.

    Attributes
    ----------
    earlier : date
        The cutoff from which the transitions start.
    transitions : pandas.DataFrame or str
        What ``segment_transitions`` returns of the stages at ``earlier`` and at the ranking's cutoff.
    outcomes : pandas.DataFrame or None
        What ``what_follows`` returns of the stages at ``earlier``; None where there are no transitions.
    steady : StageLength or str
        How long the steady stage lasts.
    observed_from : date
        The first day on which ``steady`` may rest.
    sampled : int or None
        Number of customers of whom ``steady`` is, drawn at random; None where it is of all customers.
    """

    earlier: date
    transitions: pd.DataFrame | str
    outcomes: pd.DataFrame | None
    steady: StageLength | str
    observed_from: date
    sampled: int | None = None


def stage_history(
    model: CoreCustomerModel,
    tx: Transactions,
    ranked: Ranked,
    earlier: date,
    customers_then: pd.DataFrame | str,
) -> StageHistory:
    """Return how customers passed through the stages between an earlier cutoff and that of a ranking.

    The model of the ranking forecasts at each cutoff.

    Parameters
    ----------
    model : CoreCustomerModel
    tx : Transactions
    ranked : Ranked
        The ranking of the same model and transactions.
    earlier : date
        The earlier cutoff.
    customers_then : pandas.DataFrame or str
        ``customer_table`` at the earlier cutoff, or the sentence that says why there is none.
    """
    transitions, outcomes = _transitions(model, tx, ranked, earlier, customers_then)
    observed, sampled = _observed(ranked.customers, model.seed)
    days = tx if sampled is None else tx.of_customers(observed["customer_id"])
    first = first_observed_day(tx, ranked.cutoff, model.window_.horizon)
    steady = answer_or_reason(lambda: stage_length(time_in_stage(model, days, first, ranked.cutoff)))
    return StageHistory(earlier, transitions, outcomes, steady, first, sampled)


def _transitions(
    model: CoreCustomerModel,
    tx: Transactions,
    ranked: Ranked,
    earlier: date,
    customers_then: pd.DataFrame | str,
) -> tuple[pd.DataFrame | str, pd.DataFrame | None]:
    """Return the transitions and what the customers of each earlier stage brought, or why neither is known."""
    if isinstance(customers_then, str):
        return customers_then, None
    horizon = model.window_.horizon
    refusal = answer_or_reason(lambda: refuse_short_history(tx, [earlier, ranked.cutoff], horizon))
    if isinstance(refusal, str):
        return refusal, None
    scores = model.predict(customers_then, with_reasons=False)
    then, now = scores.set_index("customer_id")["lifecycle_stage"], ranked.of("lifecycle_stage")
    outcomes = what_follows(tx, then, Window(earlier, horizon))
    return segment_transitions(then, now, order=STAGES, new=NOT_YET), outcomes


def _observed(customers: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, int | None]:
    """Return the customers to observe, and how many were drawn where there are more than ``OBSERVED_CUSTOMERS``."""
    if len(customers) <= OBSERVED_CUSTOMERS:
        return customers, None
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(customers), OBSERVED_CUSTOMERS, replace=False))
    return customers.iloc[rows], OBSERVED_CUSTOMERS


def first_observed_day(tx: Transactions, cutoff: date, horizon: int) -> date:
    """Return the day from which stages are observed every ``STEP`` days up to the cutoff.

    It is the first day with a horizon of history before it, but at most ``OBSERVED_DAYS`` and at least two steps before
    the cutoff: with one step no time in a stage could begin and end.
    """
    known_from = tx.first_date + timedelta(days=horizon)
    steps = min(max((cutoff - known_from).days // STEP, 2), OBSERVED_DAYS // STEP)
    return cutoff - timedelta(days=steps * STEP)
