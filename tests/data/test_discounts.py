"""A rate of discount is turned into money; money stays money."""

import numpy as np
import pandas as pd
import pytest

from duramen.data.reading import read_transactions
from duramen.errors import InputError

ROWS = 200


def orders(discount, amount=80.0, name="discount"):
    days = pd.date_range("2021-01-01", periods=ROWS, freq="D")
    return pd.DataFrame({"customer": "a", "date": days, "amount": amount, name: discount})


def given_off(frame, **parameters):
    tx = read_transactions(frame, **parameters)
    return float(tx.days.discount.sum().to_pyarrow().as_py()), tx.assumed


@pytest.mark.parametrize(
    ("discount", "name"),
    [
        ([0.2] * ROWS, "discount"),
        (["20%"] * ROWS, "discount"),
        (["20,0 %"] * ROWS, "discount"),
        ([20] * ROWS, "discount_percent"),
        (["0.2"] * ROWS, "Discount Rate"),
    ],
)
def test_a_rate_is_turned_into_the_money_that_it_gave_off(discount, name):
    money, assumed = given_off(orders(discount, name=name))
    assert money == pytest.approx(20 * ROWS)
    assert f"column {name!r} is a rate of discount, not money" in assumed[-1]


@pytest.mark.parametrize(
    ("discount", "amount"),
    [
        ([0.2] * 99 + [0.0] * 101, 80.0),
        ([0.2] * ROWS, 4.0),
        ([1.5] + [0.2] * (ROWS - 1), 80.0),
        (np.arange(1, ROWS + 1) / 1000, 80.0),
    ],
    ids=["few are filled", "small amounts", "one is above 1", "many different ones"],
)
def test_a_discount_is_money_unless_it_is_proven_to_be_a_rate(discount, amount):
    money, assumed = given_off(orders(discount, amount))
    assert money == pytest.approx(sum(discount))
    assert assumed == ()


def test_what_the_user_says_is_a_rate_is_one():
    money, _ = given_off(orders([0.5] * ROWS, 2.0, "off"), columns={"discount_rate": "off"})
    assert money == pytest.approx(2 * ROWS)
    left_out = read_transactions(orders(["20%"] * ROWS), columns={"discount": ""})
    assert "discount" not in left_out.days.columns
    assert left_out.assumed == ()
    with pytest.raises(InputError, match="goes up to 250; give rates from 0 to 100 percent"):
        read_transactions(orders([250] * ROWS, name="discount_rate"))


def test_a_line_that_is_given_away_has_no_known_discount():
    money, _ = given_off(orders(["100%"] + ["20%"] * (ROWS - 1)))
    assert money == pytest.approx(20 * (ROWS - 1))
