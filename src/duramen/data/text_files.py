"""CSV files come in; a table of a workspace goes out whose values are text: what a value is, the reading decides."""

from __future__ import annotations

import csv
import glob
import gzip
import re
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from duramen.errors import InputError

if TYPE_CHECKING:
    import ibis


def read_csv(workspace: Any, files: list[Path]) -> ibis.Table:
    """Copy text files once, so that every line is checked and later steps see the same lines.

    Quote and comment marks are fixed: guessed from a sample, they would drop ids that begin with ``#`` and keep
    the quotes of a value that is first quoted far down the file.
    """
    for file in files:
        _refuse_cut_gzip(file)
    separators = {_separator(file) for file in files}
    if len(separators) > 1:
        raise InputError(
            f"{files[0].parent} mixes CSV files with the separators {' and '.join(map(repr, sorted(separators)))}; "
            "write them all alike."
        )
    lines = workspace.read_csv(
        literal_paths(files),
        all_varchar=True,
        header=True,
        union_by_name=True,
        sep=separators.pop(),
        quote='"',
        escape='"',
        comment="",
        skip=0,
    )
    return workspace.create_table("source", obj=lines)


def literal_paths(files: list[Path]) -> list[str]:
    """Return paths of which DuckDB reads no mark as a pattern: ``sales[1].csv`` would give it ``sales1.csv``."""
    return [glob.escape(str(file)) for file in files]


def _open_text(file: Path) -> IO[str]:
    return (
        gzip.open(file, "rt", encoding="utf-8-sig", newline="")
        if file.name.lower().endswith(".gz")
        else file.open(encoding="utf-8-sig", newline="")
    )


def _refuse_cut_gzip(file: Path) -> None:
    """Refuse a compressed file that ends early, of which DuckDB would read the beginning and say nothing."""
    if not file.name.lower().endswith(".gz"):
        return
    try:
        with gzip.open(file) as stream:
            while stream.read(1 << 20):
                pass
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{file} is no whole gzip file ({error}); fetch or compress it again.") from error


def _separator(file: Path) -> str:
    """Return the mark that separates the names of the header."""
    try:
        with _open_text(file) as lines:
            header = re.sub(r'"[^"]*"', "", lines.readline())
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is not UTF-8 text; save it as CSV in UTF-8.") from error
    return max(",;\t|", key=header.count)


def csv_fault(files: list[Path]) -> str | None:
    """Return the first line that a reader of CSV stumbles over."""
    for file in files:
        try:
            with _open_text(file) as lines:
                rows = csv.reader(lines, delimiter=_separator(file))
                width = len(next(rows))
                for row in rows:
                    if row and len(row) != width:
                        return (
                            f"line {rows.line_num:,} of {file.name} has {len(row)} values where the header has "
                            f"{width}; fix the line."
                        )
        except (OSError, EOFError, UnicodeDecodeError):
            return f"{file.name} is not UTF-8 text; save it as CSV in UTF-8."
        except csv.Error as error:
            return f"{file.name} is no well-formed CSV ({error}); save it again as CSV in UTF-8."
    return None
