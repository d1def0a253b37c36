"""Transactions and a cutoff come in; the exponentially weighted moving average of weekly spend goes out."""

from __future__ import annotations

from datetime import date

import ibis
import numpy as np
import pandas as pd

from duramen.data.transactions import Transactions

WEEK = 7
# Beyond three years a week has next to no weight.
MOST_WEEKS = 156
# Weights of the latest week: half of the average is of the last 34, 14, 7, 3, 2 or 1 weeks.
ALPHAS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5)


def weekly_average(tx: Transactions, cutoff: date, customers: pd.DataFrame) -> np.ndarray | None:
    """Return the exponentially weighted moving average of net money per week, or None with less than two weeks.

    Parameters
    ----------
    tx : Transactions
    cutoff : date
        Weeks are counted back from it.
    customers : pandas.DataFrame
        ``customer_table(tx, cutoff)``.

    Returns
    -------
    numpy.ndarray of shape (n,)
    """
    weeks = min((cutoff - tx.first_date).days // WEEK, MOST_WEEKS)
    if weeks < 2:
        return None
    spend = _weekly_spend(tx, cutoff, customers, weeks)
    first = weeks - 1 - (customers["T"].to_numpy() - 1) // WEEK
    return smooth(spend, first)


def smooth(
    spend: list[pd.Series[float]], first: np.ndarray, alphas: tuple[float, ...] = ALPHAS
) -> np.ndarray:
    """Return the averages after the last week, by the alpha whose average was nearest to the following week's spend.

    The average is 0 before the first purchase and then moves by alpha of its distance to the spend of each week.
    Nearest is by the sum of squared errors over all weeks of the customers who had bought before.

    Parameters
    ----------
    spend : list of pandas.Series
        Net money in each week, earliest first, by row of the customer; who is missing spent nothing.
    first : array of shape (n,)
        Week of the first purchase, from 0; below 0 before all of them.
    alphas : tuple of float

    Examples
    --------
    >>> weeks = [pd.Series({0: 80.0, 1: 40.0}), pd.Series({0: 40.0}), pd.Series({0: 20.0})]
    >>> smooth(weeks, np.array([0, 0]), alphas=(0.5,))
    array([30.,  5.])
    """
    levels, errors = np.zeros((len(alphas), len(first))), np.zeros(len(alphas))
    for week, money in enumerate(spend):
        distance = -levels
        distance[:, money.index] += money.to_numpy()
        errors += np.square(distance[:, first < week]).sum(axis=1)
        levels += np.reshape(alphas, (-1, 1)) * distance
    best: np.ndarray = levels[np.argmin(errors)]
    return best


def _weekly_spend(
    tx: Transactions, cutoff: date, customers: pd.DataFrame, weeks: int
) -> list[pd.Series[float]]:
    """Return net money by row of the customer table in each week, earliest first."""
    days = tx.history(cutoff)
    days = days.mutate(back=(ibis.literal(cutoff).delta(days.date, unit="day").cast("int64") - 1) // WEEK)
    sums = days.filter(days.back < weeks).group_by("customer_id", "back").aggregate(net=days.net.sum())
    found = sums.mutate(net=sums.net.cast("float64")).to_pyarrow().to_pandas()
    rows = customers[["customer_id"]].assign(row=np.arange(len(customers)))
    found = rows.merge(found, on="customer_id", validate="one_to_many").set_index("row")
    by_week = dict(list(found["net"].groupby(found["back"])))
    none = pd.Series(dtype=float, index=pd.Index([], dtype=int))
    return [by_week.get(back, none) for back in reversed(range(weeks))]
