"""Numbers, shares and dates come in; short texts for readers go out, with a true minus and a dash for missing."""

import re
from collections.abc import Iterable
from datetime import date
from math import isfinite
from typing import Any

import pandas as pd

DASH = "\u2013"
MINUS = "\u2212"
THIN = "\u202f"  # a narrow no-break space, between a figure and its unit

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


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
    return _signed(f"{100 * part:,.{digits}f}", plus=plus) + f"{THIN}%" if isfinite(part) else DASH


def chosen(part: float) -> str:
    """Return a share that the user set as per cent, with all its digits.

    Examples
    --------
    >>> [chosen(part).replace(THIN, " ") for part in (0.8, 0.955)]
    ['80 %', '95.5 %']
    """
    return f"{100 * part:.6g}{THIN}%"


def factor(times: float) -> str:
    """Return a factor with three digits, or as a whole number.

    Examples
    --------
    >>> factor(1.8), factor(0.0512), factor(1234.5)
    ('x1.8', 'x0.0512', 'x1,234')
    """
    if not isfinite(times):
        return DASH
    return f"x{times:.3g}" if times < 100 else f"x{times:,.0f}"


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
        return f"<1{THIN}%"
    if 0.995 < chance < 1:
        return f">99{THIN}%"
    return share(chance, 0)


def sentence_of(text: str) -> str:
    """Return a sentence with a capital first, and with a space before per cent.

    Examples
    --------
    >>> sentence_of("half of them, 50%, stayed.").replace(THIN, " ")
    'Half of them, 50 %, stayed.'
    """
    return re.sub(r"(?<=\d)%", f"{THIN}%", text[:1].upper() + text[1:])


def day(when: date) -> str:
    """Return a date in words, the same in every locale.

    Examples
    --------
    >>> day(date(2011, 6, 1))
    '1 June 2011'
    """
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


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
