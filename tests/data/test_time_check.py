"""Gaps and sudden changes of level are found where they were planted, and nowhere else."""

import datetime

import numpy as np
import pandas as pd
import pytest

from duramen.data.reading import read_transactions
from duramen.data.time_check import TimeCheck, check_over_time

START = np.datetime64("2022-01-01")


@pytest.fixture(scope="module")
def shop():
    """A function that makes 400 days of orders at a constant rate, by seed and orders a day."""

    def make(seed=1, rate=10):
        random = np.random.default_rng(seed)
        day = np.repeat(np.arange(400), random.poisson(rate, 400))
        amount = np.exp(random.normal(3, 1, day.size)).round(2)
        return pd.DataFrame(
            {"customer": random.integers(0, 900, day.size), "date": START + day, "amount": amount, "day": day}
        )

    return make


def found(frame):
    return check_over_time(read_transactions(frame.drop(columns="day")))


@pytest.mark.parametrize(("seed", "rate"), [(1, 3), (2, 10), (3, 40)])
def test_a_steady_shop_has_nothing_unusual(shop, seed, rate):
    assert found(shop(seed, rate)) == TimeCheck((), ())


def test_days_that_an_export_lost_are_a_gap(shop):
    frame = shop()
    lost = found(frame[~frame["day"].between(100, 119)]).gaps
    assert [(gap.first, gap.days) for gap in lost] == [(datetime.date(2022, 4, 11), 20)]
    assert str(lost[0]) == "no rows from 2022-04-11 to 2022-04-30 (20 days; usually at most 0 in a row)"


def test_a_shop_that_sells_once_a_month_has_no_gaps(shop):
    frame = shop()
    assert found(frame[frame["day"] % 30 < 2]).gaps == ()


def test_amounts_that_turn_into_cents_are_a_change_of_level(shop):
    frame = shop()
    frame.loc[frame["day"] >= 203, "amount"] *= 100
    (shift,) = found(frame).level_shifts
    assert shift.figure == "mean spend a purchase day"
    assert abs((shift.date - datetime.date(2022, 7, 23)).days) <= 14
    assert shift.after / shift.before == pytest.approx(100, rel=0.3)
    assert "rose from" in str(shift)


def test_customers_that_an_export_lost_are_a_change_of_level(shop):
    frame = shop(rate=20)
    (shift,) = found(frame[(frame["day"] < 203) | (frame["customer"] < 300)]).level_shifts
    assert shift.figure == "purchase days a week"
    assert shift.after < shift.before / 2


def test_a_slow_rise_is_no_sudden_change(shop):
    frame = shop(rate=40)
    kept = np.random.default_rng(5).random(len(frame)) < 0.2 + 0.8 * frame["day"] / 400
    assert found(frame[kept]).level_shifts == ()


@pytest.mark.parametrize("factor", [0.001, 1000])
def test_the_currency_changes_no_verdict(shop, factor):
    frame = shop()
    frame.loc[frame["day"] >= 203, "amount"] *= 10
    other = frame.assign(amount=frame["amount"] * factor)
    assert [one.date for one in found(frame).level_shifts] == [one.date for one in found(other).level_shifts]


def test_few_days_show_nothing(orders):
    assert found(orders(day=0)) == TimeCheck((), ())
