"""A table of an outside market index comes in; its level by day goes out, checked."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from duramen.data.amounts import choose_forms, parse_amount
from duramen.data.dates import choose_date_format, parse_date
from duramen.data.file_columns import Opened
from duramen.data.sources import open_source, source_name
from duramen.data.workspace import open_workspace
from duramen.errors import InputError

if TYPE_CHECKING:
    import ibis

COLUMNS = ("date", "level")


def read_market_index(
    source: Any, decimal: str | None = None, assumed: list[str] | None = None
) -> pd.DataFrame:
    """Return the level of an outside market by date: an index of an industry, a region or an economy.

    Parameters
    ----------
    source : str, Path or DataFrame
        CSV or Parquet, or a frame, with the columns ``date`` and ``level`` (above 0, in any unit). A row is of any
        length of time, such as a month; its level applies from its date until the next one.
    decimal : str, optional
        Decimal mark of levels in text; found by itself where they show it.
    assumed : list of str, optional
        Is given what the reading decided by itself.

    Returns
    -------
    pandas.DataFrame
        ``date`` and ``level``, the earliest first.

    Raises
    ------
    InputError
        If the source cannot be read, lacks a column, has fewer than two rows, a date that cannot be read or that is
        there twice, or a level that is not a number above 0 or that never changes.

    Examples
    --------
    >>> months = pd.DataFrame({"date": ["2011-02-01", "2011-01-01"], "level": [98.5, 100]})
    >>> read_market_index(months)["level"].tolist()
    [100.0, 98.5]
    """
    name, assumed = source_name(source), [] if assumed is None else assumed
    table = open_source(open_workspace(), source, Opened(assumed))
    if missing := [column for column in COLUMNS if column not in table.columns]:
        raise InputError(
            f"the market index {name} has no column {' or '.join(missing)}; its columns are "
            f"{', '.join(map(repr, table.columns))}; give one row a period with date and level."
        )
    index = _parsed(table, name, decimal, assumed)
    again = index.loc[index["date"].duplicated(), "date"]
    if len(again):
        raise InputError(
            f"{len(again):,} dates are there twice in the market index {name}, for example {again.iloc[0]:%Y-%m-%d}; "
            "give one level a date."
        )
    if len(index) < 2 or index["level"].nunique() < 2:
        raise InputError(
            f"the market index {name} has {len(index):,} rows, and its level never changes; give a market that moves."
        )
    return index.sort_values("date", ignore_index=True)


def _parsed(table: ibis.Table, name: str, decimal: str | None, assumed: list[str]) -> pd.DataFrame:
    """Return dates and levels as they are in the source, none of them missing."""
    where = f"the market index {name}"
    try:
        day = choose_date_format(table, "date", None, where).name
    except InputError:
        # The rows that do not read are refused below.
        day = "iso"
    form = choose_forms(table, ["level"], decimal, where, assumed)["level"]
    rows = table.select(
        date=parse_date(table.date, day),
        level=parse_amount(table.level, form),
        date_text=table.date.cast("string"),
        level_text=table.level.cast("string"),
    ).to_pyarrow()
    index: pd.DataFrame = rows.to_pandas()
    level = index["level"].astype(float)
    for column, bad, what_to_do in (
        ("date", index["date"].isna(), "write days such as 2011-06-01"),
        ("level", ~(level > 0) | ~np.isfinite(level), "write numbers above 0 such as 98.5"),
    ):
        if bad.any():
            example = index.loc[bad, f"{column}_text"].iloc[0]
            raise InputError(
                f"{column} of the market index {name} cannot be used in {bad.sum():,} of {len(index):,} rows, for "
                f"example {example!r}; {what_to_do}."
            )
    return pd.DataFrame({"date": pd.to_datetime(index["date"]), "level": level})


def index_by_period(index: pd.DataFrame, starts: list[date], days: int) -> np.ndarray:
    """Return the mean level over periods that follow each other, shape (P,), NaN where the index does not cover one.

    Parameters
    ----------
    index : pandas.DataFrame
        What ``read_market_index`` returns. Its last level applies as long as the one before it.
    starts : list of date
        First day of each period.
    days : int
        Length of each.

    Examples
    --------
    >>> index = pd.DataFrame({"date": pd.to_datetime(["2011-01-01", "2011-01-05"]), "level": [1.0, 3.0]})
    >>> index_by_period(index, [date(2011, 1, 1), date(2011, 1, 3), date(2011, 1, 7)], 4).tolist()
    [1.0, 2.0, nan]
    """
    if not starts:
        return np.empty(0)
    dates = index["date"].to_numpy(dtype="datetime64[D]")
    until = dates[-1] + (dates[-1] - dates[-2])
    day = np.array(starts, dtype="datetime64[D]")[:, None] + np.arange(days)
    place = np.searchsorted(dates, day, side="right") - 1
    known = (place >= 0) & (day < until)
    level = np.where(known, index["level"].to_numpy()[np.maximum(place, 0)], np.nan)
    mean: np.ndarray = level.mean(axis=1)
    return mean
