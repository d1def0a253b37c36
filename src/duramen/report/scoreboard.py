"""The scorecard comes in; tables of the model beside simpler methods, the best marked, and a verdict go out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10

import pandas as pd

from duramen.analysis.joined import in_a_row, listed
from duramen.evaluation.forecasts import DURAMEN
from duramen.evaluation.registry import Metric, metric
from duramen.language import Sentence, marked, say, say_joined, translated
from duramen.report.numbers import DASH, TIMES, digits_apart, money, share, spaced

# Errors in money that differ by less, as a share of the best, are equal but for rounding.
ALIKE = 1e-6
# How the page calls what is predicted; growth and growing are too alike.
TARGETS = {
    "value": marked("value"),
    "activity": marked("activity"),
    "growth": marked("change of spend"),
    "growing": marked("whether spend rises"),
    "segments": marked("segments"),
}


@dataclass(frozen=True)
class Row:
    """One metric of the scorecard.

    Attributes
    ----------
    name, unit, direction, meaning : str
        The metric, its unit of money (empty where it has none), which way is better, and what it is.
    figures : list of str
        One text for each model, in the order of the board.
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
        What was predicted, in words.
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
    shown = translated(TARGETS[target]) if target in TARGETS else target
    return Board(shown, list(map(model_in_words, models)), rows, _verdict(models, rows))


def _row(of: Metric, table: pd.DataFrame, models: list[str], unit: str) -> Row:
    figures = table.set_index("model")["figure"].astype(float).reindex(models)
    losses = figures.map(of.size) * -of.sign
    texts = _texts(of, figures)
    if of.unit == "money":
        # By ratio, since how an amount reads depends on the currency; those that are not equal read differently.
        best = losses <= losses.min() * (1 + ALIKE)
    else:
        winning = {text for text, loss in zip(texts, losses, strict=True) if loss == losses.min()}
        best = pd.Series(texts).isin(winning)
    return Row(
        spaced(translated(of.name)),
        unit if of.unit == "money" else "",
        translated(of.direction),
        spaced(translated(of.meaning)),
        texts,
        [bool(is_best) and len(models) > 1 for is_best in best],
    )


def _texts(of: Metric, figures: Sequence[float] | pd.Series[float]) -> list[str]:
    if of.unit == "share":
        return [share(figure, plus=of.higher_is_better is None) for figure in figures]
    if of.unit == "money":
        # Four digits of the smallest and as many decimals for all, or more where one that is not equal reads the same.
        known = [figure for figure in figures if isfinite(figure) and figure > 0]
        smallest = min(known, default=1000.0)
        least = max(3 - floor(log10(smallest)), 0)
        others = [figure for figure in known if figure > smallest * (1 + ALIKE)]
        digits = max(
            (digits_apart(smallest, other, least=least, most=least + 4) for other in others), default=least
        )
        return [money(figure, digits) for figure in figures]
    return [money(figure, 3) for figure in figures]


def _verdict(models: list[str], rows: list[Row]) -> str:
    if len(models) == 1:
        return say(
            "Only {model} was evaluated, so there is nothing to compare it with.",
            model=model_in_words(models[0]),
        )
    if DURAMEN not in models:
        return say(
            "The {model} model was not evaluated here; the best of the others is marked.", model=DURAMEN
        )
    own = models.index(DURAMEN)
    known = [row for row in rows if row.figures[own] != DASH]
    lost: dict[str, list[str]] = {}
    for row in known:
        if not row.best[own]:
            winners = [model_in_words(model) for model, best in zip(models, row.best, strict=True) if best]
            lost.setdefault(listed(winners), []).append(row.name)
    won = [row for row in known if row.best[own]]
    shared = sum(sum(row.best) > 1 for row in won)
    better = [
        say("{models} on {metrics}", models=winners, metrics=listed(names)) for winners, names in lost.items()
    ]
    return _sentence(len(won), len(known), shared, better)


def _sentence(won: int, known: int, shared: int, better: list[Sentence]) -> str:
    """Return on how many metrics the model is best, how many of these it shares, and what is better on which."""
    values = {"model": DURAMEN, "won": won, "known": known}
    if not won:
        sentence = say("The {model} model is best on none of {known} metrics.", **values)
    elif shared:
        sentence = say(
            "The {model} model is best on {won} of {known} metrics ({shared} of them shared).",
            **values,
            shared=shared,
        )
    else:
        sentence = say("The {model} model is best on {won} of {known} metrics.", **values)
    if not better:
        return sentence
    others = say("Better than it: {models}.", models=say_joined(marked("{one}; {other}"), better))
    return in_a_row([sentence, others])


def model_in_words(model: str) -> str:
    """Return the name of a model in the language that is set; the names of its two parts are translated each.

    Examples
    --------
    >>> model_in_words("BTYD x gamma-gamma").replace(TIMES, "times")
    'BTYD times gamma-gamma'
    """
    return f" {TIMES} ".join(translated(part) for part in model.split(" x "))
