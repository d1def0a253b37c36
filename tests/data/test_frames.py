"""Whatever gives Arrow is a frame, whatever types and index it has; what is no frame is refused in one sentence."""

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pytest

from duramen.data.reading import read_transactions
from duramen.errors import InputError

FRAME = pd.DataFrame({"customer": ["a", "b"], "date": ["2020-01-02", "2020-01-03"], "amount": [1.5, 2.0]})
TABLE = pa.Table.from_pandas(FRAME)


class Stream:
    """Something that another library may make: it has rows, and the one method of Arrow."""

    def __arrow_c_stream__(self, requested_schema=None):
        return TABLE.__arrow_c_stream__(requested_schema)


def polars(make):
    return lambda: make(pytest.importorskip("polars").from_arrow(TABLE))


@pytest.mark.parametrize(
    "make",
    [
        lambda: duckdb.from_arrow(TABLE),
        lambda: TABLE.to_reader(),
        lambda: TABLE.to_batches()[0],
        lambda: pa.dataset.dataset(TABLE),
        Stream,
        lambda: FRAME.to_dict("list"),
        lambda: {name: column.to_numpy() for name, column in FRAME.items()},
        lambda: FRAME.set_index("customer"),
        lambda: FRAME.set_index(["customer", "date"]),
        lambda: FRAME.set_index(pd.to_datetime(FRAME["date"]), drop=False),
        lambda: FRAME.set_axis([7, 7]),
        lambda: FRAME.astype({"customer": "category"}),
        lambda: FRAME.convert_dtypes(),
        lambda: FRAME.convert_dtypes(dtype_backend="pyarrow"),
        polars(lambda frame: frame),
        polars(lambda frame: frame.lazy()),
    ],
    ids=["DuckDB relation", "reader", "batch", "data set", "stream", "dict", "arrays", "index", "two levels", "dates",
         "repeated index", "category", "nullable", "Arrow dtypes", "Polars", "lazy Polars"],
)  # fmt: skip
def test_every_kind_of_frame_gives_the_same_days(make, days_of):
    assert days_of(read_transactions(make())) == days_of(read_transactions(FRAME))


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["a", "b"]).dictionary_encode(),
        pa.array(["a", "b"], pa.string_view()),
        pa.array(["a", "b"], pa.large_string()),
        pa.chunked_array([pa.array(["a"]).dictionary_encode(), pa.array(["b"]).dictionary_encode()]),
        pa.RunEndEncodedArray.from_arrays([1, 2], ["a", "b"]),
    ],
    ids=lambda column: str(column.type).partition("<")[0],
)
def test_ids_in_every_type_of_arrow_are_text(column, days_of):
    table = TABLE.set_column(0, "customer", column)
    assert days_of(read_transactions(table)) == days_of(read_transactions(TABLE))


# A column of pandas gives itself to Arrow from version 2.3 on, but it is no table.
SERIES_TO_ARROW = (
    "gives no table to Arrow" if hasattr(pd.Series, "__arrow_c_stream__") else "is no source of transactions"
)
# PyArrow has this type from version 18 on.
UUIDS = (
    [pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16, None], pa.binary(16)))]
    if hasattr(pa, "uuid")
    else []
)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([None, None]),
        pa.array(np.array([1, 2], np.float16)),
        pa.array([1, 2], pa.decimal256(60, 2)),
        pa.array([[1], None]),
        pa.array([{"a": 1}, None]),
        pa.array([b"\xff", None]),
        *UUIDS,
        pa.array([1, 2], pa.duration("ns")),
        pa.array([1, 2], pa.time64("ns")),
        pa.UnionArray.from_dense(
            pa.array([0, 1], pa.int8()), pa.array([0, 0], pa.int32()), [pa.array([1]), pa.array(["x"])]
        ),
    ],
    ids=lambda column: str(column.type).partition("<")[0],
)
def test_a_column_of_any_type_never_disturbs(column, days_of):
    assert days_of(read_transactions(TABLE.append_column("note", column))) == days_of(
        read_transactions(TABLE)
    )


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (np.zeros((3, 3)), "the ndarray is no source of transactions; give a CSV or Parquet file"),
        ([1, 2], "the list is no source of transactions"),
        (None, "the NoneType is no source of transactions"),
        (
            {"customer": [1, 2], "date": ["2020-01-02"]},
            "the dict is no table (All arrays must be of the same length)",
        ),
        ({"customer": 1}, "the dict is no table"),
        ({}, "the dict has no columns"),
        (pa.array([1, 2]), "gives no table to Arrow"),
        (FRAME["customer"], f"the Series {SERIES_TO_ARROW}"),
    ],
)
def test_what_is_no_frame_is_refused_in_one_sentence(source, sentence):
    with pytest.raises(InputError) as caught:
        read_transactions(source)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
