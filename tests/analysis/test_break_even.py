"""Contribution of customers: sums against SQL, outcomes against intervals, and that no cost ever lifts a customer."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duramen.analysis.break_even import REMEDIES, MinimumOrder, ServiceCosts, customer_contributions
from duramen.analysis.lists import customer_lists
from duramen.data.outcomes import customer_outcomes
from duramen.errors import InputError
from duramen.forecast.retention_profit import RetentionOffer
from duramen.scoring.ranking import rank_core_customers

COSTS = ServiceCosts(per_order=4, per_return=3, per_customer=1)


@pytest.fixture(scope="module")
def result(shop):
    return customer_contributions(
        shop.scores, 0.3, COSTS, acquisition_cost=0.5, cheaper_service=0.4, minimum_order=MinimumOrder(30),
        customers=shop.customers, model=shop.model,
    )  # fmt: skip


def test_contribution_and_its_sums_are_those_of_sql(shop, result):
    scores, customers, lines = shop.scores, shop.customers, result.customers  # noqa: F841  read by the query
    by_sql = duckdb.sql(
        """
        with costs as (
            select s.customer_id, s.predicted_value as money,
                s.expected_purchases * (4 + 3 * c.return_days / (c.frequency + 1)) + 1 as cost
            from scores s join customers c using (customer_id))
        select count(*) as customers, sum(money) as predicted_value, sum(cost) as cost_to_serve,
            sum(0.3 * money - cost - 0.5) as contribution, 0.3 * money - cost < 0.5 as below,
            max(abs(0.3 * money - cost - 0.5 - l.contribution)) as furthest
        from costs join lines l using (customer_id) group by below order by below
        """
    ).df()
    summary = result.summary
    above, below = summary.iloc[0], summary.iloc[1:-1]
    assert by_sql["furthest"].max() < 1e-9
    for column in ("customers", "predicted_value", "cost_to_serve", "contribution"):
        assert above[column] == pytest.approx(by_sql.loc[0, column])
        assert below[column].sum() == pytest.approx(by_sql.loc[1, column])
        assert summary[column].iloc[-1] == pytest.approx(by_sql[column].sum())


def test_a_margin_of_1_gives_the_tier_below_break_even_and_revenue_needed_gives_it_for_any_other(
    shop, result
):
    cost = shop.scores["predicted_value"].median()
    ranked = rank_core_customers(shop.scores, cost_to_serve=np.full(len(shop.scores), cost))
    in_tier = set(ranked.loc[ranked["tier"] == "below break-even", "customer_id"])
    for scores, costs in ((shop.scores, ServiceCosts(per_customer=cost)), (ranked, None)):
        table = customer_contributions(scores, 1.0, costs).customers
        assert set(table.loc[table["below_break_even"], "customer_id"]) == in_tier
    needed = result.customers.set_index("customer_id")["revenue_needed"]
    lists = customer_lists(
        rank_core_customers(shop.scores, cost_to_serve=needed), RetentionOffer(offer_cost=5, contact_cost=1)
    )
    below = result.customers.loc[result.customers["below_break_even"], "customer_id"]
    assert set(lists.below_break_even["customer_id"]) == set(below)


def test_the_interval_contains_the_contribution_and_about_80_per_cent_of_the_outcomes(shop):
    table = customer_contributions(
        shop.scores, 0.3, ServiceCosts(per_order=4, per_customer=1), model=shop.model
    ).customers
    assert (table["contribution_low"] <= table["contribution"] + 1e-9).all()
    assert (table["contribution"] <= table["contribution_high"] + 1e-9).all()
    outcomes = customer_outcomes(shop.tx, shop.window, shop.customers)
    both = table.merge(outcomes, on="customer_id", validate="one_to_one")
    actual = 0.3 * both["value"] - 4 * both["purchases"] - 1
    inside = (both["contribution_low"] - 1e-9 <= actual) & (actual <= both["contribution_high"] + 1e-9)
    assert 0.75 < inside.mean() < 0.97
    assert both["probability_below_break_even"].mean() == pytest.approx((actual < 0).mean(), abs=0.05)


def test_the_probability_is_that_of_draws_of_the_distribution(shop):
    scores = shop.scores.iloc[::40].reset_index(drop=True)
    # The last cost is above what an order earns: more orders are a greater loss.
    for per_order, per_customer in ((4, 1), (4, 0), (60, 0), (60, 1)):
        costs = ServiceCosts(per_order=per_order, per_customer=per_customer)
        table = customer_contributions(scores, 0.3, costs, model=shop.model).customers.set_index(
            "customer_id"
        )
        rng = np.random.default_rng(1)
        value, active = scores["predicted_value"].to_numpy(), scores["probability_active"].to_numpy()
        drawn = np.stack([shop.model.forecast_.distribution_.sample(value, active, rng) for _ in range(2000)])
        expected = drawn * (scores["expected_purchases"] / scores["predicted_value"]).to_numpy()
        # Normal with the variance of a Poisson count, and no fewer than none.
        orders = np.maximum(expected + np.sqrt(expected) * rng.standard_normal(expected.shape), 0)
        share = (0.3 * drawn - per_order * orders - per_customer < -1e-12).mean(axis=0)
        shown = table.loc[scores["customer_id"], "probability_below_break_even"].to_numpy()
        assert np.abs(share - shown).max() < 0.06


@settings(max_examples=30)
@given(
    st.floats(0, 50), st.floats(0, 50), st.floats(0, 50), st.floats(0, 50), st.floats(0, 1), st.floats(0.001, 1),
)  # fmt: skip
def test_a_higher_cost_never_lifts_a_customer_and_a_cheaper_service_never_lowers_one(
    shop, per_order, more_per_order, per_customer, acquisition, cheaper, margin
):
    scores = shop.scores.iloc[::20]
    little = customer_contributions(
        scores, margin, ServiceCosts(per_order, 0, per_customer), model=shop.model
    ).customers
    much = customer_contributions(
        scores, margin, ServiceCosts(per_order + more_per_order, 0, per_customer + 1),
        acquisition_cost=acquisition, cheaper_service=cheaper, model=shop.model,
    ).customers  # fmt: skip
    both = little.merge(much, on="customer_id", suffixes=("", "_much"), validate="one_to_one")
    assert not (both["below_break_even"] & ~both["below_break_even_much"]).any()
    assert (both["contribution_much"] <= both["contribution"]).all()
    slack = 1e-9
    assert (both["probability_below_break_even_much"] >= both["probability_below_break_even"] - slack).all()
    assert (both["contribution_cheaper_service"] >= both["contribution_much"] - slack).all()


def test_a_remedy_is_named_exactly_where_it_lifts_a_customer(result):
    table = result.customers
    assert set(table["remedy"]) <= set(REMEDIES)
    below = table["below_break_even"]
    assert ((table["remedy"] == "none needed") == ~below).all()
    by_service, by_minimum = (
        table[f"contribution_{name}"] >= 0 for name in ("cheaper_service", "minimum_order")
    )
    assert (table["remedy"].isin(["either", "cheaper service"]) == (below & by_service)).all()
    assert (table["remedy"].isin(["either", "minimum order"]) == (below & by_minimum)).all()


def test_a_minimum_order_changes_those_who_spend_less_and_either_raises_or_ends_their_orders(shop):
    costs = ServiceCosts(per_order=4, per_customer=1)
    spend = shop.scores.set_index("customer_id")["expected_spend"]
    purchases = shop.scores.set_index("customer_id")["expected_purchases"]
    for share, left in ((1.0, 0.3 * 30 - 4), (0.0, 0.0)):
        table = customer_contributions(
            shop.scores, 0.3, costs, minimum_order=MinimumOrder(30, share)
        ).customers
        small = spend.loc[table["customer_id"]].to_numpy() < 30
        then = table["contribution_minimum_order"]
        assert 0 < small.sum() < len(table)
        assert (then[~small] == table["contribution"][~small]).all()
        expected = left * purchases.loc[table["customer_id"]].to_numpy() - 1
        assert np.allclose(then[small], expected[small])


def test_neither_the_order_of_rows_nor_the_unit_of_money_changes_who_is_below(shop, result):
    shuffled = shop.scores.sample(frac=1, random_state=2)
    again = customer_contributions(
        shuffled, pd.Series(0.3, index=shop.scores["customer_id"]), COSTS, acquisition_cost=0.5, cheaper_service=0.4,
        minimum_order=MinimumOrder(30), customers=shop.customers.sample(frac=1, random_state=3), model=shop.model,
    )  # fmt: skip
    pd.testing.assert_frame_equal(again.customers, result.customers)
    money = ["predicted_value", "predicted_value_low", "predicted_value_high", "expected_spend"]
    cents = shop.scores.assign(**{name: shop.scores[name] * 100 for name in money})
    in_cents = customer_contributions(
        cents, 0.3, ServiceCosts(400, 300, 100), acquisition_cost=50, cheaper_service=0.4,
        minimum_order=MinimumOrder(3000), customers=shop.customers,
    )  # fmt: skip
    assert in_cents.customers["remedy"].tolist() == result.customers["remedy"].tolist()


def test_what_is_not_known_is_left_out_with_what_would_bring_it(shop):
    made = customer_contributions(shop.scores, 0.3, ServiceCosts(per_return=3))
    assert not {"probability_below_break_even", "remedy"} & set(made.customers)
    assert made.summary["group"].tolist() == ["above break-even", "below break-even", "all"]
    for named in (
        "return_days",
        "acquisition_cost",
        "give a `model`",
        "`cheaper_service` or `minimum_order`",
    ):
        assert sum(named in note for note in made.notes) == 1
    assert "cost_to_serve" in customer_contributions(shop.scores, 0.3).notes[0]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"margin": 0}, "margin is missing or not a number from 0.001 to 1"),
        ({"margin": pd.Series([0.3], index=["nobody"])}, "margin lacks"),
        ({"acquisition_cost": -1}, "acquisition_cost is missing or not a number from 0"),
        ({"cheaper_service": 1.5}, "cheaper_service is 1.5; give its cost as a share"),
        ({"minimum_order": MinimumOrder(-1)}, "the minimum order is -1"),
        ({"minimum_order": MinimumOrder(9, 2)}, "raised_share is 2"),
    ],
)
def test_a_number_that_is_not_valid_is_refused_with_what_to_give(shop, options, sentence):
    with pytest.raises(InputError, match=sentence):
        customer_contributions(shop.scores, **{"margin": 0.3} | options)


def test_scores_that_are_not_whole_are_refused(shop):
    with pytest.raises(InputError, match="no column expected_spend"):
        customer_contributions(shop.scores.drop(columns="expected_spend"), 0.3)
    with pytest.raises(InputError, match="1 customers have two rows"):
        customer_contributions(pd.concat([shop.scores, shop.scores.head(1)]), 0.3)
    with pytest.raises(InputError, match="have no customers"):
        customer_contributions(shop.scores.head(0), 0.3)
    with pytest.raises(InputError, match="have a cost_to_serve already"):
        customer_contributions(shop.scores.assign(cost_to_serve=1.0), 0.3, COSTS)
    with pytest.raises(InputError, match="per_order is -1"):
        ServiceCosts(per_order=-1)
