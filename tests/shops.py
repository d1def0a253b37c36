"""Shops with products and quantities, in which what changes between two periods is planted."""

from __future__ import annotations

import numpy as np
import pandas as pd

START = np.datetime64("2020-01-01")
# The second of the two periods that the tests compare, as days since the start; 91 days each.
FROM, UNTIL = 637, 728
LAST = 840


def shop(customers=3000, seed=0, *, price=1.0, gone=0.0, postponed=0.0, season=1.0, cheaper=0.0):
    """Return the lines of a shop that is steady but for what is planted in days FROM to UNTIL.

    Customers buy every 35 days, give or take 14: 30 days later is mostly within their usual range of gaps, and a
    whole period without a purchase is not.

    Parameters
    ----------
    price : float
        Factor of all prices from FROM on.
    gone : float
        Share of customers who buy for the last time before FROM.
    postponed : float
        Share of customers whose purchases of the last 30 days before UNTIL are made 30 days later.
    season : float
        Share of purchases that are made between FROM and UNTIL, and in the same days of the year before.
    cheaper : float
        Share of lines of the dear products that are of cheap ones from FROM on.
    """
    random = np.random.default_rng(seed)
    gaps = np.maximum(random.gamma(6.0, 35.0 / 6.0, (customers, 90)).round(), 1)
    day = (random.integers(-400, 0, customers)[:, None] + gaps.cumsum(axis=1)).ravel().astype(int)
    customer = np.repeat(np.arange(customers), gaps.shape[1])
    # All chances are drawn whether they are used or not, so that worlds differ in what is planted alone.
    late, leaves = random.random(customers) < postponed, random.random(customers) < gone
    skipped = random.random(day.size) >= season
    day = np.where(late[customer] & (day >= UNTIL - 30) & (day < UNTIL), day + 30, day)
    in_season = ((day >= FROM) & (day < UNTIL)) | ((day >= FROM - 364) & (day < UNTIL - 364))
    made = (day >= 0) & (day < LAST) & ~(leaves[customer] & (day >= FROM)) & ~(skipped & in_season)
    lines = 1 + random.poisson(2.0, day.size)
    row = np.repeat(np.arange(day.size), lines)
    product, change = random.integers(0, 20, row.size), random.random(row.size) < cheaper
    quantity = 1 + random.poisson(1.0, row.size)
    keep = made[row]
    row, product, quantity, change = row[keep], product[keep], quantity[keep], change[keep]
    after = day[row] >= FROM
    # Products 0 to 9 cost 10 and 10 to 19 cost 6; the last is sold by the hundred grams.
    product = np.where(after & change & (product < 10), product + 10, product)
    unit_price = np.where(product < 10, 10.0, 6.0) * np.where(after, price, 1.0)
    by_gram = product == 19
    return pd.DataFrame(
        {
            "customer_id": customer[row],
            "date": START + day[row],
            "order": np.arange(row.size),
            "product": "p" + pd.Series(product).astype(str),
            "quantity": np.where(by_gram, 100, 1) * quantity,
            "amount": (unit_price * quantity).round(2),
        }
    )


def day_of(number):
    """Return a day of the shop as text."""
    return str(START + number)
