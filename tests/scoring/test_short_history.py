"""A history too short for trees: BG/NBD and gamma-gamma alone, everything else as ever, and a note that says so."""

import numpy as np
import pandas as pd
import pytest

from duramen.data.customers import customer_table
from duramen.data.windows import Window
from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.ranking import SCORE_COLUMNS, rank_core_customers


@pytest.fixture(scope="module")
def thin(shop):
    window = Window("1997-06-01", 91)
    return shop.tx, window, CoreCustomerModel().fit(shop.tx, window)


def test_btyd_alone_forecasts_and_a_note_says_so(thin):
    _, _, model = thin
    assert model.value_.booster_ is None
    assert model.activity_.booster_ is None
    assert any("without LightGBM" in note for note in model.notes_)
    assert model.judged_["trees_value"].isna().all()


def test_there_is_no_shap_importance(thin):
    assert thin[2].importance_.empty
    assert list(thin[2].importance_) == ["model", "feature", "meaning", "mean_abs_shap", "unit"]


def test_customers_are_still_ranked_and_explained(thin):
    tx, window, model = thin
    customers = customer_table(tx, window.cutoff)
    scores = model.score(customers)
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
    pd.testing.assert_frame_equal(again.score(customers), model.score(customers), check_exact=True)


def test_the_report_is_drawn(thin, tmp_path, monkeypatch):
    from duramen import commands
    from duramen.analysis.scorecard import scorecard

    tx, window, model = thin
    monkeypatch.chdir(tmp_path)
    ranking = commands._rank(model, tx, window.cutoff)
    path = commands._write_report(tmp_path / "report.html", model, scorecard(model.judged_), tx, ranking)
    assert "without LightGBM" in path.read_text()


def test_a_horizon_that_fits_no_fold_is_judged_over_half_the_history(shop):
    model = CoreCustomerModel().fit(shop.tx, Window("1997-06-01", 140))
    assert any("over 75 days instead" in note for note in model.notes_)
    assert model.judged_window_.end <= model.window_.cutoff
