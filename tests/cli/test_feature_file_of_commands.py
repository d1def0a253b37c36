"""A feature file on the command line fits the models before the orders are read."""

from types import SimpleNamespace

import pandas as pd
import pytest

from duramen.cli.config.ranking import ScoreConfig
from duramen.cli.inputs import check_costs, read_features
from duramen.errors import InputError
from duramen.forecast.extra_features import ExtraFeatures


def learned(**columns):
    return SimpleNamespace(forecast_=SimpleNamespace(extra_=ExtraFeatures(columns)))


@pytest.fixture
def config(tmp_path):
    pd.DataFrame({"customer": [1, 2], "age": ["3,5", "4"]}).to_csv(tmp_path / "f.csv", sep=";", index=False)
    return ScoreConfig(orders="orders.csv", features=str(tmp_path / "f.csv"), decimal=",")


def test_a_file_has_the_columns_that_a_model_learned_from_or_is_refused(config):
    read = read_features(config, [learned(age=None), learned()])
    assert read.table["age"].tolist() == [3.5, 4]
    with pytest.raises(
        InputError, match=r"learned from 'visits' of a feature file; give a file that has it by `feat"
    ):
        read_features(config, [learned(age=None, visits=None)])
    with pytest.raises(
        InputError, match="learned from 'age', 'visits' of a feature file; give a file that has them"
    ):
        read_features(ScoreConfig(orders="orders.csv"), [learned(age=None, visits=None)])


def test_columns_that_no_model_learned_from_are_named(config, capsys):
    read_features(config, [learned()])
    assert "f.csv has age, from which the model did not learn: ignored." in " ".join(
        capsys.readouterr().out.split()
    )
    read_features(config)
    assert read_features(ScoreConfig(orders="orders.csv"), [learned()]) is None
    assert capsys.readouterr().out == ""


def test_ids_of_a_feature_file_are_hashed_as_those_of_the_orders(config, tmp_path):
    hashed = config.model_copy(update={"hash_ids": tmp_path / "salt"})
    assert read_features(hashed).table["customer_id"].str.len().tolist() == [32, 32]


def test_what_opening_a_file_of_costs_assumed_is_shown(tmp_path, capsys):
    text = "customer_id,cost_to_serve,Straße\n1,2.5,x\n"
    (tmp_path / "costs.csv").write_bytes(text.encode("cp1252"))
    check_costs(str(tmp_path / "costs.csv"))
    # A long path is broken where the line ends.
    shown = "".join(capsys.readouterr().out.split())
    assert "costs.csvnotinUTF-8:readasWindows-1252" in shown
