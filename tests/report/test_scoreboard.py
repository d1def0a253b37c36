"""The scorecard: the best is marked whichever model it is, and the sentence says so."""

import numpy as np
import pandas as pd
import pytest

from duramen.report.scoreboard import boards


def table(figures: dict[str, float], metric: str = "Spearman", higher: object = True) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"model": m, "target": "value", "metric": metric, "figure": f, "higher_is_better": higher}
            for m, f in figures.items()
        ]
    )


def test_a_baseline_that_wins_is_marked_and_named():
    (board,) = boards(table({"past spend": 0.6, "duramen": 0.5}), "GBP")
    assert board.models == ["duramen", "past spend"]
    assert board.rows[0].best == [False, True]
    assert (
        board.verdict
        == "The duramen model is best on none of 1 metrics. Better than it: past spend on Spearman."
    )


def test_lower_is_better_where_it_is_said_and_money_has_its_unit():
    (board,) = boards(table({"duramen": 1234.5, "LightGBM": 1300.0}, "MAE", False), "GBP")
    assert board.rows[0].best == [True, False]
    assert board.rows[0].figures == ["1,234", "1,300"]
    assert board.rows[0].unit == "GBP"


def test_without_a_direction_the_figure_nearest_to_zero_is_best():
    (board,) = boards(table({"duramen": -0.03, "LightGBM": 0.02}, "total bias", None), "GBP")
    assert board.rows[0].best == [False, True]
    assert board.rows[0].figures[0].replace("\u202f", " ") == "\u22123.0 %"


def test_figures_that_read_the_same_share_the_mark():
    (board,) = boards(table({"duramen": 0.80101, "LightGBM": 0.80104}), "GBP")
    assert board.rows[0].best == [True, True]


@pytest.mark.parametrize("factor", [0.01, 1, 1e4])
def test_equal_errors_in_money_share_the_mark_and_others_read_differently_whatever_the_currency(factor):
    for other in (12.37, 12.3404):
        (board,) = boards(table({"duramen": 12.34 * factor, "LightGBM": other * factor}, "MAE", False), "GBP")
        assert board.rows[0].best == [True, False]
        assert board.rows[0].figures[0] != board.rows[0].figures[1]
    (board,) = boards(
        table({"duramen": 12.34 * factor, "LightGBM": 12.34 * factor * (1 + 1e-9)}, "MAE", False), "GBP"
    )
    assert board.rows[0].best == [True, True]
    assert board.rows[0].figures[0] == board.rows[0].figures[1]


def test_only_the_lowest_error_is_marked_where_two_others_are_equal_and_a_little_higher():
    figures = {"duramen": 170.6, "LightGBM": 170.6, "two-stage LightGBM": 170.5}
    (board,) = boards(table(figures, "MAE", False), "GBP")
    assert board.rows[0].figures == ["170.6", "170.6", "170.5"]
    assert board.rows[0].best == [False, False, True]
    assert board.verdict.endswith("Better than it: two-stage LightGBM on MAE.")


def test_what_was_not_evaluated_is_a_dash_and_neither_wins_nor_loses():
    both = [table({"duramen": 0.5, "RFM score": 0.4}), table({"duramen": 9.0}, "MAE", False)]
    both.append(table({"duramen": np.nan, "RFM score": 0.2}, "normalised Gini"))
    (board,) = boards(pd.concat(both, ignore_index=True), "GBP")
    assert [row.figures[1] for row in board.rows] == ["0.400", "\u2013", "0.200"]
    assert board.verdict == "The duramen model is best on 2 of 2 metrics."


def test_one_model_alone_is_not_called_best():
    (board,) = boards(table({"duramen": 0.5}), "GBP")
    assert board.rows[0].best == [False]
    assert "nothing to compare it with" in board.verdict


def test_the_verdict_gathers_what_each_winner_won(scorecard):
    value, activity = boards(scorecard, "GBP")
    assert value.verdict == (
        "The duramen model is best on 4 of 6 metrics. Better than it: LightGBM on Spearman and MAE."
    )
    assert activity.verdict == "The duramen model is best on 2 of 2 metrics (1 of them shared)."
