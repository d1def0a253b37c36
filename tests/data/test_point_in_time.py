"""Nothing at or after the cutoff is seen: neither by the customer table nor by the digest of what was learned from."""

import datetime

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given, settings

from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions
from duramen.errors import InputError

START = datetime.date(2020, 1, 1)
CUTOFF = datetime.date(2020, 2, 1)
COLUMNS = ["customer", "date", "amount", "order", "product", "quantity", "cost", "discount"]


def line(first, last):
    """One order line on a day from `first` to before `last`, counted from the start."""
    return st.tuples(
        st.integers(1, 4), st.integers(first, last - 1).map(lambda day: START + datetime.timedelta(days=day)),
        st.sampled_from([5.0, 2.5, 9.99, -2.5, -5.0]), st.integers(1, 3), st.sampled_from(["x", "y", "z"]),
        st.integers(1, 3), st.sampled_from([0.5, 1.0]), st.sampled_from([0.0, 0.25]),
    )  # fmt: skip


BOUGHT = (1, START, 5.0, 1, "x", 1, 0.5, 0.0)
AT = (CUTOFF - START).days


def read(lines):
    return read_transactions(pd.DataFrame(lines, columns=COLUMNS))


def seen(lines):
    tx = read(lines)
    return customer_table(tx, CUTOFF), tx.digest(CUTOFF)


@pytest.mark.slow
@given(
    past=st.lists(line(0, AT), max_size=15),
    future=st.lists(line(AT, AT + 60), min_size=1, max_size=10),
    other_future=st.lists(line(AT, AT + 3), max_size=10),
)
@settings(max_examples=20)
def test_no_row_at_or_after_the_cutoff_is_seen(past, future, other_future):
    past = [BOUGHT, *past]
    table, digest = seen(past)
    for later in (future, other_future):
        table_then, digest_then = seen([*later, *past])
        pd.testing.assert_frame_equal(table_then, table, check_exact=True)
        assert digest_then == digest


@pytest.fixture(scope="module")
def planted():
    """One customer before the cutoff, and on the cutoff itself everything that a leak would show."""
    on_the_cutoff = [
        (1, CUTOFF, 1000.0, 9, "new", 50, 7.0, 3.0),
        (1, CUTOFF, -5.0, 9, "x", 1, 0.5, 0.0),
        (2, CUTOFF, 1000.0, 9, "new", 50, 7.0, 3.0),
    ]
    day_before = (1, CUTOFF - datetime.timedelta(days=1), 7.0, 2, "y", 1, 0.5, 0.0)
    return [BOUGHT, day_before], on_the_cutoff


@pytest.mark.slow
def test_the_day_of_the_cutoff_is_no_history(planted):
    past, on_the_cutoff = planted
    table, digest = seen(past)
    leaked_table, leaked_digest = seen(past + on_the_cutoff)
    pd.testing.assert_frame_equal(leaked_table, table, check_exact=True)
    assert leaked_digest == digest
    assert table["customer_id"].tolist() == [1]
    assert table.loc[0, ["frequency", "recency", "T"]].tolist() == [1, AT - 1, AT]


@pytest.mark.slow
def test_the_planted_day_would_show_if_it_were_history(planted):
    """The test above can fail: a day later the same rows change the customers, most features and the digest."""
    past, on_the_cutoff = planted
    tomorrow = CUTOFF + datetime.timedelta(days=1)
    without, with_them = read(past), read(past + on_the_cutoff)
    before, after = customer_table(without, tomorrow), customer_table(with_them, tomorrow)
    assert after["customer_id"].tolist() == [1, 2]
    changed = [name for name in before if not before[name].iloc[:1].equals(after[name].iloc[:1])]
    assert {"frequency", "recency", "monetary_value", "net_spend"} <= set(changed)
    assert without.digest(tomorrow) != with_them.digest(tomorrow)


@pytest.mark.slow
def test_a_row_before_the_cutoff_changes_the_digest(planted):
    past, _ = planted
    digests = {
        seen([*past, (1, CUTOFF - datetime.timedelta(days=back), 1.0, 5, "x", 1, 0.5, 0.0)])[1]
        for back in (1, 2)
    }
    assert len(digests | {seen(past)[1]}) == 3


def test_a_return_after_the_cutoff_takes_no_purchase_back():
    sale, back = (1, START, 5.0, 1, "x", 1, 0.5, 0.0), (1, CUTOFF, -5.0, 1, "x", 1, 0.5, 0.0)
    pd.testing.assert_frame_equal(seen([sale, back])[0], seen([sale])[0], check_exact=True)


def test_history_ends_the_day_before_the_cutoff(planted):
    past, on_the_cutoff = planted
    history = read(past + on_the_cutoff).history(CUTOFF)
    assert history.date.max().to_pyarrow().as_py() == CUTOFF - datetime.timedelta(days=1)


@pytest.mark.slow
def test_the_table_is_sorted_by_id_and_knows_its_cutoff():
    tx = read([(customer, *BOUGHT[1:]) for customer in (9, 10, 2, 1)])
    table = customer_table(tx, "2020-02-01")
    assert table["customer_id"].tolist() == [1, 2, 9, 10]
    assert table.columns[0] == "customer_id"
    assert (table.dtypes.iloc[1:] == "float64").all()
    assert table.attrs["cutoff"] == str(CUTOFF)


def test_a_cutoff_before_the_first_purchase_is_told():
    with pytest.raises(
        InputError, match="no purchase before the cutoff 2020-01-01; its days run from 2020-01-01 to"
    ):
        customer_table(read([BOUGHT]), START)
