"""What MLflow serves of a few customers: their scores, and their place in the base of the training."""

import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from duramen.data.feature_list import may_be_missing
from duramen.forecast.next_purchase import NEXT_PURCHASE_COLUMNS
from duramen.scoring.ranking import rank_core_customers
from duramen.tracking import serving
from duramen.tracking.serving import served_scores, signature_of, warn_without_placement
from duramen.tracking.store import MODEL_ARTEFACT


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
    plain = model.predict(small.customers.head(3))
    dates = ("last_purchase", *NEXT_PURCHASE_COLUMNS)
    days = {name: plain[name].dt.strftime("%Y-%m-%d").fillna("") for name in dates}
    pd.testing.assert_frame_equal(told, plain.assign(**days))
    ranked = served_scores(model, small.customers.head(3), rank=True)
    assert sorted(ranked["rank"]) == [1, 2, 3]


def test_a_model_with_thresholds_says_nothing(small, caplog):
    warn_without_placement(small.model)
    assert not caplog.messages


@pytest.fixture(scope="module")
def served(small, tmp_path_factory):
    """Return a function that sends a request to the model as a server does, in this process: status and answer."""
    import mlflow
    from mlflow.pyfunc import scoring_server

    example = small.customers.head(5)
    folder = tmp_path_factory.mktemp("served")
    mlflow.pyfunc.save_model(
        folder / "logged",
        python_model=str(Path(serving.__file__).with_name("pyfunc.py")),
        artifacts={MODEL_ARTEFACT: str(small.model.save(folder / "model"))},
        signature=signature_of(mlflow, example, served_scores(small.model, example)),
        input_example=example,
        pip_requirements=[],
    )
    loaded = mlflow.pyfunc.load_model(str(folder / "logged"))
    schema = loaded.metadata.get_input_schema()

    def ask(request):
        answer = scoring_server.invocations(json.dumps(request), "application/json", loaded, schema)
        return answer.status, answer.response

    return ask


def records(customers, *, nulls):
    """Return customers as JSON has them, with null for what is missing or without the key."""
    return [
        {
            name: None if pd.isna(value) else value
            for name, value in row.items()
            if nulls or not pd.isna(value)
        }
        for row in customers.to_dict("records")
    ]


@pytest.mark.parametrize("nulls", [True, False], ids=["with nulls", "without null keys"])
@pytest.mark.parametrize("count", [1, 40])
def test_json_records_with_and_without_their_nulls_are_answered_alike(small, whole, served, nulls, count):
    one_time = small.customers["gap_mean"].isna()
    rows = np.flatnonzero(one_time)[:1] if count == 1 else np.arange(count)
    status, answer = served({"dataframe_records": records(small.customers.iloc[rows], nulls=nulls)})
    assert status == 200, answer
    told = pd.DataFrame(json.loads(answer)["predictions"])
    expected = whole.iloc[rows].reset_index(drop=True)
    assert list(told) == list(expected)
    for name in ("predicted_value", "probability_active", "churn_probability", "score_percentile"):
        np.testing.assert_allclose(told[name], expected[name], rtol=1e-9)
    assert told["tier"].tolist() == expected["tier"].tolist()


def test_a_needed_key_that_is_left_out_is_still_refused_by_its_name(small, served):
    from mlflow.exceptions import MlflowException

    (record,) = records(small.customers.head(1), nulls=True)
    del record["net_spend"]
    with pytest.raises(MlflowException, match=r"missing inputs \['net_spend'\]"):
        served({"dataframe_records": [record]})


def test_one_customer_gets_a_rank_only_where_it_is_asked_for(small, served):
    request = {"dataframe_records": records(small.customers.head(2), nulls=False)}
    assert "rank" not in json.loads(served(request)[1])["predictions"][0]
    ranked = json.loads(served(request | {"params": {"rank": True}})[1])["predictions"]
    assert sorted(row["rank"] for row in ranked) == [1, 2]


def test_what_may_be_missing_is_all_that_is_ever_missing(shop):
    empty = {name for name in shop.customers if shop.customers[name].isna().any()}
    assert empty <= {name for name in shop.customers if may_be_missing(name)}
    assert {"gap_mean", "monetary_value"} <= empty
