"""Stages of two cutoffs and what followed come in; who moved, what each stage brought and how long it lasts goes out.

Made by `of_model` as a :class:`Course`, told by the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from duramen.analysis.lifecycle import NOT_YET, STEP
from duramen.analysis.migration import GONE, matrix
from duramen.report import sankey
from duramen.report.charts import in_both_widths
from duramen.report.numbers import count, day, rows, sentence_of, share

if TYPE_CHECKING:
    from duramen.analysis.lifecycle import StageLength


@dataclass(frozen=True)
class Course:
    """How customers passed through the stages; where the history cannot tell, the sentence that says so.

    Parameters
    ----------
    earlier : date
        The cutoff that the moves start from.
    moves : DataFrame or str
        What ``duramen.analysis.migration.segment_transitions`` returns of the stages of both cutoffs.
    follows : DataFrame or None
        What ``duramen.analysis.lifecycle.what_follows`` returns of the earlier stages, up to the later cutoff; None
        where there are no moves.
    lasting : StageLength or str
        How long the steady stage lasts.
    watched_from : date
        The first look that ``lasting`` may rest on.
    sampled : int or None
        Of how many customers, drawn at random, ``lasting`` is; None where it is of all.
    """

    earlier: date
    moves: pd.DataFrame | str
    follows: pd.DataFrame | None
    lasting: StageLength | str
    watched_from: date
    sampled: int | None = None


@dataclass(frozen=True)
class Moves:
    """Who went from which group to which, as the page shows it.

    Parameters
    ----------
    sentence : str
        What there is to say, or why nothing is.
    to : list of str
        The groups of the later cutoff, a numbered one by its number; none where nothing can be shown.
    rows : list of dict
        ``name``, ``customers``, ``shares`` (a share of these customers for each of ``to``) and ``own`` (the place of
        the group itself in ``to``, or -1) of each earlier group.
    drawn : Markup or None
        The same, drawn.
    earlier : date
        The earlier cutoff.
    """

    sentence: str
    to: list[str]
    rows: list[dict[str, Any]]
    drawn: Markup | None
    earlier: date


@dataclass(frozen=True)
class LifeCycle:
    """What the page says of the way through the stages.

    Parameters
    ----------
    moves : Moves
    money : str
        What ``follows`` counts: margin or net spend.
    follows : list of dict
        What each earlier stage then brought, as rows of the page.
    lasting : str
        How long the steady stage lasts, and how that was seen.
    """

    moves: Moves
    money: str
    follows: list[dict[str, Any]]
    lasting: str


def lifecycle_of(course: Course, cutoff: date) -> LifeCycle:
    """Tell where customers of each stage went, what they brought and how long they are steady.

    Parameters
    ----------
    course : Course
    cutoff : date
        The later cutoff.

    Returns
    -------
    LifeCycle
    """
    follows = pd.DataFrame() if course.follows is None else course.follows
    return LifeCycle(
        moves=moves_of(course.moves, course.earlier, cutoff, "stage", outside=(NOT_YET, GONE)),
        money=follows.attrs.get("money", ""),
        follows=[] if follows.empty else rows(follows, "money_per_customer_day"),
        lasting=_lasting(course, cutoff),
    )


def moves_of(
    moves: pd.DataFrame | str, earlier: date, later: date, kind: str, outside: tuple[str, str]
) -> Moves:
    """Tell who went from which group to which.

    Parameters
    ----------
    moves : DataFrame or str
        What ``duramen.analysis.migration.segment_transitions`` returns, or why there is none.
    earlier, later : date
        The two cutoffs.
    kind : str
        What the groups are: stage, segment.
    outside : tuple of str
        What customers of the later and of the earlier cutoff only are called.

    Returns
    -------
    Moves
    """
    if isinstance(moves, str):
        return Moves(sentence_of(moves), [], [], None, earlier)
    sizes: dict[Any, int] = moves.groupby("from")["customers"].sum().to_dict()
    joined = sizes.get(outside[0], 0)
    then = sum(sizes.values()) - joined
    stayed = int(moves.loc[moves["from"] == moves["to"], "customers"].sum())
    then_and_now = f"at {day(earlier)}, {share(stayed / then)} were in the same {kind} at {day(later)}"
    sentence = f"Of {count(then)} customers {then_and_now}."
    if joined:
        sentence += f" {count(joined)} first bought between the two."
    shares = matrix(moves, "share_of_from")
    to: list[Any] = shares.columns.tolist()
    told = [
        {
            "name": str(name),
            "customers": sizes[name],
            "shares": parts,
            "own": to.index(name) if name in to else -1,
        }
        for name, parts in zip(shares.index.tolist(), shares.to_numpy().tolist(), strict=True)
    ]
    drawn = in_both_widths(
        lambda width: sankey.sankey_chart(moves, width, outside),
        f"Customers by {kind} at {day(earlier)} (left) and at {day(later)} (right). {sentence}",
    )
    return Moves(sentence, [_short(str(name)) for name in to], told, drawn, earlier)


def _short(name: str) -> str:
    """Return the number that a name begins with, or else the name."""
    number = name.split(" ", 1)[0]
    return number if number.isdecimal() else name


def _lasting(course: Course, cutoff: date) -> str:
    if isinstance(course.lasting, str):
        return f"How long the steady stage lasts is not told: {course.lasting}"
    told = sentence_of(str(course.lasting))
    if course.sampled:
        told = f"Among {count(course.sampled)} customers drawn at random, {told}"
    return (
        f"{told} They were looked at every {STEP} days from {day(course.watched_from)} to {day(cutoff)}; a time that "
        "had not ended counts for as long as it was seen."
    )
