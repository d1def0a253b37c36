"""Rows with the reason why each is set aside come in; a refusal where they are no accident goes out.

A few bad rows are set aside by reason. Where they are the largest amounts, the returns or all rows of one group, their
form was not understood, and the money that is left is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from duramen.data.amount_columns import amount_as_it_came
from duramen.data.checks import MISSING_WORDS, NOT_NUMERIC, quote_examples
from duramen.data.file_columns import FILE
from duramen.errors import InputError

if TYPE_CHECKING:
    import ibis
    from ibis import ir

# Fewer rows are an accident.
FEWEST = 5
# A pattern explains a loss where so many of the lost rows fit it, and so many of the rows that fit it are lost.
MOST = 0.8
# A group of rows is lost where nearly all of it is.
WHOLE = 0.95
# A column with more values than this names no groups.
MOST_GROUPS = 50
# The reasons that suggest a misreading, and the role of the column that was read.
MISREAD = {NOT_NUMERIC: "amount", "unreadable date": "date"}
_NEGATIVE = r"^\s*[-\x{2212}(]|[-\x{2212})]\s*$"


def refuse_patterns(
    rows: ibis.Table, counts: Mapping[str | None, int], columns: Mapping[str, str], where: str
) -> None:
    """Refuse a source of which the rows set aside for one reason have something in common.

    Parameters
    ----------
    rows : ibis.Table
        Checked rows with ``reason``, and ``raw_`` columns as they came.
    counts : mapping of reason to int
        Rows by reason; None for those to use.
    columns : mapping of role to column name
        Columns of the source.
    where : str
        How messages call the source.

    Raises
    ------
    InputError
        If the rows set aside are the longest numbers, the negative ones or all rows of a group.
    """
    for reason, role in MISREAD.items():
        if counts.get(reason, 0) < FEWEST or not counts.get(None, 0):
            continue
        text = rows[f"raw_{role}"].cast("string").strip()
        read = rows.mutate(text=text, lost=(rows.reason == reason).fill_null(False))
        # Rows that were set aside for another reason say nothing about how this column was read.
        read = read.filter((read.lost | read.reason.isnull()) & ~_is_missing(read.text))
        if role == "amount":
            _refuse_negatives(read, columns[role], where)
            _refuse_longest(read, columns[role], where)


def refuse_lost_groups(
    raw: ibis.Table,
    read: Mapping[str, ir.Column],
    columns: Mapping[str, str],
    counts: Mapping[str, int],
    called: str,
) -> None:
    """Refuse a source of which nearly all rows of one file, country or other group do not read.

    Parameters
    ----------
    raw : ibis.Table
        The source: any column with few values may name a group.
    read : mapping of role to column
        What was read of the source, ``date`` and ``amount``.
    columns : mapping of role to column name
        Columns of the source.
    counts : mapping of reason to int
        Rows set aside by reason.
    called : str
        How messages call the source.

    Raises
    ------
    InputError
        If a group is lost and others are not.
    """
    lost = [role for reason, role in MISREAD.items() if counts.get(reason, 0) >= FEWEST]
    apart = {columns[role] for role in ("customer_id", "date", "amount", "order") if role in columns}
    for role in lost:
        came = amount_as_it_came(raw, columns) if role == "amount" else raw[columns[role]]
        text = came.cast("string").strip()
        unread = read[role].isnull() & ~_is_missing(text)
        for group in raw.columns:
            if group not in apart and not raw[group].type().is_floating():
                grouped = raw.select(value=raw[group].cast("string"), lost=unread, text=text)
                _refuse_group(grouped, group, columns[role], role, called)


def _is_missing(text: ir.Column) -> ir.Column:
    return text.isnull() | text.lower().isin(MISSING_WORDS)


def _refuse_negatives(read: ibis.Table, column: str, where: str) -> None:
    negative = read.text.re_search(_NEGATIVE) & read.text.re_search(r"\d")
    counted = read.aggregate(
        lost=read.lost.sum(), fitting=negative.sum(), both=(read.lost & negative).sum()
    ).to_pyarrow()
    lost, fitting, both = (int(counted[name][0].as_py() or 0) for name in ("lost", "fitting", "both"))
    if both >= FEWEST and both >= MOST * lost and both >= MOST * fitting:
        examples = quote_examples(read.filter(read.lost & negative), "text")
        raise InputError(
            f"column {column!r} of {where}: {both:,} of the {lost:,} amounts that are not numeric have a minus or "
            f"brackets (for example {examples}), and they are {both:,} of all {fitting:,} such amounts, so that the "
            "returns would be lost; write them as -12.50, or name another column with `amount`."
        )


def _refuse_longest(read: ibis.Table, column: str, where: str) -> None:
    digits = read.text.re_replace(r"\D", "").length()
    sized = read.mutate(digits=digits)
    usual = sized.digits.quantile(0.99, where=~sized.lost)
    sized = sized.mutate(long=sized.digits > sized.aggregate(usual=usual).as_scalar())
    counted = sized.aggregate(lost=sized.lost.sum(), both=(sized.lost & sized["long"]).sum()).to_pyarrow()
    lost, both = (int(counted[name][0].as_py() or 0) for name in ("lost", "both"))
    if both >= FEWEST and both >= MOST * lost:
        examples = quote_examples(sized.filter(sized.lost & sized["long"]), "text")
        raise InputError(
            f"column {column!r} of {where}: {both:,} of the {lost:,} amounts that are not numeric have more digits "
            f"than nearly all others (for example {examples}), so that the largest amounts would be lost; write plain "
            "numbers (12.50), give `decimal`, or name another column with `amount`."
        )


def _refuse_group(rows: ibis.Table, group: str, column: str, role: str, called: str) -> None:
    """Refuse where one value of a column has nearly all of its rows set aside, and other values do not."""
    grouped = rows.group_by("value").aggregate(lost=rows.lost.sum(), rows=rows.count())
    groups = grouped.order_by(grouped.lost.desc(), "value").limit(MOST_GROUPS + 1).to_pyarrow().to_pylist()
    if not 1 < len(groups) <= MOST_GROUPS:
        return
    for one in groups:
        if one["value"] is not None and one["lost"] >= FEWEST and one["lost"] >= WHOLE * one["rows"]:
            examples = quote_examples(rows.filter(rows.lost & (rows.value == one["value"])), "text")
            place = (
                f"of the file {Path(one['value']).name}"
                if group == FILE
                else f"in which {group!r} is {one['value']!r}"
            )
            raise InputError(
                f"column {column!r} of {called} does not read in {one['lost']:,} of {one['rows']:,} rows {place} (for "
                f"example {examples}), so that all of them would be lost; write their {role}s in the same form as the "
                "others, or leave these rows out by `where`."
            )
