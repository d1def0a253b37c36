"""A ranking comes in; the map of value and growth goes out: who is core, and who grows or declines."""

from __future__ import annotations

import numpy as np
import pandas as pd

from duramen.forecast.direction import is_declining, is_growing
from duramen.language import marked
from duramen.scoring.tiers import DEFAULT_TIERS, Tiers

CORE_GROWING, CORE_STEADY, CORE_DECLINING, RISING, REST = QUADRANTS = (
    marked("core and growing"), marked("core and steady"), marked("core and declining"), marked("rising"),
    marked("rest"),
)  # fmt: skip


def quadrants(ranking: pd.DataFrame, tiers: Tiers = DEFAULT_TIERS) -> np.ndarray:
    """Return the place of each customer on the map of value and growth, shape (n,).

    Core customers are growing, steady or declining by the forecast, as ``is_growing`` and ``is_declining`` define it;
    the others are rising where the tier is, and the rest elsewhere.

    Parameters
    ----------
    ranking : pandas.DataFrame
        Has ``tier`` and ``growth_rate``.
    tiers : Tiers
        The tiers of the ranking.

    Examples
    --------
    >>> quadrants(pd.DataFrame({"tier": ["VIP", "main", "rising", "small"], "growth_rate": [0.2, -0.02, 0.4, 0.1]}))
    array(['core and growing', 'core and steady', 'rising', 'rest'],
          dtype=object)
    """
    core = ranking["tier"].isin(tiers.core_names).to_numpy()
    growing, declining = (of(ranking["growth_rate"]).to_numpy() for of in (is_growing, is_declining))
    rising = (ranking["tier"] == tiers.rising.name).to_numpy()
    place = np.select([core & growing, core & declining, core, rising], [0, 2, 1, 3], default=4)
    named: np.ndarray = np.array(QUADRANTS, dtype=object)[place]
    return named


def value_growth_map(ranking: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each place on the map: its customers, and their money before and over the horizon.

    Parameters
    ----------
    ranking : pandas.DataFrame
        What ``rank_core_customers`` returns.

    Returns
    -------
    pandas.DataFrame
        ``quadrant``, ``customers``, ``share_of_customers``, ``past_value`` and ``predicted_value`` (sums, in money),
        ``share_of_value`` (of predicted value), ``change`` (predicted / past value - 1, of the sums),
        ``probability_growing_mean`` and ``churn_probability_mean``. Means of an empty place are missing.
    """
    by = ranking.groupby("quadrant", observed=True)
    sums = by[["past_value", "predicted_value"]].sum().reindex(QUADRANTS, fill_value=0.0)
    means = by[["probability_growing", "churn_probability"]].mean().reindex(QUADRANTS)
    customers = by.size().reindex(QUADRANTS, fill_value=0)
    total, past = sums["predicted_value"].sum(), sums["past_value"]
    table = pd.DataFrame(
        {
            "customers": customers,
            "share_of_customers": customers / len(ranking),
            "past_value": past,
            "predicted_value": sums["predicted_value"],
            "share_of_value": sums["predicted_value"] / total if total > 0 else np.nan,
            "change": sums["predicted_value"] / past.where(past > 0) - 1,
            "probability_growing_mean": means["probability_growing"],
            "churn_probability_mean": means["churn_probability"],
        }
    )
    return table.rename_axis("quadrant").reset_index()
