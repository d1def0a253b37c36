"""The folder of a Delta table comes in; a table of a workspace goes out with the rows that its log counts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.data.frames import open_frame
from duramen.errors import InputError

if TYPE_CHECKING:
    import ibis


def read_delta(workspace: Any, folder: Path) -> ibis.Table:
    """Copy the latest version of a Delta table.

    Raises
    ------
    InputError
        If the package deltalake is missing, or cannot read the table.
    """
    try:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError
    except ImportError as error:
        raise InputError(
            f"{folder} is a Delta table, whose log states which of its files count, and the package deltalake is not "
            "installed; install duramen with its extra: duramen[delta]."
        ) from error
    try:
        rows = DeltaTable(str(folder)).to_pyarrow_dataset().to_table()
    except (DeltaError, OSError, ValueError, NotImplementedError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise InputError(
            f"{folder} is a Delta table whose log cannot be read ({reason}), and without it removed files would count; "
            "write the table again, or give a copy of its current rows as Parquet."
        ) from error
    return open_frame(workspace, rows)
