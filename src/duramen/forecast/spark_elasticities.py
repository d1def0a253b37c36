"""Transactions on Spark and a segment for each customer come in; market elasticities go out, still on Spark."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from duramen.forecast.elasticities import MarketElasticities
from duramen.forecast.elasticity_estimation import CELL, Prior, cell_sums, estimate_block, fit_elasticities
from duramen.forecast.market_level import MarketLevel, count_columns, period_starts, purchases_by_period

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyspark.sql import DataFrame

    from duramen.data.spark_workspace import SparkWorkspace
    from duramen.data.transactions import Transactions

    CountArray = NDArray[np.int8]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]


def elasticities_on_spark(
    tx: Transactions, cutoff: date, groups: DataFrame
) -> tuple[MarketElasticities, DataFrame | None]:
    """Estimate ``market_elasticities`` where purchases and customers are on Spark.

    Parameters
    ----------
    tx : Transactions
        Read from a frame of Spark.
    cutoff : date
        Only purchase days before it are used.
    groups : pyspark.sql.DataFrame
        ``customer_id`` and ``segment`` of the customers with a purchase before the cutoff.

    Returns
    -------
    market : MarketElasticities
        Its ``customers`` has no rows.
    elasticities : pyspark.sql.DataFrame or None
        ``customer_id`` and ``elasticity``; None where elasticities are not identified.
    """
    from pyspark.sql import functions as F

    starts = period_starts(tx.first_date, cutoff)
    workspace: SparkWorkspace = tx.days.get_backend()
    counted = workspace.frame(purchases_by_period(tx.days, cutoff, len(starts)))
    names = sorted(row["segment"] for row in groups.select("segment").distinct().collect())
    code = F.array_position(F.array(*map(F.lit, names)), F.col("segment")) - 1
    counts = _CountsOnSpark(counted.join(groups.withColumn("group", code).drop("segment"), "customer_id"))
    fitted = fit_elasticities(counts, starts, len(names))
    market = MarketElasticities.of(fitted, cutoff, pd.DataFrame({"customer_id": [], "elasticity": []}))
    if fitted.prior is None:
        counts.frame.unpersist()
        return market, None
    return market, counts.elasticities(fitted.level, fitted.prior)


class _CountsOnSpark:
    """Purchase counts by period on Spark, with ``customer_id``, ``cohort`` and the number of the ``group``."""

    def __init__(self, frame: DataFrame) -> None:
        self.frame = frame.persist()

    def by_cohort(self, periods: int) -> tuple[IntArray, FloatArray]:
        from pyspark.sql import functions as F

        sums = [F.sum(name).alias(name) for name in count_columns(periods)]
        customers, bought = np.zeros(periods + 1, dtype=np.int64), np.zeros((periods + 1, periods))
        for row in self.frame.groupBy("cohort").agg(F.count("*").alias("customers"), *sums).collect():
            customers[row["cohort"] + 1] = row["customers"]
            bought[row["cohort"] + 1] = [row[name] for name in count_columns(periods)]
        return customers, bought

    def cells(self, level: MarketLevel, centre: FloatArray) -> pd.DataFrame:
        from pyspark.sql import functions as F

        def work(blocks: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
            for block in blocks:
                counts, cohorts, group = _arrays_of(block, level)
                yield cell_sums(group, *estimate_block(level, centre, counts, cohorts, group))

        columns = list(cell_sums(np.empty(0, dtype=np.int64), np.empty((0, 2)), np.empty((0, 2))))
        schema = ", ".join(
            f"{name} {'bigint' if name in ('group', 'customers') else 'double'}" for name in columns
        )
        parts = self.frame.mapInPandas(work, schema)
        sums = [F.sum(name).alias(name) for name in columns if name not in CELL]
        frame: pd.DataFrame = parts.groupBy(*CELL).agg(*sums).toArrow().to_pandas()
        return frame.sort_values(CELL, ignore_index=True)

    def elasticities(self, level: MarketLevel, prior: Prior) -> DataFrame:
        """Return ``customer_id`` and ``elasticity``."""

        def work(blocks: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
            for block in blocks:
                counts, cohorts, group = _arrays_of(block, level)
                elasticity, _ = prior.shrink(
                    *estimate_block(level, prior.centre, counts, cohorts, group), group
                )
                yield block[["customer_id"]].assign(elasticity=elasticity)

        of_id = self.frame.schema["customer_id"].dataType.simpleString()
        return self.frame.mapInPandas(work, f"customer_id {of_id}, elasticity double")


def _arrays_of(block: pd.DataFrame, level: MarketLevel) -> tuple[CountArray, IntArray, IntArray]:
    """Return counts, cohorts and group numbers of a block of customers."""
    counts = block[count_columns(len(level.starts))].to_numpy(dtype=np.int8)
    return counts, block["cohort"].to_numpy(dtype=np.int64), block["group"].to_numpy(dtype=np.int64)
