"""The tables of a report are those of the analysis, or the sentence that says why there are none."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from duramen.analysis import lifecycle, lifecycle_history, migration
from duramen.analysis.portfolio_axes import LOYALTY_BY_SIZE, MATRICES
from duramen.analysis.portfolio_matrices import portfolio
from duramen.analysis.postponed_demand import missing_demand
from duramen.analysis.price_buyers import price_sensitivity
from duramen.analysis.report_contents import CALLED, report_tables
from duramen.data.customers import customer_table
from duramen.data.windows import Window
from duramen.evaluation.scorecards import scorecard
from duramen.scoring.customer_ranking import rank_with_inputs

# The fixture below observes fewer days.
OBSERVED_DAYS = lifecycle_history.OBSERVED_DAYS


@pytest.fixture(scope="module")
def card(shop):
    return scorecard(shop.model.holdout_)


@pytest.fixture(scope="module")
def ranked(shop):
    return rank_with_inputs(shop.model, shop.tx, shop.customers)


@pytest.fixture
def tables_of(shop, card, ranked, monkeypatch):
    """Give a function that returns the tables of the shop's ranking or of another one, after few steps."""
    monkeypatch.setattr(lifecycle_history, "OBSERVED_DAYS", 2 * lifecycle.STEP)

    def tables(ranked=ranked, **others):
        return report_tables(shop.model, shop.tx, ranked, card, **others)

    return tables


@pytest.fixture(scope="module")
def tables(shop, card, ranked):
    return report_tables(shop.model, shop.tx, ranked, card)


def test_customers_just_below_the_core_and_the_first_to_call_have_what_would_change_among_their_details(
    tables,
):
    details = tables.details.what_if.set_index("customer_id")["sentence"]
    near = tables.near_core.set_index("customer_id")["sentence"]
    assert len(near) == 5
    pd.testing.assert_series_equal(details.loc[near.index], near)
    assert tables.lists.call["customer_id"].head(CALLED).isin(details.index).any()


def test_transitions_lead_to_the_stages_of_the_ranking_and_outcomes_are_counted(shop, ranked, tables):
    history = tables.lifecycle
    earlier = shop.window.cutoff - timedelta(days=shop.window.horizon)
    assert history.earlier == earlier
    then = lifecycle.stages_at(shop.model, shop.tx, earlier)
    arrived = history.transitions.groupby("to")["customers"].sum()
    assert arrived.to_dict() == ranked.ranking["lifecycle_stage"].value_counts().to_dict()
    left = (
        history.transitions[history.transitions["from"] != lifecycle.NOT_YET]
        .groupby("from")["customers"]
        .sum()
    )
    assert left.to_dict() == then.value_counts().to_dict()
    expected = lifecycle.what_follows(shop.tx, then, Window(earlier, shop.window.horizon))
    pd.testing.assert_frame_equal(history.outcomes, expected)


@pytest.mark.slow
def test_the_steady_stage_is_observed_in_whole_steps_and_for_a_sample_of_many_customers(
    shop, tables, tables_of, monkeypatch
):
    whole = tables.lifecycle
    assert whole.sampled is None
    observed = (shop.window.cutoff - whole.observed_from).days
    assert observed % lifecycle.STEP == 0
    assert 2 * lifecycle.STEP <= observed <= OBSERVED_DAYS
    times = lifecycle.time_in_stage(shop.model, shop.tx, whole.observed_from, shop.window.cutoff)
    assert str(whole.steady) == str(lifecycle.stage_length(times))
    with pytest.raises(lifecycle.InputError):
        lifecycle.time_in_stage(
            shop.model, shop.tx, shop.tx.first_date + timedelta(days=lifecycle.STEP), shop.window.cutoff
        )
    monkeypatch.setattr(lifecycle_history, "OBSERVED_CUSTOMERS", 500)
    sampled = tables_of().lifecycle
    assert sampled.sampled == 500
    assert 0 < sampled.steady.customers <= 500


def test_transitions_between_segments_use_the_segmenter_of_the_model(shop, ranked, tables):
    review = tables.segmentation
    then = customer_table(shop.tx, review.earlier)
    segments = shop.model.segments_
    before = pd.Series(segments.names(segments.predict(then)), index=pd.Index(then["customer_id"]))
    now = ranked.ranking.set_index("customer_id")["segment"]
    order = list(review.names.values())
    pd.testing.assert_frame_equal(review.transitions, migration.segment_transitions(before, now, order=order))
    pd.testing.assert_series_equal(review.drift, migration.group_drift(before, now))
    assert review.age is None
    pd.testing.assert_frame_equal(review.candidates, segments.candidates_)


@pytest.mark.slow
def test_a_later_ranking_reports_the_age_of_the_segments(shop, tables_of):
    later = shop.window.cutoff + timedelta(days=40)
    now = customer_table(shop.tx, later)
    review = tables_of(rank_with_inputs(shop.model, shop.tx, now)).segmentation
    assert review.age == migration.segmentation_drift(shop.model.segments_, shop.customers, now)
    assert review.age.days == 40


def test_a_short_history_gives_reasons_instead_of_tables(shop, tables_of):
    early = customer_table(shop.tx, "1997-03-15")
    ranked = rank_with_inputs(shop.model, shop.tx, early)
    tables = tables_of(ranked)
    history, review = tables.lifecycle, tables.segmentation
    assert "has no purchase before the cutoff 1996-12-14" in history.transitions
    assert review.transitions == history.transitions
    assert history.outcomes is None
    assert "so they are not known there" in history.steady
    assert "later than this ranking's cutoff" in review.age


@pytest.mark.slow
def test_an_earlier_cutoff_with_little_history_has_segments_but_no_stages(shop, tables_of):
    ranked = rank_with_inputs(shop.model, shop.tx, customer_table(shop.tx, "1997-07-01"))
    tables = tables_of(ranked)
    assert "days of history before 1997-04-01, and stages compare a forecast" in tables.lifecycle.transitions
    assert not isinstance(tables.segmentation.transitions, str)


@pytest.mark.slow
def test_the_portfolio_is_by_credit_too_where_credit_is_given(shop, ranked, tables, tables_of):
    plain = tables.portfolios
    horizon = shop.window.horizon
    assert list(plain) == [LOYALTY_BY_SIZE]
    pd.testing.assert_frame_equal(
        plain[LOYALTY_BY_SIZE], portfolio(ranked.ranking, ranked.customers, horizon)
    )
    credit = pd.Series(range(len(shop.customers)), index=shop.customers["customer_id"])
    given = tables_of(credit=credit).portfolios
    assert list(given) == list(MATRICES)
    for axes, table in given.items():
        pd.testing.assert_frame_equal(
            table, portfolio(ranked.ranking, ranked.customers, horizon, axes, credit)
        )
    alike = tables_of(credit=credit * 0).portfolios
    assert "have the same credit" in alike["loyalty", "credit"]


@pytest.mark.slow
def test_price_sensitivity_is_there_only_where_discounts_are_known(shop, ranked, tables, tables_of):
    assert tables.price_sensitivity is None
    off = np.arange(len(ranked.customers)) % 7 / 20
    customers = ranked.customers.assign(discount_share=off, discount_day_share=off)
    led = tables_of(ranked._replace(customers=customers)).price_sensitivity
    pd.testing.assert_frame_equal(led, price_sensitivity(ranked.ranking, customers, shop.window.horizon))
    customers["discount_share"] = 0.0
    assert "have the same discount share" in tables_of(ranked._replace(customers=customers)).price_sensitivity
    customers["discount_share"] = float("nan")
    assert tables_of(ranked._replace(customers=customers)).price_sensitivity is None


def test_what_lost_customers_bring_back_follows_from_the_ranking(shop, ranked, tables):
    base = tables.base
    assert base.after.end == ranked.cutoff
    assert base.after.horizon == shop.window.horizon
    found = missing_demand(shop.tx, base.before, base.after, scores=ranked.ranking)
    pd.testing.assert_frame_equal(base.change.missing, found)
    assert not any("because no model forecasts" in note for note in base.change.notes)


def test_the_season_of_the_forecast_is_that_of_the_model_at_its_own_cutoff(shop, tables):
    assert tables.season == shop.model.forecast_.season_
