"""How segments were chosen, and who has moved between them, come in; what the page says of it goes out.

Made by `of_model` as a :class:`Renewal`, told by the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.analysis.migration import GONE, MUCH_DRIFT, NEW, SOME_DRIFT
from duramen.report.lifecycle import Moves, moves_of
from duramen.report.numbers import DASH, count, day, sentence_of, share
from duramen.segments.clustering import FEWEST, MOST, SMALLEST_SHARE, STABLE

if TYPE_CHECKING:
    from duramen.analysis.migration import SegmentationAge

DRIFT = {
    "none": "no drift",
    "some": "some drift",
    "much": "much drift",
    "not told from chance": "no more than chance makes of so few customers",
}
ASKED = (
    f"Stability: how far the segments of resampled customers agree (adjusted Rand index; 1 is in full, {STABLE:g} is "
    f"asked for). Separation: how far segments stand apart (mean silhouette, at most 1). Ruled out is what has fewer "
    f"than {FEWEST} segments, more than {MOST} or one below {share(SMALLEST_SHARE, 0)} of the customers, or what "
    "assigning customers to the nearest centre does not repeat."
)


@dataclass(frozen=True)
class Renewal:
    """Whether the segments are well founded and still up to date.

    Parameters
    ----------
    earlier : date
        The cutoff that the moves start from.
    moves : DataFrame or str
        What ``segment_transitions`` returns of the segments of both cutoffs by the same segmenter, or why
        there is none.
    drift : Series or None
        What ``duramen.analysis.migration.group_drift`` returns of them; None where there are no moves.
    age : SegmentationAge, str or None
        How old the segmentation is, or why that is not told; None where it was made for the day of the ranking.
    candidates, changes : DataFrame
        Those of the ``BehaviouralSegmenter``: how it was chosen, and what became of the segments in use before it (no
        rows where there were none).
    names : dict of int to str
        Names of the segments by number.
    foretells : str
        What segments of the held-out cutoff told of the future, in sentences.
    """

    earlier: date
    moves: pd.DataFrame | str
    drift: pd.Series[Any] | None
    age: SegmentationAge | str | None
    candidates: pd.DataFrame
    changes: pd.DataFrame
    names: dict[int, str]
    foretells: str


@dataclass(frozen=True)
class SegmentEvidence:
    """What the page says of the segments beside who is in them.

    Parameters
    ----------
    age : str
        How old they are, and how many customers would be elsewhere.
    moves : Moves
        Who went where.
    drift : str
        How far their sizes have moved; empty where nothing tells.
    asked : str
        What is asked of a segmentation.
    candidates, changes : list of dict
        Rows of the page.
    foretells : str
        What such segments told of the future.
    """

    age: str
    moves: Moves
    drift: str
    asked: str
    candidates: list[dict[str, Any]]
    changes: list[dict[str, Any]]
    foretells: str


def evidence_of(renewal: Renewal, cutoff: date) -> SegmentEvidence:
    """Tell how the segments were chosen, how old they are and who has moved.

    Parameters
    ----------
    renewal : Renewal
    cutoff : date
        The day of the ranking.

    Returns
    -------
    SegmentEvidence
    """
    if renewal.age is None:
        age = f"This segmentation was made for this day, {day(cutoff)}."
    else:
        age = sentence_of(str(renewal.age))
    return SegmentEvidence(
        age=age,
        moves=moves_of(renewal.moves, renewal.earlier, cutoff, "segment", outside=(NEW, GONE)),
        drift="" if renewal.drift is None else _drift(renewal.drift, made_today=renewal.age is None),
        asked=ASKED,
        candidates=[_candidate(row) for row in renewal.candidates.to_dict("records")],
        changes=[_change(row, renewal.names) for row in renewal.changes.to_dict("records")],
        foretells=sentence_of(renewal.foretells),
    )


def _drift(drift: pd.Series[Any], *, made_today: bool) -> str:
    # Segments of today know of the drift already.
    advice = "Form the segments again. " if drift["drift"] == "much" and not made_today else ""
    return (
        f"Sizes of segments: {DRIFT[drift['drift']]} (population stability index {drift['psi']:.3f}; {SOME_DRIFT:g} or "
        f"more is some, {MUCH_DRIFT:g} or more much). {advice}Sizes alone hide who has changed places."
    )


def _candidate(row: dict[Any, Any]) -> dict[str, Any]:
    """Turn a candidate into a row that says what became of it; a saved model has None for what is missing."""
    known = pd.notna(row["stability"])
    fate = "ruled out"
    if row["chosen"]:
        fate = "chosen" if row["eligible"] else "chosen, as the most stable"
    elif row["eligible"]:
        fate = "eligible"
    elif known:
        fate = f"stability below {STABLE:g}"
    # Three decimals: 0.797 is below 0.8, and must not read as it.
    figures = {name: f"{row[name]:.3f}" if known else DASH for name in ("stability", "separation")}
    told = {name: row[name] for name in ("method", "segments", "smallest_share", "chosen")}
    return told | figures | {"fate": fate}


def _change(row: dict[Any, Any], names: dict[int, str]) -> dict[str, Any]:
    previous = str(row["previous"])
    told = {
        "kept": f"kept, segment {previous} before",
        "split": f"split from segment {previous}",
        "merged": f"merged from segments {previous}",
        "new": "new",
        "gone": "gone",
    }
    gone = row["change"] == "gone"
    return {
        "name": f"segment {row['segment']} of before"
        if gone
        else names.get(row["segment"], str(row["segment"])),
        "change": told[row["change"]],
        "overlap": row["overlap"],
        "customers": count(row["customers"]) + (" before" if gone else ""),
    }
