"""Reward grades: a budget that is never passed, and grades and members who earn more than they cost."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from duramen.analysis.lists import Budget
from duramen.analysis.reward_grades import plan_rewards
from duramen.errors import InputError
from duramen.scoring.tiers import Tiers

BUDGET = Budget(money=300)


def test_grades_have_the_sums_of_their_members_by_sql(shop):
    club = plan_rewards(shop.scores, 0.3, BUDGET, response=0.05, cost_per_member=0.1)
    members, scores = club.members, shop.scores  # noqa: F841
    by_sql = duckdb.sql(
        """
        select grade, count(*) as customers, sum(s.predicted_value) as predicted_value,
            min(s.predicted_value) as threshold, sum(reward + 0.1) as cost,
            sum(0.3 * 0.05 * s.predicted_value - reward - 0.1) as net_gain,
            min(0.3 * 0.05 * s.predicted_value - reward - 0.1) as least
        from members join scores s using (customer_id) group by grade order by threshold desc
        """
    ).df()
    assert club.grades["grade"].tolist() == by_sql["grade"].tolist()
    for column in ("customers", "predicted_value", "threshold", "cost", "net_gain"):
        assert np.allclose(club.grades[column], by_sql[column])
    assert by_sql["least"].min() > 0


values = st.lists(st.floats(0.01, 1e6) | st.sampled_from([1.0, 5.0]), min_size=1, max_size=40).map(
    lambda money: pd.DataFrame({"customer_id": range(len(money)), "predicted_value": money})
)


@settings(max_examples=200)
@given(
    values, st.floats(0.01, 1), st.floats(0.01, 1e6), st.none() | st.integers(1, 20), st.none() | st.floats(0.001, 2),
    st.floats(0.01, 0.99), st.floats(0, 10),
)  # fmt: skip
def test_no_budget_is_passed_every_grade_earns_and_the_best_come_first(
    scores, margin, money, contacts, response, pay_out, cost_per_member
):
    club = plan_rewards(
        scores,
        margin,
        Budget(money, contacts),
        response=response,
        pay_out=pay_out,
        cost_per_member=cost_per_member,
    )
    grades, members = club.grades, club.members
    assert grades["cost"].sum() <= money * (1 + 1e-9)
    assert len(members) <= (contacts or len(scores))
    assert grades["customers"].sum() == len(members)
    assert grades["threshold"].is_monotonic_decreasing
    assert grades["reward"].is_monotonic_decreasing
    # Who is worth as much as a member of the club is one.
    if len(members):
        assert set(members["customer_id"]) == set(
            scores.loc[scores["predicted_value"] >= members["predicted_value"].min(), "customer_id"]
        )
    if response is not None:
        assert (grades["net_gain"] > 0).all()
        gain = margin * response * members["predicted_value"] - members["reward"] - cost_per_member
        assert (gain > 0).all()
        assert (grades["needed_response"] < response).all()


@given(values, st.floats(0.01, 1), st.floats(1, 1000))
def test_without_a_response_the_budget_is_spent_and_the_needed_response_earns_it_back(scores, margin, money):
    club = plan_rewards(scores, margin, Budget(money=money))
    assume(len(club.members))
    assert "Needed response" in club.notes[0]
    earned = (club.grades["needed_response"] * club.grades["contribution"]).to_numpy()
    assert np.allclose(earned, club.grades["cost"])
    if club.grades["needed_response"].max() < 0.3:
        lowest = (margin * club.grades["threshold"] * club.grades["customers"]).sum()
        assert club.grades["cost"].sum() == pytest.approx(money)
        assert money < lowest


def test_customers_below_break_even_do_not_join(shop):
    scores = shop.scores.assign(cost_to_serve=np.where(np.arange(len(shop.scores)) % 2, 0.0, 1e6))
    club = plan_rewards(scores, 0.3, BUDGET)
    assert len(club.members) > 100
    assert set(club.members["customer_id"]) <= set(scores.loc[scores["cost_to_serve"] == 0, "customer_id"])


def test_grades_are_the_tiers_and_their_shares(shop):
    tiers = Tiers(vip_share=0.2, core_share=0.5)
    club = plan_rewards(shop.scores, 0.3, BUDGET, tiers=tiers)
    share = club.grades["predicted_value"].cumsum() / shop.scores["predicted_value"].sum()
    assert club.grades["grade"].tolist() == ["VIP", "main", "regular"]
    assert np.allclose(share, [0.2, 0.5, 0.95], atol=0.02)


def test_a_budget_too_small_for_anybody_says_that_nobody_joins(shop):
    club = plan_rewards(shop.scores, 0.3, Budget(money=1), response=0.05, cost_per_member=5)
    assert club.grades.empty
    assert club.members.empty
    assert "No customer joins" in club.notes[1]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"margin": 0}, "margin is 0"), ({"budget": 500}, r"give Budget\(money=5000\)"),
        ({"budget": Budget()}, "neither a response nor money"), ({"response": 0}, "response is 0"),
        ({"pay_out": 1}, "pay_out is 1"), ({"cost_per_member": -1}, "cost_per_member is -1"),
    ],
)  # fmt: skip
def test_a_setting_that_is_not_valid_is_refused_with_what_to_give(shop, options, sentence):
    with pytest.raises(InputError, match=sentence):
        plan_rewards(shop.scores, **{"margin": 0.3, "budget": BUDGET} | options)
