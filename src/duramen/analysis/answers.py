"""A question comes in as a function; its answer goes out, or the sentence that says why there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from duramen.errors import InputError

Answer = TypeVar("Answer")


def answer_or_reason(ask: Callable[[], Answer]) -> Answer | str:
    """Return what ``ask`` returns, or the message of the ``InputError`` that it raises.

    Examples
    --------
    >>> def ask():
    ...     raise InputError("the history is too short.")
    >>> answer_or_reason(ask)
    'the history is too short.'
    """
    try:
        return ask()
    except InputError as error:
        return str(error)
