"""A retention campaign in money: the published cost matrix, its threshold, and the expected maximum profit."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad_vec

from duramen.data.outcomes import customer_outcomes
from duramen.errors import InputError
from duramen.forecast.growth import past_value
from duramen.forecast.retention_profit import (
    RetentionOffer,
    campaign_profit,
    contact,
    expected_cost,
    expected_maximum_profit,
    expected_profit,
    money_at_stake,
    profit_threshold,
)

# The parameters of Verbraken, Verbeke and Baesens (2013): alpha 6, beta 14, CLV 200, d 10, f 1.
PUBLISHED, CLV = RetentionOffer(offer_cost=10, contact_cost=1), 200.0


@pytest.fixture(scope="module")
def held_out(shop):
    """The shop's churn probabilities before the horizon, the value at stake, and who then left."""
    outcomes = customer_outcomes(shop.tx, shop.window, shop.customers)
    scores = shop.scores
    return SimpleNamespace(
        probability=scores["churn_probability"].to_numpy(),
        churned=1 - outcomes["active"].to_numpy(),
        value=money_at_stake(
            scores["predicted_value"],
            scores["probability_active"],
            past_value(shop.customers, shop.window.horizon),
        ),
    )


def published_profit(threshold, acceptance, probability, churned, offer=PUBLISHED, clv=CLV):
    """Equation of the paper for the average classification profit, term by term, per customer."""
    above = probability >= threshold
    pi_0, pi_1 = churned.mean(), 1 - churned.mean()
    f_0, f_1 = above[churned == 1].mean(), above[churned == 0].mean()
    delta, phi = offer.offer_cost / clv, offer.contact_cost / clv
    return clv * (acceptance * (1 - delta) - phi) * pi_0 * f_0 - clv * (delta + phi) * pi_1 * f_1


def by_integration(order, saving, cost, alpha, beta):
    """Integrate the best profit over all thresholds numerically, with the share contacted for it."""
    thresholds = np.append(np.unique(order), np.inf)
    totals = np.array(
        [[saving[order >= t].sum(), cost[order >= t].sum(), (order >= t).sum()] for t in thresholds]
    )

    def best(acceptance):
        profits = acceptance * totals[:, 0] - totals[:, 1]
        chosen = profits.argmax()
        return (
            np.array([profits[chosen], totals[chosen, 2]])
            * stats.beta.pdf(acceptance, alpha, beta)
            / len(order)
        )

    return quad_vec(best, 0, 1, epsabs=1e-7, limit=100_000)[0]


def test_published_parameters_on_real_forecasts_agree_with_brute_force(held_out):
    few = slice(None, None, 20)
    probability, churned = held_out.probability[few].round(3), held_out.churned[few]
    found = expected_maximum_profit(probability, churned, PUBLISHED, CLV)
    saving, cost = churned * (CLV - 10), 1 + (1 - churned) * 10
    assert found == pytest.approx(by_integration(probability, saving, cost, 6, 14), abs=1e-4)
    thresholds, rates = np.append(np.unique(probability), np.inf), np.linspace(0.0005, 0.9995, 1000)
    best = [max(published_profit(t, rate, probability, churned) for t in thresholds) for rate in rates[::20]]
    density = stats.beta.pdf(rates[::20], 6, 14)
    assert found.profit == pytest.approx(np.sum(best * density) / density.sum(), rel=1e-3)


@pytest.mark.slow
@settings(max_examples=50)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 6), st.booleans(), st.sampled_from([3.0, 8.0, 20.0, 90.0])),
        min_size=1,
        max_size=12,
    ),
    costs=st.sampled_from([(10.0, 1.0), (0.0, 2.0), (4.0, 0.0)]),
    shape=st.sampled_from([(6.0, 14.0), (1.0, 1.0), (2.0, 5.0)]),
)
def test_any_small_base_with_own_values_agrees_with_brute_force(rows, costs, shape):
    score, churned, value = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    offer = RetentionOffer(*costs, *shape)
    found = expected_maximum_profit(score / 6, churned, offer, value)
    order = np.where(value > offer.offer_cost, expected_profit(score / 6, value, offer), -np.inf)
    reachable = value > offer.offer_cost
    saving = np.where(reachable, churned * (value - offer.offer_cost), 0)
    # Out of reach is contacted by no threshold that is tried: it costs too much.
    cost = np.where(reachable, offer.contact_cost + (1 - churned) * offer.offer_cost, 1e9)
    profit, contacted = by_integration(order, saving, cost, *shape)
    assert found.profit == pytest.approx(profit, abs=1e-3)
    if offer.contact_cost:  # else a churner contacted for nothing may as well not be
        assert found.contacted == pytest.approx(contacted, abs=1e-2)


def test_a_perfect_ranking_earns_the_mean_acceptance_of_those_who_leave():
    churned = np.repeat([1.0, 0.0], [30, 70])
    found = expected_maximum_profit(churned, churned, PUBLISHED, CLV)
    # Only acceptance below 1/190 is worse than no contact, and so rare does Beta(6, 14) not hold it.
    assert found == pytest.approx((0.3 * (0.3 * 190 - 1), 0.3), abs=1e-6)


def test_a_ranking_that_tells_nothing_contacts_everybody_or_nobody():
    churned = np.repeat([1.0, 0.0], [30, 70])
    found = expected_maximum_profit(np.full(100, 0.5), churned, PUBLISHED, CLV)
    break_even = (0.3 * 1 + 0.7 * 11) / (0.3 * 190)
    above = stats.beta(6, 14).expect(lambda rate: 0.3 * rate * 190 - (0.3 + 7.7), lb=break_even)
    assert found == pytest.approx((above, stats.beta(6, 14).sf(break_even)), rel=1e-6)


def test_only_the_order_counts_where_all_have_one_value(held_out):
    once = expected_maximum_profit(held_out.probability, held_out.churned, PUBLISHED, CLV)
    again = expected_maximum_profit(held_out.probability**3, held_out.churned, PUBLISHED, CLV)
    assert again == pytest.approx(once, rel=1e-12)


def test_a_single_value_is_that_value_for_each(held_out):
    each = np.full(len(held_out.churned), CLV)
    assert expected_maximum_profit(
        held_out.probability, held_out.churned, PUBLISHED, each
    ) == expected_maximum_profit(held_out.probability, held_out.churned, PUBLISHED, CLV)


def test_money_times_k_gives_profit_times_k(held_out):
    offer, tenfold = RetentionOffer(10, 1), RetentionOffer(100, 10)
    one = expected_maximum_profit(held_out.probability, held_out.churned, offer, held_out.value)
    ten = expected_maximum_profit(held_out.probability, held_out.churned, tenfold, 10 * held_out.value)
    assert ten == pytest.approx((10 * one.profit, one.contacted), rel=1e-9)


def test_a_better_ranking_earns_more_on_real_customers(held_out):
    model, perfect, none = (
        expected_maximum_profit(probability, held_out.churned, PUBLISHED, CLV).profit
        for probability in (held_out.probability, held_out.churned, np.full(len(held_out.churned), 0.5))
    )
    assert none < model < perfect


def test_with_a_known_acceptance_it_is_the_maximum_profit_over_thresholds(held_out):
    known = RetentionOffer(10, 1, acceptance=0.2)
    found = expected_maximum_profit(held_out.probability, held_out.churned, known, held_out.value)
    order = expected_profit(held_out.probability, held_out.value, known)
    earned = held_out.churned * (0.2 * (held_out.value - 10)) - 1 - (1 - held_out.churned) * 10
    falling = np.argsort(-order, kind="stable")
    falling = falling[held_out.value[falling] > 10]
    running = np.cumsum(earned[falling])
    ends = np.flatnonzero(np.append(np.diff(order[falling]) != 0, True))
    assert found.profit == pytest.approx(running[ends].max() / len(order))
    assert found.contacted == pytest.approx((ends[running[ends].argmax()] + 1) / len(order))


def test_an_acceptance_that_hardly_varies_is_a_known_one(held_out):
    sure = RetentionOffer(10, 1, acceptance_alpha=3e6, acceptance_beta=7e6)
    known = RetentionOffer(10, 1, acceptance=0.3)
    for value in (CLV, held_out.value):
        assert expected_maximum_profit(
            held_out.probability, held_out.churned, sure, value
        ).profit == pytest.approx(
            expected_maximum_profit(held_out.probability, held_out.churned, known, value).profit, rel=1e-4
        )


def test_where_no_value_exceeds_the_offer_nobody_is_contacted():
    assert expected_maximum_profit([0.9, 0.2], [1, 0], PUBLISHED, 10) == (0.0, 0.0)
    assert expected_maximum_profit([0.9, 0.2], [0, 0], PUBLISHED, 200) == (0.0, 0.0)


def test_expected_profit_is_the_mean_over_the_published_cost_matrix():
    p, g, v, d, f = 0.4, 0.3, 200, 10, 1
    leaves_and_accepts, leaves, stays = v - d - f, -f, -d - f
    by_hand = p * g * leaves_and_accepts + p * (1 - g) * leaves + (1 - p) * stays
    assert expected_profit([p], v, PUBLISHED) == pytest.approx([by_hand])


@given(
    value=st.floats(0, 1e6),
    d=st.floats(0.01, 1e3),
    f=st.floats(0, 1e3),
    g=st.floats(0.01, 1),
    p=st.floats(0, 1),
)
def test_contact_pays_exactly_above_the_threshold(value, d, f, g, p):
    offer = RetentionOffer(d, f, acceptance=g)
    threshold = profit_threshold(value, offer)[0]
    assert threshold == np.inf or 0 < threshold <= 1
    profit = expected_profit([p], value, offer)[0]
    if abs(profit) > 1e-9 * (value + d + f):
        assert contact([p], value, offer)[0] == (profit > 0)
    if threshold < np.inf:
        assert expected_profit([threshold], value, offer)[0] == pytest.approx(0, abs=1e-9 * (value + d + f))


def test_no_probability_is_high_enough_where_the_value_at_stake_never_pays():
    # 0.3 (v - 10) reaches the contact of 1 at v = 13.33.
    np.testing.assert_array_equal(
        np.isinf(profit_threshold([-5.0, 10.0, 13.3, 13.4], PUBLISHED)), [1, 1, 1, 0]
    )
    assert not contact([1.0], 13.3, PUBLISHED)[0]


def test_the_campaign_earns_what_its_customers_are_expected_to(held_out):
    told = campaign_profit(held_out.probability, held_out.value, PUBLISHED).set_index("choice")
    profit = expected_profit(held_out.probability, held_out.value, PUBLISHED)
    assert told.loc["worth contacting", "profit"] == pytest.approx(profit[profit > 0].sum())
    assert told.loc["everybody", "profit"] == pytest.approx(profit.sum())
    assert told["profit"].idxmax() == "worth contacting"
    np.testing.assert_allclose(told["saved"] - told["cost"], told["profit"])
    np.testing.assert_allclose(told["cost"] / told["kept"], told["cost_per_kept"])
    assert told.loc["worth contacting", "contacted"] == told.loc["most likely to leave", "contacted"]
    assert told.loc["everybody", "contacted"] == len(profit)


def test_what_happened_prices_the_same_choice(held_out):
    expected = campaign_profit(held_out.probability, held_out.value, PUBLISHED)
    happened = campaign_profit(held_out.probability, held_out.value, PUBLISHED, held_out.churned)
    assert happened["contacted"].tolist() == expected["contacted"].tolist()
    chosen = contact(held_out.probability, held_out.value, PUBLISHED)
    left = held_out.churned == 1
    earned = np.where(left, 0.3 * (held_out.value - 10) - 1, -11.0)
    assert happened.loc[0, "profit"] == pytest.approx(earned[chosen].sum())
    assert happened.loc[0, "kept"] == pytest.approx(0.3 * (chosen & left).sum())
    assert happened.loc[0, "churn_rate"] == pytest.approx(
        (left.sum() - 0.3 * (chosen & left).sum()) / len(left)
    )
    # Calibrated probabilities foretell the money.
    assert expected.loc[2, "saved"] == pytest.approx(happened.loc[2, "saved"], rel=0.1)


def test_a_campaign_that_nobody_is_worth_costs_nothing():
    told = campaign_profit([0.5, 0.5], 5, PUBLISHED).set_index("choice").loc["worth contacting"]
    assert (told["contacted"], told["cost"], told["profit"]) == (0, 0, 0)
    assert np.isnan(told["cost_per_kept"])


@pytest.mark.parametrize(
    ("given_", "sentence"),
    [
        ({"offer_cost": -1}, "offer_cost is -1; give money, 0 or more"),
        ({"contact_cost": float("nan")}, "contact_cost is nan; give money"),
        ({"contact_cost": "1"}, "contact_cost is '1'; give money"),
        ({"offer_cost": float("inf")}, "offer_cost is inf; give money"),
        ({"offer_cost": 0, "contact_cost": 0}, "both 0: what costs nothing can go to everybody"),
        ({"acceptance_alpha": 0}, "acceptance_alpha is 0; give a number above 0"),
        ({"acceptance_beta": None}, "acceptance_beta is None; give a number above 0"),
        ({"acceptance": 0}, "acceptance is 0; give a rate above 0 and up to 1"),
        ({"acceptance": 1.2}, r"acceptance is 1\.2; give a rate"),
        ({"acceptance": True}, "acceptance is True; give a rate"),
    ],
)
def test_an_offer_that_cannot_be_is_refused(given_, sentence):
    with pytest.raises(InputError, match=sentence):
        RetentionOffer(**{"offer_cost": 10, "contact_cost": 1, **given_})


def test_columns_that_do_not_fit_are_refused():
    with pytest.raises(
        InputError, match="churn_probability is missing or not a number from 0 to 1 for 1 of 2"
    ):
        expected_profit([0.5, 1.2], 200, PUBLISHED)
    with pytest.raises(
        InputError, match=r"value has the shape \(3,\); give one number for each of the 2 customers"
    ):
        contact([0.5, 0.2], [1, 2, 3], PUBLISHED)
    with pytest.raises(InputError, match=r"churned has the shape \(1,\)"):
        expected_maximum_profit([0.5, 0.2], [1], PUBLISHED, 200)
    with pytest.raises(InputError, match="churned is neither 0 nor 1"):
        campaign_profit([0.5, 0.2], 200, PUBLISHED, churned=[0.5, 0.2])
    with pytest.raises(InputError, match="value is missing or not a number for 1 of 1 customers"):
        profit_threshold(np.nan, PUBLISHED)


def test_what_is_at_stake_is_bounded_however_sure_it_is_that_a_customer_is_lost():
    active = np.array([1, 0.5, 1e-3, 1e-9, 0.0])
    at_stake = money_at_stake([30, 30, 2, 2, 2], active, [40, 40, 40, 40, 40])
    assert at_stake.tolist() == [30, 40, 40, 40, 40]
    assert money_at_stake([30.0], [0.5], [-5.0]).tolist() == [0]


def test_the_shop_has_no_more_at_stake_than_it_ever_sold(shop, held_out):
    spent = np.maximum(shop.customers["net_spend"].to_numpy(), 0)
    assert (held_out.value <= spent + 1e-9).all()
    uncapped = (shop.scores["predicted_value"] / shop.scores["probability_active"]).to_numpy()
    assert contact(held_out.probability, held_out.value, PUBLISHED).sum() < (
        0.7 * contact(held_out.probability, uncapped, PUBLISHED).sum()
    )


def test_the_expected_cost_is_the_mean_of_what_leaving_and_staying_customers_cost():
    leaves, stays = expected_cost([1.0, 0.0], PUBLISHED)
    assert (leaves, stays) == pytest.approx((1 + 0.3 * 10, 1 + 10))
    assert expected_cost([0.25], PUBLISHED)[0] == pytest.approx(0.25 * leaves + 0.75 * stays)


@pytest.mark.parametrize(
    "columns", [([1.0], [1.5], [1.0]), ([1.0], [0.5], [np.nan]), ([1.0, 2.0], [0.5], [1.0])]
)
def test_what_is_at_stake_is_not_computed_from_columns_that_are_wrong(columns):
    with pytest.raises(InputError):
        money_at_stake(*columns)
