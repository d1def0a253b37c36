"""What the code imports comes in, and what pyproject.toml and constraints.txt declare; the two agree."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CORE = PROJECT["project"]["dependencies"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
GROUPS = PROJECT["dependency-groups"]
PINS = PROJECT["tool"]["uv"]["constraint-dependencies"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text().splitlines()
# Ibis writes its SQL with it and allows versions that it does not work with.
NEVER_IMPORTED = {"sqlglot"}
# The packages that the owner of the project named.
NAMED = {"scikit-learn", "lightgbm", "lifetimes", "mlflow", "pandas", "shap"}
# Packages that come with another one, and are part of what that one is used for.
COME_WITH = {"markupsafe": "jinja2", "sqlalchemy": "mlflow", "requests": "mlflow"}


def names(requirements):
    return {re.match(r"[\w-]+", line)[0] for line in requirements if isinstance(line, str)} - {"duramen"}


def imported(*paths):
    """Return the distributions that modules import, of our own files and folders."""
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*.py"))]
    found = set()
    for node in (node for file in files for node in ast.walk(ast.parse(file.read_text()))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module.partition(".")[0])
    modules = found - set(sys.stdlib_module_names) - {"duramen"}
    distributions = packages_distributions()
    # MLflow is one package in parts, under the name of the whole.
    found = {min(distributions[module], key=len).lower().replace("_", "-") for module in modules}
    return {COME_WITH.get(name, name) for name in found}


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    declared = names(CORE) | {name for extra in EXTRAS.values() for name in names(extra)}
    used = imported(ROOT / "src")
    # The data sets of an extra are looked up by name.
    assert used == declared - NEVER_IMPORTED - names(EXTRAS["datasets"])


def test_the_packages_of_an_extra_are_imported_where_that_extra_is_used_alone():
    apart = {
        "report": [ROOT / "src/duramen/report"],
        "spark": [ROOT / f"src/duramen/{folder}" for folder in ("cli", "data", "forecast", "io", "scoring")],
        "postgres": [ROOT / "src/duramen/io"],
        "mysql": [ROOT / "src/duramen/io"],
        "delta": [ROOT / "src/duramen/data"],
        "excel": [ROOT / "src/duramen/data", ROOT / "src/duramen/io"],
    }
    everywhere = set((ROOT / "src/duramen").iterdir())
    for extra, folders in apart.items():
        others = [path for path in everywhere - set(folders) if path.is_dir()]
        assert not imported(*others) & (names(EXTRAS[extra]) - names(CORE)), extra


def test_the_named_packages_are_in_the_core():
    assert names(CORE) >= NAMED


def test_the_extra_all_has_every_extra():
    (everything,) = EXTRAS["all"]
    assert set(re.search(r"\[(.*)\]", everything)[1].split(",")) == EXTRAS.keys() - {"all"}


def test_ranges_of_the_core_begin_somewhere_and_are_no_pins():
    for line in CORE + [line for extra in EXTRAS.values() for line in extra]:
        assert "==" not in line
    assert all(">=" in line for line in CORE if not names([line]) & NEVER_IMPORTED)


def test_every_package_that_is_declared_has_a_pin():
    groups = {name for group in GROUPS.values() for name in names(group)}
    declared = names(CORE) | {name for extra in EXTRAS.values() for name in names(extra)} | groups
    assert names(PINS) == declared
    assert all(re.fullmatch(r"[\w-]+==[\w.]+", pin) for pin in PINS)


def test_constraints_are_exact_name_no_host_and_have_every_pin_of_what_users_install():
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in CONSTRAINTS)
    installed = names(CORE) | {name for extra in EXTRAS.values() for name in names(extra)}
    assert {pin for pin in PINS if names([pin]) <= installed} <= set(CONSTRAINTS)


@pytest.mark.parametrize("group", ["test", "lint", "docs"])
def test_tools_are_groups_and_never_reach_users(group):
    core = names(CORE) | {name for extra in EXTRAS.values() for name in names(extra)}
    assert GROUPS[group]
    assert not names(GROUPS[group]) & core
