"""A customer table on Spark and a saved model come in; scores and reasons go out, computed on the Python workers."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from duramen.data.windows import parse_day
from duramen.io.score_columns import (
    DATE_COLUMNS,
    PLACE_COLUMNS,
    RANKING_COLUMNS,
    REASONS,
    SCORE_COLUMNS,
    TEXT_COLUMNS,
)
from duramen.language import current_language, using_language

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from duramen.scoring.model import CoreCustomerModel


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
        What ``duramen.data.spark_customers.customer_frame`` returns; ``spark.sql.execution.arrow.maxRecordsPerBatch``
        rows are scored at once.
    cutoff : date or str, optional
        That of the customer table; by default the model's own.
    with_reasons : bool
        Whether to explain each customer, which takes most of the time.

    Returns
    -------
    pyspark.sql.DataFrame
        The score columns without those that the ranking adds; ``customer_id`` in the type it came in.

    Raises
    ------
    InputError
        If a column that the model learned from is missing.
    """
    left_out = set(PLACE_COLUMNS) | (set() if with_reasons else set(REASONS))
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
    """Add the reasons of the customers of some tiers to a ranking without any; those of the others are missing.

    Parameters
    ----------
    model : CoreCustomerModel
    ranking : pyspark.sql.DataFrame
        What ``rank_on_spark`` returns.
    customers : pyspark.sql.DataFrame
        Those whose scores were ranked.
    tiers : collection of str
        Their names, for example ``model.tiers.core_names``; empty to explain no customer.
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

        def explain(model: CoreCustomerModel, block: pd.DataFrame) -> pd.DataFrame:
            return model.reasons(block).assign(customer_id=block["customer_id"])[columns]

        explained_customers = customers.join(chosen, "customer_id", "left_semi")
        reasons = _on_workers(model, explained_customers, cutoff, columns, explain)
        explained = ranking.join(reasons, "customer_id", "left").orderBy("rank")
    return explained.select(*(name for name in RANKING_COLUMNS if name in explained.columns))


def _on_workers(
    model: CoreCustomerModel,
    customers: DataFrame,
    cutoff: date | str | None,
    columns: list[str],
    describe: Callable[[CoreCustomerModel, pd.DataFrame], pd.DataFrame],
) -> DataFrame:
    """Return the columns that a model and a function give for each block of customers, computed on the workers."""
    # Before the work begins: an error of a worker comes back with the stack of two languages.
    model.forecast_.require(pd.DataFrame(columns=customers.columns))
    with tempfile.TemporaryDirectory(prefix="duramen-model-") as folder:
        files = {
            path.name: path.read_bytes() for path in sorted(model.save(Path(folder) / "model").iterdir())
        }
    digest = hashlib.sha256(b"".join(name.encode() + content for name, content in files.items())).hexdigest()
    day, language = parse_day(cutoff or model.window_.cutoff).isoformat(), current_language()

    def work(blocks: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        from threadpoolctl import threadpool_limits

        model_here = _model_of_worker(digest, lambda: files)
        # Spark runs a worker for each core: more threads would only compete.
        with threadpool_limits(1), using_language(language):
            for block in blocks:
                block.attrs["cutoff"] = day
                yield describe(model_here, block)

    of_id = customers.schema["customer_id"].dataType.simpleString()
    schema = ", ".join(f"{name} {_type_of(name, of_id)}" for name in columns)
    return customers.select("customer_id", *model.forecast_.features_).mapInPandas(work, schema)


def _type_of(name: str, of_id: str) -> str:
    if name in TEXT_COLUMNS:
        return "string"
    # A day has no zone.
    if name in DATE_COLUMNS:
        return "timestamp_ntz"
    return {"customer_id": of_id, "is_outlier": "boolean"}.get(name, "double")


_LOADED: dict[str, CoreCustomerModel] = {}


def _model_of_worker(digest: str, files: Callable[[], Mapping[str, bytes]]) -> CoreCustomerModel:
    """Return the model of these files, loaded once in each process; only the latest is kept."""
    from duramen.scoring.model import CoreCustomerModel

    if digest not in _LOADED:
        with tempfile.TemporaryDirectory(prefix="duramen-model-") as folder:
            for name, content in files().items():
                (Path(folder) / name).write_bytes(content)
            model = CoreCustomerModel.load(folder)
        _LOADED.clear()
        _LOADED[digest] = model
    return _LOADED[digest]
