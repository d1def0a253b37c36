"""The README and the docs agree with the code: blocks run, and every name, option, file and link exists.

CONTRIBUTING.md states how a page is written: what runs, what is given, and how a block that cannot run is marked.
"""

import ast
import importlib
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest
from tests import shops

import duramen

ROOT = Path(__file__).parents[1]
DOCS = sorted(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts)
PAGES = [ROOT / "README.md", *DOCS]
CODE = sorted((ROOT / "src").rglob("*.py"))
BLOCK = re.compile(r"((?:^<!--.*?-->\n+)*)^```(python|bash)\n(.*?)^```", re.M | re.S)
NOT_RUN = re.compile(r"<!-- not run: (.+?) -->")
GIVEN = re.compile(r"<!-- given: ([\w, ]+?) -->")


class Block(NamedTuple):
    """A fenced block of a page, and what the comments above it state."""

    language: str
    text: str
    runs: bool
    reason: str | None  # why it cannot run here


def named(page):
    """Return the path of a page in the repository, which names its tests."""
    return page.relative_to(ROOT).as_posix()


def fenced(page):
    """Return the blocks of Python and of commands of a page, in order."""
    found = []
    for marks, language, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        reason = NOT_RUN.search(marks)
        runs = reason is None and (language == "python" or "<!-- run -->" in marks)
        found.append(Block(language, text, runs, reason[1] if reason else None))
    return found


def blocks(page, language):
    """Return the texts of the fenced blocks of a language on a page."""
    return [block.text for block in fenced(page) if block.language == language]


def commands(page):
    """Return the command lines that start with `duramen` in the blocks of a page, without comments."""
    text = re.sub(r"\\\n\s*", "", page.read_text(encoding="utf-8"))
    lines = re.findall(r"^(?:    )?(?:\w+=\S+ )?(?:uv run )?(duramen [a-z].*)$", text, re.M)
    return [line.split("  #")[0] for line in lines]


def of_every_page(find):
    """Return what is found on each page, as parameters of a test."""
    return [
        pytest.param(found, id=f"{named(page)}-{at}") for page in PAGES for at, found in enumerate(find(page))
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
    """Return a folder with the files that the blocks of the docs read; CONTRIBUTING.md lists them."""
    folder = tmp_path_factory.mktemp("docs")
    ids = shop.customers["customer_id"]
    at = range(len(ids))
    tables = {
        "orders.csv": shop.orders,
        "small.csv": shop.orders[shop.orders["customer_id"].isin(ids[::4])],
        "lines.csv": lines_of_a_shop(),
        "customers.csv": pd.DataFrame(
            {
                "customer_id": ids,
                "kind": ["consumer" if number % 3 else "channel" for number in at],
                "credit": [number % 5 for number in at],
            }
        ),
        "features.csv": pd.DataFrame({"customer_id": ids, "known_from": "1998-01-01", "web_visits": at}),
        "segments.csv": pd.DataFrame(
            {"customer_id": ids, "segment": shop.model.segments_.predict(shop.customers)}
        ),
        "costs.csv": pd.DataFrame({"customer_id": ids, "cost_to_serve": [number % 4 for number in at]}),
    }
    for name, table in tables.items():
        table.to_csv(folder / name, index=False)
    ranking = duramen.rank_customers(shop.model, shop.tx, shop.customers)
    for name in ("scores.parquet", "ranking.parquet"):
        ranking.to_parquet(folder / name, index=False)
    (folder / "salt.txt").write_text("0123456789abcdef0123456789abcdef\n")
    shop.model.save(folder / "model")
    return folder


def lines_of_a_shop():
    """Return the lines of a shop with products, discounts, countries and statuses."""
    lines = shops.shop(customers=200, seed=1).rename(columns={"order": "order_id"})
    number = lines["product"].str[1:].astype(int)
    return lines.assign(
        category=number.map(lambda product: "dear" if product < 10 else "cheap"),
        discount=(lines["amount"] * (lines["order_id"] % 4 == 0) * 0.1).round(2),
        country=lines["customer_id"].map(lambda customer: ("Germany", "France", "Spain")[customer % 3]),
        status=lines["order_id"].map(lambda order: "cancelled" if order % 50 == 0 else "paid"),
    )


@pytest.fixture(scope="module")
def given(shop):
    """Return the variables that a page can take as given."""
    count = len(shop.customers)
    earlier = duramen.customer_table(shop.tx, "1998-01-01")
    return {
        "dm": duramen,
        "pd": pd,
        "tx": shop.tx,
        "window": shop.window,
        "cutoff": shop.window.cutoff,
        "model": shop.model,
        "customers": shop.customers.assign(
            discount_share=[at % 7 / 20 for at in range(count)],
            discount_day_share=[at % 5 / 5 for at in range(count)],
        ),
        "customers_then": earlier,
        "scores": shop.scores,
        "ranking": shop.ranking,
        "credit": pd.Series([at % 5 for at in range(count)], index=shop.customers["customer_id"]),
    }


def begin_in(folder, monkeypatch):
    """Change to a folder with an MLflow store of its own, as a new process there would have."""
    monkeypatch.chdir(folder)
    # MLflow keeps stores by their address, so that a relative one of another folder would be taken for this one.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlruns/mlflow.db")
    monkeypatch.setattr("mlflow.tracking._tracking_service.utils._tracking_uri", None)


def run_commands(text, monkeypatch):
    """Run each command of a block as the command line does, and expect that it succeeds."""
    from duramen.cli.app import main

    for line in re.sub(r"\\\n\s*", "", text).strip().splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        assert words[0] == "duramen", f"{line}: only duramen runs here"
        monkeypatch.setattr(sys, "argv", words)
        try:
            main()
        except SystemExit as end:
            assert not end.code, line  # noqa: PT017 - the status is what is checked


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [page for page in DOCS if any(block.runs for block in fenced(page))],
    ids=named,
)
def test_the_blocks_of_a_page_run_in_order(page, workspace, given, tmp_path, monkeypatch):
    folder = shutil.copytree(workspace, tmp_path / "docs")
    begin_in(folder, monkeypatch)
    monkeypatch.setenv("COLUMNS", "120")
    names = GIVEN.search(page.read_text(encoding="utf-8"))
    taken = names[1].replace(" ", "").split(",") if names else []
    variables = {name: given[name] for name in taken}
    for number, block in enumerate(fenced(page), start=1):
        if block.runs and block.language == "python":
            exec(compile(block.text, f"block {number} of {named(page)}", "exec"), variables)
        elif block.runs:
            run_commands(block.text, monkeypatch)


def test_at_most_one_block_of_python_in_ten_is_not_run_and_each_of_those_has_a_reason():
    python = [block for page in DOCS for block in fenced(page) if block.language == "python"]
    not_run = [block for block in python if not block.runs]
    assert all(len(str(block.reason).split()) > 1 for block in not_run)
    assert len(not_run) <= len(python) / 10, f"{len(not_run)} of {len(python)} blocks are not run"


def test_every_comment_above_a_block_is_one_that_is_read():
    replaced = r"names: [\s\w.]+|public names of [\w.]+|names by purpose|commands"
    known = rf"<!-- (?:run|not run: .+?|given: [\w, ]+?|{replaced}) -->"
    for page in DOCS:
        for comment in re.findall(r"<!--.*?-->", page.read_text(encoding="utf-8"), re.S):
            assert re.fullmatch(known, re.sub(r"\s+", " ", comment)), f"{named(page)}: {comment}"


@pytest.mark.slow
def test_the_block_of_the_readme_runs(shop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    later = pd.Timestamp("2011-06-01") - pd.Timestamp(shop.window.cutoff)
    shop.orders.assign(date=pd.to_datetime(shop.orders["date"]) + later).to_csv("orders.csv", index=False)
    (text,) = blocks(ROOT / "README.md", "python")
    made = {}
    exec(compile(text, "README", "exec"), made)
    model, ranking = made["model"], made["ranking"]
    customers = duramen.customer_table(made["tx"], made["window"].cutoff)
    assert ranking["rank"].tolist() == list(range(1, len(customers) + 1))
    factors = model.explain(customers).query("part == 'value'")
    value = factors.groupby("customer_id")["factor"].prod()
    predicted = ranking.set_index("customer_id")["predicted_value"]
    assert value[predicted.index].to_numpy() == pytest.approx(predicted.to_numpy(), rel=1e-6)
    assert Path("report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.slow
def test_the_commands_of_the_readme_run_in_order(workspace, tmp_path, monkeypatch):
    begin_in(tmp_path, monkeypatch)
    shutil.copy(workspace / "small.csv", "orders.csv")
    lines = [line for line in commands(ROOT / "README.md") if "orders.csv" in line and "`" not in line]
    assert [line.split()[1] for line in lines] == ["train", "score"]
    run_commands("\n".join(lines), monkeypatch)
    assert Path("report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert len(pd.read_parquet("scores.parquet")) > 600


@pytest.mark.parametrize("text", of_every_page(lambda page: blocks(page, "python")))
def test_every_import_of_a_block_resolves(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                resolve(f"{node.module}.{alias.name}")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "dm":
            resolve(f"duramen.{node.attr}")


@pytest.mark.parametrize("page", PAGES, ids=named)
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


@pytest.mark.parametrize("page", PAGES, ids=named)
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


def test_every_script_exists_and_has_the_options_that_are_written():
    results = [ROOT / folder / "RESULTS.md" for folder in ("benchmarks", "experiments")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in [*PAGES, *results])
    calls = re.findall(r"python ((?:benchmarks|experiments)/\w+\.py[^`\n]*)", text)
    assert calls
    for line in calls:
        script, *words = line.split()
        code = (ROOT / script).read_text(encoding="utf-8")
        for word in words:
            assert not word.startswith("--") or f'"{word}"' in code, line


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_file_and_link_of_a_page_exists(page):
    text = page.read_text(encoding="utf-8")
    for path in re.findall(r"`((?:src|tests|docs|experiments|benchmarks|notebooks)/[\w./]+)`", text):
        assert (ROOT / path).exists(), path
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[\w-]*)?\)", text):
        assert (page.parent / target).exists(), target
