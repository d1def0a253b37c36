"""Transactions and a window come in; a model goes out that forecasts purchases, money, churn and growth."""

from __future__ import annotations

import logging
from datetime import date
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from duramen.data.customers import customer_table, typical_basket
from duramen.data.transactions import Transactions
from duramen.data.windows import Window, holdout_window, training_windows
from duramen.errors import InputError
from duramen.forecast.bias_correction import Total, total_interval
from duramen.forecast.btyd_value import BTYDValueModel
from duramen.forecast.churn import ActivityModel, clip_probability
from duramen.forecast.data_requirements import refuse_unfit, unmet_requirements
from duramen.forecast.extra_features import ExtraFeatures
from duramen.forecast.folds import BTYD_FEATURES, LEAST_CUSTOMERS, EarlierCutoffs, Fold, model_features
from duramen.forecast.growth import GROWTH_COLUMNS, growth_forecast, past_trend, past_value
from duramen.forecast.next_purchase import next_purchase_days
from duramen.forecast.settings import DEFAULT_FORECAST, ForecastSettings
from duramen.forecast.spend_selection import credibility_gains, with_credibility
from duramen.forecast.trees import TreeFolds, names_in_trees
from duramen.forecast.value import Boosters, ValueModel
from duramen.forecast.value_distribution import ValueDistribution
from duramen.io.processors import one_blas_thread, workers
from duramen.io.progress import finished
from duramen.language import restored, stored

_LOG = logging.getLogger(__name__)


class Forecast(NamedTuple):
    """The forecast of n customers, each part in their order.

    ``features`` are the columns that the trees read; ``btyd`` is BTYD's forecast; ``value`` is predicted value in money
    and ``probability`` P(active), arrays of shape (n,); ``growth`` has the columns of
    ``duramen.forecast.growth.growth_forecast``.
    """

    features: pd.DataFrame
    btyd: pd.DataFrame
    value: np.ndarray
    probability: np.ndarray
    growth: pd.DataFrame

    def block(self, rows: slice) -> Forecast:
        """Return the forecast of some of the customers."""
        return Forecast(
            self.features.iloc[rows],
            self.btyd.iloc[rows],
            self.value[rows],
            self.probability[rows],
            self.growth.iloc[rows],
        )


class ForecastModel:
    """Money and purchases of each customer over a horizon: BTYD models corrected by trees, with their errors.

    Parameters
    ----------
    settings : ForecastSettings
        What can be tuned: BTYD candidates, training cutoffs and customers, calibration, trees.
    seed : int

    Attributes
    ----------
    window_ : Window
    source_ : str
        Where the transactions came from.
    unit_ : str
        Unit of money.
    customers_ : int
        Customers before the cutoff.
    features_ : list of str
        Columns that the customer table must have.
    extra_ : ExtraFeatures
        Those of them that a feature file had.
    money_unit_ : float
        Money that the trees count as 1: the median net spend of a purchase day.
    btyd_, activity_, value_, distribution_
        The fitted parts.
    holdout_ : pandas.DataFrame
        Forecasts and outcomes of the customers at the latest training cutoff, which were kept from training.
    holdout_window_ : Window
    notes_ : list of str
        What the data could not support and what was done instead.
    """

    def __init__(self, settings: ForecastSettings = DEFAULT_FORECAST, *, seed: int = 0) -> None:
        if not isinstance(settings, ForecastSettings):
            raise InputError(f"settings of a forecast are {settings!r}; give ForecastSettings(...).")
        self.settings = settings
        self.seed = seed

    @one_blas_thread
    def fit(
        self,
        tx: Transactions,
        window: Window,
        customers: pd.DataFrame | None = None,
        earlier: EarlierCutoffs | None = None,
    ) -> Self:
        """Learn from what lies before ``window.cutoff``, and from nothing else.

        Parameters
        ----------
        tx : Transactions
        window : Window
            The cutoff, and the horizon to forecast.
        customers : pandas.DataFrame, optional
            ``customer_table(tx, window.cutoff)``, where it is known already.
        earlier : EarlierCutoffs, optional
            Earlier cutoffs of ``training_sample(tx, customers)``, where other models learn from them too.

        Raises
        ------
        InputError
            If the history is shorter than the horizon, customers are too few, or no customer ever came back.
        """
        if customers is None:
            customers = customer_table(tx, window.cutoff)
        refuse_unfit(tx, window, customers)
        self.window_, self.unit_ = window, tx.unit
        self.source_, self.customers_ = tx.source, len(customers)
        self.features_ = list(customers.columns[1:])
        self.extra_ = ExtraFeatures.of(tx, window.cutoff)
        self.money_unit_ = typical_basket(customers)
        _LOG.info("purchases and spend of %s customers", f"{len(customers):,}")
        self.btyd_ = BTYDValueModel(self.settings.btyd_models).fit(customers)
        finished("purchases and spend")
        _LOG.info("customers at earlier cutoffs")
        if earlier is None:
            earlier = EarlierCutoffs(self.training_sample(tx, customers), self.settings.btyd_models)
        folds, holdout = self._choose_spend(customers, *self._folds(earlier, tx.first_date))
        features = self._features(customers)
        _LOG.info("activity and value over %s windows", len(folds))
        self.activity_, self.value_ = ActivityModel(**self._of_activity()), ValueModel(**self._of_value())
        tree_folds = TreeFolds(folds)
        with workers() as pool:
            trials = pool.submit(self.value_.try_trees, folds, holdout, tree_folds)
            fitted = pool.submit(self.activity_.fit, folds, holdout, features, window, tree_folds)
            self.value_.fit(folds, holdout, features, window, fitted.result(), tree_folds, trials.result())
        self._learn_errors(holdout)
        finished("activity and value")
        self.notes_ = [
            # What the spend model states about its assumption is for the reader of the ranking too.
            *self.btyd_.spend_notes_,
            *unmet_requirements(
                window,
                holdout,
                self.btyd_,
                self.boosters(),
                self.distribution_,
                self.value_.total_level_,
            ),
            *self.extra_.never_known([fold.features for fold in folds]),
        ]
        return self

    @property
    def total_(self) -> Total | None:
        """Money that the customers at the cutoff are expected to bring over the horizon, None where not kept."""
        if self.value_.total_ is None or self.value_.total_error_ is None:
            return None
        total = self.money_unit_ * self.value_.total_
        return Total(total, *total_interval(total, self.value_.total_error_))

    @property
    def season_(self) -> float | None:
        """By which share the season of the horizon changes the total, None where it is not known."""
        return None if self.value_.season_ is None else float(np.expm1(self.value_.season_))

    def _of_activity(self) -> dict[str, Any]:
        return self._of_value() | {"calibrated": self.settings.calibrated}

    def _of_value(self) -> dict[str, Any]:
        return {"trees": self.settings.trees, "seed": self.seed}

    def training_sample(self, tx: Transactions, customers: pd.DataFrame) -> Transactions:
        """Return the transactions of the customers that the trees learn from, the same ones at each call."""
        most = self.settings.training_customers
        if len(customers) <= most:
            return tx
        rng = np.random.default_rng(self.seed)
        rows = np.sort(rng.choice(len(customers), most, replace=False))
        return tx.of_customers(customers["customer_id"].iloc[rows])

    def _folds(self, earlier: EarlierCutoffs, first: date) -> tuple[list[Fold], Fold]:
        """Return the folds to learn from, and the one of them that is held out."""
        window = self.window_
        windows = training_windows(window, first, self.settings.training_cutoffs)
        folds = earlier.folds(windows, self.money_unit_, self.extra_)
        latest = holdout_window(window, first)
        holdout = next((fold for fold in folds if fold.window == latest), None)
        if holdout is None:
            raise InputError(
                f"{self.source_} has fewer than {LEAST_CUSTOMERS} customers before {latest.cutoff}, {latest.horizon} "
                f"days before the cutoff {window.cutoff}: too few to evaluate a forecast on; give a longer history "
                "or a later cutoff."
            )
        return folds, holdout

    def _choose_spend(
        self, customers: pd.DataFrame, folds: list[Fold], holdout: Fold
    ) -> tuple[list[Fold], Fold]:
        """Forecast spend by credibility, at every cutoff, where the holdout or gamma-gamma itself asks for it."""
        if self.btyd_.spend_kind_ == "gamma-gamma":
            if not credibility_gains(holdout):
                return folds, holdout
            self.btyd_.fit_spend(customers, "credibility")
        folds = [with_credibility(fold) for fold in folds]
        return folds, next(fold for fold in folds if fold.window == holdout.window)

    def _learn_errors(self, holdout: Fold) -> None:
        """Keep the forecasts and outcomes of the holdout, and learn the size of errors from them."""
        value, activity = self.value_.holdout_, self.activity_.holdout_
        outcomes, features = holdout.outcomes, holdout.features
        expected, probability = value["value"].to_numpy(), activity["probability"].to_numpy()
        actual = outcomes["value"].to_numpy()
        self.holdout_window_ = holdout.window
        self.holdout_ = outcomes.drop(columns="value").assign(
            actual_value=self.money_unit_ * actual,
            predicted_value=self.money_unit_ * expected,
            btyd_value=self.money_unit_ * value["btyd_value"],
            trees_value=self.money_unit_ * value["trees_value"],
            two_stage_value=self.money_unit_ * value["two_stage_value"],
            probability_active=probability,
            btyd_probability=activity["btyd_probability"],
            trees_probability=activity["trees_probability"],
            past_spend=self.money_unit_ * features["net_spend"],
            basket_mean=self.money_unit_ * features["basket_mean"],
            frequency=features["frequency"],
            time_since_last=features["time_since_last"],
            past_trend=self.money_unit_ * past_trend(features, holdout.window.horizon),
        )
        self.distribution_ = ValueDistribution().fit(expected, probability, actual)
        direction = growth_forecast(
            self.holdout_["predicted_value"].to_numpy(),
            self.money_unit_ * past_value(features, holdout.window.horizon),
            probability,
            self.distribution_,
            self.money_unit_,
        )
        self.holdout_[[*GROWTH_COLUMNS]] = direction.to_numpy()

    @one_blas_thread
    def forecast(self, customers: pd.DataFrame) -> Forecast:
        """Return the forecast of each customer over the horizon.

        Parameters
        ----------
        customers : pandas.DataFrame
            ``customer_table`` at any cutoff.

        Raises
        ------
        InputError
            If a column that the model learned from is missing.
        """
        self.require(customers)
        horizon, features = self.window_.horizon, self._features(customers)
        probability = self.activity_.predict(features)
        value = self.money_unit_ * self.value_.predict(features, probability)
        return Forecast(
            features,
            self.btyd_.forecast(customers, horizon),
            value,
            probability,
            growth_forecast(
                value, past_value(customers, horizon), probability, self.distribution_, self.money_unit_
            ).set_axis(customers.index),
        )

    def purchases_and_spend(self, forecast: Forecast) -> pd.DataFrame:
        """Return ``expected_purchases`` and ``expected_spend`` of each customer, whose product is the forecast value.

        BTYD's purchases are corrected as its P(active) is by the activity model, so that an active customer is expected
        to buy as often as by BTYD. Expected spend is the money of one of these purchases.
        """
        by_btyd = clip_probability(forecast.btyd["btyd_probability_active"].to_numpy())
        # At least P(active): of an active customer one purchase at least is expected.
        purchases = np.maximum(forecast.btyd["btyd_purchases"] / by_btyd, 1.0) * forecast.probability
        return pd.DataFrame({"expected_purchases": purchases, "expected_spend": forecast.value / purchases})

    def next_purchase(self, customers: pd.DataFrame, forecast: Forecast) -> pd.DataFrame:
        """Return the day of each customer's next purchase after the cutoff, in agreement with P(active).

        It is what ``next_purchase_days`` gives: the day by which half of such customers have bought, and an 80 %
        interval.
        """
        return next_purchase_days(
            self.btyd_.purchases_, customers, forecast.probability, self.window_.horizon
        )

    def lifetime_value(
        self, customers: pd.DataFrame, forecast: Forecast, days: int, discount_rate: float
    ) -> np.ndarray:
        """Return the forecast value carried from the horizon to ``days`` as BTYD carries it on, discounted, shape (n,).

        More days never give less.
        """
        carried = self.btyd_.lifetime_value(customers, days, discount_rate)
        by_btyd = forecast.btyd["btyd_value"].to_numpy()
        floor = self.money_unit_ * self.value_.floor_
        return np.asarray(forecast.value * np.maximum(carried, floor) / np.maximum(by_btyd, floor))

    def _features(self, customers: pd.DataFrame) -> pd.DataFrame:
        known = customers[["customer_id", *self.features_]]
        return model_features(known, self.btyd_, self.window_.horizon, self.money_unit_, self.extra_)

    def require(self, customers: pd.DataFrame) -> None:
        """Refuse a customer table without a column that the model learned from."""
        self.extra_.refuse_missing(map(str, customers.columns))
        missing = [name for name in ["customer_id", *self.features_] if name not in customers]
        if missing:
            raise InputError(
                f"the customer table lacks {len(missing)} columns that the model learned from (for example "
                f"{', '.join(missing[:3])}); give the same optional columns as in training, or train again."
            )

    def _refuse_other_trees(self, boosters: dict[str, Any]) -> None:
        """Refuse saved trees that were not grown on what this model gives them."""
        given = names_in_trees([*self.extra_.encoded_names(self.features_), *BTYD_FEATURES])
        for name, booster in boosters.items():
            other = set(booster.feature_name()) ^ set(given)
            if other:
                raise InputError(
                    f"the {name} trees of the saved model were grown on other columns than it has: {len(other)} differ "
                    f"(for example {', '.join(sorted(other)[:3])}); train or download the model again."
                )

    def boosters(self) -> dict[str, Any]:
        """Return the LightGBM boosters that are used, by name."""
        boosters = {**self.value_.boosters_._asdict(), "activity": self.activity_.booster_}
        return {name: booster for name, booster in boosters.items() if booster is not None}

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the parameters, the trees and the holdout as plain values."""
        # Without a feature file the state is as it was before there were any.
        extra = {"extra_features": self.extra_.to_dict()} if self.extra_.columns else {}
        return extra | {
            "window": {"cutoff": self.window_.cutoff.isoformat(), "horizon_days": self.window_.horizon},
            "holdout_window": {
                "cutoff": self.holdout_window_.cutoff.isoformat(),
                "horizon_days": self.holdout_window_.horizon,
            },
            "source": self.source_,
            "customers": self.customers_,
            "unit": self.unit_,
            "features": self.features_,
            "money_unit": self.money_unit_,
            "btyd": self.btyd_.to_dict(),
            "activity": self.activity_.to_dict(),
            "value": self.value_.to_dict(),
            "distribution": self.distribution_.to_dict(),
            "notes": stored(self.notes_),
        }

    @classmethod
    def from_dict(
        cls,
        state: dict[str, Any],
        boosters: dict[str, Any],
        holdout: pd.DataFrame,
        settings: ForecastSettings,
        seed: int,
    ) -> Self:
        """Return the fitted model that ``to_dict``, its boosters, its holdout and its parameters described."""
        model = cls(settings, seed=seed)
        model.window_, model.holdout_window_ = (
            Window(state[name]["cutoff"], state[name]["horizon_days"])
            for name in ("window", "holdout_window")
        )
        model.source_, model.customers_, model.unit_ = state["source"], state["customers"], state["unit"]
        model.features_, model.money_unit_ = state["features"], state["money_unit"]
        model.extra_ = ExtraFeatures(state.get("extra_features", {}))
        model.btyd_ = BTYDValueModel.from_dict(state["btyd"], settings.btyd_models)
        model._refuse_other_trees(boosters)
        model.activity_ = ActivityModel.from_dict(
            state["activity"], boosters.get("activity"), **model._of_activity()
        )
        model.value_ = ValueModel.from_dict(
            state["value"], Boosters(boosters.get("value"), boosters.get("spend")), **model._of_value()
        )
        model.distribution_ = ValueDistribution.from_dict(state["distribution"])
        model.holdout_, model.notes_ = holdout, restored(state["notes"])
        return model
