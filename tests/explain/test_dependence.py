"""The shape of effects: every customer in one bin, those who share a value together, means that are theirs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duramen.explain.dependence import BINS, SHAPE_COLUMNS, shape_of
from duramen.explain.explainer import Effects


def read(values, effects, part="activity"):
    known = pd.DataFrame({"gap_mean": np.array(values, dtype=float)})
    return shape_of(Effects(part, pd.DataFrame({"gap_mean": effects}), 0.0, "log odds"), known)


def test_the_shape_of_a_planted_effect_comes_back():
    values = np.arange(1000.0)
    shape = read(values, values**2)
    assert len(shape) == BINS
    np.testing.assert_allclose(shape["customers"], 100)
    middle = shape["value"].to_numpy()
    np.testing.assert_allclose(shape["effect"], middle**2 + (100**2 - 1) / 12, rtol=1e-12)
    assert (shape["low"] < shape["effect"]).all()
    assert (shape["effect"] < shape["high"]).all()


@given(st.lists(st.one_of(st.none(), st.integers(0, 30), st.just(0)), min_size=1, max_size=200))
def test_every_customer_is_in_one_bin_and_equal_values_share_it(values):
    held = np.array([np.nan if value is None else value for value in values], dtype=float)
    shape = read(held, np.ones(len(held)))
    assert shape["customers"].sum() == len(held)
    known = shape.dropna(subset="value")
    assert (known["from_"].to_numpy()[1:] > known["to"].to_numpy()[:-1]).all()
    assert shape["value"].isna().sum() == (1 if np.isnan(held).any() else 0)


def test_what_most_customers_share_has_a_bin_of_its_own():
    values = np.concatenate([np.zeros(900), np.arange(1, 101)])
    shape = read(values, np.ones(1000))
    assert shape.loc[0, ["from_", "to", "customers"]].tolist() == [0, 0, 900]
    assert len(shape) == 2


def test_factors_of_the_value_are_told_as_factors():
    shape = read([1.0, 1, 2, 2], np.log([2.0, 8, 3, 3]), part="value")
    np.testing.assert_allclose(shape["effect"], [4.0, 3.0])
    assert set(shape["unit"]) == {"times"}


def test_a_feature_without_effect_has_no_shape():
    shape = read([1.0, 2.0], [0.0, 0.0])
    assert shape.empty
    assert list(shape.columns) == list(SHAPE_COLUMNS)


@pytest.mark.parametrize(("part", "unit"), [("value", "times"), ("activity", "log odds")])
def test_the_shapes_of_a_model_are_the_means_of_its_explanations(shop, part, unit):
    shape = shop.model.shape_[shop.model.shape_["part"] == part]
    assert list(shape.columns) == list(SHAPE_COLUMNS)
    assert set(shape["unit"]) == {unit}
    assert (shape.groupby("feature")["customers"].sum() == len(shop.customers)).all()
    told = shop.model.explain(shop.customers, [part])
    effect = np.log(told["factor"]) if part == "value" else told["term"]
    strength = effect.abs().groupby(told["feature"]).mean().drop("base")
    names = list(dict.fromkeys(shape["feature"]))
    assert names[:5] == list(strength.sort_values(ascending=False).index[:5])
    strongest = told[told["feature"] == names[0]]
    row = shape[shape["feature"] == names[0]].iloc[-1]
    inside = strongest["value"].between(row["from_"], row["to"])
    assert inside.sum() == row["customers"]
    mean = effect[strongest.index][inside].mean()
    assert row["effect"] == pytest.approx(np.exp(mean) if part == "value" else mean)
