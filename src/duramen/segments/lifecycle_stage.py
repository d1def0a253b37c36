"""A customer table comes in; the life-cycle stage of each customer goes out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from duramen.segments.behaviour import EVEN_PACE, NOTABLE_TREND, silence_in_gaps, trend, typical_gap

# In typical gaps: a random buyer is silent for twice the mean gap one time in seven, for four times one in fifty.
DECLINING_AFTER, LAPSED_AFTER = 2.0, 4.0
# To call a customer growing (or declining), the trend must also lie off an even pace by this many standard errors of
# as many purchases spread evenly.
CLEAR_TREND = 1.0
STAGES = ("building", "growing", "steady", "declining", "lapsed", "recovered")


def _returned(customers: pd.DataFrame, base: float) -> np.ndarray:
    """Return whose last purchase ended a silence that had made them lapsed, by the rhythm they had before it."""
    gaps_before = customers["frequency"] - 1
    days_before = customers["frequency"] * customers["gap_mean"] - customers["gap_last"]
    before = pd.DataFrame(
        {"frequency": gaps_before.clip(lower=0), "gap_mean": days_before / gaps_before.where(gaps_before > 0)}
    )
    returned: np.ndarray = customers["gap_last"].to_numpy() > LAPSED_AFTER * typical_gap(before, base)
    return returned


def lifecycle_stage(customers: pd.DataFrame, base: float) -> np.ndarray:
    """Return the stage of each customer by the customer's own rhythm, not by the calendar.

    - lapsed: silent for more than four typical gaps;
    - recovered: the last purchase ended a silence of more than four typical gaps, counted by the rhythm before it:
      the day before, this customer was lapsed. It lasts until the next purchase or the next decline;
    - declining: silent for more than two, or the purchases lie clearly early in the life;
    - building: fewer than two repeat purchase days;
    - growing: the purchases lie clearly late in the life;
    - steady: none of these.

    The first that applies counts, so that a silence of more than two typical gaps is declining even after a return.
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
    silence = silence_in_gaps(customers, base)
    late = trend(customers).to_numpy() - EVEN_PACE
    errors = np.where(np.abs(late) > NOTABLE_TREND, late * np.sqrt(12 * frequency), 0.0)
    return np.select(
        [
            silence > LAPSED_AFTER,
            silence > DECLINING_AFTER,
            _returned(customers, base),
            (errors < -CLEAR_TREND) & (frequency >= 2),
            frequency < 2,
            errors > CLEAR_TREND,
        ],
        ["lapsed", "declining", "recovered", "declining", "building", "growing"],
        default="steady",
    ).astype(object)
