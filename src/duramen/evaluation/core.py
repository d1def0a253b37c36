"""Scores and outcomes come in; whether P(core) is calibrated, and how score and past spend differ, go out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from duramen.evaluation.top_customers import first_customers
from duramen.scoring.tiers import smallest_set

# Bands of P(core), each a tenth wide.
BANDS = np.linspace(0, 1, 11)
TOP_SHARE = 0.2


def core_calibration(probability: np.ndarray, money: np.ndarray) -> pd.DataFrame:
    """Compare P(core) with the share of customers who were in the core set by the outcomes.

    Parameters
    ----------
    probability : numpy.ndarray of shape (n,)
        ``probability_core``.
    money : numpy.ndarray of shape (n,)
        Net money in the horizon; the core is the smallest set of customers that brought 80 % of it.

    Returns
    -------
    pandas.DataFrame
        A row a band of probability that has customers: ``from_``, ``to``, ``customers``, and the mean ``predicted``
        and ``actual`` share in the core.

    Examples
    --------
    >>> core_calibration(np.array([0.95, 0.05, 0.05, 0.05]), np.array([90.0, 5.0, 5.0, 0.0]))["actual"].tolist()
    [0.0, 1.0]
    """
    core = smallest_set(np.maximum(money, 0.0))
    band = np.minimum(np.searchsorted(BANDS, probability, side="right"), len(BANDS) - 1) - 1
    table = pd.DataFrame({"band": band, "predicted": probability, "actual": core.astype(float)})
    means = table.groupby("band").agg(
        customers=("actual", "size"), predicted=("predicted", "mean"), actual=("actual", "mean")
    )
    means.insert(0, "from_", BANDS[means.index])
    means.insert(1, "to", BANDS[means.index + 1])
    return means.reset_index(drop=True)


def score_against_past_spend(score: np.ndarray, past: np.ndarray, money: np.ndarray) -> pd.DataFrame:
    """Compare the customers whom the score puts first with those by past spend, and what they then spent.

    Parameters
    ----------
    score, past, money : numpy.ndarray of shape (n,)
        Score and net money to date at the cutoff, and net money in the horizon. "First" is the first fifth by a stable
        sort.

    Returns
    -------
    pandas.DataFrame
        A row each for ``chosen_by`` "both", "score alone", "past spend alone" and "neither": ``customers``, and their
        mean ``past_spend`` and money ``then_spent``, missing where there are none.

    Examples
    --------
    >>> score, past, money = np.array([[3.0, 2, 1, 0, 0], [2.0, 3, 1, 0, 0], [8.0, 5, 0, 0, 0]])
    >>> score_against_past_spend(score, past, money).set_index("chosen_by")["then_spent"].dropna().to_dict()
    {'score alone': 8.0, 'past spend alone': 5.0, 'neither': 0.0}
    """
    by_score, by_past = np.zeros((2, len(score)), dtype=bool)
    for chosen, order in ((by_score, score), (by_past, past)):
        chosen[first_customers(order, TOP_SHARE)] = True
    groups = {
        "both": by_score & by_past,
        "score alone": by_score & ~by_past,
        "past spend alone": by_past & ~by_score,
        "neither": ~by_past & ~by_score,
    }
    rows = [
        (name, inside.sum(), *(part[inside].mean() if inside.any() else np.nan for part in (past, money)))
        for name, inside in groups.items()
    ]
    return pd.DataFrame(rows, columns=["chosen_by", "customers", "past_spend", "then_spent"])
