"""How value, core share and dependence of a base change over periods, recomputed by SQL and on planted worlds."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from duramen.analysis.base_health import HEALTHY, NOT_HEALTHY, UNCLEAR, compare_periods
from duramen.analysis.base_structure import CORE, INACTIVE, NEW, OTHER, structure_over_time
from duramen.data.datasets import cdnow, complete_journey
from duramen.data.reading import read_transactions
from duramen.errors import InputError

START = pd.Timestamp("2020-01-01")


@pytest.fixture(scope="module")
def shop():
    tx = read_transactions(cdnow())
    days = tx.days.to_pandas()
    return tx, days.assign(net=days["net"].astype(float)), structure_over_time(tx)


def world(*periods, returns=None):
    """Return transactions of equal periods of 91 days from the money of each customer in each."""
    rows = []
    for number, money in enumerate(periods):
        days = START + pd.to_timedelta(91 * number + 1 + np.arange(len(money)) % 89, unit="D")
        rows.append(pd.DataFrame({"customer_id": np.arange(len(money)), "date": days, "amount": money}))
    orders = pd.concat(rows)
    # Each period begins and ends on a day with an order, by a customer who spends what is usual.
    ends = [START + pd.Timedelta(days=91 * k + at) for k in range(len(periods)) for at in (0, 90)]
    usual = float(np.nanmedian(periods[0]))
    orders = pd.concat(
        [orders, pd.DataFrame({"customer_id": 999_999, "date": ends, "amount": usual / 2}), returns]
    )
    return read_transactions(orders[orders["amount"].notna()])


def spends(customers, seed, spread=1.0):
    return np.random.default_rng(seed).lognormal(4, spread, customers).round(2)


PERIOD_SQL = """
with spend as (
    select customer_id, cast(floor(date_diff('day', date '1997-01-01', date) / 91) as int) as period,
           round(sum(net), 4) as money, bool_or(purchase) as bought
    from days group by all
), ranked as (
    select *, row_number() over (partition by period order by money desc, customer_id) as place,
           sum(money) over (partition by period order by money desc, customer_id) - money as above,
           sum(money) over (partition by period) as total, count(*) over (partition by period) as n
    from spend where bought
)
select period, count(*) as customers, sum(money) as money, avg(money) as average_value,
       count(*) filter (above < 0.8 * total - 1e-6) as core_customers,
       sum(money) filter (above < 0.8 * total - 1e-6) as core_money,
       min(money) filter (above < 0.8 * total - 1e-6) as core_from,
       sum(money * (n + 1 - 2 * place)) / any_value(n * total) as gini,
       sum(money) filter (place <= ceil(0.01 * n)) / any_value(total) as top_1,
       sum(money) filter (place <= ceil(0.05 * n)) / any_value(total) as top_5,
       sum(money) filter (place <= ceil(0.20 * n)) / any_value(total) as top_20,
       max(money) / any_value(total) as largest_share,
       count(*) filter (above < 0.5 * total - 1e-6) as customers_for_half,
       sum(money) filter (money >= 44.88) / any_value(total) as core_share,
       count(*) filter (money >= 44.88) / any_value(n) as core_size_customers_share
from ranked group by period order by period
"""


def test_every_figure_of_a_period_is_that_of_a_plain_sql_query(shop):
    _, days, structure = shop
    expected = duckdb.sql(PERIOD_SQL).df()
    assert structure.core_size == 44.88
    assert structure.periods["start"].iloc[0] == pd.Timestamp("1997-01-01")
    for column in expected.columns.drop("period"):
        np.testing.assert_allclose(structure.periods[column], expected[column], rtol=1e-9, err_msg=column)
    assert structure.periods["money"].sum() == pytest.approx(days["net"].sum())


def test_new_customers_of_all_periods_are_the_customers_and_returns_add_up():
    sale, back = ({"customer_id": 5, "date": START + pd.Timedelta(days=at)} for at in (3, 100))
    returns = pd.DataFrame([sale | {"amount": 40.0}, back | {"amount": -15.0}])
    tx = world(spends(60, 1), np.where(np.arange(60) == 5, np.nan, spends(60, 2)), returns=returns)
    periods = structure_over_time(tx).periods
    assert periods["new_customers"].tolist() == [61, 0]
    assert periods["returns_of_others"].tolist() == [0, -15.0]
    total = float(tx.days.net.sum().to_pyarrow().as_py())
    assert (periods["money"] + periods["returns_of_others"]).sum() == pytest.approx(total)


def test_flows_have_every_customer_once_and_the_money_of_both_periods(shop):
    _, days, structure = shop
    day = pd.to_datetime(days["date"])
    days = days.assign(period=(day - pd.Timestamp("1997-01-01")).dt.days // 91)
    flows = structure.flows
    for number in range(1, len(structure.periods)):
        table = flows[flows["start"] == structure.periods["start"].iloc[number]]
        until = days[(days["period"] <= number) & days["purchase"]]
        assert table["customers"].sum() == until["customer_id"].nunique()
        for period, column, side in ((number - 1, "money_before", "from"), (number, "money_now", "to")):
            spend = days[days["period"] == period].groupby("customer_id")["net"].sum()
            assert table[column].sum() == pytest.approx(spend.sum())
            figures = structure.periods.iloc[period]
            core = table[table[side] == CORE]
            assert core["customers"].sum() == figures["core_customers"]
            assert core[column].sum() == pytest.approx(figures["core_money"])
        assert set(table["from"]) <= {CORE, OTHER, INACTIVE, NEW}
        new = table.loc[table["from"] == NEW, "customers"].sum()
        assert new == structure.periods["new_customers"].iloc[number]


def test_a_base_whose_middle_grows_into_the_core_is_healthier():
    before = spends(400, 1, 0.8)
    now = before * np.where(np.arange(400) % 3 == 0, 3.0, 1.05)
    structure = structure_over_time(world(before, now.round(2)))
    assert structure.health.verdict == HEALTHY
    assert str(structure).startswith(
        "The customer base became healthier: average value per customer and the share of money from customers of "
        "core size both rose. The comparison is "
        "of the 91 "
        "days from 2020-04-01 with those from 2020-01-01 (another season, so the change includes the season)."
    )


def test_a_falling_average_fails_although_the_core_share_rises():
    before = spends(400, 1, 0.8)
    core = before > np.median(before)
    # The core spends more, the others less, and many small customers join.
    now = np.append(before * np.where(core, 1.6, 0.5), np.full(800, 4.0)).round(2)
    health = structure_over_time(world(before, now)).health
    assert health.verdict == NOT_HEALTHY
    assert health.opening == (
        "The customer base did not become healthier: average value per customer fell, although the share of "
        "money from customers of core size rose"
    )
    assert health.average_value.high < 0 < health.core_share.low


def test_growth_of_one_whale_alone_is_no_clear_change_and_the_dependence_is_said():
    before = spends(300, 1, 0.5)
    before[7] = before.sum()
    now = spends(300, 2, 0.5)
    now[7] = 2 * before[7]
    structure = structure_over_time(world(before, now))
    assert structure.health.average_value.now > 1.3 * structure.health.average_value.before
    assert structure.health.verdict == UNCLEAR
    dependence = structure.dependence
    assert dependence.depends_on_one
    assert dependence.customers_for_half == 1
    assert str(dependence).startswith("Revenue depends on one customer: 7 brings 6")
    losses = dependence.losses.set_index("largest")
    assert losses.loc[1, "money"] == pytest.approx(now[7])
    total = structure.periods["money"].iloc[-1]
    assert losses.loc[5, "money_left"] == pytest.approx(total - losses.loc[5, "money"])
    assert losses.loc[1, "average_left"] == pytest.approx(losses.loc[1, "money_left"] / 300)


def test_a_base_that_does_not_change_is_rarely_called_changed():
    called = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        own = rng.lognormal(3, 0.7, 250)
        sides = [
            pd.DataFrame({"customer": np.arange(250), "money": own * rng.lognormal(0, 0.5, 250)}).assign(
                bought=rng.random(250) < 0.8
            )
            for _ in range(2)
        ]
        days = START.date()
        health = compare_periods(*sides, (days, days), days=91, same_season=False, unit="EUR", seed=seed)
        called += [health.average_value.direction != UNCLEAR, health.core_share.direction != UNCLEAR]
    # One in twenty is expected.
    assert np.mean(called) < 0.1


def test_the_last_period_is_compared_with_the_same_season_a_year_before():
    money = spends(200, 3)
    structure = structure_over_time(world(*([money] * 6)))
    assert structure.health.same_season
    assert structure.health.before == structure.periods["start"].iloc[1].date()
    assert structure.health.now == structure.periods["start"].iloc[5].date()
    assert structure.health.average_value.change == pytest.approx(0)
    assert structure.health.verdict == UNCLEAR


def test_another_currency_changes_no_verdict():
    before = spends(300, 1, 0.8)
    now = before * np.where(np.arange(300) % 3 == 0, 3.0, 1.05)
    one, other = (structure_over_time(world(before * k, now * k)) for k in (1, 64))
    assert one.health.verdict == other.health.verdict
    assert other.core_size == pytest.approx(64 * one.core_size)
    assert other.health.average_value.low == pytest.approx(one.health.average_value.low)
    figures = ["customers", "core_customers", "core_share", "gini", "top_5", "customers_for_half"]
    pd.testing.assert_frame_equal(one.periods[figures], other.periods[figures])


def test_complete_journey_has_four_quarters_and_no_clear_change():
    structure = structure_over_time(read_transactions(complete_journey()))
    assert len(structure.periods) == 4
    assert structure.health.verdict == UNCLEAR
    assert not structure.dependence.depends_on_one
    assert structure.health.core_share.before == pytest.approx(0.8, abs=0.001)


def test_too_few_customers_have_no_verdict():
    structure = structure_over_time(world(spends(12, 1), spends(12, 2)))
    assert structure.health == (
        "No verdict on the base: only 13 customers bought in one of the compared periods of 91 days, and an interval "
        "needs 30; choose longer periods."
    )


def test_a_history_without_two_periods_or_without_money_is_refused():
    tx = world(spends(40, 1), spends(40, 2))
    with pytest.raises(InputError, match="182 days before 2020-07-01, fewer than two periods of 92"):
        structure_over_time(tx, 92)
    with pytest.raises(InputError, match="at least 1 day"):
        structure_over_time(tx, 0)
    returned = pd.DataFrame({"customer_id": 1, "date": [START + pd.Timedelta(days=400)], "amount": [-3.0]})
    with pytest.raises(InputError, match="have no money"):
        structure_over_time(world(spends(40, 1), spends(40, 2), returns=returned))
