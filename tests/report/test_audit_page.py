"""The page of an audit: whole, offline, and safe with names from anywhere."""

import numpy as np
import pandas as pd
import pytest

from duramen.analysis.assignment import read_assignment
from duramen.analysis.segmentation_audit import audit
from duramen.report.audit import render_audit, write_audit


@pytest.fixture(scope="module")
def examined(shop):
    ids = shop.customers["customer_id"].head(150)
    labels = np.tile(["<b>best", "others", "rest"], 50)
    return audit(
        shop.tx, read_assignment(pd.DataFrame({"customer_id": ids, "segment": labels, "treatment": labels}))
    )


@pytest.mark.slow
def test_the_page_answers_all_seven_questions_and_needs_no_network(examined):
    page = render_audit(examined)
    assert all(question in page for question in examined.findings["question"])
    assert all(f">{code}<" in page for code in examined.findings["code"])
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert page.count('role="img"') == 4


def test_names_of_segments_are_escaped(examined):
    page = render_audit(examined)
    assert "<b>best" not in page
    assert "&lt;b&gt;best" in page


@pytest.mark.slow
def test_many_segments_stand_in_the_table_without_a_drawing(shop):
    ids = shop.customers["customer_id"].head(150)
    many = audit(shop.tx, read_assignment(pd.DataFrame({"customer_id": ids, "segment": np.arange(150) % 15})))
    assert render_audit(many).count('role="img"') == 2


def test_the_table_is_written_beside_the_page(examined, tmp_path):
    write_audit(examined, tmp_path / "audit.html")
    assert {path.name for path in tmp_path.iterdir()} == {"audit.html", "audit.csv", "audit.parquet"}
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "audit.parquet"), examined.findings)
