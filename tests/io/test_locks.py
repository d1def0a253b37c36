"""Temporary folders: gone with their owner, and those of a killed process with the next run; one in use stays."""

import gc
import os
import signal
import subprocess
import sys
import tempfile

import pytest

from duramen.io.locks import HELD, take_lock, temporary_folder

OPEN = "from duramen.data.sources import open_workspace\nworkspace = open_workspace()\nprint('open', flush=True)\n"


class Owner:
    pass


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield tmp_path
    tempfile.tempdir = None


def test_a_folder_goes_with_its_owner(temporary):
    owner = Owner()
    folder = temporary_folder(owner)
    (folder / "spilled").write_text("much")
    assert [path.name for path in temporary.iterdir()] == [folder.name]
    del owner
    gc.collect()
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_goes_with_the_next_and_what_is_in_use_stays(temporary):
    left, used = (
        subprocess.Popen(
            [sys.executable, "-c", OPEN + "input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    )
    assert left.stdout.readline() == used.stdout.readline() == "open\n"
    assert len(list(temporary.glob(f"*/{HELD}"))) == 2
    os.kill(left.pid, signal.SIGKILL)
    left.communicate()
    owner = Owner()
    own = temporary_folder(owner)
    assert len(list(temporary.iterdir())) == 2
    used.communicate("\n")
    assert list(temporary.iterdir()) == [own]
    assert used.returncode == 0


def test_a_folder_of_somebody_else_is_left_alone(temporary):
    (temporary / "duramen-notes").mkdir()
    (temporary / "duramen-notes" / "mine.txt").write_text("mine")
    temporary_folder(Owner())
    assert (temporary / "duramen-notes" / "mine.txt").read_text() == "mine"


def test_a_lock_is_taken_once(tmp_path):
    with (tmp_path / "lock").open("w") as first:
        assert take_lock(first)
        with (tmp_path / "lock").open("w") as second:
            assert not take_lock(second)
    with (tmp_path / "lock").open("w") as third:
        assert take_lock(third)
