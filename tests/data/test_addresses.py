"""Tables and queries of databases are read by their address, and no password is ever shown."""

import pickle
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions
from duramen.errors import InputError

ROWS = [("007", "2020-01-02", 1.5), ("8", "2020-01-03", "2"), (None, "2020-01-04", 9)]


def refused(source):
    with pytest.raises(InputError) as caught:
        read_transactions(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def shop(tmp_path):
    file = tmp_path / "it's a shop.db"
    with sqlite3.connect(file) as base:
        base.execute('CREATE TABLE "our orders" (customer, date TEXT, amount)')
        base.executemany('INSERT INTO "our orders" VALUES (?, ?, ?)', ROWS)
    base.close()
    return file


def test_a_table_and_a_query_of_sqlite_are_read(shop, days_of):
    tx = read_transactions(f"sqlite:///{shop}/our orders")
    assert [(day["customer_id"], float(day["net"])) for day in days_of(tx)] == [("007", 1.5), ("8", 2.0)]
    assert tx.set_aside == {"missing customer id": 1}
    query = read_transactions(f"sqlite:///{shop}#SELECT * FROM \"our orders\" WHERE customer = '8'")
    assert query.rows_in == 1


def test_a_relative_path_of_sqlite_is_read(shop, monkeypatch):
    monkeypatch.chdir(shop.parent)
    for address in (f"sqlite:///{shop.name}/our orders", f"sqlite://{shop.name}/our orders"):
        assert read_transactions(address).rows_in == 3


def test_what_sqlite_has_not_is_refused(shop):
    assert "there is no SQLite file" in refused("sqlite:///none.db/orders")
    assert "could not be read: no such table: theirs." in refused(f"sqlite:///{shop}/theirs")
    assert "could not be read" in refused(f'sqlite:///{shop}#DROP TABLE "our orders"')


@pytest.mark.usefixtures("orders_of_ann")
def test_a_table_and_a_query_of_postgresql_are_read(postgresql):
    address = postgresql.address
    tx = read_transactions(f"{address}/marts.of_ann")
    assert (tx.rows_in, tx.summary().net_total) == (2, 4.75)
    assert "se%40cr" not in tx.source
    assert tx.source.startswith("postgresql://analyst:***@127.0.0.1")
    assert read_transactions(f"{address}#SELECT * FROM marts.of_ann WHERE amount > 2").rows_in == 1
    assert "se%40cr" not in (told := refused(f"{address}/theirs"))
    assert "could not be read" in told
    assert "could not be read" in refused(f"{address}#DROP TABLE marts.of_ann")
    assert "***" in refused("postgresql://ann:s3cret@127.0.0.1:1/shop/orders")


@pytest.fixture
def orders_of_ann(postgresql):
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(postgresql.address, autocommit=True) as base, base.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE marts.of_ann (customer bigint, date timestamptz, amount numeric(10, 2), j jsonb)"
        )
        cursor.execute(
            "INSERT INTO marts.of_ann VALUES (7, '2020-01-02', 1.50, '{}'), (8, '2020-01-03', 3.25, null)"
        )
        yield
        cursor.execute("DROP TABLE marts.of_ann")


def test_a_table_and_a_query_of_mysql_are_read(mariadb, days_of):
    mariadb.run(
        "CREATE TABLE of_ann (customer bigint unsigned, date date, amount decimal(10, 2), u binary(2), at timestamp)",
        "INSERT INTO of_ann VALUES (7, '2020-01-02', 1.50, 'ab', '2020-01-02'), (8, '2020-01-03', 3.25, null, now())",
        "INSERT INTO of_ann VALUES (null, '2020-01-04', 9, null, now())",
    )
    tx = read_transactions(f"{mariadb.address}/of_ann")
    assert [(day["customer_id"], float(day["net"])) for day in days_of(tx)] == [(7, 1.5), (8, 3.25)]
    assert tx.set_aside == {"missing customer id": 1}
    assert tx.source == f"mysql://analyst:***@{mariadb.host}/shop/of_ann"
    query = f"{mariadb.address.replace('mysql', 'mariadb')}#SELECT customer, at AS date, amount FROM of_ann"
    assert read_transactions(f"{query} WHERE amount < 2").summary().net_total == 1.5
    told = refused(f"{mariadb.address}/theirs")
    assert told.endswith(
        "could not be read: Table 'shop.theirs' doesn't exist; the tables of the database are of_ann."
    )
    mariadb.run("SET sql_mode = ''", "INSERT INTO of_ann VALUES (9, '0000-00-00', 4, null, now())")
    assert "1 do not read as iso (for example '0000-00-00')" in refused(f"{mariadb.address}/of_ann")
    mariadb.run("DROP TABLE of_ann")


def test_what_needs_an_extension_or_is_not_read_is_refused_in_one_sentence():
    told = refused("s3://ann:s3cret@bucket/orders.csv")
    assert told.startswith(
        "s3://ann:***@bucket/orders.csv is read by DuckDB's extension httpfs, which is not installed"
    )
    assert "extension azure" in refused("az://container/orders.parquet")
    assert refused("oracle://ann:s3cret@db/shop/orders").startswith(
        "orders are not read from oracle://; write them to"
    )


def test_transactions_can_be_used_from_threads(orders):
    tx = read_transactions(orders())
    one = customer_table(tx, "2020-01-10")

    def work(_number):
        part = tx.of_customers([2]).days.count().to_pyarrow().as_py()
        return customer_table(tx, "2020-01-10").equals(one) and part == 1

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(8)))


def test_transactions_refuse_to_be_pickled_in_a_sentence(orders):
    with pytest.raises(InputError, match="cannot be pickled; give the other process the source to read"):
        pickle.dumps(read_transactions(orders()))
