"""A number and a noun come in; they go out as a reader expects them, one in the singular."""

from __future__ import annotations


def counted(number: float, noun: str) -> str:
    """Return a number of things in words.

    Examples
    --------
    >>> counted(1, "cohort"), counted(2.5, "quarter"), counted(1200, "customer")
    ('1 cohort', '2.5 quarters', '1,200 customers')
    """
    written = f"{number:,.0f}" if float(number).is_integer() else f"{number:,g}"
    return f"{written} {noun}" if number == 1 else f"{written} {noun}s"


def signed(money: float) -> str:
    """Return money with its sign, and nothing without one.

    Examples
    --------
    >>> signed(1234.5), signed(-2), signed(0.2)
    ('+1,234', '-2', '0')
    """
    return f"{money:+,.0f}" if round(money) else "0"
