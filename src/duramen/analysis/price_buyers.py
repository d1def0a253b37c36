"""A customer table with discounts comes in; price-led and full-price buyers go out, with their value now and later."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from duramen.analysis.portfolio_matrices import rows_of, spent_after
from duramen.errors import InputError
from duramen.forecast.growth import past_value
from duramen.language import marked, say

PRICE_LED, FULL_PRICE = marked("price-led"), marked("full price")
BETWEEN, TOO_FEW = marked("in between"), marked("too few purchases")
BUYERS = (PRICE_LED, BETWEEN, FULL_PRICE, TOO_FEW)
# Of fewer purchase days each is more than a fifth of the evidence, and one campaign would make a price-led buyer.
LEAST_PURCHASES = 5
# Usual discounts differ from shop to shop: the third with the most is compared with the third with the least.
PART = 1 / 3
# Customers in the same twentieth of past spend count as alike.
ALIKE_CLASSES = 20


def price_led_buyers(customers: pd.DataFrame, least_purchases: int = LEAST_PURCHASES) -> np.ndarray:
    """Return the kind of buyer that each customer is, by the discount as a share of the price.

    Among customers with enough purchases the third with the largest ``discount_share`` (discount over price before it)
    is price-led, the third with the smallest is full price. A customer at the bound of two kinds is of the one nearer
    to full price: where most never had a discount, all of them are full price.

    Parameters
    ----------
    customers : pandas.DataFrame
        ``customer_table`` of orders with a discount column.
    least_purchases : int
        Purchase days below which a customer is neither.

    Returns
    -------
    numpy.ndarray of shape (n,), dtype object
        Of ``BUYERS``.

    Raises
    ------
    InputError
        If there is no discount column, too few customers have enough purchases, or all have the same discount share.

    Examples
    --------
    >>> customers = pd.DataFrame({"frequency": [9.0, 9.0, 9.0, 1.0], "discount_share": [0.0, 0.1, 0.4, 0.9]})
    >>> price_led_buyers(customers).tolist()
    ['full price', 'in between', 'price-led', 'too few purchases']
    """
    if "discount_share" not in customers:
        raise InputError(
            "the customer table has no column discount_share, which shows who buys for the price; give the orders a "
            "column of discounts in money, for example columns={'discount': 'retail_disc'}."
        )
    share = customers["discount_share"].to_numpy(dtype=float)
    enough = (customers["frequency"].to_numpy(dtype=float) + 1 >= least_purchases) & ~np.isnan(share)
    if enough.sum() < 1 / PART:
        raise InputError(
            say(
                "{enough} of {customers} customers have {least} purchase days, too few to compare price-led buyers "
                "with others; lower least_purchases or give a longer history.",
                enough=f"{enough.sum():,}",
                customers=f"{len(share):,}",
                least=least_purchases,
            )
        )
    known = share[enough]
    if np.ptp(known) == 0:
        raise InputError(
            say(
                "all {customers} customers with {least} purchase days or more have the same discount share ({share}), "
                "so that none buys more for the price than others; check the discount column.",
                customers=f"{len(known):,}",
                least=least_purchases,
                share=f"{known[0]:.1%}",
            )
        )
    low, high = np.quantile(known, [PART, 1 - PART])
    # Where so many have the largest share that the bound falls on it, they are the price-led.
    high = min(high, np.unique(known)[-2])
    low = min(low, high)
    kinds: np.ndarray = np.select(
        [~enough, share <= low, share > high], [TOO_FEW, FULL_PRICE, PRICE_LED], default=BETWEEN
    ).astype(object)
    return kinds


def price_sensitivity(
    ranking: pd.DataFrame,
    customers: pd.DataFrame,
    horizon: int,
    least_purchases: int = LEAST_PURCHASES,
    then_spent: pd.Series[float] | None = None,
) -> pd.DataFrame:
    """Return a row for each kind of buyer: customers, discounts, value and churn.

    Parameters
    ----------
    ranking, customers, horizon
        As ``portfolio_matrices.place_customers`` takes them; the orders must have had a discount column.
    least_purchases : int
        Purchase days below which a customer is neither.
    then_spent : pandas.Series, optional
        Net money of each customer in the horizon, by customer id, if it has passed.

    Returns
    -------
    pandas.DataFrame
        ``buyers`` (each of ``BUYERS``), ``customers``, ``share_of_customers`` and the means ``discount_share_mean``,
        ``discount_day_share_mean`` (purchase days with a discount), ``value_now_mean`` (net money at the own past rate
        over the horizon), ``predicted_value_mean``, ``churn_probability_mean`` and, where it is given,
        ``then_spent_mean``. Means of an empty kind are missing.

    Raises
    ------
    InputError
        As ``price_led_buyers`` does, or if a ranked customer is not in the table or in ``then_spent``.
    """
    rows = rows_of(ranking, customers)
    buyers = price_led_buyers(rows, least_purchases)
    facts = rows[["discount_share", "discount_day_share"]].reset_index(drop=True).assign(buyers=buyers)
    facts["value_now"] = past_value(rows, horizon)
    for column in ("predicted_value", "churn_probability"):
        facts[column] = ranking[column].to_numpy()
    if then_spent is not None:
        facts["then_spent"] = spent_after(ranking["customer_id"], then_spent)
    by = facts.groupby("buyers")
    table = by.mean().reindex(BUYERS).add_suffix("_mean")
    table.insert(0, "customers", by.size().reindex(BUYERS, fill_value=0))
    table.insert(1, "share_of_customers", table["customers"] / len(facts))
    return table.rename_axis("buyers").reset_index()


def price_led_difference(
    buyers: npt.ArrayLike, past_spend: npt.ArrayLike, then_spent: npt.ArrayLike
) -> pd.DataFrame:
    """Compare the later spend of price-led and full-price buyers, of all and of those alike in past spend.

    Parameters
    ----------
    buyers : array_like of shape (n,)
        What ``price_led_buyers`` returns.
    past_spend, then_spent : array_like of shape (n,)
        Net money to date at the cutoff, and net money in the horizon.

    Returns
    -------
    pandas.DataFrame
        A row for ``compared`` "all" and one for "alike": within each twentieth of past spend, weighted by its
        precision. ``price_led`` and ``full_price`` (customers compared), and for money (``spent``) and the share with
        a purchase (``active``) the difference, price-led less full price, with its ``_standard_error``.

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
        # The error of a difference needs two customers of each kind.
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
    """Return the mean difference within pairs of groups, weighted as in a regression, and its standard error."""
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
