"""How far ranks and values differ between seeds, on the real shop."""

import numpy as np
import pytest

from duramen.errors import InputError
from duramen.evaluation.training_seeds import SEED_COLUMNS, seed_stability


@pytest.mark.slow
def test_each_other_seed_is_compared_with_the_first(shop):
    found = seed_stability(shop.tx, shop.window, (shop.model.seed, 1), first=shop.scores)
    assert list(found) == SEED_COLUMNS
    (row,) = found.itertuples()
    assert (row.seed, row.against, row.customers) == (1, shop.model.seed, len(shop.scores))
    assert 0.8 < row.spearman <= 1
    assert 0.8 < row.top_10 <= 1
    assert 0 <= row.value_change < 0.3


@pytest.mark.slow
def test_the_change_of_value_and_the_share_that_stays_are_of_what_is_given(shop):
    # The largest become the smallest, and every value is half as much again.
    turned = shop.scores.assign(
        score=1 / shop.scores["predicted_value"], predicted_value=shop.scores["predicted_value"] / 1.5
    )
    seeds = (shop.model.seed + 1, shop.model.seed)
    (row,) = seed_stability(shop.tx, shop.window, seeds, first=turned).itertuples()
    assert row.spearman < -0.9
    assert row.top_10 == 0
    assert row.value_change == pytest.approx(0.5)


@pytest.mark.parametrize("seeds", [(), (3,), (3, 3)])
def test_one_seed_is_compared_with_nothing(shop, seeds):
    with pytest.raises(InputError, match="give at least two that differ"):
        seed_stability(shop.tx, shop.window, seeds)


@pytest.mark.slow
def test_a_backtest_has_other_seeds_only_where_they_are_asked_for(shop):
    from duramen.evaluation.backtesting import backtest

    tested = backtest(shop.tx, [shop.window], resamples=5, seeds=1)
    assert tested.tables()["seeds"]["seed"].tolist() == [1]
    assert np.isfinite(tested.seeds["spearman"]).all()
    assert "seeds" not in backtest(shop.tx, [shop.window], resamples=5).tables()
