import pandas as pd

from duramen.report.page_colours import in_page_colours
from duramen.report.sankey import sankey_chart

FLOWS = pd.DataFrame(
    {"from": ["steady", "steady", "new"], "to": ["steady", "lapsed", "steady"], "customers": [5, 2, 1]}
)


def test_a_chart_outside_the_page_has_the_light_colours_of_the_page():
    chart = sankey_chart(FLOWS, 600)
    assert "var(--" in chart.to_json()

    drawn = in_page_colours(chart).to_json()

    assert "var(--" not in drawn
    assert '"#fcfaf6"' in drawn
    assert '"#9a3d1c"' in drawn


def test_the_chart_itself_and_its_data_stay_what_they_are():
    chart = sankey_chart(FLOWS, 600)
    before = chart.to_dict()

    drawn = in_page_colours(chart).to_dict()

    assert chart.to_dict() == before
    assert list(drawn["datasets"].values()) == list(before["datasets"].values())
