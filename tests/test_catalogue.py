"""The catalogue has one translation of each text of the program, and no other."""

import re
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import duramen
from duramen.language import CATALOGUE

METHODS = [("**.py", "python"), ("**.j2", "jinja2.ext:babel_extract")]
KEYWORDS = {"say": None, "say_count": (1, 2), "marked": None, "_": None}
BRACES = re.compile(r"\{\w*\}")


@pytest.fixture(scope="module")
def texts():
    """Give the texts of the source by the place of one of their uses."""
    found = {}
    for file, line, message, *_ in extract_from_dir(
        Path(duramen.__file__).parent, METHODS, keywords=KEYWORDS
    ):
        for text in (message,) if isinstance(message, str) else message:
            found[text] = f"{file}:{line}"
    return found


@pytest.fixture(scope="module")
def translations():
    with CATALOGUE.open("rb") as lines:
        return {entry.id: entry.string for entry in read_po(lines) if entry.id}


# Babel of other versions takes keys for texts too.
@pytest.mark.slow
def test_every_text_has_a_translation(texts, translations):
    assert {text: place for text, place in texts.items() if not translations.get(text)} == {}


@pytest.mark.slow
def test_no_translation_is_obsolete(texts, translations):
    assert [text for text in translations if text not in texts] == []


def test_no_text_is_translated_twice():
    written = CATALOGUE.read_text(encoding="utf-8")
    entries = re.findall(r'^msgid ((?:".*"\n)+)', written, flags=re.MULTILINE)
    assert [text for text, times in Counter(entries).items() if times > 1] == []


def test_translations_keep_the_names_of_values(translations):
    def names(text):
        return Counter(BRACES.findall(text))

    # A value may be said once where English says it twice, and the reverse.
    wrong = {text: said for text, said in translations.items() if set(names(text)) != set(names(said))}
    assert wrong == {}


def test_translations_have_no_space_beside_chinese_punctuation(translations):
    beside = re.compile(r" [\uff0c\u3002\uff1b\uff1a\uff08\uff09]|[\uff0c\u3002\uff1b\uff1a\uff08\uff09] ")
    assert [said for said in translations.values() if beside.search(said)] == []
