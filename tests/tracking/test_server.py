"""A training recorded through a real MLflow server, loaded back and served; what the server lacks does no harm."""

import contextlib
import io
import json
import signal
import subprocess
import sys
import urllib.request
from importlib.metadata import distributions, packages_distributions, requires, version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from duramen.evaluation.registry import metric
from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.spark_scores import score_on_spark
from duramen.tracking import store
from duramen.tracking.record import record_training
from duramen.tracking.run import RecordingError
from duramen.tracking.serving import served_scores

INSTALLED = {canonicalize_name(package.name) for package in distributions()}


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


@pytest.mark.slow
def test_a_training_recorded_through_a_server_scores_the_same_when_loaded_through_it(
    recorded, small, store_at, server
):
    import mlflow

    run, _ = recorded
    assert run.how_to_open == server.uri
    client = store_at(server.uri)
    assert client.get_run(run.run_id).info.status == "FINISHED"
    expected = served_scores(small.model, small.customers)
    for address in (run.model_uri, f"runs:/{run.run_id}/model"):
        loaded = mlflow.pyfunc.load_model(address).predict(small.customers)
        pd.testing.assert_frame_equal(loaded, expected, check_exact=True)
        again = store.load_model(address)
        pd.testing.assert_frame_equal(again.predict(small.customers), small.model.predict(small.customers))


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
    for row in small.card[small.card["model"] == "duramen"].dropna(subset="figure").itertuples():
        assert f"| {metric(row.target, row.metric).meaning} |" in told
    assert "| value.mae | " in told
    assert "| USD |" in told


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


# Scores with nothing else that is installed: what is not required cannot be imported.
ALONE = """
import json, sys
from importlib.abc import MetaPathFinder
forbidden = set(json.loads(sys.argv[3]))
class Refuse(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in forbidden:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Refuse())
import mlflow, pandas as pd
print(mlflow.pyfunc.load_model(sys.argv[1]).predict(pd.read_parquet(sys.argv[2])).shape[0])
"""


@pytest.mark.slow
def test_the_requirements_are_all_that_loading_and_scoring_import(recorded, small, tmp_path):
    """Those of duramen itself are not counted: what it needs to score is listed by name."""
    small.customers.to_parquet(tmp_path / "customers.parquet")
    listed = [Requirement(line) for line in (recorded[1] / "requirements.txt").read_text().split()]
    assert {str(item.specifier) for item in listed} == {f"=={version(item.name)}" for item in listed}
    found, waiting = {"duramen"}, [item.name for item in listed if item.name != "duramen"]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in found and name in INSTALLED:
            found.add(name)
            needs = [Requirement(text) for text in requires(name) or []]
            waiting += [need.name for need in needs if need.marker is None or need.marker.evaluate()]
    forbidden = [
        module
        for module, homes in packages_distributions().items()
        if not {canonicalize_name(home) for home in homes} & found
    ]
    assert "pyspark" in forbidden
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ALONE, recorded[1], tmp_path / "customers.parquet",
         json.dumps(forbidden)],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, str(len(small.customers))), done.stderr


@pytest.fixture
def registered(recorded, server, store_at):
    """Register the recorded model on the server for one test, which others share; return its address."""
    import mlflow

    client = store_at(server.uri)
    with contextlib.redirect_stderr(io.StringIO()):
        version = mlflow.register_model(recorded[0].model_uri, "every-way").version
    yield f"models:/every-way/{version}"
    client.delete_registered_model("every-way")


def same(told, expected, what):
    """Hold scores that came some way to those of Python: numbers to nine digits, words as they are."""
    for name in told:
        if pd.api.types.is_float_dtype(expected[name]):
            np.testing.assert_allclose(
                told[name].astype(float), expected[name], rtol=1e-9, err_msg=f"{what} {name}"
            )
        else:
            words = told[name].astype(str).where(told[name].notna(), "")
            assert words.tolist() == expected[name].astype(str).tolist(), f"{what} {name}"


def invoke(served, question):
    """Return what a served model answers."""
    ask = urllib.request.Request(
        f"{served.uri}/invocations", json.dumps(question).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(ask, timeout=120) as answer:
        return pd.DataFrame(json.loads(answer.read())["predictions"])


@pytest.mark.slow
# Spark leaves the sockets open through which it hands rows to Python, until the collector finds them.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_every_way_to_the_model_gives_the_same_scores(
    recorded, registered, small, serve, spark, tmp_path, monkeypatch
):
    import mlflow
    from pyspark.sql import functions as F

    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    # In no order: what is told of a customer stands where the customer stood.
    customers = small.customers.sample(frac=1, random_state=3, ignore_index=True)
    customers.attrs = small.customers.attrs
    scores = small.model.predict(customers)
    expected = served_scores(small.model, customers)

    folder = CoreCustomerModel.load(small.model.save(tmp_path / "model"))
    pd.testing.assert_frame_equal(folder.predict(customers), scores, check_exact=True)
    pd.testing.assert_frame_equal(store.load_model(registered).predict(customers), scores, check_exact=True)
    told = mlflow.pyfunc.load_model(registered).predict(customers)
    pd.testing.assert_frame_equal(told[list(expected)], expected, check_exact=True)

    served = serve(tmp_path, "models", "serve", "-m", str(recorded[1]), "--env-manager", "local")
    split = json.loads(customers.to_json(orient="split", double_precision=15, date_format="iso"))
    told = invoke(served, {"dataframe_split": split})
    assert list(told) == list(expected)
    same(told.drop(columns="cutoff"), expected, "models serve")
    alone = invoke(served, {"dataframe_split": split | {"index": [0], "data": split["data"][:1]}})
    same(alone.drop(columns="cutoff"), expected.head(1), "one customer over HTTP")
    ranked = invoke(served, {"dataframe_split": split, "params": {"rank": True}})
    assert sorted(ranked["rank"]) == list(range(1, len(customers) + 1))

    schema = ", ".join(f"{name} {'string' if name == 'customer_id' else 'double'}" for name in customers)
    rows = customers.astype(object).where(customers.notna(), None).itertuples(index=False)
    frame = spark.createDataFrame([tuple(row) for row in rows], schema)
    by_id = expected.sort_values("customer_id", ignore_index=True)
    on_spark = score_on_spark(folder, frame, customers.attrs["cutoff"]).toArrow().to_pandas()
    same(on_spark.sort_values("customer_id", ignore_index=True), by_id, "mapInPandas")
    # A struct of the udf takes numbers and words, and no dates.
    kept = [name for name in expected if name != "cutoff"]
    kinds = ["double" if pd.api.types.is_float_dtype(expected[name]) else "string" for name in kept]
    udf = mlflow.pyfunc.spark_udf(
        spark, registered, env_manager="local",
        result_type=", ".join(f"{name} {kind}" for name, kind in zip(kept, kinds, strict=True)),
    )  # fmt: skip
    beside = frame.select("customer_id", udf(F.struct(*frame.columns)).alias("told"))
    by_udf = beside.select(F.col("customer_id").alias("asked"), "told.*").toArrow().to_pandas()
    assert by_udf["asked"].tolist() == by_udf["customer_id"].tolist()
    same(by_udf.drop(columns="asked").sort_values("customer_id", ignore_index=True), by_id, "spark_udf")


@pytest.fixture
def goes_away(monkeypatch):
    """Give a function that sends a server a signal when something is called, and ends MLflow's patience."""

    def at(owner, name, server, sign):
        honest = getattr(owner, name)

        def and_gone(*args, **kwargs):
            server.send(sign)
            monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
            monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
            return honest(*args, **kwargs)

        monkeypatch.setattr(owner, name, and_gone)

    return at


def nothing_is_half_there(client, experiment):
    known = client.get_experiment_by_name(experiment).experiment_id
    runs = client.search_runs([known])
    (parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    return (
        parent.info.status == "FAILED"
        and not any(run.info.status == "RUNNING" for run in runs)
        and not any(model.status == "READY" for model in client.search_logged_models([known]))
        and client.search_model_versions() == []
    )


@pytest.mark.slow
def test_a_server_that_is_killed_midway_leaves_a_failed_run_and_no_model(
    start_store, small, store_at, tmp_path, goes_away
):
    gone = start_store(tmp_path)
    client = store_at(gone.uri)
    goes_away(type(client), "log_artifacts", gone, signal.SIGKILL)
    with pytest.raises(RecordingError, match=rf"store {gone.uri}: the server does not answer\.$"):
        record_training(small.model, small.card, small.tx)
    gone.process.wait()
    assert nothing_is_half_there(store_at(f"sqlite:///{tmp_path}/base.db"), "duramen")


def test_a_server_that_hangs_midway_is_given_up_and_keeps_a_failed_run_and_no_model(
    server, small, store_at, goes_away, monkeypatch
):
    import mlflow.pyfunc

    client = store_at(server.uri)
    goes_away(mlflow.pyfunc, "save_model", server, signal.SIGSTOP)
    try:
        with pytest.raises(RecordingError, match=rf"store {server.uri}: the server does not answer\.$"):
            record_training(small.model, small.card, small.tx, experiment="hangs")
    finally:
        server.send(signal.SIGCONT)
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES")
    assert nothing_is_half_there(client, "hangs")


def test_a_server_that_is_not_there_is_told_of_in_one_sentence(small, store_at, monkeypatch):
    store_at("http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RecordingError, match="the server does not answer"):
        record_training(small.model, small.card, small.tx)
