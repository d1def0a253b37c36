"""A customer table on Spark and a saved model come in; the ranking goes out, still on Spark, and into Parquet.

No step holds all customers in one task: what must
know all of them (ranks, tiers) is put together from sums of the parts of a sorted frame.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from duramen.data.spark_session import whole_address
from duramen.data.windows import parse_day
from duramen.errors import InputError
from duramen.io.score_columns import RANKING_COLUMNS, REASONS, SCORE_COLUMNS, TEXT_COLUMNS
from duramen.scoring.tiers import DEFAULT_TIERS, SET_TOLERANCE, Tiers

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

    from duramen.data.transactions import Transactions
    from duramen.scoring.model import CoreCustomerModel

# What tells a folder that was written here from any other; readers of Parquet pass over names that begin so.
SIDECAR = "_duramen.json"
# Where a row lies: the part of the sorted frame, and its place in the part.
PART, PLACE = "duramen_part", "duramen_place"
# Spark counts the rows of a part in the lower bits of its increasing ids.
PLACE_BITS = 33


def score_on_spark(
    model: CoreCustomerModel,
    customers: DataFrame,
    cutoff: date | str | None = None,
    *,
    with_reasons: bool = True,
) -> DataFrame:
    """Return the scores of each customer: ``CoreCustomerModel.predict``, a block at a time on every Python worker.

    The model travels to the workers with the task, as the bytes of its files; each loads it once. The workers need
    duramen installed, and no path that they share.

    Parameters
    ----------
    model : CoreCustomerModel
    customers : pyspark.sql.DataFrame
        What ``duramen.data.spark_customers.customer_frame`` returns; so many rows are scored at once as
        ``spark.sql.execution.arrow.maxRecordsPerBatch`` says.
    cutoff : date or str, optional
        That of the customer table; by default the model's own.
    with_reasons : bool
        Whether to explain each customer, which takes most of the time.

    Returns
    -------
    pyspark.sql.DataFrame
        The score columns without rank and tier; ``customer_id`` in the type it came in.

    Raises
    ------
    InputError
        If a column that the model learned from is missing.
    """
    left_out = {"rank", "tier"} | (set() if with_reasons else set(REASONS))
    columns = [name for name in SCORE_COLUMNS if name not in left_out]

    def scores(model: CoreCustomerModel, block: pd.DataFrame) -> pd.DataFrame:
        return model.predict(block, with_reasons=with_reasons)[columns]

    return _on_workers(model, customers, cutoff, columns, scores)


def explain_tiers(
    model: CoreCustomerModel,
    ranking: DataFrame,
    customers: DataFrame,
    tiers: Collection[str],
    cutoff: date | str | None = None,
) -> DataFrame:
    """Add reasons to a ranking that has none, of the customers of some tiers; those of the others are missing.

    Parameters
    ----------
    model : CoreCustomerModel
    ranking : pyspark.sql.DataFrame
        What ``rank_on_spark`` returns.
    customers : pyspark.sql.DataFrame
        Those whose scores were ranked.
    tiers : collection of str
        Their names, for example ``model.tiers.core_names``; of none, nobody is explained.
    cutoff : date or str, optional
        That of the customer table; by default the model's own.

    Returns
    -------
    pyspark.sql.DataFrame
        In the order of the ranking.
    """
    from pyspark.sql import functions as F

    if not tiers:
        explained = ranking.withColumns({name: F.lit(None).cast("string") for name in REASONS})
    else:
        chosen = ranking.filter(F.col("tier").isin(*tiers)).select("customer_id")
        columns = ["customer_id", *REASONS]

        def told(model: CoreCustomerModel, block: pd.DataFrame) -> pd.DataFrame:
            return model.reasons(block).assign(customer_id=block["customer_id"])[columns]

        asked = customers.join(chosen, "customer_id", "left_semi")
        reasons = _on_workers(model, asked, cutoff, columns, told)
        explained = ranking.join(reasons, "customer_id", "left").orderBy("rank")
    return explained.select(*(name for name in RANKING_COLUMNS if name in explained.columns))


def _on_workers(
    model: CoreCustomerModel,
    customers: DataFrame,
    cutoff: date | str | None,
    columns: list[str],
    tell: Callable[[CoreCustomerModel, pd.DataFrame], pd.DataFrame],
) -> DataFrame:
    """Return what is told of each block of customers, on the workers, of whom each loads the model once."""
    # Before the work begins: what a worker raises comes back with the stack of two languages.
    model.forecast_.require(pd.DataFrame(columns=customers.columns))
    with tempfile.TemporaryDirectory(prefix="duramen-model-") as folder:
        files = {
            path.name: path.read_bytes() for path in sorted(model.save(Path(folder) / "model").iterdir())
        }
    digest = hashlib.sha256(b"".join(name.encode() + held for name, held in files.items())).hexdigest()
    day = parse_day(cutoff or model.window_.cutoff).isoformat()

    def work(blocks: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        from threadpoolctl import threadpool_limits

        held = _model_of_worker(digest, lambda: files)
        # Spark runs a worker for each core: threads of its own would only stand in each other's way.
        with threadpool_limits(1):
            for block in blocks:
                block.attrs["cutoff"] = day
                yield tell(held, block)

    of_id = customers.schema["customer_id"].dataType.simpleString()
    schema = ", ".join(f"{name} {_type_of(name, of_id)}" for name in columns)
    return customers.select("customer_id", *model.forecast_.features_).mapInPandas(work, schema)


def _type_of(name: str, of_id: str) -> str:
    if name in TEXT_COLUMNS:
        return "string"
    # A cutoff is a day and no moment, and has no zone.
    return {"customer_id": of_id, "cutoff": "timestamp_ntz"}.get(name, "double")


_LOADED: dict[str, CoreCustomerModel] = {}


def _model_of_worker(digest: str, files: Callable[[], Mapping[str, bytes]]) -> CoreCustomerModel:
    """Return the model of these files, loaded once in each process; it keeps the latest alone."""
    from duramen.scoring.model import CoreCustomerModel

    if digest not in _LOADED:
        with tempfile.TemporaryDirectory(prefix="duramen-model-") as folder:
            for name, held in files().items():
                (Path(folder) / name).write_bytes(held)
            model = CoreCustomerModel.load(folder)
        _LOADED.clear()
        _LOADED[digest] = model
    return _LOADED[digest]


def rank_on_spark(scores: DataFrame, tiers: Tiers = DEFAULT_TIERS) -> DataFrame:
    """Rank customers by score and put them into tiers: ``rank_core_customers`` by Spark's own sorts and sums.

    Parameters
    ----------
    scores : pyspark.sql.DataFrame
        What ``score_on_spark`` returns. A column ``cost_to_serve`` (money of at least 0 over the horizon) lowers the
        score, and tells who is below break-even.
    tiers : Tiers

    Returns
    -------
    pyspark.sql.DataFrame
        By rank, in the order of the ranking's columns; the same ranks and tiers as ``rank_core_customers`` gives. It is
        held by Spark until it is unpersisted.
    """
    from pyspark.sql import functions as F

    # Sorting looks at the frame twice, once for the borders of the parts.
    scores = scores.persist()
    if "cost_to_serve" in scores.columns:
        scored = scores.withColumn("score", F.col("score") - F.col("cost_to_serve"))
    else:
        scored = scores
    ranked = _numbered(scored, [F.col("score").desc(), F.col("customer_id").asc()], "rank")
    tiered = ranked.withColumn("tier", _tier(ranked, tiers))
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
    """Sort a frame by ranges, and hold each row with its part and its place in it, from 0."""
    from pyspark.sql import functions as F

    place = F.monotonically_increasing_id().bitwiseAND((1 << PLACE_BITS) - 1)
    return frame.orderBy(*order).select("*", F.spark_partition_id().alias(PART), place.alias(PLACE)).persist()


def _tier(ranked: DataFrame, tiers: Tiers) -> Column:
    """Return the tier of each row as an expression: ``Tiers.assign``, of which only a few numbers must be found."""
    from pyspark.sql import functions as F

    value, growth = F.col("predicted_value"), F.col("growth_potential")
    costs = "cost_to_serve" in ranked.columns
    above = value >= F.col("cost_to_serve") if costs else F.lit(True)
    held = F.greatest(value - F.col("cost_to_serve"), F.lit(0.0)) if costs else value
    shares = (tiers.vip_share, tiers.core_share, tiers.regular_share)
    vip, core, regular = _smallest_sets(ranked.select(held.alias("held"), "rank"), held, shares)
    core = above & core
    rising = above & ~core & (growth > tiers.rising_ratio * value)
    if tiers.rising_share > 0 and not ranked.filter(rising).isEmpty():
        least = _quantile(ranked.filter(above & ~core).select(growth.alias("growth")), 1 - tiers.rising_share)
        rising &= growth >= least
    else:
        rising = F.lit(False)
    named = F.when(~above, tiers.below_break_even.name).when(core & vip, tiers.vip.name)
    named = named.when(core, tiers.main.name).when(rising, tiers.rising.name)
    return named.when(regular, tiers.regular.name).otherwise(tiers.small.name)


def _smallest_sets(rows: DataFrame, held: Column, shares: tuple[float, ...]) -> list[Column]:
    """Return for each share who is in the smallest set that holds it: those up to the row that reaches it."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    placed = _placed(rows, [F.col("held").desc(), F.col("rank").asc()])
    sums = placed.groupBy(PART).agg(F.sum("held").alias("money")).orderBy(PART).collect()
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
        part = part.withColumn("reached", F.sum("held").over(up_to_here))
        row = F.struct(F.col(PLACE), F.col("held"), F.col("rank"))
        # Sums in another order differ in their last digit: where no row reaches it, the last one does.
        first = F.coalesce(F.min(F.when(F.col("reached") >= rest, row)), F.max(row)).alias("last")
        last = part.agg(first).collect()[0]["last"]
        sets.append((held > last["held"]) | ((held == last["held"]) & (F.col("rank") <= last["rank"])))
    placed.unpersist()
    return sets


def _quantile(growth: DataFrame, share: float) -> float:
    """Return what ``numpy.quantile`` does, from the two rows around it: Spark's own exact one keeps all in one task."""
    from pyspark.sql import functions as F

    placed = _placed(growth, [F.col("growth").asc()])
    position = (placed.count() - 1) * share
    below = int(position)
    starts = _starts(placed)
    around = []
    for wanted in (below, below + 1):
        part, start = [(part, start) for part, start in starts if start <= wanted][-1]
        found = placed.filter((F.col(PART) == part) & (F.col(PLACE) == wanted - start)).collect()
        around += [row["growth"] for row in found]
    placed.unpersist()
    return float(np.quantile(around, position - below))


def tier_sums(ranking: DataFrame, tiers: Tiers) -> list[tuple[str, int, float]]:
    """Return the customers and the predicted value of each tier that has any, from the best to the lowest."""
    from pyspark.sql import functions as F

    counted = ranking.groupBy("tier").agg(
        F.count("*").alias("customers"), F.sum("predicted_value").alias("value")
    )
    found = {row["tier"]: (row["customers"], row["value"]) for row in counted.collect()}
    return [(name, *found[name]) for name in tiers.names if name in found]


def write_quarantine(tx: Transactions, out: str) -> None:
    """Write the rows set aside, as they came, with the reason of each, as ``write_folder`` does."""
    write_folder(tx.days.get_backend().frame(tx.rejected), out, {"source": tx.source})


def write_folder(frame: DataFrame, out: str, facts: Mapping[str, Any] | None = None) -> int:
    """Write a ranking as a folder of Parquet files in its order, whole or not at all; return its rows.

    Spark writes beside, and the folder takes its place when all is there. One that was written here before is replaced,
    anything else refused. Where a store cannot rename (S3), its copy is not one step: readers wait for the sidecar's
    number of rows.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
    out : str
        A folder that the driver and all executors see, as Spark names it.
    facts : mapping, optional
        What goes into the sidecar ``_duramen.json`` beside the number of rows.

    Raises
    ------
    InputError
        If the folder holds anything else than what was written here.
    """
    session = frame.sparkSession
    place = HadoopFolder(session, out)
    place.recover()
    place.refuse_occupied()
    beside = place.sibling("part")
    try:
        frame.write.mode("overwrite").parquet(beside.address)
        rows: int = session.read.parquet(beside.address).count()
        beside.write_text(SIDECAR, json.dumps({**(facts or {}), "rows": rows}, indent=1, sort_keys=True))
        beside.replace(place)
    finally:
        beside.delete()
    return rows


class HadoopFolder:
    """A folder on any file system that Spark writes to: this machine's, HDFS, a bucket."""

    def __init__(self, session: SparkSession, address: str) -> None:
        self._session, self._jvm = session, session._jvm
        self._path = self._jvm.org.apache.hadoop.fs.Path(whole_address(session, address))
        self._system = self._path.getFileSystem(session._jsc.hadoopConfiguration())
        self.address = address

    def sibling(self, ending: str) -> HadoopFolder:
        """Return a hidden folder beside this one."""
        parent = self._system.makeQualified(self._path).getParent()
        return HadoopFolder(self._session, f"{parent}/.{self._path.getName()}.{ending}")

    def refuse_occupied(self) -> None:
        """Refuse what is there and was not written here: it would be replaced."""
        if not self._system.exists(self._path):
            return
        if not self._system.getFileStatus(self._path).isDirectory():
            raise InputError(
                f"{self.address} is a file, and Spark writes a folder; choose another place by `out`."
            )
        is_ours = self._system.exists(self._child(SIDECAR))
        if not is_ours and self._system.listStatus(self._path):
            raise InputError(
                f"{self.address} holds something that duramen did not write; choose another folder by `out`."
            )

    def write_text(self, name: str, text: str) -> None:
        """Write a small file into the folder."""
        stream = self._system.create(self._child(name), True)
        try:
            stream.write(bytearray(text.encode()))
        finally:
            stream.close()

    def replace(self, other: HadoopFolder) -> None:
        """Put this folder in the place of another, which is kept until this one is there."""
        old = other.sibling("old")
        old.delete()
        if self._system.exists(other._path):
            self._rename(other._path, old._path)
        try:
            self._rename(self._path, other._path)
        except Exception:
            if self._system.exists(old._path):
                self._rename(old._path, other._path)
            raise
        old.delete()

    def recover(self) -> None:
        """Put back what a run that was killed between two renames had moved aside."""
        old = self.sibling("old")
        if self._system.exists(old._path) and not self._system.exists(self._path):
            self._rename(old._path, self._path)

    def delete(self) -> None:
        """Remove the folder, if it is there."""
        self._system.delete(self._path, True)

    def _child(self, name: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(self._path, name)

    def _rename(self, source: Any, target: Any) -> None:
        # Hadoop says no instead of raising.
        if not self._system.rename(source, target):
            raise InputError(
                f"{source} could not be renamed to {target}; look at the permissions of the folder."
            )
