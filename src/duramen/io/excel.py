"""Tables come in; a workbook of Excel goes out, by the package of the extra ``excel``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

PACKAGE = "xlsxwriter"
# Rows of a sheet, less the one of headings.
MOST_ROWS = 2**20 - 1
# Workbooks have a date of their making; a fixed one keeps the same tables the same bytes.
MADE = datetime(2000, 1, 1)
WIDTHS = {"reason": 60, "treatment": 60, "customer_id": 22}
WIDTH = 18
MONEY, PERCENT, DAY = "#,##0.00", "0.0%", "yyyy-mm-dd"


def missing_package() -> str | None:
    """Return the package that writes workbooks where it is not installed."""
    return PACKAGE if find_spec(PACKAGE) is None else None


def write_workbook(sheets: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write each table as a sheet, by its title; the same tables give the same bytes.

    Text and customer ids are written as text, whatever they look like: no formula, link or number is made of them.
    Missing values are empty cells. Columns ``..._probability`` are shown in percent, other floats with two
    decimals; days are dates.

    Parameters
    ----------
    sheets : mapping of str to pandas.DataFrame
        At most ``MOST_ROWS`` rows each.
    path : Path
        The file to write.
    """
    import xlsxwriter

    with xlsxwriter.Workbook(path) as book:
        book.set_properties({"created": MADE})
        styles = {style: book.add_format({"num_format": style}) for style in (MONEY, PERCENT, DAY)}
        bold = book.add_format({"bold": True})
        for title, table in sheets.items():
            sheet = book.add_worksheet(title)
            for at, (name, column) in enumerate(table.items()):
                sheet.set_column(at, at, WIDTHS.get(str(name), WIDTH))
                sheet.write_string(0, at, str(name), bold)
                _write_column(sheet, at, str(name), column, styles)
            sheet.freeze_panes(1, 1)
            sheet.autofilter(0, 0, len(table), table.shape[1] - 1)
            # Excel marks ids of digits alone as numbers that are stored as text.
            sheet.ignore_errors({"number_stored_as_text": f"A1:A{len(table) + 1}"})


def _write_column(sheet: Any, at: int, name: str, column: pd.Series[Any], styles: Mapping[str, Any]) -> None:
    number = pd.api.types.is_numeric_dtype(column) and name != "customer_id"
    is_day = pd.api.types.is_datetime64_dtype(column)
    style = styles[DAY] if is_day else None
    if pd.api.types.is_float_dtype(column):
        style = styles[PERCENT if name.endswith("_probability") else MONEY]
    for row, (value, known) in enumerate(zip(column, column.notna(), strict=True), start=1):
        if known and number:
            sheet.write_number(row, at, value, style)
        elif known and is_day:
            sheet.write_datetime(row, at, value.to_pydatetime(), style)
        elif known:
            sheet.write_string(row, at, str(value))
