"""The address of a table or query of MySQL or MariaDB comes in; its rows go out, as Arrow."""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from duramen.errors import InputError
from duramen.io.databases import TEXT_OF_ADDRESS
from duramen.io.sql_rows import not_read

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_OF_A_BATCH = 50_000
TABLES_IN_A_MESSAGE = 20
# Numbers of MySQL's protocol.
_NO_SUCH_TABLE = 1146
_INTEGERS, _BIT = {1, 2, 3, 8, 9, 13}, 16
_DECIMALS, _FLOATS = {0, 246}, {4, 5}
_TIMESTAMP, _DATES, _DATETIME = 7, {10, 14}, 12

_ADDRESS = re.compile(
    rf"(?:mysql|mariadb)://(?:(?P<user>{TEXT_OF_ADDRESS}*)(?::(?P<password>(?:{TEXT_OF_ADDRESS}|:)*))?@)?"
    r"(?P<host>[^@/?#,:\[\]]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?/(?P<database>[^@/?#]+)/(?P<table>[^@/?]+)",
    re.IGNORECASE,
)


def read_mysql(address: str) -> pa.Table:
    """Return the rows of ``mysql://user@host/database/table``, or of a query after ``#`` in place of the table.

    The session is read-only and in UTC. A column with a value that its type cannot have in Arrow, such as the date
    ``0000-00-00``, is text.

    Raises
    ------
    InputError
        If the driver is missing, the address names no table, or the server refuses; no password is in the message.
    """
    base, mark, query = address.partition("#")
    access, table = _split(f"{base}/query" if mark else base)
    try:
        import pymysql
        from pymysql.converters import encoders
    except ImportError as error:
        raise InputError(
            "the package pymysql is not installed; install duramen with its extra: duramen[mysql]."
        ) from error
    try:
        # Values come as text, and whole columns are cast: that is faster, and loses nothing where a cast fails.
        with contextlib.closing(
            pymysql.connect(
                **access,
                charset="utf8mb4",
                conv={**encoders, _BIT: _bits},
                init_command="SET time_zone = '+00:00'",
            )
        ) as connection:
            try:
                return _rows(connection, address, query if mark else f"SELECT * FROM {_quoted(table)}")
            except pymysql.Error as error:
                if error.args[0] != _NO_SUCH_TABLE:
                    raise
                raise not_read(address, f"{_words(error)}; {_tables(connection)}") from error
    except (pymysql.Error, RuntimeError, UnicodeDecodeError) as error:
        # The driver raises a RuntimeError where a way to log in needs a further package.
        raise not_read(address, _words(error)) from error


def _split(address: str) -> tuple[dict[str, Any], str]:
    """Return what the driver connects by, and the table; no message shows an address that is not understood."""
    parts = _ADDRESS.fullmatch(address)
    if parts is None:
        raise InputError(
            "the address of the orders names no table of MySQL; write mysql://user@host:3306/database/table or "
            "mysql://user@host:3306/database#SELECT ..., without parameters, and with @ and / in a name or a password "
            "as %40 and %2F."
        )
    password = parts["password"]
    access = {
        "user": unquote(parts["user"]) if parts["user"] else None,
        "password": os.environ.get("MYSQL_PWD", "") if password is None else unquote(password),
        "host": parts["host"].strip("[]"),
        "port": int(parts["port"] or 3306),
        "database": unquote(parts["database"]),
    }
    return access, unquote(parts["table"])


def _rows(connection: Any, address: str, sql: str) -> pa.Table:
    import pyarrow as pa
    from pymysql.cursors import SSCursor

    with connection.cursor(SSCursor) as cursor:
        # In a transaction that alone is read-only, MariaDB would still drop a table.
        cursor.execute("SET SESSION TRANSACTION READ ONLY")
        cursor.execute(sql)
        if cursor.description is None:
            raise not_read(address, "the statement gives no rows; write a SELECT")
        # Two columns of a query may have one name.
        places = [str(place) for place in range(len(cursor.description))]
        batches = [pa.table([pa.nulls(0)] * len(places), names=places)]
        while rows := cursor.fetchmany(ROWS_OF_A_BATCH):
            batches.append(pa.table([pa.array(values) for values in zip(*rows, strict=True)], names=places))
        texts = pa.concat_tables(batches, promote_options="default")
        columns = [
            _in_its_type(column, described[1], described[4], described[5])
            for column, described in zip(texts.columns, cursor.description, strict=True)
        ]
        return pa.table(columns, names=[described[0] for described in cursor.description])


def _in_its_type(column: pa.ChunkedArray, code: int, length: int, scale: int) -> pa.ChunkedArray:
    """Return a column of texts in the type that the server states, or as it is where a value does not fit."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_null(column.type):
        column = column.cast(pa.string())
    if code == _TIMESTAMP:
        column = pc.binary_join_element_wise(column, "+00:00", "")
    for kind in _arrow_types(code, length, scale):
        with contextlib.suppress(pa.ArrowInvalid):
            return column.cast(kind)
    return column


def _arrow_types(code: int, length: int, scale: int) -> tuple[pa.DataType, ...]:
    import pyarrow as pa

    if code in _INTEGERS or code == _BIT:
        return pa.int64(), pa.uint64()
    if code in _DECIMALS:
        # The length counts the sign and the decimal point too.
        return (pa.decimal128(min(length, 38), scale),)
    if code in _FLOATS:
        return (pa.float64(),)
    if code in _DATES:
        return (pa.date32(),)
    return {_DATETIME: (pa.timestamp("us"),), _TIMESTAMP: (pa.timestamp("us", "UTC"),)}.get(code, ())


def _bits(value: bytes) -> str:
    return str(int.from_bytes(value, "big"))


def _tables(connection: Any) -> str:
    """Return which tables the database has that the user may see."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW TABLES")
        names = [name for (name,) in cursor.fetchall()]
    more = len(names) - TABLES_IN_A_MESSAGE
    listed = ", ".join(names[:TABLES_IN_A_MESSAGE]) or "none"
    return f"the tables of the database are {listed}{f' and {more} more' if more > 0 else ''}"


def _words(error: BaseException) -> str:
    """Return the message of the server or the driver in one line, without the number of the error."""
    return " ".join(str(error.args[-1] if len(error.args) == 2 else error).split())


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
