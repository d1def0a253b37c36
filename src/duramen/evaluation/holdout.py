"""Transactions and a window come in; forecasts made at the cutoff and what then came go out. Called by the backtest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from duramen.data.customers import customer_table
from duramen.data.outcomes import customer_outcomes
from duramen.data.transactions import Transactions
from duramen.data.windows import Window
from duramen.evaluation.baselines import Forecast, baseline_forecasts
from duramen.evaluation.registry import Measure
from duramen.evaluation.scorecards import OURS
from duramen.forecast.growth import past_value
from duramen.forecast.settings import DEFAULT_FORECAST, ForecastSettings
from duramen.scoring.growth_weight import DEFAULT_GROWTH_WEIGHT
from duramen.scoring.model import CoreCustomerModel


@dataclass(frozen=True)
class HeldOut:
    """What was foreseen at one cutoff, and what came.

    Attributes
    ----------
    window : Window
    scores : pandas.DataFrame
        ``CoreCustomerModel.predict`` without reasons, of every customer known at the cutoff.
    forecasts : list of Forecast
        Ours first; rows as in ``scores``.
    actual : dict of str to numpy.ndarray
        By target: net money in the horizon, whether there was a purchase (1.0 or 0.0), net money less
        ``past_value``, and the same where it is above 0.
    """

    window: Window
    scores: pd.DataFrame
    forecasts: list[Forecast]
    actual: dict[str, np.ndarray]

    def forecasts_for(self, measure: Measure) -> list[Forecast]:
        """Return the forecasts that a measure can judge: all of its target, or those that say what it asks for."""
        return [
            told
            for told in self.forecasts
            if told.target == measure.target and measure.asks_for in ("order", told.says)
        ]

    def table(self) -> pd.DataFrame:
        """Return a row per customer: score and interval, a column "target: model" a forecast, "target: actual"."""
        table = self.scores[["customer_id", "score", "predicted_value_low", "predicted_value_high"]].assign(
            **{f"{told.target}: {told.model}": told.values for told in self.forecasts},
            **{f"{target}: actual": actual for target, actual in self.actual.items()},
        )
        table.insert(0, "cutoff", pd.Timestamp(self.window.cutoff))
        return table


def hold_out(
    tx: Transactions, window: Window, *, forecast: ForecastSettings = DEFAULT_FORECAST, seed: int = 0
) -> HeldOut:
    """Forecast at the cutoff, then look at what came."""
    scores, forecasts = forecasts_at(tx, window, forecast=forecast, seed=seed)
    return HeldOut(window, scores, forecasts, what_came(tx, window, customer_table(tx, window.cutoff)))


def what_came(tx: Transactions, window: Window, customers: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return what the customers of a table at the cutoff did in the horizon, by target (``HeldOut.actual``)."""
    outcomes = customer_outcomes(tx, window, customers)
    value = outcomes["value"].to_numpy()
    growth = value - past_value(customers, window.horizon)
    return {
        "value": value,
        "activity": outcomes["active"].to_numpy(),
        "growth": growth,
        "potential": np.maximum(growth, 0.0),
    }


def forecasts_at(
    tx: Transactions, window: Window, *, forecast: ForecastSettings = DEFAULT_FORECAST, seed: int = 0
) -> tuple[pd.DataFrame, list[Forecast]]:
    """Return our scores, and the forecasts of ours and of every baseline, that could be had on the cutoff.

    Everything is learned from what lies before it.
    """
    customers = customer_table(tx, window.cutoff)
    # The weight of growth moves none of the forecasts, and learning it takes as long as all the rest.
    model = CoreCustomerModel(growth_weight=DEFAULT_GROWTH_WEIGHT, forecast=forecast, seed=seed).fit(
        tx, window
    )
    scores = model.predict(customers, with_reasons=False)
    return scores, forecasts_of(scores, OURS) + baseline_forecasts(tx, window, customers, seed=seed)


def forecasts_of(scores: pd.DataFrame, model: str) -> list[Forecast]:
    """Return what the scores of a model foretell of each target, under the name that it is to have."""
    return [
        Forecast(model, "value", "money", scores["predicted_value"].to_numpy()),
        Forecast(model, "activity", "probability", scores["probability_active"].to_numpy()),
        Forecast(model, "growth", "order", scores["growth_outlook"].to_numpy()),
        Forecast(model, "potential", "money", scores["growth_potential"].to_numpy()),
    ]
