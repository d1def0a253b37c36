"""The portfolio and price-led buyers on the page: every customer in one cell, with the figures of the tables."""

import pandas as pd
import pytest

from duramen.analysis.report_contents import ReportTables
from duramen.report.numbers import DASH, THIN
from duramen.report.page import render_page
from duramen.report.portfolio import portfolio_section
from duramen.report.price_sensitivity import price_section

SIZE, CREDIT, ALL = ("loyalty", "size"), ("loyalty", "credit"), ("loyalty", "size", "credit")


def render(**parts):
    return render_page(ReportTables(**parts))


@pytest.fixture(scope="module")
def parts(full_parts_of):
    return full_parts_of(400)


def cells_of(matrix):
    return [cell for grid in matrix.grids for row in grid.rows for cell in row["cells"]]


def test_each_cell_is_where_its_levels_cross_and_has_its_own_figures(parts):
    for axes, matrix in zip(
        parts["portfolios"], portfolio_section(parts["portfolios"], "GBP", 90), strict=True
    ):
        table = parts["portfolios"][axes].set_index("cell")
        for grid in matrix.grids:
            for row in grid.rows:
                for column, cell in zip(grid.columns, row["cells"], strict=True):
                    levels = [row["level"], column, *([grid.level] if grid.level else [])]
                    assert [cell[axis] for axis in axes] == levels
                    assert cell["customers"] == table.loc[cell["cell"], "customers"]
                    assert cell["value_now"] == f"{table.loc[cell['cell'], 'value_now']:,.0f}"
        ungraded = matrix.ungraded["customers"] if matrix.ungraded else 0
        assert sum(cell["customers"] for cell in cells_of(matrix)) + ungraded == 400


def test_three_axes_are_a_grid_for_each_level_of_the_third(parts):
    plain, credit, everything = portfolio_section(parts["portfolios"], "GBP", 90)
    assert [grid.level for grid in everything.grids] == ["good credit", "weak credit"]
    assert [matrix.name for matrix in (plain, credit, everything)] == [
        "Loyalty and size",
        "Loyalty and credit",
        "Loyalty, size and credit",
    ]
    assert plain.ungraded is None
    assert credit.ungraded["customers"] == 100


def test_cuts_are_written_for_readers(parts):
    table = parts["portfolios"][SIZE].copy()
    table.attrs["cuts"] = {"loyalty": [0.0], "size": [1234.5]}
    (matrix,) = portfolio_section({SIZE: table}, "GBP", 90)
    assert matrix.sentence == (
        "Loyal: came back at least once. Large: more than 1,234 GBP over 90 days at the customer's past rate."
    )
    table.attrs["cuts"] = {"loyalty": [0.625], "size": [12.0]}
    (matrix,) = portfolio_section({SIZE: table}, "GBP", 90)
    assert (
        f"Loyal: more than 62.5{THIN}% of the repeat purchases due were made. Large: more than 12.00 GBP"
        in (matrix.sentence)
    )


@pytest.mark.slow
def test_a_matrix_that_cannot_be_made_is_a_sentence_and_the_others_are_shown(parts):
    refusal = "all 400 customers have the same credit (1), so that <i>no share</i> of them can be ranked."
    page = render(**parts | {"portfolios": parts["portfolios"] | {CREDIT: refusal}})
    assert "All 400 customers have the same credit (1), so that &lt;i&gt;no share&lt;/i&gt;" in page
    assert "trusted partner" not in page
    assert "cash cow" in page
    alone = render(**parts | {"portfolios": {SIZE: refusal}})
    assert "All 400 customers" in alone


@pytest.mark.slow
def test_an_empty_cell_has_no_customer_and_no_mean(parts):
    table = parts["portfolios"][SIZE].copy()
    table.loc[0, ["customers", "value_now", "predicted_value"]] = 0
    table.loc[0, "churn_probability_mean"] = float("nan")
    page = render(**parts | {"portfolios": {SIZE: table}})
    assert page.count("No customer.") == 1


def test_price_led_buyers_are_shown_with_their_figures(parts):
    table = parts["price_sensitivity"]
    section = price_section(table)
    assert [row["buyers"] for row in section.rows] == table["buyers"].tolist()
    assert sum(row["customers"] for row in section.rows) == 400
    assert [float(row["value_now_mean"]) for row in section.rows] == pytest.approx(
        table["value_now_mean"].tolist(), abs=0.005
    )


def test_a_kind_without_buyers_has_no_means(parts):
    table = parts["price_sensitivity"].copy()
    table["customers"] = table["customers"].where(table["buyers"] != "in between", 0)
    means = [name for name in table if name.endswith("_mean")]
    table[means] = table[means].where(table["buyers"] != "in between")
    assert price_section(table).rows[1]["predicted_value_mean"] == DASH
    assert "nan" not in render(**parts | {"price_sensitivity": table}).lower().split(">")


def test_a_sentence_is_shown_where_no_customer_can_be_called_price_led(parts):
    page = render(**parts | {"price_sensitivity": "all 3 customers had 5% off & <more>."})
    assert f"All 3 customers had 5{THIN}% off &amp; &lt;more&gt;." in page
    assert "Price off" not in page


def test_without_them_a_sentence_says_so(parts):
    page = render(**parts | dict.fromkeys(("portfolios", "price_sensitivity", "lifecycle", "segmentation")))
    for absent in ('class="grid"', "Price off", "Transitions between stages", "How they were chosen"):
        assert absent not in page
    assert "No portfolio was computed in this run." in page
    assert "No discount column was recognised" in page


def test_names_and_treatments_are_text(parts):
    hostile = "<script>alert(1)</script>"
    tables = {axes: table.copy() for axes, table in parts["portfolios"].items()}
    for axes, table in tables.items():
        for column in ("cell", "treatment"):
            table[column] = table[column].where(table["cell"] == "credit unknown", table[column] + hostile)
        for axis in axes:
            table[axis] = table[axis].where(table[axis] == "", table[axis] + hostile)
    review = parts["segmentation"]
    names = {number: name + hostile for number, name in review.names.items()}
    sides = {side: review.transitions[side] + hostile for side in ("from", "to")}
    review = type(review)(
        review.earlier, review.transitions.assign(**sides), review.drift, hostile,
        review.candidates.assign(method=hostile), pd.DataFrame(review.changes), names, hostile,
    )  # fmt: skip
    led = parts["price_sensitivity"].assign(buyers=hostile)
    page = render(**parts | {"portfolios": tables, "segmentation": review, "price_sensitivity": led})
    assert hostile not in page
    assert page.count("&lt;script&gt;alert(1)") > 20
