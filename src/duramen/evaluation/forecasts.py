"""Forecasts of the same customers and their outcomes come in; the figure of every metric goes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from duramen.evaluation.registry import DISTRIBUTION, METRICS, ORDER, Metric

# The name of the model among the forecasts.
DURAMEN = "duramen"
FIGURES_COLUMNS = ["model", "target", "metric", "figure", "higher_is_better"]


@dataclass(frozen=True)
class Forecast:
    """What one model predicts of every customer.

    Attributes
    ----------
    model : str
    target : str
        "value", "activity", "growth" (change of spend), "growing" (whether it rose) or "segments".
    kind : str
        "money", "probability", "groups" (whole numbers from 0), "distribution", or "order" where only the order has a
        meaning.
    values : numpy.ndarray of shape (n,)
        Of a distribution of shape (n, 199): the quantiles of each customer at
        ``duramen.forecast.value_distribution.LEVELS``.
    """

    model: str
    target: str
    kind: str
    values: np.ndarray

    def suits(self, metric: Metric) -> bool:
        """Return whether a metric can measure this forecast: its target, and what it requires."""
        takes = metric.requires == self.kind or (metric.requires == ORDER and self.kind != DISTRIBUTION)
        return self.target == metric.target and takes


def evaluate(
    forecasts: Sequence[Forecast], outcomes: Mapping[str, np.ndarray], metrics: Iterable[Metric] = METRICS
) -> pd.DataFrame:
    """Return the figure of each forecast by each metric that suits it.

    Parameters
    ----------
    forecasts : sequence of Forecast
    outcomes : mapping of str to numpy.ndarray of shape (n,)
        By target, or by what the metric names as its outcome.
    metrics : iterable of Metric

    Returns
    -------
    pandas.DataFrame
        ``FIGURES_COLUMNS``; ``higher_is_better`` is missing where nearest to zero is best.
    """
    rows = [
        (
            forecast.model, metric.target, metric.name,
            metric.function(forecast.values, outcomes[metric.outcome or metric.target]), metric.higher_is_better,
        )
        for metric in metrics
        for forecast in forecasts
        if forecast.suits(metric)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=FIGURES_COLUMNS)
