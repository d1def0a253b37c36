"""The first sentences of a report: who may leave, and how far to trust the ranking beside simpler methods."""

from types import SimpleNamespace

import pandas as pd
import pytest

from duramen.analysis.forecast_quality import ForecastQuality
from duramen.analysis.lists import by_contact, customer_lists
from duramen.analysis.report_summary import summary_steps
from duramen.evaluation.registry import TOP_FIFTH


def core_of(stages):
    """Return a ranking of as many core customers, of whom all but the first are forecast to spend less."""
    count = len(stages)
    return pd.DataFrame(
        {
            "customer_id": [f"c{at}" for at in range(count)],
            "rank": range(1, count + 1),
            "tier": "main",
            "quadrant": ["core and growing"] + ["core and declining"] * (count - 1),
            "predicted_value": 80.0,
            "past_value": 100.0,
            "churn_probability": [0.6 if stage in ("building", "lapsed") else 0.4 for stage in stages],
            "probability_active": 0.6,
            "lifecycle_stage": stages,
            "treatment": "call",
        }
    )


def quality_of(captured, by_past_spend):
    none = pd.DataFrame()
    return ForecastQuality(none, none, none, captured, by_past_spend, 95.0, 100.0, 0.8)


def card_of(**figures):
    rows = [("duramen", 0.72), *figures.items()]
    return pd.DataFrame(rows, columns=["model", "figure"]).assign(metric=TOP_FIFTH)


def text_of(step, ranking, **others):
    steps = summary_steps(ranking, "EUR", customer_lists(ranking), **others)
    return next(found.text for found in steps if found.what == step)


def test_who_may_leave_is_stated_before_who_declines():
    # A new customer may be more likely to leave than to buy, too.
    stages = ["growing", "declining", "building", "lapsed"]
    assert text_of("What is at risk:", core_of(stages)) == (
        "2 core customers are more likely to leave than to buy: 160 EUR forecast, 200 at their past rate. 3 of the 4 "
        "core customers are forecast to spend at least a tenth less than at their past rate; purchases usually become "
        "rarer with time, so begin with those who may leave."
    )
    assert text_of("What is at risk:", core_of(["growing"])) == (
        "No core customer is more likely to leave than to buy. No core customer is forecast to spend at least a tenth "
        "less than at their own past rate."
    )


def test_the_first_customer_to_call_is_the_first_whom_people_contact():
    stages = ["at risk"] * 3
    treatments = ["Automated e-mail: send one offer", "release: newsletter only", "the director calls"]
    ranking = core_of(stages).assign(treatment=treatments, predicted_value=[90.0, 80.0, 50.0])
    lists = customer_lists(ranking)
    called = lists._replace(call=by_contact(lists.call).personal)
    steps = {step.what: step.text for step in summary_steps(ranking, "EUR", called)}
    # A churn probability of 0.4 times 50 / 0.6.
    assert steps["Whom to call first:"] == (
        "Customer c2 (rank 3), the only one on the call list: expected loss 33 EUR."
    )


def test_a_simpler_method_that_found_more_is_named_and_no_other():
    ranking, quality = core_of(["growing", "declining"]), quality_of(0.72, 0.66)
    trust = "How far to trust this:"
    better = text_of(trust, ranking, quality=quality, scorecard=card_of(LightGBM=0.74, BTYD=0.73))
    assert better.endswith("A simpler method, LightGBM, would have found more: 74% instead of 72%.")
    level = text_of(trust, ranking, quality=quality, scorecard=card_of(LightGBM=0.7212))
    assert level.endswith("A simpler method, LightGBM, would have found more: 72.1% instead of 72.0%.")
    for alike in (0.7, 0.7204):
        assert "simpler" not in text_of(trust, ranking, quality=quality, scorecard=card_of(LightGBM=alike))


def test_the_total_is_stated_with_its_interval():
    text = text_of("How far to trust this:", core_of(["growing"]), total="120 EUR expected (100 to 140)")
    assert text == "Forecast total: 120 EUR expected (100 to 140)."


@pytest.mark.parametrize(
    ("by_past_spend", "words"), [(0.71, "72% of the money"), (0.718, "72.0% of the money")]
)
def test_shares_that_read_alike_have_one_digit_more(by_past_spend, words):
    text = text_of("How far to trust this:", core_of(["growing"]), quality=quality_of(0.72, by_past_spend))
    assert words in text


@pytest.mark.parametrize(
    ("money", "words"),
    [
        (
            {"missing customer id": 90.0, "duplicate line": 10.0},
            "Left out: 5 rows worth 100 EUR (10.0% of all money); most of it for this reason: missing customer id. So "
            "revenue here is that of customers with an id.",
        ),
        (
            {"future date": 90.0, "duplicate line": 10.0},
            "Left out: 5 rows worth 100 EUR (10.0% of all money); most of it for this reason: future date.",
        ),
    ],
)
def test_orders_left_out_are_told_with_their_money_and_the_main_reason(money, words):
    rows = dict(zip(money, (3, 2), strict=True))
    data = SimpleNamespace(set_aside=rows | {"unreadable date": 7}, set_aside_money=money, net_total=900.0)
    assert text_of("How far to trust this:", core_of(["growing"]), data=data) == words


@pytest.mark.parametrize("money", [{}, {"missing customer id": 40.0}, {"missing customer id": -200.0}])
def test_orders_left_out_that_hardly_matter_are_not_told(money):
    data = SimpleNamespace(set_aside=dict.fromkeys(money, 3), set_aside_money=money, net_total=900.0)
    text = text_of("How far to trust this:", core_of(["growing"]), total="120 EUR", data=data)
    assert text == "Forecast total: 120 EUR."
