"""Drift and earlier scores on real customers: quiet where nothing happened, and the right alarm where something did."""

from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pytest

from duramen.analysis.alarms import Limits, limit_of
from duramen.analysis.earlier_scores import FORECASTS, EarlierScores, read_earlier_scores
from duramen.analysis.migration import feature_drift
from duramen.analysis.monitoring import monitor
from duramen.analysis.usual_drift import RECENT_BASKET, _lower_end
from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.errors import InputError
from duramen.evaluation.realised import COVERAGE

TRAINED, LATER = date(1998, 4, 1), date(1998, 7, 1)


@pytest.fixture(scope="module")
def then(shop):
    """Return the model of the shop, and its scores of the day of its training, a horizon before the last day."""
    return shop.model, scored(shop.model, shop.tx, TRAINED)


def scored(model, tx, day):
    scores = model.predict(customer_table(tx, day), with_reasons=False)[["customer_id", *FORECASTS]]
    window = Window(day, model.window_.horizon)
    return EarlierScores(f"{day}.parquet", scores, window, "USD", model.model_version_, tx.digest(day))


def changed(shop, change):
    """Return the shop's transactions after a change of the orders since the training."""
    orders = shop.orders.assign(date=pd.to_datetime(shop.orders["date"]))
    return read_transactions(change(orders, orders["date"] >= pd.Timestamp(TRAINED)), currency="USD")


def doubled(orders, since):
    return orders.assign(amount=orders["amount"].where(~since, 2 * orders["amount"]))


def test_a_horizon_later_nothing_is_an_alarm(shop, then):
    model, scores = then
    found = monitor(model, shop.tx, [scores], cutoff=LATER)
    assert (found.alarms, found.notes) == ((), ())
    assert (found.since, found.cutoff) == (TRAINED, LATER)
    # All customers are older, which they are every quarter.
    ages = found.drift.set_index("name").loc["T"]
    assert ages["psi"] > 1 > ages["psi"] - ages["usual"]


def test_a_month_later_is_quiet_and_scores_wait_for_their_horizon(shop):
    scores = scored(shop.model, shop.tx, date(1998, 4, 1))
    found = monitor(shop.model, shop.tx, [scores], cutoff=date(1998, 5, 1))
    assert found.alarms == ()
    assert found.realised.empty
    assert found.notes == (
        "1998-04-01.parquet: scores of 1998-04-01 over 91 days are not complete until 1998-07-01, and are left out.",
    )


def test_doubled_prices_are_found_in_baskets_and_in_the_total(shop, then):
    model, scores = then
    found = monitor(model, changed(shop, doubled), [scores], cutoff=LATER)
    alarms = {alarm.what: alarm for alarm in found.alarms}
    assert set(alarms) == {"feature drift", "total bias"}
    assert RECENT_BASKET in alarms["feature drift"].sentence
    assert alarms["total bias"].figure < -0.25
    assert "check prices and the orders, and train again" in alarms["total bias"].sentence


def test_customers_who_stop_are_found_in_activity_and_in_the_total(shop, then):
    model, scores = then
    gone = set(sorted(shop.orders["customer_id"].unique())[::2])
    found = monitor(
        model, changed(shop, lambda orders, since: orders[~(since & orders["customer_id"].isin(gone))]), [scores],
        cutoff=LATER,
    )  # fmt: skip
    alarms = {alarm.what: alarm.figure for alarm in found.alarms}
    assert alarms["total bias"] > 0.5
    assert alarms["calibration error"] > 0.05


def test_a_shop_without_any_money_since_is_an_alarm_without_a_figure(shop, then):
    model, scores = then
    found = monitor(model, changed(shop, lambda orders, since: orders[~since]), [scores], cutoff=LATER)
    alarms = {alarm.what: alarm for alarm in found.alarms}
    assert alarms["total bias"].figure is None
    assert "customers spent nothing in 91 days" in alarms["total bias"].sentence
    assert {"calibration error", "feature drift"} <= set(alarms)


def test_money_and_buyers_are_those_of_sql(shop, then):
    model, scores = then
    rows = monitor(model, shop.tx, [scores], cutoff=LATER).realised.set_index("metric")
    orders, given = shop.orders.assign(date=pd.to_datetime(shop.orders["date"])), scores.scores  # noqa: F841
    actual, inside, bought = duckdb.sql(
        """
        select sum(money), avg((money between predicted_value_low and predicted_value_high)::int), avg((money > 0)::int)
        from (select g.customer_id, any_value(predicted_value_low) as predicted_value_low,
                     any_value(predicted_value_high) as predicted_value_high, coalesce(sum(amount), 0) as money
              from given g left join orders o on o.customer_id = g.customer_id
               and o.date between timestamp '1998-04-01' and timestamp '1998-06-30'
              group by g.customer_id)
        """
    ).fetchone()
    assert rows["actual"].unique() == pytest.approx([actual])
    assert rows["predicted"].unique() == pytest.approx([given["predicted_value"].sum()])
    assert rows["figure"]["total bias"] == pytest.approx(given["predicted_value"].sum() / actual - 1)
    assert rows["figure"][COVERAGE] == pytest.approx(inside)
    assert 0 < bought < 1


def test_the_order_of_scores_and_the_type_of_ids_do_not_matter(shop, then):
    model, scores = then
    shuffled = scores.scores.sample(frac=1, random_state=0)
    other = EarlierScores(
        scores.place, shuffled.assign(customer_id=shuffled["customer_id"].astype(str)), scores.window, "USD",
        model.model_version_, scores.source_digest,
    )  # fmt: skip
    figures = [monitor(model, shop.tx, [one], cutoff=LATER).realised["figure"] for one in (scores, other)]
    np.testing.assert_allclose(*figures, rtol=1e-9)


def test_orders_without_a_past_raise_no_alarm_and_say_so(shop, then):
    model, _ = then
    orders = shop.orders[pd.to_datetime(shop.orders["date"]) >= "1998-01-15"]
    found = monitor(model, read_transactions(orders, currency="USD"), cutoff=LATER)
    assert found.alarms == ()
    assert "give orders from before 1997-12-31" in found.notes[0]
    assert "give them in `scores`" in found.notes[1]
    later = monitor(model, shop.tx, since=LATER, cutoff=LATER)
    assert later.drift.empty
    assert "drift is not measured" in later.notes[0]


def test_the_lower_end_of_an_index_is_not_reached_by_chance():
    rng, above = np.random.default_rng(0), 0
    for _ in range(100):
        then, now = (pd.DataFrame({"basket": rng.normal(size=60)}) for _ in range(2))
        drift = feature_drift(then, now)
        above += _lower_end(drift)[0] > 0.25 or drift["psi"][0] < _lower_end(drift)[0]
    assert above == 0
    moved = feature_drift(then, now + 3)
    assert 0.25 < _lower_end(moved)[0] < moved["psi"][0]


def test_scores_of_another_business_another_model_and_late_orders(shop, then):
    model, scores = then
    strange = EarlierScores("s", scores.scores.assign(customer_id="x"), scores.window, "USD", "other", "")
    with pytest.raises(InputError, match="none of the"):
        monitor(model, shop.tx, [strange], cutoff=LATER)
    fewer = EarlierScores("s", scores.scores, Window(TRAINED, 28), "USD", "0.0+abc", "none")
    found = monitor(model, shop.tx, [fewer], cutoff=LATER)
    assert [note.split(" ")[0] for note in found.notes] == ["s", "s", "the"]
    assert found.realised["holdout"].isna().all()


def test_a_figure_at_its_limit_is_no_alarm():
    row = {"predicted": 1.0, "figure": 0.3, "holdout": 0.8}
    limits = Limits()
    for name, at, beyond in (
        ("total bias", {"low": 0.25, "high": 0.4}, {"low": 0.2501, "high": 0.4}),
        ("total bias", {"low": -0.4, "high": -0.25}, {"low": -0.4, "high": -0.2501}),
        ("calibration error", {"low": 0.05, "high": 0.1}, {"low": 0.0501, "high": 0.1}),
        ("AUC", {"change_high": -0.05}, {"change_high": -0.0501}),
        ("value captured at top 10 %", {"change_high": -0.1}, {"change_high": -0.1001}),
        (COVERAGE, {"high": 0.8 - limits.coverage_shortfall}, {"high": 0.6999}),
    ):
        assert not limit_of(row | at | {"metric": name}, limits)[1], name
        assert limit_of(row | beyond | {"metric": name}, limits)[1], name
    with pytest.raises(InputError, match="drift of monitor is -1"):
        Limits(drift=-1)


def test_a_file_without_its_sidecar_is_refused(tmp_path):
    path = tmp_path / "scores.parquet"
    with pytest.raises(InputError, match="there is no file"):
        read_earlier_scores(path)
    path.write_bytes(b"x")
    with pytest.raises(InputError, match=r"has no sidecar scores\.json"):
        read_earlier_scores(path)
    path.with_suffix(".json").write_text(
        '{"format_version": 1, "sha256": "0", "cutoff": "1998-01-01", "horizon_days": 91}'
    )
    with pytest.raises(InputError, match=r"is not the file that scores\.json describes"):
        read_earlier_scores(path)
