"""The currency changes the money alone: no verdict, share, figure or sentence of an analysis depends on it.

The shop is fitted to the same orders in dollars, in a hundredfold currency and in one of ten-thousandths.
"""

import copy
import dataclasses
import re
from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import duramen as dm
from duramen.analysis.core_summary import core_members, summarise_core
from duramen.analysis.future_gain import gain_in_value
from duramen.analysis.migration import feature_drift
from duramen.analysis.portfolio_axes import LOYALTY_BY_SIZE_BY_CREDIT
from duramen.analysis.price_buyers import price_led_difference
from duramen.data.customers import typical_basket
from duramen.evaluation import champion_challenger, ranking_sensitivity
from duramen.evaluation.baselines import baseline_forecasts
from duramen.evaluation.comparison import compare, figures_by_cutoff
from duramen.evaluation.core import core_calibration, score_against_past_spend
from duramen.evaluation.holdout import Holdout, forecasts_of, outcomes_of
from duramen.report.scoreboard import boards
from duramen.report.self_test import answers

FACTORS = (0.01, 1e4)
# Money differs by its factor, and beyond that by what rounding to four decimals and to single precision leaves behind.
CLOSE = 1e-5
EARLIER = "1998-01-01"


def without_money(sentence):
    """Return a sentence without its amounts, which have two decimals and are no factors."""
    return re.sub(r"(?<![\d.,])[\d,]+\.\d\d\b(?! times)", "#", sentence)


def assert_same_but_money(table, plain, factor, money=()):
    """Check that two tables are equal, columns of ``money`` but for the factor."""
    money = [name for name in plain if name in money]
    scaled = plain.assign(**{name: plain[name] * factor for name in money})
    pd.testing.assert_frame_equal(table, scaled, rtol=CLOSE, atol=1e-9)


@pytest.fixture(scope="module")
def earlier_in_unit(shop_in_unit):
    """Return a function that gives customers, scores and outcomes three months before the shop's cutoff."""

    def at(factor):
        shop = shop_in_unit(factor)
        customers = dm.customer_table(shop.tx, EARLIER)
        return SimpleNamespace(
            customers=customers,
            scores=shop.model.predict(customers, with_reasons=False),
            outcomes=dm.customer_outcomes(shop.tx, dm.Window(EARLIER, 91), customers),
        )

    return at


@pytest.mark.parametrize("factor", FACTORS)
def test_the_model_learns_the_same_in_any_currency(shop_in_unit, factor):
    other, plain = shop_in_unit(factor).model, shop_in_unit(1).model
    assert other.growth_weight_ == plain.growth_weight_
    assert other.notes_ == plain.notes_
    assert_same_but_money(other.growth_weight_curve_, plain.growth_weight_curve_, factor)
    profiles = [model.segments_.profile_[["segment", "name", "rule"]] for model in (other, plain)]
    amounts = r"(basket|spend a year) (above|at most) [\d.,]+"
    actual, expected = (profile.replace({"rule": amounts}, r"\1 \2 #", regex=True) for profile in profiles)
    pd.testing.assert_frame_equal(actual, expected)


@pytest.mark.parametrize("factor", FACTORS)
def test_what_the_report_says_of_the_core_is_the_same_in_any_currency(shop_in_unit, factor):
    each = []
    for unit in (factor, 1):
        shop = shop_in_unit(unit)
        members = shop.ranking[core_members(shop.ranking)]
        core = summarise_core(shop.ranking, past_value=shop.customers.set_index("customer_id")["net_spend"])
        sentences = [answer.text for answer in answers(core, members, "USD")]
        assert any("of past revenue" in sentence for sentence in sentences)
        each.append([re.sub(r"[\d.,]+ USD", "# USD", sentence) for sentence in sentences])
    assert each[0] == each[1]


@pytest.mark.parametrize("factor", FACTORS)
def test_tiers_and_reasons_are_the_same_in_any_currency(shop_in_unit, factor):
    other, plain = shop_in_unit(factor), shop_in_unit(1)
    same = ["customer_id", "rank", "tier", "segment", "lifecycle_stage"]
    pd.testing.assert_frame_equal(other.ranking[same], plain.ranking[same])
    for column in ("reason_1", "reason_2", "reason_3"):
        actual, expected = (found.scores[column].map(without_money) for found in (other, plain))
        assert (actual == expected).all()


@pytest.mark.parametrize("factor", FACTORS)
def test_the_scorecard_is_the_same_in_any_currency(shop_in_unit, factor):
    other, plain = (dm.scorecard(shop_in_unit(unit).model.holdout_) for unit in (factor, 1))
    expected = plain["figure"] * np.where(plain["metric"] == "MAE", factor, 1.0)
    pd.testing.assert_frame_equal(other, plain.assign(figure=expected), rtol=CLOSE)
    for board, plain_board in zip(boards(other, "USD"), boards(plain, "USD"), strict=True):
        assert board.verdict == plain_board.verdict
        assert [row.best for row in board.rows] == [row.best for row in plain_board.rows]


@pytest.fixture(scope="module")
def backtest_in_unit(shop_in_unit):
    """Return a function that gives what a backtest at the shop's cutoff compares, of the fitted model."""

    @cache
    def holdout_in(factor):
        shop = shop_in_unit(factor)
        forecasts = forecasts_of(shop.scores, "duramen") + baseline_forecasts(
            shop.tx, shop.window, shop.customers
        )
        return Holdout(shop.window, shop.scores, forecasts, outcomes_of(shop.tx, shop.window, shop.customers))

    return holdout_in


@pytest.mark.parametrize("factor", FACTORS)
def test_the_backtest_is_the_same_in_any_currency(backtest_in_unit, factor):
    tables = []
    for holdout in (backtest_in_unit(factor), backtest_in_unit(1)):
        figures = figures_by_cutoff([holdout])
        tables.append((figures, compare([holdout], figures, seed=0, resamples=100)))
    (figures, comparisons), (plain_figures, plain_comparisons) = tables
    is_money = plain_figures["metric"].isin(("MAE", "CRPS"))
    expected = plain_figures.assign(figure=plain_figures["figure"] * np.where(is_money, factor, 1.0))
    # Parameters that differ in their last digits lead to other draws of money.
    drawn = plain_figures["metric"].isin(("CRPS", "PIT distance", "band calibration error"))
    pd.testing.assert_frame_equal(figures[~drawn], expected[~drawn], rtol=CLOSE)
    pd.testing.assert_frame_equal(figures[drawn], expected[drawn], rtol=1e-3, atol=5e-4)
    unit = np.where(plain_comparisons["metric"].isin(("MAE", "CRPS")), factor, 1.0)
    money = ["figure", "baseline_figure", "difference", "low", "high"]
    scaled = plain_comparisons.assign(**{name: plain_comparisons[name] * unit for name in money})
    pd.testing.assert_frame_equal(comparisons, scaled, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("factor", FACTORS)
def test_the_core_by_the_outcomes_is_the_same_in_any_currency(backtest_in_unit, factor):
    other, plain = backtest_in_unit(factor), backtest_in_unit(1)
    tables = [
        core_calibration(holdout.scores["probability_core"].to_numpy(), holdout.outcomes["value"])
        for holdout in (other, plain)
    ]
    assert_same_but_money(*tables, factor)
    chosen = [
        score_against_past_spend(
            holdout.scores["score"].to_numpy(), holdout.forecasts[4].values, holdout.outcomes["value"]
        )
        for holdout in (other, plain)
    ]
    assert_same_but_money(*chosen, factor, money=("past_spend", "then_spent"))


class PastSpend:
    """A champion that takes past spend for the value to come."""

    unit_ = "currency units"

    def __init__(self, scores):
        self.scores = scores

    def predict(self, customers, **_):
        return self.scores.assign(predicted_value=customers["net_spend"].to_numpy())


@pytest.mark.parametrize("factor", FACTORS)
def test_champion_and_challenger_are_compared_alike_in_any_currency(shop_in_unit, factor):
    found = []
    for unit in (factor, 1):
        shop = shop_in_unit(unit)
        champion = PastSpend(shop.scores)
        result = champion_challenger.challenge(shop.model, champion, shop.tx, shop.window, resamples=100)
        found += [(result, champion_challenger.challenge_simple_orders(shop.model, resamples=100))]
    for result, plain in zip(*found, strict=True):
        assert result.won == plain.won
        assert result.sentence == plain.sentence
        assert list(result.table["verdict"]) == list(plain.table["verdict"])


@pytest.mark.parametrize("factor", FACTORS)
def test_what_segments_explain_is_the_same_in_any_currency(earlier_in_unit, factor):
    other, plain = (
        dm.evaluation.segment_value(found.customers, found.outcomes, found.scores["segment"], resamples=50)
        for found in (earlier_in_unit(factor), earlier_in_unit(1))
    )
    assert other.verdict == plain.verdict
    assert_same_but_money(other.table, plain.table, factor)


@pytest.mark.parametrize("factor", FACTORS)
def test_the_gain_of_a_label_is_the_same_in_any_currency(earlier_in_unit, factor):
    gains = []
    for found in (earlier_in_unit(factor), earlier_in_unit(1)):
        spend, value = found.customers["net_spend"].to_numpy(), found.outcomes["value"].to_numpy()
        gains.append(
            gain_in_value(spend, found.scores["segment"].to_numpy(), value, typical_basket(found.customers))
        )
    assert vars(gains[0]) == pytest.approx(vars(gains[1]), rel=CLOSE)


@pytest.mark.parametrize("labelled_by", ["segment", "tier"])
@pytest.mark.parametrize("factor", FACTORS)
def test_an_audit_is_the_same_in_any_currency(shop_in_unit, earlier_in_unit, factor, labelled_by):
    found = []
    for unit in (factor, 1):
        shop, earlier = shop_in_unit(unit), earlier_in_unit(unit)
        ranking = dm.rank_core_customers(earlier.scores)
        labels = ranking[["customer_id", labelled_by]].set_axis(["customer_id", "segment"], axis=1)
        labels = labels.assign(treatment="for " + labels["segment"], assigned_on=EARLIER)
        assignment = dm.analysis.read_assignment(labels)
        previous = dm.analysis.read_assignment(
            labels.iloc[::-1].assign(segment=np.roll(labels["segment"], 30))
        )
        items = shop.orders["amount"].rank(pct=True).mul(8).round().astype(int).astype(str)
        bought = shop.orders.assign(item="item " + items).groupby(["customer_id", "item"])["amount"].sum()
        bought = bought.rename("spend").reset_index()
        found.append(dm.audit(shop.tx, assignment, bought={"product": bought}, previous=previous))
    other, plain = found
    pd.testing.assert_frame_equal(other.findings, plain.findings, rtol=CLOSE)
    pd.testing.assert_frame_equal(other.measures, plain.measures, rtol=CLOSE)
    pd.testing.assert_frame_equal(other.segments, plain.segments, rtol=CLOSE)
    assert (other.notes, str(other)) == (plain.notes, str(plain))


@pytest.mark.parametrize("factor", FACTORS)
def test_a_portfolio_is_the_same_in_any_currency(shop_in_unit, factor):
    found = []
    for unit in (factor, 1):
        shop = shop_in_unit(unit)
        credit = pd.Series(np.arange(len(shop.customers)) % 5, index=shop.customers["customer_id"])
        found.append(
            dm.portfolio(shop.ranking, shop.customers, shop.window.horizon, LOYALTY_BY_SIZE_BY_CREDIT, credit)
        )
    assert_same_but_money(*found, factor, money=("value_now", "predicted_value", "growth_potential"))


@pytest.mark.parametrize("factor", FACTORS)
def test_price_led_buyers_are_the_same_in_any_currency(shop_in_unit, factor):
    found, differences = [], []
    for unit in (factor, 1):
        shop = shop_in_unit(unit)
        off = np.random.default_rng(0).integers(0, 3, len(shop.orders)) * shop.orders["amount"]
        tx = dm.read_transactions(shop.orders.assign(discount=off), currency="USD")
        customers = dm.customer_table(tx, shop.window.cutoff)
        outcomes = dm.customer_outcomes(tx, shop.window, customers).set_index("customer_id")["value"]
        table = dm.price_sensitivity(shop.ranking, customers, shop.window.horizon, 2, then_spent=outcomes)
        found.append(table)
        buyers = dm.analysis.price_buyers.price_led_buyers(customers, 2)
        differences.append(price_led_difference(buyers, customers["net_spend"], outcomes))
    assert_same_but_money(*found, factor, money=("value_now_mean", "predicted_value_mean", "then_spent_mean"))
    assert_same_but_money(*differences, factor, money=("spent", "spent_standard_error"))


@pytest.mark.parametrize("factor", FACTORS)
def test_markets_and_the_core_in_each_are_the_same_in_any_currency(shop_in_unit, factor):
    found = []
    for unit in (factor, 1):
        shop = shop_in_unit(unit)
        responses = dm.market_elasticities(
            shop.tx, shop.window.cutoff, shop.scores.set_index("customer_id")["segment"]
        )
        varied = copy.copy(responses.customers)
        varied["elasticity"] = 0.2 + np.arange(len(varied)) % 7 / 3
        responses = dataclasses.replace(responses, customers=varied, identified=True)
        found.append((str(responses), dm.core_by_market_scenario(shop.scores, responses, change=0.3)))
    (text, table), (plain_text, plain_table) = found
    assert text == plain_text
    assert table["core_in"].nunique() > 2
    assert_same_but_money(table, plain_table, factor, money=("value", "value_up", "value_down"))


@pytest.mark.parametrize("factor", FACTORS)
def test_who_moved_is_the_same_in_any_currency(shop_in_unit, earlier_in_unit, factor):
    found = []
    for unit in (factor, 1):
        shop, earlier = shop_in_unit(unit), earlier_in_unit(unit)
        then, now = (scores.set_index("customer_id")["segment"] for scores in (earlier.scores, shop.scores))
        found.append(
            (
                dm.segment_transitions(then, now),
                dm.analysis.stage_transitions(shop.model, shop.tx, EARLIER, shop.window.cutoff),
                feature_drift(earlier.customers, shop.customers).drop(columns="meaning", errors="ignore"),
                dm.analysis.segmentation_drift(shop.model.segments_, earlier.customers, shop.customers),
            )
        )
    for other, plain in zip(*found, strict=True):
        if isinstance(other, pd.DataFrame):
            pd.testing.assert_frame_equal(other, plain, rtol=CLOSE)
        else:
            assert str(other) == str(plain)


@pytest.mark.parametrize("factor", FACTORS)
def test_churners_are_compared_alike_in_any_currency(earlier_in_unit, factor):
    groups, features = [], []
    for found in (earlier_in_unit(factor), earlier_in_unit(1)):
        left = 1 - found.outcomes["active"]
        groups.append(
            dm.analysis.churn_by_group(left, found.scores["segment"], found.scores["churn_probability"])
        )
        features.append(dm.analysis.compare_churners(found.customers, left))
    assert_same_but_money(*groups, factor)
    same = [
        "feature",
        "separation",
        "standard_error",
        "false_discovery",
        "known_left",
        "known_stayed",
        "meaning",
    ]
    assert_same_but_money(features[0][same], features[1][same], factor)


@pytest.mark.parametrize("factor", FACTORS)
def test_customers_who_rose_are_the_same_in_any_currency(shop_in_unit, earlier_in_unit, factor):
    other, plain = (
        dm.customers_who_rose(earlier_in_unit(unit).scores, shop_in_unit(unit).scores) for unit in (factor, 1)
    )
    assert len(plain) > 5
    money = ("value_before", "value_now", "value_with_all", "likely_before")
    assert_same_but_money(other, plain, factor, money)


@pytest.mark.parametrize("factor", FACTORS)
def test_tiers_after_cost_are_the_same_in_any_currency(shop_in_unit, factor):
    other, plain = (
        dm.rank_core_customers(
            shop_in_unit(unit).scores,
            cost_to_serve=pd.Series(
                unit * (3.0 + np.arange(len(shop_in_unit(unit).scores)) % 4),
                shop_in_unit(unit).scores["customer_id"],
            ),
        )
        for unit in (factor, 1)
    )
    same = ["customer_id", "rank", "tier"]
    pd.testing.assert_frame_equal(other[same], plain[same])
    assert plain["tier"].nunique() == 6


@pytest.mark.parametrize("factor", FACTORS)
def test_what_one_more_purchase_changes_is_the_same_in_any_currency(shop_in_unit, factor):
    ids = shop_in_unit(1).ranking["customer_id"].iloc[[0, 300, 700, 2000]]
    other, plain = (dm.what_if(shop_in_unit(unit).model, shop_in_unit(unit).tx, ids) for unit in (factor, 1))
    same = ["customer_id", "rank", "new_rank", "tier", "new_tier"]
    pd.testing.assert_frame_equal(other[same], plain[same])
    assert list(other["sentence"].map(without_money)) == list(plain["sentence"].map(without_money))


@pytest.mark.parametrize("factor", FACTORS)
def test_who_is_contacted_is_the_same_in_any_currency(shop_in_unit, factor):
    each = []
    for unit in (factor, 1):
        scores, offer = shop_in_unit(unit).scores, dm.RetentionOffer(1.5 * unit, 1.0 * unit)
        value = scores["predicted_value"] / scores["probability_active"]
        each.append(dm.forecast.contact(scores["churn_probability"], value, offer))
    assert 0 < each[1].mean() < 1
    assert (each[0] == each[1]).all()


@pytest.mark.parametrize("factor", FACTORS)
def test_the_sensitivity_of_the_ranking_is_the_same_in_any_currency(shop_in_unit, factor, monkeypatch):
    found = []
    for unit in (factor, 1):
        shop = shop_in_unit(unit)
        # Refits are models of their own; here they are the shop's, fitted already.
        monkeypatch.setattr(ranking_sensitivity, "_fitted", lambda *_, shop=shop: shop.model)
        found.append(dm.evaluation.sensitivity(shop.tx, shop.window, shop.model, seeds=1, parts=0, draws=20))
    other, plain = found
    pd.testing.assert_frame_equal(other.variations, plain.variations, rtol=CLOSE)
    pd.testing.assert_frame_equal(other.ranks, plain.ranks, rtol=CLOSE)
    assert str(other) == str(plain)
