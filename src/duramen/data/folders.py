"""A path comes in; the files of it that are read go out, and what was left out in a sentence."""

from __future__ import annotations

import filecmp
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from duramen.errors import InputError
from duramen.language import marked, say, say_count, say_joined

CSV_ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".csv.zst", ".tsv.zst", ".txt")
PARQUET_ENDINGS = (".parquet", ".pq")
ENDINGS = {
    "CSV": CSV_ENDINGS,
    "Parquet": PARQUET_ENDINGS,
    "JSON": (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz"),
    "Excel": (".xlsx", ".xlsm", ".xls"),
}
# A folder that has this in it is a table whose log names the files that count.
DELTA_LOG = "_delta_log"
# What of a folder is not read: one of it, and several.
LEFT_OUT = {
    "empty file": (marked("{n} empty file"), marked("{n} empty files")),
    "hidden file": (marked("{n} hidden file"), marked("{n} hidden files")),
    "hidden folder": (marked("{n} hidden folder"), marked("{n} hidden folders")),
    "other file": (marked("{n} other file"), marked("{n} other files")),
}
# Smaller files may have a header alone.
SMALLEST_COPY = 1024


class Files(NamedTuple):
    """The files to read, all of one kind: a key of ``ENDINGS``, or Delta for a folder with a log."""

    paths: list[Path]
    kind: str
    left_out: Counter[str]


def list_files(path: Path) -> Files:
    """Return the files of a path; of a folder, those that are neither hidden nor empty.

    Raises
    ------
    InputError
        If there is no such path, it has no file of a known kind, or files of two kinds.
    """
    if not path.exists():
        raise InputError(f"there is no file or folder {path}; check the path.")
    if (path / DELTA_LOG).is_dir():
        return Files([path], "Delta", Counter())
    left_out: Counter[str] = Counter()
    found = _visible(path, path, left_out) if path.is_dir() else [path]
    by_kind = {
        kind: [file for file in found if _has_ending(file, endings)] for kind, endings in ENDINGS.items()
    }
    kinds = [kind for kind, files in by_kind.items() if files]
    if len(kinds) > 1:
        held = " and ".join(f"{len(by_kind[kind])} {kind}" for kind in kinds)
        raise InputError(f"{path} has {held} files; keep one kind in a folder.")
    if not kinds:
        raise InputError(
            f"{path} is neither CSV nor Parquet{_and_left_out(left_out)}; give a file that ends in .csv or .parquet, "
            "or .jsonl or .xlsx."
        )
    files = by_kind[kinds[0]]
    left_out["other file"] += len(found) - len(files)
    return Files(files, kinds[0], left_out)


def not_read(left_out: Counter[str], path: Path) -> str | None:
    """Return the sentence on the files of a folder that were not read, if there are any.

    Examples
    --------
    >>> not_read(Counter({"empty file": 2, "hidden folder": 1}), Path("shop"))
    '2 empty files and 1 hidden folder of shop were not read'
    """
    counts: list[str] = [say_count(*LEFT_OUT[what], count) for what, count in left_out.items() if count]
    if not counts:
        return None
    files = say_joined(marked("{one} and {other}"), counts)
    return say_count(
        "{files} of {path} was not read",
        "{files} of {path} were not read",
        left_out.total(),
        files=files,
        path=path,
    )


def equal_files(paths: list[Path]) -> list[str]:
    """Return a sentence where files are copies of each other, whose orders count as often."""
    by_size: dict[int, list[Path]] = {}
    for path in paths:
        if path.is_file() and (size := path.stat().st_size) >= SMALLEST_COPY:
            by_size.setdefault(size, []).append(path)
    equal = [
        (first, other)
        for some in by_size.values()
        for place, other in enumerate(some)
        if (first := next((one for one in some[:place] if filecmp.cmp(one, other, shallow=False)), None))
    ]
    if not equal:
        return []
    more = say(" (and {files} more such files)", files=f"{len(equal) - 1:,}") if len(equal) > 1 else ""
    return [
        say(
            "{copy} is equal to {file}{more}, and the rows of both count: remove one if it is a copy",
            copy=equal[0][1],
            file=equal[0][0],
            more=more,
        )
    ]


def _visible(folder: Path, top: Path, left_out: Counter[str]) -> list[Path]:
    """Return the files of a folder and its subfolders that hold data, in the order of their names."""
    found: list[Path] = []
    for entry in sorted(folder.iterdir()):
        if _is_hidden(entry.name):
            left_out["hidden folder" if entry.is_dir() else "hidden file"] += 1
        elif entry.is_dir():
            _refuse_table_with_log(entry, top)
            found += _visible(entry, top, left_out)
        elif entry.stat().st_size == 0:
            left_out["empty file"] += 1
        else:
            found.append(entry)
    return found


def _is_hidden(name: str) -> bool:
    """Return whether a name is that of a hidden entry, a resource fork of macOS or the lock of an open workbook."""
    # A folder such as _year=2024 has rows.
    return name.startswith((".", "~$")) or (name.startswith("_") and "=" not in name)


def _refuse_table_with_log(folder: Path, top: Path) -> None:
    if (folder / DELTA_LOG).is_dir():
        raise InputError(f"{folder} in {top} is a Delta table; give that folder itself.")


def _has_ending(file: Path, endings: tuple[str, ...]) -> bool:
    return file.name.lower().endswith(endings)


def _and_left_out(left_out: Counter[str]) -> str:
    counts = [f"{count:,} {what}{'s' * (count > 1)}" for what, count in left_out.items() if count]
    return f" (it has {' and '.join(counts)})" if counts else ""
