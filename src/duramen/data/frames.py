"""A frame comes in; a table of a workspace with its rows goes out."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.errors import InputError
from duramen.io.credentials import mask_credentials

if TYPE_CHECKING:
    import ibis
    import pandas as pd
    import pyarrow as pa


def is_spark_frame(source: Any) -> bool:
    """Tell whether a source lies on Spark, without importing Spark to ask."""
    return type(source).__module__.startswith("pyspark.sql") and hasattr(source, "sparkSession")


def source_name(source: Any) -> str:
    """Return how a message calls the source."""
    return mask_credentials(str(source)) if isinstance(source, str | Path) else f"the {type(source).__name__}"


def open_frame(workspace: Any, source: Any) -> ibis.Table:
    """Copy a frame into a table of the workspace.

    Raises
    ------
    InputError
        If it is no frame, or has no columns, or two that differ in case only.
    """
    return workspace.create_table("source", obj=storable(_arrow_table(source), source_name(source)))


def _arrow_table(source: Any) -> pa.Table:
    import pandas as pd
    import pyarrow as pa

    if isinstance(source, Mapping):
        try:
            source = pd.DataFrame({name: list(values) for name, values in source.items()})
        except (TypeError, ValueError) as error:
            raise InputError(
                f"the dict is no table ({error}); give it a list of values by name of column, all of one length."
            ) from error
    if isinstance(source, pd.DataFrame):
        return arrow_of_pandas(source)
    if hasattr(source, "to_pyarrow"):
        return source.to_pyarrow()
    if hasattr(source, "collect") and not hasattr(source, "__arrow_c_stream__"):
        # A lazy frame of Polars.
        source = source.collect()
    if hasattr(source, "scanner"):
        # A data set of Arrow, which is many files and no stream yet.
        return source.scanner().to_table()
    if not hasattr(source, "__arrow_c_stream__") and not hasattr(source, "__arrow_c_array__"):
        raise InputError(
            f"{source_name(source)} is no source of transactions; give a CSV or Parquet file, a folder of either, "
            "duckdb://file.db/table, or a pandas or Arrow frame with named columns."
        )
    try:
        return pa.table(source)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise InputError(
            f"{source_name(source)} gives no table to Arrow ({' '.join(str(error).split())}); give a frame with named "
            "columns."
        ) from error


def arrow_of_pandas(frame: pd.DataFrame) -> pa.Table:
    """Return the columns of a frame, and the named levels of its index, which may be the customer or the day."""
    import pandas as pd
    import pyarrow as pa

    names = [str(name) for name in frame.columns]
    known = {name.lower() for name in names}
    columns = [to_arrow(column) for _, column in frame.items()]
    for number, level in enumerate(frame.index.names):
        if level is not None and str(level).lower() not in known:
            columns.append(to_arrow(pd.Series(frame.index.get_level_values(number))))
            names.append(str(level))
    return pa.table(columns, names=names)


def storable(table: pa.Table, where: str) -> pa.Table:
    """Return a table with the types that DuckDB can store.

    Raises
    ------
    InputError
        If it has no columns, or two that differ in case only.
    """
    import pyarrow as pa

    names = [name.lower() for name in table.column_names]
    if not names:
        raise InputError(f"{where} has no columns; give at least a customer, a date and an amount.")
    twice = [name for name in table.column_names if names.count(name.lower()) > 1]
    if twice:
        raise InputError(
            f"{where} has columns that differ in case only or not at all: {', '.join(map(repr, twice))}; rename them."
        )
    return pa.table([_stored(column) for column in table.columns], names=table.column_names)


def _stored(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa
    from ibis.formats.pyarrow import PyArrowType

    kind = _stored_type(column.type)
    try:
        PyArrowType.to_ibis(kind)
        return column if kind == column.type else column.cast(kind, safe=False)
    except (pa.ArrowException, KeyError, TypeError, ValueError):
        # A type that Ibis does not know, or that nothing is cast to.
        texts = [None if value is None else str(value) for value in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])


def _stored_type(kind: pa.DataType) -> pa.DataType:
    """Return the type that DuckDB can store: none for nothing, for codes of values or of somebody's own."""
    import pyarrow as pa

    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return _stored_type(kind.storage_type)
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return _stored_type(kind.value_type)
    if types.is_null(kind) or kind == pa.string_view():
        return pa.string()
    if types.is_fixed_size_binary(kind):
        return pa.binary()
    if types.is_float16(kind):
        return pa.float32()
    if types.is_decimal256(kind):
        return pa.float64()
    return pa.duration("us") if types.is_duration(kind) else kind


def to_arrow(column: pd.Series[Any]) -> pa.Array:
    """Return a column of pandas in its Arrow type, or as text where it mixes types."""
    import pyarrow as pa

    with contextlib.suppress(pa.ArrowException, OverflowError):
        array = pa.array(column, from_pandas=True)
        if not isinstance(array.type, pa.BaseExtensionType):
            return array
    # A column that mixes numbers and text is text: the checks find which values are not numeric.
    return pa.array(column.astype("str").where(column.notna(), None), from_pandas=True)
