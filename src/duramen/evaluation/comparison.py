"""Held-out forecasts come in; figures, and ours against the best baseline with an interval, go out.

Called by the backtest, and where a challenger meets the champion.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from duramen.evaluation.bootstrap import Drawn, Order, Pair, Resample, draws
from duramen.evaluation.holdout import HeldOut
from duramen.evaluation.registry import MEASURES, Measure
from duramen.evaluation.scorecards import OURS

# Ends of the interval of a difference.
LOW, HIGH = 0.025, 0.975
# A difference below this part of the baseline's figure is none, however sure: such is what rounding leaves behind.
NEGLIGIBLE = 1e-4
FIGURES_COLUMNS = ["cutoff", "model", "target", "metric", "figure", "higher_is_better"]
COMPARISONS_COLUMNS = [
    "cutoff", "target", "metric", "ours", "baseline", "baseline_figure", "difference", "low", "high", "verdict",
]  # fmt: skip


def measured(held_out: Sequence[HeldOut]) -> pd.DataFrame:
    """Return every figure: ``cutoff``, ``model``, ``target``, ``metric``, ``figure``, ``higher_is_better``."""
    rows = [
        (
            pd.Timestamp(held.window.cutoff), told.model, measure.target, measure.name,
            measure.figure(told.values, held.actual[measure.target]), measure.higher_is_better,
        )
        for held in held_out
        for measure in MEASURES
        for told in held.forecasts_for(measure)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=FIGURES_COLUMNS)


def mean_figures(figures: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over the cutoffs of each figure, of its size where nearest to zero is best.

    It is missing for a model that is missing at a cutoff.
    """
    sizes = figures["figure"].where(figures["higher_is_better"].notna(), figures["figure"].abs())
    by = figures.assign(figure=sizes).groupby(["model", "target", "metric"], sort=False)
    mean = by.agg(
        figure=("figure", "sum"), cutoffs=("figure", "count"), higher_is_better=("higher_is_better", "first")
    )
    everywhere = mean.pop("cutoffs") == figures["cutoff"].nunique()
    mean["figure"] = (mean["figure"] / figures["cutoff"].nunique()).where(everywhere)
    return mean.reset_index()


@dataclass(frozen=True)
class _Match:
    """Ours against the best baseline of a measure, at one cutoff or (None) in the mean over all."""

    measure: Measure
    cutoff: pd.Timestamp | None
    baseline: str
    figures: pd.Series[float]


def compare(
    held_out: Sequence[HeldOut],
    figures: pd.DataFrame,
    *,
    seed: int,
    resamples: int,
    ours: str = OURS,
    ends: tuple[float, float] = (LOW, HIGH),
) -> pd.DataFrame:
    """Set ours, or the model named, against the best other model of each measure, by a bootstrap over customers.

    The same drawn customers serve ours and the baseline, and every cutoff, so that what they have in common drops out
    of the difference. Which baseline is best is read off the same customers, which favours the baseline.

    Returns
    -------
    pandas.DataFrame
        ``COMPARISONS_COLUMNS``, a row a measure and cutoff and one for the mean over the cutoffs.
    """
    matches = list(_matches(figures, ours))
    sizes = _resampled_sizes(held_out, matches, ours, seed, resamples)
    cutoffs = [pd.Timestamp(held.window.cutoff) for held in held_out]
    rows = []
    for match in matches:
        places = cutoffs if match.cutoff is None else [match.cutoff]
        own_sizes, other_sizes = (
            np.mean([sizes[cutoff, match.measure, model] for cutoff in places], axis=0)
            for model in (ours, match.baseline)
        )
        low, high = np.nanquantile(own_sizes - other_sizes, ends)
        own, other = match.figures[ours], match.figures[match.baseline]
        verdict = _verdict(np.array([low, high]) * match.measure.direction, NEGLIGIBLE * abs(other))
        rows.append(
            (
                match.cutoff, match.measure.target, match.measure.name, own, match.baseline, other,
                own - other, low, high, verdict,
            )
        )  # fmt: skip
    table = pd.DataFrame(rows, columns=COMPARISONS_COLUMNS)
    return table.assign(cutoff=pd.to_datetime(table["cutoff"]))


def _verdict(ends: np.ndarray, least: float) -> str:
    if ends.min() > least:
        return "better"
    return "worse" if ends.max() < -least else "level"


def _matches(figures: pd.DataFrame, ours: str) -> Iterable[_Match]:
    places: list[tuple[Any, pd.DataFrame]] = [*figures.groupby("cutoff"), (None, mean_figures(figures))]
    for cutoff, rows in places:
        for measure in MEASURES:
            of_measure = rows[(rows["target"] == measure.target) & (rows["metric"] == measure.name)]
            known = of_measure.set_index("model")["figure"].dropna().map(measure.size)
            baselines = known.drop(ours, errors="ignore")
            if ours in known and len(baselines):
                yield _Match(measure, cutoff, str((baselines * measure.direction).idxmax()), known)


def _resampled_sizes(
    held_out: Sequence[HeldOut], matches: Sequence[_Match], ours: str, seed: int, resamples: int
) -> dict[tuple[pd.Timestamp, Measure, str], np.ndarray]:
    """Return, by cutoff, measure and model, the figure of each resample that some match needs."""
    everybody = pd.Index(pd.concat([held.scores["customer_id"] for held in held_out]).unique())
    asked = [_asked(held, matches, ours) for held in held_out]
    sizes = {key: np.full(resamples, np.nan) for part in asked for *_, keys in part for key in keys}
    rows = [everybody.get_indexer(held.scores["customer_id"]) for held in held_out]
    # A running sum is too small a task to share: threads that wait for each other take ten times as long.
    with threadpool_limits(1):
        for at, drawn in enumerate(draws(len(everybody), resamples, seed)):
            for part, counts in zip(asked, (drawn[known] for known in rows), strict=True):
                if counts.any():
                    orders = {target: pair.by_actual for target, pair, _ in part}
                    by_actual = {target: Drawn(order, counts) for target, order in orders.items()}
                    for target, pair, keys in part:
                        sample = Resample(pair, counts, by_actual[target])
                        for cutoff, measure, model in keys:
                            sizes[cutoff, measure, model][at] = measure.size(measure.resampled(sample))
    return sizes


def _asked(
    held: HeldOut, matches: Sequence[_Match], ours: str
) -> list[tuple[str, Pair, list[tuple[pd.Timestamp, Measure, str]]]]:
    """Return the forecasts that some match needs, sorted once, with the keys of the figures that it needs of them."""
    cutoff = pd.Timestamp(held.window.cutoff)
    orders = {target: Order(actual) for target, actual in held.actual.items()}
    asked = []
    for told in held.forecasts:
        measures = {
            match.measure: None  # a set that keeps its order
            for match in matches
            if match.measure.target == told.target
            and match.cutoff in (cutoff, None)
            and told.model in (ours, match.baseline)
        }
        if measures:
            pair = Pair(told.values, held.actual[told.target], orders[told.target])
            asked.append((told.target, pair, [(cutoff, measure, told.model) for measure in measures]))
    return asked
