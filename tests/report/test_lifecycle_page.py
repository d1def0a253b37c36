"""Life cycle and segments on the page: figures are those of the tables, and a refusal stands in their place."""

from dataclasses import replace

import pandas as pd
import pytest

from duramen.analysis.lifecycle import NOT_YET
from duramen.analysis.migration import matrix
from duramen.report.lifecycle import lifecycle_of
from duramen.report.numbers import THIN
from duramen.report.page import render_report
from duramen.report.segments import evidence_of

REFUSAL = "there are 29 days of history before 1997-01-30: stages <b>cannot</b> be told there."


@pytest.fixture(scope="module")
def parts(full_parts_of):
    return full_parts_of(600)


def test_the_matrix_is_that_of_the_flows_and_its_rows_are_whole(parts):
    course = parts["course"]
    moves = lifecycle_of(course, parts["cutoff"]).moves
    shares = matrix(course.moves, "share_of_from")
    assert moves.to == list(shares)
    assert [row["name"] for row in moves.rows] == list(shares.index)
    for row, told in zip(moves.rows, shares.to_numpy().tolist(), strict=True):
        assert row["shares"] == told
        assert sum(told) == pytest.approx(1)
        assert row["own"] == (moves.to.index(row["name"]) if row["name"] in moves.to else -1)
    assert moves.rows[-1]["name"] == NOT_YET
    assert sum(row["customers"] for row in moves.rows) == 600
    assert moves.drawn.count("<svg ") == 2


def test_who_stayed_is_counted_among_those_who_were_there(parts):
    table = pd.DataFrame(
        {"from": ["steady", "steady", "new"], "to": ["steady", "lapsed", "steady"], "customers": [3, 1, 5]}
    )
    table["share_of_from"] = [0.75, 0.25, 1.0]
    moves = evidence_of(replace(parts["renewal"], moves=table), parts["cutoff"]).moves
    assert moves.sentence == (
        f"Of 4 customers at 3 June 2011, 75.0{THIN}% were in the same segment at 1 September 2011. 5 first bought "
        "between the two."
    )


def test_what_followed_is_written_as_it_was_counted(parts):
    told = lifecycle_of(parts["course"], parts["cutoff"])
    follows = parts["course"].follows
    assert told.money == "net spend"
    assert [row["group"] for row in told.follows] == follows["group"].tolist()
    assert [float(row["money_per_customer_day"]) for row in told.follows] == pytest.approx(
        follows["money_per_customer_day"].tolist(), abs=0.005
    )


def test_the_length_of_the_steady_stage_says_of_whom_and_how_it_was_seen(parts):
    course = parts["course"]
    told = lifecycle_of(course, parts["cutoff"]).lasting
    assert told.startswith("Among 400 customers drawn at random, 400 customers were steady; of 400 times")
    assert "every 28 days from 23 December 2010 to 1 September 2011" in told
    assert lifecycle_of(replace(course, sampled=None), parts["cutoff"]).lasting.startswith("400 customers")


def test_a_refusal_is_shown_and_no_table(parts):
    course = replace(parts["course"], moves=REFUSAL, follows=None, lasting=REFUSAL)
    renewal = replace(parts["renewal"], moves=REFUSAL, drift=None, age=REFUSAL)
    page = render_report(**parts | {"course": course, "renewal": renewal})
    shown = "here are 29 days of history before 1997-01-30: stages &lt;b&gt;cannot&lt;/b&gt; be told there."
    assert page.count("T" + shown) == 3
    assert f"How long the steady stage lasts is not told: t{shown}" in page
    assert "What each stage then brought" not in page
    assert "Segment then" not in page


def test_candidates_say_what_became_of_each_and_none_reads_as_stable_that_is_not(parts):
    renewal = parts["renewal"]
    told = evidence_of(renewal, parts["cutoff"]).candidates
    assert [row["fate"] for row in told] == ["eligible", "chosen", "stability below 0.8", "ruled out"]
    assert [row["stability"] for row in told] == ["0.910", "0.880", "0.797", "\u2013"]
    best = renewal.candidates.assign(eligible=False, stability=0.7)
    assert evidence_of(replace(renewal, candidates=best), parts["cutoff"]).candidates[1]["fate"] == (
        "chosen, as the most stable"
    )


def test_age_drift_and_changes_are_sentences(parts):
    renewal = parts["renewal"]
    evidence = evidence_of(renewal, parts["cutoff"])
    assert evidence.age.startswith(f"This segmentation is 90 days old; 17{THIN}% of 1,800 customers")
    assert f"index {renewal.drift['psi']:.3f}" in evidence.drift
    assert [row["change"] for row in evidence.changes] == ["kept, segment 1 before", "new", "gone"]
    assert evidence.changes[1]["name"] == renewal.names[5]
    assert evidence.changes[2]["name"] == "segment 4 of before"
    today = replace(renewal, age=None)
    assert evidence_of(today, parts["cutoff"]).age == (
        "This segmentation was made for this day, 1 September 2011."
    )
    first = render_report(**parts | {"renewal": replace(renewal, changes=renewal.changes.iloc[:0])})
    assert "What became of the segments before" not in first


def test_segments_of_today_are_not_to_be_formed_again_for_a_drift_that_they_know(parts):
    renewal = parts["renewal"]
    renewal = replace(renewal, drift=renewal.drift.copy())
    renewal.drift["drift"] = "much"
    assert "Form the segments again." in evidence_of(renewal, parts["cutoff"]).drift
    assert "again" not in evidence_of(replace(renewal, age=None), parts["cutoff"]).drift
