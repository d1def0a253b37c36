"""The date of the next purchase: in agreement with P(active), in order, and right on simulated customers."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from duramen.btyd.beta_geo import BetaGeoModel, ModifiedBetaGeoModel
from duramen.btyd.pareto_nbd import ParetoNBDModel
from duramen.btyd.purchase_model import ActiveBy
from duramen.errors import InputError
from duramen.forecast.next_purchase import HORIZONS, QUANTILES, days_until, knots, next_purchase_days

HORIZON = 91
OF_RATES = {"r": 0.6, "alpha": 40.0}
MODELS = [
    BetaGeoModel.from_dict({"params": OF_RATES | {"a": 0.8, "b": 2.5}}),
    ModifiedBetaGeoModel.from_dict({"params": OF_RATES | {"a": 0.8, "b": 2.5}}),
    ParetoNBDModel.from_dict({"params": OF_RATES | {"s": 0.5, "beta": 90.0}}),
]
NAMES = ["BG/NBD", "MBG/NBD", "Pareto/NBD"]


def simulated(customers, age=364, span=182, seed=0):
    """Return histories of BG/NBD customers with parameters of MODELS[0], and the time to the next purchase."""
    rng = np.random.default_rng(seed)
    rate, leaving = rng.gamma(0.6, 1 / 40, customers), rng.beta(0.8, 2.5, customers)
    rows = []
    for own, chance in zip(rate, leaving, strict=True):
        time, frequency, recency = 0.0, 0, 0.0
        while True:
            time += rng.exponential(1 / own)
            if time > age + span:
                following = np.nan
                break
            if time > age:
                following = time - age
                break
            frequency, recency = frequency + 1, time
            if rng.random() < chance:
                following = np.nan
                break
        rows.append((frequency, recency, float(age), following))
    return pd.DataFrame(rows, columns=["frequency", "recency", "T", "following"])


@pytest.fixture(scope="module")
def customers():
    return simulated(4000)


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_the_distribution_of_the_next_purchase_is_p_active_of_each_time(model, customers):
    times = [0.5, 1.0, 3.0, 30.0, 91.0, 400.0]
    found = model.active_by(customers, times).probabilities
    for column, time in enumerate(times):
        np.testing.assert_allclose(found[:, column], model.probability_active(customers, time), atol=1e-5)
    assert (np.diff(found, axis=1) >= 0).all()


def test_regular_gaps_have_the_same_distribution(customers):
    model = BetaGeoModel.from_dict({"params": OF_RATES | {"a": 0.8, "b": 2.5}, "regularity": 2})
    found = model.active_by(customers, [10.0, 91.0]).probabilities
    np.testing.assert_allclose(found[:, 1], model.probability_active(customers, 91.0), rtol=1e-12)


def test_customers_with_covariates_have_curves_of_their_own(customers):
    some = customers.head(50).assign(size=np.linspace(-1, 1, 50))
    params = OF_RATES | {"s": 0.5, "beta": 90.0, "purchase_size": 1.5}
    model = ParetoNBDModel.from_dict({"params": params, "purchase_covariates": ["size"]})
    found = model.active_by(some, [5.0, 91.0]).probabilities
    np.testing.assert_allclose(found[:, 1], model.probability_active(some, 91.0), atol=1e-5)


@pytest.mark.parametrize("horizons", [[0.0, 1.0], [2.0, 1.0], [1.0, np.nan]])
def test_times_that_do_not_grow_are_refused(customers, horizons):
    with pytest.raises(InputError):
        MODELS[0].active_by(customers, horizons)


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_a_share_has_bought_within_the_horizon_exactly_where_p_active_says_so(model, customers):
    corrected = np.random.default_rng(1).uniform(0.001, 0.999, len(customers))
    days = next_purchase_days(model, customers, corrected, HORIZON)
    for name, share in QUANTILES.items():
        np.testing.assert_array_equal(days[name] < HORIZON, corrected >= share)


def test_the_horizon_is_the_day_by_which_the_share_of_p_active_has_bought(customers):
    probability = np.full(len(customers), 0.3)
    by_btyd = MODELS[0].active_by(customers, knots(HORIZON))
    found = days_until(np.array([0.3]), by_btyd, probability, knots(HORIZON), HORIZON)
    np.testing.assert_array_equal(found, HORIZON)


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
@pytest.mark.parametrize("horizon", [1, 7, 91, 728])
def test_quantiles_are_in_order_whole_days_and_within_two_horizons(model, customers, horizon):
    probability = np.clip(model.probability_active(customers, horizon), 1e-4, 1 - 1e-4)
    days = next_purchase_days(model, customers, probability, horizon)
    assert (days.stack().dropna() >= 0).all()
    assert (days.stack().dropna() < HORIZONS * horizon).all()
    assert (days.stack().dropna() % 1 == 0).all()
    filled = days.fillna(np.inf)
    assert (filled["next_purchase_low"] <= filled["next_purchase"]).all()
    assert (filled["next_purchase"] <= filled["next_purchase_high"]).all()


def test_a_likelier_customer_is_expected_no_later(customers):
    earlier = [
        next_purchase_days(MODELS[2], customers, np.full(len(customers), p), HORIZON).fillna(np.inf)
        for p in (0.8, 0.4, 0.05)
    ]
    for sooner, later in pairwise(earlier):
        assert (sooner <= later).all(axis=None)


def test_who_else_is_asked_about_changes_no_date(customers):
    probability = np.clip(MODELS[2].probability_active(customers, HORIZON), 1e-4, 1 - 1e-4)
    all_of_them = next_purchase_days(MODELS[2], customers, probability, HORIZON)
    few = next_purchase_days(MODELS[2], customers.iloc[5:9], probability[5:9], HORIZON)
    pd.testing.assert_frame_equal(few, all_of_them.iloc[5:9])


def test_a_quantile_lies_where_the_distribution_reaches_it(customers):
    """Between the knots the share is exact to a fifth of a per cent."""
    model, horizon = MODELS[0], 364
    probability = np.clip(model.probability_active(customers, horizon), 1e-4, 1 - 1e-4)
    days = next_purchase_days(model, customers, probability, horizon)["next_purchase"].dropna()
    for customer, day in days.iloc[::40].items():
        one = customers.loc[[customer]]
        assert model.probability_active(one, day + 1)[0] >= 0.5 - 0.002
        assert model.probability_active(one, day)[0] < 0.5 + 0.002


def test_eight_in_ten_simulated_customers_buy_within_their_interval():
    customers = simulated(20_000, seed=3)
    probability = np.clip(MODELS[0].probability_active(customers, HORIZON), 1e-4, 1 - 1e-4)
    days = next_purchase_days(MODELS[0], customers, probability, HORIZON)
    # Whole days make an interval wider than 80 %: only those that are long beside a day are asked.
    known = days["next_purchase_high"].notna() & (days["next_purchase_low"] >= 1)
    following = np.floor(customers["following"])
    inside = (following >= days["next_purchase_low"]) & (following <= days["next_purchase_high"])
    assert known.sum() > 300
    assert inside[known].mean() == pytest.approx(0.8, abs=0.05)
    below = following[days["next_purchase"].notna()] <= days["next_purchase"].dropna()
    assert below.mean() == pytest.approx(0.5, abs=0.03)


def test_no_chance_at_all_by_the_purchase_model_gives_no_early_date():
    """The trees may correct a customer who has left by BTYD: the date follows from their probability."""
    curves = np.array([[1e-13, 1e-12, 2e-12, 3e-12]])
    by_btyd = ActiveBy(np.ones(1), curves, np.zeros(1, dtype=int))
    found = days_until(np.array([0.1, 0.9]), by_btyd, np.array([0.2]), np.array([1.0, 2.0, 4.0, 8.0]), 4)
    assert 1 <= found[0, 0] <= 4
    assert np.isnan(found[0, 1])
