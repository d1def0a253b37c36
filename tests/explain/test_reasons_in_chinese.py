"""Reasons and what changed, in English as they ever were and in Chinese without an English word."""

# Chinese punctuation is meant.
# ruff: noqa: RUF001

import re
from itertools import product

import numpy as np
import pandas as pd
import pytest

from duramen.explain.changes import what_changed
from duramen.explain.explainer import MODEL_MEANINGS, meaning
from duramen.explain.reasons import (
    _SENTENCES,
    AVERAGE,
    TYPICAL,
    average_facts,
    reasons,
    theme,
    theme_in_words,
)
from duramen.language import using_language

# What stays as it is in any language.
NAMES = r"USD|BTYD|NBD|VIP|web"
FACTS = {
    "time_since_last": 34.0, "frequency": 5.0, "T": 545.0, "gap_mean": 102.0, "gap_longest": 209.0,
    "purchase_days_91": 1.0, "net_spend": 156.46, "returned": 12.5, "return_rate": 0.074, "basket_mean": 26.08,
    "net_spend_91": 40.0, "net_spend_182": 70.0, "season_net_spend": 1234.5, "weekend_share": 0.25, "products": 9.0,
    "categories": 3.0, "discount": 4.0, "discount_share": 0.021, "points": 1200.0, "shop": "web",
}  # fmt: skip
# Others who are written about in other words: little is known, one of everything, two purchase days.
NOTHING = dict.fromkeys(FACTS, np.nan) | {"frequency": 0.0, "returned": 0.0, "shop": None}
ONE = dict.fromkeys(FACTS, 1.0) | {"shop": "web"}
FEATURES = {
    "recency": "time_since_last", "purchases": "frequency", "spend": "net_spend", "rhythm": "gap_mean",
    "trend": "spend_trend_91", "season": "season_net_spend", "weekdays": "weekend_share", "returns": "returned",
    "breadth": "products", "discounts": "discount", "age": "T", "column points": "points",
    "column shop": "shop = web",
}  # fmt: skip
ENGLISH = {
    "recency": "last bought 34 days ago (typical active customer 18), usually every 102 days",
    "purchases": "6 purchase days (typical active customer 4.0) in 545 days, 1 of them in the last 91",
    "spend": "156.46 USD (typical active customer 78.73) to date after 12.50 returned, 26.08 (typical 13.54) "
    "per purchase day",
    "rhythm": "102 days (typical active customer 52) between purchases on average, 209 at most",
    "trend": "40.00 USD (typical active customer 20.50) in the last 91 days, 30.00 in the 91 before",
    "season": "1,234.50 USD (typical active customer 617.75) a year ago in the season of the next 91 days",
    "weekdays": "25% of purchase days at weekends",
    "returns": "12.50 USD (typical active customer 6.75) returned, 7.4% of what was bought",
    "breadth": "9 different products (typical active customer 5.0) bought to date",
    "discounts": "4.00 USD (typical active customer 2.50) of discounts, 2.1% of the full price",
    "age": "customer for 545 days (typical active customer 273)",
    "column points": "points is 1,200 (typical active customer 600)",
    "column shop": "shop is web",
}


def of_every_theme(customers, factor=1.84, compared_with=TYPICAL):
    """Return the reasons of each customer by theme."""
    averages = average_facts(pd.DataFrame([FACTS, ONE]), columns=["points"])
    log_factors = pd.DataFrame(np.log(factor), index=customers.index, columns=list(FEATURES.values()))
    told = reasons(customers, log_factors, averages, "USD", len(FEATURES), compared_with)
    return told.set_axis(map(theme, log_factors), axis=1)


def without_english(texts, names=NAMES):
    """Refuse words of Latin letters that are no names, braces and gaps that nothing filled."""
    for text in texts:
        assert text
        assert not re.search(r"[A-Za-z]{3,}", re.sub(names, "X", text)), text
        assert not re.search(
            r"[{}]|\s{2}| [（），。：；]|[（），。：；] |[(),;]", re.sub(r"\d,\d", "", text)
        ), text


def test_the_themes_here_are_all_there_are():
    assert {theme(feature) for feature in FEATURES.values()} == set(FEATURES)
    assert set(FEATURES) - {"column points", "column shop"} == set(_SENTENCES)


def test_english_reasons_are_as_they_were():
    told = of_every_theme(pd.DataFrame([FACTS])).iloc[0]
    assert told.to_dict() == {name: f"{words}: 1.8 times the value" for name, words in ENGLISH.items()}


def test_a_daily_customer_buys_every_day_and_not_every_1_day():
    daily = pd.DataFrame([FACTS | {"gap_mean": 1.4}])
    assert ", usually every day: " in of_every_theme(daily)["recency"][0]
    with using_language("zh"):
        assert "通常每天购买：" in of_every_theme(daily)["recency"][0]


@pytest.mark.parametrize("compared_with", [TYPICAL, AVERAGE])
def test_chinese_reasons_of_every_theme_have_no_english_left(compared_with):
    customers = pd.DataFrame([FACTS, NOTHING, ONE])
    tables = (customers, customers.drop(columns="products"))
    for table, factor in product(tables, (0.001, 0.45, 1.0, 1.84, 30.0)):
        with using_language("zh"):
            told = of_every_theme(table, factor, compared_with)
        in_chinese = told.drop(columns=["column points", "column shop"])
        without_english(in_chinese.to_numpy().ravel())
        without_english(told[["column points", "column shop"]].to_numpy().ravel(), f"{NAMES}|points|shop")


def test_chinese_reasons_quote_the_numbers_of_the_english_ones():
    customers = pd.DataFrame([FACTS, NOTHING, ONE])
    english = of_every_theme(customers)
    with using_language("zh"):
        chinese = of_every_theme(customers)

    def numbers(text):
        return sorted(re.findall(r"\d[\d,.]*\d|\d", text))

    for name in english:
        for one, other in zip(english[name], chinese[name], strict=True):
            # "the only two purchase days" and "the last 91" are in words in one of them.
            assert set(numbers(one)) - {"91"} <= set(numbers(other)), (one, other)


def test_every_theme_has_a_chinese_name_and_columns_keep_theirs():
    with using_language("zh"):
        without_english(map(theme_in_words, _SENTENCES))
        assert theme_in_words("column age") == "列 age"
    assert [theme_in_words(name) for name in FEATURES] == list(FEATURES)


def test_the_meaning_of_what_the_model_adds_is_in_chinese():
    with using_language("zh"):
        without_english([meaning(name)[1] for name in MODEL_MEANINGS])
        without_english([meaning("points")[1], meaning("shop = web")[1]], f"{NAMES}|points|shop")


def rankings():
    """Return two rankings, between which every kind of change occurs."""
    stages = ["building", "growing", "steady", "declining", "at risk", "lapsed", "recovered", "steady"]
    tiers = ["VIP", "main", "rising", "regular", "small", "below break-even", "VIP", "small"]
    value = np.full(8, 100.0)
    before = pd.DataFrame(
        {
            "customer_id": range(8), "rank": range(1, 9), "predicted_value": value, "tier": tiers,
            "lifecycle_stage": stages, "model_version": "a",
        }
    )  # fmt: skip
    now = before.assign(
        customer_id=[*range(7), 99], rank=range(18, 10, -1), tier=[*tiers[1:], "VIP"],
        lifecycle_stage=[*stages[1:], "lapsed"], predicted_value=value * [1, 0.5, 1.5, 5, 30, 0.001, 1, 1],
        model_version=["a", "b"] * 4,
    )  # fmt: skip
    return now, before, pd.Series({0: 1, 1: 2, 2: 40})


def test_english_changes_are_as_they_were():
    now, before, purchases = rankings()
    told = what_changed(now, before, purchases).tolist()
    assert told[:3] == [
        "tier main, was VIP; rank 18, was 1; now growing, was building: bought once since",
        "tier rising, was main; rank 17, was 2; value down 50%; now steady, was growing: bought twice since; "
        "scored with another model than before",
        "tier regular, was rising; rank 16, was 3; value up 50%; now declining, was steady: bought 40 times since",
    ]
    assert told[-1] == "new since the last scoring"


def test_chinese_changes_have_no_english_left():
    now, before, purchases = rankings()
    with using_language("zh"):
        told = [*what_changed(now, before, purchases), *what_changed(now, before)]
    without_english(told)
    assert (
        told[0]
        == "等级为“主要”，原为“VIP”；排名第 18，原为第 1；现处于“增长”阶段，原为“培育期”：此后购买 1 次"
    )


def test_a_tier_of_the_users_own_keeps_its_name():
    now, before, _ = rankings()
    with using_language("zh"):
        told = what_changed(now.assign(tier="our {best}"), before)
    assert told[0].startswith("等级为“our {best}”，")
