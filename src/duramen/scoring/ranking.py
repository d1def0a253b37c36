"""Scores come in; ranks, tiers and the sums of each tier go out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from duramen.data.ids import find_ids
from duramen.errors import InputError
from duramen.io.score_columns import RANKING_COLUMNS
from duramen.scoring.tiers import DEFAULT_TIERS, Tiers
from duramen.scoring.treatments import treatments_of
from duramen.scoring.value_growth import quadrants


def rank_core_customers(
    scores: pd.DataFrame,
    tiers: Tiers = DEFAULT_TIERS,
    cost_to_serve: pd.Series[float] | npt.ArrayLike | None = None,
) -> pd.DataFrame:
    """Rank customers by score and put them into tiers by cumulative value.

    - VIP: the smallest set that accounts for 40 % of value; main: with the VIPs 80 % (together the core);
    - rising: outside the core, forecast to spend at least a tenth more than at their own past rate, among the tenth
      who are most likely to spend more, and neither at risk nor lapsed;
    - regular: up to 95 % of value; small: the rest;
    - below break-even, only where costs are known: predicted value is less than the cost to serve, whatever the
      growth potential.

    Value is predicted value; where costs are known it is predicted value less cost, of those above break-even.

    Parameters
    ----------
    scores : pandas.DataFrame
        What ``CoreCustomerModel.predict`` returns.
    tiers : Tiers
        Thresholds, names and treatments; the thresholds above are the defaults.
    cost_to_serve : pandas.Series or array of shape (n,), optional
        What each customer costs over the horizon, at least 0, in the money of the scores: a Series by customer id, or
        a value for each row of ``scores``.

    Returns
    -------
    pandas.DataFrame
        The same customers by falling score, ties by customer id, with ``rank`` (from 1), ``tier``, ``quadrant`` (the
        place on the map of value and growth) and, where the scores have stages and segments, ``treatment``, in the
        order of ``SCORE_COLUMNS``. With costs, ``score`` is less by the ``cost_to_serve``, which follows ``quadrant``.
        The frame given is left as it was.

    Raises
    ------
    InputError
        If a cost is missing, negative or of an unknown customer, or the scores have costs already.
    """
    return describe_places(rank_scores(scores, tiers, cost_to_serve), tiers)


def rank_scores(
    scores: pd.DataFrame,
    tiers: Tiers = DEFAULT_TIERS,
    cost_to_serve: pd.Series[float] | npt.ArrayLike | None = None,
) -> pd.DataFrame:
    """Return ``rank_core_customers`` without what each customer has by their own row: ``quadrant``, ``treatment``."""
    if cost_to_serve is not None:
        cost = costs_of(scores, cost_to_serve)
        scores = scores.assign(score=scores["score"] - cost, cost_to_serve=cost)
    ranked = by_rank(scores).reset_index(drop=True)
    ranked["tier"] = tiers.assign(ranked)
    ranked["rank"] = np.arange(1, len(ranked) + 1)
    return ranked[[column for column in RANKING_COLUMNS if column in ranked]]


def describe_places(ranking: pd.DataFrame, tiers: Tiers) -> pd.DataFrame:
    """Return customers who have a tier with their ``quadrant`` and, where stage and segment are known, ``treatment``.

    Parameters
    ----------
    ranking : pandas.DataFrame
        Has ``tier`` and ``growth_rate``; ``lifecycle_stage`` and ``segment`` for the treatment.
    tiers : Tiers
        Those of the ranking.
    """
    described = ranking.assign(quadrant=quadrants(ranking, tiers))
    if {"lifecycle_stage", "segment"} <= set(ranking):
        described["treatment"] = treatments_of(ranking, tiers.keys, tiers.treatments)
    return described[[column for column in RANKING_COLUMNS if column in described]]


def by_rank(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the same rows by falling score, ties by customer id, on their own index."""
    return scores.sort_values("customer_id", kind="stable").sort_values(
        "score", ascending=False, kind="stable"
    )


def costs_of(
    scores: pd.DataFrame, cost_to_serve: pd.Series[float] | npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Return the cost to serve of each row of ``scores``, in money, which must have one and only one.

    Parameters
    ----------
    scores : pandas.DataFrame
        Has ``customer_id``.
    cost_to_serve : pandas.Series or array of shape (n,)
        A Series by customer id, or a value for each row.

    Raises
    ------
    InputError
        If a cost is missing, negative or of an unknown customer, or the scores have costs already.
    """
    if "cost_to_serve" in scores:
        raise InputError(
            "the scores have a cost_to_serve already; give the scores of the model, or no costs."
        )
    ids = scores["customer_id"]
    if isinstance(cost_to_serve, pd.Series):
        known = cost_to_serve.index
        place = find_ids(ids, known, "cost_to_serve")
        if (missing := place < 0).any():
            raise _refusal("are missing", ids[missing], "give each customer a cost, 0 where there is none")
        unknown = np.ones(len(known), dtype=bool)
        unknown[place] = False
        if unknown.any():
            raise _refusal("are in no row of the scores", known[unknown], "index the costs by customer_id")
        cost_to_serve = cost_to_serve.iloc[place]
    cost = np.asarray(cost_to_serve, dtype=float)
    if cost.shape != (len(scores),):
        raise InputError(
            f"cost_to_serve has shape {cost.shape} and the scores {len(scores):,} rows; give a cost for each row, or a "
            "Series by customer_id."
        )
    if (bad := ~(np.isfinite(cost) & (cost >= 0))).any():
        raise _refusal("are negative or not numeric", ids[bad], "give money of at least 0 over the horizon")
    return cost


def _refusal(what: str, customers: pd.Index | pd.Series, what_to_do: str) -> InputError:
    examples = ", ".join(map(repr, customers[:3]))
    return InputError(
        f"costs to serve of {len(customers):,} customers {what} (for example {examples}); {what_to_do}."
    )


def tier_table(ranking: pd.DataFrame, tiers: Tiers = DEFAULT_TIERS) -> pd.DataFrame:
    """Return a row for each tier, from the best to the lowest: its customers, their value and how they are served.

    Parameters
    ----------
    ranking : pandas.DataFrame
        What ``rank_core_customers`` returns.
    tiers : Tiers
        The tiers of the ranking.

    Returns
    -------
    pandas.DataFrame
        ``tier``, ``customers``, ``share_of_customers``, ``share_of_value`` (of predicted value, before cost),
        ``predicted_value_mean``, ``cost_to_serve_mean`` and ``probability_core_mean`` where the ranking has them,
        ``service``. Means of an empty tier are missing. The tier below break-even has a row only where costs are
        known.

    Raises
    ------
    InputError
        If the ranking has a tier of another name.
    """
    refuse_other_tiers(ranking, tiers)
    shown = tiers.tiers if "cost_to_serve" in ranking else tiers.tiers[:-1]
    by = ranking.groupby("tier")
    total = ranking["predicted_value"].sum()
    table = pd.DataFrame(index=pd.Index([tier.name for tier in shown], name="tier"))
    table["customers"] = by.size().reindex(table.index, fill_value=0)
    table["share_of_customers"] = table["customers"] / len(ranking)
    value = by["predicted_value"].sum().reindex(table.index, fill_value=0.0)
    table["share_of_value"] = value / total if total > 0 else np.nan
    for column in ("predicted_value", "cost_to_serve", "probability_core"):
        if column in ranking:
            table[f"{column}_mean"] = by[column].mean()
    return table.assign(service=[tier.service for tier in shown]).reset_index()


def refuse_other_tiers(ranking: pd.DataFrame, tiers: Tiers) -> None:
    """Refuse a ranking with a tier of another name."""
    strange = ranking.loc[~ranking["tier"].isin(tiers.names), "tier"]
    if len(strange):
        raise InputError(
            f"{len(strange):,} customers are in tiers of other names (for example {strange.iloc[0]!r}) than "
            f"{', '.join(tiers.names)}; give the tiers that the ranking was made with."
        )
