"""Channel and end customers on the command line: modelled apart, ranked apart, and shown beside each other."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from duramen.cli.train import save_models
from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.ranking import rank_core_customers
from duramen.tracking.store import open_store

CUTOFF, HORIZON = "1998-04-01", 91
GROUPS = ("end", "channel")
TIME = ("--cutoff", CUTOFF, "--horizon", HORIZON)


@pytest.fixture(scope="module")
def both(shop_orders, trained, tmp_path_factory):
    """Run ``duramen train`` on every third customer of the shop, a third of them made dealers."""
    folder = tmp_path_factory.mktemp("both")
    ids = np.sort(shop_orders["customer_id"].unique())[::3]
    orders = shop_orders[shop_orders["customer_id"].isin(ids)].astype({"amount": str})
    orders.iloc[0, orders.columns.get_loc("amount")] = "n/a"
    orders.to_csv(folder / "orders.csv", index=False)
    kinds = np.array(["channel", "consumer", "business"])[np.arange(len(ids)) % 3]
    # Some consumers have no kind; they are end customers too.
    known = pd.DataFrame({"customer_id": ids, "kind": kinds, "credit": np.resize(["A", "B", "C"], len(ids))})
    known = known.drop(range(1, 60, 3))
    known.to_csv(folder / "customers.csv", index=False)
    few = known.assign(kind=known["kind"].where(known["kind"].ne("channel") | (known.index < 15), "consumer"))
    few.to_csv(folder / "few.csv", index=False)
    (folder / "duramen.toml").write_text(
        'orders = "orders.csv"\ncustomers = "customers.csv"\ncurrency = "USD"\nexperiment = "groups"\n'
        '[portfolio.cells."loyal, large"]\nname = "star"\ntreatment = "the first call on what is new"\n'
    )
    environment = os.environ | {"MLFLOW_TRACKING_URI": trained.uri, "COLUMNS": "80"}

    def run(*words):
        program = [Path(sys.executable).with_name("duramen"), *map(str, words)]
        return subprocess.run(
            program, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )

    done = run("train", "--config", "duramen.toml", *TIME, "--report", "report.html", "--verbose")
    tx = read_transactions(folder / "orders.csv", customers=folder / "customers.csv", currency="USD")
    tx = replace(tx, source="orders.csv")  # as it is called from inside the folder
    return SimpleNamespace(folder=folder, done=done, run=run, tx=tx, uri=trained.uri)


@pytest.fixture(scope="module")
def ranked(both):
    """Score what was trained, with explanations."""
    done = both.run(
        "score", "--config", "duramen.toml", "--cutoff", CUTOFF, "--explanations", "why.parquet", "--verbose"
    )
    return SimpleNamespace(done=done, **{group: pd.read_parquet(both.folder / f"scores.{group}.parquet")
                                         for group in GROUPS})  # fmt: skip


@pytest.fixture(scope="module")
def thin(both):
    """Train once more, after the model in use, where hardly anybody is a channel customer."""
    done = both.run(
        "train", "--config", "duramen.toml", "--cutoff", "1998-05-01", "--horizon", HORIZON, "--customers",
        "few.csv", "--previous", "model", "--model-out", "renewed", "--verbose",
    )  # fmt: skip
    return SimpleNamespace(done=done, folder=both.folder / "renewed")


def spaced(text):
    return re.sub(r"\s+", " ", text)


@pytest.mark.slow
@pytest.mark.usefixtures("ranked", "thin")
def test_each_group_has_a_model_and_a_report_of_its_own_and_the_quarantine_is_there_once(both):
    assert (both.done.returncode, both.done.stderr) == (0, "")
    assert {path.name for path in (both.folder / "model").iterdir()} == {*GROUPS, "quarantine.csv"}
    assert {path.name for path in both.folder.iterdir() if path.is_file()} == {
        "orders.csv", "customers.csv", "few.csv", "duramen.toml", "report.end.html", "report.channel.html",
        "scores.end.parquet", "scores.channel.parquet", "scores.quarantine.csv", "why.end.parquet",
        "why.channel.parquet", "scores.end.json", "scores.channel.json",
    }  # fmt: skip
    report = (both.folder / "report.channel.html").read_text()
    assert "channel customers" in report
    # The portfolio is the one that was configured, also by the credit that the customer file tells.
    assert "The first call on what is new" in report
    assert "credit is unknown" in (both.folder / "report.end.html").read_text()


@pytest.mark.slow
def test_scores_of_a_group_are_those_of_a_model_of_its_transactions_alone(both, ranked):
    tx, window = both.tx.of_kind("end"), Window(CUTOFF, HORIZON)
    model = CoreCustomerModel().fit(tx, window)
    expected = rank_core_customers(model.predict(customer_table(tx, window.cutoff)))
    written = ranked.end.drop(columns="core_in")
    pd.testing.assert_frame_equal(written, expected.astype({"cutoff": "datetime64[ms]"}))


def test_models_of_groups_are_written_all_or_not_at_all(both, tmp_path):
    class FullDisk:
        def save(self, folder):
            folder.mkdir()
            raise OSError("no space left on the disk")

    end = CoreCustomerModel.load(both.folder / "model" / "end")
    save_models({"end": end}, both.tx, tmp_path / "model", {"end": "card"})
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    with pytest.raises(OSError, match="no space left"):
        save_models({"end": end, "channel": FullDisk()}, both.tx, tmp_path / "model", {"end": "card"})
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before


def test_everybody_is_ranked_once(both, ranked):
    everybody = customer_table(both.tx, CUTOFF)["customer_id"]
    assert sorted([*ranked.end["customer_id"], *ranked.channel["customer_id"]]) == list(everybody)
    for group in GROUPS:
        why = pd.read_parquet(both.folder / f"why.{group}.parquet")
        assert set(why["customer_id"]) == set(getattr(ranked, group)["customer_id"])


@pytest.mark.parametrize("command", ["train", "score"])
def test_groups_are_shown_one_after_the_other_and_then_beside_each_other(command, both, ranked):
    shown = (both if command == "train" else ranked).done.stdout
    places = [shown.index(words) for words in ("End customers", "Channel customers", "Side by side")]
    assert places == sorted(places)
    assert "…" not in shown
    total = sum(getattr(ranked, group)["predicted_value"].sum() for group in GROUPS)
    for group in GROUPS:
        scores = getattr(ranked, group)
        core, value = scores["tier"].isin(["VIP", "main"]).sum(), scores["predicted_value"].sum()
        row = f" {group} {len(scores):,} {core:,} {value:,.0f} {value / total:.0%} "
        assert row in spaced(shown)


def test_runs_of_groups_can_be_distinguished(both, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", both.uri)
    client = open_store().MlflowClient()
    experiment = client.get_experiment_by_name("groups").experiment_id
    for group in GROUPS:
        found = client.search_runs([experiment], f"tags.`duramen.kind` = '{group}'")
        run = min(found, key=lambda run: run.info.start_time)
        saved = CoreCustomerModel.load(both.folder / "model" / group)
        assert run.data.tags["duramen.model_version"] == saved.model_version_
        assert run.info.run_name.startswith(f"orders.csv ({group} customers)")


def test_a_group_that_is_too_small_is_reported_and_the_other_is_kept(thin):
    assert (thin.done.returncode, thin.done.stderr) == (0, "")
    assert "The 5 channel customers are left out: " in spaced(thin.done.stdout)
    assert re.search(r"a ranking needs at least 10", spaced(thin.done.stdout))
    assert " channel 5 left out" in spaced(thin.done.stdout)
    assert {path.name for path in thin.folder.iterdir()} == {"end", "quarantine.csv"}


def test_segments_that_go_on_after_the_previous_model_keep_their_numbers(both, thin):
    before = CoreCustomerModel.load(both.folder / "model" / "end").segments_
    now = CoreCustomerModel.load(thin.folder / "end").segments_
    kept = now.changes_[now.changes_["change"] == "kept"]
    assert len(kept)
    assert (kept["segment"].astype(str) == kept["previous"]).all()
    assert set(kept["segment"]) <= set(before.numbers_)
    assert now.last_number_ >= before.last_number_
    shown = spaced(thin.done.stdout)
    for row in now.changes_.itertuples():
        assert f" {row.segment} {row.change} {row.previous} {row.overlap:.2f} {row.customers:,} " in shown


def test_without_a_previous_model_no_changes_are_shown(both):
    assert "Changes from the segments" not in both.done.stdout


@pytest.mark.parametrize("kind", GROUPS)
def test_one_kind_is_ranked_by_the_model_of_its_group_in_the_plain_place(
    kind, both, ranked, duramen, tmp_path
):
    status, out, err, new = duramen(
        "score", both.folder / "orders.csv", "--customers", both.folder / "customers.csv", "--kind", kind,
        "--model", both.folder / "model", "--cutoff", CUTOFF, "--currency", "USD", "--out", "s.csv",
    )  # fmt: skip
    assert (status, err, new) == (0, "", {"s.csv", "s.json", "s.quarantine.csv"})
    written = pd.read_csv(tmp_path / "s.csv", dtype={"customer_id": str})
    assert list(written["customer_id"]) == list(getattr(ranked, kind)["customer_id"])
    assert "Side by side" not in out


@pytest.mark.slow
def test_a_kind_trained_alone_gives_the_model_of_its_group_in_the_plain_place(
    both, duramen, tmp_path, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", both.uri)
    for name in ("orders.csv", "customers.csv"):
        shutil.copy(both.folder / name, tmp_path)
    toml = (both.folder / "duramen.toml").read_text().replace("groups", "kinds")
    (tmp_path / "duramen.toml").write_text(f'kind = "channel"\n{toml}')
    status, out, err, _ = duramen("train", *TIME, "--config", "duramen.toml", "--model-out", "dealers")
    assert (status, err) == (0, "")
    dealers, group = CoreCustomerModel.load("dealers"), CoreCustomerModel.load(both.folder / "model/channel")
    assert dealers.model_version_ == group.model_version_
    assert "--model dealers --kind channel" in spaced(out)
    assert {path.name for path in (tmp_path / "dealers").iterdir()} >= {"model.json", "quarantine.csv"}
    assert not (tmp_path / "model").exists()


def test_a_group_without_a_model_is_left_out_of_the_ranking(both, thin, duramen):
    status, out, err, new = duramen(
        "score", both.folder / "orders.csv", "--customers", both.folder / "few.csv", "--model", thin.folder,
        "--currency", "USD",
    )  # fmt: skip
    assert (status, err, new) == (0, "", {"scores.end.parquet", "scores.end.json", "scores.quarantine.csv"})
    assert "The 5 channel customers are left out: " in spaced(out)
    assert "has no model of channel customers" in spaced(out)


def test_a_model_of_a_group_without_customers_is_reported(both, duramen, tmp_path):
    known = pd.read_csv(both.folder / "customers.csv", dtype=str)
    known.assign(kind="business").to_csv(tmp_path / "customers.csv", index=False)
    status, out, err, new = duramen(
        "score", both.folder / "orders.csv", "--customers", "customers.csv", "--model", both.folder / "model",
    )  # fmt: skip
    assert (status, err, new) == (0, "", {"scores.end.parquet", "scores.end.json", "scores.quarantine.csv"})
    assert "has no channel customers, so scores.channel.parquet is not written." in spaced(out)


def test_costs_are_those_of_both_groups(both, duramen, tmp_path):
    ids = customer_table(both.tx, CUTOFF)["customer_id"]
    costs = pd.DataFrame({"customer_id": ids, "cost_to_serve": 1.5})
    costs.to_csv(tmp_path / "costs.csv", index=False)
    words = (
        "score", both.folder / "orders.csv", "--customers", both.folder / "customers.csv", "--cost-to-serve",
        "costs.csv", "--model", both.folder / "model", "--cutoff", CUTOFF,
    )  # fmt: skip
    status, _, err, _ = duramen(*words)
    assert (status, err) == (0, "")
    for group in GROUPS:
        assert set(pd.read_parquet(f"scores.{group}.parquet")["cost_to_serve"]) == {1.5}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["train", "--kind", "dealer"], "--kind is 'dealer', not one of channel, end, together,"),
        (["train", "--kind", "channel", "--model-out", "model"], "and one model would replace it"),
        (["train", "--model-out", "plain"], "would replace it; choose another folder, or --kind together"),
        (["train", "--model-out", "mixed"], "has something in it that is not a duramen model"),
        (["train", "--report", "r.html"], "r.end.html is a folder"),
        (["train", "--previous", "nowhere"], "nowhere is not a saved model"),
        (["train", "--previous", "runs:/0123456789abcdef/model"], "was not found in the store"),
        (["train", "--previous", "plain"], "plain is one model, and end and channel customers are modelled"),
        (["train", "--previous", "model", "--kind", "together"], "and none of together"),
        (["train", "--previous", "model", "--customers", "consumers.csv"], "is modelled as one; give one model"),
        (["train", "--kind", "channel", "--customers", "some.csv"], "customers before 1998-04-01"),
        (["train", "--kind", "channel", "--customers", "consumers.csv"], "is of the kind 'channel'"),
        (["train", "--config", "weights.toml"], "no measure 'colour' to weigh"),
        (["train", "--cutoff", "1997-01-03", "--horizon", "1d"], "no group of customers is left"),
        (["backtest", "--kind", "channel", "--customers", "consumers.csv"], "is of the kind 'channel'"),
        (["score", "--model", "plain"], "say whom it is for by --kind channel or --kind end"),
        (["score", "--model", "model", "--kind", "consumer"], "and none of consumer"),
        (["score", "--model", "model", "--customers", ""], "has no kind of customer; give the kinds by"),
        (["score", "--out", "s.csv", "--report", "s.csv"], "give each a place of its own"),
        (["score", "--out", "customers.csv", "--kind", "end"], "--out and --customers are both"),
        (["score", "--explanations", "why.parquet"], "why.end.parquet is a folder"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else None,
)  # fmt: skip
def test_what_cannot_be_done_by_group_is_one_sentence_and_leaves_nothing(
    words, sentence, both, trained, duramen, refused, tmp_path, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", both.uri)
    monkeypatch.setenv("DURAMEN_OVERWRITE", "true")
    shutil.copytree(both.folder / "model", tmp_path / "model")
    shutil.copytree(trained.folder / "model", tmp_path / "plain")
    shutil.copytree(both.folder / "model", tmp_path / "mixed")
    (tmp_path / "mixed" / "thesis.doc").write_text("years of work")
    for folder in ("r.end.html", "why.end.parquet"):
        (tmp_path / folder).mkdir()
    for name in ("orders.csv", "customers.csv"):
        shutil.copy(both.folder / name, tmp_path)
    kinds = pd.read_csv("customers.csv", dtype=str)
    kinds.assign(kind="consumer").to_csv("consumers.csv", index=False)
    kinds.assign(kind=["channel"] * 5 + ["consumer"] * (len(kinds) - 5)).to_csv("some.csv", index=False)
    (tmp_path / "weights.toml").write_text("[segment_weights]\ncolour = 1\n")
    command, *rest = words
    given = {"--customers": "customers.csv", "--cutoff": CUTOFF} | dict(
        zip(rest[::2], rest[1::2], strict=True)
    )
    if command == "train":
        given = {"--horizon": HORIZON, "--model-out": "new"} | given
    given = {name: value for name, value in given.items() if value != ""}
    assert sentence in refused(
        duramen(command, "orders.csv", *(word for pair in given.items() for word in pair))
    )


def test_each_group_has_lists_of_its_own_and_is_compared_with_its_own_earlier_ranking(both, ranked):
    done = both.run(
        "lists", "--config", "duramen.toml", "--cutoff", "1998-05-01", "--offer-cost", 5, "--budget", 60,
        "--previous-scores", "scores.parquet",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for group in GROUPS:
        folder, before = both.folder / "lists" / group, getattr(ranked, group)
        rising, called = (
            pd.read_csv(folder / f"{name}.csv", dtype={"customer_id": str})
            for name in ("new_in_rising_tier", "call")
        )
        assert 0 < called["cost"].sum() <= 60
        was = before["tier"].isin(["VIP", "main", "rising"])
        assert not set(rising["customer_id"]) & set(before.loc[was, "customer_id"])
        kinds = both.tx.of_kind(group).days
        known = set(kinds.customer_id.as_table().distinct().to_pandas()["customer_id"])
        assert {*rising["customer_id"], *called["customer_id"]} <= known
