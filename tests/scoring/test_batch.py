"""Scores in blocks: the same ranking as in memory, whatever the size of a block."""

import numpy as np
import pandas as pd
import pytest
from tests.markets import two_markets

from duramen.data import customers
from duramen.data.customers import customer_blocks, customer_ids, customer_table, sorted_by_customer
from duramen.data.reading import read_transactions
from duramen.data.windows import parse_day
from duramen.scoring.batch import rank_in_blocks
from duramen.scoring.customer_ranking import rank_customers, rank_with_inputs
from duramen.scoring.market_scenarios import MarketScenario

REASONS = ["reason_1", "reason_2", "reason_3"]


@pytest.fixture(scope="module", params=["cdnow", "complete_journey", "a market that tells customers apart"])
def real(request, shop):
    """Return orders, a cutoff, and their ranking in memory; it is scoring that is asked, so one model does."""
    if request.param == "a market that tells customers apart":
        tx, cutoff = read_transactions(two_markets()), parse_day("2022-01-01")
    else:
        tx = read_transactions(f"dataset:{request.param}")
        cutoff = parse_day("1998-04-01" if request.param == "cdnow" else "2017-09-03")
    whole = rank_with_inputs(shop.model, tx, customer_table(tx, cutoff))
    assert whole.market.identified == (request.param == "a market that tells customers apart")
    return shop.model, tx, cutoff, whole


def in_blocks(folder, model, tx, cutoff, **options):
    with sorted_by_customer(tx, cutoff) as days:
        ranked = rank_in_blocks(model, days, cutoff, folder, **options)
        return ranked, pd.concat(ranked.blocks, ignore_index=True)


@pytest.mark.slow
def test_blocks_are_the_customer_table(real, monkeypatch):
    _, tx, cutoff, whole = real
    monkeypatch.setattr(customers, "SLICE", 501)
    with sorted_by_customer(tx, cutoff) as days:
        blocks = list(customer_blocks(days, cutoff))
    assert {len(block) for block in blocks[:-1]} <= {501}
    assert {block.attrs["cutoff"] for block in blocks} == {cutoff.isoformat()}
    pd.testing.assert_frame_equal(pd.concat(blocks, ignore_index=True), whole.customers)


@pytest.mark.slow
def test_blocks_are_the_ranking_in_memory(real, tmp_path, monkeypatch):
    model, tx, cutoff, whole = real
    monkeypatch.setattr(customers, "SLICE", 3001 if len(whole.ranking) > 10_000 else 401)
    monkeypatch.setattr("duramen.scoring.batch.WRITTEN_AT_ONCE", 1000)
    ranked, ranking = in_blocks(tmp_path, model, tx, cutoff)
    pd.testing.assert_frame_equal(ranking, whole.ranking, check_exact=True)
    pd.testing.assert_frame_equal(ranked.market.level, whole.market.level)
    assert (ranked.market.typical_change, ranked.market.reason) == (
        whole.market.typical_change,
        whole.market.reason,
    )
    for name in ("tier", "score", "predicted_value", "core_in"):
        assert (ranked.places[name].to_numpy() == whole.ranking[name].to_numpy()).all()


@pytest.mark.slow
def test_a_scenario_and_an_index_are_those_of_the_ranking_in_memory(real, tmp_path):
    model, tx, cutoff, whole = real
    days = pd.date_range("1996-12-01", "2022-01-01", freq="MS")
    index = pd.DataFrame({"date": days, "level": 100 + 30 * np.sin(np.arange(len(days)))})
    stated = {
        "scenario": MarketScenario(-0.2, {str(model.segment_names_[0]): 2}),
        "market_index": index,
    }
    ranked, ranking = in_blocks(tmp_path, model, tx, cutoff, reasons="none", **stated)
    expected = rank_with_inputs(model, tx, whole.customers, **stated)
    assert ranking["core_in"].tolist() == expected.ranking["core_in"].tolist()
    assert ranked.places["response"].tolist() == expected.markets["response"].tolist()
    assert ranked.market.outside
    assert ranked.market.mean == expected.market.mean


@pytest.mark.slow
def test_costs_and_tiers_are_those_of_the_ranking_in_memory(real, tmp_path, monkeypatch):
    model, tx, cutoff, whole = real
    ids = whole.customers["customer_id"]
    cost = pd.Series(np.random.default_rng(1).exponential(9.0, len(ids)).round(2), index=pd.Index(ids))
    tiers = whole.tiers.from_dict({"core_share": 0.6, "small": {"name": "basic"}})
    monkeypatch.setattr(customers, "SLICE", 3001)
    _, ranking = in_blocks(tmp_path, model, tx, cutoff, cost_to_serve=cost, tiers=tiers, reasons="none")
    expected = rank_customers(model, tx, whole.customers, cost, tiers)
    assert ranking[REASONS].isna().all(axis=None)
    pd.testing.assert_frame_equal(
        ranking.drop(columns=REASONS), expected.drop(columns=REASONS), check_exact=True
    )


def test_reasons_of_the_core_are_those_of_all(real, tmp_path, monkeypatch):
    model, tx, cutoff, whole = real
    monkeypatch.setattr(customers, "SLICE", 401 if len(whole.ranking) < 10_000 else 9001)
    _, ranking = in_blocks(tmp_path, model, tx, cutoff, reasons="core")
    core = whole.ranking["tier"].isin(whole.tiers.core_names)
    expected = whole.ranking.copy()
    expected.loc[~core, REASONS] = np.nan
    pd.testing.assert_frame_equal(ranking, expected, check_exact=True)


def test_other_queries_between_the_blocks_lose_no_customer(shop, tmp_path, monkeypatch):
    monkeypatch.setattr("duramen.scoring.batch.WRITTEN_AT_ONCE", 1000)
    with sorted_by_customer(shop.tx, shop.window.cutoff) as days:
        blocks = rank_in_blocks(shop.model, days, shop.window.cutoff, tmp_path, reasons="none").blocks
        ranks = []
        for block in blocks:
            assert days.digest(shop.window.cutoff)
            ranks += block["rank"].tolist()
    assert ranks == list(range(1, len(shop.ranking) + 1))


def test_the_sorted_days_are_gone_in_the_end(shop):
    workspace = shop.tx.days.get_backend()
    before = set(workspace.list_tables())
    with sorted_by_customer(shop.tx, "1998-04-01") as days:
        assert set(workspace.list_tables()) > before
        assert len(customer_ids(days, shop.window.cutoff)) == len(shop.customers)
    assert set(workspace.list_tables()) == before
