"""What happened to a customer base in two periods: one result, each part of it or the sentence that says why not."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from duramen.analysis.base_costs import BaseCosts
from duramen.analysis.base_over_time import TABLES, compared_periods, customer_base
from duramen.analysis.break_even import ServiceCosts
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.errors import InputError
from duramen.forecast.retention_profit import RetentionOffer

BEFORE, AFTER = Window("1997-10-01", 91), Window("1997-12-31", 91)


def test_the_last_91_days_are_compared_with_the_91_before(shop):
    before, after = compared_periods(shop.tx)
    assert (after.end - shop.tx.last_date).days == 1
    assert after.cutoff == before.end
    assert before.horizon == after.horizon == 91


@pytest.mark.parametrize(
    ("days", "message"),
    [
        (("1998-03-01", "1998-02-01"), "give a later last day"),
        (("1997-01-20", "1997-02-20"), "do not cover"),
        ((None, "2010-01-01"), "do not cover"),
    ],
)
def test_periods_beyond_the_orders_are_refused(shop, days, message):
    with pytest.raises(InputError, match=message):
        compared_periods(shop.tx, *days)


def test_without_a_model_the_history_is_told_and_the_rest_asks_for_one(shop):
    found = customer_base(shop.tx, BEFORE, AFTER)
    assert set(vars(found.economics).values()) == {found.economics.break_even}
    assert "give a trained model as `model`" in found.economics.break_even
    assert set(found.tables()) == {
        "revenue_change", "missing_money", "structure", "core_flows", "largest_customers", "cohorts",
        "cohorts_over_time",
    }  # fmt: skip


def test_each_part_without_its_cost_says_what_would_bring_it(shop):
    economics = customer_base(shop.tx, BEFORE, AFTER, shop.model).economics
    asked = ("order_cost", "order_cost", "offer_cost", "reward_budget", "referred_by")
    for reason, name in zip(vars(economics).values(), asked, strict=True):
        assert name in reason


def test_with_all_costs_every_part_has_figures_that_agree(shop):
    costs = BaseCosts(0.3, ServiceCosts(2.0, 0.0, 1.0), 8.0, RetentionOffer(5, 1, acceptance=0.3), 500.0)
    found = customer_base(shop.tx, BEFORE, AFTER, shop.model, costs)
    tables = found.tables()
    assert set(tables) | {"referrals", "campaign_average", "campaign_customers", "qini_curve"} == set(TABLES)
    pays = tables["break_even"]
    assert len(pays) == len(shop.customers)
    released = tables["exit_plan_customers"].dropna(subset="stage")
    below = set(pays.loc[pays["below_break_even"], "customer_id"])
    assert set(released["customer_id"]) <= below
    assert tables["reward_grades"]["cost"].sum() <= 500
    assert not below & set(tables["club_members"]["customer_id"])
    assert not below & set(tables["win_back_or_release"]["customer_id"])
    assert tables["contact_choices"]["profit"].iloc[0] == tables["contact_choices"]["profit"].max()


def test_where_nobody_is_below_break_even_nobody_is_let_go(shop):
    economics = customer_base(
        shop.tx, BEFORE, AFTER, shop.model, BaseCosts(1.0, ServiceCosts(per_order=0.01))
    ).economics
    assert economics.exit_plan == "No customer is below break-even, so nobody needs a cheaper service."


def test_an_exit_plan_that_releases_no_customer_says_so(shop, monkeypatch):
    scores = shop.model.predict(shop.customers, with_reasons=False).assign(lifecycle_stage="building")
    monkeypatch.setattr(type(shop.model), "predict", lambda *_, **__: scores)
    economics = customer_base(
        shop.tx, BEFORE, AFTER, shop.model, BaseCosts(0.3, ServiceCosts(per_customer=9.0))
    ).economics
    assert economics.break_even.customers["below_break_even"].any()
    assert str(economics.exit_plan).startswith("No customer to release")


def test_sentences_about_profit_have_the_unit_of_money(shop):
    offer = RetentionOffer(5, 1, acceptance=0.3)
    kept = customer_base(shop.tx, BEFORE, AFTER, shop.model, BaseCosts(offer=offer)).economics.retention
    assert "expected profit" in kept.sentences[1]
    for sentence in kept.sentences[1:3]:
        assert shop.model.unit_ in sentence


def test_new_customers_alone_have_their_cost_still_to_earn(shop):
    costs = BaseCosts(0.3, ServiceCosts(per_customer=1.0), acquisition=8.0)
    pays = customer_base(shop.tx, BEFORE, AFTER, shop.model, costs).economics.break_even.customers
    first = shop.orders.groupby("customer_id")["date"].min()
    new = pays["customer_id"].map(pd.to_datetime(first)) >= pd.Timestamp(AFTER.cutoff)
    assert (pays.loc[new, "acquisition_cost"] == 8.0).all()
    assert (pays.loc[~new, "acquisition_cost"] == 0.0).all()


def test_orders_of_a_single_period_are_refused_by_the_first_sentence():
    orders = pd.DataFrame(
        {"customer_id": list("ab"), "date": ["2020-01-01", "2020-01-05"], "amount": [5.0, 6.0]}
    )
    with pytest.raises(InputError, match="do not cover"):
        compared_periods(read_transactions(orders), date(2020, 1, 3))


def test_what_a_kept_customer_saves_is_margin_after_cost(shop):
    offer = RetentionOffer(5, 1, acceptance=0.3)

    def choices(costs):
        return customer_base(shop.tx, BEFORE, AFTER, shop.model, costs).tables()["contact_choices"]

    whole, half = (choices(BaseCosts(margin, offer=offer)) for margin in (1.0, 0.5))
    everybody = whole["choice"] == "everybody"
    assert half.loc[everybody, "saved"].item() == pytest.approx(whole.loc[everybody, "saved"].item() / 2)
    with_cost = choices(BaseCosts(0.5, ServiceCosts(per_order=2.0), offer=offer))
    assert with_cost["profit"].iloc[0] < half["profit"].iloc[0] < whole["profit"].iloc[0]


def test_a_model_of_another_horizon_says_what_it_is_not_used_for(shop):
    before, after = Window("1997-12-02", 60), Window("1998-01-31", 60)
    notes = customer_base(shop.tx, before, after, shop.model).change.notes
    assert any("The model forecasts 91 days and the period has 60" in note for note in notes)


def test_amounts_of_billions_add_up(shop):
    whole = read_transactions(shop.orders.assign(amount=shop.orders["amount"] * 1e9), currency="IDR")
    change = customer_base(whole, BEFORE, AFTER).change
    small = customer_base(shop.tx, BEFORE, AFTER).change
    assert change.parts["money"].to_numpy() == pytest.approx(1e9 * small.parts["money"].to_numpy(), abs=1e6)


@pytest.mark.parametrize("column", ["product", "quantity"])
def test_goods_that_are_hardly_known_are_not_told_apart(shop, column):
    rng = np.random.default_rng(0)
    lines = shop.orders.assign(product=rng.integers(0, 9, len(shop.orders)).astype(str))
    lines.loc[rng.random(len(lines)) < 0.4, column] = None
    change = customer_base(read_transactions(lines, currency="USD"), BEFORE, AFTER).change
    assert "mix" not in set(change.parts["part"])
    assert any("account for less than 90%" in note for note in change.notes)
    assert change.parts["money"].sum() == pytest.approx(change.change, abs=0.005)
