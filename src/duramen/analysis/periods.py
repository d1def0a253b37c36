"""A period comes in; its name in the language that is set goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duramen.language import Sentence, say

if TYPE_CHECKING:
    from duramen.data.windows import Window


def in_words(period: Window) -> Sentence:
    """Return the length and the first day of a period.

    Examples
    --------
    >>> from duramen.data.windows import Window
    >>> in_words(Window("2020-01-01", 60))
    '60 days from 2020-01-01'
    """
    if period.horizon == 1:
        return say("1 day from {day}", day=period.cutoff)
    return say("{days} days from {day}", days=period.horizon, day=period.cutoff)
