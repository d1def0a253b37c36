"""Tables of the portfolio come in; grids of cells, each with its name and treatment, go out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from duramen.analysis.joined import in_a_row, listed
from duramen.analysis.portfolio_axes import UNGRADED
from duramen.language import Sentence, say, translated
from duramen.report.numbers import capital, decimals, money, rows, sentence_of, share

MONEY = ("value_now", "predicted_value")


@dataclass(frozen=True)
class Grid:
    """Two axes of a matrix: a row for each level of the first, a column for each level of the second.

    Parameters
    ----------
    level : str
        The level of the third axis, or empty where there are two axes.
    columns : list of str
        Levels of the second axis.
    rows : list of dict
        ``level`` and its ``cells``, one for each column.
    """

    level: str
    columns: list[str]
    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class Matrix:
    """A matrix of the portfolio, or why there is none.

    Parameters
    ----------
    name : str
        Its axes.
    sentence : str
        Where the levels end, or why there is no matrix.
    grids : list of Grid
        One, or one for each level of the third axis; empty where there is no matrix.
    ungraded : dict or None
        The cell of customers without a credit grade.
    """

    name: str
    sentence: str
    grids: list[Grid]
    ungraded: dict[str, Any] | None


def portfolio_section(
    tables: Mapping[tuple[str, ...], pd.DataFrame | str], unit: str, horizon_days: int
) -> list[Matrix]:
    """Return each matrix of the portfolio.

    Parameters
    ----------
    tables : mapping of tuple of str to DataFrame or str
        By its axes, what ``portfolio`` returns or the sentence that says why there is none.
    unit : str
        Unit of money.
    horizon_days : int

    Returns
    -------
    list of Matrix
    """
    matrices = []
    for axes, table in tables.items():
        name = capital(listed([translated(axis) for axis in axes]))
        if isinstance(table, str):
            matrices.append(Matrix(name, sentence_of(table), [], None))
        else:
            matrices.append(Matrix(name, _cuts(axes, table, unit, horizon_days), *_grids(axes, table)))
    return matrices


def _grids(axes: Sequence[str], table: pd.DataFrame) -> tuple[list[Grid], dict[str, Any] | None]:
    cells = [
        row | {name: translated(str(row[name])) for name in (*axes, "cell", "treatment")}
        for row in rows(table.assign(stored=table["cell"]), *MONEY)
    ]
    graded = [cell for cell in cells if cell["stored"] != UNGRADED]
    ungraded = next((cell for cell in cells if cell["stored"] == UNGRADED), None)
    down, across, *third = axes
    levels = {axis: list(dict.fromkeys(cell[axis] for cell in graded)) for axis in axes}
    at = {tuple(cell[axis] for axis in axes): cell for cell in graded}
    grids = [
        Grid(
            level=" ".join(deep),
            columns=levels[across],
            rows=[
                {"level": row, "cells": [at[row, column, *deep] for column in levels[across]]}
                for row in levels[down]
            ],
        )
        for deep in ([[level] for level in levels[third[0]]] if third else [[]])
    ]
    return grids, ungraded


def _cuts(axes: Sequence[str], table: pd.DataFrame, unit: str, horizon_days: int) -> str:
    """Return above which figure each level but the lowest begins; a grade of credit has no figure."""
    sentences: list[str] = []
    for axis in axes:
        if axis == "credit":
            sentences.append(say("Credit is cut among the customers whose grade is known."))
            continue
        levels = [capital(translated(level)) for level in dict.fromkeys(table[axis]) if level][:-1]
        ends = table.attrs["cuts"][axis][::-1]
        if axis == "loyalty":
            limits = [_loyal(level, end) for level, end in zip(levels, ends, strict=True)]
        else:
            digits = decimals(ends)
            limits = [
                say(
                    "{level}: more than {money} {unit} over {days} days at the customer's past rate.",
                    level=level,
                    money=money(end, digits),
                    unit=unit,
                    days=f"{horizon_days:,}",
                )
                for level, end in zip(levels, ends, strict=True)
            ]
        sentences += limits
    return in_a_row(sentences)


def _loyal(level: str, end: float) -> Sentence:
    if end > 0:
        return say(
            "{level}: more than {share} of the repeat purchases due were made.", level=level, share=share(end)
        )
    return say("{level}: came back at least once.", level=level)
