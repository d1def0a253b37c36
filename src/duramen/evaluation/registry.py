"""Nothing comes in; what the backtest measures goes out: each metric, whom it asks, and which way is better.

Called by the backtest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from duramen.evaluation import bootstrap, metrics
from duramen.forecast.growth import hit_rate


@dataclass(frozen=True)
class Measure:
    """A metric of one target.

    Attributes
    ----------
    target : str
        "value", "activity", "growth" or "potential".
    name : str
    asks_for : str
        What a forecast must be to be measured: "order" (any is), "money" or "probability".
    higher_is_better : bool or None
        None where nearest to zero is best.
    figure : callable
        From forecast and actual.
    resampled : callable
        The same from a resample.
    """

    target: str
    name: str
    asks_for: str
    higher_is_better: bool | None
    figure: Callable[[np.ndarray, np.ndarray], float]
    resampled: Callable[[bootstrap.Resample], float]

    @property
    def direction(self) -> int:
        """1 where more is better, -1 where less is, of ``size``."""
        return 1 if self.higher_is_better else -1

    def size(self, figure: float) -> float:
        """Return the figure, or how far it is from zero where nearest to zero is best."""
        return abs(figure) if self.higher_is_better is None else figure


def _at(
    figure: Callable[..., float], resampled: Callable[..., float], share: float
) -> tuple[Callable[..., float], Callable[..., float]]:
    return partial(figure, share=share), partial(resampled, share=share)


MEASURES = (
    Measure(
        "value", "value captured at top 10 %", "order", True, *_at(metrics.captured, bootstrap.captured, 0.1)
    ),
    Measure(
        "value", "value captured at top 20 %", "order", True, *_at(metrics.captured, bootstrap.captured, 0.2)
    ),
    Measure("value", "hit rate at top 10 %", "order", True, *_at(hit_rate, bootstrap.hit_rate, 0.1)),
    Measure("value", "hit rate at top 20 %", "order", True, *_at(hit_rate, bootstrap.hit_rate, 0.2)),
    Measure("value", "normalised Gini", "order", True, metrics.normalised_gini, bootstrap.normalised_gini),
    Measure("value", "Spearman", "order", True, metrics.spearman, bootstrap.spearman),
    Measure(
        "value", "Spearman of buyers", "order", True, metrics.spearman_of_buyers, bootstrap.spearman_of_buyers
    ),
    Measure("value", "MAE", "money", False, metrics.mean_absolute_error, bootstrap.mean_absolute_error),
    Measure("value", "total bias", "money", None, metrics.total_bias, bootstrap.total_bias),
    Measure("value", "decile error", "money", False, metrics.decile_error, bootstrap.decile_error),
    Measure("activity", "AUC", "order", True, metrics.area_under_roc, bootstrap.area_under_roc),
    Measure("activity", "PR-AUC", "order", True, metrics.average_precision, bootstrap.average_precision),
    Measure("activity", "lift at top 10 %", "order", True, *_at(metrics.lift, bootstrap.lift, 0.1)),
    Measure(
        "activity",
        "retention profit",
        "probability",
        True,
        metrics.retention_profit,
        bootstrap.retention_profit,
    ),
    Measure("activity", "Brier", "probability", False, metrics.brier, bootstrap.brier),
    Measure("growth", "hit rate at top 10 %", "order", True, *_at(hit_rate, bootstrap.hit_rate, 0.1)),
    Measure("growth", "Spearman", "order", True, metrics.spearman, bootstrap.spearman),
    Measure(
        "potential", "normalised Gini", "order", True, metrics.normalised_gini, bootstrap.normalised_gini
    ),
    Measure("potential", "total bias", "money", None, metrics.total_bias, bootstrap.total_bias),
    Measure("potential", "decile error", "money", False, metrics.decile_error, bootstrap.decile_error),
)
