"""Orders to read and the day table to look at, for every test of the door."""

import duckdb
import ibis
import pandas as pd
import pyarrow as pa
import pytest


@pytest.fixture(scope="session")
def orders():
    """Three good rows, with columns replaced or added."""

    def make(**columns):
        days = ["2020-01-02", "2020-01-05", "2020-01-09"]
        return pd.DataFrame({"customer": [1, 1, 2], "date": days, "amount": [3.0, 4.5, 5.0], **columns})

    return make


@pytest.fixture(scope="session")
def mostly_good():
    """Rows of text of which the last has other values: few enough bad ones to be set aside."""

    def make(rows=100, **bad):
        good = {"customer": "1", "date": "2020-01-02", "amount": "2.50"}
        return pd.DataFrame([good] * (rows - 1) + [good | bad], dtype=object)

    return make


@pytest.fixture(scope="session")
def values():
    """What an expression makes of a column of values."""
    engine = ibis.duckdb.connect()

    def evaluate(expression, column, dtype=None):
        table = engine.create_table("values", pa.table({"value": pa.array(column, dtype)}), overwrite=True)
        return table.select(value=expression(table.value)).to_pyarrow()["value"].to_pylist()

    return evaluate


@pytest.fixture(scope="session")
def days_of():
    """The day table as a list of rows in the order of customer and day, decimals exact."""
    return lambda tx: tx.days.order_by("customer_id", "date").to_pyarrow().to_pylist()


@pytest.fixture
def stored(tmp_path):
    """A function that stores a frame in one of the kinds of source and returns what the door is given."""
    return lambda kind, frame: STORES[kind](frame, tmp_path)


def _csv(frame, folder):
    frame.to_csv(folder / "orders.csv", index=False)
    return folder / "orders.csv"


def _gzipped_csv(frame, folder):
    frame.to_csv(folder / "orders.csv.gz", index=False)
    return str(folder / "orders.csv.gz")


def _parquet(frame, folder):
    frame.to_parquet(folder / "orders.parquet", index=False)
    return folder / "orders.parquet"


def _folder_of_csv(frame, folder):
    (folder / "year" / "later.csv").mkdir(parents=True)
    frame.iloc[:1].to_csv(folder / "year" / "a.csv", index=False)
    frame.iloc[1:, ::-1].to_csv(folder / "year" / "later.csv" / "b.csv", index=False)
    return folder / "year"


def _folder_of_parquet(frame, folder):
    (folder / "year").mkdir()
    (folder / "year" / "_SUCCESS").touch()
    frame.iloc[:1].to_parquet(folder / "year" / "a.parquet", index=False)
    frame.iloc[1:, ::-1].to_parquet(folder / "year" / "b.parquet", index=False)
    return folder / "year"


def _duckdb_table(frame, folder):
    with duckdb.connect(folder / "it's a shop.db") as engine:
        engine.register("frame", _arrow(frame, folder))
        engine.execute('CREATE TABLE "our orders" AS SELECT * FROM frame')
    return f"duckdb://{folder}/it's a shop.db/our orders"


def _arrow(frame, _folder):
    return pa.Table.from_pandas(frame, preserve_index=False)


def _ibis(frame, folder):
    return ibis.duckdb.connect().create_table("orders", _arrow(frame, folder))


STORES = {
    "pandas frame": lambda frame, _folder: frame,
    "Arrow table": _arrow,
    "Ibis table": _ibis,
    "CSV": _csv,
    "gzipped CSV": _gzipped_csv,
    "Parquet": _parquet,
    "folder of CSV": _folder_of_csv,
    "folder of Parquet": _folder_of_parquet,
    "DuckDB table": _duckdb_table,
}


@pytest.fixture(params=list(STORES))
def kind(request):
    return request.param
