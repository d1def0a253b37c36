"""Customers who rose and customers just below the core: all are counted, and the first ten named."""

from datetime import date

import pytest

from duramen.report.who_rose import near_core_section, rose_section
from duramen.scoring.tiers import DEFAULT_TIERS, Tier, Tiers


@pytest.fixture
def parts(full_parts_of):
    return full_parts_of()


def test_customers_who_rose_are_counted_and_the_first_ten_named(parts):
    rose = parts["rose"]
    section = rose_section(rose, date(2011, 6, 3), date(2011, 9, 1), parts["ranking"])
    entered = rose["entered_core"].sum()
    assert section.sentence == (
        f"{len(rose)} customers rose between 3 June 2011 and 1 September 2011 by more than season, trend and chance "
        f"explain. {entered} of them entered the core."
    )
    assert [row["customer_id"] for row in section.first] == rose["customer_id"].head(10).tolist()
    assert section.first[0]["own_factor"] == f"\u00d7{rose['own_factor'].iloc[0]:,.0f}"


def test_no_customer_and_one_customer_have_sentences_of_their_own(parts):
    rose = parts["rose"].head(1).assign(entered_core=False)
    now = date(2011, 9, 1)
    assert rose_section(rose, None, now, parts["ranking"]).sentence == (
        "1 customer rose from an earlier cutoff to 1 September 2011 by more than season, trend and chance explain. "
        "None of them entered the core."
    )
    nothing = rose_section(rose.iloc[:0], date(2011, 6, 3), now, parts["ranking"])
    assert nothing.sentence == "No customer rose between 3 June 2011 and 1 September 2011 beyond noise."
    assert nothing.first == []


def test_customers_just_below_the_core_are_counted_and_the_first_ten_named(parts):
    near = parts["near_core"]
    section = near_core_section(near, DEFAULT_TIERS)
    assert section.sentence == (
        "With one more purchase day, 9 of the 12 customers just below the core would enter it."
    )
    assert [row["sentence"] for row in section.first] == near["sentence"].head(10).tolist()
    more = near_core_section(near.assign(purchases=3, new_tier="small"), DEFAULT_TIERS)
    assert more.sentence == (
        "With 3 more purchase days, none of the 12 customers just below the core would enter it."
    )
    assert near_core_section(near.iloc[:0], DEFAULT_TIERS).first == []


def test_customers_ranked_by_other_tiers_are_refused(parts):
    with pytest.raises(ValueError, match=r"\['main'\], which the ranking does not have"):
        near_core_section(parts["near_core"], Tiers(main=Tier("gold", "keep")))
