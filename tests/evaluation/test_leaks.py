"""Nothing that comes after the cutoff may reach a forecast made at it.

Each check passes for the product, and is shown to fail for a forecaster with a leak planted in it.
"""

from types import SimpleNamespace

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from duramen.data.customers import customer_table
from duramen.data.outcomes import customer_outcomes
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.evaluation.holdout import forecasts_at
from duramen.scoring.model import CoreCustomerModel
from duramen.segments.segmenter import BehaviouralSegmenter

pytestmark = pytest.mark.slow

WINDOW = Window("1997-12-31", 182)
# Short enough that the history holds earlier outcomes for our own trees to learn from.
SHORT_WINDOW = Window("1997-12-31", 84)


@pytest.fixture(scope="module")
def orders_of_another_future(shop_orders):
    """The shop's orders of which from the cutoff on nothing is as it was; there, strangers buy for the first time."""
    past = shop_orders[shop_orders["date"] < pd.Timestamp(WINDOW.cutoff)]
    future = shop_orders[shop_orders["date"] >= pd.Timestamp(WINDOW.cutoff)]
    rng = np.random.default_rng(0)
    other = future.assign(
        customer_id=rng.permutation(past["customer_id"].unique())[: len(future)],
        amount=future["amount"].to_numpy() * rng.choice([0.01, 1000.0, -5.0], len(future)),
        date=pd.Timestamp(WINDOW.cutoff) + pd.to_timedelta(rng.integers(0, 181, len(future)), unit="D"),
    )
    strangers = future.assign(customer_id="new " + future["customer_id"], amount=1e6)
    return pd.concat([past, other, strangers])


@pytest.fixture(scope="module")
def shop_with_two_futures(shop, orders_of_another_future):
    """The shop, and the shop with another future."""
    return SimpleNamespace(tx=shop.tx, other=read_transactions(orders_of_another_future, currency="USD"))


# (a), (b) and (c): what is predicted, and for whom.


def predicted(tx, window):
    """Everything that the backtest knows at a cutoff: scores, segments, the model's version, all forecasts."""
    scores, forecasts = forecasts_at(tx, window)
    columns = {}
    for forecast in forecasts:
        # Of a distribution each quantile is a column.
        for number, values in enumerate(np.atleast_2d(forecast.values.T)):
            columns[f"{forecast.target}: {forecast.model}, {forecast.kind} {number}"] = values
    return pd.concat([scores, pd.DataFrame(columns, index=scores.index)], axis=1)


def predicted_with_a_day_too_many(tx, window):
    """A leak: the customer table is drawn up after the day of the cutoff."""
    return customer_table(tx, Window(window.cutoff, 1).end)


def predicted_with_segments_of_all_dates(tx, window):
    """A leak: the scaler and the centres of the segments are fitted to all dates."""
    customers = customer_table(tx, window.cutoff)
    segmenter = BehaviouralSegmenter().fit(customer_table(tx, tx.last_date))
    return customers[["customer_id"]].assign(segment=segmenter.predict(customers))


def predicted_with_a_last_horizon_that_ends_late(tx, window):
    """A leak: the last horizon ends with the day of the cutoff, not before it."""
    customers = customer_table(tx, window.cutoff)
    late = customer_outcomes(tx, window.earlier(window.horizon - 1), customers)
    return customers[["customer_id"]].assign(value=late["value"])


def predicted_for_those_who_will_come(tx, window):
    """A leak: the rows are all who were seen by the end of the horizon."""
    return customer_table(tx, window.end)[["customer_id"]].assign(value=0.0)


@pytest.fixture(scope="module")
def both_predicted(shop_with_two_futures):
    """All that is predicted of the shop's own future, and of the other."""
    return in_both(predicted, shop_with_two_futures)


def in_both(forecaster, futures):
    return [forecaster(tx, WINDOW) for tx in (futures.tx, futures.other)]


def check_no_future_row_is_seen(one, other):
    """Two futures give the same forecasts, byte for byte."""
    pd.testing.assert_frame_equal(one, other, check_exact=True)
    assert [one[name].to_numpy().tobytes() for name in one.select_dtypes("number")] == [
        other[name].to_numpy().tobytes() for name in other.select_dtypes("number")
    ]


def check_everybody_bought_before_the_cutoff(forecasts, orders):
    """No customer whose first purchase lies in the horizon is forecast."""
    first = orders[orders["amount"] > 0].groupby("customer_id")["date"].min()
    late = first.index[first >= pd.Timestamp(WINDOW.cutoff)]
    assert len(late)
    assert not forecasts["customer_id"].isin(late).any()


def test_no_future_row_is_seen(both_predicted):
    check_no_future_row_is_seen(*both_predicted)


def test_a_future_row_would_be_found(shop_with_two_futures):
    with pytest.raises(AssertionError):
        check_no_future_row_is_seen(*in_both(predicted_with_a_day_too_many, shop_with_two_futures))


def test_every_baseline_is_among_what_is_compared(both_predicted):
    for name in (
        "last horizon, money 0",
        "EWMA, money 0",
        "hurdle LightGBM, distribution 198",
        "ZILN, distribution 198",
    ):
        assert f"value: {name}" in both_predicted[0]


def test_a_last_horizon_that_ends_late_would_be_found(shop_with_two_futures):
    with pytest.raises(AssertionError):
        check_no_future_row_is_seen(
            *in_both(predicted_with_a_last_horizon_that_ends_late, shop_with_two_futures)
        )


def test_a_scaler_fitted_on_all_dates_would_be_found(shop_with_two_futures):
    with pytest.raises(AssertionError):
        check_no_future_row_is_seen(*in_both(predicted_with_segments_of_all_dates, shop_with_two_futures))


def test_no_customer_of_the_label_window_is_forecast(both_predicted, orders_of_another_future):
    check_everybody_bought_before_the_cutoff(both_predicted[1], orders_of_another_future)


def test_a_customer_of_the_label_window_would_be_found(shop_with_two_futures, orders_of_another_future):
    leaky = predicted_for_those_who_will_come(shop_with_two_futures.other, WINDOW)
    with pytest.raises(AssertionError):
        check_everybody_bought_before_the_cutoff(leaky, orders_of_another_future)


# (d): the trees themselves.


def learned(tx, window, folder):
    """Every file of the model that was learned before the cutoff, trees included."""
    saved = CoreCustomerModel().fit(tx, window).save(folder)
    return {path.name: path.read_bytes() for path in sorted(saved.iterdir())}


def learned_with_early_stopping_on_the_horizon(tx, window, folder):
    """A leak: the number of trees is the one that does best on the very outcomes to be forecast."""
    earlier = window.earlier(window.horizon)
    sets = []
    for fold in (earlier, window):
        customers = customer_table(tx, fold.cutoff)
        active = customer_outcomes(tx, fold, customers)["active"]
        sets.append(
            lgb.Dataset(customers.drop(columns="customer_id"), label=active, reference=(sets or [None])[0])
        )
    settings = {
        "objective": "binary",
        "verbosity": -1,
        "deterministic": True,
        "force_row_wise": True,
        "seed": 0,
    }
    booster = lgb.train(
        settings, sets[0], 100, valid_sets=[sets[1]], callbacks=[lgb.early_stopping(5, verbose=False)]
    )
    folder.mkdir()
    (folder / "trees.txt").write_text(booster.model_to_string(num_iteration=booster.best_iteration))
    return {"trees.txt": (folder / "trees.txt").read_bytes()}


def check_outcomes_change_no_tree(learner, futures, folder):
    """Two futures give the same trees, byte for byte."""
    one, other = (learner(tx, SHORT_WINDOW, folder / name) for name, tx in vars(futures).items())
    assert any("tree" in name for name in one)
    assert one == other


def test_outcomes_change_no_tree(shop_with_two_futures, tmp_path):
    check_outcomes_change_no_tree(learned, shop_with_two_futures, tmp_path)


def test_early_stopping_on_the_test_fold_would_be_found(shop_with_two_futures, tmp_path):
    with pytest.raises(AssertionError):
        check_outcomes_change_no_tree(
            learned_with_early_stopping_on_the_horizon, shop_with_two_futures, tmp_path
        )
