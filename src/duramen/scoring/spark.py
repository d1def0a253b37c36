"""A model and transactions on Spark come in; the ranking goes out, still on Spark, as ``rank_customers`` makes it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from duramen.data.money_unit import compare_units
from duramen.data.spark_customers import customer_frame
from duramen.data.windows import parse_day
from duramen.forecast.elasticities import MarketElasticities
from duramen.forecast.spark_elasticities import elasticities_on_spark
from duramen.scoring.spark_ranks import rank_on_spark, sums_of_ranking
from duramen.scoring.spark_scores import explain_tiers, score_on_spark
from duramen.scoring.tiers import Tiers

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

    from duramen.data.transactions import Transactions
    from duramen.scoring.model import CoreCustomerModel


class RankedOnSpark(NamedTuple):
    """A ranking on Spark, and what it was made of.

    ``ranking`` has the rows by rank; ``market`` has no rows of customers. ``sums`` has the customers and their
    predicted value by ``tier`` and ``core_in``.
    """

    ranking: DataFrame
    market: MarketElasticities
    sums: pd.DataFrame


def rank_customers_on_spark(
    model: CoreCustomerModel,
    tx: Transactions,
    cutoff: date | str,
    cost_to_serve: DataFrame | None = None,
    tiers: Tiers | None = None,
    reasons: str = "all",
) -> RankedOnSpark:
    """Score and rank customers on Spark: ``rank_customers`` of the customer table at a cutoff.

    Parameters
    ----------
    model : CoreCustomerModel
    tx : Transactions
        Read from a frame of Spark.
    cutoff : date or str
        First day that is not history.
    cost_to_serve : pyspark.sql.DataFrame, optional
        ``customer_id`` and ``cost_to_serve`` (money over the horizon, at least 0) of each of these customers.
    tiers : Tiers, optional
        By default those of the model.
    reasons : str
        The customers to explain: "all", "core" or "none"; the reasons of the others are missing.

    Raises
    ------
    InputError
        If a column that the model learned from is missing, or the purchases are in another unit of money than the
        model.
    """
    compare_units(model.unit_, tx.unit, tx.source)
    tiers, cutoff = model.tiers if tiers is None else tiers, parse_day(cutoff)
    customers = customer_frame(tx, cutoff)
    scores = score_on_spark(model, customers, cutoff, with_reasons=reasons == "all").persist()
    market, elasticities = elasticities_on_spark(tx, cutoff, scores.select("customer_id", "segment"))
    for more in (cost_to_serve, elasticities):
        if more is not None:
            scores = scores.join(more, "customer_id")
    ranking = rank_on_spark(scores, tiers, market)
    # Before the reasons, which would be made again for the sums.
    sums = sums_of_ranking(ranking)
    if reasons != "all":
        explained = tiers.core_names if reasons == "core" else ()
        ranking = explain_tiers(model, ranking, customers, explained, cutoff)
    return RankedOnSpark(ranking, market, sums)
