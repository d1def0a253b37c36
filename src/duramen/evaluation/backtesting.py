"""Transactions and windows come in; how good every forecast is at each cutoff goes out.

At each cutoff the model and the baselines learn from what lies before it alone, forecast the same customers, and are
compared with what those then did.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pandas as pd

from duramen.data.transactions import Transactions
from duramen.data.windows import Window, parse_horizon
from duramen.errors import InputError
from duramen.evaluation.baselines import PAST_SPEND
from duramen.evaluation.comparison import compare, figures_by_cutoff, mean_figures
from duramen.evaluation.core import core_calibration, score_against_past_spend
from duramen.evaluation.curves import calibration_curve
from duramen.evaluation.holdout import Holdout, holdout_at
from duramen.evaluation.metrics import spearman, tenths
from duramen.evaluation.registry import PROBABILITY
from duramen.evaluation.top_customers import first_customers
from duramen.evaluation.training_seeds import seed_stability
from duramen.forecast.settings import DEFAULT_FORECAST, ForecastSettings
from duramen.forecast.value_distribution import LEAST_PROBABILITY
from duramen.io.autologging import without_autologging

_LOG = logging.getLogger(__name__)

RESAMPLES = 1000
# The first shares of the customers that are compared between two cutoffs.
TOP_SHARES = (0.1, 0.2)

# Group of the customers whose interval would end above 0 without being widened to the predicted value.
POSITIVE = "positive interval"
STABILITY_COLUMNS = ["earlier", "later", "customers", "spearman", "overlap_10", "overlap_20"]


@dataclass(frozen=True)
class Backtest:
    """How good the forecasts at several cutoffs are.

    Attributes
    ----------
    windows : list of Window
        Earliest first.
    source, unit : str
        Where the transactions come from, and the unit of money.
    forecast : ForecastSettings
        Those of the model.
    seed, resamples : int
    figures : pandas.DataFrame
        ``cutoff``, ``model``, ``target``, ``metric``, ``figure`` and ``higher_is_better`` (missing where nearest to
        zero is best).
    comparisons : pandas.DataFrame
        The model less the best baseline by each metric: ``cutoff`` (missing for the mean over the cutoffs),
        ``target``, ``metric``, ``figure``, ``baseline``, ``baseline_figure``, ``difference``, ``low`` and ``high``
        (95 %) and ``verdict``: "better", "level" (0 lies in the interval) or "worse". Where nearest to zero is best,
        sizes are compared.
    coverage : pandas.DataFrame
        ``cutoff``, ``group`` ("all"; "positive interval", the customers with P(active) above 20 %; or the tenth by
        predicted value, 1 the highest), ``customers``, and the shares ``below``, ``inside`` and ``above`` the predicted
        interval. It should contain 80 % of those with a positive interval; of the others more than 80 % have an outcome
        of 0.
    next_purchase : pandas.DataFrame
        How far the dates of the next purchase are off: ``cutoff`` and the columns of ``next_purchase_errors``.
    calibration : pandas.DataFrame
        ``cutoff``, ``model`` and the columns of ``calibration_curve``.
    core : pandas.DataFrame
        Whether P(core) is calibrated: ``cutoff`` and the columns of ``core_calibration``.
    past_spend : pandas.DataFrame
        Customers whom the score and past spend put first: ``cutoff`` and the columns of
        ``score_against_past_spend``.
    stability : pandas.DataFrame
        Between neighbouring cutoffs, of the customers known at both: ``earlier``, ``later``, ``customers``,
        ``spearman`` of the score, and ``overlap_10`` and ``overlap_20``, the Jaccard index of the first 10 and 20 %.
    forecasts : pandas.DataFrame
        A row a cutoff and customer: ``cutoff``, ``customer_id``, ``score``, ``predicted_value_low``,
        ``predicted_value_high``, a column "target: model" for each forecast, missing where there was none, and
        "target: actual".
    seeds : pandas.DataFrame or None
        At the latest cutoff, how far scores and values differ with other seeds: what ``seed_stability`` returns.
    """

    windows: list[Window]
    source: str
    unit: str
    forecast: ForecastSettings
    seed: int
    resamples: int
    figures: pd.DataFrame
    comparisons: pd.DataFrame
    coverage: pd.DataFrame
    next_purchase: pd.DataFrame
    calibration: pd.DataFrame
    core: pd.DataFrame
    past_spend: pd.DataFrame
    stability: pd.DataFrame
    forecasts: pd.DataFrame
    seeds: pd.DataFrame | None = None

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return every table by its name."""
        return {name: table for name, table in vars(self).items() if isinstance(table, pd.DataFrame)}

    def mean_figures(self) -> pd.DataFrame:
        """Return the mean over the cutoffs of each figure, of its size where nearest to zero is best.

        It is missing for a model that is missing at a cutoff.
        """
        return mean_figures(self.figures)


def backtest_windows(tx: Transactions, horizon: int | str, count: int = 3) -> list[Window]:
    """Return the latest window whose horizon is complete, and earlier ones half a horizon apart, earliest first.

    Each has at least one horizon of history. Where the data support fewer than ``count``, there are fewer.

    Raises
    ------
    InputError
        If the data are shorter than two horizons.
    """
    length = parse_horizon(horizon)
    latest = Window(length.before(tx.last_date + timedelta(days=1)), length)
    step = max(latest.horizon // 2, 1)
    # Months are those of the calendar from each cutoff.
    windows = [Window(latest.cutoff - timedelta(days=step * back), length) for back in range(count)]
    fitting = [window for window in windows if (window.cutoff - tx.first_date).days >= window.horizon]
    if not fitting:
        days = (tx.last_date - tx.first_date).days + 1
        raise InputError(
            f"{tx.source} has {days} days ({tx.first_date} to {tx.last_date}), too few for {latest.horizon} days of "
            f"history and as many of outcomes; choose a horizon of at most {max(days // 2, 1)}d."
        )
    return fitting[::-1]


@without_autologging()
def backtest(
    tx: Transactions,
    windows: Sequence[Window],
    *,
    forecast: ForecastSettings = DEFAULT_FORECAST,
    seed: int = 0,
    resamples: int = RESAMPLES,
    seeds: int = 0,
) -> Backtest:
    """Forecast at each cutoff with the model and every baseline, and evaluate them on the horizon after it.

    Parameters
    ----------
    tx : Transactions
    windows : sequence of Window
        Such as ``backtest_windows`` returns.
    forecast : ForecastSettings
        Those of the model.
    seed : int
        Seed of the models and of the resamples.
    resamples : int
        Bootstrap resamples of customers behind each interval.
    seeds : int
        Number of other seeds that the model of the latest cutoff is trained with, each as long as training.

    Returns
    -------
    Backtest

    Raises
    ------
    InputError
        If a horizon does not end inside the data, or the history before a cutoff supports no model.
    """
    windows = sorted(set(windows))
    for window in windows:
        _refuse_incomplete(tx, window)
    holdouts = []
    for window in windows:
        _LOG.info("cutoff %s", window.cutoff)
        holdouts.append(holdout_at(tx, window, forecast=forecast, seed=seed))
    _LOG.info("%s resamples of the customers", f"{resamples:,}")
    figures = figures_by_cutoff(holdouts)
    return Backtest(
        windows=windows,
        source=tx.source,
        unit=tx.unit,
        forecast=forecast,
        seed=seed,
        resamples=resamples,
        figures=figures,
        comparisons=compare(holdouts, figures, seed=seed, resamples=resamples),
        coverage=pd.concat([_coverage(holdout) for holdout in holdouts], ignore_index=True),
        next_purchase=pd.concat(
            [_at_cutoff(holdout, holdout.next_purchase.copy()) for holdout in holdouts], ignore_index=True
        ),
        calibration=pd.concat([_calibration(holdout) for holdout in holdouts], ignore_index=True),
        core=pd.concat([_core(holdout) for holdout in holdouts], ignore_index=True),
        past_spend=pd.concat([_past_spend(holdout) for holdout in holdouts], ignore_index=True),
        stability=_stability(holdouts),
        forecasts=pd.concat([holdout.table() for holdout in holdouts], ignore_index=True),
        seeds=_seeds(tx, holdouts[-1], forecast, range(seed, seed + seeds + 1)) if seeds else None,
    )


def _seeds(
    tx: Transactions, latest: Holdout, forecast: ForecastSettings, seeds: Sequence[int]
) -> pd.DataFrame:
    _LOG.info("%s other seeds", len(seeds) - 1)
    return seed_stability(tx, latest.window, seeds, forecast=forecast, first=latest.scores)


def _refuse_incomplete(tx: Transactions, window: Window) -> None:
    after_the_last = tx.last_date + timedelta(days=1)
    if not tx.first_date < window.cutoff < after_the_last:
        raise InputError(
            f"the cutoff {window.cutoff} lies outside the data of {tx.source}, which run from {tx.first_date} to "
            f"{tx.last_date}; choose a day inside them."
        )
    if window.end > after_the_last:
        raise InputError(
            f"the {window} end on {window.end - timedelta(days=1)}, after the last day {tx.last_date} of {tx.source}; "
            f"choose a cutoff up to {after_the_last - timedelta(days=window.horizon)} or a shorter horizon."
        )


def _coverage(holdout: Holdout) -> pd.DataFrame:
    actual, scores = holdout.outcomes["value"], holdout.scores
    below = actual < scores["predicted_value_low"].to_numpy()
    above = actual > scores["predicted_value_high"].to_numpy()
    likely = scores["probability_active"].to_numpy() > LEAST_PROBABILITY
    groups = {"all": np.arange(len(actual)), POSITIVE: np.flatnonzero(likely)}
    groups |= {
        str(number): rows for number, rows in enumerate(tenths(scores["predicted_value"].to_numpy()), start=1)
    }
    return pd.DataFrame(
        {
            "cutoff": holdout.cutoff,
            "group": list(groups),
            "customers": [len(rows) for rows in groups.values()],
            **{
                side: [part[rows].mean() if len(rows) else np.nan for rows in groups.values()]
                for side, part in (("below", below), ("inside", ~(below | above)), ("above", above))
            },
        }
    )


def _calibration(holdout: Holdout) -> pd.DataFrame:
    curves = {
        forecast.model: calibration_curve(forecast.values, holdout.outcomes["activity"])
        for forecast in holdout.forecasts
        if forecast.target == "activity" and forecast.kind == PROBABILITY
    }
    table = pd.concat(curves, names=["model"]).reset_index("model").reset_index(drop=True)
    return _at_cutoff(holdout, table)


def _core(holdout: Holdout) -> pd.DataFrame:
    table = core_calibration(holdout.scores["probability_core"].to_numpy(), holdout.outcomes["value"])
    return _at_cutoff(holdout, table)


def _past_spend(holdout: Holdout) -> pd.DataFrame:
    past = next(forecast.values for forecast in holdout.forecasts if forecast.model == PAST_SPEND)
    score, value = holdout.scores["score"].to_numpy(), holdout.outcomes["value"]
    return _at_cutoff(holdout, score_against_past_spend(score, past, value))


def _at_cutoff(holdout: Holdout, table: pd.DataFrame) -> pd.DataFrame:
    table.insert(0, "cutoff", holdout.cutoff)
    return table


def _stability(holdouts: Sequence[Holdout]) -> pd.DataFrame:
    rows = []
    for earlier, later in pairwise(holdouts):
        both = earlier.scores[["customer_id", "score"]].merge(
            later.scores[["customer_id", "score"]], on="customer_id", validate="one_to_one"
        )
        before, after = both["score_x"].to_numpy(), both["score_y"].to_numpy()
        overlaps = [_overlap(before, after, share) for share in TOP_SHARES]
        rows.append((earlier.cutoff, later.cutoff, len(both), spearman(before, after), *overlaps))
    return pd.DataFrame(rows, columns=STABILITY_COLUMNS)


def _overlap(before: np.ndarray, after: np.ndarray, share: float) -> float:
    """Return the Jaccard index of the first customers by two scores."""
    first, then = (first_customers(score, share) for score in (before, after))
    return float(len(np.intersect1d(first, then)) / len(np.union1d(first, then)))
