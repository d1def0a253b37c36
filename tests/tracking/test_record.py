"""What a training leaves in MLflow, read back through MLflow's own client; one store serves every test."""

import os
import sqlite3
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions
from duramen.errors import InputError
from duramen.evaluation.scorecards import scorecard
from duramen.forecast.settings import TreeSettings
from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.ranking import rank_core_customers
from duramen.tracking import store
from duramen.tracking.record import record_training
from duramen.tracking.serving import served_scores

TREES = asdict(TreeSettings())
PICKLES = (".pkl", ".pickle", ".joblib", ".cloudpickle", ".skops", ".dill")
CHILDREN = {
    "duramen",
    "BTYD x gamma-gamma",
    "LightGBM",
    "LightGBM two-stage",
    "past spend",
    "RFM score",
    "RFM cells",
    "recency",
    "past trend",
    "base rate",
    "segments",
}


@pytest.fixture(scope="module")
def client(trained):
    """Point MLflow at the store that the training made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", trained.uri)
        patch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
        yield store.open_store().MlflowClient()


@pytest.fixture(scope="module")
def runs(client):
    """Return the parent run of the training and its child runs by name."""
    experiment = client.get_experiment_by_name("duramen")
    found = client.search_runs([experiment.experiment_id])
    children = {run.info.run_name: run for run in found if "mlflow.parentRunId" in run.data.tags}
    (parent,) = (run for run in found if "mlflow.parentRunId" not in run.data.tags)
    assert all(run.data.tags["mlflow.parentRunId"] == parent.info.run_id for run in children.values())
    return SimpleNamespace(parent=parent, children=children, uri=f"runs:/{parent.info.run_id}/model")


@pytest.fixture(scope="module")
def fitted(trained):
    tx = read_transactions(trained.folder / "orders.csv", currency="USD")
    return SimpleNamespace(
        tx=tx,
        model=CoreCustomerModel.load(trained.folder / "model"),
        customers=customer_table(tx, "1998-04-01"),
    )


def artefact(client, run, path, tmp_path):
    return Path(client.download_artifacts(run.info.run_id, path, str(tmp_path)))


def test_a_backtest_is_a_run_with_its_tables_and_a_run_for_every_model(backtested, client, tmp_path):
    experiment = client.get_experiment_by_name("backtests")
    found = client.search_runs([experiment.experiment_id])
    children = {run.info.run_name: run for run in found if "mlflow.parentRunId" in run.data.tags}
    (parent,) = (run for run in found if "mlflow.parentRunId" not in run.data.tags)
    assert parent.data.params["cutoffs"] == "1997-10-01, 1997-12-31"
    assert parent.data.params["horizon_days"] == "182"
    assert parent.data.params["forecast.trees.num_leaves"] == "7"
    figures = pd.read_parquet(backtested.out / "figures.parquet")
    assert set(children) == set(figures["model"])
    pareto = figures[(figures["model"] == "Pareto/NBD") & (figures["metric"] == "AUC")]["figure"].mean()
    assert children["Pareto/NBD"].data.metrics["activity.auc"] == pytest.approx(pareto)
    assert parent.data.metrics == children["duramen"].data.metrics
    for table in (
        "figures",
        "comparisons",
        "coverage",
        "next_purchase",
        "calibration",
        "core",
        "past_spend",
        "stability",
    ):
        kept = artefact(client, parent, f"{table}.csv", tmp_path).read_text()
        assert kept == (backtested.out / f"{table}.csv").read_text()
    drawing = artefact(client, parent, "figures/value.svg", tmp_path).read_text()
    assert drawing == (backtested.out / "value.svg").read_text()


def test_the_default_store_is_sqlite_in_the_working_directory(trained):
    assert (trained.folder / "mlruns" / "mlflow.db").read_bytes().startswith(b"SQLite format 3")
    assert sorted(path.name for path in (trained.folder / "mlruns").iterdir()) == ["artifacts", "mlflow.db"]


def test_all_artefacts_lie_beside_the_default_store(trained):
    with sqlite3.connect(trained.folder / "mlruns" / "mlflow.db") as base:
        places = [place for (place,) in base.execute("select artifact_uri from runs")]
    base.close()
    assert places
    assert all(place.startswith((trained.folder / "mlruns" / "artifacts").as_uri()) for place in places)


def test_one_parent_run_holds_a_child_run_for_each_model(runs):
    assert set(runs.children) == CHILDREN
    assert {run.info.status for run in [runs.parent, *runs.children.values()]} == {"FINISHED"}


def test_the_parent_knows_data_window_columns_and_parameters(runs, fitted):
    params = runs.parent.data.params
    expected = {
        "source": "orders.csv", "cutoff": "1998-04-01", "horizon_days": "91", "unit": "USD", "seed": "1",
        "growth_weight": "None", "clv_days": "364", "discount_rate": "0.1", "holdout_cutoff": "1997-12-31",
        "holdout_horizon_days": "91", "column.customer_id": "customer_id", "column.amount": "amount",
        "column.date": "date", "column.quantity": "quantity", "forecast.training_customers": "60000",
        "forecast.btyd_models": "BG/NBD, MBG/NBD, Pareto/NBD", "forecast.training_cutoffs": "6",
        "forecast.calibrated": "True",
        **{f"forecast.trees.{name}": str(value) for name, value in TREES.items()},
        "tiers": "VIP, main, rising, regular, small, below break-even", "tiers.vip_share": "0.4",
        "tiers.core_share": "0.8", "tiers.regular_share": "0.95", "tiers.rising_share": "0.1",
        "tiers.rising_growth": "0.01", "segment_weights": "None", "tiers.treatments": "{'vip': 'call them'}",
    }  # fmt: skip
    assert params == expected
    assert runs.parent.data.tags["duramen.model_version"] == fitted.model.model_version_


def test_the_dataset_digest_is_that_of_the_history(runs, fitted):
    (given,) = runs.parent.inputs.dataset_inputs
    assert given.dataset.name == "transactions"
    assert given.dataset.digest == fitted.tx.digest(fitted.model.window_.cutoff)


def test_metrics_are_those_of_the_scorecard(runs, fitted):
    card = scorecard(fitted.model.holdout_).set_index(["target", "model", "metric"])["figure"]
    ours = runs.parent.data.metrics
    assert ours["value.normalised_gini"] == card["value", "duramen", "normalised Gini"]
    assert ours["activity.auc"] == card["activity", "duramen", "AUC"]
    assert runs.children["duramen"].data.metrics == ours
    theirs = runs.children["BTYD x gamma-gamma"].data.metrics
    assert theirs["value.mae"] == card["value", "BTYD x gamma-gamma", "MAE"]
    assert "value.mae" not in runs.children["RFM score"].data.metrics
    assert (
        runs.children["segments"].data.metrics["stability_adjusted_rand"] == fitted.model.segments_.stability_
    )


def test_children_keep_what_their_model_learned(runs, fitted):
    assert set(fitted.model.forecast_.btyd_.purchases_.params_) < set(
        runs.children["BTYD x gamma-gamma"].data.params
    )
    assert runs.children["LightGBM"].data.params["num_leaves"] == "7"
    assert (
        float(runs.children["duramen"].data.params["value_btyd_weight"])
        == fitted.model.forecast_.value_.btyd_weight_
    )


def test_tables_and_figures_are_kept(client, runs, fitted, tmp_path):
    card = pd.read_csv(artefact(client, runs.parent, "scorecard.csv", tmp_path))
    assert set(card["model"]) == CHILDREN - {"segments"}
    importance = pd.read_csv(artefact(client, runs.parent, "importance.csv", tmp_path))
    assert list(importance["feature"]) == list(fitted.model.importance_["feature"])
    assert "653 customers" not in artefact(client, runs.parent, "transactions.txt", tmp_path).read_text()
    for name in ("gains", "calibration"):
        png = artefact(client, runs.parent, f"figures/{name}.png", tmp_path).read_bytes()
        assert png.startswith(b"\x89PNG")
    profile = pd.read_csv(artefact(client, runs.children["segments"], "segments.csv", tmp_path))
    assert list(profile["name"]) == list(fitted.model.segments_.profile_["name"])


def test_the_model_loads_without_pickles_and_predicts_what_it_scores(runs, fitted):
    import mlflow

    loaded = mlflow.pyfunc.load_model(runs.uri)
    expected = served_scores(fitted.model, fitted.customers)
    pd.testing.assert_frame_equal(loaded.predict(fitted.customers), expected, check_exact=True)


def test_one_customer_has_the_tier_of_the_whole_base_and_no_rank(runs, fitted):
    import mlflow

    loaded = mlflow.pyfunc.load_model(runs.uri)
    ranking = rank_core_customers(fitted.model.predict(fitted.customers), fitted.model.tiers)
    for of_base, percentile in ((ranking.iloc[0], 0), (ranking.iloc[-1], 100)):
        asked = fitted.customers[fitted.customers["customer_id"] == of_base["customer_id"]]
        (alone,) = loaded.predict(asked.reset_index(drop=True)).to_dict("records")
        assert alone["tier"] == of_base["tier"]
        assert alone["score_percentile"] == pytest.approx(percentile, abs=2)
        assert "rank" not in alone


def test_rows_of_one_id_keep_their_places(runs, fitted):
    import mlflow

    asked = (
        fitted.customers.iloc[[5, 3, 9, 4]].assign(customer_id=["b", "a", "b", "a"]).reset_index(drop=True)
    )
    asked.attrs = fitted.customers.attrs
    told = mlflow.pyfunc.load_model(runs.uri).predict(asked, params={"rank": True})
    assert told["customer_id"].tolist() == ["b", "a", "b", "a"]
    scores = fitted.model.predict(asked)
    pd.testing.assert_series_equal(told["score"], scores["score"], check_exact=True)
    assert sorted(told["rank"]) == [1, 2, 3, 4]


def test_signature_and_example_are_those_of_the_customer_table(runs, fitted):
    import mlflow

    info = mlflow.models.get_model_info(runs.uri)
    assert info.signature.inputs.input_names() == list(fitted.customers)
    assert info.signature.outputs.input_names() == list(served_scores(fitted.model, fitted.customers))
    assert info.signature.params.to_dict() == [
        {"name": "rank", "default": False, "type": "boolean", "shape": None}
    ]
    example = mlflow.pyfunc.load_model(runs.uri).input_example
    pd.testing.assert_frame_equal(example, fitted.customers.head(5), check_dtype=False)


def test_no_pickle_lies_among_the_artefacts(trained):
    files = [path for path in (trained.folder / "mlruns").rglob("*") if path.is_file()]
    files += [path for path in (trained.folder / "model").rglob("*") if path.is_file()]
    assert len(files) > 15
    assert not [path for path in files if path.suffix in PICKLES]
    # A pickle of protocol 2 or later starts with this byte.
    assert not [path for path in files if path.read_bytes()[:1] == b"\x80"]


def test_the_logged_model_is_models_from_code(runs, tmp_path):
    import mlflow
    import yaml

    folder = Path(mlflow.artifacts.download_artifacts(runs.uri, dst_path=str(tmp_path)))
    flavour = yaml.safe_load((folder / "MLmodel").read_text())["flavors"]["python_function"]
    assert Path(flavour["model_code_path"]).name == "pyfunc.py"
    assert (folder / "pyfunc.py").is_file()
    assert "python_model" not in flavour
    requirements = (folder / "requirements.txt").read_text()
    assert all("==" in line for line in requirements.split())


def test_a_run_address_gives_the_model(runs, fitted):
    again = store.load_model(runs.uri)
    assert again.model_version_ == fitted.model.model_version_


@pytest.mark.slow
def test_a_registered_champion_scores_from_the_command_line(client, runs, trained, fitted, tmp_path):
    import mlflow

    version = mlflow.register_model(runs.uri, "duramen")
    client.set_registered_model_alias("duramen", "champion", version.version)
    done = subprocess.run(
        [Path(sys.executable).with_name("duramen"), "score", trained.folder / "orders.csv", "--model",
         "models:/duramen@champion", "--cutoff", "1998-04-01", "--currency", "USD", "--out", "scores.parquet"],
        cwd=tmp_path, capture_output=True, text=True, check=False, env=dict(os.environ),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    expected = rank_core_customers(fitted.model.predict(fitted.customers), fitted.model.tiers)
    written = pd.read_parquet(tmp_path / "scores.parquet")
    # Which market a customer is core in is told by the orders, not by the model.
    core = expected["tier"].isin(fitted.model.tiers.core_names)
    assert written.pop("core_in").eq("every market").equals(core)
    pd.testing.assert_frame_equal(written, expected.astype({"cutoff": "datetime64[ms]"}))
    # The address of the store in the environment wins over the default one.
    assert {path.name for path in tmp_path.iterdir()} == {"scores.parquet", "scores.json"}


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("address", ["models:/nobody@champion", "runs:/0123456789abcdef/model"])
def test_an_address_without_a_model_is_refused_with_the_store(address):
    with pytest.raises(InputError, match=r"was not found in the store sqlite:///"):
        store.load_model(address)


def test_a_model_that_is_not_of_duramen_is_refused(runs, tmp_path, monkeypatch):
    import mlflow

    (tmp_path / "MLmodel").write_text("flavors: {}\n")
    monkeypatch.setattr(mlflow.artifacts, "download_artifacts", lambda _address: str(tmp_path))
    with pytest.raises(InputError, match="is not a saved model"):
        store.load_model(runs.uri)


def test_a_frame_is_recorded_with_its_report_where_the_environment_says(
    client, shop, trained, tmp_path, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    report = tmp_path / "report.html"
    report.write_text("<!doctype html>")
    run = record_training(
        shop.model,
        scorecard(shop.model.holdout_),
        shop.tx,
        experiment="other shop",
        figures={"a": b"\x89PNG"},
        report=report,
    )
    assert run.how_to_open == f"mlflow ui --backend-store-uri {trained.uri}"
    assert client.get_run(run.run_id).data.params["source"] == "the DataFrame"
    assert {file.path for file in client.list_artifacts(run.run_id)} >= {
        "report.html",
        "figures",
        "scorecard.csv",
    }
    assert store.load_model(run.model_uri).model_version_ == shop.model.model_version_
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert capfd.readouterr() == ("", "")
