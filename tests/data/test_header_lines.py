"""A header below lines of titles is found, in text and in workbooks, and an ordinary header stays the first line."""

import gzip

import pandas as pd
import pytest

from duramen.data.reading import read_transactions
from duramen.errors import InputError

GERMAN = """\
Kunden-Nr.;Datum;Betrag;Artikel;Status
A1;03.01.2022;34,84;Blumenerde 40L;bezahlt
A2;04.01.2022;10,92;Spaten;bezahlt
A2;05.01.2022;8,35;Dünger, fein;storniert
A3;13.01.2022;1,50;Spaten;bezahlt
"""
TITLES = {
    "one line": "Bestellungsexport Müller & Söhne\n",
    "lines and blanks": "\nBestellungsexport\nZeitraum: 01.01.2022 - 31.12.2024\n\n",
    "padded with separators": "Bestellungsexport;;;;\nErstellt am: 01.10.2024 08:12 Uhr;;;;\n;;;;\n",
    "several values": "Export;;;;\nVon;01.01.2022;;;\nBis;31.12.2024;;;\n",
    "other separators in them": "Bestellungen, Retouren, Storni\nJanuar, Februar, März\n\n",
    "short lines of values": "Zeitraum;01.01.2022;31.12.2024\n",
    "a quoted line end": '"Export\nvom Montag"\n\n',
    "a stated separator": "sep=;\nExport\n\n",
    "many lines": "Hinweis\n" * 25,
}
MONEY, SET_ASIDE = 47.26, {"unpaid or refunded order": 1}


def header_sentences(tx):
    return [sentence for sentence in tx.assumed if "the header of" in sentence and "Windows" not in sentence]


@pytest.fixture
def written(tmp_path):
    def write(name, text, encoding="utf-8"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.mark.parametrize(
    ("titles", "line_end", "encoding"),
    [(title, "\n", "utf-8") for title in TITLES]
    + [("lines and blanks", "\r\n", encoding) for encoding in ("utf-8-sig", "cp1252", "utf-16")],
)
def test_a_header_below_titles_is_found_and_said(written, titles, line_end, encoding):
    text = (TITLES[titles] + GERMAN).replace("\n", line_end)
    file = written("orders.csv", text, encoding)
    tx = read_transactions(file)
    assert (tx.rows_in, round(tx.summary().net_total, 2), tx.set_aside) == (4, MONEY, SET_ASIDE)
    above = TITLES[titles].count("\n")
    what = f"{above} lines above it are titles" if above > 1 else "1 line above it is a title"
    assert header_sentences(tx) == [f"the header of {file} is in line {above + 1}: the {what}"]


@pytest.mark.parametrize(
    "text",
    [
        GERMAN,
        "\n\n" + GERMAN,
        "sep=;\n" + GERMAN,
        # A column without a name, as pandas writes its index.
        ",customer,date,amount\nx,a,2024-01-01,n/a\n" + "y,b,2024-01-02,5\n" * 20,
        # Few values in each line, and lists that have a separator of their own.
        "customer,date,amount,note\na,2024-01-02,5,red;blue;old\nb;c;d,2024-01-03,6,\n",
        "customer,date,amount,note,more\na,2024-01-02,5,,\nb,2024-01-03,6,,\n",
        # No more than a header and one row.
        "customer,date,amount\na,2024-01-02,5\n",
    ],
)
def test_an_ordinary_header_is_the_first_line(written, text):
    assert header_sentences(read_transactions(written("orders.csv", text))) == []


def test_files_of_a_folder_may_have_titles_of_different_length(written):
    first = written("shop/a.csv", "Export\n\n" + GERMAN)
    written("shop/b.csv", "Export\nMontag\n" + GERMAN.replace("A", "B"), "cp1252")
    tx = read_transactions(written("shop/c.csv", GERMAN.replace("A", "C")).parent)
    assert (tx.rows_in, round(tx.summary().net_total, 2)) == (12, round(3 * MONEY, 2))
    assert header_sentences(tx) == [
        f"the header of {first} and 1 more is in line 3: the 2 lines above it are titles"
    ]


def test_a_compressed_file_may_have_titles(tmp_path):
    file = tmp_path / "orders.csv.gz"
    file.write_bytes(gzip.compress(("Export\n\n" + GERMAN).encode()))
    assert round(read_transactions(file).summary().net_total, 2) == MONEY


def test_a_faulty_line_below_titles_is_named_by_its_place_in_the_file(written):
    text = "Export\n\n" + GERMAN + "A4;13.01.2022\n"
    with pytest.raises(InputError, match=r"line 8 of orders\.csv has 2 values where the header has 5"):
        read_transactions(written("orders.csv", text))


def test_a_sheet_may_have_titles(tmp_path):
    pytest.importorskip("python_calamine")
    file = tmp_path / "orders.xlsx"
    rows = [["Orders of May", None, None], ["From", pd.Timestamp("2024-05-01"), None], [None] * 3]
    orders = [
        ["customer", "date", "amount"],
        ["007", pd.Timestamp("2024-05-02"), 1.5],
        ["N7", "2024-05-03", 2],
    ]
    pd.DataFrame(rows + orders).to_excel(file, header=False, index=False, engine="xlsxwriter")
    tx = read_transactions(file)
    assert (tx.rows_in, tx.summary().net_total) == (2, 3.5)
    assert header_sentences(tx) == [f"the header of {file} is in line 4: the 3 lines above it are titles"]
    pd.DataFrame(orders).to_excel(file, header=False, index=False, engine="xlsxwriter")
    assert header_sentences(read_transactions(file)) == []
