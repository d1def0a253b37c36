"""Transactions and a cutoff come in; the customer table goes out as a frame. Called by training and scoring."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING

from duramen.data.errors import InputError
from duramen.data.features import customer_features
from duramen.data.windows import parse_day

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from duramen.data.transactions import Transactions


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
    customers = _fetch_sorted(customer_features(tx.days, cutoff))
    if customers.empty:
        raise InputError(
            f"{tx.source} holds no purchase before the cutoff {cutoff}; its days run from {tx.first_date} to "
            f"{tx.last_date}; choose a cutoff inside them."
        )
    customers.attrs["cutoff"] = cutoff.isoformat()
    return customers


def _fetch_sorted(features: ibis.Table) -> pd.DataFrame:
    """Return the features as a frame by customer id.

    Each column goes from the engine to its sorted place in one block at once: a frame that is made first and sorted
    then is copied twice.
    """
    import numpy as np
    import pandas as pd

    names = features.columns[1:]
    # With NaN for missing the engine's columns are plain arrays of numbers.
    found = features.mutate(**{name: features[name].fill_null(float("nan")) for name in names}).to_pyarrow()
    ids = found["customer_id"].to_pandas().sort_values(kind="stable")
    order = ids.index.to_numpy()
    values = np.empty((len(order), len(names)), order="F")

    def place(position: int) -> None:
        np.take(found[names[position]].to_numpy(), order, out=values[:, position], mode="clip")

    with ThreadPoolExecutor() as threads:
        list(threads.map(place, range(len(names))))
    customers = pd.DataFrame(values, columns=names, copy=False)
    customers.insert(0, "customer_id", ids.reset_index(drop=True))
    return customers
