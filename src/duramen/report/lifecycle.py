"""How customers passed through the stages comes in; sentences, rows and drawings of it go out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from duramen.analysis.joined import in_a_row
from duramen.analysis.lifecycle import NOT_YET, STEP
from duramen.analysis.migration import GONE, matrix
from duramen.language import Sentence, say, translated
from duramen.report import sankey
from duramen.report.charts import in_both_widths
from duramen.report.numbers import count, day, rows, sentence_of, share, spaced
from duramen.segments.lifecycle_stage import STAGES
from duramen.segments.names_in_words import segment_in_words

if TYPE_CHECKING:
    from duramen.analysis.lifecycle_history import StageHistory

# How the names of groups are shown.
IN_WORDS: dict[str, Callable[[str], str]] = {
    "stage": translated,
    "segment": lambda name: segment_in_words(translated(name)),
}


@dataclass(frozen=True)
class TransitionSection:
    """Transitions of customers between groups, as the page shows them.

    Parameters
    ----------
    sentence : str
        How many customers stayed, or why that is not known.
    stayed : str
        The share that stayed, as the title of the drawing.
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
    stayed: str
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
        money=translated(outcomes.attrs.get("money", "")),
        outcomes=_outcomes(outcomes),
        steady=_steady(history, cutoff),
    )


def _outcomes(outcomes: pd.DataFrame) -> list[dict[str, Any]]:
    if outcomes.empty:
        return []
    shown = rows(outcomes, "money_per_customer_day")
    return [row | {"group": translated(str(row["group"]))} for row in shown]


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
        return TransitionSection(sentence_of(transitions), "", [], [], None, earlier)
    sentence = _known(transitions, earlier, later, kind, outside[0])
    stayed = _stayed(transitions, earlier, later, kind, outside[0])
    in_words = IN_WORDS[kind]
    shown_moves = transitions.assign(
        **{side: [in_words(str(name)) for name in transitions[side]] for side in ("from", "to")}
    )
    sizes = transitions.groupby("from")["customers"].sum()
    order = _order(transitions, kind, outside)
    shares = matrix(transitions, "share_of_from")
    to: list[Any] = [name for name in order if name in shares.columns]
    shares = shares.loc[[name for name in order if name in shares.index], to]
    shown = [
        {
            "name": in_words(str(name)),
            "customers": int(sizes[name]),
            "shares": parts,
            "own": to.index(name) if name in to else -1,
        }
        for name, parts in zip(shares.index.tolist(), shares.to_numpy().tolist(), strict=True)
    ]
    sides = say(
        "Customers at {earlier} (left) and at {later} (right).", earlier=day(earlier), later=day(later)
    )
    new, gone = map(in_words, outside)
    drawn = in_both_widths(
        lambda width: sankey.sankey_chart(
            shown_moves, width, (new, gone), [in_words(str(name)) for name in order]
        ),
        in_a_row([sides, sentence]),
    )
    return TransitionSection(
        sentence, stayed, [_short(in_words(str(name))) for name in to], shown, drawn, earlier
    )


def _order(transitions: pd.DataFrame, kind: str, outside: tuple[str, str]) -> list[Any]:
    """Return the groups of either cutoff in their own order: stages from the first on, segments by their numbers."""
    found = list(dict.fromkeys([*transitions["from"], *transitions["to"]]))
    inside = [name for name in found if name not in outside]
    if kind == "stage":
        inside.sort(key=lambda name: STAGES.index(name) if name in STAGES else len(STAGES))
    elif all(_short(str(name)).isdecimal() for name in inside):
        inside.sort(key=lambda name: int(_short(str(name))))
    return inside + [name for name in found if name in outside]


def _counts(transitions: pd.DataFrame, new: str) -> tuple[int, int, int]:
    """Return the customers of the earlier cutoff, those who stayed in their group, and those who are new."""
    sizes = transitions.groupby("from")["customers"].sum()
    joined = int(sizes.get(new, 0))
    same = int(transitions.loc[transitions["from"] == transitions["to"], "customers"].sum())
    return int(sizes.sum()) - joined, same, joined


def _stayed(transitions: pd.DataFrame, earlier: date, later: date, kind: str, new: str) -> Sentence:
    """Return the share of the customers who stayed in their group."""
    known, same, _ = _counts(transitions, new)
    values = {"share": share(same / known), "earlier": day(earlier), "later": day(later)}
    if kind == "stage":
        return say("{share} of the customers stayed in their stage between {earlier} and {later}.", **values)
    return say("{share} of the customers stayed in their segment between {earlier} and {later}.", **values)


def _known(transitions: pd.DataFrame, earlier: date, later: date, kind: str, new: str) -> str:
    """Return how many customers stayed in their group, and how many are new."""
    known, same, joined = _counts(transitions, new)
    values = {
        "n": count(known),
        "earlier": day(earlier),
        "share": share(same / known),
        "later": day(later),
    }
    if kind == "stage":
        sentence = say("Of {n} customers at {earlier}, {share} were in the same stage at {later}.", **values)
    else:
        sentence = say(
            "Of {n} customers at {earlier}, {share} were in the same segment at {later}.", **values
        )
    if not joined:
        return sentence
    return in_a_row([sentence, say("{n} first bought between the two.", n=count(joined))])


def _short(name: str) -> str:
    """Return the number that a name begins with, or else the name."""
    number = name.split(" ", 1)[0]
    return number if number.isdecimal() else name


def _steady(history: StageHistory, cutoff: date) -> str:
    if isinstance(history.steady, str):
        return say("How long the steady stage lasts is not known: {reason}", reason=spaced(history.steady))
    sentence = sentence_of(str(history.steady))
    if history.sampled:
        sentence = say(
            "Among {n} customers drawn at random, {sentence}", n=count(history.sampled), sentence=sentence
        )
    observed = say(
        "Stages were observed every {days} days from {first} to {last}. A stay in a stage that had not "
        "ended by then counts with the length observed so far.",
        days=STEP,
        first=day(history.observed_from),
        last=day(cutoff),
    )
    return in_a_row([sentence, observed])
