"""Scores on Spark come in; ranks, tiers and the markets of each customer go out, by Spark's own sorts and sums.

No step has all customers in one task: what depends on all of them is found from sums of the parts of a sorted frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from duramen.forecast.direction import is_declining, is_growing
from duramen.io.score_columns import RANKING_COLUMNS
from duramen.scoring.market_scenarios import CORE_IN, scenario_change
from duramen.scoring.tiers import DEFAULT_TIERS, SET_TOLERANCE, Tiers
from duramen.scoring.treatments import treatments_of
from duramen.scoring.value_growth import CORE_DECLINING, CORE_GROWING, CORE_STEADY, REST, RISING
from duramen.segments.activity import AT_RISK, LAPSED

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import Column, DataFrame

    from duramen.forecast.elasticities import MarketElasticities

# Where a row is: the part of the sorted frame, and its place in the part.
PART, PLACE = "duramen_part", "duramen_place"
# Spark counts the rows of a part in the lower bits of its increasing ids.
PLACE_BITS = 33
# Customers who have these in common have the same treatment.
ALIKE = ("tier", "lifecycle_stage", "segment")


def rank_on_spark(
    scores: DataFrame, tiers: Tiers = DEFAULT_TIERS, market: MarketElasticities | None = None
) -> DataFrame:
    """Rank customers by score and put them into tiers: ``rank_core_customers`` and ``add_core_in`` on Spark.

    Parameters
    ----------
    scores : pyspark.sql.DataFrame
        What ``score_on_spark`` returns. A column ``cost_to_serve`` (money of at least 0 over the horizon) lowers the
        score, and puts customers below break-even.
    tiers : Tiers
    market : MarketElasticities, optional
        Adds ``core_in``. Where elasticities are identified, ``scores`` has the column ``elasticity``.

    Returns
    -------
    pyspark.sql.DataFrame
        By rank, in the order of the ranking's columns. Spark keeps it until it is unpersisted.
    """
    from pyspark.sql import functions as F

    # Sorting reads the frame twice, once for the borders of the parts.
    scores = scores.persist()
    if "cost_to_serve" in scores.columns:
        scored = scores.withColumn("score", F.col("score") - F.col("cost_to_serve"))
    else:
        scored = scores
    ranked = _numbered(scored, [F.col("score").desc(), F.col("customer_id").asc()], "rank")
    tiered = ranked.withColumn("tier", _tier(ranked, tiers))
    if market is not None:
        tiered = tiered.withColumn("core_in", _core_in(tiered, tiers, market))
    tiered = tiered.withColumn("quadrant", _quadrant(tiers))
    if set(ALIKE) <= set(tiered.columns):
        tiered = tiered.join(F.broadcast(_treatments(tiered, tiers)), list(ALIKE))
    return tiered.select(*(name for name in RANKING_COLUMNS if name in tiered.columns))


def _numbered(frame: DataFrame, order: list[Column], name: str) -> DataFrame:
    """Sort a frame and number its rows from 1, each part from where the parts before it end."""
    from pyspark.sql import functions as F

    placed = _placed(frame, order)
    offsets = placed.sparkSession.createDataFrame(_starts(placed), f"{PART} int, duramen_start bigint")
    joined = placed.join(F.broadcast(offsets), PART)
    numbered = joined.withColumn(name, F.col("duramen_start") + F.col(PLACE) + 1)
    return numbered.drop(PART, PLACE, "duramen_start")


def _starts(placed: DataFrame) -> list[tuple[int, int]]:
    """Return each part with the number of rows in the parts before it."""
    rows = placed.groupBy(PART).count().orderBy(PART).collect()
    before = np.cumsum([0, *(row["count"] for row in rows)])
    return [(row[PART], int(start)) for row, start in zip(rows, before, strict=False)]


def _placed(frame: DataFrame, order: list[Column]) -> DataFrame:
    """Sort a frame by ranges, and add to each row its part and its place in the part, from 0."""
    from pyspark.sql import functions as F

    place = F.monotonically_increasing_id().bitwiseAND((1 << PLACE_BITS) - 1)
    return frame.orderBy(*order).select("*", F.spark_partition_id().alias(PART), place.alias(PLACE)).persist()


def _tier(ranked: DataFrame, tiers: Tiers) -> Column:
    """Return the tier of each row as an expression: ``Tiers.assign``, of which only a few numbers must be found."""
    from pyspark.sql import functions as F

    value, growing = F.col("predicted_value"), F.col("probability_growing")
    above = value >= F.col("cost_to_serve") if "cost_to_serve" in ranked.columns else F.lit(True)
    shares = (tiers.vip_share, tiers.core_share, tiers.regular_share)
    vip, core, regular = _smallest_sets(ranked, _after_cost(ranked, value), shares)
    core = above & core
    rising = above & ~core & (F.col("growth_rate") >= tiers.rising_growth)
    if "lifecycle_stage" in ranked.columns:
        rising &= ~F.col("lifecycle_stage").isin(AT_RISK, LAPSED)
    if tiers.rising_share > 0 and not ranked.filter(rising).isEmpty():
        outside = ranked.filter(above & ~core).select(growing.alias("growing"))
        rising &= growing >= _quantile(outside, 1 - tiers.rising_share)
    else:
        rising = F.lit(False)
    named = F.when(~above, tiers.below_break_even.name).when(core & vip, tiers.vip.name)
    named = named.when(core, tiers.main.name).when(rising, tiers.rising.name)
    return named.when(regular, tiers.regular.name).otherwise(tiers.small.name)


def _quadrant(tiers: Tiers) -> Column:
    """Return the place of each row on the map of value and growth as an expression: ``quadrants``."""
    from pyspark.sql import functions as F

    core, growth = F.col("tier").isin(*tiers.core_names), F.col("growth_rate")
    placed = F.when(core & is_growing(growth), CORE_GROWING).when(core & is_declining(growth), CORE_DECLINING)
    placed = placed.when(core, CORE_STEADY)
    return placed.when(F.col("tier") == tiers.rising.name, RISING).otherwise(REST)


def _treatments(tiered: DataFrame, tiers: Tiers) -> DataFrame:
    """Return the treatment of each kind of customer, a few hundred rows at most."""
    kinds = tiered.select(*ALIKE).distinct().toArrow().to_pandas()
    kinds["treatment"] = treatments_of(kinds, tiers.keys, tiers.treatments)
    return tiered.sparkSession.createDataFrame(kinds)


def _core_in(tiered: DataFrame, tiers: Tiers, market: MarketElasticities) -> Column:
    """Return the markets in which each row is core as an expression: ``core_sets``."""
    from pyspark.sql import functions as F

    every, up_only, down_only, now_only, up_and_down, none = CORE_IN
    core = F.col("tier").isin(*tiers.core_names)
    if not market.identified:
        return F.when(core, every).otherwise(none)
    change = scenario_change(market)
    up, down = (
        _smallest_sets(
            tiered,
            _after_cost(tiered, F.col("predicted_value") * F.pow(F.lit(level), F.col("elasticity"))),
            (tiers.core_share,),
        )[0]
        for level in (1 + change, 1 - change)
    )
    core_in = F.when(core & up & down, every).when(up & ~down, up_only).when(down & ~up, down_only)
    return core_in.when(core, now_only).when(up, up_and_down).otherwise(none)


def _after_cost(frame: DataFrame, value: Column) -> Column:
    """Return value less the cost to serve, at least 0, where there are costs: ``value_after_cost``."""
    from pyspark.sql import functions as F

    if "cost_to_serve" not in frame.columns:
        return value
    return F.greatest(value - F.col("cost_to_serve"), F.lit(0.0))


def _smallest_sets(ranked: DataFrame, value: Column, shares: tuple[float, ...]) -> list[Column]:
    """Return for each share of value which rows are in the smallest set that has it: up to the row that reaches it."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    rows = ranked.select(value.alias("value"), "rank")
    placed = _placed(rows, [F.col("value").desc(), F.col("rank").asc()])
    sums = placed.groupBy(PART).agg(F.sum("value").alias("money")).orderBy(PART).collect()
    running = np.cumsum([row["money"] for row in sums])
    if not len(sums) or running[-1] <= 0:
        placed.unpersist()
        return [F.lit(False) for _ in shares]
    sets = []
    up_to_here = Window.partitionBy(PART).orderBy(PLACE).rowsBetween(Window.unboundedPreceding, 0)
    for share in shares:
        needed = share * running[-1] * (1 - SET_TOLERANCE)
        # The one part in which the sum passes what is needed; only its rows are added up one by one.
        at = int(np.argmax(running >= needed))
        rest = needed - (running[at - 1] if at else 0.0)
        part = placed.filter(F.col(PART) == sums[at][PART])
        part = part.withColumn("reached", F.sum("value").over(up_to_here))
        row = F.struct(F.col(PLACE), F.col("value"), F.col("rank"))
        # Sums in another order differ in their last digit: where no row reaches it, the last one does.
        first = F.coalesce(F.min(F.when(F.col("reached") >= rest, row)), F.max(row)).alias("last")
        last = part.agg(first).collect()[0]["last"]
        sets.append((value > last["value"]) | ((value == last["value"]) & (F.col("rank") <= last["rank"])))
    placed.unpersist()
    return sets


def _quantile(growing: DataFrame, share: float) -> float:
    """Return ``numpy.quantile`` from the two rows around it: Spark's own exact one has all rows in one task."""
    from pyspark.sql import functions as F

    placed = _placed(growing, [F.col("growing").asc()])
    position = (placed.count() - 1) * share
    below = int(position)
    starts = _starts(placed)
    around = []
    for wanted in (below, below + 1):
        part, start = [(part, start) for part, start in starts if start <= wanted][-1]
        found = placed.filter((F.col(PART) == part) & (F.col(PLACE) == wanted - start)).collect()
        around += [row["growing"] for row in found]
    placed.unpersist()
    return float(np.quantile(around, position - below))


def sums_of_ranking(ranking: DataFrame) -> pd.DataFrame:
    """Return the ``customers`` and the ``predicted_value`` by ``tier`` and ``core_in``, a few rows of pandas."""
    from pyspark.sql import functions as F

    sums = {"customers": F.count("*"), "predicted_value": F.sum("predicted_value")}
    counted = ranking.groupBy("tier", "core_in").agg(*(total.alias(name) for name, total in sums.items()))
    frame: pd.DataFrame = counted.toArrow().to_pandas()
    return frame.sort_values(["tier", "core_in"], ignore_index=True)
