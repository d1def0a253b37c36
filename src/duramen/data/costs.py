"""A table of costs and the customers of a ranking come in; the cost to serve of each customer goes out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.data.amounts import choose_forms, parse_amount
from duramen.data.file_columns import Opened
from duramen.data.hashed_ids import id_as_text
from duramen.data.ids import id_text, ids_as_text
from duramen.data.sources import open_source
from duramen.data.workspace import open_workspace
from duramen.errors import InputError

if TYPE_CHECKING:
    import ibis

COLUMNS = ("customer_id", "cost_to_serve")


def read_costs(
    path: str | Path,
    customers: pd.Series[Any],
    decimal: str | None = None,
    hash_ids: str | Path | None = None,
) -> pd.Series[float]:
    """Return the cost to serve of each customer, by customer id.

    Parameters
    ----------
    path : str or Path
        CSV or Parquet with the columns ``customer_id`` and ``cost_to_serve`` (money over the horizon, at least 0, in
        the unit of the orders). Customers who are not asked for are left out.
    customers : pandas.Series
        Ids of those who are asked for, in any type: 7, 7.0 and "7" are one customer.
    decimal : str, optional
        Decimal mark of numbers in text; found by itself where the numbers show it.
    hash_ids : str or Path, optional
        The file of salt by which the ids of the customers are hashed; those of the costs are not.

    Raises
    ------
    InputError
        If the file cannot be read or lacks a column, a customer asked for has no cost or several, or a cost is negative
        or not numeric.
    """
    import ibis

    asked = pd.DataFrame(
        {"customer_id": ids_as_text(customers).to_numpy(), "position": range(len(customers))}
    )
    table = open_costs(path)
    asked_table = table.get_backend().create_table("asked", ibis.memtable(asked))
    costs = costs_of_customers(table, asked_table, str(path), decimal, hash_ids)
    in_order = costs.order_by("position").to_pyarrow()["cost_to_serve"]
    return pd.Series(in_order.to_numpy(), index=pd.Index(customers))


def open_costs(path: str | Path, assumed: list[str] | None = None) -> ibis.Table:
    """Open a file of costs, and check its columns; its rows are not read.

    ``assumed`` is given what the opening decided by itself.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, or has costs that are not numeric.
    """
    if not str(path):
        raise InputError(
            "the file of costs to serve has no name; give a CSV or Parquet file, or leave it out."
        )
    table = open_source(open_workspace(), path, Opened([] if assumed is None else assumed))
    _refuse_columns(table, str(path))
    return table


def costs_of_customers(
    costs: ibis.Table,
    customers: ibis.Table,
    name: str,
    decimal: str | None = None,
    hash_ids: str | Path | None = None,
) -> ibis.Table:
    """Return a table of customers with the ``cost_to_serve`` of each, in the engine that has both tables.

    Parameters
    ----------
    costs : ibis.Table
        Has the columns ``customer_id`` and ``cost_to_serve``, as ``read_costs`` describes them.
    customers : ibis.Table
        A row for each customer, with ``customer_id``.
    name : str
        Where the costs are from, for messages.
    decimal : str, optional
        Decimal mark of numbers in text; found by itself where the numbers show it.
    hash_ids : str or Path, optional
        The file of salt by which the ids of the customers are hashed; those of the costs are not.

    Raises
    ------
    InputError
        As ``read_costs`` does.
    """
    _refuse_columns(costs, name)
    form = choose_forms(costs, ["cost_to_serve"], decimal, name, [])["cost_to_serve"]
    asked = customers.mutate(id_text=id_text(customers.customer_id))
    known = costs.select(
        id_text=id_as_text(hash_ids)(costs.customer_id),
        cost_to_serve=parse_amount(costs.cost_to_serve, form),
    ).semi_join(asked, "id_text")
    money = "write money such as 12.50, or 0 for none"
    _refuse(known.filter(known.cost_to_serve.isnull()), name, "are not numeric", money)
    _refuse(known.filter(known.cost_to_serve < 0), name, "are negative", money)
    again = known.group_by("id_text").having(known.count() > 1).aggregate()
    _refuse(again, name, "are in more than one row", "give one cost a customer")
    _refuse(
        asked.anti_join(known, "id_text"), name, "are missing", "give each a row, with 0 where there is none"
    )
    return asked.join(known, "id_text").drop("id_text")


def _refuse_columns(costs: ibis.Table, name: str) -> None:
    if missing := [column for column in COLUMNS if column not in costs.columns]:
        raise InputError(
            f"{name} has no column {' or '.join(missing)}; its columns are {', '.join(map(repr, costs.columns))}; give "
            "one row a customer with customer_id and cost_to_serve."
        )
    kind = costs.cost_to_serve.type()
    if not ((kind.is_numeric() and not kind.is_boolean()) or kind.is_string()):
        raise InputError(f"cost_to_serve of {name} is of type {kind}, which is not money; write numbers.")


def _refuse(rows: ibis.Table, name: str, what: str, what_to_do: str) -> None:
    count = rows.count().to_pyarrow().as_py()
    if count:
        examples = rows.select("id_text").order_by("id_text").limit(3).to_pyarrow()["id_text"].to_pylist()
        raise InputError(
            f"costs of {count:,} customers {what} in {name} (for example "
            f"{', '.join(map(repr, examples))}); {what_to_do}."
        )
