"""Rows in = rows used + rows set aside, and the day table against an oracle in plain Python."""

import datetime
from collections import Counter, defaultdict
from decimal import Decimal

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings

from duramen.data.reading import read_transactions
from duramen.errors import InputError

FEW = settings(max_examples=25)

GOOD = {"customer": "a", "date": "2020-01-02", "amount": "1", "order": "1", "product": "p", "kind": "consumer",
        "status": "paid", "currency": "EUR"}  # fmt: skip
BAD = {
    "missing customer id": {"customer": ""},
    "unreadable date": {"date": "2020-02-30"},
    "date before 1900": {"date": "0001-01-01"},
    "future date": {"date": "2999-01-01"},
    "amount is not numeric": {"amount": "free"},
    "internal customer": {"kind": "internal"},
    "unpaid or refunded order": {"status": "cancelled"},
    "other currency": {"currency": "USD"},
}


@st.composite
def dirty_orders(draw):
    """Rows of text with any reason to be set aside, padded so that the columns as a whole stay readable."""
    reasons = draw(st.lists(st.sampled_from(list(BAD)), max_size=8))
    rows = [GOOD | {"order": f"bad {i}"} | BAD[reason] for i, reason in enumerate(reasons)]
    rows += [GOOD | {"order": f"good {i}", "customer": f"c{i % 9}"} for i in range(20 * (len(rows) + 1))]
    copied = draw(st.lists(st.integers(0, len(rows) - 1), max_size=6))
    expected = Counter(reasons) + Counter(
        reasons[row] if row < len(reasons) else "duplicate line" for row in copied
    )
    # A copy of a bad row is bad for the same reason; there are few enough of them to stay below the limit.
    rows += [rows[row] for row in copied] + [GOOD | {"order": f"more {i}"} for i in range(20 * len(copied))]
    return pd.DataFrame(draw(st.permutations(rows))), expected


@pytest.mark.slow
@given(dirty_orders())
@FEW
def test_rows_in_are_rows_used_and_rows_set_aside_by_reason(made):
    frame, expected = made
    tx = read_transactions(frame, currency="EUR")
    assert tx.rows_in == len(frame)
    assert tx.set_aside == dict(expected)
    assert tx.rows_used == len(frame) - expected.total()
    assert tx.days.lines.sum().to_pyarrow().as_py() == tx.rows_used
    kept = tx.quarantine()
    assert Counter(kept["reason"]) == expected
    good = Counter(map(tuple, frame[list(GOOD)].fillna("").to_numpy()))
    aside = Counter(map(tuple, kept[list(GOOD)].fillna("").to_numpy()))
    assert not aside - good
    assert (good - aside).total() == tx.rows_used


def test_the_quarantine_holds_the_columns_in_use_as_they_came(mostly_good):
    frame = mostly_good(date=" 2999-01-01 ").assign(note="x")
    kept = read_transactions(frame).quarantine()
    expected = {"reason": "future date", "customer": "1", "date": " 2999-01-01 ", "amount": "2.50"}
    assert kept.to_dict("records") == [expected]


def test_a_clean_source_has_an_empty_quarantine(orders):
    kept = read_transactions(orders()).quarantine()
    assert kept.columns.tolist() == ["reason", "customer", "date", "amount"]
    assert kept.empty


def test_the_quarantine_is_written_whole_or_not_at_all(mostly_good, tmp_path, monkeypatch):
    tx = read_transactions(mostly_good(customer=None, amount="1,5\n"))
    path = tmp_path / "orders.quarantine.csv"
    path.write_text("of the run before")
    with monkeypatch.context() as broken:
        broken.setattr(pd.DataFrame, "to_csv", lambda _frame, file, **_: file.write_text("half") and 1 / 0)
        with pytest.raises(ZeroDivisionError):
            tx.write_quarantine(path)
    assert path.read_text() == "of the run before"
    tx.write_quarantine(str(path))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    written = pd.read_csv(path, dtype=str)
    pd.testing.assert_frame_equal(written, tx.quarantine(), check_dtype=False)


def test_equal_lines_are_duplicates_only_where_a_column_tells_lines_apart(orders):
    frame = pd.concat([orders()] * 2)
    assert read_transactions(frame).set_aside == {}
    assert read_transactions(frame.assign(order="1")).set_aside == {}
    assert read_transactions(frame.assign(order="1", linenumber=7)).set_aside == {"duplicate line": 3}
    # The same coffee three times a day is three purchases.
    assert read_transactions(frame.assign(product="p")).set_aside == {}
    assert read_transactions(frame.assign(description="p", order="1")).set_aside == {"duplicate line": 3}
    assert read_transactions(frame.assign(product="p", order="1")).set_aside == {"duplicate line": 3}
    assert read_transactions(frame.assign(product="p", order=range(6))).set_aside == {}
    assert read_transactions(frame.assign(product="p", order="1", quantity=range(6))).set_aside == {}


def test_a_line_that_came_three_times_is_set_aside_twice(orders, days_of):
    lines = orders(order=["1", None, "2"], product="p")
    frame = pd.concat([lines] * 3)
    tx = read_transactions(frame)
    assert tx.set_aside == {"duplicate line": 6}
    assert len(tx.quarantine()) == 6
    assert days_of(tx) == days_of(read_transactions(lines))


# The day table ---------------------------------------------------------------------------------------------------

LINES = st.fixed_dictionaries(
    {
        "customer": st.sampled_from([1, 2]),
        "date": st.dates(datetime.date(2020, 1, 1), datetime.date(2020, 1, 5)),
        "amount": st.sampled_from([3.0, -3.0, 1.1, -1.1, 0.0, 2.25, 7.0]),
        "order": st.sampled_from(["A", "B", None]),
        "product": st.sampled_from(["x", "y", "z"]),
        "category": st.sampled_from(["k", "l"]),
        "quantity": st.sampled_from([1, 2, -1]),
        "discount": st.sampled_from([0.0, 0.5, -0.25]),
        "cost": st.sampled_from([1.0, 0.75]),
    }
)


def oracle(lines):
    """The day table by loops over Python decimals."""
    groups = defaultdict(list)
    for line in lines:
        groups[line["customer"], line["date"]].append(line)
    seen, last, days = defaultdict(set), {}, []
    for (customer, date), rows in sorted(groups.items()):
        sizes = Counter(Decimal(str(row["amount"])) for row in rows)
        pairs = {size: min(sizes[size], sizes[-size]) for size in sizes if size > 0}
        sales = [row for row in rows if row["amount"] > 0]
        positive = sum((size * (n - pairs[size]) for size, n in sizes.items() if size > 0), Decimal(0))
        negative = sum(
            (-size * (n - pairs.get(-size, 0)) for size, n in sizes.items() if size < 0), Decimal(0)
        )
        day = {
            "customer_id": customer,
            "date": date,
            "net": positive - negative,
            "returned": negative,
        }
        day["lines"] = len(sales) - sum(pairs.values())
        day["orders"] = max(len({row["order"] for row in sales} - {None}), 1)
        day |= {role: sum(Decimal(str(row[role])) for row in rows) for role in ("quantity", "cost")}
        day["discount"] = sum(abs(Decimal(str(row["discount"]))) for row in rows)
        for role, plural in (("product", "products"), ("category", "categories")):
            held = {row[role] for row in sales}
            day |= {plural: len(held), f"new_{plural}": len(held - seen[customer, role])}
            seen[customer, role] |= held
        day["purchase"] = day["net"] > 0
        day["gap"] = None
        if day["purchase"]:
            day["gap"] = (date - last[customer]).days if customer in last else None
            last[customer] = date
        days.append(day)
    return days


@pytest.mark.slow
@given(st.lists(LINES, min_size=1, max_size=30))
@FEW
def test_the_day_table_agrees_with_the_oracle(days_of, lines):
    # Numbered lines are no duplicates of each other.
    frame = pd.DataFrame(lines).assign(currency=[f"{i}" for i in range(len(lines))])
    tx = read_transactions(frame, columns={"currency": "", "status": "currency"})
    assert tx.rows_used == len(lines)
    assert days_of(tx) == oracle(lines)


def test_row_order_and_threads_do_not_matter(days_of):
    random = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "customer": random.integers(0, 50, 3000),
            "date": pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 30, 3000), unit="D"),
            "amount": random.choice([0.1, 0.2, 7.77, -0.1, -7.77, 1e9], 3000),
            "order": random.integers(0, 5, 3000),
            "product": random.choice(list("xyz"), 3000),
            "cost": random.choice([0.1, 0.2, None], 3000),
        }
    )
    first = read_transactions(frame, threads=1)
    second = read_transactions(frame.sample(frac=1, random_state=1), threads=4)
    assert days_of(first) == days_of(second)
    assert first.set_aside == second.set_aside
    assert first.digest(datetime.date(2020, 1, 20)) == second.digest(datetime.date(2020, 1, 20))
    assert str(first) == str(second)


def test_the_columns_of_the_day_table_have_the_agreed_types(orders):
    frame = orders(order="1", product="p", category="c", quantity=1, discount=0, cost=1)
    schema = read_transactions(frame).days.schema().to_pyarrow()
    money, count = pa.decimal128(18, 4), pa.int32()
    assert {name: schema.field(name).type for name in schema.names} == {
        "customer_id": pa.int64(), "date": pa.date32(), "net": money, "returned": money,
        "lines": count, "orders": count, "quantity": money, "cost": money, "discount": money,
        "products": count, "categories": count,
        "new_products": count, "new_categories": count, "purchase": pa.bool_(), "gap": count,
    }  # fmt: skip
    three = read_transactions(orders()).days.columns
    assert set(three) == {
        "customer_id",
        "date",
        "net",
        "returned",
        "lines",
        "orders",
        "purchase",
        "gap",
    }


def days(*rows):
    return pd.DataFrame(rows, columns=["customer", "date", "amount"])


def test_returns_are_netted_against_the_customer(days_of):
    tx = read_transactions(
        days((1, "2020-01-02", 10), (1, "2020-01-09", -4), (1, "2020-01-09", 6), (1, "2020-02-09", -5))
    )
    first, second, third = days_of(tx)
    assert (first["net"], second["net"], third["net"]) == (10, 2, -5)
    assert (second["returned"], second["lines"], second["gap"]) == (4, 1, 7)
    assert (third["purchase"], third["gap"], third["lines"]) == (False, None, 0)
    assert tx.summary().net_total == 7


def test_what_is_nothing_in_money_is_no_sale_and_no_product_bought():
    orders = pd.DataFrame(
        {
            "customer": ["a", "a", "b"],
            "date": ["2020-01-02", "2020-01-02", "2020-01-02"],
            "amount": [5.0, 4e-16, 4e-16],
            "product": ["pen", "gift", "gift"],
        }
    )
    days = read_transactions(orders).days.to_pandas().set_index("customer_id")
    assert days[["lines", "products", "new_products", "purchase"]].loc["a"].tolist() == [1, 1, 1, True]
    assert days[["lines", "products", "new_products", "purchase"]].loc["b"].tolist() == [0, 0, 0, False]


@pytest.mark.parametrize("back", [-10, -12])
def test_a_day_that_nets_to_zero_or_less_is_no_purchase_and_its_money_counts(days_of, back):
    tx = read_transactions(
        days((1, "2020-01-02", 5), (1, "2020-01-04", 10), (1, "2020-01-04", back), (1, "2020-01-09", 5))
    )
    rows = days_of(tx)
    assert [row["purchase"] for row in rows] == [True, False, True]
    assert [row["gap"] for row in rows] == [None, None, 7]
    assert tx.summary().net_total == 20 + back
    assert tx.summary().purchase_days == 2


def test_a_reversal_of_the_same_day_leaves_no_trace(days_of):
    tx = read_transactions(
        days(
            *[(1, "2020-01-02", 77_183.6)] * 2, *[(1, "2020-01-02", -77_183.6)] * 3, (1, "2020-01-02", 4),
            (1, "2020-01-03", 9), (1, "2020-01-04", -9), (2, "2020-01-02", 77_183.6),
        )
    )  # fmt: skip
    reversed_day, sale, later_return, other = days_of(tx)
    assert reversed_day["net"] == 4 - Decimal("77183.6")
    assert (reversed_day["returned"], reversed_day["lines"]) == (Decimal("77183.6"), 1)
    assert (sale["returned"], later_return["returned"], other["returned"]) == (0, 9, 0)
    assert tx.rows_used == tx.rows_in == 9


def test_sums_are_exact(days_of):
    amounts = [0.1, 0.2] * 1000
    (day,) = days_of(read_transactions(days(*[(1, "2020-01-02", amount) for amount in amounts])))
    assert day["net"] == Decimal("300.0000")
    assert str(day["net"]) == "300.0000"
    tiny = days(*[(1, "2020-01-02", amount) for amount in (1e12, 0.0001, -1e12, 0.00004, -0.00003)])
    assert days_of(read_transactions(tiny))[0]["net"] == Decimal("0.0001")


def test_a_product_is_new_on_the_first_day_that_it_was_bought(days_of):
    lines = [
        (1, "2020-01-02", 1, "x"), (1, "2020-01-02", 1.5, "x"), (1, "2020-01-03", -1, "y"), (1, "2020-01-04", 1, "y"),
        (1, "2020-01-05", 1, "x"), (1, "2020-01-05", 1, None), (2, "2020-01-05", 1, "x"),
    ]  # fmt: skip
    rows = days_of(read_transactions(pd.DataFrame(lines, columns=["customer", "date", "amount", "product"])))
    assert [row["products"] for row in rows] == [1, 0, 1, 1, 1]
    assert [row["new_products"] for row in rows] == [1, 0, 1, 0, 1]


def test_a_line_without_an_order_was_still_ordered(orders, days_of):
    rows = days_of(read_transactions(orders(date="2020-01-02", order=["A", "B", None])))
    assert [row["orders"] for row in rows] == [2, 1]


# The digest and the summary --------------------------------------------------------------------------------------


def test_the_digest_changes_with_every_fact_of_the_history_and_with_no_later_one(orders):
    cutoff = datetime.date(2020, 1, 9)
    plain = read_transactions(orders()).digest(cutoff)
    assert read_transactions(orders(amount=[3, 4.5, 99])).digest(cutoff) == plain
    changed = [
        orders(amount=[3, 4.6, 5]), orders(customer=[1, 3, 2]), orders().iloc[[0, 2]],
        orders(date=["2020-01-02", "2020-01-06", "2020-01-09"]),
        orders(date=["2020-01-02", "2020-01-05", "2020-01-08"]),
    ]  # fmt: skip
    digests = [read_transactions(frame).digest(cutoff) for frame in changed]
    assert len({plain, *digests}) == 6
    assert plain.endswith("-2")


def test_print_tells_what_a_careful_analyst_asks():
    rows = [
        ("a", "2019-03-01", "10", "EUR"), ("a", "2020-03-01", "20", "EUR"), ("b", "2019-05-05", "1200", "EUR"),
        ("b", "2019-05-07", "-30", "EUR"), ("c", "2019-06-01", "5", "EUR"), ("", "2019-06-01", "5", "EUR"),
    ]  # fmt: skip
    tx = read_transactions(pd.DataFrame(rows, columns=["customer", "date", "amount", "currency"]))
    assert str(tx).splitlines() == [
        "Transactions from the DataFrame",
        "  rows          6 in = 5 used + 1 set aside (missing customer id 1 (5 EUR))",
        "  span          2019-03-01 to 2020-03-01",
        "  customers     3, of whom 67% bought on one day only",
        "  grain         4 purchase days, one row per customer and day",
        "  netting       returns of 30 EUR netted; 1 days net to zero or less and are no purchases",
        "  money         1,205 EUR net",
        "  columns       customer_id from 'customer', date from 'date', amount from 'amount', currency from 'currency'",
        "  can be fitted BTYD models and gamma-gamma: yes, 1 customers bought on more than one day.",
        "  can be fitted LightGBM on rolling cutoffs: horizons up to 122 days, a third of the 367 days of history.",
        "  can be fitted Yearly season: no, less than two years of history.",
    ]
    assert tx.summary(datetime.date(2019, 6, 1)).customers == 2
    assert (tx.first_date, tx.last_date) == (datetime.date(2019, 3, 1), datetime.date(2020, 3, 1))


def test_a_source_or_history_without_a_purchase_is_told(orders):
    tx = read_transactions(orders())
    with pytest.raises(
        InputError, match="has no purchase before 2020-01-02; its days run from 2020-01-02 to 2020-01-09"
    ):
        tx.summary(datetime.date(2020, 1, 2))
    returns = read_transactions(orders(amount=[-1, -2, -3]))
    with pytest.raises(InputError, match=r"has no purchase; its days run .* check the sign of the amounts"):
        str(returns)


def test_two_sources_live_side_by_side(orders, days_of):
    both = [read_transactions(orders(amount=amount)) for amount in (1.0, 2.0)]
    assert [days_of(tx)[0]["net"] for tx in both] == [1, 2]


def test_some_customers_alone_have_the_days_they_had(shop_orders):
    tx = read_transactions(shop_orders)
    chosen = np.sort(shop_orders["customer_id"].unique())[5:9]
    some = tx.of_customers(chosen)
    days, before = (table.to_pyarrow().to_pandas() for table in (some.days, tx.days))
    expected = before[before["customer_id"].isin(chosen)]
    by = ["customer_id", "date"]
    pd.testing.assert_frame_equal(
        days.sort_values(by, ignore_index=True), expected.sort_values(by, ignore_index=True)
    )
    assert (some.source, some.unit, some.rows_in) == (tx.source, tx.unit, tx.rows_in)


def test_a_part_of_a_part_leaves_the_first_as_it_was():
    orders = pd.DataFrame({"customer_id": [7, 8, 9], "date": "2024-01-01", "amount": [1.0, 2.0, 3.0]})
    some = read_transactions(orders).of_customers([7, 9])
    assert some.of_customers([9]).summary().customers == 1
    assert some.summary().customers == 2


def test_customers_are_chosen_by_numbers_too():
    orders = pd.DataFrame({"customer_id": [7, 7, 8, 9], "date": "2024-01-01", "amount": [1.0, 2.0, 3.0, 4.0]})
    days = read_transactions(orders).of_customers(pd.Series([7, 9])).days.to_pyarrow().to_pandas()
    assert sorted(days["customer_id"]) == [7, 9]


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"columns": {"ordre": "x"}}, "'ordre' is not a role of a column; did you mean 'order'?"),
        ({"date_format": "days-first"}, "'days-first' is not a date format; did you mean 'day-first'?"),
        ({"decimal": ";"}, "decimal mark ';' is neither '.' nor ','; give one of them by `decimal`."),
        ({"memory_limit": "lots"}, "'lots' is no amount of memory"),
        ({"threads": 0}, "0 threads cannot work; give 1 or more by `threads`."),
        ({"customers": "nowhere.csv"}, "there is no file or folder nowhere.csv"),
    ],
    ids=lambda part: next(iter(part)) if isinstance(part, dict) else "",
)
def test_a_wrong_parameter_is_refused_before_the_orders_are_opened(
    parameters, sentence, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        read_transactions("never_opened.csv", **parameters)
    assert sentence in str(error.value)
