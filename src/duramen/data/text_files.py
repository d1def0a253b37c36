"""CSV files come in; a table of a workspace goes out whose values are text: what a value is, the reading decides."""

from __future__ import annotations

import csv
import glob
import io
import re
from collections import Counter
from collections.abc import Iterator, Sized
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from duramen.data.addresses import first_line
from duramen.data.file_columns import Opened, read_files
from duramen.data.header_lines import LINES, header_below_titles, said_titles
from duramen.data.text_encodings import (
    UTF8,
    UTF16,
    WINDOWS,
    copy_in_utf8,
    encoding_of,
    open_bytes,
    refuse_cut,
)
from duramen.errors import InputError
from duramen.io.atomic import temporary_folder
from duramen.language import say

if TYPE_CHECKING:
    import ibis

_SEPARATORS = ",;\t|"
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?', re.IGNORECASE)
# What DuckDB leaves out around the name of a column: the spaces of Unicode, and no tab.
_BLANKS = " \u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


@dataclass(frozen=True)
class TextFile:
    """A CSV file: what is read for it, encoding, header, separator, and lines above it.

    A copy is read where the file is not in UTF-8 or has lines ``above`` its header, which the copy lacks: DuckDB reads
    a header below empty lines twice.
    """

    path: Path
    read: Path
    encoding: str
    header: list[str]
    separator: str
    above: int = 0
    titles: bool = False


def read_csv(
    workspace: Any, path: Path, files: list[Path], opened: Opened, left_out: Counter[str]
) -> ibis.Table:
    """Copy text files once, so that every line is checked and later steps see the same lines.

    Quote and comment marks are fixed: guessed from a sample, they would drop ids that begin with ``#`` and keep
    the quotes of a value that is first quoted far down the file. Of the ways to write a quote inside a value, and of
    the encodings, the next is tried where the file cannot be read otherwise.

    Raises
    ------
    InputError
        If a file is no whole CSV file, with the first line that is not.
    """
    import duckdb

    for file in files:
        refuse_cut(file)
    found = [look_at(workspace, file, whole=False) for file in files]
    texts = [text for text in found if text.header] or found[:1]
    left_out["empty file"] += len(found) - len(texts)
    opened.repeated |= {name for text in texts for name in _repeated(text.header)}
    _refuse_other_separators(texts)
    first: duckdb.Error | None = None
    for attempt, escape in _ways(workspace, texts):
        noted = Opened()
        headers = {text.read: text.header for text in attempt}
        try:
            table = read_files(workspace, headers, partial(_scan, attempt[0], escape), noted, copy=True)
        except duckdb.Error as error:
            first = first or error
            continue
        opened.assumed += [*noted.assumed, *_decided(attempt, escape)]
        own = {str(text.read): str(text.path) for text in attempt}
        opened.files |= {own[file]: columns for file, columns in noted.files.items()}
        return table
    fault = _fault(texts)
    if fault is None and "sniffing" in str(first):
        fault = "its quotes or line ends are not alike throughout; save it again as CSV in UTF-8."
    raise InputError(f"{path} could not be read: {fault or first_line(first)}") from first


def _repeated(header: list[str]) -> set[str]:
    lower = [name.lower() for name in header]
    return {name for name in lower if lower.count(name) > 1}


def look_at(workspace: Any, file: Path, *, whole: bool) -> TextFile:
    """Return what the header of a file shows, or the whole file; one in another encoding is copied in UTF-8."""
    read = file
    try:
        encoding = encoding_of(file) if whole else _encoding_of_start(file)
        if encoding in (UTF16, WINDOWS):
            read = copy_in_utf8(file, encoding, temporary_folder(workspace))
        lines = _first_lines(read)
        first = next((place for place, line in enumerate(lines) if line.strip()), len(lines))
        # Spreadsheets write the separator above the header.
        stated = _SEPARATOR_LINE.fullmatch(lines[first].strip()) if lines[first:] else None
        first += stated is not None
        plain = re.sub(r'"[^"]*"', "", "".join(lines[first : first + 1]))
        separators = stated[1] if stated else sorted(_SEPARATORS, key=plain.count, reverse=True)
        below = header_below_titles(lines[first:], separators)
        separator, above = (below.separator, first + below.above) if below else (separators[0], first)
        if above:
            encoding = encoding_of(file)
            read = copy_in_utf8(file, encoding, temporary_folder(workspace), above)
        names = next(csv.reader(lines[above:], delimiter=separator), [])
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file} is not UTF-8 text; save it as CSV in UTF-8.") from error
    header = [name.strip(_BLANKS) for name in names]
    return TextFile(file, read, encoding, header, separator, above, below is not None)


def literal_paths(files: list[Path]) -> str:
    """Return paths in SQL, of which DuckDB reads no mark as a pattern: ``sales[1].csv`` would give ``sales1.csv``."""
    paths = ("'" + glob.escape(str(file)).replace("'", "''") + "'" for file in files)
    return f"[{', '.join(paths)}]"


def _ways(workspace: Any, texts: list[TextFile]) -> Iterator[tuple[list[TextFile], str]]:
    """Give the files as they are, then in their encodings, then with quotes escaped by a backslash."""
    yield texts, '"'
    decoded = [text if text.encoding != UTF8 else look_at(workspace, text.path, whole=True) for text in texts]
    if decoded != texts:
        yield decoded, '"'
    if any(_has_backslash(text) for text in decoded):
        yield decoded, "\\"


def _scan(text: TextFile, escape: str, files: list[Path], options: str) -> str:
    separator = "\\t" if text.separator == "\t" else text.separator
    return (
        f"read_csv({literal_paths(files)}, all_varchar = true, header = true, hive_partitioning = false, "
        f"sep = '{separator}', quote = '\"', escape = '{escape}', comment = '', skip = 0{options})"
    )


def _decided(texts: list[TextFile], escape: str) -> Iterator[str]:
    foreign = [text.path for text in texts if text.encoding == WINDOWS]
    if foreign:
        yield say(
            "{file}{others} not in UTF-8: read as Windows-1252; if letters are wrong, save as UTF-8",
            file=foreign[0],
            others=_and_more(foreign),
        )
    titled = [text for text in texts if text.titles]
    if titled:
        yield said_titles(titled[0].path, titled[0].above, _and_more(titled))
    if escape == "\\":
        yield say("quotes inside values are escaped by a backslash")


def _and_more(files: Sized) -> str:
    """Return how many files there are beside the first, as a sentence adds it to its name."""
    return say(" and {files} more", files=f"{len(files) - 1:,}") if len(files) > 1 else ""


def _encoding_of_start(file: Path) -> str:
    with open_bytes(file) as stream:
        start = stream.read(2)
    if start in (b"\xff\xfe", b"\xfe\xff"):
        return UTF16
    try:
        _first_lines(file)
    except UnicodeDecodeError:
        return encoding_of(file)
    return UTF8


def _first_lines(file: Path) -> list[str]:
    with _open_text(file) as lines:
        return list(islice(lines, LINES))


def _open_text(file: Path) -> IO[str]:
    return io.TextIOWrapper(open_bytes(file), encoding=UTF8, newline="")


def _has_backslash(text: TextFile) -> bool:
    with _open_text(text.read) as lines:
        return any('\\"' in line for line in lines)


def _refuse_other_separators(texts: list[TextFile]) -> None:
    separators = {text.separator for text in texts}
    if len(separators) > 1:
        raise InputError(
            f"{texts[0].path.parent} mixes CSV files with the separators "
            f"{' and '.join(map(repr, sorted(separators)))}; write them all alike."
        )


def _fault(texts: list[TextFile]) -> str | None:
    """Return the first line that a reader of CSV stumbles over."""
    for text in texts:
        name = text.path.name
        try:
            with _open_text(text.read) as lines:
                rows = csv.reader(lines, delimiter=text.separator)
                width = len(next(rows))
                for row in rows:
                    if row and len(row) != width:
                        line = f"line {text.above + rows.line_num:,} of {name}"
                        values = f"{len(row)} value{'s' * (len(row) > 1)}"
                        return f"{line} has {values} where the header has {width}; fix the line."
        except (OSError, EOFError, UnicodeDecodeError):
            return f"{name} is not UTF-8 text; save it as CSV in UTF-8."
        except csv.Error as error:
            return f"{name} is no well-formed CSV ({error}); save it again as CSV in UTF-8."
    return None
