"""A fitted forecast and a customer table come in; factors, terms, reasons and dependence of each feature go out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from duramen.data.features import FEATURES
from duramen.errors import InputError
from duramen.explain.dependence import dependence_of
from duramen.explain.effects import (
    LOG_ODDS,
    Effects,
    activity_effects,
    growth_effects,
    long_table,
    score_effects,
    typical_customer,
    value_effects,
)
from duramen.explain.reasons import AVERAGE, TYPICAL, average_facts, reasons
from duramen.explain.tree_shap import TreeShap
from duramen.forecast.extra_features import column_of
from duramen.forecast.model import Forecast, ForecastModel
from duramen.language import ENGLISH, marked, say, translated, using_language

# Customers over whom the importance and the dependence of features are averaged.
IMPORTANCE_CUSTOMERS = 20_000
# Customers who are given reasons at once, and a long table, of which each has some 150 rows: memory stays flat.
REASONED_AT_ONCE, EXPLAINED_AT_ONCE = 65_536, 8_192

PARTS = (marked("value"), marked("activity"), marked("score"), marked("growth"))

MODEL_MEANINGS = {
    "btyd_purchases": (marked("count"), marked("Purchase days that the BTYD model expects in the horizon.")),
    "btyd_spend": (
        marked("money"),
        marked("Expected net money per purchase day: the customer's own mean, shrunk to that of all."),
    ),
    "btyd_probability_active": (
        marked("probability"),
        marked("P(at least one purchase in the horizon) by the BTYD model."),
    ),
    "btyd_value": (marked("money"), marked("Expected purchase days times expected spend.")),
    "btyd_probability_alive": (
        marked("probability"),
        marked("P(alive) by the BTYD model; BG/NBD says 1 for every customer with one purchase day."),
    ),
    "probability_active": (
        marked("probability"),
        marked(
            "P(at least one purchase in the horizon) by the activity model; the factor is its ratio to that of BTYD."
        ),
    ),
}


def meaning(feature: str) -> tuple[str, str]:
    """Return the unit of a model feature, in English, and its meaning in the language that is set."""
    if feature in MODEL_MEANINGS:
        unit, text = MODEL_MEANINGS[feature]
        return unit, translated(text)
    if feature in FEATURES:
        return FEATURES[feature].unit, translated(FEATURES[feature].meaning)
    column, category = column_of(feature)
    if category is None:
        return "units", say("Column {column} of the feature file.", column=repr(column))
    return "share", say(
        "1 where column {column} of the feature file is {category}, and 0 where it is another.",
        column=repr(column),
        category=repr(category),
    )


class Explainer:
    """Explains the forecasts of a fitted model, against the typical active customer that it learned from.

    Each customer counts by P(active) in it. A model saved by an earlier version compares with the average of all
    customers, and its reasons say so.

    Parameters
    ----------
    model : ForecastModel
        Fitted.
    growth_weight : float
        Weight of growth potential in the score.

    Attributes
    ----------
    typical_ : dict of str to float
        The typical active customer, whom the factors and terms compare with.
    typical_effects_ : dict of str to dict
        Mean effects of each feature on value and on activity, weighted by P(active): they are part of the base.
    average_facts_ : dict of str to float
        Means of the facts that reasons quote, weighted by P(active).
    compared_with_ : str
        What reasons call the customer whom they compare with.
    importance_ : pandas.DataFrame
        Mean absolute SHAP value of each feature in each model.
    dependence_ : pandas.DataFrame
        How the effect of each feature on value and on activity moves with it (``duramen.explain.dependence``).
    """

    def __init__(self, model: ForecastModel, growth_weight: float) -> None:
        self.model = model
        self.growth_weight = growth_weight

    def fit(self, customers: pd.DataFrame, forecast: Forecast) -> Self:
        """Learn the typical active customer, and the strength and dependence of effects.

        Parameters
        ----------
        customers : pandas.DataFrame
            ``customer_table`` at the cutoff of the model.
        forecast : Forecast
            The model's forecast of them.
        """
        self.typical_ = typical_customer(forecast)
        self.average_facts_ = average_facts(customers, forecast.probability, self.model.extra_.numeric)
        self.compared_with_ = TYPICAL
        sample = customers.iloc[:: max(1, len(customers) // IMPORTANCE_CUSTOMERS)].reset_index(drop=True)
        forecast = self.model.forecast(sample)
        self.importance_ = self._importance(forecast.features)
        known = self._known(sample, forecast)
        self.typical_effects_: dict[str, dict[str, float]] = {}
        dependence = []
        for part in ("value", "activity"):
            found = self.effects(part, forecast)
            self.typical_effects_[part] = found.means(forecast.probability)
            dependence.append(dependence_of(found.relative_to(self.typical_effects_[part]), known))
        self.dependence_ = pd.concat(dependence, ignore_index=True)
        return self

    def _importance(self, features: pd.DataFrame) -> pd.DataFrame:
        tables = []
        for name, booster in self.model.boosters().items():
            table = pd.DataFrame({"model": name, "feature": features.columns})
            # What a model keeps is English; readers see ``meaning`` of the feature.
            with using_language(ENGLISH):
                table["meaning"] = [str(meaning(feature)[1]) for feature in features.columns]
            table["mean_abs_shap"] = np.abs(TreeShap(booster).values(features)).mean(axis=0)
            table["unit"] = LOG_ODDS if name == "activity" else marked("log money")
            tables.append(table.sort_values(["mean_abs_shap", "feature"], ascending=[False, True]))
        if not tables:
            return pd.DataFrame(columns=["model", "feature", "meaning", "mean_abs_shap", "unit"])
        return pd.concat(tables, ignore_index=True)

    def effects(self, part: str, forecast: Forecast, cost: npt.NDArray[np.float64] | None = None) -> Effects:
        """Return the effects of one of ``PARTS``; costs to serve, where there are any, are part of the score."""
        if part == "score":
            return score_effects(forecast, self.growth_weight, self.model.unit_, cost)
        if part == "growth":
            return growth_effects(forecast, self.model.unit_)
        explain = {"value": value_effects, "activity": activity_effects}[part]
        return explain(self.model, self.typical_, forecast).relative_to(self.typical_effects_.get(part, {}))

    def _known(self, customers: pd.DataFrame, forecast: Forecast) -> pd.DataFrame:
        """Return what the customers have of each feature that an explanation may name."""
        own = self.model.extra_.encode(customers[self.model.features_])
        return pd.concat([own, forecast.btyd], axis=1).assign(
            predicted_value=forecast.value,
            probability_active=forecast.probability,
            past_value=forecast.growth["past_value"],
            growth_potential=forecast.growth["growth_potential"],
        )

    def reasons(self, customers: pd.DataFrame, forecast: Forecast) -> pd.DataFrame:
        """Return three reasons of each customer on the index of ``customers``, made a block of them at a time."""
        blocks = []
        for rows in _blocks(len(customers), REASONED_AT_ONCE):
            factors = self.effects("value", forecast.block(rows)).effects
            blocks.append(
                reasons(
                    customers.iloc[rows],
                    factors,
                    self.average_facts_,
                    self.model.unit_,
                    compared_with=self.compared_with_,
                )
            )
        return pd.concat(blocks)

    def explain_blocks(
        self,
        customers: pd.DataFrame,
        parts: Sequence[str] = PARTS,
        cost: npt.NDArray[np.float64] | None = None,
    ) -> Iterator[pd.DataFrame]:
        """Give factors and terms in long form, by customer id, some thousand customers at a time.

        Parameters
        ----------
        customers : pandas.DataFrame
            ``customer_table`` at any cutoff.
        parts : sequence of str
            Some of ``PARTS``.
        cost : array of shape (n,), optional
            Cost to serve of each row of ``customers``.

        Yields
        ------
        pandas.DataFrame
            Rows as ``duramen.explain.effects.long_table`` gives them, the parts of each customer below each other.
        """
        if cost is not None:
            customers = customers.assign(cost_to_serve=cost)
        customers = customers.sort_values("customer_id", kind="stable", ignore_index=True)
        for rows in _blocks(len(customers), EXPLAINED_AT_ONCE):
            block = customers.iloc[rows].reset_index(drop=True)
            forecast = self.model.forecast(block)
            known = self._known(block, forecast)
            paid = None if cost is None else block["cost_to_serve"].to_numpy()
            known["cost_to_serve"] = paid
            tables = [
                long_table(block["customer_id"], self.effects(part, forecast, paid), known) for part in parts
            ]
            table = pd.concat(tables, ignore_index=True)
            yield table.sort_values("customer_id", kind="stable", ignore_index=True)

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
        customers = customers.reset_index(drop=True)
        forecast = self.model.forecast(customers)
        _, effects, base, _ = self.effects(part, forecast)
        return shap.Explanation(
            effects.to_numpy(),
            base_values=np.full(len(effects), base),
            data=self._known(customers, forecast)[effects.columns].to_numpy(),
            feature_names=list(effects.columns),
            output_names=f"log {self.model.unit_}" if part == "value" else LOG_ODDS,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the averages as plain numbers; the tables are saved beside them."""
        return {
            "typical": self.typical_,
            "typical_effects": self.typical_effects_,
            "average_facts": self.average_facts_,
            "compared_with": self.compared_with_,
        }

    @classmethod
    def from_dict(
        cls,
        state: dict[str, Any],
        model: ForecastModel,
        growth_weight: float,
        importance: pd.DataFrame,
        dependence: pd.DataFrame,
    ) -> Self:
        """Return the fitted explainer that ``to_dict`` and its tables described."""
        explainer = cls(model, growth_weight)
        explainer.typical_, explainer.average_facts_ = state["typical"], state["average_facts"]
        # Until these were saved, factors and facts compared with the average of all customers.
        explainer.typical_effects_ = state.get("typical_effects", {})
        explainer.compared_with_ = state.get("compared_with", AVERAGE)
        explainer.importance_, explainer.dependence_ = importance, dependence
        return explainer


def refuse_unknown_parts(parts: Sequence[str]) -> list[str]:
    """Return the parts to explain as a list; refuse one that is not in ``PARTS``, and none at all."""
    parts = [parts] if isinstance(parts, str) else list(parts)
    if unknown := [part for part in parts if part not in PARTS] or (not parts and ["none"]):
        raise InputError(f"there is no part {unknown[0]!r} to explain; choose among {', '.join(PARTS)}.")
    return parts


def _blocks(count: int, size: int) -> Iterator[slice]:
    """Give the rows of each block; of no rows at all there is one block, without rows."""
    for start in range(0, max(count, 1), size):
        yield slice(start, start + size)
