"""A ranking comes in; a file of scores goes out, whole or not at all. Called by the score command and the demo."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from duramen.data.errors import InputError

# A spreadsheet runs a cell that starts like this as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def check_scores_path(path: Path) -> None:
    """Refuse an output path that cannot be written, before any work is done."""
    if path.suffix.lower() not in (".parquet", ".csv"):
        raise InputError(f"scores are written as .parquet or .csv, not as {path.name!r}; change --out.")
    if not path.parent.is_dir():
        raise InputError(
            f"there is no folder {path.parent} to write {path.name} to; create it or change --out."
        )


def write_scores(ranking: pd.DataFrame, path: str | Path) -> Path:
    """Write a ranking as Parquet or CSV, by the ending of ``path``; the same ranking gives the same bytes."""
    path = Path(path)
    check_scores_path(path)
    if path.suffix.lower() == ".csv":
        return write_whole(path, lambda beside: _defuse(ranking).to_csv(beside, index=False))
    return write_whole(path, lambda beside: ranking.to_parquet(beside, index=False))


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Let ``write`` fill a file beside ``path``, then put it in its place in one step."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def _defuse(ranking: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before text that a spreadsheet would run: ids, and reasons that start with a minus."""
    words = {}
    for name, column in ranking.items():
        if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)):
            text = column.astype(str)
            words[str(name)] = column.where(~text.str.startswith(FORMULA_STARTS), "'" + text)
    return ranking.assign(**words)
