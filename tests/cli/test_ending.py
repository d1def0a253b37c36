"""Whatever ends a command early, it is one sentence and the usual status, and nothing is left behind."""

import errno
import logging
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from duramen.cli import app as command_line
from duramen.cli.terminal import console
from duramen.errors import InputError

MODEL = Path(__file__).parents[1] / "fixtures" / "format_7" / "model"
COMMAND = [sys.executable, "-c", "from duramen.cli.app import main; main()"]
SCORE = ["score", "orders.csv", "--currency", "USD", "--out", "scores.csv"]


@pytest.fixture
def folder(tmp_path):
    """Give a folder with a model and orders of customers whose ids no code page of the West has."""
    shutil.copytree(MODEL, tmp_path / "model")
    (tmp_path / "temporary").mkdir()
    numbers = np.random.default_rng(7)
    size = 900
    days = pd.Timestamp("2023-01-01") + pd.to_timedelta(numbers.integers(0, 700, size), "D")
    pd.DataFrame(
        {
            "customer_id": [f"Łódź→{customer:03}" for customer in numbers.integers(0, 120, size)],
            "date": days.strftime("%Y-%m-%d"),
            "amount": numbers.gamma(2, 20, size).round(2),
            "quantity": numbers.integers(1, 5, size),
        }
    ).to_csv(tmp_path / "orders.csv", index=False)
    return tmp_path


def environment(folder, **settings):
    own = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "PYTHONIOENC"))}
    return own | {"TMPDIR": str(folder / "temporary"), "PYTHONUNBUFFERED": "1"} | settings


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [{"PYTHONIOENCODING": "cp1252"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}],
)
def test_ids_that_the_output_cannot_show_are_replaced_there_and_whole_in_the_file(folder, settings):
    done = subprocess.run(
        [*COMMAND, *SCORE], cwd=folder, env=environment(folder, **settings), capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert "?" in done.stdout.decode("cp1252")
    assert pd.read_csv(folder / "scores.csv")["customer_id"].str.startswith("Łódź→").all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "after"),
    [
        (signal.SIGTERM, "done Loading"), (signal.SIGINT, "done Reading"), (signal.SIGTERM, "done Reading"),
        (signal.SIGTERM, "done Scoring"),
    ],
)  # fmt: skip
def test_a_signal_ends_in_one_sentence_and_leaves_nothing(folder, number, after):
    with subprocess.Popen(
        [*COMMAND, *SCORE], cwd=folder, env=environment(folder), text=True, encoding="utf-8",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert any(line.startswith(after) for line in process.stdout)
        process.send_signal(number)
        _, err = process.communicate(timeout=120)
    assert err == f"duramen: stopped by {number.name}; nothing was left half-written.\n"
    assert process.returncode == 128 + number
    assert {path.name for path in folder.iterdir()} == {"model", "orders.csv", "temporary"}
    assert list((folder / "temporary").iterdir()) == []


@pytest.fixture
def ends(monkeypatch, capfd):
    """Give a function that lets the command do something; it returns the status and both streams."""

    def run(does):
        monkeypatch.setattr(command_line, "app", does)
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            command_line.main()
        return end.value.code, *capfd.readouterr()

    return run


def raising(error):
    def does():
        raise error

    return does


URI = "http://ann:s3cr@et@host:5000?token=abcdef"


@pytest.mark.parametrize(
    ("error", "status"),
    [(InputError(f"no store at {URI}."), 2), (OSError(f"{URI} failed"), 2), (KeyError(URI), 1)],
)
def test_no_error_shows_a_password_in_its_sentence_or_its_traceback(ends, error, status):
    found, _, err = ends(raising(error))
    assert found == status
    assert "http://ann:***@host:5000?token=***" in err
    assert ("Traceback" in err) == (status == 1)
    assert "s3cr" not in err
    assert "abcdef" not in err


def test_no_line_on_the_terminal_and_in_the_log_shows_a_password(ends):
    def shows():
        console.print(f"the store is {URI}", soft_wrap=True)
        logging.getLogger("somebody").warning("%s does not answer", URI)
        raise SystemExit(0)

    status, out, err = ends(shows)
    assert status == 0
    assert out == "the store is http://ann:***@host:5000?token=***\n"
    assert "s3cr" not in err


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_one_sentence(ends, code):
    status, _, err = ends(raising(OSError(code, os.strerror(code), "/data/scores.csv")))
    assert status == 2
    assert err.startswith("duramen: no space is left on the disk (")
    assert err.count("\n") == 1


def test_a_signal_that_a_library_turns_into_an_error_of_its_own_is_still_that_signal(ends):
    def interrupted():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except BaseException as stop:
            raise RuntimeError("Query interrupted") from stop

    status, _, err = ends(interrupted)
    assert (status, err) == (143, "duramen: stopped by SIGTERM; nothing was left half-written.\n")


def test_signals_do_afterwards_what_they_did_before(ends):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    factory = logging.getLogRecordFactory()
    ends(raising(InputError("wrong.")))
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert logging.getLogRecordFactory() is factory
