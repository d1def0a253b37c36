"""Transactions, a window and a fitted forecast come in; refusals and notes on what they cannot support go out."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from duramen.data.transactions import Transactions
from duramen.data.windows import YEAR, Window
from duramen.errors import InputError
from duramen.forecast.bias_correction import EIGHTY_PERCENT, Level
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
    holdout: Fold,
    btyd_value: BTYDValueModel,
    boosters: Collection[str],
    distribution: ValueDistribution,
    level: Level,
) -> list[str]:
    """Return what a reader must know of how a forecast was learned: what the data could not support.

    Parameters
    ----------
    window : Window
        The one that is forecast.
    holdout : Fold
        The window on which the forecast was evaluated.
    btyd_value : BTYDValueModel
    boosters : collection of str
        Names of the trees that are used.
    distribution : ValueDistribution
    level : Level
        How the BTYD total was corrected.
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
    notes.append(_of_total(btyd, window, level))
    return notes


def _of_total(btyd: str, window: Window, level: Level) -> str:
    """Return how the total was corrected, what of it is season, and how far it may miss."""
    spread = np.exp(EIGHTY_PERCENT * level.standard_error)
    total = f"The forecast total is that of {btyd}, changed by {level.factor - 1:+.0%}"
    if level.windows == 0:
        why = ": no earlier window shows how far theirs is off"
    elif not level.clear:
        why = f": over {level.windows} earlier windows theirs was off by no more than chance"
        why += ", in this season or another" if level.season_known else ""
    elif level.season_known and abs(level.season) >= abs(level.shift) / 2:
        why = (
            f", as {level.windows} earlier windows showed; the season makes {np.expm1(level.season):+.0%} of it, since "
            "the same season a year earlier brought another total than the windows beside it"
        )
    else:
        why = f", as {level.windows} earlier windows showed; none of it is season"
    unknown = (
        ""
        if level.season_known or window.horizon >= YEAR
        else f" No comparable year shows the season of these {window.horizon} days, which is not in it."
    )
    return (
        f"{total}{why}.{unknown} In 8 of 10 cases the actual total is expected between {1 / spread - 1:+.0%} and "
        f"{spread - 1:+.0%} of the forecast."
    )
