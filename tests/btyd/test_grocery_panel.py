"""Complete Journey, dense grocery: the eighteen fits of which lifetimes fails some all end, in both units."""

import numpy as np
import pytest
from tests.histories import at_cutoff

from duramen.btyd import BetaGeoModel, ModifiedBetaGeoModel, ParetoNBDModel

TIMES = {"alpha", "beta"}


@pytest.mark.parametrize("cutoff", ["2017-03-01", "2017-06-01", "2017-09-01"])
@pytest.mark.parametrize("cls", [BetaGeoModel, ModifiedBetaGeoModel, ParetoNBDModel])
def test_fits_converge_and_agree_between_days_and_weeks(grocery_days, cls, cutoff):
    daily = at_cutoff(grocery_days, cutoff)
    weekly = daily.assign(recency=daily["recency"] / 7, T=daily["T"] / 7)
    days, weeks = cls().fit(daily), cls().fit(weekly)
    assert days.convergence_.converged
    assert weeks.convergence_.converged
    for name, value in days.params_.items():
        factor = 7 if name in TIMES else 1
        assert value == pytest.approx(weeks.params_[name] * factor, rel=1e-6)
    np.testing.assert_allclose(
        days.expected_purchases(daily, 91), weeks.expected_purchases(weekly, 13), rtol=1e-6
    )
    np.testing.assert_allclose(
        days.probability_active(daily, 91), weeks.probability_active(weekly, 13), rtol=1e-6
    )


def test_grocery_gaps_are_regular_and_saying_so_helps(grocery_days):
    table = at_cutoff(grocery_days, "2017-07-01", "2017-10-01")
    model = ModifiedBetaGeoModel("auto").fit(table)
    assert model.regularity_ == 2
    expected = model.expected_purchases(table, 92)
    assert expected.sum() == pytest.approx(table["later"].sum(), rel=0.05)
    assert np.corrcoef(expected, table["later"])[0, 1] > 0.8
