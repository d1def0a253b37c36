"""The backtest of the shop: the same customers for every forecast, every table recomputed, and refusals in words."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from duramen.data.customers import customer_table
from duramen.data.outcomes import customer_outcomes
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.errors import InputError
from duramen.evaluation.backtesting import backtest, backtest_windows
from duramen.evaluation.baselines import baseline_forecasts
from duramen.evaluation.comparison import mean_figures
from duramen.evaluation.registry import DISTRIBUTION, METRICS
from duramen.forecast.btyd_value import BTYDValueModel
from duramen.forecast.growth import past_value
from duramen.forecast.settings import ForecastSettings
from duramen.scoring.model import CoreCustomerModel

BASELINES = {
    "value": [
        "past spend", "past rate", "last horizon", "EWMA", "RFM score", "recency", "BG/NBD x gamma-gamma",
        "Pareto/NBD x gamma-gamma", "plain LightGBM", "hurdle LightGBM", "ZILN",
    ],
    "activity": ["RFM score", "recency", "BG/NBD", "Pareto/NBD", "plain LightGBM", "hurdle LightGBM", "ZILN"],
    "growth": ["past rate", "past trend"],
}  # fmt: skip
LEARNED = {"plain LightGBM", "hurdle LightGBM", "ZILN"}
IN_MONEY = {"duramen", *BASELINES["value"]} - {"past spend", "RFM score", "recency"}
PROBABILITIES = {"duramen", "BG/NBD", "Pareto/NBD", *LEARNED}


@pytest.fixture(scope="module")
def windows(shop):
    return backtest_windows(shop.tx, 182, 2)


@pytest.fixture(scope="module")
def tested(shop, windows):
    return backtest(shop.tx, windows, resamples=200)


@pytest.fixture(scope="module")
def latest(tested, windows):
    """The forecasts at the latest cutoff, as they were made and kept."""
    rows = tested.forecasts[tested.forecasts["cutoff"] == pd.Timestamp(windows[-1].cutoff)]
    return rows.reset_index(drop=True)


@pytest.fixture(scope="module")
def customers(shop, windows):
    return customer_table(shop.tx, windows[-1].cutoff)


def test_the_latest_window_ends_with_the_data_and_the_others_lie_half_a_horizon_apart(shop):
    windows = backtest_windows(shop.tx, 91)
    assert [str(window) for window in windows] == [
        "91 days from 1998-01-01", "91 days from 1998-02-15", "91 days from 1998-04-01",
    ]  # fmt: skip
    # The data hold no fourth cutoff with 182 days on both sides.
    assert [str(window) for window in backtest_windows(shop.tx, "26w", 9)] == [
        "182 days from 1997-07-02",
        "182 days from 1997-10-01",
        "182 days from 1997-12-31",
    ]


def test_every_window_has_a_horizon_of_history(shop):
    for window in backtest_windows(shop.tx, 150, 9):
        assert (window.cutoff - shop.tx.first_date).days >= 150


@pytest.mark.slow
def test_the_model_and_every_baseline_are_evaluated_on_the_same_customers(tested, shop, windows):
    for target, baselines in BASELINES.items():
        columns = [f"{target}: {model}" for model in ("duramen", *baselines)]
        assert tested.forecasts[columns].notna().all(axis=None)
    for window in windows:
        rows = tested.forecasts[tested.forecasts["cutoff"] == pd.Timestamp(window.cutoff)]
        assert list(rows["customer_id"]) == list(customer_table(shop.tx, window.cutoff)["customer_id"])


def test_orders_have_no_error_in_money_and_no_brier(tested):
    models = tested.figures.groupby(["target", "metric"])["model"].unique().map(set)
    assert (
        models["value", "MAE"] == models["value", "total bias"] == models["value", "decile error"] == IN_MONEY
    )
    assert models["activity", "Brier"] == PROBABILITIES
    assert models["value", "Spearman"] == {"duramen", *BASELINES["value"]}
    assert models["growth", "Spearman"] == {"duramen", *BASELINES["growth"]}


def test_every_figure_is_that_of_the_kept_forecasts(tested, latest):
    figures = tested.figures[tested.figures["cutoff"] == latest["cutoff"].iloc[0]]
    by_name = {(metric.target, metric.name): metric for metric in METRICS if metric.target != "segments"}
    assert set(zip(figures["target"], figures["metric"], strict=True)) == set(by_name)
    of_columns = {key for key, metric in by_name.items() if metric.requires != DISTRIBUTION}
    for row in figures.itertuples():
        if (row.target, row.metric) not in of_columns:
            continue
        forecast, actual = (latest[f"{row.target}: {name}"].to_numpy() for name in (row.model, "actual"))
        assert row.figure == by_name[row.target, row.metric].function(forecast, actual)


@pytest.mark.slow
def test_the_forecasts_of_duramen_are_those_of_the_model_fitted_before_the_cutoff(
    shop, windows, customers, latest
):
    scores = CoreCustomerModel().fit(shop.tx, windows[-1]).predict(customers)
    for target, column in (
        ("value", "predicted_value"), ("activity", "probability_active"), ("growth", "growth_rate"),
    ):  # fmt: skip
        np.testing.assert_array_equal(latest[f"{target}: duramen"], scores[column])
    np.testing.assert_array_equal(latest["score"], scores["score"])


def test_the_baselines_are_what_their_names_say(customers, latest):
    btyd = BTYDValueModel(("BG/NBD",)).fit(customers).forecast(customers, 182)
    np.testing.assert_array_equal(latest["value: BG/NBD x gamma-gamma"], btyd["btyd_value"])
    np.testing.assert_array_equal(latest["activity: BG/NBD"], btyd["btyd_probability_active"])
    np.testing.assert_array_equal(latest["value: past rate"], past_value(customers, 182))
    np.testing.assert_array_equal(latest["value: past spend"], customers["net_spend"])
    np.testing.assert_array_equal(latest["activity: recency"], -customers["time_since_last"])


def test_growth_is_the_outcome_above_the_past_rate(shop, windows, customers, latest):
    outcomes = customer_outcomes(shop.tx, windows[-1], customers)
    np.testing.assert_array_equal(latest["value: actual"], outcomes["value"])
    np.testing.assert_array_equal(latest["activity: actual"], outcomes["active"])
    np.testing.assert_array_equal(latest["growth: actual"], outcomes["value"] - past_value(customers, 182))


def test_where_no_full_label_window_fits_plain_trees_give_scaled_money_and_an_order(shop):
    """Of 181 days of history, 90 are learned from: money counts 150/90 times."""
    window = Window("1997-07-01", 150)
    customers = customer_table(shop.tx, window.cutoff)
    (value, activity), (short_value, short_activity) = (
        [made for made in baseline_forecasts(shop.tx, asked, customers) if made.model == "plain LightGBM"]
        for asked in (window, Window("1997-07-01", 90))
    )
    np.testing.assert_allclose(value.values, short_value.values * 150 / 90)
    np.testing.assert_array_equal(activity.values, short_activity.values)
    assert (value.kind, activity.kind) == ("money", "order")
    assert (short_value.kind, short_activity.kind) == ("money", "probability")


def test_where_no_known_customer_bought_in_the_label_window_nothing_is_learned(shop_orders):
    january = shop_orders[shop_orders["date"] < "1997-02-01"].drop_duplicates("customer_id")
    week = january[january["date"] < "1997-01-08"]
    orders = pd.concat([january, week.assign(date=week["date"] + pd.Timedelta(days=1))])
    tx, window = read_transactions(orders), Window("1997-02-01", 15)
    forecasts = baseline_forecasts(tx, window, customer_table(tx, window.cutoff))
    assert {forecast.model for forecast in forecasts} == {
        model for models in BASELINES.values() for model in models if model not in LEARNED
    }


def test_the_model_is_compared_with_the_best_baseline_of_each_metric(tested):
    for row in tested.comparisons.dropna(subset="cutoff").itertuples():
        figures = tested.figures[
            (tested.figures["cutoff"] == row.cutoff)
            & (tested.figures["target"] == row.target)
            & (tested.figures["metric"] == row.metric)
        ].set_index("model")
        losses = figures["figure"].abs() if row.metric == "total bias" else figures["figure"]
        if figures["higher_is_better"].iloc[0]:
            losses = -losses
        assert losses[row.baseline] == losses.drop("duramen").min()
        assert row.difference == pytest.approx(row.figure - row.baseline_figure)
        assert row.low <= row.high
        if row.verdict != "level":
            better = (row.low > 0) == bool(figures["higher_is_better"].iloc[0])
            assert row.verdict == ("better" if better else "worse")
        else:
            assert row.low <= 1e-4 * abs(row.baseline_figure)
            assert row.high >= -1e-4 * abs(row.baseline_figure)


def test_the_mean_over_the_cutoffs_is_compared_too(tested):
    mean = tested.comparisons[tested.comparisons["cutoff"].isna()].set_index(["target", "metric"])
    # No baseline has a probability of growing.
    alone = {("growing", "Brier"), ("growing", "calibration error")}
    compared = {(metric.target, metric.name) for metric in METRICS if metric.target != "segments"} - alone
    assert set(mean.index) == compared
    figures = tested.mean_figures().set_index(["target", "metric", "model"])["figure"]
    of_model = tested.figures[tested.figures["model"] == "duramen"].set_index(["target", "metric"])["figure"]
    for name in mean.index:
        expected = of_model[name].abs().mean() if name[1] == "total bias" else of_model[name].mean()
        assert mean.loc[name, "figure"] == figures[(*name, "duramen")] == pytest.approx(expected)


def test_a_model_that_one_cutoff_lacks_has_no_mean():
    figures = pd.DataFrame(
        {
            "cutoff": pd.to_datetime(["1998-01-01", "1998-01-01", "1998-04-01"]),
            "model": ["duramen", "plain LightGBM", "duramen"],
            "target": "value",
            "metric": "MAE",
            "figure": [1.0, 2.0, 3.0],
            "higher_is_better": False,
        }
    )
    mean = mean_figures(figures).set_index("model")["figure"]
    assert mean["duramen"] == 2.0
    assert np.isnan(mean["plain LightGBM"])


def test_coverage_counts_outcomes_inside_the_interval(tested, latest):
    coverage = tested.coverage[tested.coverage["cutoff"] == latest["cutoff"].iloc[0]].set_index("group")
    inside = latest["value: actual"].between(latest["predicted_value_low"], latest["predicted_value_high"])
    assert coverage.loc["all", "inside"] == pytest.approx(inside.mean())
    assert coverage[["below", "inside", "above"]].sum(axis=1).to_numpy() == pytest.approx(1.0)
    best = (
        latest["value: duramen"]
        .sort_values(ascending=False, kind="stable")
        .index[: int(np.ceil(len(latest) / 10))]
    )
    assert coverage.loc["1", "inside"] == pytest.approx(inside[best].mean())
    likely = latest["activity: duramen"] > 0.2
    assert coverage.loc["positive interval", "inside"] == pytest.approx(inside[likely].mean())
    tenths = coverage.drop(index=["all", "positive interval"])
    assert tenths["customers"].sum() == coverage.loc["all", "customers"] == len(latest)


def test_eight_in_ten_outcomes_of_those_with_a_positive_interval_lie_inside(tested):
    coverage = tested.coverage[tested.coverage["group"] == "positive interval"]
    assert coverage["inside"].between(0.74, 0.86).all()
    assert coverage["inside"].mean() == pytest.approx(0.8, abs=0.04)


def test_the_calibration_curve_has_every_customer_once(tested, latest):
    curve = tested.calibration[tested.calibration["cutoff"] == latest["cutoff"].iloc[0]]
    assert set(curve["model"]) == PROBABILITIES
    for model, bins in curve.groupby("model"):
        assert bins["customers"].sum() == len(latest)
        assert bins["predicted"].is_monotonic_decreasing
        for column, kept in (("predicted", f"activity: {model}"), ("actual", "activity: actual")):
            assert np.average(bins[column], weights=bins["customers"]) == pytest.approx(latest[kept].mean())


def test_months_of_a_backtest_are_those_of_the_calendar_from_each_cutoff(shop):
    windows = backtest_windows(shop.tx, "4 months", 3)
    assert windows[-1].end == shop.tx.last_date + timedelta(days=1)
    assert windows == [Window(window.cutoff, "4 months") for window in windows]
    assert len({window.horizon for window in windows}) > 1


def test_stability_is_that_of_customers_known_at_both_cutoffs(tested):
    earlier, later = (rows for _, rows in tested.forecasts.groupby("cutoff"))
    (row,) = tested.stability.itertuples()
    both = earlier.merge(later, on="customer_id", suffixes=("", "_later"))
    assert row.customers == len(both)
    assert row.spearman == pytest.approx(both["score"].rank().corr(both["score_later"].rank()))
    count = int(np.ceil(0.1 * len(both)))
    first, then = (set(both.nlargest(count, column)["customer_id"]) for column in ("score", "score_later"))
    assert row.overlap_10 == pytest.approx(len(first & then) / len(first | then))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_tables_whatever_else_is_tested(shop, tested, windows):
    alone = backtest(shop.tx, [windows[0]], resamples=20)
    for name in ("figures", "coverage", "next_purchase", "calibration", "core", "past_spend", "forecasts"):
        table = tested.tables()[name]
        first = table[table["cutoff"] == pd.Timestamp(windows[0].cutoff)].reset_index(drop=True)
        pd.testing.assert_frame_equal(first, alone.tables()[name], check_exact=True)
    assert alone.stability.empty


@pytest.mark.parametrize(
    ("window", "message"),
    [
        (Window("1999-01-01", 91), "the cutoff 1999-01-01 lies outside the data"),
        (Window("1997-01-01", 91), "the cutoff 1997-01-01 lies outside the data"),
        (Window("1998-04-02", 91), "after the last day 1998-06-30 .* up to 1998-04-01"),
        (Window("1997-03-01", 91), "longer than the history"),
    ],
)
def test_a_window_that_does_not_fit_is_refused_in_a_sentence(shop, window, message):
    with pytest.raises(InputError, match=message):
        backtest(shop.tx, [window])


def test_a_horizon_that_does_not_fit_twice_is_refused_with_the_longest_that_does(shop):
    with pytest.raises(InputError, match="choose a horizon of at most 273d"):
        backtest_windows(shop.tx, 300)
    assert len(backtest_windows(shop.tx, 273)) == 1


@pytest.mark.slow
def test_customers_with_negative_money_are_evaluated_like_the_others(shop_orders):
    """A shop whose returns exceed its purchases for some customers has figures for every metric."""
    late = shop_orders[shop_orders["date"] >= "1997-10-01"].iloc[::10]
    returned = pd.concat([shop_orders, late.assign(amount=-3 * late["amount"] - 1)], ignore_index=True)
    tested = backtest(read_transactions(returned), [Window("1997-10-01", 182)], resamples=5)
    assert (tested.forecasts["value: actual"] < 0).any()
    assert not tested.figures["figure"].isna().any()
    assert tested.coverage["below"].iloc[0] > 0


@pytest.mark.slow
def test_the_settings_of_the_forecast_are_those_of_our_models_and_of_no_baseline(shop_orders):
    few = np.sort(shop_orders["customer_id"].unique())[::8]
    tx = read_transactions(shop_orders[shop_orders["customer_id"].isin(few)], currency="USD")
    settings = [ForecastSettings(btyd_models=(kind,)) for kind in ("BG/NBD", "Pareto/NBD")]
    one, other = (
        backtest(tx, [Window("1998-01-01", 91)], forecast=chosen, resamples=10) for chosen in settings
    )
    assert [one.forecast, other.forecast] == settings
    assert not np.allclose(one.forecasts["value: duramen"], other.forecasts["value: duramen"])
    baselines = [name for name in one.forecasts if not name.endswith("duramen") and ": " in name]
    assert len(baselines) > 10
    pd.testing.assert_frame_equal(one.forecasts[baselines], other.forecasts[baselines], check_exact=True)
