"""Customers with their segments come in; profile, names and rules go out, in English.

``duramen.segments.names_in_words`` says stored names and rules in another language by the templates here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from duramen.data.windows import DAYS_PER_YEAR
from duramen.language import marked
from duramen.segments.activity import words_by_silence
from duramen.segments.behaviour import EVEN_PACE, NOTABLE_TREND, measures_of_facts

# How often the customers of a segment buy, from the least.
FREQUENCIES = (marked("one-time"), marked("occasional"), marked("frequent"))
NUMBERED, BUYERS = marked("{number} {name}"), marked("{activity} {frequency} buyers")
HIGH, LOW = marked("high spend"), marked("low spend")
# A rule is read by people: up to so many conditions. Less than 1 % of the customers make no branch of their own.
DEEPEST = 4
BRANCH_SHARE = 0.01
# The tree learns its thresholds from so many; more of them move none.
RULE_CUSTOMERS = 30_000
# Below this F1 (of how much of the segment a rule covers, and how much of what it covers is the segment) it is not
# called a rule but what comes nearest.
SIMPLE_RULE = 0.5


def frequency_in_words(segment: str) -> str:
    """Return how often the customers of a segment buy, as its name says; empty where it does not.

    Examples
    --------
    >>> frequency_in_words("3 at risk one-time buyers, low spend"), frequency_in_words("all")
    ('one-time', '')
    """
    return next((word for word in FREQUENCIES if f" {word} " in segment), "")


def segment_profile(
    facts: pd.DataFrame,
    segments: np.ndarray,
    activity: npt.ArrayLike | None = None,
) -> pd.DataFrame:
    """Return a row a segment with its name, size and median behaviour.

    The first word of a name is its activity: active, at risk or lapsed.

    Parameters
    ----------
    facts : pandas.DataFrame
        What ``behaviour.behaviour_facts`` returns.
    segments : numpy.ndarray of shape (n,)
    activity : array of str, optional
        The word of each segment, by rising number; without it the activity goes by the median time since the last
        purchase, in typical gaps.

    Returns
    -------
    pandas.DataFrame
        Indexed by segment: ``name``, ``customers``, the medians of ``facts``.
    """
    numbers = np.unique(segments)
    profile = facts.groupby(segments).median().reindex(numbers)
    repeat = facts.loc[facts["frequency"] > 0, "purchases_per_year"].median()
    fresh = words_by_silence(profile["silence"]) if activity is None else np.asarray(activity)
    often = np.select(
        [profile["frequency"] < 1, profile["purchases_per_year"] < repeat],
        FREQUENCIES[:2],
        FREQUENCIES[2],
    )
    size = np.where(profile["spend_per_year"] > facts["spend_per_year"].median(), HIGH, LOW)
    names = [
        f"{BUYERS.format(activity=a, frequency=b)}, {c}" for a, b, c in zip(fresh, often, size, strict=True)
    ]
    profile.insert(0, "customers", pd.Series(segments).value_counts().reindex(numbers).fillna(0).astype(int))
    profile.insert(0, "name", distinct_names(names, profile))
    return profile.rename_axis("segment")


def distinct_names(names: list[str], profile: pd.DataFrame) -> list[str]:
    """Add to names that occur more than once the measure in which their segments differ most.

    Parameters
    ----------
    names : list of str
    profile : pandas.DataFrame
        A row a name: ``purchases_per_year``, ``spend_per_year``, ``silence``, ``time_since_last`` and
        ``purchase_position``.

    Examples
    --------
    >>> profile = pd.DataFrame({"purchases_per_year": [52, 12], "spend_per_year": [200, 210],
    ...                         "silence": [1, 1], "time_since_last": [7, 30], "purchase_position": [0.5, 0.5]})
    >>> distinct_names(["active buyers"] * 2, profile)
    ['active buyers, weekly', 'active buyers, monthly']
    """
    distinct = list(names)
    for name in {name for name in names if names.count(name) > 1}:
        rows = [place for place, other in enumerate(names) if other == name]
        measure, words = _distinguishing_words(profile.iloc[rows])
        # The order by spend stands in for its size.
        stem = name.rsplit(", ", 1)[0] if measure == "spend" else name
        for place, word in zip(rows, words, strict=True):
            distinct[place] = f"{stem}, {word}"
    return distinct


def _distinguishing_words(profile: pd.DataFrame) -> tuple[str, list[str]]:
    """Return the measure that sets namesakes furthest apart in words that all differ, and the word of each."""
    behaviour = measures_of_facts(profile)
    measures = (behaviour.max() - behaviour.min()).sort_values(ascending=False, kind="stable").index
    # In words first, then in figures; where one measure leaves two alike, the next is tried.
    for speak in (_WORDS, _FIGURES):
        for measure in measures:
            if measure == "spend":
                spoken = _spend_in_words(profile["spend_per_year"])
            else:
                spoken = [speak[measure](row) for row in profile.to_dict(orient="records")]
            if len(set(spoken)) == len(spoken):
                return str(measure), spoken
    return "", [GROUP.format(number=place + 1) for place in range(len(profile))]


# What sets namesakes apart.
SPEND_ORDERS = {
    2: (marked("lower spend"), marked("higher spend")),
    3: (marked("lowest spend"), marked("medium spend"), marked("highest spend")),
    4: (
        marked("lowest spend"),
        marked("second lowest spend"),
        marked("second highest spend"),
        marked("highest spend"),
    ),
}
SPEND_RANK, GROUP = marked("spend rank {rank} of {count}"), marked("group {number}")


def _spend_in_words(spend: pd.Series[float]) -> list[str]:
    """Name segments by their order, not by an amount: the same customers in cents keep their names."""
    order = spend.rank(method="dense", na_option="bottom").astype(int)
    ranks = [SPEND_RANK.format(rank=len(spend) - place, count=len(spend)) for place in range(len(spend))]
    words = SPEND_ORDERS.get(len(spend), ranks)
    return [words[place - 1] for place in order]


def _money(amount: float) -> str:
    """Four digits that count, and never a power of ten."""
    return f"{amount:,.0f}" if abs(amount) >= 1000 else f"{amount:.4g}"


def _rhythm_in_words(row: Mapping[Any, float]) -> str:
    days = DAYS_PER_YEAR / row["purchases_per_year"]
    for word, longest in RHYTHMS:
        if days <= longest:
            return word
    return SELDOM


# Up to about half-way to the next in log days.
RHYTHMS = (
    (marked("daily"), 2), (marked("twice a week"), 5), (marked("weekly"), 10), (marked("every two weeks"), 20),
    (marked("monthly"), 43), (marked("every two months"), 74), (marked("quarterly"), 128),
    (marked("twice a year"), 257), (marked("yearly"), 515),
)  # fmt: skip
SELDOM = marked("less than yearly")
TRENDS = EVEN, MORE, LESS = (
    marked("at an even pace"), marked("more often lately"), marked("less often lately"),
)  # fmt: skip
FIGURES = EVERY, NO_PURCHASE, MEAN_PURCHASE = (
    marked("every {days} days"), marked("no purchase for {days} days"),
    marked("average purchase at {share} of their time as customers"),
)  # fmt: skip


def _trend_in_words(row: Mapping[Any, float]) -> str:
    late = row["purchase_position"] - EVEN_PACE
    if abs(late) <= NOTABLE_TREND:
        return EVEN
    return MORE if late > 0 else LESS


_Words = dict[str, Callable[[Mapping[Any, float]], str]]
_FIGURES: _Words = {
    "rhythm": lambda row: EVERY.format(days=f"{DAYS_PER_YEAR / row['purchases_per_year']:,.0f}"),
    "silence": lambda row: NO_PURCHASE.format(days=f"{row['time_since_last']:,.0f}"),
    "trend": lambda row: MEAN_PURCHASE.format(share=f"{row['purchase_position']:.0%}"),
}
_WORDS: _Words = _FIGURES | {"rhythm": _rhythm_in_words, "trend": _trend_in_words}


RULE_WORDS = {
    "time_since_last": marked("days since last purchase"),
    "frequency": marked("repeat purchase days"),
    "basket": marked("basket"),
    "silence": marked("time since last purchase / typical gap"),
    "purchases_per_year": marked("purchase days a year"),
    "spend_per_year": marked("spend a year"),
    "purchase_position": marked("share of life at the mean purchase"),
}
RULE = marked("{conditions} (covers {covers} of the segment; {holds} of those it covers belong to it)")
NO_SIMPLE_RULE = marked("no simple rule; nearest comes: {rule}")
BOUNDS = AT_MOST, ABOVE, AT_LEAST = (
    marked("{measure} at most {bound}"), marked("{measure} above {bound}"), marked("{measure} at least {bound}"),
)  # fmt: skip
AND, EVERYBODY = marked(" and "), marked("everybody")
# Those that anybody can count come first: of two equal splits, the tree takes the plainer.
RULE_FACTS = tuple(RULE_WORDS)
_WHOLE = ("time_since_last", "frequency")
_MONEY = ("basket", "spend_per_year")


def readable_rules(facts: pd.DataFrame, segments: np.ndarray, seed: int = 0) -> tuple[pd.DataFrame, float]:
    """Return a rule for each segment, with how far it applies, and how much the tree behind them repeats.

    A tree of depth 4 learns each segment against all others; its rule is the branch, at any depth, that comes nearest
    to it by F1. Where even that stays below ``SIMPLE_RULE``, the rule says so.

    Parameters
    ----------
    facts : pandas.DataFrame
        With ``RULE_FACTS``.
    segments : numpy.ndarray of shape (n,)
        Numbers from 1; customers of 0 are left out.
    seed : int

    Returns
    -------
    rules : pandas.DataFrame
        Indexed by segment: ``rule``, ``rule_covers`` (share of the segment that it is true of) and ``rule_holds``
        (share of those it is true of who are of the segment).
    fidelity : float
        Share of customers whom one such tree of all segments puts into their own.
    """
    from sklearn.tree import DecisionTreeClassifier

    known = np.flatnonzero(segments > 0)
    if len(known) > RULE_CUSTOMERS:
        known = np.sort(np.random.default_rng(seed).choice(known, RULE_CUSTOMERS, replace=False))
    seen, labels = facts[list(RULE_FACTS)].to_numpy()[known], segments[known]
    least = max(1, int(len(seen) * BRANCH_SHARE))
    surrogate = DecisionTreeClassifier(max_depth=DEEPEST, min_samples_leaf=least, random_state=0)
    fidelity = float(surrogate.fit(seen, labels).score(seen, labels))
    numbers = np.unique(labels)
    rules = [_rule(surrogate.fit(seen, labels == number).tree_) for number in numbers]
    columns = ["rule", "rule_covers", "rule_holds"]
    return pd.DataFrame(rules, columns=columns, index=pd.Index(numbers, name="segment")), fidelity


def _rule(tree: Any) -> tuple[str, float, float]:
    """Return the branch that comes nearest to a segment, how much of it that covers, and how much of that is its."""
    inside = tree.n_node_samples
    # Of one segment alone there is one class; of several, the segment comes behind the others.
    theirs = tree.value[:, 0, -1] * inside
    f1 = 2 * theirs / (inside + theirs[0])
    if tree.node_count > 1:
        f1[0] = 0.0
    best = int(f1.argmax())
    covers, holds = float(theirs[best] / theirs[0]), float(theirs[best] / inside[best])
    conditions = _path_in_words(_paths(tree)[best])
    rule = RULE.format(conditions=conditions, covers=f"{covers:.0%}", holds=f"{holds:.0%}")
    return rule if f1[best] >= SIMPLE_RULE else NO_SIMPLE_RULE.format(rule=rule), covers, holds


def _paths(tree: Any) -> list[list[tuple[str, str, float]]]:
    """Return the conditions that lead to each node."""
    paths: list[list[tuple[str, str, float]]] = [[] for _ in range(tree.node_count)]
    for node in range(tree.node_count):
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        if left < 0:
            continue
        name = RULE_FACTS[tree.feature[node]]
        paths[left] = [*paths[node], (name, AT_MOST, float(tree.threshold[node]))]
        paths[right] = [*paths[node], (name, ABOVE, float(tree.threshold[node]))]
    return paths


def _path_in_words(path: list[tuple[str, str, float]]) -> str:
    # The last bound on a side is the tightest one.
    tightest = {(name, side): bound for name, side, bound in path}
    return AND.join(_bound_in_words(*key, bound) for key, bound in tightest.items()) or EVERYBODY


def _bound_in_words(name: str, side: str, bound: float) -> str:
    words = RULE_WORDS[name]
    if name not in _WHOLE:
        return side.format(measure=words, bound=_money(bound) if name in _MONEY else f"{bound:,.2g}")
    # Days and purchase days are whole numbers.
    if side == AT_MOST:
        return AT_MOST.format(measure=words, bound=f"{np.floor(bound):,.0f}")
    return AT_LEAST.format(measure=words, bound=f"{np.ceil(bound):,.0f}")


def numbered_names(numbers: npt.ArrayLike, profile: pd.DataFrame) -> np.ndarray:
    """Return ``"number name"`` for segment numbers."""
    names = {
        row.segment: NUMBERED.format(number=row.segment, name=row.name)
        for row in profile.itertuples(index=False)
    }
    return pd.Series(numbers).map(names).to_numpy(dtype=object)
