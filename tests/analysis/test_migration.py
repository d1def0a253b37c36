"""Who moved between two cutoffs, how far features drifted, and how far a segmentation is out of date."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duramen.analysis.migration import (
    feature_drift,
    group_drift,
    matrix,
    segment_transitions,
    segmentation_drift,
)
from duramen.data.customers import customer_table
from duramen.errors import InputError
from duramen.segments.segmenter import BehaviouralSegmenter

GROUPS = st.dictionaries(st.integers(0, 30), st.sampled_from(["a", "b", "c"]), min_size=1)


def by_id(groups):
    return pd.Series(groups, dtype=object)


@settings(max_examples=40)
@given(GROUPS, GROUPS)
def test_everybody_of_either_cutoff_is_in_one_flow_and_shares_add_to_one(then, now):
    table = segment_transitions(by_id(then), by_id(now))
    assert table["customers"].sum() == len({*then, *now})
    assert table.groupby("from")["share_of_from"].sum().to_numpy() == pytest.approx(1.0)
    assert table.loc[table["from"] == "new", "customers"].sum() == len({*now} - {*then})
    assert table.loc[table["to"] == "gone", "customers"].sum() == len({*then} - {*now})


@settings(max_examples=40)
@given(GROUPS, GROUPS)
def test_the_matrix_holds_the_flows_and_nobody_else(then, now):
    table = segment_transitions(by_id(then), by_id(now))
    wide = matrix(table)
    assert wide.to_numpy().sum() == table["customers"].sum()
    for row in table.itertuples(index=False):
        assert wide.loc[row[0], row[1]] == row.customers


@settings(max_examples=40)
@given(GROUPS, GROUPS, st.randoms())
def test_the_order_of_the_customers_does_not_matter(then, now, random):
    shuffled = [random.sample(list(side.items()), len(side)) for side in (then, now)]
    pd.testing.assert_frame_equal(
        segment_transitions(by_id(then), by_id(now)),
        segment_transitions(*(by_id(dict(side)) for side in shuffled)),
    )


def test_money_is_summed_over_each_flow():
    money = pd.Series({"a": 1.0, "b": 20.0, "c": 300.0, "d": -4.0})
    then, now = by_id({"a": 1, "b": 1, "c": 2}), by_id({"a": 1, "b": 1, "c": 1, "d": 2})
    table = segment_transitions(then, now, money)
    assert table[["from", "to", "money"]].to_numpy().tolist() == [
        [1, 1, 21.0],
        [2, 1, 300.0],
        ["new", 2, -4.0],
    ]


def test_groups_stand_in_the_order_asked_for_with_new_and_gone_behind():
    then, now = by_id({"a": "low", "b": "high", "c": "other"}), by_id({"a": "high", "d": "low"})
    table = segment_transitions(then, now, order=["high", "low"], new="not yet", gone="left")
    assert table["from"].tolist() == ["high", "low", "other", "not yet"]
    assert table["to"].tolist() == ["left", "high", "left", "low"]


@pytest.mark.parametrize(
    ("then", "now", "money", "said"),
    [
        (pd.Series(["x", "y"], index=["a", "a"]), {"a": "x"}, None, "1 customers are in the earlier assignment twice"),
        ({"a": "x"}, {"a": None, "b": "x"}, None, "1 of 2 customers of the later assignment have no group"),
        ({"a": "new"}, {"a": "x"}, None, "has a group called 'new'"),
        ({}, {"a": "x"}, None, "the earlier assignment has no customers"),
        ({"a": "x"}, {"a": "x", "b": "x"}, {"a": 1.0}, "1 of 2 customers have no money, for example b"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused_in_a_sentence(then, now, money, said):
    money = None if money is None else pd.Series(money)
    with pytest.raises(InputError, match=said):
        segment_transitions(by_id(then), by_id(now), money)


def test_the_index_is_the_published_sum():
    then = pd.Series(["a"] * 600 + ["b"] * 400)
    now = pd.Series(["a"] * 500 + ["b"] * 500)
    expected = (0.5 - 0.6) * np.log(0.5 / 0.6) + (0.5 - 0.4) * np.log(0.5 / 0.4)
    assert group_drift(then, now)["psi"] == pytest.approx(expected, rel=0.01)


def test_samples_of_one_population_have_the_index_that_chance_is_said_to_make():
    rng = np.random.default_rng(0)
    told = [
        group_drift(pd.Series(rng.integers(0, 8, 300)), pd.Series(rng.integers(0, 8, 500)))
        for _ in range(400)
    ]
    psi = np.array([one["psi"] for one in told])
    assert told[0]["expected_by_chance"] == pytest.approx(7 * (1 / 300 + 1 / 500))
    assert psi.mean() == pytest.approx(told[0]["expected_by_chance"], rel=0.1)
    assert (psi > told[0]["chance_95"]).mean() == pytest.approx(0.05, abs=0.025)


def test_a_large_index_of_few_customers_is_not_told_from_chance():
    few = group_drift(pd.Series([*"aabbccdd"]), pd.Series([*"aaabbbcd"]))
    assert few["psi"] > 0.1
    assert few["drift"] == "within chance"
    many = group_drift(pd.Series([*"aabbccdd"] * 100), pd.Series([*"aaabbbcd"] * 100))
    assert many["drift"] == "much"


def test_a_new_group_and_a_lost_one_count_and_stay_finite():
    told = group_drift(pd.Series(["a"] * 500 + ["b"] * 500), pd.Series(["a"] * 500 + ["c"] * 500))
    assert np.isfinite(told["psi"])
    assert (told["bins"], told["drift"]) == (3, "much")


def test_a_feature_that_became_known_drifts_and_says_so():
    then = pd.DataFrame({"basket": np.arange(500.0), "trend": np.nan})
    now = pd.DataFrame({"basket": np.arange(500.0), "trend": np.arange(500.0)})
    table = feature_drift(then, now).set_index("feature")
    assert table.loc["trend", ["drift", "missing_then", "missing_now"]].tolist() == ["much", 1.0, 0.0]
    assert table.loc["basket", "psi"] == 0


def test_features_of_the_shop_are_compared_once_each_and_the_age_drifts_most(shop):
    then = customer_table(shop.tx, "1998-01-01")
    table = feature_drift(then, shop.customers)
    assert sorted(table["feature"]) == sorted(set(then.columns) - {"customer_id"})
    assert (table["psi"] >= 0).all()
    known = table[table["missing_then"] == table["missing_now"]]
    assert known[["feature", "drift"]].iloc[0].tolist() == ["T", "much"]
    assert table.set_index("feature").loc["basket_first", "drift"] == "none"


def test_tables_without_a_feature_in_common_are_refused():
    with pytest.raises(InputError, match="nothing to compare"):
        feature_drift(pd.DataFrame({"customer_id": ["a"], "T": [1.0]}), pd.DataFrame({"customer_id": ["a"]}))


class Above:
    """Two segments on either side of a border in days since the last purchase."""

    def __init__(self, border):
        self.border = border

    def predict(self, customers):
        return np.where(customers["time_since_last"] > self.border, "quiet", "fresh")


def table_of(silences, cutoff):
    customers = pd.DataFrame({"customer_id": list(silences), "time_since_last": list(silences.values())})
    customers.attrs["cutoff"] = cutoff
    return customers


def test_who_moved_and_which_border_moved_are_told_apart():
    then = table_of({"a": 10, "b": 10, "c": 10, "d": 90}, "2011-01-01")
    now = table_of({"a": 10, "b": 40, "c": 90, "d": 10, "e": 5}, "2011-04-01")
    age = segmentation_drift(Above(50), then, now, Above(30))
    assert (age.days, age.customers, age.joined) == (90, 4, 1)
    assert (age.moved_by_behaviour, age.moved_by_borders, age.elsewhere) == (0.5, 0.25, 0.75)
    assert str(age) == (
        "This segmentation is 90 days old; 75% of 4 customers would be in another segment today: 50% have moved by "
        "their own behaviour, and 25% would move by new borders. 1 have joined since."
    )


def test_without_a_refit_only_behaviour_is_told():
    then, now = (
        table_of({"a": 10, "b": 10}, "2011-01-01"),
        table_of({"a": 10, "b": 90}, "2011-01-29"),
    )
    age = segmentation_drift(Above(50), then, now)
    assert age.moved_by_borders is None
    assert str(age) == (
        "This segmentation is 28 days old; 50% of 2 customers would be in another segment today, by their own "
        "behaviour."
    )


def test_a_segmentation_of_today_moved_nobody(shop):
    segmenter = BehaviouralSegmenter().fit(shop.customers)
    age = segmentation_drift(segmenter, shop.customers, shop.customers, segmenter)
    assert (age.days, age.elsewhere, age.joined) == (0, 0.0, 0)


@pytest.mark.slow
def test_a_segmentation_of_the_shop_grows_old(shop):
    tables = [customer_table(shop.tx, cutoff) for cutoff in ("1997-10-01", "1997-11-01", "1998-06-01")]
    segmenter = BehaviouralSegmenter().fit(tables[0])
    month, eight_months = (segmentation_drift(segmenter, tables[0], later) for later in tables[1:])
    assert 0 < month.elsewhere < eight_months.elsewhere < 1


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        (table_of({"a": 1}, "2011-01-02"), table_of({"a": 1}, "2011-01-01"), "made 1 days after that of now"),
        (table_of({"a": 1}, "2011-01-01"), table_of({"b": 1}, "2011-01-02"), "none of 1 customers"),
        (pd.DataFrame({"customer_id": ["a"]}), table_of({"a": 1}, "2011-01-02"), "has no cutoff"),
        (
            pd.concat([table_of({"a": 1}, "2011-01-01")] * 2), table_of({"a": 1}, "2011-01-02"),
            "in the table of then twice, for example a",
        ),
    ],
)  # fmt: skip
def test_tables_that_cannot_tell_an_age_are_refused(then, now, said):
    with pytest.raises(InputError, match=said):
        segmentation_drift(Above(5), then, now)
