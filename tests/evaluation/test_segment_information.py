"""How much of the future segments explain, beside groups that need no model."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duramen.data.customers import customer_table
from duramen.data.outcomes import customer_outcomes
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.errors import InputError
from duramen.evaluation.metrics import variance_explained
from duramen.evaluation.segment_information import (
    COLUMNS,
    SEGMENTS,
    TARGETS,
    segment_value,
)
from duramen.segments.rfm import groups_of_equal_count
from duramen.segments.segmenter import BehaviouralSegmenter


@pytest.fixture(scope="module")
def cdnow_halfway(shop):
    """The shop a horizon before its last cutoff, so that the outcomes are known."""
    window = shop.window.earlier(shop.window.horizon)
    customers = customer_table(shop.tx, window.cutoff)
    return customers, customer_outcomes(shop.tx, window, customers)


@pytest.fixture(scope="module")
def compared(cdnow_halfway):
    customers, outcomes = cdnow_halfway
    labels = BehaviouralSegmenter().fit(customers).predict(customers)
    return segment_value(customers, outcomes, labels, resamples=100)


def test_each_way_of_grouping_is_shown_for_both_targets_with_an_interval(compared):
    table = compared.table
    assert tuple(table.columns) == COLUMNS
    assert set(zip(table["groups"], table["target"], strict=True)) == {
        (groups, target)
        for groups in (SEGMENTS, "RFM score", "RFM cells", "past spend")
        for target in TARGETS
    }
    assert (table["low"] <= table["explained"]).all()
    assert (table["explained"] <= table["high"]).all()
    assert table["count"].nunique() == 1
    of_segments = table["groups"] == SEGMENTS
    assert table["ahead"].isna().equals(of_segments)
    assert table["chance"].notna().equals(of_segments)
    lead = table["target"].map(table[of_segments].set_index("target")["explained"]) - table["explained"]
    pd.testing.assert_series_equal(table.loc[~of_segments, "ahead"], lead[~of_segments], check_names=False)


def test_behaviour_explains_the_shops_future_better_than_past_spend(compared):
    rows = compared.table[compared.table["groups"] == "past spend"]
    assert (rows["ahead_low"] > 0).all()
    assert "more than past spend" in compared.verdict


def test_segments_at_random_are_said_to_predict_nothing(cdnow_halfway):
    customers, outcomes = cdnow_halfway
    labels = np.random.default_rng(0).integers(0, 6, len(customers))
    verdict = segment_value(customers, outcomes, labels, resamples=20).verdict
    assert verdict.count("do not predict") == len(TARGETS)


def test_segments_at_random_of_few_customers_predict_nothing_either(cdnow_halfway):
    customers, outcomes = (table.head(60) for table in cdnow_halfway)
    nothing = 0
    for seed in range(60):
        labels = np.random.default_rng(seed).integers(0, 6, 60)
        nothing += segment_value(customers, outcomes, labels, resamples=1).verdict.count("do not predict")
    # Each says so but for one case in twenty; both targets are of the same customers.
    assert nothing >= 0.85 * 120


def test_segments_that_are_the_outcome_explain_all_of_activity(cdnow_halfway):
    customers, outcomes = cdnow_halfway
    result = segment_value(
        customers, outcomes, outcomes["active"].map({0.0: "left", 1.0: "stayed"}), resamples=5
    )
    row = result.table.query("groups == 'segments' and target == 'activity'").iloc[0]
    assert row["explained"] == pytest.approx(1.0)


@given(st.data())
def test_the_share_explained_is_between_that_of_one_group_and_that_of_one_each(data):
    actual = np.array(data.draw(st.lists(st.integers(-50, 50), min_size=2, max_size=30)), dtype=float)
    groups = np.array(data.draw(st.lists(st.integers(0, 4), min_size=len(actual), max_size=len(actual))))
    share = variance_explained(groups, actual)
    if np.ptp(actual) == 0:
        assert np.isnan(share)
        return
    means = pd.Series(actual).groupby(groups).transform("mean")
    assert share == pytest.approx(means.var(ddof=0) / actual.var(), abs=1e-9)
    assert variance_explained(np.zeros(len(actual), dtype=int), actual) == pytest.approx(0, abs=1e-9)
    assert variance_explained(np.arange(len(actual)), actual) == pytest.approx(1)


def test_copies_count_as_customers():
    rng = np.random.default_rng(0)
    actual, groups, copies = rng.normal(size=20), rng.integers(0, 3, 20), rng.integers(0, 4, 20)
    assert variance_explained(groups, actual, copies.astype(float)) == pytest.approx(
        variance_explained(np.repeat(groups, copies), np.repeat(actual, copies))
    )


@given(customers=st.integers(1, 60), count=st.integers(1, 9), seed=st.integers(0, 99))
def test_the_rivals_groups_are_of_equal_size(customers, count, seed):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.integers(0, 5, (customers, 3)).astype(float),
                         columns=["time_since_last", "frequency", "net_spend"])  # fmt: skip
    for groups in groups_of_equal_count(table, count).values():
        sizes = np.bincount(groups, minlength=count)
        assert len(sizes) == count
        assert np.ptp(sizes) <= 1 + (customers % count > 0) * 2


def test_the_same_outcome_for_all_is_said(cdnow_halfway):
    customers, outcomes = cdnow_halfway
    result = segment_value(
        customers, outcomes.assign(value=0.0, active=0.0), np.arange(len(customers)) % 3, resamples=2
    )
    assert result.verdict.count("the same for all customers") == len(TARGETS)


def test_what_does_not_belong_together_is_refused_in_a_sentence(cdnow_halfway):
    customers, outcomes = cdnow_halfway
    labels = np.ones(len(customers))
    with pytest.raises(InputError, match="not of the same customers"):
        segment_value(customers, outcomes, labels[:-1])
    with pytest.raises(InputError, match="same order"):
        segment_value(customers, outcomes.iloc[::-1], labels)
    with pytest.raises(InputError, match=r"1 of .* customers have no segment"):
        segment_value(customers, outcomes, np.where(np.arange(len(labels)) == 3, np.nan, labels))
    with pytest.raises(InputError, match="no customers"):
        segment_value(customers.head(0), outcomes.head(0), labels[:0])
    with pytest.raises(InputError, match="resamples is 0"):
        segment_value(customers, outcomes, labels, resamples=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "window"),
    [("cdnow", Window("1997-10-01", 273)), ("complete_journey", Window("2017-09-03", 119))],
)
def test_segments_explain_more_of_later_money_and_activity_than_as_many_rfm_cells(name, window):
    tx = read_transactions(f"dataset:{name}")
    customers = customer_table(tx, window.cutoff)
    segmenter = BehaviouralSegmenter().fit(customers)
    assert segmenter.stability_ >= 0.8
    outcomes = customer_outcomes(tx, window, customers)
    table = segment_value(customers, outcomes, segmenter.predict(customers), resamples=100).table
    assert (table.loc[table["groups"] == "RFM cells", "ahead_low"] > 0).all()
