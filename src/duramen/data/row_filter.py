"""Conditions on columns come in; which rows they leave out goes out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from duramen.data.amounts import choose_forms, parse_amount
from duramen.data.checks import MISSING_WORDS, parse_text
from duramen.data.ids import as_written_once, id_text, ids_as_text, parse_id
from duramen.errors import InputError

if TYPE_CHECKING:
    import ibis
    from ibis import ir

# What a user may give: conditions as text, or the values of columns.
Conditions: TypeAlias = "str | Iterable[str] | Mapping[str, Any]"
_CONDITION = re.compile(r"(?P<column>.+?)\s*(?P<operator>!=|<=|>=|=|<|>)(?P<values>.*)", re.DOTALL)
_EXAMPLE = "write for example Country=Germany,France or Channel!=wholesale"


@dataclass(frozen=True)
class Condition:
    """What the values of a column must be for a row to be kept.

    Parameters
    ----------
    column : str
        Column of the source.
    operator : str
        ``=`` (one of the values) or ``!=`` (none of them); or ``<``, ``<=``, ``>``, ``>=`` and one number.
    values : tuple of str
    """

    column: str
    operator: str
    values: tuple[str, ...]

    @property
    def compares_numbers(self) -> bool:
        """Whether the column is compared as numbers."""
        return self.operator not in ("=", "!=")

    def __str__(self) -> str:
        return f"{self.column}{self.operator}{','.join(self.values)}"


def parse_conditions(where: Conditions) -> tuple[Condition, ...]:
    """Return conditions as they are written, or of a mapping of columns to a value or values.

    Raises
    ------
    InputError
        If one is no condition.

    Examples
    --------
    >>> [condition] = parse_conditions("Country = Germany, France")
    >>> condition
    Condition(column='Country', operator='=', values=('Germany', 'France'))
    >>> parse_conditions({"Channel": "web, app"})[0].values
    ('web, app',)
    """
    if isinstance(where, Mapping):
        return tuple(_checked(Condition(name, "=", _as_values(values))) for name, values in where.items())
    return tuple(_parse(text) for text in ([where] if isinstance(where, str) else where))


def _parse(text: str) -> Condition:
    found = _CONDITION.fullmatch(text.strip())
    if found is None:
        raise InputError(f"{text!r} is not a condition on a column; {_EXAMPLE} for `where`.")
    values = tuple(value.strip() for value in found["values"].split(",") if value.strip())
    return _checked(Condition(found["column"], found["operator"], values))


def _as_values(values: Any) -> tuple[str, ...]:
    several = not isinstance(values, str) and isinstance(values, Iterable)
    return tuple(str(value).strip() for value in (values if several else [values]))


def _checked(condition: Condition) -> Condition:
    if not condition.values:
        raise InputError(f"the condition {str(condition)!r} has no value; {_EXAMPLE} for `where`.")
    if condition.compares_numbers:
        try:
            (_,) = map(float, condition.values)
        except ValueError as error:
            raise InputError(
                f"the condition {str(condition)!r} compares with {', '.join(condition.values)}, which is not one "
                "number; write for example Quantity>=10 for `where`, and choose dates by `cutoff`."
            ) from error
    return condition


def rows_left_out(raw: ibis.Table, where: Conditions, decimal: str | None, name: str) -> ir.BooleanValue:
    """Return which rows of a source do not meet all conditions.

    Values are compared as text without space around it, by the rule for ids: 7, 7.0 and "7" are one value, and case
    counts but in e-mail addresses. A row without a value is not equal to any.

    Raises
    ------
    InputError
        If there is no such column, a value occurs in no row, or a column that is compared with a number holds text.
    """
    import ibis

    kept = [_keeps(raw, condition, decimal, name) for condition in parse_conditions(where)]
    return ~ibis.and_(*kept)


def _keeps(raw: ibis.Table, condition: Condition, decimal: str | None, name: str) -> ir.BooleanValue:
    import ibis

    if condition.column not in raw.columns:
        near = difflib.get_close_matches(condition.column, raw.columns, n=1)
        raise InputError(
            f"{name} has no column {condition.column!r} for `where`; its columns are "
            f"{', '.join(map(repr, raw.columns))}" + (f"; did you mean {near[0]!r}?" if near else ".")
        )
    if condition.compares_numbers:
        return _compared(raw, condition, decimal, name)
    text, values = _text(raw[condition.column]), _as_text(condition.values)
    _refuse_absent(raw.select(value=text), values, condition, name)
    is_one = ibis.or_(*(text == value for value in values)).fill_null(False)
    return is_one if condition.operator == "=" else ~is_one


def _compared(raw: ibis.Table, condition: Condition, decimal: str | None, name: str) -> ir.BooleanValue:
    column = raw[condition.column]
    form = choose_forms(raw, [condition.column], decimal, name, [])[condition.column]
    number, bound = parse_amount(column, form), float(condition.values[0])
    strange = raw.select(value=parse_text(column, MISSING_WORDS), number=number).filter(
        lambda t: t.number.isnull() & t.value.notnull()
    )
    found = strange.aggregate(rows=strange.count(), example=strange.value.min()).to_pyarrow().to_pylist()[0]
    if found["rows"]:
        raise InputError(
            f"column {condition.column!r} of {name} is not numeric in {found['rows']:,} rows (for example "
            f"{found['example']!r}), and cannot be compared by {str(condition)!r}; use = or != in `where`."
        )
    compared = {"<": number < bound, "<=": number <= bound, ">": number > bound, ">=": number >= bound}
    return compared[condition.operator].fill_null(False)


def _text(column: ir.Column) -> ir.StringColumn:
    if column.type().is_string():
        # NA may be Namibia here.
        return as_written_once(parse_text(column))
    return id_text(parse_id(column))


def _as_text(values: Iterable[str]) -> list[str]:
    # What reads as missing is compared as it is written: it equals no row, and is refused as absent.
    return [text or value for text, value in zip(ids_as_text(values), values, strict=True)]


def _refuse_absent(values: ibis.Table, asked: Iterable[str], condition: Condition, name: str) -> None:
    """Refuse a value that occurs in no row, which is a misspelt one."""
    asked = list(asked)
    found = set(values.filter(values.value.isin(asked)).distinct().to_pyarrow()["value"].to_pylist())
    absent = [value for value in asked if value not in found]
    if not absent:
        return
    filled = values.filter(values.value.notnull())
    counted = filled.group_by("value").aggregate(rows=filled.count())
    known = counted.order_by(counted.rows.desc(), counted.value).limit(1000).to_pyarrow()["value"].to_pylist()
    lower = {value.lower(): value for value in reversed(known)}
    near = difflib.get_close_matches(absent[0].lower(), lower, n=1)
    examples = ", ".join(map(repr, known[:5])) or "nothing"
    raise InputError(
        f"no row of {name} has {absent[0]!r} in column {condition.column!r}, which `where` names; it has for example "
        f"{examples}" + (f"; did you mean {lower[near[0]]!r}?" if near else ".")
    )
