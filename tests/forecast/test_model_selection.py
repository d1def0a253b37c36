"""How much of the trees is used: what the holdout supports, and BTYD alone where it is inconclusive."""

import numpy as np
import pytest

from duramen.forecast.model_selection import NO_TREES, TREES_USES, TreesUse, choose_use, cross_fit

USUAL, HALF = TREES_USES


def losses(rows=4_000, seed=0, **gains):
    """Return losses of BTYD alone, and of the uses less a mean gain; all with noise of their own."""
    rng = np.random.default_rng(seed)
    btyd = rng.gamma(2.0, 1.0, rows)
    by_name = {"usual": USUAL, "half": HALF}
    return {NO_TREES: btyd} | {
        by_name[name]: btyd - gain + rng.normal(0, 0.3, rows) for name, gain in gains.items()
    }


def test_trees_that_gain_clearly_are_used():
    assert choose_use(losses(usual=0.1)) == USUAL


def test_trees_that_gain_nothing_clear_are_not_used():
    assert choose_use(losses(usual=-0.02)) == NO_TREES
    assert choose_use(losses(usual=0.002)) == NO_TREES


def test_another_use_must_be_clearly_better_than_the_usual_one():
    assert choose_use(losses(usual=0.1, half=0.15)) == HALF
    assert choose_use(losses(usual=0.1, half=0.1001)) == USUAL


def test_what_helps_by_chance_is_seldom_taken():
    taken = [choose_use(losses(rows=500, seed=seed, usual=0.0)) != NO_TREES for seed in range(300)]
    # One standard error is passed by chance in 16 of 100.
    assert np.mean(taken) == pytest.approx(0.16, abs=0.07)


def test_one_customer_alone_never_decides():
    btyd = np.ones(5_000)
    trees = btyd.copy()
    trees[7] = -1e6
    assert choose_use({NO_TREES: btyd, USUAL: trees}) == NO_TREES
    clear = losses(usual=0.1)
    clear[USUAL][7] = 1e9
    assert choose_use(clear) == USUAL


def test_no_customer_chooses_for_itself():
    all_losses = losses(usual=0.2)
    names = {0.0: NO_TREES, 1.0: USUAL}
    forecasts = {use: np.full(4_000, number) for number, use in names.items()}
    use, forecast = cross_fit(forecasts, lambda use, rows: all_losses[use][rows])
    assert use == USUAL
    assert (forecast == 1.0).all()
    turned = {key: values.copy() for key, values in all_losses.items()}
    turned[USUAL][::2] += 10.0
    use, forecast = cross_fit(forecasts, lambda use, rows: turned[use][rows])
    assert use == NO_TREES
    assert (forecast[::2] == 1.0).all()
    assert (forecast[1::2] == 0.0).all()


def test_the_first_use_is_all_of_the_trees_and_none_is_btyd_alone():
    assert TREES_USES[0] == TreesUse(1.0)
    assert TreesUse(0.0) == NO_TREES
    assert NO_TREES not in TREES_USES
