"""What readers see in drawings and sentences: no label over another, none twice, one way to write a figure."""

import re

import pandas as pd
import pytest

from duramen.analysis.lifecycle import NOT_YET
from duramen.analysis.migration import GONE, NEW
from duramen.language import translated, using_language
from duramen.report.charts import LINE, named_height, to_svg, wrapped
from duramen.report.churn import churn_chart
from duramen.report.curves import dependence_curve, level_curve
from duramen.report.groups import draw_segments, segment_finding, segment_rows
from duramen.report.lifecycle import transition_section
from duramen.report.numbers import MINUS, THIN, spaced
from duramen.report.value_growth import map_chart
from duramen.segments.lifecycle_stage import STAGES


def texts(drawn):
    return re.findall(r"<text[^>]*>([^<]*)</text>", str(drawn))


@pytest.mark.parametrize("width", [330, 860])
def test_rows_are_as_high_as_their_names_over_several_lines(width):
    names = pd.Series(
        [f"{n} active occasional buyers, second lowest spend, silent for 51 days" for n in "12"]
    )
    lines = len(wrapped(names[0], 26 if width > 500 else 16))
    assert named_height(names, width, 20) >= 2 * LINE * lines
    churn = pd.DataFrame({"group": names, "rate": 0.5, "rate_low": 0.4, "rate_high": 0.6})
    assert churn_chart(churn, width).height >= 2 * LINE * lines


def test_an_interval_of_churn_is_seen_beside_its_point_however_short_it_is():
    churn = pd.DataFrame(
        {"group": ["1 a", "2 b"], "rate": [0.42, 0.01], "rate_low": 0.0, "rate_high": [0.5, 0.02]}
    )
    chart = churn_chart(churn, 330)
    interval, point = (layer.mark for layer in chart.layer)
    assert interval.strokeWidth > 1.5 * point.size**0.5
    drawn = texts(to_svg(chart, ""))
    assert f"50{THIN}%" in drawn
    assert f"100{THIN}%" not in drawn


def test_segments_have_their_numbers_in_the_chart_and_the_table_as_everywhere_else():
    name = "at risk occasional buyers, low spend, no longer active"
    segments = pd.DataFrame({"segment": [f"3 {name}", f"4 {name}"], "name": name, "rule": "all customers"})
    segments = segments.assign(
        customers=[3, 1], share_of_value=[0.6, 0.4], predicted_value_mean=[2.0, 4.0], treatment="call"
    )
    assert [row["name"] for row in segment_rows(segments)] == list(segments["segment"])
    assert segment_finding(segments).startswith(f"Segment \u201c3 {name}\u201d: 75")
    # On a phone names are cut, and the number is what is left to tell them apart.
    drawn = str(draw_segments(segments))
    assert all(len(re.findall(rf">{number} at risk(?: occasional)?<", drawn)) == 2 for number in "34")


def test_chinese_lines_are_of_about_one_length():
    lines = wrapped(
        "\u6d3b\u8dc3\u7684\u4f4e\u9891\u4e70\u5bb6\uff0c\u6d88\u8d39\u989d\u7b2c\u4e8c\u9ad8", 26
    )
    assert len(lines) == 2
    assert abs(len(lines[0]) - len(lines[1])) <= 3


@pytest.mark.parametrize("days", [100, 200, 400, 1500, 6000])
@pytest.mark.parametrize("width", [330, 860])
def test_no_month_is_named_twice_on_the_axis_of_the_level(days, width):
    start = pd.date_range("2024-01-11", periods=max(days // 28, 3), freq="28D")
    level = pd.DataFrame({"start": start, "level": 1.0 + 0.01 * (start.month % 3), "from_": 0.9, "to": 1.1})
    months = [
        text for text in texts(to_svg(level_curve(level, width), "")) if re.fullmatch(r"\d{4}-\d{2}", text)
    ]
    assert len(months) >= 2
    assert len(months) == len(set(months))


@pytest.mark.parametrize("values", [[64.9381631576], [0.3, 0.7], [5.0, 80.0], [0.2, 90_000.0]])
def test_predicted_values_are_named_by_round_numbers(values):
    cells = pd.DataFrame({"value": values, "growth": 0.1, "customers": 3, "quadrant": "core and growing"})
    axis = [
        text for text in texts(to_svg(map_chart(cells, "USD", 860), "")) if re.fullmatch(r"[\d,.]+", text)
    ]
    assert axis
    assert all(len(re.sub(r"[0,.]", "", text)) == 1 for text in axis)


def test_a_feature_of_nearly_one_value_has_one_tick():
    bins = pd.DataFrame({"value": [1.1801, 1.1803], "effect": 1.0, "low": 1.0, "high": 1.0})
    assert texts(to_svg(dependence_curve(bins, times=True, unit="count"), "")).count("1.18") == 1


def test_stages_stand_in_their_own_order_where_one_is_new():
    moves = pd.DataFrame(
        {
            "from": ["steady", "lapsed", "steady"],
            "to": ["steady", "lapsed", "growing"],
            "customers": [3, 2, 1],
        }
    ).assign(share_of_from=[0.75, 1.0, 0.25])
    section = transition_section(
        moves, pd.Timestamp("2024-01-01"), pd.Timestamp("2024-04-01"), "stage", (NOT_YET, GONE)
    )
    assert section.to == ["growing", "steady", "lapsed"]
    assert [row["name"] for row in section.rows] == ["steady", "lapsed"]
    assert section.rows[0]["shares"] == [0.25, 0.75, 0.0]


def test_customers_who_are_gone_are_not_called_by_the_name_of_a_stage_in_chinese():
    with using_language("zh"):
        assert not {translated(name) for name in (NOT_YET, NEW, GONE)} & {
            translated(stage) for stage in STAGES
        }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-3% to +5 %", f"{MINUS}3{THIN}% to +5{THIN}%"),
        ("(-103,484 USD, -39.1 % of revenue)", f"({MINUS}103,484 USD, {MINUS}39.1{THIN}% of revenue)"),
        ("from 2017-07-04.", "from 4 July 2017."),
        ("orders-2024-05-01.csv has 5-10 rows", "orders-2024-05-01.csv has 5-10 rows"),
        ("2024-05-01.parquet and 2024-13-45", "2024-05-01.parquet and 2024-13-45"),
    ],
)
def test_figures_and_dates_in_sentences_are_written_in_one_way(text, shown):
    assert spaced(text) == shown
