"""What `import duramen` and the packages of a subject offer: names, summaries, and nothing imported before its use."""

import ast
import importlib
import inspect
import os
import pydoc
import subprocess
import sys
from pathlib import Path

import pytest

import duramen

PACKAGES = (
    "duramen",
    "duramen.analysis",
    "duramen.btyd",
    "duramen.evaluation",
    "duramen.forecast",
    "duramen.segments",
)
HEAVY = {
    "numpy",
    "pandas",
    "pyarrow",
    "ibis",
    "duckdb",
    "scipy",
    "sklearn",
    "lightgbm",
    "shap",
    "mlflow",
    "altair",
}


def names_in_stub(package):
    """Return the names that the stub of a package offers, as a type checker reads them."""
    stub = Path(importlib.import_module(package).__file__).with_suffix(".pyi")
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    return [alias.asname for node in tree.body for alias in node.names]


PUBLIC = [(package, name) for package in PACKAGES for name in names_in_stub(package) if name != "__version__"]


@pytest.mark.parametrize(("package", "name"), PUBLIC)
def test_every_public_name_has_a_summary_and_is_completed(package, name):
    module = importlib.import_module(package)
    assert name in dir(module)
    assert name in module.__all__
    summary = (inspect.getdoc(getattr(module, name)) or "").split("\n")[0]
    assert summary[:1].isupper() or summary.startswith("BG/NBD")
    assert summary.endswith("."), summary
    assert len(summary.split()) > 3


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_offers_what_its_stub_lists_and_nothing_else(package):
    module = importlib.import_module(package)
    assert sorted(names_in_stub(package)) == sorted(module.__all__) == sorted(dir(module))


@pytest.mark.parametrize("package", PACKAGES)
def test_no_public_name_is_that_of_a_module(package):
    folder = Path(importlib.import_module(package).__file__).parent
    modules = {path.stem for path in folder.glob("*.py")} | {
        path.name for path in folder.iterdir() if (path / "__init__.py").exists()
    }
    functions = [name for name in names_in_stub(package) if not (folder / name / "__init__.py").exists()]
    assert modules.intersection(functions) == set()


def test_help_describes_every_public_name():
    shown = pydoc.render_doc(duramen, renderer=pydoc.plaintext)
    for name in duramen.__all__:
        thing = getattr(duramen, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing).split("\n")[0] in shown, name


def test_the_first_lines_of_help_list_every_name_with_its_purpose():
    listed = [line.split() for line in duramen.__doc__.split("\n") if line.startswith("    ")]
    subjects = {package.removeprefix("duramen.") for package in PACKAGES[1:]}
    assert sorted(words[0] for words in listed) == sorted({*duramen.__all__} - subjects - {"__version__"})
    assert all(len(words) > 3 for words in listed)


def test_the_top_has_the_names_used_most_and_no_more():
    assert 20 <= len(set(duramen.__all__) - {package.removeprefix("duramen.") for package in PACKAGES}) <= 30


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_imports_nothing_heavy(package):
    program = f"import sys, {package}; dir({package}); print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert set(done.stdout.split()) & HEAVY == set()


def test_the_package_declares_its_types():
    assert (Path(duramen.__file__).parent / "py.typed").is_file()
