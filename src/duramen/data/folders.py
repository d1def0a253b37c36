"""A path comes in; the files of it that are read go out."""

from __future__ import annotations

from pathlib import Path

from duramen.errors import InputError

CSV_ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".txt")
PARQUET_ENDINGS = (".parquet", ".pq")


def list_files(path: Path) -> tuple[list[Path], bool]:
    """Return the files of a path, and whether they are CSV."""
    if not path.exists():
        raise InputError(f"there is no file or folder {path}; check the path.")
    found = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    csv = [file for file in found if file.name.lower().endswith(CSV_ENDINGS)]
    parquet = [file for file in found if file.name.lower().endswith(PARQUET_ENDINGS)]
    if csv and parquet:
        raise InputError(
            f"{path} holds {len(csv)} CSV and {len(parquet)} Parquet files; keep one kind in a folder."
        )
    if not csv and not parquet:
        raise InputError(f"{path} is neither CSV nor Parquet; give a file that ends in .csv or .parquet.")
    return csv or parquet, bool(csv)
