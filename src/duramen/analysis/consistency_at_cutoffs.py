"""Transactions and cutoffs come in; whether rankings there agree with themselves and with outcomes goes out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from duramen.analysis.consistency import ROUNDING, check_consistency
from duramen.analysis.outcomes_of_direction import direction_outcomes
from duramen.data.customers import customer_table
from duramen.data.outcomes import customer_outcomes
from duramen.data.windows import Window
from duramen.errors import InputError
from duramen.forecast.settings import DEFAULT_FORECAST, ForecastSettings
from duramen.language import ENGLISH, marked, using_language
from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.ranking import rank_core_customers
from duramen.scoring.what_if import what_if

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions

# Each of them is ranked again among all, which takes a while.
ASKED = 40


class Consistency(NamedTuple):
    """Whether the columns of rankings at several cutoffs agree.

    Attributes
    ----------
    checks : pandas.DataFrame
        ``cutoff`` and the columns of ``check_consistency``.
    outcomes : pandas.DataFrame
        ``cutoff`` and the columns of ``direction_outcomes``, of the cutoffs whose horizon is complete in the data.
    """

    checks: pd.DataFrame
    outcomes: pd.DataFrame


def consistency_over_time(
    tx: Transactions,
    windows: Sequence[Window],
    *,
    forecast: ForecastSettings = DEFAULT_FORECAST,
    seed: int = 0,
) -> Consistency:
    """Train at each cutoff, rank the customers, check the ranking, and compare it with what they went on to do.

    Parameters
    ----------
    tx : Transactions
    windows : sequence of Window
        The last one may have a horizon that is not complete.
    forecast : ForecastSettings
        What can be tuned in the forecast.
    seed : int

    Raises
    ------
    InputError
        If there is no window, or the history before one is too short for the model.
    """
    if not windows:
        raise InputError("no cutoff is given to check rankings at; give one or more.")
    checks, outcomes = [], []
    for window in windows:
        model = CoreCustomerModel(forecast=forecast, seed=seed).fit(tx, window)
        customers = customer_table(tx, window.cutoff)
        scores = model.predict(customers, with_reasons=False)
        ranking = rank_core_customers(scores, model.tiers)
        found = [check_consistency(ranking, model.tiers), _what_if_check(model, tx, scores, ranking)]
        checks.append(pd.concat(found, ignore_index=True).assign(cutoff=window.cutoff))
        if window.end <= tx.last_date + timedelta(days=1):
            came = customer_outcomes(tx, window, customers)
            outcomes.append(direction_outcomes(ranking, came, model.tiers).assign(cutoff=window.cutoff))
    return Consistency(*(_joined(tables) for tables in (checks, outcomes)))


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Return tables below each other, with the cutoff first."""
    if not tables:
        return pd.DataFrame()
    table = pd.concat(tables, ignore_index=True)
    return table[["cutoff", *table.columns.drop("cutoff")]]


def _what_if_check(
    model: CoreCustomerModel, tx: Transactions, scores: pd.DataFrame, ranking: pd.DataFrame
) -> pd.DataFrame:
    """Return the check of customers who are asked what one more purchase would do, spread evenly over the ranking."""
    places = np.unique(np.linspace(0, len(ranking) - 1, min(ASKED, len(ranking))).astype(int))
    # The reason is found by its words.
    with using_language(ENGLISH):
        asked = what_if(model, tx, ranking["customer_id"].iloc[places], scores=scores)
    falls = asked["new_predicted_value"] < asked["predicted_value"] * (1 - ROUNDING)
    unexplained = falls & ~asked["sentence"].str.contains("mainly because")
    check = marked("wherever one more purchase lowers a customer's value, a reason is given")
    figure = float(unexplained.mean())
    return pd.DataFrame([{"check": check, "figure": figure, "limit": ROUNDING, "holds": figure <= ROUNDING}])
