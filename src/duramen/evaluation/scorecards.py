"""Held-out forecasts and outcomes come in; a scorecard beside plain baselines goes out.

Called after training, for the report and MLflow.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from duramen.data.customers import typical_basket
from duramen.evaluation.metrics import (
    captured,
    decile_error,
    log_value,
    normalised_gini,
    spearman,
    total_bias,
    variance_explained,
)
from duramen.segments.rfm import groups_of_equal_count, rfm_score

OURS = "duramen"
SCORECARD_COLUMNS = ["model", "target", "metric", "figure", "higher_is_better"]


def scorecard(judged: pd.DataFrame) -> pd.DataFrame:
    """Judge every model and baseline on the same held-out customers.

    Parameters
    ----------
    judged : pandas.DataFrame
        ``CoreCustomerModel.holdout_``: forecasts made before the outcomes that stand beside them.

    Returns
    -------
    pandas.DataFrame
        Long: ``model``, ``target`` ("value", "activity" or "segments"), ``metric``, ``figure`` and
        ``higher_is_better`` (missing where nearest to zero is best). A baseline that only orders customers has no MAE,
        bias or decile error. Segments are those of the held-out cutoff, beside as many plain groups.
    """
    value, active = judged["actual_value"].to_numpy(), judged["active"].to_numpy()
    rfm = rfm_score(judged.rename(columns={"past_spend": "net_spend"}))
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
    rows += _segment_rows(judged)
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


def _segment_rows(judged: pd.DataFrame) -> list[dict[str, object]]:
    segments = pd.factorize(judged["segment"])[0]
    plain = groups_of_equal_count(judged.rename(columns={"past_spend": "net_spend"}), int(segments.max()) + 1)
    value = log_value(judged["actual_value"].to_numpy(), typical_basket(judged))
    active = judged["active"].to_numpy(dtype=float)
    rows = []
    for model, groups in ({OURS: segments} | plain).items():
        figures: list[tuple[str, float, bool | None]] = [
            ("log value explained", variance_explained(value, groups), True),
            ("activity explained", variance_explained(active, groups), True),
        ]
        rows += _rows(model, "segments", figures)
    return rows


def _rows(model: str, target: str, figures: list[tuple[str, float, bool | None]]) -> list[dict[str, object]]:
    return [
        {"model": model, "target": target, "metric": metric, "figure": figure, "higher_is_better": better}
        for metric, figure, better in figures
    ]
