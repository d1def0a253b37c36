"""The holdout comes in; whether credibility spreads its money better than gamma-gamma goes out, and folds by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from duramen.btyd.credibility import CredibilitySpendModel
from duramen.forecast.btyd_value import net_ratio
from duramen.forecast.folds import Fold
from duramen.forecast.model_selection import is_clearly_less
from duramen.forecast.value import LEAST_BUYERS, SMALLEST_SHARE, losses_of_spread


def credibility_gains(holdout: Fold) -> bool:
    """Return whether BTYD value by credibility spreads the holdout's money clearly better than the fold's own.

    Both are compared by Tweedie deviance at the true total. The gain must exceed its standard error, with 100 buyers
    at least.
    """
    actual = np.maximum(holdout.outcomes["value"].to_numpy(), 0.0)
    if np.count_nonzero(actual) < LEAST_BUYERS:
        return False
    by_fold, by_credibility = (
        losses_of_spread(actual, np.maximum(value, SMALLEST_SHARE * value.mean()))
        for value in (
            features["btyd_value"].to_numpy()
            for features in (holdout.features, with_credibility(holdout).features)
        )
    )
    return is_clearly_less(by_credibility, by_fold)


def with_credibility(fold: Fold) -> Fold:
    """Return a fold whose BTYD spend and value are by credibility, learned from the customers of the fold."""
    features = fold.features
    spend = CredibilitySpendModel().fit(features).expected_spend(features) * net_ratio(features)
    value = features["btyd_purchases"].to_numpy() * spend
    # As precise as the other features.
    spend, value = (column.astype("float32").astype("float64") for column in (spend, value))
    return replace(fold, features=features.assign(btyd_spend=spend, btyd_value=value))
