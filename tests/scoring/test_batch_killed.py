"""A run that is killed leaves the old scores as they were, and the next run ends the job and cleans up."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from duramen.errors import InputError
from duramen.io.atomic import atomic_file, work_folder
from duramen.io.sidecar import file_digest, read_sidecar
from duramen.scoring.incremental import read_made_of

DURAMEN = Path(sys.executable).with_name("duramen")
MOMENTS = 20


@pytest.fixture(scope="module")
def job(shop, tmp_path_factory):
    """Return the command of a small job, and what it writes where nobody kills it."""
    folder = tmp_path_factory.mktemp("killed")
    chosen = shop.orders["customer_id"].unique()[::8]
    shop.orders[shop.orders["customer_id"].isin(chosen)].to_parquet(folder / "orders.parquet")
    command = [DURAMEN, "score", folder / "orders.parquet", "--model", shop.model.save(folder / "model")]
    (folder / "first").mkdir()
    done = subprocess.run(command, cwd=folder / "first", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return command, contents(folder / "first")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def kill_at_work(command, folder, wait):
    """Kill a run so long after its work folder is there, by when all that is slow to load is loaded."""
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (folder / ".scores.parquet.part").exists() and process.poll() is None:
        time.sleep(0.001)
    time.sleep(wait)
    os.kill(process.pid, signal.SIGKILL)
    return process.wait()


@pytest.mark.slow
def test_killed_at_any_moment_the_old_scores_stay_and_the_next_run_ends_the_job(job, tmp_path):
    command, written = job
    old = {"scores.parquet": b"older", "scores.json": b'{"format_version": 1, "sha256": "older"}'}
    moments, killed = random.Random(7), 0
    for _ in range(MOMENTS):
        for name, text in old.items():
            (tmp_path / name).write_bytes(text)
        # What an earlier kill left there is met by the next run.
        killed += kill_at_work(command, tmp_path, moments.uniform(0, 0.6)) == -signal.SIGKILL
        found = contents(tmp_path)
        assert found["scores.parquet"] in (old["scores.parquet"], written["scores.parquet"])
        assert found["scores.json"] in (old["scores.json"], written["scores.json"])
        told = read_sidecar(tmp_path / "scores.json")
        whole = found["scores.json"] == written["scores.json"]
        assert (told["sha256"] == file_digest(tmp_path / "scores.parquet")) == whole
        assert set(found) <= {*old, ".scores.parquet.lock"}
    assert killed > MOMENTS / 2
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(tmp_path) == written
    assert {path.name for path in tmp_path.iterdir()} == set(old)


@pytest.mark.slow
def test_killed_with_scores_kept_for_the_next_run_it_goes_on_from_whole_ones(job, tmp_path):
    command, written = job
    moments, kept = random.Random(11), tmp_path / "kept.parquet"
    command = [*command, "--incremental", kept.name]
    for _ in range(6):
        kill_at_work(command, tmp_path, moments.uniform(0, 0.9))
        if kept.exists():
            read_made_of(kept)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    found = contents(tmp_path)
    assert found.pop(kept.name)
    assert found == written
    assert {path.name for path in tmp_path.iterdir()} == {*written, kept.name}


def test_a_second_run_on_the_same_file_is_refused_while_the_first_is_at_work(tmp_path):
    path = tmp_path / "scores.parquet"
    with work_folder(path) as folder:
        (folder / "half").write_text("half")
        with pytest.raises(InputError, match="another run is writing"), work_folder(path):
            pass
        assert (folder / "half").exists()
        with atomic_file(tmp_path / "other.csv") as beside:
            beside.write_text("other")
    assert [file.name for file in tmp_path.iterdir()] == ["other.csv"]
