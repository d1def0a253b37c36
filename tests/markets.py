"""Made-up orders: customers who follow the market by known elasticities, and customers who mostly buy once."""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from duramen.data.reading import read_transactions

START = date(2020, 1, 1)


def market_world(
    spread=0.5, *, customers=3000, periods=20, rate=2.0, swing=0.35, wobble=0.0, mean=1.0, seed=0
):
    """Return transactions, true elasticities by customer id, true log levels and the cutoff.

    Customers join and leave at random periods; each buys at an own rate x level^elasticity x a transient factor.
    """
    rng = np.random.default_rng(seed)
    level = swing * rng.standard_normal(periods)
    elasticity = rng.normal(mean, spread, customers)
    own = rng.gamma(1.5, rate / 1.5, customers)
    join = rng.integers(-5, periods - 1, customers).clip(0)
    leave = join + rng.geometric(0.03, customers)
    period = np.arange(periods)
    known = (period > join[:, None]) & (period <= leave[:, None])
    passing = np.exp(wobble * rng.standard_normal((customers, periods)) - wobble**2 / 2)
    bought = rng.poisson(own[:, None] * np.exp(elasticity[:, None] * level) * known * passing).clip(0, 28)
    bought[np.arange(customers), join] = 1
    row, column = np.nonzero(bought)
    times = bought[row, column]
    offset = np.concatenate([rng.permutation(28)[:k] for k in times])
    days = np.repeat(column, times) * 28 + offset
    ids = np.array([f"c{i:05d}" for i in range(customers)])
    orders = pd.DataFrame(
        {"customer_id": np.repeat(ids[row], times), "date": pd.Timestamp(START) + pd.to_timedelta(days, unit="D")}
    ).assign(amount=10.0)  # fmt: skip
    return read_transactions(orders), pd.Series(elasticity, index=ids), level, START + timedelta(28 * periods)


def two_markets():
    """Return two years of purchases, of which half the customers follow the market twice and half not at all."""
    rng = np.random.default_rng(5)
    level = 1 + 0.5 * np.sin(np.arange(730) / 40)
    rows = []
    for customer in range(600):
        rate = 0.05 * (level**2 if customer % 2 else np.ones(730))
        days = np.flatnonzero(rng.random(730) < rate)
        rows.append(pd.DataFrame({"customer_id": f"c{customer:03}", "day": days}))
    orders = pd.concat(rows, ignore_index=True)
    orders["date"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(orders.pop("day"), unit="D")
    return orders.assign(quantity=1, amount=rng.lognormal(3, 0.5, len(orders)).round(2))


def one_time_shop(customers, days, *, seed=0, return_rate=0.0004):
    """Return orders of a shop where more than 90 % buy once in ten months; everybody keeps to an own level of spend.

    All come back at the same rate, so that nothing but what they spent shows who will bring more.
    """
    rng = np.random.default_rng(seed)
    first, level = rng.integers(0, days, customers), rng.lognormal(0.0, 0.9, customers)
    returns = rng.poisson(return_rate * (days - first))
    customer = np.concatenate([np.arange(customers), np.repeat(np.arange(customers), returns)])
    day = np.concatenate([first, rng.integers(first.repeat(returns), days)])
    return pd.DataFrame(
        {
            "customer_id": customer,
            "date": pd.Timestamp(START) + pd.to_timedelta(day, unit="D"),
            "amount": (40 * level[customer] * rng.lognormal(0.0, 0.35, len(day))).round(2).clip(0.5),
        }
    )
