"""The first lines of a text file, or rows of a sheet, come in; the place of a header below lines of titles goes out."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from duramen.language import say_count

# Titles end within the first of these lines; the others show how many values a line of the file has.
MOST_TITLES = 30
LINES = 60


class Header(NamedTuple):
    """A header below titles: the lines above it, its separator, and how many names it has."""

    above: int
    separator: str
    names: int


def header_below_titles(lines: Sequence[str], separators: Sequence[str]) -> Header | None:
    """Return the header of a text file whose first lines are titles; None where the first line is the header.

    Parameters
    ----------
    lines : sequence of str
        The first lines of the file.
    separators : sequence of str
        The separators that the file may have, first that of its first line.

    Examples
    --------
    >>> header_below_titles(["Orders of May", "", "customer;date;amount", "1;2024-05-02;9"], ",;")
    Header(above=2, separator=';', names=3)
    >>> header_below_titles(["customer;date;amount", "1;2024-05-02;9"], ";,") is None
    True
    """
    found = []
    for separator in separators:
        records = list(_records(lines, separator))
        rows = [row for _, row in records]
        place = place_of_header(rows)
        if place is not None:
            found.append(Header(records[place][0], separator, _length(rows[place])))
        elif separator == separators[0] and len({len(row) for row in rows if any(row)} | {1}) == 2:
            # All lines have as many values as the first.
            return None
    return max(found, key=lambda header: header.names, default=None)


def place_of_header(rows: Sequence[Sequence[str]]) -> int | None:
    """Return the place of the first row of names below titles; None where the first row is no title, or there is none.

    A row of names is as long as most rows, and each of its values is another text that is neither number nor date. The
    titles have fewer values, and numbers or dates are below the names.

    Parameters
    ----------
    rows : sequence of sequences of str
        Values without space around them.
    """
    filled = [row for row in rows if _length(row) > 1]
    if not filled:
        return None
    width, usual = _most_common(map(len, filled)), _most_common(map(_length, filled))
    most = 0
    for place, row in enumerate(rows[: MOST_TITLES + 1]):
        values = sum(map(bool, row))
        if len(row) == width and usual <= _length(row) and most < values and _are_names(row):
            below = any(value and not _is_name(value) for other in rows[place + 1 :] for value in other)
            return place if most and below else None
        if len(row) == width and 2 * values > width and all(_is_name(value) for value in row if value):
            # Names of most columns: the others have none.
            return None
        most = max(most, values)
    return None


def said_titles(file: Path, titles: int, others: str = "") -> str:
    """Return the sentence on the header of a file, and of others, that is below so many lines of titles."""
    return say_count(
        "the header of {file}{others} is in line {line}: the {n} line above it is a title",
        "the header of {file}{others} is in line {line}: the {n} lines above it are titles",
        titles,
        file=file,
        others=others,
        line=f"{titles + 1:,}",
    )


def _records(lines: Sequence[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Give the values of each line with the number of lines above it."""
    reader, above = csv.reader(lines, delimiter=separator), 0
    try:
        for row in reader:
            yield above, [value.strip() for value in row]
            above = reader.line_num
    except csv.Error:
        return


def _most_common(counts: Iterable[int]) -> int:
    """Return the most frequent number, of equally frequent ones the largest."""
    return max(Counter(counts).items(), key=lambda item: (item[1], item[0]))[0]


def _length(row: Sequence[str]) -> int:
    """Return the number of values of a row without the empty ones at its end."""
    return max((place for place, value in enumerate(row, 1) if value), default=0)


def _are_names(row: Sequence[str]) -> bool:
    names = [value.casefold() for value in row[: _length(row)]]
    return all(map(_is_name, names)) and len(set(names)) == len(names)


def _is_name(value: str) -> bool:
    """Return whether a value is a text that is neither number nor date: it has more letters than digits, or as many."""
    digits = sum(map(str.isdigit, value))
    return bool(value) and (not digits or sum(map(str.isalpha, value)) >= digits)
