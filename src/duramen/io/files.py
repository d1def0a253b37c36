"""A ranking or its explanations come in, whole or a block at a time; a file goes out, whole or not at all.

Called by the score command, the demo, and whoever writes a file beside.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from duramen.errors import InputError
from duramen.io.locks import take_lock

# Rows of a ranking that are written at once: a row group of Parquet.
WRITTEN_AT_ONCE = 125_000
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
    return write_whole(path, lambda beside: write_blocks(slices(ranking), beside))


def slices(ranking: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Give a ranking in the blocks in which it is written."""
    for start in range(0, max(len(ranking), 1), WRITTEN_AT_ONCE):
        yield ranking.iloc[start : start + WRITTEN_AT_ONCE]


def write_blocks(blocks: Iterable[pd.DataFrame], path: Path) -> int:
    """Write blocks of rows one after the other as Parquet or CSV, by the ending of ``path``; return the rows."""
    return (_write_csv if path.suffix.lower() == ".csv" else _write_parquet)(blocks, path)


def _write_csv(blocks: Iterable[pd.DataFrame], path: Path) -> int:
    rows = 0
    with path.open("w", encoding="utf-8", newline="") as lines:
        for block in blocks:
            _defuse(block).to_csv(lines, index=False, header=not rows)
            rows += len(block)
    return rows


def _write_parquet(blocks: Iterable[pd.DataFrame], path: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows, writer = 0, None
    try:
        for block in blocks:
            schema = None if writer is None else writer.schema
            table = pa.Table.from_pandas(block, schema=schema, preserve_index=False)
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
            rows += len(block)
    finally:
        if writer is not None:
            writer.close()
    return rows


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
    path = Path(path)
    check_explanations_path(path)
    with work_folder(path) as folder:
        rows = _write_parquet(blocks, folder / path.name)
        (folder / path.name).replace(path)
    return rows


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Let ``write`` fill a file beside ``path``, then put it in its place in one step."""
    with work_folder(path) as folder:
        write(folder / path.name)
        (folder / path.name).replace(path)
    return path


@contextmanager
def work_folder(path: Path, what: object = None) -> Iterator[Path]:
    """Give an empty folder beside ``path``, on the same disk, for what is to take its place; it is gone at the end.

    What a run left there that was killed is removed first. Messages call it ``what``, by default the path.

    Raises
    ------
    InputError
        If another run is at work on the same file.
    """
    folder = path.with_name(f".{path.name}.part")
    with _locked(path.with_name(f".{path.name}.lock"), what or path):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(path: Path, what: object) -> Iterator[None]:
    """Hold the lock of a file, which the system lets go of however the process ends."""
    if sys.platform == "win32":  # has no such locks
        yield
        return
    while True:
        lock = path.open("w")
        if not take_lock(lock):
            lock.close()
            raise InputError(f"another run is writing {what}; wait for its end, or write elsewhere.")
        # Whoever held it before may have removed the file between its opening and the lock.
        if path.exists() and path.stat().st_ino == os.fstat(lock.fileno()).st_ino:
            break
        lock.close()
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        lock.close()


def _defuse(ranking: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before text that a spreadsheet would run: ids, and reasons that start with a minus."""
    words = {}
    for name, column in ranking.items():
        if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)):
            text = column.astype(str)
            words[str(name)] = column.where(~text.str.startswith(FORMULA_STARTS), "'" + text)
    return ranking.assign(**words)
