"""The total: corrected by all earlier windows, only as far as that is sure, and with an interval that holds."""

from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions
from duramen.data.windows import Window, training_windows
from duramen.forecast.bias_correction import (
    EIGHTY_PERCENT,
    Miss,
    activity_level,
    comparable_folds,
    estimate_level,
    money_level,
    total_interval,
)
from duramen.forecast.btyd_value import BTYDValueModel
from duramen.forecast.data_requirements import unmet_requirements
from duramen.forecast.folds import EarlierCutoffs, Fold

WINDOW = Window("2011-06-01", 182)
FIRST = date(2008, 1, 1)


def fold(window, ratio=1.0, customers=20_000, active=0.3, forecast_active=0.3, first=FIRST):
    """Return a fold whose money is a ratio of the forecast, without noise."""
    value = np.full(customers, 10.0)
    came = (np.arange(customers) < active * customers).astype(float)
    age = float((window.cutoff - first).days)
    return Fold(
        window,
        pd.DataFrame({"btyd_value": value, "btyd_probability_active": forecast_active, "T": age}),
        pd.DataFrame({"value": value * ratio, "active": came}),
    )


def quarters(misses, first=FIRST):
    """Return a fold for each quarter before the window, the latest first, whose log totals missed by so much."""
    windows = [Window(WINDOW.cutoff, 91).earlier(91 * k) for k in range(1, len(misses) + 1)]
    return [fold(window, np.exp(miss), first=first) for window, miss in zip(windows, misses, strict=True)]


QUARTER = Window("2011-06-01", 91)


def test_a_fold_that_ends_after_the_cutoff_is_never_looked_at():
    late = fold(Window("2011-03-01", 182), ratio=5.0)
    assert late.window.end > date(2011, 6, 1)
    assert comparable_folds([late], WINDOW) == []
    level = money_level([late], WINDOW)
    assert (level.factor, level.windows) == (1.0, 0)
    assert level.standard_error > 0.1
    assert activity_level([late], WINDOW).shift == 0.0


def test_a_miss_that_all_windows_share_is_corrected_for_the_most_part():
    level = money_level(quarters([0.2] * 8), QUARTER)
    assert 0.12 < level.shift < 0.2
    assert level.clear


def test_misses_that_change_their_sign_are_left_alone():
    level = money_level(quarters([0.15, -0.15] * 2 + [-0.15, 0.15] * 2), QUARTER)
    assert abs(level.shift) < 0.03
    assert not level.clear


def test_a_season_that_a_year_showed_is_carried_on_and_the_rest_of_that_year_is_not():
    misses = [0.0, 0.0, 0.0, 0.4, 0.0, 0.0, 0.0]
    of_season = money_level(quarters(misses), QUARTER)
    assert of_season.season_known
    assert of_season.clear
    assert 0.15 < of_season.season < 0.4
    next_quarter = Window("2011-08-31", 91)
    other = money_level([fold(QUARTER), *quarters(misses)], next_quarter)
    assert abs(other.shift) < of_season.shift / 3


def test_two_years_that_agree_on_a_season_correct_more_than_one():
    one, two = [0.0, 0.0, 0.0, 0.4, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.4, 0.0, 0.0, 0.0, 0.4]
    first, second = (money_level(quarters(misses), QUARTER) for misses in (one, two))
    assert second.shift > first.shift
    assert second.standard_error < first.standard_error


def test_the_past_year_of_a_cohort_that_ages_is_no_season():
    """All customers joined in the months before that year, as those of CDNOW did, or more still join."""
    first = date(2010, 3, 1)
    year_ago, last = fold(QUARTER.earlier(364), 1.5, first=first), fold(QUARTER.earlier(91), first=first)
    assert [kept.window for kept in comparable_folds([last, year_ago], QUARTER)] == [last.window]
    cohort = money_level([last, year_ago], QUARTER)
    assert (cohort.season_known, abs(cohort.shift) < 0.01) == (False, True)
    growing = fold(QUARTER.earlier(91), customers=30_000, first=first)
    assert money_level([growing, year_ago], QUARTER).season_known


def test_what_a_young_base_missed_counts_less_than_what_an_old_one_did():
    young, old = date(2011, 1, 1), FIRST
    shifts = [money_level(quarters([0.3], first), QUARTER).shift for first in (young, old)]
    assert 0 < shifts[0] < shifts[1]


def test_a_miss_that_one_customer_made_is_hardly_corrected():
    whale = fold(QUARTER.earlier(91), customers=200)
    whale.outcomes.loc[0, "value"] = 2_000.0
    assert whale.outcomes["value"].sum() / whale.features["btyd_value"].sum() == pytest.approx(1.995)
    level = money_level([whale], QUARTER)
    assert 1.0 < level.factor < 1.1
    assert level.standard_error > 0.4


def test_one_closed_quarter_does_not_take_the_total_with_it():
    level = money_level(quarters([-6.0, 0.0, 0.0, 0.0, 0.0, 0.0]), Window("2011-06-01", 91))
    assert -0.3 < level.shift < 0


def test_the_share_of_active_customers_is_moved_in_log_odds():
    folds = [fold(one.window, active=0.2, forecast_active=0.3) for one in quarters([0.0] * 8)]
    miss = np.log(0.2 / 0.8) - np.log(0.3 / 0.7)
    assert miss < activity_level(folds, QUARTER).shift < 0.5 * miss


@pytest.mark.parametrize("active", [0.0, 1.0])
def test_where_nobody_or_everybody_bought_nothing_is_corrected(active):
    assert activity_level([fold(QUARTER.earlier(364), active=active)], QUARTER).shift == 0.0
    assert money_level([fold(QUARTER.earlier(364), ratio=0.0)], QUARTER).factor == 1.0


def test_a_steady_base_has_a_narrower_interval_than_one_that_jumps():
    steady, jumps = (money_level(quarters(misses), QUARTER) for misses in ([0.01] * 6, [0.3, -0.3] * 3))
    assert steady.standard_error < 0.07 < 0.15 < jumps.standard_error
    low, high = total_interval(100.0, steady.standard_error)
    assert low * high == pytest.approx(100.0**2)


def test_eight_in_ten_totals_lie_in_the_interval_where_misses_are_as_assumed():
    """Worlds of every size of season and chance, of whose windows all but the last are shown."""
    rng = np.random.default_rng(0)
    days = np.arange(3 * 364)
    inside, drawn = 0, 600
    for _ in range(drawn):
        scale = rng.choice([0.25, 0.5, 1.0])
        season = 0.25 * scale * np.sqrt(2) * np.sin(2 * np.pi * (days - rng.integers(364)) / 364)
        daily = rng.normal(0.1 * scale * rng.normal() + season, 0.2 * scale * np.sqrt(91))
        windows = [QUARTER.earlier(45 * k) for k in range(14, 1, -1)]
        starts = [len(days) - 91 - 45 * k for k in range(14, 1, -1)]
        misses = [
            Miss(window, daily[start : start + 91].mean() + rng.normal(0, 0.02), 0.02)
            for window, start in zip(windows, starts, strict=True)
        ]
        level = estimate_level(misses, QUARTER, QUARTER.cutoff - timedelta(days=1001), 0.02)
        actual = daily[-91:].mean() + rng.normal(0, 0.02)
        inside += abs(actual - level.shift) < EIGHTY_PERCENT * level.standard_error
    assert inside / drawn == pytest.approx(0.8, abs=0.06)


def simulated(world, rng, count=700, days=730):
    """Return orders of customers who buy at gamma rates and leave; the world decides when they join and buy."""
    joined = {
        "growing": days * np.sqrt(rng.random(count)),
        "shrinking": days * rng.beta(1, 3, count),
        "cohort": rng.uniform(0, 91, count),
    }.get(world, days * rng.random(count))
    time = np.arange(days)
    market = np.ones(days)
    if world == "season":
        market = np.where((time + 1) % 364 > 270, 2.0, 0.7)
    if world == "promotion":
        market[430:458] = 3.0  # in the history that is learned from
    present = (time > joined[:, None]) & (time < joined[:, None] + rng.exponential(500, count)[:, None])
    buys = rng.random((count, days)) < rng.gamma(1.0, 0.02, count)[:, None] * market * present
    buys[np.arange(count), joined.astype(int)] = True
    customer, day = np.nonzero(buys)
    amount = np.exp(3 + rng.normal(0, 0.5, count)[customer] + rng.normal(0, 0.3, len(day)))
    if world == "whale":
        amount[customer == np.bincount(customer).argmax()] *= 40
    dates = pd.Timestamp("2020-01-01") + pd.to_timedelta(day, unit="D")
    return pd.DataFrame({"customer_id": customer.astype(str), "date": dates, "amount": amount.round(2)})


def misses_of(tx, cutoffs, horizon):
    """Return the log misses of the total by BTYD alone and as corrected, and its standard error, at each cutoff."""
    rows = []
    for cutoff in cutoffs:
        window = Window(cutoff, horizon)
        folds = EarlierCutoffs(tx, ("BG/NBD",)).folds(training_windows(window, tx.first_date))
        target = EarlierCutoffs(tx, ("BG/NBD",)).folds([window])[0]
        miss = np.log(target.outcomes["value"].sum() / target.features["btyd_value"].sum())
        level = money_level(folds, window)
        rows.append((miss, miss - level.shift, level.standard_error))
    return np.array(rows)


@pytest.mark.slow
@pytest.mark.parametrize(
    "world", ["steady", "growing", "shrinking", "cohort", "whale", "promotion", "season"]
)
def test_no_world_is_forecast_further_from_its_total_than_by_btyd_alone(world):
    tx = read_transactions(simulated(world, np.random.default_rng(3)))
    btyd, ours, error = misses_of(tx, ["2021-09-25"], 91).T
    # Further by less than half of the standard error that the total is given: noise.
    assert (np.abs(ours) < np.abs(btyd) + 0.5 * error).all()
    assert (np.abs(ours) < 2.5 * error).all()
    if world == "season":
        # The last quarter brings twice as much, as it did a year before.
        assert abs(ours[0]) < 0.8 * abs(btyd[0])


@pytest.mark.slow
def test_rolling_origins_of_cdnow_are_no_further_from_the_total_than_btyd_alone(shop):
    cutoffs = ["1997-07-01", "1997-10-01", "1998-01-01", "1998-04-01"]
    btyd, ours, error = misses_of(shop.tx, cutoffs, 91).T
    assert (np.abs(ours) < np.abs(btyd) + 0.5 * error).all()
    assert np.sqrt(np.mean(ours**2)) < np.sqrt(np.mean(btyd**2)) + 0.02


def test_the_cohort_of_cdnow_is_not_forecast_to_grow(shop):
    """All joined in the first quarter of 1997; in the year since they brought less in each half year."""
    window = Window("1998-07-01", 182)
    folds = EarlierCutoffs(shop.tx).folds(training_windows(window, shop.tx.first_date))
    level = money_level(folds, window)
    assert not level.season_known
    known = customer_table(shop.tx, window.cutoff)
    forecast = BTYDValueModel().fit(known).forecast(known, 182)["btyd_value"].sum()
    last = next(fold for fold in folds if fold.window == window.earlier(182))
    assert level.factor * forecast < last.outcomes["value"].sum()


def test_windows_that_share_days_are_called_overlapping():
    btyd = SimpleNamespace(kind_="BG/NBD", spend_kind_="credibility")
    for step, words in ((91, "In 4 earlier windows"), (45, "In 4 overlapping earlier windows")):
        misses = [Miss(QUARTER.earlier(91 + step * k), 0.3 * (-1) ** k, 0.3) for k in range(4)]
        level = estimate_level(misses, QUARTER, FIRST)
        assert level.overlapping == (step < 91)
        *_, note = unmet_requirements(
            QUARTER, fold(QUARTER), btyd, {"value", "activity"}, SimpleNamespace(source_=""), level
        )
        assert not level.clear
        assert f"{words} their total was off by no more than chance explains" in note


def test_a_correction_that_may_be_chance_is_smaller_than_the_errors_it_is_learned_from():
    misses = [Miss(QUARTER.earlier(91 * k), 0.1, 0.3) for k in range(1, 5)]
    level = estimate_level(misses, QUARTER, FIRST)
    assert not level.clear
    assert 0 < level.shift < 0.1
