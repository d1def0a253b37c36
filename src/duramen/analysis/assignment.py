"""A table of labels from anywhere comes in; one checked row per labelled customer goes out. Called by the audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from duramen.data.checks import parse_text
from duramen.data.file_columns import Opened
from duramen.data.ids import id_text, parse_id
from duramen.data.sources import open_source, source_name
from duramen.data.workspace import open_workspace
from duramen.errors import InputError

CUSTOMER_ID, SEGMENT, TREATMENT, ASSIGNED_ON = "customer_id", "segment", "treatment", "assigned_on"
TABLES = (".csv", ".csv.gz", ".tsv", ".parquet")


@dataclass(frozen=True)
class Assignment:
    """Which customer is in which segment, and what is said of it.

    Attributes
    ----------
    table : pandas.DataFrame
        ``customer_id`` and ``segment`` as text, one row a customer; where they are known ``treatment`` (text, missing
        where there is none) and ``assigned_on`` (datetime64).
    source : str
        How messages call it.
    assumed : tuple of str
        What the reading decided by itself, in sentences.
    """

    table: pd.DataFrame
    source: str
    assumed: tuple[str, ...] = ()

    @property
    def assigned_on(self) -> date | None:
        """The latest day on which a customer was assigned, where it is known."""
        if ASSIGNED_ON not in self.table:
            return None
        latest: date = self.table[ASSIGNED_ON].max().date()
        return latest


def read_assignment(
    source: Any,
    *,
    customer_id: str = CUSTOMER_ID,
    segment: str = SEGMENT,
    treatment: str | Path | None = None,
    assigned_on: str | date | None = None,
) -> Assignment:
    """Read and check a column of labels.

    Parameters
    ----------
    source : str, Path or pandas.DataFrame
        CSV, Parquet or a frame with a row a customer. Its columns ``treatment`` and ``assigned_on`` are used where it
        has them.
    customer_id, segment : str
        Columns of the id and of the label. Both may be numbers or text: 7, 7.0 and "7" are one customer, and one
        segment.
    treatment : str or Path, optional
        Another column, or a CSV or Parquet file with the columns ``segment`` and ``treatment``.
    assigned_on : str or date, optional
        The day of the assignment, where the source has no such column.

    Raises
    ------
    InputError
        If a column is missing, a row has no id or no label, a customer has several rows, there is one segment only, or
        each customer is a segment of its own.
    """
    where = source_name(source)
    opened = Opened()
    table = _table(source, where, (customer_id, segment), opened)
    _refuse_missing(table, (customer_id, segment), where, "name the columns of the id and of the label")
    chosen = {CUSTOMER_ID: table[customer_id], SEGMENT: table[segment]}
    if isinstance(treatment, str) and treatment in table:
        chosen[TREATMENT] = table[treatment]
    elif treatment is None and TREATMENT in table:
        chosen[TREATMENT] = table[TREATMENT]
    if assigned_on is None and ASSIGNED_ON in table:
        chosen[ASSIGNED_ON] = table[ASSIGNED_ON]
    labels = pd.DataFrame(chosen)
    for column, what in ((CUSTOMER_ID, "id of a customer"), (SEGMENT, "segment")):
        empty = labels[column].isna()
        _refuse(labels[empty], f"of {where} have no {what}", "fill it in or leave those rows out")
    twice = labels[CUSTOMER_ID].duplicated()
    _refuse(labels[twice], f"of {where} repeat a customer", "give each customer one row")
    _refuse_no_segments(labels, where)
    if treatment is not None and TREATMENT not in labels:
        labels[TREATMENT] = labels[SEGMENT].map(_treatments(treatment, where, opened))
    if assigned_on is not None:
        labels[ASSIGNED_ON] = str(assigned_on)
    if ASSIGNED_ON in labels:
        labels[ASSIGNED_ON] = _days(labels[ASSIGNED_ON], where)
    return Assignment(labels, where, tuple(opened.assumed))


def _table(source: Any, where: str, ids: tuple[str, ...], opened: Opened) -> pd.DataFrame:
    """Return every column as text, missing where nothing is written; those of ids by their rule."""
    table = open_source(open_workspace(), source, opened)
    written = {
        name: id_text(parse_id(table[name])) if name in ids else parse_text(table[name])
        for name in table.columns
    }
    frame: pd.DataFrame = table.select(**written).to_pyarrow().to_pandas().astype("object")
    if frame.empty:
        raise InputError(f"{where} has no row; give one row for each customer, with its segment.")
    return frame.where(frame.notna(), None)


def _refuse_missing(table: pd.DataFrame, names: tuple[str, ...], where: str, what_to_do: str) -> None:
    if missing := [name for name in names if name not in table]:
        raise InputError(
            f"{where} has no column {' or '.join(map(repr, missing))}; its columns are "
            f"{', '.join(map(repr, table.columns))}; {what_to_do}."
        )


def _refuse(rows: pd.DataFrame, what: str, what_to_do: str) -> None:
    if len(rows):
        first = zip(rows.index[:3].tolist(), rows[CUSTOMER_ID].head(3).tolist(), strict=True)
        examples = ", ".join(f"row {index + 1}: {customer}" for index, customer in first)
        raise InputError(f"{len(rows):,} rows {what} (for example {examples}); {what_to_do}.")


def _refuse_no_segments(labels: pd.DataFrame, where: str) -> None:
    count = labels[SEGMENT].nunique()
    if count == 1:
        raise InputError(
            f"all {len(labels):,} customers of {where} are in the segment {labels[SEGMENT].iloc[0]!r}; an audit needs "
            "two segments or more."
        )
    if count == len(labels):
        raise InputError(
            f"each of the {len(labels):,} customers of {where} is a segment of its own; name the column of the label."
        )


def _treatments(treatment: str | Path, where: str, opened: Opened) -> pd.Series[Any]:
    if not str(treatment).lower().endswith(TABLES):
        raise InputError(
            f"{str(treatment)!r} is neither a column of {where} nor a file of treatments; give a column, or a CSV or "
            "Parquet file with the columns segment and treatment."
        )
    table = _table(treatment, str(treatment), (SEGMENT,), opened)
    _refuse_missing(table, (SEGMENT, TREATMENT), str(treatment), "give a row a segment with its treatment")
    twice = table.loc[table[SEGMENT].duplicated(), SEGMENT]
    if len(twice):
        raise InputError(
            f"{treatment} has {len(twice):,} segments twice (for example {twice.iloc[0]!r}); give each one row."
        )
    by_segment: pd.Series[Any] = table.set_index(SEGMENT)[TREATMENT]
    return by_segment


def _days(written: pd.Series[Any], where: str) -> pd.Series[Any]:
    days = pd.to_datetime(written, format="ISO8601", errors="coerce", utc=True).dt.tz_localize(None)
    wrong = written[days.isna()]
    if len(wrong):
        raise InputError(
            f"assigned_on is no day for {len(wrong):,} rows of {where} (for example {wrong.iloc[0]!r}); write it as "
            "YYYY-MM-DD."
        )
    return days.dt.normalize()
