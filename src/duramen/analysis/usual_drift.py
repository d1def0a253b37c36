"""A model and orders come in; how far its features and scores moved, beside how far they usually do, goes out."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from duramen.analysis.migration import feature_drift
from duramen.data.customers import customer_table
from duramen.data.windows import YEAR
from duramen.language import say

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions
    from duramen.scoring.model import CoreCustomerModel

SCORES = ("predicted_value", "probability_active", "growth_rate", "probability_core")
# A base ages by itself. Only what moved more than this many times as far as it did before is an alarm.
TIMES_USUAL = 3.0
# Standard deviations from the middle of a 95 % interval to its end.
TWO_SIDED = 1.96
# Longer histories make more of a feature known; a feature that gains this share of customers is not compared.
BECOMES_KNOWN = 0.05
# Money of the last purchase of customers who bought since; before, of those who bought in as many days.
RECENT_BASKET = "basket_last_of_recent_buyers"
# Days that these look back, which their names do not have.
REACH = {"basket_recent_ratio": 182, "spend_change_per_day": 182, "spend_trend_year": 455}
DRIFT_COLUMNS = ["kind", "name", "psi", "low", "usual", "limit", "missing_then", "missing_now", "alarm"]


def drift_since(
    model: CoreCustomerModel, tx: Transactions, since: date, cutoff: date, least: float, notes: list[str]
) -> pd.DataFrame:
    """Return how far features and scores moved between two days, and how far they do by themselves.

    A base ages: the customers of a young shop are older a month later, whatever they do. The yardstick is the drift
    over as many days before ``since``.

    Parameters
    ----------
    model : CoreCustomerModel
    tx : Transactions
    since, cutoff : date
    least : float
        Population stability index up to which nothing is an alarm.
    notes : list of str
        Gains a sentence where drift, or the yardstick, cannot be measured.

    Returns
    -------
    pandas.DataFrame
        ``DRIFT_COLUMNS``, furthest first. ``low`` is the lower end of the 95 % interval of the index, and an alarm
        where it is above the limit: the larger of ``least`` and three times the usual drift. The limit is missing
        where the usual drift is not known, or where a longer history has made the feature known of more customers.
    """
    if not tx.first_date < since < cutoff:
        notes.append(
            say(
                "drift is not measured: it is between {since} and {cutoff}, and the orders run from {first} to {last}.",
                since=str(since), cutoff=str(cutoff), first=str(tx.first_date), last=str(tx.last_date),
            )
        )  # fmt: skip
        return pd.DataFrame(columns=DRIFT_COLUMNS)
    length = cutoff - since
    before = since - length
    then, now = (_scored(model, tx, day) for day in (since, cutoff))
    drift = _compare(then, now, length.days)
    usual = pd.Series(np.nan, index=drift.index)
    if before > tx.first_date:
        usual = _compare(_scored(model, tx, before), then, length.days)["psi"].reindex(drift.index)
        # A window longer than the history had no end to move yet.
        history = (before - tx.first_date).days
        usual = usual.where(np.array([_reach(str(name)) <= history for name in drift.index]))
    else:
        notes.append(
            say(
                "drift raises no alarm: the orders begin on {first}, so how far features move by themselves in the "
                "{days} days since {since} is not known; give orders from before {before}.",
                first=str(tx.first_date), days=length.days, since=str(since), before=str(before),
            )
        )  # fmt: skip
    limit = (TIMES_USUAL * usual).clip(lower=least)
    known = drift["missing_then"] - drift["missing_now"] <= BECOMES_KNOWN
    drift = drift.assign(
        kind=np.where(drift.index.isin(SCORES), "score", "feature"),
        low=_lower_end(drift),
        usual=usual,
        limit=limit.where(known & usual.notna()),
    )
    drift["alarm"] = drift["low"] > drift["limit"]
    return drift.reset_index(names="name")[DRIFT_COLUMNS]


def _scored(model: CoreCustomerModel, tx: Transactions, day: date) -> pd.DataFrame:
    """Return the customer table at a day, with the scores of the model."""
    customers = customer_table(tx, day)
    scores = model.predict(customers, with_reasons=False)
    names = dict.fromkeys([*model.forecast_.features_, "basket_last", "time_since_last"])
    return pd.concat([customers[list(names)], scores[list(SCORES)]], axis=1)


def _compare(then: pd.DataFrame, now: pd.DataFrame, days: int) -> pd.DataFrame:
    """Return the drift of all columns by name, and that of the last basket of customers who bought in these days.

    Among all customers new prices show late where few buy; among those who bought since they show at once.
    """
    baskets = [
        table.loc[table["time_since_last"] <= days, ["basket_last"]].rename(
            columns={"basket_last": RECENT_BASKET}
        )
        for table in (then, now)
    ]
    parts = [feature_drift(then, now)]
    if all(len(part) for part in baskets):
        parts.append(feature_drift(*baskets))
    return pd.concat(parts).set_index("feature").sort_values("psi", ascending=False, kind="stable")


def _lower_end(drift: pd.DataFrame) -> pd.Series[float]:
    """Return the lower end of the 95 % interval of each index.

    The index over (1/n + 1/m) is noncentral chi-squared with k - 1 degrees of freedom, for two independent samples; its
    mean and variance give the interval. Customers whom both days have make it wider than it need be.
    """
    freedom = (drift["bins"] - 1).clip(lower=1)
    noise = drift["expected_by_chance"] / freedom
    beyond_chance = (drift["psi"] - drift["expected_by_chance"]).clip(lower=0)
    deviation = np.sqrt(2 * noise * (noise * freedom + 2 * beyond_chance))
    low: pd.Series[float] = (beyond_chance - TWO_SIDED * deviation).clip(lower=0)
    return low


def _reach(feature: str) -> int:
    """Return how many days before the cutoff a feature looks back at a fixed length, 0 where it looks at all.

    Examples
    --------
    >>> _reach("net_spend_91"), _reach("spend_trend_91"), _reach("season_share"), _reach("basket_mean")
    (91, 182, 364, 0)
    """
    if feature in REACH:
        return REACH[feature]
    last = feature.rsplit("_", 1)[-1]
    if last.isdigit():
        return int(last) * (2 if "_trend_" in feature else 1)
    return YEAR if feature.startswith("season") else 0
