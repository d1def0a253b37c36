"""The customer base over time, as the page shows it: titles state the finding, and drawings have every label."""

import pandas as pd
import pytest

from duramen.analysis.acquisition_cohorts import retention_by_cohort
from duramen.analysis.base_structure import structure_over_time
from duramen.analysis.revenue_change import SEASON, explain_revenue_change
from duramen.analysis.revenue_parts import (
    BASKET,
    FREQUENCY,
    LOST,
    MIX,
    PER_DAY,
    PRICE,
    RETURNED,
    RETURNS,
    WON,
)
from duramen.data.datasets import complete_journey
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.report.cohorts import cohort_section
from duramen.report.customer_base import _parts_reading
from duramen.report.numbers import THIN
from duramen.report.structure import structure_section


@pytest.fixture(scope="module")
def tx():
    return read_transactions(complete_journey())


def test_titles_state_what_changed_and_agree_with_the_verdict(tx):
    structure = structure_over_time(tx)
    section = structure_section(structure)
    assert section.average_title == (
        "Average value per customer: no clear change, 502.12 currency units in the 91 days from 3 October 2017, after "
        "492.32 in those from 3 January 2017."
    )
    assert section.core_title.startswith(
        "Share of money from customers who bring at least 427.41 currency units"
    )
    assert f"80.4{THIN}% in those from 3 October 2017, after 80.0{THIN}%" in section.core_title
    assert section.verdict.startswith("The customer base shows no clear change")
    assert "194 customers entered the core and 180 left it" in section.flows
    assert len(section.periods) == 4
    assert section.losses[0]["largest"] == 1
    for drawn in (section.average_drawn, section.core_drawn):
        assert drawn.count("<svg ") == 2
        assert "NaN" not in drawn


def test_the_triangle_has_every_complete_cell_and_the_curves_their_names_and_cost(tx):
    found = retention_by_cohort(tx, acquisition_cost=100.0)
    section = cohort_section(found)
    later = found.triangle[found.triangle["complete"] & (found.triangle["age"] > 0)]
    wide = section.retention_drawn.split('<div class="narrow">')[0]
    assert wide.count(f"{THIN}%</text>") == len(later)
    assert "2017-11</text>" in wide
    assert section.value_title.startswith("A customer acquired in 2017-05 (45 customers) brought 364.55")
    assert "2017-05</text>" in section.value_drawn
    assert "cost</text>" in section.value_drawn
    assert section.retention_title.startswith(f"Of new customers, 60.5{THIN}% buy")
    assert any(note.startswith("Customers of 2017-01 to 2017-02 may") for note in section.notes)


def test_without_a_complete_later_period_nothing_is_drawn(tx):
    section = cohort_section(retention_by_cohort(tx, "quarter", cutoff="2017-04-01"))
    assert section.retention_drawn is None
    assert section.value_drawn is None
    assert "Retention is not known yet" in section.retention_title
    assert "The figure shows" not in section.retention_title


def test_customers_of_before_the_data_are_named_in_the_figure_and_two_new_ones_are_no_figure():
    days = pd.date_range("2020-01-01", "2020-06-30", freq="D").strftime("%Y-%m-%d")
    old = pd.DataFrame(
        {"customer": [f"old{day % 60}" for day in range(len(days))], "date": days, "amount": 5.0}
    )
    new = pd.DataFrame(
        {"customer": ["x", "y"] * 2, "date": ["2020-04-03"] * 2 + ["2020-05-03"] * 2, "amount": 9.0}
    )
    section = cohort_section(retention_by_cohort(read_transactions(pd.concat([old, new])), "month"))
    assert section.retention_drawn
    assert section.retention_title.endswith("some may have bought before.")
    assert section.value_drawn is None
    assert "cannot be compared yet" in section.value_title


def test_the_revenue_of_a_period_is_that_of_the_change_with_returns_of_others():
    tx = read_transactions(
        pd.DataFrame(
            {
                "customer": [*"abcd" * 2, "a"],
                "date": ["2020-01-01"] * 4 + ["2020-02-12"] * 3 + ["2020-02-01", "2020-03-20"],
                "amount": [50.0, 40.0, 30.0, 20.0, 60.0, 50.0, 40.0, -7.0, 1.0],
            }
        )
    )
    section = structure_section(structure_over_time(tx, 30, cutoff="2020-03-01"))
    change = explain_revenue_change(tx, Window("2020-01-01", 30), Window("2020-01-31", 30))
    assert [row["revenue"] for row in section.periods] == [
        f"{money:,.2f}" for money in (change.revenue_before, change.revenue_after)
    ]
    assert "returns of customers who did not buy in the period (\u22127.00 currency units" in section.reading


def yearly_shop(days, rise=1.0):
    """Return 40 customers who each buy once in every 13 weeks, in the second year of it for more."""
    at = pd.DataFrame({"day": [*range(5, days, 91)]}).merge(
        pd.DataFrame({"customer": range(40)}), how="cross"
    )
    amount = (10.0 + at["customer"] + 20.0 * (at["day"] // 91 % 4 == 3)) * (
        1 + (rise - 1) * (at["day"] >= 364)
    )
    date = pd.Timestamp("2020-01-01") + pd.to_timedelta(at["day"], "D")
    ends = pd.DataFrame(
        {"customer": [0, 0], "date": pd.to_datetime(["2020-01-01", "2020-01-01"]), "amount": 0.0}
    )
    ends.loc[1, "date"] = pd.Timestamp("2020-01-01") + pd.Timedelta(days=days - 1)
    lines = pd.concat([pd.DataFrame({"customer": at["customer"], "date": date, "amount": amount}), ends])
    return read_transactions(lines.assign(date=lines["date"].dt.strftime("%Y-%m-%d")))


def test_the_section_says_why_a_year_and_a_quarter_differ_where_both_are_known():
    structure = structure_over_time(yearly_shop(728, rise=1.1))
    section = structure_section(structure)
    now, before, year_before = (structure.periods["money"].iloc[place] for place in (-1, -2, -5))
    assert section.comparisons.startswith(
        f"Revenue changed by +{100 * (now / year_before - 1):.1f}{THIN}% compared with the same season a year before "
        f"({now:,.0f} currency units after {year_before:,.0f}), and by +{100 * (now / before - 1):.1f}{THIN}% compared "
        "with the 91 days just before."
    )
    assert structure_section(structure_over_time(yearly_shop(273))).comparisons == ""
    assert structure_section(structure_over_time(yearly_shop(728), 364)).comparisons == ""


@pytest.mark.parametrize(
    ("of_stayed", "words"),
    [
        ((FREQUENCY, PER_DAY), "purchase frequency and money per purchase day."),
        ((FREQUENCY, BASKET, PRICE, MIX), "purchase frequency, basket size, price and mix."),
    ],
)
def test_the_table_of_parts_explains_the_parts_that_it_has(of_stayed, words):
    parts = pd.DataFrame({"part": [LOST, WON, RETURNED, *of_stayed, RETURNS, SEASON]})
    reading = _parts_reading(parts)
    assert reading.endswith(f"These parts concern customers who bought in both periods: {words}")
