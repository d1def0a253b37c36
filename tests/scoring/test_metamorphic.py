"""What must not change a ranking, and what must change it one way, on real models of the real shop."""

import numpy as np
import pandas as pd
import pytest

from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions
from duramen.forecast.growth import past_value
from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.ranking import rank_core_customers

# More of these never means less, and the trees are held to it.
CERTAIN = ["btyd_purchases", "btyd_spend", "btyd_value"]


def ranked_anew(shop, orders):
    """Fit to other orders before the shop's cutoff and rank."""
    tx = read_transactions(orders, currency="USD")
    model = CoreCustomerModel().fit(tx, shop.window)
    return rank_core_customers(model.predict(customer_table(tx, shop.window.cutoff)))


def features_of(shop):
    """Return what the trees see of each customer, and P(active)."""
    features = shop.model.forecast_.forecast(shop.customers).features
    return features, shop.model.forecast_.activity_.predict(features)


def rank_among_others(money, others):
    """Return the rank that each customer would have with ``money`` of its own while all the others stay."""
    ascending = np.sort(others)
    ahead = len(others) - np.searchsorted(ascending, money, side="right")
    return 1 + ahead


@pytest.mark.slow
@pytest.mark.parametrize("factor", [0.01, 0.85, 1e6])
def test_money_in_another_unit_changes_the_money_alone(shop, shop_in_unit, factor):
    other = shop_in_unit(factor)
    same = ["customer_id", "rank", "tier", "segment", "lifecycle_stage"]
    pd.testing.assert_frame_equal(other.ranking[same], shop.ranking[same])
    found, plain = (some.scores.set_index("customer_id") for some in (other, shop))
    for column in (
        "score", "predicted_value", "predicted_value_high", "past_value", "growth_potential", "clv",
    ):  # fmt: skip
        np.testing.assert_allclose(found[column], factor * plain[column], rtol=1e-5, atol=1e-6 * factor)
    for column in ("probability_active", "probability_core", "probability_growing"):
        np.testing.assert_allclose(found[column], plain[column], rtol=1e-5)


@pytest.mark.slow
def test_the_order_of_the_rows_changes_nothing(shop):
    other = ranked_anew(shop, shop.orders.sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(other, shop.ranking, check_exact=True)
    mixed = rank_core_customers(shop.scores.sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(mixed, shop.ranking, check_exact=True)


@pytest.mark.slow
def test_new_names_in_the_same_order_change_nothing(shop):
    named = ranked_anew(shop, shop.orders.assign(customer_id="c" + shop.orders["customer_id"]))
    assert ("c" + shop.ranking["customer_id"] == named["customer_id"]).all()
    rest = shop.ranking.columns.difference(["customer_id"])
    pd.testing.assert_frame_equal(named[rest], shop.ranking[rest], check_exact=True)


@pytest.mark.parametrize("factor", [1.001, 1.5, 20.0])
@pytest.mark.parametrize("raised", [*([name] for name in CERTAIN), CERTAIN], ids="+".join)
def test_who_gets_better_where_the_sense_is_certain_never_ranks_lower(shop, raised, factor):
    features, probability = features_of(shop)
    better = features.assign(**{name: features[name] * factor for name in raised})
    plain = shop.model.forecast_.value_.predict(features, probability)
    raised_value = shop.model.forecast_.value_.predict(better, probability)
    assert (raised_value >= plain).all()
    if "btyd_value" in raised:
        assert (raised_value > plain).all()
    # The score: growth potential never falls with value where the past is the same.
    unit, model = shop.model.forecast_.money_unit_, shop.model
    past = past_value(shop.customers, shop.window.horizon)
    money = [
        value + model.growth_weight_ * np.maximum(value - past, 0.0)
        for value in (unit * plain, unit * raised_value)
    ]
    np.testing.assert_array_equal(money[0], shop.scores["score"])
    before, after = (rank_among_others(score, money[0]) for score in money)
    assert (after <= before).all()


@pytest.mark.parametrize("factor", [1.5, 20.0])
def test_who_gets_better_where_the_sense_is_certain_is_never_less_likely_to_come(shop, factor):
    features, probability = features_of(shop)
    better = features.assign(**{name: features[name] * factor for name in CERTAIN})
    assert (shop.model.forecast_.activity_.predict(better) >= probability).all()


@pytest.fixture(scope="module")
def bought_once_more(shop):
    """Return the customers with one more purchase each, of what they spend on average, on the day before the cutoff."""
    usual = shop.customers.set_index("customer_id")["basket_mean"]
    day = pd.Timestamp(shop.window.cutoff) - pd.Timedelta(days=1)
    came = shop.orders.loc[shop.orders["date"] == day, "customer_id"]
    usual = usual.drop(came.unique(), errors="ignore")
    more = pd.DataFrame({"customer_id": usual.index, "date": day, "amount": usual.round(2), "quantity": 1})
    tx = read_transactions(pd.concat([shop.orders, more]), currency="USD")
    customers = customer_table(tx, shop.window.cutoff)
    rows = customers["customer_id"].isin(usual.index).to_numpy()
    return customers, rows


def test_one_more_purchase_as_usual_never_lowers_what_btyd_expects(shop, bought_once_more):
    customers, rows = bought_once_more
    assert rows.mean() > 0.95
    before, after = (
        shop.model.forecast_.btyd_.forecast(table, shop.window.horizon)["btyd_purchases"].to_numpy()[rows]
        for table in (shop.customers, customers)
    )
    assert (after > before).all()


def test_one_more_purchase_as_usual_seldom_lowers_the_score(shop, bought_once_more):
    # Nobody promises it: of recency and frequency themselves the trees may think as they like.
    customers, rows = bought_once_more
    after = shop.model.predict(customers, with_reasons=False)
    for column in ("predicted_value", "score"):
        change = (after[column] / shop.scores[column])[rows]
        assert (change < 1).mean() < 0.02, column
    assert ((after["predicted_value"] / shop.scores["predicted_value"])[rows]).median() > 1.5


def test_a_tiny_customer_moves_nobody_by_more_than_one_place(shop):
    tiny = pd.DataFrame(
        {"customer_id": "tiny", "date": shop.orders["date"].min(), "amount": 0.01, "quantity": 1}, index=[0]
    )
    tx = read_transactions(pd.concat([shop.orders, tiny]), currency="USD")
    scores = shop.model.predict(customer_table(tx, shop.window.cutoff))
    ranking = rank_core_customers(scores)
    assert len(ranking) == len(shop.ranking) + 1
    others = ranking[ranking["customer_id"] != "tiny"].merge(
        shop.ranking, on="customer_id", suffixes=("", "_before"), validate="one_to_one"
    )
    assert (others["score"] == others["score_before"]).all()
    assert (others["rank"] - others["rank_before"]).isin([0, 1]).all()
    # A little more money in the total may move one customer over each border between tiers.
    moved = others[others["tier"] != others["tier_before"]]
    assert (moved["tier_before"].value_counts() <= 1).all()


def test_ranks_are_a_permutation_and_ties_go_by_id(shop):
    tied = shop.scores.assign(score=shop.scores["score"].round(0))
    ranking = rank_core_customers(tied.sample(frac=1, random_state=1))
    assert sorted(ranking["rank"]) == list(range(1, len(tied) + 1))
    by_score = ranking.groupby("score")["customer_id"]
    assert by_score.size().max() > 100
    assert all(ids.is_monotonic_increasing for _, ids in by_score)
    assert ranking["score"].is_monotonic_decreasing
