"""Orders are looked at once more, line by line; the money of each customer by what was bought goes out.

Called by the audit: the days of `Transactions` count products, they do not name them.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from duramen.data.checks import choose_date_format, parse_amount, parse_date
from duramen.data.ids import id_text, ids_as_text, parse_id
from duramen.data.sources import open_source, open_workspace
from duramen.data.transactions import Transactions

# What is bought beyond the most bought is "other": shares of thousands of things say little each.
MOST_BOUGHT = 50
OTHER = "other"
ROLES = ("category", "product")


def bought_by_customer(
    source: Any, tx: Transactions, cutoff: date, *, date_format: str | None = None, decimal: str = "."
) -> dict[str, pd.DataFrame]:
    """Return what each customer paid for each category and each product before the cutoff.

    Parameters
    ----------
    source : str, Path, pandas.DataFrame, pyarrow.Table or ibis.Table
        What ``tx`` was read from.
    tx : Transactions
    cutoff : date
    date_format, decimal : str, optional
        As given to ``read_transactions``.

    Returns
    -------
    dict of str to pandas.DataFrame
        By role, of those that the orders have: ``customer_id`` (text), ``item`` (the `MOST_BOUGHT` by money, and
        "other") and ``spend`` (money of the lines that sold).
    """
    raw = open_source(open_workspace(), source)
    form = choose_date_format(raw, tx.columns["date"], date_format, tx.source)
    found = {}
    for role in [role for role in ROLES if role in tx.columns]:
        lines = raw.select(
            customer_id=id_text(parse_id(raw[tx.columns["customer_id"]])),
            date=parse_date(raw[tx.columns["date"]], form),
            amount=parse_amount(raw[tx.columns["amount"]], decimal),
            item=raw[tx.columns[role]].cast("string").strip(),
        )
        sold = lines.filter((lines.amount > 0) & (lines.date < cutoff) & lines.item.notnull())
        spend = sold.group_by("customer_id", "item").aggregate(spend=sold.amount.sum())
        found[role] = _most_bought(spend.to_pyarrow().to_pandas())
    return found


def _most_bought(spend: pd.DataFrame) -> pd.DataFrame:
    by_item = spend.groupby("item")["spend"].sum().rename("money").reset_index()
    most = by_item.sort_values(["money", "item"], ascending=[False, True])["item"].head(MOST_BOUGHT)
    named = spend.assign(item=spend["item"].where(spend["item"].isin(most), OTHER))
    return named.groupby(["customer_id", "item"])["spend"].sum().reset_index()


def item_shares(bought: pd.DataFrame, customer_ids: pd.Series[Any]) -> pd.DataFrame:
    """Return the share of each customer's money that each item has, shape (n, items); 0 of all where nothing sold.

    Examples
    --------
    >>> bought = pd.DataFrame({"customer_id": ["1", "1"], "item": ["milk", "tea"], "spend": [1.0, 3.0]})
    >>> item_shares(bought, pd.Series(["1", "2"]))
    item  milk   tea
    0     0.25  0.75
    1     0.00  0.00
    """
    wide = bought.pivot_table(index="customer_id", columns="item", values="spend", aggfunc="sum")
    shares = wide.div(wide.sum(axis=1), axis=0).reindex(ids_as_text(customer_ids)).fillna(0.0)
    return shares.reset_index(drop=True)


def main_item(bought: pd.DataFrame, customer_ids: pd.Series[Any]) -> np.ndarray:
    """Return the item that has most of each customer's money, shape (n,); empty where nothing sold.

    Examples
    --------
    >>> bought = pd.DataFrame({"customer_id": ["1", "1"], "item": ["milk", "tea"], "spend": [1.0, 3.0]})
    >>> main_item(bought, pd.Series(["1", "2"]))
    array(['tea', ''], dtype=object)
    """
    most = bought.sort_values(["spend", "item"]).drop_duplicates("customer_id", keep="last")
    by_customer = most.set_index("customer_id")["item"].reindex(ids_as_text(customer_ids))
    return by_customer.fillna("").to_numpy(dtype=object)
