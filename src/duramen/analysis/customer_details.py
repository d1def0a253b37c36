"""A ranking with what it was made of comes in; what one customer's page shows of each customer goes out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from duramen.analysis.near_core import with_room
from duramen.explain.reasons import by_theme
from duramen.scoring.what_if import what_if

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions
    from duramen.scoring.customer_ranking import Ranked
    from duramen.scoring.model import CoreCustomerModel

# Customers are explained so many at a time, which bounds the memory.
AT_ONCE = 5_000
# A column of the customers with more values than this is no group to filter by.
MOST_VALUES = 40


@dataclass(frozen=True)
class CustomerDetails:
    """What is known of each customer beside the ranking.

    Attributes
    ----------
    typical_value : float
        Predicted value of the typical active customer, in money: what the factors multiply.
    factors : pandas.DataFrame
        Logarithm of the factor of each theme, by customer id in rank order; with ``typical_value`` they multiply to
        the predicted value.
    months : pandas.DataFrame
        ``customer_id``, ``month`` (first day), ``net`` (money) and ``purchase_days`` of the months with purchases or
        returns before the cutoff.
    gaps : pandas.DataFrame
        ``frequency`` and ``gap_mean`` of the customer table, by customer id.
    groups : pandas.DataFrame
        The text columns of the customers with few values, such as their channel or country, by customer id.
    what_if : pandas.DataFrame
        What ``duramen.scoring.what_if`` returns of the first customers; has no rows where none could be looked at.
    """

    typical_value: float
    factors: pd.DataFrame
    months: pd.DataFrame
    gaps: pd.DataFrame
    groups: pd.DataFrame
    what_if: pd.DataFrame


def customer_details(
    model: CoreCustomerModel,
    tx: Transactions,
    ranked: Ranked,
    *,
    most: int = 25_000,
    further_purchases: int = 10,
    named: Iterable[str] = (),
) -> CustomerDetails:
    """Return factors, purchases by month and groups of the first customers of a ranking.

    Parameters
    ----------
    model : CoreCustomerModel
    tx : Transactions
    ranked : Ranked
        The ranking of the same model and transactions.
    most : int
        How many customers, by rank.
    further_purchases : int
        For how many customers, by rank, one more purchase is looked at.
    named : iterable of str
        Ids of further customers to look at, such as the first of a list.
    """
    first = ranked.ranking.sort_values("rank", kind="stable")["customer_id"].head(most)
    customers = ranked.customers.set_index("customer_id", drop=False).loc[first].reset_index(drop=True)
    base, factors = _factors(model, customers)
    return CustomerDetails(
        typical_value=base,
        factors=factors,
        months=_months(tx, ranked, first),
        gaps=customers.set_index("customer_id")[["frequency", "gap_mean"]],
        groups=_groups(customers),
        what_if=_what_if(model, tx, ranked, [*first.head(further_purchases), *named]),
    )


def _factors(model: CoreCustomerModel, customers: pd.DataFrame) -> tuple[float, pd.DataFrame]:
    """Return the typical value, and the logarithm of the factor of each theme by customer id."""
    blocks, base = [], 1.0
    for start in range(0, len(customers), AT_ONCE):
        block = customers.iloc[start : start + AT_ONCE].reset_index(drop=True)
        found = model.explainer_.effects("value", model.forecast_.forecast(block))
        base = float(np.exp(found.base or 0.0))
        blocks.append(by_theme(found.effects).set_axis(block["customer_id"]))
    return base, pd.concat(blocks)


def _months(tx: Transactions, ranked: Ranked, first: pd.Series[str]) -> pd.DataFrame:
    """Return money and purchase days of each customer and month."""
    days = tx.days
    month = days.date.cast("date").truncate("M")
    before = days.filter(days.date.cast("date") < ranked.cutoff)
    sums = before.group_by([before.customer_id, month.name("month")]).aggregate(
        net=before.net.cast("float64").sum(), purchase_days=before.purchase.cast("int64").sum()
    )
    table = sums.to_pyarrow().to_pandas()
    known = table[table["customer_id"].isin(first)]
    ordered: pd.DataFrame = known.sort_values(["customer_id", "month"], kind="stable", ignore_index=True)
    return ordered


def _groups(customers: pd.DataFrame) -> pd.DataFrame:
    """Return the text columns with more than one value and few of them."""
    texts = customers.drop(columns="customer_id").select_dtypes(exclude=["number", "bool", "datetime"])
    few = [name for name in texts if 1 < texts[name].nunique() <= MOST_VALUES]
    return texts[few].set_axis(customers["customer_id"])


def _what_if(
    model: CoreCustomerModel, tx: Transactions, ranked: Ranked, asked: Sequence[str]
) -> pd.DataFrame:
    """Return where some customers would stand with one more purchase day, of those with room for one."""
    room = set(with_room(ranked.customers))
    looked_at = [name for name in dict.fromkeys(asked) if name in room]
    if not looked_at:
        return pd.DataFrame(columns=["customer_id", "sentence"])
    return what_if(model, tx, looked_at, scores=ranked.scores, tiers=ranked.tiers, cost_to_serve=ranked.cost)
