"""Earlier forecasts and outcomes come in; how good the forecasts were, beside the holdout of the training, goes out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from duramen.evaluation.bootstrap import Pair, Resample, draws
from duramen.evaluation.registry import TOP_FIFTH, metric
from duramen.io.processors import one_blas_thread
from duramen.language import marked

COVERAGE = marked("coverage of the 80 % interval")
# What is compared; the coverage of the interval comes after these.
COMPARED = (
    metric("value", "total bias"),
    metric("activity", "calibration error"),
    metric("activity", "AUC"),
    metric("value", "value captured at top 10 %"),
    metric("value", TOP_FIFTH),
)
# Of these, no figure or interval lies outside 0 to 1.
_BOUNDED = ("calibration error", "AUC", COVERAGE)
RESAMPLES = 200
# A million customers take fewer resamples, whose figures differ little: so many customers are drawn in all.
MOST_DRAWN, LEAST_RESAMPLES = 20_000_000, 40
REALISED_COLUMNS = [
    "target", "metric", "figure", "low", "high", "holdout", "holdout_low", "holdout_high", "change", "change_low",
    "change_high",
]  # fmt: skip


def realised_figures(
    scored: pd.DataFrame,
    holdout: pd.DataFrame | None,
    *,
    confidence: float = 0.95,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """Return the figures of forecasts whose outcomes are known, and how far they are from those of the holdout.

    Intervals are of a bootstrap over customers, reflected at the figure (the basic interval): the calibration error of
    few customers is above that of many by chance alone, and this interval takes that off.

    Parameters
    ----------
    scored : pandas.DataFrame
        A row a customer: ``predicted_value``, ``predicted_value_low``, ``predicted_value_high``,
        ``probability_active``, and the outcomes ``value`` (net money in the horizon) and ``active`` (1.0 or 0.0).
    holdout : pandas.DataFrame, optional
        The same columns of the holdout of the training; without it its columns and the change are missing.
    confidence : float
        Of the intervals.
    seed, resamples : int
        Of the bootstrap; of more than 100,000 customers there are fewer resamples, 40 at least.

    Returns
    -------
    pandas.DataFrame
        ``REALISED_COLUMNS``, a row a metric: total bias, calibration error of P(active), AUC, value captured at the
        top 10 % and 20 %, and coverage of the 80 % interval; each with its interval, that of the holdout, and the
        ``change`` since the holdout. A figure that the outcomes do not have (no money came in) is missing.

    Examples
    --------
    >>> scored = pd.DataFrame({"predicted_value": [30.0, 10.0], "predicted_value_low": [0.0, 0.0],
    ...     "predicted_value_high": [60.0, 20.0], "probability_active": [0.8, 0.4], "value": [50.0, 0.0],
    ...     "active": [1.0, 0.0]})
    >>> realised_figures(scored, None)[["metric", "figure"]].round(3).head(3)
                  metric  figure
    0         total bias    -0.2
    1  calibration error     0.3
    2                AUC     1.0
    """
    largest = max(len(scored), 0 if holdout is None else len(holdout))
    resamples = min(resamples, max(LEAST_RESAMPLES, MOST_DRAWN // largest))
    own = _resampled(scored, seed, resamples)
    # Other customers than those of the scores: the draws are independent.
    other = {} if holdout is None else _resampled(holdout, seed + 1, resamples)
    missing = (np.nan, np.full(resamples, np.nan))
    rows = []
    for (target, name), (figure, samples) in own.items():
        then, samples_then = other.get((target, name), missing)
        bounds = (0.0, 1.0) if name in _BOUNDED else (-np.inf, np.inf)
        low, high = np.clip(_interval(figure, samples, confidence), *bounds)
        low_then, high_then = np.clip(_interval(then, samples_then, confidence), *bounds)
        change = _interval(figure - then, samples - samples_then, confidence)
        rows.append((target, name, figure, low, high, then, low_then, high_then, figure - then, *change))
    return pd.DataFrame(rows, columns=REALISED_COLUMNS)


def _resampled(
    scored: pd.DataFrame, seed: int, resamples: int
) -> dict[tuple[str, str], tuple[float, np.ndarray]]:
    """Return each figure, and those of the resamples."""
    value, active = scored["value"].to_numpy(dtype=float), scored["active"].to_numpy(dtype=float)
    pairs = {
        "value": Pair(scored["predicted_value"].to_numpy(dtype=float), value),
        "activity": Pair(scored["probability_active"].to_numpy(dtype=float), active),
    }
    low, high = (scored[f"predicted_value_{end}"].to_numpy(dtype=float) for end in ("low", "high"))
    inside = ((value >= low) & (value <= high)).astype(float)
    found = {
        (one.target, one.name): (
            one.function(pairs[one.target].forecast, pairs[one.target].actual),
            np.empty(resamples),
        )
        for one in COMPARED
    }
    covered = np.empty(resamples)
    with one_blas_thread:
        for at, counts in enumerate(draws(len(scored), resamples, seed)):
            drawn = {target: Resample(pair, counts) for target, pair in pairs.items()}
            for one in COMPARED:
                found[one.target, one.name][1][at] = one.resampled(drawn[one.target])
            covered[at] = counts @ inside / len(scored)
    return found | {("value", COVERAGE): (float(inside.mean()), covered)}


def _interval(figure: float, samples: np.ndarray, confidence: float) -> np.ndarray:
    """Return the ends of the basic interval, missing where there is no figure."""
    if np.isnan(figure) or np.isnan(samples).all():
        return np.full(2, np.nan)
    ends: np.ndarray = 2 * figure - np.nanquantile(samples, ((1 + confidence) / 2, (1 - confidence) / 2))
    return ends
