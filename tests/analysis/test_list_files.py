"""Lists as files: the same rows in CSV and in the workbook, and nothing in them that a spreadsheet runs."""

import re
import zipfile
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from duramen.analysis import list_files
from duramen.analysis.list_files import SHEETS, write_lists
from duramen.analysis.lists import CustomerLists, customer_lists
from duramen.errors import InputError
from duramen.forecast.retention_profit import RetentionOffer
from duramen.language import using_language
from duramen.scoring.ranking import rank_core_customers
from duramen.scoring.tiers import Tiers

NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture(scope="module")
def lists(shop):
    """The four lists of the shop, with costs to serve."""
    tiers = Tiers(vip_share=0.2, core_share=0.4, rising_growth=0)
    ranking = rank_core_customers(shop.scores, tiers, np.full(len(shop.scores), 3.0))
    return customer_lists(ranking, RetentionOffer(offer_cost=5, contact_cost=1))


def rows_of(listed, ids):
    """Return four lists of which each has the first customers of a list, under other ids."""
    rows = listed.head(len(ids)).assign(customer_id=ids)
    return CustomerLists(rows, rows, rows, None)


def read_workbook(path):
    """Read the sheets of a workbook from its XML: text as text and numbers as numbers, by title."""
    with zipfile.ZipFile(path) as parts:
        book = ElementTree.fromstring(parts.read("xl/workbook.xml"))
        titles = [sheet.get("name") for sheet in book.iter(f"{NAMESPACE}sheet")]
        strings = [
            "".join(text.text or "" for text in item.iter(f"{NAMESPACE}t"))
            for item in ElementTree.fromstring(parts.read("xl/sharedStrings.xml"))
        ]
        sheets = {}
        for at, title in enumerate(titles, start=1):
            sheet = ElementTree.fromstring(parts.read(f"xl/worksheets/sheet{at}.xml"))
            assert not [*sheet.iter(f"{NAMESPACE}f")], "a formula"
            assert not [*sheet.iter(f"{NAMESPACE}hyperlink")], "a link"
            rows = [
                {re.match("[A-Z]+", cell.get("r"))[0]: content(cell, strings) for cell in row}
                for row in sheet.iter(f"{NAMESPACE}row")
            ]
            names = rows[0]
            sheets[title] = pd.DataFrame(
                [{names[place]: value for place, value in row.items()} for row in rows[1:]],
                columns=list(names.values()),
            )
        return sheets


def content(cell, strings):
    text = cell.find(f"{NAMESPACE}v").text
    return strings[int(text)] if cell.get("t") == "s" else float(text)


def test_the_workbook_and_the_csv_files_have_the_rows_of_the_lists(lists, tmp_path):
    pytest.importorskip("xlsxwriter")
    written = write_lists(tmp_path / "deep" / "lists", lists)
    assert written.note == ""
    assert [path.name for path in written.files] == [*(f"{name}.csv" for name in SHEETS), "lists.xlsx"]
    assert {path.name for path in (tmp_path / "deep" / "lists").iterdir()} == {
        path.name for path in written.files
    }
    sheets = read_workbook(written.files[-1])
    assert [*sheets] == ["Call", "Win back", "New in the rising tier", "Below break-even"]
    for name, rows in lists._asdict().items():
        assert len(rows)
        path = tmp_path / "deep" / "lists" / f"{name}.csv"
        in_csv = pd.read_csv(path, dtype={"customer_id": str}, parse_dates=["last_purchase"])
        pd.testing.assert_frame_equal(in_csv, rows, check_dtype=False)
        # A workbook counts days from 30 December 1899.
        days = (rows["last_purchase"] - pd.Timestamp("1899-12-30")).dt.days
        in_book = rows.assign(last_purchase=days)
        pd.testing.assert_frame_equal(sheets[SHEETS[name]], in_book, check_dtype=False)


@pytest.mark.parametrize(
    "ids",
    [
        [
            "007",
            "=1+1",
            "+49",
            "-5",
            "@SUM(A1)",
            "https://a.example",
            "12345678901234567890",
            " a ",
            "_x0041_",
        ],
        [12345678901234567, 7, -3],
        pd.array([2**64 - 1, 1, 2], dtype="uint64"),
    ],
)
def test_ids_in_the_workbook_are_text_as_they_are(lists, tmp_path, ids):
    pytest.importorskip("xlsxwriter")
    written = write_lists(tmp_path, rows_of(lists.call, ids))
    sheet = read_workbook(written.files[-1])["Call"]
    expected = [str(each) for each in ids]
    # What looks like an escape of XML is escaped itself.
    assert [text.replace("_x005F_", "_") for text in sheet["customer_id"]] == expected


def test_missing_values_are_empty_cells(lists, tmp_path):
    pytest.importorskip("xlsxwriter")
    rows = lists.call.head(2).assign(reason=[None, "more"], predicted_value=[np.nan, 1.0])
    sheet = read_workbook(write_lists(tmp_path, CustomerLists(rows, rows, rows, None)).files[-1])["Call"]
    assert sheet["reason"].isna().tolist() == sheet["predicted_value"].isna().tolist() == [True, False]


def test_the_same_lists_give_the_same_bytes(lists, tmp_path):
    first, second = (write_lists(tmp_path / name, lists).files for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_lists_of_an_earlier_run_are_replaced_or_removed_and_other_files_stay(lists, tmp_path):
    write_lists(tmp_path, lists)
    (tmp_path / "notes.txt").write_text("called Ann on Monday")
    written = write_lists(tmp_path, lists._replace(below_break_even=None, call=lists.call.head(0)))
    assert {path.name for path in tmp_path.iterdir()} == {"notes.txt", *(path.name for path in written.files)}
    assert not (tmp_path / "below_break_even.csv").exists()
    assert pd.read_csv(tmp_path / "call.csv").columns.tolist() == [*lists.call]


@pytest.mark.parametrize(
    ("missing", "most", "sentence"),
    [
        ("xlsxwriter", 2**20, r"install duramen with its extra: duramen\[excel\]\.$"),
        (None, 5, "a sheet at most 5; set a limit.$"),
    ],
)
def test_where_there_is_no_workbook_the_csv_files_are_written_and_a_sentence_says_why(
    lists, tmp_path, monkeypatch, missing, most, sentence
):
    monkeypatch.setattr(list_files, "missing_package", lambda: missing)
    monkeypatch.setattr(list_files, "MOST_ROWS", most)
    (tmp_path / "lists.xlsx").write_text("of an earlier run")
    written = write_lists(tmp_path, lists)
    assert re.search(sentence, written.note)
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.csv" for name in SHEETS}


def test_a_file_in_the_place_of_the_folder_is_refused(lists, tmp_path):
    (tmp_path / "lists").write_text("a shopping list")
    with pytest.raises(InputError, match="is a file, where a folder is to be written"):
        write_lists(tmp_path / "lists", lists)


def test_the_workbook_is_in_the_language_that_is_set_and_csv_keeps_the_names(lists, tmp_path):
    with using_language("zh"):
        write_lists(tmp_path, lists)
    sheets = read_workbook(tmp_path / "lists.xlsx")
    assert [*sheets][:2] == ["联系名单", "挽回"]
    assert not sheets["挽回"]["treatment"].str.contains("[a-z]{4}").any()
    assert not sheets["挽回"]["tier"].isin(["main", "regular", "small"]).any()
    assert (
        pd.read_csv(tmp_path / "win_back.csv")["tier"]
        .isin(["VIP", "main", "rising", "regular", "small"])
        .all()
    )
