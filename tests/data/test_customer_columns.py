"""Columns beside the customers: refused in a sentence where they cannot be used, else plain arrays."""

import numpy as np
import pandas as pd
import pytest

from duramen.data.customer_columns import known_numbers, who_left
from duramen.errors import InputError


def test_numbers_come_back_as_floats_in_their_order():
    for values in ([2, 0, 1], np.array([2, 0, 1]), pd.Series([2, 0, 1], index=[5, 3, 1])):
        numbers = known_numbers(values, "value", 3)
        assert numbers.dtype == np.float64
        np.testing.assert_array_equal(numbers, [2, 0, 1])


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (["high", "low"], "value has values that are not numeric .*high.*; give one number per customer"),
        ([], r"value has the shape \(0,\); give one number for each of the 2 customers"),
        (
            [1.0, 2.0, 3.0],
            r"value has the shape \(3,\); give one number for each of the 2 customers, in the same order",
        ),
        ([[1.0], [2.0]], r"value has the shape \(2, 1\)"),
        (
            [1.0, None],
            r"missing or not a number from 0 to 9 for 1 of 2 customers \(row 1: nan\); fix or leave out",
        ),
        ([-np.inf, 10], r"for 2 of 2 customers \(row 0: -inf, row 1: 10\)"),
    ],
)
def test_what_is_no_number_for_each_customer_is_refused(values, sentence):
    with pytest.raises(InputError, match=sentence):
        known_numbers(values, "value", 2, 0, 9)


def test_without_bounds_or_customers_the_sentence_names_none():
    with pytest.raises(InputError, match=r"give one number for each customer, in the same order\.$"):
        known_numbers([], "value")
    with pytest.raises(InputError, match="value is missing or not a number for 1 of 1 customers"):
        known_numbers([np.nan], "value")


def test_three_examples_are_enough():
    with pytest.raises(InputError, match=r"for 5 of 5 customers \(row 0: 2, row 1: 2, row 2: 2\)"):
        known_numbers([2.0] * 5, "churn_probability", low=0, high=1)


def test_leaving_is_one_or_true():
    np.testing.assert_array_equal(who_left([True, False]), [True, False])
    np.testing.assert_array_equal(who_left(pd.Series([0.0, 1.0])), [False, True])


def test_a_probability_is_no_outcome():
    with pytest.raises(InputError, match=r"neither 0 nor 1 for 2 of 3 customers \(row 0: 0.4, row 2: 0.9\)"):
        who_left([0.4, 1, 0.9])
