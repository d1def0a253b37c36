"""Orders of which one line alone has total, customer or status, and order numbers in a column of another name."""

import pandas as pd
import pytest

from duramen.data.reading import read_transactions
from duramen.errors import InputError

STATUSES = ["paid", "paid", "voided"]


def shop(orders=30):
    """Return the lines of orders of two and three lines; each line has all that its order has."""
    lines = [
        {
            "Name": f"#{1001 + order}",
            "Customer Email": f"user{order % 7}@mail.example",
            "Created at": f"2024-01-{1 + order % 28:02d} 08:27:{order % 60:02d} -0500",
            "Financial Status": STATUSES[order % 3],
            "Currency": "USD",
            "Total": f"{20 + order}.50",
            "Lineitem name": f"Tee {line}",
            "Lineitem quantity": 1,
            "Lineitem price": "9.00",
        }
        for order in range(orders)
        for line in range(2 + order % 2)
    ]
    return pd.DataFrame(lines).astype(str)


FIRST = ~shop()["Name"].duplicated()
TOTAL = sum(20.5 + order for order in range(30) if order % 3 < 2)
PAID = int((shop()["Financial Status"] == "paid").sum())


def on_first_lines(frame, *columns):
    return frame.assign(**{name: frame[name].where(~frame["Name"].duplicated(), "") for name in columns})


def money(tx):
    return round(tx.summary().net_total, 2)


def test_a_column_of_order_numbers_is_the_order_so_that_a_repeated_total_is_said():
    tx = read_transactions(shop())
    assert tx.columns["order"] == "Name"
    assert (
        "column 'Name' has the number of the order, such as '#1001' (`columns` order= names another)"
        in tx.assumed
    )
    assert "column 'Total' is the total of the order, take it once (`amount_per` order)" in tx.assumed[-1]
    assert money(read_transactions(shop(), amount_per="order")) == TOTAL


@pytest.mark.parametrize(
    "names",
    [
        # Numbers of customers, of places in a ranking, of people, and one value that is no number.
        lambda frame: "#" + frame["Customer Email"].str[4],
        lambda frame: [f"#{row % 3}" for row in range(len(frame))],
        lambda frame: frame["Name"].str.replace("#", "Ann "),
        lambda frame: frame["Name"].where(frame.index != 20, "#1001B"),
    ],
)
def test_another_column_is_not_the_order(names):
    assert "order" not in read_transactions(shop().assign(Name=names)).columns


def test_an_order_column_that_is_named_or_left_out_stays_so():
    assert "order" not in read_transactions(shop(), columns={"order": ""}).columns
    assert (
        read_transactions(shop().assign(Basket="1"), columns={"order": "Basket"}).columns["order"] == "Basket"
    )


def test_a_total_repeated_on_lines_of_one_moment_is_said_without_an_order_column():
    frame = shop().drop(columns="Name")
    sentence = read_transactions(frame).assumed[-1]
    assert "in 20 of 20 purchases of one customer at one time with several lines" in sentence
    assert "name the column of the order (`columns` order=) and take the total once" in sentence
    for other in (
        frame.drop(columns=["Lineitem name", "Lineitem quantity", "Lineitem price"]),
        frame.assign(Total=[f"{row}.25" for row in range(len(frame))]),
        frame.assign(Total="9.99"),
    ):
        assert not [said for said in read_transactions(other).assumed if "the total of the order" in said]


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("others", [[], ["Customer Email"], ["Customer Email", "Created at"]])
def test_the_other_lines_of_an_order_take_its_fields_and_its_total_counts_once(others, shuffled):
    frame = on_first_lines(shop(), "Financial Status", "Currency", "Total", *others)
    tx = read_transactions(frame.sample(frac=1, random_state=3) if shuffled else frame)
    assert (money(tx), tx.rows_used, tx.set_aside) == (
        TOTAL,
        PAID,
        {"unpaid or refunded order": len(frame) - PAID},
    )
    further = int((~FIRST).sum())
    columns = ", ".join(map(repr, [*others, "Financial Status", "Currency"]))
    assert (
        f"only one line of each order has {columns}: {further} other lines take it from there" in tx.assumed
    )
    assert (
        "only one line of each order has 'Total', which counts once as the total of the order: "
        f"{further} other lines add no money"
    ) in tx.assumed
    assert not [said for said in tx.assumed if "(none)" in said or "all lines have one amount" in said]
    assert {status.status for status in tx.statuses} == set(STATUSES)


def test_orders_without_a_customer_have_none():
    frame = on_first_lines(shop(), "Customer Email", "Total")
    guests = frame["Name"].isin(["#1001", "#1004"])
    tx = read_transactions(frame.assign(**{"Customer Email": frame["Customer Email"].mask(guests, "")}))
    assert tx.set_aside["missing customer id"] == guests.sum()


def test_quantity_times_price_counts_on_lines_whose_order_was_paid():
    frame = on_first_lines(shop(), "Financial Status", "Currency").drop(columns="Total")
    tx = read_transactions(frame)
    assert (money(tx), tx.rows_used) == (9.0 * PAID, PAID)


def test_a_status_of_some_lines_is_not_that_of_their_orders():
    returned = shop().index.isin([0, 5, 9, 14, 20, 31])
    frame = shop().assign(**{"Financial Status": pd.Series("returned", shop().index).where(returned, "")})
    tx = read_transactions(frame, amount="Lineitem quantity*Lineitem price")
    assert tx.set_aside == {"unpaid or refunded order": 6}


def test_a_number_that_is_used_again_carries_nothing():
    frame = on_first_lines(shop(), "Customer Email").rename(columns={"Name": "Order ID"})
    again = frame.assign(**{"Order ID": frame["Order ID"].str[-1]})
    assert read_transactions(again).set_aside["missing customer id"] == (~FIRST).sum()


def test_few_orders_show_no_layout_and_the_refusal_names_the_option():
    frame = on_first_lines(shop(4), "Total")
    with pytest.raises(InputError, match="give `amount_per` order"):
        read_transactions(frame)
    assert money(read_transactions(frame, amount_per="order")) == 20.5 + 21.5 + 23.5


def test_amounts_that_some_lines_lack_are_set_aside():
    frame = shop(300).assign(Total=lambda lines: [f"{row}.25" for row in range(len(lines))])
    frame.loc[frame.index % 40 == 0, "Total"] = ""
    tx = read_transactions(frame, status_used=["paid", "voided"])
    assert tx.set_aside == {"amount is not numeric": (frame["Total"] == "").sum()}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_spark_and_duckdb_carry_the_same_fields(spark):
    frame = on_first_lines(shop(), "Customer Email", "Financial Status", "Currency", "Total")
    found = []
    for orders in (frame, spark.createDataFrame(frame)):
        tx = read_transactions(orders, name="orders")
        found.append((money(tx), tx.set_aside, tx.statuses, tx.columns, tx.assumed))
    assert found[0] == found[1]
    assert found[0][0] == TOTAL
