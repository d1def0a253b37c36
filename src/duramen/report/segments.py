"""How segments were chosen and how old they are comes in; sentences, rows and drawings of it go out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.analysis.joined import in_a_row
from duramen.analysis.migration import GONE, MUCH_DRIFT, NEW, SOME_DRIFT
from duramen.language import Sentence, marked, say, translated
from duramen.report.lifecycle import TransitionSection, transition_section
from duramen.report.numbers import DASH, count, day, sentence_of, share
from duramen.segments.clustering import BEST_KEPT, FEWEST, MOST, SMALLEST_SHARE, STABLE
from duramen.segments.names_in_words import segment_in_words

if TYPE_CHECKING:
    from duramen.analysis.segmentation_review import SegmentationReview

DRIFT = {
    "none": marked("no drift"),
    "some": marked("some drift"),
    "much": marked("much drift"),
    "within chance": marked("no more drift than chance explains with so few customers"),
}


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
        age: str = say("This segmentation was made at this cutoff, {day}.", day=day(cutoff))
    else:
        age = sentence_of(str(review.age))
    return SegmentationSection(
        age=age,
        transitions=transition_section(
            review.transitions, review.earlier, cutoff, "segment", outside=(NEW, GONE)
        ),
        drift="" if review.drift is None else _drift(review.drift, made_today=review.age is None),
        criteria=_criteria(),
        candidates=[_candidate(row) for row in review.candidates.to_dict("records")],
        changes=[_change(row, review.names) for row in review.changes.to_dict("records")],
        information=sentence_of(review.information),
    )


def _drift(drift: pd.Series[Any], *, made_today: bool) -> str:
    sizes = say(
        "Sizes of segments: {drift} (population stability index {psi}; {some} or more is some, {much} or more is "
        "much).",
        drift=say(DRIFT[drift["drift"]]),
        psi=f"{drift['psi']:.3f}",
        some=f"{SOME_DRIFT:g}",
        much=f"{MUCH_DRIFT:g}",
    )
    # Segments made today include the drift.
    advice = [say("Form the segments again.")] if drift["drift"] == "much" and not made_today else []
    return in_a_row([sizes, *advice, say("Sizes alone do not show which customers changed segment.")])


def _criteria() -> Sentence:
    return say(
        "Stability: agreement of the segments of resampled customers (adjusted Rand index, at most 1; at least "
        "{stable} is required). Separation: mean silhouette, at most 1. A candidate is ruled out if it has fewer than "
        "{fewest} segments, more than {most} or one below {share} of the customers, or if assigning customers to the "
        "nearest centre does not give the same segments. Of the others, the one with the most segments is chosen that "
        "is at least {kept} times as stable and as well separated as the best.",
        stable=f"{STABLE:g}",
        fewest=FEWEST,
        most=MOST,
        share=share(SMALLEST_SHARE, 0),
        kept=f"{BEST_KEPT:g}",
    )


def _candidate(row: dict[Any, Any]) -> dict[str, Any]:
    """Return a candidate as a row with the reason it was chosen or not; a saved model has None for what is missing."""
    known = pd.notna(row["stability"])
    result = say("ruled out")
    if row["chosen"]:
        result = say("chosen") if row["eligible"] else say("chosen, as the most stable")
    elif row["eligible"]:
        result = say("eligible")
    elif known:
        result = say("stability below {stable}", stable=f"{STABLE:g}")
    # Three decimals, so that 0.797 does not read as 0.8, which passes.
    figures = {name: f"{row[name]:.3f}" if known else DASH for name in ("stability", "separation")}
    shown = {name: row[name] for name in ("method", "segments", "smallest_share", "chosen")}
    return shown | figures | {"method": translated(str(row["method"])), "result": result}


def _change(row: dict[Any, Any], names: dict[int, str]) -> dict[str, Any]:
    previous = str(row["previous"])
    changes = {
        "kept": lambda: say("kept, segment {previous} before", previous=previous),
        "split": lambda: say("split from segment {previous}", previous=previous),
        "merged": lambda: say("merged from segments {previous}", previous=previous),
        "new": lambda: say("new"),
        "gone": lambda: say("no longer there"),
    }
    gone, customers = row["change"] == "gone", count(row["customers"])
    name = segment_in_words(names.get(row["segment"], str(row["segment"])))
    return {
        "name": say("previous segment {number}", number=row["segment"]) if gone else name,
        "change": changes[row["change"]](),
        "overlap": row["overlap"],
        "customers": say("{n} before", n=customers) if gone else customers,
    }
