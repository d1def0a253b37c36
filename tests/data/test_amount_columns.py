"""Which column is the amount of a row, or which two make it."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from duramen.data.reading import read_transactions
from duramen.errors import InputError


def invoice_lines():
    """Lines of invoices with quantity, unit price and description, as cash registers export them."""
    random = np.random.default_rng(3)
    lines = random.integers(1, 8, 200)
    order = np.repeat(np.arange(200), lines)
    return pd.DataFrame(
        {
            "InvoiceNo": [f"INV{i}" for i in order],
            "Description": [f"ITEM {i}" for i in random.permutation(order.size)],
            "Quantity": random.integers(1, 13, order.size).astype(str),
            "InvoiceDate": (pd.Timestamp("2023-01-01") + pd.to_timedelta(order, unit="D")).astype(str),
            "UnitPrice": [f"{cents / 100:.2f}" for cents in random.integers(50, 900, order.size)],
            "CustomerID": [f"C{i % 40:05d}" for i in order],
        }
    )


LINES = invoice_lines()
TOTAL = sum(Decimal(q) * Decimal(p) for q, p in zip(LINES["Quantity"], LINES["UnitPrice"], strict=True))


def net(tx):
    return tx.days.net.sum().to_pyarrow().as_py()


def test_quantity_times_unit_price_is_found_and_said():
    tx = read_transactions(LINES)
    assert net(tx) == TOTAL
    assert tx.rows_used == len(LINES)
    assert tx.assumed == (
        "the amount of a row is column 'Quantity' times column 'UnitPrice' (`amount` names another)",
    )
    assert tx.columns["amount"] == "Quantity*UnitPrice"


@pytest.mark.parametrize("amount", ["Quantity*UnitPrice", "UnitPrice * Quantity"])
def test_two_columns_are_multiplied_where_the_user_names_them(amount):
    tx = read_transactions(LINES, amount=amount)
    assert net(tx) == TOTAL
    assert tx.assumed == ()
    assert tx.days.quantity.sum().to_pyarrow().as_py() == int(LINES["Quantity"].astype(int).sum())


def test_an_amount_goes_before_its_parts():
    amounts = ["1.25"] * len(LINES)
    assert net(read_transactions(LINES.assign(Amount=amounts))) == Decimal("1.25") * len(LINES)


def test_a_unit_price_beside_a_quantity_is_no_amount():
    with pytest.raises(InputError) as told:
        read_transactions(LINES, amount="UnitPrice")
    assert str(told.value) == (
        "column 'UnitPrice' looks like a price per unit, and column 'Quantity' says how many; give `amount` "
        "'Quantity*UnitPrice' to multiply them, or leave the quantity out (`columns` quantity=) to take 'UnitPrice' "
        "as the money of the row."
    )
    expected = sum(map(Decimal, LINES["UnitPrice"]))
    assert net(read_transactions(LINES, amount="UnitPrice", columns={"quantity": ""})) == expected


def test_a_price_without_a_quantity_is_the_amount_only_where_it_is_named():
    alone = LINES.drop(columns="Quantity").rename(columns={"UnitPrice": "Price"})
    with pytest.raises(
        InputError, match=r"'Price' looks like a price per unit, without a column for the quantity"
    ):
        read_transactions(alone)
    assert net(read_transactions(alone, amount="Price")) == sum(map(Decimal, alone["Price"]))


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"amount": "Quantity*Price"}, "no column 'Price' for amount"),
        ({"amount": "Quantity*UnitPrice*Quantity"}, "multiplies 3 columns; give two"),
        ({"amount": "Quantity*UnitPrice", "columns": {"quantity": "InvoiceNo"}}, "name the same column"),
    ],
)
def test_parts_that_do_not_exist_or_do_not_agree_are_refused(parameters, sentence):
    with pytest.raises(InputError, match=sentence.replace("*", r"\*")):
        read_transactions(LINES, **parameters)


def test_a_row_without_a_part_is_set_aside_with_both_parts():
    frame = LINES.copy()
    frame.loc[3, "UnitPrice"] = "free"
    tx = read_transactions(frame)
    assert tx.set_aside == {"amount is not numeric": 1}
    assert tx.quarantine()["Quantity*UnitPrice"].tolist() == [f"{LINES['Quantity'][3]} * free"]
    assert net(tx) == TOTAL - Decimal(LINES["Quantity"][3]) * Decimal(LINES["UnitPrice"][3])


def test_an_order_number_alone_never_proves_a_duplicate():
    lines = LINES.drop(columns="Description").assign(Quantity="1", UnitPrice="2.00")
    assert read_transactions(lines).set_aside == {}
    twice = pd.concat([LINES, LINES.head(3)])
    assert read_transactions(twice).set_aside == {"duplicate line": 3}
    assert net(read_transactions(twice)) == TOTAL


def sales(**columns):
    made = {"customer": ["a", "b", "a"], "date": ["2020-01-02"] * 3, "Revenue": ["10.50", "7", "5.25"]}
    return pd.DataFrame(made | {"Cost": ["4.25", "8", "none"]} | columns)


def test_the_margin_is_revenue_less_cost_in_days_and_unit():
    frame = sales(Cost=["4.25", "8", "1"])
    tx = read_transactions(frame, amount="margin", currency="EUR")
    assert net(tx) == Decimal("9.50")
    assert tx.unit == "EUR margin"
    assert "10 EUR margin net" in str(tx)
    assert "cost" not in tx.days.columns
    assert tx.assumed == ("the amount of a row is column 'Revenue' less column 'Cost' (`amount` 'margin')",)


def test_the_margin_of_quantity_and_price_is_what_they_make_less_cost():
    frame = sales(Cost=["4.25", "8", "1"], Quantity=["2", "1", "3"], Price=["5.25", "7", "1.75"])
    tx = read_transactions(frame.drop(columns="Revenue"), amount="margin")
    assert (net(tx), tx.unit) == (Decimal("9.50"), "currency units margin")
    assert tx.rows_used == 3
    (sentence,) = tx.assumed
    assert sentence.startswith("the amount of a row is column 'Quantity*Price' less column 'Cost'")


def test_a_row_without_a_cost_has_no_known_margin():
    tx = read_transactions(pd.concat([sales(Cost="1")] * 10 + [sales().tail(1)]), amount="margin")
    assert tx.set_aside == {"amount is not numeric": 1}
    assert tx.quarantine()["margin"].tolist() == ["5.25 - none"]


def test_costs_are_not_taken_off_a_margin_again():
    tx = read_transactions(sales(Margin=["6", "-1", "2"]), amount="Margin")
    assert (net(tx), tx.unit) == (7, "currency units margin")
    assert "cost" not in tx.days.columns
    with pytest.raises(InputError, match="no column 'margin' and none that looks like cost"):
        read_transactions(sales().drop(columns="Cost"), amount="margin")


def test_the_parts_may_be_named_by_their_roles():
    lines = pd.DataFrame(
        {"customer_id": [1, 2], "date": "2024-01-01", "Quantity": [2, 3], "UnitPrice": [1.5, 2.0]}
    )
    assert read_transactions(lines, amount="quantity*price").columns["amount"] == "Quantity*UnitPrice"
