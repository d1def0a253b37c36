"""A ranking or its explanations come in; a file goes out, whole or not at all.

Called by the score command and the demo.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from duramen.data.errors import InputError

# A spreadsheet runs a cell that starts like this as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def check_scores_path(path: Path) -> None:
    """Refuse an output path that cannot be written, before any work is done."""
    if path.suffix.lower() not in (".parquet", ".csv"):
        raise InputError(f"scores are written as .parquet or .csv, not as {path.name!r}; change --out.")
    refuse_unwritable(path, "--out")


def write_scores(ranking: pd.DataFrame, path: str | Path) -> Path:
    """Write a ranking as Parquet or CSV, by the ending of ``path``; the same ranking gives the same bytes."""
    path = Path(path)
    check_scores_path(path)
    if path.suffix.lower() == ".csv":
        return write_whole(path, lambda beside: _defuse(ranking).to_csv(beside, index=False))
    return write_whole(path, lambda beside: ranking.to_parquet(beside, index=False))


def check_explanations_path(path: Path) -> None:
    """Refuse a path that explanations cannot be written to, before any work is done."""
    if path.suffix.lower() != ".parquet":
        raise InputError(
            f"explanations are written as .parquet, not as {path.name!r}; change --explanations."
        )
    refuse_unwritable(path, "--explanations")


def refuse_unwritable(path: Path, option: str) -> None:
    """Refuse a file in a folder that is not there or cannot be written to, or in the place of a folder."""
    if not path.parent.is_dir():
        raise InputError(
            f"there is no folder {path.parent} to write {path.name} to; create it or change {option}."
        )
    if path.is_dir():
        raise InputError(f"{path} is a folder, where a file is to be written; change {option}.")
    if not os.access(path.parent, os.W_OK):
        raise InputError(
            f"the folder {path.parent} cannot be written to; change {option} or its permissions."
        )


def write_explanations(blocks: Iterable[pd.DataFrame], path: str | Path) -> int:
    """Write the blocks of ``CoreCustomerModel.explain_blocks`` as one Parquet file; return its rows.

    No more than a block is held in memory at a time.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(path)
    check_explanations_path(path)
    rows = 0

    def write(beside: Path) -> None:
        nonlocal rows
        writer = None
        try:
            for block in blocks:
                schema = None if writer is None else writer.schema
                table = pa.Table.from_pandas(block, schema=schema, preserve_index=False)
                writer = writer or pq.ParquetWriter(beside, table.schema)
                writer.write_table(table)
                rows += len(block)
        finally:
            if writer is not None:
                writer.close()

    write_whole(path, write)
    return rows


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
