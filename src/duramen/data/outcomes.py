"""Purchase days and a window come in; what each customer did in the horizon goes out. Called where models learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duramen.data.windows import Window

if TYPE_CHECKING:
    import pandas as pd

    from duramen.data.transactions import Transactions


def days_to_purchase(tx: Transactions, window: Window, customers: pd.DataFrame) -> pd.Series[float]:
    """Return the day of each customer's first purchase in the horizon, 0 is the cutoff; missing where there is none.

    Parameters
    ----------
    tx : Transactions
    window : Window
    customers : pandas.DataFrame
        Customer table at ``window.cutoff``; its ``customer_id`` gives the rows and their order.
    """
    import pandas as pd

    days = tx.days.filter(
        (tx.days.date >= window.cutoff) & (tx.days.date < window.end) & (tx.days.purchase > 0)
    )
    found = days.group_by("customer_id").aggregate(first=days.date.min()).to_pyarrow().to_pandas()
    first = customers[["customer_id"]].merge(found, on="customer_id", how="left", validate="one_to_one")[
        "first"
    ]
    return (pd.to_datetime(first) - pd.Timestamp(window.cutoff)).dt.days.astype(float)


def customer_outcomes(tx: Transactions, window: Window, customers: pd.DataFrame) -> pd.DataFrame:
    """Return what the customers of a table did in the window's horizon.

    Parameters
    ----------
    tx : Transactions
    window : Window
        Outcomes are ``cutoff <= date < cutoff + horizon``.
    customers : pandas.DataFrame
        Customer table at ``window.cutoff``; its ``customer_id`` gives the rows and their order.

    Returns
    -------
    pandas.DataFrame
        ``customer_id``, ``value`` (net money, returns subtracted, so it can be negative), ``purchases`` (purchase
        days) and ``active`` (1.0 where there was at least one, else 0.0).
    """
    days = tx.days.filter((tx.days.date >= window.cutoff) & (tx.days.date < window.end))
    found = days.group_by("customer_id").aggregate(
        value=days.net.sum().cast("float64"), purchases=days.purchase.sum().cast("float64")
    )
    outcomes = customers[["customer_id"]].merge(
        found.to_pyarrow().to_pandas(), on="customer_id", how="left", validate="one_to_one"
    )
    outcomes[["value", "purchases"]] = outcomes[["value", "purchases"]].fillna(0.0)
    return outcomes.assign(active=(outcomes["purchases"] > 0).astype(float))
