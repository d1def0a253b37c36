"""How segments were chosen and how old they are comes in; sentences, rows and drawings of it go out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.analysis.migration import GONE, MUCH_DRIFT, NEW, SOME_DRIFT
from duramen.report.lifecycle import TransitionSection, transition_section
from duramen.report.numbers import DASH, count, day, sentence_of, share
from duramen.segments.clustering import FEWEST, MOST, SMALLEST_SHARE, STABLE

if TYPE_CHECKING:
    from duramen.analysis.segmentation_review import SegmentationReview

DRIFT = {
    "none": "no drift",
    "some": "some drift",
    "much": "much drift",
    "within chance": "no more drift than chance explains with so few customers",
}
CRITERIA = (
    f"Stability: agreement of the segments of resampled customers (adjusted Rand index, at most 1; at least {STABLE:g} "
    f"is required). Separation: mean silhouette, at most 1. A candidate is ruled out if it has fewer than {FEWEST} "
    f"segments, more than {MOST} or one below {share(SMALLEST_SHARE, 0)} of the customers, or if assigning customers "
    "to the nearest centre does not give the same segments."
)


@dataclass(frozen=True)
class SegmentationSection:
    """What the page says of the segmentation.

    Parameters
    ----------
    age : str
        How old it is, and how many customers would be in another segment today.
    transitions : TransitionSection
    drift : str
        How far the sizes of the segments have moved; empty where that is not known.
    criteria : str
        How candidates were compared.
    candidates, changes : list of dict
        Rows of the page.
    information : str
        What the segments of the holdout say about later value and activity.
    """

    age: str
    transitions: TransitionSection
    drift: str
    criteria: str
    candidates: list[dict[str, Any]]
    changes: list[dict[str, Any]]
    information: str


def segmentation_section(review: SegmentationReview, cutoff: date) -> SegmentationSection:
    """Return how the segments were chosen, how old they are and which customers changed segment.

    Parameters
    ----------
    review : SegmentationReview
    cutoff : date
        The day of the ranking.

    Returns
    -------
    SegmentationSection
    """
    if review.age is None:
        age = f"This segmentation was made at this cutoff, {day(cutoff)}."
    else:
        age = sentence_of(str(review.age))
    return SegmentationSection(
        age=age,
        transitions=transition_section(
            review.transitions, review.earlier, cutoff, "segment", outside=(NEW, GONE)
        ),
        drift="" if review.drift is None else _drift(review.drift, made_today=review.age is None),
        criteria=CRITERIA,
        candidates=[_candidate(row) for row in review.candidates.to_dict("records")],
        changes=[_change(row, review.names) for row in review.changes.to_dict("records")],
        information=sentence_of(review.information),
    )


def _drift(drift: pd.Series[Any], *, made_today: bool) -> str:
    # Segments made today include the drift.
    advice = "Form the segments again. " if drift["drift"] == "much" and not made_today else ""
    return (
        f"Sizes of segments: {DRIFT[drift['drift']]} (population stability index {drift['psi']:.3f}; {SOME_DRIFT:g} or "
        f"more is some, {MUCH_DRIFT:g} or more is much). {advice}Sizes alone do not show which customers changed "
        "segment."
    )


def _candidate(row: dict[Any, Any]) -> dict[str, Any]:
    """Return a candidate as a row with the reason it was chosen or not; a saved model has None for what is missing."""
    known = pd.notna(row["stability"])
    result = "ruled out"
    if row["chosen"]:
        result = "chosen" if row["eligible"] else "chosen, as the most stable"
    elif row["eligible"]:
        result = "eligible"
    elif known:
        result = f"stability below {STABLE:g}"
    # Three decimals, so that 0.797 does not read as 0.8, which passes.
    figures = {name: f"{row[name]:.3f}" if known else DASH for name in ("stability", "separation")}
    shown = {name: row[name] for name in ("method", "segments", "smallest_share", "chosen")}
    return shown | figures | {"result": result}


def _change(row: dict[Any, Any], names: dict[int, str]) -> dict[str, Any]:
    previous = str(row["previous"])
    changes = {
        "kept": f"kept, segment {previous} before",
        "split": f"split from segment {previous}",
        "merged": f"merged from segments {previous}",
        "new": "new",
        "gone": "gone",
    }
    gone = row["change"] == "gone"
    return {
        "name": f"previous segment {row['segment']}"
        if gone
        else names.get(row["segment"], str(row["segment"])),
        "change": changes[row["change"]],
        "overlap": row["overlap"],
        "customers": count(row["customers"]) + (" before" if gone else ""),
    }
