"""A ranking or its explanations come in, whole or a block at a time; a file goes out, whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd

from duramen.errors import InputError
from duramen.io.atomic import atomic_file

# Rows of a ranking that are written at once: a row group of Parquet.
WRITTEN_AT_ONCE = 125_000
# A spreadsheet runs a cell that starts like this as a formula; in Asian locales with the full-width signs too.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def check_scores_path(path: Path, parameter: str = "path") -> None:
    """Refuse an output path, by the name of its parameter, that cannot be written."""
    if path.suffix.lower() not in (".parquet", ".csv"):
        raise InputError(
            f"scores are written as .parquet or .csv, not as {path.name!r}; change `{parameter}`."
        )
    refuse_unwritable(path, parameter)


def write_scores(ranking: pd.DataFrame, path: str | Path) -> Path:
    """Write a ranking as Parquet or CSV, by the ending of ``path``; the same ranking gives the same bytes."""
    path = Path(path)
    check_scores_path(path)
    with atomic_file(path) as beside:
        write_blocks(slices(ranking), beside)
    return path


def slices(ranking: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Give a ranking in the blocks in which it is written."""
    for start in range(0, max(len(ranking), 1), WRITTEN_AT_ONCE):
        yield ranking.iloc[start : start + WRITTEN_AT_ONCE]


def write_blocks(blocks: Iterable[pd.DataFrame], *paths: Path) -> int:
    """Write blocks of rows one after the other to each path, as Parquet or CSV by its ending; return the rows."""
    rows = 0
    with ExitStack() as stack:
        files = [_blocks_of(path) for path in paths]
        for file in files:
            stack.enter_context(file)
        for block in blocks:
            for file in files:
                file.append(block)
            rows += len(block)
    return rows


def _blocks_of(path: Path) -> CsvBlocks | ParquetBlocks:
    return CsvBlocks(path) if path.suffix.lower() == ".csv" else ParquetBlocks(path)


class CsvBlocks:
    """A CSV file that grows by a block of rows at a time, in which no spreadsheet finds a formula.

    Parameters
    ----------
    path : Path
        The file to write, as a context manager.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows = 0

    def __enter__(self) -> CsvBlocks:
        self._lines = self.path.open("w", encoding="utf-8", newline="")
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()

    def append(self, block: pd.DataFrame) -> None:
        """Write a block; the first one writes the heading."""
        _defuse(block).to_csv(self._lines, index=False, header=not self._rows)
        self._rows += len(block)


class ParquetBlocks:
    """A Parquet file that grows by a row group for each block of rows; the first block sets the columns.

    Parameters
    ----------
    path : Path
        The file to write, as a context manager.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer: Any = None

    def __enter__(self) -> ParquetBlocks:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def append(self, block: pd.DataFrame) -> None:
        """Write a block, whose columns and types are those of the first one."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = None if self._writer is None else self._writer.schema
        table = pa.Table.from_pandas(block, schema=schema, preserve_index=False)
        self._writer = self._writer or pq.ParquetWriter(self.path, table.schema)
        self._writer.write_table(table, row_group_size=len(table) or None)


def check_explanations_path(path: Path, parameter: str = "path") -> None:
    """Refuse a path, by the name of its parameter, that explanations cannot be written to."""
    if path.suffix.lower() != ".parquet":
        raise InputError(f"explanations are written as .parquet, not as {path.name!r}; change `{parameter}`.")
    refuse_unwritable(path, parameter)


def refuse_unwritable(path: Path, parameter: str) -> None:
    """Refuse a file in a folder that is not there or cannot be written to, or in the place of a folder."""
    if not path.parent.is_dir():
        raise InputError(
            f"there is no folder {path.parent} to write {path.name} to; create it or change `{parameter}`."
        )
    if path.is_dir():
        raise InputError(f"{path} is a folder, where a file is to be written; change `{parameter}`.")
    if not _can_write(path.parent):
        raise InputError(
            f"the folder {path.parent} cannot be written to; change `{parameter}` or its permissions."
        )


def refuse_unwritable_folder(folder: Path, parameter: str) -> None:
    """Refuse a folder that cannot be made or replaced, because a file is in its way or a folder is closed."""
    if folder.is_file():
        raise InputError(f"{folder} is a file, where a folder is to be written; change `{parameter}`.")
    around = next(path for path in folder.absolute().parents if path.exists())
    if not around.is_dir():
        raise InputError(f"{around} is a file, where a folder is to be written; change `{parameter}`.")
    closed = next((place for place in (around, folder) if place.is_dir() and not _can_write(place)), None)
    if closed is not None:
        raise InputError(
            f"the folder {closed} cannot be written to; change `{parameter}` or its permissions."
        )


def _can_write(folder: Path) -> bool:
    """Return whether a file can be made in a folder; permissions say nothing of what is mounted there."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def write_explanations(blocks: Iterable[pd.DataFrame], path: str | Path) -> int:
    """Write the blocks of ``CoreCustomerModel.explain_blocks`` as one Parquet file; return its rows.

    No more than a block is held in memory at a time.
    """
    path = Path(path)
    check_explanations_path(path)
    with atomic_file(path) as beside:
        return write_blocks(blocks, beside)


def _defuse(ranking: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before text that a spreadsheet would run: ids, and reasons that start with a minus."""
    words = {}
    for name, column in ranking.items():
        if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)):
            text = column.astype(str)
            words[str(name)] = column.where(~text.str.startswith(FORMULA_STARTS), "'" + text)
    return ranking.assign(**words)
