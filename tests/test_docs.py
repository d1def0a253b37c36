"""The README and the docs agree with the code: blocks run, and every name, option, file and link exists."""

import ast
import importlib
import re
import shlex
from pathlib import Path

import pandas as pd
import pytest

import duramen

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CODE = sorted((ROOT / "src").rglob("*.py"))
# These need a Spark session, or train at many cutoffs or record in MLflow, which tests of their own do.
NOT_RUN = {"scale.md", "backtest.md", "mlflow.md"}


def blocks(page, language):
    """Return the fenced blocks of a language on a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


def commands(page):
    """Return the command lines that start with `duramen` in the blocks of a page, without comments."""
    text = re.sub(r"\\\n\s*", "", page.read_text(encoding="utf-8"))
    lines = re.findall(r"^(?:    )?(?:PG\w+=\S+ )?(duramen [a-z].*)$", text, re.M)
    return [line.split("  #")[0] for line in lines]


def of_every_page(find):
    """Return what is found on each page, as parameters of a test."""
    return [
        pytest.param(found, id=f"{page.name}-{at}") for page in PAGES for at, found in enumerate(find(page))
    ]


def resolve(name):
    """Import the longest part of a dotted name that is a module, and take the rest from it."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError as error:
            if not name.startswith(str(error.name)):
                raise
            continue
        for part in parts[length:]:
            thing = getattr(thing, part)
        return thing
    raise ModuleNotFoundError(name)


@pytest.fixture(scope="module")
def workspace(shop, tmp_path_factory):
    """Return a folder with the files that the blocks of the docs read: orders, customers, features, segments, model."""
    folder = tmp_path_factory.mktemp("docs")
    ids = shop.customers["customer_id"]
    shop.orders.to_csv(folder / "orders.csv", index=False)
    known = pd.DataFrame(
        {"customer_id": ids, "kind": "consumer", "credit": [at % 5 for at in range(len(ids))]}
    )
    known.loc[::3, "kind"] = "channel"
    known.to_csv(folder / "customers.csv", index=False)
    visits = pd.DataFrame({"customer_id": ids, "known_from": "1998-01-01", "web_visits": range(len(ids))})
    visits.to_csv(folder / "features.csv", index=False)
    labels = pd.DataFrame({"customer_id": ids, "segment": shop.model.segments_.predict(shop.customers)})
    labels.to_csv(folder / "segments.csv", index=False)
    shop.model.save(folder / "model")
    return folder


@pytest.fixture(scope="module")
def names(shop):
    """Return the variables that the blocks of the docs take as given."""
    count = len(shop.customers)
    earlier = duramen.customer_table(shop.tx, "1998-01-01")
    return {
        "tx": shop.tx,
        "model": shop.model,
        "model_then": shop.model,
        "model_now": shop.model,
        "customers": shop.customers.assign(
            discount_share=[at % 7 / 20 for at in range(count)],
            discount_day_share=[at % 5 / 5 for at in range(count)],
        ),
        "customers_then": earlier,
        "customers_now": shop.customers,
        "scores": shop.scores,
        "ranking": shop.ranking,
        "cutoff": shop.window.cutoff,
        "credit": pd.Series([at % 5 for at in range(count)], index=shop.customers["customer_id"]),
        "then_spent": shop.customers["net_spend_91"],
        "schema": shop.tx.days.schema(),
    }


RUN = [
    pytest.param(text, id=f"{page.stem}-{at}")
    for page in PAGES
    if page.name not in NOT_RUN | {"README.md"}
    for at, text in enumerate(blocks(page, "python"))
]


@pytest.mark.slow
@pytest.mark.parametrize("text", RUN)
def test_a_block_of_the_docs_runs(text, workspace, names, monkeypatch):
    monkeypatch.chdir(workspace)
    exec(compile(text, "docs", "exec"), dict(names))


@pytest.mark.slow
def test_the_block_of_the_readme_runs(shop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    later = pd.Timestamp("2011-06-01") - pd.Timestamp(shop.window.cutoff)
    shop.orders.assign(date=pd.to_datetime(shop.orders["date"]) + later).to_csv("orders.csv", index=False)
    (text,) = blocks(ROOT / "README.md", "python")
    made = {}
    exec(compile(text, "README", "exec"), made)
    assert made["ranking"]["rank"].tolist() == list(range(1, len(made["customers"]) + 1))
    value = made["factors"].query("part == 'value'").groupby("customer_id")["factor"].prod()
    predicted = made["ranking"].set_index("customer_id")["predicted_value"]
    assert value[predicted.index].to_numpy() == pytest.approx(predicted.to_numpy(), rel=1e-6)
    assert Path("report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("text", of_every_page(lambda page: blocks(page, "python")))
def test_every_import_of_a_block_resolves(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                resolve(f"{node.module}.{alias.name}")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "dm":
            resolve(f"duramen.{node.attr}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_all_python_is_in_fenced_blocks(page):
    plain = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    python = r"^    (?:import \w|from [\w.]+ import|print\(|[\w.]+ = \w+\(|\w+\.\w+\().*$"
    assert re.findall(python, plain, re.M) == []


def tags():
    """Return the names of MLflow tags and files that start with `duramen.`, as the code writes them."""
    return {
        found for path in CODE for found in re.findall(r"duramen\.[a-z_]+", path.read_text(encoding="utf-8"))
    }


@pytest.mark.parametrize(
    "name",
    sorted({found for page in PAGES for found in re.findall(r"`(duramen(?:\.\w+)+)", page.read_text())}),
)
def test_a_dotted_name_in_the_text_is_one_of_the_package_or_a_tag(name):
    if name not in {"duramen.toml"} and not (name.count(".") == 1 and name in tags()):
        resolve(name)


@pytest.fixture(scope="module")
def defined():
    """Return the names of all functions, methods and classes of the package."""
    return {
        name
        for path in CODE
        for name in re.findall(r"^ *(?:def|class) (\w+)", path.read_text(encoding="utf-8"), re.M)
    }


# Of other packages, of the language and of formulas.
OTHERS = {
    *(
        "read_csv",
        "to_sql",
        "table",
        "mapInPandas",
        "spark_udf",
        "load_model",
        "row_number",
        "persist",
        "saveAsTable",
    ),
    *("where", "hash", "abs", "max", "ceil", "logit", "exp", "help", "print", "usual"),
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_function_that_is_named_with_its_arguments_is_defined(page, defined):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    called = {
        name for span in re.findall(r"`([^`\n]+)`", text) for name in re.findall(r"\b([A-Za-z_]\w+)\(", span)
    }
    assert called - defined - OTHERS == set()


@pytest.mark.parametrize("line", of_every_page(commands))
def test_every_command_has_the_options_that_are_written(line):
    from duramen.cli.app import COMMANDS
    from duramen.cli.command import build_command

    words = shlex.split(line.split(",")[0])
    known = {option for part in build_command(words[1], *COMMANDS[words[1]]).params for option in part.opts}
    assert {word.split("=")[0] for word in words if word.startswith("--")} - known - {"--help"} == set()


def scripts(page):
    """Return the calls of scripts of the repository on a page."""
    return re.findall(r"python ((?:benchmarks|experiments)/\w+\.py[^`\n]*)", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("line", of_every_page(scripts))
def test_every_script_exists_and_has_the_options_that_are_written(line):
    script, *words = line.split()
    text = (ROOT / script).read_text(encoding="utf-8")
    for word in words:
        assert not word.startswith("--") or f'"{word}"' in text, word


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_and_link_of_a_page_exists(page):
    text = page.read_text(encoding="utf-8")
    for path in re.findall(r"`((?:src|tests|docs|experiments|benchmarks|notebooks)/[\w./]+)`", text):
        assert (ROOT / path).exists(), path
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[\w-]*)?\)", text):
        assert (page.parent / target).exists(), target
