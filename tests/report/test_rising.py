"""Who rose and who stands at the door: counted over all, named for the first ten."""

from datetime import date

import pytest

from duramen.report.rising import at_the_door, risen
from duramen.scoring.tiers import DEFAULT_TIERS, Tier, Tiers


@pytest.fixture
def parts(full_parts_of):
    return full_parts_of()


def test_those_who_rose_are_counted_and_the_first_ten_named(parts):
    rising = parts["rising"]
    told = risen(rising, date(2011, 6, 3), date(2011, 9, 1))
    entered = rising["entered_core"].sum()
    assert told.sentence == (
        f"{len(rising)} customers rose between 3 June 2011 and 1 September 2011 for reasons of their own; {entered} of "
        "them entered the core."
    )
    assert [row["customer_id"] for row in told.first] == rising["customer_id"].head(10).tolist()
    assert told.first[0]["own_factor"] == f"x{rising['own_factor'].iloc[0]:,.0f}"


def test_nobody_and_one_are_said_as_such(parts):
    rising = parts["rising"].head(1).assign(entered_core=False)
    now = date(2011, 9, 1)
    assert risen(rising, None, now).sentence == (
        "1 customer rose from an earlier cutoff to 1 September 2011 for reasons of their own; none of them entered the "
        "core."
    )
    nobody = risen(rising.iloc[:0], date(2011, 6, 3), now)
    assert nobody.sentence == "Nobody rose between 3 June 2011 and 1 September 2011 beyond noise."
    assert nobody.first == []


def test_those_at_the_door_are_counted_and_the_first_ten_named(parts):
    near = parts["near_core"]
    told = at_the_door(near, DEFAULT_TIERS)
    assert told.sentence == (
        "Of 12 customers looked at just outside the core 9 would be in it with one more purchase day."
    )
    assert [row["sentence"] for row in told.first] == near["sentence"].head(10).tolist()
    more = at_the_door(near.assign(purchases=3, new_tier="small"), DEFAULT_TIERS)
    assert more.sentence.endswith("none would be in it with 3 more purchase days.")
    assert at_the_door(near.iloc[:0], DEFAULT_TIERS).first == []


def test_customers_ranked_by_other_tiers_are_refused(parts):
    with pytest.raises(ValueError, match=r"\['main'\], tiers that the ranking was not made by"):
        at_the_door(parts["near_core"], Tiers(main=Tier("gold", "keep")))
