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
from duramen.language import Sentence, marked, say, say_count


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
            f"column {tx.columns['customer_id']!r} of {tx.source} has {len(customers)} customers before "
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
    btyd = say("{purchases} and {spend}", purchases=btyd_value.kind_, spend=say(btyd_value.spend_kind_))
    notes: list[str] = []
    count, days = len(holdout.outcomes), holdout.window.horizon
    if days < window.horizon:
        notes.append(
            say(
                "The history is too short to train on horizons of {horizon} days. The models were "
                "trained and evaluated over {days} days, and {models} extend the forecast to {horizon} "
                "days.",
                horizon=window.horizon,
                days=days,
                models=btyd,
            )
        )
    of_value = {"value", "spend"}.isdisjoint(boosters)
    of_activity = "activity" not in boosters
    if of_value or of_activity:
        notes.append(
            say(_PLAIN[of_value, of_activity], customers=f"{count:,}", models=btyd),
        )
    if distribution.source_ == "assumed":
        notes.append(
            say(
                "Intervals and growth potential are rough: too few of the {customers} holdout customers "
                "bought to measure the forecast error, so a log-normal error with a spread of 1 is "
                "assumed.",
                customers=f"{count:,}",
            )
        )
    if holdout.outcomes["value"].sum() <= 0:
        notes.append(
            say(
                "{window} brought no money from the customers known by then, so nothing checks the total.",
                window=holdout.window.in_words(),
            )
        )
    notes.append(_of_total(btyd, window, level))
    return notes


# By whether value, and activity, are forecast without trees.
_PLAIN = {
    (True, True): marked(
        "LightGBM was not clearly better than {models} on the {customers} holdout customers, so value "
        "and activity are forecast without it."
    ),
    (True, False): marked(
        "LightGBM was not clearly better than {models} on the {customers} holdout customers, so value is "
        "forecast without it."
    ),
    (False, True): marked(
        "LightGBM was not clearly better than {models} on the {customers} holdout customers, so activity "
        "is forecast without it."
    ),
}


def _of_total(btyd: str, window: Window, level: Level) -> str:
    """Return how the total was corrected, what of it is season, and how far it may miss."""
    spread = np.exp(EIGHTY_PERCENT * level.standard_error)
    unknown = (
        ""
        if level.season_known or window.horizon >= YEAR
        else say(
            " It contains no seasonal effect, because the history has no comparable year for these "
            "{days} days.",
            days=window.horizon,
        )
    )
    return say(
        "{total}{season} In 8 of 10 cases the actual total is expected between {low} and {high} of the forecast.",
        total=_corrected(btyd, level),
        season=unknown,
        low=f"{1 / spread - 1:+.0%}",
        high=f"{spread - 1:+.0%}",
    )


def _corrected(btyd: str, level: Level) -> str:
    """Return by how much the total was corrected, and why."""
    if level.windows == 0:
        text = marked(
            "The forecast total is that of {models}, changed by {change}: no earlier window shows how far their "
            "total is off."
        )
    elif not level.clear:
        text = marked(
            "The forecast total is that of {models}, changed by {change}. In {windows} their total was off by no more "
            "than chance explains, so the correction is shrunk to a part of these errors."
        )
    elif level.season_known and abs(level.season) >= abs(level.shift) / 2:
        text = marked(
            "The forecast total is that of {models}, adjusted by {change} because of its errors in {windows}. The "
            "season accounts for {season}: in the same season a year earlier, the total differed from that of the "
            "neighbouring windows."
        )
    else:
        text = marked(
            "The forecast total is that of {models}, changed by {change}, as {windows} showed; none of it is season."
        )
    return say(
        text,
        models=btyd,
        change=f"{level.factor - 1:+z.0%}",
        windows=_earlier_windows(level),
        season=f"{np.expm1(level.season):+z.0%}",
    )


def _earlier_windows(level: Level) -> Sentence:
    """Return how many windows a correction was learned from."""
    if level.overlapping:
        return say("{n} overlapping earlier windows", n=level.windows)
    return say_count("{n} earlier window", "{n} earlier windows", level.windows)
