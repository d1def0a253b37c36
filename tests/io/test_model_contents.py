"""A model folder that is whole and wrong: absurd numbers, other tables and trees are refused in a sentence."""

import hashlib
import json
import shutil
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pytest

from duramen.errors import InputError
from duramen.io import saved_model
from duramen.scoring.finite_scores import refuse_non_finite
from duramen.scoring.model import CoreCustomerModel

KEPT = Path(__file__).parents[1] / "fixtures" / "format_7"


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(KEPT / "model", tmp_path / "model")


@pytest.fixture(scope="module")
def customers():
    return pd.DataFrame(json.loads((KEPT / "scored.json").read_text())["customers"])


def seal(folder, change=None):
    """Give the state and all files digests that fit, after a change of the state."""
    path = folder / "model.json"
    state = json.loads(path.read_text())
    del state["digest"]
    if change is not None:
        change(state)
    for name in state["digests"]:
        state["digests"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    path.write_text(saved_model.seal(json.dumps(state, indent=1, sort_keys=True)))


def put(where, value):
    def change(state):
        *parts, last = where.split(".")
        for part in parts:
            state = state[part]
        state[last] = value

    return change


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e308, 10**400], ids=str)
@pytest.mark.parametrize(
    "where",
    ["growth_weight", "core_money", "forecast.value.level", "forecast.activity.slope", "forecast.money_unit",
     "forecast.distribution.edges", "segments.base_gap", "placement.vip", "explainer.typical.btyd_spend"],
)  # fmt: skip
def test_a_number_that_no_training_gives_is_refused_by_its_name(folder, where, value):
    seal(folder, put(where, [value] if where.endswith("edges") else value))
    with pytest.raises(InputError, match=rf"model\.json has 1 numbers that no training gives \(.*{where} is"):
        CoreCustomerModel.load(folder)


def test_what_only_describes_a_fit_may_be_unknown(folder):
    seal(folder, put("explainer.average_facts.gap_mean", float("nan")))
    assert CoreCustomerModel.load(folder).growth_weight_ == 1.0


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_customer_without_a_needed_number_is_refused_with_column_and_count(customers):
    model = CoreCustomerModel.load(KEPT / "model")
    wrong = customers.assign(
        net_spend_91=np.where(np.arange(len(customers)) == 1, np.inf, customers["net_spend_91"])
    )
    wrong = wrong.assign(net_spend=np.where(np.arange(len(customers)) == 1, np.inf, wrong["net_spend"]))
    with pytest.raises(
        InputError, match=rf"would not be a finite number for 1 of {len(customers)} customers \(for"
    ):
        model.predict(wrong)


def test_each_column_that_is_not_finite_is_counted():
    scores = pd.DataFrame(
        {"customer_id": [7, 8, 9], "score": [1.0, np.nan, np.inf], "clv": [1.0, 2.0, -np.inf]}
    )
    with pytest.raises(
        InputError,
        match=r"^score and 1 further columns would not be a finite number for 2 of 3 customers \(for example 8\); ",
    ):
        refuse_non_finite(scores)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_json_nested_without_end_is_refused(folder, opening):
    (folder / "model.json").write_text(opening * 200_000)
    with pytest.raises(InputError, match=r"model\.json is damaged"):
        CoreCustomerModel.load(folder)


@pytest.mark.parametrize("name", ["holdout", "importance", "dependence", "growth_weight"])
def test_a_table_with_other_columns_is_refused_by_its_name(folder, name):
    pd.DataFrame({"odd": [1]}).to_parquet(folder / f"{name}.parquet")
    seal(folder)
    with pytest.raises(
        InputError, match=rf"{name}\.parquet is not the table {name} of a model: it lacks \d+ columns"
    ):
        CoreCustomerModel.load(folder)


@pytest.mark.parametrize("text", ["", "hello\n", "tree\nversion=v4\nnum_class=1\n"], ids=repr)
def test_text_that_is_not_of_lightgbm_never_reaches_it(folder, text):
    (folder / "value_trees.txt").write_text(text)
    seal(folder)
    with pytest.raises(InputError, match=r"value_trees\.txt is not a LightGBM model"):
        CoreCustomerModel.load(folder)


def test_trees_of_other_columns_are_refused(folder):
    rows = np.arange(200.0).reshape(100, 2)
    other = lightgbm.train(
        {"verbosity": -1, "num_threads": 1},
        lightgbm.Dataset(rows, rows[:, 0], feature_name=["odd", "even"]),
        num_boost_round=2,
    )
    (folder / "value_trees.txt").write_text(other.model_to_string())
    seal(folder)
    with pytest.raises(
        InputError, match="the value trees of the saved model were grown on other columns than it has"
    ):
        CoreCustomerModel.load(folder)
