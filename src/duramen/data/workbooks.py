"""Excel workbooks come in; a table of a workspace with the rows of one sheet of each goes out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.data.file_columns import FILE, Opened, read_files
from duramen.data.frames import arrow_of_pandas, storable
from duramen.data.header_lines import LINES, place_of_header, said_titles
from duramen.errors import InputError

if TYPE_CHECKING:
    import ibis
    import pandas as pd

_WITH_SHEET = re.compile(r"(?P<file>.+\.xls[xm]?)#(?P<sheet>.+)", re.IGNORECASE)


def split_sheet(path: Path) -> tuple[Path, str | None]:
    """Return a file and the sheet that is named after it.

    Examples
    --------
    >>> split_sheet(Path("orders.xlsx#March"))[1], split_sheet(Path("orders#1.csv"))[1]
    ('March', None)
    """
    found = _WITH_SHEET.fullmatch(str(path))
    if found is None or path.exists():
        return path, None
    return Path(found["file"]), found["sheet"]


def read_workbooks(workspace: Any, files: list[Path], sheet: str | None, opened: Opened) -> ibis.Table:
    """Copy a sheet of each workbook, whose first row below its titles has the names of the columns.

    Raises
    ------
    InputError
        If the package python-calamine is missing, a file is no workbook, or it has several sheets with rows and none
        is named.
    """
    columns: dict[Path, list[str]] = {}
    tables: dict[Path, str] = {}
    for number, file in enumerate(files):
        below = _below_titles(_read_sheet(file, sheet), file, opened)
        rows = storable(arrow_of_pandas(below), str(file))
        tables[file], columns[file] = f"workbook_{number}", rows.column_names
        workspace.create_table(tables[file], obj=rows)

    def scan(some: list[Path], options: str) -> str:
        # With options, the column of the file is wanted.
        paths = {file: "'" + str(file).replace("'", "''") + "'" for file in some}
        selects = [
            f"SELECT *{f', {path} AS {FILE}' * bool(options)} FROM {tables[file]}"
            for file, path in paths.items()
        ]
        return f"({' UNION ALL BY NAME '.join(selects)})"

    return read_files(workspace, columns, scan, opened, copy=True)


def _read_sheet(file: Path, sheet: str | None) -> pd.DataFrame:
    import pandas as pd

    try:
        from python_calamine import CalamineError
    except ImportError as error:
        raise InputError(
            f"{file} is an Excel workbook, and the package python-calamine is not installed; install duramen with its "
            "extra: duramen[excel]."
        ) from error
    try:
        # What is a missing id or amount, the reading decides: "NA" may be a customer.
        sheets = pd.read_excel(
            file, sheet_name=None, engine="calamine", dtype=object, keep_default_na=False, na_values=[""]
        )
    except (CalamineError, OSError, ValueError) as error:
        raise InputError(
            f"{file} could not be read as an Excel workbook: {' '.join(str(error).split()).rstrip('.')}."
        ) from error
    filled = {str(name): rows.dropna(how="all") for name, rows in sheets.items()}
    names = ", ".join(map(repr, filled))
    if sheet is not None:
        if sheet not in filled:
            raise InputError(f"{file} has no sheet {sheet!r}; its sheets are {names}.")
        return filled[sheet]
    with_rows = [name for name, rows in filled.items() if len(rows)]
    if len(with_rows) != 1:
        held = "several sheets with rows" if with_rows else "no sheet with rows"
        raise InputError(
            f"{file} has {held} (its sheets are {names}); name one, as in {file.name}#{next(iter(filled))}."
        )
    return filled[with_rows[0]]


def _below_titles(rows: pd.DataFrame, file: Path, opened: Opened) -> pd.DataFrame:
    """Return the rows with the names of the columns from below the titles, where the sheet begins with titles."""
    # What pandas calls a column without a name.
    first = ["" if re.fullmatch(r"Unnamed: \d+", str(name)) else str(name).strip() for name in rows.columns]
    start = rows.head(LINES)
    texts = [[str(value).strip() for value in row] for row in start.where(start.notna(), "").values.tolist()]
    place = place_of_header([first, *texts])
    if place is None:
        return rows
    names = [text or name for text, name in zip(texts[place - 1], rows.columns, strict=True)]
    opened.assumed.append(said_titles(file, int(rows.index[place - 1]) + 1))
    return rows.iloc[place:].set_axis(names, axis=1)
