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
STAGES = ("building", "growing", "steady", "declining", "lapsed")


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


def lifecycle_stage(customers: pd.DataFrame, base: float) -> np.ndarray:
    """Return the stage of each customer by the own rhythm, not by the calendar.

    - lapsed: silent for more than four own gaps;
    - declining: silent for more than two, or the purchases lie clearly early in the life;
    - building: fewer than two repeat purchase days;
    - growing: the purchases lie clearly late in the life;
    - steady: none of these.

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
            (silence > DECLINING_AFTER) | ((trend < -CLEAR_TREND) & (frequency >= 2)),
            frequency < 2,
            trend > CLEAR_TREND,
        ],
        ["lapsed", "declining", "building", "growing"],
        default="steady",
    ).astype(object)
