"""One more purchase: what follows is what the model says of a customer who made it."""

import numpy as np
import pandas as pd
import pytest

from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions
from duramen.errors import InputError
from duramen.explain.reasons import _SENTENCES, theme
from duramen.scoring.ranking import rank_core_customers
from duramen.scoring.tiers import Tiers
from duramen.scoring.what_if import _WHY_LOWER, MONTH, SMALLER_BASKETS, _with_further_days, what_if

COLUMNS = {"quantity": "quantity"}


@pytest.fixture(scope="module")
def outside(shop):
    """Return three customers outside the core who have bought on several days, and one who bought once."""
    ranking = shop.ranking.merge(shop.customers[["customer_id", "frequency"]], on="customer_id")
    plain = ranking[ranking["tier"].isin(["regular", "small", "rising"])]
    several = plain.loc[plain["frequency"] >= 2, "customer_id"].iloc[[0, 40, 80]]
    return [*several, plain.loc[plain["frequency"] == 0, "customer_id"].iloc[-1]]


@pytest.fixture(scope="module")
def asked(shop, outside):
    return what_if(shop.model, shop.tx, outside)


def test_customers_come_in_the_order_given_and_as_they_rank_now(shop, outside, asked):
    assert list(asked["customer_id"]) == outside
    now = shop.ranking.set_index("customer_id").loc[outside]
    for name in ("predicted_value", "score", "rank", "tier"):
        np.testing.assert_array_equal(asked[name], now[name])


@pytest.mark.slow
def test_the_answer_is_that_of_orders_with_the_purchase_in_them(shop, asked):
    cutoff = pd.Timestamp(shop.window.cutoff)
    for customer, row in asked.set_index("customer_id").iterrows():
        own = shop.orders[(shop.orders["customer_id"] == customer) & (shop.orders["date"] < cutoff)]
        by_day = own.groupby("date")[["amount", "quantity"]].sum()
        assert row["amount"] in by_day["amount"].round(4).to_numpy()
        usual = (by_day["amount"] - by_day["amount"].median()).abs()
        assert usual[np.isclose(by_day["amount"], row["amount"])].min() == pytest.approx(usual.min())
        like = own[own["date"] == by_day.index[np.isclose(by_day["amount"], row["amount"])].max()]
        day = cutoff - pd.Timedelta(days=MONTH // 2)
        assert day not in set(own["date"])
        orders = pd.concat([shop.orders, like.assign(date=day)], ignore_index=True)
        tx = read_transactions(orders, currency="USD")
        scores = shop.model.predict(customer_table(tx, shop.window.cutoff), with_reasons=False)
        wanted = rank_core_customers(scores).set_index("customer_id").loc[customer]
        for name in ("predicted_value", "score"):
            assert row[f"new_{name}"] == pytest.approx(wanted[name], rel=1e-9)
        assert (row["new_rank"], row["new_tier"]) == (wanted["rank"], wanted["tier"])


def test_one_more_purchase_moves_a_silent_customer_up(asked):
    assert (asked["new_predicted_value"] > asked["predicted_value"]).all()
    assert (asked["new_rank"] < asked["rank"]).all()


@pytest.fixture(scope="module")
def one_more(shop):
    """Return the customer table and the scores of all customers, had each of them bought once more."""
    days, _ = _with_further_days(shop.tx, shop.window.cutoff, list(shop.customers["customer_id"]), 1)
    customers = customer_table(days, shop.window.cutoff)
    return customers, shop.model.predict(customers, with_reasons=False).set_index("customer_id")


@pytest.fixture(scope="module")
def change(shop, one_more):
    """Return how many times its present value one more purchase makes the value of each customer, best first."""
    now = shop.ranking.set_index("customer_id")["predicted_value"]
    return one_more[1]["predicted_value"].loc[now.index] / now


@pytest.fixture(scope="module")
def lowered(shop, change):
    return what_if(shop.model, shop.tx, change.index[change < 1])


def test_one_more_purchase_lowers_the_value_of_few_customers(change):
    assert 0 < (change < 1).mean() < 0.015
    assert change.min() > 0.6
    assert change.median() > 2


def test_one_more_purchase_lowers_the_value_of_the_best_customers_by_little(change):
    best = change.iloc[:20]
    assert (best < 1).sum() <= 5
    assert best.min() > 0.95
    assert best.median() > 1.02


def test_a_sentence_says_why_the_value_falls_by_the_factor_that_falls_most(shop, one_more, lowered):
    def by_theme(customers):
        own = customers[customers["customer_id"].isin(lowered["customer_id"])]
        factors = shop.model.explain(own, ["value"])
        factors = factors[factors["feature"] != "base"]
        return factors.groupby(["customer_id", factors["feature"].map(theme)])["factor"].prod().unstack()

    fallen = (by_theme(one_more[0]) / by_theme(shop.customers)).idxmin(axis=1)
    # Few fall at all; each of them is looked at.
    assert len(lowered) == len(fallen) > 4
    assert fallen.nunique() > 1
    for row in lowered.itertuples():
        why = fallen[row.customer_id]
        assert row.new_predicted_value < row.predicted_value
        words = SMALLER_BASKETS if "smaller baskets" in row.sentence else _WHY_LOWER[why]
        assert row.sentence.endswith(f"; with this purchase the value falls, mainly because {words} ({why})")


def test_smaller_baskets_are_named_only_where_the_forecast_expects_them(shop, one_more, lowered):
    by_spend = lowered[lowered["sentence"].str.endswith("(spend)")].set_index("customer_id")["sentence"]
    now = shop.scores.set_index("customer_id").loc[by_spend.index, "expected_spend"]
    expected = one_more[1].loc[by_spend.index, "expected_spend"] < now
    assert expected.any()
    assert by_spend.str.contains(SMALLER_BASKETS).eq(expected).all()
    assert (
        not lowered.loc[~lowered["sentence"].str.endswith("(spend)"), "sentence"]
        .str.contains("smaller")
        .any()
    )


def test_no_sentence_explains_a_fall_where_the_value_rises(asked):
    assert not asked["sentence"].str.contains("falls").any()


def test_every_theme_of_reasons_has_words_for_why_a_value_falls(shop):
    features = shop.model.explain(shop.customers.head(2), ["value"])["feature"]
    assert {theme(name) for name in features if name != "base"} <= set(_WHY_LOWER) == set(_SENTENCES)


def test_the_sentence_quotes_the_row(shop, asked):
    row = asked.iloc[0]
    assert row["sentence"].startswith(
        f"with one more purchase day of {row['amount']:,.2f} USD in the last 28 days"
    )
    assert f"rank {row['new_rank']:,} instead of {row['rank']:,} of {len(shop.scores):,}" in row["sentence"]
    assert row["sentence"].endswith((f"from {row['tier']} to {row['new_tier']}", f"still {row['tier']}"))


def test_a_rank_that_stays_is_told_once(shop):
    first = shop.ranking.loc[[0], "customer_id"]
    row = what_if(shop.model, shop.tx, first).iloc[0]
    assert row["rank"] == row["new_rank"] == 1
    assert f"rank 1 of {len(shop.scores):,} as now: still " in row["sentence"]


def test_more_purchases_are_spread_over_the_month(shop, outside):
    days = shop.tx.days
    before = days.count().to_pyarrow().as_py()
    many = what_if(shop.model, shop.tx, outside[:1], purchases=4)
    assert (many["purchases"] == 4).all()
    assert many["sentence"].str.contains("with 4 more purchase days of").all()
    added = days.get_backend().table("days_what_if").to_pandas()
    own = shop.orders[shop.orders["customer_id"] == outside[0]]["date"]
    new = sorted(pd.Timestamp(day) for day in added["date"] if pd.Timestamp(day) not in set(own))
    assert np.diff(new).tolist() == [pd.Timedelta(days=7)] * 3 or len(new) == 4
    assert days.count().to_pyarrow().as_py() == before


def test_a_customer_nobody_knows_is_refused(shop, outside):
    with pytest.raises(InputError, match=r"1 of the 2 customers .* 'nobody'"):
        what_if(shop.model, shop.tx, [outside[0], "nobody"])
    with pytest.raises(InputError, match="each once"):
        what_if(shop.model, shop.tx, [outside[0], outside[0]])


@pytest.mark.parametrize("purchases", [0, 29])
def test_purchases_that_fit_no_month_are_refused(shop, outside, purchases):
    with pytest.raises(InputError, match="give 1 to 28"):
        what_if(shop.model, shop.tx, outside, purchases)


def test_a_customer_without_days_left_is_refused(shop):
    most = shop.customers.sort_values("purchase_days_28", ascending=False)["customer_id"].iloc[0]
    with pytest.raises(InputError, match="ask for fewer purchases"):
        what_if(shop.model, shop.tx, [most], purchases=28)


def test_scores_of_another_cutoff_tiers_and_costs_are_those_asked_about(shop, outside):
    scores = shop.model.predict(customer_table(shop.tx, "1998-03-01"), with_reasons=False)
    cost = pd.Series(2.0, index=scores["customer_id"])
    tiers = Tiers(vip_share=0.2)
    asked = what_if(shop.model, shop.tx, outside[:1], scores=scores, tiers=tiers, cost_to_serve=cost)
    now = rank_core_customers(scores, tiers, cost).set_index("customer_id").loc[outside[0]]
    assert asked.loc[0, ["score", "rank", "tier"]].tolist() == now[["score", "rank", "tier"]].tolist()
    free = what_if(shop.model, shop.tx, outside[:1], scores=scores, tiers=tiers)
    assert free.loc[0, "new_score"] == pytest.approx(asked.loc[0, "new_score"] + 2)
