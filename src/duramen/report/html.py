"""The name of a template and its values come in; the page goes out, with numbers and dates as readers expect them."""

from __future__ import annotations

import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from duramen.language import CHINESE, current_language, said_again, say, translated
from duramen.report import numbers

FILTERS = ("spaced", "count", "money", "share", "chosen", "probability", "day", "capital")
# A date in Chinese, which browsers divide after each of its letters; and what is no text of the page: tags, scripts and
# drawings.
_DATE_IN_TEXT = re.compile(
    r"<(script|style|title|svg)\b.*?</\1>|<[^>]*>"
    r"|\d{4}\u5e74(?:\d{1,2}\u6708(?:\d{1,2}\u65e5)?|\u7b2c\d\u5b63\u5ea6)",
    re.DOTALL,
)


def page_lang() -> str:
    """Return the language of a page as HTML names it."""
    return "zh-Hans" if current_language() == CHINESE else current_language()


def render_template(name: str, **values: Any) -> str:
    """Return a page from a template of this folder; text from the data is escaped, an undefined name is an error."""
    environment = Environment(
        loader=PackageLoader("duramen.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {name: getattr(numbers, name) for name in FILTERS}
    environment.filters["again"] = lambda text: said_again([text])[0]
    environment.filters["translated"] = lambda word: translated(str(word))
    environment.globals |= {"_": say, "joint": numbers.joint}
    return with_whole_dates(environment.get_template(name).render(**values))


def with_whole_dates(page: str) -> str:
    """Return a page that keeps each Chinese date in its text on one line.

    Examples
    --------
    >>> with_whole_dates('<p id="2018\u5e741\u6708">2018\u5e741\u67082\u65e5</p>').count('<span class="day">')
    1
    """
    return _DATE_IN_TEXT.sub(
        lambda found: found[0] if found[0].startswith("<") else f'<span class="day">{found[0]}</span>', page
    )
