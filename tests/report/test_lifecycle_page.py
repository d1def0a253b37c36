"""Life cycle and segments on the page: the figures of the tables, or the sentence that says why there are none."""

from dataclasses import replace

import pandas as pd
import pytest

from duramen.analysis.lifecycle import NOT_YET
from duramen.analysis.migration import matrix
from duramen.analysis.report_contents import ReportTables
from duramen.report.lifecycle import lifecycle_section
from duramen.report.numbers import THIN
from duramen.report.page import render_page
from duramen.report.segments import segmentation_section

REFUSAL = "there are 29 days of history before 1997-01-30: stages <b>cannot</b> be known there."


def render(**parts):
    return render_page(ReportTables(**parts))


@pytest.fixture(scope="module")
def parts(full_parts_of):
    return full_parts_of(600)


def test_the_matrix_has_the_shares_of_the_transitions_and_its_rows_sum_to_one(parts):
    history = parts["lifecycle"]
    moves = lifecycle_section(history, parts["cutoff"]).transitions
    shares = matrix(history.transitions, "share_of_from")
    assert moves.to == list(shares)
    assert [row["name"] for row in moves.rows] == list(shares.index)
    for row, expected in zip(moves.rows, shares.to_numpy().tolist(), strict=True):
        assert row["shares"] == expected
        assert sum(expected) == pytest.approx(1)
        assert row["own"] == (moves.to.index(row["name"]) if row["name"] in moves.to else -1)
    assert moves.rows[-1]["name"] == NOT_YET
    assert sum(row["customers"] for row in moves.rows) == 600
    assert moves.drawn.count("<svg ") == 2


def test_customers_who_stayed_are_counted_among_those_of_the_earlier_cutoff(parts):
    table = pd.DataFrame(
        {"from": ["steady", "steady", "new"], "to": ["steady", "lapsed", "steady"], "customers": [3, 1, 5]}
    )
    table["share_of_from"] = [0.75, 0.25, 1.0]
    review = replace(parts["segmentation"], transitions=table)
    moves = segmentation_section(review, parts["cutoff"]).transitions
    assert moves.sentence == (
        f"Of 4 customers at 3 June 2011, 75.0{THIN}% were in the same segment at 1 September 2011. 5 first bought "
        "between the two."
    )


def test_outcomes_are_written_as_they_were_counted(parts):
    section = lifecycle_section(parts["lifecycle"], parts["cutoff"])
    outcomes = parts["lifecycle"].outcomes
    assert section.money == "net spend"
    assert [row["group"] for row in section.outcomes] == outcomes["group"].tolist()
    assert [float(row["money_per_customer_day"]) for row in section.outcomes] == pytest.approx(
        outcomes["money_per_customer_day"].tolist(), abs=0.005
    )


def test_the_length_of_the_steady_stage_names_the_sample_and_the_days_observed(parts):
    history = parts["lifecycle"]
    text = lifecycle_section(history, parts["cutoff"]).steady
    assert text.startswith("Among 400 customers drawn at random, 400 customers were steady. Of the 400 stays")
    assert "every 28 days from 23 December 2010 to 1 September 2011" in text
    whole = lifecycle_section(replace(history, sampled=None), parts["cutoff"]).steady
    assert whole.startswith("400 customers")


@pytest.mark.slow
def test_a_reason_is_shown_where_there_is_no_table(parts):
    history = replace(parts["lifecycle"], transitions=REFUSAL, outcomes=None, steady=REFUSAL)
    review = replace(parts["segmentation"], transitions=REFUSAL, drift=None, age=REFUSAL)
    page = render(**parts | {"lifecycle": history, "segmentation": review})
    shown = (
        "here are 29 days of history before 30 January 1997: stages &lt;b&gt;cannot&lt;/b&gt; be known there."
    )
    assert page.count("T" + shown) == 4
    assert f"How long the steady stage lasts is not known: t{shown}" in page
    assert "Outcomes of each stage" not in page
    assert "Segment at the earlier cutoff" not in page


def test_candidates_have_a_result_and_an_unstable_one_does_not_read_as_stable(parts):
    review = parts["segmentation"]
    rows = segmentation_section(review, parts["cutoff"]).candidates
    assert [row["result"] for row in rows] == ["eligible", "chosen", "stability below 0.8", "ruled out"]
    assert [row["stability"] for row in rows] == ["0.910", "0.880", "0.797", "\u2013"]
    best = replace(review, candidates=review.candidates.assign(eligible=False, stability=0.7))
    rows = segmentation_section(best, parts["cutoff"]).candidates
    assert rows[1]["result"] == "chosen, as the most stable"


@pytest.mark.slow
def test_age_drift_and_changes_are_sentences(parts):
    review = parts["segmentation"]
    evidence = segmentation_section(review, parts["cutoff"])
    assert evidence.age.startswith(f"This segmentation is 90 days old; 17{THIN}% of 1,800 customers")
    assert f"index {review.drift['psi']:.3f}" in evidence.drift
    assert [row["change"] for row in evidence.changes] == ["kept, segment 1 before", "new", "no longer there"]
    assert evidence.changes[1]["name"] == review.names[5]
    assert evidence.changes[2]["name"] == "previous segment 4"
    today = replace(review, age=None)
    assert segmentation_section(today, parts["cutoff"]).age == (
        "This segmentation was made at this cutoff, 1 September 2011."
    )
    first = render(**parts | {"segmentation": replace(review, changes=review.changes.iloc[:0])})
    assert "Changes since the previous model" not in first


def test_segments_made_today_are_not_to_be_formed_again_for_a_drift_that_they_include(parts):
    review = parts["segmentation"]
    review = replace(review, drift=review.drift.copy())
    review.drift["drift"] = "much"
    assert "Form the segments again." in segmentation_section(review, parts["cutoff"]).drift
    assert "again" not in segmentation_section(replace(review, age=None), parts["cutoff"]).drift
