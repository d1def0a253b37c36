"""A TOML file, environment variables and flags come in; the checked configuration of a command goes out.

Flags win over the environment, the environment over the file, and the file over the defaults.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from duramen.cli.config.commands import CONFIGS
from duramen.cli.config.settings import Config, Flag, Settings, has_type, plain_type, setting_of, table_of
from duramen.errors import InputError, suggest

PREFIX = "DURAMEN_"
# The variable that names the TOML file, as --config does.
CONFIG_VARIABLE = f"{PREFIX}CONFIG"

AnyConfig = TypeVar("AnyConfig", bound=Config)
# Where a setting is: ("tiers", "vip_share").
Key = tuple[str, ...]


def read_config(
    model: type[AnyConfig], toml: str | Path | None = None, flags: Mapping[str, Any] | None = None
) -> AnyConfig:
    """Return the configuration of a command.

    Parameters
    ----------
    model : type of Config
    toml : str or Path, optional
        The TOML file; by default that of the variable ``DURAMEN_CONFIG``, if any. It may have keys of other commands,
        which are passed over.
    flags : mapping, optional
        What the command line gives, by the name of the setting; None is not given.

    Raises
    ------
    InputError
        If the file cannot be read, a key is unknown, or a value is of another type or out of bounds.
    """
    toml = toml or os.environ.get(CONFIG_VARIABLE)
    values: dict[str, Any] = {}
    origins: dict[Key, str] = {}
    for path, value, origin in (
        *([] if toml is None else _of_file(model, Path(toml))),
        *_of_environment(model),
        *_of_flags(model, flags or {}),
    ):
        _put(values, path, value)
        origins[path] = origin
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InputError(_sentence(model, error, values, origins)) from error


def _of_file(model: type[Config], toml: Path) -> list[tuple[Key, Any, str]]:
    """Return the settings of a file that the command has, each with where it is from."""
    try:
        table = tomllib.loads(toml.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"the configuration {toml} could not be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"the configuration {toml} is not valid TOML: {error}.") from error
    known = [*model.model_fields, *(key for other in CONFIGS.values() for key in other.model_fields)]
    if unknown := [key for key in table if key not in known]:
        raise InputError(
            f"{unknown[0]} in {toml} is not a setting; {suggest(unknown[0], dict.fromkeys(known))}"
        )
    return [
        part for key in model.model_fields if key in table for part in _parts((key,), table[key], str(toml))
    ]


def _of_environment(model: type[Config]) -> list[tuple[Key, Any, str]]:
    """Return the settings of environment variables; a list or a table is written as in TOML."""
    fields: dict[Key, FieldInfo] = {(name,): field for name, field in model.model_fields.items()}
    fields |= {flag.path: flag.field for flag in model.flags()}
    _refuse_misspelt_variables()
    found = []
    for path, field in fields.items():
        variable = PREFIX + path[-1].upper()
        if variable in os.environ:
            found += _parts(path, _value(field, os.environ[variable], variable), variable)
    return found


def _value(field: FieldInfo, text: str, variable: str) -> Any:
    """Return what the text of a variable stands for: itself, or where it can be a list or a table, that of TOML."""
    may_be = table_of(field) or has_type(field, dict) or has_type(field, list)
    if not (may_be and text.startswith(("[", "{"))):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{variable} is {text!r}, which is not a valid TOML value: {error}.") from error


def _refuse_misspelt_variables() -> None:
    known = {PREFIX + flag.name.upper() for model in CONFIGS.values() for flag in model.flags()}
    known |= {PREFIX + key.upper() for model in CONFIGS.values() for key in model.model_fields}
    for name in sorted(os.environ.keys() - known - {CONFIG_VARIABLE}):
        if name.startswith(PREFIX) and difflib.get_close_matches(name, known, n=1, cutoff=0.9):
            raise InputError(f"the environment variable {name} is not a setting; {suggest(name, known)}")


def _of_flags(model: type[Config], flags: Mapping[str, Any]) -> list[tuple[Key, Any, str]]:
    """Return the settings of flags; one that gives entries of a table as KEY=VALUE changes these alone."""
    found = []
    for flag in model.flags():
        value = flags.get(flag.name)
        if value is None:
            continue
        if flag.is_table and isinstance(value, list):
            value = dict(_pair(word, flag) for word in value)
        found += _parts(flag.path, value, "")
    return found


def _pair(word: str, flag: Flag) -> tuple[str, str]:
    key, equals, value = word.partition("=")
    if not equals:
        example = f"{flag.words} {flag.option.example}"
        raise InputError(f"{flag.words} is {word!r}, not {flag.option.metavar}; write for example {example}.")
    return key, value


def _parts(path: Key, value: Any, origin: str) -> list[tuple[Key, Any, str]]:
    """Return a setting, or of a table each of its settings."""
    if not isinstance(value, dict):
        return [(path, value, origin)]
    return [(path, {}, origin), *(part for key in value for part in _parts((*path, key), value[key], origin))]


def _put(values: dict[str, Any], path: Key, value: Any) -> None:
    """Set a value at its place; a table that is there already is kept, and filled."""
    *tables, name = path
    for table in tables:
        if not isinstance(values.get(table), dict):
            values[table] = {}
        values = values[table]
    if not (value == {} and isinstance(values.get(name), dict)):
        values[name] = value


def _sentence(
    model: type[Config], errors: ValidationError, values: dict[str, Any], origins: Mapping[Key, str]
) -> str:
    """Return what is wrong first, in one sentence."""
    error = errors.errors()[0]
    reason = error.get("ctx", {}).get("error")
    if not error["loc"]:
        return str(reason)
    path, kind, table = _find(model, error["loc"])
    name = _name(model, path, origins)
    if kind is None:
        return f"{name} is not a setting; {suggest(path[-1], table.model_fields)}"
    setting = setting_of(kind)
    if error["type"] == "missing" and setting:
        return f"{name} is missing; give {setting.what}, for example {setting.example}."
    value: Any = values
    for key in path:
        value = value[key]
    if (table_of(kind) or has_type(kind, dict)) and not isinstance(value, dict):
        return f"{name} is {value!r}, not a table; write [{'.'.join(path)}] and its settings in lines of their own."
    if isinstance(value, dict) or not setting:
        return f"{name}: {reason or error['msg']}"
    return f"{name} is {value!r}, not {setting.what}; write for example {setting.example}."


def _find(model: type[Config], location: tuple[int | str, ...]) -> tuple[Key, Any, type[Settings]]:
    """Return the path of a setting, its field or type (None where it is unknown), and the table it is in."""
    path: list[str] = []
    kind: Any = model
    table: type[Settings] = model
    for part in location:
        if inner := table_of(kind):
            table, kind = inner, inner.model_fields.get(str(part))
        elif has_type(kind, dict):
            kind = get_args(plain_type(kind))[1]
        else:
            break  # a place in a list, or one of several types
        path.append(str(part))
    return tuple(path), kind, table


def _name(model: type[Config], path: Key, origins: Mapping[Key, str]) -> str:
    """Return how a user knows a setting: by its flag, its variable, or its key and file."""
    origin = next((origins[path[:end]] for end in range(len(path), 0, -1) if path[:end] in origins), "")
    if not origin:
        return next(
            (flag.words for flag in model.flags() if flag.path == path[: len(flag.path)]), ".".join(path)
        )
    return f"{'.'.join(path)} in {origin}"
