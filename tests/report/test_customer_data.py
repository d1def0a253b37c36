"""Details of the customers in the page's data: each customer's months, in rank order, as far as there is room."""

import pandas as pd
import pytest

from duramen.report import customer_data
from duramen.report.customer_data import _months


@pytest.fixture
def purchases():
    """Return the months of three customers; "b" bought in three months and "x" is not ranked."""
    months = pd.to_datetime(["2020-01", "2020-02", "2020-05", "2021-03", "2021-01"])
    return pd.DataFrame({"customer_id": [*"xbbab"], "month": months, "net": [1, 20.4, 9.994, 30, -12.6]})


def test_the_months_of_each_customer_are_steps_from_the_one_before(purchases):
    found = _months(pd.Series(["a", "none", "b"]), purchases)
    assert found == {
        "start": "2020-01",
        "end": "2021-03",
        "steps": [[14], [], [1, 3, 8]],
        "net": [[30], [], [20, 9.99, -13]],
    }


@pytest.mark.parametrize(("room", "customers"), [(0, 0), (2, 0), (3, 2), (4, 3)])
def test_the_first_customers_whose_months_have_room_are_kept_whole(purchases, monkeypatch, room, customers):
    monkeypatch.setattr(customer_data, "MOST_MONTHS", room)
    found = _months(pd.Series(["b", "none", "a"]), purchases)
    assert found["steps"] == [[1, 3, 8], [], [14]][:customers]
    assert len(found["net"]) == customers
