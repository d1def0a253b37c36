"""A stated scenario in one sentence: who joins, who leaves, and how stable the core is."""

import numpy as np
import pandas as pd
import pytest

from duramen.analysis.scenario_summary import summarise_scenario
from duramen.scoring.market_scenarios import MarketScenario, core_by_market_scenario


def scores(customers=400):
    """Return customers of whom the best tenth are segment 1."""
    value = 1000 * np.arange(1, customers + 1) ** -0.8
    segment = np.where(np.arange(customers) < customers // 10, "1 best", "2 rest")
    ids = [f"c{place}" for place in range(customers)]
    return pd.DataFrame({"customer_id": ids, "predicted_value": value, "segment": segment})


def summarised(scenario, table=None, core_share=0.8):
    table = scores() if table is None else table
    return summarise_scenario(
        core_by_market_scenario(table, scenario=scenario, core_share=core_share), scenario, core_share
    )


def test_who_joins_and_who_leaves_are_those_of_the_core_sets():
    scenario = MarketScenario(-0.3, {"1": 2})
    found = summarised(scenario, core_share=0.6)
    table = core_by_market_scenario(scores(), scenario=scenario, core_share=0.6)
    assert found.core == table["core"].sum()
    assert found.scenario_core == table["core_down"].sum()
    joins, leaves = table["core_down"] & ~table["core"], table["core"] & ~table["core_down"]
    assert found.joining["customer_id"].tolist() == table.loc[joins, "customer_id"].tolist()
    assert len(found.leaving) == leaves.sum()
    assert found.joining["scenario_value"].to_numpy() == pytest.approx(
        table.loc[joins, "value_down"].to_numpy()
    )
    both = (table["core"] & table["core_down"]).sum()
    assert found.overlap == pytest.approx(both / (table["core"] | table["core_down"]).sum())
    assert found.share_staying == pytest.approx(both / table["core"].sum())
    row = found.stability.set_index("change").loc[-0.3]
    assert (row["joining"], row["leaving"]) == (len(found.joining), len(found.leaving))


def test_the_sentence_is_plain_and_agrees_with_the_figures():
    found = summarised(MarketScenario(-0.2, {"1": 2, "2": 1}))
    assert str(found) == (
        "If demand falls by 20% and customers of segment 1 respond twice as much (a fall of 36%) and customers of "
        f"segment 2 respond as the market, the core goes from {found.core} to {found.scenario_core} customers: "
        f"{len(found.joining)} join, none leaves; up to a fall of 20% no more than 10% of the core changes."
    )
    within = found.stability[found.stability["change"].between(-0.2, -0.01)]["changed"]
    assert within.le(0.1).all()
    assert found.stability.set_index("change").loc[-0.25, "changed"] > 0.1


def test_where_all_respond_alike_the_sentence_says_that_the_core_cannot_change():
    found = summarised(MarketScenario(-0.25))
    assert found.alike
    assert len(found.joining) == len(found.leaving) == 0
    assert str(found) == (
        f"If demand falls by 25% for all customers alike, the core stays the same {found.core} customers. The core "
        "changes only if some customers respond more or less than others."
    )


def test_costs_change_the_core_even_where_all_respond_alike():
    table = scores().assign(cost_to_serve=3.0)
    found = summarised(MarketScenario(-0.5), table)
    assert len(found.leaving) > 0
    assert str(found).startswith("If demand falls by 50% while costs to serve stay, the core goes from")
    assert "of its value today)" in str(found)


def test_a_core_that_does_not_change_is_said_to_be_stable_up_to_a_change():
    table = pd.DataFrame(
        {"customer_id": ["a", "b"], "predicted_value": [90.0, 10.0], "segment": ["1 big", "2 small"]}
    )
    found = summarised(MarketScenario(0.1, {"2": 2}), table)
    assert str(found) == (
        "If demand rises by 10% and customers of segment 2 respond twice as much (a rise of 21%), the core stays the "
        "same 1 customer; up to a rise of 50% the core does not change."
    )


def test_a_core_of_which_the_smallest_change_moves_much_is_said_to_be_so():
    table = scores(20).assign(predicted_value=10.0)
    assert "; a fall of 5% changes more than 10% of the core." in str(
        summarised(MarketScenario(-0.3, {"1": 12}), table)
    )


def test_many_responses_are_counted_and_a_base_without_a_core_says_so():
    table = scores(60).assign(segment=np.resize(["1 a", "2 b", "3 c", "4 d"], 60))
    sentence = str(summarised(MarketScenario(-0.2, {"1": 0, "2": 0.5, "3": 3, "4": -1}), table))
    assert "customers of segment 1 do not respond and customers of segment 2 respond half as much" in sentence
    assert "and 2 more respond as stated, the core" in sentence
    none = summarised(MarketScenario(-0.2, {"1": 2}), scores(20).assign(predicted_value=0.0))
    assert "there is no core today" in str(none)
    assert np.isnan(none.overlap)
