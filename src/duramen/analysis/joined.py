"""Sentences and names come in; one text goes out, joined as the language that is set joins them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

from duramen.language import Sentence, say, say_list


def in_a_row(sentences: Iterable[str]) -> str:
    """Return sentences one after the other, with a space between them where the language has one.

    Examples
    --------
    >>> in_a_row(["One.", "Two.", "Three."])
    'One. Two. Three.'
    """
    return reduce(_followed, sentences)


def _followed(sentence: str, next_sentence: str) -> str:
    return say("{sentence} {next_sentence}", sentence=sentence, next_sentence=next_sentence)


def listed(names: Sequence[str]) -> str:
    """Return names as a list in a sentence, of which there is at least one.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    *first, last = names
    if not first:
        return last
    return say("{names} and {last_name}", names=say_list(first), last_name=last)


def as_sentence(clause: str) -> Sentence:
    """Return a clause with a capital first and a full stop.

    Examples
    --------
    >>> as_sentence("half of them stayed")
    'Half of them stayed.'
    """
    return say("{clause}.", clause=clause[0].upper() + clause[1:])
