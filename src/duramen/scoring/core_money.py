"""A forecast of all customers comes in; the money that makes a customer core goes out."""

from __future__ import annotations

import numpy as np

from duramen.forecast.model import Forecast, ForecastModel
from duramen.scoring.tiers import smallest_set

# Draws of the whole base.
DRAWS = 25


def core_money(model: ForecastModel, forecast: Forecast, seed: int) -> float:
    """Return the least net money over the horizon in the core set, the median over draws of the whole base."""
    rng = np.random.default_rng(seed)
    least = []
    for _ in range(DRAWS):
        drawn = model.distribution_.sample(forecast.value, forecast.probability, rng)
        least.append(drawn[smallest_set(drawn)].min(initial=drawn.max()))
    return max(float(np.median(least)), model.money_unit_ * model.value_.floor_)
