"""Fitted models and later transactions come in; which of them foresaw better, and how surely, goes out.

Called by the command line before a model is promoted.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from typing import Any, Self

import pandas as pd

from duramen.data.customers import customer_table
from duramen.data.transactions import Transactions
from duramen.data.windows import Window
from duramen.errors import InputError
from duramen.evaluation.backtesting import RESAMPLES
from duramen.evaluation.baselines import Forecast
from duramen.evaluation.comparison import compare, measured
from duramen.evaluation.holdout import HeldOut, forecasts_of, what_came
from duramen.evaluation.registry import MEASURES, Measure
from duramen.scoring.model import CoreCustomerModel

CHALLENGER, CHAMPION = "challenger", "champion"
# What a model forecasts itself; growth and its potential follow from these.
TARGETS = ("value", "activity")
# By its name in small letters, with and without the word that the target tells anyway.
JUDGED_BY = {
    name.casefold(): measure
    for measure in MEASURES
    if measure.target in TARGETS
    for name in (measure.name, measure.name.removeprefix("value "))
}
DUEL_COLUMNS = [
    "target", "metric", CHALLENGER, "rival", "difference", "low", "high", "verdict", "plain", "plain_figure",
]  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """When a challenger is better.

    Parameters
    ----------
    metric : str
        The measure that decides, by its name in the backtest; small letters will do.
    margin : float
        How much better it must be at least, in the unit of the measure; the lower end of the interval of the
        difference must lie above it. 0 asks that it be better at all, which is what a new model owes the one in use.
    confidence : float
        Of the interval: 0.95 is what the tables of the backtest have, too.

    Raises
    ------
    InputError
        If one of them is no such thing.

    Examples
    --------
    >>> Rule(metric="auc", margin=0.01).measure.target
    'activity'
    """

    metric: str = "value captured at top 20 %"
    margin: float = 0.0
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if str(self.metric).casefold() not in JUDGED_BY:
            near = difflib.get_close_matches(str(self.metric).casefold(), JUDGED_BY, n=1)
            names = dict.fromkeys(measure.name for measure in JUDGED_BY.values())
            raise InputError(
                f"no metric is called {self.metric!r}"
                + (
                    f"; did you mean {JUDGED_BY[near[0]].name!r}?"
                    if near
                    else f"; choose among {', '.join(names)}."
                )
            )
        if not (_is_number(self.margin) and self.margin >= 0):
            raise InputError(
                f"the margin {self.margin!r} is no number from 0 on; give by how much a challenger must be better, for "
                "example 0.01."
            )
        if not (_is_number(self.confidence) and 0.5 <= self.confidence < 1):
            raise InputError(
                f"the confidence {self.confidence!r} is no number from 0.5 to below 1; give one such as 0.95."
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
        if strange := [key for key in settings if key not in known]:
            raise InputError(f"promotion has no setting {strange[0]!r}; the settings are {', '.join(known)}.")
        return cls(**settings)

    @property
    def measure(self) -> Measure:
        """The measure that decides."""
        return JUDGED_BY[self.metric.casefold()]

    @property
    def ends(self) -> tuple[float, float]:
        """Quantiles at which the interval ends."""
        return (1 - self.confidence) / 2, (1 + self.confidence) / 2


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True)
class Duel:
    """A challenger and its rival, judged on the same customers.

    Attributes
    ----------
    rule : Rule
    window : Window
        The fold: what was foreseen at its cutoff is set beside what came in its horizon.
    customers : int
        Those who were judged.
    against_champion : bool
        Whether the rival is the champion; where there is none, it is a plain order of the customers.
    table : pandas.DataFrame
        A row a measure: ``target``, ``metric``, figures of ``challenger`` and ``rival``, ``difference`` (of sizes where
        nearest to zero is best) with its ends ``low`` and ``high``, ``verdict`` ("better", "level", "worse"), and the
        ``plain`` order beside both, with its ``plain_figure``.
    """

    rule: Rule
    window: Window
    customers: int
    against_champion: bool
    table: pd.DataFrame

    @property
    def decisive(self) -> pd.Series[Any]:
        """The row of the measure that decides."""
        measure = self.rule.measure
        rows = self.table[(self.table["target"] == measure.target) & (self.table["metric"] == measure.name)]
        return rows.iloc[0]

    @property
    def won(self) -> bool:
        """Whether the challenger is to be the champion.

        Against a champion its lead must be sure, and above the margin. Where there is none, it is enough that it is not
        surely worse than a plain order: somebody must be the first.
        """
        row = self.decisive
        if not self.against_champion:
            return bool(row["verdict"] != "worse")
        sure_lead = min(self.rule.measure.direction * end for end in (row["low"], row["high"]))
        return bool(row["verdict"] == "better" and sure_lead > self.rule.margin)

    @property
    def sentence(self) -> str:
        """What came out, in words."""
        row, rule = self.decisive, self.rule
        told = (
            f"{rule.measure.name} {row['challenger']:.4f} against {row['rival']:.4f} of "
            f"{'the champion' if self.against_champion else row['plain']}, difference {row['difference']:+.4f} "
            f"({100 * rule.confidence:g} % interval {row['low']:+.4f} to {row['high']:+.4f}), "
            f"{self.customers:,} customers, {self.window}"
        )
        if self.against_champion:
            if row["verdict"] == "worse":
                return f"The challenger is surely worse: {told}."
            by = "" if rule.margin == 0 else f" by more than {rule.margin:g}"
            return f"The challenger is {'surely' if self.won else 'not surely'} better{by}: {told}."
        if self.won:
            return (
                f"There is no champion, so there was no duel; beside a plain order of the customers: {told}."
            )
        return f"There is no champion, but {row['plain']} alone does surely better: {told}."


def later_fold(
    tx: Transactions, models: Sequence[CoreCustomerModel], cutoff: date | str | None = None
) -> Window:
    """Return the window in which models can be judged on what none of them has seen.

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
            f"{max((after_the_last - learned).days, 0)} later days are too few to judge a forecast over {horizon}; "
            f"give orders up to {least.end - timedelta(days=1)}, or train a challenger with an earlier `cutoff`."
        )
    latest = Window(after_the_last - timedelta(days=horizon), horizon)
    window = latest if cutoff is None else Window(cutoff, horizon)
    if not learned <= window.cutoff <= latest.cutoff:
        raise InputError(
            f"{window} cannot be judged: challenger and champion learned from days before {learned}, and {tx.source} "
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
) -> Duel:
    """Set a challenger against the champion in a window whose outcomes neither has seen.

    Parameters
    ----------
    challenger, champion : CoreCustomerModel
    tx : Transactions
    window : Window
        ``later_fold(tx, [challenger, champion])``.
    rule : Rule, optional
    seed, resamples : int
        Of the bootstrap over customers; the same drawn customers serve both.

    Raises
    ------
    InputError
        If the measure that decides has no figure there, as where nobody bought.
    """
    rule = rule or Rule()
    customers = customer_table(tx, window.cutoff)
    forecasts = [
        told
        for name, model in ((CHALLENGER, challenger), (CHAMPION, champion))
        for told in forecasts_of(model.predict(customers, with_reasons=False), name)
    ]
    held = HeldOut(
        window,
        customers[["customer_id"]],
        [told for told in forecasts if told.target in TARGETS] + _plain_orders(customers),
        what_came(tx, window, customers),
    )
    return _duel(held, rule, CHAMPION, seed, resamples)


def first_duel(
    challenger: CoreCustomerModel, rule: Rule | None = None, *, seed: int = 0, resamples: int = RESAMPLES
) -> Duel:
    """Set a model that has no champion before it against plain orders of the customers that it was judged on.

    Its training held them out, so no later transactions are needed. An order is no forecast of money or probability: a
    rule that asks for one gives way to the default measure.

    Raises
    ------
    InputError
        If the measure that decides has no figure there.
    """
    rule, judged = rule or Rule(), challenger.holdout_
    if rule.measure.asks_for != "order":
        rule = replace(rule, metric=Rule.metric)
    held = HeldOut(
        challenger.holdout_window_,
        judged[["customer_id"]],
        [
            Forecast(CHALLENGER, "value", "money", judged["predicted_value"].to_numpy()),
            Forecast(CHALLENGER, "activity", "probability", judged["probability_active"].to_numpy()),
            *_plain_orders(judged.rename(columns={"past_spend": "net_spend"})),
        ],
        {"value": judged["actual_value"].to_numpy(), "activity": judged["active"].to_numpy(dtype=float)},
    )
    return _duel(held, rule, None, seed, resamples)


def _plain_orders(customers: pd.DataFrame) -> list[Forecast]:
    """Return what anybody would sort customers by."""
    return [
        Forecast("past spend", "value", "order", customers["net_spend"].to_numpy()),
        Forecast("recency", "activity", "order", -customers["time_since_last"].to_numpy()),
    ]


def _duel(held: HeldOut, rule: Rule, rival: str | None, seed: int, resamples: int) -> Duel:
    figures = measured([held])
    plain = figures[~figures["model"].isin((CHALLENGER, CHAMPION))]
    fighting = figures[figures["model"].isin((CHALLENGER, rival))] if rival else figures
    found = compare([held], fighting, seed=seed, resamples=resamples, ours=CHALLENGER, ends=rule.ends).dropna(
        subset=["cutoff"]
    )
    beside = plain[["target", "metric", "model", "figure"]].set_axis(
        ["target", "metric", "plain", "plain_figure"], axis=1
    )
    table = (
        found.rename(columns={"ours": CHALLENGER, "baseline_figure": "rival"})
        .merge(beside, on=["target", "metric"], how="left", validate="one_to_one")
        .loc[:, DUEL_COLUMNS]
    )
    duel = Duel(rule, held.window, len(held.scores), rival is not None, table)
    measure = rule.measure
    if not ((table["target"] == measure.target) & (table["metric"] == measure.name)).any():
        raise InputError(
            f"{measure.name!r} has no figure over {held.window} for {len(held.scores):,} customers, so nothing can be "
            "decided by it; choose another fold by `cutoff`, or another `metric`."
        )
    return duel
