"""Segments, a customer table and outcomes come in; how much of the future the segments explain goes out.

They are compared with groups that need no model.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from duramen.data.customers import typical_basket
from duramen.errors import InputError
from duramen.evaluation.baselines import simple_groups
from duramen.evaluation.bootstrap import draws
from duramen.evaluation.metrics import log_value, variance_explained
from duramen.language import Sentence, marked, say, say_joined

RESAMPLES = 300
LOW, HIGH = 0.05, 0.95
# Below a hundredth of the variance, groups explain next to nothing, however certain it is. With few customers, random
# groups explain more than that, so segments must also exceed what one in twenty random groupings reaches.
LEAST_EXPLAINED, CHANCE, SHUFFLES = 0.01, 0.95, 200
SEGMENTS = "segments"
TARGETS = ("value", "activity")
COLUMNS = (
    "groups",
    "target",
    "count",
    "explained",
    "low",
    "high",
    "chance",
    "ahead",
    "ahead_low",
    "ahead_high",
)


class SegmentValue(NamedTuple):
    """How much of the future groups explain, as figures and in a sentence.

    Attributes
    ----------
    table : pandas.DataFrame
        ``COLUMNS``: for each way of grouping and each target the number of groups, the share of variance that they
        explain with its 90 % interval; for the segments, what one in twenty random groupings of their sizes would
        reach; for the others, by how much the segments are ahead, with the interval of the difference.
    verdict : str
        What the segments explain, or that they predict nothing.
    """

    table: pd.DataFrame
    verdict: str


def segment_value(
    customers: pd.DataFrame,
    outcomes: pd.DataFrame,
    segments: npt.ArrayLike,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> SegmentValue:
    """Return the share of the variance of future value and activity that segments explain, beside groups by RFM.

    Value is ``log(1 + money / basket)`` of the net money in the horizon, 0 where it is negative, with the base's
    typical purchase day as the basket (``typical_basket``); activity is 1 for
    customers who bought. The share is eta squared: the variance of the groups' means over that of the customers. They
    are compared with as many groups of equal size, by the RFM score, RFM cells and past spend.

    Parameters
    ----------
    customers : pandas.DataFrame
        Customer table at the cutoff: ``time_since_last``, ``frequency``, ``net_spend``, ``basket_mean``.
    outcomes : pandas.DataFrame
        ``customer_outcomes`` of the same customers in the same order: ``value`` and ``active``.
    segments : array of shape (n,)
        The segment of each, of any kind.
    resamples : int
        Bootstrap samples of customers behind the intervals.
    seed : int

    Raises
    ------
    InputError
        If there are no customers, rows do not match, a segment is missing, or resamples are below 1.
    """
    labels = _labels(customers, outcomes, segments)
    if resamples < 1:
        raise InputError(
            f"resamples is {resamples}, and an interval needs some; give at least 1, for example 300."
        )
    count = int(labels.max()) + 1
    groups = {SEGMENTS: labels} | {simple.model: simple.values for simple in simple_groups(customers, count)}
    value = log_value(outcomes["value"].to_numpy(dtype=float), typical_basket(customers))
    targets = dict(zip(TARGETS, (value, outcomes["active"].to_numpy(dtype=float)), strict=True))
    drawn = list(draws(len(labels), resamples, seed))
    rows = [
        row for target, actual in targets.items() for row in _compared(target, actual, groups, drawn, seed)
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return SegmentValue(table, _verdict(table))


def _labels(customers: pd.DataFrame, outcomes: pd.DataFrame, segments: npt.ArrayLike) -> np.ndarray:
    codes, _ = pd.factorize(np.asarray(segments), use_na_sentinel=True)
    if len(customers) == 0:
        raise InputError(
            "there are no customers, so segments explain nothing; give a customer table with customers."
        )
    if not len(customers) == len(outcomes) == len(codes):
        raise InputError(
            f"{len(customers):,} customers, {len(outcomes):,} outcomes and {len(codes):,} segments are not of the same "
            "customers; give one row each, in the same order."
        )
    both = {"customer_id"} <= set(customers) & set(outcomes)
    if both and (customers["customer_id"].to_numpy() != outcomes["customer_id"].to_numpy()).any():
        raise InputError(
            "customers and outcomes are not in the same order; make the outcomes with customer_outcomes(tx, window, "
            "customers)."
        )
    if (codes < 0).any():
        raise InputError(
            f"{(codes < 0).sum():,} of {len(codes):,} customers have no segment; give each one, such as 0 for none."
        )
    return codes


def _compared(
    target: str, actual: np.ndarray, groups: dict[str, np.ndarray], drawn: list[np.ndarray], seed: int
) -> list[dict[str, object]]:
    whole = {name: variance_explained(labels, actual) for name, labels in groups.items()}
    resampled = {
        name: np.array([variance_explained(labels, actual, copies) for copies in drawn])
        for name, labels in groups.items()
    }
    rows: list[dict[str, object]] = []
    for name, labels in groups.items():
        low, high = _bounds(resampled[name])
        row: dict[str, object] = {"groups": name, "target": target, "count": len(np.unique(labels))}
        row |= {"explained": whole[name], "low": low, "high": high}
        if name == SEGMENTS:
            row["chance"] = _chance(actual, labels, seed)
        else:
            least, most = _bounds(resampled[SEGMENTS] - resampled[name])
            row |= {"ahead": whole[SEGMENTS] - whole[name], "ahead_low": least, "ahead_high": most}
        rows.append(row)
    return rows


def _bounds(figures: np.ndarray) -> tuple[float, float]:
    known = figures[~np.isnan(figures)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [LOW, HIGH])
    return float(low), float(high)


def _verdict(table: pd.DataFrame) -> str:
    sentences = [_sentence(target, rows) for target, rows in table.groupby("target", sort=False)]
    return say_joined(marked("{one} {other}"), sentences)


def _sentence(target: object, rows: pd.DataFrame) -> Sentence:
    what = (
        say("the logarithm of future value")
        if target == TARGETS[0]
        else say("activity (who buys in the horizon)")
    )
    segments, *others = rows.to_dict(orient="records")
    if np.isnan(segments["explained"]):
        return say("Nothing can be said of {outcome}: it is the same for all customers.", outcome=what)
    if segments["explained"] < max(LEAST_EXPLAINED, segments["chance"]):
        best = max(others, key=lambda row: float(row["explained"]))
        return say(
            "The segments do not predict {outcome}: they explain {explained} of its variance. The same "
            "number of groups by {groups} explains {others}.",
            outcome=what,
            explained=f"{segments['explained']:.1%}",
            groups=say(best["groups"]),
            others=f"{best['explained']:.1%}",
        )
    comparisons = [
        say(
            _side(row["ahead_low"], row["ahead_high"]),
            groups=say(row["groups"]),
            explained=f"{row['explained']:.1%}",
        )
        for row in others
    ]
    compared = say_joined(marked("{one}; {other}"), comparisons)
    return say(
        "The segments explain {explained} of the variance of {outcome}: {comparisons}.",
        explained=f"{segments['explained']:.1%}",
        outcome=what,
        comparisons=compared,
    )


def _chance(actual: np.ndarray, labels: np.ndarray, seed: int) -> float:
    """Return what 95 % of random groupings of these sizes do not exceed."""
    rng = np.random.default_rng(seed)
    shuffled = [variance_explained(rng.permutation(labels), actual) for _ in range(SHUFFLES)]
    return float(np.quantile(shuffled, CHANCE))


def _side(ahead_low: float, ahead_high: float) -> str:
    """Return the clause that compares the segments with other groups."""
    if ahead_low > 0:
        return marked("more than {groups} ({explained})")
    if ahead_high < 0:
        return marked("less than {groups} ({explained})")
    return marked("about as much as {groups} ({explained})")
