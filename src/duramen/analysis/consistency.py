"""A ranking comes in; whether what it says of its customers agrees with the numbers beside it goes out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from duramen.errors import InputError
from duramen.forecast.direction import is_declining, is_growing
from duramen.language import marked
from duramen.scoring.tiers import DEFAULT_TIERS, Tiers
from duramen.scoring.treatments import RELEASE
from duramen.segments.activity import ACTIVE, AT_RISK, LAPSED

NEEDED = (
    "tier", "segment", "lifecycle_stage", "predicted_value", "predicted_value_low", "predicted_value_high",
    "past_value", "growth_rate", "growth_potential", "probability_growing", "probability_active", "churn_probability",
    "expected_purchases", "expected_spend", "treatment", "quadrant",
)  # fmt: skip
# First words of segments, from the most to the least active.
ACTIVITY = (ACTIVE, AT_RISK, LAPSED)
# What the names of stages say of activity; building says of new customers only that they are new.
ACTIVITY_OF_STAGE = {
    "growing": ACTIVE, "steady": ACTIVE, "declining": ACTIVE, "recovered": ACTIVE, AT_RISK: AT_RISK, LAPSED: LAPSED,
}  # fmt: skip
# A customer whose churn is below this is safe, whatever a name says.
SAFE = 0.5
# Share of the best customers whose segment's name may contradict their churn.
MISNAMED = 0.05
ROUNDING = 1e-6


def check_consistency(ranking: pd.DataFrame, tiers: Tiers = DEFAULT_TIERS) -> pd.DataFrame:
    """Return whether tiers, segments, stages, growth and money of a ranking agree.

    Parameters
    ----------
    ranking : pandas.DataFrame
        What ``rank_core_customers`` returns.
    tiers : Tiers
        Those of the ranking.

    Returns
    -------
    pandas.DataFrame
        A row a check: ``check`` (a sentence), ``figure`` (the share of customers, or the difference, that speaks
        against it), ``limit`` and ``holds``.

    Raises
    ------
    InputError
        If a column is missing.
    """
    if missing := [name for name in NEEDED if name not in ranking]:
        raise InputError(
            f"the ranking has no column {' or '.join(missing)}; give what rank_core_customers returned."
        )
    activity = _first_words(ranking["segment"])
    safe = ranking["churn_probability"] < SAFE
    value, past = ranking["predicted_value"], ranking["past_value"]
    stage, growth = ranking["lifecycle_stage"], ranking["growth_rate"]
    active, word = ranking["probability_active"], stage.map(ACTIVITY_OF_STAGE)
    rising, core = ranking["tier"] == tiers.rising.name, ranking["tier"].isin(tiers.core_names)
    by_growth = np.select([is_growing(growth), is_declining(growth)], ["growing", "declining"], "steady")
    direction = pd.Series(by_growth, index=ranking.index)
    released = ranking["treatment"].str.lower().str.startswith(RELEASE)
    rows = [
        (
            marked(
                "top-tier customers with a churn probability below 50\u202f% are not in segments named at "
                "risk or lapsed"
            ),
            _share(safe & activity.isin(ACTIVITY[1:]), ranking["tier"] == tiers.vip.name),
            MISNAMED,
        ),
        (
            marked("segments named active, at risk and lapsed are in this order of mean probability"),
            _disorder(active.groupby(activity).mean()),
            ROUNDING,
        ),
        (
            marked("active stages, at risk and lapsed are in this order of mean probability"),
            _disorder(active.groupby(word).mean()),
            ROUNDING,
        ),
        (
            marked(
                "nobody at risk is likelier to buy than a customer of an active stage, and nobody lapsed than one at "
                "risk"
            ),
            _overlap(active, word),
            ROUNDING,
        ),
        (
            marked("growing customers are forecast to spend at least a tenth more than before"),
            _share(direction != "growing", stage == "growing"),
            ROUNDING,
        ),
        (
            marked("steady customers are forecast to spend within a tenth of what they spent before"),
            _share(direction != "steady", stage == "steady"),
            ROUNDING,
        ),
        (
            marked("declining customers are forecast to spend at least a tenth less than before"),
            _share(direction != "declining", stage == "declining"),
            ROUNDING,
        ),
        (
            marked("growth is above 0 exactly where the forecast is above the own past"),
            float(((ranking["growth_rate"] > 0) != (value > past)).mean()),
            ROUNDING,
        ),
        (
            marked("nobody is likelier to grow than to buy"),
            float((ranking["probability_growing"] > ranking["probability_active"] + ROUNDING).mean()),
            ROUNDING,
        ),
        (
            marked("rising customers are forecast to spend more than before"),
            _share(value <= past, rising),
            ROUNDING,
        ),
        (
            marked("no released customer is core, rising, or more likely to buy than not"),
            float((released & (safe | core | rising)).mean()),
            ROUNDING,
        ),
        (
            marked("core customers are growing, steady or declining on the map as they are by their growth"),
            _share(ranking["quadrant"] != "core and " + direction, core),
            ROUNDING,
        ),
        (
            marked("no rising customer is at risk or lapsed"),
            _share(word.isin(ACTIVITY[1:]), rising),
            ROUNDING,
        ),
        (
            marked("expected purchases times expected spend are the predicted value"),
            float((ranking["expected_purchases"] * ranking["expected_spend"] / value - 1).abs().max()),
            ROUNDING,
        ),
        (
            marked("intervals contain the predicted value"),
            float((~value.between(ranking["predicted_value_low"], ranking["predicted_value_high"])).mean()),
            ROUNDING,
        ),
    ]
    table = pd.DataFrame(rows, columns=["check", "figure", "limit"])
    return table.assign(holds=table["figure"] <= table["limit"])


def differs_from_segment(ranking: pd.DataFrame) -> pd.Series[bool]:
    """Return who is active, at risk or lapsed by their own stage where the name of their segment says another.

    The name says what is typical of the group, the stage what holds for the customer.

    Parameters
    ----------
    ranking : pandas.DataFrame
        Has ``segment`` and ``lifecycle_stage``.

    Examples
    --------
    >>> ranking = pd.DataFrame({"segment": ["1 active frequent buyers, high spend", "our friends"],
    ...                         "lifecycle_stage": ["at risk", "at risk"]})
    >>> differs_from_segment(ranking).tolist()
    [True, False]
    """
    own, of_group = ranking["lifecycle_stage"].map(ACTIVITY_OF_STAGE), _first_words(ranking["segment"])
    differs: pd.Series[bool] = own.notna() & of_group.notna() & (own != of_group)
    return differs


def _first_words(segments: pd.Series[str]) -> pd.Series[str]:
    """Return the activity that a segment's name begins with, after its number."""
    return segments.astype(str).str.extract(rf"^\d+ ({'|'.join(ACTIVITY)})", expand=False)


def _share(wrong: pd.Series[bool], among: pd.Series[bool]) -> float:
    return float(wrong[among].mean()) if among.any() else 0.0


def _overlap(probability: pd.Series[float], word: pd.Series[str]) -> float:
    """Return by how much somebody under a less active word is likelier to buy than somebody under the next one."""
    ends = probability.groupby(word).agg(["min", "max"]).reindex(list(ACTIVITY)).dropna().to_numpy()
    return float(np.max(ends[1:, 1] - ends[:-1, 0], initial=0.0))


def _disorder(probability: pd.Series[float]) -> float:
    """Return by how much a less active name has the higher mean probability, 0 where none has."""
    known = probability.reindex(list(ACTIVITY)).dropna().to_numpy()
    return float(np.max(np.diff(known), initial=0.0))
