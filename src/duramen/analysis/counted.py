"""A number and a noun come in; they go out as a reader expects them, one in the singular."""

from __future__ import annotations

from duramen.language import Sentence, marked, say_count

FORMS = {
    "customer": (marked("{n} customer"), marked("{n} customers")),
    "cohort": (marked("{n} cohort"), marked("{n} cohorts")),
    "day": (marked("{n} day"), marked("{n} days")),
    "month": (marked("{n} month"), marked("{n} months")),
    "quarter": (marked("{n} quarter"), marked("{n} quarters")),
}


def counted(number: float, noun: str) -> Sentence:
    """Return a number of things in words, in the language that is set.

    Parameters
    ----------
    number : float
    noun : str
        One of ``FORMS``.

    Examples
    --------
    >>> counted(1, "cohort"), counted(2.5, "quarter"), counted(1200, "customer")
    ('1 cohort', '2.5 quarters', '1,200 customers')
    """
    return say_count(*FORMS[noun], number)


def signed(money: float) -> str:
    """Return money with its sign, and nothing without one.

    Examples
    --------
    >>> signed(1234.5), signed(-2), signed(-0.2)
    ('+1,234', '-2', '0')
    """
    return f"{money:+,.0f}" if round(money) else "0"
