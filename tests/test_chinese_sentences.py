"""Chinese has no space between its letters, whatever values are written into a sentence."""

import re
from datetime import date

import pytest

from duramen.data.feature_list import FEATURES
from duramen.language import say, say_day, translated, using_language
from duramen.report.numbers import spaced


@pytest.mark.parametrize(
    ("unit", "written"),
    [("货币单位", "以货币单位计"), ("USD", "以 USD 计")],
)
def test_a_space_beside_a_value_is_for_latin_letters_and_figures_alone(unit, written):
    with using_language("zh"):
        assert written in say(
            "By the stage at {earlier}: actual purchases from then until {later}, not predictions. Money is {money} in "
            "{unit}.",
            earlier=say_day(date(2011, 3, 2)),
            later=say_day(date(2011, 6, 1)),
            money=say("net spend"),
            unit=unit,
        )


def test_no_space_stands_beside_a_date():
    with using_language("zh"):
        period = say(
            "{first} to {last} ({n} days)",
            first=say_day(date(2011, 6, 1)),
            last=say_day(date(2011, 8, 30)),
            n=91,
        )
    assert period.startswith("2011年6月1日至2011年8月30日")


def test_no_space_stands_beside_a_date_that_is_put_into_words():
    with using_language("zh"):
        assert (
            spaced("自 2010-12-01 起的 91 天为 3%;自 2011-03-02 起")
            == "自2010年12月1日起的 91 天为 3%;自2011年3月2日起"
        )


def test_names_of_the_user_keep_their_own_spaces():
    with using_language("zh"):
        assert "华东 大区" in say("Column {column} of the feature file.", column="华东 大区")
    assert say("{one} to {other}", one="华东", other="华南") == "华东 to 华南"


def test_meanings_of_features_do_not_name_other_features_in_chinese():
    with using_language("zh"):
        meanings = [translated(feature.meaning) for feature in FEATURES.values()]
    assert [text for text in meanings if re.search(r"\bT\b|frequency|recency", text, re.ASCII)] == []
