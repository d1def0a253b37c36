"""The market: which customers are core when it rises or falls, or why that is not known."""

import re
from dataclasses import replace

import pytest

from duramen.analysis.scenario_summary import summarise_scenario
from duramen.report.market import CORE_IN, market_section
from duramen.report.numbers import THIN
from duramen.scoring.market_scenarios import MarketScenario, core_by_market_scenario
from duramen.scoring.tiers import smallest_set


@pytest.fixture
def ranking(parts_of):
    return parts_of(300)["ranking"]


def test_every_customer_is_in_one_set_and_the_first_of_one_side_are_named(ranking, market_in):
    elasticities = market_in(ranking, identified=True)
    ranking["core_in"] = core_by_market_scenario(ranking, elasticities)["core_in"].to_numpy()
    market = market_section(elasticities, ranking)
    assert [group["name"] for group in market.sets] == list(CORE_IN.values())
    assert sum(group["customers"] for group in market.sets) == 300
    assert sum(group["value_share"] for group in market.sets) == pytest.approx(1)
    for name, group in zip(CORE_IN, market.sets, strict=True):
        members = ranking[ranking["core_in"] == name]
        assert group["customers"] == len(members)
        named = members["customer_id"].head(10).tolist() if name in ("up only", "down only") else []
        assert [row["customer_id"] for row in group["first"]] == named
    assert f"typically changes by 20{THIN}%" in market.sentences[0]


def test_where_elasticities_are_not_identified_there_is_one_core(ranking, market_in):
    elasticities = market_in(ranking, identified=False)
    market = market_section(elasticities, ranking)
    core = smallest_set(ranking["predicted_value"].to_numpy()).sum()
    assert market.sets == []
    assert market.sentences[0] == elasticities.reason
    assert f"the core set is the same {core} customers whether it rises or falls" in market.sentences[1]
    assert "state a scenario: when scoring, set demand_change" in market.sentences[1]


def test_the_level_is_drawn_where_it_is_known(ranking, market_in):
    elasticities = market_in(ranking, identified=False)
    drawn = market_section(elasticities, ranking).drawn
    assert drawn.count("<svg ") == 2
    assert (
        "lowest, 0.82, in the period from 9 April 2011 and highest, 1.22, in that from 2 July 2011" in drawn
    )
    elasticities.level["standard_error"] = float("nan")
    assert "NaN" not in market_section(elasticities, ranking).drawn
    elasticities.level["level"] = float("nan")
    assert market_section(elasticities, ranking).drawn is None


def test_a_level_that_hardly_moves_has_the_digits_that_show_it(ranking, market_in):
    elasticities = market_in(ranking, identified=False)
    elasticities.level["level"] = 1 + (elasticities.level["level"] - 1) / 1000
    elasticities.level["standard_error"] = float("nan")
    drawn = market_section(elasticities, ranking).drawn
    assert "lowest, 0.9998, in the period" in drawn
    assert "highest, 1.0002, in that" in drawn
    wide = drawn.split('<div class="narrow">')[0]
    ticks = re.findall("\u00d7[^<]*</text>", wide)
    assert len(ticks) > 2
    assert len(set(ticks)) == len(ticks)


def test_a_ranking_without_core_in_is_refused(ranking, market_in):
    with pytest.raises(ValueError, match="no column core_in"):
        market_section(market_in(ranking, identified=True), ranking)


def in_scenario(ranking, elasticities, scenario):
    """Return the section on a stated scenario, and its table."""
    table = core_by_market_scenario(ranking, elasticities, scenario=scenario)
    ranking["core_in"] = table["core_in"].to_numpy()
    return market_section(elasticities, ranking, summarise_scenario(table, scenario)), table


def test_a_stated_scenario_comes_first_with_its_sets_and_how_the_core_changes(ranking, market_in):
    ranking["segment"] = ranking["segment"].astype(str)
    first = ranking["segment"].iloc[0]
    scenario = MarketScenario(-0.2, {first: 2})
    market, table = in_scenario(ranking, market_in(ranking, identified=False), scenario)
    assert market.sentences[0].startswith(
        f"If demand falls by 20{THIN}% and customers of segment {first} respond"
    )
    assert "no more than by chance" in market.sentences[1]
    assert len(market.sentences) == 2
    assert market.change == f"20{THIN}%"
    joining = (table["core_down"] & ~table["core"]).sum()
    row = next(row for row in market.stability if row["change"] == f"\u221220{THIN}%")
    assert row["joining"] == str(joining)
    assert len(market.stability) == 10
    by_name = {group["name"]: group["customers"] for group in market.sets}
    assert by_name["Core in a falling market only"] == (table["core_in"] == "down only").sum()


def test_a_scenario_in_which_all_respond_alike_has_its_sentence_alone(ranking, market_in):
    market, _ = in_scenario(ranking, market_in(ranking, identified=False), MarketScenario(-0.2))
    assert "for all customers alike, the core stays the same" in market.sentences[0]
    assert (market.sets, market.stability) == ([], [])


def test_an_outside_index_is_named(ranking, market_in):
    found = replace(market_in(ranking, identified=True), outside=True, mean=1.5)
    ranking["core_in"] = core_by_market_scenario(ranking, found)["core_in"].to_numpy()
    market = market_section(found, ranking)
    assert market.sentences[0].startswith("The level of the outside index typically changes")
    assert f"change by 1.5{THIN}% on average" in market.sentences[0]
    assert "The outside index was lowest, " in market.drawn
