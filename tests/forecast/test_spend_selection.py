"""Gamma-gamma or credibility: what the holdout decides, and folds that are all by one of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from duramen.forecast.btyd_value import BTYDValueModel
from duramen.forecast.spend_selection import credibility_gains, with_credibility


@pytest.fixture(scope="module")
def by_gamma(holdout):
    """Return the holdout with outcomes that are as its own features say, with noise."""
    rng = np.random.default_rng(0)
    value = holdout.features["btyd_value"].to_numpy()
    bought = rng.random(len(value)) < holdout.features["btyd_probability_active"]
    money = np.where(bought, value * rng.gamma(2.0, 0.5, len(value)), 0.0)
    return replace(holdout, outcomes=holdout.outcomes.assign(value=money))


def test_a_fold_by_credibility_is_the_fold_of_a_model_by_credibility(shop, holdout):
    from duramen.data.customers import customer_table

    customers = customer_table(shop.tx, holdout.window.cutoff)
    model = BTYDValueModel(spend="credibility").fit(customers)
    expected = model.forecast(customers, holdout.window.horizon)
    found = with_credibility(holdout).features
    for name in ("btyd_spend", "btyd_value", "btyd_purchases"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5)
    others = [name for name in found if name not in ("btyd_spend", "btyd_value")]
    pd.testing.assert_frame_equal(found[others], holdout.features[others], check_exact=True)


def test_the_holdout_that_is_as_credibility_says_asks_for_it_and_no_other_does(holdout, by_gamma):
    assert not credibility_gains(by_gamma)
    alike = holdout.features.assign(btyd_spend=holdout.features["btyd_spend"].mean())
    alike["btyd_value"] = alike["btyd_purchases"] * alike["btyd_spend"]
    credible = with_credibility(holdout).features["btyd_value"]
    assert credibility_gains(
        replace(holdout, features=alike, outcomes=holdout.outcomes.assign(value=credible))
    )
    # The same with too few buyers shows nothing.
    few = np.where(np.arange(len(credible)) < 50, credible, 0.0)
    assert not credibility_gains(
        replace(holdout, features=alike, outcomes=holdout.outcomes.assign(value=few))
    )


def test_a_fold_that_is_by_credibility_already_gains_nothing(holdout):
    assert not credibility_gains(with_credibility(holdout))


def test_the_kind_is_chosen_once_for_the_model_and_shown_in_what_it_forecasts_by(shop):
    btyd = shop.model.forecast_.btyd_
    assert btyd.spend_kind_ in repr(shop.model)
    spend = btyd.forecast(shop.customers, 91)["btyd_spend"]
    alone = BTYDValueModel(spend=btyd.spend_kind_).fit(shop.customers).forecast(shop.customers, 91)
    np.testing.assert_allclose(spend, alone["btyd_spend"], rtol=1e-12)
