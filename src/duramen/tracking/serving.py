"""A model and some customers come in; what MLflow serves of each goes out, a row for each row and in their order."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd

from duramen.data.feature_list import may_be_missing
from duramen.forecast.next_purchase import NEXT_PURCHASE_COLUMNS
from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.placement import place_customers
from duramen.scoring.ranking import by_rank, describe_places

_LOG = logging.getLogger("duramen")
# What MLflow's ``params`` can ask for, and what they are if it does not.
PARAMS = {"rank": False}


def warn_without_placement(model: CoreCustomerModel) -> None:
    """Say that a model serves neither tiers nor percentiles, where an older release saved it."""
    if model.placement_ is None:
        _LOG.warning(
            "Model %s was saved before models kept the thresholds of their tiers, so the scores have neither tier nor "
            "score_percentile; train again to get them.",
            model.model_version_,
        )


def signature_of(mlflow: Any, customers: pd.DataFrame, scores: pd.DataFrame) -> Any:
    """Return the signature of a served model, which lets a request leave out what a customer may have none of."""
    found = mlflow.models.infer_signature(customers, scores, params=PARAMS)
    specs = [
        mlflow.types.ColSpec(column.type, column.name, required=not may_be_missing(column.name))
        for column in found.inputs
    ]
    return mlflow.models.ModelSignature(mlflow.types.Schema(specs), found.outputs, found.params)


def with_missing_columns(model: CoreCustomerModel, customers: pd.DataFrame) -> pd.DataFrame:
    """Return customers of a request with the columns that it left out, all missing."""
    left_out = [name for name in model.forecast_.features_ if name not in customers and may_be_missing(name)]
    return customers.assign(**dict.fromkeys(left_out, np.nan)) if left_out else customers


def served_scores(model: CoreCustomerModel, customers: pd.DataFrame, *, rank: bool = False) -> pd.DataFrame:
    """Return scores, and the place of each customer in the base of the training.

    The rows keep their order, because MLflow and Spark put them beside the rows that were asked.

    Parameters
    ----------
    model : CoreCustomerModel
    customers : pandas.DataFrame
        ``customer_table`` at any cutoff, of any customers.
    rank : bool
        Whether to rank the customers given, which makes sense where they are the whole base.

    Returns
    -------
    pandas.DataFrame
        What ``model.predict`` returns, with the ``rank`` if it is asked for; ``tier`` and ``score_percentile`` of
        ``place_customers``, and the ``quadrant`` and ``treatment`` of the tier, only where the model has thresholds.
        The dates of purchases are text (``1998-05-12``), empty where there is none: JSON has no missing date.
    """
    scores = model.predict(customers).reset_index(drop=True)
    for name in ("last_purchase", *NEXT_PURCHASE_COLUMNS):
        scores[name] = scores[name].dt.strftime("%Y-%m-%d").fillna("").astype(str)
    if rank:
        ranks = pd.Series(np.arange(1, len(scores) + 1), index=by_rank(scores).index)
        scores.insert(list(scores).index("score"), "rank", ranks)
    if model.placement_ is None:
        return scores
    placed = place_customers(scores, model.placement_)
    served = describe_places(scores.assign(tier=placed["tier"]), model.tiers)
    served.insert(list(served).index("score"), "score_percentile", placed["score_percentile"])
    return served
