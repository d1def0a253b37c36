"""Two assignments of the same customers come in; which segments went on, and as what, goes out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from duramen.language import marked

# A segment goes on where what it shares with its successor is at least half of the two together, by their mean size:
# below that, most of those who are meant by the number would be others.
KEPT_OVERLAP = 0.5
# A segment is part of another, or has gone into it, with at least half of its customers.
PART = 0.5
CHANGES = (marked("kept"), marked("split"), marked("merged"), marked("new"), marked("gone"))
CHANGE_COLUMNS = ("segment", "change", "previous", "overlap", "customers")


def match_segments(before: np.ndarray, now: np.ndarray) -> dict[int, int]:
    """Return for each segment now the earlier one whose number it keeps, by the best of all matchings.

    Parameters
    ----------
    before, now : numpy.ndarray of shape (n,)
        Numbers of the same customers; 0 is no segment.

    Returns
    -------
    dict of int to int
        Segment now to the earlier one, of those that overlap by ``KEPT_OVERLAP``.

    Examples
    --------
    >>> match_segments(np.array([1, 1, 1, 2, 2]), np.array([5, 5, 5, 5, 4]))
    {4: 2, 5: 1}
    """
    from scipy.optimize import linear_sum_assignment

    shared = _shared(before, now)
    overlap = _overlap(shared)
    figures = overlap.to_numpy()
    rows, columns = linear_sum_assignment(-figures)
    return {
        int(overlap.columns[column]): int(overlap.index[row])
        for row, column in sorted(zip(rows, columns, strict=True), key=lambda pair: pair[1])
        if figures[row, column] >= KEPT_OVERLAP
    }


def segment_changes(before: np.ndarray, now: np.ndarray) -> pd.DataFrame:
    """Return what became of each segment.

    Merged is a segment now to which two earlier ones or more gave half of their customers; split, one of two or more
    that have half of their customers from the same earlier one; kept, one that overlaps with the earlier one of its
    number; new, any other. Gone is an earlier one that goes on in none of these.

    Parameters
    ----------
    before, now : numpy.ndarray of shape (n,)
        Numbers of the same customers, ``now`` after the matching; 0 is no segment.

    Returns
    -------
    pandas.DataFrame
        ``segment`` (its number), ``change`` (one of ``CHANGES``), ``previous`` (the earlier numbers, as text, empty
        where there is none), ``overlap`` (twice the shared customers over the sum of both sizes, among those who have
        a segment in both, with the earlier one that shares most) and ``customers`` (now; before, where it is gone).

    Examples
    --------
    >>> segment_changes(np.array([1, 1, 1, 1, 2, 2]), np.array([3, 3, 4, 4, 2, 2]))[["segment", "change", "previous"]]
       segment change previous
    0        2   kept        2
    1        3  split        1
    2        4  split        1
    """
    shared = _shared(before, now)
    overlap = _overlap(shared)
    there = [int(number) for number in np.unique(now[now > 0])]
    rows = [_change(number, shared, overlap) | {"customers": int((now == number).sum())} for number in there]
    continued = {name for row in rows for name in row["previous"].split(", ")}
    rows += [
        {
            "segment": int(old),
            "change": "gone",
            "previous": str(old),
            "overlap": float(overlap[overlap.index == old].to_numpy().max(initial=0.0)),
            "customers": int((before == old).sum()),
        }
        for old in np.unique(before[before > 0])
        if str(old) not in continued
    ]
    return pd.DataFrame(rows, columns=list(CHANGE_COLUMNS))


def _change(number: int, shared: pd.DataFrame, overlap: pd.DataFrame) -> dict[str, Any]:
    """Return what one segment is, by the earlier ones that went into it and those that it came from."""
    if number not in shared:
        return {"segment": number, "change": "new", "previous": "", "overlap": 0.0}
    column, earlier = list(shared).index(number), shared.index.to_numpy()
    counts, closest = shared.to_numpy(), overlap[number].to_numpy()
    parents = earlier[counts[:, column] >= PART * counts.sum(axis=1)]
    parts = counts >= PART * counts.sum(axis=0)
    cut_up = earlier[parts[:, column] & (parts.sum(axis=1) > 1)]
    nearest = str(earlier[closest.argmax()])
    if len(parents) > 1:
        change, previous = "merged", ", ".join(map(str, parents))
    elif len(cut_up):
        change, previous = "split", str(cut_up[0])
    elif closest.max() >= KEPT_OVERLAP:
        change, previous = "kept", nearest
    else:
        change, previous = "new", ""
    return {"segment": number, "change": change, "previous": previous, "overlap": float(closest.max())}


def _shared(before: np.ndarray, now: np.ndarray) -> pd.DataFrame:
    """Count the customers of each pair of segments, a row an earlier one."""
    both = (before > 0) & (now > 0)
    return pd.crosstab(before[both], now[both])


def _overlap(shared: pd.DataFrame) -> pd.DataFrame:
    """Twice what two segments share, over the sum of their sizes."""
    counts = shared.to_numpy()
    sizes = counts.sum(axis=1)[:, None] + counts.sum(axis=0)
    return pd.DataFrame(2 * counts / sizes, index=shared.index, columns=shared.columns)
