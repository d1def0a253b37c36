"""A path, a folder, a ``duckdb://`` address or a frame comes in; one raw Ibis table goes out.

Text files come out as text: what a value is, the reading decides.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.data.addresses import close_source, first_line, is_duckdb_address, open_duckdb_table, reopened
from duramen.data.datasets import open_dataset
from duramen.data.folders import list_files
from duramen.data.frames import is_spark_frame, open_frame, source_name
from duramen.data.text_files import csv_fault, literal_paths, read_csv
from duramen.errors import InputError

if TYPE_CHECKING:
    import ibis

__all__ = ["close_source", "open_source", "reopened", "source_name"]


def open_source(workspace: Any, source: Any) -> ibis.Table:
    """Return the raw rows of ``source`` as an Ibis table of ``workspace``.

    Parameters
    ----------
    workspace : ibis DuckDB backend
    source : str, Path, pandas.DataFrame, pyarrow.Table, ibis.Table or pyspark.sql.DataFrame
        A CSV or Parquet file, a folder of either, ``duckdb://file.db/table``, ``dataset:cdnow`` or
        ``dataset:complete_journey``, or a frame.

    Raises
    ------
    InputError
        If there is no such source, it is of no known kind, or it cannot be read.
    """
    if is_duckdb_address(source):
        return open_duckdb_table(workspace, source)
    if isinstance(source, str) and source.startswith("dataset:"):
        source = open_dataset(source.removeprefix("dataset:"))
    if isinstance(source, str | Path):
        return _open_files(workspace, Path(source))
    if is_spark_frame(source):
        return workspace.open(source)
    return open_frame(workspace, source)


def _open_files(workspace: Any, path: Path) -> ibis.Table:
    files, is_csv = list_files(path)
    empty = [file for file in files if file.stat().st_size == 0]
    if empty:
        raise InputError(f"{empty[0]} is empty (0 bytes); give a file with a header and at least one row.")
    import duckdb

    try:
        if is_csv:
            return read_csv(workspace, files)
        return workspace.read_parquet(literal_paths(files), union_by_name=True)
    except duckdb.Error as error:
        told = csv_fault(files) if is_csv else None
        if told is None and "sniffing" in str(error):
            told = "its quotes or line ends are not alike throughout; save it again as CSV in UTF-8."
        raise InputError(f"{path} could not be read: {told or first_line(error)}") from error
