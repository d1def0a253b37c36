"""Lists of customers to act on: what a contact may be worth, who is left out, and that no budget is exceeded."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duramen.analysis.lists import (
    BELOW,
    NOTHING_TO_LOSE,
    RELEASED,
    Budget,
    call_list,
    customer_lists,
    lapsed_left_out,
    order_in_words,
    win_back_list,
)
from duramen.errors import InputError
from duramen.forecast.retention_profit import RetentionOffer, campaign_profit, money_at_stake
from duramen.scoring.ranking import rank_core_customers
from duramen.scoring.tiers import Tier, Tiers

OFFER = RetentionOffer(offer_cost=5, contact_cost=1, acceptance=0.3)
COLUMNS = ["customer_id", "rank", "tier", "predicted_value", "churn_probability"]
PRICED = ["money_at_stake", "expected_profit", "cost"]


@pytest.fixture(scope="module")
def ranking(shop):
    """Return the ranking of the shop with some of its regular customers in the rising tier, which has nobody there."""
    regular = shop.ranking.index[shop.ranking["tier"] == "regular"]
    return shop.ranking.assign(
        tier=shop.ranking["tier"].mask(shop.ranking.index.isin(regular[:40]), "rising")
    )


@pytest.fixture(scope="module")
def lists(ranking):
    return customer_lists(ranking, OFFER)


def joined(listed, ranking):
    """Return the rows of a list with all columns of its ranking."""
    return listed.merge(ranking, on="customer_id", suffixes=("", "_ranked"), validate="one_to_one")


def test_the_lists_have_the_columns_that_are_promised(lists):
    assert [*lists.call] == [*lists.win_back] == [*COLUMNS, *PRICED, "last_purchase", "reason", "treatment"]
    assert [*lists.new_in_rising_tier] == [*COLUMNS, "last_purchase", "reason", "treatment"]
    assert min(map(len, lists[:2])) > 20
    assert len(lists.new_in_rising_tier) > 0
    assert not pd.concat([rows["treatment"] for rows in lists[:3]]).isna().any()


def test_nobody_lapsed_is_on_the_call_list_and_nobody_else_on_the_other(lists, ranking):
    called, back = (joined(rows, ranking) for rows in (lists.call, lists.win_back))
    assert not (called["lifecycle_stage"] == "lapsed").any()
    assert (called["lifecycle_stage"] == "at risk").any()
    assert set(back["lifecycle_stage"]) == {"lapsed"}
    assert back["probability_active"].max() < called["probability_active"].min()


def test_money_at_stake_is_never_more_than_a_customer_ever_spent(lists, shop):
    spent = shop.customers.set_index("customer_id")["net_spend"]
    for rows in (lists.call, lists.win_back):
        assert (rows["money_at_stake"] <= spent.loc[rows["customer_id"]].to_numpy() + 1e-9).all()


@given(st.floats(0, 1), st.floats(0, 1e6), st.floats(-1e6, 1e6))
def test_money_at_stake_lies_between_0_and_the_past_for_any_probability(active, value, past):
    (at_stake,) = money_at_stake([value], [active], [past])
    assert 0 <= at_stake <= max(past, 0)


def test_no_customer_with_a_treatment_of_release_is_contacted(ranking):
    words = np.where(np.arange(len(ranking)) % 2, "Release: no spend beyond the newsletter", "keep")
    ranking = ranking.assign(treatment=words)
    made = customer_lists(ranking, OFFER)
    for rows in (made.call, made.win_back):
        assert set(rows["treatment"]) == {"keep"}
    assert len(made.new_in_rising_tier) == (ranking["tier"] == "rising").sum()


def test_lapsed_customers_who_are_not_won_back_are_counted_by_the_reason(ranking):
    place = np.arange(len(ranking)) % 5
    ranking = ranking.assign(
        treatment=np.where(place == 0, "Release: newsletter only", "keep"),
        tier=ranking["tier"].mask(place == 1, "below break-even"),
        past_value=ranking["past_value"].where(place != 2, 0.0),
    )
    left_out = lapsed_left_out(ranking).set_index("why")
    assert [*left_out.index] == [RELEASED, BELOW, NOTHING_TO_LOSE]
    back, lapsed = win_back_list(ranking), ranking["lifecycle_stage"] == "lapsed"
    assert left_out["customers"].tolist()[:2] == [(lapsed & (place == reason)).sum() for reason in (0, 1)]
    assert left_out["customers"].sum() + len(back) == lapsed.sum()
    tiers = ranking["tier"].replace("below break-even", "small")
    everyone = win_back_list(ranking.assign(treatment="keep", tier=tiers))
    assert left_out["expected_loss"].sum() + back["expected_loss"].sum() == pytest.approx(
        everyone["expected_loss"].sum()
    )
    assert left_out["expected_loss"][NOTHING_TO_LOSE] == 0
    assert lapsed_left_out(ranking[~lapsed]).empty


def test_the_order_is_that_of_expected_profit_and_the_sums_are_those_of_the_campaign(lists):
    for rows in (lists.call, lists.win_back):
        assert rows["expected_profit"].is_monotonic_decreasing
        assert rows["expected_profit"].min() > 0
        summed = campaign_profit(rows["churn_probability"], rows["money_at_stake"], OFFER).iloc[0]
        assert summed["contacted"] == len(rows)
        assert summed[["profit", "cost"]].tolist() == pytest.approx(
            rows[["expected_profit", "cost"]].sum().tolist()
        )


def test_without_an_offer_the_order_is_that_of_expected_loss_and_the_customers_are_the_same(ranking, lists):
    free = customer_lists(ranking)
    for rows, priced in ((free.call, lists.call), (free.win_back, lists.win_back)):
        assert [*rows] == [
            *COLUMNS,
            "money_at_stake",
            "expected_loss",
            "last_purchase",
            "reason",
            "treatment",
        ]
        assert rows["expected_loss"].is_monotonic_decreasing
        assert rows["expected_loss"].tolist() == pytest.approx(
            rows["churn_probability"] * rows["money_at_stake"]
        )
        ranked = joined(rows, ranking)
        kept = np.minimum(ranked["predicted_value"] / ranked["probability_active"], ranked["past_value"])
        assert rows["money_at_stake"].tolist() == pytest.approx(kept)
        assert set(priced["customer_id"]) <= set(rows["customer_id"])
    assert order_in_words(free).endswith(
        "the predicted value divided by the probability of a purchase, and at most the money at the past rate."
    )
    assert order_in_words(lists).startswith("Ordered by expected profit")
    assert len(call_list(ranking, budget=Budget(contacts=3))) == 3
    with pytest.raises(InputError, match="a budget of money needs an offer"):
        call_list(ranking, budget=Budget(money=3))


@settings(max_examples=40)
@given(
    money=st.none() | st.floats(0.01, 5_000), contacts=st.none() | st.integers(1, 400),
    offer_cost=st.floats(0, 50), contact_cost=st.floats(0.01, 20), acceptance=st.floats(0.01, 1),
)  # fmt: skip
def test_no_budget_is_exceeded_and_a_list_is_the_head_of_the_one_without_limit(
    ranking, money, contacts, offer_cost, contact_cost, acceptance
):
    offer = RetentionOffer(offer_cost, contact_cost, acceptance=acceptance)
    for make in (call_list, win_back_list):
        rows = make(ranking, offer, Budget(money, contacts))
        everyone = make(ranking, offer)
        assert rows["cost"].sum() <= (np.inf if money is None else money * (1 + 1e-12))
        assert len(rows) <= (len(everyone) if contacts is None else contacts)
        pd.testing.assert_frame_equal(rows, everyone.head(len(rows)))
        if len(rows) < len(everyone) and contacts is None:
            assert everyone["cost"].head(len(rows) + 1).sum() > money * (1 - 1e-12)


def test_neither_the_order_of_rows_nor_the_unit_of_money_changes_a_list(ranking, lists):
    shuffled = ranking.sample(frac=1, random_state=1)
    again = customer_lists(shuffled, OFFER)
    for rows, same in zip(lists[:3], again[:3], strict=True):
        pd.testing.assert_frame_equal(same, rows)
    in_cents = RetentionOffer(offer_cost=500, contact_cost=100, acceptance=0.3)
    dear = ranking.assign(
        predicted_value=ranking["predicted_value"] * 100, past_value=ranking["past_value"] * 100
    )
    called = call_list(dear, in_cents)
    assert called["customer_id"].tolist() == lists.call["customer_id"].tolist()


def test_new_in_rising_tier_are_neither_rising_nor_core_in_the_earlier_ranking(ranking, lists):
    assert lists.new_in_rising_tier["customer_id"].tolist() == (
        ranking.loc[ranking["tier"] == "rising", "customer_id"].tolist()
    )
    ids = lists.new_in_rising_tier["customer_id"]
    tiers = ["rising", "main", "VIP", "small", "regular"]
    before = pd.DataFrame({"customer_id": ids.head(5), "tier": tiers, "cutoff": pd.Timestamp("1998-01-01")})
    made = customer_lists(ranking, OFFER, previous=before)
    # Customers who were small or regular are new in the tier, and so are those who were not customers yet.
    assert made.new_in_rising_tier["customer_id"].tolist() == ids[3:].tolist()


def test_customers_below_break_even_are_listed_by_loss_and_never_contacted(shop, lists):
    assert lists.below_break_even is None
    cost = shop.scores["predicted_value"] * np.where(np.arange(len(shop.scores)) % 3, 0.5, 2.0)
    ranking = rank_core_customers(shop.scores, cost_to_serve=cost.to_numpy())
    made = customer_lists(ranking, OFFER)
    below = made.below_break_even
    assert [*below] == [*COLUMNS, "cost_to_serve", "last_purchase", "reason", "treatment"]
    assert set(below["customer_id"]) == set(ranking.loc[ranking["tier"] == "below break-even", "customer_id"])
    assert (below["predicted_value"] - below["cost_to_serve"]).is_monotonic_increasing
    assert not set(below["customer_id"]) & {*made.call["customer_id"], *made.win_back["customer_id"]}
    both = joined(made.call, ranking).merge(lists.call, on="customer_id", suffixes=("", "_free"))
    assert "less the cost to serve; if this is below 0, it counts as 0." in order_in_words(
        customer_lists(ranking)
    )
    assert (both["money_at_stake"] - (both["money_at_stake_free"] - both["cost_to_serve"])).abs().max() < 1e-9


def test_what_is_missing_is_refused_with_what_to_do(ranking):
    with pytest.raises(InputError, match="no column past_value"):
        call_list(ranking.drop(columns="past_value"), OFFER)
    with pytest.raises(InputError, match="no column lifecycle_stage"):
        win_back_list(ranking.drop(columns="lifecycle_stage"), OFFER)
    with pytest.raises(InputError, match="tiers of other names"):
        call_list(ranking, OFFER, tiers=Tiers(main=Tier("big", "keep")))
    with pytest.raises(InputError, match="give one of an earlier cutoff"):
        customer_lists(ranking, OFFER, previous=ranking)
    with pytest.raises(InputError, match="the earlier ranking has no column tier"):
        customer_lists(ranking, OFFER, previous=ranking[["customer_id"]])


@pytest.mark.parametrize(
    ("limit", "sentence"), [({"money": 0}, "money above 0"), ({"contacts": 0}, "from 1 on")]
)
def test_a_limit_that_is_none_is_refused(limit, sentence):
    with pytest.raises(InputError, match=sentence):
        Budget(**limit)
