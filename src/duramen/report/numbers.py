"""Numbers, shares and dates come in; short texts for readers go out, with a true minus and a dash for missing."""

import re
from collections.abc import Iterable
from datetime import date
from math import isfinite
from typing import Any

import pandas as pd

from duramen.language import ENGLISH, MONTHS, current_language, say, say_day

DASH = "\u2013"
MINUS = "\u2212"
THIN = "\u202f"  # a narrow no-break space, between a figure and its unit
TIMES = "\u00d7"
# A date stands alone: it is not part of the name of a file.
_DATE = re.compile(r"(?<![A-Za-z0-9_./-])\d{4}-\d{2}-\d{2}(?![A-Za-z0-9_/-]|\.\w)")
# A month or a quarter, as "2011-04" and "2011 Q2".
_PERIOD = re.compile(r"(?<![A-Za-z0-9_./-])(\d{4})(?:-(0[1-9]|1[0-2])| Q([1-4]))(?![A-Za-z0-9_/-]|\.\w)")
# In Chinese, no space stands between a date in words and what is around it.
_BESIDE_DATE = re.compile(
    r"(?<=[\u4e00-\u9fff]) (?=\d{4}\u5e74)|(?:(?<=\d[\u6708\u65e5])|(?<=\d\u5b63\u5ea6)) (?=[\u4e00-\u9fff])"
)
_NEGATIVE = re.compile(r"(?<![A-Za-z0-9_.)\u2013-])-(?=\d)")


def _signed(text: str, *, plus: bool = False) -> str:
    """Return a text made by ``format`` with a true minus, and a plus where wanted; zero has no sign."""
    bare = text.lstrip("-")
    if not any(digit in bare for digit in "123456789"):
        return bare
    if text.startswith("-"):
        return MINUS + bare
    return "+" + bare if plus else bare


def count(number: float) -> str:
    """Return a whole number with separated thousands.

    Examples
    --------
    >>> count(1234567)
    '1,234,567'
    """
    return _signed(f"{round(number):,}")


def decimals(amounts: Iterable[float]) -> int:
    """Return the decimals for a column of money: two, or none where an amount reaches a thousand.

    Examples
    --------
    >>> decimals([3.5, 999.0]), decimals([3.5, -1000.0])
    (2, 0)
    """
    return 0 if max((abs(amount) for amount in amounts if isfinite(amount)), default=0.0) >= 1000 else 2


def digits_apart(*figures: float, least: int = 2, most: int = 6) -> int:
    """Return the decimals that write figures as different texts, where they differ by enough.

    Examples
    --------
    >>> digits_apart(0.82, 1.22), digits_apart(0.9991, 1.0004), digits_apart(1.0, 1.0)
    (2, 3, 2)
    """
    different = len(set(figures))
    enough = (
        digits
        for digits in range(least, most + 1)
        if len({f"{figure:.{digits}f}" for figure in figures}) == different
    )
    return next(enough, least)


def money(amount: float, digits: int = 0, *, plus: bool = False) -> str:
    """Return an amount without its unit.

    Examples
    --------
    >>> money(1234.5), money(1234.5, 2, plus=True)
    ('1,234', '+1,234.50')
    """
    return _signed(f"{amount:,.{digits}f}", plus=plus) if isfinite(amount) else DASH


def share(part: float, digits: int = 1, *, plus: bool = False) -> str:
    """Return a share as per cent.

    Examples
    --------
    >>> share(0.2061).replace(THIN, " "), share(0.031, plus=True).replace(THIN, " ")
    ('20.6 %', '+3.1 %')
    """
    return _signed(f"{100 * part:,.{digits}f}", plus=plus) + per_cent() if isfinite(part) else DASH


def per_cent() -> str:
    """Return how per cent is written after a figure: in English with a space before it."""
    return f"{THIN}%" if current_language() == ENGLISH else "%"


def joint() -> str:
    """Return what stands between two sentences: nothing in Chinese."""
    return " " if current_language() == ENGLISH else ""


def chosen(part: float) -> str:
    """Return a share that the user set as per cent, with all its digits.

    Examples
    --------
    >>> [chosen(part).replace(THIN, " ") for part in (0.8, 0.955)]
    ['80 %', '95.5 %']
    """
    return f"{100 * part:.6g}{per_cent()}"


def factor(times: float) -> str:
    """Return a factor with three digits, or as a whole number.

    Examples
    --------
    >>> [factor(times).replace(TIMES, "x") for times in (1.8, 0.0512, 1234.5)]
    ['x1.8', 'x0.0512', 'x1,234']
    """
    if not isfinite(times):
        return DASH
    return TIMES + (f"{times:.3g}" if times < 100 else f"{times:,.0f}")


def brief(value: float) -> str:
    """Return a number with three digits, or as a whole number; never with an exponent.

    Examples
    --------
    >>> [brief(value) for value in (0.0512, 12.0, 1720.4)]
    ['0.0512', '12', '1,720']
    """
    return _signed(f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}")


def probability(chance: float) -> str:
    """Return a probability as whole per cent, and 0 or 100 only where it is exactly that.

    Examples
    --------
    >>> [probability(p).replace(THIN, " ") for p in (0.0, 0.001, 0.5, 0.999, 1.0)]
    ['0 %', '<1 %', '50 %', '>99 %', '100 %']
    """
    if not isfinite(chance):
        return DASH
    if 0 < chance < 0.005:
        return f"<1{per_cent()}"
    if 0.995 < chance < 1:
        return f">99{per_cent()}"
    return share(chance, 0)


def sentence_of(text: str) -> str:
    """Return a sentence with a capital first, and with a space before per cent.

    Examples
    --------
    >>> sentence_of("half of them, 50%, stayed.").replace(THIN, " ")
    'Half of them, 50 %, stayed.'
    """
    return spaced(capital(text))


def spaced(text: str) -> str:
    """Return a text with per cent, dates and negative numbers as the page writes them.

    Examples
    --------
    >>> spaced("50% stayed, 3% left").replace(THIN, " ")
    '50 % stayed, 3 % left'
    >>> spaced("the 91 days from 2011-09-10 (-3.4 points)").replace(MINUS, "minus ")
    'the 91 days from 10 September 2011 (minus 3.4 points)'

    In Chinese, months and quarters are in words too:

    >>> from duramen.language import using_language
    >>> with using_language("zh"):
    ...     len(spaced("2011-04")), len(spaced("2011 Q2"))
    (7, 9)
    """
    text = _DATE.sub(lambda found: _day_or_text(found[0]), text)
    if current_language() != ENGLISH:
        text = _BESIDE_DATE.sub("", _PERIOD.sub(_period_in_words, text))
    return re.sub(r"(?<=\d) ?%", per_cent(), _NEGATIVE.sub(MINUS, text))


def _period_in_words(found: re.Match[str]) -> str:
    year, month, quarter = found.groups()
    if quarter:
        return say("quarter {quarter} of {year}", quarter=quarter, year=year)
    return say("{month} {year}", month=say(MONTHS[int(month) - 1]), year=year)


def _day_or_text(text: str) -> str:
    """Return a date as the page writes it, and what only looks like one as it is."""
    try:
        return day(date.fromisoformat(text))
    except ValueError:
        return text


def capital(text: str) -> str:
    """Return a text with a capital first."""
    return text[:1].upper() + text[1:]


def day(when: date) -> str:
    """Return a date in words."""
    return say_day(when)


def rows(frame: pd.DataFrame, *columns: str) -> list[dict[str, Any]]:
    """Return the rows of a frame for the page, its columns of money as texts with the same decimals.

    Parameters
    ----------
    frame : DataFrame
        What to show.
    *columns : str
        The columns of money.

    Returns
    -------
    list of dict
        One for each row; other columns are unchanged.
    """
    written = frame.astype("object")
    amounts = frame[list(columns)].astype(float)
    digits = decimals(amounts.to_numpy().ravel())
    for column in columns:
        written[column] = [money(amount, digits) for amount in amounts[column]]
    return [{str(key): entry for key, entry in row.items()} for row in written.to_dict("records")]
