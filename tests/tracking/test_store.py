"""A store in a folder of any name, locked, or in a place where nothing can be written."""

import sqlite3
from pathlib import Path

import pytest

from duramen.errors import InputError
from duramen.tracking import store
from duramen.tracking.promotion import find_champion
from duramen.tracking.record import record_training
from duramen.tracking.run import RecordingError

ODD = "a%2Fb?c#d \u00e9"


@pytest.fixture
def default_store(tmp_path, monkeypatch):
    """Go to a folder with an odd name, where no store is set and none is yet."""
    import mlflow

    (tmp_path / ODD).mkdir()
    monkeypatch.chdir(tmp_path / ODD)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
    mlflow.set_tracking_uri(None)
    yield tmp_path
    mlflow.set_tracking_uri(before)


@pytest.mark.slow
def test_a_training_is_recorded_and_found_in_a_folder_of_any_name(small, default_store):
    run = record_training(small.model, small.card, small.tx)
    found = store.load_model(f"runs:/{run.run_id}/model")
    assert found.model_version_ == small.model.model_version_
    assert {path.name for path in default_store.iterdir()} == {ODD}
    assert {path.name for path in Path("mlruns").iterdir()} >= {"mlflow.db", "artifacts"}


@pytest.mark.slow
def test_a_locked_store_is_one_sentence(store_at, tmp_path):
    store_at(f"sqlite:///{tmp_path}/base.db")
    store.open_store()
    lock = sqlite3.connect(tmp_path / "base.db", isolation_level=None)
    try:
        lock.execute("begin exclusive")
        with pytest.raises(
            InputError, match=r"the MLflow registry sqlite:.*locked.*; nothing was changed\.$"
        ):
            find_champion("duramen")
    finally:
        lock.close()


@pytest.mark.parametrize("place", ["file", "/proc"])
def test_a_store_that_cannot_be_written_is_refused_before_the_work(tmp_path, monkeypatch, place):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / place}/base.db")
    with pytest.raises(InputError, match=r"the MLflow store .* cannot be written: .*MLFLOW_TRACKING_URI"):
        store.refuse_unwritable_store()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    store.refuse_unwritable_store()


def test_neither_messages_nor_the_way_to_open_a_store_show_its_password(store_at, small, monkeypatch):
    import mlflow

    store_at("http://ann:s3cret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert store.how_to_open(mlflow) == "http://ann:***@127.0.0.1:9"
    for attempt in (
        lambda: record_training(small.model, small.card, small.tx),
        lambda: find_champion("duramen"),
        lambda: store.load_model("runs:/1/model"),
    ):
        with pytest.raises((InputError, RecordingError)) as error:
            attempt()
        assert "ann:***@127.0.0.1" in str(error.value)
        assert "s3cret" not in str(error.value)
