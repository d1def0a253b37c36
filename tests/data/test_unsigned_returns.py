"""Returns whose quantity has a minus and whose amount has none are named, since they count as sales."""

import pandas as pd
import pytest

from duramen.data.reading import read_transactions
from duramen.language import is_urgent


def orders(amounts_of_returns, returned=-1):
    back = len(amounts_of_returns)
    return pd.DataFrame(
        {
            "Kunde": [f"k{at % 9}" for at in range(40 + back)],
            "Datum": pd.date_range("2024-01-01", periods=40 + back),
            "Menge": [2] * 40 + [returned] * back,
            "Betrag": [20.0] * 40 + amounts_of_returns,
        }
    )


def test_returns_without_a_minus_are_named_first_with_what_to_do():
    (said,) = read_transactions(orders([10.0] * 7)).assumed
    assert said == (
        "7 rows have a negative 'Menge' and a positive 'Betrag', and count as sales; if they are returns, give their "
        "'Betrag' a minus, or name 'Menge*Betrag' as `amount` if 'Betrag' is the price of one unit"
    )
    assert is_urgent(said)


@pytest.mark.parametrize(
    "frame",
    [
        orders([-10.0] * 7),
        orders([10.0] * 4),
        orders([10.0] * 7, returned=1),
        orders([10.0] * 5 + [-10.0] * 6),
    ],
    ids=["signed", "few", "sold", "mostly signed"],
)
def test_other_returns_are_not(frame):
    assert not read_transactions(frame).assumed


def test_a_product_of_quantity_and_price_is_signed():
    frame = orders([10.0] * 7).rename(columns={"Betrag": "Einzelpreis"})
    tx = read_transactions(frame, amount="Menge*Einzelpreis")
    assert tx.summary().net_total == pytest.approx(40 * 40 - 70)
