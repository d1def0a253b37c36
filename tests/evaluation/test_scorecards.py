"""The scorecard: every model and baseline on the same holdout customers, each figure recomputed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from duramen.data.customers import customer_table
from duramen.data.outcomes import customer_outcomes
from duramen.evaluation.forecasts import FIGURES_COLUMNS
from duramen.evaluation.metrics import captured, normalised_gini
from duramen.evaluation.scorecards import scorecard
from duramen.evaluation.segment_information import segment_value
from duramen.scoring.model import CoreCustomerModel
from duramen.segments.rfm import rfm_score
from duramen.segments.segmenter import BehaviouralSegmenter

VALUE_MODELS = [
    "duramen", "BTYD x gamma-gamma", "LightGBM", "LightGBM two-stage", "past spend", "RFM score", "recency",
]  # fmt: skip
ACTIVITY_MODELS = ["duramen", "BTYD x gamma-gamma", "LightGBM", "RFM score", "recency"]


@pytest.fixture(scope="module")
def card(shop):
    return scorecard(shop.model.holdout_)


@pytest.fixture(scope="module")
def figure(card):
    return card.set_index(["target", "model", "metric"])["figure"]


def test_duramen_stands_beside_every_baseline(card):
    assert list(card) == FIGURES_COLUMNS
    models = card.groupby("target")["model"].unique()
    assert list(models["value"]) == VALUE_MODELS
    assert list(models["activity"]) == ACTIVITY_MODELS
    assert list(models["segments"]) == ["duramen", "RFM score", "RFM cells", "past spend"]
    assert not card["figure"].isna().any()
    assert not card.duplicated(["model", "target", "metric"]).any()


def test_baselines_that_only_order_have_no_error_in_money(card):
    errors = card[card["metric"].isin(["MAE", "total bias", "decile error"])]
    assert set(errors["model"]) == set(VALUE_MODELS[:4])
    of_activity = card[card["target"] == "activity"]
    assert set(of_activity.loc[of_activity["metric"] == "Brier", "model"]) == set(ACTIVITY_MODELS[:3])


def test_figures_are_those_of_the_holdout_customers(shop, figure):
    holdout = shop.model.holdout_
    actual = holdout["actual_value"].to_numpy()
    for model, column in zip(
        VALUE_MODELS[:5],
        ["predicted_value", "btyd_value", "trees_value", "two_stage_value", "past_spend"],
        strict=True,
    ):
        forecast = holdout[column].to_numpy()
        assert figure["value", model, "value captured at top 10 %"] == captured(forecast, actual, 0.1)
        assert figure["value", model, "normalised Gini"] == normalised_gini(forecast, actual)
    assert figure["value", "duramen", "MAE"] == pytest.approx(
        (holdout["predicted_value"] - holdout["actual_value"]).abs().mean()
    )
    assert figure["activity", "duramen", "Brier"] == pytest.approx(
        ((holdout["probability_active"] - holdout["active"]) ** 2).mean()
    )
    assert figure["activity", "recency", "AUC"] == roc_auc_score(
        holdout["active"], -holdout["time_since_last"]
    )


def test_on_the_shop_holdout_forecasts_are_far_from_chance_and_near_in_total(figure):
    """The plain orders do about as well on this small base; what is asserted is that nothing is upside down."""
    assert figure["value", "duramen", "normalised Gini"] > 0.6
    assert figure["activity", "duramen", "AUC"] > 0.7
    assert abs(figure["value", "duramen", "total bias"]) < 0.25


def test_holdout_probabilities_are_calibrated(shop):
    holdout = shop.model.holdout_
    assert holdout["probability_active"].mean() == pytest.approx(holdout["active"].mean(), abs=0.03)
    tenths = pd.qcut(holdout["probability_active"].rank(method="first"), 5, labels=False)
    means = holdout.groupby(tenths)[["probability_active", "active"]].mean()
    assert (means["probability_active"] - means["active"]).abs().max() < 0.08


def test_without_trees_there_is_no_lightgbm_row(shop):
    card = scorecard(
        shop.model.holdout_.assign(trees_value=np.nan, two_stage_value=np.nan, trees_probability=np.nan)
    )
    assert not {"LightGBM", "LightGBM two-stage"} & set(card["model"])
    assert {"duramen", "BTYD x gamma-gamma"} <= set(card["model"])


@pytest.mark.slow
def test_segments_are_those_of_the_holdout_cutoff_beside_as_many_plain_groups(shop, figure):
    holdout = shop.model.holdout_
    then = customer_table(shop.tx, shop.model.holdout_window_.cutoff)
    known = BehaviouralSegmenter().fit(then).predict(then)
    np.testing.assert_array_equal(then["customer_id"], holdout["customer_id"])
    np.testing.assert_array_equal(known, holdout["segment"])
    outcomes = customer_outcomes(shop.tx, shop.model.holdout_window_, then)
    table = segment_value(then, outcomes, known, resamples=1).table
    for target, metric in (("value", "log value explained"), ("activity", "activity explained")):
        for row in table[table["target"] == target].itertuples():
            model = "duramen" if row.groups == "segments" else row.groups
            assert figure["segments", model, metric] == pytest.approx(row.explained)


def test_without_two_outcomes_there_is_no_auc(shop):
    card = scorecard(shop.model.holdout_.assign(active=1.0))
    assert card.loc[(card["target"] == "activity") & (card["metric"] == "AUC"), "figure"].isna().all()


def test_rfm_score_by_hand():
    holdout = pd.DataFrame(
        {
            "time_since_last": [1.0, 2.0, 3.0, 4.0, 5.0],
            "frequency": [4.0, 4.0, 0.0, 0.0, 0.0],
            "net_spend": [50.0, 40.0, 30.0, 20.0, 10.0],
        }
    )
    # Mean ranks of the ties: 4.5 of 5 is the fifth quintile, 2 of 5 the second.
    np.testing.assert_array_equal(rfm_score(holdout), [5 + 5 + 5, 4 + 5 + 4, 3 + 2 + 3, 2 + 2 + 2, 1 + 2 + 1])


def test_a_model_of_an_older_format_has_the_whole_scorecard():
    folder = Path(__file__).parents[1] / "fixtures" / "format_4" / "model"
    card = scorecard(CoreCustomerModel.load(folder).holdout_)
    assert card.loc[card["metric"] == "log value explained", "figure"].between(0, 1).all()
