"""Tables and queries of MySQL and MariaDB are read in their types, and nothing is written, by a server of the tests."""

import datetime
import socket
import sys
import threading
from decimal import Decimal

import pyarrow as pa
import pytest

from duramen.errors import InputError
from duramen.io import mysql_rows
from duramen.io.mysql_rows import read_mysql


def refused(address):
    with pytest.raises(InputError) as caught:
        read_mysql(address)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    assert not any(secret in str(caught.value) for secret in ("se@cr", "se%40cr", "s3cret"))
    return str(caught.value)


@pytest.fixture
def table(mariadb):
    """Make the table ``rows`` of the given columns and values."""

    def make(columns, *rows, mode="''"):
        statements = [f"INSERT INTO `rows` VALUES ({row})" for row in rows]
        mariadb.run(f"SET sql_mode = {mode}", f"CREATE OR REPLACE TABLE `rows` ({columns})", *statements)
        return f"{mariadb.address}/rows"

    yield make
    mariadb.run("DROP TABLE IF EXISTS `rows`")


@pytest.mark.parametrize(
    ("column", "written", "kind", "value"),
    [
        ("int", "-7", pa.int64(), -7),
        ("tinyint(1)", "1", pa.int64(), 1),
        ("int(6) zerofill", "42", pa.int64(), 42),
        ("bigint unsigned", "18446744073709551615", pa.uint64(), 2**64 - 1),
        ("bit(1)", "1", pa.int64(), 1),
        ("year", "2020", pa.int64(), 2020),
        ("decimal(10, 2)", "-12.50", pa.decimal128(12, 2), Decimal("-12.50")),
        ("decimal(38, 2)", "0.07", pa.decimal128(38, 2), Decimal("0.07")),
        ("double", "0.1", pa.float64(), 0.1),
        ("float", "0.1", pa.float64(), 0.1),
        ("date", "'2020-01-02'", pa.date32(), datetime.date(2020, 1, 2)),
        ("datetime", "'2020-01-02 03:04:05'", pa.timestamp("us"), datetime.datetime(2020, 1, 2, 3, 4, 5)),
        ("datetime(3)", "'2020-01-02 00:00:00.5'", pa.timestamp("us"), datetime.datetime(2020, 1, 2, 0, 0, 0, 500000)),
        ("time", "'03:04:05'", pa.string(), "03:04:05"),
        ("varchar(9)", "'né😀'", pa.string(), "né😀"),
        ("varchar(9) character set latin1", "'né'", pa.string(), "né"),
        ("enum('paid', 'open')", "'open'", pa.string(), "open"),
        ("json", "'{}'", pa.string(), "{}"),
        ("text", "''", pa.string(), ""),
        ("binary(2)", "x'00ff'", pa.binary(), b"\x00\xff"),
    ],
)  # fmt: skip
def test_a_column_comes_in_its_type_also_where_it_has_only_nulls(table, column, written, kind, value):
    rows = read_mysql(table(f"a {column} NULL", written, "NULL"))
    assert rows.schema.types == [kind]
    assert rows["a"].to_pylist() == [value, None]
    only_nulls = read_mysql(table(f"a {column} NULL", "NULL")).schema.types
    if kind == pa.uint64():
        kind = pa.int64()
    assert only_nulls == [pa.string() if kind == pa.binary() else kind]


def test_a_timestamp_is_an_instant_whatever_the_zone_of_the_server(table, mariadb):
    mariadb.run("SET GLOBAL time_zone = '-05:00'")
    try:
        address = table("a timestamp NULL", "'2020-01-01 22:00:00'", "NULL")
        read = read_mysql(address)["a"]
    finally:
        mariadb.run("SET GLOBAL time_zone = 'SYSTEM'")
    assert read.type == pa.timestamp("us", "UTC")
    assert read.to_pylist() == [datetime.datetime(2020, 1, 2, 3, tzinfo=datetime.UTC), None]


def test_a_column_with_a_value_that_no_arrow_type_has_is_text_and_loses_nothing(table):
    address = table(
        "a date, b datetime, c timestamp, d decimal(65, 2)",
        "'0000-00-00', '2020-00-00', '0000-00-00', 1",
        f"'2020-01-02', '2020-01-02 03:04:05', '2020-01-02 03:04:05', {'9' * 63}",
    )
    assert read_mysql(address).to_pydict() == {
        "a": ["0000-00-00", "2020-01-02"],
        "b": ["2020-00-00 00:00:00", "2020-01-02 03:04:05"],
        "c": ["0000-00-00 00:00:00+00:00", "2020-01-02 03:04:05+00:00"],
        "d": ["1.00", f"{'9' * 63}.00"],
    }


def test_batches_of_rows_are_one_table(table, monkeypatch):
    address = table(
        "a int, b text, c blob", "1, NULL, NULL", "2, NULL, NULL", "NULL, 'x', 'y'", "4, NULL, NULL"
    )
    whole = read_mysql(address)
    for rows in (1, 2, 3, 4):
        monkeypatch.setattr(mysql_rows, "ROWS_OF_A_BATCH", rows)
        assert read_mysql(address).equals(whole)
    assert whole.to_pydict() == {
        "a": [1, 2, None, 4],
        "b": [None, None, "x", None],
        "c": [None, None, b"y", None],
    }


def test_a_table_without_rows_has_its_columns(table):
    rows = read_mysql(table("a int, b decimal(5, 1), c text"))
    assert rows.num_rows == 0
    assert rows.schema == pa.schema({"a": pa.int64(), "b": pa.decimal128(7, 1), "c": pa.string()})


def test_a_query_is_run_as_it_stands(table, mariadb):
    table("a int, b text", "1, '100% #1'", "2, 'x'")
    query = "SELECT b, a AS a FROM `rows` WHERE b LIKE '100% #%'"
    assert read_mysql(f"{mariadb.address}#{query}").to_pylist() == [{"b": "100% #1", "a": 1}]
    as_mariadb = mariadb.address.replace("mysql", "mariadb")
    assert read_mysql(f"{as_mariadb}#SELECT sum(a) AS s, 2 AS s FROM `rows`").column_names == ["s", "s"]


def test_names_of_tables_may_have_any_character(mariadb):
    mariadb.run("CREATE TABLE `our ``best``/orders?` (a int)")
    try:
        assert read_mysql(f"{mariadb.address}/our `best`%2Forders%3F").column_names == ["a"]
    finally:
        mariadb.run("DROP TABLE `our ``best``/orders?`")


def test_nothing_is_written(table, mariadb):
    address = table("a int", "1")
    for statement in (
        "DROP TABLE `rows`",
        "DELETE FROM `rows`",
        "INSERT INTO `rows` VALUES (2)",
        "ALTER TABLE `rows` ADD b int",
        "TRUNCATE `rows`",
        "CREATE TABLE more AS SELECT 1",
        "SELECT 1; DROP TABLE `rows`",
    ):
        assert "could not be read" in refused(f"{mariadb.address}#{statement}")
    assert read_mysql(address).to_pydict() == {"a": [1]}
    assert "the statement gives no rows; write a SELECT" in refused(f"{mariadb.address}#SET @a = 1")


def test_what_the_server_refuses_is_one_sentence_without_the_password(table, mariadb):
    table("a int")
    masked = f"mysql://analyst:***@{mariadb.host}/shop"
    assert refused(f"{mariadb.address}/theirs") == (
        f"{masked}/theirs could not be read: Table 'shop.theirs' doesn't exist; the tables of the database are rows."
    )
    assert "the tables of the database are rows." in refused(f"{mariadb.address}#SELECT * FROM theirs")
    assert "could not be read: You have an error in your SQL syntax" in refused(
        f"{mariadb.address}#SELEC\n\n1"
    )
    assert "Unknown column 'b'" in refused(f"{mariadb.address}#SELECT b FROM `rows`")
    assert "Access denied for user 'analyst'" in refused(f"mysql://analyst:s3cret@{mariadb.host}/shop/rows")
    assert "Access denied for user 'analyst'" in refused(f"{mariadb.address[:-4]}theirs/rows")


def test_many_tables_are_not_all_named(mariadb):
    names = [f"t{number:02}" for number in range(23)]
    mariadb.run(*(f"CREATE TABLE {name} (a int)" for name in names))
    try:
        assert refused(f"{mariadb.address}/theirs").endswith(f"{', '.join(names[:20])} and 3 more.")
    finally:
        mariadb.run(*(f"DROP TABLE {name}" for name in names))


def test_the_password_is_that_of_the_address_or_of_the_environment(table, mariadb, monkeypatch):
    table("a int", "1")
    monkeypatch.delenv("MYSQL_PWD", raising=False)
    assert "using password: NO" in refused(f"mysql://analyst@{mariadb.host}/shop/rows")
    monkeypatch.setenv("MYSQL_PWD", "se@cr/et")
    assert read_mysql(f"mysql://analyst@{mariadb.host}/shop/rows").num_rows == 1
    assert "using password: YES" in refused(f"mysql://analyst:s3cret@{mariadb.host}/shop/rows")


@pytest.mark.parametrize(
    "address",
    ["mysql://ann:s3cret@db/shop", "mysql://ann:s3cret@db", "mysql://ann:s3cret@db:x/shop/orders",
     "mysql://ann:s3cret/x@db/shop/orders", "mysql://ann:s3cret@x@db/shop/orders", "mysql://ann:s3#cret@db/shop/orders",
     "mysql://ann:s3%cret@db/shop/orders", "mysql://ann@db/shop/orders?password=s3cret", "mysql://ann:s3cret@/shop/orders",
     "mysql://ann:s3cret@db/shop/a/b"],
)  # fmt: skip
def test_an_address_that_is_not_understood_is_not_shown(address):
    assert refused(address).startswith(
        "the address of the orders names no table of MySQL; write mysql://user@host:3306/"
    )


def test_a_server_that_does_not_answer_or_is_another_is_refused():
    told = refused("mysql://ann:s3cret@127.0.0.1:1/shop/orders")
    assert told.startswith(
        "mysql://ann:***@127.0.0.1:1/shop/orders could not be read: Can't connect to MySQL server on"
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_answer, args=(server,), daemon=True).start()
        assert "could not be read" in refused(
            f"mysql://ann:s3cret@127.0.0.1:{server.getsockname()[1]}/shop/orders"
        )


def _answer(server):
    with server.accept()[0] as connection:
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_without_the_driver_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pymysql", None)
    assert refused("mysql://ann:s3cret@db/shop/orders").endswith(
        "install duramen with its extra: duramen[mysql]."
    )
