"""Transactions and rolling windows come in; customers, features and outcomes at each cutoff go out.

Everything that is learned from data here is learned before the cutoff.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from threading import RLock

import pandas as pd

from duramen.data.customers import customer_table
from duramen.data.feature_list import FEATURES
from duramen.data.outcomes import customer_outcomes
from duramen.data.transactions import Transactions
from duramen.data.windows import Window
from duramen.forecast.btyd_value import PURCHASE_MODELS, BTYDValueModel
from duramen.forecast.extra_features import NO_EXTRA, ExtraFeatures
from duramen.io.progress import finished

# With fewer customers at a cutoff there is nothing to learn from it.
LEAST_CUSTOMERS = 10
# Outputs of the BTYD models that the trees see. P(alive) is not among them: at frequency 0 it says 1.
BTYD_FEATURES = ("btyd_purchases", "btyd_spend", "btyd_probability_active", "btyd_value")
MONEY_FEATURES = {name for name, feature in FEATURES.items() if "money" in feature.unit} | {
    "btyd_spend",
    "btyd_value",
}


@dataclass(frozen=True)
class Fold:
    """One rolling window: what was known at its cutoff, and what then happened.

    Attributes
    ----------
    window : Window
    features : pandas.DataFrame
        ``model_features``, by BTYD models fitted before the cutoff.
    outcomes : pandas.DataFrame
        ``customer_id``, ``value``, ``purchases``, ``active`` in the horizon; money in the unit of the features.
    """

    window: Window
    features: pd.DataFrame
    outcomes: pd.DataFrame


def model_features(
    customers: pd.DataFrame,
    btyd: BTYDValueModel,
    horizon: int,
    money_unit: float = 1.0,
    extra: ExtraFeatures = NO_EXTRA,
) -> pd.DataFrame:
    """Return what the tree models see of each customer: the customer table without ids, and the BTYD forecast.

    Parameters
    ----------
    customers : pandas.DataFrame
    btyd : BTYDValueModel
    horizon : int
        Days.
    money_unit : float
        Amount that is counted as 1.
    extra : ExtraFeatures
        Columns of a feature file in the customer table.
    """
    forecast = btyd.forecast(customers, horizon)
    known = extra.encode(customers.drop(columns="customer_id"))
    features = pd.concat([known, forecast[list(BTYD_FEATURES)]], axis=1)
    return in_money_unit(features, money_unit)


def in_money_unit(features: pd.DataFrame, money_unit: float) -> pd.DataFrame:
    """Return features for trees, with ``money_unit`` counted as 1, so that the currency does not matter."""
    scaled = features.copy()
    scaled[[name for name in features if name in MONEY_FEATURES]] /= money_unit
    # The digits beyond single precision differ between currencies, and turn splits that are equally good.
    return scaled.astype("float32").astype("float64")


class EarlierCutoffs:
    """The customers of some transactions at earlier cutoffs, and BTYD models of them.

    All are made when they are first asked for, and once: models of different cutoffs learn from the same earlier ones,
    at the same time.

    Parameters
    ----------
    tx : Transactions
        Of the customers to learn from.
    btyd_models : tuple of str
        The candidates.
    """

    def __init__(self, tx: Transactions, btyd_models: tuple[str, ...] = tuple(PURCHASE_MODELS)) -> None:
        self.tx = tx
        self._btyd_models = btyd_models
        self._customers: dict[date, pd.DataFrame] = {}
        self._btyd: dict[date, BTYDValueModel] = {}
        # One for each cutoff, so that two models wait for each other only where they want the same.
        self._locks: defaultdict[date, RLock] = defaultdict(RLock)

    def customers(self, cutoff: date) -> pd.DataFrame:
        """Return ``customer_table`` at a cutoff; it is shared, so that nobody may change it."""
        with self._locks[cutoff]:
            if cutoff not in self._customers:
                self._customers[cutoff] = customer_table(self.tx, cutoff)
            return self._customers[cutoff]

    def btyd(self, cutoff: date) -> BTYDValueModel:
        """Return the BTYD models fitted to the customers at a cutoff."""
        with self._locks[cutoff]:
            if cutoff not in self._btyd:
                self._btyd[cutoff] = BTYDValueModel(self._btyd_models).fit(self.customers(cutoff))
            return self._btyd[cutoff]

    def folds(
        self, windows: Sequence[Window], money_unit: float = 1.0, extra: ExtraFeatures = NO_EXTRA
    ) -> list[Fold]:
        """Return a fold for each window that has customers enough, in the order of the windows."""
        folds = []
        for window in windows:
            customers = self.customers(window.cutoff)
            if len(customers) >= LEAST_CUSTOMERS:
                features = model_features(
                    customers, self.btyd(window.cutoff), window.horizon, money_unit, extra
                )
                outcomes = customer_outcomes(self.tx, window, customers)
                outcomes["value"] /= money_unit
                folds.append(Fold(window, features, outcomes))
            finished("earlier cutoffs", 1 / len(windows))
        return folds


def complete_before(folds: Sequence[Fold], cutoff: date) -> list[Fold]:
    """Return the folds whose outcomes were complete at the cutoff."""
    return [fold for fold in folds if fold.window.end <= cutoff]


def stack_features(folds: Sequence[Fold]) -> pd.DataFrame:
    """Return the features of all folds below each other."""
    return pd.concat([fold.features for fold in folds], ignore_index=True)
