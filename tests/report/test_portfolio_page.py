"""The portfolio and price-led buyers on the page: every customer in one cell, figures of the tables, refusals said."""

import pandas as pd
import pytest

from duramen.report.numbers import DASH, THIN
from duramen.report.page import render_report
from duramen.report.portfolio import portfolio_of
from duramen.report.price_sensitivity import price_led_of

SIZE, CREDIT, ALL = ("loyalty", "size"), ("loyalty", "credit"), ("loyalty", "size", "credit")


@pytest.fixture(scope="module")
def parts(full_parts_of):
    return full_parts_of(400)


def cells_of(matrix):
    return [cell for grid in matrix.grids for row in grid.rows for cell in row["cells"]]


def test_each_cell_stands_where_its_levels_cross_and_holds_its_own_figures(parts):
    for axes, matrix in zip(parts["portfolios"], portfolio_of(parts["portfolios"], "GBP", 90), strict=True):
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
    plain, credit, everything = portfolio_of(parts["portfolios"], "GBP", 90)
    assert [grid.level for grid in everything.grids] == ["good credit", "weak credit"]
    assert [matrix.name for matrix in (plain, credit, everything)] == [
        "Loyalty and size",
        "Loyalty and credit",
        "Loyalty, size and credit",
    ]
    assert plain.ungraded is None
    assert credit.ungraded["customers"] == 100


def test_cuts_are_said_as_one_reads_them(parts):
    table = parts["portfolios"][SIZE].copy()
    table.attrs["cuts"] = {"loyalty": [0.0], "size": [1234.5]}
    (matrix,) = portfolio_of({SIZE: table}, "GBP", 90)
    assert matrix.sentence == (
        "Loyal: came back at least once. Large: more than 1,234 GBP over 90 days at the own past rate."
    )
    table.attrs["cuts"] = {"loyalty": [0.625], "size": [12.0]}
    (matrix,) = portfolio_of({SIZE: table}, "GBP", 90)
    assert (
        f"Loyal: more than 62.5{THIN}% of the repeat purchases due were made. Large: more than 12.00 GBP"
        in (matrix.sentence)
    )


def test_a_refused_matrix_is_its_sentence_and_the_others_are_shown(parts):
    refusal = "all 400 customers have the same credit (1), so that <i>no share</i> of them can be told apart."
    page = render_report(**parts | {"portfolios": parts["portfolios"] | {CREDIT: refusal}})
    assert "All 400 customers have the same credit (1), so that &lt;i&gt;no share&lt;/i&gt;" in page
    assert "trusted partner" not in page
    assert "cash cow" in page
    alone = render_report(**parts | {"portfolios": {SIZE: refusal}})
    assert "All 400 customers" in alone


def test_an_empty_cell_holds_nobody_and_no_mean(parts):
    table = parts["portfolios"][SIZE].copy()
    table.loc[0, ["customers", "value_now", "predicted_value"]] = 0
    table.loc[0, "churn_probability_mean"] = float("nan")
    page = render_report(**parts | {"portfolios": {SIZE: table}})
    assert page.count("Nobody.") == 1


def test_price_led_buyers_are_told_with_their_figures(parts):
    table = parts["price_led"]
    told = price_led_of(table)
    assert [row["buyers"] for row in told.rows] == table["buyers"].tolist()
    assert sum(row["customers"] for row in told.rows) == 400
    assert [float(row["value_now_mean"]) for row in told.rows] == pytest.approx(
        table["value_now_mean"].tolist(), abs=0.005
    )


def test_a_kind_without_buyers_has_no_means(parts):
    table = parts["price_led"].copy()
    table["customers"] = table["customers"].where(table["buyers"] != "in between", 0)
    means = [name for name in table if name.endswith("_mean")]
    table[means] = table[means].where(table["buyers"] != "in between")
    assert price_led_of(table).rows[1]["predicted_value_mean"] == DASH
    assert "nan" not in render_report(**parts | {"price_led": table}).lower().split(">")


def test_where_nobody_can_be_called_price_led_the_sentence_stands_alone(parts):
    page = render_report(**parts | {"price_led": "all 3 customers had 5% off & <more>."})
    assert f"All 3 customers had 5{THIN}% off &amp; &lt;more&gt;." in page
    assert "Price off" not in page


def test_without_them_there_is_no_section(parts):
    page = render_report(**parts | {"portfolios": None, "price_led": None, "course": None, "renewal": None})
    for absent in ('id="portfolio"', 'id="price-led"', "Where they come from", "How they were chosen"):
        assert absent not in page


def test_names_and_treatments_are_text(parts):
    hostile = "<script>alert(1)</script>"
    tables = {axes: table.copy() for axes, table in parts["portfolios"].items()}
    for axes, table in tables.items():
        for column in ("cell", "treatment"):
            table[column] = table[column].where(table["cell"] == "credit unknown", table[column] + hostile)
        for axis in axes:
            table[axis] = table[axis].where(table[axis] == "", table[axis] + hostile)
    renewal = parts["renewal"]
    names = {number: name + hostile for number, name in renewal.names.items()}
    moves = renewal.moves.assign(**{side: renewal.moves[side] + hostile for side in ("from", "to")})
    renewal = type(renewal)(
        renewal.earlier, moves, renewal.drift, hostile, renewal.candidates.assign(method=hostile),
        pd.DataFrame(renewal.changes), names, hostile,
    )  # fmt: skip
    led = parts["price_led"].assign(buyers=hostile)
    page = render_report(**parts | {"portfolios": tables, "renewal": renewal, "price_led": led})
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)") > 20
