"""Files with a JSON object on each line come in; a table of a workspace goes out whose values are text, as of CSV."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.data.file_columns import Opened, read_files
from duramen.data.text_encodings import refuse_cut
from duramen.data.text_files import literal_paths
from duramen.io.databases import quoted

if TYPE_CHECKING:
    import ibis


def read_json_lines(workspace: Any, files: list[Path], opened: Opened) -> ibis.Table:
    """Copy files with an object on each line into a table; what lies deeper in an object is its JSON."""
    columns: dict[Path, list[str]] = {}
    for file in files:
        refuse_cut(file)
        cursor = workspace.con.execute(f"SELECT * FROM {_read_json([file])}, sample_size = -1) LIMIT 0")
        columns[file] = [column[0] for column in cursor.description]

    def scan(some: list[Path], options: str) -> str:
        types = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in columns[some[0]])
        return f"{_read_json(some)}, columns = {{{types}}}{options})"

    return read_files(workspace, columns, scan, opened, copy=True)


def _read_json(files: list[Path]) -> str:
    return f"read_json({literal_paths(files)}, format = 'newline_delimited', hive_partitioning = false"
