"""How far groups foretell what customers then spend, beside as many groups of past spend."""

import numpy as np
import pandas as pd
import pytest

from duramen.analysis.separation import separation
from duramen.data.errors import InputError


def test_groups_that_know_the_future_separate_all_of_it_and_random_ones_nothing():
    rng = np.random.default_rng(0)
    past, money = rng.gamma(1, 10, 4_000), rng.choice([0.0, 10.0, 100.0], 4_000)
    known = separation(money, past, money).set_index("grouping")
    assert known.loc["groups", ["log_value", "active"]].tolist() == pytest.approx([1, 1])
    assert known.loc["difference", "log_value_low"] > 0.9
    random = separation(rng.integers(0, 4, 4_000), past, money).set_index("grouping")
    assert random.loc["groups", "log_value"] < 0.01
    assert random.loc["difference", "log_value_low"] < 0 < random.loc["difference", "log_value_high"]


def test_groups_that_are_past_spend_differ_from_it_in_nothing():
    past = np.random.default_rng(1).gamma(1, 10, 400)
    told = separation(np.argsort(np.argsort(past)) * 4 // 400, past, past[::-1]).set_index("grouping")
    assert told["number"].iloc[:2].tolist() == [4, 4]
    assert told.loc["difference", ["log_value", "log_value_low", "active_high"]].abs().max() < 1e-12


def test_no_unit_of_money_matters_to_the_separation():
    rng = np.random.default_rng(2)
    past, money = rng.gamma(1, 10, (2, 300)) * rng.integers(0, 2, (2, 300))
    groups = rng.integers(0, 3, 300)
    cents = separation(groups, 100 * past, 100 * money)
    pd.testing.assert_frame_equal(separation(groups, past, money), cents)


@pytest.mark.parametrize(("groups", "money"), [(["a", "b"], [0.0, 0.0]), (["a", "a"], [1.0, 0.0])])
def test_one_group_or_no_money_separates_nothing(groups, money):
    with pytest.raises(InputError, match="two groups and some money are needed"):
        separation(groups, [1.0, 2.0], money)
