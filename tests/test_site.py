"""The documentation site is built from pages and docstrings without a warning, and has what readers look for."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import duramen
from duramen.cli.app import COMMANDS

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the site as ``make docs`` does, and return its folder."""
    folder = tmp_path_factory.mktemp("site")
    options = ["-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, ROOT / "docs", folder],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.slow
def test_the_site_has_every_command_and_every_name_of_the_package(site):
    commands = (site / "reference" / "cli.html").read_text(encoding="utf-8")
    assert all(f'id="duramen-{name}"' in commands for name in COMMANDS)
    names = (site / "reference" / "api" / "duramen.html").read_text(encoding="utf-8")
    link = r'<a class="reference internal" href="[^"]*" title="[\w.]+"><code[^>]*><span[^>]*>(\w+)'
    linked = set(re.findall(link, names))
    packages = {"analysis", "btyd", "evaluation", "forecast", "segments", "__version__"}
    assert set(duramen.__all__) - packages - linked == set()


@pytest.mark.slow
def test_every_page_can_be_reached_from_the_first(site):
    first = (site / "index.html").read_text(encoding="utf-8")
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    folded = {page for page in pages if page.parent.name == "api"}
    linked = {Path(target) for target in re.findall(r'href="([^"#]+\.html)', first)}
    assert {page for page in pages - folded if "_build" not in page.parts} - linked - {
        Path("index.html")
    } == set()
