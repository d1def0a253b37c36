"""A file of costs and the customers of a ranking come in; what each costs to serve goes out. Called by the commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from duramen.data.errors import InputError
from duramen.data.sources import open_source, open_workspace

COLUMNS = ("customer_id", "cost_to_serve")


def read_costs(path: str | Path, customers: pd.Series[Any]) -> pd.Series[float]:
    """Return the cost to serve of each customer, by customer id.

    Parameters
    ----------
    path : str or Path
        CSV or Parquet with the columns ``customer_id`` and ``cost_to_serve`` (money over the horizon, in the unit of
        the orders). Customers who are not asked for are left out.
    customers : pandas.Series
        Ids of those who are asked for; they are compared as text, since a CSV file knows nothing else.

    Raises
    ------
    InputError
        If the file cannot be read or lacks a column, a customer asked for has no cost or several, or a cost is no
        number.
    """
    table = open_source(open_workspace(), path)
    if missing := [name for name in COLUMNS if name not in table.columns]:
        raise InputError(
            f"{path} has no column {' or '.join(missing)}; its columns are {', '.join(map(repr, table.columns))}; give "
            "one row a customer with customer_id and cost_to_serve."
        )
    known = table.select(*COLUMNS).mutate(customer_id=table.customer_id.cast("string")).to_pandas()
    known = known[known["customer_id"].isin(customers.astype(str))]
    cost = pd.to_numeric(known["cost_to_serve"], errors="coerce").astype(float)
    _refuse(
        path, known[cost.isna()], "have a cost that is no number", "write money such as 12.50, or 0 for none"
    )
    again = known["customer_id"].duplicated()
    _refuse(path, known[again], "have more than one row", "give one cost a customer")
    by_text = pd.Series(cost.to_numpy(), index=known["customer_id"])
    found = pd.Series(by_text.reindex(customers.astype(str)).to_numpy(), index=pd.Index(customers))
    without = pd.DataFrame({"customer_id": customers.to_numpy()[found.isna().to_numpy()]})
    _refuse(path, without, "of the ranking have no cost", "give each a row, with 0 where there is none")
    return found


def _refuse(path: str | Path, rows: pd.DataFrame, what: str, what_to_do: str) -> None:
    if len(rows):
        examples = ", ".join(map(repr, rows["customer_id"].head(3)))
        raise InputError(f"{len(rows):,} customers {what} in {path} (for example {examples}); {what_to_do}.")
