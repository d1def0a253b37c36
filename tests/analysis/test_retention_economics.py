"""Retention economics: figures agree with SQL and a linear programme, intervals with simulated campaigns."""

import duckdb
import numpy as np
import pytest
from scipy.optimize import linprog

from duramen.analysis.lists import contactable, win_back_list
from duramen.analysis.retention_economics import (
    churn_point,
    contact_choices,
    contact_curve,
    summarise_retention,
    win_back_or_release,
)
from duramen.errors import InputError
from duramen.forecast.retention_profit import RetentionOffer, break_even_acceptance, expected_profit

OFFER = RetentionOffer(offer_cost=5, contact_cost=1, acceptance=0.3)
UNSURE = RetentionOffer(offer_cost=5, contact_cost=1)


@pytest.fixture(scope="module")
def economics(shop):
    return summarise_retention(shop.ranking, OFFER)


def test_the_choices_agree_with_sums_of_customers_in_sql(shop, economics):
    engine = duckdb.connect()
    engine.register("ranking", shop.ranking)
    found = engine.sql("""
        with customer as (
            select churn_probability as p,
                least(past_value, predicted_value / nullif(probability_active, 0)) as v
            from ranking
            where lifecycle_stage <> 'lapsed' and not starts_with(lower(treatment), 'release')
        ), priced as (
            select p, 0.3 * p * greatest(v, 0) as saved, 1 + 5 * (1 - p) + 5 * 0.3 * p as cost from customer
        )
        select count(*) filter (saved > cost), sum(saved) filter (saved > cost), sum(cost) filter (saved > cost),
            count(*), sum(saved), sum(cost), avg(p), avg(p) - 0.3 * avg(p)
        from priced
    """).fetchone()
    choices = economics.choices.set_index("choice")
    best, everybody, nobody = (choices.loc[name] for name in ("worth contacting", "everybody", "nobody"))
    assert best[["contacted", "saved", "cost"]].tolist() == pytest.approx(found[:3])
    assert everybody[["contacted", "saved", "cost"]].tolist() == pytest.approx(found[3:6])
    assert nobody["churn_rate"] == pytest.approx(found[6])
    assert everybody["churn_rate"] == pytest.approx(found[7])
    assert nobody[["contacted", "cost", "profit", "profit_low", "profit_high"]].tolist() == [0] * 5


def test_the_optimum_earns_most_and_risk_alone_less_with_as_many_contacts(economics):
    best, risk, everybody, nobody = economics.choices["profit"]
    assert best > max(risk, everybody, nobody)
    assert economics.choices["contacted"].iloc[0] == economics.choices["contacted"].iloc[1]


@pytest.mark.parametrize("tier", ["VIP", "main"])
def test_one_point_is_bought_where_a_linear_programme_buys_it(shop, economics, tier):
    could = contactable(shop.ranking, OFFER)
    group = could[could["tier"] == tier]
    kept = 0.3 * group["churn_probability"].to_numpy()
    best = linprog(
        -group["expected_profit"].to_numpy(),
        A_eq=[kept / len(group)],
        b_eq=[0.01],
        bounds=(0, 1),
    )
    row = economics.by_tier.set_index("tier").loc[tier]
    assert row["profit"] == pytest.approx(-best.fun)
    assert row["contacted"] == pytest.approx(best.x.sum())
    assert row["saved"] - row["cost"] == pytest.approx(row["profit"])
    assert row["most_points"] == pytest.approx(100 * kept.mean())


def test_groups_are_all_customers_who_could_be_contacted(shop, economics):
    could = contactable(shop.ranking, OFFER)
    assert economics.by_tier["customers"].sum() == economics.by_segment["customers"].sum() == len(could)


def test_a_point_out_of_reach_is_missing_and_said(shop):
    rarely = RetentionOffer(offer_cost=5, contact_cost=1, acceptance=0.001)
    points = churn_point(shop.ranking, rarely)
    assert points[["contacted", "cost", "saved", "profit"]].isna().all(axis=None)
    assert "cannot" not in summarise_retention(shop.ranking, OFFER).sentences[2]
    assert "no group's churn can be lowered" in summarise_retention(shop.ranking, rarely).sentences[2]


def test_the_curve_peaks_at_the_optimum_and_ends_with_everybody(economics):
    curves = dict(list(economics.curve.groupby("order")))
    choices = economics.choices.set_index("choice")
    peak = curves["expected profit"].loc[curves["expected profit"]["profit"].idxmax()]
    assert peak["contacted"] == choices.loc["worth contacting", "contacted"]
    assert peak["profit"] == pytest.approx(choices.loc["worth contacting", "profit"])
    for curve in curves.values():
        assert curve["profit"].iloc[0] == 0
        assert curve["profit"].iloc[-1] == pytest.approx(choices.loc["everybody", "profit"])
        assert curve["cost"].iloc[-1] == pytest.approx(choices.loc["everybody", "cost"])


@pytest.mark.parametrize("offer", [OFFER, UNSURE])
def test_four_of_five_simulated_campaigns_earn_what_the_interval_says(shop, offer):
    could = contactable(shop.ranking, offer)
    could = could[could["expected_profit"] > 0]
    risk, stake = could["churn_probability"].to_numpy(), could["money_at_stake"].to_numpy()
    row = contact_choices(shop.ranking, offer).iloc[0]
    rng = np.random.default_rng(3)
    earned = []
    for _ in range(2_000):
        rate = offer.acceptance or rng.beta(6, 14)
        leaves = rng.random(len(risk)) < risk
        accepts = rng.random(len(risk)) < rate
        brings = stake * rng.gamma(1.0, 1.0, len(risk))  # its standard deviation is its mean
        kept = leaves & accepts
        earned.append((kept * brings).sum() - 5 * (kept | ~leaves).sum() - len(risk))
    inside = (np.array(earned) >= row["profit_low"]) & (np.array(earned) <= row["profit_high"])
    assert inside.mean() == pytest.approx(0.8, abs=0.035)


def test_an_unknown_success_rate_widens_the_interval(shop):
    known, unsure = (contact_choices(shop.ranking, offer).iloc[0] for offer in (OFFER, UNSURE))
    assert known["profit"] == pytest.approx(unsure["profit"])
    assert unsure["profit_high"] - unsure["profit_low"] > 2 * (known["profit_high"] - known["profit_low"])


def test_a_choice_earns_nothing_at_its_break_even_success_rate(shop, economics):
    could = contactable(shop.ranking, OFFER)
    rate = economics.choices.set_index("choice").loc["everybody", "break_even_success_rate"]
    there = RetentionOffer(offer_cost=5, contact_cost=1, acceptance=rate)
    assert expected_profit(could["churn_probability"], could["money_at_stake"], there).sum() == pytest.approx(
        0, abs=1e-6
    )


def test_customers_to_win_back_are_those_of_the_list_and_all_others_are_released(shop, economics):
    listed = economics.win_back
    back = listed[listed["decision"] == "win back"]
    assert back["customer_id"].tolist() == win_back_list(shop.ranking, OFFER)["customer_id"].tolist()
    assert set(listed["decision"]) == {"win back", "release"}
    assert (back["break_even_success_rate"] < 0.3).all()
    assert not (listed.loc[listed["decision"] == "release", "break_even_success_rate"] < 0.3).any()


def test_no_break_even_rate_is_above_1():
    found = break_even_acceptance([0.5, 0.0, 1.0, 0.2], [100, 100, 6, 6], OFFER)
    assert found.tolist() == pytest.approx([3.5 / 47.5, np.inf, 1.0, np.inf])


def test_every_text_names_the_assumed_success_rate_and_none_speaks_of_uplift(economics):
    assert economics.sentences[0].startswith(
        "All figures are for an assumed success rate of 30%: that share of the customers"
    )
    assert all("assumed success rate" in said for said in economics.sentences)
    assert "uplift" not in " ".join(economics.sentences).lower()


def test_the_unit_of_money_changes_no_decision(shop):
    money = ["predicted_value", "past_value"]
    scaled = shop.ranking.assign(**{name: 100 * shop.ranking[name] for name in money})
    dear = RetentionOffer(offer_cost=500, contact_cost=100, acceptance=0.3)
    before, after = summarise_retention(shop.ranking, OFFER), summarise_retention(scaled, dear)
    assert (after.win_back["decision"] == before.win_back["decision"]).all()
    assert after.choices["contacted"].tolist() == before.choices["contacted"].tolist()
    assert after.choices["profit_low"].tolist() == pytest.approx(
        (100 * before.choices["profit_low"]).tolist()
    )


def test_what_is_missing_is_refused_with_what_to_do(shop):
    with pytest.raises(InputError, match="no column 'region' to group by; give tier, segment"):
        churn_point(shop.ranking, OFFER, "region")
    with pytest.raises(InputError, match="value_spread is -1; give a number from 0"):
        contact_choices(shop.ranking, OFFER, value_spread=-1)
    lapsed = shop.ranking[shop.ranking["lifecycle_stage"] == "lapsed"]
    with pytest.raises(InputError, match="could be contacted: all are lapsed, released"):
        contact_curve(lapsed, OFFER)
    nobody = win_back_or_release(shop.ranking[shop.ranking["lifecycle_stage"] != "lapsed"], OFFER)
    assert nobody.empty
