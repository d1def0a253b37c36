"""A Spark session comes in; a workspace in which Ibis computes and keeps tables on Spark goes out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import ibis
from ibis.backends.pyspark import Backend
from ibis.expr import operations as ops

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession


class SparkWorkspace(Backend):  # type: ignore[misc]  # Ibis ships no types
    """The tables of a reading, kept by Spark (in memory, beyond it on disk) and in no catalog."""

    held_: dict[str, DataFrame]

    @classmethod
    def of(cls, session: SparkSession) -> SparkWorkspace:
        """Return a workspace of a session, whose days become those of UTC."""
        ibis.pyspark  # noqa: B018  named, it loads the options that its SQL depends on
        workspace = cls(session)
        workspace.reconnect()
        workspace.held_ = {}
        return workspace

    def open(self, frame: DataFrame) -> ibis.Table:
        """Return a DataFrame as a table of the workspace."""
        return self._view("source", frame)

    def frame(self, table: ibis.Table) -> DataFrame:
        """Return a table of the workspace, or what is computed of its tables, as a DataFrame."""
        self._run_pre_execute_hooks(table)
        return self._session.sql(self.compile(table))

    def compile(self, expr: Any, /, **settings: Any) -> Any:
        """Return the SQL of an expression."""
        return super().compile(expr.op().replace(_in_java).to_expr(), **settings)

    def to_pyarrow(self, expr: Any, /, **_settings: Any) -> Any:
        """Return what an expression says as Arrow, straight from Spark: by way of pandas it is slower, and rounds."""
        table = expr.as_table()
        return expr.__pyarrow_result__(self.frame(table).toArrow(), schema=table.schema())

    def create_table(self, name: str, /, obj: Any = None, **_settings: Any) -> ibis.Table:
        """Compute a table once and hold it."""
        frame = self.frame(obj if isinstance(obj, ibis.Table) else ibis.memtable(obj)).persist()
        # At once, as in any other engine: what it is made of may be dropped next.
        frame.count()
        table = self._view(name, frame)
        self.held_[table.get_name()] = frame
        return table

    def drop_table(self, name: str, /, **_settings: Any) -> None:
        """Free what was kept under this name."""
        for view in [view for view in self.held_ if view.startswith(_prefix(name))]:
            self.held_.pop(view).unpersist()
            self._session.catalog.dropTempView(view)

    def hash_texts(self, texts: ibis.Table) -> tuple[int, int]:
        """Return the exclusive or of the hashes of a column ``text``, and its rows; a hash is that of DuckDB."""

        def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            import duckdb
            import pyarrow as pa

            for batch in batches:
                table = pa.Table.from_batches([batch])
                bits = duckdb.from_arrow(table).aggregate("bit_xor(hash(text))").fetchone()[0]
                yield pa.RecordBatch.from_pydict({"bits": [str(bits)], "rows": [len(table)]})

        bits, rows = 0, 0
        for row in self.frame(texts).mapInArrow(work, "bits string, rows bigint").collect():
            bits, rows = bits ^ int(row["bits"] or 0), rows + row["rows"]
        return bits, rows

    def close(self) -> None:
        """Free all that is kept; the session is somebody else's and goes on."""
        self.drop_table("")

    def _view(self, name: str, frame: DataFrame) -> ibis.Table:
        # The views of a session are one space of names, and it may read several sources.
        view = ibis.util.gen_name(_prefix(name))
        frame.createOrReplaceTempView(view)
        return self.table(view)


def _in_java(node: Any, changed: Any) -> Any:
    r"""Write what Ibis leaves as it is in the form of Java.

    The groups of a pattern are ``$1`` where the one definition says ``\1``. Spark has no ``\v`` and ``\f`` in its
    strings, and would strip the letters.
    """
    node = node.__recreate__(changed) if changed else node
    if isinstance(node, ops.RegexReplace) and isinstance(node.replacement, ops.Literal):
        return node.copy(replacement=ops.Literal(node.replacement.value.replace("\\", "$"), "string"))
    if isinstance(node, ops.Strip):
        return ops.RegexReplace(node.arg, r"^[ \t\n\r\x0b\x0c]+|[ \t\n\r\x0b\x0c]+$", "")
    return node


def _prefix(name: str) -> str:
    return f"duramen_{name}"
