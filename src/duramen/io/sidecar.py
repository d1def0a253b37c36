"""Scores and what they were made of come in; a JSON beside them goes out, by which a reader can trust them.

Called by the score command, and for tables by ``tables.py``. It holds nothing that another run on the same input would
write otherwise.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from duramen.errors import InputError

FORMAT_VERSION = 1


def sidecar_path(path: Path) -> Path:
    """Return the place of the sidecar.

    Examples
    --------
    >>> sidecar_path(Path("scores.end.parquet")).name
    'scores.end.json'
    """
    return path.with_suffix(".json")


def refuse_other_json(path: Path) -> None:
    """Refuse a place where something else lies than the sidecar of earlier scores there, before any work is done."""
    place = sidecar_path(path)
    if not place.exists():
        return
    told = read_sidecar(place)
    if told is None:
        raise InputError(
            f"{place} is no sidecar of scores, and that of {path.name} would replace it; change `out`."
        )
    other = place.with_name(str(told.get("file", path.name)))
    if other.name != path.name and other.exists():
        raise InputError(
            f"{place} is the sidecar of {other.name}, and that of {path.name} would replace it; remove "
            f"{other.name}, or give `out` another stem."
        )


def read_sidecar(place: Path) -> dict[str, Any] | None:
    """Return what a sidecar tells, or None where the file is none."""
    try:
        told = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) and "format_version" in told and "sha256" in told else None


def put_in_place(written: Path, path: Path, rows: int, told: dict[str, Any]) -> None:
    """Put a written file in its place, and then its sidecar, each in one step.

    Whoever is stopped between the two leaves a sidecar whose ``sha256`` and ``bytes`` are not those of the file.

    Parameters
    ----------
    written : Path
        The whole file, in a folder of one's own on the same disk.
    path : Path
        Where it is to be.
    rows : int
        Its rows, one a customer.
    told : dict
        What ``duramen.scoring.provenance.provenance`` returns.
    """
    own = {
        "file": path.name,
        "rows": rows,
        "bytes": written.stat().st_size,
        "sha256": file_digest(written),
    }
    beside = sidecar_path(written)
    beside.write_text(_text(own | told) + "\n", encoding="utf-8")
    written.replace(path)
    beside.replace(sidecar_path(path))


def table_sidecar(table: str, rows: int, told: dict[str, Any]) -> str:
    """Return the sidecar of scores in a table, which is replaced with them and needs no digest.

    Parameters
    ----------
    table : str
        Name of the table, with its schema where one is named.
    rows : int
        Its rows, one a customer.
    told : dict
        What ``duramen.scoring.provenance.provenance`` returns.
    """
    return _text({"table": table, "rows": rows} | told)


def _text(told: dict[str, Any]) -> str:
    return json.dumps({"format_version": FORMAT_VERSION} | told, indent=1, ensure_ascii=False)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
