"""The scores of two cutoffs come in; the customers who rose by more than season, trend and noise go out.

Season, trend and another fit of the model move all customers alike, and cancel out: customers are compared with the
others who were known at both cutoffs.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from duramen.errors import InputError
from duramen.scoring.tiers import smallest_set

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions
    from duramen.scoring.model import CoreCustomerModel

# One in five outcomes lies above the end of an interval; half as much again is what hardly any chance reaches.
BEYOND = 1.5

NEEDED = ("customer_id", "score", "predicted_value", "predicted_value_high")


def customers_who_rose(earlier: pd.DataFrame, later: pd.DataFrame) -> pd.DataFrame:
    """Return the customers who rose between two cutoffs by more than was likely, most places first.

    Only customers scored at both cutoffs are compared, and ranked among themselves. The change of their total is
    removed from each. The result has the customers who rank higher than before and whose value is now more than 1.5
    times the upper end of the earlier predictive interval (eight outcomes in ten are below that end), changed with the
    total; a smaller rise is noise. Where that end is nearer to the value than is usual, as for customers who buy with a
    probability of less than one in five, the median ratio of end to value of the other customers is used.

    Parameters
    ----------
    earlier, later : pandas.DataFrame
        What ``CoreCustomerModel.predict`` or the ranking returns at each cutoff, over one horizon: ``customer_id``,
        ``score``, ``predicted_value`` and ``predicted_value_high``.

    Returns
    -------
    pandas.DataFrame
        A row for each of them: ``customer_id``, ``rank_before`` and ``rank_now`` (by score among customers of both
        cutoffs, from 1, ties by id), ``places`` risen, ``value_before`` and ``value_now`` (predicted, money over the
        horizon), ``value_with_all`` (the value before, changed with the total), ``likely_before`` (what the value must
        exceed: 1.5 times the upper end, changed with the total), ``own_factor`` (``value_now`` / ``value_with_all``),
        ``core_before`` and ``core_now`` (in the smallest set that accounts for 80 % of value), and ``entered_core``.

    Raises
    ------
    InputError
        If a column is missing, a customer has two rows, none is in both tables, the tables are in the wrong order,
        or the customers of both have no value at one of the cutoffs.

    Examples
    --------
    >>> ids, high = ["a", "b", "c"], [60.0, 50.0, 15.0]
    >>> earlier = pd.DataFrame({"customer_id": ids, "predicted_value": [30.0, 20.0, 10.0]})
    >>> earlier = earlier.assign(score=earlier["predicted_value"], predicted_value_high=high)
    >>> later = earlier.assign(predicted_value=[60.0, 10.0, 80.0], score=[60.0, 10.0, 80.0])
    >>> customers_who_rose(earlier, later)[["customer_id", "places", "value_with_all", "value_now"]]
      customer_id  places  value_with_all  value_now
    0           c       2            25.0       80.0
    """
    _check(earlier, later)
    both = earlier[list(NEEDED)].merge(
        later[list(NEEDED)], on="customer_id", validate="one_to_one", suffixes=("_before", "_now")
    )
    if both.empty:
        raise InputError(
            f"none of {len(later):,} customers is also among the {len(earlier):,} of the earlier cutoff; give scores "
            "of one business."
        )
    both = both.sort_values("customer_id", kind="stable", ignore_index=True)
    before, now = both["predicted_value_before"].to_numpy(), both["predicted_value_now"].to_numpy()
    if not (before.sum() > 0 and now.sum() > 0):
        raise InputError(
            f"the predicted value of the {len(both):,} customers of both cutoffs is {before.sum():,.2f} and then "
            f"{now.sum():,.2f}; without value at both there is nothing to compare."
        )
    common = now.sum() / before.sum()
    rank_before, rank_now = (_ranks(both[f"score_{when}"].to_numpy()) for when in ("before", "now"))
    core_before, core_now = smallest_set(before), smallest_set(now)
    alone = np.divide(now, before * common, out=np.full(len(both), np.inf), where=before > 0)
    compared = pd.DataFrame(
        {
            "customer_id": both["customer_id"],
            "rank_before": rank_before,
            "rank_now": rank_now,
            "places": rank_before - rank_now,
            "value_before": before,
            "value_now": now,
            "value_with_all": before * common,
            "likely_before": BEYOND
            * _likely(before, both["predicted_value_high_before"].to_numpy())
            * common,
            "own_factor": alone,
            "core_before": core_before,
            "core_now": core_now,
            "entered_core": core_now & ~core_before,
        }
    )
    named = compared[(compared["places"] > 0) & (compared["value_now"] > compared["likely_before"])]
    return named.sort_values("places", ascending=False, kind="stable", ignore_index=True)


def rose_since(
    model: CoreCustomerModel,
    tx: Transactions,
    scores: pd.DataFrame,
    earlier: date,
    customers_then: pd.DataFrame | str,
) -> pd.DataFrame | None:
    """Return the customers who rose since an earlier cutoff, scored by the same model at both.

    Parameters
    ----------
    model : CoreCustomerModel
    tx : Transactions
    scores : pandas.DataFrame
        What the model predicts at the later cutoff.
    earlier : date
        The earlier cutoff.
    customers_then : pandas.DataFrame or str
        ``customer_table`` at the earlier cutoff, or the sentence that explains why there is none.

    Returns
    -------
    pandas.DataFrame or None
        What ``customers_who_rose`` returns; None where less than a horizon of history is before the earlier cutoff, or
        where the customers of both cutoffs have no value.
    """
    if isinstance(customers_then, str) or (earlier - tx.first_date).days < model.window_.horizon:
        return None
    try:
        return customers_who_rose(model.predict(customers_then, with_reasons=False), scores)
    except InputError:
        return None


def _check(earlier: pd.DataFrame, later: pd.DataFrame) -> None:
    for when, scores in (("earlier", earlier), ("later", later)):
        if missing := [name for name in NEEDED if name not in scores]:
            raise InputError(
                f"the {when} scores lack {', '.join(missing)}; give what CoreCustomerModel.predict returns."
            )
        again = scores.loc[scores["customer_id"].duplicated(), "customer_id"]
        if len(again):
            raise InputError(
                f"{len(again):,} customers have two rows in the {when} scores, for example {again.iloc[0]}; give one "
                "each."
            )
    if "cutoff" in earlier and "cutoff" in later and earlier["cutoff"].max() >= later["cutoff"].min():
        raise InputError(
            f"the earlier scores are of {earlier['cutoff'].max():%Y-%m-%d} and the later ones of "
            f"{later['cutoff'].min():%Y-%m-%d}; give the earlier cutoff first."
        )


def _likely(value: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the upper end of each interval, or the median multiple of the value where that is more."""
    # An end at the value itself stands where inactivity alone reaches it.
    shown = (high > value) & (value > 0)
    usual = np.median(high[shown] / value[shown]) if shown.any() else 1.0
    likely: np.ndarray = np.maximum(high, usual * value)
    return likely


def _ranks(score: np.ndarray) -> np.ndarray:
    """Return ranks from 1 by falling score; the order given breaks ties."""
    ranks = np.empty(len(score), dtype=np.int64)
    ranks[np.argsort(-score, kind="stable")] = np.arange(1, len(score) + 1)
    return ranks
