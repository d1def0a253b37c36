"""Transactions on Spark come in; the customer table and the cost to serve of each customer go out, still on Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from duramen.data.costs import costs_of_customers
from duramen.data.features import customer_features
from duramen.data.spark_session import read_orders
from duramen.data.windows import parse_day

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from pyspark.sql import DataFrame

    from duramen.data.spark_workspace import SparkWorkspace
    from duramen.data.transactions import Transactions


def customer_frame(tx: Transactions, cutoff: date | str) -> DataFrame:
    """Return the customer table of transactions on Spark: ``duramen.customer_table`` as a Spark DataFrame.

    Parameters
    ----------
    tx : Transactions
        What ``read_transactions`` made of a Spark DataFrame.
    cutoff : date or str
        First day that is not history.

    Returns
    -------
    pyspark.sql.DataFrame
        ``customer_id`` in the type it came in, then the features as doubles, null where undefined; in no order.
    """
    workspace: SparkWorkspace = tx.days.get_backend()
    return workspace.frame(customer_features(tx.days, parse_day(cutoff)))


def read_costs_on_spark(
    tx: Transactions,
    cutoff: date | str,
    address: str,
    decimal: str | None = None,
    hash_ids: str | Path | None = None,
) -> DataFrame:
    """Return the cost to serve of each customer with a purchase before the cutoff: ``read_costs`` on Spark.

    Parameters
    ----------
    tx : Transactions
        Read from a frame of Spark.
    cutoff : date or str
        First day that is not history.
    address : str
        A table of the catalog, or a path that all executors see, with the columns that ``read_costs`` describes.
    decimal : str, optional
        Decimal mark of numbers in text; found by itself where the numbers show it.
    hash_ids : str or Path, optional
        As ``read_costs`` takes it.

    Returns
    -------
    pyspark.sql.DataFrame
        ``customer_id`` as in the customer table, and ``cost_to_serve``.

    Raises
    ------
    InputError
        As ``read_costs`` does.
    """
    workspace: SparkWorkspace = tx.days.get_backend()
    costs = workspace.open(read_orders(workspace._session, address))
    purchases = tx.history(parse_day(cutoff)).filter(lambda days: days.purchase)
    customers = purchases.select("customer_id").distinct()
    return workspace.frame(costs_of_customers(costs, customers, address, decimal, hash_ids))


def purchase_histories(customers: DataFrame) -> Any:
    """Count the customers of each history: all that a purchase model is fitted to, however many customers there are.

    Parameters
    ----------
    customers : pyspark.sql.DataFrame
        Has ``frequency``, ``recency`` and ``T``, as ``customer_frame`` gives them.

    Returns
    -------
    pandas.DataFrame
        A row for each distinct history, with ``customers``, how many share it; in the order of the history. Fit with
        ``BetaGeoModel().fit(histories, sample_weight=histories["customers"])``, and so the other purchase models.
    """
    import pandas as pd

    keys = ["frequency", "recency", "T"]
    counted = customers.groupBy(*keys).count().withColumnRenamed("count", "customers")
    # Sorted here: a few million rows at the most, and Spark would need a pass to find the borders.
    frame: pd.DataFrame = counted.toArrow().to_pandas()
    return frame.sort_values(keys, ignore_index=True)
