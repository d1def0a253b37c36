"""Sheets of Excel workbooks are read with their types, and which sheet is meant is never guessed."""

import pandas as pd
import pytest

from duramen.data.reading import read_transactions
from duramen.errors import InputError

FRAME = pd.DataFrame(
    {
        "customer": ["007", "N7", None],
        "date": pd.to_datetime(["2020-01-02 00:00", "2020-01-03 12:00", "2020-01-04 00:00"]),
        "amount": [1.5, 2, 3],
    }
)


@pytest.fixture
def workbook(tmp_path):
    pytest.importorskip("python_calamine")

    def write(**sheets):
        file = tmp_path / "orders.xlsx"
        with pd.ExcelWriter(file, engine="xlsxwriter") as book:
            for name, frame in sheets.items():
                frame.to_excel(book, sheet_name=name, index=False)
        return file

    return write


def refused(source):
    with pytest.raises(InputError) as caught:
        read_transactions(source)
    return str(caught.value)


def test_the_only_sheet_with_rows_is_read(workbook, days_of):
    tx = read_transactions(workbook(About=pd.DataFrame(), Orders=FRAME))
    assert [(day["customer_id"], str(day["date"]), float(day["net"])) for day in days_of(tx)] == [
        ("007", "2020-01-02", 1.5),
        ("N7", "2020-01-03", 2.0),
    ]
    assert tx.set_aside == {"missing customer id": 1}


def test_one_of_several_sheets_is_named_after_the_file(workbook):
    file = workbook(March=FRAME, April=FRAME.iloc[:1])
    assert read_transactions(f"{file}#April").rows_in == 1
    assert refused(file) == (
        f"{file} has several sheets with rows (its sheets are 'March', 'April'); name one, as in orders.xlsx#March."
    )
    assert refused(f"{file}#May") == f"{file} has no sheet 'May'; its sheets are 'March', 'April'."


def test_workbooks_of_a_folder_are_one_source(workbook):
    file = workbook(March=FRAME)
    file.rename(file.with_name("march.xlsx"))
    workbook(April=FRAME.rename(columns={"customer": "Customer"}))
    (file.parent / "~$orders.xlsx").write_bytes(b"lock")
    tx = read_transactions(file.parent)
    assert tx.rows_in == 6
    assert tx.assumed == (f"1 hidden file of {file.parent} was not read",)


def test_what_is_no_workbook_is_refused(workbook):
    file = workbook(March=FRAME)
    file.write_bytes(b"junk")
    assert "could not be read as an Excel workbook" in refused(file)


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "python_calamine", None)
    (tmp_path / "orders.xlsx").write_bytes(b"PK")
    assert refused(tmp_path / "orders.xlsx").endswith("install duramen with its extra: duramen[excel].")
