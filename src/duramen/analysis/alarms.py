"""Drift and earlier forecasts beside outcomes come in, with limits; alarms in one sentence each go out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from duramen.analysis.migration import MUCH_DRIFT
from duramen.data.money_unit import unit_in_words
from duramen.evaluation.realised import COVERAGE
from duramen.forecast.settings import Bounds, refuse_outside
from duramen.language import marked, say, say_list, translated

# What the interval of a customer's value is meant to contain.
COVERED = 0.8
# Features that a sentence names.
NAMED = 3


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Where a figure becomes an alarm; a figure at its limit is none.

    Parameters
    ----------
    drift : float
        Population stability index of a feature or score; 0.25 is the usual threshold for a large shift.
    total_bias : float
        Predicted total over the actual one, less 1, in either direction. 0.25 is a wrong total for any use of it.
    calibration_error : float
        Mean difference of P(active) and the share who bought, over tenths.
    auc_drop : float
        By how much the AUC of P(active) may be below that of the holdout.
    captured_drop : float
        By how much the share of value captured at the top 10 % and 20 % may be below that of the holdout.
    coverage_shortfall : float
        By how much the 80 % interval may contain less than 80 % of the customers.
    confidence : float
        Of the intervals: only where the whole interval is beyond the limit, it is an alarm.

    Raises
    ------
    InputError
        If a limit is negative, or the confidence is not from 0.5 to below 1.
    """

    drift: float = MUCH_DRIFT
    total_bias: float = 0.25
    calibration_error: float = 0.05
    auc_drop: float = 0.05
    captured_drop: float = 0.1
    coverage_shortfall: float = 0.1
    confidence: float = 0.95

    def __post_init__(self) -> None:
        bounds = {name: Bounds(0) for name in asdict(self)} | {"confidence": Bounds(0.5, 0.999)}
        refuse_outside("monitor", asdict(self), bounds)


@dataclass(frozen=True)
class Alarm:
    """A figure beyond its limit.

    Attributes
    ----------
    what : str
        "feature drift", "score drift", or the metric.
    figure : float or None
        None where no money came in at all.
    limit : float
    sentence : str
        What, the figure, the limit, and what to do.
    """

    what: str
    figure: float | None
    limit: float
    sentence: str


def limit_of(row: dict[Any, Any], limits: Limits) -> tuple[float, bool]:
    """Return the limit of a figure, and whether its whole interval is beyond it."""
    name = row["metric"]
    if name == "total bias":
        # Without any money there is no bias, and nothing could be further off.
        nothing_came = bool(np.isnan(row["figure"]) and row["predicted"] > 0)
        return limits.total_bias, nothing_came or row["low"] > limits.total_bias or row[
            "high"
        ] < -limits.total_bias
    if name == "calibration error":
        return limits.calibration_error, row["low"] > limits.calibration_error
    if name == COVERAGE:
        return COVERED - limits.coverage_shortfall, row["high"] < COVERED - limits.coverage_shortfall
    drop = limits.auc_drop if name == "AUC" else limits.captured_drop
    return row["holdout"] - drop, row["change_high"] < -drop


def drift_alarms(drift: pd.DataFrame, since: date) -> Iterator[Alarm]:
    """Give one alarm for all features, and one for all scores, with those that moved furthest."""
    for kind, text in (
        (
            "feature",
            marked(
                "{n} of {all} features have drifted since {since}, furthest by the population stability index: "
                "{names}; check prices, currency and how the orders are read, and train again if the change is real."
            ),
        ),
        (
            "score",
            marked(
                "{n} of {all} scores have drifted since {since}, furthest by the population stability index: {names}; "
                "the customers have changed since training, so the ranking may be unreliable; train again."
            ),
        ),
    ):
        rows = drift[drift["kind"] == kind]
        moved = rows[rows["alarm"].astype(bool)].sort_values("psi", ascending=False)
        if moved.empty:
            continue
        first = moved.iloc[0]
        names = say_list(
            say(
                "{name} {index} (limit {limit})",
                name=row.name,
                index=f"{row.psi:.2f}",
                limit=f"{row.limit:.2f}",
            )
            for row in moved.head(NAMED).itertuples(index=False)
        )
        sentence = say(text, n=f"{len(moved):,}", all=f"{len(rows):,}", since=str(since), names=names)
        yield Alarm(f"{kind} drift", float(first["psi"]), float(first["limit"]), sentence)


def realised_alarms(realised: pd.DataFrame, unit: str, limits: Limits) -> Iterator[Alarm]:
    """Give an alarm for each figure of earlier scores that is beyond its limit."""
    for row in realised[realised["alarm"].astype(bool)].to_dict("records"):
        figure = None if pd.isna(row["figure"]) else float(row["figure"])
        yield Alarm(row["metric"], figure, float(row["limit"]), _sentence(row, unit, limits))


def _sentence(row: dict[Any, Any], unit: str, limits: Limits) -> str:
    """Return what is wrong with the scores of a day, by how much, and what to do."""
    name = row["metric"]
    values = {
        "cutoff": str(row["cutoff"]),
        "predicted": f"{row['predicted']:,.0f}",
        "unit": unit_in_words(unit),
    }
    if pd.isna(row["figure"]):
        return say(
            "scores of {cutoff} predicted {predicted} {unit} but customers spent nothing in {days} days; check that "
            "the orders are complete, and train again if they are.",
            **values,
            days=row["horizon_days"],
        )
    confidence = f"{100 * limits.confidence:g}"
    interval = say(
        "{share} % interval {low} to {high}",
        share=confidence, low=f"{row['low']:.3f}", high=f"{row['high']:.3f}",
    )  # fmt: skip
    if name == "total bias":
        return say(
            "scores of {cutoff} predicted {predicted} {unit} but the actual total is {actual}: total bias {figure} "
            "({interval}, limit {limit} either way); check prices and the orders, and train again.",
            **values, actual=f"{row['actual']:,.0f}", figure=f"{row['figure']:+.2f}", interval=interval,
            limit=f"{row['limit']:.2f}",
        )  # fmt: skip
    if name == "calibration error":
        return say(
            "scores of {cutoff}: P(active) is off by {figure} in the mean over tenths ({interval}, limit {limit}); "
            "train again, since contact rules by P(active) lose money.",
            cutoff=values["cutoff"], figure=f"{row['figure']:.3f}", interval=interval, limit=f"{row['limit']:.3f}",
        )  # fmt: skip
    if name == COVERAGE:
        return say(
            "scores of {cutoff}: {figure} of the customers are inside their 80 % interval ({interval}, limit {limit}); "
            "do not use the intervals before training again.",
            cutoff=values["cutoff"], figure=f"{row['figure']:.0%}", interval=interval, limit=f"{row['limit']:.0%}",
        )  # fmt: skip
    change = say(
        "{share} % interval {low} to {high}",
        share=confidence, low=f"{row['change_low']:+.3f}", high=f"{row['change_high']:+.3f}",
    )  # fmt: skip
    return say(
        "scores of {cutoff}: {metric} is {figure} and was {holdout} on the holdout ({change}, {interval}; limit "
        "{limit}); the order of the customers is worse than at training, so train a challenger.",
        cutoff=values["cutoff"], metric=translated(name), figure=f"{row['figure']:.3f}",
        holdout=f"{row['holdout']:.3f}", change=f"{row['change']:+.3f}", interval=change, limit=f"{row['limit']:.3f}",
    )  # fmt: skip
