"""Transactions, a window and a fitted forecast come in; refusals and notes on what they cannot support go out."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from duramen.data.transactions import Transactions
from duramen.data.windows import YEAR, Window
from duramen.errors import InputError
from duramen.forecast.btyd_value import BTYDValueModel
from duramen.forecast.folds import LEAST_CUSTOMERS, Fold
from duramen.forecast.value_distribution import ValueDistribution


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


def unmet_requirements(
    window: Window,
    folds: list[Fold],
    holdout: Fold,
    btyd_value: BTYDValueModel,
    boosters: Collection[str],
    distribution: ValueDistribution,
    correction: float,
) -> list[str]:
    """Return what a reader must know of how a forecast was learned: what the data could not support.

    Parameters
    ----------
    window : Window
        The one that is forecast.
    folds : list of Fold
        What was learned from.
    holdout : Fold
        The one of them on which the forecast was evaluated.
    btyd_value : BTYDValueModel
    boosters : collection of str
        Names of the trees that are used.
    distribution : ValueDistribution
    correction : float
        What the BTYD total was multiplied with.
    """
    btyd, notes = f"{btyd_value.kind_} and {btyd_value.spend_kind_}", []
    count, days = len(holdout.outcomes), holdout.window.horizon
    if days < window.horizon:
        notes.append(
            f"The history is too short to learn from whole horizons of {window.horizon} days, so customers were "
            f"evaluated over {days} days and {btyd} carry the forecast on to {window.horizon}."
        )
    plain = [
        name
        for name, kinds in (("value", {"value", "spend"}), ("activity", {"activity"}))
        if kinds.isdisjoint(boosters)
    ]
    if plain:
        notes.append(
            f"{count:,} held-out customers show no clear gain of LightGBM on {btyd}, so "
            f"{' and '.join(plain)} {'are' if len(plain) > 1 else 'is'} forecast without it."
        )
    if distribution.source_ == "assumed":
        notes.append(
            f"Too few of the {count:,} held-out customers bought to show how far forecasts of them "
            "miss, so intervals and growth potential assume log-normal errors with a spread of 1."
        )
    if holdout.outcomes["value"].sum() <= 0:
        notes.append(
            f"{holdout.window} brought no money from the customers known by then, so nothing checks the total."
        )
    total = f"total is that of {btyd} {correction - 1:+.0%}, by what"
    if any(fold.window == window.earlier(YEAR) for fold in folds):
        notes.append(f"The {total} the same season a year earlier brought.")
    elif window.horizon < YEAR:
        notes.append(
            f"No full year lies before the cutoff to show the season of these {window.horizon} days; the {total} "
            f"the last {days} days brought."
        )
    return notes
