"""Names and rules of segments come in as a model keeps them, in English; they go out in the language that is set.

They are read by the templates that wrote them, so that models of earlier versions are read too. A name that no template
wrote is one of the user's own, and stays as it is.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import chain

from duramen.language import marked, translated
from duramen.segments.activity import ACTIVE, AT_RISK, LAPSED
from duramen.segments.naming import (
    AND,
    BOUNDS,
    BUYERS,
    EVERYBODY,
    FIGURES,
    FREQUENCIES,
    GROUP,
    HIGH,
    LOW,
    NO_SIMPLE_RULE,
    NUMBERED,
    RHYTHMS,
    RULE,
    RULE_WORDS,
    SELDOM,
    SPEND_ORDERS,
    SPEND_RANK,
    TRENDS,
)

# What stands behind the buyers of a name, as it is or with figures.
_WORDS = frozenset(
    (HIGH, LOW, SELDOM, *TRENDS, *chain(*SPEND_ORDERS.values()), *(word for word, _ in RHYTHMS))
)
# Models up to format 9 have names of the second kind.
_WITH_FIGURES = (*FIGURES, marked("silent for {days} days"), SPEND_RANK, GROUP)
_FIGURE = r"-?(?:[\d.,]+%?|nan%?|inf)(?:e[+-]\d+)?"


def segment_in_words(name: str) -> str:
    """Return the name of a segment in the language that is set, with its number where it has one.

    Parameters
    ----------
    name : str
        As models, rankings and profiles have it; any other name comes back as it is.

    Examples
    --------
    >>> from duramen.language import using_language
    >>> with using_language("zh"):
    ...     segment_in_words("lapsed occasional buyers, low spend").endswith("消费额低")
    ...     segment_in_words("our friends")
    True
    'our friends'
    """
    numbered = _values(NUMBERED, name, number=r"\d+", name=".+")
    if numbered:
        words = _name_in_words(numbered["name"])
        return name if words is None else translated(NUMBERED).format(number=numbered["number"], name=words)
    return _name_in_words(name) or name


def _name_in_words(name: str) -> str | None:
    """Return a name without its number, or None where it is one of the user's own."""
    buyers, *behind = name.split(", ")
    activity = "|".join((ACTIVE, AT_RISK, LAPSED))
    found = _values(BUYERS, buyers, activity=activity, frequency="|".join(FREQUENCIES))
    said = [_behind_in_words(word) for word in behind]
    if found is None or None in said:
        return None
    words = {part: translated(word) for part, word in found.items()}
    return translated(marked(", ")).join([translated(BUYERS).format(**words), *filter(None, said)])


def _behind_in_words(word: str) -> str | None:
    if word in _WORDS:
        return translated(word)
    for template in _WITH_FIGURES:
        if (values := _values(template, word)) is not None:
            return translated(template).format(**values)
    return None


def rule_in_words(rule: str) -> str:
    """Return the rule of a segment in the language that is set.

    Parameters
    ----------
    rule : str
        As ``readable_rules`` writes it; any other text comes back as it is.

    Examples
    --------
    >>> rule_in_words("purchase days a year above 4.4 (covers 9% of the segment; 8% of those it covers belong to it)")
    'purchase days a year above 4.4 (covers 9% of the segment; 8% of those it covers belong to it)'
    """
    nearest = _values(NO_SIMPLE_RULE, rule, rule=".+")
    if nearest:
        return translated(NO_SIMPLE_RULE).format(rule=rule_in_words(nearest["rule"]))
    values = _values(RULE, rule, conditions=".+")
    if values is None:
        return rule
    said = [_condition_in_words(condition) for condition in values["conditions"].split(AND)]
    return translated(RULE).format(**values | {"conditions": translated(AND).join(said)})


def _condition_in_words(condition: str) -> str:
    measure = "|".join(map(re.escape, RULE_WORDS.values()))
    for template in BOUNDS:
        if (values := _values(template, condition, measure=measure)) is not None:
            return translated(template).format(measure=translated(values["measure"]), bound=values["bound"])
    return translated(condition) if condition == EVERYBODY else condition


def _values(template: str, text: str, **patterns: str) -> dict[str, str] | None:
    """Return what stands in a text in the place of each name of its template, or None where it is of another one.

    Parameters
    ----------
    template, text : str
    **patterns
        Regular expressions of values; the others are figures.

    Examples
    --------
    >>> _values("every {days} days", "every 1,200 days"), _values("every {days} days", "every few days")
    ({'days': '1,200'}, None)
    """
    found = _pattern(template, tuple(patterns.items())).fullmatch(text)
    return None if found is None else found.groupdict()


@cache
def _pattern(template: str, patterns: tuple[tuple[str, str], ...]) -> re.Pattern[str]:
    of = dict(patterns)
    parts = re.split(r"\{(\w+)\}", template)
    for place in range(1, len(parts), 2):
        parts[place] = f"(?P<{parts[place]}>{of.get(parts[place], _FIGURE)})"
    parts[::2] = map(re.escape, parts[::2])
    return re.compile("".join(parts))
