"""Lists of customers come in; CSV files and a workbook go out, in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from duramen.io.atomic import work_folder
from duramen.io.excel import MOST_ROWS, missing_package, write_workbook
from duramen.io.files import refuse_unwritable_folder, write_blocks
from duramen.language import marked, say, translated

if TYPE_CHECKING:
    import pandas as pd

    from duramen.analysis.lists import CustomerLists

WORKBOOK = "lists.xlsx"
SHEETS = {
    "call": marked("Call"),
    "win_back": marked("Win back"),
    "new_in_rising_tier": marked("New in the rising tier"),
    "below_break_even": marked("Below break-even"),
}


class WrittenLists(NamedTuple):
    """The files of lists, and a sentence on why there is no workbook, empty where there is one."""

    files: tuple[Path, ...]
    note: str


def write_lists(folder: str | Path, lists: CustomerLists) -> WrittenLists:
    """Write each list as CSV, and all of them as sheets of ``lists.xlsx``; the same lists give the same bytes.

    The files of earlier lists in the folder are replaced or removed; other files stay. In the workbook ids are text,
    so that leading zeros and long numbers stay, text is never run as a formula, and tiers and treatments are in the
    language that is set. In CSV, for other programs, they are the names in the ranking, and text that a spreadsheet
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
            sheets = {translated(SHEETS[name]): _in_words(rows) for name, rows in known.items()}
            write_workbook(sheets, beside / WORKBOOK)
        # Nothing of an earlier run is touched before everything new is written.
        for path in files:
            (beside / path.name).replace(path)
        for name in (WORKBOOK, *(f"{name}.csv" for name in SHEETS)):
            if folder / name not in files:
                (folder / name).unlink(missing_ok=True)
    return WrittenLists(tuple(files), note)


def _in_words(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a list with what people read in the language that is set."""
    return rows.assign(**{name: rows[name].map(translated) for name in ("tier", "treatment")})


def _why_no_workbook(rows: int) -> str:
    if (package := missing_package()) is not None:
        return say(
            "{file} is not written, because the package {package} is not installed; install duramen with its extra: "
            "duramen[excel].",
            file=WORKBOOK,
            package=package,
        )
    if rows > MOST_ROWS:
        return say(
            "{file} is not written: a list has {rows} rows, and a sheet at most {most}; set a limit.",
            file=WORKBOOK,
            rows=f"{rows:,}",
            most=f"{MOST_ROWS:,}",
        )
    return ""
