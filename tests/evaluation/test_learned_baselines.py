"""The learned baselines on a planted world of zeros and lognormal money, on short histories, and with other threads."""

import numpy as np
import pandas as pd
import pytest

from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.evaluation import learned_baselines
from duramen.evaluation.distributions import crps
from duramen.evaluation.holdout import outcomes_of
from duramen.evaluation.learned_baselines import (
    LabelWindow,
    hurdle_parameters,
    learned_forecasts,
    ziln_parameters,
)
from duramen.evaluation.metrics import area_under_roc, normalised_gini, spearman, total_bias
from duramen.evaluation.zero_inflated_lognormal import hurdle_mean, hurdle_quantiles
from duramen.forecast.value_distribution import LEVELS

LEARNERS = {"hurdle LightGBM": hurdle_parameters, "ZILN": ziln_parameters}


def planted(seed, customers=8000):
    """Features, and the p, mu and sigma that they give: two kinds of customer, one more certain than the other."""
    rng = np.random.default_rng(seed)
    features = pd.DataFrame(rng.normal(size=(customers, 3)), columns=["pace", "size", "nothing"])
    probability = 1 / (1 + np.exp(-1.5 * features["pace"].to_numpy()))
    mu = 1.0 + 0.8 * features["size"].to_numpy()
    sigma = np.where(features["pace"] > 0, 0.4, 0.9)
    money = np.exp(rng.normal(mu, sigma)) * (rng.random(customers) < probability)
    return features, probability, mu, sigma, money


@pytest.fixture(scope="module")
def world():
    """What is learned from, and of new customers of the same world the truth and their money."""
    features, *_, money = planted(0)
    at_cutoff, *truth, later = planted(1)
    known = LabelWindow(features, at_cutoff, money, (money > 0).astype(float), unit=1.0, is_whole=True)
    return known, truth, later


@pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)
def test_the_planted_probability_and_money_are_found(world, learner):
    known, (probability, mu, sigma), later = world
    p, m, s = learner(known)
    assert np.abs(p - probability).mean() < 0.04
    assert np.abs(m - mu).mean() < 0.15
    value = hurdle_mean(p, m, s, most=known.money.max())
    assert spearman(value, hurdle_mean(probability, mu, sigma)) > 0.97
    # One sigma for all gives too little to customers whose money is less certain.
    assert abs(total_bias(value, later)) < 0.1


def test_only_the_joint_model_knows_whose_money_is_less_certain(world):
    known, (_, _, sigma), _ = world
    *_, of_all = hurdle_parameters(known)
    *_, of_each = ziln_parameters(known)
    assert 0.4 < of_all < 0.9
    for planted_sigma in (0.4, 0.9):
        assert of_each[sigma == planted_sigma].mean() == pytest.approx(planted_sigma, rel=0.15)


@pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)
def test_the_distribution_is_nearly_as_good_as_the_true_one(world, learner):
    known, truth, later = world
    base = np.tile(np.quantile(known.money, LEVELS), (len(later), 1))
    found, best, same_for_all = (
        crps(quantiles, later)
        for quantiles in (hurdle_quantiles(*learner(known)), hurdle_quantiles(*truth), base)
    )
    assert best < found < best + 0.1 * (same_for_all - best)


@pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)
def test_threads_and_calls_change_nothing(world, learner, monkeypatch):
    known, *_ = world
    once = learner(known, 3)
    monkeypatch.setitem(learned_baselines.SMALL_TREES, "num_threads", 2)
    for one, other in zip(once, learner(known, 3), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)
def test_buyers_who_all_spend_the_same_are_forecast_just_that(world, learner):
    known, *_ = world
    same = LabelWindow(known.features, known.at_cutoff, 20.0 * (known.money > 0), known.active, 1.0, True)
    p, m, s = learner(same)
    value = hurdle_mean(p, m, s, most=20.0)
    np.testing.assert_allclose(value, 20.0 * p, rtol=0.02)
    assert np.isfinite(hurdle_quantiles(p, m, s)).all()


@pytest.fixture(scope="module")
def at_a_cutoff(shop):
    window = Window("1998-01-01", 91)
    customers = customer_table(shop.tx, window.cutoff)
    return customers, learned_forecasts(shop.tx, window, customers)


def test_on_real_purchases_they_order_customers_and_give_distributions(shop, at_a_cutoff):
    customers, forecasts = at_a_cutoff
    outcomes = outcomes_of(shop.tx, Window("1998-01-01", 91), customers)
    made = {(forecast.model, forecast.kind): forecast.values for forecast in forecasts}
    for name in LEARNERS:
        value, probability, quantiles = (
            made[name, kind] for kind in ("money", "probability", "distribution")
        )
        assert normalised_gini(value, outcomes["value"]) > 0.5
        assert area_under_roc(probability, outcomes["activity"]) > 0.7
        # Money of the distribution adds up to the value, less what lies beyond its last level.
        assert quantiles.mean() == pytest.approx(value.mean(), rel=0.1)
        assert np.isfinite(quantiles).all()
        assert ((probability > 0) & (probability < 1)).all()


def test_a_distribution_of_a_shorter_time_is_not_given(shop):
    """Of 181 days of history, 90 are learned from, too few for 150."""
    window = Window("1997-07-01", 150)
    customers = customer_table(shop.tx, window.cutoff)
    made = learned_forecasts(shop.tx, window, customers)
    assert {(forecast.model, forecast.kind) for forecast in made} == {
        (name, kind) for name in ("plain LightGBM", *LEARNERS) for kind in ("money", "order")
    }
    short = learned_forecasts(shop.tx, Window(window.cutoff, 90), customers)
    money = {forecast.model: forecast.values for forecast in short if forecast.kind == "money"}
    for forecast in made:
        if forecast.kind == "money":
            np.testing.assert_allclose(forecast.values, money[forecast.model] * 150 / 90)


def test_nine_buyers_are_too_few_for_a_spread_of_money():
    """Of 30 customers, 9 buy again in the label window; with a tenth the learned baselines are complete."""
    names = [f"customer {number:02}" for number in range(30)]
    first = pd.DataFrame(
        {"customer_id": names, "date": pd.Timestamp("2024-01-01"), "amount": np.linspace(5, 50, 30)}
    )
    window = Window("2024-03-01", 30)
    for buyers, models in ((9, {"plain LightGBM"}), (10, {"plain LightGBM", *LEARNERS})):
        again = first[:buyers].assign(date=pd.Timestamp("2024-02-10"))
        tx = read_transactions(pd.concat([first, again]))
        made = learned_forecasts(tx, window, customer_table(tx, window.cutoff))
        assert {forecast.model for forecast in made} == models
        assert all(np.isfinite(forecast.values).all() for forecast in made)
