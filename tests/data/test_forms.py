"""The same orders in any form of a real export are read to the same figures, or refused in one sentence."""

import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from tests.data.forms import ORDERS, expected_days, forms, options, write_orders

from duramen.data.ids import id_text
from duramen.data.reading import read_transactions
from duramen.errors import InputError

# A run beside the suite sets more, for example DURAMEN_TEST_FORMS=200000.
CASES = int(os.environ.get("DURAMEN_TEST_FORMS", "500"))


@pytest.mark.slow
@given(forms())
@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_same_orders_in_any_form_are_the_same_or_refused(form):
    folder = Path(tempfile.mkdtemp())
    try:
        tx = read_transactions(write_orders(form, folder), **options(form))
    except InputError as error:
        sentence = str(error)
        assert sentence.endswith((".", "?"))
        assert "\n" not in sentence
        event("refused: " + re.sub(r"[\d'(\[].*", "", sentence.replace(str(folder), ""))[:60])
        return
    finally:
        shutil.rmtree(folder)
    event("read")
    days = tx.days.select(id=id_text(tx.days.customer_id), date=tx.days.date, net=tx.days.net)
    found = {(row["id"], row["date"]): row["net"] for row in days.to_pyarrow().to_pylist()}
    assert found == expected_days(form)
    assert tx.rows_in == len(ORDERS)
    assert tx.set_aside == {"missing customer id": sum(order.customer is None for order in ORDERS)}
