"""Blocks of a ranking and an address come in; a table of DuckDB or PostgreSQL has the rows, whole or not at all.

The rows and their sidecar, in a second table, are replaced in one transaction: readers see the old ones until all new
ones are there. No table is dropped, so that grants, indexes and views stay.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from duramen.errors import InputError
from duramen.io.databases import (
    DuckDBFile,
    DuckDBTransaction,
    PostgreSQLDatabase,
    PostgreSQLTransaction,
    quoted,
    split_duckdb,
    split_postgresql,
)
from duramen.io.files import refuse_unwritable
from duramen.io.score_columns import DATE_COLUMNS, RANKING_COLUMNS, TEXT_COLUMNS
from duramen.io.sidecar import table_sidecar

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SIDECAR = "_sidecar"
# PostgreSQL cuts longer names, and a table and its sidecar would have the same one.
LONGEST_NAME = 63
# Columns that a sentence names.
NAMED = 3


@dataclass(frozen=True)
class Table:
    """A table of a database, by its address; ``schema`` is empty where the address names none.

    Examples
    --------
    >>> table = table_at("postgresql://ann:secret@db/shop/scores")
    >>> str(table)
    'postgresql://ann@db/shop/scores'
    >>> table.of_group("end").name, table.sidecar.name
    ('scores_end', 'scores_sidecar')
    """

    database: DuckDBFile | PostgreSQLDatabase
    schema: str
    name: str

    def __str__(self) -> str:
        if isinstance(self.database, DuckDBFile):
            return f"duckdb://{self.database.file}/{self.full_name}"
        where, mark, parameters = self.database.address.partition("?")
        return f"{where}/{quote(self.full_name)}{mark}{parameters}"

    @property
    def full_name(self) -> str:
        """The name with the schema, where one is named."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    @property
    def sidecar(self) -> Table:
        """The table of one row with what the scores are made of."""
        return replace(self, name=self.name + SIDECAR)

    @property
    def work_place(self) -> Path:
        """The path of the work folder: beside the DuckDB file, else in the current folder."""
        if isinstance(self.database, DuckDBFile):
            return self.database.file.with_name(f"{self.database.file.name}.{self.full_name}")
        # Tables of the same name in two databases have two work folders.
        digest = hashlib.sha256(f"{self.database.address}/{self.full_name}".encode()).hexdigest()
        return Path(f"{self.full_name.replace('/', '_')}.{digest[:8]}.postgresql")

    @property
    def identity(self) -> tuple[object, ...]:
        """What all addresses of the same table have in common."""
        if isinstance(self.database, DuckDBFile):
            return self.database.file.resolve(), (self.schema or "main").casefold(), self.name.casefold()
        return self.database, self.schema, self.name

    def of_group(self, key: str) -> Table:
        """Return the table of a group of customers; a dot in its name would separate a schema."""
        return replace(self, name=f"{self.name}_{key}") if key else self


def table_at(address: str) -> Table | None:
    """Return the table that an address names, or None for a file.

    Raises
    ------
    InputError
        If it names a database without a table, or a database of another kind.
    """
    kind, is_address, _ = address.partition("://")
    if not is_address:
        return None
    if kind == "duckdb":
        file, schema, name = split_duckdb(address)
        return Table(DuckDBFile(Path(file)), schema, name)
    if kind not in ("postgresql", "postgres"):
        raise InputError(
            f"scores are not written to {kind}://; give a file, duckdb://file.db/table or "
            "postgresql://user@host/database/table by `out`."
        )
    database, table = split_postgresql(address)
    schema, dot, name = table.rpartition(".")
    if not name or (dot and not schema):
        raise InputError(
            f"{database.address} and {table!r} name no table; write postgresql://user@host/database/table."
        )
    return Table(database, schema, name)


def check_table(table: Table, *, with_cost: bool = False, ids: pa.DataType | None = None) -> None:
    """Refuse a table that a ranking cannot be written to, by a rehearsal that changes nothing.

    Parameters
    ----------
    table : Table
    with_cost : bool
        Whether the ranking has the cost to serve.
    ids : pyarrow.DataType, optional
        Type of the customer ids, if it is known already.

    Raises
    ------
    InputError
        If the database cannot be reached or written to, or something else is in the table's place.
    """
    if len(table.sidecar.name.encode()) > LONGEST_NAME:
        raise InputError(
            f"{table.name!r} is too long a name for a table and its sidecar; name another by `out`."
        )
    refuse_unwritable(table.work_place, "out")
    if isinstance(table.database, DuckDBFile):
        if not table.database.file.exists():
            if table.schema.casefold() not in ("", "main"):
                raise InputError(
                    f"{table.database.file} is not there yet, and a new file has no schema {table.schema!r}; make it "
                    "first, or leave the schema out of `out`."
                )
            return
        refuse_unwritable(table.database.file, "out")
    names = [name for name in RANKING_COLUMNS if with_cost or name != "cost_to_serve"]
    with table.database.transaction(str(table), rehearse=True) as transaction:
        _make_ready(transaction, table, _kinds(names, ids), rehearse=True)


def write_table(blocks: Iterable[pd.DataFrame], table: Table, made_of: dict[str, Any]) -> int:
    """Replace the rows of a table by blocks of a ranking, and the content of its sidecar.

    Parameters
    ----------
    blocks : iterable of pandas.DataFrame
        At least one; only one is in memory at a time.
    table : Table
        Made if it is missing.
    made_of : dict
        What ``duramen.scoring.provenance.provenance`` returns.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    InputError
        If the table has other columns, or the database refuses; the old rows stay.
    """
    import pyarrow as pa

    blocks = iter(blocks)
    first = next(blocks)
    ids = pa.Table.from_pandas(first[["customer_id"]].head(1), preserve_index=False).schema.field(0).type
    kinds = _kinds(first.columns, ids)
    in_arrow = {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "flag": pa.bool_(),
        "time": pa.timestamp("us"),
    }
    schema = pa.schema([(name, in_arrow[kind]) for name, kind in kinds.items()])
    rows = 0
    with table.database.transaction(str(table)) as transaction:
        home = _make_ready(transaction, table, kinds)
        for block in itertools.chain([first], blocks):
            transaction.append(
                home, table.name, pa.Table.from_pandas(block, preserve_index=False).cast(schema)
            )
            rows += len(block)
        text = table_sidecar(table.full_name, rows, made_of)
        transaction.execute(f"INSERT INTO {_in(home, table.sidecar)} VALUES ($1::text::json)", text)
    return rows


def _kinds(names: Iterable[str], ids: pa.DataType | None) -> dict[str, str]:
    """Return the kind of each column of a ranking; that of the id is empty as long as it is not known."""
    import pyarrow as pa

    of_id = ""
    if ids is not None:
        # Integers of more than 63 bits are written as text.
        whole = pa.types.is_integer(ids) and ids != pa.uint64()
        of_id = "integer" if whole else "number" if pa.types.is_floating(ids) else "text"
    words = (*TEXT_COLUMNS, "tier", "quadrant", "treatment", "core_in")
    special = {"customer_id": of_id, "rank": "integer", "is_outlier": "flag"}
    special |= dict.fromkeys(DATE_COLUMNS, "time") | dict.fromkeys(words, "text")
    return {name: special.get(name, "number") for name in names}


def _make_ready(
    transaction: DuckDBTransaction | PostgreSQLTransaction,
    table: Table,
    kinds: dict[str, str],
    *,
    rehearse: bool = False,
) -> str:
    """Make the tables of the scores and their sidecar, or empty them; return their schema.

    A rehearsal deletes no row and does not wait.
    """
    home = transaction.schema(table.schema)
    if not rehearse:
        transaction.wait_for_others(home, table.name)
    elif not transaction.is_free(home, table.name):
        # The tables that another run is making are checked when the rows are loaded, after waiting for that run.
        return home
    for place, columns in ((table, kinds), (table.sidecar, {"sidecar": "json"})):
        types = {name: transaction.types.get(kind, "") for name, kind in columns.items()}
        found = transaction.columns(home, place.name)
        if found is None:
            # An id that is not known yet may be text in a rehearsal.
            made = ", ".join(f"{quoted(name)} {of or 'text'}" for name, of in types.items())
            transaction.execute(f"CREATE TABLE {_in(home, place)} ({made})")
        elif place is not table and found != types:
            raise InputError(
                f"{place} is not a sidecar of scores, and that of {table.name} would replace its rows; name another "
                "table by `out`."
            )
        elif differences := _differences(found, types):
            raise InputError(
                f"{table} does not have the columns of these scores: {'; '.join(differences)}; drop it if it "
                "is not needed, or name another table by `out`."
            )
        # No rows: it tests the right to insert, and DuckDB uses an index in a DELETE only after an INSERT.
        no_rows = f"({quoted(next(iter(types)))}) SELECT NULL WHERE false"
        transaction.execute(f"INSERT INTO {_in(home, place)} {no_rows}")
        transaction.execute(f"DELETE FROM {_in(home, place)}" + (" WHERE false" if rehearse else ""))
    return home


def _in(home: str, table: Table) -> str:
    return f"{quoted(home)}.{quoted(table.name)}"


def _differences(found: dict[str, str], types: dict[str, str]) -> list[str]:
    """Return in words how the columns of a table differ from those that are to be written."""
    differences = []
    if missing := _named([name for name in types if name not in found]):
        differences.append(f"it lacks {missing}")
    if others := _named([name for name in found if name not in types]):
        differences.append(f"it also has {others}")
    changed = [name for name, of in types.items() if of and found.get(name, of) != of]
    return differences + [f"{name} is {found[name]} where the scores have {types[name]}" for name in changed]


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(map(repr, names[:NAMED])) + more
