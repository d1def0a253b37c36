"""Trees, features and BTYD forecasts come in; factors of the predicted value and reasons in words go out.

Called by the CoreCustomerModel. In log space the blend is a sum, so its exponentials multiply to the value exactly.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from duramen.data.features import FEATURES

# What contributions may miss LightGBM's own by, and their sum the trees' raw score, in log money or log odds.
TOLERANCE = 1e-4
# Rows explained at once: memory stays flat however many customers there are, and a column fits the cache.
BLOCK = 32_768
# Rows of each block that LightGBM explains as well, to compare.
COMPARED = 32

PARTS = ("value", "activity", "score", "growth")

MODEL_MEANINGS = {
    "btyd_purchases": ("count", "Purchase days that the BTYD model expects in the horizon."),
    "btyd_spend": ("money", "Net money per purchase day that gamma-gamma expects."),
    "btyd_probability_active": ("probability", "P(at least one purchase in the horizon) by the BTYD model."),
    "btyd_value": ("money", "Expected purchase days times expected spend."),
    "btyd_probability_alive": (
        "probability",
        "P(alive) by the BTYD model; BG/NBD says 1 for every customer with one purchase day.",
    ),
    "probability_active": (
        "probability",
        "P(at least one purchase in the horizon) by the activity model; the factor is its ratio to that of BTYD.",
    ),
}

# The themes in which reasons speak: each gathers the factors of the features that tell the same story.
_THEME_OF_FAMILY = {
    "recency and age": "age",
    "purchases and spend": "purchases",
    "baskets": "spend",
    "gaps": "rhythm",
    "trend": "trend",
    "season": "season",
    "returns": "returns",
    "breadth": "breadth",
    "quantity": "spend",
    "discounts": "discounts",
    "margin": "spend",
}
_THEME_OF_FEATURE = {
    "frequency": "purchases",
    "recency": "recency",
    "time_since_last": "recency",
    "active_share": "recency",
    "overdue": "recency",
    "overdue_geometric": "recency",
    "overdue_longest": "recency",
    "monetary_value": "spend",
    "net_spend": "spend",
    "net_spend_28": "spend",
    "net_spend_91": "spend",
    "net_spend_182": "spend",
    "net_spend_364": "spend",
    "net_spend_per_day": "spend",
    "lines": "purchases",
    "orders": "purchases",
    "weekend_share": "weekdays",
    "btyd_purchases": "purchases",
    "btyd_probability_active": "recency",
    "btyd_probability_alive": "recency",
    "probability_active": "recency",
    "btyd_spend": "spend",
    "btyd_value": "spend",
}


def theme(feature: str) -> str:
    """Return the theme under which reasons speak of a feature."""
    return _THEME_OF_FEATURE.get(feature) or _THEME_OF_FAMILY[FEATURES[feature].family]


def meaning(feature: str) -> tuple[str, str]:
    """Return the unit and the meaning of a model feature."""
    if feature in MODEL_MEANINGS:
        return MODEL_MEANINGS[feature]
    return FEATURES[feature].unit, FEATURES[feature].meaning


def shap_values(booster: Any, features: pd.DataFrame) -> tuple[np.ndarray, float]:
    """Return exact path-dependent SHAP values of a LightGBM booster, and their base value.

    Parameters
    ----------
    booster : lightgbm.Booster
    features : pandas.DataFrame of shape (n, p)

    Returns
    -------
    values : numpy.ndarray of shape (n, p)
        In the booster's raw unit (log money, log odds).
    base : float
        What the values of a row and this add to is the booster's raw score.

    Raises
    ------
    ArithmeticError
        As ``shap_blocks``.
    """
    values, base = np.empty(features.shape), 0.0
    for rows, block, shared in shap_blocks(booster, features):
        values[rows], base = block, shared
    return values, base


def shap_blocks(booster: Any, features: pd.DataFrame) -> Iterator[tuple[slice, np.ndarray, float]]:
    """Give the SHAP values of ``shap_values`` a block of rows at a time, so that memory holds no more than that.

    Yields
    ------
    rows : slice
    values : numpy.ndarray of shape (rows, p)
    base : float

    Raises
    ------
    ArithmeticError
        If the values of a sample of a block's rows are not LightGBM's own, or base and values do not add to the
        raw score in some cell of some tree.

    Notes
    -----
    The SHAP values of a tree are the same for all rows of a cell, the rows that no split of the tree parts. LightGBM
    explains each cell of each tree once, and the rows look theirs up. Sharing work between rows on the same side of
    all splits is the idea of WOODELF; small trees need no more of it.

    References
    ----------
    Lundberg et al. (2020), "From local explanations to global understanding with explainable AI for trees".
    Nadel and Wettenstein (2025), "From decision trees to Boolean logic: a fast and unified SHAP algorithm".
    """
    trees = _tables_of_cells(booster, features.shape[1])

    def explain(start: int) -> tuple[slice, np.ndarray, float]:
        rows = slice(start, min(start + BLOCK, len(features)))
        block = features.iloc[rows]
        values = _look_up(trees, np.asfortranarray(block.to_numpy(dtype=float)))
        compared = np.unique(np.linspace(0, len(block) - 1, COMPARED).astype(int))
        theirs = booster.predict(block.iloc[compared], pred_contrib=True, num_threads=1)
        if not np.abs(values[compared] - theirs[:, :-1]).max() <= TOLERANCE:
            raise ArithmeticError("SHAP values are not LightGBM's own; the explanation would be wrong.")
        return rows, values, float(theirs[0, -1])

    starts = range(0, len(features), BLOCK)
    threads = os.cpu_count() or 1
    # NumPy lets other threads work while it looks up. Only as many blocks as threads are held at a time.
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(starts), threads):
            yield from pool.map(explain, starts[first : first + threads])


class _Tree(NamedTuple):
    """SHAP values of the cells of one tree.

    ``features`` are the columns that it splits, ``thresholds`` where it does, ascending, and ``values`` has a row a
    cell and a column a feature. Of each feature there is a place up to each threshold, one above all and one for
    missing; the cells are their combinations, the last feature's places following each other.
    """

    features: list[int]
    thresholds: list[list[float]]
    values: np.ndarray


def _tables_of_cells(booster: Any, width: int) -> list[_Tree]:
    trees = []
    for position, told in enumerate(booster.dump_model()["tree_info"]):
        splits: dict[int, set[float]] = {}
        nodes = [told["tree_structure"]]
        while nodes:
            node = nodes.pop()
            if "split_feature" in node:
                splits.setdefault(node["split_feature"], set()).add(node["threshold"])
                nodes += [node["left_child"], node["right_child"]]
        if not splits:
            continue
        features, thresholds = list(splits), [sorted(values) for values in splits.values()]
        cells = np.array(list(product(*map(_values_between, thresholds))))
        rows = np.zeros((len(cells), width))
        rows[:, features] = cells
        values = booster.predict(rows, pred_contrib=True, start_iteration=position, num_iteration=1)
        score = booster.predict(rows, raw_score=True, start_iteration=position, num_iteration=1)
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


def long_table(
    ids: pd.Series[Any],
    part: str,
    effects: pd.DataFrame,
    known: pd.DataFrame,
    base: float | None,
    unit: str,
) -> pd.DataFrame:
    """Return the effects of each feature on each customer below each other, the strongest first.

    Parameters
    ----------
    ids : pandas.Series of shape (n,)
    part : str
        Of "value" the effects are logarithms and the table has their exponentials, factors; else they are terms.
    effects : pandas.DataFrame of shape (n, p)
    known : pandas.DataFrame
        Has what each customer has of each feature, in columns of the same names.
    base : float, optional
        Effect that all customers share, of rank 0; without it there is no such row.
    unit : str
        Unit of the terms, or of the product of the factors.

    Returns
    -------
    pandas.DataFrame
        ``customer_id``, ``part``, ``feature``, ``value``, ``factor``, ``term``, ``rank``, ``unit``; in the order
        of ``ids``.
    """
    strength = effects.to_numpy()
    order = np.argsort(-np.abs(strength), axis=1, kind="stable")
    names = effects.columns.to_numpy(dtype=object)[order]
    held = np.take_along_axis(known[effects.columns].to_numpy(dtype=float), order, axis=1)
    strength = np.take_along_axis(strength, order, axis=1)
    first = 1
    if base is not None:
        count = len(effects)
        names = np.column_stack([np.full(count, "base", dtype=object), names])
        held = np.column_stack([np.full(count, np.nan), held])
        strength = np.column_stack([np.full(count, base), strength])
        first = 0
    count, width = strength.shape
    multiplies = part == "value"
    units = np.full((count, width), "times" if multiplies else unit, dtype=object)
    if multiplies:
        units[:, 0] = unit
    return pd.DataFrame(
        {
            "customer_id": ids.repeat(width).to_numpy(),
            "part": part,
            "feature": names.ravel(),
            "value": held.ravel(),
            "factor": np.exp(strength.ravel()) if multiplies else np.nan,
            "term": np.nan if multiplies else strength.ravel(),
            "rank": np.tile(np.arange(first, first + width), count),
            "unit": units.ravel(),
        }
    )


def reasons(customers: pd.DataFrame, log_factors: pd.DataFrame, unit: str, count: int = 3) -> pd.DataFrame:
    """Return the strongest reasons of each customer as sentences.

    Parameters
    ----------
    customers : pandas.DataFrame
        Customer table; the facts that the sentences quote.
    log_factors : pandas.DataFrame of shape (n, p)
        Logarithm of each feature's factor, relative to the average customer that the model learned from.
    unit : str
        Unit of money.
    count : int
        Reasons a customer.

    Returns
    -------
    pandas.DataFrame
        ``reason_1`` ... on the index of ``customers``. Each ends in the factor by which the theme moves the
        predicted value.
    """
    features = list(map(str, log_factors.columns))
    themes = pd.DataFrame(
        {
            name: log_factors[[column for column in features if theme(column) == name]].sum(axis=1)
            for name in dict.fromkeys(map(theme, features))
        }
    )
    strength = themes.to_numpy()
    order = np.argsort(-np.abs(strength), axis=1, kind="stable")[:, :count]
    told = pd.DataFrame(index=customers.index)
    for place in range(order.shape[1]):
        column = np.empty(len(customers), dtype=object)
        for position, name in enumerate(themes.columns):
            rows = np.flatnonzero(order[:, place] == position)
            if len(rows):
                facts = [_Facts(row) for row in customers.iloc[rows].to_dict(orient="records")]
                factors = np.exp(strength[rows, position])
                column[rows] = [
                    f"{_SENTENCES[name](fact, unit)}: x{_factor(factor)}"
                    for fact, factor in zip(facts, factors, strict=True)
                ]
        told[f"reason_{place + 1}"] = column
    return told


class _Facts(dict[Any, Any]):
    """The facts of one customer, with 0 for those that are missing."""

    def __missing__(self, key: str) -> float:
        return 0.0

    def number(self, key: str) -> float:
        value = float(self[key])
        return 0.0 if np.isnan(value) else value


def _factor(factor: float) -> str:
    return f"{factor:.2f}" if factor < 0.995 or factor < 1.095 else f"{factor:,.1f}"


def _times(count: float, what: str) -> str:
    return f"{count:,.0f} {what}" + ("" if round(count) == 1 else "s")


def _recency(facts: _Facts, _unit: str) -> str:
    since = _times(facts.number("time_since_last"), "day")
    if not facts.number("frequency"):
        return f"bought on one day only, {since} ago"
    return f"last bought {since} ago, usually every {facts.number('gap_mean'):,.0f}"


def _purchases(facts: _Facts, _unit: str) -> str:
    days = _times(facts.number("frequency") + 1, "purchase day")
    recent = f"{facts.number('purchase_days_91'):,.0f} of them in the last 91"
    return f"{days} in {_times(facts.number('T'), 'day')}, {recent}"


def _spend(facts: _Facts, unit: str) -> str:
    return f"{facts.number('net_spend'):,.2f} {unit} to date, {facts.number('basket_mean'):,.2f} per purchase day"


def _rhythm(facts: _Facts, _unit: str) -> str:
    if not facts.number("frequency"):
        return "no second purchase day yet, so no rhythm"
    longest = f"{facts.number('gap_longest'):,.0f} at most"
    return f"{facts.number('gap_mean'):,.0f} days between purchases on average, {longest}"


def _trend(facts: _Facts, unit: str) -> str:
    recent, half_year = facts.number("net_spend_91"), facts.number("net_spend_182")
    return f"{recent:,.2f} {unit} in the last 91 days, {half_year - recent:,.2f} in the 91 before"


def _season(facts: _Facts, unit: str) -> str:
    if np.isnan(facts["season_net_spend"]):
        return "no full year of history yet to show a season"
    return f"{facts.number('season_net_spend'):,.2f} {unit} in the coming season a year ago"


def _weekdays(facts: _Facts, _unit: str) -> str:
    return f"{facts.number('weekend_share'):.0%} of purchase days at weekends"


def _returns(facts: _Facts, unit: str) -> str:
    if not facts.number("returned"):
        return "nothing returned to date"
    return f"{facts.number('returned'):,.2f} {unit} returned, {facts.number('return_rate'):.1%} of what was bought"


def _breadth(facts: _Facts, _unit: str) -> str:
    if "products" in facts:
        return f"{_times(facts.number('products'), 'different product')} bought to date"
    return f"{facts.number('categories'):,.0f} different categories bought to date"


def _discounts(facts: _Facts, unit: str) -> str:
    return f"{facts.number('discount'):,.2f} {unit} given off, {facts.number('discount_share'):.1%} of the full price"


def _age(facts: _Facts, _unit: str) -> str:
    return f"customer for {_times(facts.number('T'), 'day')}"


_SENTENCES = {
    "recency": _recency,
    "purchases": _purchases,
    "spend": _spend,
    "rhythm": _rhythm,
    "trend": _trend,
    "season": _season,
    "weekdays": _weekdays,
    "returns": _returns,
    "breadth": _breadth,
    "discounts": _discounts,
    "age": _age,
}
