"""Cutoffs and horizons: read from what people write, and no row on both sides or on none."""

import datetime

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from duramen.data.windows import (
    HORIZONS,
    MOST_TRAINING_CUTOFFS,
    YEAR,
    Horizon,
    Window,
    choose_horizon,
    holdout_window,
    least_history,
    parse_day,
    parse_horizon,
    training_windows,
)
from duramen.errors import InputError

DAY = datetime.date(2011, 6, 1)
days = st.dates(datetime.date(1990, 1, 1), datetime.date(2030, 12, 31))
horizons = st.integers(1, 800)


@pytest.mark.parametrize(
    "written",
    ["2011-06-01", " 2011-06-01 ", DAY, datetime.datetime(2011, 6, 1, 23, 59), pd.Timestamp(DAY), np.datetime64(DAY)],
    ids=repr,
)  # fmt: skip
def test_a_day_is_read_from_what_people_hold(written):
    day = parse_day(written)
    assert day == DAY
    assert type(day) is datetime.date


@pytest.mark.parametrize("written", ["2011-06-31", "June 2011", "2011-06-01T10:00", "", None, pd.NaT])
def test_what_is_no_day_is_told(written):
    with pytest.raises(InputError, match="is not a day; write it as YYYY-MM-DD"):
        parse_day(written)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("183d", 183), ("183", 183), (" 183 days ", 183), ("1day", 1), ("26w", 182), ("1 week", 7), ("2 weeks", 14),
        ("273D", 273), ("39W", 273), ("39 Weeks", 273), (183, 183), (183.0, 183), (np.int64(183), 183),
        (np.int16(183), 183), (datetime.timedelta(weeks=2), 14), (pd.Timedelta("7D"), 7),
        (np.timedelta64(39, "W"), 273), (np.timedelta64(48, "h"), 2),
    ],
)  # fmt: skip
def test_a_horizon_is_read_in_days(written, expected):
    assert parse_horizon(written) == Horizon(days=expected)
    horizon = Window(DAY, written).horizon
    assert horizon == expected
    assert type(horizon) is int


@pytest.mark.parametrize(
    "written", ["9 months", "9months", "9 MONTHS", np.timedelta64(9, "M"), Horizon(months=9)]
)
@pytest.mark.parametrize(
    ("cutoff", "end"),
    [("2011-06-01", "2012-03-01"), ("2011-01-01", "2011-10-01"), ("2011-05-31", "2012-02-29"),
     ("2010-05-31", "2011-02-28")],
)  # fmt: skip
def test_months_are_those_of_the_calendar_from_the_cutoff(written, cutoff, end):
    window = Window(cutoff, written)
    assert window.end.isoformat() == end
    assert window.horizon == (datetime.date.fromisoformat(end) - datetime.date.fromisoformat(cutoff)).days


@pytest.mark.parametrize("written", ["1 year", "1y", "12 months", np.timedelta64(1, "Y")])
def test_a_year_is_twelve_months(written):
    assert [Window(cutoff, written).horizon for cutoff in ("2010-06-01", "2011-06-01")] == [365, 366]


@given(day=days, months=st.integers(1, 60))
def test_months_counted_back_from_a_day_end_by_that_day(day, months):
    horizon = Horizon(months=months)
    cutoff = horizon.before(day)
    assert 0 <= (day - horizon.after(cutoff)).days <= 3
    assert horizon.after(cutoff) == day or day.day > 28


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        *((written, "is not a whole number of days, weeks, months or years; write 183d, 26w, '9 months' or '1 year'")
          for written in ("1.5 months", "-5d", "", "9m", "3 fortnights", "months")),
        *((written, "is shorter than a day; write at least 1d")
          for written in ("0d", "0 months", 0, -1, np.timedelta64(-3, "D"))),
        *((written, "is not a whole number of days")
          for written in (1.5, float("nan"), None, datetime.timedelta(hours=36), pd.NaT, np.timedelta64("NaT"))),
    ],
)  # fmt: skip
def test_what_is_not_a_horizon_is_refused(written, sentence):
    with pytest.raises(InputError, match=sentence):
        parse_horizon(written)


@pytest.mark.parametrize("horizon", ["9999999d", "99999999999999999999w", "99999 years", float("inf")])
def test_a_horizon_beyond_the_calendar_is_refused(horizon):
    with pytest.raises(InputError, match=r"ends after the year 9999|is not a whole number of days"):
        Window("2011-06-01", horizon)


def test_a_window_is_a_value():
    window = Window("2011-06-01", "26w")
    assert window == Window(DAY, 182)
    assert len({window, Window(DAY, 182)}) == 1
    assert window.earlier(7) < window
    assert str(window) == "182 days from 2011-06-01"
    with pytest.raises(AttributeError):
        window.horizon = 7


@given(cutoff=days, horizon=horizons, offset=st.integers(-900, 900))
def test_every_day_before_the_end_lies_on_exactly_one_side(cutoff, horizon, offset):
    window = Window(cutoff, horizon)
    day = cutoff + datetime.timedelta(days=offset)
    history, outcome = day < window.cutoff, window.cutoff <= day < window.end
    assert history + outcome == (offset < horizon)


@given(cutoff=days, length=st.integers(0, 5000))
def test_the_chosen_horizon_fits_three_times_into_the_history(cutoff, length):
    horizon = choose_horizon(cutoff - datetime.timedelta(days=length), cutoff)
    assert horizon in HORIZONS or horizon == max(length // 3, 1) < HORIZONS[0]
    assert 3 * horizon <= max(length, 3)
    assert not any(horizon < usual <= length / 3 for usual in HORIZONS)


@given(cutoff=days, horizon=horizons, length=st.integers(1, 5000))
def test_training_windows_end_by_the_cutoff_and_have_history(cutoff, horizon, length):
    window, first = Window(cutoff, horizon), cutoff - datetime.timedelta(days=length)
    found, holdout = training_windows(window, first), holdout_window(window, first)
    assert holdout in found or length == 1
    assert len(found) == len(set(found)) <= 2 * MOST_TRAINING_CUTOFFS + 1
    for training in found:
        assert training.end <= window.cutoff
        assert (training.cutoff - first).days >= least_history(training.horizon)
        season = training in (window.earlier(YEAR), holdout.earlier(YEAR))
        assert training.horizon in (holdout.horizon, holdout.horizon // 2) or season


@given(cutoff=days, horizon=horizons, length=st.integers(2, 5000))
def test_the_holdout_is_the_whole_horizon_or_two_fifths_of_the_history(cutoff, horizon, length):
    window, first = Window(cutoff, horizon), cutoff - datetime.timedelta(days=length)
    holdout = holdout_window(window, first)
    assert holdout.end == window.cutoff
    assert holdout.horizon == min(horizon, max(length * 2 // 5, 1))
    before = [training for training in training_windows(window, first) if training.end <= holdout.cutoff]
    # With four weeks and more to evaluate on there is something to learn from before the holdout.
    assert before or holdout.horizon < 28


def test_the_same_season_of_a_year_before_is_looked_at():
    window, first = Window("2011-06-01", 183), datetime.date(2009, 12, 1)
    assert window.earlier(YEAR) in training_windows(window, first)
    holdout = holdout_window(Window("2011-09-01", 91), first)
    assert holdout.earlier(YEAR) in training_windows(Window("2011-09-01", 91), first)
    assert window.earlier(YEAR) not in training_windows(window, datetime.date(2009, 12, 15))
