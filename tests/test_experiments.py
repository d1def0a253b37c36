"""Experiments train and report as configured, scripts import what exists, and the page of results is complete."""

import ast
import importlib
import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from duramen.cli.config.cutoffs import BacktestConfig
from duramen.cli.config.read import read_config
from duramen.scoring.model import CoreCustomerModel

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
SCRIPTS = sorted([*EXPERIMENTS.glob("*.py"), *EXPERIMENTS.with_name("benchmarks").glob("*.py")])
CONFIGS = sorted(EXPERIMENTS.glob("*.toml"))
TRAININGS = [path.stem for path in CONFIGS if "model_out" in tomllib.loads(path.read_text())]


@pytest.fixture(scope="module")
def results():
    """Load the script that writes the page of results, which finds its own modules beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXPERIMENTS)
        yield importlib.import_module("results")


@pytest.mark.slow
@pytest.mark.parametrize("experiment", TRAININGS)
def test_an_experiment_trains_evaluates_and_reports(experiment, tmp_path):
    command = [sys.executable, "-c", "from duramen.cli.app import main; main()", "train"]

    done = subprocess.run(
        [*command, "--config", str(EXPERIMENTS / f"{experiment}.toml")],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "which the models had not seen, the top fifth" in " ".join(done.stdout.split())
    assert CoreCustomerModel.load(tmp_path / "models" / experiment).importance_ is not None
    assert (tmp_path / f"{experiment}.html").stat().st_size > 50_000
    assert (tmp_path / "mlruns" / "mlflow.db").is_file()


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_the_page_of_results_has_every_experiment(config):
    assert f"\n## {config.stem}\n" in (EXPERIMENTS / "RESULTS.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_an_experiment_says_what_to_backtest(config, results):
    table = tomllib.loads(config.read_text())
    settings = read_config(BacktestConfig, config, {"orders": table.get("orders", "orders.csv")})
    assert (settings.cutoff is not None) != ("cutoffs" in settings.model_fields_set)
    assert settings.horizon is not None
    assert results.is_there(table.get("orders", "")) == ("orders" in table)


def test_a_section_has_every_figure_and_marks_the_best(backtested, results):
    text = results.section(EXPERIMENTS / "cdnow.toml", backtested.out)
    assert "182 days from 1997-10-01, 182 days from 1997-12-31" in text
    head = next(line for line in text.split("\n") if line.startswith("| value |"))
    assert head.split(" | ")[1:3] == ["duramen", "past spend"]
    gini = next(line for line in text.split("\n") if line.startswith("| normalised Gini"))
    cells = [cell.strip() for cell in gini.strip("|").split("|")][1:]
    best = max(cells, key=lambda cell: float(cell.strip("*")))
    assert best.startswith("**")
    assert "| growing | AUC |" in text
    assert "| 1997-10-01 | 1997-12-31 | " in text


def test_the_page_names_no_path_of_a_machine():
    assert not re.search(
        r"(^|[\s(`=])(/|~|\w:\\)\w", (EXPERIMENTS / "RESULTS.md").read_text(encoding="utf-8")
    )


def test_orders_are_there_where_a_file_or_a_known_data_set_is_named(results):
    assert results.is_there("orders.csv")
    assert not results.is_there("dataset:nothing")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_script_imports_names_that_exist(script):
    imports = [
        (node.module, alias.name)
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("duramen")
        for alias in node.names
    ]
    for module, name in imports:
        assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


def test_the_page_of_benchmarks_reads_the_table_of_scoring(monkeypatch):
    monkeypatch.syspath_prepend(EXPERIMENTS.with_name("benchmarks"))
    spec = importlib.util.spec_from_file_location(
        "benchmark_results", EXPERIMENTS.parent / "benchmarks" / "results.py"
    )
    benchmarks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmarks)
    printed = """
   100,000     607,927      usual, core     0.35     0.52   0.62        4,777
   100,000     607,927       ours, core     0.18     0.21   0.83        9,093
   100,000     607,927       ours, none     0.16     0.18   0.70       10,507
   100,000     607,927    careful, none     0.13     0.14   0.56       12,520
"""
    rows = list(benchmarks.score(printed))
    found = [(row.peer, row.duramen, row.its_figure) for row in rows if row.more_is_better]
    assert found == [
        ("usual pandas script, reasons of core", 9093, 4777),
        ("careful pandas script, reasons of none", 10507, 12520),
    ]
