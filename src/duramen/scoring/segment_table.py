"""A segmenter and scores come in; a row a segment goes out."""

from __future__ import annotations

import pandas as pd

from duramen.segments.segmenter import BehaviouralSegmenter


def segment_table(segmenter: BehaviouralSegmenter, scores: pd.DataFrame) -> pd.DataFrame:
    """Return the customers, share of predicted value, means, rule and treatment of each segment that has customers.

    Parameters
    ----------
    segmenter : BehaviouralSegmenter
        Fitted; the one that named the segments.
    scores : pandas.DataFrame
        Has ``segment``, ``predicted_value`` and ``churn_probability`` of each customer.

    Returns
    -------
    pandas.DataFrame
        ``segment``, ``name``, ``rule``, ``treatment``, ``customers``, ``share_of_value``, ``predicted_value_mean``,
        ``churn_probability_mean``.
    """
    profile, by = segmenter.profile_, scores.groupby("segment")
    table = pd.DataFrame(
        {
            "customers": by.size(),
            "share_of_value": by["predicted_value"].sum() / scores["predicted_value"].sum(),
            "predicted_value_mean": by["predicted_value"].mean(),
            "churn_probability_mean": by["churn_probability"].mean(),
        }
    )
    rules = profile[["name", "rule", "treatment"]].set_index(
        pd.Index(segmenter.names(profile["segment"].to_numpy()), name="segment")
    )
    return rules.join(table, how="inner").reset_index()
