"""Transactions and a window come in; forecasts made at the cutoff, and the outcomes after it, go out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from duramen.data.customers import customer_table
from duramen.data.outcomes import customer_outcomes, days_to_purchase
from duramen.data.transactions import Transactions
from duramen.data.windows import Window
from duramen.evaluation.baselines import baseline_forecasts
from duramen.evaluation.forecasts import DURAMEN, Forecast
from duramen.evaluation.next_purchase import next_purchase_errors
from duramen.evaluation.registry import DISTRIBUTION, MONEY, ORDER, PROBABILITY
from duramen.forecast.growth import past_value
from duramen.forecast.settings import DEFAULT_FORECAST, ForecastSettings
from duramen.scoring.growth_weight import DEFAULT_GROWTH_WEIGHT
from duramen.scoring.model import CoreCustomerModel


@dataclass(frozen=True)
class Holdout:
    """Forecasts at one cutoff, and the outcomes.

    Attributes
    ----------
    window : Window
    scores : pandas.DataFrame
        ``CoreCustomerModel.predict`` without reasons, of every customer known at the cutoff.
    forecasts : list of Forecast
        Those of the model first; rows as in ``scores``.
    outcomes : dict of str to numpy.ndarray
        By target: net money in the horizon, whether there was a purchase (1.0 or 0.0), net money less
        ``past_value``, and whether that is above 0 (1.0 or 0.0).
    next_purchase : pandas.DataFrame
        What ``next_purchase_errors`` returns.
    """

    window: Window
    scores: pd.DataFrame
    forecasts: list[Forecast]
    outcomes: dict[str, np.ndarray]
    next_purchase: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def cutoff(self) -> pd.Timestamp:
        """The cutoff as tables have it."""
        return pd.Timestamp(self.window.cutoff)

    def table(self) -> pd.DataFrame:
        """Return a row per customer: score and interval, a column "target: model" a forecast, "target: actual"."""
        table = self.scores[["customer_id", "score", "predicted_value_low", "predicted_value_high"]].assign(
            **{
                f"{forecast.target}: {forecast.model}": forecast.values
                for forecast in self.forecasts
                if forecast.kind != DISTRIBUTION
            },
            **{f"{target}: actual": outcome for target, outcome in self.outcomes.items()},
        )
        table.insert(0, "cutoff", self.cutoff)
        return table


def holdout_at(
    tx: Transactions, window: Window, *, forecast: ForecastSettings = DEFAULT_FORECAST, seed: int = 0
) -> Holdout:
    """Return the forecasts at the cutoff, and the outcomes that they were made without."""
    scores, forecasts = forecasts_at(tx, window, forecast=forecast, seed=seed)
    customers = customer_table(tx, window.cutoff)
    actual = days_to_purchase(tx, window, customers).to_numpy()
    errors = next_purchase_errors(scores, customers, actual, window.horizon)
    return Holdout(window, scores, forecasts, outcomes_of(tx, window, customers), errors)


def outcomes_of(tx: Transactions, window: Window, customers: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return what the customers of a table at the cutoff did in the horizon, by target (``Holdout.outcomes``)."""
    outcomes = customer_outcomes(tx, window, customers)
    value = outcomes["value"].to_numpy()
    growth = value - past_value(customers, window.horizon)
    return {
        "value": value,
        "activity": outcomes["active"].to_numpy(),
        "growth": growth,
        "growing": (growth > 0).astype(float),
    }


def forecasts_at(
    tx: Transactions, window: Window, *, forecast: ForecastSettings = DEFAULT_FORECAST, seed: int = 0
) -> tuple[pd.DataFrame, list[Forecast]]:
    """Return the scores, and the forecasts of the model and of every baseline, from what lies before the cutoff."""
    customers = customer_table(tx, window.cutoff)
    model = model_at(tx, window, forecast=forecast, seed=seed)
    scores = model.predict(customers, with_reasons=False)
    quantiles = model.forecast_.distribution_.quantiles(
        scores["predicted_value"].to_numpy(), scores["probability_active"].to_numpy()
    )
    own = [*forecasts_of(scores, DURAMEN), Forecast(DURAMEN, "value", DISTRIBUTION, quantiles)]
    return scores, own + baseline_forecasts(tx, window, customers, seed=seed)


def model_at(
    tx: Transactions, window: Window, *, forecast: ForecastSettings = DEFAULT_FORECAST, seed: int = 0
) -> CoreCustomerModel:
    """Return a model fitted before the cutoff, with the default growth weight."""
    # The growth weight changes none of the forecasts, and learning it takes as long as all the rest.
    model = CoreCustomerModel(growth_weight=DEFAULT_GROWTH_WEIGHT, forecast=forecast, seed=seed)
    return model.fit(tx, window)


def forecasts_of(scores: pd.DataFrame, model: str) -> list[Forecast]:
    """Return the forecasts of each target that scores hold, under the name ``model``."""
    return [
        Forecast(model, "value", MONEY, scores["predicted_value"].to_numpy()),
        Forecast(model, "activity", PROBABILITY, scores["probability_active"].to_numpy()),
        Forecast(model, "growth", ORDER, scores["growth_rate"].to_numpy()),
        Forecast(model, "growing", PROBABILITY, scores["probability_growing"].to_numpy()),
    ]
