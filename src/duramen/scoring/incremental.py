"""The scores of an earlier run and today's orders come in; scores of all customers go out, of which few are computed.

A score depends on the customer's own days before the cutoff and on the model: the same days give the same score. Ranks
and tiers are made of all customers, as without earlier scores.
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
from duramen.language import current_language
from duramen.scoring.block_scoring import KEPT, Scored, score_blocks

if TYPE_CHECKING:
    import ibis

    from duramen.data.transactions import Transactions
    from duramen.scoring.model import CoreCustomerModel

# The column with a fingerprint of each customer's days, and the key under which the file says what it was made of.
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
        If ``rescore`` did not write the file.
    """
    try:
        made_of: dict[str, Any] = dict(json.loads((pq.read_schema(path).metadata or {})[MADE_OF]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        # pyarrow raises a ValueError where a file is not Parquet.
        raise InputError(
            f"{path} has no scores of an earlier run; remove it, or name another file by `incremental`."
        ) from error
    return made_of


def rescore(
    model: CoreCustomerModel,
    tx: Transactions,
    cutoff: date,
    earlier: Path,
    folder: Path,
    *,
    with_reasons: bool = False,
) -> Rescored:
    """Score the customers whose days have changed since an earlier run, and take the scores of the others from there.

    Parameters
    ----------
    model : CoreCustomerModel
    tx : Transactions
        Where there are many, ``sorted_by_customer``.
    cutoff : date
        First day that is not history.
    earlier : Path
        The file ``Rescored.scored.path`` of then. If it is missing, or was made with another version, model, cutoff or
        definition of the customer table, all customers are scored.
    folder : Path
        An empty folder that no other run uses.
    with_reasons : bool
        Whether to explain every customer.

    Raises
    ------
    InputError
        If ``earlier`` is another file or damaged, or a column that the model learned from is missing.
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
        "language": current_language() if with_reasons else None,
        "features": None if tx.features is None else tx.features.digest(cutoff),
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
        metadata = {MADE_OF.decode(): json.dumps(made_of)}
        workspace.to_parquet(_together(tables), path, row_group_size=WRITTEN_AT_ONCE, kv_metadata=metadata)
        customers = now.count().to_pyarrow().as_py()
    except duckdb.InvalidInputException as error:
        raise _damaged(earlier) from error
    finally:
        workspace.drop_table("histories", force=True)
    # As scoring writes them.
    constant = pd.DataFrame(
        {"cutoff": pd.Timestamp(cutoff), "model_version": model.model_version_}, index=[0]
    )
    numbers = (
        pq.ParquetFile(path, read_dictionary=["segment", "lifecycle_stage"]).read(list(KEPT)).to_pandas()
    )
    if len(numbers) != customers:
        raise _damaged(earlier)
    return Rescored(Scored(path, numbers, constant), computed, why_all)


def _read(workspace: Any, path: Path) -> ibis.Table:
    """Return the columns of a file, without those that DuckDB would read from the names of folders."""
    return workspace.read_parquet(path, hive_partitioning=False)


def _damaged(earlier: Path) -> InputError:
    return InputError(f"{earlier} is damaged; remove it, and all customers are scored again.")


def _histories(days: ibis.Table) -> ibis.Table:
    """Return a fingerprint of the days of each customer with a purchase, the same for any order of rows."""
    import ibis

    # Twice: DuckDB does not mix the last of several values, so equal values of two days would cancel out.
    day = ibis.struct({name: days[name] for name in days.columns}).hash().hash()
    customers = days.group_by("customer_id").having(days.purchase.any())
    return customers.aggregate(**{HISTORY: day.bit_xor()})


def _why_all(earlier: Path, made_of: dict[str, Any]) -> str:
    """Return why no earlier score can be used, or nothing."""
    if not earlier.exists():
        return "there are no earlier scores"
    then = read_made_of(earlier)
    reasons = {
        "duramen_version": f"duramen {then.get('duramen_version')} made the earlier ones",
        "duckdb_version": "DuckDB has another version, and may compute other fingerprints",
        "libraries": "LightGBM, NumPy or SciPy has another version, and may compute another last digit",
        "model_version": "the model is another one",
        "cutoff": f"the cutoff was {then.get('cutoff')}, and each day changes all customers",
        "feature_version": "the orders have other columns, or the customer table is defined differently",
        "customer_id": "the ids are of another type",
        "with_reasons": "other customers had reasons",
        "language": "the reasons were in another language",
        "features": "the feature file has other rows",
    }
    return next((reason for key, reason in reasons.items() if then.get(key) != made_of[key]), "")


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
