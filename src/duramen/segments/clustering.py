"""Points of behaviour come in; the partitions that were tried, and how they compare, go out.

A partition assigns new points without a refit and is a few plain numbers, whatever method found it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from duramen.io.processors import workers
from duramen.language import marked

FEWEST, MOST = 3, 7
# Stability is the mean adjusted Rand index between a clustering and those of bootstrap samples; below this one the
# borders are accidents of the sample.
STABLE = 0.8
BOOTSTRAPS, SAMPLED = 5, 3_000
# Density is read off all pairs of neighbours; more of them cost time and change no label.
DENSITY_SAMPLED = 2_000
# A silhouette is a mean over customers, and so many of them give it to a hundredth.
SILHOUETTE_SAMPLED = 2_000
# More segments say more, as long as they stand nearly as far apart (by silhouette) as the best separated ones, and
# are nearly as stable as the most stable ones.
BEST_KEPT = 0.85
SMALLEST_SHARE = 0.02
# HDBSCAN finds the number of clusters by itself, given the smallest that counts as one, in shares of the customers.
SMALLEST_DENSE = (0.02, 0.05, 0.1)
# Where many customers are alike in a measure, a component without a width of its own would have infinite density:
# the square of a tenth of a log unit.
LEAST_VARIANCE = 0.01
# A mixture stands still long before.
MOST_STEPS = 1_000
METHODS = (marked("k-means"), marked("Gaussian mixture"), marked("HDBSCAN"))
COLUMNS = (
    "method", "segments", "stability", "separation", "smallest_share", "agreement", "eligible", "chosen",
)  # fmt: skip


@dataclass(frozen=True)
class Partition:
    """Segments as centres, with a shape and a weight where the method gives them.

    Attributes
    ----------
    method : str
        One of ``METHODS``.
    centres : numpy.ndarray of shape (k, d)
    covariances : numpy.ndarray of shape (k, d, d), optional
        Of the Gaussian mixture; without them a point belongs to the nearest centre.
    shares : numpy.ndarray of shape (k,), optional
        Of the Gaussian mixture.
    """

    method: str
    centres: np.ndarray
    covariances: np.ndarray | None = None
    shares: np.ndarray | None = None

    def assign(self, points: np.ndarray) -> np.ndarray:
        """Return the place of each point's segment among the centres, shape (n,)."""
        if self.covariances is None or self.shares is None:
            assigned: np.ndarray = squared_distances(points, self.centres).argmin(axis=1)
            return assigned
        # The posterior of a Gaussian mixture, up to what all components share.
        log_density = np.empty((len(points), len(self.centres)))
        for place, (centre, covariance) in enumerate(zip(self.centres, self.covariances, strict=True)):
            root = np.linalg.cholesky(covariance)
            away = np.linalg.solve(root, (points - centre).T)
            log_density[:, place] = -0.5 * (away**2).sum(axis=0) - np.log(np.diag(root)).sum()
        likeliest: np.ndarray = (log_density + np.log(self.shares)).argmax(axis=1)
        return likeliest

    def ordered(self, order: np.ndarray) -> Partition:
        """Return the same partition with its segments in another order."""
        return Partition(
            self.method,
            self.centres[order],
            None if self.covariances is None else self.covariances[order],
            None if self.shares is None else self.shares[order],
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the partition as plain values."""
        return {
            "method": self.method,
            "centres": self.centres.tolist(),
            "covariances": None if self.covariances is None else self.covariances.tolist(),
            "shares": None if self.shares is None else self.shares.tolist(),
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        """Return the partition that ``to_dict`` described."""
        covariances, shares = state["covariances"], state["shares"]
        return cls(
            state["method"],
            np.array(state["centres"]),
            None if covariances is None else np.array(covariances),
            None if shares is None else np.array(shares),
        )


def squared_distances(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return the squared distance of each point to each centre, shape (n, k)."""
    squares = (points**2).sum(axis=1)[:, None] - 2 * points @ centres.T + (centres**2).sum(axis=1)
    distances: np.ndarray = np.maximum(squares, 0.0)
    return distances


def choose_partition(
    points: np.ndarray, seed: int, before: Partition | None = None
) -> tuple[Partition, pd.DataFrame]:
    """Try k-means, Gaussian mixtures and HDBSCAN, and return the chosen partition and the comparison.

    Eligible is what has 3 to 7 segments, none below a fiftieth of the customers, a stability of 0.8 and, for HDBSCAN,
    whose labels nearest centroids repeat. Of these, the one with most segments that still is 0.85 times as well
    separated and as stable as the best; of several, the best separated. Where nothing is eligible, the most stable of
    those that have no tiny segment; where there is none, one segment.

    Parameters
    ----------
    points : numpy.ndarray of shape (n, d)
    seed : int
    before : Partition, optional
        The partition in use, in the same coordinates: its method starts from its centres, and where it is eligible
        still, it is kept.

    Returns
    -------
    partition : Partition
    candidates : pandas.DataFrame
        ``COLUMNS``: ``stability`` is the mean adjusted Rand index over bootstrap samples and ``separation`` the mean
        silhouette, both missing where another rule excludes the candidate; ``agreement`` is the adjusted Rand index of
        HDBSCAN's own labels with those of its nearest centroids, missing for the others, which are their own rule.
    """
    rng = np.random.default_rng(seed)
    sample = points[np.sort(rng.choice(len(points), min(len(points), SAMPLED), replace=False))]
    # One thread each: partial sums of several would be added in the order in which the threads happen to end.
    with workers() as pool:
        trying = [
            pool.submit(_tried, *candidate, sample, seed, before)
            for candidate in _candidates(len(_distinct(sample)))
        ]
        found = [tried.result() for tried in trying]
    table = pd.DataFrame([figures for _, figures in found], columns=list(COLUMNS[:-2]))
    table["eligible"] = table["stability"] >= STABLE
    table["chosen"] = False
    chosen = _chosen(table, before)
    if chosen is None:
        return Partition(marked("one segment"), points.mean(axis=0, keepdims=True)), table
    table.loc[chosen, "chosen"] = True
    return found[chosen][0], table


def _candidates(kinds: int) -> Iterator[tuple[str, float]]:
    """Give each method with its own setting: a number of segments, or HDBSCAN's smallest share."""
    for method in ("k-means", "Gaussian mixture"):
        for count in range(FEWEST, min(MOST, kinds - 1) + 1):
            yield method, count
    if kinds > FEWEST:
        for share in SMALLEST_DENSE:
            yield "HDBSCAN", share


def _chosen(table: pd.DataFrame, before: Partition | None) -> int | None:
    """Return the row of the chosen candidate, if any of them can be."""
    stable = table[table["eligible"]]
    if stable.empty:
        possible = table[table["stability"].notna()]
        return None if possible.empty else _first_best(possible, by="stability")
    if before is not None:
        # What is in use is not changed without need.
        same = stable[(stable["method"] == before.method) & (stable["segments"] == len(before.centres))]
        if not same.empty:
            return _first_best(same)
    best = stable[["separation", "stability"]].max()
    good = stable[(stable[["separation", "stability"]] >= BEST_KEPT * best).all(axis=1)]
    # A best separation may be stable by its weak side only; then none is nearly best in both.
    good = stable if good.empty else good
    return _first_best(good[good["segments"] == good["segments"].max()])


def _first_best(candidates: pd.DataFrame, by: str = "separation") -> int:
    return int(candidates.index.to_numpy()[candidates[by].to_numpy().argmax()])


def _tried(
    method: str, setting: float, sample: np.ndarray, seed: int, before: Partition | None
) -> tuple[Partition, dict[str, Any]]:
    """Return a candidate and its figures; one that cannot be chosen has neither stability nor separation."""
    from sklearn.metrics import adjusted_rand_score, silhouette_score

    same = before is not None and (before.method, len(before.centres)) == (method, setting)
    whole, agreement = _partition(method, setting, sample, seed, before.centres if before and same else None)
    labels = whole.assign(sample)
    sizes = np.bincount(labels, minlength=len(whole.centres))
    smallest = float(sizes.min() / len(sample))
    figures = {
        "method": method,
        "segments": len(whole.centres),
        "stability": float("nan"),
        "separation": float("nan"),
        "smallest_share": smallest,
        "agreement": agreement,
    }
    if smallest < SMALLEST_SHARE or not FEWEST <= len(whole.centres) <= MOST or agreement < STABLE:
        return whole, figures
    rng = np.random.default_rng(seed)
    alike = []
    for _ in range(BOOTSTRAPS):
        drawn = sample[rng.integers(len(sample), size=len(sample))]
        # Never from the centres in use, which would make every resample agree.
        again, _ = _partition(method, setting, drawn, seed)
        alike.append(adjusted_rand_score(labels, again.assign(sample)))
    seen = np.sort(rng.choice(len(sample), min(len(sample), SILHOUETTE_SAMPLED), replace=False))
    apart = 1 < len(np.unique(labels[seen])) < len(seen)
    separation = float(silhouette_score(sample[seen], labels[seen])) if apart else -1.0
    return whole, figures | {"stability": float(np.mean(alike)), "separation": separation}


def _partition(
    method: str, setting: float, points: np.ndarray, seed: int, start: np.ndarray | None = None
) -> tuple[Partition, float]:
    """Return the partition of a method, and how far its rule repeats the method's own labels (missing: it is them)."""
    if method == "HDBSCAN":
        return _dense(setting, points, seed)
    # A resample may have fewer kinds of customers than the sample.
    count = min(int(setting), len(_distinct(points)))
    find = _means if method == "k-means" else _mixture
    return find(count, points, seed, start), float("nan")


def _means(count: int, points: np.ndarray, seed: int, start: np.ndarray | None) -> Partition:
    from sklearn.cluster import KMeans

    found = (
        KMeans(count, n_init=5, random_state=seed) if start is None else KMeans(count, init=start, n_init=1)
    )
    return Partition("k-means", found.fit(points).cluster_centers_)


def _mixture(count: int, points: np.ndarray, seed: int, start: np.ndarray | None) -> Partition:
    from sklearn.mixture import GaussianMixture

    mixture = GaussianMixture(
        count, reg_covar=LEAST_VARIANCE, max_iter=MOST_STEPS, means_init=start, random_state=seed
    )
    found = mixture.fit(points)
    return Partition("Gaussian mixture", found.means_, found.covariances_, found.weights_)


def _dense(share: float, points: np.ndarray, seed: int) -> tuple[Partition, float]:
    from sklearn.cluster import HDBSCAN
    from sklearn.metrics import adjusted_rand_score

    rng = np.random.default_rng(seed)
    seen = points[np.sort(rng.choice(len(points), min(len(points), DENSITY_SAMPLED), replace=False))]
    least = max(2, int(np.ceil(share * len(seen))))
    labels = HDBSCAN(min_cluster_size=least, copy=True).fit_predict(seen)
    dense = labels >= 0
    if not dense.any():
        return Partition("HDBSCAN", points.mean(axis=0, keepdims=True)), 0.0
    centres = pd.DataFrame(seen[dense]).groupby(labels[dense]).mean().to_numpy()
    partition = Partition("HDBSCAN", centres)
    # Noise is no label that a centroid could repeat: it counts as the disagreement that it is.
    return partition, float(adjusted_rand_score(labels, partition.assign(seen)))


def _distinct(points: np.ndarray) -> np.ndarray:
    kinds: np.ndarray = np.unique(points, axis=0)
    return kinds
