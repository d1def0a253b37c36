"""Tables of the portfolio come in; grids of cells, each with its name and treatment, go out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from duramen.analysis.portfolio_axes import UNGRADED
from duramen.report.numbers import decimals, money, rows, sentence_of, share

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
        name = " and ".join([", ".join(axes[:-1]), axes[-1]]).capitalize()
        if isinstance(table, str):
            matrices.append(Matrix(name, sentence_of(table), [], None))
        else:
            matrices.append(Matrix(name, _cuts(axes, table, unit, horizon_days), *_grids(axes, table)))
    return matrices


def _grids(axes: Sequence[str], table: pd.DataFrame) -> tuple[list[Grid], dict[str, Any] | None]:
    cells = rows(table, *MONEY)
    graded = [cell for cell in cells if cell["cell"] != UNGRADED]
    ungraded = next((cell for cell in cells if cell["cell"] == UNGRADED), None)
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
    sentences = []
    for axis in axes:
        if axis == "credit":
            sentences.append("Credit is cut among the customers whose grade is known.")
            continue
        levels = [level for level in dict.fromkeys(table[axis]) if level][:-1]
        ends = table.attrs["cuts"][axis][::-1]
        if axis == "loyalty":
            limits = [
                f"more than {share(end)} of the repeat purchases due were made"
                if end > 0
                else "came back at least once"
                for end in ends
            ]
        else:
            digits = decimals(ends)
            limits = [
                f"more than {money(end, digits)} {unit} over {horizon_days:,} days at the own past rate"
                for end in ends
            ]
        sentences += [f"{level.capitalize()}: {limit}." for level, limit in zip(levels, limits, strict=True)]
    return " ".join(sentences)
