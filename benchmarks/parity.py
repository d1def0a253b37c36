"""How far any feature or score differs between DuckDB and Spark: the largest relative difference of every column.

In: orders that both read, and a cutoff. Out: a printed table; an error where a column differs by more than 1e-9.
Called by hand: `python benchmarks/parity.py dataset:complete_journey 2017-11-01 56`.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from pyspark.sql import DataFrame

from duramen.data.customers import customer_table
from duramen.data.datasets import complete_journey
from duramen.data.reading import read_transactions
from duramen.data.spark_customers import customer_frame
from duramen.data.spark_session import read_orders, spark_session
from duramen.data.transactions import Transactions
from duramen.data.windows import Window
from duramen.scoring.customer_ranking import rank_customers
from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.spark import rank_customers_on_spark

MOST = 1e-9


def main() -> None:
    """Compare both engines on one source."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("orders")
    options.add_argument("cutoff")
    options.add_argument("horizon", type=int)
    options.add_argument("--master", default="local[2]")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, spark_session(given.master, "3g") as session:
        source = complete_journey() if given.orders == "dataset:complete_journey" else given.orders
        path = Path(folder) / "orders.parquet"
        # Spark reads no nanoseconds.
        pq.write_table(pq.read_table(source), path, coerce_timestamps="us")
        here, there = read_transactions(path), read_transactions(read_orders(session, str(path)))
        print(
            f"rows {here.rows_in:,} and {there.rows_in:,}, set aside {here.set_aside} and {there.set_aside}"
        )
        if (here.rows_in, here.set_aside) != (there.rows_in, there.set_aside):
            raise SystemExit("the doors differ")
        print(f"days {compare(days(here), days(there))}")
        model = CoreCustomerModel().fit(here, Window(given.cutoff, given.horizon))
        saved = CoreCustomerModel.load(model.save(Path(folder) / "model"))
        customers, frame = customer_table(here, given.cutoff), customer_frame(there, given.cutoff).persist()
        print(f"features of {len(customers):,} customers {compare(customers, pandas_of(frame))}")
        ranking = rank_customers(model, here, customers)
        on_spark = rank_customers_on_spark(saved, there, given.cutoff).ranking
        print(f"ranking {compare(ranking, pandas_of(on_spark))}")


def days(tx: Transactions) -> pd.DataFrame:
    """Return the table of days."""
    table = tx.days.select(sorted(tx.days.columns)).order_by("customer_id", "date").to_pyarrow()
    return table.to_pandas().assign(date=lambda frame: pd.to_datetime(frame["date"]))


def pandas_of(frame: DataFrame) -> pd.DataFrame:
    """Return a DataFrame of Spark as one of pandas."""
    return frame.toArrow().to_pandas()


def compare(ours: pd.DataFrame, theirs: pd.DataFrame) -> str:
    """Return the columns that differ at all, with the largest relative difference of each."""
    keys = ["customer_id", "date"] if "date" in ours else ["customer_id"]
    ours, theirs = (frame.sort_values(keys, ignore_index=True) for frame in (ours, theirs))
    differences = {name: difference(ours[name], theirs[name]) for name in ours}
    worst = {name: f"{far:.1e}" for name, far in differences.items() if far}
    if max(differences.values()) > MOST or list(ours) != list(theirs):
        raise SystemExit(f"the engines differ: {worst}")
    listed = ", ".join(f"{name} {far}" for name, far in sorted(worst.items()))
    return f"{len(differences)} columns, {len(differences) - len(worst)} equal to the last bit; {listed or 'all'}"


def difference(ours: pd.Series, theirs: pd.Series) -> float:
    """Return the largest relative difference; infinite where words, or what is missing, differ."""
    if not pd.api.types.is_float_dtype(ours):
        return 0.0 if ours.astype(str).equals(theirs.astype(str)) else float("inf")
    first, second = ours.to_numpy(float), theirs.to_numpy(float)
    if (np.isnan(first) != np.isnan(second)).any():
        return float("inf")
    apart = np.abs(first - second)[first != second]
    size = np.maximum(np.abs(first), np.abs(second))[first != second]
    return float(np.nanmax(apart / size, initial=0.0))


if __name__ == "__main__":
    main()
