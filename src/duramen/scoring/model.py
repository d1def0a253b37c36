"""Transactions and a window come in; one fitted model goes out, which scores, explains, saves and loads.

Called by the command line, batch scoring, tracking, and users.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import logit
from sklearn.base import BaseEstimator

from duramen import __version__
from duramen.data.customers import customer_table
from duramen.data.errors import InputError
from duramen.data.outcomes import customer_outcomes
from duramen.data.transactions import Transactions
from duramen.data.windows import YEAR, Window, judge_window, parse_day, training_windows
from duramen.models.btyd_value import BTYDValueModel
from duramen.models.churn import ActivityModel, clip_probability
from duramen.models.folds import LEAST_CUSTOMERS, Fold, build_folds, model_features
from duramen.models.growth import GrowthModel, past_value
from duramen.models.rhythm import base_gap, lifecycle_stage
from duramen.models.segments import BehaviouralSegmenter
from duramen.models.value import Boosters, ValueModel, log_probability_ratio
from duramen.models.value_distribution import ValueDistribution
from duramen.scoring.artefact import read_state, read_table, read_trees, state_text, write_model
from duramen.scoring.explain import PARTS, long_table, meaning, reasons, shap_values
from duramen.scoring.growth_explain import growth_terms
from duramen.scoring.growth_weight import DEFAULT_GROWTH_WEIGHT, choose_growth_weight, growth_weight_curve
from duramen.scoring.ranking import SCORE_COLUMNS, smallest_set

_LOG = logging.getLogger(__name__)

# Bounds of the predictive interval of value: eight in ten outcomes are meant to lie inside.
LOW, HIGH = 0.1, 0.9
# Draws of the whole base from which the money that makes a customer core is taken.
CORE_DRAWS = 25
# Customers over whom the importance of features is averaged.
IMPORTANCE_CUSTOMERS = 20_000


class CoreCustomerModel(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """All that ranks core customers, fitted, as one thing to save and load.

    Parameters
    ----------
    growth_weight : float, optional
        Weight of growth potential in ``score = predicted_value + growth_weight * growth_potential``. Where none is
        given, it is learned from two horizons before the cutoff (``duramen.scoring.growth_weight``).
    clv_days : int
        Horizon of ``clv`` in days.
    discount_rate : float
        Discount rate of ``clv`` per year.
    training_customers : int
        Customers that the trees learn from, at each earlier cutoff; of more, a sample is drawn. Beyond some tens of
        thousands more of them change no figure (``benchmarks/train.py --samples``).
    seed : int

    Attributes
    ----------
    window_ : Window
    source_ : str
        Where the transactions came from.
    customers_ : int
        Customers before the cutoff.
    btyd_, value_, activity_, distribution_, growth_, segments_
        The fitted parts.
    features_ : list of str
        Columns that the customer table must have.
    money_unit_ : float
        Money that the trees count as 1: the median net spend of a purchase day.
    growth_weight_ : float
        The weight that is used.
    growth_weight_curve_ : pandas.DataFrame
        What each weight captured at the earlier cutoff; empty where a weight was given or history is too short.
    core_money_ : float
        Net money over the horizon that puts a customer into the core set: the median over draws of the base.
    judged_ : pandas.DataFrame
        Held-out forecasts and outcomes of the customers at the latest training cutoff.
    judged_window_ : Window
    importance_ : pandas.DataFrame
        Mean absolute SHAP value of each feature in each model.
    notes_ : list of str
        What the data could not support and what was done instead.
    model_version_ : str
        Package version and a fingerprint of everything that was learned.
    """

    def __init__(
        self,
        *,
        growth_weight: float | None = None,
        clv_days: int = 364,
        discount_rate: float = 0.1,
        training_customers: int = 60_000,
        seed: int = 0,
    ) -> None:
        self.growth_weight = growth_weight
        self.clv_days = clv_days
        self.discount_rate = discount_rate
        self.training_customers = training_customers
        self.seed = seed

    def __repr__(self) -> str:
        """Tell what the model was trained on, or only its parameters where it was not."""
        if not hasattr(self, "model_version_"):
            return str(super().__repr__())
        trees = ", ".join(
            f"{booster.num_trees()} trees for {name}" for name, booster in self._boosters().items()
        )
        return (
            f"CoreCustomerModel {self.model_version_}: {self.customers_:,} customers of {self.source_} before "
            f"{self.window_.cutoff}, {self.window_.horizon} days ahead in {self.unit_}; {self.btyd_.kind_}, gamma-gamma"
            f"{', ' + trees if trees else ''}; {self.growth_weight_:g} of growth potential in the score"
        )

    def fit(self, tx: Transactions, window: Window) -> Self:
        """Learn from what lies before ``window.cutoff``, and from nothing else.

        Parameters
        ----------
        tx : Transactions
        window : Window
            The cutoff, and the horizon to forecast.

        Raises
        ------
        InputError
            If the history is shorter than the horizon, or no customer ever came back.
        """
        customers = customer_table(tx, window.cutoff)
        taught = self._sample(tx, customers)
        features = self._learn_forecast(tx, taught, window, customers)
        self._learn_growth_weight(taught)
        _LOG.info("segments")
        self.segments_ = BehaviouralSegmenter(self.seed).fit(customers)
        self.base_gap_ = base_gap(customers)
        self._learn_core(customers, features)
        self.model_version_ = f"{__version__}+{self._fingerprint()}"
        return self

    def _sample(self, tx: Transactions, customers: pd.DataFrame) -> Transactions:
        """Return the transactions of the customers that the trees learn from."""
        if len(customers) <= self.training_customers:
            return tx
        rng = np.random.default_rng(self.seed)
        rows = np.sort(rng.choice(len(customers), self.training_customers, replace=False))
        return tx.of_customers(customers["customer_id"].iloc[rows])

    def _learn_forecast(
        self, tx: Transactions, taught: Transactions, window: Window, customers: pd.DataFrame
    ) -> pd.DataFrame:
        """Learn purchases, spend, activity, value, their errors and growth; return the features at the cutoff."""
        _refuse_unfit(tx, window, customers)
        self.window_, self.unit_ = window, tx.unit
        self.source_, self.customers_ = tx.source, len(customers)
        self.features_ = list(customers.columns[1:])
        self.money_unit_ = float(customers["basket_mean"].median())
        _LOG.info("purchases and spend of %s customers", f"{len(customers):,}")
        self.btyd_ = BTYDValueModel().fit(customers)
        # What the spend model says of its own premise is for the reader of the ranking too.
        self.notes_ = list(self.btyd_.spend_.convergence_.notes)
        features = self._features(customers)
        _LOG.info("customers at earlier cutoffs")
        folds, judge = self._folds(taught, window, tx.first_date)
        _LOG.info("activity over %s windows", len(folds))
        self.activity_ = ActivityModel(self.seed).fit(folds, judge, features, window)
        _LOG.info("value over %s windows", len(folds))
        self.value_ = ValueModel(self.seed).fit(folds, judge, features, window, self.activity_)
        self._judge(judge)
        self.notes_ += self._told(folds, judge, window)
        return features

    def _folds(self, tx: Transactions, window: Window, first: date) -> tuple[list[Fold], Fold]:
        folds = build_folds(tx, training_windows(window, first), self.money_unit_)
        judges = judge_window(window, first)
        judge = next((fold for fold in folds if fold.window == judges), None)
        if judge is None:
            raise InputError(
                f"{tx.source} has fewer than {LEAST_CUSTOMERS} customers before {judges.cutoff}, {judges.horizon} days "
                f"before the cutoff {window.cutoff}: too few to judge a forecast by; give a longer history or a later "
                "cutoff."
            )
        return folds, judge

    def _learn_growth_weight(self, tx: Transactions) -> None:
        """Choose the weight of growth that captured most in the horizon after the one that was forecast."""
        self.growth_weight_ = DEFAULT_GROWTH_WEIGHT if self.growth_weight is None else self.growth_weight
        self.growth_weight_curve_ = pd.DataFrame(
            columns=["weight", "captured", "difference", "low", "high"], dtype=float
        )
        if self.growth_weight is not None:
            return
        horizon = self.judged_window_.horizon
        window = Window(self.window_.cutoff - timedelta(days=2 * horizon), horizon)
        if (window.cutoff - tx.first_date).days < horizon:
            self.notes_.append(
                f"Less than three times {horizon} days lie before the cutoff, too few to show what growth is worth "
                f"after the horizon, so its weight in the score is the default, {DEFAULT_GROWTH_WEIGHT:g}."
            )
            return
        _LOG.info("the weight of growth, from %s", window)
        customers = customer_table(tx, window.cutoff)
        earlier = CoreCustomerModel(seed=self.seed)
        try:
            features = earlier._learn_forecast(tx, tx, window, customers)
        except InputError:
            self.notes_.append(
                f"What lies before {window.cutoff} is too thin to forecast from, so nothing shows what growth is worth "
                f"after a horizon, and its weight in the score is the default, {DEFAULT_GROWTH_WEIGHT:g}."
            )
            return
        value, probability = earlier._predict(features)
        growth = earlier.growth_.predict(customers, value, probability, earlier.distribution_, horizon)
        following = customer_outcomes(tx, Window(window.end, horizon), customers)["value"].to_numpy()
        if following.sum() > 0:
            self.growth_weight_curve_ = growth_weight_curve(
                value, growth["growth_potential"].to_numpy(), following
            )
            self.growth_weight_ = choose_growth_weight(self.growth_weight_curve_)

    def _told(self, folds: list[Fold], judge: Fold, window: Window) -> list[str]:
        """Return what a reader must know of how the forecast was learned."""
        btyd, told = f"{self.btyd_.kind_} and gamma-gamma", []
        if judge.window.horizon < window.horizon:
            told.append(
                f"The history is too short to learn from whole horizons of {window.horizon} days, so customers were "
                f"judged over {judge.window.horizon} days and {btyd} carry the forecast on to {window.horizon}."
            )
        boosters = self._boosters()
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
        if self.distribution_.source_ == "assumed":
            told.append(
                f"Too few of the {len(judge.outcomes):,} held-out customers bought to show how far forecasts of them "
                "miss, so intervals and growth potential assume log-normal errors with a spread of 1."
            )
        if judge.outcomes["value"].sum() <= 0:
            told.append(
                f"{judge.window} brought no money from the customers known by then, so nothing checks the total."
            )
        total = f"total is that of {btyd} {self.value_.correction_ - 1:+.0%}, by what"
        if any(fold.window == window.earlier(YEAR) for fold in folds):
            told.append(f"The {total} the same season a year earlier brought.")
        elif window.horizon < YEAR:
            told.append(
                f"No full year lies before the cutoff to show the season of these {window.horizon} days; the {total} "
                f"the last {judge.window.horizon} days brought."
            )
        return told

    def _judge(self, fold: Fold) -> None:
        """Keep what the latest fold showed, and learn the size of errors from it."""
        value, activity = self.value_.judged_, self.activity_.judged_
        outcomes, features = fold.outcomes, fold.features
        expected, probability = value["value"].to_numpy(), activity["probability"].to_numpy()
        actual = outcomes["value"].to_numpy()
        self.judged_window_ = fold.window
        self.judged_ = outcomes.drop(columns="value").assign(
            actual_value=self.money_unit_ * actual,
            predicted_value=self.money_unit_ * expected,
            btyd_value=self.money_unit_ * value["btyd_value"],
            trees_value=self.money_unit_ * value["trees_value"],
            two_stage_value=self.money_unit_ * value["two_stage_value"],
            probability_active=probability,
            btyd_probability=activity["btyd_probability"],
            trees_probability=activity["trees_probability"],
            past_spend=self.money_unit_ * features["net_spend"],
            frequency=features["frequency"],
            time_since_last=features["time_since_last"],
        )
        self.distribution_ = ValueDistribution().fit(expected, probability, actual)
        past = past_value(features, fold.window.horizon)
        potential = self.distribution_.expected_above(expected, probability, past)
        self.growth_ = GrowthModel().fit(past, potential, expected, actual)

    def _learn_core(self, customers: pd.DataFrame, features: pd.DataFrame) -> None:
        value, probability = self._predict(features)
        rng = np.random.default_rng(self.seed)
        least = []
        for _ in range(CORE_DRAWS):
            drawn = self.distribution_.sample(value, probability, rng)
            least.append(drawn[smallest_set(drawn)].min(initial=drawn.max()))
        self.core_money_ = max(float(np.median(least)), self.money_unit_ * self.value_.floor_)
        forecast = self.btyd_.forecast(customers, self.window_.horizon)
        parts = ("btyd_probability_alive", "btyd_purchases", "btyd_spend")
        self.typical_ = {part: float(np.exp(np.log(_positive(forecast[part])).mean())) for part in parts}
        self.typical_["probability_active"] = float(
            np.exp(log_probability_ratio(features, probability).mean())
        )
        self.importance_ = self._importance(features)

    def _importance(self, features: pd.DataFrame) -> pd.DataFrame:
        sample = features.iloc[:: max(1, len(features) // IMPORTANCE_CUSTOMERS)]
        tables = []
        for name, booster in self._boosters().items():
            values, _ = shap_values(booster, sample)
            table = pd.DataFrame({"model": name, "feature": sample.columns})
            table["meaning"] = [meaning(feature)[1] for feature in sample.columns]
            table["mean_abs_shap"] = np.abs(values).mean(axis=0)
            table["unit"] = "log odds" if name == "activity" else "log money"
            tables.append(table.sort_values(["mean_abs_shap", "feature"], ascending=[False, True]))
        columns = ["model", "feature", "meaning", "mean_abs_shap", "unit"]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)

    def score(self, customers: pd.DataFrame, *, with_reasons: bool = True) -> pd.DataFrame:
        """Return the scores of each customer, not yet ranked.

        Parameters
        ----------
        customers : pandas.DataFrame
            ``customer_table`` at any cutoff.
        with_reasons : bool
            Whether to explain each customer, which takes most of the time.

        Returns
        -------
        pandas.DataFrame
            ``SCORE_COLUMNS`` without rank and tier, in the order of ``customers``. Money is in the unit of the source
            over the model's horizon; ``clv`` is discounted money over ``clv_days``.

        Raises
        ------
        InputError
            If a column that the model learned from is missing.
        """
        self._require(customers)
        horizon = self.window_.horizon
        forecast = self.btyd_.forecast(customers, horizon)
        features = self._features(customers)
        value, probability = self._predict(features)
        growth = self.growth_.predict(customers, value, probability, self.distribution_, horizon)
        scores = pd.DataFrame(
            {
                "customer_id": customers["customer_id"],
                "cutoff": pd.Timestamp(self._cutoff(customers)),
                "score": value + self.growth_weight_ * growth["growth_potential"],
                "predicted_value": value,
                "predicted_value_low": self.distribution_.quantile(value, probability, LOW),
                "predicted_value_high": self.distribution_.quantile(value, probability, HIGH),
                "growth_potential": growth["growth_potential"],
                "growth_outlook": growth["growth_outlook"],
                "churn_probability": 1 - probability,
                "probability_active": probability,
                "probability_alive": forecast["btyd_probability_alive"],
                "expected_purchases": forecast["btyd_purchases"],
                "expected_spend": forecast["btyd_spend"],
                "clv": self.btyd_.lifetime_value(customers, self.clv_days, self.discount_rate),
                "segment": self.segments_.names(self.segments_.predict(customers)),
                "lifecycle_stage": lifecycle_stage(customers, self.base_gap_),
                "probability_core": self.distribution_.probability_above(
                    value, probability, self.core_money_
                ),
                "model_version": self.model_version_,
            }
        )
        if with_reasons:
            told = reasons(customers, self._log_factors(features, forecast, probability)[0], self.unit_)
            scores = pd.concat([scores, told], axis=1)
        return scores[[column for column in SCORE_COLUMNS if column in scores]]

    def _features(self, customers: pd.DataFrame) -> pd.DataFrame:
        known = customers[["customer_id", *self.features_]]
        return model_features(known, self.btyd_, self.window_.horizon, self.money_unit_)

    def _predict(self, features: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return value in the unit of the source, and P(active)."""
        probability = self.activity_.predict(features)
        return self.money_unit_ * self.value_.predict(features, probability), probability

    def _cutoff(self, customers: pd.DataFrame) -> date:
        return parse_day(customers.attrs.get("cutoff", self.window_.cutoff))

    def _require(self, customers: pd.DataFrame) -> None:
        missing = [name for name in ["customer_id", *self.features_] if name not in customers]
        if missing:
            raise InputError(
                f"the customer table lacks {len(missing)} columns that the model learned from (for example "
                f"{', '.join(missing[:3])}); give the same optional columns as in training, or train again."
            )

    def _log_factors(
        self, features: pd.DataFrame, forecast: pd.DataFrame, probability: np.ndarray
    ) -> tuple[pd.DataFrame, float]:
        """Return the log factor of each feature against the average customer, and the log of that customer's value."""
        factors = pd.DataFrame(0.0, index=features.index, columns=features.columns)
        base = 0.0
        weight, two_stage = self.value_.btyd_weight_, self.value_.two_stage_weight_
        boosters = self.value_.boosters_
        for booster, share in ((boosters.value, self.value_.trees_weight_), (boosters.spend, two_stage)):
            if booster is not None:
                values, trees_base = shap_values(booster, features)
                factors += share * values
                base += share * trees_base
        if two_stage > 0:
            typical_ratio = np.log(self.typical_["probability_active"])
            ratio = log_probability_ratio(features, probability)
            factors["probability_active"] = two_stage * (ratio - typical_ratio)
            base += two_stage * typical_ratio
        # BTYD value = P(alive) x purchases if alive x spend; a value below the floor counts as the floor.
        typical = {part: np.log(value) for part, value in self.typical_.items()}
        alive = np.log(_positive(forecast["btyd_probability_alive"]))
        spend = np.log(_positive(forecast["btyd_spend"]))
        unit = np.log(self.money_unit_)
        total = unit + np.log(np.maximum(features["btyd_value"], self.value_.floor_))
        purchases_if_alive = total - spend - alive
        typical_if_alive = typical["btyd_purchases"] - typical["btyd_probability_alive"]
        factors["btyd_probability_alive"] = weight * (alive - typical["btyd_probability_alive"])
        factors["btyd_purchases"] += weight * (purchases_if_alive - typical_if_alive)
        factors["btyd_spend"] += weight * (spend - typical["btyd_spend"])
        base += weight * (typical["btyd_purchases"] + typical["btyd_spend"] - unit)
        base += np.log(self.value_.level_) + unit
        return factors, float(base)

    def _activity_terms(self, features: pd.DataFrame, probability: np.ndarray) -> tuple[pd.DataFrame, float]:
        """Return what each feature adds to the log odds of a purchase against the average customer, and the base.

        The average of what BTYD says is that of the customers on whom the model was judged.
        """
        activity = self.activity_
        terms = pd.DataFrame(0.0, index=features.index, columns=features.columns)
        base = activity.intercept_
        if activity.booster_ is not None:
            values, trees_base = shap_values(activity.booster_, features)
            share = activity.slope_ * activity.trees_weight_
            terms += share * values
            base += share * trees_base
        # The rest is BTYD's, and what keeps a probability from 0 and 1.
        rest = logit(probability) - base - terms.sum(axis=1).to_numpy()
        typical = logit(clip_probability(self.judged_["btyd_probability"].to_numpy())).mean()
        average = activity.slope_ * activity.btyd_weight_ * typical
        terms["btyd_probability_active"] += rest - average
        return terms, float(base + average)

    def _growth_terms(self, inputs: pd.DataFrame) -> tuple[pd.DataFrame, float]:
        """Return what value, activity and past add to growth potential, against an average customer.

        That customer is forecast what the customers on whom the model was judged were in the mean, and is to spend as
        before.
        """
        judged, length = self.judged_, self.window_.horizon / self.judged_window_.horizon
        value = length * float(judged["predicted_value"].mean())
        average = {
            "predicted_value": value,
            "probability_active": float(judged["probability_active"].mean()),
            "past_value": value,
        }
        return growth_terms(inputs, average, self.distribution_)

    def _effects(
        self, customers: pd.DataFrame, parts: Sequence[str]
    ) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame, float | None, str]]:
        """Give for each part its name, the effects, what the customers have, the base, and the unit."""
        self._require(customers)
        if unknown := [part for part in parts if part not in PARTS]:
            raise InputError(f"there is no part {unknown[0]!r} to explain; choose among {', '.join(PARTS)}.")
        horizon = self.window_.horizon
        forecast, features = self.btyd_.forecast(customers, horizon), self._features(customers)
        value, probability = self._predict(features)
        known = pd.concat([customers[self.features_], forecast], axis=1).assign(
            predicted_value=value,
            probability_active=probability,
            past_value=past_value(customers, horizon),
        )
        if {"score", "growth"} & set(parts):
            growth = self.growth_.predict(customers, value, probability, self.distribution_, horizon)
            known["growth_potential"] = growth["growth_potential"]
        for part in parts:
            if part == "value":
                effects, base = self._log_factors(features, forecast, probability)
                yield part, effects, known, base, self.unit_
            elif part == "activity":
                effects, base = self._activity_terms(features, probability)
                yield part, effects, known, base, "log odds"
            elif part == "score":
                terms = known[["predicted_value", "growth_potential"]] * [1.0, self.growth_weight_]
                yield part, terms, known, None, self.unit_
            else:
                effects, base = self._growth_terms(known)
                yield part, effects, known, base, self.unit_

    def explain(self, customers: pd.DataFrame, parts: Sequence[str] = PARTS) -> pd.DataFrame:
        """Return why each customer is where it is: factors that multiply and terms that add, exactly.

        Parameters
        ----------
        customers : pandas.DataFrame
            ``customer_table`` at any cutoff.
        parts : sequence of str
            What to explain, each in rows of its own:

            - "value": factors that multiply to ``predicted_value``; ``base`` is the average customer's value;
            - "activity": terms that add to the log odds of ``probability_active``;
            - "score": terms in money that add to ``score``;
            - "growth": terms in money that add to ``growth_potential``, Shapley values over predicted value,
              probability of a purchase and own past, against an average customer who is to spend as before.

        Returns
        -------
        pandas.DataFrame
            Long, by customer id: ``customer_id``, ``part``, ``feature`` (``base`` is what all customers share),
            ``value`` (what the customer has of the feature), ``factor`` (what multiplies) or ``term`` (what adds),
            the other missing, ``rank`` (1 is the strongest; 0 is the base) and ``unit`` (of factor or term).

        Raises
        ------
        InputError
            If a column that the model learned from is missing, or a part is unknown.
        """
        customers = customers.reset_index(drop=True)
        tables = [
            long_table(customers["customer_id"], part, effects, known, base, unit)
            for part, effects, known, base, unit in self._effects(customers, parts)
        ]
        return pd.concat(tables, ignore_index=True).sort_values(
            "customer_id", kind="stable", ignore_index=True
        )

    def shap_explanation(self, customers: pd.DataFrame, part: str = "value") -> Any:
        """Return the effects of one part as a ``shap.Explanation``, which every plot of shap draws.

        Parameters
        ----------
        customers : pandas.DataFrame
            ``customer_table`` at any cutoff.
        part : str
            "value" (in log money: the exponentials are the factors of ``explain``) or "activity" (in log odds).

        Returns
        -------
        shap.Explanation
            ``values`` and ``data`` of shape (n, p), ``base_values`` of shape (n,), ``feature_names``. ``data`` is in
            the units of the customer table.

        Raises
        ------
        InputError
            If a column that the model learned from is missing, or the part is another.
        """
        import shap

        if part not in ("value", "activity"):
            raise InputError(f"shap explains the parts value and activity, not {part!r}; choose one of them.")
        [(_, effects, known, base, _)] = self._effects(customers.reset_index(drop=True), [part])
        return shap.Explanation(
            effects.to_numpy(),
            base_values=np.full(len(effects), base),
            data=known[effects.columns].to_numpy(),
            feature_names=list(effects.columns),
            output_names=f"log {self.unit_}" if part == "value" else "log odds",
        )

    def segment_table(self, scores: pd.DataFrame) -> pd.DataFrame:
        """Return a row a segment: its customers, share of predicted value, means, rule and treatment."""
        profile = self.segments_.profile_
        by = scores.groupby("segment")
        table = pd.DataFrame(
            {
                "customers": by.size(),
                "share_of_value": by["predicted_value"].sum() / scores["predicted_value"].sum(),
                "predicted_value_mean": by["predicted_value"].mean(),
                "churn_probability_mean": by["churn_probability"].mean(),
            }
        )
        told = profile[["name", "rule", "treatment"]].set_index(
            pd.Index(self.segments_.names(profile["segment"].to_numpy()), name="segment")
        )
        return told.join(table, how="inner").reset_index()

    def _state(self) -> dict[str, Any]:
        return {
            "duramen_version": __version__,
            "window": {"cutoff": self.window_.cutoff.isoformat(), "horizon_days": self.window_.horizon},
            "judged_window": {
                "cutoff": self.judged_window_.cutoff.isoformat(),
                "horizon_days": self.judged_window_.horizon,
            },
            "source": self.source_,
            "customers": self.customers_,
            "unit": self.unit_,
            "parameters": self.get_params(),
            "features": self.features_,
            "btyd": self.btyd_.to_dict(),
            "value": self.value_.to_dict(),
            "activity": self.activity_.to_dict(),
            "distribution": self.distribution_.to_dict(),
            "growth": self.growth_.to_dict(),
            "growth_weight": self.growth_weight_,
            "segments": self.segments_.to_dict(),
            "base_gap": self.base_gap_,
            "core_money": self.core_money_,
            "money_unit": self.money_unit_,
            "typical": self.typical_,
            "notes": self.notes_,
            "trees": list(self._trees()),
        }

    def _boosters(self) -> dict[str, Any]:
        """Return the LightGBM boosters that are used, by name."""
        boosters = {**self.value_.boosters_._asdict(), "activity": self.activity_.booster_}
        return {name: booster for name, booster in boosters.items() if booster is not None}

    def _trees(self) -> dict[str, str]:
        return {f"{name}_trees": booster.model_to_string() for name, booster in self._boosters().items()}

    def _fingerprint(self) -> str:
        # The version that reads a model later is no part of what was learned.
        learned = {key: value for key, value in self._state().items() if key != "duramen_version"}
        digest = hashlib.sha256(state_text(learned).encode())
        for name, text in sorted(self._trees().items()):
            digest.update(f"{name}\n{text}".encode())
        return digest.hexdigest()[:12]

    def save(self, folder: str | Path) -> Path:
        """Write the model to a folder, whole or not at all: JSON, Parquet and LightGBM's own text, no pickle.

        A model that is already there is replaced; a folder that holds anything else is refused.
        """
        write_model(
            Path(folder),
            self._state(),
            self._trees(),
            {
                "judged": self.judged_,
                "importance": self.importance_,
                "growth_weight": self.growth_weight_curve_,
            },
        )
        return Path(folder)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a model from a folder that ``save`` wrote.

        Raises
        ------
        InputError
            If the folder is no model, a file of it is missing or damaged, or another format version wrote it.
        """
        folder = Path(folder)
        state = read_state(folder)
        try:
            model = cls._from_state(state, folder)
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"the model in {folder} is damaged ({error!r}); train or download it again."
            ) from error
        return model

    @classmethod
    def _from_state(cls, state: dict[str, Any], folder: Path) -> Self:
        model = cls(**state["parameters"])
        model.window_ = Window(state["window"]["cutoff"], state["window"]["horizon_days"])
        model.judged_window_ = Window(
            state["judged_window"]["cutoff"], state["judged_window"]["horizon_days"]
        )
        model.unit_, model.features_, model.notes_ = state["unit"], state["features"], state["notes"]
        model.btyd_ = BTYDValueModel.from_dict(state["btyd"])
        trees = {name: read_trees(folder, name, state) for name in state["trees"]}
        boosters = Boosters(trees.get("value_trees"), trees.get("spend_trees"))
        model.value_ = ValueModel.from_dict(state["value"], boosters)
        model.activity_ = ActivityModel.from_dict(state["activity"], trees.get("activity_trees"))
        model.distribution_ = ValueDistribution.from_dict(state["distribution"])
        model.growth_ = GrowthModel.from_dict(state["growth"])
        model.growth_weight_ = state["growth_weight"]
        model.growth_weight_curve_ = read_table(folder, "growth_weight")
        model.segments_ = BehaviouralSegmenter.from_dict(state["segments"])
        model.base_gap_, model.core_money_ = state["base_gap"], state["core_money"]
        model.source_, model.customers_ = state["source"], state["customers"]
        model.typical_, model.money_unit_ = state["typical"], state["money_unit"]
        model.judged_, model.importance_ = read_table(folder, "judged"), read_table(folder, "importance")
        model.model_version_ = f"{state['duramen_version']}+{model._fingerprint()}"
        return model


def _refuse_unfit(tx: Transactions, window: Window, customers: pd.DataFrame) -> None:
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


def _positive(values: pd.Series[float] | np.ndarray) -> np.ndarray:
    """Keep logarithms finite."""
    positive: np.ndarray = np.maximum(np.asarray(values, dtype=float), 1e-12)
    return positive
