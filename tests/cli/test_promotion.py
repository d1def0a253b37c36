"""Promotion on the command line: planted better and worse models, going back, scoring with whoever is champion."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from typer.testing import CliRunner

from duramen.cli.app import app
from duramen.scoring.model import CoreCustomerModel
from duramen.tracking.store import open_store

CUTOFF = "1998-04-01"


@pytest.fixture(scope="module")
def lab(shop, trained, reflected, tmp_path_factory):
    """Return the orders of the shop, a good model that was recorded and a poor one that was not."""
    folder = tmp_path_factory.mktemp("promotion")
    shop.orders.to_csv(folder / "orders.csv", index=False)
    good = CoreCustomerModel.load(trained.folder / "model")
    reflected.save(folder / "poor")
    (folder / "duramen.toml").write_text('currency = "USD"\nexperiment = "promotions"\n')
    return SimpleNamespace(
        folder=folder, orders=folder / "orders.csv", config=("--config", folder / "duramen.toml"),
        good=trained.folder / "model", poor=folder / "poor", good_version=good.model_version_,
        poor_version=reflected.model_version_,
    )  # fmt: skip


@pytest.fixture
def registry(trained, tmp_path_factory, monkeypatch):
    """Point MLflow at a copy of the store of the training, and give its file."""
    base = tmp_path_factory.mktemp("registry") / "mlflow.db"
    shutil.copy(trained.folder / "mlruns" / "mlflow.db", base)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{base}")
    # Other tests may have registered that model before.
    client = open_store().MlflowClient(f"sqlite:///{base}", f"sqlite:///{base}")
    for known in client.search_registered_models():
        client.delete_registered_model(known.name)
    return base


@pytest.fixture
def server(registry, monkeypatch):
    """Start a real MLflow server on loopback before that store; give its address and the means to stop it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{registry}", "--host",
         "127.0.0.1", "--port", str(port), "--workers", "1", "--artifacts-destination", registry.parent / "kept"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        env={key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")},
    )  # fmt: skip

    def stop():
        if process.poll() is None:
            # Its workers are of its session, and no other process is.
            os.killpg(process.pid, 15)
            process.wait(30)

    for _ in range(240):
        try:
            urllib.request.urlopen(f"{address}/health", timeout=5).close()
            break
        except OSError:
            time.sleep(0.5)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    yield SimpleNamespace(address=address, stop=stop)
    stop()


def spaced(text):
    return re.sub(r"\s+", " ", text)


def version_that_scores(duramen, lab, tmp_path):
    words = (
        "score",
        lab.orders,
        "--model",
        "models:/duramen@champion",
        "--cutoff",
        CUTOFF,
        "--out",
        "s.parquet",
    )
    status, _, err, _ = duramen(*words, *lab.config)
    assert (status, err) == (0, "")
    (version,) = pd.read_parquet(tmp_path / "s.parquet")["model_version"].unique()
    return version


@pytest.mark.slow
@pytest.mark.usefixtures("registry")
def test_the_better_model_takes_the_place_and_one_command_brings_the_one_before_back(
    duramen, refused, lab, tmp_path
):
    promote = (lab.orders, *lab.config)
    status, out, err, new = duramen("promote", lab.poor, *promote)
    assert (status, err, new) == (0, "", set())
    assert "There is no champion yet. Compared with a simple ranking of the customers" in spaced(out)
    assert "Version 1 of duramen is the champion now, the first." in out
    assert version_that_scores(duramen, lab, tmp_path) == lab.poor_version

    status, out, err, new = duramen("promote", lab.good, *promote)
    assert (status, err, new) == (0, "", set())
    shown = re.search(
        r"captured top 20 %\* +(0\.\d{3}) +(0\.\d{3}) +\+0\.\d{4} \+0\.\d{4} to \+0\.\d{4} better +0\.\d", out
    )
    assert "…" not in out
    told = re.search(
        r"The challenger is clearly better: value captured at top 20 % (0\.\d{4}) against (0\.\d{4})",
        spaced(out),
    )
    assert [float(figure) for figure in shown.groups()] == pytest.approx(
        [float(figure) for figure in told.groups()], abs=6e-4
    )
    assert told[1] > told[2]
    assert (
        "Version 2 of duramen is the champion now; version 1 was before (duramen rollback --name duramen)."
        in spaced(out)
    )
    assert version_that_scores(duramen, lab, tmp_path) == lab.good_version

    status, out, err, _ = duramen("promote", lab.good, *promote)
    assert (status, err) == (0, "")
    assert "This model is version 2 of duramen, the champion already; nothing was changed." in out

    status, out, err, _ = duramen("promote", "models:/duramen/1", *promote)
    assert (status, err) == (0, "")
    assert "The challenger is clearly worse" in out
    assert "Version 1 of duramen stays challenger; version 2 stays the champion." in out
    assert version_that_scores(duramen, lab, tmp_path) == lab.good_version

    status, out, err, _ = duramen("rollback")
    assert (status, err) == (0, "")
    assert "Version 1 of duramen is the champion again; version 2 is kept." in out
    assert version_that_scores(duramen, lab, tmp_path) == lab.poor_version
    assert "is its first champion" in refused(duramen("rollback"))


@pytest.mark.usefixtures("registry")
def test_what_cannot_be_compared_is_refused_and_registers_nothing(duramen, refused, lab, tmp_path):
    duramen("promote", lab.poor, lab.orders, *lab.config)
    orders = pd.read_csv(lab.orders, dtype={"customer_id": str})
    short = lab.folder / "short.csv"
    orders[orders["date"] < "1998-06-15"].to_csv(short, index=False)
    both = lab.folder / "both"
    for kind in ("end", "channel"):
        shutil.copytree(lab.poor, both / kind, dirs_exist_ok=True)
    toml = lab.folder / "bad.toml"
    toml.write_text("[promotion]\nmargin = -1\n")
    for words, sentence in (
        ((lab.good, short), "ends on 1998-06-14, and challenger and champion learned from days before 1998-04-01: 75"),
        ((lab.good,), "ORDERS is missing; give orders later than those"),
        ((lab.good, lab.orders, "--cutoff", "1998-03-01"), "choose a cutoff from 1998-04-01 to 1998-04-01"),
        ((lab.good, lab.orders, "--metric", "gini"), "no metric is called 'gini'"),
        ((lab.good, lab.orders, "--margin", "-0.1"), "the margin -0.1 is not a number from 0 on"),
        ((lab.good, lab.orders, "--config", toml), "the margin -1.0 is not a number from 0 on"),
        ((lab.good, lab.orders, "--kind", "end"), "was trained on all customers together, not on end customers"),
        ((both, lab.orders), "has a model of end and channel customers, who have champions of their own"),
        ((both, lab.orders, "--kind", "end", "--name", "duramen"), "customers together, not on end customers"),
        ((lab.good, lab.orders, "--name", "a/b"), "--name is 'a/b', not the name of a registered model"),
        (("runs:/0123456789abcdef0123456789abcdef/model", lab.orders), "was not found in the store"),
        ((tmp_path / "nowhere", lab.orders), "nowhere"),
    ):  # fmt: skip
        config = () if "--config" in words else lab.config
        assert sentence in refused(duramen("promote", *words, *config)), words
    client = open_store().MlflowClient()
    assert [str(found.version) for found in client.search_model_versions("name = 'duramen'")] == ["1"]


@pytest.mark.usefixtures("registry")
def test_the_rule_of_the_file_holds_and_the_command_line_wins(duramen, lab):
    toml = lab.folder / "rule.toml"
    toml.write_text(
        'currency = "USD"\nexperiment = "promotions"\nname = "shop"\n[promotion]\nmargin = 0.5\nconfidence = 0.9\n'
    )
    duramen("promote", lab.poor, lab.orders, "--config", toml)
    _, out, _, _ = duramen("promote", lab.good, lab.orders, "--config", toml)
    assert "The challenger is not clearly better by more than 0.5:" in out
    assert "(90 % interval" in spaced(out)
    assert "Version 2 of shop stays challenger; version 1 stays the champion." in out
    _, out, _, _ = duramen(
        "promote", lab.good, lab.orders, "--config", toml, "--margin", "0.001", "--metric", "Brier"
    )
    assert "The challenger is clearly better by more than 0.001: Brier" in spaced(out)
    tags = open_store().MlflowClient().get_model_version("shop", "2").tags
    assert (tags["duramen.metric"], tags["duramen.margin"], tags["duramen.confidence"]) == (
        "Brier",
        "0.001",
        "0.9",
    )


@pytest.mark.usefixtures("registry")
def test_each_kind_of_customers_has_a_champion_of_its_own(duramen, lab):
    ids = sorted(pd.read_csv(lab.orders, dtype={"customer_id": str})["customer_id"].unique())
    kinds = pd.DataFrame({"customer_id": ids, "kind": "consumer"})
    kinds.loc[::5, "kind"] = "channel"
    kinds.to_csv(lab.folder / "kinds.csv", index=False)
    reading = ("--customers", lab.folder / "kinds.csv", *lab.config)
    status, out, err, _ = duramen("promote", lab.poor, lab.orders, "--kind", "end", *reading)
    assert (status, err) == (0, "")
    assert "Version 1 of duramen-end is the champion now, the first." in out
    client = open_store().MlflowClient()
    assert client.get_model_version("duramen-end", "1").tags["duramen.kind"] == "end"
    status, out, err, _ = duramen("promote", lab.good, lab.orders, "--name", "duramen-end", *reading)
    assert status == 2
    assert (
        "the challenger is of all customers together, and the champion, version 1 of duramen-end, of end"
        in err
    )


@pytest.mark.slow
def test_a_real_server_keeps_the_champion_and_one_that_goes_away_changes_none(
    duramen, refused, server, registry, lab, tmp_path, monkeypatch
):
    from duramen.evaluation import champion_challenger

    promote = (lab.orders, *lab.config)
    assert duramen("promote", lab.poor, *promote)[::2] == (0, "")
    status, out, err, new = duramen("promote", lab.good, *promote)
    assert (status, err, new) == (0, "", set())
    assert "Version 2 of duramen is the champion now" in out
    assert version_that_scores(duramen, lab, tmp_path) == lab.good_version
    assert duramen("rollback")[0] == 0
    assert version_that_scores(duramen, lab, tmp_path) == lab.poor_version

    challenge = champion_challenger.challenge

    def compared_while_the_server_goes_away(*arguments, **named):
        result = challenge(*arguments, **named)
        server.stop()
        return result

    monkeypatch.setattr(champion_challenger, "challenge", compared_while_the_server_goes_away)
    sentence = refused(duramen("promote", lab.good, *promote))
    assert sentence.endswith("; nothing was promoted.\n")
    assert "nothing was rolled back" in refused(duramen("rollback"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{registry}")
    champion = open_store().MlflowClient().get_model_version_by_alias("duramen", "champion")
    assert str(champion.version) == "1"


@pytest.mark.slow
@pytest.mark.usefixtures("registry")
def test_a_user_promotes_in_a_process_of_their_own_and_the_first_needs_no_orders(lab, tmp_path):
    done = subprocess.run(
        [Path(sys.executable).with_name("duramen"), "promote", lab.good, *lab.config],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr, list(tmp_path.iterdir())) == (0, "", [])
    assert "Version 1 of duramen is the champion now, the first." in spaced(done.stdout)


@pytest.mark.parametrize("command", ["promote", "rollback"])
def test_the_help_of_each_command_has_an_example(command):
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert shown.exit_code == 0
    assert f"Example: duramen {command}" in spaced(shown.output)
