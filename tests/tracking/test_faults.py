"""A store that moves, two trainings at once, a full disk: what was recorded stays whole and is found again."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from duramen.errors import InputError
from duramen.scoring.model import CoreCustomerModel
from duramen.tracking import store
from duramen.tracking.record import record_training
from duramen.tracking.run import RecordingError, git_tags

pytestmark = pytest.mark.slow

SMALL_MODEL = Path(__file__).parents[1] / "fixtures" / "format_4" / "model"
RECORD = f"""
from duramen import CoreCustomerModel, read_transactions, scorecard, record_training
model = CoreCustomerModel.load({str(SMALL_MODEL)!r})
record_training(model, scorecard(model.holdout_), read_transactions("orders.csv", currency="USD"))
"""


@pytest.fixture(scope="module")
def twice(small, tmp_path_factory):
    """Let two processes record at the same time into a store that neither has made, in the default place."""
    folder = tmp_path_factory.mktemp("twice")
    small.orders.to_csv(folder / "orders.csv", index=False)
    own = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    both = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", RECORD],
            cwd=folder,
            env=own,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    told = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    return folder


def parents(client):
    (experiment,) = client.search_experiments(filter_string="name = 'duramen'")
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.status for run in runs} == {"FINISHED"}
    return [run for run in runs if "mlflow.parentRunId" not in run.data.tags]


def test_two_trainings_at_once_are_both_recorded_in_a_new_store(twice, store_at):
    client = store_at(f"sqlite:///{twice}/mlruns/mlflow.db")
    both = parents(client)
    assert len(both) == 2
    expected = CoreCustomerModel.load(SMALL_MODEL).model_version_
    assert {store.load_model(f"runs:/{run.info.run_id}/model").model_version_ for run in both} == {expected}


@pytest.mark.parametrize("how", [shutil.move, shutil.copytree])
def test_a_store_that_was_moved_or_copied_finds_its_files_where_they_are(twice, tmp_path, store_at, how):
    # MLflow keeps a store open by its address, so that each place needs a whole one.
    here, there = tmp_path / "here", tmp_path / "there"
    shutil.copytree(twice, here)
    store_at(f"sqlite:///{here}/mlruns/mlflow.db")
    store.open_store()
    how(here, there)
    client = store_at(f"sqlite:///{there}/mlruns/mlflow.db")
    (run, _) = parents(client)
    assert store.load_model(f"runs:/{run.info.run_id}/model").forecast_.customers_ == 295
    with sqlite3.connect(there / "mlruns" / "mlflow.db") as base:
        for table, column in store.ADDRESSES:
            places = [str(place) for (place,) in base.execute(f"select {column} from {table}")]
            assert not [place for place in places if f"{here}/mlruns/artifacts/duramen" in place]
    base.close()


def test_files_that_did_not_move_with_the_store_are_missed_by_name(twice, tmp_path, store_at):
    (tmp_path / "here").mkdir()
    shutil.copytree(twice / "mlruns", tmp_path / "here" / "mlruns")
    store_at(f"sqlite:///{tmp_path}/here/mlruns/mlflow.db")
    store.open_store()
    shutil.move(tmp_path / "here", tmp_path / "there")
    (tmp_path / "there" / "mlruns" / "artifacts").rename(tmp_path / "lost")
    client = store_at(f"sqlite:///{tmp_path}/there/mlruns/mlflow.db")
    (run, _) = parents(client)
    address = f"runs:/{run.info.run_id}/model"
    with pytest.raises(InputError, match=f"{address} was not found in the store"):
        store.load_model(address)


def test_a_full_disk_leaves_no_finished_run_and_no_model(small, store_at, tmp_path, monkeypatch):
    import mlflow.pyfunc

    client = store_at(f"sqlite:///{tmp_path}/mlflow.db")

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mlflow.pyfunc, "save_model", full)
    with pytest.raises(RecordingError, match=r"mlflow\.db: no space is left on the disk\.$"):
        record_training(small.model, small.card, small.tx)
    experiment = client.get_experiment_by_name("duramen").experiment_id
    (parent,) = (run for run in client.search_runs([experiment]) if "mlflow.parentRunId" not in run.data.tags)
    assert parent.info.status == "FAILED"
    assert client.search_logged_models([experiment]) == []


def test_a_training_whose_record_fails_keeps_the_model_and_ends_with_status_1(
    duramen, trained, monkeypatch, shop
):
    """The fit is taken from the shop: what is tested is what happens after it."""

    def fit(model, *_):
        vars(model).update(vars(shop.model))
        return model

    monkeypatch.setattr(CoreCustomerModel, "fit", fit)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    status, out, err, new = duramen(
        "train", trained.folder / "orders.csv", "--currency", "USD", "--horizon", 91
    )
    assert status == 1
    assert err == (
        "duramen: the run was not recorded in the MLflow store http://127.0.0.1:9: the server does not answer; what "
        "was written is kept, and docs/how-to/mlflow.md shows how to record it later.\n"
    )
    assert "model.json" in new
    assert f"duramen score {trained.folder / 'orders.csv'} --currency USD --model model" in out
    assert CoreCustomerModel.load("model").model_version_ == shop.model.model_version_


def test_the_commit_is_a_tag_where_there_is_one_and_nothing_where_there_is_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert git_tags() == {}
    author = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["init", "-q"], [*author, "commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run(["git", *words], check=True)
    (tmp_path / "new").write_text("not yet known to git")
    tags = git_tags()
    assert len(tags["mlflow.source.git.commit"]) == 40
    assert tags["duramen.git_changed"] == "no"
    monkeypatch.setenv("PATH", str(Path("/nowhere")))
    assert git_tags() == {}
