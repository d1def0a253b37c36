"""The core in a rising and in a falling market, by elasticities that are known, found or not identified."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from tests.markets import market_world

from duramen.data.reading import read_transactions
from duramen.errors import InputError
from duramen.forecast.elasticities import MarketElasticities, market_elasticities
from duramen.io.score_columns import RANKING_COLUMNS, SCORE_COLUMNS
from duramen.scoring.customer_ranking import rank_customers
from duramen.scoring.market_scenarios import (
    MarketScenario,
    add_core_in,
    core_by_market_scenario,
    response_by_category,
)
from duramen.scoring.ranking import rank_core_customers
from duramen.scoring.tiers import DEFAULT_TIERS, Tiers, smallest_set


@pytest.fixture(scope="module")
def found():
    """Return the elasticities of a world in which they differ."""
    tx, _, _, cutoff = market_world()
    return market_elasticities(tx, cutoff)


def made_up(elasticities):
    table = pd.DataFrame({"customer_id": list(elasticities), "elasticity": list(elasticities.values())})
    return MarketElasticities(date(2021, 1, 1), table, pd.DataFrame(), 0.5, 0.5, True, "")


def test_core_sets_follow_the_elasticities():
    elasticities = made_up({"boom": 3.0, "slump": -1.0, "large": 1.0, "tiny": 1.0})
    scores = pd.DataFrame(
        {"customer_id": ["tiny", "slump", "boom", "large"], "predicted_value": [1.0, 20, 21, 60]}
    )
    table = core_by_market_scenario(scores, elasticities).set_index("customer_id")
    assert table["core_in"].to_dict() == {
        "tiny": "none", "slump": "down only", "boom": "up only", "large": "every market",
    }  # fmt: skip
    assert table.loc["boom", "value_up"] == pytest.approx(21 * 1.5**3)
    assert table.loc["slump", "value_down"] == pytest.approx(20 / 0.5)
    assert core_by_market_scenario(scores, elasticities, 1e-9)["core_in"].isin(["every market", "none"]).all()


def test_a_customer_without_an_elasticity_moves_with_the_market():
    scores = pd.DataFrame({"customer_id": ["new"], "predicted_value": [10.0]})
    table = core_by_market_scenario(scores, made_up({"old": 2.0}), 0.2)
    assert table[["value_up", "value_down"]].iloc[0].tolist() == pytest.approx([12.0, 8.0])


def test_a_ranking_names_the_market_of_each_customer(shop, found):
    own = shop.ranking.assign(customer_id=found.customers["customer_id"].head(len(shop.ranking)).to_numpy())
    table = add_core_in(own, core_by_market_scenario(own, found))
    assert list(table.columns) == [*SCORE_COLUMNS[:-4], "core_in", *SCORE_COLUMNS[-4:]]
    by_id = core_by_market_scenario(own, found).set_index("customer_id")["core_in"]
    assert table.set_index("customer_id")["core_in"].equals(by_id[own["customer_id"]])
    assert {"up only", "down only"} <= set(table["core_in"])


def test_the_core_of_each_market_is_after_cost_and_of_the_share_of_the_tiers(shop, found):
    tiers, cost = Tiers(core_share=0.5), shop.scores["predicted_value"].median()
    ranking = rank_core_customers(shop.scores, tiers, np.full(len(shop.scores), cost))
    alike = market_elasticities(shop.tx, shop.window.cutoff)
    plain = add_core_in(ranking, core_by_market_scenario(ranking, alike, core_share=tiers.core_share))
    core = plain["tier"].isin(tiers.core_names)
    assert plain["core_in"].eq("every market").equals(core)
    own = ranking.assign(customer_id=found.customers["customer_id"].head(len(ranking)).to_numpy())
    table = core_by_market_scenario(own, found, core_share=0.5)
    left = np.maximum(table["value_up"] - cost, 0)
    assert table["core_up"].equals(pd.Series(smallest_set(left.to_numpy(), 0.5)))
    assert not table.loc[table["value_up"] < cost, "core_up"].any()


def test_without_elasticities_the_ranking_has_the_plain_core(shop):
    alike = market_elasticities(shop.tx, shop.window.cutoff)
    table = add_core_in(shop.ranking, core_by_market_scenario(shop.ranking, alike))
    core = table["tier"].isin(DEFAULT_TIERS.core_names)
    assert set(table.loc[core, "core_in"]) == {"every market"}
    assert set(table.loc[~core, "core_in"]) == {"none"}


def test_real_shops_are_answered_or_refused_in_one_sentence(shop):
    found = market_elasticities(shop.tx, "1998-04-01")
    assert not found.identified
    assert found.reason.endswith(".")
    assert len(found.customers) == len(shop.customers)
    table = core_by_market_scenario(shop.scores, found, 0.2)
    assert table["customer_id"].tolist() == shop.scores["customer_id"].tolist()
    assert (table["core"] == table["core_up"]).all()


def test_where_elasticities_do_not_differ_the_three_cores_are_one():
    tx, _, _, cutoff = market_world(spread=0.0)
    alike = market_elasticities(tx, cutoff)
    ids = alike.customers["customer_id"]
    value = np.random.default_rng(1).gamma(0.5, 100.0, len(ids))
    table = core_by_market_scenario(pd.DataFrame({"customer_id": ids, "predicted_value": value}), alike)
    assert not alike.identified
    assert set(table["core_in"]) == {"every market", "none"}
    assert (table["core_up"] == table["core"]).all()
    assert (table["core_down"] == table["core"]).all()


def test_what_does_not_fit_is_refused():
    elasticities = made_up({"a": 1.0})
    scores = pd.DataFrame({"customer_id": ["a", "a"], "predicted_value": [1.0, 2.0]})
    with pytest.raises(InputError, match="two rows in the scores, for example a"):
        core_by_market_scenario(scores, elasticities)
    with pytest.raises(InputError, match="lack predicted_value"):
        core_by_market_scenario(scores[["customer_id"]], elasticities)
    with pytest.raises(InputError, match="not above 0 and below 1"):
        core_by_market_scenario(scores.iloc[:1], elasticities, 20)


def test_one_call_ranks_with_the_columns_of_the_command_line(shop):
    ranking = rank_customers(shop.model, shop.tx, shop.customers)
    elasticities = market_elasticities(
        shop.tx, shop.window.cutoff, shop.scores.set_index("customer_id")["segment"]
    )
    plain = rank_core_customers(shop.scores, shop.model.tiers)
    expected = add_core_in(plain, core_by_market_scenario(plain, elasticities))
    pd.testing.assert_frame_equal(ranking, expected)
    cost = pd.Series(1.0, index=pd.Index(shop.customers["customer_id"]))
    with_cost = rank_customers(shop.model, shop.tx, shop.customers, cost, Tiers(core_share=0.5))
    assert list(with_cost) == list(RANKING_COLUMNS)
    assert with_cost["core_in"].eq("every market").equals(with_cost["tier"].isin(DEFAULT_TIERS.core_names))


SEGMENTS = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c"],
        "predicted_value": [60.0, 30.0, 20.0],
        "segment": ["1 active frequent", "2 lapsed frequent", "2 lapsed frequent"],
    }
)


@pytest.mark.parametrize("name", ["1 active frequent", "1", "active frequent"])
def test_a_stated_segment_responds_and_the_others_move_with_demand(name):
    table = core_by_market_scenario(SEGMENTS, scenario=MarketScenario(-0.4, {name: 2}))
    assert table["response"].tolist() == [2, 1, 1]
    assert table["value_down"].tolist() == pytest.approx([60 * 0.36, 18, 12])
    assert table["core_in"].tolist() == ["every market", "every market", "down only"]


def test_a_stated_response_replaces_the_estimated_and_a_change_alone_does_not():
    found = made_up({"a": 3.0, "b": 0.0})
    stated = core_by_market_scenario(SEGMENTS, found, scenario=MarketScenario(0.1, {"2": 0.5}))
    assert stated["response"].tolist() == [1, 0.5, 0.5]
    alone = core_by_market_scenario(SEGMENTS, found, scenario=MarketScenario(0.1))
    assert alone["response"].tolist() == [3, 0, 1]
    assert alone["value_up"].tolist() == pytest.approx([60 * 1.1**3, 30, 22])


def test_where_nobody_is_stated_to_respond_all_move_alike_and_costs_stay():
    scenario = MarketScenario(-0.5)
    assert set(core_by_market_scenario(SEGMENTS, scenario=scenario)["core_in"]) == {"every market", "none"}
    costly = SEGMENTS.assign(cost_to_serve=[0.0, 8.0, 0.0])
    table = core_by_market_scenario(costly, scenario=scenario).set_index("customer_id")
    assert table["core_in"].to_dict() == {"a": "every market", "b": "up only", "c": "down only"}


def test_a_customer_responds_as_the_categories_by_the_money_paid_for_each():
    orders = pd.DataFrame(
        [("a", "wine", 30.0), ("a", "tea", 10.0), ("b", "tea", 5.0), ("c", None, 5.0), ("c", "wine", -2.0)],
        columns=["customer_id", "category", "amount"],
    ).assign(date="2020-01-01")
    tx = read_transactions(orders, columns={"category": "category"})
    found = response_by_category(tx, date(2020, 2, 1), {"wine": 2, "tea": 0})
    assert found.to_dict() == {"a": 1.5, "b": 0, "c": 1}
    scenario = MarketScenario(-0.2, {"wine": 2}, by="category")
    scores = SEGMENTS.assign(cutoff=pd.Timestamp("2020-02-01"))
    table = core_by_market_scenario(scores, scenario=scenario, tx=tx)
    assert table["response"].tolist() == [1.75, 1, 1]
    with pytest.raises(InputError, match="no category 'wines' to respond; did you mean 'wine'"):
        response_by_category(tx, date(2020, 2, 1), {"wines": 2})
    with pytest.raises(InputError, match="need the purchases"):
        core_by_market_scenario(scores, scenario=scenario)


@pytest.mark.parametrize(
    ("response", "sentence"),
    [
        ({"active frequnt": 2}, "no segment 'active frequnt' to respond; did you mean '1 active frequent'"),
        ({"1": 2, "active frequent": 2}, "'1 active frequent' has two responses"),
    ],
)
def test_segments_that_are_not_there_or_stated_twice_are_refused(response, sentence):
    with pytest.raises(InputError, match=sentence):
        core_by_market_scenario(SEGMENTS, scenario=MarketScenario(-0.2, response))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"change": 0}, "the change of demand is 0"),
        ({"change": -20}, "such as -0.2 for a fall"),
        ({"change": -0.2, "by": "segments"}, "did you mean 'segment'"),
        ({"change": -0.2, "response": {"1": "twice"}}, "the response of '1' is 'twice'"),
        ({"change": -0.2, "response": {"1": float("inf")}}, "not a number such as 2"),
    ],
)
def test_a_scenario_that_is_none_is_refused(settings, sentence):
    with pytest.raises(InputError, match=sentence):
        MarketScenario(**settings)


def test_a_scenario_with_a_second_change_and_no_responses_at_all_are_refused():
    with pytest.raises(InputError, match="both `change` and `scenario`"):
        core_by_market_scenario(SEGMENTS, change=0.1, scenario=MarketScenario(-0.2))
    with pytest.raises(InputError, match="give `elasticities` or `scenario`"):
        core_by_market_scenario(SEGMENTS)
    with pytest.raises(InputError, match="lack segment"):
        core_by_market_scenario(SEGMENTS.drop(columns="segment"), scenario=MarketScenario(-0.2, {"1": 2}))
