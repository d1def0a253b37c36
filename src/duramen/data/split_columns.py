"""A source and the roles of its columns come in; a role that is in two columns, in different rows, is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from duramen.data.column_languages import E_MAIL
from duramen.data.columns import REQUIRED, USUAL_NAMES, plain_name
from duramen.data.ids import parse_id
from duramen.errors import InputError

if TYPE_CHECKING:
    import ibis

# Of the rows with any value, at least so many have it in the other column alone, and at most so many in both.
LEAST_OTHER, MOST_BOTH = 0.01, 0.01


def refuse_split_columns(
    raw: ibis.Table, roles: Mapping[str, str], given: Mapping[str, str | None], called: str
) -> None:
    """Refuse a source whose export changed the name of a column in between, unless the user named the column.

    Raises
    ------
    InputError
        If customer, date or amount is in two columns with a usual name, in different rows.
    """
    pairs = list(_pairs(raw, roles, given))
    if not pairs:
        return
    filled = {column: parse_id(raw[column].cast("string")).notnull() for pair in pairs for column in pair[1:]}
    counted = raw.aggregate(
        **{
            f"{at}_{name}": (one & other).sum() if name == "both" else (one & ~other).sum()
            for at, (_, first, second) in enumerate(pairs)
            for name, one, other in (
                ("both", filled[first], filled[second]),
                ("first", filled[first], filled[second]),
                ("second", filled[second], filled[first]),
            )
        }
    )
    counts = {name: count or 0 for name, count in counted.to_pyarrow().to_pylist()[0].items()}
    for at, (role, first, second) in enumerate(pairs):
        both, own, others = (counts[f"{at}_{name}"] for name in ("both", "first", "second"))
        rows = both + own + others
        if own and others >= LEAST_OTHER * rows and both <= MOST_BOTH * rows:
            raise InputError(
                f"columns {first!r} and {second!r} of {called} both look like {role}, and have values in different "
                f"rows ({own:,} and {others:,}); write them into one column, or name the one to use by `{role}`."
            )


def _pairs(
    raw: ibis.Table, roles: Mapping[str, str], given: Mapping[str, str | None]
) -> Iterator[tuple[str, str, str]]:
    """Give each required role that nobody named, its column, and another column with a usual name of the role."""
    for role in REQUIRED:
        names = set(USUAL_NAMES[role]) - set(E_MAIL)
        if given.get(role) or roles.get(role) not in raw.columns:
            continue
        for column in raw.columns:
            if column not in roles.values() and plain_name(column) in names:
                yield role, roles[role], column
