"""Transactions and a cutoff come in; the customer table goes out as a frame. Called by training and scoring."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING

from duramen.data.errors import InputError
from duramen.data.features import customer_features, feature_names
from duramen.data.windows import parse_day

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from duramen.data.transactions import Transactions

# Customers fetched at a time.
SLICE = 125_000


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
        all float64, missing where undefined. The cutoff is kept in ``attrs["cutoff"]``, also
        through Parquet.

    Raises
    ------
    InputError
        If no purchase lies before the cutoff.
    """
    cutoff = parse_day(cutoff)
    customers = _fetch_sorted(tx, cutoff)
    if customers.empty:
        raise InputError(
            f"{tx.source} holds no purchase before the cutoff {cutoff}; its days run from {tx.first_date} to "
            f"{tx.last_date}; choose a cutoff inside them."
        )
    customers.attrs["cutoff"] = cutoff.isoformat()
    return customers


def _fetch_sorted(tx: Transactions, cutoff: date) -> pd.DataFrame:
    """Return the features as a frame by customer id, all in one block of memory.

    The engine hands over a slice of customers at a time: memory holds the frame and a slice, not the frame twice.
    """
    import numpy as np
    import pandas as pd

    purchases = tx.history(cutoff).filter(lambda days: days.purchase)
    ids = purchases.select("customer_id").distinct().order_by("customer_id").to_pyarrow()["customer_id"]
    names = feature_names(tx.days.columns)
    # With NaN for missing the engine's columns are plain arrays of numbers.
    features = customer_features(tx.days, cutoff)
    features = features.mutate(**{name: features[name].fill_null(float("nan")) for name in names})
    # As a view the features are written as SQL once; a slice's bounds are pushed below their GROUP BY.
    view = tx.days.get_backend().create_view(f"features_{cutoff:%Y%m%d}", features, overwrite=True)
    values = np.empty((len(ids), len(names)), order="F")
    # The engine works on the next slice while the last one is put in its place.
    with ThreadPoolExecutor(1) as thread:
        placed = []
        for start in range(0, len(ids), SLICE):
            inside = ids[start : start + SLICE]
            bounds = view.customer_id.between(inside[0].as_py(), inside[-1].as_py())
            found = view.filter(bounds).to_pyarrow()
            placed.append(thread.submit(_place_sorted, found, values[start : start + SLICE]))
        for slice_ in placed:
            slice_.result()
    customers = pd.DataFrame(values, columns=names, copy=False)
    customers.insert(0, "customer_id", ids.to_pandas())
    return customers


def _place_sorted(features: pa.Table, values: np.ndarray) -> None:
    """Write the features into the block by customer id, column by column."""
    import numpy as np

    order = features["customer_id"].to_pandas().argsort(kind="stable").to_numpy()
    for position in range(values.shape[1]):
        np.take(features.column(position + 1).to_numpy(), order, out=values[:, position], mode="clip")
