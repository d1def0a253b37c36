"""A ranking and its customer table come in; matrices of loyalty, size and credit go out, with a treatment by cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from duramen.analysis.portfolio_axes import DEFAULT_AXES, LOYALTY_BY_SIZE, MATRICES, UNGRADED, Axes, Axis
from duramen.data.ids import find_ids
from duramen.errors import InputError
from duramen.forecast.growth import past_value
from duramen.language import marked, say
from duramen.segments.behaviour import base_gap, silence_in_gaps

NEEDED = ("customer_id", "predicted_value", "growth_potential", "churn_probability")


def loyalty(customers: pd.DataFrame) -> np.ndarray:
    """Return the repeat purchases made as a share of those due by the customer's typical gap, from 0 to below 1.

    ``frequency / (frequency + time_since_last / typical gap)``: the second term is the number of purchases that are
    missing since the last one. It joins frequency, recency and rhythm in one figure without money, so that it does not
    repeat the axis of size. Customers without a repeat purchase have 0. The typical gap of a customer with few gaps is
    shrunk towards that of all (`duramen.segments.behaviour.typical_gap`).

    Parameters
    ----------
    customers : pandas.DataFrame
        Customer table with ``frequency``, ``gap_mean``, ``time_since_last`` and ``T``.

    Examples
    --------
    >>> customers = pd.DataFrame({"frequency": [8.0, 8.0, 0.0], "gap_mean": [30.0, 30.0, np.nan],
    ...                           "time_since_last": [30.0, 240.0, 5.0], "T": [270.0, 480.0, 5.0]})
    >>> loyalty(customers).round(2).tolist()
    [0.89, 0.5, 0.0]
    """
    frequency = customers["frequency"].to_numpy(dtype=float)
    due = frequency + silence_in_gaps(customers, base_gap(customers))
    share: np.ndarray = np.divide(frequency, due, out=np.zeros(len(due)), where=due > 0)
    return share


def place_customers(
    ranking: pd.DataFrame,
    customers: pd.DataFrame,
    horizon: int,
    matrix: tuple[str, ...] = LOYALTY_BY_SIZE,
    credit: pd.Series[Any] | None = None,
    axes: Axes = DEFAULT_AXES,
) -> pd.DataFrame:
    """Place each customer in a cell of a matrix.

    Parameters
    ----------
    ranking : pandas.DataFrame
        What ``rank_core_customers`` or ``CoreCustomerModel.predict`` returns.
    customers : pandas.DataFrame
        ``customer_table`` that it was made of.
    horizon : int
        Days of the forecast, over which money is counted.
    matrix : tuple of str
        One of ``MATRICES``.
    credit : pandas.Series, optional
        Grade or number by customer id; customers who are not ranked are left out.
    axes : Axes
        Levels, cuts and names.

    Returns
    -------
    pandas.DataFrame
        A row for each customer in the order of the ranking: ``customer_id``, ``cell``, the level on each axis of the
        matrix (``loyalty``, ``size``, ``credit``), the values that were cut (``loyalty_share``, ``size_value``),
        ``value_now`` (net money at the own past rate over the horizon), ``predicted_value``, ``growth_potential`` and
        ``churn_probability``. ``attrs["cuts"]`` has the upper bounds of the levels of each axis.

    Raises
    ------
    InputError
        If a credit matrix is asked for without credit, a ranked customer is not in the table or twice in it, or all
        customers are equal on an axis.
    """
    if matrix not in MATRICES:
        raise InputError(
            f"there is no matrix {matrix!r}; the matrices are {', '.join(map(' x '.join, MATRICES))}."
        )
    if missing := [name for name in NEEDED if name not in ranking]:
        raise InputError(f"the ranking lacks {', '.join(missing)}; give what rank_core_customers returns.")
    rows = rows_of(ranking, customers)
    placed = ranking[list(NEEDED)].reset_index(drop=True)
    placed["value_now"] = past_value(rows, horizon)
    placed["loyalty_share"] = loyalty(customers)[rows.index]
    placed["size_value"] = placed["value_now" if axes.size_from == "past" else "predicted_value"]
    values = {"loyalty": placed["loyalty_share"].to_numpy(), "size": placed["size_value"].to_numpy()}
    if "credit" in matrix:
        values["credit"] = _credit(placed["customer_id"], credit, axes.credit_grades)
    cuts: dict[str, list[float]] = {}
    levels = np.full((len(placed), len(matrix)), -1)
    for column, name in enumerate(matrix):
        axis, known = axes.axis(name), ~np.isnan(values[name])
        _refuse_equal(name, axis, values[name][known])
        cuts[name] = axis.ends(values[name][known]).tolist()
        levels[known, column] = axis.place(values[name][known])
        placed[name] = pd.Series(
            np.array([*axis.levels, UNGRADED], dtype=object)[levels[:, column]], dtype=object
        )
    named = {place: axes.cell(matrix, place).name for place in axes.places(matrix)}
    placed["cell"] = pd.Series([named.get(tuple(place), UNGRADED) for place in levels.tolist()], dtype=object)
    placed.attrs["cuts"] = cuts
    first = ["customer_id", "cell", *matrix, "loyalty_share", "size_value", "value_now"]
    return placed[[*first, *NEEDED[1:]]]


def portfolio(
    ranking: pd.DataFrame,
    customers: pd.DataFrame,
    horizon: int,
    matrix: tuple[str, ...] = LOYALTY_BY_SIZE,
    credit: pd.Series[Any] | None = None,
    axes: Axes = DEFAULT_AXES,
    then_spent: pd.Series[float] | None = None,
) -> pd.DataFrame:
    """Return a row for each cell: its customers, their value now and predicted, and their treatment.

    Parameters
    ----------
    ranking, customers, horizon, matrix, credit, axes
        As ``place_customers`` takes them.
    then_spent : pandas.Series, optional
        Net money of each customer in the horizon, by customer id, if it has passed.

    Returns
    -------
    pandas.DataFrame
        ``cell``, its levels, ``customers``, ``share_of_customers``, then totals of money over the horizon
        ``value_now``, ``predicted_value`` and ``growth_potential``, ``share_of_value_now``, the mean
        ``churn_probability_mean``, the mean ``then_spent_mean`` where it is given, and ``treatment``. Empty cells have
        0 customers, and their means are missing. Customers without a credit grade have a row of their own where others
        have one. ``attrs["cuts"]`` has the upper bounds of the levels.

    Raises
    ------
    InputError
        As ``place_customers`` does, and if ``then_spent`` lacks a customer.
    """
    placed = place_customers(ranking, customers, horizon, matrix, credit, axes)
    cells = [
        (*axes.cell(matrix, place), *axes.key(matrix, place).split(", ")) for place in axes.places(matrix)
    ]
    if (placed["cell"] == UNGRADED).any():
        cells.append((UNGRADED, marked("ask for a credit grade"), *[""] * len(matrix)))
    table = pd.DataFrame(cells, columns=["cell", "treatment", *matrix]).set_index("cell")
    if then_spent is not None:
        placed["then_spent"] = spent_after(placed["customer_id"], then_spent)
    by = placed.groupby("cell")
    table["customers"] = by.size().reindex(table.index, fill_value=0)
    table["share_of_customers"] = table["customers"] / len(placed)
    for column in ("value_now", "predicted_value", "growth_potential"):
        table[column] = by[column].sum().reindex(table.index, fill_value=0.0)
    total = table["value_now"].sum()
    table["share_of_value_now"] = table["value_now"] / total if total > 0 else np.nan
    table["churn_probability_mean"] = by["churn_probability"].mean()
    if then_spent is not None:
        table["then_spent_mean"] = by["then_spent"].mean()
    table["treatment"] = table.pop("treatment")
    table.attrs["cuts"] = placed.attrs["cuts"]
    return table.reset_index()


def spent_after(ids: pd.Series[Any], then_spent: pd.Series[float]) -> np.ndarray:
    """Return the money of each customer from a Series by customer id, which must have all of them once."""
    found = _by_customer(ids, then_spent, "then_spent")
    if (missing := found.isna().to_numpy()).any():
        raise InputError(
            f"then_spent lacks {missing.sum():,} customers (for example {ids[missing].iloc[0]!r}); give net "
            "money in the horizon by customer id, 0 where there was none."
        )
    return found.to_numpy(dtype=float)


def _by_customer(ids: pd.Series[Any], values: pd.Series[Any], name: str) -> pd.Series[Any]:
    place = find_ids(ids, values.index, name)
    found = values.iloc[place].set_axis(pd.Index(ids))
    return found.where(place >= 0)


def rows_of(ranking: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    """Return the customer table's row of each ranked customer, with its position as the index."""
    known = pd.Index(customers["customer_id"])
    if not (known.is_unique and ranking["customer_id"].is_unique):
        raise InputError("a customer has two rows in the ranking or in the customer table; give one each.")
    place = known.get_indexer(pd.Index(ranking["customer_id"]))
    if (unknown := place < 0).any():
        raise InputError(
            f"{unknown.sum():,} ranked customers are not in the customer table (for example "
            f"{ranking['customer_id'][unknown].iloc[0]!r}); give the table that was scored."
        )
    rows: pd.DataFrame = customers.reset_index(drop=True).iloc[place]
    return rows


def _credit(ids: pd.Series[Any], credit: pd.Series[Any] | None, grades: tuple[Any, ...]) -> np.ndarray:
    """Return credit as a number of which more is better, missing where it is unknown."""
    if credit is None:
        raise InputError(
            "this matrix needs the credit of each customer; give a Series by customer id, for example the credit "
            "column of a customer table, or ask for loyalty x size."
        )
    known = _by_customer(ids, credit, "credit")
    known = known.where(known.notna(), None)
    if known.isna().all():
        raise InputError(
            say(
                "credit is known of none of the {customers} customers; index it by their ids, for example {example}.",
                customers=f"{len(ids):,}",
                example=repr(ids.iloc[0]),
            )
        )
    numbers = pd.to_numeric(known, errors="coerce")
    if not grades and numbers.notna().eq(known.notna()).all():
        return numbers.to_numpy(dtype=float)
    found = known.dropna().unique().tolist()
    order = list(grades) or sorted(found, key=_letter_grade)
    if unknown := [grade for grade in found if grade not in order]:
        raise InputError(
            say(
                "credit has the grade {grade}, which is none of {grades}; give credit_grades, all of them and the best "
                "first.",
                grade=repr(unknown[0]),
                grades=", ".join(map(str, order)),
            )
        )
    return known.map({grade: float(-place) for place, grade in enumerate(order)}).to_numpy(dtype=float)


def _letter_grade(grade: Any) -> tuple[str, int, int]:
    """Return the sort key of letter grades, the best first: AAA, AA+, AA, A, A-, BBB, B, C."""
    text = str(grade).strip().upper()
    letters = text.rstrip("+-")
    if not (
        letters.isalpha() and letters.isascii() and len(set(letters)) == 1 and len(text) - len(letters) < 2
    ):
        raise InputError(
            say(
                "credit has the grade {grade}, whose order is not known; give credit_grades, the best first.",
                grade=repr(grade),
            )
        )
    return letters[0], -len(letters), {"+": -1, "-": 1}.get(text[-1], 0)


def _refuse_equal(name: str, axis: Axis, values: np.ndarray) -> None:
    if axis.by == "quantile" and np.ptp(values) == 0:
        raise InputError(
            say(
                "all {customers} customers have the same {axis} ({value}), so that they cannot be divided into shares; "
                "give cuts of {axis} by value, or leave the axis out.",
                customers=f"{len(values):,}",
                axis=say(name),
                value=f"{values[0]:g}",
            )
        )
