"""The core in a rising and in a falling market, by elasticities that are known, found or not identified."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from tests.markets import market_world

from duramen.errors import InputError
from duramen.forecast.elasticities import MarketElasticities, market_elasticities
from duramen.io.score_columns import RANKING_COLUMNS, SCORE_COLUMNS
from duramen.scoring.customer_ranking import rank_customers
from duramen.scoring.market_scenarios import add_core_in, core_by_market_scenario
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
    table = add_core_in(own, found)
    assert list(table.columns) == [*SCORE_COLUMNS[:-4], "core_in", *SCORE_COLUMNS[-4:]]
    by_id = core_by_market_scenario(own, found).set_index("customer_id")["core_in"]
    assert table.set_index("customer_id")["core_in"].equals(by_id[own["customer_id"]])
    assert {"up only", "down only"} <= set(table["core_in"])


def test_the_core_of_each_market_is_after_cost_and_of_the_share_of_the_tiers(shop, found):
    tiers, cost = Tiers(core_share=0.5), shop.scores["predicted_value"].median()
    ranking = rank_core_customers(shop.scores, tiers, np.full(len(shop.scores), cost))
    plain = add_core_in(ranking, market_elasticities(shop.tx, shop.window.cutoff), tiers.core_share)
    core = plain["tier"].isin(tiers.core_names)
    assert plain["core_in"].eq("every market").equals(core)
    own = ranking.assign(customer_id=found.customers["customer_id"].head(len(ranking)).to_numpy())
    table = core_by_market_scenario(own, found, core_share=0.5)
    left = np.maximum(table["value_up"] - cost, 0)
    assert table["core_up"].equals(pd.Series(smallest_set(left.to_numpy(), 0.5)))
    assert not table.loc[table["value_up"] < cost, "core_up"].any()


def test_without_elasticities_the_ranking_has_the_plain_core(shop):
    table = add_core_in(shop.ranking, market_elasticities(shop.tx, shop.window.cutoff))
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
    expected = add_core_in(rank_core_customers(shop.scores, shop.model.tiers), elasticities)
    pd.testing.assert_frame_equal(ranking, expected)
    cost = pd.Series(1.0, index=pd.Index(shop.customers["customer_id"]))
    with_cost = rank_customers(shop.model, shop.tx, shop.customers, cost, Tiers(core_share=0.5))
    assert list(with_cost) == list(RANKING_COLUMNS)
    assert with_cost["core_in"].eq("every market").equals(with_cost["tier"].isin(DEFAULT_TIERS.core_names))
