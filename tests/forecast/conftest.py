"""What the forecasts of the shop learn from: its rolling folds, the holdout fold and the features."""

import pytest

from duramen.data.windows import holdout_window, training_windows
from duramen.forecast.churn import ActivityModel
from duramen.forecast.folds import EarlierCutoffs, model_features


@pytest.fixture(scope="session")
def rolling_folds(shop):
    return EarlierCutoffs(shop.tx).folds(training_windows(shop.window, shop.tx.first_date))


@pytest.fixture(scope="session")
def holdout(shop, rolling_folds):
    window = holdout_window(shop.window, shop.tx.first_date)
    return next(fold for fold in rolling_folds if fold.window == window)


@pytest.fixture(scope="session")
def features(shop):
    return model_features(shop.customers, shop.model.forecast_.btyd_, shop.window.horizon)


@pytest.fixture(scope="session")
def activity(shop, rolling_folds, holdout, features):
    return ActivityModel().fit(rolling_folds, holdout, features, shop.window)
