"""The model beside simpler methods: the scorecard comes in, boards with the best marked and a verdict go out.

A baseline that wins is said to win. Called by the page.
"""

from dataclasses import dataclass
from math import floor, log10

import pandas as pd

from duramen.evaluation.scorecards import OURS
from duramen.report.numbers import DASH, money, share

MONEY = {"MAE", "RMSE"}  # measures in the unit of money
# Errors in money within a thousandth of the best share the mark; they read the same or nearly so in four digits.
ALIKE = 1e-3


@dataclass(frozen=True)
class Measure:
    """One metric of the scorecard.

    Parameters
    ----------
    name, unit, direction : str
        The metric, its unit (empty where it has none), and which way is better.
    figures : list of str
        One text a model, in the board's order.
    best : list of bool
        Which of them are best, those that read the same included.
    """

    name: str
    unit: str
    direction: str
    figures: list[str]
    best: list[bool]


@dataclass(frozen=True)
class Board:
    """The scorecard of one target.

    Parameters
    ----------
    target : str
        What was predicted: value or activity.
    models : list of str
        The columns.
    measures : list of Measure
        The rows.
    verdict : str
        Who wins, in a sentence.
    """

    target: str
    models: list[str]
    measures: list[Measure]
    verdict: str


def boards(scorecard: pd.DataFrame, unit: str) -> list[Board]:
    """Set every metric of the scorecard beside the baselines.

    Parameters
    ----------
    scorecard : DataFrame
        Columns model, target, metric, figure and higher_is_better; where the last is missing
        the figure nearest to zero is best.
    unit : str
        Unit of money, for errors in money.

    Returns
    -------
    list of Board
        One a target, in the order of the table.
    """
    return [_board(str(target), rows, unit) for target, rows in scorecard.groupby("target", sort=False)]


def _board(target: str, rows: pd.DataFrame, unit: str) -> Board:
    models = [str(model) for model in rows["model"].unique()]
    models.sort(key=lambda model: model != OURS)  # ours first, the others as they come
    measures = [
        _measure(str(metric), part, models, unit) for metric, part in rows.groupby("metric", sort=False)
    ]
    return Board(target, models, measures, _verdict(models, measures))


def _measure(metric: str, rows: pd.DataFrame, models: list[str], unit: str) -> Measure:
    figures = (
        rows.assign(model=rows["model"].astype(str))
        .set_index("model")["figure"]
        .astype(float)
        .reindex(models)
    )
    higher = rows["higher_is_better"].iloc[0]
    nearest_zero = bool(pd.isna(higher))
    badness = figures.abs() if nearest_zero else figures * (-1 if higher else 1)
    if metric.upper() in MONEY:
        texts = _amounts(figures)
        # By parts of the figure: how an amount reads depends on the currency.
        best = (badness <= badness.min() * (1 + ALIKE)).to_list()
    else:
        texts = [_figure(metric, figure) for figure in figures]
        winning = {text for text, bad in zip(texts, badness, strict=True) if bad == badness.min()}
        best = [text in winning for text in texts]
    direction = "nearest to 0" if nearest_zero else "higher" if higher else "lower"
    return Measure(
        metric,
        unit if metric.upper() in MONEY else "",
        direction,
        texts,
        [len(models) > 1 and is_best for is_best in best],
    )


def _amounts(figures: "pd.Series[float]") -> list[str]:
    """Write amounts of money with at least four digits each, as many decimals for all."""
    smallest = figures[figures > 0].min()
    digits = 0 if pd.isna(smallest) else max(3 - floor(log10(smallest)), 0)
    return [money(figure, digits) for figure in figures]


def _figure(metric: str, figure: float) -> str:
    if metric.startswith("value captured") or metric.endswith((" error", " explained")):
        return share(figure)
    if "bias" in metric:
        return share(figure, plus=True)
    return money(figure, 3)


def _verdict(models: list[str], measures: list[Measure]) -> str:
    if len(models) == 1:
        return f"Only {models[0]} was measured, so nothing can be said about how it compares."
    if OURS not in models:
        return f"The {OURS} model was not measured here; the best of the others is marked."
    ours = models.index(OURS)
    measured = [measure for measure in measures if measure.figures[ours] != DASH]
    lost: dict[str, list[str]] = {}
    for measure in measured:
        if not measure.best[ours]:
            winners = [model for model, best in zip(models, measure.best, strict=True) if best]
            lost.setdefault(_list(winners), []).append(measure.name)
    won = [measure for measure in measured if measure.best[ours]]
    shared = sum(sum(measure.best) > 1 for measure in won)
    verdict = f"The {OURS} model is best on {len(won) or 'none'} of {len(measured)} measures"
    if shared:
        verdict += f" ({shared} of them shared)"
    beaten = "; ".join(f"{winners} on {_list(names)}" for winners, names in lost.items())
    return f"{verdict}; better than it: {beaten}." if beaten else f"{verdict}."


def _list(names: list[str]) -> str:
    """Join names as a sentence does."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
