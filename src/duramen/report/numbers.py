"""Figures as a reader wants them: numbers, shares and dates come in, short texts go out.

Called by the rooms of the report alone; a true minus is used, and what is missing is a dash.
"""

import re
from collections.abc import Iterable
from datetime import date
from math import isfinite
from typing import Any

import pandas as pd

DASH = "\u2013"
MINUS = "\u2212"
THIN = "\u202f"  # a narrow space that does not break: a figure stays with its unit

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def _signed(text: str, *, plus: bool = False) -> str:
    """Give a text made by ``format`` its true minus, and its plus where asked; zero has no sign."""
    bare = text.lstrip("-")
    if not any(digit in bare for digit in "123456789"):
        return bare
    if text.startswith("-"):
        return MINUS + bare
    return "+" + bare if plus else bare


def count(number: float) -> str:
    """Write a whole number with its thousands set apart.

    Examples
    --------
    >>> count(1234567)
    '1,234,567'
    """
    return _signed(f"{round(number):,}")


def decimals(amounts: Iterable[float]) -> int:
    """Choose the decimals for a column of money: two, or none where an amount reaches a thousand.

    Examples
    --------
    >>> decimals([3.5, 999.0]), decimals([3.5, -1000.0])
    (2, 0)
    """
    return 0 if max((abs(amount) for amount in amounts if isfinite(amount)), default=0.0) >= 1000 else 2


def money(amount: float, digits: int = 0, *, plus: bool = False) -> str:
    """Write an amount without its unit, which stands in the column's head or after the figure.

    Examples
    --------
    >>> money(1234.5), money(1234.5, 2, plus=True)
    ('1,234', '+1,234.50')
    """
    return _signed(f"{amount:,.{digits}f}", plus=plus) if isfinite(amount) else DASH


def share(part: float, digits: int = 1, *, plus: bool = False) -> str:
    """Write a part of one as per cent.

    Examples
    --------
    >>> share(0.2061).replace(THIN, " "), share(0.031, plus=True).replace(THIN, " ")
    ('20.6 %', '+3.1 %')
    """
    return _signed(f"{100 * part:,.{digits}f}", plus=plus) + f"{THIN}%" if isfinite(part) else DASH


def chosen(part: float) -> str:
    """Write a part of one that somebody chose, as exactly as it was chosen.

    Examples
    --------
    >>> [chosen(part).replace(THIN, " ") for part in (0.8, 0.955)]
    ['80 %', '95.5 %']
    """
    return f"{100 * part:.6g}{THIN}%"


def factor(times: float) -> str:
    """Write a factor in three digits, or as a whole number.

    Examples
    --------
    >>> factor(1.8), factor(0.0512), factor(1234.5)
    ('x1.8', 'x0.0512', 'x1,234')
    """
    if not isfinite(times):
        return DASH
    return f"x{times:.3g}" if times < 100 else f"x{times:,.0f}"


def probability(chance: float) -> str:
    """Write a probability as whole per cent, never as certain where it is not.

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


def sentence_of(told: str) -> str:
    """Write a sentence of the analysis as the page writes its own: a capital first, and space before per cent.

    Examples
    --------
    >>> sentence_of("half of them, 50%, stayed.").replace(THIN, " ")
    'Half of them, 50 %, stayed.'
    """
    return re.sub(r"(?<=\d)%", f"{THIN}%", told[:1].upper() + told[1:])


def day(when: date) -> str:
    """Write a date in words, the same in every locale.

    Examples
    --------
    >>> day(date(2011, 6, 1))
    '1 June 2011'
    """
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


def rows(frame: pd.DataFrame, *columns: str) -> list[dict[str, Any]]:
    """Turn a frame into rows for the page, its columns of money written with the same decimals.

    Parameters
    ----------
    frame : DataFrame
        What to show.
    *columns : str
        Those that hold money.

    Returns
    -------
    list of dict
        A row each; entries of other columns are as they were.
    """
    written = frame.astype("object")
    amounts = frame[list(columns)].astype(float)
    digits = decimals(amounts.to_numpy().ravel())
    for column in columns:
        written[column] = [money(amount, digits) for amount in amounts[column]]
    return [{str(key): entry for key, entry in row.items()} for row in written.to_dict("records")]
