"""Forecasts and outcomes of the holdout come in; how far to trust the ranking goes out, in tables and figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from duramen.evaluation.curves import calibration_curve, gains_curve
from duramen.evaluation.metrics import captured, tenths
from duramen.forecast.value_distribution import LEAST_PROBABILITY, ValueDistribution

MODEL, BY_PAST_SPEND = "duramen", "past spend"
# The top part of the customers that sentences speak of.
TOP = 0.2


@dataclass(frozen=True)
class ForecastQuality:
    """How the forecasts of the holdout compare with what happened.

    Attributes
    ----------
    gains : pandas.DataFrame
        ``order`` ("duramen" or "past spend"), ``customers`` and ``money``: shares from 0 to 1 of the customers that an
        order puts first, and of the money that they brought.
    calibration : pandas.DataFrame
        A row for each tenth of the customers by P(active): ``bin``, ``predicted``, ``actual`` and ``customers``.
    deciles : pandas.DataFrame
        A row for each tenth of the customers by predicted value: ``decile`` (1 has the highest), ``customers``,
        ``predicted`` and ``actual`` (sums, in money).
    captured, captured_by_past_spend : float
        Share of the money that the first fifth of the customers brought, by each order.
    total_predicted, total_actual : float
        Money of all customers.
    coverage : float
        Share of the outcomes inside the 80 % intervals, among customers with P(active) above 20 %: intervals of others
        contain more by construction. The errors are learned from one half of the customers and compared with the
        other, in turn. Missing without such customers.
    """

    gains: pd.DataFrame
    calibration: pd.DataFrame
    deciles: pd.DataFrame
    captured: float
    captured_by_past_spend: float
    total_predicted: float
    total_actual: float
    coverage: float

    @property
    def digits(self) -> int:
        """Digits of both shares captured, as per cent: one more where whole per cent would not tell them apart."""
        return int(round(100 * self.captured) == round(100 * self.captured_by_past_spend))


def forecast_quality(holdout: pd.DataFrame) -> ForecastQuality | None:
    """Return how good the forecasts of a holdout were; None where nobody bought in it.

    Parameters
    ----------
    holdout : pandas.DataFrame
        ``CoreCustomerModel.holdout_``.
    """
    actual = holdout["actual_value"].to_numpy(dtype=float)
    predicted = holdout["predicted_value"].to_numpy(dtype=float)
    if not len(actual) or actual.sum() <= 0:
        return None
    past = holdout["past_spend"].to_numpy(dtype=float)
    orders = {MODEL: predicted, BY_PAST_SPEND: past}
    deciles = [
        (number, len(rows), predicted[rows].sum(), actual[rows].sum())
        for number, rows in enumerate(tenths(predicted), start=1)
    ]
    return ForecastQuality(
        gains=pd.concat([gains_curve(by, actual).assign(order=name) for name, by in orders.items()]),
        calibration=calibration_curve(
            holdout["probability_active"].to_numpy(dtype=float), holdout["active"].to_numpy(dtype=float)
        ),
        deciles=pd.DataFrame(deciles, columns=["decile", "customers", "predicted", "actual"]),
        captured=captured(predicted, actual, TOP),
        captured_by_past_spend=captured(past, actual, TOP),
        total_predicted=float(predicted.sum()),
        total_actual=float(actual.sum()),
        coverage=_coverage(predicted, holdout["probability_active"].to_numpy(dtype=float), actual),
    )


def _coverage(predicted: np.ndarray, probability: np.ndarray, actual: np.ndarray) -> float:
    """Return the share of outcomes inside intervals whose errors come from the other half of the customers."""
    halves = np.arange(len(actual)) % 2
    inside = np.zeros(len(actual), dtype=bool)
    for half in (0, 1):
        learn, test = halves != half, halves == half
        errors = ValueDistribution().fit(predicted[learn], probability[learn], actual[learn])
        low, high = errors.interval(predicted[test], probability[test])
        inside[test] = (low <= actual[test]) & (actual[test] <= high)
    likely = probability > LEAST_PROBABILITY
    return float(inside[likely].mean()) if likely.any() else float("nan")
