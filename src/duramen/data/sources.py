"""A path, a folder, a ``duckdb://`` address or a frame comes in; one raw Ibis table goes out.

Text files come out as text: what a value is, the reading decides.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.data.addresses import (
    close_source,
    first_line,
    is_address,
    is_duckdb_address,
    open_address,
    open_duckdb_table,
    reopened,
)
from duramen.data.datasets import open_dataset
from duramen.data.delta_tables import read_delta
from duramen.data.file_columns import Opened, read_files
from duramen.data.folders import Files, equal_files, list_files, not_read
from duramen.data.frames import is_spark_frame, open_frame, source_name
from duramen.data.json_lines import read_json_lines
from duramen.data.text_files import literal_paths, read_csv
from duramen.data.workbooks import read_workbooks, split_sheet
from duramen.errors import InputError

if TYPE_CHECKING:
    import ibis

__all__ = ["close_source", "open_source", "reopened", "source_name"]


def open_source(workspace: Any, source: Any, opened: Opened | None = None) -> ibis.Table:
    """Return the raw rows of ``source`` as an Ibis table of ``workspace``.

    Parameters
    ----------
    workspace : ibis DuckDB backend
    source : str, Path, frame, ibis.Table or pyspark.sql.DataFrame
        A CSV, Parquet, JSON lines or Excel file, a folder of one kind, a Delta table, ``duckdb://file.db/table``,
        a table or query of ``sqlite://``, ``postgresql://`` or ``mysql://``, a file at ``s3://`` or ``https://``,
        ``dataset:cdnow`` or ``dataset:complete_journey``, or a frame: of pandas, or whatever gives Arrow.
    opened : Opened, optional
        Is given what the opening decided by itself, and the columns of each file.

    Raises
    ------
    InputError
        If there is no such source, it is of no known kind, or it cannot be read.
    """
    opened = Opened() if opened is None else opened
    if is_duckdb_address(source):
        return open_duckdb_table(workspace, source)
    if isinstance(source, str) and source.startswith("dataset:"):
        source = open_dataset(source.removeprefix("dataset:"))
    if is_address(source):
        return open_address(workspace, source)
    if isinstance(source, str | Path):
        return _open_files(workspace, Path(source), opened)
    if is_spark_frame(source):
        return workspace.open(source)
    return open_frame(workspace, source)


def _open_files(workspace: Any, path: Path, opened: Opened) -> ibis.Table:
    path, sheet = split_sheet(path)
    found = list_files(path)
    empty = [file for file in found.paths if file.stat().st_size == 0]
    if empty:
        raise InputError(f"{empty[0]} is empty (0 bytes); give a file with a header and at least one row.")
    import duckdb

    try:
        table = _read(workspace, path, found, sheet, opened)
    except duckdb.Error as error:
        raise InputError(f"{path} could not be read: {first_line(error)}") from error
    opened.assumed += equal_files(found.paths)
    if sentence := not_read(found.left_out, path):
        opened.assumed.append(sentence)
    return table


def _read(workspace: Any, path: Path, found: Files, sheet: str | None, opened: Opened) -> ibis.Table:
    if found.kind == "CSV":
        return read_csv(workspace, path, found.paths, opened, found.left_out)
    if found.kind == "Delta":
        return read_delta(workspace, found.paths[0])
    if found.kind == "Excel":
        return read_workbooks(workspace, found.paths, sheet, opened)
    if found.kind == "JSON":
        return read_json_lines(workspace, found.paths, opened)
    return _read_parquet(workspace, found.paths, opened)


def _read_parquet(workspace: Any, files: list[Path], opened: Opened) -> ibis.Table:
    def scan(some: list[Path], options: str) -> str:
        return (
            f"read_parquet({literal_paths(some)}, union_by_name = true, hive_partitioning = false{options})"
        )

    columns = {
        file: workspace.con.execute(f"SELECT * FROM {scan([file], '')} LIMIT 0").description for file in files
    }
    names = {file: [column[0] for column in some] for file, some in columns.items()}
    return read_files(workspace, names, scan, opened, copy=False)
