"""Transactions and two periods come in; the parts of the change of revenue go out, in exact money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from duramen.data.product_sales import NEEDED, product_sales
from duramen.errors import InputError
from duramen.language import marked

if TYPE_CHECKING:
    import ibis

    from duramen.data.transactions import Transactions
    from duramen.data.windows import Window

LOST, WON, RETURNED = marked("lost customers"), marked("won customers"), marked("returned customers")
FREQUENCY, PER_DAY = marked("purchase frequency"), marked("money per purchase day")
BASKET, PRICE, MIX, RETURNS = marked("basket size"), marked("price"), marked("mix"), marked("returns")
# Parts that concern the customers who bought in both periods.
OF_STAYED = (FREQUENCY, PER_DAY, BASKET, PRICE, MIX)
STAYED, OTHER = "stayed", "other"
# Money is counted in whole ten-thousandths, of which sums are exact.
UNITS = 10_000

# Lines with a product and a quantity must hold this share of the money before price, mix and basket size are separated.
KNOWN_GOODS = 0.9
# Whole numbers of 64 bits end here; a sum below half of it has no overflow.
MOST_UNITS = 4_000_000_000_000_000_000


@dataclass(frozen=True)
class Part:
    """A part of the change: whole ten-thousandths of the unit of money, and the customers whom it concerns."""

    units: int
    customers: int


def spending(tx: Transactions, before: Window, after: Window) -> pd.DataFrame:
    """Return what each customer bought in two periods, known at the end of the second.

    Parameters
    ----------
    tx : Transactions
    before, after : Window
        The two periods: their days are cutoff <= date < end.

    Returns
    -------
    pandas.DataFrame
        A row for each customer with a day before the end of ``after``: ``customer_id``; ``first`` and ``last`` (days
        before that end) of the purchases, missing where there is none; ``purchases`` (days) and ``spent`` until then;
        ``purchases_before`` and ``purchases_after``; ``spent_before`` and ``spent_after`` (on purchase days);
        ``returned_before`` and ``returned_after`` (net money of the other days, 0 or less); and ``kind``. Money is in
        whole ten-thousandths.
    """
    import ibis

    days = tx.history(after.end)
    total = days.net.cast("float64").abs().sum().to_pyarrow().as_py() or 0.0
    if total * UNITS > MOST_UNITS:
        raise InputError(
            f"the money of {tx.source} adds up to more than {MOST_UNITS / UNITS:,.0f}, beyond what can be added "
            "without "
            "rounding; give amounts in thousands."
        )
    # In a narrow decimal the product of a large day would not fit.
    units = (days.net.cast("decimal(38, 4)") * UNITS).cast("int64")
    ago = ibis.literal(after.end).delta(days.date, unit="day")
    columns = {
        "first": ago.max(where=days.purchase),
        "last": ago.min(where=days.purchase),
        "purchases": days.purchase.sum(),
        "spent": units.sum(where=days.purchase),
    }
    for name, period in (("before", before), ("after", after)):
        inside = (days.date >= period.cutoff) & (days.date < period.end)
        columns |= {
            f"purchases_{name}": days.count(where=inside & days.purchase),
            f"spent_{name}": units.sum(where=inside & days.purchase),
            f"returned_{name}": units.sum(where=inside & ~days.purchase),
        }
    found = days.group_by("customer_id").aggregate(**columns).order_by("customer_id")
    frame: pd.DataFrame = found.to_pyarrow().to_pandas()
    whole = [name for name in columns if name not in ("first", "last")]
    frame[whole] = frame[whole].fillna(0).astype("int64")
    bought_before, bought_after = frame["purchases_before"] > 0, frame["purchases_after"] > 0
    new = frame["first"] <= after.horizon
    frame["kind"] = np.select(
        [
            bought_before & bought_after,
            bought_before,
            bought_after & new,
            bought_after,
        ],
        [STAYED, LOST, WON, RETURNED],
        OTHER,
    )
    return frame


def parts_of_change(
    tx: Transactions, before: Window, after: Window, customers: pd.DataFrame
) -> dict[str, Part]:
    """Return the parts of the change of revenue between two periods; they add up exactly.

    Parameters
    ----------
    tx : Transactions
    before, after : Window
    customers : pandas.DataFrame
        What ``spending`` returns for them.

    Returns
    -------
    dict of str to Part
        In the order in which they are shown.
    """
    moved = customers["spent_after"] - customers["spent_before"]
    kind = customers["kind"]
    parts = {name: _part(moved[kind == name]) for name in (LOST, WON, RETURNED)}
    stayed = customers[kind == STAYED]
    change = int(moved[kind == STAYED].sum())
    often = frequency_effect(stayed)
    changed = int((stayed["purchases_after"] != stayed["purchases_before"]).sum())
    parts[FREQUENCY] = Part(round(float(often.sum())), changed)
    rest = change - parts[FREQUENCY].units
    found = None
    if set(NEEDED) <= set(tx.columns) and len(stayed):
        found = _basket_and_price(tx, before, after, stayed)
    if found is None:
        parts[PER_DAY] = Part(rest, len(stayed))
    else:
        basket, price = found
        parts[BASKET], parts[PRICE] = Part(basket, len(stayed)), Part(price, len(stayed))
        parts[MIX] = Part(rest - basket - price, len(stayed))
    back = customers["returned_after"] - customers["returned_before"]
    sent = (customers["returned_after"] != 0) | (customers["returned_before"] != 0)
    parts[RETURNS] = _part(back[sent])
    return parts


def _part(units: pd.Series[int]) -> Part:
    return Part(int(units.sum()), len(units))


def frequency_effect(stayed: pd.DataFrame) -> pd.Series[float]:
    """Return the money that each customer's change of purchase days brings, in ten-thousandths.

    The change of purchase days times the mean of the money per purchase day of both periods.

    Examples
    --------
    >>> one = {"purchases_before": [2], "purchases_after": [1], "spent_before": [40], "spent_after": [30]}
    >>> frequency_effect(pd.DataFrame(one)).tolist()
    [-25.0]
    """
    per_day = sum(stayed[f"spent_{name}"] / stayed[f"purchases_{name}"] for name in ("before", "after"))
    effect: pd.Series[float] = (stayed["purchases_after"] - stayed["purchases_before"]) * per_day / 2
    return effect


def _basket_and_price(
    tx: Transactions, before: Window, after: Window, stayed: pd.DataFrame
) -> tuple[int, int] | None:
    """Return basket size and price of the customers who stayed, in ten-thousandths.

    None where goods are known of less than ``KNOWN_GOODS`` of the money of either period: what is not known would pass
    for other products.

    Goods G and money M of each period are taken at each customer's mean number of purchase days, so that frequency
    has no part in them: basket size = (G1 - G0) (M0 / G0 + M1 / G1) / 2.
    """
    import ibis

    sales = product_sales(tx, {"before": before, "after": after})
    ids = sales.get_backend().create_table(ibis.util.gen_name("stayed"), stayed[["customer_id"]])
    sales = sales.semi_join(ids, "customer_id")
    money = sales.group_by("period").aggregate(money=sales.money.sum()).to_pyarrow().to_pandas()
    with_goods = money.set_index("period")["money"].reindex(["before", "after"], fill_value=0.0)
    if any(
        with_goods[name] * UNITS < KNOWN_GOODS * stayed[f"spent_{name}"].sum() for name in ("before", "after")
    ):
        return None
    price = round(_price_effect(sales) * UNITS)
    goods = _goods(sales, stayed)
    mean_days = (stayed["purchases_before"] + stayed["purchases_after"]).to_numpy() / 2
    total: dict[str, tuple[float, float]] = {}
    for name in ("before", "after"):
        weight = mean_days / stayed[f"purchases_{name}"].to_numpy()
        total[name] = (
            float(weight @ goods[name].to_numpy()),
            float(weight @ stayed[f"spent_{name}"].to_numpy()),
        )
    (goods_before, money_before), (goods_after, money_after) = total["before"], total["after"]
    if not (goods_before and goods_after):
        return None
    worth = (money_before / goods_before + money_after / goods_after) / 2
    return round((goods_after - goods_before) * worth), price


def _price_effect(sales: ibis.Table) -> float:
    """Return the change of each product's mean price times its mean quantity, of products of both periods."""
    by_item = sales.group_by("item").aggregate(
        **{
            f"{what}_{name}": sales[what].sum(where=sales.period == name)
            for what in ("money", "quantity")
            for name in ("before", "after")
        }
    )
    both = by_item.filter((by_item.quantity_before > 0) & (by_item.quantity_after > 0))
    moved = both.money_after / both.quantity_after - both.money_before / both.quantity_before
    effect = (moved * (both.quantity_before + both.quantity_after) / 2).sum()
    return float(effect.to_pyarrow().as_py() or 0.0)


def _goods(sales: ibis.Table, stayed: pd.DataFrame) -> pd.DataFrame:
    """Return the goods of each customer by period, in the usual quantities of their products."""
    usual = sales.group_by("item").aggregate(usual=sales.quantity.sum() / sales.lines.sum())
    counted = sales.join(usual, "item")
    goods = counted.quantity / counted.usual
    by_customer = counted.group_by("customer_id").aggregate(
        **{name: goods.sum(where=counted.period == name) for name in ("before", "after")}
    )
    found = by_customer.order_by("customer_id").to_pyarrow().to_pandas()
    return (
        stayed[["customer_id"]].merge(found, on="customer_id", how="left", validate="one_to_one").fillna(0.0)
    )
