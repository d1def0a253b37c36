"""Rising customers and customers just below the core: all are counted, and the first ten named."""

from datetime import date

import pytest

from duramen.report.rising import near_core_section, rising_section
from duramen.scoring.tiers import DEFAULT_TIERS, Tier, Tiers


@pytest.fixture
def parts(full_parts_of):
    return full_parts_of()


def test_rising_customers_are_counted_and_the_first_ten_named(parts):
    rising = parts["rising"]
    section = rising_section(rising, date(2011, 6, 3), date(2011, 9, 1))
    entered = rising["entered_core"].sum()
    assert section.sentence == (
        f"{len(rising)} customers rose between 3 June 2011 and 1 September 2011 by more than season, trend and noise "
        f"explain; {entered} of them entered the core."
    )
    assert [row["customer_id"] for row in section.first] == rising["customer_id"].head(10).tolist()
    assert section.first[0]["own_factor"] == f"x{rising['own_factor'].iloc[0]:,.0f}"


def test_no_customer_and_one_customer_have_sentences_of_their_own(parts):
    rising = parts["rising"].head(1).assign(entered_core=False)
    now = date(2011, 9, 1)
    assert rising_section(rising, None, now).sentence == (
        "1 customer rose from an earlier cutoff to 1 September 2011 by more than season, trend and noise explain; none "
        "of them entered the core."
    )
    nothing = rising_section(rising.iloc[:0], date(2011, 6, 3), now)
    assert nothing.sentence == "No customer rose between 3 June 2011 and 1 September 2011 beyond noise."
    assert nothing.first == []


def test_customers_just_below_the_core_are_counted_and_the_first_ten_named(parts):
    near = parts["near_core"]
    section = near_core_section(near, DEFAULT_TIERS)
    assert section.sentence == (
        "Of 12 customers just below the core 9 would be in it with one more purchase day."
    )
    assert [row["sentence"] for row in section.first] == near["sentence"].head(10).tolist()
    more = near_core_section(near.assign(purchases=3, new_tier="small"), DEFAULT_TIERS)
    assert more.sentence.endswith("none would be in it with 3 more purchase days.")
    assert near_core_section(near.iloc[:0], DEFAULT_TIERS).first == []


def test_customers_ranked_by_other_tiers_are_refused(parts):
    with pytest.raises(ValueError, match=r"\['main'\], which the ranking does not have"):
        near_core_section(parts["near_core"], Tiers(main=Tier("gold", "keep")))
