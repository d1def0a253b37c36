"""Texts for readers come in, in English; they go out in the language that is set, with their values filled in.

The catalogue ``locale/zh/LC_MESSAGES/duramen.po`` has one translation of each English text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cache, reduce
from pathlib import Path
from typing import Any

from duramen.errors import InputError

ENGLISH, CHINESE = "en", "zh"
LANGUAGES = (ENGLISH, CHINESE)
CATALOGUE = Path(__file__).parent / "locale" / CHINESE / "LC_MESSAGES" / "duramen.po"
# A space beside a value, which a translation has where the value is in Latin letters or a figure; so it is marked.
_BESIDE_VALUE, _MARK = re.compile(r"(?<=\}) | (?=\{)"), "\ue000"
_HAN = "\u3000-\u303f\u4e00-\u9fff\uff00-\uffef"
_NO_SPACE = re.compile(rf"(?<=[{_HAN}]){_MARK}(?=[{_HAN}]|\d{{4}}\u5e74)")
# One for the whole process: work that is spread over threads speaks it too.
_current = [ENGLISH]


class Sentence(str):
    """A text in one language that can be said again in another, such as a note of a saved model.

    Attributes
    ----------
    template : str
        The English text, with the names of its values in braces.
    values : dict
        The values by name; those that are sentences are said again too.
    urgent : bool
        Set by ``urgent`` alone, and asked for by ``is_urgent``.
    """

    __slots__ = ("template", "urgent", "values")

    template: str
    urgent: bool
    values: dict[str, Any]

    def again(self) -> Sentence:
        """Return the sentence in the language that is set now.

        Examples
        --------
        >>> note = say("{n} customers", n=3)
        >>> with using_language("zh"):
        ...     note.again() != note
        True
        """
        values = {
            name: value.again() if isinstance(value, Sentence) else value
            for name, value in self.values.items()
        }
        said = say(self.template, **values)
        return urgent(said) if is_urgent(self) else said

    def to_json(self) -> dict[str, Any]:
        """Return what ``from_json`` reads."""
        values = {
            name: value.to_json() if isinstance(value, Sentence) else str(value)
            for name, value in self.values.items()
        }
        return {"text": self.template, "values": values}

    @classmethod
    def from_json(cls, stored: str | Mapping[str, Any]) -> Sentence:
        """Return a stored sentence in the language that is set; a plain text is one without values.

        Examples
        --------
        >>> Sentence.from_json(say("{n} customers", n=3).to_json())
        '3 customers'
        >>> Sentence.from_json("a note of an older model with {braces}")
        'a note of an older model with {braces}'
        """
        if isinstance(stored, str):
            return say("{text}", text=stored)
        values = {
            name: cls.from_json(value) if isinstance(value, Mapping) else value
            for name, value in stored["values"].items()
        }
        return say(stored["text"], **values)


def say(text: str, /, **values: Any) -> Sentence:
    """Return a text in the language that is set.

    Parameters
    ----------
    text : str
        The English text, written out where it is called so that it is found for the catalogue, with the names of its
        values in braces.
    **values
        What stands in the place of each name, already written as readers expect it.

    Examples
    --------
    >>> say("{n} of {all} customers", n="1,200", all="23,570")
    '1,200 of 23,570 customers'
    """
    said = Sentence(_filled(translated(text), values))
    said.template, said.values = text, values
    return said


def _filled(text: str, values: Mapping[str, Any]) -> str:
    """Return a text with its values; in Chinese no space is left between one that is Chinese and its neighbours.

    Examples
    --------
    >>> with using_language("zh"):
    ...     _filled("\u5355\u4f4d {unit}", {"unit": "\u5143"}) == "\u5355\u4f4d\u5143"
    True
    """
    if current_language() == ENGLISH:
        return text.format(**values)
    return _NO_SPACE.sub("", _BESIDE_VALUE.sub(_MARK, text).format(**values)).replace(_MARK, " ")


def say_count(one: str, many: str, number: float, /, **values: Any) -> Sentence:
    """Return a text about a number of things, which ``{n}`` stands for; the first text is for exactly one.

    Examples
    --------
    >>> say_count("{n} customer", "{n} customers", 1), say_count("{n} customer", "{n} customers", 1200)
    ('1 customer', '1,200 customers')
    """
    written = f"{number:,.0f}" if float(number).is_integer() else f"{number:,g}"
    return say(one if number == 1 else many, n=written, **values)


def urgent(sentence: Sentence) -> Sentence:
    """Return a sentence marked as one to be shown first and whole, such as one on money that may be counted wrongly."""
    sentence.urgent = True
    return sentence


def is_urgent(text: str) -> bool:
    """Return whether a text is marked as one to be shown first and whole.

    Examples
    --------
    >>> [is_urgent(text) for text in (urgent(say("{n} customers", n=3)).again(), say("total"), "a plain text")]
    [True, False, False]
    """
    return getattr(text, "urgent", False)


def said_again(texts: Iterable[str]) -> list[str]:
    """Return sentences in the language that is set now, and other texts as they are.

    Examples
    --------
    >>> said_again([say("{n} customers", n=3), "a plain text"])
    ['3 customers', 'a plain text']
    """
    return [text.again() if isinstance(text, Sentence) else text for text in texts]


def say_joined(by: str, texts: Sequence[str]) -> str:
    """Return a list of texts as one, of which each two stand around ``by``.

    Parameters
    ----------
    by : str
        A marked text with ``{one}`` and ``{other}``.
    texts : sequence of str
        At least one.

    Examples
    --------
    >>> say_joined("{one} and {other}", ["a", "b", "c"])
    'a and b and c'
    """
    return reduce(lambda one, other: say(by, one=one, other=other), texts)


def say_list(texts: Iterable[str]) -> str:
    """Return short texts one after the other, between the commas that lists have in the language that is set.

    Examples
    --------
    >>> say_list(["a", "b", "c"]), say_list([])
    ('a, b, c', '')
    """
    return reduce(_added, texts, "")


def _added(names: str, name: str) -> str:
    return say("{names}, {next_name}", names=names, next_name=name) if names else name


def stored(texts: Iterable[str]) -> list[Any]:
    """Return sentences as ``restored`` reads them, which do not depend on the language they were said in."""
    return [text.to_json() if isinstance(text, Sentence) else text for text in texts]


def restored(texts: Iterable[str | Mapping[str, Any]]) -> list[str]:
    """Return stored sentences in the language that is set; an older release stored them as plain texts.

    Examples
    --------
    >>> restored([*stored([say("{n} customers", n=3)]), "a note of an older model"])
    ['3 customers', 'a note of an older model']
    """
    return [Sentence.from_json(text) for text in texts]


def marked(text: str) -> str:
    """Return a text as it is; it stands in the catalogue and is translated where it is shown.

    Names that the program compares, such as tiers and stages, stay English until then.
    """
    return text


def translated(text: str) -> str:
    """Return a text of the catalogue in the language that is set, and any other text as it is.

    Examples
    --------
    >>> translated("core"), translated("a name of the user's own")
    ('core', "a name of the user's own")
    """
    return text if _current[0] == ENGLISH else _catalogue().get(text, text)


@contextmanager
def using_language(language: str) -> Iterator[None]:
    """Say everything inside in a language.

    Parameters
    ----------
    language : str
        ``"en"``, or ``"zh"`` for Simplified Chinese.

    Raises
    ------
    InputError
        If it is another one, or duramen is installed without its extra ``report``, which reads the catalogue.
    """
    if language not in LANGUAGES:
        raise InputError(f"the language is {language!r}; choose {' or '.join(LANGUAGES)}.")
    if language != ENGLISH:
        _catalogue()
    before = _current[0]
    _current[0] = language
    try:
        yield
    finally:
        _current[0] = before


def current_language() -> str:
    """Return the code of the language that is set."""
    return _current[0]


@cache
def _catalogue() -> dict[str, str]:
    try:
        from babel.messages.pofile import read_po
    except ImportError:
        raise InputError(
            "a translation needs the package babel; install duramen with its extra: duramen[report]."
        ) from None
    with CATALOGUE.open("rb") as lines:
        entries = read_po(lines)
    return {str(entry.id): str(entry.string) for entry in entries if entry.id and entry.string}


MONTHS = (
    marked("January"), marked("February"), marked("March"), marked("April"), marked("May"), marked("June"),
    marked("July"), marked("August"), marked("September"), marked("October"), marked("November"),
    marked("December"),
)  # fmt: skip


def say_day(when: date) -> Sentence:
    """Return a date in words, the same in every locale of the machine.

    Examples
    --------
    >>> say_day(date(2011, 6, 1))
    '1 June 2011'
    """
    month = say(MONTHS[when.month - 1])
    return say("{day} {month} {year}", day=when.day, month=month, year=when.year)
