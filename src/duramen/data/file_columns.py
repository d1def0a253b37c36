"""Files with the columns of each come in; one table with the columns of all, matched by name, goes out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.data.columns import REQUIRED, USUAL_NAMES, plain_name
from duramen.errors import InputError
from duramen.io.databases import quoted
from duramen.language import say, say_count

if TYPE_CHECKING:
    import ibis

# The column of a scan with the path of the file that a row is of.
FILE = "duramen_file"
# The roles without which a row cannot be used; a price is only asked for where it makes the amount.
NEEDED = (*REQUIRED, "price", "revenue", "cost_in_margin")


@dataclass
class Opened:
    """What opening a source decided by itself, in sentences, the columns of each file, and those there twice."""

    assumed: list[str] = field(default_factory=list)
    files: dict[str, set[str]] = field(default_factory=dict)
    repeated: set[str] = field(default_factory=set)

    def refuse_lacking(self, roles: Mapping[str, str], given: Mapping[str, str | None]) -> None:
        """Refuse a column that is there twice, and files without one that is required or named; note other lacks.

        Raises
        ------
        InputError
            If a file lacks such a column: its rows would be without a value, or set aside. If a column in use has the
            name of another: it would be chance which is read.
        """
        for role, column in roles.items():
            if column.lower() in self.repeated:
                raise InputError(
                    f"two columns are called {column!r}, which is read as the {role}; give them different names."
                )
            lacking = [file for file, columns in self.files.items() if column.lower() not in columns]
            if not lacking:
                continue
            more = len(lacking) - 1
            if role in NEEDED or given.get(role):
                others = f" and {more:,} more file{'s' * (more > 1)} have" if more else " has"
                raise InputError(
                    f"{lacking[0]}{others} no column {column!r}, which is the {role} of the other files; its columns "
                    f"are {', '.join(map(repr, sorted(self.files[lacking[0]])))}; give that column one name in all "
                    "files."
                )
            first = {"file": lacking[0], "column": repr(column), "role": role}
            if more:
                self.assumed.append(
                    say_count(
                        "{file} and {n} more file have no column {column} ({role}), and its rows are without a value "
                        "there",
                        "{file} and {n} more files have no column {column} ({role}), and its rows are without a value "
                        "there",
                        more,
                        **first,
                    )
                )
            else:
                self.assumed.append(
                    say(
                        "{file} has no column {column} ({role}), and its rows are without a value there",
                        **first,
                    )
                )


def read_files(
    workspace: Any,
    files: Mapping[Path, list[str]],
    scan: Callable[[list[Path], str], str],
    opened: Opened,
    *,
    copy: bool,
) -> ibis.Table:
    """Return the rows of files as the table ``source`` of a workspace, columns matched by name.

    Parameters
    ----------
    workspace : ibis DuckDB backend
    files : mapping of path to column names
    scan : callable
        What DuckDB reads some files from, which have the same columns: the call of a table function with further
        options (text that begins with a comma, or nothing).
    opened : Opened
        Is given the sentences and columns.
    copy : bool
        Whether to copy the rows, or to look at the files again each time.
    """
    renamed = _one_spelling(files, opened)
    named = {column for columns in files.values() for column in columns}
    keys = _folder_keys(list(files), named, opened)
    alike: dict[tuple[tuple[str, ...], ...], list[Path]] = {}
    for file, columns in files.items():
        alike.setdefault((tuple(columns), tuple(renamed[file])), []).append(file)
    several = len(files) > 1
    selects = [
        _select(scan(some, f", filename = '{FILE}'" * bool(keys or several)), renamed[some[0]], keys, several)
        for some in alike.values()
    ]
    sql = " UNION ALL BY NAME ".join(selects)
    workspace.con.execute(f"CREATE {'TABLE' if copy else 'VIEW'} source AS {sql}")
    if several:
        for file, columns in files.items():
            own = {renamed[file].get(column, column).lower() for column in columns}
            opened.files[str(file)] = own | {key.lower() for key in keys}
    return workspace.table("source")


def _select(scan: str, renamed: Mapping[str, str], keys: list[str], with_file: bool) -> str:
    """Return the rows of a scan with the columns renamed, and those of the folders' names added."""
    names = ", ".join(f"{quoted(own)} AS {quoted(name)}" for own, name in renamed.items())
    columns = "*" + f" RENAME ({names})" * bool(names)
    if not keys:
        return f"SELECT {columns} FROM {scan}"
    values = "".join(f", {_value_of(key)} AS {quoted(key)}" for key in keys)
    if not with_file:
        columns = columns.replace("*", f"* EXCLUDE ({FILE})", 1)
    return f"SELECT {columns}{values} FROM {scan}"


def _value_of(key: str) -> str:
    pattern = rf"[/\\]{re.escape(key)}=([^/\\]*)[/\\]".replace("'", "''")
    value = f"url_decode(regexp_extract('/' || {FILE}, '{pattern}', 1))"
    return f"nullif(nullif({value}, ''), '__HIVE_DEFAULT_PARTITION__')"


def _folder_keys(files: list[Path], named: set[str], opened: Opened) -> list[str]:
    """Return the columns that the names of folders give (``country=DE``) and no file has or has another for."""
    first = {
        key: part
        for file in reversed(files)
        for part in file.parts[:-1]
        if (key := part.partition("=")[0]) != part
    }
    plain = {plain_name(name) for name in named}
    played = [names for names in USUAL_NAMES.values() if plain.intersection(names)]
    keys = []
    for key, part in first.items():
        if not key or plain_name(key) in plain or any(plain_name(key) in names for names in played):
            opened.assumed.append(
                say("the folder name {part} was not read, since the files have a column for it", part=part)
            )
        else:
            opened.assumed.append(
                say(
                    "the column {column} was read from the names of folders, such as {part}",
                    column=repr(key),
                    part=part,
                )
            )
            keys.append(key)
    return keys


def _one_spelling(files: Mapping[Path, list[str]], opened: Opened) -> dict[Path, dict[str, str]]:
    """Return what to rename in each file, so that ``CustomerID`` and ``customer_id`` of two files are one column."""
    spelling: dict[str, str] = {}
    # Two columns of one file are two columns in every file.
    apart: set[str] = set()
    for columns in files.values():
        plain = [plain_name(column) for column in columns]
        apart.update(name for name in plain if plain.count(name) > 1)
    renamed: dict[Path, dict[str, str]] = {}
    for file, columns in files.items():
        changes = renamed[file] = {}
        for column in columns:
            plain_column = plain_name(column)
            if not plain_column or plain_column in apart:
                continue
            name = spelling.setdefault(plain_column, column)
            if name.lower() != column.lower():
                changes[column] = name
    for column, name in {pair for changes in renamed.values() for pair in changes.items()}:
        count = sum(column in changes for changes in renamed.values())
        opened.assumed.append(
            say_count(
                "{column} in {n} file and {other} in others were read as one column",
                "{column} in {n} files and {other} in others were read as one column",
                count,
                column=repr(column),
                other=repr(name),
            )
        )
    return renamed
