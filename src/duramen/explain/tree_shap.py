"""LightGBM trees and the columns they read come in; exact SHAP values go out."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, product
from math import prod
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from duramen.io.processors import usable_processors

# What contributions may miss LightGBM's own by, and their sum the trees' raw score, in log money or log odds.
TOLERANCE = 1e-4
# Rows explained at once: memory stays flat however many customers there are, and a column fits the cache.
BLOCK = 32_768
# Cells of all trees together beyond which LightGBM explains each row: their tables would fill the memory.
MOST_CELLS = 1_000_000
# Rows of each block that LightGBM explains as well, to compare.
COMPARED = 32


class TreeShap:
    """Exact path-dependent SHAP values of a LightGBM booster.

    Parameters
    ----------
    booster : lightgbm.Booster

    Attributes
    ----------
    base : float
        What the values of a row and this add to is the booster's raw score.

    Raises
    ------
    ArithmeticError
        If base and values do not add to the raw score in some cell of some tree; and, where rows are explained, if
        the values of a sample of a block's rows are not LightGBM's own.

    Notes
    -----
    The SHAP values of a tree are the same for all rows of a cell, the rows that no split of the tree parts. LightGBM
    explains each cell of each tree once, and the rows look theirs up. Sharing work between rows on the same side of
    all splits is the idea of WOODELF; small trees need no more of it. Large trees have too many cells to look up, and
    LightGBM explains their rows one by one.

    References
    ----------
    Lundberg et al. (2020), "From local explanations to global understanding with explainable AI for trees".
    Nadel and Wettenstein (2025), "From decision trees to Boolean logic: a fast and unified SHAP algorithm".
    """

    def __init__(self, booster: Any) -> None:
        self._booster = booster
        splits = [_splits(tree["tree_structure"]) for tree in booster.dump_model()["tree_info"]]
        cells = sum(prod(len(thresholds) + 2 for thresholds in tree.values()) for tree in splits)
        self._trees = None if cells > MOST_CELLS else _tables_of_cells(booster, splits)
        anywhere = np.zeros((1, booster.num_feature()))
        self.base = float(booster.predict(anywhere, pred_contrib=True, num_threads=1)[0, -1])

    def values(self, features: pd.DataFrame) -> np.ndarray:
        """Return the values of each row, shape (n, p), in the booster's raw unit (log money, log odds)."""
        values = np.empty(features.shape)
        for rows, block in self.blocks(features):
            values[rows] = block
        return values

    def blocks(self, features: pd.DataFrame) -> Iterator[tuple[slice, np.ndarray]]:
        """Give the rows and values of ``values`` a block at a time, so that no more are in memory."""
        threads = usable_processors()
        size = max(1, min(BLOCK, -(-len(features) // threads)))
        starts = range(0, len(features), size)

        def explain(start: int) -> tuple[slice, np.ndarray]:
            rows = slice(start, min(start + size, len(features)))
            return rows, self._explain(features.iloc[rows])

        # NumPy lets other threads work while it looks up. Only as many blocks as threads are held at a time.
        with ThreadPoolExecutor(threads) as pool:
            for first in range(0, len(starts), threads):
                yield from pool.map(explain, starts[first : first + threads])

    def _explain(self, block: pd.DataFrame) -> np.ndarray:
        if self._trees is None:
            by_lightgbm: np.ndarray = self._booster.predict(block, pred_contrib=True, num_threads=1)[:, :-1]
            return by_lightgbm
        values = _look_up(self._trees, np.asfortranarray(block.to_numpy(dtype=float)))
        compared = np.unique(np.linspace(0, len(block) - 1, COMPARED).astype(int))
        theirs = self._booster.predict(block.iloc[compared], pred_contrib=True, num_threads=1)
        if not np.abs(values[compared] - theirs[:, :-1]).max() <= TOLERANCE:
            raise ArithmeticError("SHAP values are not LightGBM's own; the explanation would be wrong.")
        return values


class _Tree(NamedTuple):
    """SHAP values of the cells of one tree.

    ``features`` are the columns that it splits, ``thresholds`` where it does, ascending, and ``values`` has a row a
    cell and a column a feature. Of each feature there is a place up to each threshold, one above all and one for
    missing; the cells are their combinations, the last feature's places following each other.
    """

    features: list[int]
    thresholds: list[list[float]]
    values: np.ndarray


def _splits(root: dict[str, Any]) -> dict[int, set[float]]:
    """Return the thresholds of each feature that a tree splits."""
    splits: dict[int, set[float]] = {}
    nodes = [root]
    while nodes:
        node = nodes.pop()
        if "split_feature" in node:
            splits.setdefault(node["split_feature"], set()).add(node["threshold"])
            nodes += [node["left_child"], node["right_child"]]
    return splits


def _tables_of_cells(booster: Any, splits_of_trees: list[dict[int, set[float]]]) -> list[_Tree]:
    trees, width = [], booster.num_feature()
    for position, splits in enumerate(splits_of_trees):
        if not splits:
            continue
        features, thresholds = list(splits), [sorted(values) for values in splits.values()]
        cells = np.array(list(product(*map(_values_between, thresholds))))
        rows = np.zeros((len(cells), width))
        rows[:, features] = cells
        tree = {"start_iteration": position, "num_iteration": 1, "num_threads": 1}
        values = booster.predict(rows, pred_contrib=True, **tree)
        score = booster.predict(rows, raw_score=True, **tree)
        # Whatever adds up in the cells of each tree adds up for every row.
        missed = np.abs(values.sum(axis=1) - score).max()
        if not missed <= TOLERANCE / booster.num_trees():
            raise ArithmeticError(
                "SHAP values do not add to the model's raw score; the explanation would be wrong."
            )
        trees.append(_Tree(features, thresholds, np.asfortranarray(values[:, features])))
    return trees


def _values_between(thresholds: list[float]) -> list[float]:
    """Return a value for each place of a feature: up to each threshold, above all, and missing.

    They keep away from the thresholds, since LightGBM takes what is nearer to 0 than 1e-35 for 0.
    """
    below = thresholds[0] - max(1.0, abs(thresholds[0]))
    above = thresholds[-1] + max(1.0, abs(thresholds[-1]))
    between = [middle if (middle := (low + high) / 2) > low else high for low, high in pairwise(thresholds)]
    return [below, *between, above, np.nan]


def _look_up(trees: list[_Tree], columns: np.ndarray) -> np.ndarray:
    """Return the sum over trees of what the cell of each row has, shape (n, p)."""
    missing = np.isnan(columns)
    total = np.zeros(columns.shape, order="F")
    for tree in trees:
        cell = np.zeros(len(columns), dtype=np.intp)
        for feature, thresholds in zip(tree.features, tree.thresholds, strict=True):
            cell *= len(thresholds) + 2
            cell += missing[:, feature] * (len(thresholds) + 1)
            for threshold in thresholds:
                cell += columns[:, feature] > threshold
        for feature, values in zip(tree.features, tree.values.T, strict=True):
            total[:, feature] += values.take(cell)
    return total
