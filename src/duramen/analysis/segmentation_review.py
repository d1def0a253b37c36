"""A model, transactions and a ranking come in; how the segments were chosen and how old they are goes out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.analysis.answers import answer_or_reason
from duramen.analysis.migration import (
    SegmentationAge,
    group_drift,
    segment_transitions,
    segmentation_drift,
)
from duramen.data.customers import customer_table
from duramen.evaluation.segment_information import segment_value
from duramen.language import say

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions
    from duramen.scoring.customer_ranking import Ranked
    from duramen.scoring.model import CoreCustomerModel


@dataclass(frozen=True)
class SegmentationReview:
    """Whether the segments are well founded and up to date.

    Attributes
    ----------
    earlier : date
        The cutoff from which the transitions start.
    transitions : pandas.DataFrame or str
        What ``segment_transitions`` returns of the segments at ``earlier`` and at the ranking's cutoff, both by the
        model's segmenter, or the sentence that says why there is none.
    drift : pandas.Series or None
        What ``group_drift`` returns of them; None where there are no transitions.
    age : SegmentationAge, str or None
        How old the segmentation is, or why that is not known; None where it was made at the ranking's cutoff.
    candidates, changes : pandas.DataFrame
        Those of the ``BehaviouralSegmenter``: how it was chosen, and how its segments match those of the previous
        model (no rows where there was none).
    names : dict of int to str
        Names of the segments by number.
    information : str
        What the segments of the holdout say about later value and activity, in sentences.
    """

    earlier: date
    transitions: pd.DataFrame | str
    drift: pd.Series[Any] | None
    age: SegmentationAge | str | None
    candidates: pd.DataFrame
    changes: pd.DataFrame
    names: dict[int, str]
    information: str


def review_segmentation(
    model: CoreCustomerModel,
    tx: Transactions,
    ranked: Ranked,
    earlier: date,
    customers_then: pd.DataFrame | str,
) -> SegmentationReview:
    """Return how the segments of a model were chosen, how old they are and which customers changed segment.

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
    segmenter = model.segments_
    numbers = segmenter.profile_["segment"].to_numpy()
    names = dict(zip(numbers.tolist(), segmenter.names(numbers).tolist(), strict=True))
    transitions: pd.DataFrame | str
    if isinstance(customers_then, str):
        transitions, drift = customers_then, None
    else:
        ids, now = pd.Index(customers_then["customer_id"]), ranked.of("segment")
        then = pd.Series(segmenter.names(segmenter.predict(customers_then)), index=ids)
        transitions = segment_transitions(then, now, order=list(names.values()))
        drift = group_drift(then, now)
    return SegmentationReview(
        earlier=earlier,
        transitions=transitions,
        drift=drift,
        age=_age(model, tx, ranked, earlier, customers_then),
        candidates=segmenter.candidates_,
        changes=segmenter.changes_,
        names=names,
        information=_information(model.holdout_),
    )


def _age(
    model: CoreCustomerModel,
    tx: Transactions,
    ranked: Ranked,
    earlier: date,
    customers_then: pd.DataFrame | str,
) -> SegmentationAge | str | None:
    made = model.window_.cutoff
    if made > ranked.cutoff:
        return say(
            "the segments were made from the history before {day}, which is later than this ranking's cutoff.",
            day=made,
        )
    if made == ranked.cutoff:
        return None
    known = customers_then if made == earlier else answer_or_reason(lambda: customer_table(tx, made))
    return known if isinstance(known, str) else segmentation_drift(model.segments_, known, ranked.customers)


def _information(holdout: pd.DataFrame) -> str:
    customers = holdout.rename(columns={"past_spend": "net_spend"})
    outcomes = customers[["customer_id", "active"]].assign(value=customers["actual_value"])
    return str(segment_value(customers, outcomes, customers["segment"]).verdict)
