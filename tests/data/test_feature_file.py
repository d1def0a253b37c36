"""Further columns about customers: what is known at a cutoff, whose row is whose, and what is refused."""

import datetime

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given, settings

from duramen.data.customers import customer_blocks, customer_table
from duramen.data.feature_file import read_feature_file
from duramen.data.reading import read_transactions
from duramen.errors import InputError

FEW = settings(max_examples=20)
CUTOFF = datetime.date(2020, 2, 1)
EVERY_DAY = [CUTOFF + datetime.timedelta(days=days) for days in range(-3, 3)]


def visits(**columns):
    return pd.DataFrame({"customer": [1, 2], "visits": [3, 4], **columns})


# A row a customer and day at most, each with a number or nothing.
ROWS = st.dictionaries(
    st.tuples(st.integers(1, 3), st.sampled_from(EVERY_DAY)),
    st.one_of(st.none(), st.integers(0, 9)),
    min_size=1,
)


@pytest.mark.slow
@given(ROWS, st.randoms(use_true_random=False))
@FEW
def test_a_customer_has_the_latest_row_before_the_cutoff_in_any_order_of_rows(rows, random):
    # Somebody has a number, so that the column is one of numbers.
    lines = [(0, EVERY_DAY[0], 1), *((who, day, value) for (who, day), value in rows.items())]
    random.shuffle(lines)
    expected = {
        str(who): float("nan") if value is None else float(value)
        for who, day, value in sorted(lines, key=lambda line: line[1])
        if day < CUTOFF
    }
    read = read_feature_file(pd.DataFrame(lines, columns=["customer", "known_from", "visits"]))
    found = read.known_before(CUTOFF)["visits"].sort_index()
    assert found.fillna(-1).to_dict() == pd.Series(expected).fillna(-1).to_dict()


def test_nothing_known_on_or_after_the_cutoff_changes_the_customer_table_or_its_digest(orders):
    past = visits(known_from="2020-01-31", channel=["web", None])
    later = pd.concat([past, visits(known_from="2020-02-01", visits=[99, 98], channel=["fax", "post"])])
    before, after = (read_transactions(orders(), features=file) for file in (past, later))
    pd.testing.assert_frame_equal(customer_table(after, CUTOFF), customer_table(before, CUTOFF))
    assert after.digest(CUTOFF) == before.digest(CUTOFF)
    assert before.features.categories(CUTOFF) == after.features.categories(CUTOFF) == {"channel": ["web"]}
    next_day = CUTOFF + datetime.timedelta(days=1)
    assert customer_table(after, next_day)["visits"].tolist() == [99, 98]
    assert after.digest(next_day) != before.digest(next_day)


@pytest.mark.parametrize(
    ("of_orders", "ids"), [(7, ["7", "8.0"]), (7, [7.0, 8.0]), ("7", [7, 8]), (7.0, [" 7 ", "8"])]
)
def test_ids_meet_whatever_their_type(orders, ids, of_orders):
    tx = read_transactions(orders(customer=of_orders), features=visits(customer=ids))
    assert customer_table(tx, CUTOFF)["visits"].tolist() == [3]


def test_parts_of_the_customers_and_blocks_have_the_same_columns(orders, monkeypatch):
    tx = read_transactions(orders(kind="consumer"), features=visits(channel=["web", "shop"]))
    whole = customer_table(tx, CUTOFF)
    assert whole["channel"].tolist() == ["web", "shop"]
    assert whole.attrs == {"cutoff": "2020-02-01"}
    pd.testing.assert_frame_equal(customer_table(tx.of_kind("consumer"), CUTOFF), whole)
    pd.testing.assert_frame_equal(
        customer_table(tx.of_customers([2]), CUTOFF), whole.tail(1).reset_index(drop=True)
    )
    monkeypatch.setattr("duramen.data.customers.SLICE", 1)
    pd.testing.assert_frame_equal(pd.concat(customer_blocks(tx, CUTOFF), ignore_index=True), whole)


@pytest.mark.parametrize("kind", ["CSV", "Parquet", "pandas frame"])
def test_numbers_true_and_false_and_categories_are_the_same_in_a_file_and_a_frame(stored, kind):
    file = stored(kind, visits(member=[True, False], age=["1,250.5", None], postcode=["01", "22"]))
    read = read_feature_file(file)
    assert read.kinds == {
        "visits": "numeric", "member": "numeric", "age": "numeric", "postcode": "categorical"
    }  # fmt: skip
    assert read.table["member"].tolist() == [1, 0]
    assert read.table["age"].iloc[0] == 1250.5
    assert read.table["postcode"].tolist() == ["01", "22"]


def test_the_reading_says_who_is_covered_and_what_it_assumed(orders):
    features = visits(customer=[1, 9], gender="f", note=None)
    tx = read_transactions(orders(), features=features)
    assert tx.features.notes == (
        "the DataFrame has visits, gender of 1 of 2 customers (50%); missing for the others",
    )
    assert f"  feature file  {tx.features.notes[0]}" in str(tx).splitlines()
    assert len(tx.assumed) == 3
    assert "column 'note' of the DataFrame is empty, so it is left out" in tx.assumed[0]
    assert "'gender' of the DataFrame has one value throughout" in tx.assumed[1]
    assert "count as known from the beginning" in tx.assumed[2]
    dated = read_transactions(orders(), features=visits(date=["2019-12-31", "2020-01-01"]))
    assert dated.features.notes[0].endswith(
        "(100%), known from 2019-12-31 to 2020-01-01; missing for the others"
    )
    assert dated.assumed == ()


def test_more_than_fifty_texts_are_left_out_and_counted():
    file = read_feature_file(
        pd.DataFrame({"customer": range(51), "age": range(51), "name": [f"n{i}" for i in range(51)]})
    )
    assert file.kinds == {"age": "numeric"}
    assert "has 51 different texts and at most 50 are used, so it is left out" in file.assumed[0]


def test_days_that_could_be_either_way_round_are_read_as_those_of_the_orders():
    file = visits(known_from="03/02/2020")
    with pytest.raises(InputError, match="day first or month first"):
        read_feature_file(file)
    assert read_feature_file(file, date_format="day-first").table["known_from"].dt.month.tolist() == [2, 2]
    # The days of this file are clear, whatever those of the orders are.
    clear = read_feature_file(visits(known_from="2020-02-03"), date_format="day-first")
    assert clear.table["known_from"].dt.month.tolist() == [2, 2]


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"customer": [1, None]}, "1 of 2 rows of the DataFrame have no customer id"),
        ({"customer": [1, 1]}, r"1 customers of the DataFrame have two rows \(for example '1'\); give one row, or the"),
        ({"customer": [1, "1.0"], "date": "2020-01-05"}, "two rows of one day .for example '1' on 2020-01-05"),
        ({"date": ["2020-01-05", None]}, "1 of 2 rows of the DataFrame have no readable day"),
        ({"frequency": 3}, "have a name that duramen uses itself .for example 'frequency'.; rename"),
        ({"Net_Spend": 3}, "have a name that duramen uses itself .for example 'Net_Spend'"),
        ({"btyd_value": 3}, "have a name that duramen uses itself"),
        ({"a = b": 3}, "column 'a = b' of the DataFrame has no usable name"),
        ({"birthday": ["1980-01-05", None]}, "'birthday' of the DataFrame is a date, which is no feature; call it"),
        ({"birthday": ["5/1/1980", "6/1/1980"], "date": ["2020-01-05"] * 2}, "leave it out, or give a number of days"),
        ({"age": ["31", "unsure"]}, "'age' of the DataFrame has numbers, and 1 values that are not numeric .*'unsure'"),
        ({"visits": [None, None]}, "has no column to use as a feature: column 'visits' of the DataFrame is empty"),
        ({"visits": [[1], [2]]}, "has array<int64>, neither numbers nor text; leave it out"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_feature_is_refused(columns, sentence):
    with pytest.raises(InputError, match=sentence):
        read_feature_file(visits(**columns))


@pytest.mark.parametrize("frame", [pd.DataFrame({"visits": [3]}), pd.DataFrame({"customer": [3]})])
def test_a_file_without_ids_or_features_is_refused(frame):
    with pytest.raises(InputError, match="has no column of customer ids, or no other beside it"):
        read_feature_file(frame)


def test_a_file_of_other_customers_is_refused(orders):
    with pytest.raises(InputError, match=r"none of the 2 customers of the DataFrame \(for example '8'\)"):
        read_transactions(orders(), features=visits(customer=[8, 9]))


def test_features_of_members_of_a_household_are_refused(orders):
    homes = pd.DataFrame({"customer": [1, 2], "household": ["h", None]})
    with pytest.raises(InputError, match=r"1 customers .* \(for example '1'\) are members of a household"):
        read_transactions(orders(), customers=homes, features=visits())
    tx = read_transactions(orders(), customers=homes, features=visits(customer=["h", 2]))
    assert customer_table(tx, CUTOFF)["visits"].tolist() == [4, 3]


def test_features_beside_orders_on_spark_are_refused_before_spark_is_asked():
    class Frame:
        __module__ = "pyspark.sql.dataframe"
        sparkSession = None

    with pytest.raises(
        InputError, match="features of the DataFrame are joined where DuckDB reads the orders"
    ):
        read_transactions(Frame(), features=visits())
    with pytest.raises(InputError, match="is a table of Spark; give features as a file"):
        read_feature_file(Frame())


def test_numbers_with_another_decimal_mark_than_the_rest_are_refused_and_the_mark_is_said():
    table = pd.DataFrame({"customer_id": range(30), "income": ["1,5", "2,5"] * 15})
    assert any(
        "the decimal mark of column 'income' is ','" in one for one in read_feature_file(table).assumed
    )
    table.loc[4, "income"] = "7.5"
    with pytest.raises(
        InputError, match=r"1 numbers in column 'income' of the DataFrame .* \(for example '7.5'\)"
    ):
        read_feature_file(table)
