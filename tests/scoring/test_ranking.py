"""Rank, tier and the smallest core set, on frames small enough to check by hand and on the real shop."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duramen.errors import InputError
from duramen.io.score_columns import RANKING_COLUMNS, SCORE_COLUMNS
from duramen.scoring.ranking import rank_core_customers, tier_table
from duramen.scoring.tiers import DEFAULT_TIERS, TIERS, Tier, Tiers, smallest_set


def scores_of(values, growth=None, ids=None):
    values = np.asarray(values, dtype=float)
    growth = np.zeros(len(values)) if growth is None else np.asarray(growth, dtype=float)
    return pd.DataFrame(
        {
            "customer_id": np.arange(len(values)) if ids is None else ids,
            "score": values + 0.25 * growth,
            "predicted_value": values,
            "growth_potential": growth,
            "growth_rate": growth / np.maximum(values, 1.0) - 0.1,
            "probability_growing": growth / (1 + growth),
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


def test_a_rising_customer_lies_outside_the_core_and_is_among_the_likeliest_to_grow():
    ranking = rank_core_customers(scores_of([40, 25, 15, 10, 5, 3, 2], growth=[90, 0, 0, 0, 0, 1, 30]))
    tiers = ranking.set_index("predicted_value")["tier"]
    assert tiers[2] == "rising"
    assert tiers[40] == "VIP"
    assert tiers[3] == "small"


def test_a_rising_customer_is_forecast_to_spend_a_tenth_more_and_is_neither_at_risk_nor_lapsed():
    scores = scores_of([90] + [1] * 4).assign(probability_growing=0.5, growth_rate=[0, 0.1, 0.09, 0.5, 0.5])
    assert list(rank_core_customers(scores).sort_values("customer_id")["tier"])[1:3] == ["rising", "small"]
    scores["lifecycle_stage"] = ["steady", "growing", "steady", "at risk", "lapsed"]
    ranking = rank_core_customers(scores)
    assert ranking.loc[ranking["tier"] == "rising", "lifecycle_stage"].tolist() == ["growing"]


def test_tiers_of_the_shop_follow_their_definitions(shop):
    # As it is nobody outside the core grows.
    grows = shop.scores.drop(columns="lifecycle_stage").assign(growth_rate=shop.scores["growth_rate"] + 0.3)
    ranking = rank_core_customers(grows)
    total = ranking["predicted_value"].sum()
    assert set(ranking["tier"]) == set(TIERS) - {"below break-even"}
    value = ranking.groupby("tier")["predicted_value"]
    vip, main = value.sum()["VIP"], value.sum()["main"]
    assert vip - value.min()["VIP"] < DEFAULT_TIERS.vip_share * total <= vip
    core = vip + main
    assert core - value.min()["main"] < DEFAULT_TIERS.core_share * total <= core
    assert value.min()["VIP"] >= value.max()["main"]
    assert value.min()["main"] >= value.max()["regular"] >= value.min()["regular"] >= value.max()["small"]
    outside = ranking[~ranking["tier"].isin(["VIP", "main"])]
    rising = outside["tier"] == "rising"
    assert (outside.loc[rising, "growth_rate"] >= 0.1).all()
    can_rise = DEFAULT_TIERS.can_rise(outside)
    others = outside[~rising & can_rise]
    assert outside.loc[rising, "probability_growing"].min() >= others["probability_growing"].max()
    assert rising.mean() <= 0.11
    held = total - value.sum()["small"] - value.sum()["rising"]
    assert held <= DEFAULT_TIERS.regular_share * total + value.max()["regular"]


def test_thresholds_and_names_are_the_users():
    gold = Tier("gold", "a birthday card")
    ranking = rank_core_customers(
        scores_of([40, 25, 15, 10, 5, 3, 2], growth=[0, 0, 0, 0, 0, 0, 1]),
        Tiers(vip_share=0.6, core_share=0.65, regular_share=1.0, rising_growth=0.3, vip=gold),
    )
    assert list(ranking["tier"]) == ["gold", "gold", "regular", "regular", "regular", "regular", "rising"]
    calm = rank_core_customers(scores_of([8, 1, 1], growth=[0, 9, 9]), Tiers(rising_share=0))
    assert "rising" not in set(calm["tier"])


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"vip_share": 0.9}, r"\(0\.9, 0\.8, 0\.95\); each must be above 0, at least the one before"),
        ({"vip_share": 0.0}, "must be above 0"),
        ({"regular_share": 1.01}, "at most 1"),
        ({"core_share": float("nan")}, "each must be"),
        ({"core_share": "80 %"}, "core_share is '80 %', which is not numeric"),
        ({"rising_share": 10}, "rising_share is 10, and a share of customers is between 0 and 1"),
        ({"rising_growth": -0.5}, "rising_growth is -0.5"),
        ({"main": Tier("VIP", "keep")}, "named 'VIP', 'VIP', .* a name of its own"),
        ({"small": Tier("small", " ")}, "lacks a name or a service"),
        ({"small": "basic"}, "the tier 'basic' lacks a name or a service"),
    ],
)
def test_wrong_tiers_are_refused_in_a_sentence(wrong, sentence):
    with pytest.raises(InputError, match=sentence):
        Tiers(**wrong)


def test_tiers_come_back_from_plain_values():
    tiers = Tiers(vip_share=0.3, rising_growth=1.0, small=Tier("basic", "serve online"))
    assert Tiers.from_dict(json.loads(json.dumps(tiers.to_dict()))) == tiers
    assert Tiers.from_dict({}) == DEFAULT_TIERS
    assert Tiers.from_dict({"vip": {"name": "gold"}}).vip == DEFAULT_TIERS.vip._replace(name="gold")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"vip_part": 0.3}, r"^tiers have no setting 'vip_part'; the settings are vip_share, .*\.$"),
        ({"vip": "gold"}, r"^the tier vip is 'gold'; write what differs of its name and service, .*\.$"),
        ({"vip": {"label": "gold"}}, r"^the tier vip is \{'label': 'gold'\}; write .*\.$"),
        ({"vip": {"name": 7}}, r"^the tier .* lacks a name .*\.$"),
        ({"vip_share": "much"}, r"^vip_share is 'much', which is not numeric; .*\.$"),
        ({"rising_growth": float("inf")}, r"^rising_growth is inf, .*\.$"),
        ({"vip_share": True}, r"^vip_share is True, which is not numeric; .*\.$"),
    ],
)
def test_wrong_settings_of_tiers_are_refused_in_a_sentence(settings, sentence):
    with pytest.raises(InputError, match=sentence):
        Tiers.from_dict(settings)


def test_a_customer_who_costs_more_than_it_brings_is_below_break_even():
    # Less cost, 40, 20, 20 and 10 are left of those above break-even: 80 of 90 hold 80 %, but 60 do not.
    costs = pd.Series({5: 0.0, 0: 0.0, 1: 10.0, 2: 0.0, 3: 10.0, 4: 40.0})
    ranking = rank_core_customers(
        scores_of([40, 30, 20, 20, 35, 0], growth=[0, 0, 0, 0, 80, 0]), cost_to_serve=costs
    )
    assert list(ranking["customer_id"]) == [0, 1, 2, 4, 3, 5]
    assert list(ranking["score"]) == [40, 20, 20, 15, 10, 0]
    assert list(ranking["cost_to_serve"]) == [0, 10, 0, 40, 10, 0]
    assert list(ranking["tier"]) == ["VIP", "main", "main", "below break-even", "regular", "small"]


def test_without_value_above_break_even_there_is_no_core():
    ranking = rank_core_customers(scores_of([3, 2, 1]), cost_to_serve=[4, 2, 2])
    assert list(ranking["tier"]) == ["small", "below break-even", "below break-even"]


def test_costs_go_to_their_customers_in_whatever_order_they_come(shop):
    rng = np.random.default_rng(0)
    money = rng.gamma(1.0, 5.0, len(shop.scores))
    by_id = pd.Series(money, index=shop.scores["customer_id"]).sample(frac=1, random_state=0)
    ranking = rank_core_customers(shop.scores, cost_to_serve=by_id)
    pd.testing.assert_frame_equal(ranking, rank_core_customers(shop.scores, cost_to_serve=money))
    # Which market a customer is core in is for those to say who have the transactions.
    assert tuple(ranking.columns) == tuple(name for name in RANKING_COLUMNS if name != "core_in")
    assert tuple(shop.ranking.columns) == SCORE_COLUMNS
    joined = ranking.merge(shop.scores, on="customer_id", validate="one_to_one")
    np.testing.assert_array_equal(joined["score_x"], joined["score_y"] - joined["cost_to_serve"])
    below = ranking["predicted_value"] < ranking["cost_to_serve"]
    assert ((ranking["tier"] == "below break-even") == below).all()
    left = (ranking["predicted_value"] - ranking["cost_to_serve"])[~below]
    core = left[ranking["tier"].isin(["VIP", "main"])]
    assert core.sum() - core.min() < 0.8 * left.sum() <= core.sum()
    pd.testing.assert_frame_equal(rank_core_customers(ranking), ranking)


def test_costs_of_nothing_change_no_rank_and_no_tier(shop):
    ranking = rank_core_customers(shop.scores, cost_to_serve=np.zeros(len(shop.scores)))
    pd.testing.assert_frame_equal(ranking.drop(columns="cost_to_serve"), shop.ranking)


@pytest.mark.parametrize(
    ("costs", "sentence"),
    [
        (
            pd.Series({0: 1.0, 1: 2.0, 2: 3.0, 9: 4.0}),
            r"of 1 customers are in no row of the scores \(for example 9",
        ),
        (pd.Series({0: 1.0, 1: 2.0}), r"of 1 customers are missing \(for example 2\).*0 where there is none"),
        (pd.Series([1.0, 2.0, 3.0, 3.0], index=[0, 1, 2, 2]), "cost_to_serve has 1 customers twice"),
        ([1.0, -2.0, 3.0], r"of 1 customers are negative or not numeric \(for example 1\)"),
        ([1.0, float("nan"), float("inf")], "of 2 customers are negative or not numeric"),
        ([1.0, 2.0], r"has shape \(2,\) and the scores 3 rows"),
    ],
)
def test_wrong_costs_are_refused_in_a_sentence(costs, sentence):
    with pytest.raises(InputError, match=sentence):
        rank_core_customers(scores_of([3, 2, 1]), cost_to_serve=costs)


def test_costs_are_borne_once():
    ranking = rank_core_customers(scores_of([3, 2, 1]), cost_to_serve=[1, 1, 0])
    with pytest.raises(InputError, match="have a cost_to_serve already"):
        rank_core_customers(ranking, cost_to_serve=[1, 1, 0])


def test_the_table_of_tiers_adds_up_and_says_what_each_is_for(shop):
    table = tier_table(shop.ranking)
    assert list(table["tier"]) == list(TIERS[:-1])
    assert table["customers"].sum() == len(shop.ranking)
    assert table["share_of_customers"].sum() == pytest.approx(1)
    assert table["share_of_value"].sum() == pytest.approx(1)
    assert table["probability_core_mean"].iloc[0] > table["probability_core_mean"].iloc[-1]
    assert table["service"].str.len().gt(10).all()
    vip = shop.ranking[shop.ranking["tier"] == "VIP"]
    assert table.loc[0, "customers"] == len(vip)
    assert table.loc[0, "predicted_value_mean"] == pytest.approx(vip["predicted_value"].mean())


def test_the_table_of_tiers_with_costs_names_those_below_break_even():
    table = tier_table(rank_core_customers(scores_of([6, 3, 1]), cost_to_serve=[0, 0, 4])).set_index("tier")
    assert list(table["customers"]) == [1, 1, 0, 0, 0, 1]
    assert table.loc["below break-even", "cost_to_serve_mean"] == 4
    assert table.loc["below break-even", "share_of_value"] == pytest.approx(0.1)
    assert np.isnan(table.loc["small", "predicted_value_mean"])


def test_the_table_of_other_tiers_is_refused():
    ranking = rank_core_customers(scores_of([3, 2, 1]), Tiers(vip=Tier("gold", "a birthday card")))
    with pytest.raises(InputError, match=r"^1 customers .*'gold'"):
        tier_table(ranking)


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
