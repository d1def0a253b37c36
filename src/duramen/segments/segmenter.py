"""A customer table comes in; segments of rhythm, spend, silence and trend, with names and rules, go out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from duramen.btyd.validation import check_table
from duramen.errors import InputError, suggest
from duramen.io.autologging import without_autologging
from duramen.language import marked, restored, say, stored
from duramen.segments.activity import ActivityLevels
from duramen.segments.behaviour import COLUMNS, base_gap, behaviour, behaviour_facts
from duramen.segments.clustering import FEWEST, STABLE, Partition, choose_partition, squared_distances
from duramen.segments.matching import CHANGE_COLUMNS, match_segments, segment_changes
from duramen.segments.naming import numbered_names, readable_rules, segment_profile

# Each measure is in its own unit, so that a constant or noisy one is not blown up by a division by its spread: rhythm,
# spend and silence in logs, where twice as often is as far as twice the spend; trend in lengths of life. Spend is
# rhythm times basket: with the basket in its place, borders would run across what customers bring. It counts less, as
# rhythm is in it as well, and silence more: with weights of 1, past spend alone would give the label.
WEIGHTS = {marked("rhythm"): 1.0, marked("spend"): 0.7, marked("silence"): 1.25, marked("trend"): 1.0}
# An outlier lies beyond the far fence of Tukey, three interquartile ranges above the upper quartile of the distances
# from the nearest centre, and is one of the furthest hundredth, and a factor of four or more away.
FAR_OUT, MOST_OUTLIERS, LEAST_DISTANCE = 3.0, 0.01, math.log(4)


class BehaviouralSegmenter(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Segments of behaviour, by the one of three methods that finds stable ones; outliers are in the nearest one.

    Parameters
    ----------
    seed : int
    previous : BehaviouralSegmenter, optional
        The fitted segmenter in use: segments that go on keep their numbers, and its method and number of segments are
        kept where they are still stable. A clone refers to the same one.
    weights : mapping, optional
        How much a difference in a measure counts, by its name: ``rhythm`` (purchase frequency), ``spend``, ``silence``
        (time since the last purchase over the typical gap) or ``trend``;
        what is not given counts as in ``WEIGHTS``, and 0 leaves a measure out.

    Attributes
    ----------
    partition_ : Partition
        The chosen clustering, which assigns any customer.
    numbers_ : numpy.ndarray of shape (k,)
        The number of each of its segments: from 1 by falling spend rate, or as before where there is a previous
        segmenter.
    furthest_ : float
        Customers further than this from every centre are outliers (``place``). They move no centre.
    activity_levels_ : ActivityLevels
        P(active) from which a segment, or a customer, is called active, and below which lapsed.
    profile_ : pandas.DataFrame
        A row a segment: ``segment``, ``name``, ``customers``, the median behaviour, ``rule`` and how
        far it applies (``rule_covers``, ``rule_holds``).
    candidates_ : pandas.DataFrame
        The comparison of methods (``clustering.choose_partition``).
    stability_ : float
        Mean adjusted Rand index of the chosen one over bootstrap samples, 1 is identical.
    rule_fidelity_ : float
        Share of customers whom the tree behind the rules puts into their own segment.
    changes_ : pandas.DataFrame
        What became of the previous segments (``matching.segment_changes``); empty without them.
    last_number_ : int
        The highest number ever given; a new segment gets a higher one.
    notes_ : list of str
        What the data could not support.
    feature_names_in_ : numpy.ndarray of str
        Columns that are read.
    n_features_in_ : int
        Number of them.

    Notes
    -----
    It takes no ``sample_weight``: HDBSCAN and the silhouette, by which segments are chosen, have none.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        previous: BehaviouralSegmenter | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        self.seed = seed
        self.previous = previous
        self.weights = weights

    def __sklearn_clone__(self) -> Self:
        # The previous segmenter stays as it was fitted, where a plain clone would empty it.
        settings = self.get_params(deep=False)
        previous = settings.pop("previous")
        return type(self)(previous=previous, **{name: clone(settings[name], safe=False) for name in settings})

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "clusterer"
        # Columns are read by name, which an array has not.
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        return tags

    def settings(self) -> dict[str, float]:
        """Return all weights, given or by default.

        Raises
        ------
        InputError
            If a weight is not valid.
        """
        return weights_of(self.weights)

    @property
    def centres_(self) -> np.ndarray:
        """Centres of the segments, shape (k, 4), as differences from the median customer."""
        return self.partition_.centres

    @without_autologging()
    def fit(
        self,
        X: pd.DataFrame,
        y: object = None,  # noqa: ARG002  scikit-learn's, which nothing here needs
        *,
        probability_active: np.ndarray | None = None,
    ) -> Self:
        """Learn the segments of a customer table.

        Parameters
        ----------
        X : pandas.DataFrame
            Customer table.
        y : None
            Ignored.
        probability_active : numpy.ndarray of shape (n,), optional
            Calibrated P(active) of each customer, by which segments are called active, at risk or lapsed; without it
            they are by the time since the last purchase.

        Raises
        ------
        InputError
            If there is no customer, a column is missing, or a weight is not valid.
        """
        self.weights_ = self.settings()
        check_table(X, COLUMNS)
        if len(X) == 0:
            raise InputError(
                "The customer table is empty, so there are no customers to segment; give one with customers."
            )
        self._name_features()
        self.base_gap_ = base_gap(X)
        measures = behaviour(X, self.base_gap_)
        # A measure that no customer has is 0 for all.
        self.median_ = measures.median().fillna(0.0).to_numpy()
        points = self._points(measures)
        # Customers far from all others belong to no segment, and they must make none.
        away = np.sqrt((points**2).sum(axis=1))
        near = points[away <= _fence(away)]
        found, self.candidates_ = choose_partition(near, self.seed, self._in_use())
        nearest = np.sqrt(squared_distances(points, found.centres).min(axis=1))
        self.furthest_ = _fence(nearest)
        self.partition_ = found.ordered(_by_spend_rate(measures, found.assign(points), found))
        self.numbers_ = np.arange(1, len(found.centres) + 1)
        self.last_number_ = len(found.centres)
        self.changes_ = pd.DataFrame(columns=list(CHANGE_COLUMNS))
        if self.previous is not None:
            self._keep_numbers(self.previous.predict(X), points, self.previous.last_number_)
        self._note_what_is_unstable(len(X))
        self._describe(behaviour_facts(X, measures), self._assign(points), probability_active)
        return self

    def fit_predict(self, X: pd.DataFrame, y: object = None) -> np.ndarray:
        """Learn the segments of a customer table and return the number of each customer, shape (n,)."""
        return self.fit(X, y).predict(X)

    def predict(self, customers: pd.DataFrame) -> np.ndarray:
        """Return the segment number of each customer, shape (n,), without a refit.

        Raises
        ------
        InputError
            If a column is missing.
        """
        return self.place(customers)[0]

    def place(self, customers: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return the segment number of each customer, and who is an outlier.

        Parameters
        ----------
        customers : pandas.DataFrame
            Customer table.

        Returns
        -------
        numbers : numpy.ndarray of int, shape (n,)
        is_outlier : numpy.ndarray of bool, shape (n,)
            Who is far from every segment: a wholesaler, a test account, a mistake in the data.

        Raises
        ------
        InputError
            If a column is missing.
        """
        check_is_fitted(self, "partition_")
        check_table(customers, COLUMNS)
        points = self._points(behaviour(customers, self.base_gap_))
        far = np.sqrt(squared_distances(points, self.centres_).min(axis=1)) > self.furthest_
        return self._assign(points), far

    def names(self, segments: np.ndarray) -> np.ndarray:
        """Return ``"number name"`` for segment numbers."""
        check_is_fitted(self, "profile_")
        return numbered_names(segments, self.profile_)

    def _name_features(self) -> None:
        self.feature_names_in_ = np.array(COLUMNS, dtype=object)
        self.n_features_in_ = len(COLUMNS)

    def _points(self, measures: pd.DataFrame) -> np.ndarray:
        """Return weighted differences from the median customer, which a missing measure is taken for."""
        weights = np.array([self.weights_[measure] for measure in measures.columns])
        points: np.ndarray = np.nan_to_num((measures.to_numpy() - self.median_) * weights, nan=0.0)
        return points

    def _assign(self, points: np.ndarray) -> np.ndarray:
        numbers: np.ndarray = self.numbers_[self.partition_.assign(points)]
        return numbers

    def _in_use(self) -> Partition | None:
        """Return the previous partition as differences from the median customer of today."""
        previous = self.previous
        if previous is None or previous.weights_ != self.weights_:
            return None
        weights = np.array([self.weights_[measure] for measure in WEIGHTS])
        return replace(
            previous.partition_, centres=previous.centres_ + (previous.median_ - self.median_) * weights
        )

    def _keep_numbers(self, before: np.ndarray, points: np.ndarray, last: int) -> None:
        """Give segments that go on their earlier numbers, and new ones the numbers after the last."""
        kept = match_segments(before, self._assign(points))
        numbers = []
        for number in self.numbers_:
            if number not in kept:
                last += 1
            numbers.append(kept.get(int(number), last))
        self.numbers_, self.last_number_ = np.array(numbers), last
        self.changes_ = segment_changes(before, self._assign(points))

    def _note_what_is_unstable(self, customers: int) -> None:
        self.notes_: list[str] = []
        chosen = self.candidates_[self.candidates_["chosen"]]
        if chosen.empty:
            self.stability_ = 1.0
            self.notes_.append(
                say(
                    "No segments were formed: of {candidates} candidates none splits the {customers} customers into "
                    "{fewest} or more segments that are each large enough, so all of them are one segment.",
                    candidates=len(self.candidates_),
                    customers=f"{customers:,}",
                    fewest=FEWEST,
                )
            )
            return
        self.stability_ = float(chosen["stability"].iloc[0])
        if self.stability_ < STABLE:
            self.notes_.append(
                say(
                    "No stable segmentation exists: the most stable of {candidates} candidates, {method} with "
                    "{segments} segments, agrees with those of resampled customers to {stability} (adjusted Rand "
                    "index; {required} is required), so its segments describe these customers and may not be found "
                    "again.",
                    candidates=len(self.candidates_),
                    method=say(chosen["method"].iloc[0]),
                    segments=chosen["segments"].iloc[0],
                    stability=f"{self.stability_:.2f}",
                    required=STABLE,
                )
            )

    def _describe(
        self,
        facts: pd.DataFrame,
        segments: np.ndarray,
        probability_active: np.ndarray | None,
    ) -> None:
        rules, self.rule_fidelity_ = readable_rules(facts, segments, self.seed)
        self.activity_levels_, activity = ActivityLevels(), None
        if probability_active is not None:
            # By the mean of each segment, so that no name contradicts the churn of its customers.
            mean = pd.Series(probability_active).groupby(segments).mean()
            self.activity_levels_ = ActivityLevels.of_segments(mean)
            activity = self.activity_levels_.words(mean)
        profile = segment_profile(facts, segments, activity)
        self.profile_ = profile.join(rules).reset_index()

    def to_dict(self) -> dict[str, Any]:
        """Return what assigns and describes segments as plain values."""
        check_is_fitted(self, "partition_")
        return {
            "seed": self.seed,
            "weights": self.weights_,
            "base_gap": self.base_gap_,
            "median": self.median_.tolist(),
            "partition": self.partition_.to_dict(),
            "numbers": self.numbers_.tolist(),
            "last_number": self.last_number_,
            "furthest": self.furthest_,
            "stability": self.stability_,
            "rule_fidelity": self.rule_fidelity_,
            "activity_levels": self.activity_levels_._asdict(),
            "profile": _plain(self.profile_),
            "candidates": _plain(self.candidates_),
            "changes": _plain(self.changes_),
            "notes": stored(self.notes_),
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        """Return the segmenter that ``to_dict`` described."""
        model = cls(state["seed"], weights=state["weights"])
        model.weights_, model.base_gap_ = state["weights"], state["base_gap"]
        model.median_, model.partition_ = np.array(state["median"]), Partition.from_dict(state["partition"])
        model.numbers_, model.last_number_ = np.array(state["numbers"]), state["last_number"]
        model.furthest_, model.notes_ = state["furthest"], restored(state["notes"])
        model.stability_, model.rule_fidelity_ = state["stability"], state["rule_fidelity"]
        model.activity_levels_ = ActivityLevels(**state["activity_levels"])
        model.profile_, model.candidates_ = pd.DataFrame(state["profile"]), pd.DataFrame(state["candidates"])
        model.changes_ = pd.DataFrame(state["changes"])
        model._name_features()
        return model


def _by_spend_rate(measures: pd.DataFrame, places: np.ndarray, found: Partition) -> np.ndarray:
    """Return the order of the centres by falling mean of log spend a day."""
    means = measures["spend"].groupby(places).mean().reindex(range(len(found.centres)))
    return means.sort_values(ascending=False, kind="stable").index.to_numpy()


def _fence(distances: np.ndarray) -> float:
    low, high, last = np.quantile(distances, [0.25, 0.75, 1 - MOST_OUTLIERS])
    return float(max(high + FAR_OUT * (high - low), last, LEAST_DISTANCE))


def weights_of(given: Mapping[str, float] | None) -> dict[str, float]:
    """Return the weight of every measure, given or by default.

    Raises
    ------
    InputError
        If a measure is unknown, a weight is not a number from 0 on, or all are 0.
    """
    given = dict(given or {})
    if unknown := [name for name in given if name not in WEIGHTS]:
        raise InputError(f"there is no measure {unknown[0]!r} to weigh; {suggest(unknown[0], WEIGHTS)}")
    weights = WEIGHTS | given
    for name, weight in weights.items():
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not (number and 0 <= weight < math.inf):
            raise InputError(
                f"the weight of {name} is {weight!r}; write a number of 0 or more, for example 1.0."
            )
    if not any(weights.values()):
        raise InputError(
            f"all weights are 0, so nothing separates customers; leave some of {', '.join(WEIGHTS)}."
        )
    return {name: float(weight) for name, weight in weights.items()}


def _plain(table: pd.DataFrame) -> dict[str, list[Any]]:
    """Return columns as lists of JSON types: what is missing is None."""
    values = table.astype(object).where(table.notna(), None)
    return {str(name): values[name].tolist() for name in values}


__all__ = ["WEIGHTS", "BehaviouralSegmenter"]
