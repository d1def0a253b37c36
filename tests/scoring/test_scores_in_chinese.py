"""What tiers, treatments, quadrants, markets and one more purchase are called in Chinese."""

# Chinese punctuation is meant.
# ruff: noqa: RUF001

import json
import re

import pandas as pd
import pytest

from duramen.language import restored, said_again, stored, translated, using_language
from duramen.scoring.growth_weight import learn_growth_weight
from duramen.scoring.incremental import read_made_of, rescore
from duramen.scoring.market_scenarios import CORE_IN
from duramen.scoring.model_summary import total_sentence, training_facts
from duramen.scoring.ranking import rank_core_customers
from duramen.scoring.tiers import DEFAULT_TIERS, TIERS
from duramen.scoring.treatments import RELEASE, TREATMENTS
from duramen.scoring.value_growth import QUADRANTS
from duramen.scoring.what_if import _OTHERWISE, _WHY_LOWER, SMALLER_BASKETS, _why_lower, what_if

NAMES = r"VIP|USD|BG/NBD|MBG|NBD|BTYD|gamma-gamma|Pareto|shop"


def without_english(text):
    bare = re.sub(r"\d,\d", "", re.sub(NAMES, "X", text))
    return bool(text) and not re.search(r"[A-Za-z]{3,}|[{}]| [（），。：；]|[（），。：；] |[(),;]", bare)


@pytest.mark.parametrize(
    "words",
    [TIERS, [tier.service for tier in DEFAULT_TIERS.tiers], list(TREATMENTS.values()), QUADRANTS, CORE_IN],
    ids=["tiers", "services", "treatments", "quadrants", "markets"],
)
def test_every_word_has_one_of_its_own_in_chinese(words):
    assert [translated(word) for word in words] == list(words)
    with using_language("zh"):
        told = [translated(word) for word in words]
    assert [word for word in told if not without_english(word)] == []
    assert len(set(told)) == len(set(words))


def test_treatments_are_stored_in_english_and_a_configured_one_is_shown_as_it_is(shop):
    with using_language("zh"):
        ranking = rank_core_customers(shop.scores)
        assert translated("send flowers") == "send flowers"
    pd.testing.assert_frame_equal(ranking, rank_core_customers(shop.scores))
    assert TREATMENTS["small lapsed"].startswith(RELEASE)


def asked(shop, purchases=1):
    ranking = shop.ranking.merge(shop.customers[["customer_id", "frequency"]], on="customer_id")
    ids = ranking["customer_id"].iloc[[0, len(ranking) // 2, len(ranking) - 1]]
    return what_if(shop.model, shop.tx, ids, purchases)


@pytest.mark.parametrize("purchases", [1, 3])
def test_what_if_is_in_chinese_and_says_the_same(shop, purchases):
    english = asked(shop, purchases)
    with using_language("zh"):
        chinese = asked(shop, purchases)
    pd.testing.assert_frame_equal(chinese.drop(columns="sentence"), english.drop(columns="sentence"))
    for one, other in zip(english["sentence"], chinese["sentence"], strict=True):
        assert without_english(other), other
        figures = [set(re.findall(r"\d[\d,.]*\d|\d", text)) for text in (one, other)]
        assert figures[0] <= figures[1]


def test_why_a_value_falls_is_in_chinese():
    with using_language("zh"):
        for theme in (*_WHY_LOWER, "column 积分"):
            for purchases in (1, 2):
                assert without_english(_why_lower(theme, purchases, smaller_baskets=True))
        assert without_english(translated(_OTHERWISE) + translated(SMALLER_BASKETS))
    assert _why_lower("trend", 2, smaller_baskets=True) == (
        "with these purchases the value falls, mainly because the recent months, compared with those before, "
        "count for less (trend)"
    )


def test_the_total_and_the_facts_of_a_model_are_in_chinese(shop):
    forecast = shop.model.forecast_
    expected, low, high = (f"{amount:,.0f}" for amount in forecast.total_)
    assert total_sentence(forecast) == (
        f"{expected} USD expected in {forecast.window_} (80 % interval {low} to {high})"
    )
    with using_language("zh"):
        assert total_sentence(forecast) == (
            f"自 {forecast.window_.cutoff} 起 {forecast.window_.horizon} 天内预计 {expected} USD"
            f"（80% 区间 {low} 至 {high}）"
        )
        facts = training_facts(forecast, 0.25)
        assert all(map(without_english, map(translated, facts)))
        source = re.escape(forecast.source_)
        assert all(without_english(re.sub(source, "X", fact)) for fact in facts.values()), facts


def test_notes_of_a_model_are_said_again_in_chinese(shop):
    # All that lies before the cutoff is fewer than three horizons.
    from duramen.data.windows import Window
    from duramen.forecast.folds import EarlierCutoffs

    window = Window(shop.window.cutoff, 1000)
    notes = learn_growth_weight(EarlierCutoffs(shop.tx), window).notes
    assert notes
    kept = json.loads(json.dumps(stored(notes)))
    assert restored(kept) == notes
    with using_language("zh"):
        assert all(map(without_english, said_again(notes)))
        assert restored(kept) == said_again(notes)


def test_earlier_reasons_of_another_language_are_not_kept(shop, tmp_path):
    def run(name, earlier):
        (tmp_path / name).mkdir()
        return rescore(shop.model, shop.tx, shop.window.cutoff, earlier, tmp_path / name, with_reasons=True)

    first = run("first", tmp_path / "none.parquet").scored.path
    with using_language("zh"):
        again = run("again", first)
    assert again.why_all == "the reasons were in another language"
    assert read_made_of(again.scored.path)["language"] == "zh"
    assert run("third", first).why_all == ""
