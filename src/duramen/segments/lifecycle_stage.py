"""Customers with their forecast come in; the life-cycle stage of each goes out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from duramen.forecast.direction import is_declining, is_growing
from duramen.language import marked
from duramen.segments.activity import AT_RISK, LAPSED, ActivityLevels
from duramen.segments.behaviour import typical_gap

# An absence, in typical gaps: a random buyer is silent for four times the mean gap one time in fifty.
ABSENT_AFTER = 4.0
# Repeat purchase days from which a past rate is one of the customer's own.
ESTABLISHED = 2
STAGES = (
    marked("building"), marked("growing"), marked("steady"), marked("declining"), AT_RISK, LAPSED, marked("recovered"),
)  # fmt: skip


def _returned(customers: pd.DataFrame, base: float) -> np.ndarray:
    """Return whose last purchase ended an absence, by the rhythm they had before it."""
    gaps_before = customers["frequency"] - 1
    days_before = customers["frequency"] * customers["gap_mean"] - customers["gap_last"]
    before = pd.DataFrame(
        {"frequency": gaps_before.clip(lower=0), "gap_mean": days_before / gaps_before.where(gaps_before > 0)}
    )
    returned: np.ndarray = customers["gap_last"].to_numpy() > ABSENT_AFTER * typical_gap(before, base)
    return returned


def lifecycle_stage(
    customers: pd.DataFrame,
    probability_active: npt.ArrayLike,
    growth_rate: npt.ArrayLike,
    *,
    horizon: int,
    base: float,
    levels: ActivityLevels,
) -> np.ndarray:
    """Return the stage of each customer by the forecast: who still buys, and whether more or less than so far.

    - building: new, with a first purchase less than a horizon ago and at most one repeat purchase day;
    - lapsed, at risk: P(active) below the levels by which segments have these words;
    - recovered: the last purchase ended an absence of more than four typical gaps, by the rhythm before it, and the
      forecast is less than a tenth below their own past rate. It lasts until the next purchase;
    - building: fewer than two repeat purchase days;
    - growing, declining: forecast to spend at least a tenth more, or less, than at their own past rate;
    - steady: none of these.

    The first that applies counts. It depends on nothing but the customer's own columns.

    Parameters
    ----------
    customers : pandas.DataFrame
        Customer table.
    probability_active, growth_rate : array of shape (n,)
        Of the forecast.
    horizon : int
        Days that the forecast is for.
    base : float
        ``base_gap`` of the customers that the model learned from, in days.
    levels : ActivityLevels
        ``BehaviouralSegmenter.activity_levels_``.

    Returns
    -------
    numpy.ndarray of shape (n,), dtype object
    """
    few = customers["frequency"].to_numpy() < ESTABLISHED
    activity, growth = levels.words(probability_active), np.asarray(growth_rate)
    return np.select(
        [
            few & (customers["T"].to_numpy() < horizon),
            activity == LAPSED,
            activity == AT_RISK,
            _returned(customers, base) & ~is_declining(growth),
            few,
            is_growing(growth),
            is_declining(growth),
        ],
        ["building", LAPSED, AT_RISK, "recovered", "building", "growing", "declining"],
        default="steady",
    ).astype(object)
