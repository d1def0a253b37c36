"""Every page of docs/concepts has the picture that docs/pictures.py draws for it."""

import re
import runpy
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted((DOCS / "concepts").glob("*.md"))


def test_the_script_draws_one_picture_for_each_page():
    pictures = runpy.run_path(str(DOCS / "pictures.py"))["PICTURES"]
    assert sorted(pictures) == [page.stem for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_its_picture_with_a_text_for_readers_who_do_not_see_it(page):
    ((text, path),) = re.findall(r"!\[(.*?)\]\((.*?)\)", page.read_text(encoding="utf-8"), re.S)
    assert path == f"../images/concepts/{page.stem}.svg"
    assert len(text) > 60


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_picture_is_white_below_and_needs_no_variable_of_a_page(page):
    drawn = (DOCS / "images" / "concepts" / f"{page.stem}.svg").read_text(encoding="utf-8")
    assert ET.fromstring(drawn).find("{http://www.w3.org/2000/svg}rect").get("fill") == "#ffffff"
    assert "var(" not in drawn
