"""A core-customer model that learned from a feature file: saved and loaded, explained, served, and asked without it."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.errors import InputError
from duramen.forecast.settings import ForecastSettings, TreeSettings
from duramen.scoring.incremental import rescore
from duramen.scoring.model import CoreCustomerModel
from duramen.segments.segmenter import BehaviouralSegmenter
from duramen.tracking.serving import served_scores

pytestmark = pytest.mark.slow
QUICK = ForecastSettings(
    btyd_models=("BG/NBD",), training_cutoffs=3, trees=TreeSettings(rounds=30, learning_rate=0.1)
)
OWN = ["web visits", "age", "channel"]


@pytest.fixture(scope="module")
def planted(shop):
    """A model of every second customer, whose web visits and channel are made of what they buy in the last months."""
    orders = shop.orders[shop.orders["customer_id"].isin(shop.orders["customer_id"].unique()[::2])]
    late = orders[orders["date"] >= "1997-10-01"]
    ids, rng = orders["customer_id"].unique(), np.random.default_rng(0)
    count = late.groupby("customer_id").size().reindex(ids).fillna(0).to_numpy()
    features = pd.DataFrame(
        {
            "customer_id": ids,
            "known_from": "1996-12-31",
            "web visits": count + rng.normal(0, 0.3, len(ids)),
            "age": rng.integers(18, 80, len(ids)),
            "channel": np.where(count > 0, rng.choice(["web", "shop"], len(ids)), "post"),
        }
    )
    features.loc[features["age"] < 20, "channel"] = None
    tx, window = read_transactions(orders, features=features), Window("1998-04-01", 91)
    model = CoreCustomerModel(growth_weight=0.0, forecast=QUICK).fit(tx, window)
    customers = customer_table(tx, window.cutoff)
    return SimpleNamespace(
        orders=orders, features=features, tx=tx, window=window, model=model, customers=customers,
        scores=model.predict(customers),
    )  # fmt: skip


def test_columns_that_predict_are_first_in_importance_and_in_reasons(planted):
    importance = planted.model.importance_
    first = importance.groupby("model").first()["feature"]
    assert set(first) <= {"web visits", "channel = post"}
    assert set(first.index) == {"value", "activity"}
    meanings = importance.set_index("feature")["meaning"]
    assert (meanings["web visits"] == "Column 'web visits' of the feature file.").all()
    assert "feature file is 'post'" in meanings["channel = post"].iloc[0]
    reasons = planted.scores[["reason_1", "reason_2", "reason_3"]].stack()
    for words in (
        r"^web visits is -?\d\S* \(typical active customer \d\S*\): ",
        "^channel is post: ",
        "^age is ",
    ):
        assert reasons.str.contains(words).any() or words == "^age is "
    assert not reasons.str.contains("nan").any()


def test_factors_of_the_columns_multiply_to_the_value_too(planted):
    explained = planted.model.explain(planted.customers.head(50), parts=["value"])
    product = explained.groupby("customer_id")["factor"].prod()
    np.testing.assert_allclose(product, planted.scores["predicted_value"].head(50), rtol=1e-9)
    of_channel = explained[explained["feature"] == "channel = post"]
    assert set(of_channel["value"].dropna()) == {0, 1}
    assert np.isfinite(planted.model.shap_explanation(planted.customers.head(5)).values).all()


def test_a_saved_model_scores_the_same_and_keeps_columns_and_categories(planted, tmp_path):
    loaded = CoreCustomerModel.load(planted.model.save(tmp_path / "model"))
    assert loaded.forecast_.extra_ == planted.model.forecast_.extra_
    assert loaded.forecast_.extra_.columns == {
        "web visits": None, "age": None, "channel": ["post", "shop", "web"]
    }  # fmt: skip
    pd.testing.assert_frame_equal(loaded.predict(planted.customers), planted.scores, check_exact=True)
    again = loaded.save(tmp_path / "again")
    for file in (tmp_path / "model").iterdir():
        assert (again / file.name).read_bytes() == file.read_bytes()


def test_customers_without_a_column_are_refused_and_further_columns_do_not_matter(planted):
    plain = customer_table(read_transactions(planted.orders), planted.window.cutoff)
    with pytest.raises(
        InputError, match="the model learned from 'web visits', 'age', 'channel' of a feature file"
    ):
        planted.model.predict(plain)
    more = planted.features.assign(shoes=range(len(planted.features)), boots="b").sample(
        frac=1, random_state=1
    )
    tx = read_transactions(planted.orders.sample(frac=1, random_state=2), features=more)
    scores = planted.model.predict(customer_table(tx, planted.window.cutoff))
    pd.testing.assert_frame_equal(scores, planted.scores, check_exact=True)


def test_a_model_without_a_feature_file_does_not_see_one(shop, planted):
    some = planted.customers
    plain = customer_table(read_transactions(planted.orders), planted.window.cutoff)
    pd.testing.assert_frame_equal(shop.model.predict(some), shop.model.predict(plain), check_exact=True)
    assert "extra_features" not in shop.model.forecast_.to_dict()


def test_segments_are_those_of_behaviour_alone(planted):
    with_columns = BehaviouralSegmenter(0).fit_predict(planted.customers)
    without = BehaviouralSegmenter(0).fit_predict(planted.customers.drop(columns=OWN))
    np.testing.assert_array_equal(with_columns, without)


def test_served_rows_take_the_columns_and_an_unknown_category_is_a_missing_one(planted):
    few = planted.customers.head(5)
    unknown, missing = few.assign(channel="fax"), few.assign(channel=None)
    pd.testing.assert_frame_equal(
        served_scores(planted.model, unknown).drop(columns=["reason_1", "reason_2", "reason_3"]),
        served_scores(planted.model, missing).drop(columns=["reason_1", "reason_2", "reason_3"]),
    )


def test_earlier_scores_are_not_kept_where_the_features_changed(planted, tmp_path):
    cutoff, now = planted.window.cutoff, {}
    changed = planted.features.assign(age=planted.features["age"] + 1)
    kept = tmp_path / "kept.parquet"
    for name, features in (("first", planted.features), ("same", planted.features), ("changed", changed)):
        folder = tmp_path / name
        folder.mkdir()
        tx = read_transactions(planted.orders, features=features)
        now[name] = rescore(planted.model, tx, cutoff, kept, folder)
        kept = now[name].scored.path
    assert [now[name].computed for name in now] == [len(planted.customers), 0, len(planted.customers)]
    assert now["changed"].why_all == "the feature file has other rows"
