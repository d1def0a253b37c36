"""Which column plays which role: found by usual names, named by the user, or told with the near one."""

import pytest

from duramen.data.columns import USUAL_NAMES, find_columns
from duramen.data.reading import read_transactions
from duramen.errors import InputError

THREE = ["customer", "date", "amount"]


@pytest.mark.parametrize(
    "names",
    [
        ["customer_id", "date", "amount"],
        ["CustomerID", "InvoiceDate", "Revenue"],
        ["Customer ID", "Order Date", "Net Amount"],
        ["household_id", "transaction_timestamp", "sales_value"],
        ["client", "created_at", "order-total"],
        ["user.id", "TIMESTAMP", "Total Price"],
    ],
    ids=" ".join,
)
def test_three_columns_suffice_under_their_usual_names(names):
    assert list(find_columns(names, {}, "orders.csv").values()) == names


def test_every_usual_name_is_found_alone():
    for role, names in USUAL_NAMES.items():
        for name in names:
            available = [
                *(THREE[i] for i, required in enumerate(list(USUAL_NAMES)[:3]) if required != role),
                name,
            ]
            assert find_columns(available, {}, "orders.csv")[role] == name


def test_the_surest_name_wins_and_the_first_column_of_two_alike():
    assert find_columns(["user", "customer", *THREE[1:]], {}, "a")["customer_id"] == "customer"
    assert find_columns([*THREE, "order_id", "Order ID"], {}, "a")["order"] == "order_id"


def test_what_the_user_names_is_taken_and_not_found_again():
    roles = find_columns(["customer", "buyer", "date", "amount"], {"customer_id": "buyer"}, "a")
    assert roles["customer_id"] == "buyer"
    roles = find_columns([*THREE, "product"], {"category": "product"}, "a")
    assert roles == dict(zip(["customer_id", "date", "amount"], THREE, strict=True)) | {"category": "product"}


def test_an_optional_role_named_empty_is_left_out():
    assert "order" not in find_columns([*THREE, "order"], {"order": ""}, "a")


@pytest.mark.parametrize(
    ("available", "given", "sentence"),
    [
        (THREE, {"amount": "amout"}, "a.csv has no column 'amout' for amount; its columns are 'customer', 'date', "
         "'amount'; did you mean 'amount'?"),
        (THREE, {"amount": "xyz"}, "a.csv has no column 'xyz' for amount; its columns are 'customer', 'date', "
         "'amount'."),
        (["who", "date", "paid"], {}, "a.csv has no column that looks like customer_id or amount; its columns are "
         "'who', 'date', 'paid'; name the right one with `customer_id` and `amount`."),
        (THREE, {"size": "amount"}, "'size' is not a role of a column; choose one of 'customer_id', 'date', 'amount', "
         "'order', 'product', 'line', 'category', 'quantity', 'price', 'discount', 'discount_rate', 'cost', "
         "'currency', 'status', 'kind'."),
        ([*THREE, "x"], {"order": "x", "product": "x"}, "column 'x' of a.csv is named for order and product; name one "
         "column for each."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_columns_is_one_sentence(available, given, sentence):
    with pytest.raises(InputError) as told:
        find_columns(available, given, "a.csv")
    assert str(told.value) == sentence


@pytest.mark.parametrize("name", ["reason", "Reason", "raw_date", "gap", "net", "copies"])
def test_a_column_may_be_called_as_duramen_calls_its_own(orders, days_of, name):
    frame = orders(
        customer=[1, 1, None], date="2020-01-02", order=["a", "a", "b"], amount=[3, 3, 4], product="p"
    )
    plain = read_transactions(frame)
    named = read_transactions(frame.rename(columns={"order": name}), columns={"order": name})
    assert days_of(named) == days_of(plain)
    assert named.set_aside == plain.set_aside == {"missing customer id": 1, "duplicate line": 1}
    kept = named.quarantine()
    assert kept.iloc[:, 0].tolist() == ["missing customer id", "duplicate line"]
    assert kept[name].tolist() == ["b", "a"]


def test_names_with_spaces_quotes_and_other_letters_are_names(orders, days_of):
    odd = {"customer": 'Kunde "A"', "date": "Tag der Größe", "amount": "amount; in 'EUR'"}
    frame = orders().rename(columns=odd)
    tx = read_transactions(frame, customer_id=odd["customer"], date=odd["date"], amount=odd["amount"])
    assert days_of(tx) == days_of(read_transactions(orders()))
    assert list(tx.columns.values()) == list(odd.values())
