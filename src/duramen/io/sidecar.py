"""Scores and what they were made of come in; a JSON beside them goes out, with which a reader can check them.

A file, a table and a folder of Spark have the same keys, each beside its own name. The same input gives the same JSON.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from duramen.errors import InputError
from duramen.io.credentials import mask_values

FORMAT_VERSION = 1


def sidecar_path(path: Path) -> Path:
    """Return the path of the sidecar of a file.

    Examples
    --------
    >>> sidecar_path(Path("scores.end.parquet")).name
    'scores.end.json'
    """
    return path.with_suffix(".json")


def refuse_other_json(path: Path) -> None:
    """Refuse a file whose sidecar would replace anything but that of earlier scores there, before any work is done."""
    place = sidecar_path(path)
    if not place.exists():
        return
    found = read_sidecar(place)
    if found is None:
        raise InputError(
            f"{place} is not a sidecar of scores, and that of {path.name} would replace it; change `out`."
        )
    other = place.with_name(str(found.get("file", path.name)))
    if other.name != path.name and other.exists():
        raise InputError(
            f"{place} is the sidecar of {other.name}, and that of {path.name} would replace it; remove "
            f"{other.name}, or give `out` another stem."
        )


def read_sidecar(place: Path) -> dict[str, Any] | None:
    """Return the content of the sidecar of a file, or None where the JSON is something else."""
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and "format_version" in found and "sha256" in found else None


def put_in_place(written: Path, path: Path, rows: int, made_of: dict[str, Any]) -> None:
    """Put a written file in its place, and then its sidecar, each in one step.

    A run that is stopped between the two leaves a sidecar whose ``sha256`` and ``bytes`` are not those of the file.

    Parameters
    ----------
    written : Path
        The complete file, in a work folder on the same disk.
    path : Path
        Where it is to be.
    rows : int
        Its rows, one for each customer.
    made_of : dict
        What ``duramen.scoring.provenance.provenance`` returns.
    """
    own = {"bytes": written.stat().st_size, "sha256": file_digest(written)}
    beside = sidecar_path(written)
    beside.write_text(_text("file", path.name, rows, own | made_of) + "\n", encoding="utf-8")
    written.replace(path)
    beside.replace(sidecar_path(path))


def table_sidecar(table: str, rows: int, made_of: dict[str, Any]) -> str:
    """Return the sidecar of scores in a table, which is replaced with them and needs no digest.

    Parameters
    ----------
    table : str
        Name of the table, with its schema where one is named.
    rows : int
        Its rows, one for each customer.
    made_of : dict
        What ``duramen.scoring.provenance.provenance`` returns.
    """
    return _text("table", table, rows, made_of)


def folder_sidecar(folder: str, rows: int, made_of: dict[str, Any]) -> str:
    """Return the sidecar of a folder of Parquet files, which is put in place with them and needs no digest.

    Parameters
    ----------
    folder : str
        Name of the folder.
    rows : int
        Rows of all its files.
    made_of : dict
        What ``duramen.scoring.provenance.provenance`` returns.
    """
    return _text("folder", folder, rows, made_of)


def _text(kind: str, name: str, rows: int, content: dict[str, Any]) -> str:
    own = {"format_version": FORMAT_VERSION, kind: name, "rows": rows}
    return json.dumps(mask_values(own | content), indent=1, ensure_ascii=False)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
