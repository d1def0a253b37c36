"""Holdouts come in; figures, and the model against the best other forecast with an interval, go out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from duramen.evaluation.bootstrap import Drawn, Order, Pair, Resample, draws
from duramen.evaluation.forecasts import DURAMEN, FIGURES_COLUMNS, evaluate
from duramen.evaluation.holdout import Holdout
from duramen.evaluation.registry import METRICS, Metric
from duramen.io.processors import one_blas_thread
from duramen.language import marked

# Ends of the interval of a difference.
LOW, HIGH = 0.025, 0.975
# A smaller difference, as a part of the baseline's figure, is a rounding error, however certain.
NEGLIGIBLE = 1e-4
COMPARISONS_COLUMNS = [
    "cutoff", "target", "metric", "figure", "baseline", "baseline_figure", "difference", "low", "high", "verdict",
]  # fmt: skip
# The resampled figures of a forecast: of a cutoff, a metric and a model.
Key = tuple[pd.Timestamp, Metric, str]


def figures_by_cutoff(holdouts: Sequence[Holdout]) -> pd.DataFrame:
    """Return the figure of each forecast by each metric: ``cutoff`` and ``FIGURES_COLUMNS``."""
    tables = [
        evaluate(holdout.forecasts, holdout.outcomes).assign(cutoff=holdout.cutoff) for holdout in holdouts
    ]
    return pd.concat(tables, ignore_index=True)[["cutoff", *FIGURES_COLUMNS]]


def mean_figures(figures: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over the cutoffs of each figure, of its size where nearest to zero is best.

    Returns
    -------
    pandas.DataFrame
        ``model``, ``target``, ``metric``, ``figure`` (missing for a model that is missing at a cutoff),
        ``higher_is_better`` and whether it is the ``best`` of the metric.
    """
    sizes = figures["figure"].where(figures["higher_is_better"].notna(), figures["figure"].abs())
    by = figures.assign(figure=sizes).groupby(["model", "target", "metric"], sort=False)
    mean = by.agg(
        figure=("figure", "sum"), cutoffs=("figure", "count"), higher_is_better=("higher_is_better", "first")
    )
    everywhere = mean.pop("cutoffs") == figures["cutoff"].nunique()
    mean["figure"] = (mean["figure"] / figures["cutoff"].nunique()).where(everywhere)
    losses = mean["figure"].where(~mean["higher_is_better"].eq(True), -mean["figure"])
    least = losses.groupby(["target", "metric"], sort=False).transform("min")
    return mean.assign(best=np.isclose(losses, least, rtol=1e-9, atol=0)).reset_index()


@dataclass(frozen=True)
class _Match:
    """The model and the best other by a metric, at one cutoff or (None) in the mean over all."""

    metric: Metric
    cutoff: pd.Timestamp | None
    baseline: str
    figures: pd.Series[float]


def compare(
    holdouts: Sequence[Holdout],
    figures: pd.DataFrame,
    *,
    seed: int,
    resamples: int,
    model: str = DURAMEN,
    ends: tuple[float, float] = (LOW, HIGH),
) -> pd.DataFrame:
    """Compare a model with the best other forecast by each metric, by a bootstrap over customers.

    The same drawn customers serve the model and the baseline, and every cutoff, so that what they have in common drops
    out of the difference. The best baseline is chosen on the same customers, which favours the baseline.

    Returns
    -------
    pandas.DataFrame
        ``COMPARISONS_COLUMNS``, a row a metric and cutoff and one for the mean over the cutoffs.
    """
    matches = list(_matches(figures, model))
    sizes = _resampled_sizes(holdouts, matches, model, seed, resamples)
    rows = []
    for match in matches:
        cutoffs = [holdout.cutoff for holdout in holdouts] if match.cutoff is None else [match.cutoff]
        own_sizes, other_sizes = (
            np.mean([sizes[cutoff, match.metric, name] for cutoff in cutoffs], axis=0)
            for name in (model, match.baseline)
        )
        low, high = np.nanquantile(own_sizes - other_sizes, ends)
        own, other = match.figures[model], match.figures[match.baseline]
        verdict = _verdict(np.array([low, high]) * match.metric.sign, NEGLIGIBLE * abs(other))
        rows.append(
            (
                match.cutoff, match.metric.target, match.metric.name, own, match.baseline, other,
                own - other, low, high, verdict,
            )
        )  # fmt: skip
    table = pd.DataFrame(rows, columns=COMPARISONS_COLUMNS)
    return table.assign(cutoff=pd.to_datetime(table["cutoff"]))


def _verdict(ends: np.ndarray, least: float) -> str:
    if ends.min() > least:
        return marked("better")
    return marked("worse") if ends.max() < -least else marked("level")


def _matches(figures: pd.DataFrame, model: str) -> Iterable[_Match]:
    tables: list[tuple[Any, pd.DataFrame]] = [*figures.groupby("cutoff"), (None, mean_figures(figures))]
    for cutoff, rows in tables:
        for metric in METRICS:
            of_metric = rows[(rows["target"] == metric.target) & (rows["metric"] == metric.name)]
            known = of_metric.set_index("model")["figure"].dropna().map(metric.size)
            baselines = known.drop(model, errors="ignore")
            if model in known and len(baselines):
                yield _Match(metric, cutoff, str((baselines * metric.sign).idxmax()), known)


def _resampled_sizes(
    holdouts: Sequence[Holdout], matches: Sequence[_Match], model: str, seed: int, resamples: int
) -> dict[Key, np.ndarray]:
    """Return, by cutoff, metric and model, the figure of each resample that some match needs."""
    everybody = pd.Index(pd.concat([holdout.scores["customer_id"] for holdout in holdouts]).unique())
    needed = [_needed(holdout, matches, model) for holdout in holdouts]
    sizes = {key: np.full(resamples, np.nan) for part in needed for *_, keys in part for key in keys}
    rows = [everybody.get_indexer(holdout.scores["customer_id"]) for holdout in holdouts]
    # A running sum is too small a task to share: threads that wait for each other take ten times as long.
    with one_blas_thread:
        for at, drawn in enumerate(draws(len(everybody), resamples, seed)):
            for part, counts in zip(needed, (drawn[known] for known in rows), strict=True):
                if counts.any():
                    for key, figure in _figures_of_resample(part, counts):
                        sizes[key][at] = figure
    return sizes


def _figures_of_resample(
    needed: list[tuple[str, Pair, list[Key]]], counts: np.ndarray
) -> Iterable[tuple[Key, float]]:
    orders = {target: pair.by_actual for target, pair, _ in needed}
    by_actual = {target: Drawn(order, counts) for target, order in orders.items()}
    for target, pair, keys in needed:
        resample = Resample(pair, counts, by_actual[target])
        for key in keys:
            metric = key[1]
            yield key, metric.size(metric.resampled(resample))


def _needed(holdout: Holdout, matches: Sequence[_Match], model: str) -> list[tuple[str, Pair, list[Key]]]:
    """Return the forecasts that some match needs, sorted once, with the keys of the figures that it needs of them."""
    orders = {target: Order(actual) for target, actual in holdout.outcomes.items()}
    needed = []
    for forecast in holdout.forecasts:
        metrics = {
            match.metric: None  # a set that keeps its order
            for match in matches
            if forecast.suits(match.metric)
            and match.cutoff in (holdout.cutoff, None)
            and forecast.model in (model, match.baseline)
        }
        if metrics:
            pair = Pair(forecast.values, holdout.outcomes[forecast.target], orders[forecast.target])
            keys = [(holdout.cutoff, metric, forecast.model) for metric in metrics]
            needed.append((forecast.target, pair, keys))
    return needed
