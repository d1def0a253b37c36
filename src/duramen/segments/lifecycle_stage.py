"""A customer table comes in; each customer's own rhythm and stage of life go out. Called by segments and scoring."""

from __future__ import annotations

import numpy as np
import pandas as pd

# The base's rhythm weighs as much as this many gaps of the customer's own.
GAPS_OF_THE_BASE = 2
# In own gaps: a random buyer is silent for twice the mean gap one time in seven, for four times one in fifty.
DECLINING_AFTER, LAPSED_AFTER = 2.0, 4.0
# The mean age at the purchases is half the life for an even pace. To call it growing (or declining) it must lie off
# that by this share of the life, and by this many standard errors of as many times spread evenly.
NOTABLE_TREND, CLEAR_TREND = 0.1, 1.0
STAGES = ("building", "growing", "steady", "declining", "lapsed", "recovered")


def base_gap(customers: pd.DataFrame) -> float:
    """Return the geometric mean, over repeat buyers, of the mean days between purchase days."""
    gaps = customers["gap_mean"].dropna()
    return float(np.exp(np.log(gaps).mean())) if len(gaps) else float(customers["T"].mean())


def own_gap(customers: pd.DataFrame, base: float) -> np.ndarray:
    """Return each customer's typical days between purchase days, shrunk in log space towards the base's.

    A customer without a repeat purchase has the base's gap.
    """
    frequency = customers["frequency"].to_numpy()
    own = np.log(customers["gap_mean"].fillna(base).to_numpy())
    weight = frequency / (frequency + GAPS_OF_THE_BASE)
    gap: np.ndarray = np.exp(weight * own + (1 - weight) * np.log(base))
    return gap


def _returned(customers: pd.DataFrame, base: float) -> np.ndarray:
    """Tell whose last purchase ended a silence that had made them lapsed, by the rhythm they had before it."""
    gaps_before = customers["frequency"] - 1
    days_before = customers["frequency"] * customers["gap_mean"] - customers["gap_last"]
    before = pd.DataFrame(
        {"frequency": gaps_before.clip(lower=0), "gap_mean": days_before / gaps_before.where(gaps_before > 0)}
    )
    returned: np.ndarray = customers["gap_last"].to_numpy() > LAPSED_AFTER * own_gap(before, base)
    return returned


def lifecycle_stage(customers: pd.DataFrame, base: float) -> np.ndarray:
    """Return the stage of each customer by the own rhythm, not by the calendar.

    - lapsed: silent for more than four own gaps;
    - recovered: the last purchase ended a silence of more than four own gaps, counted by the rhythm before it: the
      day before, this customer was lapsed. It lasts until the next purchase or the next decline;
    - declining: silent for more than two, or the purchases lie clearly early in the life;
    - building: fewer than two repeat purchase days;
    - growing: the purchases lie clearly late in the life;
    - steady: none of these.

    The first that holds counts, and a silence of more than two own gaps is declining whoever came back before it.
    "Clearly" is by a tenth of the life and by one standard error of as many times spread evenly over it.

    Parameters
    ----------
    customers : pandas.DataFrame
        Customer table.
    base : float
        ``base_gap`` of the customers that the model learned from, in days.

    Returns
    -------
    numpy.ndarray of shape (n,), dtype object
    """
    frequency = customers["frequency"].to_numpy()
    silence = customers["time_since_last"].to_numpy() / own_gap(customers, base)
    position = customers["purchase_position"].fillna(0.5).to_numpy() - 0.5
    trend = np.where(np.abs(position) > NOTABLE_TREND, position * np.sqrt(12 * frequency), 0.0)
    return np.select(
        [
            silence > LAPSED_AFTER,
            silence > DECLINING_AFTER,
            _returned(customers, base),
            (trend < -CLEAR_TREND) & (frequency >= 2),
            frequency < 2,
            trend > CLEAR_TREND,
        ],
        ["lapsed", "declining", "recovered", "declining", "building", "growing"],
        default="steady",
    ).astype(object)
