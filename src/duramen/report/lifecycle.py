"""How customers passed through the stages comes in; sentences, rows and drawings of it go out."""

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
    from duramen.analysis.lifecycle_history import StageHistory


@dataclass(frozen=True)
class TransitionSection:
    """Transitions of customers between groups, as the page shows them.

    Parameters
    ----------
    sentence : str
        How many customers stayed, or why that is not known.
    to : list of str
        The groups of the later cutoff, a numbered one by its number; empty where there are no transitions.
    rows : list of dict
        ``name``, ``customers``, ``shares`` (of these customers, for each of ``to``) and ``own`` (the place of the
        group itself in ``to``, or -1) of each earlier group.
    drawn : Markup or None
        The transitions as a drawing.
    earlier : date
        The earlier cutoff.
    """

    sentence: str
    to: list[str]
    rows: list[dict[str, Any]]
    drawn: Markup | None
    earlier: date


@dataclass(frozen=True)
class LifecycleSection:
    """What the page says of the life cycle.

    Parameters
    ----------
    transitions : TransitionSection
    money : str
        What ``outcomes`` counts: margin or net spend.
    outcomes : list of dict
        What the customers of each earlier stage brought, as rows of the page.
    steady : str
        How long the steady stage lasts, and how that was measured.
    """

    transitions: TransitionSection
    money: str
    outcomes: list[dict[str, Any]]
    steady: str


def lifecycle_section(history: StageHistory, cutoff: date) -> LifecycleSection:
    """Return which stages customers went to, what they brought and how long the steady stage lasts.

    Parameters
    ----------
    history : StageHistory
    cutoff : date
        The later cutoff.

    Returns
    -------
    LifecycleSection
    """
    outcomes = pd.DataFrame() if history.outcomes is None else history.outcomes
    return LifecycleSection(
        transitions=transition_section(
            history.transitions, history.earlier, cutoff, "stage", outside=(NOT_YET, GONE)
        ),
        money=outcomes.attrs.get("money", ""),
        outcomes=[] if outcomes.empty else rows(outcomes, "money_per_customer_day"),
        steady=_steady(history, cutoff),
    )


def transition_section(
    transitions: pd.DataFrame | str, earlier: date, later: date, kind: str, outside: tuple[str, str]
) -> TransitionSection:
    """Return how many customers went from which group to which.

    Parameters
    ----------
    transitions : DataFrame or str
        What ``segment_transitions`` returns, or the sentence that says why there is none.
    earlier, later : date
        The two cutoffs.
    kind : str
        What the groups are: stage, segment.
    outside : tuple of str
        Names for customers of the later cutoff only and of the earlier cutoff only.

    Returns
    -------
    TransitionSection
    """
    if isinstance(transitions, str):
        return TransitionSection(sentence_of(transitions), [], [], None, earlier)
    sentence = _stayed(transitions, earlier, later, kind, outside[0])
    sizes: dict[Any, int] = transitions.groupby("from")["customers"].sum().to_dict()
    shares = matrix(transitions, "share_of_from")
    to: list[Any] = shares.columns.tolist()
    shown = [
        {
            "name": str(name),
            "customers": sizes[name],
            "shares": parts,
            "own": to.index(name) if name in to else -1,
        }
        for name, parts in zip(shares.index.tolist(), shares.to_numpy().tolist(), strict=True)
    ]
    drawn = in_both_widths(
        lambda width: sankey.sankey_chart(transitions, width, outside),
        f"Customers by {kind} at {day(earlier)} (left) and at {day(later)} (right). {sentence}",
    )
    return TransitionSection(sentence, [_short(str(name)) for name in to], shown, drawn, earlier)


def _stayed(transitions: pd.DataFrame, earlier: date, later: date, kind: str, new: str) -> str:
    """Return how many customers stayed in their group, and how many are new."""
    sizes = transitions.groupby("from")["customers"].sum()
    joined = int(sizes.get(new, 0))
    known = int(sizes.sum()) - joined
    same = int(transitions.loc[transitions["from"] == transitions["to"], "customers"].sum())
    stayed = f"{share(same / known)} were in the same {kind} at {day(later)}"
    sentence = f"Of {count(known)} customers at {day(earlier)}, {stayed}."
    if joined:
        sentence += f" {count(joined)} first bought between the two."
    return sentence


def _short(name: str) -> str:
    """Return the number that a name begins with, or else the name."""
    number = name.split(" ", 1)[0]
    return number if number.isdecimal() else name


def _steady(history: StageHistory, cutoff: date) -> str:
    if isinstance(history.steady, str):
        return f"How long the steady stage lasts is not known: {history.steady}"
    sentence = sentence_of(str(history.steady))
    if history.sampled:
        sentence = f"Among {count(history.sampled)} customers drawn at random, {sentence}"
    return (
        f"{sentence} Stages were observed every {STEP} days from {day(history.observed_from)} to {day(cutoff)}; a time "
        "that had not ended counts as long as it was observed."
    )
