"""Too little for trees: BG/NBD and gamma-gamma alone, everything else as ever, and a note that says so."""

import numpy as np
import pandas as pd
import pytest

from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.forecast.value import NO_BOOSTERS
from duramen.io.score_columns import SCORE_COLUMNS
from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.ranking import rank_core_customers


@pytest.fixture(scope="module")
def thin(shop_orders):
    """Seventy customers over five months: fewer than the trees need to split them twice."""
    chosen = np.sort(shop_orders["customer_id"].unique())[::37]
    tx = read_transactions(shop_orders[shop_orders["customer_id"].isin(chosen)], currency="USD")
    window = Window("1997-06-01", 91)
    return tx, window, CoreCustomerModel().fit(tx, window)


def test_btyd_alone_forecasts_and_a_note_says_so(thin):
    _, _, model = thin
    assert model.forecast_.value_.boosters_ == NO_BOOSTERS
    assert model.forecast_.activity_.booster_ is None
    assert any("value and activity are forecast without it" in note for note in model.notes_)


def test_errors_that_nothing_shows_are_assumed_and_a_note_says_so(thin):
    _, _, model = thin
    assert model.forecast_.distribution_.source_ == "assumed"
    assert any("so a log-normal error with a spread of 1 is assumed" in note for note in model.notes_)


@pytest.mark.slow
def test_a_holdout_without_money_is_noted(shop_orders):
    cutoff, silent_from = pd.Timestamp("1997-09-01"), pd.Timestamp("1997-05-01")
    silent = shop_orders[(shop_orders["date"] < silent_from) | (shop_orders["date"] >= cutoff)]
    model = CoreCustomerModel().fit(read_transactions(silent), Window("1997-09-01", 91))
    assert model.holdout_["actual_value"].sum() == 0
    assert any("brought no money" in note and "nothing checks the total" in note for note in model.notes_)
    assert 0.5 < model.forecast_.value_.correction_ <= 1.0


def test_there_is_no_shap_importance(thin):
    assert thin[2].importance_.empty
    assert list(thin[2].importance_) == ["model", "feature", "meaning", "mean_abs_shap", "unit"]


def test_customers_are_still_ranked_and_explained(thin):
    tx, window, model = thin
    customers = customer_table(tx, window.cutoff)
    scores = model.predict(customers)
    ranking = rank_core_customers(scores)
    assert tuple(ranking.columns) == SCORE_COLUMNS
    factors = model.explain(customers).groupby("customer_id")["factor"].prod()
    np.testing.assert_allclose(
        factors[scores["customer_id"]].to_numpy(), scores["predicted_value"], rtol=1e-9
    )


def test_it_is_saved_and_loaded_without_tree_files(thin, tmp_path):
    tx, window, model = thin
    model.save(tmp_path / "model")
    assert not list((tmp_path / "model").glob("*.txt"))
    customers = customer_table(tx, window.cutoff)
    again = CoreCustomerModel.load(tmp_path / "model")
    pd.testing.assert_frame_equal(again.predict(customers), model.predict(customers), check_exact=True)


@pytest.mark.slow
def test_the_report_is_drawn(thin, tmp_path):
    from duramen.report.model_report import write_report

    tx, _, model = thin
    path = write_report(model, tx, tmp_path / "report.html")
    assert "LightGBM was not clearly better" in path.read_text()


@pytest.mark.slow
def test_a_horizon_that_fits_no_fold_is_evaluated_over_two_fifths_of_the_history(shop):
    model = CoreCustomerModel().fit(shop.tx, Window("1997-06-01", 140))
    assert model.holdout_window_ == Window("1997-04-02", 60)
    assert any(
        "evaluated over 60 days, and MBG/NBD and gamma-gamma extend the forecast to 140" in note
        for note in model.notes_
    )


@pytest.mark.slow
def test_a_note_says_that_no_year_shows_the_season_and_how_far_the_total_may_miss(shop):
    assert any("no comparable year for these 91 days" in note for note in shop.model.notes_)
    total = next(note for note in shop.model.notes_ if note.startswith("The forecast total is that of"))
    assert "In 8 of 10 cases the actual total is expected between -" in total
