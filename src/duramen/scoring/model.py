"""Transactions and a window come in; one fitted model goes out, which scores, explains, saves and loads.

Called by the command line, batch scoring, tracking, and users.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, clone

from duramen._version import __version__
from duramen.data.customers import customer_table
from duramen.data.outcomes import customer_outcomes
from duramen.data.transactions import Transactions
from duramen.data.windows import YEAR, Window, holdout_window, parse_day, training_windows
from duramen.errors import InputError
from duramen.explain.dependence import shape_of
from duramen.explain.explainer import PARTS, Explainer, Forecast, long_table, meaning, typical_customer
from duramen.explain.reasons import average_facts, reasons
from duramen.explain.tree_shap import TreeShap
from duramen.forecast.btyd_value import BTYDValueModel
from duramen.forecast.churn import ActivityModel
from duramen.forecast.data_requirements import premises, refuse_unfit
from duramen.forecast.folds import LEAST_CUSTOMERS, Fold, build_folds, model_features
from duramen.forecast.growth import GrowthModel, past_value
from duramen.forecast.value import Boosters, ValueModel
from duramen.forecast.value_distribution import ValueDistribution
from duramen.io.saved_model import read_state, read_table, read_trees, state_text, write_model
from duramen.io.score_columns import SCORE_COLUMNS
from duramen.scoring.growth_weight import DEFAULT_GROWTH_WEIGHT, choose_growth_weight, growth_weight_curve
from duramen.scoring.ranking import costs_of
from duramen.scoring.tiers import DEFAULT_TIERS, Tiers, smallest_set
from duramen.segments.lifecycle_stage import base_gap, lifecycle_stage
from duramen.segments.segmenter import BehaviouralSegmenter

_LOG = logging.getLogger(__name__)

# Bounds of the predictive interval of value: eight in ten outcomes are meant to lie inside.
LOW, HIGH = 0.1, 0.9
# Draws of the whole base from which the money that makes a customer core is taken.
CORE_DRAWS = 25
# Customers over whom the importance and the shape of features are averaged.
IMPORTANCE_CUSTOMERS = 20_000
# Customers who are given reasons at once, and a long table, of which each has some 150 rows: memory stays flat.
REASONED_AT_ONCE, EXPLAINED_AT_ONCE = 65_536, 8_192


class CoreCustomerModel(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """All that ranks core customers, fitted, as one thing to save and load.

    Parameters
    ----------
    growth_weight : float, optional
        Weight of growth potential in ``score = predicted_value + growth_weight * growth_potential``. Where none is
        given, it is learned from two horizons before the cutoff (``duramen.scoring.growth_weight``).
    tiers : Tiers
        Tiers of the ranking, kept with the model for whoever ranks its scores.
    clv_days : int
        Horizon of ``clv`` in days.
    discount_rate : float
        Discount rate of ``clv`` per year.
    training_customers : int
        Customers that the trees learn from, at each earlier cutoff; of more, a sample is drawn. Beyond some tens of
        thousands more of them change no figure (``benchmarks/train.py --samples``).
    segment_weights : mapping, optional
        How much each measure of behaviour counts in the segments (``duramen.segments.segmenter.WEIGHTS``).
    treatments : mapping, optional
        What to do by kind of segment (``duramen.segments.naming.TREATMENTS``).
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
    holdout_ : pandas.DataFrame
        Held-out forecasts and outcomes of the customers at the latest training cutoff.
    holdout_window_ : Window
    importance_ : pandas.DataFrame
        Mean absolute SHAP value of each feature in each model.
    shape_ : pandas.DataFrame
        How the effect of each feature on value and on activity moves with it (``duramen.explain.dependence``).
    notes_ : list of str
        What the data could not support and what was done instead.
    model_version_ : str
        Package version and a fingerprint of everything that was learned.
    """

    def __init__(
        self,
        *,
        growth_weight: float | None = None,
        tiers: Tiers = DEFAULT_TIERS,
        clv_days: int = YEAR,
        discount_rate: float = 0.1,
        training_customers: int = 60_000,
        segment_weights: Mapping[str, float] | None = None,
        treatments: Mapping[str, str] | None = None,
        seed: int = 0,
    ) -> None:
        self.growth_weight = growth_weight
        self.tiers = tiers
        self.clv_days = clv_days
        self.discount_rate = discount_rate
        self.training_customers = training_customers
        self.segment_weights = segment_weights
        self.treatments = treatments
        self.seed = seed

    def __repr__(self) -> str:
        """Tell what the model was trained on, or only its parameters where it was not."""
        if not hasattr(self, "model_version_"):
            return str(super().__repr__())
        trees = ", ".join(
            f"{booster.num_trees()} trees for {name}" for name, booster in self.boosters().items()
        )
        return (
            f"CoreCustomerModel {self.model_version_}: {self.customers_:,} customers of {self.source_} before "
            f"{self.window_.cutoff}, {self.window_.horizon} days ahead in {self.unit_}; {self.btyd_.kind_}, gamma-gamma"
            f"{', ' + trees if trees else ''}; {self.growth_weight_:g} of growth potential in the score"
        )

    def fit(self, tx: Transactions, window: Window, previous: CoreCustomerModel | None = None) -> Self:
        """Learn from what lies before ``window.cutoff``, and from nothing else.

        Parameters
        ----------
        tx : Transactions
        window : Window
            The cutoff, and the horizon to forecast.
        previous : CoreCustomerModel, optional
            The model in use, whose segments keep their numbers where they go on.

        Raises
        ------
        InputError
            If the history is shorter than the horizon, no customer ever came back, or tiers, a weight or a treatment
            of segments are no such thing.
        """
        if not isinstance(self.tiers, Tiers):
            raise InputError(f"tiers are {self.tiers!r}; give Tiers(...), or Tiers.from_dict of a table.")
        segmenter = BehaviouralSegmenter(self.seed, weights=self.segment_weights, treatments=self.treatments)
        # What cannot be used is refused before the work of an hour.
        segmenter.settings()
        customers = customer_table(tx, window.cutoff)
        taught = self._sample(tx, customers)
        features = self._learn_forecast(tx, taught, window, customers)
        self._learn_growth_weight(taught)
        _LOG.info("segments")
        in_use = None if previous is None else previous.segments_
        self.segments_: BehaviouralSegmenter = segmenter.fit(customers, in_use)
        self.notes_ += self.segments_.notes_
        then = customer_table(taught, self.holdout_window_.cutoff)
        # What segments tell of the future shows on those that knew nothing of it.
        self.holdout_["segment"] = clone(segmenter).fit(then).predict(then)
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
        refuse_unfit(tx, window, customers)
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
        self.notes_ += premises(self, folds, judge)
        return features

    def _folds(self, tx: Transactions, window: Window, first: date) -> tuple[list[Fold], Fold]:
        folds = build_folds(tx, training_windows(window, first), self.money_unit_)
        judges = holdout_window(window, first)
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
        horizon = self.holdout_window_.horizon
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

    def _judge(self, fold: Fold) -> None:
        """Keep what the latest fold showed, and learn the size of errors from it."""
        value, activity = self.value_.holdout_, self.activity_.holdout_
        outcomes, features = fold.outcomes, fold.features
        expected, probability = value["value"].to_numpy(), activity["probability"].to_numpy()
        actual = outcomes["value"].to_numpy()
        self.holdout_window_ = fold.window
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
        self.typical_ = typical_customer(self._forecast(customers))
        self.average_facts_ = average_facts(customers)
        self._learn_importance(customers)

    def _learn_importance(self, customers: pd.DataFrame) -> None:
        """Learn how strongly each feature moves each model, and in what shape, from a sample of the customers."""
        sample = customers.iloc[:: max(1, len(customers) // IMPORTANCE_CUSTOMERS)].reset_index(drop=True)
        forecast, explainer = self._forecast(sample), Explainer(self)
        tables = []
        for name, booster in self.boosters().items():
            values = TreeShap(booster).values(forecast.features)
            table = pd.DataFrame({"model": name, "feature": forecast.features.columns})
            table["meaning"] = [meaning(feature)[1] for feature in forecast.features.columns]
            table["mean_abs_shap"] = np.abs(values).mean(axis=0)
            table["unit"] = "log odds" if name == "activity" else "log money"
            tables.append(table.sort_values(["mean_abs_shap", "feature"], ascending=[False, True]))
        columns = ["model", "feature", "meaning", "mean_abs_shap", "unit"]
        self.importance_ = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)
        known = self._known(sample, forecast)
        self.shape_ = pd.concat(
            [shape_of(explainer.effects(part, forecast), known) for part in ("value", "activity")],
            ignore_index=True,
        )

    def predict(self, customers: pd.DataFrame, *, with_reasons: bool = True) -> pd.DataFrame:
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
        forecast = self._forecast(customers)
        value, probability, growth = forecast.value, forecast.probability, forecast.growth
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
                "probability_alive": forecast.btyd["btyd_probability_alive"],
                "expected_purchases": forecast.btyd["btyd_purchases"],
                "expected_spend": forecast.btyd["btyd_spend"],
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
            scores = pd.concat([scores, self._reasons(customers, forecast)], axis=1)
        return scores[[column for column in SCORE_COLUMNS if column in scores]]

    def reasons(self, customers: pd.DataFrame) -> pd.DataFrame:
        """Return ``reason_1`` to ``reason_3`` of ``score`` alone, on the index of ``customers``.

        Parameters
        ----------
        customers : pandas.DataFrame
            ``customer_table`` at any cutoff.

        Raises
        ------
        InputError
            If a column that the model learned from is missing.
        """
        self._require(customers)
        return self._reasons(customers, self._forecast(customers))

    def _reasons(self, customers: pd.DataFrame, forecast: Forecast) -> pd.DataFrame:
        """Return three reasons a customer on the index of ``customers``, a block of them at a time."""
        explainer, told = Explainer(self), []
        for rows in _blocks(len(customers), REASONED_AT_ONCE):
            factors = explainer.effects("value", forecast.block(rows)).effects
            told.append(reasons(customers.iloc[rows], factors, self.average_facts_, self.unit_))
        return pd.concat(told)

    def _forecast(self, customers: pd.DataFrame) -> Forecast:
        horizon = self.window_.horizon
        features = self._features(customers)
        value, probability = self._predict(features)
        return Forecast(
            features,
            self.btyd_.forecast(customers, horizon),
            value,
            probability,
            self.growth_.predict(customers, value, probability, self.distribution_, horizon),
            past_value(customers, horizon),
        )

    def _known(self, customers: pd.DataFrame, forecast: Forecast) -> pd.DataFrame:
        """Return what the customers have of each feature that an explanation may name."""
        return pd.concat([customers[self.features_], forecast.btyd], axis=1).assign(
            predicted_value=forecast.value,
            probability_active=forecast.probability,
            past_value=forecast.past,
            growth_potential=forecast.growth["growth_potential"],
        )

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

    def explain(
        self,
        customers: pd.DataFrame,
        parts: Sequence[str] = PARTS,
        cost_to_serve: pd.Series[float] | npt.ArrayLike | None = None,
    ) -> pd.DataFrame:
        """Return why each customer is where it is: factors that multiply and terms that add, exactly.

        Parameters
        ----------
        customers : pandas.DataFrame
            ``customer_table`` at any cutoff.
        parts : sequence of str
            What to explain, each in rows of its own:

            - "value": factors that multiply to ``predicted_value``; ``base`` is the average customer's value;
            - "activity": terms that add to the log odds of ``probability_active``;
            - "score": terms in money that add to ``score``, of which the cost to serve is one where it is given;
            - "growth": terms in money that add to ``growth_potential``, Shapley values over predicted value,
              probability of a purchase and own past, against an average customer who is to spend as before.
        cost_to_serve : pandas.Series or array of shape (n,), optional
            As the ranking was given it.

        Returns
        -------
        pandas.DataFrame
            Long, by customer id: ``customer_id``, ``part``, ``feature`` (``base`` is what all customers share),
            ``value`` (what the customer has of the feature), ``factor`` (what multiplies) or ``term`` (what adds),
            the other missing, ``rank`` (1 is the strongest; 0 is the base) and ``unit`` (of factor or term).

        Raises
        ------
        InputError
            If a column that the model learned from is missing, a part is unknown, or a cost is missing, negative or of
            nobody.
        """
        return pd.concat(self.explain_blocks(customers, parts, cost_to_serve), ignore_index=True)

    def explain_blocks(
        self,
        customers: pd.DataFrame,
        parts: Sequence[str] = PARTS,
        cost_to_serve: pd.Series[float] | npt.ArrayLike | None = None,
    ) -> Iterator[pd.DataFrame]:
        """Give the rows of ``explain`` some thousand customers at a time, so that memory holds no more than that."""
        self._require(customers)
        parts = [parts] if isinstance(parts, str) else list(parts)
        if unknown := [part for part in parts if part not in PARTS] or (not parts and ["none"]):
            raise InputError(f"there is no part {unknown[0]!r} to explain; choose among {', '.join(PARTS)}.")
        if cost_to_serve is not None:
            if isinstance(cost_to_serve, pd.Series):
                # A few customers may be explained with the costs of all.
                cost_to_serve = cost_to_serve[cost_to_serve.index.isin(customers["customer_id"])]
            customers = customers.assign(cost_to_serve=costs_of(customers, cost_to_serve))
        customers = customers.sort_values("customer_id", kind="stable", ignore_index=True)
        explainer = Explainer(self)
        for rows in _blocks(len(customers), EXPLAINED_AT_ONCE):
            block = customers.iloc[rows].reset_index(drop=True)
            forecast = self._forecast(block)
            known = self._known(block, forecast)
            cost = None if cost_to_serve is None else block["cost_to_serve"].to_numpy()
            known["cost_to_serve"] = cost
            tables = [
                long_table(block["customer_id"], explainer.effects(part, forecast, cost), known)
                for part in parts
            ]
            told = pd.concat(tables, ignore_index=True)
            yield told.sort_values("customer_id", kind="stable", ignore_index=True)

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
        self._require(customers)
        customers = customers.reset_index(drop=True)
        forecast = self._forecast(customers)
        _, effects, base, _ = Explainer(self).effects(part, forecast)
        return shap.Explanation(
            effects.to_numpy(),
            base_values=np.full(len(effects), base),
            data=self._known(customers, forecast)[effects.columns].to_numpy(),
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
                "cutoff": self.holdout_window_.cutoff.isoformat(),
                "horizon_days": self.holdout_window_.horizon,
            },
            "source": self.source_,
            "customers": self.customers_,
            "unit": self.unit_,
            "parameters": self.get_params() | {"tiers": self.tiers.to_dict()},
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
            "average_facts": self.average_facts_,
            "notes": self.notes_,
            "trees": list(self._trees()),
        }

    def boosters(self) -> dict[str, Any]:
        """Return the LightGBM boosters that are used, by name."""
        boosters = {**self.value_.boosters_._asdict(), "activity": self.activity_.booster_}
        return {name: booster for name, booster in boosters.items() if booster is not None}

    def _trees(self) -> dict[str, str]:
        return {f"{name}_trees": booster.model_to_string() for name, booster in self.boosters().items()}

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
            self._state() | {"model_version": self.model_version_},
            self._trees(),
            {
                "judged": self.holdout_,
                "importance": self.importance_,
                "shape": self.shape_,
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
            If the folder is no model, a file of it is missing or damaged, or its format is newer, too old or unknown.
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
        parameters = state["parameters"]
        model = cls(**parameters | {"tiers": Tiers.from_dict(parameters["tiers"])})
        model.window_ = Window(state["window"]["cutoff"], state["window"]["horizon_days"])
        model.holdout_window_ = Window(
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
        model.growth_weight_curve_ = read_table(folder, "growth_weight", state)
        model.segments_ = BehaviouralSegmenter.from_dict(state["segments"])
        model.base_gap_, model.core_money_ = state["base_gap"], state["core_money"]
        model.source_, model.customers_ = state["source"], state["customers"]
        model.average_facts_ = state["average_facts"]
        model.typical_, model.money_unit_ = state["typical"], state["money_unit"]
        model.holdout_ = read_table(folder, "judged", state)
        model.importance_ = read_table(folder, "importance", state)
        model.shape_ = read_table(folder, "shape", state)
        model.model_version_ = state["model_version"]
        return model


def _blocks(count: int, size: int) -> Iterator[slice]:
    """Give the rows of each block; of no rows at all there is one block, without rows."""
    for start in range(0, max(count, 1), size):
        yield slice(start, start + size)
