"""A training recorded through a real MLflow server, loaded back and served; what the server lacks does no harm."""

import json
import signal
import subprocess
import sys
import urllib.request
from importlib.metadata import packages_distributions, requires, version
from pathlib import Path

import pandas as pd
import pytest
from packaging.requirements import Requirement

from duramen.scoring.ranking import rank_core_customers
from duramen.tracking import store
from duramen.tracking.record import METRICS, record_training
from duramen.tracking.run import RecordingError


@pytest.fixture(scope="module")
def recorded(server, small, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", server.uri)
        patch.chdir(tmp_path_factory.mktemp("work"))
        configuration = {"orders": "postgresql://me:secret@host/shop", "tiers": {"vip_share": 0.4}}
        run = record_training(small.model, small.card, small.tx, configuration=configuration)
        folder = Path(
            store.open_store().artifacts.download_artifacts(
                run.model_uri, dst_path=str(tmp_path_factory.mktemp("model"))
            )
        )
        yield run, folder


def ranked(small, customers):
    return rank_core_customers(small.model.score(customers), small.model.tiers)


def test_a_training_recorded_through_a_server_scores_the_same_when_loaded_through_it(
    recorded, small, store_at, server
):
    import mlflow

    run, _ = recorded
    assert run.how_to_open == server.uri
    client = store_at(server.uri)
    assert client.get_run(run.run_id).info.status == "FINISHED"
    expected = ranked(small, small.customers)
    for address in (run.model_uri, f"runs:/{run.run_id}/model"):
        loaded = mlflow.pyfunc.load_model(address).predict(small.customers)
        pd.testing.assert_frame_equal(loaded, expected, check_exact=True)
        again = store.load_model(address)
        pd.testing.assert_frame_equal(again.score(small.customers), small.model.score(small.customers))


def test_a_run_keeps_packages_configuration_and_explanations(recorded, store_at, server, tmp_path):
    client = store_at(server.uri)
    folder = Path(client.download_artifacts(recorded[0].run_id, "", str(tmp_path)))
    assert f"\nduramen=={version('duramen')}\n" in (folder / "packages.txt").read_text()
    configuration = json.loads((folder / "configuration.json").read_text())
    assert configuration == {"orders": "postgresql://me:***@host/shop", "tiers": {"vip_share": 0.4}}
    table = json.loads((folder / "explanations.json").read_text())
    explained = pd.DataFrame(table["data"], columns=table["columns"])
    assert set(explained["part"]) == {"value", "activity", "score", "growth"}
    assert explained["customer_id"].nunique() > 10


def test_the_description_tells_every_metric_with_its_unit(recorded, store_at, server, small):
    run = store_at(server.uri).get_run(recorded[0].run_id)
    told = run.data.tags["mlflow.note.content"]
    assert "money in USD" in told
    for name in run.data.metrics:
        assert f"| {name} |" in told
    assert set(small.card["metric"]) <= set(METRICS)
    assert "| value.mae | " in told
    assert "| USD |" in told


def test_every_metric_of_a_backtest_is_described():
    from duramen.analysis.measures import MEASURES

    assert {measure.name for measure in MEASURES} <= set(METRICS)


def test_every_file_of_a_logged_model_is_text_or_parquet(recorded):
    files = [path for path in recorded[1].rglob("*") if path.is_file()]
    assert len(files) > 10
    for path in files:
        head = path.read_bytes()
        if path.suffix == ".parquet":
            assert head.startswith(b"PAR1")
        else:
            assert "\0" not in head.decode(), path
        assert path.suffix in (".json", ".parquet", ".txt", ".py", ".yaml", ".yml", ""), path


def test_wrong_and_missing_columns_are_refused_by_their_names(recorded, small, monkeypatch):
    import mlflow

    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    loaded = mlflow.pyfunc.load_model(str(recorded[1]))
    with pytest.raises(mlflow.exceptions.MlflowException, match=r"missing inputs \['T', 'net_spend'\]"):
        loaded.predict(small.customers.drop(columns=["net_spend", "T"]))
    with pytest.raises(mlflow.exceptions.MlflowException, match="frequency"):
        loaded.predict(small.customers.assign(frequency="often"))


IMPORTED = """
import sys, pandas as pd, mlflow
before = set(sys.modules)
mlflow.pyfunc.load_model(sys.argv[1]).predict(pd.read_parquet(sys.argv[2]))
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_the_requirements_hold_every_package_that_scoring_imports(recorded, small, tmp_path):
    """Those of duramen itself are not counted: what it needs to score is listed by name."""
    small.customers.to_parquet(tmp_path / "customers.parquet")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORTED, recorded[1], tmp_path / "customers.parquet"],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    listed = [Requirement(line) for line in (recorded[1] / "requirements.txt").read_text().split()]
    assert {str(item.specifier) for item in listed} == {f"=={version(item.name)}" for item in listed}
    found, waiting = {"duramen"}, [item.name.lower() for item in listed if item.name != "duramen"]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            needs = [Requirement(text) for text in _requires(name)]
            waiting += [need.name.lower() for need in needs if need.marker is None or need.marker.evaluate()]
    homes = packages_distributions()
    used = {
        name
        for name in done.stdout.split()
        if name in homes and name not in ("setuptools", "_distutils_hack")
    }
    found = {name.replace("_", "-") for name in found}
    strangers = {
        name for name in used if not {home.lower().replace("_", "-") for home in homes[name]} & found
    }
    assert strangers == set()


def _requires(name):
    try:
        return requires(name) or []
    except ModuleNotFoundError:
        return []


def test_models_serve_answers_what_the_model_scores(recorded, small, serve, tmp_path):
    customers = small.customers.head(7)
    served = serve(tmp_path, "models", "serve", "-m", str(recorded[1]), "--env-manager", "local")
    split = json.loads(customers.to_json(orient="split", double_precision=15, date_format="iso"))
    ask = urllib.request.Request(
        f"{served.uri}/invocations",
        json.dumps({"dataframe_split": split}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(ask, timeout=120) as answer:
        told = pd.DataFrame(json.loads(answer.read())["predictions"])
    expected = ranked(small, customers)
    assert list(told) == list(expected)
    text = [
        name for name in expected if not pd.api.types.is_numeric_dtype(expected[name]) and name != "cutoff"
    ]
    pd.testing.assert_frame_equal(told[text].astype(str), expected[text].astype(str))
    numbers = [name for name in expected if pd.api.types.is_numeric_dtype(expected[name])]
    pd.testing.assert_frame_equal(
        told[numbers].astype(float), expected[numbers].astype(float), rtol=1e-9, check_exact=False
    )


@pytest.mark.parametrize(("sign", "where"), [("SIGKILL", "the files"), ("SIGSTOP", "the model")])
def test_a_server_that_goes_away_or_hangs_midway_leaves_no_finished_run_and_no_model(
    start_store, small, store_at, tmp_path, monkeypatch, sign, where
):
    import mlflow

    gone = start_store(tmp_path)
    client = store_at(gone.uri)
    owner, name = (type(client), "log_artifacts") if where == "the files" else (mlflow.pyfunc, "save_model")
    honest = getattr(owner, name)

    def and_gone(*args, **kwargs):
        gone.send(getattr(signal, sign))
        return honest(*args, **kwargs)

    monkeypatch.setattr(owner, name, and_gone)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RecordingError, match=rf"store {gone.uri}: the server does not answer\.$"):
        record_training(small.model, small.card, small.tx)
    gone.send(signal.SIGKILL)
    gone.process.wait()
    client = store_at(f"sqlite:///{tmp_path}/base.db")
    experiment = client.get_experiment_by_name("duramen").experiment_id
    runs = client.search_runs([experiment])
    (parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    assert parent.info.status == "FAILED"
    assert not any(run.info.status == "RUNNING" for run in runs)
    logged = client.search_logged_models([experiment])
    assert not any(model.status == "READY" for model in logged)
    assert client.search_model_versions() == []


def test_a_server_that_is_not_there_is_told_of_in_one_sentence(small, store_at, monkeypatch):
    store_at("http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RecordingError, match="the server does not answer"):
        record_training(small.model, small.card, small.tx)
