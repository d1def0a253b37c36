"""Price-led against full-price buyers: who is called either, and whether they differ in what they then spend."""

import numpy as np
import pandas as pd
import pytest

from duramen.analysis.price_buyers import (
    BETWEEN,
    BUYERS,
    FULL_PRICE,
    PRICE_LED,
    TOO_FEW,
    price_led_buyers,
    price_led_difference,
    price_sensitivity,
)
from duramen.data.customers import customer_table
from duramen.data.outcomes import customer_outcomes
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.errors import InputError


def bought(shares, frequency=9.0):
    return pd.DataFrame({"frequency": frequency, "discount_share": shares}, dtype=float)


@pytest.fixture(scope="module")
def grocer():
    columns = {"discount": "retail_disc", "order": "", "product": "", "quantity": ""}
    tx = read_transactions("dataset:complete_journey", columns=columns)
    customers = customer_table(tx, "2017-10-01")
    outcomes = customer_outcomes(tx, Window("2017-10-01", 91), customers).set_index("customer_id")["value"]
    return customers, outcomes


def ranked(customers):
    n = len(customers)
    return pd.DataFrame(
        {
            "customer_id": customers["customer_id"],
            "predicted_value": np.arange(n, dtype=float),
            "growth_potential": 0.0,
            "churn_probability": np.linspace(0, 1, n),
        }
    )


def test_the_third_who_get_most_off_are_price_led_and_the_third_who_get_least_pay_in_full():
    called = price_led_buyers(bought(np.random.default_rng(0).permutation(300) / 1000))
    assert {name: (called == name).sum() for name in BUYERS} == {
        PRICE_LED: 100, BETWEEN: 100, FULL_PRICE: 100, TOO_FEW: 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("shares", "price_led", "full_price"),
    [
        ([0, 0, 0, 0, 0, 0, 0, 0.1, 0.2], 2, 7),
        ([0, 0.1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5], 7, 2),
        ([0, 0, 0, 0, 0.5, 0.5, 0.5, 0.5], 4, 4),
    ],
)
def test_where_many_had_the_same_part_off_they_are_called_the_same(shares, price_led, full_price):
    called = price_led_buyers(bought(shares))
    assert (called == PRICE_LED).sum() == price_led
    assert (called == FULL_PRICE).sum() == full_price


def test_nobody_of_few_purchases_is_called_either():
    customers = bought([0.0, 0.1, 0.2, 0.3, 0.9], [4, 4, 4, 4, 3])
    assert (price_led_buyers(customers) == TOO_FEW).tolist() == [False] * 4 + [True]
    assert price_led_buyers(customers, least_purchases=4)[4] == PRICE_LED


def test_a_discount_that_is_unknown_calls_nobody():
    assert price_led_buyers(bought([0.0, 0.1, 0.2, np.nan]))[3] == TOO_FEW


def test_every_household_is_in_one_row_and_the_means_are_theirs(grocer):
    customers, outcomes = grocer
    ranking = ranked(customers).sample(frac=1, random_state=0)
    table = price_sensitivity(ranking, customers, 91, then_spent=outcomes).set_index("buyers")
    assert table["customers"].sum() == len(customers)
    assert table["share_of_customers"].sum() == pytest.approx(1)
    by_hand = customers["discount_share"][price_led_buyers(customers) == PRICE_LED].mean()
    assert table.loc[PRICE_LED, "discount_share_mean"] == pytest.approx(by_hand)
    assert (table["customers"] * table["then_spent_mean"]).sum() == pytest.approx(outcomes.sum())
    assert (table["customers"] * table["predicted_value_mean"]).sum() == pytest.approx(
        ranking["predicted_value"].sum()
    )


def test_at_the_grocer_price_led_households_spend_less_but_not_than_those_alike_before(grocer):
    customers, outcomes = grocer
    table = price_led_difference(price_led_buyers(customers), customers["net_spend"], outcomes)
    table = table.set_index("compared")
    certainty = table["spent"] / table["spent_standard_error"]
    assert certainty["all"] < -3
    assert abs(certainty["alike"]) < 2


def test_a_planted_difference_is_found_among_those_alike_and_a_planted_likeness_is_not_one():
    rng = np.random.default_rng(1)
    past = rng.gamma(2, 50, 4_000)
    buyers = np.where(rng.random(4_000) < past / 250, PRICE_LED, FULL_PRICE)
    later = past + rng.normal(0, 20, 4_000) + 200
    same = price_led_difference(buyers, past, later).set_index("compared")
    assert same.loc["all", "spent"] > 20
    assert abs(same.loc["alike", "spent"]) < 4
    less = price_led_difference(buyers, past, later - 30 * (buyers == PRICE_LED)).set_index("compared")
    assert less.loc["alike", "spent"] == pytest.approx(same.loc["alike", "spent"] - 30)
    assert less.loc["alike", "spent_standard_error"] == pytest.approx(
        same.loc["alike", "spent_standard_error"]
    )


def test_its_standard_error_is_that_of_a_difference_of_means():
    rng = np.random.default_rng(2)
    errors = []
    for _ in range(200):
        buyers = rng.permutation(np.repeat([PRICE_LED, FULL_PRICE, BETWEEN], 100).astype(object))
        told = price_led_difference(buyers, np.arange(300.0), rng.exponential(1, 300))
        errors.append(told["spent"] / told["spent_standard_error"])
    assert np.std(errors, axis=0) == pytest.approx([1, 1], abs=0.15)


def test_without_a_discount_column_it_says_so():
    customers = bought([0.0, 0.1, 0.2]).drop(columns="discount_share").assign(customer_id=[1, 2, 3])
    for ask in (
        lambda: price_led_buyers(customers),
        lambda: price_sensitivity(ranked(customers), customers, 91),
    ):
        with pytest.raises(
            InputError, match=r"no column discount_share, .* give the orders a column of discounts in money"
        ):
            ask()


@pytest.mark.parametrize(
    ("customers", "told"),
    [
        (
            bought([0.2] * 9),
            r"all 9 customers with 5 purchase days or more have the same discount share \(20.0%\)",
        ),
        (bought([0.0] * 9), r"have the same discount share \(0.0%\)"),
        (
            bought([0.1, 0.2, 0.3], 1),
            r"0 of 3 customers have 5 purchase days, too few .* lower least_purchases",
        ),
    ],
)
def test_discounts_that_tell_nobody_apart_are_refused(customers, told):
    with pytest.raises(InputError, match=told):
        price_led_buyers(customers)


def test_too_few_of_either_are_not_compared():
    with pytest.raises(InputError, match="1 price-led and 2 full-price buyers are too few to compare"):
        price_led_difference([PRICE_LED, FULL_PRICE, FULL_PRICE, TOO_FEW], [1, 2, 3, 4], [1, 2, 3, 4])
