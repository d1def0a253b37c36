"""The address of a table in a database comes in; a table of a workspace with its rows goes out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.errors import InputError
from duramen.io.databases import split_duckdb

if TYPE_CHECKING:
    import ibis

# What a workspace calls the DuckDB file that it reads from.
ATTACHED = "attached"


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
