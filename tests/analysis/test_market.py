"""Responses planted in made-up worlds come back; where there are none to tell, the plain core set does."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from duramen.analysis.market import (
    MarketElasticities,
    core_by_market_scenario,
    market_elasticities,
    with_core_in,
)
from duramen.data.reading import read_transactions
from duramen.errors import InputError
from duramen.io.score_columns import SCORE_COLUMNS
from duramen.scoring.ranking import rank_core_customers
from duramen.scoring.tiers import DEFAULT_TIERS, Tiers, smallest_set

START = date(2020, 1, 1)


def world(spread=0.5, *, customers=3000, periods=20, rate=2.0, swing=0.35, wobble=0.0, mean=1.0, seed=0):
    """Return transactions, true responses by customer id, true log levels and the cutoff.

    Customers join and leave at random periods; each buys at an own rate x level^response x a passing wobble.
    """
    rng = np.random.default_rng(seed)
    level = swing * rng.standard_normal(periods)
    response = rng.normal(mean, spread, customers)
    own = rng.gamma(1.5, rate / 1.5, customers)
    join = rng.integers(-5, periods - 1, customers).clip(0)
    leave = join + rng.geometric(0.03, customers)
    period = np.arange(periods)
    known = (period > join[:, None]) & (period <= leave[:, None])
    passing = np.exp(wobble * rng.standard_normal((customers, periods)) - wobble**2 / 2)
    bought = rng.poisson(own[:, None] * np.exp(response[:, None] * level) * known * passing).clip(0, 28)
    bought[np.arange(customers), join] = 1
    row, column = np.nonzero(bought)
    times = bought[row, column]
    offset = np.concatenate([rng.permutation(28)[:k] for k in times])
    days = np.repeat(column, times) * 28 + offset
    ids = np.array([f"c{i:05d}" for i in range(customers)])
    orders = pd.DataFrame(
        {"customer_id": np.repeat(ids[row], times), "date": pd.Timestamp(START) + pd.to_timedelta(days, unit="D")}
    ).assign(amount=10.0)  # fmt: skip
    return read_transactions(orders), pd.Series(response, index=ids), level, START + timedelta(28 * periods)


@pytest.fixture(scope="module")
def planted():
    tx, response, level, cutoff = world()
    return market_elasticities(tx, cutoff), response, level


@pytest.fixture(scope="module")
def alike():
    tx, _, _, cutoff = world(spread=0.0)
    return market_elasticities(tx, cutoff)


def errors(found, response):
    """Return how many standard errors each response lies off the truth."""
    told = found.customers.set_index("customer_id")
    return (told["response"] - response.reindex(told.index)) / told["standard_error"]


def test_planted_responses_lie_within_their_standard_errors(planted):
    found, response, _ = planted
    assert found.identified
    assert not found.reason
    off = errors(found, response)
    # The spread itself is known to a sixth here, and all standard errors with it.
    assert 0.8 < off.std() < 1.2
    assert abs(off.mean()) < 0.1
    assert found.spread == pytest.approx(0.5, abs=0.1)


def test_shrinkage_neither_overstates_nor_understates_what_differs(planted):
    found, response, _ = planted
    told = found.customers.set_index("customer_id")
    slope = np.polyfit(told["response"], response.reindex(told.index), 1)[0]
    assert slope == pytest.approx(1, abs=0.2)
    few = told["purchases"] <= 2
    assert told.loc[few, "response"].std() < 0.3 * told.loc[~few, "response"].std()
    assert told.loc[few, "standard_error"].min() > 0.9 * found.spread


def test_the_level_and_its_swing_are_those_of_the_world(planted):
    found, _, level = planted
    told = found.level["level"].notna().to_numpy()
    assert told.sum() >= 19
    assert np.corrcoef(np.log(found.level.loc[told, "level"]), level[told])[0, 1] > 0.97
    assert found.swing == pytest.approx(np.expm1(np.sqrt(np.mean(np.diff(level) ** 2))), rel=0.2)


def test_what_passes_is_not_taken_for_a_response():
    tx, response, _, cutoff = world(wobble=0.7, rate=4.0, seed=4)
    off = errors(market_elasticities(tx, cutoff), response)
    assert 0.85 < off.std() < 1.15
    tx, _, _, cutoff = world(spread=0.0, wobble=0.7, rate=4.0, seed=4)
    assert not market_elasticities(tx, cutoff).identified


def test_newcomers_and_ageing_are_no_market():
    """Four in five customers join in the second half, and all slow down; the market stands still."""
    rng = np.random.default_rng(5)
    join = np.where(rng.random(4000) < 0.8, rng.integers(280, 532, 4000), rng.integers(0, 280, 4000))
    gaps = rng.exponential(20, (4000, 40)) * 1.08 ** np.arange(40)
    days = join[:, None] + np.cumsum(gaps, axis=1)
    days[:, 0] = join
    row, column = np.nonzero(days < 560)
    bought = pd.DataFrame(
        {"customer_id": row.astype(str), "date": pd.Timestamp(START) + pd.to_timedelta(days[row, column] // 1, "D")}
    ).assign(amount=1.0)  # fmt: skip
    found = market_elasticities(read_transactions(bought), START + timedelta(560))
    settled = found.level.iloc[4:]
    assert settled["purchases"].iloc[-1] > 3 * settled["purchases"].iloc[0]
    assert np.log(settled["level"]).abs().max() < 0.1
    assert not found.identified


def test_groups_have_means_of_their_own_that_their_customers_lean_on():
    mean = np.repeat([0.4, 1.6], 1500)
    tx, response, _, cutoff = world(spread=0.3, mean=mean)
    groups = pd.Series(np.repeat(["calm", "keen"], 1500), index=response.index)
    found = market_elasticities(tx, cutoff, groups)
    told = found.customers.groupby("group")["response"].mean()
    # The level is that of all, in which the keen half weighs as much as the calm.
    assert told["keen"] - told["calm"] == pytest.approx(1.2, abs=0.25)
    few = found.customers["purchases"] == 0
    assert found.customers[few].groupby("group")["response"].nunique().eq(1).all()
    assert 0.85 < errors(found, response).std() < 1.15


def test_a_world_without_differing_responses_gives_the_same_core_sets(alike):
    assert not alike.identified
    assert "do not come again" in alike.reason
    assert alike.customers["response"].eq(1).all()
    assert alike.customers["standard_error"].isna().all()
    scores = scores_of(alike)
    table = core_by_market_scenario(scores, alike)
    assert set(table["core_in"]) == {"every market", "none"}
    assert (table["core_up"] == table["core"]).all()
    assert (table["core_down"] == table["core"]).all()


def test_too_few_periods_are_refused():
    tx, _, _, cutoff = world(periods=11)
    found = market_elasticities(tx, cutoff)
    assert not found.identified
    assert "12 are needed" in found.reason
    assert "12 are needed" in str(found)
    soon = market_elasticities(tx, START + timedelta(20))
    assert soon.level.empty
    assert not soon.identified
    assert set(core_by_market_scenario(scores_of(soon), soon)["core_in"]) <= {"every market", "none"}


def test_a_market_that_stands_still_tells_no_response():
    tx, _, _, cutoff = world(swing=0.0)
    found = market_elasticities(tx, cutoff)
    assert not found.identified
    assert "by chance" in found.reason


def test_later_purchases_change_nothing(planted):
    tx, _, _, cutoff = world()
    later = pd.DataFrame({"customer_id": ["c00001"], "date": [pd.Timestamp(cutoff)], "amount": [1e6]})
    days = tx.days.to_pyarrow().to_pandas()
    orders = pd.concat([days[["customer_id", "date"]].assign(amount=10.0), later], ignore_index=True)
    again = market_elasticities(read_transactions(orders), cutoff)
    pd.testing.assert_frame_equal(again.customers, planted[0].customers)


def scores_of(found):
    rng = np.random.default_rng(1)
    ids = found.customers["customer_id"]
    return pd.DataFrame({"customer_id": ids, "predicted_value": rng.gamma(0.5, 100.0, len(ids))})


def made_up(responses):
    told = pd.DataFrame({"customer_id": list(responses), "response": list(responses.values())})
    return MarketElasticities(date(2021, 1, 1), told, pd.DataFrame(), 0.5, 0.5, True, "")


def test_core_sets_follow_the_responses():
    responses = made_up({"boom": 3.0, "slump": -1.0, "large": 1.0, "tiny": 1.0})
    scores = pd.DataFrame(
        {"customer_id": ["tiny", "slump", "boom", "large"], "predicted_value": [1.0, 20, 21, 60]}
    )
    table = core_by_market_scenario(scores, responses).set_index("customer_id")
    assert table["core_in"].to_dict() == {
        "tiny": "none", "slump": "down only", "boom": "up only", "large": "every market",
    }  # fmt: skip
    assert table.loc["boom", "value_up"] == pytest.approx(21 * 1.5**3)
    assert table.loc["slump", "value_down"] == pytest.approx(20 / 0.5)
    assert core_by_market_scenario(scores, responses, 1e-9)["core_in"].isin(["every market", "none"]).all()


def test_a_customer_without_a_response_moves_with_the_market():
    scores = pd.DataFrame({"customer_id": ["new"], "predicted_value": [10.0]})
    table = core_by_market_scenario(scores, made_up({"old": 2.0}), 0.2)
    assert table[["value_up", "value_down"]].iloc[0].tolist() == pytest.approx([12.0, 8.0])


def test_a_ranking_names_the_market_of_each_customer(shop, planted):
    responses, _, _ = planted
    own = shop.ranking.assign(
        customer_id=responses.customers["customer_id"].head(len(shop.ranking)).to_numpy()
    )
    told = with_core_in(own, responses)
    assert list(told.columns) == [*SCORE_COLUMNS[:-4], "core_in", *SCORE_COLUMNS[-4:]]
    by_id = core_by_market_scenario(own, responses).set_index("customer_id")["core_in"]
    assert told.set_index("customer_id")["core_in"].equals(by_id[own["customer_id"]])
    assert {"up only", "down only"} <= set(told["core_in"])


def test_the_core_of_each_market_is_after_cost_and_of_the_share_of_the_tiers(shop, planted):
    tiers, cost = Tiers(core_share=0.5), shop.scores["predicted_value"].median()
    ranking = rank_core_customers(shop.scores, tiers, np.full(len(shop.scores), cost))
    plain = with_core_in(ranking, market_elasticities(shop.tx, shop.window.cutoff), tiers.core_share)
    core = plain["tier"].isin(tiers.core_names)
    assert plain["core_in"].eq("every market").equals(core)
    own = ranking.assign(customer_id=planted[0].customers["customer_id"].head(len(ranking)).to_numpy())
    table = core_by_market_scenario(own, planted[0], core_share=0.5)
    left = np.maximum(table["value_up"] - cost, 0)
    assert table["core_up"].equals(pd.Series(smallest_set(left.to_numpy(), 0.5)))
    assert not table.loc[table["value_up"] < cost, "core_up"].any()


def test_without_responses_the_ranking_has_the_plain_core(shop):
    told = with_core_in(shop.ranking, market_elasticities(shop.tx, shop.window.cutoff))
    core = told["tier"].isin(DEFAULT_TIERS.core_names)
    assert set(told.loc[core, "core_in"]) == {"every market"}
    assert set(told.loc[~core, "core_in"]) == {"none"}


def test_real_shops_are_answered_or_refused_in_one_sentence(shop):
    found = market_elasticities(shop.tx, "1998-04-01")
    assert not found.identified
    assert found.reason.endswith(".")
    assert len(found.customers) == len(shop.customers)
    table = core_by_market_scenario(shop.scores, found, 0.2)
    assert table["customer_id"].tolist() == shop.scores["customer_id"].tolist()
    assert (table["core"] == table["core_up"]).all()


def test_what_does_not_fit_is_refused(shop):
    responses = made_up({"a": 1.0})
    scores = pd.DataFrame({"customer_id": ["a", "a"], "predicted_value": [1.0, 2.0]})
    with pytest.raises(InputError, match="two rows in the scores, for example a"):
        core_by_market_scenario(scores, responses)
    with pytest.raises(InputError, match="lack predicted_value"):
        core_by_market_scenario(scores[["customer_id"]], responses)
    with pytest.raises(InputError, match="not above 0 and below 1"):
        core_by_market_scenario(scores.iloc[:1], responses, 20)
    with pytest.raises(InputError, match="have no group, for example"):
        market_elasticities(shop.tx, "1998-04-01", pd.Series({"nobody": "x"}))
    with pytest.raises(InputError, match="two groups, for example nobody"):
        market_elasticities(shop.tx, "1998-04-01", pd.Series(["x", "y"], index=["nobody", "nobody"]))
    with pytest.raises(InputError, match="choose a cutoff inside them"):
        market_elasticities(shop.tx, "1990-01-01")
