"""The market: which customers are core when it rises or falls, or why that is not known."""

import pytest

from duramen.report.market import CORE_IN, market_section
from duramen.report.numbers import THIN
from duramen.scoring.market_scenarios import core_by_market_scenario
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


def test_the_level_is_drawn_where_it_is_known(ranking, market_in):
    elasticities = market_in(ranking, identified=False)
    drawn = market_section(elasticities, ranking).drawn
    assert drawn.count("<svg ") == 2
    assert "lowest 0.82 in the period from 9 April 2011, highest 1.22 in that from 2 July 2011" in drawn
    elasticities.level["standard_error"] = float("nan")
    assert "NaN" not in market_section(elasticities, ranking).drawn
    elasticities.level["level"] = float("nan")
    assert market_section(elasticities, ranking).drawn is None


def test_a_ranking_without_core_in_is_refused(ranking, market_in):
    with pytest.raises(ValueError, match="no column core_in"):
        market_section(market_in(ranking, identified=True), ranking)
