"""The shop changed in one way, fitted once for every test that holds it against the shop itself."""

from types import SimpleNamespace

import pandas as pd
import pytest

from duramen.data.reading import read_transactions
from duramen.scoring.model import CoreCustomerModel


@pytest.fixture(scope="session")
def history_alone(shop):
    """Return the shop's orders before its cutoff, read anew, and the model fitted to them."""
    orders = shop.orders[shop.orders["date"] < pd.Timestamp(shop.window.cutoff)]
    tx = read_transactions(orders, currency="USD")
    return SimpleNamespace(tx=tx, model=CoreCustomerModel().fit(tx, shop.window))
