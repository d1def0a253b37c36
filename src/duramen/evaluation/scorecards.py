"""Forecasts and outcomes of the holdout come in; a scorecard of the model beside simple methods goes out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from duramen.data.customers import typical_basket
from duramen.evaluation.baselines import PAST_TREND, simple_groups, simple_orders
from duramen.evaluation.forecasts import DURAMEN, Forecast, evaluate
from duramen.evaluation.metrics import log_value
from duramen.evaluation.registry import GROUPS, METRICS, MONEY, ORDER, PROBABILITY
from duramen.language import marked

# The share of customers who grew, as the probability of each.
BASE_RATE = marked("base rate")
# The model and what it is made of: columns of the holdout with value and probability to be active.
PARTS = {
    DURAMEN: ("predicted_value", "probability_active"),
    "BTYD x gamma-gamma": ("btyd_value", "btyd_probability"),
    "LightGBM": ("trees_value", "trees_probability"),
    marked("LightGBM two-stage"): ("two_stage_value", None),
}


def scorecard(holdout: pd.DataFrame) -> pd.DataFrame:
    """Return how good the model, its parts and simple methods are on the same holdout customers.

    Parameters
    ----------
    holdout : pandas.DataFrame
        ``CoreCustomerModel.holdout_``: forecasts beside the outcomes, which they were made without.

    Returns
    -------
    pandas.DataFrame
        ``model``, ``target`` ("value", "activity", "growth", "growing" or "segments"), ``metric``, ``figure`` and
        ``higher_is_better`` (missing where nearest to zero is best); ``duramen.evaluation.describe_metrics`` says what
        each metric is. A
        method that only orders customers has no MAE, bias, decile error or Brier score. Segments are those of the
        holdout's cutoff, beside as many simple groups.
    """
    active = holdout["active"].to_numpy(dtype=float)
    value = holdout["actual_value"].to_numpy()
    outcomes = {"value": value, "activity": active, "log value": log_value(value, typical_basket(holdout))}
    forecasts = holdout_forecasts(holdout) + _groups(holdout)
    # A model of an older format kept no direction of its holdout customers.
    if "past_value" in holdout:
        outcomes["growth"] = value - holdout["past_value"].to_numpy()
        outcomes["growing"] = (outcomes["growth"] > 0).astype(float)
        forecasts += _directions(holdout, float(outcomes["growing"].mean()))
    return evaluate(forecasts, outcomes, [metric for metric in METRICS if metric.in_scorecard])


def holdout_forecasts(holdout: pd.DataFrame) -> list[Forecast]:
    """Return the forecasts of the model, of its parts as far as there are any, and of simple methods.

    Parameters
    ----------
    holdout : pandas.DataFrame
        ``CoreCustomerModel.holdout_``.
    """
    kinds = (("value", MONEY), ("activity", PROBABILITY))
    forecasts = [
        Forecast(model, target, kind, holdout[column].to_numpy())
        for model, columns in PARTS.items()
        for column, (target, kind) in zip(columns, kinds, strict=True)
        if column is not None and holdout[column].notna().all()
    ]
    return forecasts + simple_orders(holdout.rename(columns={"past_spend": "net_spend"}))


def _directions(holdout: pd.DataFrame, share_grown: float) -> list[Forecast]:
    """Return the forecasts of growth: those of the model, of the past trend, and the share who grew as a constant."""
    trend = holdout["past_trend"].to_numpy()
    return [
        Forecast(DURAMEN, "growth", ORDER, holdout["growth_rate"].to_numpy()),
        Forecast(DURAMEN, "growing", PROBABILITY, holdout["probability_growing"].to_numpy()),
        *(Forecast(PAST_TREND, target, ORDER, trend) for target in ("growth", "growing")),
        Forecast(BASE_RATE, "growing", PROBABILITY, np.full(len(holdout), share_grown)),
    ]


def _groups(holdout: pd.DataFrame) -> list[Forecast]:
    segments = pd.factorize(holdout["segment"])[0]
    customers = holdout.rename(columns={"past_spend": "net_spend"})
    return [
        Forecast(DURAMEN, "segments", GROUPS, segments),
        *simple_groups(customers, int(segments.max()) + 1),
    ]
