"""Transactions, a window and a fitted forecast come in; what they cannot support is refused or said.

Called by the CoreCustomerModel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from duramen.data.transactions import Transactions
from duramen.data.windows import YEAR, Window
from duramen.errors import InputError
from duramen.forecast.folds import LEAST_CUSTOMERS, Fold

if TYPE_CHECKING:
    from duramen.scoring.model import CoreCustomerModel


def refuse_unfit(tx: Transactions, window: Window, customers: pd.DataFrame) -> None:
    """Refuse what no forecast can be learned from.

    Parameters
    ----------
    tx : Transactions
    window : Window
    customers : pandas.DataFrame
        The customer table at its cutoff.

    Raises
    ------
    InputError
        If the history is shorter than the horizon, customers are too few, they returned more than they bought, or none
        ever came back.
    """
    history = (window.cutoff - tx.first_date).days
    if window.horizon > history:
        raise InputError(
            f"the horizon of {window.horizon} days is longer than the history of {history} days "
            f"({tx.first_date} to the cutoff {window.cutoff}) in {tx.source}; choose at most {max(history // 3, 1)}d."
        )
    if len(customers) < LEAST_CUSTOMERS:
        examples = ", ".join(map(repr, customers["customer_id"].head(3)))
        raise InputError(
            f"column {tx.columns['customer_id']!r} of {tx.source} holds {len(customers)} customers before "
            f"{window.cutoff} ({examples}), and a ranking needs at least {LEAST_CUSTOMERS}; is it the right column?"
        )
    if (net := customers["net_spend"].sum()) <= 0:
        raise InputError(
            f"column {tx.columns['amount']!r} of {tx.source} adds up to {net:,.2f} {tx.unit} over {len(customers):,} "
            f"customers before {window.cutoff}: more was returned than bought; check the sign of the amounts."
        )
    if not (customers["frequency"] > 0).any():
        examples = ", ".join(map(repr, customers["customer_id"].head(3)))
        raise InputError(
            f"all {len(customers):,} customers in column {tx.columns['customer_id']!r} of {tx.source} bought on "
            f"one day only before {window.cutoff} (for example {examples}), so nothing shows who comes back; give a "
            "longer history, or check that the column names people and not orders."
        )


def premises(model: CoreCustomerModel, folds: list[Fold], judge: Fold) -> list[str]:
    """Return what a reader must know of how a forecast was learned: what the data could not support.

    Parameters
    ----------
    model : CoreCustomerModel
        Whose forecast has been learned.
    folds : list of Fold
        What it learned from.
    judge : Fold
        What it was judged on.
    """
    window = model.window_
    btyd, told = f"{model.btyd_.kind_} and gamma-gamma", []
    if judge.window.horizon < window.horizon:
        told.append(
            f"The history is too short to learn from whole horizons of {window.horizon} days, so customers were "
            f"judged over {judge.window.horizon} days and {btyd} carry the forecast on to {window.horizon}."
        )
    boosters = model.boosters()
    plain = [
        name
        for name, kinds in (("value", ("value", "spend")), ("activity", ("activity",)))
        if not boosters.keys() & kinds
    ]
    if plain:
        told.append(
            f"{len(judge.outcomes):,} held-out customers show no clear gain of LightGBM on {btyd}, so "
            f"{' and '.join(plain)} {'are' if len(plain) > 1 else 'is'} forecast without it."
        )
    if model.distribution_.source_ == "assumed":
        told.append(
            f"Too few of the {len(judge.outcomes):,} held-out customers bought to show how far forecasts of them "
            "miss, so intervals and growth potential assume log-normal errors with a spread of 1."
        )
    if judge.outcomes["value"].sum() <= 0:
        told.append(
            f"{judge.window} brought no money from the customers known by then, so nothing checks the total."
        )
    total = f"total is that of {btyd} {model.value_.correction_ - 1:+.0%}, by what"
    if any(fold.window == window.earlier(YEAR) for fold in folds):
        told.append(f"The {total} the same season a year earlier brought.")
    elif window.horizon < YEAR:
        told.append(
            f"No full year lies before the cutoff to show the season of these {window.horizon} days; the {total} "
            f"the last {judge.window.horizon} days brought."
        )
    return told
