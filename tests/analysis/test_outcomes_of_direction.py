"""Direction and its outcomes: shares of growing, declining and rising customers who did, counted by hand."""

import numpy as np
import pandas as pd
import pytest

from duramen.analysis.consistency_at_cutoffs import consistency_over_time
from duramen.analysis.outcomes_of_direction import direction_outcomes
from duramen.data.windows import Window
from duramen.errors import InputError

RANKING = pd.DataFrame(
    {
        "customer_id": list("abcdef"),
        "tier": ["VIP", "main", "rising", "rising", "small", "small"],
        "lifecycle_stage": ["growing", "declining", "growing", "steady", "at risk", "lapsed"],
        "past_value": [10.0, 10.0, 4.0, 4.0, 2.0, 2.0],
    }
)
# One customer did not come back, and has no row.
OUTCOMES = pd.DataFrame({"customer_id": list("fedba"), "value": [3.0, 1.0, 9.0, 4.0, 12.0]})


def test_shares_are_counted_among_the_right_customers():
    table = direction_outcomes(RANKING, OUTCOMES).set_index("word")
    assert table.loc["growing", ["customers", "did", "base"]].tolist() == [2, 0.5, 0.5]
    assert table.loc["declining", ["customers", "did", "base"]].tolist() == [1, 1.0, 0.5]
    assert table.loc["rising", ["customers", "did", "base"]].tolist() == [2, 0.5, 0.5]
    assert table.loc["rising", ["past_value", "actual_value"]].tolist() == [4.0, 4.5]
    assert (table["low"] < table["did"]).sum() + (table["did"] == 0).sum() == 3
    assert table["high"].between(table["did"], 1).all()


def test_a_word_of_no_customer_has_no_shares():
    table = direction_outcomes(RANKING[RANKING["tier"] != "rising"], OUTCOMES).set_index("word")
    assert table.loc["rising", "customers"] == 0
    assert np.isnan(table.loc["rising", "did"])


def test_without_a_cutoff_nothing_can_be_checked(shop):
    with pytest.raises(InputError, match="give one or more"):
        consistency_over_time(shop.tx, [])


@pytest.mark.slow
def test_outcomes_are_of_complete_horizons_alone(shop):
    found = consistency_over_time(shop.tx, [Window("1998-01-01", 91), Window("1998-07-01", 91)])
    assert found.checks["cutoff"].nunique() == 2
    assert found.checks["holds"].all()
    assert found.outcomes["cutoff"].nunique() == 1
