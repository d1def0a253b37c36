"""In Chinese no sentence of the analysis has an English word left, and every name of a value is filled in."""

import ast
import re
from datetime import date
from pathlib import Path
from string import Formatter

import numpy as np
import pandas as pd
import pytest
from tests import shops

import duramen.analysis
from duramen.analysis.acquisition_cohorts import retention_by_cohort
from duramen.analysis.assignment import read_assignment
from duramen.analysis.base_costs import BaseCosts
from duramen.analysis.base_health import BaseHealth, Change
from duramen.analysis.base_over_time import compared_periods, customer_base
from duramen.analysis.base_structure import Dependence, structure_over_time
from duramen.analysis.break_even import MinimumOrder, ServiceCosts, customer_contributions
from duramen.analysis.campaigns import campaign_effect, read_campaign
from duramen.analysis.counted import FORMS, counted
from duramen.analysis.exit_plan import AS_NOW, plan_exit
from duramen.analysis.lifecycle import refuse_short_history, stage_length, time_in_stage
from duramen.analysis.lists import Budget
from duramen.analysis.migration import SegmentationAge
from duramen.analysis.portfolio_axes import LOYALTY_BY_SIZE, MATRICES, Axes, Axis
from duramen.analysis.portfolio_matrices import portfolio
from duramen.analysis.price_buyers import price_led_buyers
from duramen.analysis.referrals import referral_value
from duramen.analysis.retention_economics import summarise_retention
from duramen.analysis.revenue_change import explain_revenue_change
from duramen.analysis.reward_grades import plan_rewards
from duramen.analysis.scenario_summary import summarise_scenario
from duramen.analysis.segmentation_audit import audit
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.errors import InputError
from duramen.forecast.retention_profit import RetentionOffer
from duramen.language import translated, using_language
from duramen.scoring.market_scenarios import MarketScenario, core_by_market_scenario

BEFORE, AFTER = Window("1997-10-01", 91), Window("1997-12-31", 91)
# Parameters and columns, as they are written in code, and names that are the same in both languages.
NAMES = re.compile(r"`\w+`|[a-z]+(?:_[a-z]+)+|\b(?:VIP|RFM|USD|Qini|the DataFrame)\b|'[^']*'", re.ASCII)


@pytest.fixture(autouse=True)
def _in_chinese():
    with using_language("zh"):
        yield


def check(*sentences):
    assert sentences
    for sentence in sentences:
        text = NAMES.sub("", str(sentence))
        assert not re.findall(r"[A-Za-z]{3,}|[{}]", text), sentence
        assert re.search(r"[\u4e00-\u9fff]", text), sentence
        assert "。 " not in text, sentence


def texts():
    """Return every text of the analysis that is written out where it is said or marked."""
    for path in sorted(Path(duramen.analysis.__file__).parent.glob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in ("say", "say_count", "marked"):
                for text in call.args[: 2 if call.func.id == "say_count" else 1]:
                    if isinstance(text, ast.Constant):
                        yield text.value


def names_in(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("text", sorted(set(texts())))
def test_every_text_of_the_analysis_is_in_the_catalogue_with_its_values(text):
    assert translated(text) != text
    assert names_in(translated(text)) == names_in(text)


def test_every_form_of_a_count_is_translated():
    check(*(counted(number, noun) for noun in FORMS for number in (1, 2)))


@pytest.mark.parametrize(
    "planted",
    [{"price": 1.3}, {"gone": 0.4}, {"postponed": 0.3, "season": 1.5}],
    ids=lambda planted: "-".join(planted),
)
def test_why_revenue_changed(planted):
    after = Window(shops.day_of(shops.FROM), 91)
    tx = read_transactions(shops.shop(400, **planted), currency="USD")
    change = explain_revenue_change(tx, after.earlier(91), after)
    check(*change.sentences, *change.notes, *map(translated, change.parts["part"]))
    check(*map(translated, {*change.missing["from"], *change.missing["demand"]}))


def test_a_customer_base_without_a_model_and_without_costs(shop):
    for model in (None, shop.model):
        found = customer_base(shop.tx, BEFORE, AFTER, model)
        check(*found.change.sentences, *found.change.notes, found.structure, found.cohorts, found.campaign)
        check(*vars(found.economics).values())


def test_a_customer_base_with_all_costs(shop):
    costs = BaseCosts(
        0.3, ServiceCosts(2.0, 1.0, 1.0), 8.0, RetentionOffer(5, 1, acceptance=0.3), 500.0, 0.4, 20.0
    )
    economics = customer_base(shop.tx, BEFORE, AFTER, shop.model, costs).economics
    check(*economics.break_even.notes, *map(translated, economics.break_even.summary["group"]))
    check(*economics.exit_plan.notes, *economics.retention.sentences, *economics.rewards.notes)
    check(translated(AS_NOW))


def test_a_model_of_another_horizon(shop):
    before, after = Window("1997-12-02", 60), Window("1998-01-31", 60)
    check(*customer_base(shop.tx, before, after, shop.model).change.notes)


def test_what_is_left_out_of_contributions_and_of_an_exit_plan(shop):
    bare = customer_contributions(shop.scores, 0.3)
    check(*bare.notes)
    lifted = customer_contributions(
        shop.scores, 0.3, ServiceCosts(4.0, 1.0), cheaper_service=0.5, minimum_order=MinimumOrder(20.0)
    )
    check(*lifted.notes, *map(translated, lifted.summary["group"]))
    columns = ["probability_growing", "growth_potential", "probability_core", "lifecycle_stage"]
    check(*plan_exit(shop.scores.drop(columns=columns), bare.customers).notes)


def test_retention_economics(shop):
    for offer in (
        RetentionOffer(5, 1, acceptance=0.3), RetentionOffer(5, 1), RetentionOffer(5, 1e5, acceptance=1e-4)
    ):  # fmt: skip
        found = summarise_retention(shop.ranking, offer)
        check(*found.sentences, *map(translated, found.curve["order"].unique()))


def test_reward_grades(shop):
    check(*plan_rewards(shop.scores, 0.3, Budget(1000), response=0.05).notes)
    check(*plan_rewards(shop.scores, 0.3, Budget(1.0), cost_per_member=2.0).notes)
    check(*plan_rewards(shop.scores, 0.3, Budget(contacts=5), response=0.01, cost_per_member=1e9).notes)


def test_cohorts_with_and_without_costs(shop):
    check(
        retention_by_cohort(shop.tx, "month"), retention_by_cohort(shop.tx, "quarter", complete_history=True)
    )
    check(retention_by_cohort(shop.tx, "month", acquisition_cost=20.0, complete_history=True))
    check(retention_by_cohort(shop.tx, "month", acquisition_cost=1e9, complete_history=True))


@pytest.mark.parametrize("average", [0.1, -0.1, 0.0])
@pytest.mark.parametrize("core", [0.1, -0.1, 0.0])
def test_every_verdict_on_a_base(average, core):
    def change(by):
        return Change(1.0, 1.0 + by, by, by - 0.05, by + 0.05)

    for same_season in (True, False):
        health = BaseHealth(
            date(2020, 1, 1), date(2021, 1, 1), 91, same_season, "USD", 50.0, change(average), change(core)
        )
        check(health, translated(health.verdict), translated(health.average_value.direction))


def test_dependence_and_short_histories(shop):
    losses = pd.DataFrame()
    check(Dependence(10, "'a'", 0.4, 2, losses), Dependence(1000, "'a'", 0.01, 200, losses))
    check(structure_over_time(shop.tx, 91), structure_over_time(shop.tx, 182))
    few = read_transactions(shop.orders.head(60), currency="USD")
    refusals = [
        lambda: structure_over_time(few, 2000),
        lambda: compared_periods(shop.tx, "1997-01-20", "1997-02-20"),
        lambda: refuse_short_history(shop.tx, ["1998-01-01"], 91),
        lambda: refuse_short_history(shop.tx, ["1997-02-01", "1998-01-01"], 91),
        lambda: refuse_short_history(shop.tx, ["1998-01-01", "2010-01-01"], 91),
    ]
    check(*map(refusal_of, refusals))


def refusal_of(ask):
    with pytest.raises(InputError) as refused:
        ask()
    return refused.value


def test_how_long_a_stage_lasts(shop):
    times = time_in_stage(shop.model, shop.tx, "1998-01-07", "1998-04-01")
    check(stage_length(times), stage_length(times[times["end_seen"]]), stage_length(times.head(0)))


def test_the_age_of_a_segmentation():
    for borders in (None, 0.1):
        check(*(SegmentationAge(91, 1000, joined, 0.2, borders, 0.25) for joined in (0, 12)))


def test_the_cells_of_every_portfolio(shop):
    credit = pd.Series(np.arange(len(shop.customers)) % 7, index=shop.customers["customer_id"])
    credit.iloc[0] = np.nan
    for matrix in MATRICES:
        table = portfolio(shop.ranking, shop.customers, shop.window.horizon, matrix, credit)
        check(*map(translated, table["cell"]), *map(translated, table["treatment"]))
        check(*(translated(level) for axis in matrix for level in table[axis] if level))
    three = Axes(size=Axis(("small", "'medium'", "large"), (0.3, 0.7)))
    table = portfolio(shop.ranking, shop.customers, shop.window.horizon, LOYALTY_BY_SIZE, axes=three)
    check(*map(translated, table["treatment"]))


def test_why_there_is_no_matrix_and_no_price_led_buyer(shop):
    same = pd.Series(1.0, index=shop.customers["customer_id"])
    few = pd.DataFrame({"frequency": [1.0, 1.0], "discount_share": [0.1, 0.2]})
    alike = pd.DataFrame({"frequency": [9.0] * 9, "discount_share": [0.1] * 9})
    refusals = [
        lambda: portfolio(shop.ranking, shop.customers, 91, MATRICES[1], same),
        lambda: portfolio(shop.ranking, shop.customers, 91, MATRICES[1], same * np.nan),
        lambda: portfolio(shop.ranking, shop.customers, 91, MATRICES[1], same.astype(str) + "?"),
        lambda: price_led_buyers(few),
        lambda: price_led_buyers(alike),
    ]
    check(*map(refusal_of, refusals))


@pytest.mark.parametrize("referred", [{"z": "a"}, {"a": "z"}, {"a": "a"}, {"a": "b", "b": "a"}])
def test_referrals_that_cannot_be(referred):
    scores = pd.DataFrame({"customer_id": list("abc"), "predicted_value": 1.0})
    check(refusal_of(lambda: referral_value(scores, pd.Series(referred))))


@pytest.mark.parametrize("change", [-0.3, 0.2])
@pytest.mark.parametrize(
    "response", [{}, {"1": 2}, {"1": 0.5, "2": 1}, {"1": 0, "2": -1}, {"1": 1.7, "2": 1, "3": 3}]
)
def test_every_scenario_of_a_market(change, response):
    value = 1000 * np.arange(1, 401) ** -0.8
    segment = np.select([np.arange(400) < 40, np.arange(400) < 90], ["1 a", "2 b"], "3 c")
    scores = pd.DataFrame({"customer_id": np.arange(400), "predicted_value": value, "segment": segment})
    scenario = MarketScenario(change, response)
    for ranking in (scores, scores.assign(cost_to_serve=5.0)):
        check(summarise_scenario(core_by_market_scenario(ranking, scenario=scenario), scenario))
    nobody = core_by_market_scenario(scores.assign(predicted_value=0.0), scenario=scenario)
    check(summarise_scenario(nobody, scenario))


def test_a_campaign_with_and_without_a_cost(shop):
    ids = np.sort(shop.orders["customer_id"].unique())
    treated = np.random.default_rng(0).permutation(len(ids)) % 2
    campaign = read_campaign(pd.DataFrame({"customer_id": ids, "treated": treated, "date": "1998-01-15"}))
    for cost in (None, 0.0, 1e6):
        found = campaign_effect(shop.tx, campaign, 91, cost=cost)
        # Whether treatment was random is said by the evaluation.
        check(*(sentence for sentence in found.sentences if sentence != found.balance.sentence))
        check(*map(translated, found.average["outcome"]))
    check(refusal_of(lambda: campaign_effect(shop.tx, campaign, 364)))


def test_an_audit_with_and_without_treatments(shop):
    customers = shop.customers
    segments = pd.qcut(customers["net_spend"].rank(method="first"), 3, labels=list("abc")).astype(str)
    labels = pd.DataFrame({"customer_id": customers["customer_id"], "segment": segments})
    labels.loc[len(labels)] = ["'nobody'", "a"]
    labels.loc[0, "segment"] = "'single'"
    treated = labels.assign(treatment=labels["segment"].map({"a": "x", "b": "y", "c": "z"}))
    lines = shop.orders.assign(product=np.arange(len(shop.orders)) % 5)
    for tx, table, cutoff, previous in (
        (shop.tx, labels, None, None),
        (shop.tx, labels.assign(assigned_on="1996-01-01"), None, None),
        (read_transactions(lines, currency="USD"), treated, shop.window.cutoff, read_assignment(labels)),
    ):
        found = audit(tx, read_assignment(table), cutoff=cutoff, previous=previous)
        check(*found.findings["sentence"], *found.notes, str(found).splitlines()[0])
        for column in ("question", "verdict", "must_be"):
            check(*map(translated, found.findings[column]))
        check(*map(translated, found.measures["measure"]))
