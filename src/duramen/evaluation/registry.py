"""Every metric there is: its function, target, unit, direction and meaning, stated once for all that evaluates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from duramen.evaluation import bootstrap, distributions, metrics
from duramen.evaluation.top_customers import hit_rate
from duramen.language import marked

ORDER, MONEY, PROBABILITY, GROUPS = "order", "money", "probability", "groups"
# Quantiles of each customer at duramen.forecast.value_distribution.LEVELS, an array of shape (n, 199).
DISTRIBUTION = "distribution"
TARGETS = (marked("value"), marked("activity"), marked("growth"), marked("growing"), marked("segments"))
UNITS = (marked("share"), marked("money"), marked("times"), marked("0 to 1"), marked("-1 to 1"))
DIRECTIONS = {True: marked("higher"), False: marked("lower"), None: marked("nearest to 0")}

# The metric that is stated first, and by which a challenger wins.
TOP_FIFTH = marked("value captured at top 20 %")


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


def _captured(share: float, name: str, meaning: str) -> Metric:
    return Metric(
        "value", name, ORDER, "share", True, meaning,
        partial(metrics.captured, share=share), partial(bootstrap.captured, share=share), in_scorecard=True,
    )  # fmt: skip


def _hit_rate(share: float, name: str, meaning: str) -> Metric:
    return Metric(
        "value", name, ORDER, "share", True, meaning,
        partial(hit_rate, share=share), partial(bootstrap.hit_rate, share=share),
    )  # fmt: skip


def _of_order(target: str, *, in_scorecard: bool = False) -> tuple[Metric, Metric]:
    """Return the metrics of how well a forecast orders customers by money."""
    return (
        Metric(
            target, marked("normalised Gini"), ORDER, "-1 to 1", True,
            marked("How far the order by forecast concentrates the money, over the perfect order; 0 is chance."),
            metrics.normalised_gini, bootstrap.normalised_gini, in_scorecard=in_scorecard,
        ),
        Metric(
            target, marked("Spearman"), ORDER, "-1 to 1", True, marked("Rank correlation of forecast and outcome."),
            metrics.spearman, bootstrap.spearman, in_scorecard=in_scorecard,
        ),
    )  # fmt: skip


def _of_totals(target: str, *, in_scorecard: bool = False) -> tuple[Metric, Metric]:
    """Return the metrics of how well forecasts of money add up."""
    return (
        Metric(
            target, marked("total bias"), MONEY, "share", None, marked("Predicted total over actual total, less 1."),
            metrics.total_bias, bootstrap.total_bias, in_scorecard=in_scorecard,
        ),
        Metric(
            target, marked("decile error"), MONEY, "share", False,
            marked("Mean error of the total of a tenth of the customers by forecast, over its actual total."),
            metrics.decile_error, bootstrap.decile_error, in_scorecard=in_scorecard,
        ),
    )  # fmt: skip


def _auc(target: str) -> Metric:
    return Metric(
        target, marked("AUC"), ORDER, "0 to 1", True,
        marked(
            "Share of pairs, a customer with the outcome and one without, that the forecast orders right; 0.5 is "
            "chance."
        ),
        metrics.area_under_roc, bootstrap.area_under_roc, in_scorecard=True,
    )  # fmt: skip


def _lift(target: str, *, in_scorecard: bool = False) -> Metric:
    return Metric(
        target, marked("lift at top 10 %"), ORDER, "times", True,
        marked(
            "Share of customers with the outcome among the first 10 % by forecast, over that among all; 1 is chance."
        ),
        partial(metrics.lift, share=0.1), partial(bootstrap.lift, share=0.1), in_scorecard=in_scorecard,
    )  # fmt: skip


def _brier(target: str) -> Metric:
    return Metric(
        target, marked("Brier"), PROBABILITY, "0 to 1", False, marked("Mean squared error of the probability."),
        metrics.brier, bootstrap.brier, in_scorecard=True,
    )  # fmt: skip


def _calibration_error(target: str) -> Metric:
    return Metric(
        target, marked("calibration error"), PROBABILITY, "0 to 1", False,
        marked(
            "Mean difference of the probability and the share of customers with the outcome, over tenths by forecast "
            "(expected calibration error, ECE)."
        ),
        metrics.calibration_error, bootstrap.calibration_error, in_scorecard=True,
    )  # fmt: skip


def _of_distributions(target: str, unit: str) -> tuple[Metric, Metric]:
    """Return the metrics of how well whole distributions forecast."""
    return (
        Metric(
            target, marked("CRPS"), DISTRIBUTION, unit, False,
            marked(
                "Mean distance of the forecast distribution from the outcome (continuous ranked probability score); "
                "of a single figure it is the absolute error."
            ),
            distributions.crps, bootstrap.crps,
        ),
        Metric(
            target, marked("PIT distance"), DISTRIBUTION, "0 to 1", False,
            marked(
                "Largest difference between the share of outcomes below a quantile and the level of that quantile; 0 "
                "is a calibrated distribution."
            ),
            distributions.pit_distance, bootstrap.pit_distance,
        ),
    )  # fmt: skip


METRICS = (
    _captured(
        0.1, marked("value captured at top 10 %"),
        marked("Share of all money that the first 10 % of the customers by forecast brought."),
    ),
    _captured(
        0.2, TOP_FIFTH,
        marked("Share of all money that the first 20 % of the customers by forecast brought."),
    ),
    _hit_rate(
        0.1, marked("hit rate at top 10 %"),
        marked("Share of the truly first 10 % of the customers who are also first by forecast."),
    ),
    _hit_rate(
        0.2, marked("hit rate at top 20 %"),
        marked("Share of the truly first 20 % of the customers who are also first by forecast."),
    ),
    *_of_order("value", in_scorecard=True),
    Metric(
        "value", marked("Spearman of buyers"), ORDER, "-1 to 1", True,
        marked("Rank correlation among the customers who bought."),
        metrics.spearman_of_buyers, bootstrap.spearman_of_buyers,
    ),
    Metric(
        "value", marked("MAE"), MONEY, "money", False, marked("Mean absolute error of a customer's value."),
        metrics.mean_absolute_error, bootstrap.mean_absolute_error, in_scorecard=True,
    ),
    *_of_totals("value", in_scorecard=True),
    *_of_distributions("value", "money"),
    Metric(
        "value", marked("band calibration error"), DISTRIBUTION, "0 to 1", False,
        marked(
            "Mean difference of P(value > threshold) and the share who spent more, over tenths by forecast and over "
            "three thresholds: the quartiles of the money of those who spent."
        ),
        distributions.band_calibration_error, bootstrap.band_calibration_error,
    ),
    _auc("activity"),
    Metric(
        "activity", marked("PR-AUC"), ORDER, "0 to 1", True,
        marked("Mean precision at each gain of recall (average precision)."),
        metrics.average_precision, bootstrap.average_precision,
    ),
    _lift("activity"),
    Metric(
        "activity", marked("retention profit"), PROBABILITY, "share", True,
        marked(
            "Profit per customer of contacting those whom it should pay to contact, over the value of a retained "
            "customer."
        ),
        metrics.retention_profit, bootstrap.retention_profit,
    ),
    _brier("activity"),
    _calibration_error("activity"),
    _of_order("growth", in_scorecard=True)[1],
    _auc("growing"),
    _lift("growing", in_scorecard=True),
    _brier("growing"),
    _calibration_error("growing"),
    Metric(
        "segments", marked("log value explained"), GROUPS, "share", True,
        marked("Share of the variance of log value that lies between the segments (eta squared)."),
        metrics.variance_explained, bootstrap.variance_explained, outcome="log value", in_scorecard=True,
    ),
    Metric(
        "segments", marked("activity explained"), GROUPS, "share", True,
        marked("Share of the variance of activity that lies between the segments (eta squared)."),
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
