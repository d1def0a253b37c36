"""Transactions and a cutoff come in; the customer table goes out as a frame, or a slice of it at a time.

Called by training and scoring.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from duramen.data.feature_file import with_known_features
from duramen.data.features import customer_features, days_before, feature_names, features_of_history
from duramen.data.windows import parse_day
from duramen.errors import InputError

if TYPE_CHECKING:
    import ibis
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from duramen.data.transactions import Transactions

# Customers fetched at a time.
SLICE = 125_000
# Stands in SQL for the days before a cutoff.
_HISTORY = "days before the cutoff"


def customer_table(tx: Transactions, cutoff: date | str) -> pd.DataFrame:
    """Return one row per customer with a purchase day before ``cutoff``, sorted by id.

    Parameters
    ----------
    tx : Transactions
    cutoff : date or str
        First day that is not history.

    Returns
    -------
    pandas.DataFrame
        ``customer_id`` in the dtype it came in, then the features that ``duramen.data.features.FEATURES`` explains,
        all float64, missing where undefined; then the columns of the feature file as they were known before the
        cutoff, float64 or text. The cutoff is kept in ``attrs["cutoff"]``, also
        through Parquet.

    Raises
    ------
    InputError
        If no purchase lies before the cutoff.
    """
    import numpy as np

    cutoff = parse_day(cutoff)
    names = feature_names(tx.days.columns)
    ids = customer_ids(tx, cutoff)
    values = np.empty((len(ids), len(names)), order="F")
    # All is one block of memory, and the engine works on the next slice while the last one is put in its place.
    with ThreadPoolExecutor(1) as thread:
        placed: list[Future[None]] = []
        for _, found in slices_of_customers(tx, cutoff, _features_or_nan, ids):
            start = len(placed) * SLICE
            placed.append(thread.submit(_place_sorted, found, values[start : start + SLICE]))
        for slice_ in placed:
            slice_.result()
    return _as_frame(ids, values, names, cutoff, _known_features(tx, cutoff))


def typical_basket(customers: pd.DataFrame) -> float:
    """Return the money of a typical purchase day: the median over customers of ``basket_mean``.

    Rules on money count in it, so that they do not depend on the currency.

    Examples
    --------
    >>> import pandas as pd
    >>> typical_basket(pd.DataFrame({"basket_mean": [5.0, 20.0, 100.0]}))
    20.0
    """
    return float(customers["basket_mean"].median())


def customer_blocks(
    tx: Transactions, cutoff: date | str, ids: pa.ChunkedArray | None = None
) -> Iterator[pd.DataFrame]:
    """Give the customer table a slice of customers at a time, in order of id, so that no more of it is in memory.

    One after the other the blocks are ``customer_table``. Where there are many, take ``sorted_by_customer``.

    Parameters
    ----------
    tx : Transactions
    cutoff : date or str
        First day that is not history.
    ids : pyarrow.ChunkedArray, optional
        ``customer_ids`` of the same days, where they are known already.

    Yields
    ------
    pandas.DataFrame
        At most ``SLICE`` customers, with columns, dtypes and ``attrs["cutoff"]`` of ``customer_table``.

    Raises
    ------
    InputError
        If no purchase lies before the cutoff.
    """
    import numpy as np

    cutoff = parse_day(cutoff)
    names, known = feature_names(tx.days.columns), _known_features(tx, cutoff)
    for inside, found in slices_of_customers(tx, cutoff, _features_or_nan, ids):
        values = np.empty((len(inside), len(names)), order="F")
        _place_sorted(found, values)
        yield _as_frame(inside, values, names, cutoff, known)


@contextmanager
def sorted_by_customer(tx: Transactions, cutoff: date | str) -> Iterator[Transactions]:
    """Give the days before the cutoff in order of customer id, where a slice of customers lies together.

    The engine sorts on disk what its memory does not hold. Unsorted, each slice costs a look at all days.
    """
    import ibis

    days, workspace = tx.history(parse_day(cutoff)).order_by("customer_id"), tx.days.get_backend()
    name = ibis.util.gen_name("days_by_customer")
    try:
        yield replace(tx, days=workspace.create_table(name, days))
    finally:
        workspace.drop_table(name, force=True)


def feature_version(tx: Transactions) -> str:
    """Return a fingerprint of the definition of the customer table, for the columns that ``tx`` has.

    It is that of the SQL at a fixed cutoff: any formula, window or column that changes changes it, and nothing else.
    """
    import ibis

    days = ibis.table(tx.days.schema(), name="days")
    text = ibis.to_sql(customer_features(days, date(2000, 1, 1)), dialect="duckdb")
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def customer_ids(tx: Transactions, cutoff: date) -> pa.ChunkedArray:
    """Return the ids of the customers with a purchase before the cutoff, sorted.

    Raises
    ------
    InputError
        If there are none.
    """
    purchases = tx.history(cutoff).filter(lambda days: days.purchase)
    ids = purchases.select("customer_id").distinct().order_by("customer_id").to_pyarrow()["customer_id"]
    if not len(ids):
        raise InputError(
            f"{tx.source} has no purchase before the cutoff {cutoff}; its days run from {tx.first_date} to "
            f"{tx.last_date}; choose a cutoff inside them."
        )
    return ids


def slices_of_customers(
    tx: Transactions,
    cutoff: date,
    describe: Callable[[ibis.Table, date], str],
    ids: pa.ChunkedArray | None = None,
) -> Iterator[tuple[pa.ChunkedArray, pa.Table]]:
    """Give what a query returns for each customer with a purchase before the cutoff, a slice of customers at a time.

    Parameters
    ----------
    tx : Transactions
    cutoff : date
        First day that is not history.
    describe : callable
        From a table of days and the cutoff to the SQL of a row for each of these customers, by ``customer_id``.
    ids : pyarrow.ChunkedArray, optional
        ``customer_ids`` of the same days, where they are known already.

    Yields
    ------
    ids : pyarrow.ChunkedArray
        Ids of the slice, sorted; the slices are in order of id.
    rows : pyarrow.Table
        Their rows, in no particular order.

    Raises
    ------
    InputError
        If no purchase lies before the cutoff.
    """
    import ibis

    ids = customer_ids(tx, cutoff) if ids is None else ids
    workspace = tx.days.get_backend()
    # As a view the query is written as SQL once; a slice's bounds are pushed below its GROUP BY.
    name = ibis.util.gen_name("described")
    workspace.raw_sql(f'CREATE VIEW "{name}" AS {describe(tx.days, cutoff)}')
    view = workspace.table(name)
    try:
        for start in range(0, len(ids), SLICE):
            inside = ids[start : start + SLICE]
            # Of the type of the ids: by itself Ibis takes no whole number beyond 2**63.
            first, last = (ibis.literal(inside[i].as_py(), view.customer_id.type()) for i in (0, -1))
            yield inside, view.filter(view.customer_id.between(first, last)).to_pyarrow()
    finally:
        workspace.drop_view(name)


def _features_or_nan(days: ibis.Table, cutoff: date) -> str:
    """Return SQL of the features with NaN for missing: the engine's columns are then plain arrays of numbers."""
    history = days_before(days, cutoff)
    before = str(days.get_backend().compile(history))
    return _sql_of_features(history.schema()).replace(f'"{_HISTORY}"', f"({before})")


@cache
def _sql_of_features(history: ibis.Schema) -> str:
    """Return SQL of the features of a table ``_HISTORY``: written once, since that takes longer than to run it."""
    import ibis

    rows = ibis.table(history, name=_HISTORY)
    features = features_of_history(rows)
    names = feature_names(rows.columns)
    filled = features.mutate(**{name: features[name].fill_null(float("nan")) for name in names})
    return str(ibis.to_sql(filled, dialect="duckdb"))


def _known_features(tx: Transactions, cutoff: date) -> pd.DataFrame | None:
    return None if tx.features is None else tx.features.known_before(cutoff)


def _as_frame(
    ids: pa.ChunkedArray, values: np.ndarray, names: list[str], cutoff: date, known: pd.DataFrame | None
) -> pd.DataFrame:
    import pandas as pd

    customers = pd.DataFrame(values, columns=names, copy=False)
    customers.insert(0, "customer_id", ids.to_pandas())
    if known is not None:
        customers = with_known_features(customers, known)
    customers.attrs["cutoff"] = cutoff.isoformat()
    return customers


def _place_sorted(features: pa.Table, values: np.ndarray) -> None:
    """Write the features into the block by customer id, column by column."""
    import numpy as np

    order = features["customer_id"].to_pandas().argsort(kind="stable").to_numpy()
    for position in range(values.shape[1]):
        np.take(features.column(position + 1).to_numpy(), order, out=values[:, position], mode="clip")
