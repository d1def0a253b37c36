"""The ranking of a whole base comes in; what places one customer in it goes out, and the place of any customers.

The tier of a ranking depends on all that are ranked with a customer: one customer alone is always the first. The
thresholds of the base at training place a customer by their own scores, whichever others are asked with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from duramen.scoring.tiers import RISING_COLUMN, Tiers, smallest_set

# Scores are kept at these many steps from the lowest to the highest: a percentile is known to a tenth of a percent.
STEPS = 1000
# A value that went through JSON may come back a little smaller, and has its tier all the same.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class PlacementThresholds:
    """What a customer needs for each tier, and the scores of the base.

    A threshold is None where nobody of the base reached the tier, so that nobody else does.

    Parameters
    ----------
    tiers : Tiers
        The tiers of the ranking.
    vip, core, regular : float, optional
        The least ``predicted_value`` of the VIPs, of the core and of those with whom ``regular_share`` is reached, in
        money.
    rising_column : str
        The column of the scores that orders customers outside the core who can be rising.
    rising : float, optional
        The least of it among the rising.
    scores : array of shape (1001,)
        Quantiles of the score from the lowest to the highest: the least score that k of 1,000 customers do not exceed.
    """

    tiers: Tiers
    vip: float | None
    core: float | None
    regular: float | None
    rising_column: str
    rising: float | None
    scores: npt.NDArray[np.float64]

    @classmethod
    def of_ranking(cls, ranking: pd.DataFrame, tiers: Tiers) -> Self:
        """Return the thresholds of a base.

        Parameters
        ----------
        ranking : pandas.DataFrame
            What ``rank_core_customers`` returns of the whole base, without costs.
        tiers : Tiers
            The tiers of the ranking.
        """
        value = ranking["predicted_value"].to_numpy()
        rising = ranking.loc[ranking["tier"] == tiers.rising.name, RISING_COLUMN]
        return cls(
            tiers=tiers,
            vip=_least(value[smallest_set(value, tiers.vip_share)]),
            core=_least(value[smallest_set(value, tiers.core_share)]),
            regular=_least(value[smallest_set(value, tiers.regular_share)]),
            rising_column=RISING_COLUMN,
            rising=_least(rising.to_numpy()),
            scores=score_quantiles(ranking["score"].to_numpy()),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the thresholds as plain values, without the tiers."""
        plain = {name: value for name, value in vars(self).items() if name != "tiers"}
        return plain | {"scores": self.scores.tolist()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], tiers: Tiers) -> Self:
        """Return thresholds from what ``to_dict`` returned."""
        return cls(**{**plain, "tiers": tiers, "scores": np.array(plain["scores"], dtype=float)})


def _least(values: npt.NDArray[np.float64]) -> float | None:
    return float(values.min()) if len(values) else None


def score_quantiles(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return for k from 0 to 1,000 the least score that at least k in 1,000 customers do not exceed.

    Examples
    --------
    >>> score_quantiles(np.array([10.0, 20.0]))[[0, 500, 501, 1000]]
    array([10., 10., 20., 20.])
    """
    # Whole numbers, so that no rounding moves a quantile to the next customer.
    last = -(-np.arange(STEPS + 1) * len(scores) // STEPS) - 1
    quantiles: npt.NDArray[np.float64] = np.sort(scores)[np.maximum(last, 0)]
    return quantiles


def place_customers(scores: pd.DataFrame, thresholds: PlacementThresholds) -> pd.DataFrame:
    """Return the tier and the percentile of each customer in the base of the thresholds.

    Each customer is placed by their own scores, so neither the others of ``scores`` nor their order matters. Customers
    of the base get the tier of ``rank_core_customers``, except where several have exactly the value at which a tier
    ends: the ranking puts some of them into the next tier, by score and id, and here all are in the better one.

    Parameters
    ----------
    scores : pandas.DataFrame
        What ``CoreCustomerModel.predict`` returns, of any customers.
    thresholds : PlacementThresholds

    Returns
    -------
    pandas.DataFrame
        On the index of ``scores``: ``tier``, and ``score_percentile``, the percentage of the base with a higher score,
        rounded up to a tenth: 3 is in the top 3 %.

    Examples
    --------
    >>> base = pd.DataFrame({"score": [60.0, 25.0, 10.0, 5.0], "growth_rate": 0.0, "probability_growing": 0.2})
    >>> base = base.assign(customer_id=list("abcd"), predicted_value=base["score"])
    >>> thresholds = PlacementThresholds.of_ranking(base.assign(tier=["VIP", "main", "regular", "small"]), Tiers())
    >>> place_customers(base.iloc[[1]], thresholds).to_dict("records")
    [{'tier': 'main', 'score_percentile': 25.0}]
    """
    tiers, value = thresholds.tiers, scores["predicted_value"].to_numpy()
    vip, core, regular = (
        _reaches(value, least) for least in (thresholds.vip, thresholds.core, thresholds.regular)
    )
    likely = _reaches(scores[thresholds.rising_column].to_numpy(), thresholds.rising)
    rising = tiers.can_rise(scores) & likely
    names = [tiers.vip.name, tiers.main.name, tiers.rising.name, tiers.regular.name]
    place = np.select([vip, core, rising, regular], [0, 1, 2, 3], default=4)
    tier = np.array([*names, tiers.small.name], dtype=object)[place]
    return pd.DataFrame(
        {"tier": tier, "score_percentile": _percentile(scores["score"].to_numpy(), thresholds.scores)},
        index=scores.index,
    )


def _reaches(values: npt.NDArray[np.float64], least: float | None) -> npt.NDArray[np.bool_]:
    if least is None:
        return np.zeros(len(values), dtype=bool)
    reached: npt.NDArray[np.bool_] = values >= least - TOLERANCE * abs(least)
    return reached


def _percentile(
    score: npt.NDArray[np.float64], quantiles: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the percentage of the base with a higher score, rounded up to a tenth."""
    below = np.searchsorted(quantiles, score + TOLERANCE * np.abs(score), side="right") - 1
    percentile: npt.NDArray[np.float64] = (STEPS - np.maximum(below, 0)) / (STEPS / 100)
    return percentile
