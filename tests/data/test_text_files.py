"""Text files of other encodings, compressions and dialects are read right, or refused in one sentence."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duramen.data.reading import read_transactions
from duramen.errors import InputError

ORDERS = Path(__file__).parent / "files" / "folders" / "orders.csv"
HEADER = "customer,date,amount\n"


@pytest.fixture
def written(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def ids(tx):
    return sorted(tx.days.to_pyarrow()["customer_id"].to_pylist())


def refused(source, **options):
    with pytest.raises(InputError) as caught:
        read_transactions(source, **options)
    return str(caught.value)


def test_quotes_that_spark_escapes_by_a_backslash_are_read(written):
    rows = ORDERS.read_text().splitlines()
    products = ['"mug 3\\" big"', "Tea", '"pot, \\"old\\""']
    lines = [rows[0] + ",order_id,product"]
    lines += [f"{row},O{number},{products[number % 3]}" for number, row in enumerate(rows[1:])]
    tx = read_transactions(written("backslash.csv", ("\n".join(lines) + "\n").encode()))
    assert (tx.rows_in, tx.set_aside, round(tx.summary().net_total, 2)) == (436, {}, 16_630.58)
    assert tx.assumed == ("quotes inside values are escaped by a backslash",)
    items = tx.product_spend("product", "2030-01-01").item.value_counts().to_pyarrow()["item"].to_pylist()
    assert sorted(items) == ["Tea", 'mug 3" big', 'pot, "old"']


def test_a_backslash_at_the_end_of_a_value_is_a_backslash(written):
    content = 'customer,date,amount,product\n"a\\",2020-01-02,3,"C:\\"\n'
    assert ids(read_transactions(written("orders.csv", content.encode()))) == ["a\\"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("lines", [1, 9_000])
def test_encodings_are_found(written, encoding, lines):
    text = HEADER + "1,2020-01-02,3\n" * lines + "Müller \u2013 5 €,2020-01-02,3\n"
    mark = "\ufeff" * (encoding in ("utf-16-le", "utf-16-be"))
    file = written("orders.csv", (mark + text).encode(encoding))
    tx = read_transactions(file)
    assert ids(tx) == ["1", "Müller \u2013 5 €"]
    assert tx.rows_in == lines + 1
    said = (f"{file} not in UTF-8: read as Windows-1252; if letters are wrong, save as UTF-8",)
    assert tx.assumed == (said if encoding == "cp1252" else ())


def test_an_encoding_is_found_in_the_header_and_in_one_file_of_a_folder(written):
    written("a.csv", (HEADER + "Änne,2020-01-02,3\n").encode())
    written("b.csv", (HEADER.replace("customer", "Kunde ü") + "Änne,2020-01-02,3\n").encode("cp1252"))
    assert "b.csv has no column 'customer'" in refused(written("c.csv", b"").parent)
    written("b.csv", (HEADER + "Änne,2020-01-03,3\n").encode("cp1252"))
    tx = read_transactions(written("c.csv", b"").parent)
    assert ids(tx) == ["Änne", "Änne"]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("客户编号甲乙", "gbk"),
        ("顧客番号", "cp932"),
        ("Иванов", "cp1251"),
        ("Änne", "utf-16-le"),
        ("김민준", "euc-kr"),
    ],
)
def test_other_encodings_are_refused_and_not_misread(written, text, encoding):
    content = HEADER + f"{text},2020-01-02,3\n"
    sentence = refused(written("orders.csv", content.encode(encoding)))
    assert (
        "orders.csv is not UTF-8 text, nor Windows-1252" in sentence
        or "no column that looks like" in sentence
    )


def test_a_broken_letter_in_a_file_in_utf8_is_not_read_as_windows_1252(written):
    good = (HEADER + "Änne,2020-01-02,3\n" * 9).encode()
    assert "is not UTF-8 text, nor Windows-1252" in refused(
        written("orders.csv", good + b"J\xf6rg,2020-01-02,3\n")
    )


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text("äöüßéèñçåø", min_size=1, max_size=9).map("-n ".join))
def test_names_of_western_languages_survive_windows_1252(written, name):
    file = written("orders.csv", (HEADER + f"{name},2020-01-02,3\n").encode("cp1252"))
    assert ids(read_transactions(file)) == [name]


def test_zstandard_is_read_and_a_cut_file_refused(tmp_path):
    file = tmp_path / "orders.csv.zst"
    with pa.output_stream(file, compression="zstd") as stream:
        stream.write((HEADER + "1,2020-01-02,3\n" * 20_000).encode())
    assert read_transactions(file).rows_in == 20_000
    file.write_bytes(file.read_bytes()[:-20])
    assert "orders.csv.zst is no whole Zstandard file" in refused(file)


def test_json_lines_are_read_as_text(written):
    lines = b'{"customer": "007", "date": "2020-01-02", "amount": 12.5, "deep": {"a": 1}}\n'
    tx = read_transactions(
        written("orders.jsonl", lines + b'{"amount": "3", "customer": 8, "date": "2020-01-03"}\n')
    )
    assert ids(tx) == ["007", "8"]
    assert float(tx.days.net.sum().to_pyarrow().as_py()) == 15.5
    assert "could not be read" in refused(written("orders.jsonl", b'{"customer": 1\n'))


def test_a_heading_in_use_that_is_there_twice_is_refused(written):
    path = written("orders.csv", b"customer,date,amount,Amount\n1,2020-01-02,3,4\n")
    assert "two columns are called 'amount', which is read as the amount" in refused(path)
    path = written("orders.csv", b"customer,date,amount,note,note\n1,2020-01-02,3,a,b\n")
    assert read_transactions(path).rows_used == 1


@pytest.mark.parametrize("stated", [b"sep=|", b'"sep=|"', b"SEP=|"])
def test_a_separator_that_is_stated_above_the_header_is_taken(written, stated):
    path = written("orders.csv", stated + b"\r\ncustomer|date|amount, net|amount\r\n1|2020-01-02|3|4\r\n")
    assert read_transactions(path).summary().net_total == 4
    path = written("orders.csv", stated + b"\ncustomer|date|amount\n1|2020-01-02\n")
    assert "line 3 of orders.csv has 2 values where the header has 3" in refused(path)
