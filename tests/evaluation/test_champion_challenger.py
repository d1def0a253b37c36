"""Challenger against champion: planted better and worse models, the interval beside a plain bootstrap, the refusals."""

import copy

import numpy as np
import pandas as pd
import pytest

from duramen.data.outcomes import customer_outcomes
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.errors import InputError
from duramen.evaluation import metrics
from duramen.evaluation.bootstrap import draws
from duramen.evaluation.champion_challenger import (
    Challenge,
    Rule,
    challenge,
    challenge_simple_orders,
    unseen_window,
)
from duramen.evaluation.scorecards import scorecard
from duramen.scoring.model import CoreCustomerModel

FOLD = Window("1998-04-01", 91)
DECIDES = ("value", "value captured at top 20 %")


@pytest.fixture(scope="module")
def model(trained):
    return CoreCustomerModel.load(trained.folder / "model")


@pytest.fixture(scope="module")
def better(model, reflected, shop):
    return challenge(model, reflected, shop.tx, FOLD)


@pytest.fixture(scope="module")
def worse(model, reflected, shop):
    return challenge(reflected, model, shop.tx, FOLD)


@pytest.fixture(scope="module")
def later(shop, model, reflected):
    """Return what both predict of each customer, and the outcomes, put together by hand."""
    outcomes = customer_outcomes(shop.tx, FOLD, shop.customers)
    scores = [one.predict(shop.customers, with_reasons=False) for one in (model, reflected)]
    return [table["predicted_value"].to_numpy() for table in scores], outcomes["value"].to_numpy()


def figures(result, target, metric):
    return result.table.set_index(["target", "metric"]).loc[(target, metric)]


@pytest.mark.slow
def test_a_challenger_planted_better_wins_and_one_planted_worse_does_not(better, worse):
    assert (better.won, worse.won) == (True, False)
    assert better.sentence.startswith("The challenger is clearly better: value captured at top 20 % 0.79")
    assert worse.sentence.startswith("The challenger is clearly worse: ")


def test_the_same_challenge_the_other_way_round_shows_the_same_difference(better, worse):
    mirrored = worse.table.assign(difference=-worse.table["difference"], low=-worse.table["high"])
    for column in ("difference", "low"):
        pd.testing.assert_series_equal(better.table[column], mirrored[column])
    pd.testing.assert_series_equal(better.table["challenger"], worse.table["rival"], check_names=False)


def test_a_model_is_not_promoted_over_its_like(model, shop):
    result = challenge(model, model, shop.tx, FOLD)
    assert not result.won
    assert set(result.table["verdict"]) == {"level"}
    assert (result.table[["difference", "low", "high"]] == 0).all(axis=None)
    assert result.sentence.startswith("The challenger is not clearly better: ")


def test_figures_are_those_of_the_forecasts_and_the_outcomes(better, later, shop):
    (own, theirs), value = later
    row = figures(better, *DECIDES)
    assert row["challenger"] == metrics.captured(own, value, 0.2)
    assert row["rival"] == metrics.captured(theirs, value, 0.2)
    assert row["baseline"] == "past spend"
    assert row["baseline_figure"] == metrics.captured(shop.customers["net_spend"].to_numpy(), value, 0.2)
    assert figures(better, "value", "MAE")["challenger"] == pytest.approx(np.abs(own - value).mean())
    assert figures(better, "activity", "AUC")["baseline"] == "recency"
    assert (better.customers, better.window) == (2_613, FOLD)


@pytest.mark.parametrize(("confidence", "ends"), [(0.95, (0.025, 0.975)), (0.8, (0.1, 0.9))])
def test_the_interval_is_that_of_a_plain_bootstrap_over_customers(
    model, reflected, shop, later, confidence, ends
):
    (own, theirs), value = later
    result = challenge(model, reflected, shop.tx, FOLD, Rule(confidence=confidence), seed=3, resamples=60)
    differences = []
    for counts in draws(len(value), 60, 3):
        drawn = np.repeat(np.arange(len(value)), counts.astype(int))
        # Copies of one customer stand behind each other, as ties are broken by the order given.
        both = [metrics.captured(forecast[drawn], value[drawn], 0.2) for forecast in (own, theirs)]
        differences.append(both[0] - both[1])
    row = figures(result, *DECIDES)
    np.testing.assert_allclose([row["low"], row["high"]], np.quantile(differences, ends), atol=1e-12)


def test_the_whole_interval_of_the_lead_must_be_above_the_margin(better):
    low = float(better.decisive["low"])
    assert low > 0
    for margin, won in ((0.99 * low, True), (1.01 * low, False)):
        assert Challenge(Rule(margin=margin), FOLD, 1, True, better.table).won is won


@pytest.mark.parametrize("metric", ["Brier", "normalised gini", "captured at top 20 %"])
def test_another_metric_decides_whichever_way_it_points(better, worse, metric):
    decided = [Challenge(Rule(metric=metric), FOLD, 1, True, result.table) for result in (better, worse)]
    assert decided[0].decisive["metric"].casefold().endswith(metric.casefold())
    assert [result.won for result in decided] == [True, False]


def test_what_comes_after_the_fold_changes_nothing(better, model, reflected, shop_orders):
    after = shop_orders.head(500).assign(date=pd.Timestamp("1998-07-05"), amount=1_000.0)
    tx = read_transactions(pd.concat([shop_orders, after]), currency="USD")
    pd.testing.assert_frame_equal(challenge(model, reflected, tx, FOLD).table, better.table)


def test_the_fold_is_the_latest_that_no_model_has_seen(shop, model, reflected, shop_orders):
    assert unseen_window(shop.tx, [model, reflected]) == FOLD
    more = pd.concat([shop_orders, shop_orders.head(1).assign(date=pd.Timestamp("1998-08-09"))])
    tx = read_transactions(more, currency="USD")
    assert unseen_window(tx, [model, reflected]) == Window("1998-05-11", 91)
    assert unseen_window(tx, [model, reflected], "1998-04-15") == Window("1998-04-15", 91)
    for outside in ("1998-03-31", "1998-05-12"):
        with pytest.raises(InputError, match="choose a cutoff from 1998-04-01 to 1998-05-11"):
            unseen_window(tx, [model, reflected], outside)


def test_orders_that_end_before_the_horizon_are_refused_with_the_day_they_must_reach(
    model, reflected, shop_orders
):
    tx = read_transactions(shop_orders[shop_orders["date"] < "1998-06-30"], currency="USD")
    with pytest.raises(
        InputError, match=r"90 later days are too few .* over 91; give orders up to 1998-06-30"
    ):
        unseen_window(tx, [model, reflected])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window_": Window("1998-04-01", 182)}, r"different horizons \(182 days and 91 days\)"),
        ({"unit_": "EUR"}, r"different units \(EUR and USD\)"),
    ],
    ids=["horizon", "unit"],
)
def test_models_that_forecast_something_else_are_not_compared(model, reflected, shop, change, message):
    other = copy.copy(reflected)
    other.forecast_ = copy.copy(reflected.forecast_)
    vars(other.forecast_).update(change)
    with pytest.raises(InputError, match=message):
        unseen_window(shop.tx, [model, other])


def test_a_fold_in_which_no_customer_bought_decides_nothing(model, reflected, shop_orders):
    before = shop_orders[shop_orders["date"] < "1998-04-01"]
    stranger = shop_orders.tail(1).assign(customer_id="99999", date=pd.Timestamp("1998-06-30"))
    tx = read_transactions(pd.concat([before, stranger]), currency="USD")
    with pytest.raises(InputError, match=r"'value captured at top 20 %' has no figure over 91 days"):
        challenge(model, reflected, tx, FOLD)


def test_the_first_is_compared_with_past_spend_on_its_holdout(model):
    result = challenge_simple_orders(model)
    card = scorecard(model.holdout_).set_index(["model", "target", "metric"])["figure"]
    assert result.decisive["challenger"] == card["duramen", *DECIDES]
    assert result.decisive["rival"] == card["past spend", *DECIDES]
    assert result.window == model.holdout_window_
    assert result.won
    assert result.sentence.startswith(
        "There is no champion yet. Compared with a simple ranking of the customers: "
    )


def test_the_first_decides_by_an_order_where_the_rule_asks_for_money(model):
    assert challenge_simple_orders(model, Rule(metric="MAE")).rule.metric == "value captured at top 20 %"
    assert challenge_simple_orders(model, Rule(metric="AUC")).decisive["baseline"] == "recency"


def test_a_first_model_that_is_clearly_worse_than_past_spend_is_not_promoted(model):
    poor = copy.copy(model)
    poor.holdout_ = model.holdout_.assign(predicted_value=-model.holdout_["past_spend"])
    result = challenge_simple_orders(poor)
    assert not result.won
    assert "past spend alone is clearly better" in result.sentence


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"metric": "Ginni"}, "no metric is called 'Ginni'; choose among value captured at top 10 %"),
        ({"metric": "normalized gini"}, "did you mean 'normalised Gini'?"),
        ({"metric": 3}, "no metric is called 3"),
        ({"margin": -0.1}, "the margin -0.1 is not a number from 0 on"),
        ({"margin": float("nan")}, "the margin nan is not a number"),
        ({"margin": "much"}, "the margin 'much' is not a number"),
        ({"margin": True}, "the margin True is not a number"),
        ({"confidence": 95}, "the confidence 95 is not a number from 0.5 to below 1"),
        ({"marging": 0}, "promotion has no setting 'marging'; the settings are metric, margin, confidence."),
    ],
    ids=str,
)
def test_an_invalid_rule_is_refused(settings, message):
    with pytest.raises(InputError) as refusal:
        Rule.from_dict(settings)
    assert message in str(refusal.value)
