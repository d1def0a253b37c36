"""How far the dates of the next purchase are off, with customers who did not buy and intervals that go on."""

import numpy as np
import pandas as pd
import pytest

from duramen.data.customers import customer_table
from duramen.data.outcomes import customer_outcomes, days_to_purchase
from duramen.evaluation.next_purchase import next_purchase_errors


def test_errors_are_of_buyers_with_a_date_and_coverage_of_intervals_that_end_in_the_horizon():
    cutoff = pd.Timestamp("2020-01-01")
    days = pd.DataFrame(
        {
            "next_purchase": [4, 10, np.nan, 5, 15],
            "next_purchase_low": [1, 2, 5, 1, 3],
            "next_purchase_high": [8, 19, np.nan, 9, 25],
        }
    )
    scores = days.apply(lambda column: cutoff + pd.to_timedelta(column, unit="D")).assign(cutoff=cutoff)
    customers = pd.DataFrame(
        {
            "gap_mean": [10.0, 10.0, np.nan, 10.0, 10.0],
            "time_since_last": [7.0, 50.0, 1.0, 1.0, 1.0],
            "T": 60.0,
        }
    )
    actual = np.array([5.0, 1.0, 3.0, np.nan, np.nan])
    own, gap = next_purchase_errors(scores, customers, actual, 20).to_dict("records")
    assert (own["buyers"], own["dated"], own["median_error"]) == (3, 2, 5.0)
    # A purchase, a date or none after the horizon counts as its end: 1, 9, 17, 15 and 5 days.
    assert own["mean_error"] == pytest.approx(9.4)
    # Of the intervals that end in the horizon the first contains the day, the second not, and the fourth did not buy.
    assert (own["intervals"], own["inside"]) == (3, pytest.approx(1 / 3))
    # The own gap expects the first on day 3, and the second, long overdue, on the day of the cutoff.
    assert gap["median_error"] == pytest.approx(1.5)
    assert np.isnan(gap["inside"])


def test_days_to_purchase_agree_with_who_was_active(shop):
    found = days_to_purchase(shop.tx, shop.window, shop.customers)
    active = customer_outcomes(shop.tx, shop.window, shop.customers)["active"]
    np.testing.assert_array_equal(found.notna(), active > 0)
    assert found.min() >= 0
    assert found.max() < shop.window.horizon
    # A day without money is no purchase.
    paid = shop.orders[shop.orders["amount"] > 0]
    later = paid[paid["date"] >= pd.Timestamp(shop.window.cutoff)]
    first = (later.groupby("customer_id")["date"].min() - pd.Timestamp(shop.window.cutoff)).dt.days
    asked = shop.customers["customer_id"].map(first)
    bought = active > 0
    np.testing.assert_array_equal(found[bought], asked[bought])


def test_real_dates_beat_the_own_gap_over_all_customers_and_intervals_hold_four_in_five(shop):
    actual = days_to_purchase(shop.tx, shop.window, shop.customers).to_numpy()
    own, gap = next_purchase_errors(shop.scores, shop.customers, actual, shop.window.horizon).to_dict(
        "records"
    )
    assert own["mean_error"] < gap["mean_error"] / 2
    assert own["inside"] > 0.65


def test_dates_are_counted_from_the_cutoff_of_the_customers_not_of_the_training(shop):
    later = customer_table(shop.tx, shop.window.end)
    scores = shop.model.predict(later, with_reasons=False)
    dates = scores[["next_purchase", "next_purchase_low", "next_purchase_high"]]
    assert (dates.stack().dropna() >= pd.Timestamp(shop.window.end)).all()
    bought = scores["next_purchase"] < scores["cutoff"] + pd.Timedelta(days=shop.window.horizon)
    np.testing.assert_array_equal(bought, scores["probability_active"] >= 0.5)
