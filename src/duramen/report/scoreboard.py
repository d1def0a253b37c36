"""The scorecard comes in; tables of the model beside simpler methods, the best marked, and a verdict go out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10

import pandas as pd

from duramen.evaluation.forecasts import DURAMEN
from duramen.evaluation.registry import Metric, metric
from duramen.report.numbers import DASH, money, share

# Errors in money within a thousandth of the best share the mark; they read the same or nearly so in four digits.
ALIKE = 1e-3


@dataclass(frozen=True)
class Row:
    """One metric of the scorecard.

    Attributes
    ----------
    name, unit, direction, meaning : str
        The metric, its unit of money (empty where it has none), which way is better, and what it is.
    figures : list of str
        One text a model, in the order of the board.
    best : list of bool
        Which of them are best, including those that read the same.
    """

    name: str
    unit: str
    direction: str
    meaning: str
    figures: list[str]
    best: list[bool]


@dataclass(frozen=True)
class Board:
    """The scorecard of one target.

    Attributes
    ----------
    target : str
        What was predicted: value, activity or segments.
    models : list of str
        The columns.
    rows : list of Row
    verdict : str
        Which model is best, in a sentence.
    """

    target: str
    models: list[str]
    rows: list[Row]
    verdict: str


def boards(scorecard: pd.DataFrame, unit: str) -> list[Board]:
    """Set every metric of the scorecard beside the baselines.

    Parameters
    ----------
    scorecard : pandas.DataFrame
        What ``duramen.scorecard`` returns.
    unit : str
        Unit of money, for errors in money.

    Returns
    -------
    list of Board
        One a target, in the order of the table.
    """
    return [_board(str(target), rows, unit) for target, rows in scorecard.groupby("target", sort=False)]


def _board(target: str, table: pd.DataFrame, unit: str) -> Board:
    models = [str(model) for model in table["model"].unique()]
    models.sort(key=lambda model: model != DURAMEN)  # the others in the order of the table
    rows = [
        _row(metric(target, str(name)), part, models, unit)
        for name, part in table.groupby("metric", sort=False)
    ]
    return Board(target, models, rows, _verdict(models, rows))


def _row(of: Metric, table: pd.DataFrame, models: list[str], unit: str) -> Row:
    figures = table.set_index("model")["figure"].astype(float).reindex(models)
    losses = figures.map(of.size) * -of.sign
    texts = _texts(of, figures)
    if of.unit == "money":
        # By ratio, since how an amount reads depends on the currency.
        best = losses <= losses.min() * (1 + ALIKE)
    else:
        winning = {text for text, loss in zip(texts, losses, strict=True) if loss == losses.min()}
        best = pd.Series(texts).isin(winning)
    return Row(
        of.name,
        unit if of.unit == "money" else "",
        of.direction,
        of.meaning,
        texts,
        [bool(is_best) and len(models) > 1 for is_best in best],
    )


def _texts(of: Metric, figures: Sequence[float] | pd.Series[float]) -> list[str]:
    if of.unit == "share":
        return [share(figure, plus=of.higher_is_better is None) for figure in figures]
    if of.unit == "money":
        # Four digits of the smallest, and as many decimals for all.
        smallest = min((figure for figure in figures if isfinite(figure) and figure > 0), default=1000.0)
        return [money(figure, max(3 - floor(log10(smallest)), 0)) for figure in figures]
    return [money(figure, 3) for figure in figures]


def _verdict(models: list[str], rows: list[Row]) -> str:
    if len(models) == 1:
        return f"Only {models[0]} was evaluated, so there is nothing to compare it with."
    if DURAMEN not in models:
        return f"The {DURAMEN} model was not evaluated here; the best of the others is marked."
    own = models.index(DURAMEN)
    known = [row for row in rows if row.figures[own] != DASH]
    lost: dict[str, list[str]] = {}
    for row in known:
        if not row.best[own]:
            winners = [model for model, best in zip(models, row.best, strict=True) if best]
            lost.setdefault(_list(winners), []).append(row.name)
    won = [row for row in known if row.best[own]]
    shared = sum(sum(row.best) > 1 for row in won)
    verdict = f"The {DURAMEN} model is best on {len(won) or 'none'} of {len(known)} metrics"
    if shared:
        verdict += f" ({shared} of them shared)"
    better = "; ".join(f"{winners} on {_list(names)}" for winners, names in lost.items())
    return f"{verdict}; better than it: {better}." if better else f"{verdict}."


def _list(names: list[str]) -> str:
    """Join names as a sentence does."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
