"""Names and rules of segments in Chinese: read by the templates that wrote them."""

# Chinese punctuation is meant.
# ruff: noqa: RUF001

import re
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duramen.language import translated, using_language
from duramen.segments import naming
from duramen.segments.activity import ACTIVE, AT_RISK, LAPSED
from duramen.segments.lifecycle_stage import STAGES
from duramen.segments.matching import CHANGES
from duramen.segments.names_in_words import rule_in_words, segment_in_words
from duramen.segments.naming import FREQUENCIES, readable_rules, segment_profile

BUYERS = [f"{a} {b} buyers" for a, b in product((ACTIVE, AT_RISK, LAPSED), FREQUENCIES)]
ROW = {"purchases_per_year": 12.3, "time_since_last": 1400.0, "purchase_position": 0.43}
APART = [
    *(word for words in naming.SPEND_ORDERS.values() for word in words),
    *naming._spend_in_words(pd.Series([5.0, 4.0, 3.0, 2.0, 1.0])),
    *(word for word, _ in naming.RHYTHMS),
    naming._rhythm_in_words({"purchases_per_year": 0.1}),
    *(naming._trend_in_words({"purchase_position": at}) for at in (0.1, 0.5, 0.9)),
    *(say(ROW) for say in naming._FIGURES.values()),
    *(say(dict.fromkeys(ROW, np.nan)) for say in naming._FIGURES.values()),
    "group 3",
]
# All names that ``segment_profile`` can write, with and without the number that rankings put before it.
NAMES = [
    number + ", ".join([buyers, *behind])
    for number in ("", "12 ")
    for buyers in BUYERS
    for behind in [
        ("high spend",),
        ("low spend",),
        *((word,) for word in APART),
        *product(("high spend", "low spend"), APART),
    ]
]


def without_english(text):
    return not re.search(r"[A-Za-z]{3,}|[{}]| [，。]|[，。] |[,;]", re.sub(r"\d,\d|\bnan\b", "", text))


def test_every_possible_name_has_no_english_left_in_chinese():
    with using_language("zh"):
        told = [segment_in_words(name) for name in NAMES]
    assert len(NAMES) > 500
    assert [name for name, said in zip(NAMES, told, strict=True) if not without_english(said)] == []
    assert len(set(told)) == len(set(NAMES))


def test_a_name_in_chinese():
    with using_language("zh"):
        assert segment_in_words("2 active frequent buyers, higher spend") == "2 活跃的高频买家，消费额较高"
        assert segment_in_words("at risk one-time buyers, low spend") == "有流失风险的一次性买家，消费额低"


def test_names_are_as_they_were_in_english():
    assert [segment_in_words(name) for name in NAMES] == NAMES


@pytest.mark.parametrize(
    "name",
    ["our friends", "3 active frequent", "active buyers", "2 active frequent buyers, from the fair", "Ost, {West}",
     "every good days", "", "none"],
)  # fmt: skip
def test_a_name_of_the_users_own_stays_as_it_is(name):
    with using_language("zh"):
        assert segment_in_words(name) == name


def test_names_are_stored_in_english_whatever_the_language(shop):
    facts = pd.DataFrame(
        {"frequency": [0.0, 5, 9], "purchases_per_year": [1.0, 5, 9], "spend_per_year": [5.0, 9, 99],
         "silence": [4.0, 1, 1], "time_since_last": [400.0, 30, 9], "purchase_position": [0.5, 0.5, 0.5]}
    )  # fmt: skip
    numbers = np.array([1, 2, 3])
    with using_language("zh"):
        stored = segment_profile(facts, numbers)["name"].tolist()
    assert stored == segment_profile(facts, numbers)["name"].tolist()
    for name in shop.model.segments_.profile_["name"]:
        with using_language("zh"):
            assert without_english(segment_in_words(name)), name


def test_the_rules_of_a_model_are_in_chinese(shop):
    rules = shop.model.segments_.profile_["rule"].tolist()
    assert [rule_in_words(rule) for rule in rules] == rules
    with using_language("zh"):
        assert all(without_english(rule_in_words(rule)) for rule in rules)


def test_a_rule_in_chinese():
    rule = (
        "time since last purchase / typical gap at most 1.3 and days since last purchase at least 1,204 (covers 96% of "
        "the segment; 88% of those it covers belong to it)"
    )
    with using_language("zh"):
        assert rule_in_words(rule) == (
            "距最近购买的时间与通常购买间隔之比不超过 1.3，且距最近购买的天数不低于 1,204（覆盖该群体的 96%；"
            "所覆盖的客户中 88% 属于该群体）"
        )
        assert rule_in_words(f"no simple rule; nearest comes: {rule}").startswith(
            "没有简单规则；最接近的是：距"
        )
        assert rule_in_words("all of our best customers") == "all of our best customers"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(naming.RULE_FACTS),
            st.sampled_from([naming.AT_MOST, naming.ABOVE]),
            st.floats(-1e6, 1e12),
        ),
        max_size=4,
    )
)
def test_every_path_of_a_tree_is_read_again(path):
    conditions = naming._path_in_words(path)
    rule = naming.RULE.format(conditions=conditions, covers="9%", holds="100%")
    assert rule_in_words(rule) == rule
    with using_language("zh"):
        assert without_english(rule_in_words(rule))


def test_rules_are_stored_in_english_whatever_the_language():
    facts = pd.DataFrame(np.random.default_rng(0).random((200, 7)), columns=list(naming.RULE_FACTS))
    segments = np.where(facts["basket"] > 0.5, 2, 1)
    english, _ = readable_rules(facts, segments)
    with using_language("zh"):
        stored, _ = readable_rules(facts, segments)
    pd.testing.assert_frame_equal(stored, english)


def test_stages_activity_frequency_and_changes_have_chinese_words():
    with using_language("zh"):
        for word in (*STAGES, ACTIVE, AT_RISK, LAPSED, *FREQUENCIES, *CHANGES):
            assert without_english(translated(word)), word
    assert {translated(word) for word in STAGES} == set(STAGES)
