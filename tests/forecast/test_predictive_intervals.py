"""Predictive intervals: exact under exchangeability, and 87 to 93 % of later outcomes on two data sets."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from tests.histories import at_cutoff

from duramen.btyd import BetaGeoModel, GammaGammaModel, ModifiedBetaGeoModel
from duramen.errors import InputError
from duramen.forecast.predictive_intervals import ConformalIntervals, sample_money, tail_probability


def held(intervals, outcomes):
    return float(((intervals[:, 0] <= outcomes) & (outcomes <= intervals[:, 1])).mean())


@pytest.fixture(scope="module")
def cdnow_days(lifetimes_datasets):
    lines = pd.read_csv(
        lifetimes_datasets / "CDNOW_sample.txt",
        sep=r"\s+",
        names=["master_id", "household_id", "date", "cds", "net"],
        parse_dates=["date"],
    )
    days = lines.groupby(["household_id", "date"])["net"].sum().reset_index()
    return days[days["net"] > 0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "cls", "cutoffs"),
    [
        # the 39 weeks of the papers' holdout, calibrated on the last 13 weeks before them
        ("cdnow_days", BetaGeoModel, ("1997-06-30", "1997-10-01", "1998-07-01")),
        # two half years
        ("cdnow_days", BetaGeoModel, ("1997-07-01", "1997-12-31", "1998-07-01")),
        # two quarters
        ("grocery_days", ModifiedBetaGeoModel, ("2017-07-01", "2017-10-01", "2018-01-01")),
    ],
)
def test_90_percent_intervals_hold_87_to_93_percent_of_a_later_horizon(request, data, cls, cutoffs):
    days = request.getfixturevalue(data)
    drawn, known = [], []
    for start, end in pairwise(cutoffs):
        table = at_cutoff(days, start, end)
        horizon = (pd.Timestamp(end) - pd.Timestamp(start)).days
        model, spend = cls().fit(table), GammaGammaModel().fit(table)
        drawn.append(
            (
                model.simulate_purchases(table, horizon, 500, 1),
                sample_money(model, spend, table, horizon, 500, 1),
            )
        )
        known.append((table["later"].to_numpy(), table["later_money"].to_numpy()))
    for kind in (0, 1):
        intervals = ConformalIntervals(0.9).calibrate(drawn[0][kind], known[0][kind])
        assert 0.87 <= held(intervals.predict(drawn[1][kind]), known[1][kind]) <= 0.93


def test_intervals_hold_exchangeable_outcomes_whatever_the_model_draws():
    rng = np.random.default_rng(1)
    wrong = rng.poisson(2.0, size=(4000, 400))
    truth = rng.negative_binomial(1, 0.25, size=4000)
    intervals = ConformalIntervals(0.9).calibrate(wrong[:2000], truth[:2000])
    share = held(intervals.predict(wrong[2000:]), truth[2000:])
    assert 0.88 <= share <= 0.97  # counts are coarse: the next narrower interval would hold less


def test_an_interval_holds_an_outcome_exactly_where_its_score_exceeds_the_tail():
    rng = np.random.default_rng(2)
    draws, outcomes = rng.normal(size=(300, 99)), rng.normal(size=300)
    intervals = ConformalIntervals(0.8)
    inside = intervals.predict(draws)
    scores = tail_probability(draws, outcomes)
    np.testing.assert_array_equal(
        (inside[:, 0] <= outcomes) & (outcomes <= inside[:, 1]), scores > intervals.tail_ - 1e-12
    )


def test_few_customers_give_the_widest_interval_and_json_brings_back():
    intervals = ConformalIntervals(0.9).calibrate([[1.0, 2.0, 3.0]], [9.0])
    assert intervals.tail_ == 0
    np.testing.assert_array_equal(intervals.predict([[3.0, 1.0, 2.0]]), [[1.0, 3.0]])
    assert ConformalIntervals.from_dict(intervals.to_dict()).to_dict() == intervals.to_dict()


def test_money_is_nothing_without_purchases_and_has_the_expected_mean(cdnow):
    model, spend = BetaGeoModel().fit(cdnow), GammaGammaModel().fit(cdnow)
    some = cdnow.head(60)
    money = sample_money(model, spend, some, 39, 4000, seed=1)
    expected = model.expected_purchases(some, 39) * spend.expected_spend(some)
    assert money.mean(axis=1).sum() == pytest.approx(expected.sum(), rel=0.05)
    assert (money >= 0).all()
    backwards = sample_money(model, spend, some.iloc[::-1].reset_index(drop=True), 39, 50, seed=1)
    forwards = sample_money(model, spend, some, 39, 50, seed=1)
    np.testing.assert_allclose(np.sort(backwards.sum(axis=1)), np.sort(forwards.sum(axis=1)))


def test_wrong_shapes_and_levels_are_named():
    with pytest.raises(InputError, match="give one a row"):
        ConformalIntervals().calibrate(np.ones((3, 4)), [1, 2])
    with pytest.raises(InputError, match="level is 1"):
        ConformalIntervals(1)
