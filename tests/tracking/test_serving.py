"""What MLflow serves of a few customers: their scores, and their place in the base of the training."""

import logging

import numpy as np
import pandas as pd
import pytest

from duramen.scoring.ranking import rank_core_customers
from duramen.tracking.serving import served_scores, warn_without_placement


@pytest.fixture(scope="module")
def whole(small):
    return served_scores(small.model, small.customers)


def test_one_customer_alone_is_served_as_in_the_whole_base(small, whole):
    for row in range(0, len(small.customers), 59):
        alone = served_scores(small.model, small.customers.iloc[[row]])
        pd.testing.assert_frame_equal(alone, whole.iloc[[row]].reset_index(drop=True))
    assert whole["tier"].nunique() > 3


def test_a_batch_in_any_order_and_split_serves_the_same_rows(small, whole):
    order = np.random.default_rng(5).permutation(len(small.customers))
    for parts in (1, 7):
        told = [
            served_scores(small.model, small.customers.iloc[part]) for part in np.array_split(order, parts)
        ]
        pd.testing.assert_frame_equal(
            pd.concat(told, ignore_index=True), whole.iloc[order].reset_index(drop=True)
        )


def test_there_is_no_rank_unless_it_is_asked_for(small, whole):
    assert "rank" not in whole
    ranked = served_scores(small.model, small.customers, rank=True)
    pd.testing.assert_frame_equal(ranked.drop(columns="rank"), whole)
    expected = rank_core_customers(small.model.predict(small.customers)).set_index("customer_id")["rank"]
    assert ranked["rank"].tolist() == expected.loc[small.customers["customer_id"]].tolist()


def test_a_model_of_an_older_release_serves_scores_without_tiers_and_says_so(small, older_model, caplog):
    model = older_model
    with caplog.at_level(logging.WARNING, "duramen"):
        warn_without_placement(model)
    assert caplog.messages == [
        f"Model {model.model_version_} was saved before models kept the thresholds of their tiers, so the scores have "
        "neither tier nor score_percentile; train again to get them."
    ]
    told = served_scores(model, small.customers.head(3))
    pd.testing.assert_frame_equal(told, model.predict(small.customers.head(3)))
    ranked = served_scores(model, small.customers.head(3), rank=True)
    assert sorted(ranked["rank"]) == [1, 2, 3]


def test_a_model_with_thresholds_says_nothing(small, caplog):
    warn_without_placement(small.model)
    assert not caplog.messages
