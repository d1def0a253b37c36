"""Whatever can be checked without the orders is checked before they are read, which takes most of the time."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from duramen.cli.config.commands import CONFIGS
from duramen.cli.config.settings import has_type

SAVED = Path(__file__).parents[1] / "fixtures" / "format_5" / "model"
REQUIRED = {
    "check": ["orders.csv"],
    "train": ["orders.csv"],
    "score": ["orders.csv"],
    "report": ["orders.csv"],
    "lists": ["orders.csv", "--offer-cost", "10"],
    "backtest": ["orders.csv"],
    "base": ["orders.csv"],
    "consistency": ["orders.csv"],
    "audit": ["segments.csv", "--transactions", "orders.csv"],
    "monitor": ["orders.csv"],
    "promote": ["model", "orders.csv"],
    "rollback": [],
    "demo": [],
}


@pytest.fixture
def unread(monkeypatch, refused, duramen):
    """Give the check that a run was refused, and returns the sentence; no orders can be read."""
    read = []
    for reader in ("duramen.cli.inputs.read_transactions", "duramen.cli.score_on_spark.read_transactions"):
        monkeypatch.setattr(reader, lambda *_, **__: read.append("orders"))

    def check(*words):
        sentence = refused(duramen(*words))
        assert not read
        return sentence

    return check


def positions(command):
    """Return the names of the arguments of a command, in their order."""
    return [flag.name for flag in CONFIGS[command].flags() if flag.option.argument]


@pytest.mark.parametrize(
    ("command", "flag"),
    [
        (name, flag)
        for name, config in CONFIGS.items()
        for flag in config.flags()
        if not has_type(flag.field, bool)
    ],
    ids=lambda part: getattr(part, "words", part),
)
def test_no_option_may_be_empty(command, flag, unread):
    words = list(REQUIRED[command])
    if flag.option.argument:
        words[positions(command).index(flag.name)] = ""
    else:
        words += [flag.words, ""]
    assert unread(command, *words).startswith(f"{flag.words} is ")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("train --cutoff June", "--cutoff is 'June', not a day"),
        ("train --horizon soon", "--horizon is 'soon', not a length"),
        ("train --growth-weight heavy", "--growth-weight is 'heavy', not a finite number"),
        ("train --seed -1", "--seed is '-1', not a whole number from 0 on"),
        ("train --threads 0", "--threads is '0', not a whole number from 1 on"),
        ("train --kind dealer", "--kind is 'dealer', not one of channel, end"),
        ("train --column colour=x", "'colour' is not a role of a column"),
        ("train --column order", "--column is 'order', not ROLE=NAME"),
        ("train --date-format american", "--date-format is 'american', not one of iso"),
        ("train --decimal ;", "--decimal is ';', not '.' or ','"),
        ("train --memory-limit lots", "--memory-limit is 'lots', not an amount"),
        ("train --customers nowhere.csv", "there is no file or folder nowhere.csv"),
        ("train --customers orders.csv", "has no column of customer ids, or none of"),
        ("train --features nowhere.csv", "there is no file or folder nowhere.csv"),
        ("train --features orders.csv", "has no column of customer ids, or no other beside it"),
        ("train --report nowhere/r.html", "no folder nowhere to write r.html to; create it or change --report"),
        ("train --report folder", "folder is a folder, where a file is to be written; change --report"),
        ("train --model-out folder", "has something in it that is not a duramen model"),
        ("train --model-out saved", "saved has a saved model already; choose another folder by --model-out, or"),
        ("train --model-out saved/model.json", "is a file, where a folder is to be written; change --model-out"),
        ("train --model-out orders.csv/model", "is a file, where a folder is to be written; change --model-out"),
        ("train --previous nowhere", "nowhere is not a saved model"),
        ("train --cost-to-serve segments.csv", "segments.csv has no column cost_to_serve"),
        ("train --report r.html --cost-to-serve nowhere.csv", "there is no file or folder nowhere.csv"),
        ("train --report r.html --cost-to-serve segments.csv", "segments.csv has no column cost_to_serve"),
        ("train --config tiers.toml", "tiers in tiers.toml: vip_share, core_share and regular_share are"),
        ("train --config treatments.toml", "tiers.treatments in treatments.toml: there is no kind of customer 'quiet'"),
        ("train --config forecast.toml", "forecast in forecast.toml: learning_rate of trees is 3.0; give a"),
        ("train --config weights.toml", "segment_weights in weights.toml: there is no measure 'colour'"),
        ("train --config portfolio.toml", "portfolio in portfolio.toml: the levels small, large have the cuts"),
        ("train --config nowhere.toml", "the configuration nowhere.toml could not be read"),
        ("score --model nowhere", "nowhere is not a saved model"),
        ("score --model saved --cutoff 5", "--cutoff is '5', not a day"),
        ("score --model saved --out scores.xlsx", "written as .parquet or .csv, not as 'scores.xlsx'; change --out"),
        ("score --model saved --out nowhere/s.csv", "there is no folder nowhere to write s.csv to; create it or"),
        ("score --model saved --out oracle://a/b", "scores are not written to oracle://; give a file, duckdb://"),
        ("score --model saved --report nowhere/r.html", "create it or change --report"),
        ("score --model saved --explanations why.csv", "written as .parquet, not as 'why.csv'; change --explanations"),
        ("score --model saved --incremental orders.csv", "remove it, or name another file by --incremental"),
        ("score --model saved --incremental nowhere/k.parquet", "create it or change --incremental"),
        ("score --model saved --customers nowhere.csv", "there is no file or folder nowhere.csv"),
        ("score --model saved --cost-to-serve nowhere.csv", "there is no file or folder nowhere.csv"),
        ("score --model saved --cost-to-serve segments.csv", "segments.csv has no column cost_to_serve"),
        ("score --model saved --reasons some", "--reasons is 'some', not one of all, core, none"),
        ("score --model saved --demand-change much", "--demand-change is 'much', not a per cent between -100"),
        ("score --model saved --demand-change 0", "--demand-change is '0', not a per cent between -100 and 100"),
        ("score --model saved --demand-change -100", "--demand-change is '-100', not a per cent between -100"),
        ("score --model saved --market nowhere.csv", "there is no file or folder nowhere.csv"),
        ("score --model saved --market orders.csv", "the market index orders.csv has no column"),
        ("score --model saved --engine spark --features f.csv", "--features is not for --engine spark"),
        ("score --model saved --engine spark --demand-change 5", "and [market] are not for --engine spark"),
        ("score --model saved --config segment.toml", "did you mean '2 active frequent buyers, high spend'"),
        ("score --model saved --config nothing.toml", "not to what; give --demand-change"),
        ("score --model saved --config by.toml", "market.response_by in by.toml is 'tier', not segment or category"),
        ("score --model saved --config word.toml", "market.response.1 in word.toml is 'twice', not a finite number"),
        ("score --model saved --engine flink", "--engine is 'flink', not duckdb or spark"),
        ("score --model saved --master yarn", "--master is for Spark alone"),
        ("score --model saved --engine spark --out s.csv", "Spark writes a folder of Parquet files, not 's.csv'"),
        ("score --model saved --config tiers.toml", "vip_share, core_share and regular_share are (3.0, 0.8, 0.95)"),
        ("score --model saved --config portfolio.toml", "portfolio in portfolio.toml: the levels small, large"),
        ("lists --offer-cost free", "--offer-cost is 'free', not an amount of money"),
        ("lists --offer-cost 0", "--offer-cost and --contact-cost are both 0: what costs nothing"),
        ("lists --contact-cost -1", "--contact-cost is '-1', not an amount of money"),
        ("lists --acceptance 30", "--acceptance is '30', not a number above 0 to 1"),
        ("lists --budget 0", "--budget is '0', not an amount of money"),
        ("lists --contacts 0", "--contacts is '0', not a whole number from 1 on"),
        ("lists --win-back-contacts few", "--win-back-contacts is 'few', not a whole number from 1 on"),
        ("lists --model nowhere", "nowhere is not a saved model"),
        ("lists --model saved --previous-scores nowhere.parquet", "there is no file or folder nowhere.parquet"),
        ("lists --model saved --previous-scores costs.csv", "costs.csv has no column cutoff or rank or tier"),
        ("lists --model saved --cost-to-serve segments.csv", "segments.csv has no column cost_to_serve"),
        ("lists --model saved --out orders.csv", "orders.csv is a file, where a folder is to be written; change"),
        ("lists --model saved --config tiers.toml", "vip_share, core_share and regular_share are (3.0, 0.8, 0.95)"),
        ("backtest --config forecast.toml", "forecast in forecast.toml: learning_rate of trees is 3.0; give a"),
        ("backtest --out folder", "has something in it that is not a duramen backtest"),
        ("backtest --out orders.csv", "orders.csv is a file, where a folder is to be written; change --out"),
        ("backtest --seeds -1", "--seeds is '-1', not a whole number from 0 on"),
        ("backtest --cutoffs 0", "--cutoffs is '0', not a whole number from 1 on"),
        ("backtest --cutoff 1998-01-01 --cutoff June", "--cutoff is ['1998-01-01', 'June'], not a day"),
        ("backtest --cutoffs 2 --cutoff 1998-01-01", "both --cutoff and --cutoffs are given"),
        ("backtest --horizon soon", "--horizon is 'soon', not a length"),
        ("backtest --customers nowhere.csv", "there is no file or folder nowhere.csv"),
        ("backtest --features costs.csv", "have a name that duramen uses itself (for example 'cost_to_serve')"),
        ("audit --out audit.pdf", "an audit is written as .html, not as 'audit.pdf'; change --out"),
        ("audit --out nowhere/a.html", "there is no folder nowhere to write a.html to; create it or change --out"),
        ("audit --out segments.html", "and its table would replace segments.csv; give --out another name"),
        ("audit --segment group", "has no column 'group'"),
        ("audit --treatment plan", "neither a column"),
        ("audit --previous nowhere.csv", "there is no file or folder nowhere.csv"),
        ("audit --assigned-on soon", "--assigned-on is 'soon', not a day"),
        ("audit --cutoff soon", "--cutoff is 'soon', not a day"),
        ("audit --horizon soon", "--horizon is 'soon', not a length"),
        ("audit --customers nowhere.csv", "there is no file or folder nowhere.csv"),
        ("monitor --model nowhere", "nowhere is not a saved model"),
        ("monitor --since soon", "--since is 'soon', not a day"),
        ("monitor --scores nowhere.parquet", "there is no file nowhere.parquet; give a file that duramen score wrote"),
        ("monitor --scores costs.csv", "costs.csv has no sidecar costs.json beside it"),
        ("monitor --config monitor.toml", "monitor in monitor.toml: drift of monitor is -1.0; give a number from 0"),
        ("promote --metric gini", "no metric is called 'gini'"),
        ("promote --margin -1", "the margin -1.0 is not a number from 0 on"),
        ("promote --margin much", "--margin is 'much', not a number from 0 on"),
        ("promote --name a/b", "--name is 'a/b', not the name of a registered model"),
        ("promote --config promotion.toml", "promotion in promotion.toml: the confidence 2.0 is not a number"),
        ("promote --cutoff soon", "--cutoff is 'soon', not a day"),
        ("promote", "model is not a saved model: it has no model.json"),
        ("rollback --kind dealer", "--kind is 'dealer', not one of channel, end"),
        ("rollback --name a:b", "--name is 'a:b', not the name of a registered model"),
        ("demo --out orders.csv", "orders.csv is a file, where a folder is to be written; change --out"),
    ],
    ids=lambda part: part if part.split()[0] in REQUIRED else "",
)  # fmt: skip
def test_a_setting_that_is_wrong_is_refused_before_the_orders_are_read(words, sentence, unread, tmp_path):
    shutil.copytree(SAVED, tmp_path / "saved")
    Path("folder").mkdir()
    Path("folder", "thesis.doc").write_text("years of work")
    Path("orders.csv").write_text("never read\n")
    Path("costs.csv").write_text("customer_id,cost_to_serve\n1,2\n")
    pd.DataFrame({"customer_id": range(6), "segment": list("ababab")}).to_csv("segments.csv", index=False)
    for name, text in {
        "tiers": "[tiers]\nvip_share = 3\n",
        "treatments": "[tiers.treatments]\nquiet = 'wait'\n",
        "forecast": "[forecast.trees]\nlearning_rate = 3\n",
        "weights": "[segment_weights]\ncolour = 1\n",
        "portfolio": "[portfolio.size]\ncuts = [3, 1]\n",
        "promotion": "[promotion]\nconfidence = 2\n",
        "monitor": "[monitor]\ndrift = -1\n",
        "segment": "[market]\ndemand_change = -20\nresponse = { '2 active frequnt buyers, high spend' = 2 }\n",
        "nothing": "[market.response]\n1 = 2\n",
        "by": "[market]\ndemand_change = -20\nresponse_by = 'tier'\n",
        "word": "[market]\ndemand_change = -20\nresponse = { 1 = 'twice' }\n",
    }.items():
        Path(f"{name}.toml").write_text(text)
    command, *rest = words.split()
    assert sentence in unread(command, *REQUIRED[command], *rest)
