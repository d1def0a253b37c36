"""Transactions and a window come in; one fitted model goes out, which scores, explains, saves and loads."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from html import escape
from math import inf
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from duramen._version import __version__
from duramen.data.customers import customer_table
from duramen.data.ids import find_ids
from duramen.data.money_unit import compare_units
from duramen.data.transactions import Transactions
from duramen.data.windows import YEAR, Window, holdout_window, parse_day
from duramen.errors import InputError
from duramen.explain.explainer import PARTS, Explainer, refuse_unknown_parts
from duramen.forecast.data_requirements import refuse_unfit
from duramen.forecast.folds import EarlierCutoffs
from duramen.forecast.model import Forecast, ForecastModel
from duramen.forecast.next_purchase import dates_after
from duramen.forecast.settings import DEFAULT_FORECAST, Bounds, ForecastSettings, refuse_outside
from duramen.io.autologging import without_autologging
from duramen.io.processors import one_blas_thread, workers
from duramen.io.progress import finished, skip_earlier_model
from duramen.io.saved_model import SavedModel, fingerprint, read_model, refuse_damaged, write_model
from duramen.io.score_columns import SCORE_COLUMNS
from duramen.language import restored, said_again, stored
from duramen.scoring.core_money import core_money
from duramen.scoring.finite_scores import refuse_non_finite
from duramen.scoring.growth_weight import GrowthWeight, learn_growth_weight
from duramen.scoring.model_summary import html_table, training_facts
from duramen.scoring.placement import PlacementThresholds
from duramen.scoring.ranking import costs_of, rank_core_customers
from duramen.scoring.segment_table import segment_table
from duramen.scoring.tiers import DEFAULT_TIERS, Tiers
from duramen.segments.lifecycle_stage import lifecycle_stage
from duramen.segments.segmenter import BehaviouralSegmenter

# Seeds that NumPy and LightGBM both take.
SEEDS = Bounds(0, 2**31 - 1, whole=True)


class CoreCustomerModel:
    """All that ranks core customers as one thing to fit, save and load: a forecast, segments and an explainer.

    Parameters
    ----------
    growth_weight : float, optional
        Weight of growth potential in ``score = predicted_value + growth_weight * growth_potential``. Where none is
        given, it is learned from two horizons before the cutoff (``duramen.scoring.growth_weight``).
    tiers : Tiers
        Tiers of the ranking and what to do for their customers, kept with the model for those who rank its scores.
    clv_days, discount_rate : int, float
        Horizon of ``clv`` in days, and its discount rate per year.
    forecast : ForecastSettings
        What can be tuned in the forecast: BTYD candidates, training cutoffs and customers, calibration, trees.
    segment_weights : mapping, optional
        How much each measure of behaviour counts in the segments (``duramen.segments.segmenter.WEIGHTS``).
    seed : int

    Raises
    ------
    InputError
        If a parameter is outside its bounds, or tiers or a weight of segments are not valid.

    Attributes
    ----------
    forecast_ : ForecastModel
        Forecasts purchases, churn, value and growth; its parts are ``btyd_``, ``activity_``, ``value_``
        and ``distribution_``.
    segments_ : BehaviouralSegmenter
    explainer_ : Explainer
    growth_weight_ : float
        The weight that is used.
    growth_weight_curve_ : pandas.DataFrame
        What each weight captured at the earlier cutoff; empty where a weight was given or history is too short.
    core_money_ : float
        Net money over the horizon that puts a customer into the core set: the median over draws of the base.
    placement_ : PlacementThresholds or None
        What puts a customer into a tier wherever they are asked alone, from the ranking of all customers of the
        training; None in a model that an older release saved.
    holdout_ : pandas.DataFrame
        Forecasts, outcomes and segments of the customers at the latest training cutoff, which were kept from training.
    notes_ : list of str
        What the data could not support and what was done instead, in the language that is set.
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
        forecast: ForecastSettings = DEFAULT_FORECAST,
        segment_weights: Mapping[str, float] | None = None,
        seed: int = 0,
    ) -> None:
        self.growth_weight = growth_weight
        self.tiers = tiers
        self.clv_days = clv_days
        self.discount_rate = discount_rate
        self.forecast = forecast
        self.segment_weights = segment_weights
        self.seed = seed
        self._refuse_parameters()

    def _refuse_parameters(self) -> None:
        """Refuse what cannot be used, before the work of an hour."""
        bounds = {"clv_days": Bounds(1, whole=True), "discount_rate": Bounds(0), "seed": SEEDS}
        if self.growth_weight is not None:
            bounds["growth_weight"] = Bounds(-inf)
        refuse_outside("the model", vars(self), bounds)
        if not isinstance(self.tiers, Tiers):
            raise InputError(f"tiers are {self.tiers!r}; give Tiers(...), or Tiers.from_dict of a table.")
        if not isinstance(self.forecast, ForecastSettings):
            raise InputError(f"forecast is {self.forecast!r}; give ForecastSettings(...).")
        self._segmenter().settings()

    def _segmenter(self) -> BehaviouralSegmenter:
        return BehaviouralSegmenter(self.seed, weights=self.segment_weights)

    @property
    def parameters(self) -> dict[str, Any]:
        """What the model was made with, by the names of the parameters."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def clone(self, **changes: Any) -> Self:
        """Return a new model with the same parameters, apart from the changes, which has learned nothing."""
        return type(self)(**self.parameters | changes)

    @property
    def window_(self) -> Window:
        """The cutoff before which everything was learned, and the horizon that is forecast."""
        return self.forecast_.window_

    @property
    def unit_(self) -> str:
        """Unit of money."""
        return self.forecast_.unit_

    @property
    def holdout_window_(self) -> Window:
        """The window of ``holdout_``."""
        return self.forecast_.holdout_window_

    @property
    def notes_(self) -> list[str]:
        """What the data could not support and what was done instead, in the language that is set."""
        return said_again(self._notes)

    @property
    def importance_(self) -> pd.DataFrame:
        """Mean absolute SHAP value of each feature in each model."""
        return self.explainer_.importance_

    @property
    def dependence_(self) -> pd.DataFrame:
        """How the effect of each feature on value and on activity moves with it (``duramen.explain.dependence``)."""
        return self.explainer_.dependence_

    def __repr__(self) -> str:
        name = type(self).__name__
        if not hasattr(self, "model_version_"):
            defaults = inspect.signature(type(self)).parameters
            given = {key: value for key, value in self.parameters.items() if value != defaults[key].default}
            return f"{name}({', '.join(f'{key}={value!r}' for key, value in given.items())})"
        facts = training_facts(self.forecast_, self.growth_weight_)
        return f"{name} {self.model_version_}: {'; '.join(facts.values())}"

    def _repr_html_(self) -> str:
        if not hasattr(self, "model_version_"):
            return f"<pre>{escape(repr(self))}</pre>"
        facts = training_facts(self.forecast_, self.growth_weight_)
        return html_table({"Model": self.model_version_} | facts, said_again(self.notes_))

    @without_autologging()
    @one_blas_thread
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
            If the history is shorter than the horizon, customers are too few, or no customer ever came back;
            or the previous model is in another unit of money.
        """
        if previous is not None:
            compare_units(previous.unit_, tx.unit, tx.source)
        customers = customer_table(tx, window.cutoff)
        # Here too, so that a refusal does not wait for what runs beside the forecast.
        refuse_unfit(tx, window, customers)
        model = ForecastModel(self.forecast, seed=self.seed)
        earlier = EarlierCutoffs(model.training_sample(tx, customers), self.forecast.btyd_models)
        with workers() as pool:
            fitted = pool.submit(model.fit, tx, window, customers, earlier)
            learned = pool.submit(self._growth_weight, earlier, window)
            # What segments show of the future is measured on those that knew nothing of it.
            before = pool.submit(self._segments_before, earlier, window, tx.first_date)
            fitted.result()
            growth, segments_then = learned.result(), before.result()
        segmenter = self._segmenter().set_params(previous=None if previous is None else previous.segments_)
        forecast = model.forecast(customers)
        with workers() as pool:
            explained = pool.submit(Explainer(model, growth.weight).fit, customers, forecast)
            segmenter.fit(customers, probability_active=forecast.probability)
            explainer = explained.result()
        finished("segments and explanations")
        self.core_money_ = core_money(model, forecast, self.seed)
        # All parts are whole before the model has any of them.
        self.forecast_: ForecastModel = model
        self.segments_: BehaviouralSegmenter = segmenter
        self.explainer_: Explainer = explainer
        self.growth_weight_, self.growth_weight_curve_ = growth.weight, growth.curve
        self.holdout_ = model.holdout_.assign(segment=segments_then)
        self._notes = [*model.notes_, *growth.notes, *segmenter.notes_]
        base = rank_core_customers(self._scores(customers, forecast), self.tiers)
        self.placement_: PlacementThresholds | None = PlacementThresholds.of_ranking(base, self.tiers)
        self.model_version_ = f"{__version__}+{fingerprint(self._saved())}"
        finished("tiers")
        return self

    def _growth_weight(self, earlier: EarlierCutoffs, window: Window) -> GrowthWeight:
        if self.growth_weight is not None:
            skip_earlier_model()
            return GrowthWeight.without_curve(self.growth_weight)
        return learn_growth_weight(earlier, window, self.forecast, seed=self.seed)

    def _segments_before(self, earlier: EarlierCutoffs, window: Window, first: date) -> np.ndarray:
        """Return the segments of the customers at the holdout's cutoff, learned there."""
        segments = self._segmenter().fit_predict(earlier.customers(holdout_window(window, first).cutoff))
        finished("earlier segments")
        return segments

    @one_blas_thread
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
            ``SCORE_COLUMNS`` without those that the ranking adds, in the order of ``customers``. Money is in the unit
            of the source over the model's horizon. ``expected_purchases * expected_spend`` is ``predicted_value``, and
            ``clv`` is the same forecast carried to ``clv_days``, discounted.

        Raises
        ------
        InputError
            If a column that the model learned from is missing, or a score would not be a finite number.
        """
        forecast = self.forecast_.forecast(customers)
        scores = self._scores(customers, forecast).assign(model_version=self.model_version_)
        refuse_non_finite(scores)
        if with_reasons:
            scores = pd.concat([scores, self.explainer_.reasons(customers, forecast)], axis=1)
        return scores[[column for column in SCORE_COLUMNS if column in scores]]

    def _scores(self, customers: pd.DataFrame, forecast: Forecast) -> pd.DataFrame:
        """Return the scores without reasons and version."""
        model = self.forecast_
        value, probability, growth = forecast.value, forecast.probability, forecast.growth
        low, high = model.distribution_.interval(value, probability)
        expected = model.purchases_and_spend(forecast)
        segments, is_outlier = self.segments_.place(customers)
        cutoff = pd.Timestamp(parse_day(customers.attrs.get("cutoff", self.window_.cutoff)))
        return pd.DataFrame(
            {
                "customer_id": customers["customer_id"],
                "cutoff": cutoff,
                "score": value + self.growth_weight_ * growth["growth_potential"],
                "predicted_value": value,
                "predicted_value_low": low,
                "predicted_value_high": high,
                **growth,
                "churn_probability": 1 - probability,
                "probability_active": probability,
                "probability_alive": forecast.btyd["btyd_probability_alive"],
                **expected,
                **dates_after(cutoff, pd.DataFrame({"last_purchase": customers["recency"] - customers["T"]})),
                **dates_after(cutoff, model.next_purchase(customers, forecast)),
                "clv": model.lifetime_value(customers, forecast, self.clv_days, self.discount_rate),
                "segment": self.segments_.names(segments),
                "is_outlier": is_outlier,
                "lifecycle_stage": lifecycle_stage(
                    customers,
                    probability,
                    growth["growth_rate"],
                    horizon=self.window_.horizon,
                    base=self.segments_.base_gap_,
                    levels=self.segments_.activity_levels_,
                ),
                "probability_core": model.distribution_.probability_above(
                    value, probability, self.core_money_
                ),
            }
        )

    def reasons(self, customers: pd.DataFrame) -> pd.DataFrame:
        """Return ``reason_1`` to ``reason_3`` of ``predict`` alone, on the index of ``customers``."""
        return self.explainer_.reasons(customers, self.forecast_.forecast(customers))

    def explain(
        self,
        customers: pd.DataFrame,
        parts: Sequence[str] = PARTS,
        cost_to_serve: pd.Series[float] | npt.ArrayLike | None = None,
    ) -> pd.DataFrame:
        """Return why each customer has their rank: factors that multiply and terms that add, exactly.

        Parameters
        ----------
        customers : pandas.DataFrame
            ``customer_table`` at any cutoff.
        parts : sequence of str
            What to explain, each in rows of its own:

            - "value": factors that multiply to ``predicted_value``; ``base`` is the typical active customer's value;
            - "activity": terms that add to the log odds of ``probability_active``;
            - "score": terms in money that add to ``score``, of which the cost to serve is one where it is given;
            - "growth": terms in money that add to ``growth_potential``: predicted value, less the own past value.
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
            If a column that the model learned from is missing, a part is unknown, or a cost is missing, negative or
            not of a known customer.
        """
        return pd.concat(self.explain_blocks(customers, parts, cost_to_serve), ignore_index=True)

    def explain_blocks(
        self,
        customers: pd.DataFrame,
        parts: Sequence[str] = PARTS,
        cost_to_serve: pd.Series[float] | npt.ArrayLike | None = None,
    ) -> Iterator[pd.DataFrame]:
        """Give the rows of ``explain`` some thousand customers at a time, so that no more are in memory."""
        self.forecast_.require(customers)
        parts = refuse_unknown_parts(parts)
        cost = None
        if cost_to_serve is not None:
            if isinstance(cost_to_serve, pd.Series):
                # A few customers may be explained with the costs of all.
                asked = find_ids(cost_to_serve.index, customers["customer_id"], "customers") >= 0
                cost_to_serve = cost_to_serve[asked]
            cost = costs_of(customers, cost_to_serve)
        return self.explainer_.explain_blocks(customers, parts, cost)

    def shap_explanation(self, customers: pd.DataFrame, part: str = "value") -> Any:
        """Return the effects on "value" or "activity" as a ``shap.Explanation``; see ``Explainer``."""
        return self.explainer_.shap_explanation(customers, part)

    @property
    def segment_names_(self) -> list[str]:
        """Names of all segments with their numbers, as in the column ``segment``."""
        return list(self.segments_.names(self.segments_.profile_["segment"].to_numpy()))

    def segment_table(self, scores: pd.DataFrame) -> pd.DataFrame:
        """Return a row a segment: its customers, share of predicted value, means, rule and usual treatment."""
        return segment_table(self.segments_, scores)

    def boosters(self) -> dict[str, Any]:
        """Return the LightGBM boosters that are used, by name."""
        return self.forecast_.boosters()

    def _saved(self) -> SavedModel:
        state = {
            "parameters": self.parameters
            | {"tiers": self.tiers.to_dict(), "forecast": self.forecast.to_dict()},
            "forecast": self.forecast_.to_dict(),
            "explainer": self.explainer_.to_dict(),
            "segments": self.segments_.to_dict(),
            "growth_weight": self.growth_weight_,
            "core_money": self.core_money_,
            "placement": None if self.placement_ is None else self.placement_.to_dict(),
            "notes": stored(self._notes),
        }
        tables = {
            "holdout": self.holdout_,
            "importance": self.importance_,
            "dependence": self.dependence_,
            "growth_weight": self.growth_weight_curve_,
        }
        return SavedModel(state, self.boosters(), tables)

    def save(self, folder: str | Path) -> Path:
        """Write the model to a folder, whole or not at all: JSON, Parquet and LightGBM's own text, no pickle.

        A model that is already there is replaced; a folder with anything else is refused.
        """
        write_model(Path(folder), self._saved(), self.model_version_)
        return Path(folder)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a model from a folder that ``save`` wrote.

        Raises
        ------
        InputError
            If the folder is no model, a file of it is missing or damaged, or its format is newer, too old or unknown.
        """
        saved = read_model(Path(folder))
        with refuse_damaged(Path(folder)):
            return cls._from_saved(saved)

    @classmethod
    def _from_saved(cls, saved: SavedModel) -> Self:
        state, trees, tables = saved
        parameters = state["parameters"]
        settings = ForecastSettings.from_dict(parameters["forecast"])
        model = cls(**parameters | {"tiers": Tiers.from_dict(parameters["tiers"]), "forecast": settings})
        model.holdout_ = tables["holdout"]
        model.forecast_ = ForecastModel.from_dict(
            state["forecast"], trees, model.holdout_.drop(columns="segment"), settings, model.seed
        )
        model.growth_weight_, model.growth_weight_curve_ = state["growth_weight"], tables["growth_weight"]
        model.explainer_ = Explainer.from_dict(
            state["explainer"],
            model.forecast_,
            model.growth_weight_,
            tables["importance"],
            tables["dependence"],
        )
        model.segments_ = BehaviouralSegmenter.from_dict(state["segments"])
        model.core_money_, model._notes = state["core_money"], restored(state["notes"])
        placement = state["placement"]
        model.placement_ = (
            None if placement is None else PlacementThresholds.from_dict(placement, model.tiers)
        )
        model.model_version_ = state["model_version"]
        return model
