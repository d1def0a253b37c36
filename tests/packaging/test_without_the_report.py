"""duramen where only its core is installed: altair is not there. What asks for a drawing says which extra draws it."""

import importlib.util

import pytest

import duramen as dm
from duramen.report import drawing

SENTENCE = "the package altair is not installed; install duramen with its extra: duramen[report]."


@pytest.fixture(autouse=True)
def without_altair(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(drawing, "find_spec", lambda name: None if name == "altair" else found(name))


@pytest.mark.parametrize(
    "command",
    [
        ("audit", "segments.csv", "--transactions", "orders.csv"),
        ("train", "orders.csv", "--report", "report.html"),
    ],
)
def test_a_command_that_draws_says_so_before_it_reads_anything(command, duramen):
    status, out, err, new = duramen(*command)
    assert (status, out, err) == (2, "", f"duramen: {SENTENCE}\n")
    assert not new


def test_a_report_from_python_says_so_before_it_scores(tmp_path):
    with pytest.raises(dm.InputError) as caught:
        dm.write_report(None, None, tmp_path / "report.html")
    assert str(caught.value) == SENTENCE
