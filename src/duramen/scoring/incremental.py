"""The scores of an earlier run and today's orders come in; scores of all customers go out, of which few are computed.

Called by ``duramen.analysis.ranked``. A score depends on the customer's own days before the cutoff and on the model:
whose days are the same has the same score. Ranks and tiers are made of all, as ever.
"""

from __future__ import annotations

import json
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from duramen._version import __version__
from duramen.data.customers import customer_blocks, feature_version, sorted_by_customer
from duramen.errors import InputError
from duramen.io.files import WRITTEN_AT_ONCE
from duramen.scoring.block_scoring import KEPT, Scored, score_blocks

if TYPE_CHECKING:
    import ibis

    from duramen.data.transactions import Transactions
    from duramen.scoring.model import CoreCustomerModel

# The column by which a customer's days are known again, and the key under which the file says what it was made of.
HISTORY = "history"
MADE_OF = b"duramen"


class Rescored(NamedTuple):
    """Scores of all customers; ``computed`` counts those that were computed, ``why_all`` says why all were."""

    scored: Scored
    computed: int
    why_all: str


def read_made_of(path: Path) -> dict[str, Any]:
    """Return what the scores of an earlier run were made of.

    Raises
    ------
    InputError
        If the file is none that ``rescore`` wrote.
    """
    try:
        told: dict[str, Any] = dict(json.loads((pq.read_schema(path).metadata or {})[MADE_OF]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        # pyarrow says with a ValueError that a file is no Parquet.
        raise InputError(
            f"{path} holds no scores of an earlier run; remove it, or name another file by `incremental`."
        ) from error
    return told


def rescore(
    model: CoreCustomerModel,
    tx: Transactions,
    cutoff: date,
    earlier: Path,
    folder: Path,
    *,
    with_reasons: bool = False,
) -> Rescored:
    """Score the customers whose days are others than at an earlier run, and take the scores of the rest from there.

    Parameters
    ----------
    model : CoreCustomerModel
    tx : Transactions
        Where there are many, ``sorted_by_customer``.
    cutoff : date
        First day that is not history.
    earlier : Path
        What ``Rescored.scored.path`` was then. Where there is none, or it was made by another duramen, model, cutoff or
        customer table, all are scored.
    folder : Path
        An empty folder of one's own.
    with_reasons : bool
        Whether to explain every customer.

    Raises
    ------
    InputError
        If ``earlier`` is something else or damaged, or a column that the model learned from is missing.
    """
    import duckdb

    made_of = {
        "duramen_version": __version__,
        "duckdb_version": version("duckdb"),
        "libraries": {name: version(name) for name in ("lightgbm", "numpy", "scipy")},
        "model_version": model.model_version_,
        "cutoff": cutoff.isoformat(),
        "feature_version": feature_version(tx),
        "customer_id": str(tx.days.customer_id.type()),
        "with_reasons": with_reasons,
    }
    workspace = tx.days.get_backend()
    now = workspace.create_table("histories", _histories(tx.history(cutoff)))
    try:
        why_all = _why_all(earlier, made_of)
        kept = None if why_all else _read(workspace, earlier).semi_join(now, ["customer_id", HISTORY])
        fresh, ids = folder / "fresh.parquet", _others(now, kept)
        computed = _score(model, tx, cutoff, ids, kept is None, fresh, with_reasons)
        tables = [] if kept is None else [kept]
        if computed:
            tables.append(_read(workspace, fresh).inner_join(now, "customer_id"))
        path = folder / "scored.parquet"
        told = {MADE_OF.decode(): json.dumps(made_of)}
        workspace.to_parquet(_together(tables), path, row_group_size=WRITTEN_AT_ONCE, kv_metadata=told)
        customers = now.count().to_pyarrow().as_py()
    except duckdb.InvalidInputException as error:
        raise _damaged(earlier) from error
    finally:
        workspace.drop_table("histories", force=True)
    # As scoring writes them.
    constant = pd.DataFrame(
        {"cutoff": pd.Timestamp(cutoff), "model_version": model.model_version_}, index=[0]
    )
    numbers = pq.ParquetFile(path, read_dictionary=["segment"]).read(list(KEPT)).to_pandas()
    if len(numbers) != customers:
        raise _damaged(earlier)
    return Rescored(Scored(path, numbers, constant), computed, why_all)


def _read(workspace: Any, path: Path) -> ibis.Table:
    """Return the columns of a file, and none that a folder on its way is named after."""
    return workspace.read_parquet(path, hive_partitioning=False)


def _damaged(earlier: Path) -> InputError:
    return InputError(f"{earlier} is damaged; remove it, and all customers are scored anew.")


def _histories(days: ibis.Table) -> ibis.Table:
    """Return a fingerprint of the days of each customer who ever bought, which no order of rows changes."""
    import ibis

    # Twice: DuckDB leaves the last of several values unmixed, and it would not tell of which day it is.
    day = ibis.struct({name: days[name] for name in days.columns}).hash().hash()
    customers = days.group_by("customer_id").having(days.purchase.any())
    return customers.aggregate(**{HISTORY: day.bit_xor()})


def _why_all(earlier: Path, made_of: dict[str, Any]) -> str:
    """Return why no earlier score can be used, or nothing."""
    if not earlier.exists():
        return "there are no earlier scores"
    then = read_made_of(earlier)
    told = {
        "duramen_version": f"duramen {then.get('duramen_version')} made the earlier ones",
        "duckdb_version": "DuckDB is another one, and may know customers again otherwise",
        "libraries": "LightGBM, NumPy or SciPy is another one, and may end in another last digit",
        "model_version": "the model is another",
        "cutoff": f"the cutoff was {then.get('cutoff')}, and each day more changes everybody",
        "feature_version": "the orders have other columns, or duramen makes the customer table otherwise",
        "customer_id": "the ids are of another type",
        "with_reasons": "other customers were given reasons",
    }
    return next((why for key, why in told.items() if then.get(key) != made_of[key]), "")


def _others(now: ibis.Table, kept: ibis.Table | None) -> pa.ChunkedArray:
    """Return the ids of the customers whose scores are not kept."""
    others = now if kept is None else now.anti_join(kept, "customer_id")
    return others.select("customer_id").order_by("customer_id").to_pyarrow()["customer_id"]


def _score(
    model: CoreCustomerModel,
    tx: Transactions,
    cutoff: date,
    ids: pa.ChunkedArray,
    all_of_them: bool,
    path: Path,
    with_reasons: bool,
) -> int:
    """Score some customers, or all, into a file; return how many."""
    if all_of_them:
        blocks = customer_blocks(tx, cutoff, ids)
        score_blocks(model, blocks, path, with_reasons=with_reasons, customers=len(ids))
    elif len(ids):
        some = tx.of_customers(ids)
        with sorted_by_customer(some, cutoff) as days:
            some.days.get_backend().drop_table(some.days.op().name)
            blocks = customer_blocks(days, cutoff, ids)
            score_blocks(model, blocks, path, with_reasons=with_reasons, customers=len(ids))
    return len(ids)


def _together(tables: list[ibis.Table]) -> ibis.Table:
    """Return the rows of all tables in order of id."""
    columns = tables[0].columns
    together = tables[0]
    for table in tables[1:]:
        together = together.union(table.select(columns))
    return together.order_by("customer_id")
