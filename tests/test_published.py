"""Figures beside published ones have the published definitions, by counts made by hand."""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from duramen.data.windows import Window

EXPERIMENTS = Path(__file__).parents[1] / "experiments"


@pytest.fixture(scope="module")
def published():
    """Load the module of published comparisons."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXPERIMENTS)
        yield importlib.import_module("published")


def test_the_page_has_every_comparison_in_order(published):
    page = (EXPERIMENTS / "RESULTS.md").read_text(encoding="utf-8")
    written = [line.removeprefix("## ") for line in page.split("\n") if line.startswith("## Published")]
    assert written == list(published.sections())
    assert "Left out" not in page


def test_a_comparison_without_its_data_says_so(published):
    text = published.section("Title", "grocery", published.grocery, {"online_retail_ii": "orders.parquet"})
    assert text == "## Title\n\nLeft out: its data was not given (grocery=PATH).\n"


def test_grocery_purchases_are_counted_as_by_hand(published):
    events = pd.DataFrame(
        [
            ("a", "2006-01-01"),
            ("a", "2006-01-15"),
            ("a", "2006-01-15"),  # the same day counts once
            ("a", "2006-12-31"),  # the last day of the history
            ("a", "2007-01-01"),  # the first of the holdout
            ("a", "2007-12-30"),  # the last of it
            ("a", "2007-12-31"),  # after it
            ("b", "2006-12-24"),
            ("c", "2007-03-01"),  # no customer in the history
        ],
        columns=["cust", "date"],
    )
    events["date"] = pd.to_datetime(events["date"])

    histories, later = published.grocery_histories(events)

    assert histories.loc["a"].tolist() == [2, 52.0, 52.0]
    assert histories.loc["b"].tolist() == [0, 0.0, 1.0]
    assert later.to_dict() == {"a": 2, "b": 0}


def test_the_grocery_error_is_relative_to_all_purchases(published):
    relative, each = published.purchase_errors(np.array([1.0, 1.0, 4.0]), np.array([2.0, 0.0, 4.0]))
    assert relative == pytest.approx(2 / 6)
    assert each == pytest.approx(2 / 3)


def test_lines_without_customer_or_positive_quantity_and_price_are_left_out(published):
    lines = pd.DataFrame(
        {
            "customer_id": [1, 2, 3, None],
            "quantity": [2, -1, 1, 1],
            "unit_price": [3.0, 3.0, 0.0, 3.0],
            "amount": [0.0, 0.0, 0.0, 0.0],
        }
    )
    assert published.used_lines(lines)["amount"].tolist() == [6.0]


def test_money_and_days_are_those_of_the_public_comparison(published):
    many = pd.DataFrame({"customer_id": range(100, 150), "date": "2010-01-05 12:00", "amount": 1.0})
    lines = pd.concat(
        [
            pd.DataFrame(
                [
                    (1, "2010-11-29 12:00", 10.0),
                    (1, "2010-11-30 12:00", 100.0),  # the last day is in neither history nor outcomes
                    (1, "2010-12-01 12:00", 5.0),  # on both sheets of their file
                    (1, "2010-12-10 12:00", 7.0),  # on one
                    (1, "2011-02-28 12:00", 50.0),  # after the outcomes
                ],
                columns=["customer_id", "date", "amount"],
            ),
            many.assign(amount=np.arange(50.0)),
            many.assign(date="2011-01-05 12:00", amount=np.arange(50.0)),
        ]
    ).assign(date=lambda table: pd.to_datetime(table["date"]))

    known, drawn = published.their_customers(lines, Window("2010-11-30", 90))

    assert known.loc[1].tolist() == [10.0, 5.0 + 5.0 + 7.0]
    assert len(known) == 51
    assert len(drawn) == 11


def test_hurdle_trees_forecast_the_money_of_customers_whom_they_did_not_learn_from(published):
    rng = np.random.default_rng(0)
    features = pd.DataFrame({"customer_id": range(400), "net_spend": rng.gamma(1.0, size=400)})
    actual = np.where(rng.random(400) < 0.5, features["net_spend"] * 10, 0.0)
    known, asked = features.iloc[:300], features.iloc[300:]

    forecast = published.hurdle_trees(known, actual[:300], asked)

    assert (forecast > 0).all()
    assert np.corrcoef(forecast, asked["net_spend"])[0, 1] > 0.8


def test_the_score_of_a_point_is_its_absolute_error(published):
    assert published.crps(np.full((2, 199), 3.0), np.array([3.0, 5.0])) == pytest.approx(1.0)


def test_the_score_of_counts_is_the_sum_over_counts(published):
    counts = np.tile([0.6, 0.3, 0.1], (3, 1))
    actual = np.array([0.0, 1.0, 2.0])
    distance = np.cumsum(counts, axis=1) - (actual[:, np.newaxis] <= np.arange(3))

    score = published.crps(published.count_quantiles(counts, published.LEVELS), actual)

    assert score == pytest.approx((distance**2).sum(axis=1).mean(), abs=0.01)


def test_another_probability_of_activity_leaves_the_counts_of_the_active_as_they_were(published):
    counts = np.array([[0.6, 0.3, 0.1]])
    moved = published.with_activity(counts, np.array([0.8]))
    assert moved[0] == pytest.approx([0.2, 0.6, 0.2])
    assert counts[0, 0] == 0.6


def test_conformal_quantiles_of_well_calibrated_counts_stay_as_they_are(published):
    counts = np.tile([0.6, 0.3, 0.1], (4000, 1))
    outcomes = np.random.default_rng(1).choice(3, 4000, p=counts[0]).astype(float)
    before, after = (
        published.crps(quantiles, outcomes)
        for quantiles in (
            published.count_quantiles(counts, published.LEVELS),
            published.conformal_quantiles(counts, counts, outcomes),
        )
    )
    assert after == pytest.approx(before, abs=0.002)


def test_conformal_quantiles_correct_counts_that_were_too_high(published):
    counts = np.tile([0.2, 0.3, 0.5], (4000, 1))
    outcomes = np.random.default_rng(1).choice(3, 4000, p=[0.6, 0.3, 0.1]).astype(float)

    moved = published.conformal_quantiles(counts, counts, outcomes)

    assert [(moved[0] == count).mean() for count in range(3)] == pytest.approx([0.6, 0.3, 0.1], abs=0.03)
