"""The drawing of flows: names on both sides, bands as thick as their customers, at every width the same each time."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duramen.analysis.migration import segment_transitions
from duramen.errors import InputError
from duramen.report import charts, sankey

WIDTHS = sorted(charts.WIDTHS.values())


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    names = ["building", "growing", "steady", "declining", "lapsed", "recovered"]
    then = pd.Series(rng.choice(names, 3000, p=[0.02, 0.02, 0.2, 0.1, 0.65, 0.01]))
    now = then.where(rng.random(3000) > 0.3, pd.Series(rng.choice(names, 3000)))
    now = pd.concat([now.iloc[50:], pd.Series(["building"] * 200, index=range(3000, 3200))])
    return segment_transitions(then, now, order=names, new="not yet a customer")


def data_of(chart):
    """Return the rows of each layer."""
    spec = chart.to_dict()
    return [spec["datasets"][layer["data"]["name"]] for layer in spec["layer"]]


def texts_of(chart):
    return [row["text"] for rows in data_of(chart) for row in rows if "text" in row]


@pytest.mark.parametrize("width", WIDTHS)
def test_each_side_names_its_groups_with_customers_and_share(table, width):
    texts = texts_of(sankey.sankey_chart(table, width, ("not yet a customer", "gone")))
    assert texts.count("lapsed") == texts.count("recovered") == 2
    assert texts.count("gone") == 1
    assert " ".join(texts).count("not yet a") == 1
    assert "50 (2\u202f%)" in texts


def test_a_group_of_a_few_is_less_than_one_per_cent_and_not_none():
    table = pd.DataFrame({"from": ["a", "b"], "to": ["a", "a"], "customers": [9_999, 1]})
    assert texts_of(sankey.sankey_chart(table, 860)).count("1 (<1\u202f%)") == 1


@pytest.mark.parametrize("width", WIDTHS)
def test_a_drawing_is_an_svg_in_the_colours_of_the_page_and_the_same_each_time(table, width):
    drawn = [charts.to_svg(sankey.sankey_chart(table, width), "Who moved.") for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert set(re.findall(r'(?:fill|stroke)="(?!none|transparent)([^"]+)"', drawn[0])) == {
        "var(--heart)", "var(--sap)", "var(--muted)", "var(--ink)",
    }  # fmt: skip
    assert float(re.search(r'<svg [^>]*?width="([\d.]+)"', drawn[0])[1]) == pytest.approx(width, abs=10)


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(1, 10**6)), min_size=1, max_size=30),
    st.sampled_from(WIDTHS),
)
@settings(max_examples=30)
def test_labels_stand_beside_their_bars_and_never_on_each_other(drawn, width):
    table = (
        pd.DataFrame(drawn, columns=["from", "to", "customers"]).groupby(["from", "to"]).sum().reset_index()
    )
    names = {number: f"segment {number} of customers with rather a long name" for number in range(8)}
    table = table.replace({"from": names, "to": names})
    layers = data_of(sankey.sankey_chart(table, width))
    lines = pd.DataFrame([row for rows in layers for row in rows if "text" in row])
    for _, side in lines.groupby("x"):
        assert (np.diff(np.sort(side["y"])) > sankey.LINE - 0.2).all()
    bars = pd.DataFrame([row for rows in layers for row in rows if "end" in row])
    for _, side in bars.groupby("x"):
        ends = side.sort_values("y")
        assert (ends["y"].to_numpy()[1:] >= ends["bottom"].to_numpy()[:-1]).all()


def test_bands_fill_their_bars_on_both_sides(table):
    layers = data_of(sankey.sankey_chart(table, 860))
    bands = pd.DataFrame([row for rows in layers for row in rows if "band" in row])
    bands["thick"] = bands["bottom"] - bands["y"]
    bars = pd.DataFrame([row for rows in layers for row in rows if "end" in row])
    for x in (bands["x"].min(), bands["x"].max()):
        thick = bands.loc[(bands["x"] == x) & (bands["thick"] > 2 * sankey.THINNEST), "thick"].sum()
        assert thick == pytest.approx(sankey.ALL, rel=0.05)
    assert (bars["bottom"] - bars["y"]).sum() == pytest.approx(2 * sankey.ALL, abs=3)


def test_names_of_the_data_are_text_and_nothing_else():
    table = segment_transitions(pd.Series({"a": "<b>old</b>"}), pd.Series({"a": "new & shiny"}))
    drawn = charts.to_svg(sankey.sankey_chart(table, 860), "Who moved.")
    assert "&lt;b&gt;old&lt;/b&gt;" in drawn
    assert "new &amp; shiny" in drawn


def test_without_a_customer_there_is_nothing_to_draw():
    with pytest.raises(InputError, match="no customers in the table of flows"):
        sankey.sankey_chart(pd.DataFrame({"from": ["a"], "to": ["b"], "customers": [0]}), 860)
