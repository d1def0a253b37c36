"""Credibility of spend: what it recovers, when customers' own baskets count, and where gamma-gamma gives up."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duramen.btyd import BetaGeoModel, CredibilitySpendModel, GammaGammaModel, customer_lifetime_value
from duramen.errors import InputError
from duramen.evaluation.metrics import normalised_gini


def customers_of(days, expected, shape, rng):
    """Draw baskets, gamma about each customer's expected spend, and return what a customer table has of them."""
    days = np.asarray(days)
    customer = np.repeat(np.arange(len(days)), days)
    basket = rng.gamma(shape, np.repeat(expected, days) / shape)
    mean = np.bincount(customer, basket) / days
    geometric = np.exp(np.bincount(customer, np.log(basket)) / days)
    return pd.DataFrame({"frequency": days - 1.0, "basket_mean": mean, "basket_evenness": geometric / mean})


def world(customers=20_000, seed=0):
    """Draw customers by gamma-gamma's own premises: p = 4, q = 6, v = 40, whose mean is 32 and variance 256."""
    rng = np.random.default_rng(seed)
    expected = 4 * 40 / rng.gamma(6, size=customers)
    return customers_of(rng.geometric(0.35, customers), expected, 4.0, rng), expected


def correlated_shop(customers=2500, seed=0):
    """Draw a shop whose regulars have larger baskets: 16 purchase days each, correlated .66 with what they spend."""
    rng = np.random.default_rng(seed)
    days = rng.geometric(1 / 16, customers)
    expected = (85 - 75 / np.sqrt(days)) * np.exp(0.05 * rng.normal(size=customers))
    return customers_of(days, expected, 4.0, rng), expected


def test_variances_and_mean_are_those_of_the_customers_that_were_drawn():
    customers, expected = world()
    found = CredibilitySpendModel().fit(customers).params_
    assert found["collective_mean"] == pytest.approx(32.0, rel=0.03)
    assert found["between_variance"] == pytest.approx(256.0, rel=0.1)
    assert found["within_variance"] == pytest.approx((32.0**2 + 256.0) / 4, rel=0.05)
    assert found["within_variance"] == pytest.approx(np.mean(expected**2) / 4, rel=0.05)


def test_where_gamma_gammas_premise_holds_both_expect_the_same():
    customers, expected = world()
    credible = CredibilitySpendModel().fit(customers).expected_spend(customers)
    gamma = GammaGammaModel(purchases="all").fit(customers).expected_spend(customers)
    np.testing.assert_allclose(credible, gamma, rtol=0.08)
    for forecast in (credible, gamma):
        closer = np.mean((forecast - expected) ** 2) / np.mean((customers["basket_mean"] - expected) ** 2)
        assert closer < 0.75


def test_estimates_are_unbiased_over_many_small_data_sets():
    found = pd.DataFrame([CredibilitySpendModel().fit(world(300, seed)[0]).params_ for seed in range(60)])
    within = found["within_variance"] / (found["collective_mean"] ** 2 + found["between_variance"])
    assert 1 / within.mean() == pytest.approx(4.0, rel=0.05)
    # The largest of 300 means counts as much as the next, so that a is a little low.
    assert 180 < found["between_variance"].mean() < 270


def test_a_shop_whose_regulars_spend_more_is_spread_by_credibility_alone():
    customers, expected = correlated_shop()
    gamma = GammaGammaModel(purchases="all").fit(customers)
    assert gamma.params_["q"] > 100_000
    assert customers["basket_mean"].std() > 15
    alike = gamma.expected_spend(customers)
    assert alike.std() < 0.05
    spread = CredibilitySpendModel().fit(customers).expected_spend(customers)
    assert normalised_gini(spread, expected) > normalised_gini(alike, expected) + 0.2
    assert np.sqrt(np.mean((spread - expected) ** 2)) < 0.85 * expected.std()


def test_one_time_buyers_are_ordered_by_their_first_basket():
    customers, _ = world(2000)
    model = CredibilitySpendModel().fit(customers)
    once = customers[customers["frequency"] == 0].sort_values("basket_mean")
    expected = model.expected_spend(once)
    assert (np.diff(expected) > 0).all()
    # Between the own basket and the collective mean.
    middle = model.params_["collective_mean"]
    assert (np.abs(expected - middle) < np.abs(once["basket_mean"] - middle)).all()


def test_more_purchase_days_make_the_own_mean_count_for_more():
    model = CredibilitySpendModel().fit(world(2000)[0])
    days = pd.DataFrame({"frequency": [0, 1, 5, 50, 5000], "basket_mean": 90.0})
    expected = model.expected_spend(days)
    assert (np.diff(expected) > 0).all()
    assert expected[-1] == pytest.approx(90.0, rel=0.01)


@pytest.mark.parametrize("scale", [0.01, 7.3, 1e6])
def test_money_times_k_gives_spend_times_k(scale):
    one, _ = world(1000)
    other = one.assign(basket_mean=one["basket_mean"] * scale)
    found = [CredibilitySpendModel().fit(table).expected_spend(table) for table in (one, other)]
    np.testing.assert_allclose(found[1], found[0] * scale, rtol=1e-9)


def test_one_whale_changes_neither_the_mean_nor_the_credibility_of_the_others():
    customers, _ = world(1000)
    whale = pd.DataFrame({"frequency": [99.0], "basket_mean": [1e6], "basket_evenness": [0.6]})
    alone, beside = (
        CredibilitySpendModel().fit(table) for table in (customers, pd.concat([customers, whale]))
    )
    assert beside.params_["collective_mean"] == pytest.approx(alone.params_["collective_mean"], rel=0.05)
    once = pd.DataFrame({"frequency": [0], "basket_mean": [100.0]})
    assert beside.expected_spend(once)[0] == pytest.approx(alone.expected_spend(once)[0], rel=0.25)
    # However much customers differ, one basket has no more weight than its own variation leaves it.
    unequal = customers.assign(basket_mean=customers["basket_mean"] ** 3)
    params = CredibilitySpendModel().fit(unequal).params_
    assert params["between_variance"] / (params["between_variance"] + params["within_variance"]) < 0.82


def test_weights_are_repeated_rows_and_the_order_of_rows_leaves_no_trace():
    customers, _ = world(500)
    weight = np.arange(500) % 4
    weighted = CredibilitySpendModel().fit(customers, sample_weight=weight)
    repeated = CredibilitySpendModel().fit(customers.loc[customers.index.repeat(weight)])
    assert weighted.params_ == pytest.approx(repeated.params_, rel=1e-9)
    shuffled = customers.assign(weight=weight).sample(frac=1, random_state=1)
    again = CredibilitySpendModel().fit(shuffled, sample_weight=shuffled["weight"])
    assert again.to_dict() == weighted.to_dict()
    loaded = CredibilitySpendModel.from_dict(json.loads(json.dumps(weighted.to_dict())))
    np.testing.assert_array_equal(loaded.expected_spend(customers), weighted.expected_spend(customers))


def test_customers_who_all_bought_once_are_expected_to_spend_alike_and_a_note_says_why():
    once = pd.DataFrame({"frequency": 0.0, "basket_mean": [5.0, 20.0, 40.0, 40.0], "basket_evenness": 1.0})
    model = CredibilitySpendModel().fit(once)
    np.testing.assert_allclose(model.expected_spend(once), 26.25)
    assert "No customer has two purchase days" in model.notes_[0]


def test_customers_who_differ_by_chance_alone_are_expected_to_spend_alike_and_a_note_says_so():
    rng = np.random.default_rng(2)
    customers = customers_of(rng.geometric(0.3, 400), np.full(400, 30.0), 1.0, rng)
    model = CredibilitySpendModel().fit(customers)
    assert model.params_["between_variance"] == 0
    assert "no more than by chance" in model.notes_[0]
    np.testing.assert_allclose(model.expected_spend(customers), model.params_["collective_mean"])


def test_baskets_that_never_change_are_believed_at_once():
    fees = pd.DataFrame(
        {"frequency": [0.0, 3, 7, 11], "basket_mean": [10.0, 20, 30, 20], "basket_evenness": 1.0}
    )
    model = CredibilitySpendModel().fit(fees)
    np.testing.assert_allclose(model.expected_spend(fees), fees["basket_mean"], rtol=1e-3)


def test_a_lifetime_value_takes_credible_spend(cdnow):
    customers = cdnow.assign(basket_mean=cdnow["monetary_value"].fillna(20.0), basket_evenness=0.9)
    purchases, spend = BetaGeoModel().fit(customers), CredibilitySpendModel().fit(customers)
    by_model, by_array = (
        customer_lifetime_value(purchases, money, customers, 39, unit="weeks")
        for money in (spend, spend.expected_spend(customers))
    )
    np.testing.assert_array_equal(by_model, by_array)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"basket_mean": 0.0}, "basket_mean is not positive in 3 of 3 rows"),
        ({"basket_mean": "a lot"}, "basket_mean is not a finite number"),
        ({"basket_mean": np.nan}, "known for none of the 3 customers"),
        ({"frequency": -1.0}, "frequency is negative"),
    ],
)
def test_inadmissible_tables_are_refused_in_a_sentence(change, sentence):
    table = pd.DataFrame({"frequency": [0.0, 1, 2], "basket_mean": 5.0, "basket_evenness": 0.9})
    with pytest.raises(InputError, match=sentence):
        CredibilitySpendModel().fit(table.assign(**change))


@pytest.mark.parametrize(
    "saved",
    [
        {"model": "GammaGammaModel", "params": {}},
        {"params": {"collective_mean": 3.0, "within_variance": 1.0}},
        {"params": {"collective_mean": 3.0, "within_variance": 0.0, "between_variance": 1.0}},
        {"params": {"collective_mean": 3.0, "within_variance": 2.0, "between_variance": -1.0}},
    ],
)
def test_a_saved_model_of_another_kind_or_without_a_parameter_is_refused(saved):
    with pytest.raises(InputError, match=r"GammaGammaModel, not a|needs a positive"):
        CredibilitySpendModel.from_dict(saved)


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.one_of(st.integers(0, 5), st.integers(0, 10_000)),
            st.floats(-4.6, 20.7).map(np.exp),
            st.floats(-15, 0).map(np.exp),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_every_admissible_table_fits_and_gives_finite_positive_spend(rows):
    data = pd.DataFrame(rows, columns=["frequency", "basket_mean", "basket_evenness"])
    model = CredibilitySpendModel().fit(data)
    assert np.isfinite(list(model.params_.values())).all()
    expected = model.expected_spend(data)
    assert np.isfinite(expected).all()
    assert (expected > 0).all()
    CredibilitySpendModel.from_dict(model.to_dict())


def test_draws_have_the_expected_spend_and_the_variance_that_purchase_days_leave():
    params = {"collective_mean": 40.0, "within_variance": 600.0, "between_variance": 300.0}
    model = CredibilitySpendModel.from_dict({"params": params})
    customers = pd.DataFrame({"frequency": [0, 7], "basket_mean": [100.0, 100.0]})
    drawn = model.simulate_spend(customers, 200_000, 0)
    np.testing.assert_allclose(drawn.mean(axis=1), model.expected_spend(customers), rtol=0.01)
    np.testing.assert_allclose(drawn.var(axis=1), [200.0, 60.0], rtol=0.02)
    assert model.basket_shape == pytest.approx((40.0**2 + 300.0) / 600.0)
