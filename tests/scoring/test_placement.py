"""A customer alone is placed as in the whole base: by thresholds that the model keeps from its training."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.placement import PlacementThresholds, place_customers
from duramen.scoring.ranking import rank_core_customers
from duramen.scoring.tiers import DEFAULT_TIERS, Tier, Tiers


def scores_of(values, growth=0.0):
    values = np.asarray(values, dtype=float)
    growth = np.broadcast_to(np.asarray(growth, dtype=float), values.shape)
    return pd.DataFrame(
        {
            "customer_id": np.arange(len(values)),
            "score": values + 0.25 * growth,
            "predicted_value": values,
            "growth_potential": growth,
            "growth_rate": growth / np.maximum(values, 1e-9) - 0.5,
            "probability_growing": growth / np.maximum(growth + values, 1e-9),
        }
    )


def thresholds_of(scores, tiers=DEFAULT_TIERS):
    return PlacementThresholds.of_ranking(rank_core_customers(scores, tiers), tiers)


@pytest.fixture(scope="module")
def placed(shop):
    return place_customers(shop.scores, shop.model.placement_)


def test_thresholds_by_hand():
    # Of 100, 40 is one customer; 80 is the first three; 95 the first five; the last two are small.
    thresholds = thresholds_of(scores_of([40, 25, 15, 10, 5, 3, 2]))
    assert (thresholds.vip, thresholds.core, thresholds.regular) == (40, 15, 5)
    assert thresholds.rising is None
    asked = scores_of([1000, 39, 15, 14, 5, 4, 0])
    expected = ["VIP", "main", "main", "regular", "regular", "small", "small"]
    assert place_customers(asked, thresholds)["tier"].tolist() == expected


def test_outside_the_core_the_least_potential_of_the_rising_makes_a_customer_rising():
    growth = np.array([0.0] * 9 + [4.0])
    thresholds = thresholds_of(scores_of([100, 2, 2, 2, 2, 2, 2, 2, 2, 2], growth))
    assert (thresholds.rising_column, thresholds.rising) == ("probability_growing", pytest.approx(4 / 6))
    asked = scores_of([2, 2, 2, 9, 200], [3.9, 4, 5, 4, 500])
    # 4 is less than half of 9, and a customer of the core is not rising.
    assert place_customers(asked, thresholds)["tier"].tolist() == [
        "regular",
        "rising",
        "rising",
        "regular",
        "VIP",
    ]


def test_the_border_of_the_rising_is_a_least_value_of_the_column_that_is_named():
    thresholds = dataclasses.replace(
        thresholds_of(scores_of([100, 2, 2, 2])), rising_column="probability_growing", rising=0.7
    )
    asked = scores_of([2, 2], 50).assign(probability_growing=[0.6, 0.7])
    assert place_customers(asked, thresholds)["tier"].tolist() == ["regular", "rising"]


def test_customers_of_the_base_have_the_tier_of_the_ranking(shop, placed):
    thresholds = shop.model.placement_
    ranking = shop.ranking.set_index("customer_id").loc[shop.scores["customer_id"]]
    value = ranking["predicted_value"].to_numpy()
    borders = [thresholds.vip, thresholds.core, thresholds.regular]
    # The ranking orders customers of one value by score and id, which no threshold can.
    tied = np.isclose(value[:, None], borders, rtol=1e-9, atol=0).any(axis=1)
    assert tied.sum() < 0.01 * len(value)
    assert placed["tier"].to_numpy()[~tied].tolist() == ranking["tier"].to_numpy()[~tied].tolist()
    assert set(placed["tier"]) == set(ranking["tier"])


def test_customers_tied_at_a_border_are_all_in_the_better_tier():
    scores = scores_of([50, 10, 10, 10, 10, 10])
    assert rank_core_customers(scores)["tier"].tolist() == [
        "VIP",
        "main",
        "main",
        "main",
        "regular",
        "regular",
    ]
    assert place_customers(scores, thresholds_of(scores))["tier"].tolist() == ["VIP"] + ["main"] * 5


def test_the_percentile_is_the_share_of_the_base_with_a_higher_score(shop, placed):
    score = shop.scores["score"].to_numpy()
    higher = np.array([(score > one * (1 + 1e-9)).mean() for one in score])
    above = placed["score_percentile"].to_numpy() - 100 * higher
    assert above.min() > -1e-9
    assert above.max() < 0.1
    assert placed["score_percentile"].min() == 0


def test_scores_beyond_those_of_the_base_are_at_the_ends():
    thresholds = thresholds_of(scores_of(np.arange(1, 101)))
    told = place_customers(scores_of([1e6, 100, 97, 1, 0]), thresholds)
    assert told["score_percentile"].tolist() == [0, 0, 3, 99, 100]


def test_one_customer_alone_is_placed_as_in_the_whole_base(shop, placed):
    for row in range(0, len(shop.customers), 173):
        scores = shop.model.predict(shop.customers.iloc[[row]], with_reasons=False)
        alone = place_customers(scores, shop.model.placement_)
        pd.testing.assert_frame_equal(alone, placed.iloc[[row]])


@given(seed=st.integers(0, 99), parts=st.integers(1, 9))
def test_neither_the_order_nor_the_split_of_a_batch_changes_a_row(shop, placed, seed, parts):
    order = np.random.default_rng(seed).permutation(len(shop.scores))
    shuffled = shop.scores.iloc[order]
    told = pd.concat(
        [
            place_customers(shuffled.iloc[part], shop.model.placement_)
            for part in np.array_split(np.arange(len(order)), parts)
        ]
    )
    pd.testing.assert_frame_equal(told.sort_index(), placed)


@given(
    values=st.lists(st.integers(0, 10**6), min_size=1, max_size=40, unique=True),
    growth=st.lists(st.integers(0, 10**6), min_size=40, max_size=40),
    factor=st.sampled_from([1, 7, 1e-3, 1e6]),
)
def test_tiers_of_any_base_without_ties_are_those_of_its_ranking_in_any_currency(values, growth, factor):
    scores = scores_of(np.array(values) * factor, np.array(growth[: len(values)]) * factor)
    ranking = rank_core_customers(scores).sort_values("customer_id")
    assert place_customers(scores, thresholds_of(scores))["tier"].tolist() == ranking["tier"].tolist()


def test_where_nobody_has_value_nobody_is_in_a_tier_but_the_last():
    thresholds = thresholds_of(scores_of([0, 0, 0]))
    assert (thresholds.vip, thresholds.core, thresholds.regular, thresholds.rising) == (None,) * 4
    assert place_customers(scores_of([5]), thresholds)["tier"].tolist() == ["small"]


def test_a_value_that_rounding_made_smaller_keeps_its_tier():
    thresholds = thresholds_of(scores_of([40, 25, 15, 10, 5, 3, 2]))
    told = place_customers(scores_of(np.array([40, 15, 5]) * (1 - 1e-14)), thresholds)
    assert told["tier"].tolist() == ["VIP", "main", "regular"]
    assert (
        told["score_percentile"].tolist()
        == place_customers(scores_of([40, 15, 5]), thresholds)["score_percentile"].tolist()
    )


def test_tiers_of_other_names_and_shares_place_by_theirs(shop):
    tiers = Tiers(vip_share=0.2, rising_share=0, small=Tier("basic", "serve online"))
    ranking = rank_core_customers(shop.scores, tiers).set_index("customer_id")
    told = place_customers(shop.scores, PlacementThresholds.of_ranking(ranking, tiers))["tier"]
    agree = told.to_numpy() == ranking.loc[shop.scores["customer_id"], "tier"].to_numpy()
    assert agree.mean() > 0.99
    assert set(told) == {"VIP", "main", "regular", "basic"}


def test_the_scores_given_stay_as_they_were(shop):
    before = shop.scores.copy(deep=True)
    place_customers(shop.scores, shop.model.placement_)
    pd.testing.assert_frame_equal(shop.scores, before)


def test_a_saved_model_keeps_its_thresholds(shop, tmp_path):
    kept = CoreCustomerModel.load(shop.model.save(tmp_path / "model")).placement_
    assert kept.to_dict() == shop.model.placement_.to_dict()
    assert kept.tiers == shop.model.tiers
    assert kept.scores.shape == (1001,)
