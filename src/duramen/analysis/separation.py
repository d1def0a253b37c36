"""Groups known at a cutoff and what then came come in; how far the groups foretold it goes out.

Called to judge matrices of customers, and any other grouping, beside plain past spend.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from duramen.analysis.bootstrap import draws
from duramen.analysis.metrics import equal_groups, variance_explained
from duramen.data.errors import InputError

# Enough for the ends of a 95 % interval to hold to a tenth of its width.
RESAMPLES = 200


def separation(
    groups: npt.ArrayLike, past_spend: npt.ArrayLike, then_spent: npt.ArrayLike, *, seed: int = 0
) -> pd.DataFrame:
    """Tell how far groups foretell what customers then spent, beside as many groups by past spend alone.

    Parameters
    ----------
    groups : array_like of shape (n,)
        The group of each customer, known at the cutoff.
    past_spend, then_spent : array_like of shape (n,)
        Net money to date at the cutoff, and net money in the horizon.
    seed : int
        Of the resamples behind the intervals.

    Returns
    -------
    pandas.DataFrame
        A row for the ``groups`` as given, one for ``past spend`` cut into as many groups of equal count, and one for
        the ``difference``, each with ``number``, and for ``log_value`` and ``active`` the share of the variance over
        customers that lies between groups, and the 95 % interval ``_low`` to ``_high`` over bootstrap resamples.
        Money is counted as ``log(1 + money / median money of who spent)``, so that no unit matters; active is whether
        anything was spent.

    Raises
    ------
    InputError
        If nobody spent anything, or all customers are in one group.
    """
    own = pd.factorize(np.asarray(groups, dtype=object))[0]
    past, money = np.asarray(past_spend, dtype=float), np.asarray(then_spent, dtype=float)
    if not len(own) == len(past) == len(money):
        raise InputError(
            f"there are {len(own):,} groups, {len(past):,} past and {len(money):,} later amounts; give one a customer."
        )
    number = int(own.max(initial=-1)) + 1
    if number < 2 or not (money > 0).any():
        raise InputError(
            f"{len(own):,} customers are in {number} groups and {(money > 0).sum():,} of them spent anything; two "
            "groups and some money are needed to tell groups apart."
        )
    plain = equal_groups(past, number)
    outcomes = {
        "log_value": np.log1p(np.maximum(money, 0.0) / np.median(money[money > 0])),
        "active": (money > 0).astype(float),
    }
    table = pd.DataFrame(
        {"grouping": ["groups", "past spend", "difference"], "number": [number, number, pd.NA]}
    )
    weights = [np.ones(len(own)), *draws(len(own), RESAMPLES, seed)]
    for name, outcome in outcomes.items():
        shares = np.array([[variance_explained(outcome, by, w) for by in (own, plain)] for w in weights])
        shares = np.column_stack([shares, shares[:, 0] - shares[:, 1]])
        table[name] = shares[0]
        table[f"{name}_low"], table[f"{name}_high"] = np.quantile(shares[1:], [0.025, 0.975], axis=0)
    return table
