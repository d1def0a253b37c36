"""A ranking and what its customers went on to spend come in; how often its words came true goes out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from duramen.scoring.tiers import DEFAULT_TIERS, Tiers
from duramen.segments.activity import AT_RISK, LAPSED


def direction_outcomes(
    ranking: pd.DataFrame, outcomes: pd.DataFrame, tiers: Tiers = DEFAULT_TIERS
) -> pd.DataFrame:
    """Return how many customers of each word of direction did what it says, against the customers they were among.

    A customer grew who spent more over the horizon than at their own past rate, and shrank who spent less. Growing and
    declining customers are compared with all whose stage is neither at risk nor lapsed, and the rising ones with all
    outside the core.

    Parameters
    ----------
    ranking : pandas.DataFrame
        What ``rank_core_customers`` returns at a past cutoff, of a model that knows nothing later.
    outcomes : pandas.DataFrame
        ``customer_outcomes`` of the horizon: ``customer_id`` and ``value``.
    tiers : Tiers
        Those of the ranking.

    Returns
    -------
    pandas.DataFrame
        A row for each word: ``word``, ``customers``, ``did`` (the share who did), ``low`` and ``high`` (its 95 %
        interval), ``base`` (the share among all they are compared with), ``past_value`` and ``actual_value`` (means, in
        money). Shares of an empty group are missing.

    References
    ----------
    Wilson, E. B. (1927), "Probable inference, the law of succession, and statistical inference", JASA 22(158).
    """
    known = ranking.merge(
        outcomes[["customer_id", "value"]], on="customer_id", how="left", validate="one_to_one"
    )
    spent, past, stage = known["value"].fillna(0.0), known["past_value"], known["lifecycle_stage"]
    active = ~stage.isin((AT_RISK, LAPSED))
    outside = ~known["tier"].isin(tiers.core_names)
    groups = [
        ("growing", stage == "growing", active, spent > past),
        ("declining", stage == "declining", active, spent < past),
        ("rising", known["tier"] == tiers.rising.name, outside, spent > past),
    ]
    rows = []
    for word, inside, among, did in groups:
        low, high = _wilson(int(did[inside].sum()), int(inside.sum()))
        rows.append(
            {
                "word": word,
                "customers": int(inside.sum()),
                "did": did[inside].mean(),
                "low": low,
                "high": high,
                "base": did[among].mean(),
                "past_value": past[inside].mean(),
                "actual_value": spent[inside].mean(),
            }
        )
    return pd.DataFrame(rows)


def _wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % interval of a share.

    Examples
    --------
    >>> [round(end, 3) for end in _wilson(5, 10)]
    [0.237, 0.763]
    """
    from scipy.stats import binomtest

    if not trials:
        return np.nan, np.nan
    interval = binomtest(successes, trials).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)
