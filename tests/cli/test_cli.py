"""The command line as users meet it: what it writes, what it says, and how it refuses."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from duramen.cli.app import app
from duramen.cli.backtest_tables import show_figures
from duramen.errors import InputError
from duramen.evaluation.comparison import mean_figures
from duramen.evaluation.scorecards import scorecard
from duramen.io.score_columns import RANKING_COLUMNS
from duramen.scoring.model import CoreCustomerModel

DURAMEN = Path(sys.executable).with_name("duramen")
HEAVY = {
    "mlflow",
    "lightgbm",
    "shap",
    "woodelf",
    "pandas",
    "numpy",
    "sklearn",
    "ibis",
    "duckdb",
    "altair",
    "lifetimes",
}


@pytest.mark.slow
def test_training_ends_well_and_says_nothing_on_stderr(trained):
    assert (trained.done.returncode, trained.done.stderr) == (0, "")


def test_training_shows_what_was_read_evaluated_and_written(trained):
    for words in ("source         orders.csv", "Holdout: 91 days", "normalised Gini", "MLflow run"):
        assert words in trained.done.stdout


def test_figures_are_whole_in_eighty_columns(trained):
    assert "…" not in trained.done.stdout
    assert re.search(r"captured top 20 % +\d\.\d{3} +\d\.\d{3} +\d\.\d{3}", trained.done.stdout)


def test_the_command_line_wins_over_the_file(trained):
    model = CoreCustomerModel.load(trained.folder / "model")
    assert (model.window_.horizon, model.window_.cutoff.isoformat()) == (91, "1998-04-01")
    assert (model.seed, model.unit_) == (1, "USD")


def test_training_leaves_a_model_a_report_and_a_store_and_nothing_else(trained):
    assert {path.name for path in trained.folder.iterdir()} == {
        "duramen.toml", "orders.csv", "model", "report.html", "mlruns",
    }  # fmt: skip
    assert (trained.folder / "report.html").read_text().startswith("<!doctype html")


@pytest.fixture(scope="module", params=["csv", "parquet", "folder", "duckdb"])
def source(request, shop, tmp_path_factory):
    folder = tmp_path_factory.mktemp("orders")
    if request.param == "csv":
        shop.orders.to_csv(folder / "orders.csv", index=False)
        return folder / "orders.csv"
    if request.param == "parquet":
        shop.orders.to_parquet(folder / "orders.parquet")
        return folder / "orders.parquet"
    if request.param == "folder":
        (folder / "1998").mkdir()
        later = shop.orders["date"] >= "1998-01-01"
        shop.orders[~later].to_csv(folder / "1997.csv", index=False)
        shop.orders[later].to_csv(folder / "1998" / "orders.csv", index=False)
        return folder
    import duckdb

    with duckdb.connect(folder / "shop.db") as base:
        orders = shop.orders
        base.execute("create table orders as select * from orders")
        del orders
    return f"duckdb://{folder}/shop.db/orders"


@pytest.mark.slow
def test_every_kind_of_source_gives_the_same_scores(source, saved, shop, duramen, tmp_path):
    status, out, err, new = duramen(
        "score",
        source,
        "--model",
        saved,
        "--cutoff",
        "1998-04-01",
        "--out",
        "scores.parquet",
        "--currency",
        "USD",
    )
    assert (status, err, new) == (0, "", {"scores.parquet", "scores.json"})
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    # So short a history does not distinguish markets.
    core = scores.pop("core_in")
    assert core.eq("every market").equals(scores["tier"].isin(["VIP", "main"]))
    pd.testing.assert_frame_equal(scores, shop.ranking.astype({"cutoff": "datetime64[ms]"}))
    assert "scores.parquet (2,613 customers)" in out


def test_the_table_on_the_screen_is_whole_in_eighty_columns(trained, duramen):
    folder = trained.folder
    _, out, _, _ = duramen("score", folder / "orders.csv", "--model", folder / "model", "--out", "scores.csv")
    assert "…" not in out
    assert all(len(line) <= 80 for line in out.split("\n") if line[:6].strip().isdigit())


def test_without_a_cutoff_the_day_after_the_last_row_is_taken(trained, duramen, tmp_path):
    folder = trained.folder
    status, *_ = duramen("score", folder / "orders.csv", "--model", folder / "model", "--out", "scores.csv")
    assert status == 0
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert tuple(scores.columns) == tuple(name for name in RANKING_COLUMNS if name != "cost_to_serve")
    day_after = pd.to_datetime(trained.orders["date"]).max() + pd.Timedelta(days=1)
    assert set(pd.to_datetime(scores["cutoff"])) == {day_after}


@pytest.mark.slow
def test_a_report_is_written_beside_the_scores(trained, duramen, tmp_path):
    folder = trained.folder
    status, _, err, new = duramen(
        "score", folder / "orders.csv", "--model", folder / "model", "--report", "report.html"
    )
    assert (status, err, new) == (0, "", {"scores.parquet", "scores.json", "report.html"})
    assert "Core customers of orders.csv" in (tmp_path / "report.html").read_text()


def test_every_customer_is_written_however_many_blocks_there_are(saved, shop, duramen, tmp_path, monkeypatch):
    monkeypatch.setattr("duramen.scoring.batch.WRITTEN_AT_ONCE", 1000)
    shop.orders.to_parquet(tmp_path / "orders.parquet")
    status, _, err, _ = duramen(
        "score", "orders.parquet", "--model", saved, "--cutoff", "1998-04-01", "--reasons", "none"
    )
    assert (status, err) == (0, "")
    written = pd.read_parquet(tmp_path / "scores.parquet", columns=["customer_id", "rank"])
    pd.testing.assert_frame_equal(written, shop.ranking[["customer_id", "rank"]])


@pytest.mark.slow
def test_costs_tiers_and_explanations_go_the_whole_way(trained, duramen, tmp_path):
    folder = trained.folder
    ids = trained.orders["customer_id"].unique()
    pd.DataFrame({"customer_id": ids, "cost_to_serve": 5.0}).to_csv(tmp_path / "costs.csv", index=False)
    (tmp_path / "duramen.toml").write_text(
        f'orders = "{folder / "orders.csv"}"\nmodel = "{folder / "model"}"\ncost_to_serve = "costs.csv"\n'
        '[tiers]\nvip_share = 0.25\nsmall = { name = "basic", service = "serve online" }\n'
    )
    status, out, err, new = duramen(
        "score",
        "--config",
        "duramen.toml",
        "--explanations",
        "why.parquet",
        "--report",
        "report.html",
        "--verbose",
    )
    assert (status, err, new) == (0, "", {"scores.parquet", "scores.json", "why.parquet", "report.html"})
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    assert tuple(scores.columns) == RANKING_COLUMNS
    assert set(scores["cost_to_serve"]) == {5.0}
    assert {"VIP", "basic", "below break-even"} <= set(scores["tier"])
    below = scores["tier"] == "below break-even"
    assert below.equals(scores["predicted_value"] < 5)
    assert "basic" in out
    out = re.sub(r"\s+", " ", out)
    assert "predicted after cost of those above break-even (" in out
    core = scores["tier"].isin(["VIP", "main"])
    assert scores["core_in"].eq("every market").equals(core)
    assert f"{core.sum():,} of {len(scores):,} customers account for 80% of the " in out
    assert re.search(r"report +report\.html", out)
    assert "Market up or down: this history shows no difference in the core." in out
    why = pd.read_parquet(tmp_path / "why.parquet")
    assert set(why["part"]) == {"value", "activity", "score", "growth"}
    total = why[why["part"] == "score"].groupby("customer_id")["term"].sum()
    scores = scores.set_index("customer_id")["score"]
    assert total[scores.index].to_numpy() == pytest.approx(scores.to_numpy(), rel=1e-9, abs=1e-9)
    page = (tmp_path / "report.html").read_text()
    assert "serve online" in page
    assert "below break-even" in page


@pytest.mark.parametrize("report", [(), ("--report", "report.html")], ids=["in blocks", "in memory"])
def test_a_stated_scenario_is_in_the_scores_the_terminal_and_the_report(
    report, saved, shop, duramen, tmp_path
):
    kinds = np.where(shop.orders["quantity"] > 1, "many", "one")
    shop.orders.assign(kind_of_thing=kinds).to_csv(tmp_path / "orders.csv", index=False)
    (tmp_path / "shop.toml").write_text(
        f'orders = "orders.csv"\nmodel = "{saved}"\ncutoff = {shop.window.cutoff}\n'
        '[columns]\ncategory = "kind_of_thing"\nquantity = "quantity"\n'
        '[market]\ndemand_change = -20\nresponse_by = "category"\nresponse = { many = 3 }\n'
    )
    status, out, err, _ = duramen("score", "--config", "shop.toml", *report)
    assert (status, err) == (0, "")
    out = re.sub(r"\s+", " ", out)
    sentence = re.search(
        r"If demand falls by 20% and purchases of category many respond 3 times as much \(a fall of 49%\), the core "
        r"goes from ([\d,]+) to ([\d,]+) customers: ([\d,]+) joins?, (\w+) leaves?",
        out,
    )
    now, then, join, leave = (int(part.replace("none", "0").replace(",", "")) for part in sentence.groups())
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    assert scores["tier"].isin(["VIP", "main"]).sum() == now
    assert scores["core_in"].isin(["every market", "down only", "up and down only"]).sum() == then
    assert now + join - leave == then
    options = json.loads((tmp_path / "scores.json").read_text())["options"]
    assert options["market"]["response"] == {"many": 3.0}
    if report:
        page = (tmp_path / "report.html").read_text()
        assert "purchases of category many respond 3 times as much" in page
        assert "How the core changes with demand" in page


def test_categories_that_are_not_in_the_orders_are_refused(saved, shop, duramen, refused, tmp_path):
    shop.orders.assign(group="books").to_csv(tmp_path / "orders.csv", index=False)
    (tmp_path / "shop.toml").write_text(
        '[market]\ndemand_change = 10\nresponse_by = "category"\nresponse = { boks = 2 }\n'
    )
    words = ("score", "orders.csv", "--model", saved, "--config", "shop.toml")
    assert "name one by --column" in refused(duramen(*words))
    assert "no category 'boks' to respond; did you mean 'books'" in refused(
        duramen(*words, "--column", "category=group")
    )


def test_an_outside_index_is_used_or_refused_where_it_overlaps_too_little(
    saved, shop, duramen, refused, tmp_path
):
    shop.orders.to_csv(tmp_path / "orders.csv", index=False)
    days = pd.date_range("1996-12-01", "1998-06-01", freq="MS")
    index = pd.DataFrame({"date": days, "level": 100 + 10 * np.sin(np.arange(len(days)))})
    index.to_csv(tmp_path / "index.csv", index=False)
    index.head(5).to_csv(tmp_path / "short.csv", index=False)
    words = ("score", "orders.csv", "--model", saved, "--reasons", "none")
    status, out, err, _ = duramen(*words, "--market", "index.csv")
    assert (status, err) == (0, "")
    assert "this history shows no difference in the core" in re.sub(r"\s+", " ", out)
    assert "and 12 are needed; give an index" in refused(duramen(*words, "--market", "short.csv"))
    assert "and --market are both index.csv" in refused(
        duramen(*words, "--market", "index.csv", "--out", "index.csv")
    )


def test_costs_that_no_customer_covers_leave_no_core(trained, duramen, tmp_path):
    ids = trained.orders["customer_id"].unique()
    pd.DataFrame({"customer_id": ids, "cost_to_serve": 1e6}).to_csv(tmp_path / "costs.csv", index=False)
    status, out, err, _ = duramen(
        "score", trained.folder / "orders.csv", "--model", trained.folder / "model", "--out", "scores.csv",
        "--cost-to-serve", "costs.csv", "--report", "report.html",
    )  # fmt: skip
    assert (status, err) == (0, "")
    assert "There is no core: none of " in out
    scores = pd.read_csv(tmp_path / "scores.csv", keep_default_na=False)
    assert set(scores["tier"]) == {"below break-even"}
    assert set(scores["core_in"]) == {"none"}
    page = (tmp_path / "report.html").read_text()
    assert "No: no customer is expected to bring more than it costs over the horizon." in page


def test_tiers_of_scoring_change_those_of_the_model_setting_by_setting(trained, duramen, tmp_path):
    (tmp_path / "duramen.toml").write_text('[tiers]\nvip = { name = "[/gold]" }\n')
    status, out, err, _ = duramen(
        "score",
        trained.folder / "orders.csv",
        "--model",
        trained.folder / "model",
        "--config",
        "duramen.toml",
    )
    assert (status, err) == (0, "")
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    assert scores["tier"].iloc[0] == "[/gold]"
    assert "[/gold]" in out
    kept = CoreCustomerModel.load(trained.folder / "model").tiers
    gold = kept.vip._replace(name="[/gold]")
    assert (scores["tier"] == replace(kept, vip=gold).assign(scores)).all()


def test_tiers_given_in_training_are_kept_with_the_model(trained, duramen, tmp_path):
    model = CoreCustomerModel.load(trained.folder / "model")
    assert model.tiers.rising_growth == 0.01
    assert model.tiers.treatments == {"vip": "call them"}
    status, *_ = duramen(
        "score", trained.folder / "orders.csv", "--model", trained.folder / "model", "--out", "scores.parquet"
    )
    assert status == 0
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    rising = scores[scores["tier"] == "rising"]
    assert (rising["growth_rate"] >= 0.01).all()


def test_a_file_about_customers_makes_households_and_sets_internal_ones_aside(trained, duramen, tmp_path):
    ids = trained.orders["customer_id"].unique()
    known = pd.DataFrame(
        {"customer_id": ids[:3], "household": ["h", "h", None], "kind": [None, None, "internal"]}
    )
    known.to_csv(tmp_path / "customers.csv", index=False)
    status, out, err, _ = duramen(
        "score", trained.folder / "orders.csv", "--model", trained.folder / "model", "--out", "scores.csv",
        "--customers", "customers.csv",
    )  # fmt: skip
    assert (status, err) == (0, "")
    ranked = set(pd.read_csv(tmp_path / "scores.csv", dtype={"customer_id": str})["customer_id"])
    assert "h" in ranked
    assert ranked.isdisjoint(ids[:3])
    assert "internal customer" in re.sub(r"\s+", " ", out)


def test_ids_that_are_formulas_are_defused_in_csv(trained, duramen, tmp_path):
    formulas = {name: f"=cmd({name})" for name in trained.orders["customer_id"].unique()[:300]}
    trained.orders.replace({"customer_id": formulas}).to_csv(tmp_path / "orders.csv", index=False)
    status, *_ = duramen("score", "orders.csv", "--model", trained.folder / "model", "--out", "scores.csv")
    assert status == 0
    starts = pd.read_csv(tmp_path / "scores.csv", dtype=str)["customer_id"].str[:5]
    # A few of them never paid for anything, so they are no customers.
    assert starts.eq("'=cmd").sum() > 290
    assert not starts.str.startswith("=").any()


def test_rows_set_aside_are_kept_beside_the_scores(trained, duramen, tmp_path):
    dirty = trained.orders.astype({"amount": str}).reset_index(drop=True)
    dirty.loc[:2, "amount"] = "n/a"
    dirty.to_csv(tmp_path / "orders.csv", index=False)
    status, out, _, new = duramen("score", "orders.csv", "--model", trained.folder / "model")
    assert (status, new) == (0, {"scores.parquet", "scores.json", "scores.quarantine.csv"})
    assert len(pd.read_csv(tmp_path / "scores.quarantine.csv")) == 3
    assert "amount is not numeric 3" in out


def three_formats(orders):
    dates, turn = orders["date"].dt, orders.index % 3
    written = dates.strftime("%Y-%m-%d").where(turn > 0, dates.strftime("%d.%m.%Y"))
    return orders.assign(date=written.where(turn != 1, dates.strftime("%b %d, %Y")))


def as_it_is(orders):
    return orders


@pytest.mark.parametrize(
    ("change", "words", "sentence"),
    [
        (as_it_is, ["--amount", "turnover"], "has no column 'turnover' for amount"),
        (lambda orders: orders.drop(columns="date"), [], "no column that looks like date"),
        (lambda orders: orders.head(0), [], "leaves no row to use: it has a header and no rows"),
        (lambda orders: orders.assign(amount="twelve"), [], "amount is not numeric"),
        (three_formats, [], "several forms"),
        (lambda orders: orders.drop_duplicates("customer_id"), [], "bought on one day only"),
        (lambda orders: orders.assign(customer_id="only"), [], "has 1 customers"),
        (as_it_is, ["--cutoff", "2030-01-01"], "lies outside the data"),
        (as_it_is, ["--cutoff", "1990-01-01"], "lies outside the data"),
        (as_it_is, ["--cutoff", "June"], "--cutoff is 'June', not a day; write for example 2011-06-01"),
        (as_it_is, ["--horizon", "900d"], "longer than the history"),
        (as_it_is, ["--horizon", "3m"],
         "--horizon is '3m', not a length in days, weeks, months or years; write for example 183d"),
        (as_it_is, ["--column", "quantity"], "not ROLE=NAME; write for example --column order=InvoiceNo"),
        (as_it_is, ["--column", "colour=quantity"], "'colour' is not a role of a column; choose one of 'customer_id'"),
    ],
    ids=[
        "a wrong column", "no column of dates", "a header alone", "text in amount", "dates in three formats",
        "all customers bought once", "one customer only", "a cutoff after the data", "a cutoff before the data",
        "a cutoff that is no day", "a horizon longer than the history", "a horizon in months",
        "a column without a role", "a role that is none",
    ],
)  # fmt: skip
def test_bad_orders_end_in_one_sentence_and_leave_nothing(
    change, words, sentence, trained, duramen, refused, tmp_path
):
    change(trained.orders.reset_index(drop=True)).to_csv(tmp_path / "orders.csv", index=False)
    assert sentence in refused(duramen("train", "orders.csv", "--model-out", "model", *words))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["train"], "ORDERS is missing; give a file, a folder or a table of orders, for example orders.csv"),
        (["train", "nowhere.csv"], "there is no file or folder nowhere.csv"),
        (
            ["train", "orders.csv", "--memory-limit", "lots"],
            "--memory-limit is 'lots', not an amount of memory; write for example 4GB",
        ),
        (["train", "dataset:complete_journey", "--memory-limit", "1MB"], "DuckDB has too little memory"),
        (["train", "empty.csv"], "is empty (0 bytes)"),
        (["train", "photo.jpg"], "neither CSV nor Parquet"),
        (["train", "duckdb://nowhere.db/orders"], "no DuckDB file"),
        (["train", "dataset:nothing"], "no data set 'nothing'"),
        (["train", "orders.csv", "--model-out", "full"], "has something in it that is not a duramen model"),
        (["train", "orders.csv", "--report", "nowhere/report.html"], "there is no folder nowhere"),
        (["score", "orders.csv", "--model", "nowhere"], "is not a saved model"),
        (["score", "orders.csv", "--out", "scores.xlsx"], "written as .parquet or .csv"),
        (["score", "orders.csv", "--out", "nowhere/scores.csv"], "there is no folder nowhere"),
        (["score", "orders.csv", "--report", "nowhere/report.html"], "there is no folder nowhere"),
        (["train", "--config", "nowhere.toml"], "could not be read"),
        (["train", "--config", "damaged.toml"], "is not valid TOML"),
        (["train", "--config", "unknown.toml"], "did you mean 'horizon'?"),
        (
            ["train", "--config", "kind.toml"],
            "seed in kind.toml is 'one', not a whole number from 0 on; write for example 7",
        ),
        (["train", "--config", "roles.toml"], "columns in roles.toml is 'quantity', not a table"),
        (["train", "--config", "path.toml"], "orders in path.toml is 5, not a file, a folder or a table"),
        (["train", "orders.csv", "--seed", "-1"], "--seed is '-1', not a whole number from 0 on"),
        (["train", "orders.csv", "--growth-weight", "nan"], "--growth-weight is 'nan', not a finite number"),
        (["backtest"], "ORDERS is missing"),
        (["backtest", "orders.csv", "--cutoff", "2030-01-01"], "lies outside the data"),
        (["backtest", "orders.csv", "--cutoff", "June"], "--cutoff is ['June'], not a day"),
        (["backtest", "orders.csv", "--cutoff", "1998-06-01", "--horizon", "91d"], "after the last day"),
        (["backtest", "orders.csv", "--horizon", "400d"], "choose a horizon of at most 273d"),
        (["backtest", "orders.csv", "--horizon", "3m"], "--horizon is '3m', not a length"),
        (["backtest", "orders.csv", "--cutoffs", "0"], "--cutoffs is '0', not a whole number from 1 on"),
        (
            ["backtest", "orders.csv", "--cutoffs", "2", "--cutoff", "1998-01-01"],
            "both --cutoff and --cutoffs are given",
        ),
        (["backtest", "orders.csv", "--out", "full"], "has something in it that is not a duramen backtest"),
        (
            ["backtest", "orders.csv", "--config", "cutoffs.toml"],
            "cutoffs in cutoffs.toml is 'three', not a whole number",
        ),
        (
            ["train", "orders.csv", "--config", "cutoff.toml"],
            "cutoff in cutoff.toml is ['1998-01-01', '1998-04-01'], not a day",
        ),
        (
            ["train", "orders.csv", "--config", "tiers.toml"],
            "tiers.vip_part in tiers.toml is not a setting; did you mean 'vip_share'?",
        ),
        (
            ["score", "orders.csv", "--config", "tiers.toml"],
            "tiers.vip_part in tiers.toml is not a setting; did you mean 'vip_share'?",
        ),
        (["train", "orders.csv", "--config", "treatments.toml"], "no kind of customer 'quiet'"),
        (["train", "orders.csv", "--config", "weights.toml"], "no measure 'colour' to weigh"),
        (
            ["train", "orders.csv", "--config", "tier.toml"],
            "tiers in tier.toml is 'gold', not a table; write [tiers]",
        ),
        (
            ["train", "orders.csv", "--report", "r.html", "--cost-to-serve", "wide.csv"],
            "no column cost_to_serve",
        ),
        (
            ["train", "orders.csv", "--report", "r.html", "--cost-to-serve", "few.csv"],
            "are missing in few.csv",
        ),
        (
            ["train", "orders.csv", "--report", "r.html", "--cost-to-serve", "below.csv"],
            "are negative",
        ),
        (
            ["train", "orders.csv", "--cost-to-serve", "below.csv"],
            "are negative",
        ),
        (["train", "orders.csv", "--lang", "fr"], "--lang is 'fr', not en or zh; write for example zh"),
        (["report", "orders.csv", "--out", "nowhere/report.html"], "there is no folder nowhere"),
        (["report", "orders.csv", "--out", "orders.csv"], "--out and the orders are both orders.csv"),
        (
            ["train", "orders.csv", "--reasons", "core", "--report", "r.html"],
            "leave --reasons or --report out",
        ),
        (
            ["score", "orders.csv", "--out", "a.parquet", "--explanations", "a.parquet"],
            "give each a place of its own",
        ),
        (["score", "orders.csv", "--out", "orders.csv"], "--out and the orders are both orders.csv"),
        (["score", "orders.csv", "--out", "folder.parquet"], "is a folder, where a file is to be written"),
        (["score", "orders.csv", "--explanations", "folder.parquet"], "change --explanations"),
        (["score", "orders.csv", "--report", "full"], "is a folder, where a file is to be written"),
        (["score", "orders.csv", "--explanations", "why.csv"], "explanations are written as .parquet"),
        (["score", "orders.csv", "--explanations", "nowhere/why.parquet"], "there is no folder nowhere"),
        (["score", "orders.csv", "--reasons", "some"], "--reasons is 'some', not one of all, core, none"),
        (
            ["score", "orders.csv", "--reasons", "core", "--report", "r.html"],
            "leave --reasons or --report out",
        ),
        (["score", "orders.csv", "--threads", "0"], "--threads is '0', not a whole number from 1 on"),
        (["score", "orders.csv", "--out", "other.csv"], "other.json is not a sidecar of scores"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else None,
)
def test_bad_settings_end_in_one_sentence_and_leave_nothing(
    words, sentence, trained, duramen, refused, tmp_path
):
    trained.orders.to_csv(tmp_path / "orders.csv", index=False)
    (tmp_path / "empty.csv").touch()
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.doc").write_text("years of work")
    (tmp_path / "damaged.toml").write_text("horizon = ")
    (tmp_path / "unknown.toml").write_text('orders = "orders.csv"\nhorizn = 91\n')
    (tmp_path / "kind.toml").write_text('orders = "orders.csv"\nseed = "one"\n')
    (tmp_path / "roles.toml").write_text('orders = "orders.csv"\ncolumns = "quantity"\n')
    (tmp_path / "path.toml").write_text("orders = 5\n")
    (tmp_path / "cutoffs.toml").write_text('cutoffs = "three"\n')
    (tmp_path / "tiers.toml").write_text("[tiers]\nvip_part = 0.3\n")
    (tmp_path / "treatments.toml").write_text('[tiers.treatments]\nquiet = "wait"\n')
    (tmp_path / "weights.toml").write_text("[segment_weights]\ncolour = 1\n")
    (tmp_path / "tier.toml").write_text('tiers = "gold"\n')
    (tmp_path / "few.csv").write_text("customer_id,cost_to_serve\n00004,1\n")
    (tmp_path / "wide.csv").write_text("customer_id,cost\n00004,1\n")
    (tmp_path / "other.json").write_text("[1, 2]")
    (tmp_path / "folder.parquet").mkdir()
    costs = pd.DataFrame({"customer_id": trained.orders["customer_id"].unique(), "cost_to_serve": -1})
    costs.to_csv(tmp_path / "below.csv", index=False)
    (tmp_path / "cutoff.toml").write_text('cutoff = ["1998-01-01", "1998-04-01"]\n')
    assert sentence in refused(duramen(*words))


def test_a_backtest_ends_well_and_shows_which_model_is_best(backtested):
    assert (backtested.done.returncode, backtested.done.stderr) == (0, "")
    shown = backtested.done.stdout
    assert "Forecast over 182 days from 1997-10-01, 1997-12-31" in shown
    assert re.search(r"Brier .*[+-]\d\.\d{4} to [+-]\d\.\d{4} (better|level|worse)", shown)
    assert "of the customers were inside their 80 % interval" in re.sub(r"\s+", " ", shown)


def test_the_tables_of_a_backtest_are_whole_in_eighty_columns(backtested):
    assert "…" not in backtested.done.stdout


def test_all_models_of_a_backtest_are_in_two_tables_that_start_with_the_model(backtested, capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    figures = pd.read_parquet(backtested.out / "figures.parquet")
    show_figures(SimpleNamespace(windows=(), mean_figures=lambda: mean_figures(figures)))
    shown = capfd.readouterr().out
    # The model and eleven baselines.
    (own, _), (again, _) = re.findall(r"normalised Gini +(\d\.\d{3}\*?)((?: +\d\.\d{3}\*?){5,6}) *\n", shown)
    assert own == again
    assert "…" not in shown


def test_a_backtest_leaves_its_tables_and_drawings(backtested):
    tables = [
        "figures",
        "comparisons",
        "coverage",
        "next_purchase",
        "calibration",
        "core",
        "past_spend",
        "stability",
    ]
    assert {path.name for path in backtested.out.iterdir()} == {
        "backtest.json",
        "forecasts.parquet",
        *(f"{table}.{form}" for table in tables for form in ("csv", "parquet")),
        *(f"{drawing}.svg" for drawing in ("value", "activity", "growth", "growing", "calibration")),
    }
    assert {path.name for path in backtested.folder.iterdir()} == {"duramen.toml", "out"}
    for table in tables:
        written = pd.read_csv(backtested.out / f"{table}.csv")
        assert len(written) == len(pd.read_parquet(backtested.out / f"{table}.parquet")) > 0
    figures = pd.read_parquet(backtested.out / "figures.parquet")
    assert set(figures["cutoff"].astype(str)) == {"1997-10-01", "1997-12-31"}


def test_the_drawings_of_a_backtest_are_whole(backtested):
    for drawing in backtested.out.glob("*.svg"):
        assert ElementTree.parse(drawing).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    value = (backtested.out / "value.svg").read_text()
    assert "duramen" in value
    assert "normalised Gini" in value


@pytest.mark.slow
def test_days_on_the_command_line_win_and_an_older_backtest_gives_way(
    trained, duramen, tmp_path, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", trained.uri)
    (tmp_path / "duramen.toml").write_text(
        'cutoff = [1997-11-01, 1997-12-31]\nhorizon = 182\nexperiment = "days"\n'
    )
    (tmp_path / "backtest").mkdir()
    (tmp_path / "backtest" / "backtest.json").write_text("{}")
    (tmp_path / "backtest" / "older.csv").touch()
    orders = trained.folder / "orders.csv"
    status, _, err, _ = duramen("backtest", orders, "--config", "duramen.toml", "--cutoff", "1997-10-01")
    assert (status, err) == (0, "")
    settings = json.loads((tmp_path / "backtest" / "backtest.json").read_text())
    assert settings["windows"] == [{"cutoff": "1997-10-01", "horizon_days": 182}]
    assert not (tmp_path / "backtest" / "older.csv").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"duramen.toml", "backtest"}


@pytest.fixture(scope="module")
def labelled(trained):
    """Return the customers of the training with labels by turns."""
    ids = trained.orders["customer_id"].unique()
    return pd.DataFrame({"customer_id": ids, "segment": [f"group {place % 3}" for place in range(len(ids))]})


def test_an_audit_leaves_a_page_and_its_table_and_shows_it_in_eighty_columns(
    trained, labelled, duramen, tmp_path
):
    labelled.to_csv(tmp_path / "segments.csv", index=False)
    treatments = pd.DataFrame(
        {"segment": ["group 0", "group 1", "group 2"], "treatment": ["call", "mail", "wait"]}
    )
    treatments.to_csv(tmp_path / "treatments.csv", index=False)
    status, out, err, new = duramen(
        "audit", "segments.csv", "--transactions", trained.folder / "orders.csv", "--cutoff", "1998-01-01",
        "--treatment", "treatments.csv", "--out", "audit.html",
    )  # fmt: skip
    assert (status, err, new) == (0, "", {"audit.html", "audit.csv", "audit.parquet"})
    table = pd.read_csv(tmp_path / "audit.csv")
    assert list(table["code"]) == [f"A{number}" for number in range(1, 8)]
    assert len(pd.read_parquet(tmp_path / "audit.parquet")) == 7
    assert "Does each segment have a purpose?" in out
    assert "…" not in out
    shown = out[out.index("question") : out.index("Note:")]
    assert all(len(line) <= 80 for line in shown.split("\n"))


@pytest.mark.parametrize(
    ("change", "words", "sentence"),
    [
        (as_it_is, [], "SEGMENTS is missing; give a CSV or Parquet file with customer_id and segment"),
        (as_it_is, ["nowhere.csv"], "there is no file or folder nowhere.csv"),
        (as_it_is, ["labels.csv", "--out", "audit.pdf"], "written as .html"),
        (as_it_is, ["labels.csv", "--out", "nowhere/audit.html"], "there is no folder nowhere"),
        (as_it_is, ["labels.csv", "--out", "labels.html"], "would replace labels.csv"),
        (as_it_is, ["labels.csv", "--segment", "group"], "has no column 'group'"),
        (as_it_is, ["labels.csv", "--treatment", "plan"], "neither a column"),
        (as_it_is, ["labels.csv", "--assigned-on", "soon"], "--assigned-on is 'soon', not a day"),
        (as_it_is, ["labels.csv", "--cutoff", "2030-01-01"], "lies outside the orders"),
        (lambda labels: pd.concat([labels, labels.head(1)]), ["labels.csv"], "repeat a customer"),
        (
            lambda labels: labels.assign(customer_id="x" + labels["customer_id"]),
            ["labels.csv"],
            "none of the",
        ),
        (lambda labels: labels.assign(segment="all"), ["labels.csv"], "needs two segments"),
        (lambda labels: labels.assign(segment=None), ["labels.csv"], "have no segment"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else None,
)
def test_a_bad_audit_ends_in_one_sentence_and_leaves_nothing(
    change, words, sentence, trained, labelled, duramen, refused, tmp_path
):
    change(labelled).to_csv(tmp_path / "labels.csv", index=False)
    orders = trained.folder / "orders.csv"
    assert sentence in refused(duramen("audit", *words, "--transactions", orders))


def test_the_help_of_the_audit_has_an_example():
    shown = CliRunner().invoke(app, ["audit", "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert "Example: duramen audit" in re.sub(r"\s+", " ", shown.output)


def test_a_model_is_replaced_only_with_overwrite_and_only_by_a_whole_new_one(
    saved, trained, duramen, refused, tmp_path, monkeypatch
):
    from duramen.cli import train

    monkeypatch.setenv("MLFLOW_TRACKING_URI", trained.uri)
    shutil.copytree(saved, tmp_path / "model")
    before = {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()}
    words = ("train", trained.folder / "orders.csv", "--cutoff", "1998-04-01", "--horizon", "91d",
             "--experiment", "replaced")  # fmt: skip
    assert "model has a saved model already" in refused(duramen(*words))

    def fails(*_):
        raise InputError("the history is too short.")

    monkeypatch.setattr(train, "fit_and_evaluate", fails)
    assert "the history is too short" in refused(duramen(*words, "--overwrite"))
    assert {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()} == before

    new = CoreCustomerModel.load(trained.folder / "model")
    monkeypatch.setattr(train, "fit_and_evaluate", lambda *_: (new, scorecard(new.holdout_)))
    status, _, err, _ = duramen(*words, "--overwrite")
    assert (status, err) == (0, "")
    assert CoreCustomerModel.load(tmp_path / "model").model_version_ == new.model_version_
    assert {path.name for path in tmp_path.iterdir()} == {"model"}


def test_a_damaged_model_is_refused_before_the_orders_are_read(saved, duramen, refused, tmp_path):
    shutil.copytree(saved, tmp_path / "model")
    (tmp_path / "model" / "value_trees.txt").write_text("tree\n")
    assert "value_trees.txt" in refused(duramen("score", "nowhere.csv"))


@pytest.mark.slow
def test_a_refusal_ends_a_real_process_with_status_two(tmp_path):
    done = subprocess.run(
        [DURAMEN, "train", "nowhere.csv"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "duramen: there is no file or folder nowhere.csv; check the path.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["train", "score", "report", "backtest", "demo"])
def test_the_help_of_every_command_has_an_example(command):
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert shown.exit_code == 0
    assert f"Example: duramen {command}" in re.sub(r"\s+", " ", shown.output)


def test_help_lists_every_command():
    shown = CliRunner().invoke(app, ["--help"]).output
    assert all(command in shown for command in ("train", "score", "report", "backtest", "demo"))


@pytest.mark.parametrize(
    ("words", "heavy"),
    [(["--help"], HEAVY | {"pydantic"}), (["train", "--help"], HEAVY)],
    ids=["all commands", "one"],
)
def test_help_imports_nothing_heavy(words, heavy):
    program = (
        "import sys\nfrom duramen.cli.app import main\n"
        f"sys.argv = ['duramen', *{words!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('LOADED', *{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(done.stdout.split("LOADED")[1].split()) & heavy == set()


def test_importing_the_package_imports_nothing_heavy():
    program = "import sys, duramen; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert set(done.stdout.split()) & HEAVY == set()


def test_a_cutoff_in_a_quiet_week_after_the_last_row_is_taken_and_said(capsys):
    import duramen as dm
    from duramen.cli.inputs import choose_cutoff

    orders = pd.DataFrame({"customer_id": [1, 2], "date": ["2023-01-01", "2024-12-30"], "amount": [1.0, 2.0]})
    tx = dm.read_transactions(orders)
    cutoff = choose_cutoff(tx, date(2025, 1, 7), 28)
    assert cutoff == date(2025, 1, 7)
    assert "The last 7 days before the cutoff 2025-01-07 have no rows." in "".join(capsys.readouterr())
    with pytest.raises(dm.InputError, match="lies outside the data"):
        choose_cutoff(tx, date(2025, 1, 29), 28)
