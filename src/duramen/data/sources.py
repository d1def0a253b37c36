"""A path, a folder, a ``duckdb://`` address or a frame comes in; one raw Ibis table goes out.

Text files come out as text: what a value is, the reading decides.
"""

from __future__ import annotations

import contextlib
import csv
import glob
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from duramen.data.datasets import open_dataset
from duramen.errors import InputError
from duramen.io.atomic import temporary_folder
from duramen.io.databases import split_duckdb

if TYPE_CHECKING:
    import ibis
    import pandas as pd
    import pyarrow as pa

CSV_ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".txt")
PARQUET_ENDINGS = (".parquet", ".pq")
# What a workspace calls the DuckDB file that it reads from.
ATTACHED = "attached"
# A number and its unit: thousands as in GB, or 1,024s as in GiB and Java's g.
_MEMORY = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[kmgt])(?P<bytes>b|ib|)", re.IGNORECASE)


def parse_memory(text: str) -> int:
    """Return the bytes of an amount of memory as users write it.

    Raises
    ------
    InputError
        If it is none, or nothing.

    Examples
    --------
    >>> parse_memory("1GB"), parse_memory("500 MB"), parse_memory("4g") == parse_memory("4GiB")
    (1000000000, 500000000, True)
    """
    found = _MEMORY.fullmatch(text.strip())
    if found is None or not float(found["number"]):
        raise InputError(f"{text!r} is no amount of memory; write it as 4GB or 500MB.")
    base = 1000 if found["bytes"].lower() == "b" else 1024
    return int(float(found["number"]) * base ** ("kmgt".index(found["unit"].lower()) + 1))


def open_workspace(memory_limit: str | None = None, threads: int | None = None) -> Any:
    """Return an Ibis DuckDB connection whose tables live in memory and go to a temporary folder beyond its limit.

    Raises
    ------
    InputError
        If the limit is no amount of memory.
    """
    import ibis

    settings: dict[str, Any] = {}
    if memory_limit is not None:
        settings["memory_limit"] = f"{parse_memory(memory_limit) / 1000:.0f}KB"
    if threads is not None:
        settings["threads"] = threads
    workspace = ibis.duckdb.connect(**settings)
    workspace.con.execute("SET temp_directory = $1", [str(temporary_folder(workspace))])
    return workspace


def is_spark_frame(source: Any) -> bool:
    """Tell whether a source lies on Spark, without importing Spark to ask."""
    return type(source).__module__.startswith("pyspark.sql") and hasattr(source, "sparkSession")


def is_duckdb_address(source: Any) -> bool:
    """Return whether a source is a table in a DuckDB file."""
    return isinstance(source, str) and source.startswith("duckdb://")


def source_name(source: Any) -> str:
    """Return how a message calls the source."""
    return str(source) if isinstance(source, str | Path) else f"the {type(source).__name__}"


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
        return _open_duckdb_table(workspace, source)
    if isinstance(source, str) and source.startswith("dataset:"):
        source = open_dataset(source.removeprefix("dataset:"))
    if isinstance(source, str | Path):
        return _open_files(workspace, Path(source))
    if is_spark_frame(source):
        return workspace.open(source)
    return _open_frame(workspace, source)


def _open_frame(workspace: Any, source: Any) -> ibis.Table:
    import pandas as pd
    import pyarrow as pa

    if isinstance(source, pd.DataFrame):
        columns = [to_arrow(column) for _, column in source.items()]
        table = pa.table(columns, names=[str(name) for name in source.columns])
    elif isinstance(source, pa.Table):
        table = source
    elif hasattr(source, "to_pyarrow"):
        table = source.to_pyarrow()
    else:
        raise InputError(
            f"{source_name(source)} is no source of transactions; give a CSV or Parquet file, a folder of either, "
            "duckdb://file.db/table, or a pandas or Arrow frame."
        )
    names = [name.lower() for name in table.column_names]
    if not names:
        raise InputError(
            f"{source_name(source)} has no columns; give at least a customer, a date and an amount."
        )
    twice = [name for name in table.column_names if names.count(name.lower()) > 1]
    if twice:
        raise InputError(
            f"{source_name(source)} has columns that differ in case only or not at all: "
            f"{', '.join(map(repr, twice))}; rename them."
        )
    stored = pa.schema([(field.name, _stored_type(field.type)) for field in table.schema])
    return workspace.create_table("source", obj=table.cast(stored, safe=False))


def _stored_type(kind: pa.DataType) -> pa.DataType:
    """Return the type that DuckDB can store: it has none for nothing, and no nanoseconds in a duration."""
    import pyarrow as pa

    if pa.types.is_null(kind):
        return pa.string()
    return pa.duration("us") if pa.types.is_duration(kind) else kind


def to_arrow(column: pd.Series[Any]) -> pa.Array:
    """Return a column of pandas in its Arrow type, or as text where it mixes types."""
    import pyarrow as pa

    with contextlib.suppress(pa.ArrowException, OverflowError):
        array = pa.array(column, from_pandas=True)
        if not isinstance(array.type, pa.BaseExtensionType):
            return array
    # A column that mixes numbers and text is text: the checks find which values are not numeric.
    return pa.array(column.astype("str").where(column.notna(), None), from_pandas=True)


def close_source(workspace: Any) -> None:
    """Let go of the DuckDB file that the rows were read from, so that others can write to it."""
    if hasattr(workspace, "detach") and ATTACHED in workspace.list_catalogs():
        workspace.detach(ATTACHED)


@contextlib.contextmanager
def reopened(workspace: Any, address: str | None) -> Iterator[None]:
    """Open the DuckDB file of an address again, so that its rows can be looked at; nothing where there is none."""
    if address is None:
        yield
        return
    _open_duckdb_table(workspace, address)
    try:
        yield
    finally:
        close_source(workspace)


def _open_duckdb_table(workspace: Any, address: str) -> ibis.Table:
    file, schema, name = split_duckdb(address)
    if not Path(file).is_file():
        raise InputError(f"there is no DuckDB file {file}; write duckdb://file.db/table.")
    import duckdb

    try:
        # Ibis writes the path into its SQL as it stands.
        workspace.attach(file.replace("'", "''"), name=ATTACHED, read_only=True)
    except duckdb.Error as error:
        raise InputError(f"{file} could not be opened as a DuckDB file: {_first_line(error)}") from error
    tables = workspace.list_tables(database=(ATTACHED, schema or "main"))
    if name not in tables:
        raise InputError(
            f"{file} has no table {address.rpartition('/')[2]}; its tables are {', '.join(tables) or 'none'}."
        )
    return workspace.table(name, database=(ATTACHED, schema or "main"))


def _open_files(workspace: Any, path: Path) -> ibis.Table:
    files, is_csv = _list_files(path)
    empty = [file for file in files if file.stat().st_size == 0]
    if empty:
        raise InputError(f"{empty[0]} is empty (0 bytes); give a file with a header and at least one row.")
    import duckdb

    try:
        if is_csv:
            return _read_csv(workspace, files)
        return workspace.read_parquet(_literal_paths(files), union_by_name=True)
    except duckdb.Error as error:
        told = _csv_fault(files) if is_csv else None
        if told is None and "sniffing" in str(error):
            told = "its quotes or line ends are not alike throughout; save it again as CSV in UTF-8."
        raise InputError(f"{path} could not be read: {told or _first_line(error)}") from error


def _read_csv(workspace: Any, files: list[Path]) -> ibis.Table:
    """Copy text files once, so that every line is checked and later steps see the same lines.

    Quote and comment marks are fixed: guessed from a sample, they would drop ids that begin with ``#`` and keep
    the quotes of a value that is first quoted far down the file.
    """
    for file in files:
        _refuse_cut_gzip(file)
    separators = {_separator(file) for file in files}
    if len(separators) > 1:
        raise InputError(
            f"{files[0].parent} mixes CSV files with the separators {' and '.join(map(repr, sorted(separators)))}; "
            "write them all alike."
        )
    lines = workspace.read_csv(
        _literal_paths(files),
        all_varchar=True,
        header=True,
        union_by_name=True,
        sep=separators.pop(),
        quote='"',
        escape='"',
        comment="",
        skip=0,
    )
    return workspace.create_table("source", obj=lines)


def _literal_paths(files: list[Path]) -> list[str]:
    """Return paths of which DuckDB reads no mark as a pattern: ``sales[1].csv`` would give it ``sales1.csv``."""
    return [glob.escape(str(file)) for file in files]


def _open_text(file: Path) -> IO[str]:
    return (
        gzip.open(file, "rt", encoding="utf-8-sig", newline="")
        if file.name.lower().endswith(".gz")
        else file.open(encoding="utf-8-sig", newline="")
    )


def _refuse_cut_gzip(file: Path) -> None:
    """Refuse a compressed file that ends early, of which DuckDB would read the beginning and say nothing."""
    if not file.name.lower().endswith(".gz"):
        return
    try:
        with gzip.open(file) as stream:
            while stream.read(1 << 20):
                pass
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{file} is no whole gzip file ({error}); fetch or compress it again.") from error


def _separator(file: Path) -> str:
    """Return the mark that separates the names of the header."""
    try:
        with _open_text(file) as lines:
            header = re.sub(r'"[^"]*"', "", lines.readline())
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is not UTF-8 text; save it as CSV in UTF-8.") from error
    return max(",;\t|", key=header.count)


def _csv_fault(files: list[Path]) -> str | None:
    """Return the first line that a reader of CSV stumbles over."""
    for file in files:
        try:
            with _open_text(file) as lines:
                rows = csv.reader(lines, delimiter=_separator(file))
                width = len(next(rows))
                for row in rows:
                    if row and len(row) != width:
                        return (
                            f"line {rows.line_num:,} of {file.name} has {len(row)} values where the header has "
                            f"{width}; fix the line."
                        )
        except (OSError, EOFError, UnicodeDecodeError):
            return f"{file.name} is not UTF-8 text; save it as CSV in UTF-8."
        except csv.Error as error:
            return f"{file.name} is no well-formed CSV ({error}); save it again as CSV in UTF-8."
    return None


def _list_files(path: Path) -> tuple[list[Path], bool]:
    if not path.exists():
        raise InputError(f"there is no file or folder {path}; check the path.")
    found = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    csv = [file for file in found if file.name.lower().endswith(CSV_ENDINGS)]
    parquet = [file for file in found if file.name.lower().endswith(PARQUET_ENDINGS)]
    if csv and parquet:
        raise InputError(
            f"{path} holds {len(csv)} CSV and {len(parquet)} Parquet files; keep one kind in a folder."
        )
    if not csv and not parquet:
        raise InputError(f"{path} is neither CSV nor Parquet; give a file that ends in .csv or .parquet.")
    return csv or parquet, bool(csv)


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0].rstrip(".") + "."
