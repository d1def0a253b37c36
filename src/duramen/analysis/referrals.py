"""Scores and who referred whom come in; the value that each customer is credited with goes out.

The value of a referred customer is split among those who are above them in the chain, and is credited once.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from duramen.analysis.per_customer import check_columns, check_number
from duramen.data.ids import find_ids
from duramen.errors import InputError
from duramen.language import Sentence, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from duramen.analysis.per_customer import FloatArray

    IntArray = npt.NDArray[np.int64]

COLUMN = "referred_by"


class _Tree(NamedTuple):
    """Who referred each customer (a position, -1 for nobody), and how many referrers are above them."""

    referrer: IntArray
    depth: IntArray

    def levels(self) -> Iterator[IntArray]:
        """Give the referred customers from the last of the chains to the first, those of one depth at a time."""
        order = np.argsort(self.depth, kind="stable")
        starts = np.flatnonzero(np.diff(self.depth[order], prepend=-1))
        for rows in reversed(np.split(order, starts[1:])):
            if self.depth[rows[0]] > 0:
                yield rows


def referral_value(
    scores: pd.DataFrame,
    referred_by: pd.Series[Any] | None = None,
    *,
    decay: float = 0.5,
    value: str = "predicted_value",
) -> pd.DataFrame:
    """Return the value that customers brought by referring others, credited along the chain without counting any twice.

    The value of a referred customer is split among all who are above them in the chain: the direct referrer has the
    largest part, and each one further up ``decay`` times the part of the one before. With 0.5 and three referrers these
    are 4/7, 2/7 and 1/7. Parts sum to the value, and so all credited values sum to the value of all referred customers.

    Parameters
    ----------
    scores : pandas.DataFrame
        What ``CoreCustomerModel.predict`` or the ranking returns.
    referred_by : pandas.Series, optional
        The id of the referrer by customer id, missing where there is none, such as
        ``read_customer_file("customers.csv").of("referred_by", scores["customer_id"])``. By default the column
        ``referred_by`` of the scores.
    decay : float
        From 0 (all to the direct referrer) to 1 (all referrers alike).
    value : str
        The column of the scores that is credited, such as ``predicted_value`` or ``clv``.

    Returns
    -------
    pandas.DataFrame
        A row for each customer, the highest credited value first, ties by id: ``customer_id``, ``own_value``,
        ``referred_directly`` and ``referred_in_all`` (customers) and ``credited_value``. Own value is not lowered by
        what referrers are credited with: add up either column, and not both.

    Raises
    ------
    InputError
        If it is not known who referred whom, an id is not of a customer of the scores, or a chain leads back to its own
        beginning.

    Examples
    --------
    >>> scores = pd.DataFrame({"customer_id": list("abc"), "predicted_value": [10.0, 30.0, 60.0]})
    >>> referral_value(scores, pd.Series({"b": "a", "c": "b"}))
      customer_id  own_value  referred_directly  referred_in_all  credited_value
    0           a       10.0                  1                2            50.0
    1           b       30.0                  1                1            40.0
    2           c       60.0                  0                0             0.0
    """
    check_columns(scores, ("customer_id", value))
    check_number(decay, "decay", 0, 1, "a share from 0 to 1, such as 0.5")
    referrer = _referrers(scores, referred_by)
    tree = _Tree(referrer, _depths(referrer, scores["customer_id"]))
    own = scores[value].to_numpy(dtype=float)
    directly = np.bincount(referrer[referrer >= 0], minlength=len(scores))
    in_all, credited = _along_chains(tree, own, decay)
    table = pd.DataFrame(
        {
            "customer_id": scores["customer_id"].array,
            "own_value": own,
            "referred_directly": directly,
            "referred_in_all": in_all,
            "credited_value": credited,
        }
    )
    table = table.sort_values("customer_id", kind="stable")
    return table.sort_values("credited_value", ascending=False, kind="stable", ignore_index=True)


def _referrers(scores: pd.DataFrame, referred_by: pd.Series[Any] | None) -> IntArray:
    """Return the position of each customer's referrer in the scores, -1 where there is none."""
    ids = scores["customer_id"]
    if referred_by is None:
        if COLUMN not in scores:
            raise InputError(
                say(
                    "it is not known who referred whom: add a column referred_by to the customer file, "
                    "with the id of the referrer."
                )
            )
        referred_by = scores.set_index("customer_id")[COLUMN]
    referred_by = referred_by[referred_by.notna()]
    referrer = np.full(len(scores), -1, dtype=np.int64)
    if referred_by.empty:
        return referrer
    place = find_ids(referred_by.index, ids, "the scores")
    _refuse_unknown(referred_by.index, place, say("referred customers"))
    if len(np.unique(place)) < len(place):
        twice = referred_by.index[pd.Series(place).duplicated().to_numpy()]
        raise InputError(
            say(
                "{customers} customers have two referrers (for example {example}); give each one.",
                customers=f"{len(twice):,}",
                example=repr(twice[0]),
            )
        )
    above = find_ids(referred_by, ids, "the scores")
    _refuse_unknown(pd.Index(referred_by), above, say("referrers"))
    referrer[place] = above
    return referrer


def _refuse_unknown(ids: pd.Index[Any], place: IntArray, who: Sentence) -> None:
    unknown = ids[place < 0].unique()
    if len(unknown):
        raise InputError(
            say(
                "{number} {who} are not among the customers (for example {example}); correct the ids, or leave those "
                "referrals out.",
                number=f"{len(unknown):,}",
                who=who,
                example=repr(unknown[0]),
            )
        )


def _depths(referrer: IntArray, ids: pd.Series[Any]) -> IntArray:
    """Return how many referrers are above each customer; every step doubles how far up it looks."""
    depth = (referrer >= 0).astype(np.int64)
    jump = referrer.copy()
    for _ in range(len(referrer).bit_length() + 1):
        going = np.flatnonzero(jump >= 0)
        if not len(going):
            return depth
        step = jump[going]
        depth[going] += depth[step]
        jump[going] = jump[step]
    # A customer who still has someone above is in a circle or below one, and far enough up is the circle.
    start = int(jump[going[0]])
    circle = [start]
    while (above := int(referrer[circle[-1]])) != start:
        circle.append(above)
    if len(circle) == 1:
        raise InputError(
            say(
                "{customer} is given as its own referrer; leave out this referral.",
                customer=repr(ids.iloc[start]),
            )
        )
    names = [repr(ids.iloc[position]) for position in [*circle[:5], *([start] if len(circle) <= 5 else [])]]
    raise InputError(
        say(
            "{customers} customers are referred by each other in a circle ({circle}); leave out the referral that "
            "cannot be true.",
            customers=f"{len(circle):,}",
            circle=reduce(_referred, names) + (" ..." if len(circle) > 5 else ""),
        )
    )


def _referred(customers: str, referrer: str) -> str:
    return say("{customers} by {referrer}", customers=customers, referrer=referrer)


def _along_chains(tree: _Tree, own: FloatArray, decay: float) -> tuple[IntArray, FloatArray]:
    """Return how many are below each customer, and the value that is credited for them."""
    most = int(tree.depth.max(initial=0))
    # The parts of a chain are 1, decay, decay ** 2, ..., divided by their sum.
    parts = np.concatenate([[1.0], np.cumsum(decay ** np.arange(most, dtype=float))])
    direct = own / parts[tree.depth]
    below = np.zeros(len(own), dtype=np.int64)
    credited = np.zeros(len(own))
    for rows in tree.levels():
        above = tree.referrer[rows]
        np.add.at(below, above, 1 + below[rows])
        np.add.at(credited, above, direct[rows] + decay * credited[rows])
    return below, credited
