"""Held-out forecasts and outcomes come in; a scorecard beside plain baselines goes out.

Called after training, for the report and MLflow.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from duramen.analysis.metrics import captured, decile_error, normalised_gini, spearman, total_bias

OURS = "duramen"
SCORECARD_COLUMNS = ["model", "target", "metric", "figure", "higher_is_better"]


def scorecard(judged: pd.DataFrame) -> pd.DataFrame:
    """Judge every model and baseline on the same held-out customers.

    Parameters
    ----------
    judged : pandas.DataFrame
        ``CoreCustomerModel.judged_``: forecasts made before the outcomes that stand beside them.

    Returns
    -------
    pandas.DataFrame
        Long: ``model``, ``target`` ("value" or "activity"), ``metric``, ``figure`` and ``higher_is_better`` (missing
        where nearest to zero is best). A baseline that only orders customers has no MAE, bias or decile error.
    """
    value, active = judged["actual_value"].to_numpy(), judged["active"].to_numpy()
    rfm = rfm_score(judged)
    rows: list[dict[str, object]] = []
    for model, column in (
        (OURS, "predicted_value"),
        ("BTYD x gamma-gamma", "btyd_value"),
        ("LightGBM", "trees_value"),
        ("LightGBM two-stage", "two_stage_value"),
    ):
        if judged[column].notna().all():
            rows += _value_rows(model, judged[column].to_numpy(), value, in_money=True)
    rows += _value_rows("past spend", judged["past_spend"].to_numpy(), value, in_money=False)
    rows += _value_rows("RFM score", rfm, value, in_money=False)
    for model, column in (
        (OURS, "probability_active"),
        ("BTYD x gamma-gamma", "btyd_probability"),
        ("LightGBM", "trees_probability"),
    ):
        if judged[column].notna().all():
            rows += _activity_rows(model, judged[column].to_numpy(), active, is_probability=True)
    recent = -judged["time_since_last"].to_numpy()
    rows += _activity_rows("bought last", recent, active, is_probability=False)
    rows += _activity_rows("RFM score", rfm, active, is_probability=False)
    return pd.DataFrame(rows, columns=SCORECARD_COLUMNS)


def _value_rows(
    model: str, forecast: np.ndarray, actual: np.ndarray, *, in_money: bool
) -> list[dict[str, object]]:
    figures: list[tuple[str, float, bool | None]] = [
        ("value captured at top 10 %", captured(forecast, actual, 0.1), True),
        ("value captured at top 20 %", captured(forecast, actual, 0.2), True),
        ("normalised Gini", normalised_gini(forecast, actual), True),
        ("Spearman", spearman(forecast, actual), True),
    ]
    if in_money:
        figures += [
            ("MAE", float(np.mean(np.abs(forecast - actual))), False),
            ("total bias", total_bias(forecast, actual), None),
            ("decile error", decile_error(forecast, actual), False),
        ]
    return _rows(model, "value", figures)


def _activity_rows(
    model: str, forecast: np.ndarray, active: np.ndarray, *, is_probability: bool
) -> list[dict[str, object]]:
    from sklearn.metrics import brier_score_loss, roc_auc_score

    both = 0 < active.mean() < 1
    figures: list[tuple[str, float, bool | None]] = [
        ("AUC", float(roc_auc_score(active, forecast)) if both else float("nan"), True)
    ]
    if is_probability:
        figures.append(("Brier", float(brier_score_loss(active, forecast)), False))
    return _rows(model, "activity", figures)


def _rows(model: str, target: str, figures: list[tuple[str, float, bool | None]]) -> list[dict[str, object]]:
    return [
        {"model": model, "target": target, "metric": metric, "figure": figure, "higher_is_better": better}
        for metric, figure, better in figures
    ]


def rfm_score(judged: pd.DataFrame) -> np.ndarray:
    """Return the sum of the quintiles (1 to 5) of recency, frequency and money, the plain segmentation score.

    Parameters
    ----------
    judged : pandas.DataFrame
        With ``time_since_last``, ``frequency`` and ``past_spend``.

    Returns
    -------
    numpy.ndarray of shape (n,)
        From 3 to 15; equal values get the same quintile.
    """
    ranks = pd.DataFrame(
        {
            "recency": (-judged["time_since_last"]).rank(pct=True),
            "frequency": judged["frequency"].rank(pct=True),
            "money": judged["past_spend"].rank(pct=True),
        }
    )
    score: np.ndarray = np.ceil(ranks * 5).sum(axis=1).to_numpy()
    return score
