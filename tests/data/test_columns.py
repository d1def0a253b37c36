"""Which column plays which role: found by usual names, named by the user, or told with the near one."""

import pytest

from duramen.data.column_languages import NAMES_BY_LANGUAGE, NAMES_BY_SHOP
from duramen.data.columns import USUAL_NAMES, find_columns, plain_name
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


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        (["Kunden-Nr.", "Bestelldatum", "Betrag (€)", "Menge", "Artikelnummer"],
         ["customer_id", "date", "amount", "quantity", "product"]),
        (["Debitor", "Währung", "Rechnungsdatum", "Umsatz", "Rechnungs-Nr."],
         ["customer_id", "currency", "date", "amount", "order"]),
        (["N° client", "Date de commande", "Montant TTC", "N° commande", "Quantité"],
         ["customer_id", "date", "amount", "order", "quantity"]),
        (["ID de cliente", "Fecha de compra", "Importe", "Categoría", "Descuento"],
         ["customer_id", "date", "amount", "category", "discount"]),
        (["Codice cliente", "Data ordine", "Importo totale", "Quantità"],
         ["customer_id", "date", "amount", "quantity"]),
        (["Código do cliente", "Data da compra", "Valor do pedido", "Situação"],
         ["customer_id", "date", "amount", "status"]),
        (["Klantnummer", "Besteldatum", "Bedrag", "Aantal"], ["customer_id", "date", "amount", "quantity"]),
        (["客户编号", "下单时间", "订单金额", "商品名称"], ["customer_id", "date", "amount", "product"]),
        (["會員編號", "訂單日期", "金額"], ["customer_id", "date", "amount"]),
        (["顧客コード", "注文日", "売上", "数量", "カテゴリー"],
         ["customer_id", "date", "amount", "quantity", "category"]),
        (["amazon-order-id", "purchase-date", "buyer-email", "sku", "order-total"],
         ["order", "date", "customer_id", "product", "amount"]),
        (["Email", "Financial Status", "Subtotal", "Total", "Created at", "Lineitem name"],
         ["customer_id", "status", None, "amount", "date", "product"]),
        (["increment_id", "customer_email", "customer_id", "created_at", "grand_total"],
         ["order", None, "customer_id", "date", "amount"]),
        (["Created (UTC)", "Amount", "Currency", "Status", "Customer ID", "Customer Email"],
         ["date", "amount", "currency", "status", "customer_id", None]),
    ],
    ids=lambda value: value[0],
)  # fmt: skip
def test_headings_of_other_languages_and_shop_systems_are_found(names, roles):
    expected = {role: name for name, role in zip(names, roles, strict=True) if role}
    assert find_columns(names, {}, "orders.csv") == expected


def test_usual_names_are_plain_and_of_one_role_each():
    tables = [USUAL_NAMES, NAMES_BY_LANGUAGE, NAMES_BY_SHOP]
    for table in tables:
        names = [name for names in table.values() for name in names]
        assert names == [plain_name(name) for name in names]
        assert len(set(names)) == len(names)


def test_a_name_is_compared_by_its_letters_alone():
    assert plain_name("  KUNDEN\u2013Nr. ") == plain_name("kunden_nr") == "kundennr"
    assert plain_name("ｶﾃｺﾞﾘ") == plain_name("カテゴリ") != plain_name("カテコリ")
    assert plain_name("Größe") == "grosse"
    assert plain_name("#") == ""
