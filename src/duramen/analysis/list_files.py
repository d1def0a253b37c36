"""Lists of customers come in; CSV files and a workbook go out, in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from duramen.io.atomic import work_folder
from duramen.io.excel import MOST_ROWS, missing_package, write_workbook
from duramen.io.files import refuse_unwritable_folder, write_blocks

if TYPE_CHECKING:
    from duramen.analysis.lists import CustomerLists

WORKBOOK = "lists.xlsx"
SHEETS = {
    "call": "Call",
    "win_back": "Win back",
    "newly_rising": "Newly rising",
    "below_break_even": "Below break-even",
}


class WrittenLists(NamedTuple):
    """The files of lists, and a sentence on why there is no workbook, empty where there is one."""

    files: tuple[Path, ...]
    note: str


def write_lists(folder: str | Path, lists: CustomerLists) -> WrittenLists:
    """Write each list as CSV, and all of them as sheets of ``lists.xlsx``; the same lists give the same bytes.

    The files of earlier lists in the folder are replaced or removed; other files stay. In the workbook ids are text,
    so that leading zeros and long numbers stay, and text is never run as a formula. In CSV text that a spreadsheet
    would run has an apostrophe before it.

    Parameters
    ----------
    folder : str or Path
        Made if it is missing.
    lists : CustomerLists
        What ``customer_lists`` returns.

    Returns
    -------
    WrittenLists
        The files, and a sentence where no workbook is written: without the extra ``excel``, or with a list of more
        rows than a sheet can have.

    Raises
    ------
    InputError
        If the folder cannot be written to, or another run is writing to it.
    """
    folder = Path(folder)
    refuse_unwritable_folder(folder, "folder")
    known = {name: rows for name, rows in lists._asdict().items() if rows is not None}
    note = _why_no_workbook(max(map(len, known.values())))
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{name}.csv" for name in known] + ([] if note else [folder / WORKBOOK])
    with work_folder(folder / "lists", folder) as beside:
        for name, rows in known.items():
            write_blocks([rows], beside / f"{name}.csv")
        if not note:
            write_workbook({SHEETS[name]: rows for name, rows in known.items()}, beside / WORKBOOK)
        # Nothing of an earlier run is touched before everything new is written.
        for path in files:
            (beside / path.name).replace(path)
        for name in (WORKBOOK, *(f"{name}.csv" for name in SHEETS)):
            if folder / name not in files:
                (folder / name).unlink(missing_ok=True)
    return WrittenLists(tuple(files), note)


def _why_no_workbook(rows: int) -> str:
    if (package := missing_package()) is not None:
        return (
            f"{WORKBOOK} is not written, because the package {package} is not installed; install duramen with its "
            "extra: duramen[excel]."
        )
    if rows > MOST_ROWS:
        return f"{WORKBOOK} is not written: a list has {rows:,} rows, and a sheet at most {MOST_ROWS:,}; set a limit."
    return ""
