"""Two assignments, or two customer tables, of two cutoffs come in; transitions between groups and drift go out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from duramen.analysis.joined import in_a_row
from duramen.data.windows import parse_day
from duramen.errors import InputError
from duramen.language import marked, say

if TYPE_CHECKING:
    import numpy.typing as npt

NEW, GONE = marked("new"), marked("gone")
# A feature is cut at its tenths of the earlier cutoff, as is usual for this index.
BINS = 10
# The usual thresholds of the index (Siddiqi 2006): below the first no action, from the second on investigate.
SOME_DRIFT, MUCH_DRIFT = 0.1, 0.25
# One in twenty of independent samples of one population is above the quantile that is called chance here.
CHANCE = 0.95
NO_DRIFT, LITTLE, MUCH, BY_CHANCE = marked("none"), marked("some"), marked("much"), marked("within chance")


def segment_transitions(
    then: pd.Series[Any],
    now: pd.Series[Any],
    money: pd.Series[float] | None = None,
    *,
    order: Sequence[Any] = (),
    new: str = NEW,
    gone: str = GONE,
) -> pd.DataFrame:
    """Return how many customers went from each group of one cutoff to each group of the next.

    Parameters
    ----------
    then, now : pandas.Series
        The group of each customer (segment, stage, tier) at the two cutoffs, by customer id. Customers only in ``now``
        come from ``new``, those only in ``then`` go to ``gone``.
    money : pandas.Series, optional
        Money of each customer of either, by customer id, to be summed.
    order : sequence, optional
        Groups that come first, in this order; the others follow sorted by their names.
    new, gone : str
        Names of these two.

    Returns
    -------
    pandas.DataFrame
        A row for each pair of groups with a customer: ``from``, ``to``, ``customers``, ``share_of_from`` (of the
        customers of ``from``, the share that went to ``to``) and, where given, ``money``. ``new`` and ``gone`` come
        last.

    Raises
    ------
    InputError
        If an id appears twice, a group or an amount is missing, or a group has the name of ``new`` or ``gone``.

    Examples
    --------
    >>> then = pd.Series({"a": "small", "b": "small", "c": "large"})
    >>> now = pd.Series({"a": "small", "b": "large", "d": "small"})
    >>> print(segment_transitions(then, now).to_string(index=False))
     from    to  customers  share_of_from
    large  gone          1            1.0
    small large          1            0.5
    small small          1            0.5
      new small          1            1.0
    """
    for when, groups in (("earlier", then), ("later", now)):
        check_groups(groups, when, (new, gone))
    both = pd.concat({"from": then.astype(object), "to": now.astype(object)}, axis=1)
    both = both.fillna({"from": new, "to": gone})
    if money is not None:
        both["money"] = _money_of(money, both.index)
    grouped = both.groupby(["from", "to"], sort=False)
    table = grouped.size().rename("customers").reset_index()
    table["share_of_from"] = table["customers"] / table.groupby("from")["customers"].transform("sum")
    if money is not None:
        table["money"] = grouped["money"].sum().to_numpy()
    place = {group: number for number, group in enumerate([*order, *_others(both, {*order, new, gone})])}
    place |= {new: len(place), gone: len(place)}
    return table.sort_values(["from", "to"], key=lambda side: side.map(place), ignore_index=True)


def matrix(table: pd.DataFrame, column: str = "customers") -> pd.DataFrame:
    """Return a table of transitions as a matrix: a row for each ``from``, a column for each ``to``, 0 where empty."""
    wide = table.pivot(index="from", columns="to", values=column)
    groups = list(dict.fromkeys([*table["from"], *table["to"]]))
    rows = [group for group in groups if group in wide.index]
    # The columns in the order of the rows, then groups without a row.
    columns = [group for group in groups if group in wide.columns]
    return wide.loc[rows, columns].fillna(0).astype(table[column].dtype)


def _others(both: pd.DataFrame, known: set[Any]) -> list[Any]:
    """Return the groups without a given order, numbers by size and names alphabetically."""
    others = {*both["from"], *both["to"]} - known
    try:
        return sorted(others)
    except TypeError:  # numbers and names
        return sorted(others, key=str)


def check_groups(groups: pd.Series[Any], when: str, kept: tuple[str, ...] = ()) -> None:
    """Refuse an assignment that is empty, has a customer twice or without a group, or uses a reserved name."""
    if groups.empty:
        raise InputError(f"the {when} assignment has no customers; give a group for each customer by id.")
    _refuse_twice(groups.index, f"the {when} assignment")
    if groups.isna().any():
        raise InputError(
            f"{groups.isna().sum():,} of {len(groups):,} customers of the {when} assignment have no group, for "
            f"example {groups.index[groups.isna()][0]}; name a group for them, or leave them out."
        )
    if taken := [name for name in kept if (groups == name).any()]:
        raise InputError(
            f"the {when} assignment has a group called {taken[0]!r}, the name for customers who are in one assignment "
            "only; give it another name."
        )


def _refuse_twice(ids: pd.Index[Any], where: str) -> None:
    again = ids[ids.duplicated()]
    if len(again):
        raise InputError(
            f"{len(again):,} customers are in {where} twice, for example {again[0]}; give each customer once."
        )


def _money_of(money: pd.Series[float], ids: pd.Index[Any]) -> pd.Series[float]:
    _refuse_twice(money.index, "the money")
    amounts = money.reindex(ids)
    if amounts.isna().any():
        raise InputError(
            f"{amounts.isna().sum():,} of {len(ids):,} customers have no money, for example "
            f"{ids[amounts.isna()][0]}; give 0 for those who brought none."
        )
    return amounts


def group_drift(then: pd.Series[Any], now: pd.Series[Any]) -> pd.Series[Any]:
    """Return how far the sizes of groups have moved, by the index of ``feature_drift``.

    Parameters
    ----------
    then, now : pandas.Series
        The group of each customer at the two cutoffs, by customer id.

    Returns
    -------
    pandas.Series
        ``bins`` (the groups), ``psi``, ``expected_by_chance``, ``chance_95`` and ``drift``.
    """
    check_groups(then, "earlier")
    check_groups(now, "later")
    groups = pd.Index({*then, *now})
    before, after = (side.value_counts().reindex(groups, fill_value=0).to_numpy() for side in (then, now))
    return pd.Series(_index_of(before, after))


def feature_drift(then: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Return how far the distribution of each feature has moved between two customer tables, furthest first.

    The population stability index over bins with shares p then and q now,

        PSI = sum (q - p) ln(q / p),

    where bins are the tenths of the earlier table and one more for missing, empty ones are left out and half a
    customer is added to each. For two independent samples of n and m customers of one population, the PSI of k bins is
    (k - 1) (1/n + 1/m) on average: with few customers it is large by chance, so 0.1 and 0.25 mean nothing there.
    Tables with customers in common are not independent, and differ less by chance than is stated here.

    Parameters
    ----------
    then, now : pandas.DataFrame
        Customer tables. Columns of numbers that both have are compared, but for ``customer_id``.

    Returns
    -------
    pandas.DataFrame
        A row for each feature: ``feature``, ``bins``, ``psi``, ``expected_by_chance``, ``chance_95`` (one in twenty
        of samples of one population is above it) and ``drift``: ``none`` below 0.1, ``some`` below 0.25, else
        ``much``, but ``within chance`` where the index reaches 0.1 and not ``chance_95``; and ``missing_then`` and
        ``missing_now``, shares of customers: a feature that needs a longer history than any customer had then drifts
        because it has become known.

    Raises
    ------
    InputError
        If either table is empty, or they have no column of numbers in common.

    References
    ----------
    Siddiqi, N. (2006), "Credit risk scorecards", Wiley: the index and its thresholds.
    Yurdakul, B. and Naranjo, J. (2020), "Statistical properties of the population stability index", Journal of Risk
    Model Validation 14(4): PSI / (1/n + 1/m) is close to chi-squared with k - 1 degrees of freedom.

    Examples
    --------
    >>> then = pd.DataFrame({"customer_id": range(1000), "T": range(1000), "basket": range(1000)})
    >>> now = then.assign(T=then["T"] + 300)
    >>> feature_drift(then, now)[["feature", "bins", "drift"]]
      feature  bins drift
    0       T    10  much
    1  basket    10  none
    """
    numbers = then.drop(columns="customer_id", errors="ignore").select_dtypes("number")
    names = [name for name in numbers.columns if name in now]
    if then.empty or now.empty or not names:
        raise InputError(
            f"there is nothing to compare between customer tables of {len(then):,} and {len(now):,} customers with "
            f"{len(names)} features in common; give the tables of two cutoffs of one business."
        )
    drifts = [
        {"feature": name}
        | _index_of(*_counts(then[name], now[name]))
        | {"missing_then": float(then[name].isna().mean()), "missing_now": float(now[name].isna().mean())}
        for name in names
    ]
    return pd.DataFrame(drifts).sort_values("psi", ascending=False, kind="stable", ignore_index=True)


def _counts(then: pd.Series[float], now: pd.Series[float]) -> list[npt.NDArray[Any]]:
    """Count both by the tenths of the earlier one, missing values in a bin of their own."""
    # Digits beyond single precision differ between currencies, and would separate equal values at an edge.
    then, now = (side.astype("float32").astype("float64") for side in (then, now))
    known = then.dropna().to_numpy()
    edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if len(known) else np.empty(0)
    counted = []
    for side in (then, now):
        values = side.to_numpy()
        bins = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values))
        counted.append(np.bincount(bins, minlength=len(edges) + 2))
    return counted


def _index_of(then: npt.NDArray[Any], now: npt.NDArray[Any]) -> dict[str, Any]:
    """Return the index of two counts over the same bins, and its distribution by chance alone."""
    from scipy.stats import chi2

    seen = (then + now) > 0
    then, now = then[seen], now[seen]
    bins, noise = len(then), float(1 / then.sum() + 1 / now.sum())
    # Half a customer in each bin: an empty one is rare, not impossible.
    p = (then + 0.5) / (then.sum() + bins / 2)
    q = (now + 0.5) / (now.sum() + bins / 2)
    psi = float(((q - p) * np.log(q / p)).sum())
    chance = float(chi2.ppf(CHANCE, bins - 1) * noise) if bins > 1 else 0.0
    drift = NO_DRIFT if psi < SOME_DRIFT else LITTLE if psi < MUCH_DRIFT else MUCH
    if SOME_DRIFT <= psi <= chance:
        drift = BY_CHANCE
    return {
        "bins": bins,
        "psi": psi,
        "expected_by_chance": (bins - 1) * noise,
        "chance_95": chance,
        "drift": drift,
    }


class Segmenter(Protocol):
    """A model that assigns customers: anything with the ``predict`` of a BehaviouralSegmenter."""

    def predict(self, customers: pd.DataFrame) -> npt.ArrayLike:
        """Return the segment of each customer of a customer table, shape (n,)."""


@dataclass(frozen=True)
class SegmentationAge:
    """How far a segmentation is out of date; ``print`` shows it in a sentence.

    Attributes
    ----------
    days : int
        From its cutoff to that of today's table.
    customers : int
        Customers of both tables, to whom the shares refer.
    joined : int
        Customers of today's table alone.
    moved_by_behaviour : float
        Share of customers in another segment today than then, by the old segmenter.
    moved_by_borders : float or None
        Share of customers in another segment today by a refit than by the old segmenter; None without a refit.
    elsewhere : float
        Share of customers in another segment today than then: by the refit, or without one by the old segmenter.
    """

    days: int
    customers: int
    joined: int
    moved_by_behaviour: float
    moved_by_borders: float | None
    elsewhere: float

    def __str__(self) -> str:
        values = {
            "days": f"{self.days:,}",
            "share": f"{self.elsewhere:.0%}",
            "customers": f"{self.customers:,}",
        }
        if self.moved_by_borders is None:
            sentence = say(
                "This segmentation is {days} days old; {share} of {customers} customers would be in another segment "
                "today, by their own behaviour.",
                **values,
            )
        else:
            sentence = say(
                "This segmentation is {days} days old; {share} of {customers} customers would be in another segment "
                "today: {moved} have moved by their own behaviour, and {moved_by_borders} would move by new borders.",
                **values,
                moved=f"{self.moved_by_behaviour:.0%}",
                moved_by_borders=f"{self.moved_by_borders:.0%}",
            )
        if not self.joined:
            return str(sentence)
        return in_a_row([sentence, say("{customers} have joined since.", customers=f"{self.joined:,}")])


def segmentation_drift(
    segmenter: Segmenter, then: pd.DataFrame, now: pd.DataFrame, refit: Segmenter | None = None
) -> SegmentationAge:
    """Return how old a segmentation is and how many customers would be in another segment today.

    Parameters
    ----------
    segmenter : Segmenter
        As it was fitted then.
    then, now : pandas.DataFrame
        The customer tables of its cutoff and of today, as ``customer_table`` returns them, with their cutoffs.
    refit : Segmenter, optional
        The segmenter fitted to today's table, its segments matched to the old ones, so that equal ids mean the same
        segment.

    Returns
    -------
    SegmentationAge

    Raises
    ------
    InputError
        If a table has no cutoff, they are in the wrong order, have a customer twice, or have none in common.
    """
    days = (_cutoff_of(now, "now") - _cutoff_of(then, "then")).days
    if days < 0:
        raise InputError(
            f"the table of then was made {-days:,} days after that of now; give the earlier one first."
        )
    first, today = (
        _assigned(segmenter, then, "the table of then"),
        _assigned(segmenter, now, "the table of now"),
    )
    both = first.index.intersection(today.index)
    if both.empty:
        raise InputError(
            f"none of {len(now):,} customers is also among the {len(then):,} of then; give tables of one business."
        )
    latest = today if refit is None else _assigned(refit, now, "the table of now")
    return SegmentationAge(
        days=days,
        customers=len(both),
        joined=len(today) - len(both),
        moved_by_behaviour=float((first[both] != today[both]).mean()),
        moved_by_borders=None if refit is None else float((today[both] != latest[both]).mean()),
        elsewhere=float((first[both] != latest[both]).mean()),
    )


def _cutoff_of(customers: pd.DataFrame, when: str) -> Any:
    if "cutoff" not in customers.attrs:
        raise InputError(
            f"the customer table {when} has no cutoff in attrs['cutoff']; take it from customer_table."
        )
    return parse_day(customers.attrs["cutoff"])


def _assigned(segmenter: Segmenter, customers: pd.DataFrame, where: str) -> pd.Series[Any]:
    groups = pd.Series(np.asarray(segmenter.predict(customers)), index=pd.Index(customers["customer_id"]))
    _refuse_twice(groups.index, where)
    return groups
