"""What training shows on one screen, and the commands that it ends with."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from duramen.cli import train as training
from duramen.cli.config.train import TrainConfig
from duramen.cli.next_commands import next_commands, reading_words
from duramen.cli.summary import holdout_sentence
from duramen.evaluation.scorecards import scorecard
from duramen.language import using_language
from duramen.scoring.model import CoreCustomerModel

WINDOW = ("--cutoff", "1998-04-01", "--horizon", "91d")


@pytest.fixture
def fitted(trained, monkeypatch):
    """Let training use the model that is there, with some notes, so that no test fits one again."""
    model = CoreCustomerModel.load(trained.folder / "model")
    notes = ["The history is too short for a season. " * 6, "Another note.", "A third."]
    monkeypatch.setattr(CoreCustomerModel, "notes_", property(lambda _: notes))
    monkeypatch.setattr(training, "fit_and_evaluate", lambda *_: (model, scorecard(model.holdout_)))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", trained.uri)
    return model


@pytest.fixture
def messy(trained, tmp_path):
    """Return a file whose name needs quotes, with rows to set aside and other names of columns."""
    orders = trained.orders.astype({"amount": str}).reset_index(drop=True)
    orders.loc[:20, "amount"] = "n/a"
    orders.loc[21:30, "customer_id"] = None
    orders["date"] = pd.to_datetime(orders["date"]).dt.strftime("%d/%m/%Y")
    orders = orders.rename(columns={"customer_id": "who", "amount": "paid in all"})
    (tmp_path / "my shop").mkdir()
    orders.to_csv(tmp_path / "my shop" / "all orders.csv", index=False)
    return "my shop/all orders.csv"


def commands_in(shown):
    return shown[shown.index("Next:") :].splitlines()[1:]


READING = (
    "--customer-id",
    "who",
    "--amount",
    "paid in all",
    "--currency",
    "USD",
    "--date-format",
    "day-first",
)


@pytest.fixture
def shown(fitted, messy, duramen):
    status, out, err, new = duramen("train", messy, *READING, *WINDOW, "--model-out", "my shop/a model",
                                    "--experiment", "summary")  # fmt: skip
    assert (status, err) == (0, "")
    return SimpleNamespace(out=out, new=new, model=fitted)


def test_training_on_messy_data_shows_at_most_forty_lines_of_eighty_columns(shown):
    lines = shown.out.splitlines()
    assert len(lines) <= 40
    # Places and commands are not broken: they are to be copied.
    ends = next(place for place, line in enumerate(lines) if line.startswith("ranking  "))
    assert max(map(len, lines[:ends])) <= 80


@pytest.mark.usefixtures("fitted")
def test_training_shows_what_may_change_the_money_first_and_whole_on_the_same_screen(messy, duramen):
    orders = pd.read_csv(messy, dtype=str)
    orders.loc[31:800, "who"] = "Guest"
    orders.loc[801:810, "who"] = ["TEST001", "test-register"] * 5
    orders.loc[811:812, "who"] = ["C1", "c1"]
    orders["order"] = range(len(orders))
    pd.concat([orders.assign(product="a"), orders.assign(product="b")]).to_csv(messy, index=False)
    status, out, err, _ = duramen(
        "train", messy, *READING, *WINDOW, "--model-out", "new", "--experiment", "s"
    )
    assert (status, err) == (0, "")
    assert len(out.splitlines()) <= 40
    said = re.sub(r"\s+", " ", out)
    assert "take it once (--amount-per order). Note: customer 'Guest' accounts for" in said
    assert "(--where 'who!=Guest' leaves these rows out). " in said
    assert re.search(r"[0-9] more assumptions?: --verbose Forecast over", said)


def test_a_summary_has_its_parts_in_the_order_of_an_analysts_questions(shown):
    parts = (
        "Read ", "Set aside: ", "Forecast over 91 days", "customers account for", " rank  customer", "is number 1: ",
        "On the 91 days", "Note: ", "2 more notes: --verbose", "ranking     my shop", "MLflow run",
        "set aside", "Next:",
    )  # fmt: skip
    places = [shown.out.index(words) for words in parts]
    assert places == sorted(places)
    assert len(re.findall(r"^ +\d+ ", shown.out, re.M)) == 10


def test_the_holdout_is_compared_with_sorting_by_past_spend(shown):
    holdout = shown.model.holdout_
    found = re.search(
        r"accounted for (\d+)% of the money; sorting by past spend finds (\d+)%", " ".join(shown.out.split())
    )
    for figure, column in zip(found.groups(), ("predicted_value", "past_spend"), strict=True):
        top = holdout.sort_values(column, ascending=False, kind="stable").head(-(-len(holdout) // 5))
        assert float(figure) == pytest.approx(
            100 * top["actual_value"].sum() / holdout["actual_value"].sum(), abs=1
        )


@pytest.mark.slow
def test_the_next_commands_run_as_they_are_shown(shown, tmp_path):
    commands = commands_in(shown.out)
    assert [line.split()[:2] for line in commands] == [
        ["duramen", "report"],
        ["duramen", "score"],
        ["mlflow", "ui"],
    ]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for line in commands[:2]:
        done = subprocess.run(line, shell=True, cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True,
                              text=True, check=False)  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html")
    assert (tmp_path / "scores.parquet").exists()


def test_commands_begin_with_uv_run_where_uv_started_this_one(monkeypatch):
    config = TrainConfig(orders="a b.csv", where=["Country=Côte d'Ivoire"], decimal=",", threads=2)
    monkeypatch.setenv("UV_RUN_RECURSION_DEPTH", "1")
    report, score, store = next_commands(
        config,
        report=Path("report.html"),
        ranking=Path("s.parquet"),
        run=SimpleNamespace(how_to_open="mlflow ui --backend-store-uri sqlite:///a b.db"),
    )
    assert shlex.split(report) == ["uv", "run", "duramen", "report", "a b.csv", "--decimal", ",", "--where",
        "Country=Côte d'Ivoire", "--threads", "2", "--model", "model", "--out", "report.html"]  # fmt: skip
    assert shlex.split(store)[-1] == "sqlite:///a b.db"
    monkeypatch.delenv("UV_RUN_RECURSION_DEPTH")
    plain = next_commands(config, report=None, ranking=Path("s.parquet"), run=None)
    assert [f"uv run {line}" for line in plain] == [score]


def test_defaults_are_no_words_of_the_next_commands():
    assert reading_words(TrainConfig(orders="a.csv", service_lines="keep", customers=None)) == []
    assert reading_words(TrainConfig(orders="a.csv", status_used=["paid", "in transit"])) == [
        "--status-used", "paid", "--status-used", "in transit",
    ]  # fmt: skip


def test_a_summary_is_in_chinese_where_that_is_set(fitted):
    with using_language("zh"):
        sentence = holdout_sentence(fitted, scorecard(fitted.holdout_))
    assert sentence.startswith("在自 ")


@pytest.mark.parametrize("report", [(), ("--report", "r.html")], ids=["in blocks", "in memory"])
def test_the_ranking_of_training_is_that_of_scoring(report, fitted, trained, duramen, tmp_path):
    orders = trained.folder / "orders.csv"
    status, *_ = duramen("train", orders, "--currency", "USD", *WINDOW, "--experiment", "summary", *report)
    assert status == 0
    for name in ("s.parquet", "t.csv"):
        status, *_ = duramen(
            "score", orders, "--currency", "USD", "--model", "model", "--cutoff", "1998-04-01", "--out", name
        )
        assert status == 0
        own = tmp_path / "model" / f"ranking{Path(name).suffix}"
        assert own.read_bytes() == (tmp_path / name).read_bytes()
    assert CoreCustomerModel.load(tmp_path / "model").model_version_ == fitted.model_version_
    assert '"file": "ranking.parquet"' in (tmp_path / "model" / "ranking.json").read_text()
    assert not list((tmp_path / "model").glob(".*"))


@pytest.mark.usefixtures("fitted")
def test_a_ranking_that_cannot_be_written_leaves_the_old_model_whole(trained, duramen, tmp_path, monkeypatch):
    shutil.copytree(trained.folder / "model", tmp_path / "model")
    before = {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()}

    def fails(*_, **__):
        raise OSError("no space left on the disk")

    monkeypatch.setattr("duramen.io.sidecar.put_in_place", fails)
    status, *_ = duramen("train", trained.folder / "orders.csv", "--currency", "USD", *WINDOW, "--overwrite")
    assert status == 2
    assert {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()} == before
    assert {path.name for path in tmp_path.iterdir()} == {"model"}


def test_reasons_of_training_can_be_limited_to_the_core(fitted, trained, duramen, tmp_path):
    status, *_ = duramen("train", trained.folder / "orders.csv", "--currency", "USD", *WINDOW, "--reasons", "core",
                         "--experiment", "summary")  # fmt: skip
    assert status == 0
    ranking = pd.read_parquet(tmp_path / "model" / "ranking.parquet")
    assert ranking["reason_1"].notna().equals(ranking["tier"].isin(fitted.tiers.core_names))
