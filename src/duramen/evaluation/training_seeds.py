"""Transactions and a window come in; how far scores and values differ between seeds goes out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from duramen.data.customers import customer_table
from duramen.data.transactions import Transactions
from duramen.data.windows import Window
from duramen.errors import InputError
from duramen.evaluation.holdout import model_at
from duramen.evaluation.metrics import spearman
from duramen.evaluation.top_customers import hit_rate
from duramen.forecast.settings import DEFAULT_FORECAST, ForecastSettings

SEED_COLUMNS = ["cutoff", "seed", "against", "customers", "spearman", "top_10", "value_change"]


def seed_stability(
    tx: Transactions,
    window: Window,
    seeds: Sequence[int] = (0, 1, 2),
    *,
    forecast: ForecastSettings = DEFAULT_FORECAST,
    first: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Train again with other seeds, and compare with the first of them; each seed takes as long as training.

    Parameters
    ----------
    tx : Transactions
    window : Window
    seeds : sequence of int
        Two at least.
    forecast : ForecastSettings
    first : pandas.DataFrame, optional
        Scores by a model of the first seed, where they are known already.

    Returns
    -------
    pandas.DataFrame
        A row for each seed but the first: ``cutoff``, ``seed``, ``against`` (the first seed), ``customers``,
        ``spearman`` (rank correlation of the scores), ``top_10`` (share of the first tenth that stays there) and
        ``value_change`` (median over the customers of the relative change of the predicted value, without its sign).

    Raises
    ------
    InputError
        If there are fewer than two seeds, or the history before the cutoff supports no model.
    """
    if len(set(seeds)) < 2:
        raise InputError(f"seeds are {list(seeds)}; give at least two that differ.")
    against, *others = dict.fromkeys(seeds)
    customers = customer_table(tx, window.cutoff)

    def scores_by(seed: int) -> pd.DataFrame:
        model = model_at(tx, window, forecast=forecast, seed=seed)
        return model.predict(customers, with_reasons=False)

    given = scores_by(against) if first is None else first
    score, value = given["score"].to_numpy(), given["predicted_value"].to_numpy()
    rows = []
    for seed in others:
        scores = scores_by(seed)
        other = scores["score"].to_numpy()
        change = np.median(np.abs(scores["predicted_value"].to_numpy() / value - 1))
        stays = hit_rate(other, score, 0.1)
        rows.append(
            (pd.Timestamp(window.cutoff), seed, against, len(score), spearman(other, score), stays, change)
        )
    return pd.DataFrame(rows, columns=SEED_COLUMNS)
