"""A ranking and an earlier one come in; a sentence a customer about what changed goes out, and the news as reasons."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from duramen.data.customers import customer_ids
from duramen.data.ids import ids_as_text
from duramen.errors import InputError
from duramen.io.score_columns import REASONS
from duramen.language import marked
from duramen.language import translated as _

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions

# A rank is reported where it moves by this part of the larger of both ranks, and by this many places at least.
NOTABLE_RANK, NOTABLE_PLACES = 0.25, 3
# A value is reported where it rises or falls by this part of what it was.
NOTABLE_VALUE = 0.2
# From this many times the value on, times are easier to read than percent; beyond the last they are not counted.
TIMES, MOST_TIMES = 3.0, 20.0

NEW = marked("new since the last scoring")
_COLUMNS = ("customer_id", "rank", "predicted_value")


def what_changed(
    scores: pd.DataFrame, previous: pd.DataFrame, purchases: pd.Series[Any] | None = None
) -> pd.Series[str]:
    """Return what changed for each customer since the previous scoring, in a sentence.

    Ranks that move by a quarter and three places, values that rise or fall by a fifth, and other tiers and life-cycle
    stages are notable. Where the scores come from different models, a notable sentence says so: the model may be what
    changed.

    Parameters
    ----------
    scores : pandas.DataFrame of shape (n, p)
        A ranking, with ``customer_id``, ``rank`` and ``predicted_value``; ``tier``, ``lifecycle_stage`` and
        ``model_version`` are compared where both frames have them.
    previous : pandas.DataFrame
        The ranking before it. Customers who are in it alone are left out.
    purchases : pandas.Series, optional
        Purchase days since the previous scoring, by customer id; customers who are not in it have none. By default
        sentences do not mention purchases.

    Returns
    -------
    pandas.Series of str, shape (n,)
        ``what_changed`` on the index of ``scores``; empty where nothing is notable.

    Raises
    ------
    InputError
        If a column is missing, a customer is in a frame twice, or the previous scores are of a later cutoff.

    Examples
    --------
    >>> before = pd.DataFrame({"customer_id": ["a", "b"], "rank": [40, 2], "predicted_value": [100.0, 300.0]})
    >>> now = pd.DataFrame(
    ...     {"customer_id": ["a", "b", "c"], "rank": [12, 3, 99], "predicted_value": [135.0, 290.0, 8.0]}
    ... )
    >>> what_changed(now, before, pd.Series({"a": 3})).tolist()
    ['rank 12, was 40; value up 35%: bought 3 times since', '', 'new since the last scoring']
    """
    _refuse(scores, "scores")
    _refuse(previous, "previous scores")
    if len(scores) and len(previous) and "cutoff" in scores and "cutoff" in previous:
        refuse_later(previous, scores["cutoff"].iloc[0].date())
    compared = ["rank", "predicted_value"]
    compared += [
        name for name in ("tier", "lifecycle_stage", "model_version") if name in scores and name in previous
    ]
    both = _beside(scores[["customer_id", *compared]], previous, compared)
    if purchases is not None:
        counts = pd.DataFrame({"customer_id": purchases.index, "since": purchases.to_numpy()})
        _refuse_twice(counts, "purchases")
        both = _beside(both, counts, ["since"], suffix="").fillna({"since": 0})
    sentences = [_sentence(row) for row in both.to_dict("records")]
    return pd.Series(sentences, index=scores.index, name="what_changed", dtype="str")


class News:
    """What changed for the customers of a ranking since an earlier one, put before the reasons of their rank.

    Parameters
    ----------
    previous : pandas.DataFrame
        The earlier ranking, as ``what_changed`` takes it, with ``cutoff``.
    tx : Transactions
        The purchases, of which those between the two cutoffs are counted.
    cutoff : date
        The day that the new ranking is made for.

    Raises
    ------
    InputError
        If a column is missing, a customer is there twice, the earlier ranking is of a later cutoff, or it has no
        customer of ``tx``.
    """

    def __init__(self, previous: pd.DataFrame, tx: Transactions, cutoff: date) -> None:
        keys = refuse_other_rankings(previous)
        known = ids_as_text(customer_ids(tx, cutoff).to_pandas())
        if not keys.isin(known).any():
            examples = f" (for example {keys[0]!r} there and {known.iloc[0]!r} here)" if len(keys) else ""
            raise InputError(
                f"the previous scores have none of the {len(known):,} customers to score{examples}; give a ranking of "
                "the same customers, with the same ids."
            )
        refuse_later(previous, cutoff)
        since = purchases_between(tx, cutoff_of(previous), cutoff)
        counts = since.set_axis(ids_as_text(since.index)).reindex(keys, fill_value=0)
        self._previous = previous.assign(_since=counts.to_numpy())
        self._keys = keys

    def first(self, ranking: pd.DataFrame) -> pd.DataFrame:
        """Return a ranking, or a block of it, with the news as ``reason_1`` where there is any and reasons are given.

        There the reasons of the rank follow, and the third one falls away.
        """
        found = self._keys.get_indexer(pd.Index(ids_as_text(ranking["customer_id"])))
        previous = self._previous.iloc[found[found >= 0]]
        news = what_changed(ranking, previous, previous.set_index("customer_id")["_since"])
        as_they_were = (news == "") | ranking["reason_1"].isna()
        moved = dict(zip(REASONS, [news, *(ranking[name] for name in REASONS[:-1])], strict=True))
        return ranking.assign(
            **{name: ranking[name].where(as_they_were, words) for name, words in moved.items()}
        )


def purchases_between(tx: Transactions, since: date, cutoff: date) -> pd.Series[Any]:
    """Return the purchase days with since <= date < cutoff, by the id of each customer who has any."""
    days = tx.history(cutoff).filter(lambda days: days.purchase & (days.date >= since))
    counts: pd.DataFrame = (
        days.group_by("customer_id").aggregate(purchases=days.count()).to_pyarrow().to_pandas()
    )
    return counts.set_index("customer_id")["purchases"]


def cutoff_of(ranking: pd.DataFrame) -> date:
    """Return the day that a ranking was made for."""
    day: date = pd.Timestamp(ranking["cutoff"].max()).date()
    return day


def _beside(table: pd.DataFrame, other: pd.DataFrame, names: list[str], suffix: str = "_was") -> pd.DataFrame:
    """Return the rows of a table, with columns of another one for the same customers under names with the suffix."""
    keys = [table["customer_id"], other["customer_id"]]
    if keys[0].dtype != keys[1].dtype:
        keys = [ids_as_text(key) for key in keys]
    beside = other[names].add_suffix(suffix).assign(_id=keys[1].to_numpy(), _known=True)
    return table.assign(_id=keys[0].to_numpy()).merge(
        beside.rename(columns={"_known": f"known{suffix}"}), on="_id", how="left", validate="one_to_one"
    )


def _sentence(row: dict[Any, Any]) -> str:
    if pd.isna(row["known_was"]):
        return _(NEW)
    changes = []
    for name, words in (("tier", _("tier {now}, was {was}")), ("rank", _("rank {now}, was {was}"))):
        if f"{name}_was" in row and _notable(name, row[name], row[f"{name}_was"]):
            write = _ if name == "tier" else "{:,.0f}".format
            changes.append(words.format(now=write(row[name]), was=write(row[f"{name}_was"])))
    if value := _value_change(row["predicted_value"], row["predicted_value_was"]):
        changes.append(value)
    if "lifecycle_stage_was" in row and row["lifecycle_stage"] != row["lifecycle_stage_was"]:
        words = _("now {now}, was {was}")
        changes.append(words.format(now=_(row["lifecycle_stage"]), was=_(row["lifecycle_stage_was"])))
    if not changes:
        return ""
    since = _(": ") + _bought(int(row["since"])) if "since" in row else ""
    said = _("; ").join(changes) + since
    other = "model_version_was" in row and row["model_version"] != row["model_version_was"]
    return said + _("; ") + _("scored with another model than before") if other else said


def _notable(name: str, now: Any, was: Any) -> bool:
    if name != "rank":
        return bool(now != was)
    moved = abs(now - was)
    return bool(moved >= NOTABLE_PLACES and moved >= NOTABLE_RANK * max(now, was))


def _value_change(now: float, was: float) -> str:
    """Write a change of value, empty where it is not notable.

    Examples
    --------
    >>> _value_change(135, 100), _value_change(60, 100), _value_change(104, 100)
    ('value up 35%', 'value down 40%', '')
    >>> _value_change(420, 100), _value_change(9000, 100), _value_change(0.2, 100)
    ('value 4.2 times what it was', 'value more than 20 times what it was', 'value down more than 99%')
    """
    ratio = now / was if was > 0 else np.nan
    if not abs(ratio - 1) >= NOTABLE_VALUE:
        return ""
    if ratio > MOST_TIMES:
        return _("value more than {times} times what it was").format(times=f"{MOST_TIMES:.0f}")
    if ratio >= TIMES:
        return _("value {times} times what it was").format(times=f"{ratio:.1f}")
    if ratio < 0.01:
        return _("value down more than 99%")
    words = _("value up {percent}") if ratio > 1 else _("value down {percent}")
    return words.format(percent=f"{abs(ratio - 1):.0%}")


def _bought(days: int) -> str:
    """Write how often a customer bought.

    Examples
    --------
    >>> [_bought(days) for days in (0, 1, 2, 1200)]
    ['no purchase since', 'bought once since', 'bought twice since', 'bought 1,200 times since']
    """
    if not days:
        return _("no purchase since")
    if days <= 2:
        return _("bought once since") if days == 1 else _("bought twice since")
    return _("bought {n} times since").format(n=f"{days:,}")


def refuse_other_rankings(previous: pd.DataFrame) -> pd.Index:
    """Return the ids of an earlier ranking as text; refuse one without ranks or cutoff, and customers there twice."""
    _refuse(previous, "previous scores", (*_COLUMNS, "cutoff"))
    keys = ids_as_text(previous["customer_id"])
    _refuse_twice(keys.to_frame("customer_id"), "previous scores")
    index: pd.Index = pd.Index(keys)
    return index


def refuse_later(previous: pd.DataFrame, cutoff: date) -> None:
    """Refuse an earlier ranking that is of a later cutoff."""
    then = cutoff_of(previous)
    if then > cutoff:
        raise InputError(
            f"the previous scores are of {then}, after {cutoff}, the cutoff of the scores; give the two in the order "
            "of time."
        )


def _refuse(table: pd.DataFrame, name: str, columns: tuple[str, ...] = _COLUMNS) -> None:
    """Refuse scores without ranks, and customers who are there twice."""
    missing = [column for column in columns if column not in table]
    if missing:
        raise InputError(
            f"{name} have no column {missing[0]!r}; give a ranking, with {', '.join(columns)}, "
            "as rank_core_customers returns it."
        )
    _refuse_twice(table, name)


def _refuse_twice(table: pd.DataFrame, name: str) -> None:
    twice = table.loc[table["customer_id"].duplicated(), "customer_id"]
    if len(twice):
        raise InputError(
            f"{name} have {len(twice):,} customers twice (for example {twice.iloc[0]!r}); give each customer once."
        )
