"""What a model's report is made of: the tables of the analysis rooms, and their refusals where they refuse."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from duramen.analysis import lifecycle, migration
from duramen.analysis.portfolio_axes import LOYALTY_BY_SIZE, MATRICES
from duramen.analysis.portfolio_matrices import portfolio
from duramen.analysis.price_buyers import price_sensitivity
from duramen.analysis.ranked import rank_with_markets
from duramen.data.customers import customer_table
from duramen.data.windows import Window
from duramen.evaluation.scorecards import scorecard
from duramen.report import model_report
from duramen.report.model_report import write_model_report

# The fixtures below watch for less.
WATCHED = model_report.WATCHED


@pytest.fixture(scope="module")
def card(shop):
    return scorecard(shop.model.holdout_)


@pytest.fixture(scope="module")
def ranked(shop):
    return rank_with_markets(shop.model, shop.tx, shop.customers)


@pytest.fixture
def parts_of_report(shop, card, ranked, monkeypatch):
    """Give a function that returns what the page is handed, of the shop's ranking or another one, after few looks."""
    monkeypatch.setattr(model_report, "write_report", lambda _, **parts: parts)
    monkeypatch.setattr(model_report, "WATCHED", 2 * lifecycle.STEP)

    def parts(ranked=ranked, **others):
        return write_model_report("report.html", shop.model, card, shop.tx, ranked, **others)

    return parts


@pytest.fixture(scope="module")
def parts(shop, card, ranked):
    """Return what the page is handed of the shop's ranking."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(model_report, "write_report", lambda _, **parts: parts)
        return write_model_report("report.html", shop.model, card, shop.tx, ranked)


def test_stages_move_to_those_that_the_ranking_tells_and_bring_what_they_brought(shop, ranked, parts):
    course = parts["course"]
    earlier = shop.window.cutoff - timedelta(days=shop.window.horizon)
    assert course.earlier == earlier
    then = lifecycle.stages_at(shop.tx, earlier, shop.model.base_gap_)
    arrived = course.moves.groupby("to")["customers"].sum()
    assert arrived.to_dict() == ranked.ranking["lifecycle_stage"].value_counts().to_dict()
    left = course.moves[course.moves["from"] != lifecycle.NOT_YET].groupby("from")["customers"].sum()
    assert left.to_dict() == then.value_counts().to_dict()
    told = lifecycle.what_follows(shop.tx, then, Window(earlier, shop.window.horizon))
    pd.testing.assert_frame_equal(course.follows, told)


def test_the_steady_stage_is_watched_in_whole_looks_and_of_a_sample_where_there_are_many(
    shop, parts, parts_of_report, monkeypatch
):
    whole = parts["course"]
    assert whole.sampled is None
    watched = (shop.window.cutoff - whole.watched_from).days
    assert watched % lifecycle.STEP == 0
    assert 2 * lifecycle.STEP <= watched <= WATCHED
    times = lifecycle.time_in_stage(shop.tx, whole.watched_from, shop.window.cutoff)
    assert str(whole.lasting) == str(lifecycle.stage_length(times))
    with pytest.raises(lifecycle.InputError):
        lifecycle.time_in_stage(
            shop.tx, whole.watched_from - timedelta(days=lifecycle.STEP), shop.window.cutoff
        )
    monkeypatch.setattr(model_report, "WATCHED_CUSTOMERS", 500)
    sampled = parts_of_report()["course"]
    assert sampled.sampled == 500
    assert 0 < sampled.lasting.customers <= 500


def test_segments_move_by_the_models_own_segmenter_and_were_made_for_the_day(shop, ranked, parts):
    renewal = parts["renewal"]
    then = customer_table(shop.tx, renewal.earlier)
    segments = shop.model.segments_
    before = pd.Series(segments.names(segments.predict(then)), index=pd.Index(then["customer_id"]))
    now = ranked.ranking.set_index("customer_id")["segment"]
    order = list(renewal.names.values())
    pd.testing.assert_frame_equal(renewal.moves, migration.segment_transitions(before, now, order=order))
    pd.testing.assert_series_equal(renewal.drift, migration.group_drift(before, now))
    assert renewal.age is None
    pd.testing.assert_frame_equal(renewal.candidates, segments.candidates_)


def test_a_later_ranking_tells_how_old_the_segments_are(shop, parts_of_report):
    later = shop.window.cutoff + timedelta(days=40)
    now = customer_table(shop.tx, later)
    renewal = parts_of_report(rank_with_markets(shop.model, shop.tx, now))["renewal"]
    assert renewal.age == migration.segmentation_drift(shop.model.segments_, shop.customers, now)
    assert renewal.age.days == 40


def test_where_the_history_is_too_short_the_page_says_so_and_answers_nothing(shop, parts_of_report):
    early = customer_table(shop.tx, "1997-03-15")
    ranked = rank_with_markets(shop.model, shop.tx, early)
    parts = parts_of_report(ranked)
    course, renewal = parts["course"], parts["renewal"]
    assert "holds no purchase before the cutoff 1996-12-14" in course.moves
    assert renewal.moves == course.moves
    assert course.follows is None
    assert "stages cannot be told there" in course.lasting
    assert "later than this ranking's day" in renewal.age


def test_an_earlier_cutoff_with_some_history_is_refused_by_the_stages_alone(shop, parts_of_report):
    ranked = rank_with_markets(shop.model, shop.tx, customer_table(shop.tx, "1997-07-01"))
    parts = parts_of_report(ranked)
    assert "a customer of the usual pace is lapsed after" in parts["course"].moves
    assert not isinstance(parts["renewal"].moves, str)


def test_the_portfolio_is_by_credit_too_where_credit_is_given(shop, ranked, parts, parts_of_report):
    plain = parts["portfolios"]
    horizon = shop.window.horizon
    assert list(plain) == [LOYALTY_BY_SIZE]
    pd.testing.assert_frame_equal(
        plain[LOYALTY_BY_SIZE], portfolio(ranked.ranking, ranked.customers, horizon)
    )
    credit = pd.Series(range(len(shop.customers)), index=shop.customers["customer_id"])
    given = parts_of_report(credit=credit)["portfolios"]
    assert list(given) == list(MATRICES)
    for axes, table in given.items():
        pd.testing.assert_frame_equal(
            table, portfolio(ranked.ranking, ranked.customers, horizon, axes, credit)
        )
    alike = parts_of_report(credit=credit * 0)["portfolios"]
    assert "have the same credit" in alike["loyalty", "credit"]


def test_price_led_buyers_are_told_where_discounts_are_known_and_nowhere_else(
    shop, ranked, parts, parts_of_report
):
    assert parts["price_led"] is None
    off = np.arange(len(ranked.customers)) % 7 / 20
    customers = ranked.customers.assign(discount_share=off, discount_day_share=off)
    told = parts_of_report(ranked._replace(customers=customers))["price_led"]
    pd.testing.assert_frame_equal(told, price_sensitivity(ranked.ranking, customers, shop.window.horizon))
    customers["discount_share"] = 0.0
    assert (
        "had the same part of the price off"
        in parts_of_report(ranked._replace(customers=customers))["price_led"]
    )
    customers["discount_share"] = float("nan")
    assert parts_of_report(ranked._replace(customers=customers))["price_led"] is None


def test_the_whole_report_says_it(shop, card, ranked, tmp_path):
    page = write_model_report(tmp_path / "report.html", shop.model, card, shop.tx, ranked).read_text()
    for told in (
        "This segmentation was made for this day, 1 April 1998.",
        "Where they come from",
        "What each stage then brought",
        "customers were steady;",
        "cash cow",
    ):
        assert told in page
    assert "Price-led" not in page
    assert len(page.encode()) < 300_000
