"""The parts that configurations are made of: how a setting is described, and the model that all of them are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

Text = Annotated[str, Field(min_length=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


@dataclass(frozen=True)
class Setting:
    """How a setting of a TOML file is described.

    Parameters
    ----------
    help : str
        What it does.
    what : str
        What its value must be, as in "seed is -1, not *a whole number from 0 on*".
    example : str
        A value, as one writes it.
    """

    help: str
    what: str
    example: str


@dataclass(frozen=True)
class Option(Setting):
    """How a setting is described that can be given on the command line as well.

    Parameters
    ----------
    metavar : str
        What stands for the value in ``--help``.
    flag : str
        Its name on the command line, where that is not the name of the field.
    argument : bool
        Whether it is given by its place and has no flag.
    default : str
        The value where none is given, if that is not the default of the field.
    """

    metavar: str = "TEXT"
    flag: str = ""
    argument: bool = False
    default: str = ""


@dataclass(frozen=True)
class Flag:
    """A setting on the command line: ``path`` is its place in the configuration, such as ("promotion", "metric")."""

    path: tuple[str, ...]
    option: Option
    field: FieldInfo

    @property
    def name(self) -> str:
        """The name of the field, which is that of the environment variable too."""
        return self.path[-1]

    @property
    def words(self) -> str:
        """What a user writes: the flag, or the name of the argument in capitals."""
        name = self.name.replace("_", "-")
        return name.upper() if self.option.argument else self.option.flag or f"--{name}"

    @property
    def is_table(self) -> bool:
        """Whether the flag gives an entry of a table, as KEY=VALUE."""
        return has_type(self.field, dict)

    @property
    def is_list(self) -> bool:
        """Whether the flag can be given several times."""
        return self.is_table or has_type(self.field, list)


class Settings(BaseModel):
    """What is set in a table of a TOML file; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_booleans(cls, value: Any, info: ValidationInfo) -> Any:
        """Python counts True as 1; a configuration does not."""
        if isinstance(value, bool) and not has_type(cls.model_fields[str(info.field_name)], bool):
            raise ValueError("a boolean")
        return value

    def given(self) -> dict[str, Any]:
        """Return what is set, as plain values."""
        return self.model_dump(exclude_unset=True, exclude_none=True)


class Config(Settings):
    """The configuration of a command."""

    @classmethod
    def flags(cls) -> Iterator[Flag]:
        """Give the settings that can be given on the command line."""
        yield from _flags(cls, ())

    @classmethod
    def in_flags(cls, sentence: str) -> str:
        """Return the sentence of an error with the flag of each parameter that it names in backticks.

        Examples
        --------
        >>> from duramen.cli.config.ranking import ScoreConfig
        >>> ScoreConfig.in_flags("there is no folder x; change `cost_to_serve` or `tiers`.")
        'there is no folder x; change --cost-to-serve or [tiers].'
        """
        words = {name: f"[{name}]" for name, field in cls.model_fields.items() if table_of(field)}
        words |= {flag.name: flag.words for flag in cls.flags()}
        return re.sub(r"`(\w+)`", lambda found: words.get(found[1], found[0]), sentence)

    def recorded(self) -> dict[str, Any]:
        """Return all settings that have a value, as plain values to keep beside what was made with them."""
        return self.model_dump(mode="json", exclude_none=True)


def setting_of(annotation: Any) -> Setting | None:
    """Return how a field, or the values of a table, are described."""
    if isinstance(annotation, FieldInfo):
        parts, inside = annotation.metadata, [annotation.annotation]
    else:
        parts, inside = list(getattr(annotation, "__metadata__", ())), _kinds(annotation)
    found = (part for part in parts if isinstance(part, Setting))
    return next(found, None) or next(filter(None, map(setting_of, inside)), None)


def table_of(annotation: Any) -> type[Settings] | None:
    """Return the model of a field, or of a type, that is a table of known keys."""
    kind = plain_type(annotation)
    return kind if isinstance(kind, type) and issubclass(kind, Settings) else None


def has_type(annotation: Any, kind: type) -> bool:
    """Return whether a field takes values of a type, whatever is in them."""
    plain = plain_type(annotation)
    return (get_origin(plain) or plain) is kind


def plain_type(annotation: Any) -> Any:
    """Return the type of a field without descriptions and None.

    Examples
    --------
    >>> plain_type(Annotated[list[int], "numbers"] | None)
    list[int]
    """
    if isinstance(annotation, FieldInfo):
        return plain_type(annotation.annotation)
    if get_origin(annotation) is Annotated:
        return plain_type(get_args(annotation)[0])
    kinds = _kinds(annotation)
    return plain_type(kinds[0]) if len(kinds) == 1 else annotation


def _kinds(annotation: Any) -> list[Any]:
    """Return the types that a union is of, without None."""
    if get_origin(annotation) not in (Union, UnionType):
        return []
    return [kind for kind in get_args(annotation) if kind is not NoneType]


def _flags(model: type[Settings], path: tuple[str, ...]) -> Iterator[Flag]:
    for name, field in model.model_fields.items():
        option = setting_of(field)
        if isinstance(option, Option):
            yield Flag((*path, name), option, field)
        elif table := table_of(field):
            yield from _flags(table, (*path, name))
