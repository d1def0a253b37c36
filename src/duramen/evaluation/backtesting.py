"""Transactions and windows come in; what every forecast was worth at each cutoff goes out. Called by the command line.

At each cutoff the model and the baselines learn from what lies before it alone, forecast the same customers, and are
judged on what those then did.
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
from duramen.evaluation.comparison import compare, mean_figures, measured
from duramen.evaluation.core import against_past_spend, core_calibration
from duramen.evaluation.holdout import HeldOut, hold_out
from duramen.evaluation.metrics import first_count, spearman, tenths
from duramen.forecast.settings import DEFAULT_FORECAST, ForecastSettings
from duramen.io.autologging import without_autologging

_LOG = logging.getLogger(__name__)

RESAMPLES = 1000
# Shares of the customers whose place at two cutoffs is compared.
TOP_SHARES = (0.1, 0.2)

STABILITY_COLUMNS = ["earlier", "later", "customers", "spearman", "overlap_10", "overlap_20"]


@dataclass(frozen=True)
class Backtest:
    """What the forecasts at several cutoffs were worth.

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
        Ours less the best baseline of each metric: ``cutoff`` (missing for the mean over the cutoffs), ``target``,
        ``metric``, ``ours``, ``baseline``, ``baseline_figure``, ``difference``, ``low`` and ``high`` (95 %) and
        ``verdict``: "better", "level" (0 lies in the interval) or "worse". Where nearest to zero is best, sizes are
        compared.
    coverage : pandas.DataFrame
        ``cutoff``, ``group`` ("all", or the tenth by predicted value, 1 the highest), ``customers``, and the shares
        ``below``, ``inside`` and ``above`` the predicted interval, which is meant to hold 80 %.
    calibration : pandas.DataFrame
        ``cutoff``, ``model``, ``bin`` (1 the most probable), ``predicted`` and ``actual`` share active, ``customers``.
    core : pandas.DataFrame
        Whether P(core) holds: ``cutoff`` and the columns of ``core_calibration``.
    past_spend : pandas.DataFrame
        Whom the score puts first and past spend does not: ``cutoff`` and the columns of ``against_past_spend``.
    stability : pandas.DataFrame
        Between neighbouring cutoffs, of the customers known at both: ``earlier``, ``later``, ``customers``,
        ``spearman`` of the score, and ``overlap_10`` and ``overlap_20``, the Jaccard index of the first 10 and 20 %.
    forecasts : pandas.DataFrame
        A row a cutoff and customer: ``cutoff``, ``customer_id``, ``score``, ``predicted_value_low``,
        ``predicted_value_high``, a column "target: model" for each forecast, missing where there was none, and
        "target: actual".
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
    calibration: pd.DataFrame
    core: pd.DataFrame
    past_spend: pd.DataFrame
    stability: pd.DataFrame
    forecasts: pd.DataFrame

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

    Each holds at least one horizon of history. Where the data support fewer than ``count``, there are fewer.

    Raises
    ------
    InputError
        If the data do not hold two horizons.
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
            f"{tx.source} holds {days} days ({tx.first_date} to {tx.last_date}), too few for {latest.horizon} days of "
            f"history and as many to judge by; choose a horizon of at most {max(days // 2, 1)}d."
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
) -> Backtest:
    """Forecast at each cutoff with the model and every baseline, and judge them on the horizon after it.

    Parameters
    ----------
    tx : Transactions
    windows : sequence of Window
        Such as ``backtest_windows`` gives.
    forecast : ForecastSettings
        Those of the model.
    seed : int
        Seed of the models and of the resamples.
    resamples : int
        Bootstrap resamples of customers behind each interval.

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
    held_out = []
    for window in windows:
        _LOG.info("cutoff %s", window.cutoff)
        held_out.append(hold_out(tx, window, forecast=forecast, seed=seed))
    _LOG.info("%s resamples of the customers", f"{resamples:,}")
    figures = measured(held_out)
    return Backtest(
        windows=windows,
        source=tx.source,
        unit=tx.unit,
        forecast=forecast,
        seed=seed,
        resamples=resamples,
        figures=figures,
        comparisons=compare(held_out, figures, seed=seed, resamples=resamples),
        coverage=pd.concat([_coverage(held) for held in held_out], ignore_index=True),
        calibration=pd.concat([_calibration(held) for held in held_out], ignore_index=True),
        core=pd.concat([_core(held) for held in held_out], ignore_index=True),
        past_spend=pd.concat([_past_spend(held) for held in held_out], ignore_index=True),
        stability=_stability(held_out),
        forecasts=pd.concat([held.table() for held in held_out], ignore_index=True),
    )


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


def _coverage(held: HeldOut) -> pd.DataFrame:
    actual = held.actual["value"]
    below = actual < held.scores["predicted_value_low"].to_numpy()
    above = actual > held.scores["predicted_value_high"].to_numpy()
    groups = {"all": np.arange(len(actual))}
    groups |= {
        str(number): rows
        for number, rows in enumerate(tenths(held.scores["predicted_value"].to_numpy()), start=1)
    }
    return pd.DataFrame(
        {
            "cutoff": pd.Timestamp(held.window.cutoff),
            "group": list(groups),
            "customers": [len(rows) for rows in groups.values()],
            "below": [below[rows].mean() for rows in groups.values()],
            "inside": [1 - (below | above)[rows].mean() for rows in groups.values()],
            "above": [above[rows].mean() for rows in groups.values()],
        }
    )


def _calibration(held: HeldOut) -> pd.DataFrame:
    active = held.actual["activity"]
    rows = [
        (
            pd.Timestamp(held.window.cutoff), told.model, number,
            told.values[inside].mean(), active[inside].mean(), len(inside),
        )
        for told in held.forecasts
        if told.says == "probability"
        for number, inside in enumerate(tenths(told.values), start=1)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["cutoff", "model", "bin", "predicted", "actual", "customers"])


def _core(held: HeldOut) -> pd.DataFrame:
    table = core_calibration(held.scores["probability_core"].to_numpy(), held.actual["value"])
    return _at_cutoff(held, table)


def _past_spend(held: HeldOut) -> pd.DataFrame:
    past = next(told.values for told in held.forecasts if told.model == "past spend")
    return _at_cutoff(held, against_past_spend(held.scores["score"].to_numpy(), past, held.actual["value"]))


def _at_cutoff(held: HeldOut, table: pd.DataFrame) -> pd.DataFrame:
    table.insert(0, "cutoff", pd.Timestamp(held.window.cutoff))
    return table


def _stability(held_out: Sequence[HeldOut]) -> pd.DataFrame:
    rows = []
    for earlier, later in pairwise(held_out):
        both = earlier.scores[["customer_id", "score"]].merge(
            later.scores[["customer_id", "score"]], on="customer_id", validate="one_to_one"
        )
        before, after = both["score_x"].to_numpy(), both["score_y"].to_numpy()
        overlaps = [_overlap(before, after, share) for share in TOP_SHARES]
        cutoffs = [pd.Timestamp(held.window.cutoff) for held in (earlier, later)]
        rows.append((*cutoffs, len(both), spearman(before, after), *overlaps))
    return pd.DataFrame(rows, columns=STABILITY_COLUMNS)


def _overlap(before: np.ndarray, after: np.ndarray, share: float) -> float:
    """Return the Jaccard index of the first customers by two scores."""
    count = first_count(len(before), share)
    first, then = (np.argsort(-score, kind="stable")[:count] for score in (before, after))
    return float(len(np.intersect1d(first, then)) / len(np.union1d(first, then)))
