"""Files and folders take their place whole or not at all; locks and temporary folders end with their process."""

import gc
import os
import signal
import subprocess
import sys
import tempfile

import pytest
from filelock import FileLock

from duramen.errors import InputError
from duramen.io.atomic import atomic_file, atomic_folder, temporary_folder, work_folder

# Each prints a line when it has come so far, and waits to be killed or to be given a line.
OPEN_WORKSPACE = """
from duramen.data.workspace import open_workspace
workspace = open_workspace()
print("ready", flush=True)
input()
"""
WRITE_FILE = """
from pathlib import Path
from duramen.io.atomic import atomic_file
with atomic_file(Path("scores.csv")) as beside:
    beside.write_text("half")
    print("ready", flush=True)
    input()
"""
WRITE_FOLDER = """
from pathlib import Path
from duramen.io.atomic import atomic_folder
with atomic_folder(Path("model")) as beside:
    (beside / "model.json").write_text("half")
    print("ready", flush=True)
    input()
"""
BETWEEN_THE_RENAMES = """
from pathlib import Path
from duramen.io.atomic import atomic_folder
rename = Path.rename
def stop(path, target):
    rename(path, target)
    print("ready", flush=True)
    input()
Path.rename = stop
with atomic_folder(Path("model")) as beside:
    (beside / "model.json").write_text("new")
"""


class Owner:
    pass


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield tmp_path
    tempfile.tempdir = None


def start(program, folder):
    """Start a program in a folder; return it when it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process):
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def save(path, text):
    with atomic_folder(path) as beside:
        (beside / "model.json").write_text(text)


def test_a_file_that_fails_leaves_the_old_one_and_nothing_else(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_file(path) as beside:
        beside.write_text(str(1 / 0))
    assert (names(tmp_path), path.read_text()) == (["scores.csv"], "old")
    with atomic_file(path) as beside:
        beside.write_text("new")
    assert (names(tmp_path), path.read_text()) == (["scores.csv"], "new")


def test_a_killed_run_leaves_the_old_file_and_the_next_one_removes_its_remains(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("old")
    kill(start(WRITE_FILE, tmp_path))
    assert path.read_text() == "old"
    assert names(tmp_path) == [".scores.csv.lock", ".scores.csv.part", "scores.csv"]
    with atomic_file(path) as beside:
        assert names(beside.parent) == []
        beside.write_text("new")
    assert (names(tmp_path), path.read_text()) == (["scores.csv"], "new")


def test_a_killed_run_leaves_the_old_folder_and_the_next_one_removes_its_remains(tmp_path):
    path = tmp_path / "model"
    save(path, "old")
    kill(start(WRITE_FOLDER, tmp_path))
    assert (path / "model.json").read_text() == "old"
    save(path, "new")
    assert (names(tmp_path), names(path)) == (["model"], ["model.json"])
    assert (path / "model.json").read_text() == "new"


def test_a_folder_moved_aside_by_a_killed_run_is_put_back(tmp_path):
    path = tmp_path / "model"
    save(path, "old")
    kill(start(BETWEEN_THE_RENAMES, tmp_path))
    assert not path.exists()
    with pytest.raises(ZeroDivisionError), atomic_folder(path):
        raise ZeroDivisionError
    assert (names(tmp_path), (path / "model.json").read_text()) == (["model"], "old")


def test_a_run_at_work_in_another_process_is_not_disturbed(tmp_path):
    process = start(WRITE_FILE, tmp_path)
    with (
        pytest.raises(InputError, match=r"another run is writing .*scores\.csv; wait until it ends"),
        atomic_file(tmp_path / "scores.csv"),
    ):
        pass
    assert (tmp_path / ".scores.csv.part" / "scores.csv").read_text() == "half"
    process.communicate("\n")
    assert process.returncode == 0
    assert (names(tmp_path), (tmp_path / "scores.csv").read_text()) == (["scores.csv"], "half")


def test_a_lock_file_that_nobody_holds_does_no_harm(tmp_path):
    (tmp_path / ".scores.csv.lock").write_text("of another program")
    with atomic_file(tmp_path / "scores.csv") as beside:
        beside.write_text("new")
    assert names(tmp_path) == ["scores.csv"]


def test_no_folder_is_made_for_a_file_whose_folder_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError), work_folder(tmp_path / "gone" / "scores.csv"):
        pass
    assert names(tmp_path) == []


def test_new_files_and_folders_have_the_permissions_of_any_other(tmp_path):
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain.txt").write_text("")
    save(tmp_path / "model", "new")
    with atomic_file(tmp_path / "report.html") as beside:
        beside.write_text("new")
    for ours, plain in (("model", "plain"), ("report.html", "plain.txt")):
        assert (tmp_path / ours).stat().st_mode == (tmp_path / plain).stat().st_mode


def test_a_temporary_folder_goes_with_its_owner(temporary):
    owner = Owner()
    folder = temporary_folder(owner)
    (folder / "spilled").write_text("much")
    assert names(temporary) == [folder.name, f"{folder.name}.lock"]
    del owner
    gc.collect()
    assert names(temporary) == []


@pytest.mark.slow
def test_what_a_killed_process_left_goes_with_the_next_and_what_is_in_use_stays(temporary):
    left, used = (start(OPEN_WORKSPACE, temporary) for _ in range(2))
    assert len(list(temporary.glob("*.lock"))) == 2
    kill(left)
    owner = Owner()
    own = temporary_folder(owner)
    assert (
        len(list(temporary.glob("*.lock")))
        == len([path for path in temporary.iterdir() if path.is_dir()])
        == 2
    )
    used.communicate("\n")
    assert names(temporary) == [own.name, f"{own.name}.lock"]
    assert used.returncode == 0


def test_a_folder_of_somebody_else_is_left_alone(temporary):
    (temporary / "duramen-notes").mkdir()
    (temporary / "duramen-notes" / "mine.txt").write_text("mine")
    temporary_folder(Owner())
    assert (temporary / "duramen-notes" / "mine.txt").read_text() == "mine"


def test_a_temporary_folder_whose_lock_is_taken_stays(temporary):
    folder = temporary / "duramen-of-another"
    folder.mkdir()
    lock = folder.with_suffix(".lock")
    with FileLock(lock):
        temporary_folder(Owner())
        assert folder.exists()
    lock.touch()
    temporary_folder(Owner())
    assert names(temporary) == []


AT_WORK = """
import sys, time
from pathlib import Path
from duramen.io.atomic import exclusive

folder = Path(sys.argv[1])
for _ in range(5):
    with exclusive(folder / "store.db"):
        (folder / "inside").touch(exist_ok=False)
        time.sleep(0.005)
        (folder / "inside").unlink()
"""


def test_of_processes_that_want_a_file_for_themselves_one_is_at_work_at_a_time(tmp_path):
    workers = [subprocess.Popen([sys.executable, "-c", AT_WORK, tmp_path]) for _ in range(6)]
    assert [worker.wait(60) for worker in workers] == [0] * 6
    assert list(tmp_path.iterdir()) == []
