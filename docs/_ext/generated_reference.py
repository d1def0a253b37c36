"""Pages of the reference with a mark such as ``<!-- public names of duramen.btyd -->`` come in; the mark is replaced.

The text comes from the code at each build: public names and their docstrings, and the help of every command.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import duramen

NAMES = re.compile(r"<!-- public names of ([\w.]+) -->")
CHOSEN = re.compile(r"<!-- names:\s*([\w.\s]+?)\s*-->")
OFFERED = "<!-- names by purpose -->"
COMMANDS = "<!-- commands -->"
# What these define for every subclass belongs to their own documentation.
FOREIGN = "BaseEstimator, tuple, dict, object, Exception"


def setup(app: Any) -> dict[str, bool]:
    """Replace the marks of each page before it is parsed."""
    app.connect("source-read", _replace_marks)
    app.connect("autodoc-skip-member", _is_of_another_package)
    app.connect("autodoc-process-docstring", _keep_last_underscores, priority=900)  # after napoleon
    return {"parallel_read_safe": True}


def _replace_marks(_app: Any, _page: str, source: list[str]) -> None:
    text = source[0]
    text = NAMES.sub(lambda found: documented(public_names(found[1])), text)
    text = CHOSEN.sub(lambda found: documented(found[1].split()), text)
    if OFFERED in text:
        text = text.replace(OFFERED, names_by_purpose())
    if COMMANDS in text:
        text = text.replace(COMMANDS, "\n".join(commands()))
    source[0] = text


def _is_of_another_package(
    _app: Any, _kind: str, _name: str, member: Any, _skip: bool, _options: Any
) -> bool | None:
    """Leave out what scikit-learn adds to every estimator; nothing is decided about other members."""
    return True if str(getattr(member, "__module__", None)).startswith("sklearn.") else None


def _keep_last_underscores(
    _app: Any, _kind: str, _name: str, _thing: Any, _options: Any, lines: list[str]
) -> None:
    """Escape the underscore with which scikit-learn ends the name of a fitted attribute: it would be a link.

    Several names of one description stay together: before a space would be a type.
    """
    for at, line in enumerate(lines):
        if field := re.match(r":(?:ivar|vartype) [^:]*:", line):
            names = field[0].replace(", ", ",\u200b").replace("_,", "\\_,").replace("_:", "\\_:")
            lines[at] = names + line[field.end() :]


def public_names(package: str) -> list[str]:
    """Return the dotted names that a package offers, except its own subpackages."""
    module = importlib.import_module(package)
    names = [name for name in module.__all__ if not isinstance(getattr(module, name), ModuleType)]
    return [f"{package}.{name}" for name in names if name != "__version__"]


def documented(names: list[str]) -> str:
    """Return MyST text with a table of the names and, below it, the docstring of each."""
    table = ["| name | purpose |", "| --- | --- |"]
    table += [f"| {{py:obj}}`~{name}` | {summary(load(name))} |" for name in names]
    return "\n".join(
        [*table, "", "```{eval-rst}", *(line for name in names for line in directive(name)), "```"]
    )


def directive(name: str) -> Iterator[str]:
    """Give the lines that show the docstring of a class or a function, with its public methods."""
    if not inspect.isclass(load(name)):
        yield from (f".. autofunction:: {name}", "")
        return
    yield f".. autoclass:: {name}"
    yield from ("   :members:", f"   :inherited-members: {FOREIGN}", "")


def load(name: str) -> Any:
    """Import the object of a dotted name."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def summary(thing: Any) -> str:
    """Return the first sentence of a docstring as the text of a table's cell."""
    first = (inspect.getdoc(thing) or "").split("\n\n")[0].replace("\n", " ")
    return first.replace("``", "`").replace("|", "\\|")


def where_documented(thing: Any) -> str:
    """Return the dotted name under which the reference documents an object of the package."""
    package = ".".join(thing.__module__.split(".")[:2])
    offered = getattr(importlib.import_module(package), "__all__", ())
    return f"{package if thing.__name__ in offered else thing.__module__}.{thing.__name__}"


def names_by_purpose() -> str:
    """Return the list of names in the docstring of the package, each with a link to its description."""
    lines = []
    for line in inspect.cleandoc(duramen.__doc__ or "").splitlines()[1:]:
        entry = re.fullmatch(r" +(\w+) +(.*)", line)
        if entry and entry[1] in duramen.__all__:
            target = where_documented(getattr(duramen, entry[1]))
            lines.append(f"| {{py:obj}}`{entry[1]} <{target}>` | {entry[2]} |")
        elif re.fullmatch(r"[A-Z][a-z]+(?: \w+)*", line):
            lines += [f"## {line}", "", "| name | purpose |", "| --- | --- |"]
        elif not line:
            lines.append("")
        else:
            lines.append(line.replace("``", "`"))
    return "\n".join(lines)


def commands() -> Iterator[str]:
    """Give the help of each command: what it does, an example, and its arguments and options."""
    from duramen.cli.app import COMMANDS as COMMAND_LIST
    from duramen.cli.command import build_command

    for name, (does, example) in COMMAND_LIST.items():
        options = build_command(name, does, example).params
        # Arguments first, as they are written.
        parameters = sorted(options, key=lambda part: part.param_type_name != "argument")
        arguments = [
            part.metavar or part.name.upper() for part in parameters if part.param_type_name == "argument"
        ]
        yield from (f"## duramen {name}", "", does, "", "```text")
        yield " ".join(["duramen", name, *(f"[{word}]" for word in arguments), "[OPTIONS]"])
        yield from ("```", "", f"Example: {as_code(example)}", "")
        yield from ("| argument or option | what it does |", "| --- | --- |")
        for part in parameters:
            words = [part.metavar or part.name.upper()] if part.param_type_name == "argument" else part.opts
            value = f" {part.metavar}" if part.param_type_name == "option" and part.metavar else ""
            described = as_code(" ".join((part.help or "").split()))
            yield f"| `{', '.join(words)}{value}` | {described} |".replace("\\n", " ")
        yield ""


def as_code(text: str) -> str:
    """Return a text of the command line for a cell, with example commands, paths and tables of TOML as code."""
    text = (
        re.sub(r"(duramen [a-z]+(?: [^\s,]+)*)", r"`\1`", text)
        if text.startswith("duramen ")
        else _escaped(text)
    )
    return text.replace("|", "\\|")


def _escaped(text: str) -> str:
    """Return a text whose brackets, stars and dashes MyST shows as they are."""
    return re.sub(r"([\[\]*<>$])", r"\\\1", text).replace("--", "\\-\\-")
