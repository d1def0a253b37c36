"""Transactions come in; the money of each customer by what was bought goes out."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from duramen.data.purchase_days import BREADTHS
from duramen.data.transactions import Transactions
from duramen.language import marked

# What is bought beyond the most bought is "other": shares of thousands of things say little each.
MOST_BOUGHT = 50
OTHER = marked("other")


def bought_by_customer(tx: Transactions, cutoff: date | str) -> dict[str, pd.DataFrame]:
    """Return what each customer paid for each category and each product before the cutoff.

    Parameters
    ----------
    tx : Transactions
    cutoff : date or str

    Returns
    -------
    dict of str to pandas.DataFrame
        By role, of those that the orders have: ``customer_id``, ``item`` (the `MOST_BOUGHT` by money, and "other")
        and ``spend`` (money, returns subtracted; what a customer returned as a whole is not bought).
    """
    return {role: _most_bought(tx, role, cutoff) for role in sorted(BREADTHS) if role in tx.columns}


def _most_bought(tx: Transactions, role: str, cutoff: date | str) -> pd.DataFrame:
    spend = tx.product_spend(role, cutoff)
    bought = spend.filter(spend.item.notnull() & (spend.net > 0))
    by_item = bought.group_by("item").aggregate(money=bought.net.sum())
    most = (
        by_item.order_by(by_item.money.desc(), by_item.item).limit(MOST_BOUGHT).item.to_pyarrow().to_pylist()
    )
    named = bought.mutate(item=bought.item.isin(most).ifelse(bought.item, OTHER))
    found = named.group_by("customer_id", "item").aggregate(spend=named.net.sum().cast("float64"))
    frame: pd.DataFrame = found.order_by("customer_id", "item").to_pyarrow().to_pandas()
    return frame


def item_shares(bought: pd.DataFrame, customer_ids: pd.Series[Any]) -> pd.DataFrame:
    """Return the share of each customer's money that each item has, shape (n, items); 0 of all where nothing sold.

    Examples
    --------
    >>> bought = pd.DataFrame({"customer_id": [1, 1], "item": ["milk", "tea"], "spend": [1.0, 3.0]})
    >>> item_shares(bought, pd.Series([1, 2]))
    item  milk   tea
    0     0.25  0.75
    1     0.00  0.00
    """
    wide = bought.pivot_table(index="customer_id", columns="item", values="spend", aggfunc="sum")
    shares = wide.div(wide.sum(axis=1), axis=0).reindex(customer_ids).fillna(0.0)
    return shares.reset_index(drop=True)


def main_item(bought: pd.DataFrame, customer_ids: pd.Series[Any]) -> np.ndarray:
    """Return the item that has most of each customer's money, shape (n,); empty where nothing sold.

    Examples
    --------
    >>> bought = pd.DataFrame({"customer_id": [1, 1], "item": ["milk", "tea"], "spend": [1.0, 3.0]})
    >>> main_item(bought, pd.Series([1, 2]))
    array(['tea', ''], dtype=object)
    """
    most = bought.sort_values(["spend", "item"]).drop_duplicates("customer_id", keep="last")
    by_customer = most.set_index("customer_id")["item"].reindex(customer_ids)
    return by_customer.fillna("").to_numpy(dtype=object)
