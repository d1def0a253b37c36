"""The name of a template comes in; the template goes out, with the filters that write numbers and dates."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from duramen.language import CHINESE, current_language, said_again, say, translated
from duramen.report import numbers

FILTERS = ("spaced", "count", "money", "share", "chosen", "probability", "day", "capital")


def page_lang() -> str:
    """Return the language of a page as HTML names it."""
    return "zh-Hans" if current_language() == CHINESE else current_language()


def page_template(name: str) -> Template:
    """Return a template of this folder; all text from the data is escaped, and an undefined name is an error."""
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
    return environment.get_template(name)
