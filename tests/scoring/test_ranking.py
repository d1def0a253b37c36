"""Rank, tier and the smallest core set, on frames small enough to check by hand and on the real shop."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duramen.scoring.ranking import (
    CORE_SHARE,
    REGULAR_SHARE,
    TIERS,
    VIP_SHARE,
    rank_core_customers,
    smallest_set,
)


def scores_of(values, growth=None, ids=None):
    values = np.asarray(values, dtype=float)
    growth = np.zeros(len(values)) if growth is None else np.asarray(growth, dtype=float)
    return pd.DataFrame(
        {
            "customer_id": np.arange(len(values)) if ids is None else ids,
            "score": values + 0.25 * growth,
            "predicted_value": values,
            "growth_potential": growth,
        }
    )


def test_ranks_are_one_to_n_by_falling_score(shop):
    assert list(shop.ranking["rank"]) == list(range(1, len(shop.ranking) + 1))
    assert shop.ranking["score"].is_monotonic_decreasing


def test_equal_scores_are_ordered_by_customer_id():
    ranking = rank_core_customers(scores_of([5, 9, 5, 5], ids=["d", "z", "a", "b"]))
    assert list(ranking["customer_id"]) == ["z", "a", "b", "d"]
    backwards = rank_core_customers(scores_of([5, 5, 9, 5], ids=["b", "a", "z", "d"]))
    assert list(backwards["customer_id"]) == ["z", "a", "b", "d"]


def test_real_ties_are_ordered_by_customer_id(shop):
    tied = shop.ranking.groupby("score")["customer_id"]
    assert (tied.size() > 1).any()
    assert all(ids.is_monotonic_increasing for _, ids in tied)


def test_ranking_leaves_the_frame_given_as_it_was(shop):
    scores = shop.scores.copy(deep=True)
    rank_core_customers(scores)
    pd.testing.assert_frame_equal(scores, shop.scores)


def test_ranking_a_ranking_changes_nothing(shop):
    pd.testing.assert_frame_equal(rank_core_customers(shop.ranking), shop.ranking)


def test_tiers_by_hand():
    # 40 of 100 is one customer; 80 is the first three; 95 the first five; the last two are small.
    ranking = rank_core_customers(scores_of([40, 25, 15, 10, 5, 3, 2]))
    assert list(ranking["tier"]) == ["VIP", "main", "main", "regular", "regular", "small", "small"]


def test_a_rising_customer_lies_outside_the_core_and_has_more_growth_than_half_its_value():
    ranking = rank_core_customers(scores_of([40, 25, 15, 10, 5, 3, 2], growth=[90, 0, 0, 0, 0, 1, 30]))
    tiers = ranking.set_index("predicted_value")["tier"]
    assert tiers[2] == "rising"
    assert tiers[40] == "VIP"
    assert tiers[3] == "small"


def test_tiers_of_the_shop_follow_their_definitions(shop):
    ranking, total = shop.ranking, shop.ranking["predicted_value"].sum()
    assert set(ranking["tier"]) == set(TIERS)
    value = ranking.groupby("tier")["predicted_value"]
    vip, main = value.sum()["VIP"], value.sum()["main"]
    assert vip - value.min()["VIP"] < VIP_SHARE * total <= vip
    core = vip + main
    assert core - value.min()["main"] < CORE_SHARE * total <= core
    assert value.min()["VIP"] >= value.max()["main"]
    assert value.min()["main"] >= value.max()["regular"] >= value.min()["regular"] >= value.max()["small"]
    outside = ranking[~ranking["tier"].isin(["VIP", "main"])]
    rising = outside["tier"] == "rising"
    assert (outside.loc[rising, "growth_potential"] > 0.5 * outside.loc[rising, "predicted_value"]).all()
    assert rising.mean() <= 0.11
    held = total - value.sum()["small"] - value.sum()["rising"]
    assert held <= REGULAR_SHARE * total + value.max()["regular"]


# Money is counted in ten-thousandths at the door.
money = st.just(0.0) | st.floats(1e-4, 1e6)
values_of_customers = st.lists(money, min_size=1, max_size=30).map(np.array)


@given(values_of_customers, st.floats(0.05, 1.0))
def test_no_smaller_set_holds_the_part(values, part):
    held = smallest_set(values, part)
    if values.sum() <= 0:
        assert not held.any()
        return
    needed = part * values.sum() * (1 - 1e-9)
    assert values[held].sum() >= needed
    assert np.sort(values)[::-1][: held.sum() - 1].sum() < part * values.sum() * (1 + 1e-9)


@given(values_of_customers, st.sampled_from([2.0, 0.25, 1024.0]))
def test_the_core_does_not_depend_on_the_unit_of_money(values, factor):
    np.testing.assert_array_equal(smallest_set(values), smallest_set(values * factor))


@pytest.mark.parametrize("values", [np.array([]), np.zeros(3)], ids=["nobody", "no value"])
def test_without_value_there_is_no_core(values):
    assert not smallest_set(values).any()
