"""Transactions and a forecast come in; the weight of growth in the score goes out.

What growth is worth shows late: not in the horizon that was forecast, but in the one that follows it.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import NamedTuple

import numpy as np
import pandas as pd

from duramen.data.outcomes import customer_outcomes
from duramen.data.windows import Window, holdout_window
from duramen.errors import InputError
from duramen.forecast.folds import EarlierCutoffs
from duramen.forecast.model import ForecastModel
from duramen.forecast.settings import DEFAULT_FORECAST, ForecastSettings
from duramen.io.progress import earlier_model, skip_earlier_model
from duramen.language import say

_LOG = logging.getLogger(__name__)

# Used where history shows nothing: on three data sets it costs no money that could be measured.
DEFAULT_GROWTH_WEIGHT = 0.25
# With a weight of 1 money above the customer's own past counts twice. More would put growth before value.
GROWTH_WEIGHTS = (0.0, 0.1, DEFAULT_GROWTH_WEIGHT, 0.5, 1.0)
# A weight may lose this share of the money that value alone captures, and no more, to count as costless.
MARGIN = 0.005
# A weight is evaluated by the money that the first customers bring. One border alone is noisy: which few stand on
# either side of it decides. So it is the mean over ten borders, from the first twentieth to the first half.
TOP_SHARES = tuple(np.arange(1, 11) / 20)
# Standard errors to either side that hold a difference 19 times in 20.
WIDTH = 1.96


CURVE_COLUMNS = (
    "weight", "captured", "difference", "low", "high",
    "growth_captured", "growth_difference", "growth_low", "growth_high",
)  # fmt: skip


class GrowthWeight(NamedTuple):
    """The weight of growth potential in the score and how it was learned.

    ``curve`` is what ``growth_weight_curve`` found, empty where the history shows nothing; ``notes`` says why then.
    """

    weight: float
    curve: pd.DataFrame
    notes: list[str]

    @classmethod
    def without_curve(
        cls, weight: float = DEFAULT_GROWTH_WEIGHT, notes: list[str] | None = None
    ) -> GrowthWeight:
        """Return a weight that was not learned."""
        return cls(weight, pd.DataFrame(columns=list(CURVE_COLUMNS), dtype=float), notes or [])


def learn_growth_weight(
    earlier: EarlierCutoffs, window: Window, settings: ForecastSettings = DEFAULT_FORECAST, *, seed: int = 0
) -> GrowthWeight:
    """Choose the largest weight of growth that captured as much money in the horizon after the forecast one.

    Parameters
    ----------
    earlier : EarlierCutoffs
        Of the customers to learn from.
    window : Window
        The one that is forecast. A model is fitted two horizons before its cutoff.
    settings : ForecastSettings
    seed : int

    Returns
    -------
    GrowthWeight
        The default where the history is too short or too thin, with a note.
    """
    tx = earlier.tx
    horizon = holdout_window(window, tx.first_date).horizon
    window = Window(window.cutoff - timedelta(days=2 * horizon), horizon)
    if (window.cutoff - tx.first_date).days < horizon:
        skip_earlier_model()
        return GrowthWeight.without_curve(
            notes=[
                say(
                    "Less than three times {days} days lie before the cutoff, too few to show what growth is worth "
                    "after the horizon, so its weight in the score is the default, {weight}.",
                    days=horizon,
                    weight=f"{DEFAULT_GROWTH_WEIGHT:g}",
                )
            ]
        )
    _LOG.info("the weight of growth, from %s", window)
    try:
        customers = earlier.customers(window.cutoff)
        with earlier_model():
            model = ForecastModel(settings, seed=seed).fit(tx, window, customers, earlier)
    except InputError:
        return GrowthWeight.without_curve(
            notes=[
                say(
                    "There are too few data before {cutoff} to forecast from, so nothing shows what growth is "
                    "worth after a horizon, and its weight in the score is the default, {weight}.",
                    cutoff=window.cutoff,
                    weight=f"{DEFAULT_GROWTH_WEIGHT:g}",
                )
            ]
        )
    forecast = model.forecast(customers)
    money = customer_outcomes(tx, Window(window.end, horizon), customers)["value"].to_numpy()
    if money.sum() <= 0:
        return GrowthWeight.without_curve()
    growth = forecast.growth
    curve = growth_weight_curve(
        forecast.value, growth["growth_potential"].to_numpy(), money, growth["past_value"].to_numpy()
    )
    return GrowthWeight(choose_growth_weight(curve), curve, [])


def growth_weight_curve(
    value: np.ndarray, potential: np.ndarray, money: np.ndarray, past: np.ndarray
) -> pd.DataFrame:
    """Evaluate each weight of growth by the money, and the growth, that the customers it puts first then brought.

    Parameters
    ----------
    value, potential : numpy.ndarray of shape (n,)
        ``predicted_value`` and ``growth_potential`` at an earlier cutoff; ties are broken by the order given.
    money : numpy.ndarray of shape (n,)
        Net money in the horizon that follows the one they forecast.
    past : numpy.ndarray of shape (n,)
        ``past_value`` at the earlier cutoff; money above it is growth.

    Returns
    -------
    pandas.DataFrame
        A row a weight: ``weight``; ``captured``, the share of all money that the first 5 %, 10 %, ... 50 % of the
        customers by ``value + weight * potential`` brought, in the mean over these ten; ``difference`` to that of
        value alone, with its 95 % interval ``low`` to ``high`` over customers (a ratio of two sums, linearised; the
        orders are taken as fixed); and the same of growth as ``growth_captured``, ``growth_difference``,
        ``growth_low`` and ``growth_high``.

    Examples
    --------
    >>> value, potential = np.array([9.0, 8, 1, 1, 1]), np.array([0.0, 9, 0, 0, 0])
    >>> money, past = np.array([1.0, 3, 0, 0, 0]), np.array([1.0, 1, 1, 1, 1])
    >>> curve = growth_weight_curve(value, potential, money, past)
    >>> curve.loc[[0, 2], ["weight", "captured", "growth_captured"]].to_numpy().round(2).tolist()
    [[0.0, 0.7, 0.6], [0.25, 0.9, 1.0]]
    """
    counts = np.ceil(np.array(TOP_SHARES) * len(value))

    def often_chosen(weight: float) -> np.ndarray:
        """Return in what share of the ten borders each customer is inside."""
        place = np.empty(len(value))
        place[np.argsort(-(value + weight * potential), kind="stable")] = np.arange(len(value))
        inside: np.ndarray = (len(counts) - np.searchsorted(counts, place, side="right")) / len(counts)
        return inside

    grown, by_value = np.maximum(money - past, 0.0), often_chosen(0.0)
    rows = []
    for weight in GROWTH_WEIGHTS:
        inside = often_chosen(weight)
        rows.append((weight, *_captured(inside, by_value, money), *_captured(inside, by_value, grown)))
    return pd.DataFrame(rows, columns=list(CURVE_COLUMNS))


def _captured(
    inside: np.ndarray, by_value: np.ndarray, money: np.ndarray
) -> tuple[float, float, float, float]:
    """Return the share of money inside, its difference to that by value, and the 95 % interval of the difference."""
    total = money.sum()
    if total <= 0:
        return (np.nan,) * 4
    difference = float(((inside - by_value) * money).sum() / total)
    influence = (inside - by_value - difference) * money / total
    margin = WIDTH * float(np.sqrt((influence**2).sum()))
    return float((inside * money).sum() / total), difference, difference - margin, difference + margin


def choose_growth_weight(curve: pd.DataFrame) -> float:
    """Return the largest weight that is not inferior to value alone.

    That is: even the low end of its 95 % interval loses less than ``MARGIN`` (half a per cent) of the money that value
    alone captured. Growth that costs nothing counts.
    """
    alone = curve.loc[curve["weight"] == 0.0, "captured"].iloc[0]
    costless = curve["low"] > -MARGIN * alone
    return float(curve.loc[costless, "weight"].max())
