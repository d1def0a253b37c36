"""Fitted models and later transactions come in; which of them forecasts better, and how certain that is, goes out."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from typing import Any, Self

import pandas as pd

from duramen.data.customers import customer_table
from duramen.data.money_unit import compare_units
from duramen.data.transactions import Transactions
from duramen.data.windows import Window
from duramen.errors import InputError
from duramen.evaluation.backtesting import RESAMPLES
from duramen.evaluation.baselines import PAST_SPEND, RECENCY, simple_orders
from duramen.evaluation.comparison import compare, figures_by_cutoff
from duramen.evaluation.forecasts import DURAMEN, Forecast
from duramen.evaluation.holdout import Holdout, forecasts_of, outcomes_of
from duramen.evaluation.registry import DISTRIBUTION, METRICS, ORDER, TOP_FIFTH, Metric
from duramen.evaluation.scorecards import holdout_forecasts
from duramen.language import say, translated
from duramen.scoring.model import CoreCustomerModel

CHALLENGER, CHAMPION = "challenger", "champion"
# Growth follows from these. Each is compared with the simple order that people would use.
SIMPLE = {"value": PAST_SPEND, "activity": RECENCY}
# By name in small letters, with and without the word that repeats the target.
_BY_NAME = {
    name.casefold(): metric
    for metric in METRICS
    if metric.target in SIMPLE and metric.requires != DISTRIBUTION
    for name in (metric.name, metric.name.removeprefix("value "))
}
CHALLENGE_COLUMNS = [
    "target", "metric", CHALLENGER, "rival", "difference", "low", "high", "verdict", "baseline", "baseline_figure",
]  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """When a challenger is better.

    Parameters
    ----------
    metric : str
        The metric that decides, by its name in the backtest, in capital or small letters.
    margin : float
        How much better it must be at least, in the unit of the metric; the lower end of the interval of the difference
        must lie above it. With 0 it must be better at all.
    confidence : float
        Of the interval; the tables of the backtest have 0.95, too.

    Raises
    ------
    InputError
        If the metric is unknown, or a number is out of its range.

    Examples
    --------
    >>> Rule(metric="auc", margin=0.01).deciding_metric.target
    'activity'
    """

    metric: str = TOP_FIFTH
    margin: float = 0.0
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if str(self.metric).casefold() not in _BY_NAME:
            near = difflib.get_close_matches(str(self.metric).casefold(), _BY_NAME, n=1)
            names = dict.fromkeys(metric.name for metric in _BY_NAME.values())
            raise InputError(
                f"no metric is called {self.metric!r}"
                + (
                    f"; did you mean {_BY_NAME[near[0]].name!r}?"
                    if near
                    else f"; choose among {', '.join(names)}."
                )
            )
        if not (_is_number(self.margin) and self.margin >= 0):
            raise InputError(
                f"the margin {self.margin!r} is not a number from 0 on; give by how much a challenger must be better, "
                "for example 0.01."
            )
        if not (_is_number(self.confidence) and 0.5 <= self.confidence < 1):
            raise InputError(
                f"the confidence {self.confidence!r} is not a number from 0.5 to below 1; give one such as 0.95."
            )

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Self:
        """Return a rule from plain values, such as those of a TOML file; what is not set is as by default.

        Raises
        ------
        InputError
            If a setting is unknown or of another kind.
        """
        known = [field.name for field in fields(cls)]
        if unknown := [key for key in settings if key not in known]:
            raise InputError(f"promotion has no setting {unknown[0]!r}; the settings are {', '.join(known)}.")
        return cls(**settings)

    @property
    def deciding_metric(self) -> Metric:
        """The metric that decides."""
        return _BY_NAME[self.metric.casefold()]

    @property
    def ends(self) -> tuple[float, float]:
        """Quantiles at which the interval ends."""
        return (1 - self.confidence) / 2, (1 + self.confidence) / 2


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True)
class Challenge:
    """A challenger and its rival, compared on the same customers.

    Attributes
    ----------
    rule : Rule
    window : Window
        Forecasts made at its cutoff are compared with the outcomes in its horizon.
    customers : int
        Customers they are compared on.
    against_champion : bool
        Whether the rival is the champion; where there is none, it is a simple order of the customers.
    table : pandas.DataFrame
        A row a metric: ``target``, ``metric``, figures of ``challenger`` and ``rival``, ``difference`` (of sizes where
        nearest to zero is best) with its ends ``low`` and ``high``, ``verdict`` ("better", "level", "worse"), and the
        simple order that is the ``baseline``, with its ``baseline_figure``.
    """

    rule: Rule
    window: Window
    customers: int
    against_champion: bool
    table: pd.DataFrame

    @property
    def decisive(self) -> pd.Series[Any]:
        """The row of the metric that decides."""
        rows = self.table[_is_of(self.table, self.rule.deciding_metric)]
        return rows.iloc[0]

    @property
    def won(self) -> bool:
        """Whether the challenger should be the champion.

        Against a champion, the whole interval of its lead must lie above the margin. Without a champion it is enough
        that it is not clearly worse than a simple order, since some model must be the first.
        """
        row = self.decisive
        if not self.against_champion:
            return bool(row["verdict"] != "worse")
        least_lead = min(self.rule.deciding_metric.sign * end for end in (row["low"], row["high"]))
        return bool(row["verdict"] == "better" and least_lead > self.rule.margin)

    @property
    def sentence(self) -> str:
        """The result in words."""
        row, rule = self.decisive, self.rule
        baseline = translated(str(row["baseline"]))
        figures = say(
            "{metric} {challenger} against {rival} of {whom}, difference {difference} ({confidence} % interval {low} "
            "to {high}), {n} customers, {window}",
            metric=translated(rule.deciding_metric.name),
            challenger=f"{row['challenger']:.4f}", rival=f"{row['rival']:.4f}",
            whom=say("the champion") if self.against_champion else baseline,
            difference=f"{row['difference']:+.4f}", confidence=f"{100 * rule.confidence:g}",
            low=f"{row['low']:+.4f}", high=f"{row['high']:+.4f}", n=f"{self.customers:,}",
            window=self.window.in_words(),
        )  # fmt: skip
        if self.against_champion:
            return self._against_champion(figures)
        if self.won:
            return say(
                "There is no champion yet. Compared with a simple ranking of the customers: {figures}.",
                figures=figures,
            )
        return say(
            "There is no champion yet, but {baseline} alone is clearly better: {figures}.",
            baseline=baseline,
            figures=figures,
        )

    def _against_champion(self, figures: str) -> str:
        margin = f"{self.rule.margin:g}"
        if self.decisive["verdict"] == "worse":
            return say("The challenger is clearly worse: {figures}.", figures=figures)
        if self.won and self.rule.margin:
            return say(
                "The challenger is clearly better by more than {margin}: {figures}.",
                margin=margin,
                figures=figures,
            )
        if self.won:
            return say("The challenger is clearly better: {figures}.", figures=figures)
        if self.rule.margin:
            return say(
                "The challenger is not clearly better by more than {margin}: {figures}.",
                margin=margin,
                figures=figures,
            )
        return say("The challenger is not clearly better: {figures}.", figures=figures)


def _is_of(table: pd.DataFrame, metric: Metric) -> pd.Series[bool]:
    return (table["target"] == metric.target) & (table["metric"] == metric.name)


def unseen_window(
    tx: Transactions, models: Sequence[CoreCustomerModel], cutoff: date | str | None = None
) -> Window:
    """Return the window in which models can be compared on outcomes that none of them has seen.

    It is as long as their horizon, and starts at ``cutoff`` or at the latest day with a complete horizon after it.

    Raises
    ------
    InputError
        If the models forecast different horizons or units, one of them learned from days after the cutoff, or the
        transactions end before the horizon does.
    """
    for what, found in (
        ("forecast different horizons", {f"{model.window_.horizon} days" for model in models}),
        ("count in different units", {model.unit_ for model in models}),
    ):
        if len(found) > 1:
            raise InputError(
                f"challenger and champion {what} ({' and '.join(sorted(found))}), so they cannot be compared; train "
                "the challenger as the champion was, or give it another `name`."
            )
    learned = max(model.window_.cutoff for model in models)
    horizon, after_the_last = models[0].window_.horizon, tx.last_date + timedelta(days=1)
    least = Window(learned, horizon)
    if after_the_last < least.end:
        raise InputError(
            f"{tx.source} ends on {tx.last_date}, and challenger and champion learned from days before {learned}: "
            f"{max((after_the_last - learned).days, 0)} later days are too few to evaluate a forecast over {horizon}; "
            f"give orders up to {least.end - timedelta(days=1)}, or train a challenger with an earlier `cutoff`."
        )
    latest = Window(after_the_last - timedelta(days=horizon), horizon)
    window = latest if cutoff is None else Window(cutoff, horizon)
    if not learned <= window.cutoff <= latest.cutoff:
        raise InputError(
            f"{window} cannot be used: challenger and champion learned from days before {learned}, and {tx.source} "
            f"ends on {tx.last_date}; choose a cutoff from {learned} to {latest.cutoff}."
        )
    return window


def challenge(
    challenger: CoreCustomerModel,
    champion: CoreCustomerModel,
    tx: Transactions,
    window: Window,
    rule: Rule | None = None,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Challenge:
    """Compare a challenger with the champion in a window whose outcomes neither has seen.

    Parameters
    ----------
    challenger, champion : CoreCustomerModel
    tx : Transactions
    window : Window
        ``unseen_window(tx, [challenger, champion])``.
    rule : Rule, optional
    seed, resamples : int
        Of the bootstrap over customers; the same drawn customers serve both.

    Raises
    ------
    InputError
        If the metric that decides has no figure there, as where no customer bought, or the orders are in another unit
        of money than the models.
    """
    for model in (challenger, champion):
        compare_units(model.unit_, tx.unit, tx.source)
    customers = customer_table(tx, window.cutoff)
    forecasts = [
        forecast
        for name, model in ((CHALLENGER, challenger), (CHAMPION, champion))
        for forecast in forecasts_of(model.predict(customers, with_reasons=False), name)
    ]
    holdout = Holdout(
        window,
        customers[["customer_id"]],
        [forecast for forecast in forecasts if forecast.target in SIMPLE] + _simple(simple_orders(customers)),
        outcomes_of(tx, window, customers),
    )
    return _challenge(holdout, rule or Rule(), CHAMPION, seed, resamples)


def challenge_simple_orders(
    challenger: CoreCustomerModel, rule: Rule | None = None, *, seed: int = 0, resamples: int = RESAMPLES
) -> Challenge:
    """Compare a model that has no champion before it with simple orders, on the customers of its holdout.

    Its training kept them out, so no later transactions are needed. An order is no forecast of money or probability: a
    rule whose metric requires one is replaced by the default metric.

    Raises
    ------
    InputError
        If the metric that decides has no figure there.
    """
    rule, customers = rule or Rule(), challenger.holdout_
    if rule.deciding_metric.requires != ORDER:
        rule = replace(rule, metric=Rule.metric)
    forecasts = holdout_forecasts(customers)
    holdout = Holdout(
        challenger.holdout_window_,
        customers[["customer_id"]],
        [replace(forecast, model=CHALLENGER) for forecast in forecasts if forecast.model == DURAMEN]
        + _simple(forecasts),
        {
            "value": customers["actual_value"].to_numpy(),
            "activity": customers["active"].to_numpy(dtype=float),
        },
    )
    return _challenge(holdout, rule, None, seed, resamples)


def _simple(forecasts: list[Forecast]) -> list[Forecast]:
    return [forecast for forecast in forecasts if SIMPLE[forecast.target] == forecast.model]


def _challenge(holdout: Holdout, rule: Rule, rival: str | None, seed: int, resamples: int) -> Challenge:
    figures = figures_by_cutoff([holdout])
    simple = figures[~figures["model"].isin((CHALLENGER, CHAMPION))]
    compared = figures[figures["model"].isin((CHALLENGER, rival))] if rival else figures
    found = compare(
        [holdout], compared, seed=seed, resamples=resamples, model=CHALLENGER, ends=rule.ends
    ).dropna(subset=["cutoff"])
    baselines = simple[["target", "metric", "model", "figure"]].set_axis(
        ["target", "metric", "baseline", "baseline_figure"], axis=1
    )
    table = (
        found.rename(columns={"figure": CHALLENGER, "baseline_figure": "rival"})
        .drop(columns="baseline")
        .merge(baselines, on=["target", "metric"], how="left", validate="one_to_one")
        .loc[:, CHALLENGE_COLUMNS]
    )
    if not _is_of(table, rule.deciding_metric).any():
        raise InputError(
            f"{rule.deciding_metric.name!r} has no figure over {holdout.window} for {len(holdout.scores):,} customers, "
            "so it cannot decide; choose another `cutoff` or `metric`."
        )
    return Challenge(rule, holdout.window, len(holdout.scores), rival is not None, table)
