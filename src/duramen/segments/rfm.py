"""A customer table comes in; plain groups by recency, frequency and money, as a baseline of segments, go out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from duramen.language import marked


def rfm_score(customers: pd.DataFrame) -> np.ndarray:
    """Return the sum of the quintiles (1 to 5) of recency, frequency and money, the plain segmentation score.

    Parameters
    ----------
    customers : pandas.DataFrame
        With ``time_since_last``, ``frequency`` and ``net_spend``.

    Returns
    -------
    numpy.ndarray of shape (n,)
        From 3 to 15; equal values get the same quintile.
    """
    ranks = pd.DataFrame(
        {
            "recency": (-customers["time_since_last"]).rank(pct=True),
            "frequency": customers["frequency"].rank(pct=True),
            "money": customers["net_spend"].rank(pct=True),
        }
    )
    score: np.ndarray = np.ceil(ranks * 5).sum(axis=1).to_numpy()
    return score


def groups_of_equal_count(customers: pd.DataFrame, count: int) -> dict[str, np.ndarray]:
    """Return the groups, from 0, of plain rules: ``count`` of them, with as many customers each.

    - RFM score: the sum of the quintiles of recency, frequency and money (5 x 5 x 5), cut into groups of equal size;
    - RFM cells: halved by recency, each half by frequency, each quarter by money, and so on;
    - past spend: quantiles.

    Examples
    --------
    >>> table = pd.DataFrame({"time_since_last": [1, 2, 8, 9], "frequency": [5, 0, 3, 1], "net_spend": [9, 1, 5, 2]})
    >>> {name: groups.tolist() for name, groups in groups_of_equal_count(table, 2).items()}
    {'RFM score': [1, 0, 1, 0], 'RFM cells': [1, 1, 0, 0], 'past spend': [1, 0, 1, 0]}
    """
    score = rfm_score(customers)
    measures = [
        -customers["time_since_last"].to_numpy(dtype=float),
        customers["frequency"].to_numpy(dtype=float),
        customers["net_spend"].to_numpy(dtype=float),
    ]
    cells = np.zeros(len(customers), dtype=int)
    _halve(cells, measures, np.arange(len(customers)), 0, count)
    return {
        marked("RFM score"): equal_groups(score, count),
        marked("RFM cells"): cells,
        marked("past spend"): equal_groups(measures[2], count),
    }


def _halve(cells: np.ndarray, measures: list[np.ndarray], rows: np.ndarray, first: int, count: int) -> None:
    """Number the cells of these rows from ``first``, splitting them by the first measure, then the next."""
    if count == 1:
        cells[rows] = first
        return
    by, *others = measures
    low = count // 2
    ordered = rows[np.argsort(by[rows], kind="stable")]
    border = len(rows) * low // count
    turned = [*others, by]
    _halve(cells, turned, ordered[:border], first, low)
    _halve(cells, turned, ordered[border:], first + low, count - low)


def equal_groups(score: np.ndarray, count: int) -> np.ndarray:
    """Return ``count`` groups, from 0, of (nearly) equally many customers by a score, ties by the order given.

    Examples
    --------
    >>> equal_groups(np.array([0.3, 0.1, 0.2, 0.4]), 2)
    array([1, 0, 0, 1])
    """
    place = np.argsort(np.argsort(score, kind="stable"), kind="stable")
    groups: np.ndarray = place * count // len(score)
    return groups
