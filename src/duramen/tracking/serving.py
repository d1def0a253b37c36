"""A model and some customers come in; what MLflow serves of each goes out, a row for each row and in their order."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

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
    """
    scores = model.predict(customers).reset_index(drop=True)
    if rank:
        ranks = pd.Series(np.arange(1, len(scores) + 1), index=by_rank(scores).index)
        scores.insert(list(scores).index("score"), "rank", ranks)
    if model.placement_ is None:
        return scores
    placed = place_customers(scores, model.placement_)
    served = describe_places(scores.assign(tier=placed["tier"]), model.tiers)
    served.insert(list(served).index("score"), "score_percentile", placed["score_percentile"])
    return served
