"""The same orders in any form of a real export are read to the same figures, or refused in one sentence."""

import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from tests.data.common_forms import COMMON
from tests.data.forms import ORDERS, expected_aside, expected_days, forms, options, write_orders

from duramen.data.ids import id_text
from duramen.data.reading import read_transactions
from duramen.errors import InputError

# A run beside the suite sets more, for example DURAMEN_TEST_FORMS=200000.
CASES = int(os.environ.get("DURAMEN_TEST_FORMS", "200"))


def assert_same_figures(tx, form):
    """Assert that orders read are those written, to the cent, and that each row that is set aside should be."""
    days = tx.days.select(id=id_text(tx.days.customer_id), date=tx.days.date, net=tx.days.net)
    found = {(row["id"], row["date"]): row["net"] for row in days.to_pyarrow().to_pylist()}
    assert found == expected_days(form)
    assert tx.set_aside == expected_aside(form)
    assert tx.rows_in == tx.rows_used + sum(tx.set_aside.values()) >= len(ORDERS)


@pytest.mark.slow
@given(forms())
@settings(max_examples=CASES, suppress_health_check=list(HealthCheck))
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
    assert_same_figures(tx, form)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMON)
def test_common_exports_are_read_without_an_option(name, tmp_path):
    form = COMMON[name]
    assert_same_figures(read_transactions(write_orders(form, tmp_path)), form)
