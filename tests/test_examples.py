"""The examples: the nightly job runs, the notebook runs on Spark, the DAGs and the image call commands that exist."""

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from duramen.cli.app import app

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"


def options_of(command):
    """Return the options that the help of a command lists."""
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, shown.output
    return set(re.findall(r"--[a-z-]+", shown.output))


def assert_known(line):
    """Check that a line calls a command of duramen with options that it has."""
    program, command, *words = shlex.split(line)
    assert program == "duramen"
    assert {word for word in words if word.startswith("--")} <= options_of(command)


def test_the_nightly_job_ranks_and_replaces_the_scores(trained):
    folder = trained.folder
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "ORDERS": "orders.csv", "MODEL": "model", "OUT": "nightly.parquet", "CUTOFF": "1998-04-01",
    }  # fmt: skip
    for _ in range(2):
        done = subprocess.run(
            [EXAMPLES / "score_nightly.sh"], cwd=folder, env=environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert "0 of" in done.stdout  # the second night, no customer had other orders
    ranking = pd.read_parquet(folder / "nightly.parquet")
    assert ranking["rank"].tolist() == list(range(1, len(ranking) + 1))


def test_the_nightly_job_names_a_setting_that_is_missing(tmp_path):
    done = subprocess.run(
        [EXAMPLES / "score_nightly.sh"], cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "ORDERS: names the orders" in done.stderr


def test_the_dags_call_commands_and_options_that_exist():
    tree = ast.parse((EXAMPLES / "airflow_dag.py").read_text())
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert modules == {"datetime", "airflow.sdk"}
    orders = "orders.csv"
    returned = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)]
    lines = [eval(compile(ast.Expression(value), "dag", "eval"), {"ORDERS": orders}) for value in returned]
    assert len(lines) == 3
    for line in lines:
        assert_known(line.replace("{{ ds }}", "2026-01-01"))


# Spark leaves sockets open until the collector finds them, and asks pandas 3 for copies that it does not make any more.
@pytest.mark.filterwarnings(
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore:The copy keyword is deprecated",
)
def test_the_notebook_runs_from_top_to_bottom(shop_orders, spark):
    frame = shop_orders[["customer_id", "date", "amount"]]
    spark.createDataFrame(frame).createOrReplaceTempView("orders")
    names = {"spark": spark}
    try:
        for cell in (EXAMPLES / "databricks_notebook.py").read_text().split("# COMMAND ----------"):
            if "# MAGIC" not in cell:
                exec(compile(cell, "notebook", "exec"), names)
        kept = spark.table("core_customers").toPandas()
        assert len(kept) == len(names["customers"])
        assert sorted(kept["rank"]) == list(range(1, len(kept) + 1))
    finally:
        spark.sql("drop table if exists core_customers")


def test_the_image_installs_what_it_copies_and_starts_the_command():
    lines = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    steps = [line.partition(" ")[::2] for line in lines if line and not line.startswith("#")]
    copied = [word for step, words in steps if step == "COPY" for word in words.split()[:-1]]
    assert all((ROOT / name).exists() for name in copied)
    shown = (ROOT / ".dockerignore").read_text().split()
    assert {f"!{name}" for name in copied} <= set(shown)
    install = next(words for step, words in steps if step == "RUN" and "pip install" in words)
    assert "--constraint /build/constraints.txt" in install
    assert ("ENTRYPOINT", '["duramen"]') in steps
    example = next(line for line in lines if "docker run" in line)
    assert_known("duramen " + example.split(" duramen ", 1)[1])
