import numpy as np
import pandas as pd
import pytest

from duramen.data import customers
from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions


def orders(ids):
    random = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "customer": random.choice(ids, 400),
            "date": pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 300, 400), unit="D"),
            "amount": random.choice([5.0, 12.5, 80.0, -5.0], 400),
        }
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "ids",
    [
        np.arange(40, 0, -1),
        np.arange(40) / 4,
        np.array([f"{mark}{n}" for mark in ("Z", "a", "é", "ß", "顧客", "it's ") for n in range(7)]),
    ],
    ids=["whole numbers", "decimals", "text of any script"],
)
def test_slices_of_customers_make_the_same_table(ids, monkeypatch):
    tx = read_transactions(orders(ids))
    whole = customer_table(tx, "2020-09-01")
    assert len(whole) == len(ids)
    assert whole["customer_id"].is_monotonic_increasing
    monkeypatch.setattr(customers, "SLICE", 7)
    pd.testing.assert_frame_equal(customer_table(tx, "2020-09-01"), whole)


def test_a_fault_while_a_slice_is_placed_is_not_lost(monkeypatch):
    tx = read_transactions(orders(np.arange(40)))

    def fault(*_):
        raise MemoryError

    monkeypatch.setattr(customers, "_place_sorted", fault)
    with pytest.raises(MemoryError):
        customer_table(tx, "2020-09-01")
