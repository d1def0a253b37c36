"""CSV files come in; a table of a workspace goes out whose values are text: what a value is, the reading decides."""

from __future__ import annotations

import csv
import glob
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from duramen.data.addresses import first_line
from duramen.data.file_columns import Opened, read_files
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

if TYPE_CHECKING:
    import ibis

_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?', re.IGNORECASE)
# What DuckDB leaves out around the name of a column: the spaces of Unicode, and no tab.
_BLANKS = " \u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


@dataclass(frozen=True)
class TextFile:
    """A CSV file: what is read for it (a copy where not in UTF-8), encoding, header, separator, and lines above it."""

    path: Path
    read: Path
    encoding: str
    header: list[str]
    separator: str
    above: int = 0


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
        encoding = encoding_of(file) if whole else _encoding_of_header(file)
        if encoding in (UTF16, WINDOWS):
            read = copy_in_utf8(file, encoding, temporary_folder(workspace))
        with _open_text(read) as lines:
            line = next((line for line in lines if line.strip()), "")
            # Spreadsheets write the separator above the header.
            if stated := _SEPARATOR_LINE.fullmatch(line.strip()):
                line = next(lines, "")
            plain = re.sub(r'"[^"]*"', "", line)
            separator = stated[1] if stated else max(",;\t|", key=plain.count)
            names = next(csv.reader([line, *_rest_of_header(line, lines)], delimiter=separator), [])
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file} is not UTF-8 text; save it as CSV in UTF-8.") from error
    return TextFile(
        file, read, encoding, [name.strip(_BLANKS) for name in names], separator, int(stated is not None)
    )


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
        f"sep = '{separator}', quote = '\"', escape = '{escape}', comment = '', skip = {text.above}{options})"
    )


def _decided(texts: list[TextFile], escape: str) -> Iterator[str]:
    foreign = [text.path for text in texts if text.encoding == WINDOWS]
    if foreign:
        others = f" and {len(foreign) - 1:,} more" if len(foreign) > 1 else ""
        yield f"{foreign[0]}{others} not in UTF-8: read as Windows-1252; if letters are wrong, save as UTF-8"
    if escape == "\\":
        yield "quotes inside values are escaped by a backslash"


def _encoding_of_header(file: Path) -> str:
    with open_bytes(file) as stream:
        start = stream.read(2)
    if start in (b"\xff\xfe", b"\xfe\xff"):
        return UTF16
    try:
        with _open_text(file) as lines:
            next((line for line in lines if line.strip()), "")
    except UnicodeDecodeError:
        return encoding_of(file)
    return UTF8


def _open_text(file: Path) -> IO[str]:
    return io.TextIOWrapper(open_bytes(file), encoding=UTF8, newline="")


def _rest_of_header(line: str, lines: IO[str]) -> Iterator[str]:
    """Give the lines that a header goes on in, where a quote of it is open."""
    quotes = line.count('"')
    while quotes % 2 and (line := lines.readline()):
        quotes += line.count('"')
        yield line


def _has_backslash(text: TextFile) -> bool:
    with _open_text(text.read) as lines:
        return any('\\"' in line for line in lines)


def _refuse_other_separators(texts: list[TextFile]) -> None:
    separators = {text.separator for text in texts}
    if len({(text.separator, text.above) for text in texts}) > 1:
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
                width = [len(row) for _, row in zip(range(text.above + 1), rows, strict=False)][-1]
                for row in rows:
                    if row and len(row) != width:
                        return (
                            f"line {rows.line_num:,} of {name} has {len(row)} value{'s' * (len(row) > 1)} where the "
                            f"header has {width}; "
                            "fix the line."
                        )
        except (OSError, EOFError, UnicodeDecodeError):
            return f"{name} is not UTF-8 text; save it as CSV in UTF-8."
        except csv.Error as error:
            return f"{name} is no well-formed CSV ({error}); save it again as CSV in UTF-8."
    return None
