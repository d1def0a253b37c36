"""Worlds that bend forecasts: a whale, a yearly peak, a shop of one-time buyers."""

from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from tests.markets import START, one_time_shop

from duramen.analysis.consistency import check_consistency
from duramen.data.customers import customer_table
from duramen.data.outcomes import customer_outcomes
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.errors import InputError
from duramen.evaluation.metrics import captured, normalised_gini, total_bias
from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.ranking import rank_core_customers


def shop_of(orders, window):
    """Fit before the cutoff, check that the ranking tells one story, and return forecasts and outcomes by customer."""
    tx = read_transactions(orders)
    # The weight of growth changes no forecast; learning it would take as long again.
    model = CoreCustomerModel(growth_weight=0.25).fit(tx, window)
    customers = customer_table(tx, window.cutoff)
    scores = model.predict(customers, with_reasons=False)
    checks = check_consistency(rank_core_customers(scores))
    assert checks.loc[~checks["holds"], "check"].tolist() == []
    scores = scores.set_index("customer_id")
    btyd = model.forecast_.btyd_.forecast(customers, window.horizon)["btyd_value"].to_numpy()
    actual = customer_outcomes(tx, window, customers)["value"].to_numpy()
    return SimpleNamespace(
        model=model, scores=scores, btyd=btyd, actual=actual, past_spend=customers["net_spend"]
    )


def orders_of(customer, day, amount, first="2021-01-01"):
    return pd.DataFrame(
        {
            "customer_id": customer,
            "date": pd.Timestamp(first) + pd.to_timedelta(day, unit="D"),
            "amount": np.round(amount, 2),
        }
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("days", "total"),
    # Money of one day in the holdout window is part of what corrects the total, shrunk but not unseen.
    [(np.linspace(0, 540, 12).astype(int), 0.05), ([30, 400], 0.1), ([30, 215], 0.05)],
    ids=["regular", "once in the holdout", "once while learned"],
)
def test_a_whale_does_not_bend_the_forecast_of_the_others(shop, days, total):
    dates = pd.to_datetime(np.asarray(days), unit="D", origin="1997-01-05")
    each = 0.03 * shop.orders["amount"].sum() / len(dates)
    whale = pd.DataFrame({"customer_id": "whale", "date": dates, "amount": each, "quantity": 1})
    bent = shop_of(pd.concat([shop.orders, whale]), shop.window).scores
    plain = shop.scores.set_index("customer_id")
    others = bent.loc[plain.index]
    assert others["predicted_value"].sum() == pytest.approx(plain["predicted_value"].sum(), rel=total)
    assert others["predicted_value"].corr(plain["predicted_value"], method="spearman") > 0.95


@pytest.mark.slow
def test_the_total_knows_a_yearly_peak_that_a_year_before_showed():
    rng = np.random.default_rng(0)
    count, days = 2_500, 1_000
    rate, start = rng.gamma(0.9, 0.018, count), rng.integers(0, 500, count)
    customer, day = [], []
    for today in range(days):
        # Twice as much is bought in the eight weeks before the year ends.
        peak = 2.0 if today % 365 > 305 else 0.8
        buys = ((rng.random(count) < rate * peak) & (start < today)) | (start == today)
        customer.append(np.flatnonzero(buys))
        day.append(np.full(buys.sum(), today))
    customer, day = np.concatenate(customer), np.concatenate(day)
    amount = np.exp(rng.normal(3, 0.5, count)[customer] + rng.normal(0, 0.4, len(customer)))
    window = Window("2022-10-25", 70)
    found = shop_of(orders_of(customer, day, amount), window)
    ours, btyd = (
        total_bias(value, found.actual) for value in (found.scores["predicted_value"].to_numpy(), found.btyd)
    )
    assert btyd < -0.2
    assert abs(ours) < 0.5 * abs(btyd)
    assert any("the same season a year earlier" in note for note in found.model.notes_)


@pytest.mark.slow
def test_a_shop_of_one_time_buyers_is_forecast_no_worse_than_by_btyd():
    rng = np.random.default_rng(1)
    count = 9_000
    more = np.where(rng.random(count) < 0.08, 1 + rng.poisson(0.6, count), 0)
    customer = np.repeat(np.arange(count), more + 1)
    is_first = np.append(True, customer[1:] != customer[:-1])
    start = rng.integers(0, 700, count)[customer]
    day = np.where(is_first, start, start + 1 + rng.exponential(120, len(customer)).astype(int))
    amount = np.exp(rng.normal(3.8, 0.7, count)[customer] + rng.normal(0, 0.5, len(customer)))
    inside = day < 730
    found = shop_of(orders_of(customer[inside], day[inside], amount[inside]), Window("2022-07-03", 182))
    ours = found.scores["predicted_value"].to_numpy()
    assert normalised_gini(ours, found.actual) > normalised_gini(found.btyd, found.actual) - 0.02
    assert abs(total_bias(ours, found.actual)) < abs(total_bias(found.btyd, found.actual)) + 0.15


@pytest.mark.slow
def test_where_nearly_all_buy_once_the_ranking_is_no_worse_than_by_past_spend():
    found = shop_of(one_time_shop(9_000, 395), Window(START + timedelta(days=304), 91))
    ours, past = (
        captured(order.to_numpy(), found.actual, 0.1)
        for order in (found.scores["predicted_value"], found.past_spend)
    )
    assert past > 0.2
    assert ours > past - 0.03


def test_a_unit_so_large_that_four_decimals_are_a_rough_rounding_is_refused(shop):
    with pytest.raises(
        InputError, match=r"more than the four decimals .* 0\.\d\d% of the money .* smaller unit"
    ):
        read_transactions(shop.orders.assign(amount=shop.orders["amount"] * 1e-4))
