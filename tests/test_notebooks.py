"""The notebooks run from top to bottom without a warning, call the package, and end in what to do next."""

import ast
import os
import re
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
LARGEST = 300_000  # bytes of a notebook with its outputs
FILTERS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"][
    "ini_options"
]["filterwarnings"]


def read(notebook):
    return nbformat.read(ROOT / "notebooks" / notebook, as_version=4)


def code_of(notebook):
    """Return the cells of code as Python, without those that a shell runs."""
    code = (cell.source for cell in read(notebook).cells if cell.cell_type == "code")
    return ast.parse("\n".join(source for source in code if not source.startswith("%%sh\n")))


def warnings_as_errors():
    """Return a cell that makes each warning an error, apart from those that the tests allow."""
    lines = ["import warnings", "warnings.simplefilter('error')"]
    for kind in FILTERS:
        action, _, message = kind.partition(":")
        if action == "ignore":
            message = re.sub(r":\w+Warning$", "", message).replace("\\\\", "\\")
            lines.append(f"warnings.filterwarnings('ignore', {message!r})")
    # py4j, by which Python talks to Spark, leaves sockets to the garbage collector.
    lines.append("warnings.simplefilter('ignore', ResourceWarning)")
    # tqdm, which shap and MLflow import, looks for widgets that these tests do without.
    lines.append("warnings.filterwarnings('ignore', 'IProgress not found')")
    # ipykernel warns about its own shutdown.
    lines.append("warnings.filterwarnings('ignore', 'For consistency across implementations')")
    return nbformat.v4.new_code_cell("\n".join(lines))


def test_notebooks_are_numbered_without_a_gap():
    assert [name[:3] for name in NOTEBOOKS] == [f"{number:02d}_" for number in range(1, len(NOTEBOOKS) + 1)]


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_notebook_calls_the_package_and_defines_nothing(notebook):
    defined = [
        ast.unparse(node)
        for node in ast.walk(code_of(notebook))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    assert not defined


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_notebook_begins_with_its_title_and_ends_with_what_to_do_next(notebook):
    cells = read(notebook).cells
    assert cells[0].source.startswith("# ")
    last = [line for cell in cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]
    assert [line for line in last if line.startswith("#")][-1] == "## What to do next"
    assert cells[-1].cell_type == "markdown"


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_cell_of_code_stands_between_two_of_text(notebook):
    kinds = [cell.cell_type for cell in read(notebook).cells]
    assert kinds[0] == kinds[-1] == "markdown"
    assert ("code", "code") not in set(pairwise(kinds))


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_notebook_is_kept_without_outputs(notebook):
    code = [cell for cell in read(notebook).cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_notebook_runs_from_top_to_bottom(notebook, tmp_path, monkeypatch):
    # Commands of the notebooks are those of this environment, and workers of Spark run its Python.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
    run = read(notebook)
    run.cells.insert(0, warnings_as_errors())

    NotebookClient(
        run, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()

    code = [cell for cell in run.cells if cell.cell_type == "code"]
    assert all(cell.get("execution_count") for cell in code)
    printed = [out.text for cell in code for out in cell.outputs if out.output_type == "stream"]
    assert not [text for text in printed if "Traceback" in text or "Warning" in text or "Error:" in text]
    assert len(nbformat.writes(run)) < LARGEST
