"""A limit of memory and threads come in; a DuckDB connection of Ibis goes out, in which orders are read."""

from __future__ import annotations

import functools
import re
import threading
from typing import Any

from duramen.errors import InputError
from duramen.io.atomic import temporary_folder
from duramen.io.processors import usable_processors

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


@functools.cache
def _workspace_class() -> Any:
    """Return Ibis's DuckDB connection with a cursor for each thread: one cursor gives one answer at a time."""
    from ibis.backends.duckdb import Backend

    class Workspace(Backend):  # type: ignore[misc]  # Ibis ships no types
        @property
        def con(self) -> Any:
            cursor = getattr(self._cursors, "cursor", None)
            if cursor is None:
                cursor = self._cursors.cursor = self._connection.cursor()
                # Settings of a session, which a cursor does not take over.
                cursor.execute("SET TimeZone = 'UTC'; SET python_enable_replacements = false")
            return cursor

        @con.setter
        def con(self, connection: Any) -> None:
            self._connection, self._cursors = connection, threading.local()
            self._cursors.cursor = connection

    return Workspace


def open_workspace(memory_limit: str | None = None, threads: int | None = None) -> Any:
    """Return an Ibis DuckDB connection whose tables live in memory and go to a temporary folder beyond its limit.

    Raises
    ------
    InputError
        If the limit is no amount of memory.
    """
    # DuckDB by itself takes all processors of the machine, whether this process may use them or not.
    settings: dict[str, Any] = {"threads": usable_processors() if threads is None else threads}
    if memory_limit is not None:
        settings["memory_limit"] = f"{parse_memory(memory_limit) / 1000:.0f}KB"
    workspace = _workspace_class()()
    workspace.do_connect(**settings)
    workspace.con.execute("SET temp_directory = $1", [str(temporary_folder(workspace))])
    return workspace
