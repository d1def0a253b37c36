"""Every metric there is: its function, target, unit, direction and meaning, stated once for all that evaluates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from duramen.evaluation import bootstrap, distributions, metrics
from duramen.evaluation.top_customers import hit_rate

ORDER, MONEY, PROBABILITY, GROUPS = "order", "money", "probability", "groups"
# Quantiles of each customer at duramen.forecast.value_distribution.LEVELS, an array of shape (n, 199).
DISTRIBUTION = "distribution"
DIRECTIONS = {True: "higher", False: "lower", None: "nearest to 0"}


@dataclass(frozen=True)
class Metric:
    """A figure of how good a forecast of a target is.

    Attributes
    ----------
    target : str
        What is forecast: "value", "activity", "growth" (change of spend), "growing" (whether it rose) or "segments".
    name : str
    requires : str
        What a forecast must be: "order" (any but a distribution is one), "money", "probability", "distribution", or
        "groups" for segments.
    unit : str
        "share" (of one), "money" (in the unit of the source), "times", "0 to 1" or "-1 to 1".
    higher_is_better : bool or None
        None where nearest to zero is best.
    meaning : str
        What the figure is, in a sentence.
    function : callable
        The figure of forecast and outcome, arrays of shape (n,).
    resampled : callable
        The same of a ``bootstrap.Resample``, from running sums and without sorting again.
    outcome : str
        The outcome that it is measured on, where that is not the target.
    in_scorecard : bool
        Whether the scorecard of a training shows it.
    """

    target: str
    name: str
    requires: str
    unit: str
    higher_is_better: bool | None
    meaning: str
    function: Callable[[np.ndarray, np.ndarray], float]
    resampled: Callable[[bootstrap.Resample], float]
    outcome: str = ""
    in_scorecard: bool = False

    @property
    def direction(self) -> str:
        """Which way is better, in words."""
        return DIRECTIONS[self.higher_is_better]

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is, of ``size``."""
        return 1 if self.higher_is_better else -1

    def size(self, figure: float) -> float:
        """Return the figure, or how far it is from zero where nearest to zero is best."""
        return abs(figure) if self.higher_is_better is None else figure


def _captured(share: float) -> Metric:
    return Metric(
        "value", f"value captured at top {100 * share:g} %", ORDER, "share", True,
        f"Share of all money that the first {100 * share:g} % of the customers by forecast brought.",
        partial(metrics.captured, share=share), partial(bootstrap.captured, share=share), in_scorecard=True,
    )  # fmt: skip


def _hit_rate(target: str, share: float) -> Metric:
    return Metric(
        target, f"hit rate at top {100 * share:g} %", ORDER, "share", True,
        f"Share of the truly first {100 * share:g} % of the customers who are also first by forecast.",
        partial(hit_rate, share=share), partial(bootstrap.hit_rate, share=share),
    )  # fmt: skip


def _of_order(target: str, *, in_scorecard: bool = False) -> tuple[Metric, Metric]:
    """Return the metrics of how well a forecast orders customers by money."""
    return (
        Metric(
            target, "normalised Gini", ORDER, "-1 to 1", True,
            "How far the order by forecast concentrates the money, over the perfect order; 0 is chance.",
            metrics.normalised_gini, bootstrap.normalised_gini, in_scorecard=in_scorecard,
        ),
        Metric(
            target, "Spearman", ORDER, "-1 to 1", True, "Rank correlation of forecast and outcome.",
            metrics.spearman, bootstrap.spearman, in_scorecard=in_scorecard,
        ),
    )  # fmt: skip


def _of_totals(target: str, *, in_scorecard: bool = False) -> tuple[Metric, Metric]:
    """Return the metrics of how well forecasts of money add up."""
    return (
        Metric(
            target, "total bias", MONEY, "share", None, "Predicted total over actual total, less 1.",
            metrics.total_bias, bootstrap.total_bias, in_scorecard=in_scorecard,
        ),
        Metric(
            target, "decile error", MONEY, "share", False,
            "Mean error of the total of a tenth of the customers by forecast, over its actual total.",
            metrics.decile_error, bootstrap.decile_error, in_scorecard=in_scorecard,
        ),
    )  # fmt: skip


def _auc(target: str) -> Metric:
    return Metric(
        target, "AUC", ORDER, "0 to 1", True,
        "Share of pairs, a customer with the outcome and one without, that the forecast orders right; 0.5 is chance.",
        metrics.area_under_roc, bootstrap.area_under_roc, in_scorecard=True,
    )  # fmt: skip


def _lift(target: str, *, in_scorecard: bool = False) -> Metric:
    return Metric(
        target, "lift at top 10 %", ORDER, "times", True,
        "Share of customers with the outcome among the first 10 % by forecast, over that among all; 1 is chance.",
        partial(metrics.lift, share=0.1), partial(bootstrap.lift, share=0.1), in_scorecard=in_scorecard,
    )  # fmt: skip


def _brier(target: str) -> Metric:
    return Metric(
        target, "Brier", PROBABILITY, "0 to 1", False, "Mean squared error of the probability.",
        metrics.brier, bootstrap.brier, in_scorecard=True,
    )  # fmt: skip


def _crps(target: str, unit: str, what: str) -> Metric:
    return Metric(
        target, "CRPS", DISTRIBUTION, unit, False,
        f"Continuous ranked probability score: how far the forecast distribution of {what} lies from the outcome; "
        "for a forecast of one figure it is the absolute error.",
        distributions.crps, bootstrap.crps,
    )  # fmt: skip


METRICS = (
    _captured(0.1),
    _captured(0.2),
    _hit_rate("value", 0.1),
    _hit_rate("value", 0.2),
    *_of_order("value", in_scorecard=True),
    Metric(
        "value", "Spearman of buyers", ORDER, "-1 to 1", True, "Rank correlation among the customers who bought.",
        metrics.spearman_of_buyers, bootstrap.spearman_of_buyers,
    ),
    Metric(
        "value", "MAE", MONEY, "money", False, "Mean absolute error of a customer's value.",
        metrics.mean_absolute_error, bootstrap.mean_absolute_error, in_scorecard=True,
    ),
    *_of_totals("value", in_scorecard=True),
    _crps("value", "money", "money"),
    _auc("activity"),
    Metric(
        "activity", "PR-AUC", ORDER, "0 to 1", True, "Mean precision at each gain of recall (average precision).",
        metrics.average_precision, bootstrap.average_precision,
    ),
    _lift("activity"),
    Metric(
        "activity", "retention profit", PROBABILITY, "share", True,
        "Profit per customer of contacting those whom it should pay to contact, over the value of a retained customer.",
        metrics.retention_profit, bootstrap.retention_profit,
    ),
    _brier("activity"),
    _of_order("growth", in_scorecard=True)[1],
    _auc("growing"),
    _lift("growing", in_scorecard=True),
    _brier("growing"),
    Metric(
        "growing", "calibration error", PROBABILITY, "0 to 1", False,
        "Mean difference of the probability to grow and the share who grew, over tenths by forecast.",
        metrics.calibration_error, bootstrap.calibration_error, in_scorecard=True,
    ),
    Metric(
        "segments", "log value explained", GROUPS, "share", True,
        "Share of the variance of log value that lies between the segments (eta squared).",
        metrics.variance_explained, bootstrap.variance_explained, outcome="log value", in_scorecard=True,
    ),
    Metric(
        "segments", "activity explained", GROUPS, "share", True,
        "Share of the variance of activity that lies between the segments (eta squared).",
        metrics.variance_explained, bootstrap.variance_explained, outcome="activity", in_scorecard=True,
    ),
)  # fmt: skip

_BY_NAME = {(one.target, one.name): one for one in METRICS}


def metric(target: str, name: str) -> Metric:
    """Return a metric by its target and name.

    Examples
    --------
    >>> metric("activity", "AUC").direction
    'higher'
    """
    return _BY_NAME[target, name]


def describe_metrics() -> pd.DataFrame:
    """Return what each metric is.

    Returns
    -------
    pandas.DataFrame
        A row a metric: ``target``, ``metric``, ``requires`` (what a forecast must be), ``unit``, ``better`` (which way)
        and ``meaning``.
    """
    rows = [(one.target, one.name, one.requires, one.unit, one.direction, one.meaning) for one in METRICS]
    return pd.DataFrame(rows, columns=["target", "metric", "requires", "unit", "better", "meaning"])
