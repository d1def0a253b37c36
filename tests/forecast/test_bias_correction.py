"""The total: corrected by the same season a year before, or by what came last, and only as far as that is sure."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from duramen.data.windows import Window
from duramen.forecast.bias_correction import (
    CHANGE_IN_SEASON,
    USUAL_MISS,
    activity_level,
    comparable_fold,
    money_level,
    shrink,
)
from duramen.forecast.folds import Fold

WINDOW = Window("2011-06-01", 182)
KEPT = USUAL_MISS**2 / (USUAL_MISS**2 + CHANGE_IN_SEASON**2)


def fold(window, ratio=1.0, customers=50_000, active=0.3, forecast_active=0.3):
    """Return a fold whose money is a ratio of the forecast, without noise."""
    value = np.full(customers, 10.0)
    came = (np.arange(customers) < active * customers).astype(float)
    return Fold(
        window,
        pd.DataFrame({"btyd_value": value, "btyd_probability_active": forecast_active}),
        pd.DataFrame({"value": value * ratio, "active": came}),
    )


def test_the_same_season_is_preferred_to_what_came_last():
    last, season = fold(Window("2010-12-01", 182)), fold(WINDOW.earlier(364))
    assert comparable_fold([last, season], WINDOW) is season
    assert comparable_fold([last], WINDOW) is last


def test_without_a_season_the_longest_outcomes_count_and_then_the_latest():
    short, long, older = (
        fold(Window(day, days))
        for day, days in (("2011-03-01", 91), ("2010-11-01", 182), ("2010-09-01", 182))
    )
    assert comparable_fold([short, older, long], WINDOW) is long


def test_a_fold_that_ends_after_the_cutoff_is_never_looked_at():
    late = fold(Window("2011-03-01", 182), ratio=5.0)
    assert late.window.end > date(2011, 6, 1)
    assert comparable_fold([late], WINDOW) is None
    assert money_level([late], WINDOW) == 1.0
    assert activity_level([late], WINDOW) == 0.0


def test_a_sure_miss_is_corrected_for_the_most_part():
    assert money_level([fold(WINDOW.earlier(364), ratio=1.5)], WINDOW) == pytest.approx(1.5**KEPT, rel=1e-3)


def test_a_miss_that_one_customer_made_is_hardly_corrected():
    whale = fold(WINDOW.earlier(364), customers=200)
    whale.outcomes.loc[0, "value"] = 2_000.0
    assert whale.outcomes["value"].sum() / whale.features["btyd_value"].sum() == pytest.approx(1.995)
    assert 1.0 < money_level([whale], WINDOW) < 1.995 ** (KEPT / 3)


def test_the_share_of_active_customers_is_moved_in_log_odds():
    moved = activity_level([fold(WINDOW.earlier(364), active=0.2, forecast_active=0.3)], WINDOW)
    miss = np.log(0.2 / 0.8) - np.log(0.3 / 0.7)
    assert moved == pytest.approx(KEPT * miss, rel=0.01)


@pytest.mark.parametrize("active", [0.0, 1.0])
def test_where_nobody_or_everybody_came_nothing_is_corrected(active):
    assert activity_level([fold(WINDOW.earlier(364), active=active)], WINDOW) == 0.0
    assert money_level([fold(WINDOW.earlier(364), ratio=0.0)], WINDOW) == 1.0


def test_no_correction_without_a_miss_and_less_of_it_the_less_sure():
    assert shrink(0.0, 0.1, same_season=True) == 0.0
    kept = [shrink(0.3, error, same_season=True) for error in (0.0, 0.1, 0.3, 1.0)]
    assert kept == sorted(kept, reverse=True)
    assert shrink(0.3, 0.1, same_season=False) < shrink(0.3, 0.1, same_season=True)


def test_without_a_season_no_correction_exceeds_a_usual_miss():
    assert shrink(2.0, 0.0, same_season=False) == -shrink(-2.0, 0.0, same_season=False) == USUAL_MISS
    assert shrink(2.0, 0.0, same_season=True) > 1.0
