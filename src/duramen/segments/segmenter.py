"""A customer table comes in; behavioural segments with names, rules and treatments go out.

Called by the CoreCustomerModel. Only behaviour is looked at: rhythm, spend, silence and trend.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from duramen.data.windows import DAYS_PER_YEAR
from duramen.errors import InputError, suggest
from duramen.io.autologging import without_autologging
from duramen.segments.clustering import FEWEST, STABLE, Partition, choose_partition, squared_distances
from duramen.segments.lifecycle_stage import base_gap, own_gap
from duramen.segments.matching import COLUMNS, match_segments, segment_changes
from duramen.segments.naming import UNLIKE, readable_rules, segment_profile, told, treatments_of

# Each measure is in its own unit, so that a constant or noisy one is not blown up by a division by its spread: rhythm,
# spend and silence in logs, where twice as often is as far as twice the spend; trend in lengths of life. Spend is
# rhythm times basket: with the basket in its place, borders would run across what customers bring. It counts less, as
# rhythm is in it as well, and silence more: with weights of 1, past spend alone would tell the label.
WEIGHTS = {"rhythm": 1.0, "spend": 0.7, "silence": 1.25, "trend": 1.0}
# Unlike the others is who lies beyond the far fence of Tukey, three interquartile ranges above the upper quartile of
# the distances from the nearest centre, and is one of the furthest hundredth, and a factor of four or more away.
FAR_OUT, MOST_UNLIKE, LEAST_UNLIKE = 3.0, 0.01, math.log(4)
NEEDED = ("frequency", "T", "gap_mean", "basket_geometric_mean", "time_since_last", "purchase_position")


class BehaviouralSegmenter(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Segments of behaviour, by whichever of three methods finds stable ones; outliers are kept apart.

    Parameters
    ----------
    seed : int
    weights : mapping, optional
        How much a difference in a measure counts, by its name (``rhythm``, ``spend``, ``silence``, ``trend``);
        what is not given counts as in ``WEIGHTS``, and 0 leaves a measure out.
    treatments : mapping, optional
        What to do by kind of segment; what is not given is as in ``segment_words.TREATMENTS``.

    Attributes
    ----------
    partition_ : Partition
        The chosen clustering, which assigns any customer.
    numbers_ : numpy.ndarray of shape (k,)
        The number of each of its segments: from 1 by falling spend rate, or as before where there is a previous
        segmenter. 0 is "unlike the others".
    furthest_ : float
        Who is further than this from every centre is unlike the others.
    profile_ : pandas.DataFrame
        A row a segment: ``segment``, ``name``, ``customers``, the median behaviour, ``treatment``, ``rule`` and how
        far it holds (``rule_covers``, ``rule_holds``). The unlike come last, and are there even where nobody is.
    candidates_ : pandas.DataFrame
        The comparison of methods (``clustering.choose_partition``).
    stability_ : float
        Mean adjusted Rand index of the chosen one over bootstrap samples, 1 is identical.
    rule_fidelity_ : float
        Share of customers whom the tree behind the rules puts into their own segment.
    changes_ : pandas.DataFrame
        What became of the previous segments (``segment_matching.segment_changes``); empty without them.
    last_number_ : int
        The highest number ever given; a new segment gets a higher one.
    notes_ : list of str
        What the data could not support.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        weights: Mapping[str, float] | None = None,
        treatments: Mapping[str, str] | None = None,
    ) -> None:
        self.seed = seed
        self.weights = weights
        self.treatments = treatments

    def settings(self) -> tuple[dict[str, float], dict[str, str]]:
        """Return all weights and treatments, given or by default.

        Raises
        ------
        InputError
            If a weight or treatment is no such thing.
        """
        return weights_of(self.weights), treatments_of(self.treatments)

    @property
    def centres_(self) -> np.ndarray:
        """Centres of the segments, shape (k, 4), as differences from the median customer."""
        return self.partition_.centres

    @without_autologging()
    def fit(self, customers: pd.DataFrame, previous: BehaviouralSegmenter | None = None) -> Self:
        """Learn the segments of a customer table.

        Parameters
        ----------
        customers : pandas.DataFrame
        previous : BehaviouralSegmenter, optional
            The segmenter in use: segments that go on keep their numbers, and its method and number of segments are
            kept where they are stable still.

        Raises
        ------
        InputError
            If there is no customer, a column is missing, or a weight or treatment is no such thing.
        """
        self.weights_, treatments = self.settings()
        _require(customers)
        self.base_gap_ = base_gap(customers)
        behaviour = _behaviour(customers, self.base_gap_)
        # A measure that nobody has is 0 for all.
        self.median_ = behaviour.median().fillna(0.0).to_numpy()
        points = self._points(behaviour)
        # Those far from everybody belong to no segment, and they must make none.
        away = np.sqrt((points**2).sum(axis=1))
        near = points[away <= _fence(away)]
        found, self.candidates_ = choose_partition(near, self.seed, self._in_use(previous))
        nearest = np.sqrt(squared_distances(points, found.centres).min(axis=1))
        self.furthest_ = _fence(nearest)
        self.partition_ = found.ordered(_by_spend_rate(behaviour, found.assign(points), found))
        self.numbers_ = np.arange(1, len(found.centres) + 1)
        self.last_number_ = len(found.centres)
        self.changes_ = pd.DataFrame(columns=list(COLUMNS))
        if previous is not None:
            self._keep_numbers(customers, points, previous)
        self._say_what_is_unstable(len(customers))
        self._describe(customers, behaviour, self._assign(points), treatments)
        return self

    def predict(self, customers: pd.DataFrame) -> np.ndarray:
        """Return the segment number of each customer, shape (n,), without a refit; 0 is unlike the others.

        Raises
        ------
        InputError
            If a column is missing.
        """
        _require(customers, least=0)
        return self._assign(self._points(_behaviour(customers, self.base_gap_)))

    def names(self, segments: np.ndarray) -> np.ndarray:
        """Return ``"number name"`` for segment numbers."""
        return told(segments, self.profile_)

    def _points(self, behaviour: pd.DataFrame) -> np.ndarray:
        """Return weighted differences from the median customer, which a missing measure is taken for."""
        weights = np.array([self.weights_[measure] for measure in behaviour.columns])
        points: np.ndarray = np.nan_to_num((behaviour.to_numpy() - self.median_) * weights, nan=0.0)
        return points

    def _assign(self, points: np.ndarray) -> np.ndarray:
        nearest = np.sqrt(squared_distances(points, self.centres_).min(axis=1))
        numbers: np.ndarray = np.where(
            nearest > self.furthest_, 0, self.numbers_[self.partition_.assign(points)]
        )
        return numbers

    def _in_use(self, previous: BehaviouralSegmenter | None) -> Partition | None:
        """Return the previous partition as differences from the median customer of today."""
        if previous is None or previous.weights_ != self.weights_:
            return None
        weights = np.array([self.weights_[measure] for measure in WEIGHTS])
        return replace(
            previous.partition_, centres=previous.centres_ + (previous.median_ - self.median_) * weights
        )

    def _keep_numbers(
        self, customers: pd.DataFrame, points: np.ndarray, previous: BehaviouralSegmenter
    ) -> None:
        before, now = previous.predict(customers), self._assign(points)
        kept = match_segments(before, now)
        numbers, last = [], previous.last_number_
        for number in self.numbers_:
            if number not in kept:
                last += 1
            numbers.append(kept.get(int(number), last))
        self.numbers_, self.last_number_ = np.array(numbers), last
        self.changes_ = segment_changes(before, self._assign(points))

    def _say_what_is_unstable(self, customers: int) -> None:
        self.notes_: list[str] = []
        chosen = self.candidates_[self.candidates_["chosen"]]
        if chosen.empty:
            self.stability_ = 1.0
            self.notes_.append(
                f"No segments were formed: of {len(self.candidates_)} candidates none splits the {customers:,} "
                f"customers into {FEWEST} or more segments that are each large enough, so all of them are one segment."
            )
            return
        self.stability_ = float(chosen["stability"].iloc[0])
        if self.stability_ < STABLE:
            self.notes_.append(
                f"No stable segmentation exists: the most stable of {len(self.candidates_)} candidates, "
                f"{chosen['method'].iloc[0]} with {chosen['segments'].iloc[0]} segments, agrees with those of "
                f"resampled customers to {self.stability_:.2f} (adjusted Rand index; {STABLE} is asked for), so its "
                "segments describe these customers and may not be found again."
            )

    def _describe(
        self,
        customers: pd.DataFrame,
        behaviour: pd.DataFrame,
        segments: np.ndarray,
        treatments: dict[str, str],
    ) -> None:
        facts = pd.DataFrame(
            {
                "silence": np.expm1(behaviour["silence"]),
                "purchases_per_year": np.exp(behaviour["rhythm"]) * DAYS_PER_YEAR,
                "spend_per_year": np.exp(behaviour["spend"]) * DAYS_PER_YEAR,
                "basket": customers["basket_geometric_mean"],
                "time_since_last": customers["time_since_last"],
                "frequency": customers["frequency"],
                "purchase_position": behaviour["trend"],
            }
        )
        rules, self.rule_fidelity_ = readable_rules(facts, segments, self.seed)
        rules.loc[0, "rule"] = f"further from the middle of every segment than {self.furthest_:.2g} log units"
        rules.loc[0, ["rule_covers", "rule_holds"]] = 1.0
        self.profile_ = segment_profile(facts, segments, treatments).join(rules).reset_index()

    def to_dict(self) -> dict[str, Any]:
        """Return what assigns and describes segments as plain values."""
        return {
            "seed": self.seed,
            "weights": self.weights_,
            "treatments": None if self.treatments is None else dict(self.treatments),
            "base_gap": self.base_gap_,
            "median": self.median_.tolist(),
            "partition": self.partition_.to_dict(),
            "numbers": self.numbers_.tolist(),
            "last_number": self.last_number_,
            "furthest": self.furthest_,
            "stability": self.stability_,
            "rule_fidelity": self.rule_fidelity_,
            "profile": _plain(self.profile_),
            "candidates": _plain(self.candidates_),
            "changes": _plain(self.changes_),
            "notes": self.notes_,
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        """Return the segmenter that ``to_dict`` described."""
        model = cls(state["seed"], weights=state["weights"], treatments=state["treatments"])
        model.weights_, model.base_gap_ = state["weights"], state["base_gap"]
        model.median_, model.partition_ = np.array(state["median"]), Partition.from_dict(state["partition"])
        model.numbers_, model.last_number_ = np.array(state["numbers"]), state["last_number"]
        model.furthest_, model.notes_ = state["furthest"], state["notes"]
        model.stability_, model.rule_fidelity_ = state["stability"], state["rule_fidelity"]
        model.profile_, model.candidates_ = pd.DataFrame(state["profile"]), pd.DataFrame(state["candidates"])
        model.changes_ = pd.DataFrame(state["changes"])
        return model


def _behaviour(customers: pd.DataFrame, base: float) -> pd.DataFrame:
    """Return log purchase days per day, log spend per day, log silence in own gaps, and where in life purchases lie.

    Missing where the customer table has no such number.
    """
    # Half a purchase and one gap of the base keep the rate of a customer of yesterday away from infinity.
    rate = (customers["frequency"] + 0.5) / (customers["T"] + base)
    basket = customers["basket_geometric_mean"]
    measures = pd.DataFrame(
        {
            "rhythm": np.log(rate),
            "spend": np.log(rate * basket.where(basket > 0)),
            "silence": np.log1p(customers["time_since_last"] / own_gap(customers, base)),
            "trend": customers["purchase_position"].fillna(0.5),
        }
    )
    return measures.replace([np.inf, -np.inf], np.nan)


def _by_spend_rate(behaviour: pd.DataFrame, places: np.ndarray, found: Partition) -> np.ndarray:
    """Return the order of the centres by falling mean of log spend a day."""
    means = behaviour["spend"].groupby(places).mean().reindex(range(len(found.centres)))
    return means.sort_values(ascending=False, kind="stable").index.to_numpy()


def _fence(distances: np.ndarray) -> float:
    low, high, last = np.quantile(distances, [0.25, 0.75, 1 - MOST_UNLIKE])
    return float(max(high + FAR_OUT * (high - low), last, LEAST_UNLIKE))


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
            f"all weights are 0, so nothing tells customers apart; leave some of {', '.join(WEIGHTS)}."
        )
    return {name: float(weight) for name, weight in weights.items()}


def _require(customers: pd.DataFrame, least: int = 1) -> None:
    if missing := [column for column in NEEDED if column not in customers]:
        raise InputError(
            f"the customer table lacks {', '.join(missing)}, which tell behaviour; draw it up by customer_table."
        )
    if len(customers) < least:
        raise InputError(
            "the customer table is empty, so there is nobody to segment; give one with customers."
        )


def _plain(table: pd.DataFrame) -> dict[str, list[Any]]:
    """Return columns as lists that JSON has words for: what is missing is None."""
    values = table.astype(object).where(table.notna(), None)
    return {str(name): values[name].tolist() for name in values}


__all__ = ["UNLIKE", "WEIGHTS", "BehaviouralSegmenter"]
