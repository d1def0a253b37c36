"""The address of a table in a database comes in; a table of a workspace with its rows goes out."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.data.folders import CSV_ENDINGS, PARQUET_ENDINGS
from duramen.data.frames import arrow_of_pandas, source_name, storable
from duramen.errors import InputError
from duramen.io.credentials import mask_credentials
from duramen.io.databases import split_duckdb
from duramen.io.mysql_rows import read_mysql
from duramen.io.sql_rows import read_postgresql, read_sqlite

if TYPE_CHECKING:
    import ibis

# What a workspace calls the DuckDB file that it reads from.
ATTACHED = "attached"
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
# Which extension of DuckDB reads which addresses.
_EXTENSIONS = dict.fromkeys(("s3", "s3a", "gs", "gcs", "r2", "http", "https"), "httpfs") | dict.fromkeys(
    ("az", "azure", "abfs", "abfss"), "azure"
)


def is_duckdb_address(source: Any) -> bool:
    """Return whether a source is a table in a DuckDB file."""
    return isinstance(source, str) and source.startswith("duckdb://")


def open_duckdb_table(workspace: Any, address: str) -> ibis.Table:
    """Return a table of a DuckDB file, which the workspace has open from then on."""
    file, schema, name = split_duckdb(address)
    if not Path(file).is_file():
        raise InputError(f"there is no DuckDB file {file}; write duckdb://file.db/table.")
    import duckdb

    try:
        # Ibis writes the path into its SQL as it stands.
        workspace.attach(file.replace("'", "''"), name=ATTACHED, read_only=True)
    except duckdb.Error as error:
        raise InputError(f"{file} could not be opened as a DuckDB file: {first_line(error)}") from error
    tables = workspace.list_tables(database=(ATTACHED, schema or "main"))
    if name not in tables:
        raise InputError(
            f"{file} has no table {address.rpartition('/')[2]}; its tables are {', '.join(tables) or 'none'}."
        )
    return workspace.table(name, database=(ATTACHED, schema or "main"))


def is_address(source: Any) -> bool:
    """Return whether a source is an address of the web, a store of objects or a database, and no path."""
    return isinstance(source, str) and _SCHEME.match(source) is not None


def open_address(workspace: Any, address: str) -> ibis.Table:
    """Return the rows behind an address other than that of a DuckDB file.

    Raises
    ------
    InputError
        If nothing reads addresses of this kind, or it is not installed, or the address has no such rows.
    """
    scheme = address.partition("://")[0].lower()
    if scheme in ("postgresql", "postgres"):
        return workspace.create_table("source", obj=storable(read_postgresql(address), source_name(address)))
    if scheme in ("mysql", "mariadb"):
        return workspace.create_table("source", obj=storable(read_mysql(address), source_name(address)))
    if scheme == "sqlite":
        rows = arrow_of_pandas(read_sqlite(address))
        return workspace.create_table("source", obj=storable(rows, source_name(address)))
    if scheme in _EXTENSIONS:
        return _open_remote(workspace, address, _EXTENSIONS[scheme])
    raise InputError(
        f"orders are not read from {scheme}://; write them to a CSV or Parquet file, or name a table by duckdb://, "
        "postgresql://, mysql:// or sqlite://."
    )


def _open_remote(workspace: Any, address: str, extension: str) -> ibis.Table:
    """Read a file or a pattern of files by an extension of DuckDB, which also finds the credentials."""
    import duckdb

    where, path = mask_credentials(address), address.partition("?")[0].lower()
    try:
        workspace.con.execute(f"LOAD {extension}")
    except duckdb.Error as error:
        raise InputError(
            f"{where} is read by DuckDB's extension {extension}, which is not installed; install it by "
            f"python -c \"import duckdb; duckdb.sql('INSTALL {extension}')\", or copy the files to this machine."
        ) from error
    literal = "'" + address.replace("'", "''") + "'"
    if path.endswith(PARQUET_ENDINGS):
        scan = f"read_parquet({literal}, union_by_name = true, hive_partitioning = false)"
    elif path.endswith(CSV_ENDINGS):
        scan = (
            f"read_csv({literal}, all_varchar = true, header = true, quote = '\"', escape = '\"', comment = '', "
            "skip = 0, union_by_name = true, hive_partitioning = false)"
        )
    else:
        raise InputError(
            f"{where} is neither CSV nor Parquet; give a file or pattern, such as s3://shop/*.parquet."
        )
    try:
        workspace.con.execute(f"CREATE TABLE source AS SELECT * FROM {scan}")
    except duckdb.Error as error:
        raise InputError(f"{where} could not be read: {mask_credentials(first_line(error))}") from error
    return workspace.table("source")


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
    open_duckdb_table(workspace, address)
    try:
        yield
    finally:
        close_source(workspace)


def first_line(error: BaseException | None) -> str:
    """Return the first line of a message as a sentence."""
    return str(error).strip().split("\n")[0].rstrip(". ") + "."
