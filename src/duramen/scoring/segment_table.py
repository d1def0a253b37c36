"""A segmenter and scores come in; a row a segment goes out."""

from __future__ import annotations

import pandas as pd

from duramen.segments.segmenter import BehaviouralSegmenter


def segment_table(segmenter: BehaviouralSegmenter, scores: pd.DataFrame) -> pd.DataFrame:
    """Return the customers, share of predicted value, means and rule of each segment that has customers.

    Parameters
    ----------
    segmenter : BehaviouralSegmenter
        Fitted; the one that named the segments.
    scores : pandas.DataFrame
        Has ``segment``, ``predicted_value`` and ``churn_probability`` of each customer; ``treatment`` where it is
        a ranking.

    Returns
    -------
    pandas.DataFrame
        ``segment``, ``name``, ``rule``, ``customers``, ``share_of_value``, ``predicted_value_mean``,
        ``churn_probability_mean``, and of a ranking ``treatment``, that of most of its customers.
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
    rules = profile[["name", "rule"]].set_index(
        pd.Index(segmenter.names(profile["segment"].to_numpy()), name="segment")
    )
    if "treatment" in scores:
        table["treatment"] = by["treatment"].agg(lambda texts: texts.mode().iloc[0])
    return rules.join(table, how="inner").reset_index()
