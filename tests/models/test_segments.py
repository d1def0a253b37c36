"""Behavioural segments: stable, named, told in rules, and given to new customers without a refit."""

import numpy as np
import pandas as pd
import pytest

from duramen.models.segments import FEWEST, MOST, SMALLEST_SHARE, TREATMENTS, BehaviouralSegmenter


@pytest.fixture(scope="module")
def fitted(shop):
    return shop.model.segments_


@pytest.fixture(scope="module")
def labels(shop, fitted):
    return fitted.predict(shop.customers)


def few_kinds(kinds):
    rows = [
        {"frequency": 0.0, "T": 100.0, "gap_mean": np.nan, "basket_geometric_mean": 10.0 * 5**kind,
         "time_since_last": 100.0, "purchase_position": np.nan}
        for kind in range(kinds)
    ]  # fmt: skip
    return pd.DataFrame(rows * 30)


def test_there_are_three_to_seven_segments_and_none_is_tiny(fitted, labels):
    sizes = np.bincount(labels)[1:]
    assert FEWEST <= len(sizes) <= MOST
    assert sizes.min() >= SMALLEST_SHARE * len(labels) * 0.9
    np.testing.assert_array_equal(fitted.profile_["customers"], sizes)


def test_segments_are_numbered_by_falling_spend_rate(shop, labels):
    rate = np.log((shop.customers["frequency"] + 0.5) / (shop.customers["T"] + shop.model.base_gap_))
    spend = (rate + np.log(shop.customers["basket_geometric_mean"])).groupby(labels).mean()
    assert spend.is_monotonic_decreasing


def test_the_order_of_rows_changes_no_label(shop, fitted, labels):
    order = np.random.default_rng(0).permutation(len(labels))
    np.testing.assert_array_equal(fitted.predict(shop.customers.iloc[order]), labels[order])


def test_a_refit_with_the_same_seed_gives_the_same_segments(shop, fitted):
    assert BehaviouralSegmenter(seed=0).fit(shop.customers).to_dict() == fitted.to_dict()


def test_a_refit_on_most_of_the_customers_keeps_most_labels(shop, labels):
    from sklearn.metrics import adjusted_rand_score

    again = BehaviouralSegmenter(seed=1).fit(shop.customers.sample(frac=0.8, random_state=0))
    assert adjusted_rand_score(labels, again.predict(shop.customers)) > 0.6


def test_a_new_customer_is_given_the_segment_of_its_twin(shop, fitted, labels):
    newcomer = shop.customers.iloc[[11]].assign(customer_id="newcomer")
    assert fitted.predict(newcomer) == labels[[11]]


def test_an_extreme_customer_still_gets_a_segment(shop, fitted):
    extreme = shop.customers.head(1).assign(frequency=5000.0, basket_geometric_mean=1e9, gap_mean=0.1)
    assert fitted.predict(extreme)[0] in set(fitted.profile_["segment"])


def test_names_are_distinct_and_carry_the_number(fitted):
    names = fitted.names(fitted.profile_["segment"].to_numpy())
    assert len(set(names)) == len(names)
    assert [name.split(" ")[0] for name in names] == [str(number) for number in fitted.profile_["segment"]]


def test_every_segment_has_a_rule_and_a_treatment(fitted):
    assert fitted.profile_["rule"].str.len().gt(0).all()
    assert set(fitted.profile_["treatment"]) <= set(TREATMENTS.values())
    assert {fresh for fresh, _ in TREATMENTS} == {"active", "fading", "quiet"}


def test_rules_are_as_faithful_as_they_say(fitted):
    assert 0.6 < fitted.rule_fidelity_ <= 1.0


def test_stability_is_between_zero_and_one_and_high_on_the_shop(fitted):
    assert 0.8 <= fitted.stability_ <= 1.0


def test_the_unit_of_money_does_not_matter(shop, labels):
    dear = shop.customers.assign(basket_geometric_mean=shop.customers["basket_geometric_mean"] * 1024)
    again = BehaviouralSegmenter(seed=0).fit(dear).predict(dear)
    assert (again == labels).mean() > 0.99


@pytest.mark.parametrize("kinds", [1, 2, 3, 4])
def test_customers_of_a_few_kinds_are_no_error(kinds):
    customers = few_kinds(kinds)
    labels = BehaviouralSegmenter().fit(customers).predict(customers)
    assert 1 <= len(set(labels)) <= max(kinds, 1)


def test_state_and_back_assigns_and_names_the_same(shop, fitted, labels):
    again = BehaviouralSegmenter.from_dict(fitted.to_dict())
    np.testing.assert_array_equal(again.predict(shop.customers), labels)
    np.testing.assert_array_equal(again.names(labels), fitted.names(labels))
    pd.testing.assert_frame_equal(again.profile_, fitted.profile_)
