"""Every kind of source reads alike, and what cannot be read is told in one sentence."""

import gzip
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from duramen.data.reading import read_transactions
from duramen.errors import InputError

HEADER = "customer,date,amount\n"


@pytest.fixture
def file(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def told(source, **options):
    """The one sentence with which a source is refused."""
    with pytest.raises(InputError) as caught:
        read_transactions(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith((".", "?"))
    return message


def ids(tx):
    return sorted(tx.days.to_pyarrow()["customer_id"].to_pylist())


def test_every_kind_of_source_gives_the_same_days(kind, stored, orders, days_of):
    frame = orders(customer=["a", "b,c", "b,c"], product=["ä", None, 'quoted "x"'])
    expected = read_transactions(frame)
    tx = read_transactions(stored(kind, frame))
    assert days_of(tx) == days_of(expected)
    assert tx.rows_in == tx.rows_used == 3
    assert set(tx.columns) == {"customer_id", "date", "amount", "product"}


def test_a_data_set_is_read_by_its_name():
    tx = read_transactions("dataset:cdnow")
    assert tx.rows_in == 69_659
    assert tx.source == "dataset:cdnow"


def test_an_unknown_data_set_is_told_with_those_there_are():
    assert told("dataset:nowhere") == "there is no data set 'nowhere'; there are cdnow and complete_journey."


def test_a_folder_that_mixes_csv_and_parquet_is_refused(tmp_path, orders):
    orders().to_csv(tmp_path / "a.csv", index=False)
    orders().to_parquet(tmp_path / "b.parquet", index=False)
    assert "has 1 CSV and 1 Parquet files; keep one kind in a folder" in told(tmp_path)


def test_a_folder_that_mixes_separators_is_refused(file, tmp_path):
    file("a.csv", HEADER + "1,2020-01-02,3\n")
    file("b.csv", HEADER.replace(",", ";") + "1;2020-01-02;3\n")
    assert "mixes CSV files with the separators ',' and ';'" in told(tmp_path)


def test_a_folder_without_data_is_told(tmp_path):
    assert "neither CSV nor Parquet" in told(tmp_path)


def test_what_is_not_there_or_of_no_known_kind_is_told(tmp_path, file):
    assert "there is no file or folder" in told(tmp_path / "none.csv")
    assert "neither CSV nor Parquet" in told(file("a.json", "{}"))
    assert "the list is no source of transactions" in told([1, 2])


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.csv", "", "is empty (0 bytes)"),
        ("empty.parquet", "", "is empty (0 bytes)"),
        ("empty.csv.gz", gzip.compress(b"", mtime=0), "has no column that looks like customer_id"),
        ("blank.csv", "\n\n", "has no column that looks like customer_id"),
        ("header.csv", HEADER, "leaves no row to use: it has a header and no rows"),
        ("header.csv", HEADER.strip(), "leaves no row to use: it has a header and no rows"),
        ("junk.csv", bytes(range(256)) * 20, "is not UTF-8 text"),
        ("junk.csv.gz", bytes(range(256)) * 20, "is no whole gzip file"),
        ("cut.csv.gz", gzip.compress(HEADER.encode() * 9, mtime=0)[:-9], "is no whole gzip file"),
        ("junk.parquet", bytes(range(256)) * 20, "could not be read"),
        ("short.csv", HEADER + "1,2020-01-02,3\n1,2020-01-03\n", "line 3 of short.csv has 2 values where"),
        ("long.csv", HEADER + "1,2020-01-02,3\n1,2020-01-03,4,5\n", "line 3 of long.csv has 4 values"),
        ("quote.csv", HEADER + '1,2020-01-02,3\n"2,2020-01-02,3\n', "line 3 of quote.csv has 1 value where"),
        ("ends.csv", HEADER + "1,2020-01-02,3\r\n2,2020-01-02,3\n", "line ends are not alike"),
        ("bare.csv", "1,2020-01-02,3\n2,2020-01-03,4\n", "its columns are '1', '2020-01-02', '3'"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_told_in_one_sentence(file, name, content, sentence):
    assert sentence in told(file(name, content))


@pytest.mark.parametrize("fault", ["1,2020-01-03\n", "1,2020-01-03,3,9\n"])
def test_a_bad_line_far_down_a_file_is_told_too(file, fault):
    lines = HEADER + "1,2020-01-02,3\n" * 30_000 + fault
    assert "could not be read" in told(file("orders.csv", lines.encode("latin-1")))


@pytest.mark.parametrize(
    "content",
    [
        HEADER + "Ä,2020-01-02,3\n",
        "\ufeff" + HEADER + "Ä,2020-01-02,3\n",
        (HEADER + "Ä,2020-01-02,3\n").replace("\n", "\r\n"),
        (HEADER + "Ä,2020-01-02,3\n").replace(",", ";"),
        (HEADER + "Ä,2020-01-02,3\n").replace(",", "\t"),
        (HEADER + "Ä,2020-01-02,3\n").replace(",", "|"),
        HEADER + "\nÄ,2020-01-02,3\n\n",
        '"customer","date","amount"\n"Ä","2020-01-02","3"\n',
        '"customer; or client",date,amount,customer\nx,2020-01-02,3,Ä',
    ],
    ids=["plain", "BOM", "CRLF", "semicolon", "tab", "bar", "blank lines", "quoted", "separator in a name"],
)
def test_the_usual_dialects_of_csv_are_read(file, days_of, content):
    (day,) = days_of(read_transactions(file("orders.csv", content)))
    assert (day["customer_id"], day["date"].isoformat(), day["net"]) == ("Ä", "2020-01-02", 3)


def test_quoted_values_keep_their_commas_quotes_and_line_ends(file):
    content = 'customer,date,amount,product\n"a,b",2020-01-02,"1,234.50","6"" ruler,\nlong"\n,2020-01-02,2,"6"" x"\n'
    tx = read_transactions(file("orders.csv", content))
    assert ids(tx) == ["a,b"]
    assert float(tx.days.net.sum().to_pyarrow().as_py()) == 1234.5
    assert tx.quarantine()["product"].tolist() == ['6" x']


def test_an_id_that_begins_like_a_comment_is_no_comment(file):
    lines = "".join(f"{number},2020-01-02,3\n" for number in range(50))
    tx = read_transactions(file("orders.csv", HEADER + lines + "#7,2020-01-02,3\n"))
    assert tx.rows_in == 51
    assert "#7" in ids(tx)


def test_a_value_that_is_first_quoted_far_down_the_file_loses_its_quotes(file):
    lines = HEADER + "1,2020-01-02,3\n" * 30_000 + '"7",2020-01-02,3\n'
    tx = read_transactions(file("orders.csv", lines))
    assert ids(tx) == ["1", "7"]


@pytest.mark.parametrize("name", ["sales[1].csv", "sales*.csv", "sale?1.csv", "o'brien.csv", "ü ö%.csv"])
def test_a_mark_in_a_file_name_is_no_pattern(file, name):
    file("sales1.csv", HEADER + "other,2020-01-02,3\n")
    tx = read_transactions(file(name, HEADER + "own,2020-01-02,3\n"))
    assert ids(tx) == ["own"]


def test_the_ending_may_be_written_in_capitals(file):
    assert ids(read_transactions(file("ORDERS.CSV", HEADER + "own,2020-01-02,3\n"))) == ["own"]


def test_a_missing_duckdb_file_or_table_is_told(tmp_path, stored, orders, file):
    address = stored("DuckDB table", orders())
    assert "has no table theirs; its tables are our orders" in told(address.replace("our orders", "theirs"))
    assert "there is no DuckDB file" in told(f"duckdb://{tmp_path}/none.db/orders")
    assert "names no table; write duckdb://file.db/table" in told("duckdb://orders")
    text = file("orders.csv", HEADER)
    assert "could not be opened as a DuckDB file" in told(f"duckdb://{text}/orders")


def test_a_duckdb_file_that_was_read_can_be_written_to_and_may_be_gone(stored, orders):
    address = stored("DuckDB table", orders())
    tx = read_transactions(address)
    file = address.removeprefix("duckdb://").rpartition("/")[0]
    with duckdb.connect(file) as base:
        base.execute('drop table "our orders"')
    Path(file).unlink()
    assert tx.set_aside == {}
    assert list(tx.quarantine()) == ["reason", *tx.columns.values()]
    assert tx.summary().rows_in == len(orders())


def test_the_files_of_the_caller_are_only_read(stored, orders, tmp_path):
    address = stored("DuckDB table", orders())
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    read_transactions(address).quarantine()
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_callers_frame_is_untouched(orders):
    frame = orders(amount=["3", "4", "1,000.5"], customer=pd.Categorical(["a", "b", None]))
    frame = pd.concat([frame] * 9).set_index("date", drop=False)
    frame.iloc[5, 2] = "text"
    before = frame.copy(deep=True)
    read_transactions(frame).quarantine()
    pd.testing.assert_frame_equal(frame, before)


# As this version of pandas writes text: str from 3 on, object before.
TEXT = pd.Series(["a"]).dtype


@pytest.mark.parametrize(
    ("given", "expected", "dtype"),
    [
        ([7, 8, 8], [7, 8], "int64"),
        (np.array([7, 8, 8], dtype="int32"), [7, 8], "int32"),
        ([2**62, 2**62 + 1, 2**62], [2**62, 2**62 + 1], "int64"),
        (["a", "b", "b"], ["a", "b"], TEXT),
        (["007", "7", "07"], ["007", "07", "7"], TEXT),
        (pd.Categorical(["a", "b", "b"]), ["a", "b"], TEXT),
        (pd.Categorical([7, 8, 8]), [7, 8], "int64"),
        ([7.0, np.nan, 8.0], [7.0, 8.0], "float64"),
        (pd.array([7, None, 8], dtype="Int64"), [7, 8], "int64"),
        (pd.array(["a", None, "b"], dtype="string"), ["a", "b"], TEXT),
        (pd.array(["a", None, "b"], dtype=pd.ArrowDtype(pa.large_string())), ["a", "b"], TEXT),
        (np.array([7, "a", None], dtype=object), ["7", "a"], TEXT),
    ],
    ids=str,
)
def test_ids_keep_what_they_mean(orders, given, expected, dtype):
    customers = read_transactions(orders(customer=given)).days.select("customer_id").distinct()
    frame = customers.order_by("customer_id").to_pyarrow().to_pandas()
    assert frame["customer_id"].tolist() == expected
    assert frame["customer_id"].dtype == dtype


@pytest.mark.parametrize("missing", ["", "  ", "nan", "NULL", "None", "<NA>", None])
def test_a_missing_id_is_seen_however_it_is_written(orders, missing):
    tx = read_transactions(orders(customer=["a", missing, " b "]))
    assert tx.set_aside == {"missing customer id": 1}
    assert ids(tx) == ["a", "b"]


@pytest.mark.parametrize(
    "column",
    [
        [None] * 3,
        [{"a": 1}, {"b": 2}, None],
        pd.period_range("2020-01", periods=3, freq="M"),
        [1j, 2j, 3j],
        np.array([object(), 1, "x"], dtype=object),
        pd.arrays.SparseArray([0, 0, 1]),
        pd.to_timedelta([1, 2, 3], unit="D"),
        pd.to_timedelta([1, 2, 3], unit="ns").as_unit("ns"),
    ],
    ids=["nothing", "dicts", "periods", "complex", "objects", "sparse", "durations", "nanoseconds"],
)
def test_a_column_that_nobody_asked_for_never_disturbs(orders, days_of, column):
    assert days_of(read_transactions(orders(note=column))) == days_of(read_transactions(orders()))


def test_an_optional_column_without_a_value_is_read(orders, days_of):
    days = days_of(read_transactions(orders(order=[None] * 3, currency=[None] * 3)))
    assert [day["orders"] for day in days] == [1, 1, 1]


def test_column_names_need_not_be_text(orders, days_of):
    frame = orders().set_axis([0, 1, 2], axis=1)
    tx = read_transactions(frame, customer_id="0", date="1", amount="2")
    assert days_of(tx) == days_of(read_transactions(orders()))


def test_a_frame_whose_columns_cannot_be_told_apart_is_refused(orders):
    frame = orders(Customer=1)
    assert "'customer', 'Customer'; rename them" in told(frame)
    assert "'customer', 'customer'; rename them" in told(frame.rename(columns=str.lower))
    assert "has no columns" in told(pd.DataFrame())


def test_a_file_that_goes_after_it_was_read_is_still_in_the_quarantine(file):
    path = file("orders.csv", HEADER + "1,2020-01-02,3\n,2020-01-02,4\n")
    tx = read_transactions(path)
    path.unlink()
    assert tx.quarantine()["amount"].tolist() == ["4"]


@pytest.mark.parametrize("text", ["lots", "", "0", "10", "-1GB", "0GB", "80%", "1 gigabyte"])
def test_what_is_no_amount_of_memory_is_refused(orders, text):
    with pytest.raises(InputError, match="is no amount of memory; write it as 4GB or 500MB"):
        read_transactions(orders(), memory_limit=text)


def test_a_memory_limit_and_a_number_of_threads_change_nothing(orders, days_of):
    limited = read_transactions(orders(), memory_limit="200MB", threads=1)
    assert days_of(limited) == days_of(read_transactions(orders()))
