"""One call writes the report of a fitted model, whole or not at all."""

import pandas as pd
import pytest

import duramen as dm
from duramen.report import model_report
from duramen.report import page as page_module


@pytest.fixture(scope="module")
def page(shop, tmp_path_factory):
    """Return the report of the shop, and check that nothing else was written."""
    folder = tmp_path_factory.mktemp("report")
    written = dm.write_report(shop.model, shop.tx, folder / "report.html")
    assert [file.name for file in folder.iterdir()] == ["report.html"]
    return written.read_text(encoding="utf-8")


def test_one_call_writes_every_section(page):
    for text in (
        "This segmentation was made at this cutoff, 1 April 1998.",
        "Transitions between stages",
        "Outcomes of each stage",
        "customers were steady.",
        "cash cow",
        "Why revenue changed",
        "Value, core and concentration",
        "New customers",
    ):
        assert text in page
    assert "Price off" not in page
    assert len(page.encode()) < 5_000_000


@pytest.mark.slow
def test_options_of_the_report_reach_it(shop, tmp_path):
    ids = shop.customers["customer_id"]
    known = pd.DataFrame({"customer_id": ids, "credit": [grade % 5 for grade in range(len(ids))]})
    path = dm.write_report(
        shop.model,
        shop.tx,
        str(tmp_path / "report.html"),
        cutoff="1998-03-01",
        customer_file=known,
        tiers=dm.Tiers(core_share=0.7),
        cost_to_serve=pd.Series(1.0, index=dm.customer_table(shop.tx, "1998-03-01")["customer_id"]),
    )
    text = path.read_text(encoding="utf-8").replace("\u202f", " ")
    assert "1 March 1998 (cutoff, not included)" in text
    assert "Loyalty and credit" in text
    assert "are the core, which accounts for 70 %." in text
    assert "Score after cost, " in text


@pytest.mark.parametrize("place", ["nowhere/report.html", ""])
def test_a_path_that_cannot_be_written_is_refused_before_the_work(shop, tmp_path, place, monkeypatch):
    monkeypatch.setattr(model_report, "tables_of_model", lambda *_, **__: pytest.fail("customers were read"))
    with pytest.raises(dm.InputError, match="give a file in a folder that exists"):
        dm.write_report(shop.model, shop.tx, tmp_path / place)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_report_that_fails_while_it_is_written_leaves_the_previous_one(shop, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("the previous one")
    monkeypatch.setattr(model_report, "report_tables", lambda *_, **__: None)
    monkeypatch.setattr(page_module, "render_page", lambda _: "<!doctype html>" + 10_000 * " " + "\ud800")
    with pytest.raises(UnicodeEncodeError):
        dm.write_report(shop.model, shop.tx, path)
    assert path.read_text() == "the previous one"
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
