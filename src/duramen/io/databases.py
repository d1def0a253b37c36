"""An address of a DuckDB file or a PostgreSQL database comes in; transactions on it go out.

A transaction is committed as a whole when its work is done; one that fails, is killed or is a rehearsal changes
nothing.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote

from duramen.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

# A program that only looks something up in a DuckDB file has closed it by then; the scores took longer to make.
SECONDS_OF_PATIENCE = 60.0
# A block of a ranking is one row group: a second thread does not help, and more memory would cache what is on disk.
TO_WRITE_A_BLOCK = {"threads": 1, "memory_limit": "512MB"}
# Kinds of pg_class: a table, and one in partitions.
TABLES_OF_POSTGRESQL = ("r", "p")

# As libpq reads it; a raw @ or / in a password would end it there, and the rest would appear as the name of a host.
TEXT_OF_ADDRESS = r"(?:[^@/:%]|%(?!00)[0-9A-Fa-f]{2})"
_HOST = r"(?:[^@/?#,:\[\]]*|\[[0-9A-Fa-f:.]+\])(?::\d*)?"
_POSTGRESQL = re.compile(
    rf"postgres(?:ql)?://(?:(?P<user>{TEXT_OF_ADDRESS}*)(?P<password>:(?:{TEXT_OF_ADDRESS}|:)*)?@)?"
    rf"(?P<hosts>{_HOST}(?:,{_HOST})*)/(?P<database>[^@/?#]+)/(?P<table>[^@/?]+)(?P<parameters>\?.*)?"
)


def quoted(name: str) -> str:
    """Return a name as SQL writes it, with any character in it.

    Examples
    --------
    >>> quoted('our "best" ones')
    '"our ""best"" ones"'
    """
    return '"' + name.replace('"', '""') + '"'


def split_duckdb(address: str) -> tuple[str, str, str]:
    """Return the file, the schema (empty where none is named) and the table of ``duckdb://file.db/schema.table``.

    Raises
    ------
    InputError
        If it names no table.
    """
    file, _, table = address.removeprefix("duckdb://").rpartition("/")
    schema, _, name = table.rpartition(".")
    if not file or not name:
        raise InputError(f"{address} names no table; write duckdb://file.db/table.")
    return file, schema, name


@dataclass(frozen=True)
class DuckDBFile:
    """A DuckDB file, which is made if it is missing."""

    file: Path

    @contextlib.contextmanager
    def transaction(self, table: str, *, rehearse: bool = False) -> Iterator[DuckDBTransaction]:
        """Open the file, which no other process can have open meanwhile, for one transaction.

        Parameters
        ----------
        table : str
            The name of the table in messages.
        rehearse : bool
            Whether to undo everything at the end.

        Raises
        ------
        InputError
            If it is not a DuckDB file, or another process has it open: at once in a rehearsal, else after a minute.
        """
        fresh = not self.file.exists()
        connection = self._connect(table, 0 if rehearse else SECONDS_OF_PATIENCE)
        try:
            opened = DuckDBTransaction(connection, table)
            # Another run may have made it while this one waited.
            fresh = fresh and not opened.execute("SELECT 1 FROM information_schema.tables LIMIT 1")
            opened.execute("BEGIN")
            yield opened
            opened.execute("ROLLBACK" if rehearse else "COMMIT")
            fresh = fresh and rehearse
        finally:
            if fresh:
                # Before it is closed, while no other process can have opened it.
                with contextlib.suppress(OSError):
                    self.file.unlink()
            connection.close()

    def _connect(self, table: str, patience: float) -> Any:
        import duckdb

        until = time.monotonic() + patience
        while True:
            try:
                # DuckDB takes a whole path for nothing else, such as a database in memory or of a service.
                connection = duckdb.connect(str(self.file.resolve()), config=TO_WRITE_A_BLOCK)
                if _lies_in_memory(connection):
                    connection.close()
                    raise _not_written(table, f"{self.file} is not a DuckDB file")
                return connection
            except duckdb.Error as error:
                holder = re.search(r"lock is held in (.+?) \(PID (\d+)\)", str(error))
                if holder is None:
                    raise _not_written(table, _words_of_duckdb(error)) from error
                if time.monotonic() >= until:
                    program = f"{Path(holder[1]).name}, process {holder[2]}"
                    raise _not_written(table, f"another program has the file open ({program})") from error
            time.sleep(0.2)


class DuckDBTransaction:
    """Statements in a DuckDB file that are committed together or not at all."""

    types: ClassVar = {
        "text": "VARCHAR",
        "integer": "BIGINT",
        "number": "DOUBLE",
        "flag": "BOOLEAN",
        "time": "TIMESTAMP",
        "json": "JSON",
    }

    def __init__(self, connection: Any, table: str) -> None:
        self.connection, self.table = connection, table

    def schema(self, name: str) -> str:
        """Return the schema of this name, or the one of names without a schema."""
        return name or "main"

    def columns(self, schema: str, name: str) -> dict[str, str] | None:
        """Return the type of each column of a table, or None where nothing has its name."""
        rows = self.execute(
            "SELECT table_type, column_name, data_type FROM information_schema.tables "
            "JOIN information_schema.columns USING (table_catalog, table_schema, table_name) "
            "WHERE table_catalog = current_catalog() "
            # DuckDB ignores the case of names.
            "AND lower(table_schema) = lower($1) AND lower(table_name) = lower($2)",
            schema,
            name,
        )
        return _columns_of_table(rows, ("BASE TABLE",), name, self.table)

    def execute(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        """Run a statement, with values for its $1, $2 and so on; return the rows that it gives."""
        with self._refused_in_a_sentence():
            rows: list[tuple[Any, ...]] = self.connection.execute(sql, values).fetchall()
        return rows

    def append(self, schema: str, name: str, rows: pa.Table) -> None:
        """Add rows to a table, by the names of the columns."""
        where = f"{quoted(schema)}.{quoted(name)}"
        with self._refused_in_a_sentence():
            # DuckDB finds the rows by the name of the variable; registered rows would stay until the transaction ends.
            self.connection.execute(f"INSERT INTO {where} BY NAME SELECT * FROM rows")
        del rows

    def wait_for_others(self, schema: str, name: str) -> None:
        """Do nothing: no other process can have the file open."""

    def is_free(self, schema: str, name: str) -> bool:
        """Return that no other run is writing the table."""
        del schema, name
        return True

    @contextlib.contextmanager
    def _refused_in_a_sentence(self) -> Iterator[None]:
        import duckdb

        try:
            yield
        except duckdb.Error as error:
            raise _not_written(self.table, _words_of_duckdb(error)) from error


@dataclass(frozen=True)
class PostgreSQLDatabase:
    """A database of a PostgreSQL server, by its address as libpq takes it, and the same without a password."""

    uri: str = field(repr=False)
    address: str

    @contextlib.contextmanager
    def transaction(self, table: str, *, rehearse: bool = False) -> Iterator[PostgreSQLTransaction]:
        """Connect to the server for one transaction, with what ``DuckDBFile.transaction`` takes.

        Raises
        ------
        InputError
            If the driver is not installed, or the server cannot be reached or refuses the user.
        """
        try:
            from adbc_driver_postgresql import dbapi
        except ImportError as error:
            raise InputError(
                "the package adbc-driver-postgresql is not installed; install duramen with its extra: "
                "duramen[postgres]."
            ) from error
        try:
            connection = dbapi.connect(self.uri)
        except dbapi.Error as error:
            raise _not_written(table, _words_of_postgresql(error)) from error
        # Closing undoes what is not committed.
        with contextlib.closing(connection):
            opened = PostgreSQLTransaction(connection, table)
            opened.execute("SET LOCAL client_encoding = 'UTF8'")
            # Rows that a policy hides from this user would stay among the new ones, so the server is to refuse instead.
            opened.execute("SET LOCAL row_security = off")
            yield opened
            if not rehearse:
                opened.commit()


class PostgreSQLTransaction:
    """Statements in a PostgreSQL database that are committed together or not at all."""

    types: ClassVar = {
        "text": "text",
        "integer": "bigint",
        "number": "double precision",
        "flag": "boolean",
        "time": "timestamp without time zone",
        "json": "json",
    }

    def __init__(self, connection: Any, table: str) -> None:
        self.connection, self.table = connection, table

    def schema(self, name: str) -> str:
        """Return the schema of this name, or the one in which names without a schema are made."""
        found = self.execute("SELECT coalesce(nullif($1, ''), current_schema()::text, 'public')", name)
        return str(found[0][0])

    def columns(self, schema: str, name: str) -> dict[str, str] | None:
        """Return the type of each column of a table, or None where nothing has its name."""
        rows = self.execute(
            "SELECT relkind::text, attname::text, format_type(atttypid, atttypmod) FROM pg_class "
            "JOIN pg_namespace ON pg_namespace.oid = relnamespace "
            "LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped "
            "WHERE nspname = $1 AND relname = $2",
            schema,
            name,
        )
        return _columns_of_table(rows, TABLES_OF_POSTGRESQL, name, self.table)

    def execute(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        """Run a statement, with values for its $1, $2 and so on; return the rows that it gives."""
        with self._refused_in_a_sentence(), self.connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return list(cursor.fetchall()) if cursor.description else []

    def append(self, schema: str, name: str, rows: pa.Table) -> None:
        """Add rows to a table, each column to that of its name, by a binary COPY."""
        with self._refused_in_a_sentence(), self.connection.cursor() as cursor:
            cursor.adbc_ingest(name, rows, mode="append", db_schema_name=schema)

    def wait_for_others(self, schema: str, name: str) -> None:
        """Wait until no other run is writing the table, and let none begin before the end of the transaction."""
        self.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))::text", f"duramen {schema}.{name}"
        )

    def is_free(self, schema: str, name: str) -> bool:
        """Return whether no other run is writing the table."""
        lock = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))::text"
        return self.execute(lock, f"duramen {schema}.{name}") == [("true",)]

    def commit(self) -> None:
        """Commit the transaction."""
        with self._refused_in_a_sentence():
            self.connection.commit()

    @contextlib.contextmanager
    def _refused_in_a_sentence(self) -> Iterator[None]:
        from adbc_driver_postgresql import dbapi

        try:
            yield
        except dbapi.Error as error:
            raise _not_written(self.table, _words_of_postgresql(error)) from error


def split_postgresql(address: str, what: str = "`out`") -> tuple[PostgreSQLDatabase, str]:
    """Return the database and the table that an address names; ``what`` is what messages call it.

    Raises
    ------
    InputError
        If it names none; the message shows nothing of the address, which may have a password in it.

    Examples
    --------
    >>> database, table = split_postgresql("postgresql://ann:secret@db:5433/shop/marts.scores?sslmode=require")
    >>> database.address, table
    ('postgresql://ann@db:5433/shop?sslmode=require', 'marts.scores')
    """
    parts = _POSTGRESQL.fullmatch(address)
    if parts is None:
        raise InputError(
            f"the address of {what} names no table of PostgreSQL; write postgresql://user@host:5432/database/table, "
            "with @ and / in a name or a password as %40 and %2F."
        )
    parameters = parts["parameters"] or ""
    if "password" in unquote(parameters).lower():
        raise InputError(
            f"the address of {what} has a password among its parameters, where it would be shown; set PGPASSWORD, "
            "or put it into ~/.pgpass."
        )
    user, password, where = (
        parts["user"],
        parts["password"] or "",
        f"{parts['hosts']}/{parts['database']}{parameters}",
    )
    if user is None:
        return PostgreSQLDatabase(f"postgresql://{where}", f"postgresql://{where}"), unquote(parts["table"])
    shown = f"postgresql://{user}@{where}"
    return PostgreSQLDatabase(f"postgresql://{user}{password}@{where}", shown), unquote(parts["table"])


def _lies_in_memory(connection: Any) -> bool:
    """Return whether what is written would be lost: DuckDB opens CSV and Parquet files as views in memory."""
    path = "SELECT path FROM duckdb_databases() WHERE database_name = current_catalog()"
    return bool(connection.execute(path).fetchone() == (None,))


def _columns_of_table(
    rows: list[tuple[Any, ...]], tables: tuple[str, ...], name: str, table: str
) -> dict[str, str] | None:
    """Return the columns of a table, or None where there is none; refuse a view or the like."""
    if not rows:
        return None
    if rows[0][0] not in tables:
        raise InputError(
            f"{name!r} exists and is not a table, so {table} cannot be written; name another by `out`."
        )
    return {column: of_type for _, column, of_type in rows if column is not None}


def _not_written(table: str, reason: str) -> InputError:
    return InputError(f"{table} cannot be written, and is as it was: {reason}.")


def _words_of_duckdb(error: BaseException) -> str:
    """Return the first line of DuckDB's message, without the kind of error in front."""
    return re.sub(r"^[A-Z][\w ]* Error: ", "", str(error).strip().split("\n")[0]).rstrip(".!")


def _words_of_postgresql(error: BaseException) -> str:
    """Return the first line of the message of the server or its driver, which never has a password in it."""
    line = str(error).strip().split("\n")[0]
    return re.sub(r"^.*?(?:(?:ERROR|FATAL):\s+|\[libpq\] (?:Failed to connect: )?)", "", line).rstrip(".")
