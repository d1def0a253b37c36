"""The drawing of a change of revenue: every part with its money, none cut, in the colours of the page."""

import re

import pandas as pd
import pytest

from duramen.errors import InputError
from duramen.report import charts
from duramen.report.waterfall import TOTAL, waterfall_chart, waterfall_section


@pytest.fixture
def parts():
    return pd.DataFrame(
        {
            "part": ["lost customers", "won customers", "purchase frequency", "price"],
            "money": [-1500.0, 400.0, 0.0, -250.0],
            "share_of_before": [-0.15, 0.04, 0.0, -0.025],
        }
    )


def text_of(drawn):
    return re.sub(r"<[^>]+>", "|", str(drawn)).replace("\u202f", " ")


@pytest.mark.parametrize("width", sorted(charts.WIDTHS.values()))
def test_every_part_and_the_change_are_written_whole_at_every_width(parts, width):
    drawn = charts.to_svg(waterfall_chart(parts, width), "Why revenue changed.")
    words = text_of(drawn)
    for name in [*parts["part"], TOTAL]:
        assert name in words
    for amount in ("\u22121,500 (\u221215.0 %)", "+400 (+4.0 %)", "\u22121,350 (\u221213.5 %)"):
        assert amount in words
    assert "\u2026" not in words
    assert float(re.search(r'<svg [^>]*?width="([\d.]+)"', drawn)[1]) <= width + 10


def test_each_bar_begins_where_the_one_before_ended(parts):
    spec = waterfall_chart(parts, 860).to_dict()
    rows = [row for data in spec["datasets"].values() for row in data if "end" in row]
    bars = {row["part"]: (row["start"], row["end"]) for row in rows}
    assert bars["lost customers"] == (0.0, -1500.0)
    assert bars["won customers"] == (-1500.0, -1100.0)
    assert bars["price"] == (-1100.0, -1350.0)
    assert bars[TOTAL] == (0.0, -1350.0)


def test_no_amount_stands_on_a_bar_or_on_the_line_of_the_revenue_before(parts):
    spec = waterfall_chart(parts, 860).to_dict()
    text = next(layer for layer in spec["layer"] if layer["mark"]["type"] == "text")
    assert (text["mark"]["align"], text["encoding"]["x"]) == ("right", {"value": "width"})
    low, high = spec["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert low == -1500
    # Every bar ends at 0 or below; the amounts are to the right of it.
    assert 100 < high < 1000


def test_bars_have_the_whole_width_of_a_phone(parts):
    spec = waterfall_chart(parts, 330).to_dict()
    bar = next(layer for layer in spec["layer"] if layer["mark"]["type"] == "bar")
    assert bar["encoding"]["y"]["axis"] is None
    assert bar["encoding"]["x"]["scale"]["domain"] == [-1500, 0]


def test_the_title_states_the_finding_with_its_unit(parts):
    section = waterfall_section(parts, "EUR")
    assert section.title == (
        "Revenue fell by 1,350 EUR; the largest part is lost customers (\u22121,500 EUR)."
    )
    assert section.drawn.count("<svg") == 2


def test_nothing_to_draw_is_refused(parts):
    with pytest.raises(InputError, match="no parts"):
        waterfall_chart(parts.iloc[:0], 860)
