"""Retention, value and payback by the time of the first purchase, recomputed by SQL and on planted cohorts."""

from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pytest

from duramen.analysis.acquisition_cohorts import retention_by_cohort
from duramen.data.datasets import cdnow, complete_journey
from duramen.data.reading import read_transactions
from duramen.errors import InputError


def orders_of(*rows):
    return pd.DataFrame(rows, columns=["customer_id", "date", "amount"]).assign(
        date=lambda frame: pd.to_datetime(frame["date"])
    )


@pytest.fixture(scope="module")
def small():
    """Three months: two customers of January, one of February, who returns in March, and a return without a sale."""
    return read_transactions(
        orders_of(
            ("a", "2021-01-01", 10.0),
            ("b", "2021-01-20", 30.0),
            ("a", "2021-02-05", 6.0),
            ("a", "2021-02-25", 6.0),
            ("c", "2021-02-10", 50.0),
            ("c", "2021-03-10", -20.0),
            ("b", "2021-03-31", 8.0),
            ("d", "2021-02-02", -5.0),
        )
    )


COHORT_SQL = """
with first as (
    select customer_id, min(date) as first from days where purchase group by customer_id
)
select strftime(date_trunc('month', first), '%Y-%m') as cohort,
       date_diff('month', date_trunc('month', first), date_trunc('month', date)) as age,
       count(distinct customer_id) filter (purchase) as buyers, sum(net)::double as money
from days join first using (customer_id) group by all order by all
"""


def test_the_triangle_is_that_of_a_plain_sql_query():
    tx = read_transactions(complete_journey())
    columns = tx.days.select("customer_id", "date", "purchase", "net")
    days = columns.to_pandas().astype({"net": float})  # noqa: F841  read by the query
    found = retention_by_cohort(tx)
    expected = duckdb.sql(COHORT_SQL).df()
    shown = found.triangle.loc[found.triangle["buyers"] > 0, ["cohort", "age", "buyers", "money"]]
    pd.testing.assert_frame_equal(
        shown.reset_index(drop=True), expected[expected["buyers"] > 0].reset_index(drop=True), check_dtype=False
    )  # fmt: skip
    assert found.period == "month"
    assert found.triangle["money"].sum() + found.money_outside == pytest.approx(
        float(tx.days.net.sum().execute())
    )
    assert (
        found.cohorts["customers"].sum()
        == tx.days.filter(tx.days.purchase > 0).customer_id.nunique().execute()
    )


def test_planted_cohorts_have_their_retention_value_and_what_belongs_to_none(small):
    found = retention_by_cohort(small, complete_history=True)
    january = found.triangle[found.triangle["cohort"] == "2021-01"]
    assert january["retention"].tolist() == [1.0, 0.5, 0.5]
    assert january["cumulative_per_customer"].tolist() == [20.0, 26.0, 30.0]
    february = found.triangle[found.triangle["cohort"] == "2021-02"]
    assert february["buyers"].tolist() == [1, 0]
    assert february["cumulative_per_customer"].tolist() == [50.0, 30.0]
    assert found.money_outside == -5.0
    assert found.cohorts["retention_1"].tolist() == [0.5, 0.0]
    assert found.by_age["retention"].tolist() == pytest.approx([1.0, 1 / 3, 0.5])
    assert found.retention_sentence.startswith("Retention is not known yet: fewer than 30 customers")
    assert any("-5.00 currency units belong to no cohort" in note for note in found.notes)


def test_payback_counts_complete_periods_until_the_margin_reaches_the_cost(small):
    costs = {"2021-01": 12.0, "2021-02": 26.0}
    found = retention_by_cohort(small, acquisition_cost=costs, margin=0.5)
    assert found.cohorts["payback_periods"].tolist()[:1] == [2]
    assert found.cohorts["payback_periods"].isna().tolist() == [False, True]
    assert found.cohorts["net_of_cost"].tolist() == pytest.approx([3.0, -11.0])
    assert found.payback_sentence == (
        "1 of 2 cohorts with a cost and a complete month have paid it back; the median cohort needed 2 months, "
        "counting the month of the first purchase."
    )
    assert "Give `acquisition_cost`" in retention_by_cohort(small).payback_sentence


def test_a_cost_is_one_number_a_table_by_cohort_or_a_column_of_customers(small):
    def costs(given):
        return retention_by_cohort(small, acquisition_cost=given).cohorts["acquisition_cost"].tolist()

    assert costs(7) == [7.0, 7.0]
    by_cohort = pd.DataFrame({"cohort": ["2021-02"], "acquisition_cost": [9.0]})
    assert costs(by_cohort)[1] == 9.0
    assert np.isnan(costs(by_cohort)[0])
    by_customer = pd.DataFrame({"customer_id": list("abcx"), "acquisition_cost": [4.0, 8.0, 5.0, 99.0]})
    assert costs(by_customer) == [6.0, 5.0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"2021-09": 3.0}, "names the cohort '2021-09', which is none of the 2 cohorts 2021-01 to 2021-02"),
        (-1.0, "acquisition_cost is missing or not a number"),
        (pd.DataFrame({"cost": [1.0]}), "it needs acquisition_cost and either cohort or customer_id"),
        (pd.DataFrame({"cohort": ["2021-01"] * 2, "acquisition_cost": 1.0}), "has the cohort 2021-01 twice"),
        (pd.DataFrame({"customer_id": ["z"], "acquisition_cost": 1.0}), "none of the 1 customers"),
        (pd.DataFrame({"customer_id": ["a", "a"], "acquisition_cost": 1.0}), "twice, for example 'a'"),
    ],
)
def test_a_cost_that_does_not_fit_is_refused(small, given, message):
    with pytest.raises(InputError, match=message):
        retention_by_cohort(small, acquisition_cost=given)


def test_an_incomplete_period_is_marked_and_counts_for_nothing(small):
    found = retention_by_cohort(small, cutoff=date(2021, 3, 15), acquisition_cost=29.0, complete_history=True)
    last = found.triangle[found.triangle["start"] == pd.Timestamp("2021-03-01")]
    assert not last["complete"].any()
    assert found.by_age["age"].tolist() == [0, 1]
    assert found.cohorts["payback_periods"].isna().tolist() == [True, False]
    assert any("The month 2021-03 is not complete on 2021-03-14" in note for note in found.notes)


def test_early_cohorts_are_left_censored_for_as_long_as_earlier_customers_stay_away():
    # Each buys every 40 days for years; the data begin in the middle, and nobody is new.
    rng = np.random.default_rng(1)
    visits = [
        (str(who), pd.Timestamp("2021-01-01") + pd.Timedelta(days=int(at)), 10.0)
        for who, offset in enumerate(rng.integers(0, 40, 200))
        for at in range(offset, 300, 40)
    ]
    newcomers = [(f"n{k}", "2021-06-10", 10.0) for k in range(30)]
    tx = read_transactions(orders_of(*visits, *newcomers, ("0", "2021-01-01", 10.0)))
    found = retention_by_cohort(tx)
    flags = found.cohorts.set_index("cohort")["left_censored"]
    # After 36 of 40 days nine of ten have bought again; the month after January begins before that.
    assert flags.to_dict() == {"2021-01": True, "2021-02": True, "2021-06": False}
    assert found.by_age["customers"].iloc[0] == 30
    assert found.notes[0].startswith("Customers of 2021-01 to 2021-02 may have bought before the data begin")
    assert not retention_by_cohort(tx, complete_history=True).cohorts["left_censored"].any()


def test_cdnow_has_quarters_and_the_retention_of_one_cohort():
    found = retention_by_cohort(read_transactions(cdnow()), complete_history=True)
    assert found.period == "quarter"
    first = found.triangle[found.triangle["cohort"] == "1997 Q1"]
    assert first["customers"].iloc[0] == 23_500
    assert first["buyers"].iloc[1] == 5_376
    assert first["complete"].all()


def test_what_is_not_valid_is_refused(small):
    with pytest.raises(InputError, match="choose month or quarter"):
        retention_by_cohort(small, "week")
    with pytest.raises(InputError, match="margin is 30"):
        retention_by_cohort(small, margin=30)
    with pytest.raises(InputError, match=r"nobody in .* bought before 2020-01-01"):
        retention_by_cohort(small, cutoff="2020-01-01")
