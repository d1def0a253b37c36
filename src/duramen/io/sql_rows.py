"""The address of a table or query of SQLite or PostgreSQL comes in; its rows go out, as Arrow."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from duramen.errors import InputError
from duramen.io.credentials import mask_credentials
from duramen.io.databases import quoted, split_postgresql

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def read_postgresql(address: str) -> pa.Table:
    """Return the rows of ``postgresql://user@host/database/table``, or of a query after ``#`` in place of the table.

    Raises
    ------
    InputError
        If the driver is missing, the address names no table, or the server refuses; no password is in the message.
    """
    base, mark, query = address.partition("#")
    database, table = split_postgresql(f"{base}/query" if mark else base, "the orders")
    schema, _, name = table.rpartition(".")
    sql = query if mark else f"SELECT * FROM {f'{quoted(schema)}.' if schema else ''}{quoted(name)}"
    try:
        from adbc_driver_postgresql import dbapi
    except ImportError as error:
        raise InputError(
            "the package adbc-driver-postgresql is not installed; install duramen with its extra: duramen[postgres]."
        ) from error
    try:
        with dbapi.connect(database.uri) as connection, connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute(sql)
            rows: pa.Table = cursor.fetch_arrow_table()
            return rows
    except dbapi.Error as error:
        raise not_read(address, str(error)) from error


def read_sqlite(address: str) -> pd.DataFrame:
    """Return the rows of ``sqlite:///shop.db/table``, or of a query after ``#`` in place of the table.

    Raises
    ------
    InputError
        If there is no such file or table.
    """
    import pandas as pd

    place, mark, query = address.removeprefix("sqlite://").partition("#")
    path, _, table = (place, "", "") if mark else place.rpartition("/")
    file = next((some for some in (Path(path), Path(path.removeprefix("/"))) if some.is_file()), None)
    if file is None:
        raise InputError(
            f"there is no SQLite file {path or place}; write sqlite:///shop.db/table, or sqlite:///shop.db#SELECT ..."
        )
    sql = query or f"SELECT * FROM {quoted(table)}"
    try:
        with contextlib.closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as base:
            cursor = base.execute(sql)
            names = [column[0] for column in cursor.description or ()]
            return pd.DataFrame(cursor.fetchall(), columns=names, dtype=object)
    except sqlite3.Error as error:
        raise not_read(address, str(error)) from error


def not_read(address: str, reason: str) -> InputError:
    """Return an error of one sentence, by the first line of a reason; no password is in it."""
    line = mask_credentials(reason.strip().split("\n")[0]).rstrip(".")
    return InputError(f"{' '.join(mask_credentials(address).split())} could not be read: {line}.")
