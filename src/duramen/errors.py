"""The one error that is the user's to fix: the command line prints its sentence and ends with status 2."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """What is wrong, where (column, count, example rows) and what to do, in one sentence.

    A sentence names a parameter in backticks, as in ``the seed is -1; give `seed` 0 or more.``; the command line shows
    its option instead.
    """


def suggest(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown word: the nearest known one, or all of them.

    Examples
    --------
    >>> suggest("horizn", ["orders", "horizon"])
    "did you mean 'horizon'?"
    >>> suggest("colour", ["orders", "horizon"])
    "choose one of 'orders', 'horizon'."
    """
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(map(repr, known))}."
