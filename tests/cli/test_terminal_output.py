"""What commands show by default: a screen of at most 40 lines, in one manner, in English or in Chinese."""

import re
from types import SimpleNamespace

import pandas as pd
import pytest

from duramen.analysis.consistency import check_consistency
from duramen.analysis.consistency_at_cutoffs import Consistency
from duramen.cli import consistency
from duramen.cli.backtest_tables import show_comparisons
from duramen.data.money_unit import NO_UNIT
from duramen.language import using_language
from duramen.scoring.model import CoreCustomerModel

CUTOFF = ("--cutoff", "1998-04-01")
USD = ("--currency", "USD")
# Names that Chinese analysts write in Latin letters, and names of commands, files, settings and columns.
NAMES = re.compile(
    r"--?[a-z-]+|\[[a-z.]+\]|\b(?:duramen|MLflow|BTYD|LightGBM|gamma-gamma|USD|CSV|HTML|Parquet|VIP|AUC|PR-AUC|Brier|"
    r"Gini|Spearman|MAE|CRPS|PIT|NBD|BG/NBD|RFM|ZILN|EWMA|SHAP)\b|\b[a-z]+(?:_[a-z0-9]+)+\b|\b(?:frequency|recency)\b"
)
LATIN = re.compile(r"[A-Za-z]{3,}[^\u4e00-\u9fff]{0,40}")


@pytest.fixture
def folder(shop, tmp_path, monkeypatch):
    """Return the folder of the run, with orders, segments and earlier scores of the shop."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    shop.orders.to_csv(tmp_path / "orders.csv", index=False)
    ids = shop.customers["customer_id"]
    labels = [f"{place % 3}" for place in range(len(ids))]
    pd.DataFrame({"customer_id": ids, "segment": labels}).to_csv(tmp_path / "segments.csv", index=False)
    return tmp_path


@pytest.fixture
def shown(folder, saved, duramen):
    """Run a command by its name, with what it needs, and return the lines that it shows."""
    with_model = ("orders.csv", "--model", saved, *CUTOFF, *USD)
    words = {
        "check": ("orders.csv", *USD),
        "score": with_model,
        "report": with_model,
        "lists": (*with_model, "--offer-cost", 5, "--contact-cost", 1, "--budget", 500),
        "base": ("orders.csv", *USD, "--model", saved, "--offer-cost", 5, "--order-cost", 2, "--reward-budget", 300),
        "audit": ("segments.csv", "--transactions", "orders.csv", "--cutoff", "1998-01-01", *USD),
        "monitor": ("orders.csv", "--model", saved, *USD),
        "promote": (saved, "orders.csv", *USD),
    }  # fmt: skip

    def run(name, *more):
        status, out, err, _ = duramen(name, *words[name], *more)
        assert status == 0, err
        return out.splitlines()

    run.folder = folder
    return run


COMMANDS = ("check", "score", "report", "lists", "base", "audit", "monitor", "promote")


def is_to_be_copied(line):
    """Return whether a line is a place or a command, which is not broken."""
    return line.startswith("  ") or "/" in line or line.endswith((")", "\uff09"))


def english_in(lines, *own):
    """Return the runs of Latin letters in what is no place, no command and no text of the user's own."""
    text = "\n".join(line for line in lines if not line.startswith("  "))
    text = re.sub(r"\S*/\S*", " ", text)
    for word in ("orders.csv", "segments.csv", *own):
        text = text.replace(word, " ")
    text = re.sub(r"\b[\w-]+\.(?:csv|parquet|html|xlsx|db)\b|\b[0-9a-f]{32}\b", " ", text)
    return LATIN.findall(NAMES.sub(" ", text))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_shows_at_most_forty_lines_of_eighty_columns(name, shown):
    lines = shown(name)
    assert len(lines) <= 40
    assert [line for line in lines if len(line) > 80 and not is_to_be_copied(line)] == []
    assert not [line for line in lines if "\u202f" in line]
    assert "Next:" in lines
    if name != "check":
        assert sum(line.startswith("Read ") for line in lines) == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_in_chinese_shows_no_english_sentence(name, shown):
    lines = shown(name, "--lang", "zh")
    assert len(lines) <= 40
    # Names that are made in the folder of the run, and the file of columns as it was read.
    assert english_in(lines, "customer_id", "date", "amount", "quantity", "base", "lists") == []
    assert any(line.startswith("下一步") for line in lines)


@pytest.mark.parametrize("name", ["check", "score", "lists", "base"])
def test_orders_without_a_currency_have_a_chinese_unit(name, folder, saved, duramen):
    model = CoreCustomerModel.load(saved)
    model.forecast_.unit_ = NO_UNIT
    model.save(folder / "no-currency")
    with_model = ("--model", folder / "no-currency")
    words = {
        "check": (),
        "score": (*with_model, *CUTOFF, "--verbose"),
        "lists": (*with_model, *CUTOFF, "--offer-cost", 5),
        "base": (*with_model, "--offer-cost", 5, "--order-cost", 2, "--reward-budget", 300),
    }[name]
    status, out, err, _ = duramen(name, "orders.csv", *words, "--lang", "zh")
    assert status == 0, err
    assert "货币单位" in out
    assert NO_UNIT not in out


@pytest.fixture
def doubtful(folder, shop):
    """Give the orders ids and order totals that may make the money wrong, beside much else to be said."""
    orders = shop.orders.reset_index(drop=True)
    orders["customer_id"] = orders["customer_id"].astype(str)
    orders.loc[:800, "customer_id"] = "Guest"
    orders.loc[801:810, "customer_id"] = ["TEST001", "test-register"] * 5
    orders.loc[811:812, "customer_id"] = ["C1", "c1"]
    orders["status"] = "paid"
    orders.loc[831:900, "status"] = "wrapped"
    orders["order"] = range(len(orders))
    lines = pd.concat([orders.assign(product="a"), orders.assign(product="b")])
    lines.to_csv(folder / "orders.csv", index=False)


WHOLE = (
    "take it once (--amount-per order).", "--where 'customer_id!=Guest' leaves these rows out).",
)  # fmt: skip


@pytest.mark.usefixtures("doubtful")
@pytest.mark.parametrize("name", COMMANDS)
def test_sentences_on_money_come_first_and_whole(name, shown):
    lines = shown(name)
    assert len(lines) <= 40
    said = re.sub(r"\s+", " ", " ".join(lines))
    if name == "check":
        assert "(--amount-per order)" in said
        places = [lines.index(next(line for line in lines if line.startswith(word)))
                  for word in ("to check", "columns", "status")]  # fmt: skip
        assert places == sorted(places)
        return
    assert "Note: all lines have one amount" in said
    assert all(end in said for end in WHOLE)
    assert re.search(r"[0-9] more assumptions?: --verbose", said)


@pytest.mark.parametrize("name", ["score", "monitor"])
def test_verbose_shows_more_of_the_orders_and_of_the_result(name, shown):
    brief, verbose = shown(name), shown(name, "--verbose")
    assert len(verbose) > len(brief)
    assert any(line.startswith("netting ") for line in verbose)
    assert not any(line.startswith("Read ") for line in verbose)


def test_the_next_commands_read_the_orders_in_the_same_way(shown, monkeypatch):
    monkeypatch.setenv("UV_RUN_RECURSION_DEPTH", "1")
    lines = shown("score", "--lang", "zh")
    (report, monitor) = lines[-2:]
    assert report.startswith("  uv run duramen report orders.csv --lang zh --currency USD --model ")
    assert report.endswith(" --cutoff 1998-04-01 --out report.html")
    assert re.search(r"--scores scores\.parquet  # .*1998-06-30", monitor)


def test_long_ids_do_not_break_the_table(folder, shop, saved, duramen):
    long = shop.orders.assign(customer_id="5f0c7a52-8b1e-4b6e-9d3f-" + shop.orders["customer_id"].astype(str))
    long.to_csv(folder / "orders.csv", index=False)
    status, out, _, _ = duramen("score", "orders.csv", "--model", saved, *CUTOFF, *USD)
    assert status == 0
    rows = [line for line in out.splitlines() if re.match(r" +\d+  ", line)]
    assert len(rows) == 10
    assert max(map(len, rows)) <= 80


@pytest.mark.parametrize(
    ("language", "best"), [("en", "Against the best baseline, "), ("zh", "与最佳基线相比")]
)
def test_a_backtest_is_compared_with_the_best_baseline_on_a_screen(
    language, best, backtested, capfd, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "80")
    tables = {
        name: pd.read_parquet(backtested.out / f"{name}.parquet") for name in ("comparisons", "coverage")
    }
    with using_language(language):
        show_comparisons(SimpleNamespace(unit="USD", **tables), verbose=False)
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].startswith(best)
    assert len(lines) <= 27
    assert language == "en" or english_in(lines) == []


def test_a_backtest_shows_at_most_forty_lines(backtested):
    lines = backtested.done.stdout.splitlines()
    assert len(lines) <= 40
    assert [line for line in lines if len(line) > 80 and not is_to_be_copied(line)] == []


def test_failed_checks_of_consistency_are_in_chinese_too(shop, capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    checks = check_consistency(shop.ranking, shop.model.tiers).assign(cutoff=shop.window.cutoff, holds=False)
    outcomes = pd.DataFrame(
        {
            "cutoff": [shop.window.cutoff] * 3, "word": ["growing", "declining", "rising"], "customers": [9, 8, 0],
            "did": 0.5, "low": 0.4, "high": 0.6, "base": 0.3, "past_value": 10.0, "actual_value": 12.0,
        }
    )  # fmt: skip
    with using_language("zh"):
        consistency._show(Consistency(checks, outcomes), "USD", verbose=False)
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) <= 30
    assert english_in(lines) == []
