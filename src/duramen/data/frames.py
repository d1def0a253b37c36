"""A frame comes in; a table of a workspace with its rows goes out."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.errors import InputError

if TYPE_CHECKING:
    import ibis
    import pandas as pd
    import pyarrow as pa


def is_spark_frame(source: Any) -> bool:
    """Tell whether a source lies on Spark, without importing Spark to ask."""
    return type(source).__module__.startswith("pyspark.sql") and hasattr(source, "sparkSession")


def source_name(source: Any) -> str:
    """Return how a message calls the source."""
    return str(source) if isinstance(source, str | Path) else f"the {type(source).__name__}"


def open_frame(workspace: Any, source: Any) -> ibis.Table:
    """Copy a frame into a table of the workspace."""
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
