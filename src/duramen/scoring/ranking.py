"""Scores come in; the core-customer ranking goes out. Called by the demo, batch scoring, analysis and reports."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

SCORE_COLUMNS = (
    "customer_id", "cutoff", "rank", "tier", "score", "predicted_value", "predicted_value_low",
    "predicted_value_high", "growth_potential", "growth_outlook", "churn_probability", "probability_active",
    "probability_alive", "expected_purchases", "expected_spend", "clv", "segment", "lifecycle_stage",
    "probability_core", "reason_1", "reason_2", "reason_3", "model_version",
)  # fmt: skip

# The 80/20 rule: the core is the smallest set that holds this share of predicted value; VIPs are its own head.
CORE_SHARE, VIP_SHARE = 0.8, 0.4
# What the regular customers bring up to; the rest are small.
REGULAR_SHARE = 0.95
# Outside the core, the customers with the most growth potential are rising: as many as this share of them.
RISING_SHARE = 0.1
TIERS = ("VIP", "main", "rising", "regular", "small")


def rank_core_customers(scores: pd.DataFrame) -> pd.DataFrame:
    """Rank customers by score and put them into tiers by cumulative predicted value.

    - VIP: the smallest set that holds 40 % of predicted value; main: with them, 80 % (together the core);
    - rising: outside the core, among the tenth with the most growth potential, and that potential is more than half
      of the predicted value;
    - regular: up to 95 % of predicted value; small: the rest.

    Parameters
    ----------
    scores : pandas.DataFrame
        What ``CoreCustomerModel.score`` returns.

    Returns
    -------
    pandas.DataFrame
        The same customers by falling score, ties by customer id, with ``rank`` (from 1) and ``tier``, in the
        order of ``SCORE_COLUMNS``. The frame given is left as it was.
    """
    ranked = scores.sort_values("customer_id", kind="stable")
    ranked = ranked.sort_values("score", ascending=False, kind="stable", ignore_index=True)
    value = ranked["predicted_value"].to_numpy()
    growth = ranked["growth_potential"].to_numpy()
    core = smallest_set(value, CORE_SHARE)
    rising = ~core & (growth > 0.5 * value)
    if rising.any():
        rising &= growth >= np.quantile(growth[~core], 1 - RISING_SHARE)
    ranked["tier"] = np.select(
        [smallest_set(value, VIP_SHARE), core, rising, smallest_set(value, REGULAR_SHARE)],
        TIERS[:-1],
        default=TIERS[-1],
    ).astype(object)
    ranked["rank"] = np.arange(1, len(ranked) + 1)
    return ranked[[column for column in SCORE_COLUMNS if column in ranked]]


def smallest_set(values: npt.NDArray[np.float64], part: float = CORE_SHARE) -> npt.NDArray[np.bool_]:
    """Find the fewest customers that together hold a part of the value.

    Parameters
    ----------
    values : array of shape (n,)
        Predicted value in money; the order given breaks ties.
    part : float
        The part of the total to hold, above 0 and at most 1.

    Returns
    -------
    array of bool, shape (n,)
        True for the customers of the set; all False where the total is not positive.

    Examples
    --------
    >>> smallest_set(np.array([1.0, 6.0, 3.0]))
    array([False,  True,  True])
    """
    held = np.zeros(len(values), dtype=bool)
    order = np.argsort(-values, kind="stable")
    running = np.cumsum(values[order])
    if len(values) and running[-1] > 0:
        # The tolerance keeps rounding in the sum from asking for one customer too many.
        needed = int(np.argmax(running >= part * running[-1] * (1 - 1e-12))) + 1
        held[order[:needed]] = True
    return held
