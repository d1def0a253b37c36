"""Postage, fees, vouchers and corrections are named by their code, and left out where that is asked for."""

import pandas as pd
import pytest

from duramen.data.reading import read_transactions
from duramen.errors import InputError


def lines(*products):
    return pd.DataFrame(
        {
            "customer": 1,
            "date": "2024-01-01",
            "amount": [2.0**place for place in range(len(products))],
            "StockCode": products,
        }
    )


def test_service_lines_are_listed_and_kept_by_default():
    tx = read_transactions(
        lines("22423", "POST", "POSTAGE STAMP SET", "POST", "gift_0001_20"), currency="GBP"
    )
    assert tx.summary().net_total == 31
    assert [tuple(one) for one in tx.service_lines] == [
        ("gift_0001_20", 1, 16.0, True),
        ("POST", 2, 10.0, True),
    ]
    assert "  service line  gift_0001_20  1 rows  16.00 GBP  used\n" in str(tx)
    assert "`service_lines` drop leaves them out" in tx.assumed[0]


def test_service_lines_are_set_aside_where_that_is_asked_for():
    tx = read_transactions(lines("22423", "POST", " Bank Charges ", None), service_lines="drop")
    assert tx.set_aside == {"service line": 2}
    assert tx.summary().net_total == 9
    assert {one.used for one in tx.service_lines} == {False}


@pytest.mark.parametrize(
    "code",
    [
        "POST", "DOT", "BANK CHARGES", "AMAZONFEE", "ADJUST2", "TEST001", "Shipping", "gift-card",
        "GIFT_CARD", "Versand", "Porto", "frais de port", "Envío", "spedizione", "verzendkosten", "运费",
        "送料", "Gutschein", "Handling fee",
    ],
)  # fmt: skip
def test_a_code_of_a_service_is_one_as_a_whole_value(code):
    found = read_transactions(lines("22423", code, f"{code} set")).service_lines
    assert [one.code for one in found] == [code]


def test_letters_are_services_only_beside_the_longer_codes_of_the_same_shop():
    assert not read_transactions(lines("S", "M", "D", "22423")).service_lines
    found = read_transactions(lines("S", "M", "m", "DOT", "C2")).service_lines
    assert {one.code for one in found} == {"S", "M", "m", "DOT", "C2"}


def test_numbers_as_product_codes_are_products():
    tx = read_transactions(lines(1, 2), service_lines="drop")
    assert (tx.rows_used, tx.service_lines) == (2, ())


def test_a_choice_that_there_is_not_and_a_missing_column_are_refused(orders):
    with pytest.raises(InputError, match="'keep' or 'drop'"):
        read_transactions(orders(), service_lines="none")
    with pytest.raises(InputError, match="no column of the role product, which `service_lines` needs"):
        read_transactions(orders(), service_lines="drop")
