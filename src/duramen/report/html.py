"""The name of a template comes in; the template goes out, with the filters that write numbers and dates."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from duramen.report import numbers

FILTERS = ("count", "money", "share", "chosen", "probability", "day")


def page_template(name: str) -> Template:
    """Return a template of this folder; all text from the data is escaped, and an undefined name is an error."""
    environment = Environment(
        loader=PackageLoader("duramen.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {name: getattr(numbers, name) for name in FILTERS}
    return environment.get_template(name)
