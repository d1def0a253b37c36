"""The dependence of effects: every customer in one bin, those who share a value together, means that are theirs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duramen.explain.dependence import BINS, DEPENDENCE_COLUMNS, dependence_of
from duramen.explain.effects import Effects


def read(values, effects, part="activity"):
    known = pd.DataFrame({"gap_mean": np.array(values, dtype=float)})
    return dependence_of(Effects(part, pd.DataFrame({"gap_mean": effects}), 0.0, "log odds"), known)


def test_the_dependence_of_a_planted_effect_comes_back():
    values = np.arange(1000.0)
    table = read(values, values**2)
    assert len(table) == BINS
    np.testing.assert_allclose(table["customers"], 100)
    middle = table["value"].to_numpy()
    np.testing.assert_allclose(table["effect"], middle**2 + (100**2 - 1) / 12, rtol=1e-12)
    assert (table["low"] < table["effect"]).all()
    assert (table["effect"] < table["high"]).all()


@given(st.lists(st.one_of(st.none(), st.integers(0, 30), st.just(0)), min_size=1, max_size=200))
def test_every_customer_is_in_one_bin_and_equal_values_share_it(values):
    held = np.array([np.nan if value is None else value for value in values], dtype=float)
    table = read(held, np.ones(len(held)))
    assert table["customers"].sum() == len(held)
    known = table.dropna(subset="value")
    assert (known["from_"].to_numpy()[1:] > known["to"].to_numpy()[:-1]).all()
    assert table["value"].isna().sum() == (1 if np.isnan(held).any() else 0)


def test_what_most_customers_share_has_a_bin_of_its_own():
    values = np.concatenate([np.zeros(900), np.arange(1, 101)])
    table = read(values, np.ones(1000))
    assert table.loc[0, ["from_", "to", "customers"]].tolist() == [0, 0, 900]
    assert len(table) == 2


def test_factors_of_the_value_are_told_as_factors():
    table = read([1.0, 1, 2, 2], np.log([2.0, 8, 3, 3]), part="value")
    np.testing.assert_allclose(table["effect"], [4.0, 3.0])
    assert set(table["unit"]) == {"times"}


def test_a_feature_without_effect_has_no_dependence():
    table = read([1.0, 2.0], [0.0, 0.0])
    assert table.empty
    assert list(table.columns) == list(DEPENDENCE_COLUMNS)


@pytest.mark.parametrize(("part", "unit"), [("value", "times"), ("activity", "log odds")])
def test_the_dependence_of_a_model_is_the_means_of_its_explanations(shop, part, unit):
    table = shop.model.dependence_[shop.model.dependence_["part"] == part]
    assert list(table.columns) == list(DEPENDENCE_COLUMNS)
    assert set(table["unit"]) == {unit}
    assert (table.groupby("feature")["customers"].sum() == len(shop.customers)).all()
    told = shop.model.explain(shop.customers, [part])
    effect = np.log(told["factor"]) if part == "value" else told["term"]
    strength = effect.abs().groupby(told["feature"]).mean().drop("base")
    names = list(dict.fromkeys(table["feature"]))
    assert names[:5] == list(strength.sort_values(ascending=False).index[:5])
    strongest = told[told["feature"] == names[0]]
    row = table[table["feature"] == names[0]].iloc[-1]
    inside = strongest["value"].between(row["from_"], row["to"])
    assert inside.sum() == row["customers"]
    mean = effect[strongest.index][inside].mean()
    assert row["effect"] == pytest.approx(np.exp(mean) if part == "value" else mean)
