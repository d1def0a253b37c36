"""P(core) against the core by the outcomes, and the first by score against those by past spend."""

import numpy as np
import pytest

from duramen.evaluation.core import core_calibration, score_against_past_spend
from duramen.scoring.tiers import smallest_set


def test_every_customer_is_in_one_band_and_the_means_are_theirs():
    rng = np.random.default_rng(0)
    probability = np.append(rng.random(5_000), [0.0, 0.1, 1.0])
    money = rng.gamma(0.3, 10, len(probability)) - 0.5
    table = core_calibration(probability, money)
    assert table["customers"].sum() == len(probability)
    assert ((table["predicted"] >= table["from_"]) & (table["predicted"] <= table["to"])).all()
    core = smallest_set(np.maximum(money, 0))
    inside = (probability >= 0.3) & (probability < 0.4)
    assert table["actual"].iloc[3] == pytest.approx(core[inside].mean())


def test_probabilities_that_hold_show_it():
    rng = np.random.default_rng(1)
    money = rng.gamma(1, 10, 20_000)
    core = smallest_set(money)
    blurred = np.where(core, 0.7, 0.2)
    chosen = rng.random(len(money)) < np.where(core, 0.8, 0.3)
    table = core_calibration(np.where(chosen, core[chosen].mean(), core[~chosen].mean()), money)
    np.testing.assert_allclose(table["predicted"], table["actual"])
    assert (core_calibration(blurred, money)["actual"] == [0.0, 1.0]).all()


def test_the_four_groups_hold_everybody_and_their_money():
    rng = np.random.default_rng(2)
    score, past, money = rng.gamma(1, 10, (3, 1_003))
    table = score_against_past_spend(score, past, money).set_index("chosen_by")
    assert table["customers"].sum() == 1_003
    assert table.loc["both", "customers"] + table.loc["score alone", "customers"] == 201
    assert table.loc["score alone", "customers"] == table.loc["past spend alone", "customers"]
    assert (table["customers"] * table["then_spent"]).sum() == pytest.approx(money.sum())
    assert (table["customers"] * table["past_spend"]).sum() == pytest.approx(past.sum())


def test_where_both_agree_no_customer_is_chosen_by_one_alone():
    money = np.arange(10.0)
    table = score_against_past_spend(money, money, money).set_index("chosen_by")
    assert table.loc["score alone", "customers"] == 0
    assert table.loc[["score alone", "past spend alone"], ["past_spend", "then_spent"]].isna().all(axis=None)
