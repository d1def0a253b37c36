"""A customer table comes in; behavioural segments with names, rules and treatments go out.

Called by the CoreCustomerModel. Only behaviour is looked at: rhythm, basket, silence and trend.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_limits

from duramen.models.rhythm import base_gap, own_gap

FEWEST, MOST = 3, 7
# Stability is the mean adjusted Rand index between a clustering and those of bootstrap samples; below this one the
# borders are accidents of the sample.
STABLE = 0.8
BOOTSTRAPS, BOOTSTRAP_CUSTOMERS = 5, 5_000
# More segments say more, as long as they stand nearly as far apart (by silhouette) as the best separated ones.
SEPARATION_KEPT = 0.85
# Outliers belong to a segment, they do not make it: nothing counts as further than so many interquartile ranges out.
FURTHEST = 3.0
SMALLEST_SHARE = 0.02
# Median silence of a segment, in own gaps.
FADING_AFTER, QUIET_AFTER = 1.5, 3.0

TREATMENTS = {
    ("active", "frequent"): "keep: best service, early access, no discounts they do not need",
    ("active", "occasional"): "grow: one reason more to come back between two purchases",
    ("active", "one-time"): "convert: an offer for the second or third purchase",
    ("fading", "frequent"): "rescue now: personal contact, ask what went wrong",
    ("fading", "occasional"): "remind: a timely offer before the habit is lost",
    ("fading", "one-time"): "remind cheaply: automated mail only",
    ("quiet", "frequent"): "win back: they were good; one strong offer, then let go",
    ("quiet", "occasional"): "win back cheaply: season's mail",
    ("quiet", "one-time"): "release: no spend beyond the newsletter",
}


class BehaviouralSegmenter(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """K-means on robustly scaled behaviour; the number of segments by bootstrap stability and separation.

    Parameters
    ----------
    seed : int

    Attributes
    ----------
    centres_ : numpy.ndarray of shape (k, 4)
        In scaled units; segments are numbered from 1 by falling spend rate.
    profile_ : pandas.DataFrame
        A row a segment: ``segment``, ``name``, ``customers``, the mean behaviour, ``rule``, ``treatment``.
    stability_ : float
        Mean adjusted Rand index over bootstrap samples, 1 is identical.
    rule_fidelity_ : float
        Share of customers whom the rules (a tree of depth 3) put into their own segment.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, customers: pd.DataFrame) -> Self:
        """Learn the segments of a customer table."""
        self.base_gap_ = base_gap(customers)
        behaviour = _behaviour(customers, self.base_gap_)
        middle = behaviour.quantile([0.25, 0.5, 0.75]).to_numpy()
        self.median_, self.spread_ = middle[1], np.where(middle[2] > middle[0], middle[2] - middle[0], 1.0)
        points = self._scale(behaviour)
        self.centres_, self.stability_ = _choose_centres(points, self.seed)
        spend_rate = behaviour["rhythm"] + behaviour["basket"]
        labels = _nearest(points, self.centres_)
        order = spend_rate.groupby(labels).mean().sort_values(ascending=False).index.to_numpy()
        self.centres_ = self.centres_[order]
        self._describe(customers, behaviour, _nearest(points, self.centres_) + 1)
        return self

    def _scale(self, behaviour: pd.DataFrame) -> np.ndarray:
        scaled: np.ndarray = (behaviour.to_numpy() - self.median_) / self.spread_
        return scaled.clip(-FURTHEST, FURTHEST)

    def predict(self, customers: pd.DataFrame) -> np.ndarray:
        """Return the segment number of each customer, shape (n,), without a refit."""
        return _nearest(self._scale(_behaviour(customers, self.base_gap_)), self.centres_) + 1

    def names(self, segments: np.ndarray) -> np.ndarray:
        """Return ``"number name"`` for segment numbers."""
        told = {row.segment: f"{row.segment} {row.name}" for row in self.profile_.itertuples(index=False)}
        return pd.Series(segments).map(told).to_numpy(dtype=object)

    def _describe(self, customers: pd.DataFrame, behaviour: pd.DataFrame, segments: np.ndarray) -> None:
        told = pd.DataFrame(
            {
                "silence": np.expm1(behaviour["silence"]),
                "purchases_per_year": np.exp(behaviour["rhythm"]) * 364,
                "basket": np.exp(behaviour["basket"]),
                "time_since_last": customers["time_since_last"],
                "frequency": customers["frequency"],
            }
        )
        profile = told.groupby(segments).median()
        repeat = told.loc[told["frequency"] > 0, "purchases_per_year"].median()
        fresh = np.select(
            [profile["silence"] < FADING_AFTER, profile["silence"] < QUIET_AFTER],
            ["active", "fading"],
            "quiet",
        )
        often = np.select(
            [profile["frequency"] < 1, profile["purchases_per_year"] < repeat],
            ["one-time", "occasional"],
            "frequent",
        )
        size = np.where(profile["basket"] > told["basket"].median(), "large", "small")
        rules, self.rule_fidelity_ = _readable_rules(
            told[["time_since_last", "frequency", "basket"]], segments
        )
        profile["rule"] = [rules.get(segment, "no simple rule") for segment in profile.index]
        profile["treatment"] = [TREATMENTS[key] for key in zip(fresh, often, strict=True)]
        names = [f"{a} {b} buyers, {c} baskets" for a, b, c in zip(fresh, often, size, strict=True)]
        profile.insert(0, "customers", told.groupby(segments).size())
        profile.insert(0, "name", _distinct(names))
        self.profile_ = profile.rename_axis("segment").reset_index()

    def to_dict(self) -> dict[str, Any]:
        """Return what assigns and describes segments as plain values."""
        return {
            "base_gap": self.base_gap_,
            "median": self.median_.tolist(),
            "spread": self.spread_.tolist(),
            "centres": self.centres_.tolist(),
            "stability": self.stability_,
            "rule_fidelity": self.rule_fidelity_,
            "profile": self.profile_.to_dict(orient="list"),
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        """Return the segmenter that ``to_dict`` described."""
        model = cls()
        model.base_gap_ = state["base_gap"]
        model.median_, model.spread_ = np.array(state["median"]), np.array(state["spread"])
        model.centres_ = np.array(state["centres"])
        model.stability_, model.rule_fidelity_ = state["stability"], state["rule_fidelity"]
        model.profile_ = pd.DataFrame(state["profile"])
        return model


def _behaviour(customers: pd.DataFrame, base: float) -> pd.DataFrame:
    """Return log purchase days per day, log basket, log silence in own gaps, and where in the life purchases lie."""
    # Half a purchase and one gap of the base keep the rate of a customer of yesterday away from infinity.
    rate = (customers["frequency"] + 0.5) / (customers["T"] + base)
    return pd.DataFrame(
        {
            "rhythm": np.log(rate),
            "basket": np.log(customers["basket_geometric_mean"]),
            "silence": np.log1p(customers["time_since_last"] / own_gap(customers, base)),
            "trend": customers["purchase_position"].fillna(0.5),
        }
    )


def _nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    distances = (points**2).sum(axis=1)[:, None] - 2 * points @ centres.T + (centres**2).sum(axis=1)
    nearest: np.ndarray = distances.argmin(axis=1)
    return nearest


def _choose_centres(points: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """Return the centres of the chosen number of segments, and their stability."""
    rng = np.random.default_rng(seed)
    sample = points[np.sort(rng.choice(len(points), min(len(points), BOOTSTRAP_CUSTOMERS), replace=False))]
    most = min(MOST, len(np.unique(sample, axis=0)) - 1)
    # One thread: partial sums of several would be added in the order in which the threads happen to end.
    with threadpool_limits(1):
        tried = [_cluster(sample, count, seed) for count in range(FEWEST, most + 1)]
    tried = [found for found in tried if found.smallest >= SMALLEST_SHARE * len(sample)]
    if not tried:
        return points.mean(axis=0, keepdims=True), 1.0
    stable = [found for found in tried if found.stability >= STABLE]
    if not stable:
        best = max(tried, key=lambda found: found.stability)
        return best.centres, best.stability
    apart = max(found.separation for found in stable)
    # The list grows with the number of segments.
    chosen = [found for found in stable if found.separation >= SEPARATION_KEPT * apart][-1]
    return chosen.centres, chosen.stability


@dataclass(frozen=True)
class _Clustering:
    centres: np.ndarray
    smallest: int
    stability: float
    separation: float


def _cluster(sample: np.ndarray, count: int, seed: int) -> _Clustering:
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score, silhouette_score

    rng = np.random.default_rng(seed)
    whole = KMeans(count, n_init=5, random_state=seed).fit(sample)
    agreement = []
    for _ in range(BOOTSTRAPS):
        drawn = sample[rng.integers(len(sample), size=len(sample))]
        again = KMeans(count, n_init=3, random_state=seed).fit(drawn)
        agreement.append(adjusted_rand_score(whole.labels_, again.predict(sample)))
    apart = len(np.unique(whole.labels_)) > 1
    seen = min(len(sample), 2_000)
    separation = (
        silhouette_score(sample, whole.labels_, sample_size=seen, random_state=seed) if apart else -1.0
    )
    return _Clustering(
        centres=whole.cluster_centers_,
        smallest=int(np.bincount(whole.labels_, minlength=count).min()),
        stability=float(np.mean(agreement)),
        separation=float(separation),
    )


def _readable_rules(facts: pd.DataFrame, segments: np.ndarray) -> tuple[dict[int, str], float]:
    """Return for each segment the path of the surrogate tree's leaf that holds most of it, and the tree's fidelity."""
    from sklearn.tree import DecisionTreeClassifier

    words = {
        "time_since_last": "days since last purchase",
        "frequency": "repeat purchase days",
        "basket": "basket",
    }
    least = max(1, len(facts) // 100)
    surrogate = DecisionTreeClassifier(max_depth=3, min_samples_leaf=least, random_state=0).fit(
        facts, segments
    )
    tree = surrogate.tree_
    paths: dict[int, list[tuple[str, str, float]]] = {0: []}
    rules: dict[int, tuple[int, str]] = {}
    for node in range(tree.node_count):
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        if left < 0:
            segment = int(surrogate.classes_[tree.value[node][0].argmax()])
            size = int(tree.n_node_samples[node])
            if size > rules.get(segment, (0, ""))[0]:
                rules[segment] = (size, _path_in_words(paths[node]))
            continue
        name = words[facts.columns[tree.feature[node]]]
        paths[left] = [*paths[node], (name, "at most", float(tree.threshold[node]))]
        paths[right] = [*paths[node], (name, "above", float(tree.threshold[node]))]
    return {segment: text for segment, (_, text) in rules.items()}, float(surrogate.score(facts, segments))


def _path_in_words(path: list[tuple[str, str, float]]) -> str:
    # The last bound on a side is the tightest one.
    tightest = {(name, side): bound for name, side, bound in path}
    return " and ".join(_bound_in_words(*key, bound) for key, bound in tightest.items()) or "everybody"


def _bound_in_words(name: str, side: str, bound: float) -> str:
    if name == "basket":
        return f"{name} {side} {bound:,.4g}"
    # Days and purchase days are whole numbers.
    return (
        f"{name} at most {np.floor(bound):,.0f}"
        if side == "at most"
        else f"{name} at least {np.ceil(bound):,.0f}"
    )


def _distinct(names: list[str]) -> list[str]:
    """Number the names that occur more than once."""
    return [
        name if names.count(name) == 1 else f"{name} ({names[:i].count(name) + 1})"
        for i, name in enumerate(names)
    ]
