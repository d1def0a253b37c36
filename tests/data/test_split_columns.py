"""One role in two columns, each filled where the other is not, is refused; other pairs of columns are read."""

import pandas as pd
import pytest

from duramen.data.reading import read_transactions
from duramen.errors import InputError


def orders(first, second, names=("Kunden-Nr.", "KundenNr")):
    return pd.DataFrame(
        {
            names[0]: first,
            "Datum": pd.date_range("2024-01-01", periods=len(first)),
            "Betrag": 10.0,
            names[1]: second,
        }
    )


def test_an_id_that_changed_its_column_in_between_is_refused_with_both_names():
    ids = [f"k{at}" for at in range(10)]
    frame = orders([*ids, *[None] * 6], [*[" "] * 10, *ids[:6]])
    with pytest.raises(InputError) as refused:
        read_transactions(frame, name="umsatz.csv")
    assert str(refused.value) == (
        "columns 'Kunden-Nr.' and 'KundenNr' of umsatz.csv both look like customer_id, and have values in different "
        "rows (10 and 6); write them into one column, or name the one to use by `customer_id`."
    )
    assert read_transactions(frame, customer_id="KundenNr").summary().customers == 6


def test_an_amount_that_changed_its_column_is_refused():
    frame = pd.DataFrame(
        {"customer": ["a", "b"], "date": "2024-01-01", "revenue": [1.0, None], "sales": [None, 2.0]}
    )
    with pytest.raises(InputError, match="'revenue' and 'sales' of the DataFrame both look like amount"):
        read_transactions(frame)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["a", "b", "c"], ["x", "y", "z"]),  # a number and a name
        (["a", "b", "c"], [None, None, None]),
        (["a", None, "c"], ["x", None, "z"]),  # a guest has neither
        (["a", "b", None], ["x", "y", "z"]),
    ],
)
def test_columns_that_are_filled_together_are_read(first, second):
    assert read_transactions(orders(first, second)).columns["customer_id"] == "Kunden-Nr."


def test_an_address_of_guests_alone_is_no_second_column_of_ids():
    frame = orders(["a", "b", None], [None, None, "g@x.org"], ("customer_id", "customer_email"))
    assert read_transactions(frame).summary().customers == 2
