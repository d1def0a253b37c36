"""One rule for the ids of customers, in every file that carries them and in every type."""

from pathlib import Path

import hypothesis.strategies as st
import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings

from duramen.analysis.assignment import read_assignment
from duramen.data.checks import MISSING_WORDS
from duramen.data.costs import read_costs
from duramen.data.customer_file import read_customer_file
from duramen.data.customers import customer_table
from duramen.data.ids import find_ids, id_of_type, id_text, ids_as_text, parse_id
from duramen.data.reading import read_transactions
from duramen.errors import InputError
from duramen.language import is_urgent

FILES = Path(__file__).parent / "files" / "ids"
# How sources write the customer 7: whole numbers, floats where an id is missing, text, and floats written as text.
WAYS = {
    "int": lambda ids: pd.Series(ids, dtype="int64"),
    "float": lambda ids: pd.Series(ids, dtype="float64"),
    "text": lambda ids: pd.Series([f" {number}\t" for number in ids], dtype=object),
    "float as text": lambda ids: pd.Series([f"{number}.0" for number in ids], dtype=object),
}
ways = st.sampled_from(list(WAYS))
some_ids = st.lists(st.integers(0, 2**53), min_size=3, max_size=6, unique=True)

TEXTS = {
    "C000123": "C000123", " C000123\n": "C000123", "\x0bC000123": "C000123", "C 123 456": "C 123 456", "12": "12",
    "nan": None, " NaN ": None, "NULL": None, "None": None, "<NA>": None, "": None, "NA": None, "n/a": None,
    "#N/A": None, "#NV": None, "(null)": None, "\\N": None, "\\\\N": None, "-": None, "(a)bc": "(a)bc",
    "NA1": "NA1", "N": "N", " \t": None, None: None,
    "f1v": "f1v", "nano": "nano", "nullable": "nullable", "\u00e9lan 1": "\u00e9lan 1",
    "\u00a0C0001234": "\u00a0C0001234",
    "7.0": "7", " 7.00 ": "7", "17045.0": "17045", "-7.0": "-7", "0.0": "0", "7": "7", "7.5": "7.5", "7.50": "7.50",
    "007": "007", "007.0": "007.0", "00.0": "00.0", "A12": "A12", "a12": "a12", "A12.0": "A12.0", "1.2.0": "1.2.0",
    "18446744073709551615.0": "18446744073709551615", "someone@shop.example": "someone@shop.example",
    " User.1058@Shop.example": "user.1058@shop.example", "J\u00dcRGEN@x.de": "j\u00fcrgen@x.de", "A@B c": "A@B c",
    "\u0130@x.de": "\u0130@x.de", "@Anna": "@Anna", "A@b@C": "A@b@C",
}  # fmt: skip


def test_an_id_of_text_is_what_is_written_without_space_and_the_fraction_of_a_whole_number(values):
    assert values(parse_id, list(TEXTS)) == list(TEXTS.values())


@given(
    texts=st.lists(st.text(st.sampled_from("aNnul<>oe1 \t\n\x0b\x0c\r\u00a0\u00e9"), max_size=9), min_size=1)
)
@settings(max_examples=50)
def test_any_id_is_stripped_of_ascii_space_alone(values, texts):
    stripped = [text.strip(" \t\n\r\x0b\x0c") for text in texts]
    assert values(parse_id, texts) == [None if text.lower() in MISSING_WORDS else text for text in stripped]


@pytest.mark.parametrize(
    ("column", "dtype", "texts"),
    [
        ([7, None], pa.int64(), ["7", None]),
        ([7, 2**64 - 1], pa.uint64(), ["7", "18446744073709551615"]),
        ([7.5, 1e7, 1e16, float("nan"), None], pa.float64(), ["7.5", "10000000", "10000000000000000", None, None]),
        ([7.0, 16777216.0], pa.float32(), ["7", "16777216"]),
        (["7.00", None], pa.decimal128(10, 2), ["7", None]),
    ],
)  # fmt: skip
def test_ids_of_all_types_are_compared_by_one_text(values, column, dtype, texts):
    if pa.types.is_decimal(dtype):
        column = pa.array(column).cast(dtype)
    assert values(lambda c: id_text(parse_id(c)), column, dtype) == texts


def test_ids_become_those_of_another_type_where_each_is_one():
    texts = ["7", "007", "7.5", "x", None, "18446744073709551615"]
    table = ibis.memtable(pa.table({"id": texts}))

    def as_type(dtype):
        found = table.select(id=id_of_type(table.id, ibis.dtype(dtype)))
        return found.to_pyarrow()["id"].to_pylist()

    assert as_type("string") == texts
    assert as_type("int64") == [7, None, None, None, None, None]
    assert as_type("uint64") == [7, None, None, None, None, 2**64 - 1]
    assert as_type("float64") == [7.0, None, 7.5, None, None, None]


# Spark leaves the sockets open through which it hands rows to Python, until the collector finds them.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_spark_and_duckdb_have_one_rule(spark):
    from duramen.data.spark_workspace import SparkWorkspace

    numbers = [float("nan"), 7.5, *(10.0**i for i in range(len(TEXTS) - 2))]
    table = pa.table({"text": list(TEXTS), "number": numbers})
    spark_table = SparkWorkspace.of(spark).create_table("ids", table)
    found = []
    for rows in (ibis.memtable(table), spark_table):
        text, number = parse_id(rows.text), parse_id(rows.number)
        # Beyond 2**63 floats are no whole numbers, and each engine writes them in its own form.
        number = (number < 2.0**63).ifelse(number, None)
        columns = {
            "text": text,
            "number": id_text(number),
            "back": id_of_type(id_text(number), number.type()),
        }
        found.append(
            rows.select(whole=id_of_type(text, ibis.dtype("int64")), **columns).to_pyarrow().to_pylist()
        )
    duckdb, spark_rows = (sorted(rows, key=repr) for rows in found)
    assert duckdb == spark_rows


# Every file that carries ids ----------------------------------------------------------------------------------------


def orders_of(ids):
    """Return two orders of each customer on days of their own."""
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(2 * len(ids)), unit="D")
    return pd.DataFrame(
        {"customer_id": pd.concat([ids, ids], ignore_index=True), "date": days, "amount": 1.0}
    )


@pytest.mark.slow
@given(ids=some_ids, orders=ways, file=ways, households=ways)
@settings(max_examples=16)
def test_the_ways_to_write_an_id_are_one_customer_in_every_file(ids, orders, file, households):
    texts, beside = [str(number) for number in ids], WAYS[file](ids)
    tx = read_transactions(orders_of(WAYS[orders](ids)))
    customers = customer_table(tx, "2030-01-01")["customer_id"]
    place = [texts.index(text) for text in ids_as_text(customers)]
    assert sorted(place) == list(range(len(ids)))

    known = read_customer_file(pd.DataFrame({"customer_id": beside, "credit": np.arange(len(ids))}))
    assert known.of("credit", customers).tolist() == place
    assert find_ids(customers, beside, "credit").tolist() == place
    labels = pd.DataFrame({"customer_id": beside, "segment": ["a", *["b"] * (len(ids) - 1)]})
    assert read_assignment(labels).table["customer_id"].tolist() == texts
    some = tx.of_customers(beside.head(2)).days.customer_id.to_pyarrow().unique().to_pandas()
    assert sorted(ids_as_text(some)) == sorted(texts[:2])

    # All customers are one household, called as the first of them.
    homes = pd.DataFrame({"customer_id": beside, "household": WAYS[households]([ids[0]] * len(ids))})
    rolled = read_transactions(orders_of(WAYS[orders](ids)), customers=homes).days.customer_id.to_pyarrow()
    assert ids_as_text(rolled.unique().to_pandas()).tolist() == [texts[0]]
    assert rolled.type == tx.days.customer_id.to_pyarrow().type


@pytest.mark.slow
@given(ids=some_ids, orders=ways, file=ways, ending=st.sampled_from(["csv", "parquet"]))
@settings(max_examples=15)
def test_costs_are_found_however_ids_are_written(tmp_path_factory, ids, orders, file, ending):
    path = tmp_path_factory.getbasetemp() / f"costs.{ending}"
    costs = pd.DataFrame({"customer_id": WAYS[file](ids), "cost_to_serve": np.arange(len(ids))})
    costs.to_csv(path, index=False) if ending == "csv" else costs.to_parquet(path, index=False)
    asked = WAYS[orders](ids)
    found = read_costs(path, asked)
    assert found.index.tolist() == asked.tolist()
    assert found.tolist() == list(range(len(ids)))


def test_one_column_that_mixes_the_ways_is_one_customer(days_of):
    frame = pd.DataFrame(
        {"customer": [7, "7", 7.0, " 7 ", "7.0", "007"], "date": "2024-01-01", "amount": [1.0] * 6},
        dtype=object,
    )
    days = days_of(read_transactions(frame))
    assert [(day["customer_id"], day["net"]) for day in days] == [("007", 1), ("7", 5)]


@pytest.mark.slow
def test_ids_and_their_types_come_back_as_they_came():
    for ids in (
        pd.Series([7, 8]), pd.Series([7.0, 8.0, np.nan]), pd.Series(["A12", "007"]),
        pd.Series([2**63, 2**64 - 1], dtype="uint64"), pd.Series([7, 8], dtype="int16"),
    ):  # fmt: skip
        customers = customer_table(read_transactions(orders_of(ids)), "2030-01-01")["customer_id"]
        assert customers.tolist() == sorted(ids.dropna())
        assert customers.dtype == ids.dtype or ids.dtype == object


def test_a_folder_with_floats_in_one_file_and_whole_numbers_in_the_other_is_one_base():
    tx = read_transactions(FILES / "months")
    assert tx.set_aside == {"missing customer id": 1}
    assert tx.summary().customers == 60


def test_float_ids_meet_whole_ids_of_the_files_beside_them():
    tx = read_transactions(FILES / "floatids.parquet", customers=FILES / "customers_int.csv")
    assert tx.notes[0].endswith("60 of 60 customers; customers in it without an order: 0")
    customers = customer_table(tx, tx.last_date)["customer_id"]
    assert customers.dtype == float
    assert read_costs(FILES / "costs_int.csv", customers).eq(1.0).all()


def test_ids_beyond_63_bits_are_read_described_and_found():
    tx = read_transactions(FILES / "uint64.parquet")
    assert (tx.rows_used, tx.summary().customers) == (436, 60)
    customers = customer_table(tx, "2025-01-01")["customer_id"]
    assert customers.dtype == np.uint64
    assert customers.min() >= 2**63
    some = tx.of_customers([int(customers[3]), str(customers[5])])
    assert some.summary().customers == 2


def test_a_customer_who_is_known_twice_is_refused():
    with pytest.raises(
        InputError, match=r"credit has 1 customers twice \(for example '7'\); give each one value"
    ):
        find_ids([8], [7, "7.0"], "credit")


def test_ids_that_r_writes_as_missing_are_missing():
    tx = read_transactions(FILES / "missing_NA.csv")
    assert tx.set_aside == {"missing customer id": 88}
    assert tx.rows_in == 436


def test_a_guest_with_a_fifth_of_the_orders_is_named_and_used():
    tx = read_transactions(FILES / "guest_account.csv")
    assert tx.set_aside == {}
    assert tx.assumed == (
        "customer 'Guest' accounts for 20% of the lines and may stand for many people; it is used as one customer "
        "(`where` 'customer_id!=Guest' leaves these rows out)",
    )
    assert tx.assumed[0] in str(tx)


@pytest.mark.parametrize(
    ("ids", "named"),
    [
        ([0] * 60 + list(range(100, 300)), ["0"]),
        ([7] * 60 + list(range(100, 300)), ["7"]),
        ([1, 2, 3] * 60, []),
        (["test"] * 4 + ["a", "b"] * 3, []),
        (list(range(300)), []),
        *(([name] * 8 + [f"c{i}" for i in range(300)], [name]) for name in (
            "GAST", "guest123", "Walk-in", "Cash customer", "invit\u00e9", "ospite", "\u6563\u5ba2", "Barverkauf",
            "Laufkunde", "anonymous", "unknown", "Guest_Checkout",
        )),
        ([f"guest{i}" for i in range(300)], []),
        (["Gastmann"] * 8 + [f"c{i}" for i in range(300)], []),
        (["k0"] * 30 + ["k1"] * 9 + [f"c{i}" for i in range(1500)], ["k0"]),
        (["k0"] * 30 + ["k1"] * 11 + [f"c{i}" for i in range(1500)], []),
    ],
)  # fmt: skip
def test_an_id_with_an_unlikely_share_or_the_name_of_guests_is_named(ids, named):
    tx = read_transactions(orders_of(pd.Series(ids)))
    assert [sentence.split("'")[1] for sentence in tx.assumed] == named


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (["TEST001", "test-register", "test-register"],
         "2 customer ids look like test accounts (such as 'test-register'): 6 lines with 6 currency units count as "
         "sales (`where` 'customer_id!=test-register,TEST001' leaves these rows out)"),
        (["Demo, Anna"],
         "1 customer id looks like a test account (such as 'Demo, Anna'): 2 lines with 2 currency units count as sales "
         "(leave these rows out of the source)"),
        (["Test@test.com"],
         "1 customer id looks like a test account (such as 'test@test.com'): 2 lines with 2 currency units count as "
         "sales (`where` 'customer_id!=test@test.com' leaves these rows out)"),
        (["c_dummy_7"],
         "1 customer id looks like a test account (such as 'c_dummy_7'): 2 lines with 2 currency units count as sales "
         "(`where` 'customer_id!=c_dummy_7' leaves these rows out)"),
        (["testa", "contest1", "Demokrit", "samples7", "anna@test.com", "attest-1", "\u00e9test"], None),
        ([f"test{i}" for i in range(20)], None),
    ],
)  # fmt: skip
def test_ids_that_look_like_test_accounts_are_named_with_their_money(ids, said):
    tx = read_transactions(orders_of(pd.Series([*ids, *(f"c{i}" for i in range(100))])))
    assert tx.assumed == (() if said is None else (said,))
    if said is not None and "`where`" in said:
        where = said.split("`where` '")[1].split("'")[0]
        assert not read_transactions(
            orders_of(pd.Series([*ids, *(f"c{i}" for i in range(100))])), where=where
        ).assumed


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (["c00123", "C00123", "Anna", "ANNA", "anna", "x"],
         "3 customer ids differ from others only in case or in zeros in front (such as 'ANNA' and 'anna') and count as "
         "customers of their own; if they are one customer, write them alike in column 'customer_id'"),
        (["anna lee", "Anna Lee"],
         "1 customer id differs from another only in case or in zeros in front (such as 'Anna Lee' and 'anna lee') and "
         "counts as a customer of its own; if they are one customer, write them alike in column 'customer_id'"),
        (["0010423", "10423", "K10423", "0", "104230"],
         "1 customer id differs from another only in case or in zeros in front (such as '0010423' and '10423') and "
         "counts as a customer of its own; if they are one customer, write them alike in column 'customer_id'"),
        (["aBxKq", "AbxKq", "7", "7.0"], None),
    ],
)  # fmt: skip
def test_ids_that_differ_in_case_or_zeros_alone_are_counted(ids, said):
    tx = read_transactions(orders_of(pd.Series(ids)))
    assert tx.assumed == (() if said is None else (said,))
    assert tx.summary().customers == len({text.removesuffix(".0") for text in ids})


def test_addresses_that_differ_in_case_are_one_customer_which_is_said(days_of):
    ids = ["User1058@x.org", "user1058@x.org", " user1058@X.org", "a@x.org", "A@x.org", "b@x.org"]
    tx = read_transactions(orders_of(pd.Series(ids)))
    assert {day["customer_id"] for day in days_of(tx)} == {"user1058@x.org", "a@x.org", "b@x.org"}
    assert tx.assumed == (
        "3 e-mail addresses differ from others in case alone (such as 'A@x.org'): each is taken as one customer",
    )
    known = pd.DataFrame({"customer_id": ["USER1058@x.org"], "kind": ["business"]})
    assert (
        read_transactions(orders_of(pd.Series(ids)), customers=known).kinds.count().to_pyarrow().as_py() == 1
    )
    left = read_transactions(orders_of(pd.Series(ids)), where="customer_id!=user1058@X.org")
    assert left.set_aside == {"left out by `where`": 6}
    assert find_ids(["A@x.org"], ["b@x.org", "a@x.org"], "credit").tolist() == [1]


def test_ids_of_bytes_are_the_text_that_they_are_or_hexadecimal():
    words = pa.table({"id": pa.array([b"C0001", b"C0002", b" NA ", None], pa.binary())})
    table = ibis.memtable(words)
    assert table.select(id=parse_id(table.id)).to_pyarrow()["id"].to_pylist() == [
        "C0001",
        "C0002",
        None,
        None,
    ]
    table = ibis.memtable(pa.table({"id": pa.array([b"\xff\x00", b"\x00\xff", b"61", b"a"], pa.binary())}))
    found = table.select(id=parse_id(table.id)).to_pyarrow()["id"].to_pylist()
    assert found == ["ff00", "00ff", "3631", "61"]


def test_ids_of_every_width_and_kind_are_read_and_found():
    import uuid

    texts = [str(uuid.UUID(int=number << 64)) for number in (1, 2, 3)]
    engine = ibis.duckdb.connect()
    table = engine.create_table(
        "orders", pa.table({"id": texts, "date": ["2024-01-01"] * 3, "amount": [1.0] * 3})
    )
    tx = read_transactions(table.mutate(customer_id=table.id.cast("uuid")).drop("id"))
    assert customer_table(tx, "2025-01-01")["customer_id"].tolist() == texts
    assert tx.of_customers(texts[:1]).summary().customers == 1
    huge = table.mutate(customer_id=ibis.literal(2**70, "decimal(38, 0)") + ibis.row_number()).drop("id")
    tx = read_transactions(huge)
    customers = customer_table(tx, "2025-01-01")["customer_id"]
    assert ids_as_text(customers).tolist() == [str(2**70 + number) for number in range(3)]
    assert tx.of_customers([str(2**70)]).summary().customers == 1


@pytest.mark.parametrize(
    "word",
    ["Zwischensumme", "TOTAL", "Grand Total", "Sub-total:", "Summe 2024", "Gesamt", "Sous-total", "小计"],
)
def test_a_word_for_a_sum_is_no_customer(word):
    ids = pd.Series([*(f"c{at}" for at in range(30)), word, word])
    said = read_transactions(orders_of(ids)).assumed
    assert len(said) == 1
    assert said[0].startswith(f"1 customer id is the word for a sum (such as {word!r}): 4 lines with ")
    assert is_urgent(said[0])
    assert not read_transactions(orders_of(ids), where=f"customer_id!={word}").assumed


@pytest.mark.parametrize("name", ["Totalenergies", "Summer", "Total-Quality GmbH", "Gesamtschule Nord"])
def test_a_name_that_begins_like_a_sum_is_a_customer(name):
    ids = pd.Series([*(f"c{at}" for at in range(30)), name])
    assert not read_transactions(orders_of(ids)).assumed
