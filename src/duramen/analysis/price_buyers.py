"""A customer table with discounts comes in; who buys for the price goes out, beside who pays it in full.

Called to see whether price-led buyers are worth as much as others, now and later.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from duramen.analysis.portfolio_matrices import rows_of, spent_after
from duramen.errors import InputError
from duramen.forecast.growth import past_value

PRICE_LED, FULL_PRICE, BETWEEN, TOO_FEW = "price-led", "full price", "in between", "too few purchases"
BUYERS = (PRICE_LED, BETWEEN, FULL_PRICE, TOO_FEW)
# Of fewer purchase days each is more than a fifth of all that is known, and one leaflet would make a bargain hunter.
LEAST_PURCHASES = 5
# What is usual differs from shop to shop: the third who get most off is set against the third who get least.
PART = 1 / 3
# Customers are alike in what they spent before where they fall in the same twentieth of it.
ALIKE_CLASSES = 20


def price_led_buyers(customers: pd.DataFrame, least_purchases: int = LEAST_PURCHASES) -> np.ndarray:
    """Return what kind of buyer each customer is, by the part of the price that was given off.

    Among customers of enough purchases the third with the largest ``discount_share`` (money off over money before it)
    is price-led, the third with the smallest is full price. Who is at the bound between two counts as the one nearer to
    full price: where most never had a discount, all of them are full price.

    Parameters
    ----------
    customers : pandas.DataFrame
        ``customer_table`` of orders with a discount column.
    least_purchases : int
        Purchase days below which nobody is called either.

    Returns
    -------
    numpy.ndarray of shape (n,), dtype object
        Of ``BUYERS``.

    Raises
    ------
    InputError
        If there is no discount column, too few customers have enough purchases, or all of them got the same part off.

    Examples
    --------
    >>> told = pd.DataFrame({"frequency": [9.0, 9.0, 9.0, 1.0], "discount_share": [0.0, 0.1, 0.4, 0.9]})
    >>> price_led_buyers(told).tolist()
    ['full price', 'in between', 'price-led', 'too few purchases']
    """
    if "discount_share" not in customers:
        raise InputError(
            "no discount is known of these customers, so that nothing tells who buys for the price; give the orders a "
            "column of money given off, for example columns={'discount': 'retail_disc'}."
        )
    share = customers["discount_share"].to_numpy(dtype=float)
    enough = (customers["frequency"].to_numpy(dtype=float) + 1 >= least_purchases) & ~np.isnan(share)
    if enough.sum() < 1 / PART:
        raise InputError(
            f"{enough.sum():,} of {len(share):,} customers have {least_purchases} purchase days, too few to "
            "set price-led buyers against others; lower least_purchases or give a longer history."
        )
    known = share[enough]
    if np.ptp(known) == 0:
        raise InputError(
            f"all {len(known):,} customers of {least_purchases} purchase days or more had the same part of the price "
            f"off ({known[0]:.1%}), so that nobody buys more for the price than others; check the discount column."
        )
    low, high = np.quantile(known, [PART, 1 - PART])
    # Where as many had the largest part off that the bound falls on it, they are the price-led.
    high = min(high, np.unique(known)[-2])
    low = min(low, high)
    called: np.ndarray = np.select(
        [~enough, share <= low, share > high], [TOO_FEW, FULL_PRICE, PRICE_LED], default=BETWEEN
    ).astype(object)
    return called


def price_sensitivity(
    ranking: pd.DataFrame,
    customers: pd.DataFrame,
    horizon: int,
    least_purchases: int = LEAST_PURCHASES,
    then_spent: pd.Series[float] | None = None,
) -> pd.DataFrame:
    """Return a row a kind of buyer: how many there are, what they get off, what they bring and how many will leave.

    Parameters
    ----------
    ranking, customers, horizon
        As ``portfolio_matrices.place_customers`` takes them; the orders must have had a discount column.
    least_purchases : int
        Purchase days below which nobody is called either.
    then_spent : pandas.Series, optional
        Net money that each customer brought in the horizon, by customer id, where it has passed.

    Returns
    -------
    pandas.DataFrame
        ``buyers`` (each of ``BUYERS``), ``customers``, ``share_of_customers`` and the means ``discount_share_mean``,
        ``discount_day_share_mean`` (purchase days with a discount), ``value_now_mean`` (net money at the own past rate
        over the horizon), ``predicted_value_mean``, ``churn_probability_mean`` and, where it is given,
        ``then_spent_mean``. Means of nobody are missing.

    Raises
    ------
    InputError
        As ``price_led_buyers`` does, or if a ranked customer is not in the table or in ``then_spent``.
    """
    rows = rows_of(ranking, customers)
    buyers = price_led_buyers(rows, least_purchases)
    told = rows[["discount_share", "discount_day_share"]].reset_index(drop=True).assign(buyers=buyers)
    told["value_now"] = past_value(rows, horizon)
    for column in ("predicted_value", "churn_probability"):
        told[column] = ranking[column].to_numpy()
    if then_spent is not None:
        told["then_spent"] = spent_after(ranking["customer_id"], then_spent)
    by = told.groupby("buyers")
    table = by.mean().reindex(BUYERS).add_suffix("_mean")
    table.insert(0, "customers", by.size().reindex(BUYERS, fill_value=0))
    table.insert(1, "share_of_customers", table["customers"] / len(told))
    return table.rename_axis("buyers").reset_index()


def price_led_difference(
    buyers: npt.ArrayLike, past_spend: npt.ArrayLike, then_spent: npt.ArrayLike
) -> pd.DataFrame:
    """Tell whether price-led buyers then spent more or less than full-price buyers, and than those alike before.

    Parameters
    ----------
    buyers : array_like of shape (n,)
        What ``price_led_buyers`` returns.
    past_spend, then_spent : array_like of shape (n,)
        Net money to date at the cutoff, and net money in the horizon.

    Returns
    -------
    pandas.DataFrame
        A row for ``compared`` "all" and one for "alike": within each twentieth of past spend, weighted by how much it
        tells. ``price_led`` and ``full_price`` (customers compared), and for money (``spent``) and for the share who
        spent anything (``active``) the difference, price-led less full price, with its ``_standard_error``.

    Raises
    ------
    InputError
        If there are not two customers of each.
    """
    kind = np.asarray(buyers, dtype=object)
    past, money = np.asarray(past_spend, dtype=float), np.asarray(then_spent, dtype=float)
    compared = np.isin(kind, [PRICE_LED, FULL_PRICE])
    led, past, money = kind[compared] == PRICE_LED, past[compared], money[compared]
    if min(led.sum(), (~led).sum()) < 2:
        raise InputError(
            f"{led.sum():,} price-led and {(~led).sum():,} full-price buyers are too few to compare; two of each are "
            "needed."
        )
    order = np.argsort(np.argsort(past, kind="stable"), kind="stable")
    outcomes = {"spent": money, "active": (money > 0).astype(float)}
    rows: list[dict[str, Any]] = []
    for name, classes in (("all", 1), ("alike", ALIKE_CLASSES)):
        alike = order * classes // len(order)
        # A class that has not two of each tells nothing of how sure its difference is.
        pairs = [(led & (alike == c), ~led & (alike == c)) for c in range(classes)]
        pairs = [(p, f) for p, f in pairs if min(p.sum(), f.sum()) > 1]
        row: dict[str, Any] = {"compared": name}
        row["price_led"], row["full_price"] = (
            sum(int(pair[side].sum()) for pair in pairs) for side in (0, 1)
        )
        for outcome, values in outcomes.items():
            row[outcome], row[f"{outcome}_standard_error"] = _difference(pairs, values)
        rows.append(row)
    return pd.DataFrame(rows)


def _difference(pairs: list[tuple[np.ndarray, np.ndarray]], values: np.ndarray) -> tuple[float, float]:
    """Return the mean difference within pairs of groups, weighted as a regression on them does, and its error."""
    if not pairs:
        return float("nan"), float("nan")
    n, m = (np.array([pair[side].sum() for pair in pairs], dtype=float) for side in (0, 1))
    means, variances = (
        np.array([[measure(values[side]) for side in pair] for pair in pairs])
        for measure in (np.mean, lambda group: np.var(group, ddof=1))
    )
    weight = n * m / (n + m)
    weight /= weight.sum()
    error = np.sqrt((weight**2 * (variances[:, 0] / n + variances[:, 1] / m)).sum())
    return float(weight @ (means[:, 0] - means[:, 1])), float(error)
