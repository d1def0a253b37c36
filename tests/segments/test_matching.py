"""What became of segments between two assignments of the same customers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duramen.segments.matching import CHANGES, KEPT_OVERLAP, match_segments, segment_changes


def changes_of(before, now):
    changes = segment_changes(np.array(before), np.array(now))
    return {row.segment: (row.change, row.previous) for row in changes.itertuples()}


def test_the_same_customers_under_other_numbers_keep_theirs():
    assert match_segments(np.array([3, 3, 1, 1, 2]), np.array([7, 7, 8, 8, 9])) == {7: 3, 8: 1, 9: 2}


def test_the_matching_is_the_best_of_all_not_the_first():
    # Segment 1 now shares most with 1 before, yet then 2 now would be left without any.
    before = np.repeat([1, 1, 2, 2], [6, 5, 4, 0])
    now = np.repeat([1, 2, 1], [6, 5, 4])
    assert match_segments(before, now) == {1: 2, 2: 1}


def test_two_that_became_one_are_merged():
    assert changes_of([1] * 6 + [2] * 5 + [3] * 4, [1] * 11 + [3] * 4) == {
        1: ("merged", "1, 2"),
        3: ("kept", "3"),
    }


def test_one_that_became_two_is_split():
    assert changes_of([1] * 10 + [2] * 9, [1] * 6 + [3] * 4 + [2] * 9) == {
        1: ("split", "1"), 3: ("split", "1"), 2: ("kept", "2"),
    }  # fmt: skip


def test_one_whose_customers_went_everywhere_is_gone_and_one_from_everywhere_is_new():
    before = [1] * 30 + [2] * 30 + [3] * 9 + [4] * 30
    now = [1] * 22 + [5] * 8 + [2] * 22 + [5] * 8 + [1] * 3 + [2] * 3 + [4] * 3 + [4] * 22 + [5] * 8
    changes = changes_of(before, now)
    assert changes[5] == ("new", "")
    assert changes[3] == ("gone", "3")
    assert [changes[number][0] for number in (1, 2, 4)] == ["kept"] * 3


def test_the_number_0_of_an_older_segmenter_is_no_segment():
    assert match_segments(np.array([0, 0, 1]), np.array([2, 2, 1])) == {1: 1}
    assert changes_of([0, 0, 1], [2, 2, 1])[2] == ("new", "")


@settings(max_examples=60)
@given(pairs=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
def test_every_segment_has_one_line_and_every_line_a_reason(pairs):
    before, now = np.array(pairs).T
    kept = match_segments(before, now)
    assert len(set(kept.values())) == len(kept)
    changes = segment_changes(before, now)
    there = changes[changes["change"] != "gone"]
    assert sorted(there["segment"]) == sorted(set(now[now > 0]))
    assert set(changes["change"]) <= set(CHANGES)
    assert changes["overlap"].between(0, 1).all()
    assert (there.loc[there["change"] == "kept", "overlap"] >= KEPT_OVERLAP).all()
    named = {int(number) for text in changes["previous"] for number in text.split(", ") if number}
    assert named <= set(before[before > 0])


@pytest.mark.parametrize("size", [0, 3])
def test_no_customer_in_common_is_not_an_error(size):
    none = np.zeros(size, dtype=int)
    assert match_segments(none, none + 1) == {}
    assert (segment_changes(none, none + 1)["change"] == "new").all()
