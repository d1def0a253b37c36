"""A file of costs and the customers of a ranking come in; what each costs to serve goes out. Called by the commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.data.ids import id_text, ids_as_text, parse_id
from duramen.data.sources import open_source, open_workspace
from duramen.errors import InputError

if TYPE_CHECKING:
    import ibis

COLUMNS = ("customer_id", "cost_to_serve")


def read_costs(path: str | Path, customers: pd.Series[Any], decimal: str = ".") -> pd.Series[float]:
    """Return the cost to serve of each customer, by customer id.

    Parameters
    ----------
    path : str or Path
        CSV or Parquet with the columns ``customer_id`` and ``cost_to_serve`` (money over the horizon, in the unit of
        the orders). Customers who are not asked for are left out.
    customers : pandas.Series
        Ids of those who are asked for, in any type: 7, 7.0 and "7" are one customer.
    decimal : str
        Decimal mark of numbers in text.

    Raises
    ------
    InputError
        If the file cannot be read or lacks a column, a customer asked for has no cost or several, or a cost is no
        number.
    """
    table = open_costs(path)
    kind = table.cost_to_serve.type()
    ids, asked = id_text(parse_id(table.customer_id)), ids_as_text(customers)
    known = table.select(customer_id=ids, cost_to_serve=table.cost_to_serve).to_pandas()
    known = known[known["customer_id"].isin(asked)]
    money = known["cost_to_serve"]
    if kind.is_string():
        money = money.str.replace(decimal, ".", regex=False)
    cost = pd.to_numeric(money, errors="coerce").astype(float)
    _refuse(path, known[cost.isna()], "are no number", "write money such as 12.50, or 0 for none")
    again = known["customer_id"].duplicated()
    _refuse(path, known[again], "stand in more than one row", "give one cost a customer")
    by_text = pd.Series(cost.to_numpy(), index=known["customer_id"])
    found = pd.Series(by_text.reindex(asked).to_numpy(), index=pd.Index(customers))
    without = pd.DataFrame({"customer_id": customers.to_numpy()[found.isna().to_numpy()]})
    _refuse(path, without, "are missing", "give each a row, with 0 where there is none")
    return found


def open_costs(path: str | Path) -> ibis.Table:
    """Open a file of costs, and check its columns; its rows are not read.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, or has costs that are not numeric.
    """
    if not str(path):
        raise InputError(
            "the file of costs to serve has no name; give a CSV or Parquet file, or leave it out."
        )
    table = open_source(open_workspace(), path)
    if missing := [name for name in COLUMNS if name not in table.columns]:
        raise InputError(
            f"{path} has no column {' or '.join(missing)}; its columns are {', '.join(map(repr, table.columns))}; give "
            "one row a customer with customer_id and cost_to_serve."
        )
    kind = table.cost_to_serve.type()
    if not ((kind.is_numeric() and not kind.is_boolean()) or kind.is_string()):
        raise InputError(f"cost_to_serve of {path} is of type {kind}, which is no money; write numbers.")
    return table


def _refuse(path: str | Path, rows: pd.DataFrame, what: str, what_to_do: str) -> None:
    if len(rows):
        examples = ", ".join(map(repr, rows["customer_id"].head(3)))
        raise InputError(
            f"costs of {len(rows):,} customers {what} in {path} (for example {examples}); {what_to_do}."
        )
