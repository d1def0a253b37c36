"""Rows set aside by accident, and rows set aside because their form was not understood."""

import pandas as pd
import pytest

from duramen.data.reading import read_transactions
from duramen.errors import InputError

READ = ["12.50", "7.25", "118.00", "3"] * 50


def orders(amounts, **columns):
    days = pd.date_range("2021-01-01", periods=len(amounts), freq="D").strftime("%Y-%m-%d")
    return pd.DataFrame({"customer": "a", "date": days, "amount": amounts} | columns)


@pytest.mark.parametrize("minus", ["- 12.50 off", "(12.5x)", "12.50 pcs-"])
def test_losing_all_returns_is_refused(minus):
    with pytest.raises(
        InputError, match=r"6 of the 6 amounts .* are 6 of all 6 such amounts, so that the returns"
    ):
        read_transactions(orders([*READ, *[minus] * 6]))


def test_losing_some_of_the_returns_is_an_accident():
    lost, read = ["-12.5.0"] * 6, ["-12.50"] * 20
    assert read_transactions(orders([*READ, *read, *lost])).set_aside == {"amount is not numeric": 6}


def test_losing_the_longest_numbers_is_refused():
    with pytest.raises(
        InputError, match=r"6 of the 6 .* more digits than nearly all .*'12_345.00'\), so that"
    ):
        read_transactions(orders([*READ, *["12_345.00"] * 6]))


@pytest.mark.parametrize("bad", ["free", "1_2.0", "n/a", ""])
def test_a_few_words_among_the_amounts_are_an_accident(bad):
    assert read_transactions(orders([*READ, *[bad] * 6])).set_aside == {"amount is not numeric": 6}


def test_fewer_than_five_rows_are_an_accident():
    assert read_transactions(orders([*READ, *["12_345.00"] * 4])).rows_used == 200


@pytest.mark.parametrize("role", ["amount", "date"])
def test_losing_all_rows_of_one_group_is_refused(role):
    frame = orders([*READ, *["7.25"] * 6], status=["paid"] * 200 + ["abroad"] * 6)
    frame.loc[200:, role] = "7.2.5"
    sentence = (
        f"does not read in 6 of 6 rows in which 'status' is 'abroad' .* write their {role}s in the same form"
    )
    with pytest.raises(InputError, match=sentence):
        read_transactions(frame)
    frame.loc[:3, "status"] = "abroad"
    assert read_transactions(frame).rows_used == 200


def test_the_money_set_aside_is_counted_by_reason_where_it_is_numeric():
    frame = orders(
        [*READ, "5.25", "2", "free", "9.999"], product=[*range(202), "x", "y"], order=[*range(204)]
    )
    frame.loc[200:202, "customer"] = None
    frame.loc[203, "amount"] = "none"
    tx = read_transactions(pd.concat([frame, frame.head(2)]))
    assert tx.set_aside == {"missing customer id": 3, "duplicate line": 2, "amount is not numeric": 1}
    assert tx.set_aside_money == {"missing customer id": 7.25, "duplicate line": 19.75}
    assert tx.summary().set_aside_money == tx.set_aside_money
    assert (
        "missing customer id 3 (7 currency units), amount is not numeric 1, duplicate line 2 (20 currency units))"
    ) in str(tx)


def test_losing_all_rows_of_one_file_of_a_folder_is_refused(tmp_path):
    for month in range(30):
        rows = [
            f"c{i % 9},2023-01-{1 + (i + month) % 28:02d},{f'{i} units' if month == 7 else i + 0.5}"
            for i in range(40)
        ]
        (tmp_path / f"{month:02d}.csv").write_text("\n".join(["customer,date,amount", *rows]))
    with pytest.raises(InputError, match=r"does not read in 40 of 40 rows of the file 07\.csv"):
        read_transactions(tmp_path)


def test_losing_all_rows_of_a_country_that_has_no_role_is_refused_unless_it_is_left_out(tmp_path):
    rows = [
        f"c{i % 9},2023-01-{1 + i % 28:02d},{f'{i} units' if i % 25 == 0 else i + 0.5},{'CH' if i % 25 == 0 else 'FR'}"
        for i in range(1, 1001)
    ]
    (tmp_path / "orders.csv").write_text("\n".join(["customer,date,amount,land", *rows]))
    with pytest.raises(InputError, match="in 40 of 40 rows in which 'land' is 'CH'"):
        read_transactions(tmp_path / "orders.csv")
    assert read_transactions(tmp_path / "orders.csv", where="land!=CH").rows_used == 960
