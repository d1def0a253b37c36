"""How long customers stay away before they come back, from gaps that the cutoff cuts off."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from duramen.data.datasets import complete_journey
from duramen.data.reading import read_transactions
from duramen.errors import InputError
from duramen.forecast.churn_definition import _count_gaps, _share_back, suggest_churn_days

START = date(2020, 1, 1)


def shop_of(days):
    """Read a shop from each customer's days, counted from the start."""
    rows = [
        (who, START + timedelta(days=int(day)), 10.0) for who, bought in enumerate(days) for day in bought
    ]
    return read_transactions(pd.DataFrame(rows, columns=["customer_id", "date", "amount"]))


def renewals(rng, customers, lost, span=1500):
    """Days of customers who join over time, each with a rate of one's own, and leave after a purchase or never."""
    rates = rng.gamma(2, 1 / 80, customers)
    days = []
    for rate in rates:
        bought = [int(rng.integers(0, span - 1))]
        while rng.random() >= lost and bought[-1] < span:
            bought.append(bought[-1] + max(1, int(np.ceil(rng.exponential(1 / rate)))))
        days.append([day for day in bought if day < span])
    return rates, days


@pytest.fixture(scope="module")
def grocery():
    return read_transactions(
        complete_journey(), customer_id="household_id", date="transaction_timestamp", amount="sales_value"
    )


@pytest.mark.parametrize("lost", [0.0, 0.3])
def test_each_customer_counts_once_so_that_frequent_buyers_do_not_speak_for_all(lost):
    rates, days = renewals(np.random.default_rng(0), 4000, lost)
    found = suggest_churn_days(shop_of(days), START + timedelta(days=1500))
    back = 1 - np.exp(-np.outer(np.arange(found.watched + 1), rates)).mean(axis=1)
    truth = np.argmax(back >= 0.9 * back[-1])
    assert found.days == pytest.approx(truth, rel=0.08)
    assert 1 - back[found.days] / back[-1] == pytest.approx(found.share_back_later, abs=0.012)
    # A gap as such, whoever's it is, is much shorter.
    gaps = np.concatenate([np.diff(bought) for bought in days])
    assert np.quantile(gaps, 0.9) < 0.9 * truth


def test_the_estimate_is_the_product_limit_by_hand():
    # One back after 2 and 4 days, one after 3, two silent for 3 and 5 days; day 9 is the last that is watched.
    tx = shop_of([[0, 2, 6], [2, 5], [6], [4], *[[9]] * 46])
    gaps, customers = _count_gaps(tx, START + timedelta(days=10))
    never = customers[~customers["repeat"]]
    back = _share_back(gaps["gap"], gaps["count"] / gaps["own"], never["silence"], never["count"], 6)
    at_2, at_3, at_4 = 1 - 0.5 / 4, 1 - 1 / 3.5, 1 - 0.5 / 1.5
    expected = 1 - np.array(
        [1, 1, at_2, at_2 * at_3, at_2 * at_3 * at_4, at_2 * at_3 * at_4, at_2 * at_3 * at_4]
    )
    np.testing.assert_allclose(back, expected)


@pytest.mark.slow
def test_grocery_households_are_back_within_weeks_and_few_long_silences_are_an_end(grocery):
    found = suggest_churn_days(grocery, "2018-01-01")
    assert 28 <= found.days <= 42
    assert 0 < found.share_back_later <= 0.1
    assert found.silences_ended > 0.9
    assert found.repeat_buyers < 2469
    assert str(found) == found.reason
    assert found.reason.startswith(
        f"After {found.days} days without a purchase: of the customers who come back within 364 days"
    )


def test_a_larger_share_is_reached_sooner(grocery):
    days = [suggest_churn_days(grocery, "2017-07-01", share).days for share in (0.3, 0.2, 0.1)]
    assert days == sorted(days)
    assert len(set(days)) == 3


@pytest.mark.slow
def test_days_from_the_cutoff_on_change_nothing(grocery):
    late = grocery.days.filter(grocery.days.date >= date(2017, 7, 1))
    assert late.count().to_pyarrow().as_py() > 0
    early = read_transactions(
        pd.read_parquet(complete_journey()).query("transaction_timestamp < '2017-07-01'"),
        customer_id="household_id", date="transaction_timestamp", amount="sales_value",
    )  # fmt: skip
    assert suggest_churn_days(early, "2017-07-01") == suggest_churn_days(grocery, "2017-07-01")


def test_days_after_the_last_of_the_source_are_no_silence(shop):
    known, unknown = (suggest_churn_days(shop.tx, cutoff, 0.2) for cutoff in ("1998-07-01", "2001-01-01"))
    assert known == unknown
    assert known.watched <= 545


def test_cdnow_is_too_short_to_say_when_a_tenth_is_left_and_says_so(shop):
    found = suggest_churn_days(shop.tx, "1998-07-01")
    assert (found.days, found.share_back_later, found.silences_ended) == (None, None, None)
    assert "Customers still come back when the history ends: 90% of the returns" in found.reason
    assert "it takes a longer history, or a larger share than 10%" in found.reason
    assert found.repeat_buyers > 1000


def test_the_share_of_long_silences_that_ended_is_that_counted_on_real_customers(shop):
    found = suggest_churn_days(shop.tx, "1998-07-01", 0.2)
    days = shop.orders[["customer_id", "date"]].drop_duplicates().sort_values(["customer_id", "date"])
    gap = (days.groupby("customer_id")["date"].shift(-1) - days["date"]).dt.days
    # Early enough to be watched for as long again.
    early = days["date"] < "1997-04-01"
    reached = early & ~(gap <= found.days)
    assert gap[reached].notna().mean() == pytest.approx(found.silences_ended, abs=0.04)


def test_few_repeat_buyers_give_a_reason_and_no_days():
    found = suggest_churn_days(shop_of([[0, 5]] * 49 + [[0]] * 200), START + timedelta(days=100))
    assert found.days is None
    assert (found.gaps, found.repeat_buyers) == (49, 49)
    assert found.reason == (
        "Customers who bought on more than one day before 2020-04-10: 49; it takes 50 to say how long they stay away."
    )


def test_a_shop_of_few_customers_has_watched_nothing():
    assert suggest_churn_days(shop_of([[0, 5]] * 3), START + timedelta(days=100)).watched == 0


def test_a_shop_where_everybody_always_came_back_needs_no_silence():
    found = suggest_churn_days(shop_of([range(0, 100, 7)] * 60), START + timedelta(days=100))
    assert (found.days, found.share_back_later, found.silences_ended) == (7, 0.0, 0.0)


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
def test_a_share_that_is_none_is_refused(shop, share):
    with pytest.raises(InputError, match=f"share {share!r} is not between 0 and 1; write 0.1"):
        suggest_churn_days(shop.tx, "1998-04-01", share)
