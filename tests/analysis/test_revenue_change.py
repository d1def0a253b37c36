"""Why revenue changed: parts add up to the cent, agree with SQL of another kind, and recover what was planted."""

from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import shops
from tests.shops import FROM, day_of

from duramen.analysis.postponed_demand import (
    MORE_OFTEN,
    POSTPONED,
    UNCERTAIN,
    _expected_back,
    missing_customers,
    missing_demand,
    postponed_outcomes,
)
from duramen.analysis.revenue_change import SEASON, explain_revenue_change
from duramen.analysis.revenue_parts import (
    BASKET,
    FREQUENCY,
    LOST,
    MIX,
    PER_DAY,
    PRICE,
    RETURNED,
    RETURNS,
    WON,
)
from duramen.data.datasets import cdnow, complete_journey
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.errors import InputError

AFTER = Window(day_of(FROM), 91)
BEFORE = AFTER.earlier(91)


def changed(**planted):
    tx = read_transactions(shops.shop(**planted))
    return tx, explain_revenue_change(tx, BEFORE, AFTER)


@pytest.fixture(scope="module")
def steady():
    return changed()


@pytest.fixture(scope="module")
def returning():
    """Return lines of which one in thirty is sent back three days later."""
    lines = shops.shop(400, seed=3)
    back = lines.sample(frac=0.03, random_state=0)
    back = back.assign(
        date=back["date"] + np.timedelta64(3, "D"), amount=-back["amount"], quantity=-back["quantity"]
    )
    return pd.concat([lines, back.assign(order=back["order"] + 10**6)], ignore_index=True)


def share(why, part):
    return why.parts.set_index("part")["share_of_before"][part]


def true_share(why, steady):
    """Return what the planted event changed, as a share of the revenue before."""
    return (why.revenue_after - steady[1].revenue_after) / why.revenue_before


def assert_rest_is_small(why, *planted):
    others = why.parts.set_index("part")["share_of_before"].drop(list(planted))
    # Customers come and go in a steady shop too; what they bring nets out.
    turnover = others[[name for name in (LOST, WON, RETURNED) if name in others]]
    assert abs(turnover.sum()) < 0.02
    assert others.drop(turnover.index).abs().max() < 0.02


def test_a_steady_shop_has_no_large_part(steady):
    assert_rest_is_small(steady[1])


def test_a_price_cut_is_price(steady):
    _, why = changed(price=0.9)
    assert share(why, PRICE) == pytest.approx(true_share(why, steady), abs=0.02)
    assert share(why, PRICE) == pytest.approx(-0.1, abs=0.02)
    assert_rest_is_small(why, PRICE)
    assert "price (" in why.sentences[1]


def test_customers_who_are_gone_are_lost_customers(steady):
    _, why = changed(gone=0.1)
    turnover = sum(share(why, part) - share(steady[1], part) for part in (LOST, WON, RETURNED))
    assert turnover == pytest.approx(true_share(why, steady), abs=0.02)
    assert_rest_is_small(why, LOST, WON, RETURNED)
    gone = why.missing.set_index(["from", "demand"])["money"]
    assert gone[LOST, UNCERTAIN] / why.revenue_before == pytest.approx(-true_share(why, steady), abs=0.02)


def test_postponed_demand_is_postponed_and_not_uncertain(steady):
    _, why = changed(postponed=0.3)
    more = why.missing.groupby("demand")["money"].sum() - steady[1].missing.groupby("demand")["money"].sum()
    truth = -true_share(why, steady)
    assert truth > 0.09
    # Some who are late would have bought more often.
    late = more[POSTPONED] + more[MORE_OFTEN]
    assert late / why.revenue_before == pytest.approx(truth, abs=0.02)
    assert more[UNCERTAIN] / why.revenue_before == pytest.approx(0.0, abs=0.02)


def test_a_season_is_season_alone(steady):
    _, why = changed(season=0.7)
    assert share(why, SEASON) == pytest.approx(true_share(why, steady), abs=0.02)
    assert_rest_is_small(why, SEASON)
    assert "The change that also occurred a year earlier is season" in why.sentences[1]


def test_the_first_sentence_states_what_of_the_change_is_season():
    _, why = changed(season=0.7)
    season = why.parts.set_index("part")["money"][SEASON]
    rest = why.change - season
    assert season < why.change < 0
    first, second = why.sentences[0].split(". ")[:2]
    assert first == (
        f"Revenue fell by {-why.change:,.0f} currency units ({-why.change / why.revenue_before:.1%}); the season "
        f"accounts for {season:+,.0f} currency units ({season / why.revenue_before:+.1%}), and without it revenue "
        f"{'rose' if rest > 0 else 'fell'} by {abs(rest):,.0f} currency units ({abs(rest) / why.revenue_before:.1%})"
    )
    assert second.startswith(f"It was {why.revenue_before:,.0f} currency units in the 91 days from")
    without = replace(why, parts=why.parts[why.parts["part"] != SEASON])
    assert "season" not in without.sentences[0]


def test_a_missing_season_is_said_with_the_first_day_of_orders_that_would_show_it(steady):
    assert day_of(0) == str(steady[0].first_date)
    assert "No season" not in steady[1].notes[0]
    lines = shops.shop(400)
    later = read_transactions(lines[lines["date"] > day_of(0)])
    note = explain_revenue_change(later, BEFORE, AFTER).notes[0]
    assert note.startswith(f"No season is removed: it shows only where orders reach back to {day_of(0)}")
    assert note.endswith(f"and these orders begin on {later.first_date}.")


def test_cheaper_products_are_mix(steady):
    _, why = changed(cheaper=0.5)
    assert share(why, MIX) == pytest.approx(true_share(why, steady), abs=0.02)
    assert true_share(why, steady) < -0.1
    assert_rest_is_small(why, MIX)


def test_a_price_rise_a_year_earlier_is_no_season():
    lines = shops.shop()
    dear = lines["date"] < np.datetime64(day_of(FROM - 364))
    lines.loc[dear, "amount"] = (lines.loc[dear, "amount"] * 0.8).round(2)
    why = explain_revenue_change(read_transactions(lines), BEFORE, AFTER)
    assert abs(share(why, SEASON)) < 0.03
    assert abs(share(why, PRICE)) < 0.01


def test_parts_add_up_to_the_cent(returning):
    tx = read_transactions(returning)
    why = explain_revenue_change(tx, BEFORE, AFTER)
    for column in ("money", "money_with_season"):
        assert why.parts[column].sum() == pytest.approx(why.change, abs=1e-6)
    assert why.parts["share_of_before"].sum() == pytest.approx(why.change / why.revenue_before)
    money = returning.assign(date=lambda lines: pd.to_datetime(lines["date"]))
    for period, revenue in ((BEFORE, why.revenue_before), (AFTER, why.revenue_after)):
        inside = money["date"].between(
            pd.Timestamp(period.cutoff), pd.Timestamp(period.end), inclusive="left"
        )
        assert revenue == pytest.approx(money.loc[inside, "amount"].sum(), abs=1e-6)
    other = explain_revenue_change(
        read_transactions(returning.assign(amount=1000 * returning["amount"])), BEFORE, AFTER
    )
    assert other.parts["share_of_before"].to_numpy() == pytest.approx(
        why.parts["share_of_before"].to_numpy(), abs=1e-7
    )
    assert other.missing["demand"].tolist() == why.missing["demand"].tolist()


ORACLE = """
WITH lines AS (SELECT customer_id AS c, CAST(date AS DATE) AS d, product AS p, quantity AS q, amount AS a FROM raw),
net AS (SELECT c, d, sum(a) AS a FROM lines GROUP BY ALL),
buys AS (SELECT * FROM net WHERE a > 0.00001),
x AS (SELECT c, count(*) AS n, sum(a) AS s FROM buys WHERE d >= DATE '{a}' AND d < DATE '{b}' GROUP BY c),
y AS (SELECT c, count(*) AS n, sum(a) AS s FROM buys WHERE d >= DATE '{b}' AND d < DATE '{e}' GROUP BY c),
old AS (SELECT DISTINCT c FROM buys WHERE d < DATE '{b}'),
stay AS (SELECT c, x.n AS n0, y.n AS n1, x.s AS s0, y.s AS s1 FROM x JOIN y USING (c)),
sold AS (
  SELECT lines.*, d >= DATE '{b}' AS late FROM lines SEMI JOIN buys USING (c, d)
  WHERE c IN (SELECT c FROM stay) AND d >= DATE '{a}' AND d < DATE '{e}' AND lines.a > 0 AND q > 0
),
one AS (SELECT p, late, sum(a) / sum(q) AS price, sum(q) AS q FROM sold GROUP BY ALL),
usual AS (SELECT p, sum(q) / count(*) AS u FROM sold GROUP BY p),
goods AS (
  SELECT c, late, sum(q / u * (n0 + n1) / 2.0 / (CASE WHEN late THEN n1 ELSE n0 END)) AS g
  FROM sold JOIN usual USING (p) JOIN stay USING (c) GROUP BY c, late
),
g AS (SELECT sum(g) FILTER (WHERE NOT late) AS g0, sum(g) FILTER (WHERE late) AS g1 FROM goods),
m AS (SELECT sum((n0 + n1) / 2.0 * s0 / n0) AS m0, sum((n0 + n1) / 2.0 * s1 / n1) AS m1 FROM stay),
returns AS (SELECT sum(CASE WHEN d >= DATE '{b}' THEN a ELSE -a END) AS r FROM net
  WHERE a <= 0.00001 AND d >= DATE '{a}' AND d < DATE '{e}')
SELECT
  (SELECT -sum(s) FROM x ANTI JOIN y USING (c)) AS "lost customers",
  (SELECT sum(s) FROM y ANTI JOIN old USING (c)) AS "won customers",
  (SELECT sum(s) FROM y ANTI JOIN x USING (c) SEMI JOIN old USING (c)) AS "returned customers",
  (SELECT sum((n1 - n0) * (s0 / n0 + s1 / n1) / 2) FROM stay) AS "purchase frequency",
  (SELECT (g1 - g0) * (m0 / g0 + m1 / g1) / 2 FROM g, m) AS "basket size",
  (SELECT sum((v.price - w.price) * (v.q + w.q) / 2) FROM one v JOIN one w USING (p)
   WHERE v.late AND NOT w.late) AS price,
  (SELECT r FROM returns) AS "returns"
"""


def recomputed(raw, before, after):
    with duckdb.connect() as connection:
        connection.register("raw", raw) if isinstance(raw, pd.DataFrame) else connection.execute(raw)
        row = connection.execute(ORACLE.format(a=before.cutoff, b=after.cutoff, e=after.end)).df().iloc[0]
    return row.fillna(0.0)


def test_every_part_agrees_with_sql_on_the_lines(returning):
    why = explain_revenue_change(read_transactions(returning), BEFORE, AFTER)
    found = why.parts.set_index("part")["money_with_season"]
    expected = recomputed(returning, BEFORE, AFTER)
    assert found[RETURNS] != 0
    for part in (LOST, WON, RETURNED, FREQUENCY, BASKET, PRICE, RETURNS):
        assert found[part] == pytest.approx(expected[part], abs=0.01), part


@pytest.mark.slow
def test_every_part_agrees_with_sql_on_real_groceries():
    path = complete_journey()
    tx = read_transactions(path)
    after = Window("2017-07-02", 91)
    why = explain_revenue_change(tx, after.earlier(91), after)
    found = why.parts.set_index("part")["money"]
    raw = (
        "CREATE VIEW raw AS SELECT household_id AS customer_id, transaction_timestamp AS date, product_id AS product, "
        f"quantity, sales_value AS amount FROM '{path}'"
    )
    expected = recomputed(raw, after.earlier(91), after)
    codes = [line.code for line in tx.service_lines]
    assert not codes
    for part in (LOST, WON, RETURNED, FREQUENCY, BASKET, PRICE, RETURNS):
        assert found[part] == pytest.approx(expected[part], abs=0.01), part
    assert SEASON not in found.index
    assert "orders reach back to 2015-10-04" in why.notes[0]
    assert "these orders begin on 2017-01-01" in why.notes[0]


def test_without_products_money_per_purchase_day_is_one_part():
    tx = read_transactions(cdnow())
    after = Window("1998-01-01", 91)
    why = explain_revenue_change(tx, after.earlier(91), after)
    assert why.parts["part"].tolist() == [LOST, WON, RETURNED, FREQUENCY, PER_DAY, RETURNS]
    assert why.parts["money"].sum() == pytest.approx(why.change, abs=1e-6)
    assert "no column for product." in " ".join(why.notes)


def test_exchanging_periods_of_equal_customers_reverses_frequency_price_and_basket():
    lines = shops.shop(300, price=0.8)
    split = np.datetime64(day_of(FROM))
    start = split - np.timedelta64(91, "D")
    days = lines["date"].to_numpy()
    mirrored = lines.assign(
        date=np.where(days >= split, days - np.timedelta64(91, "D"), days + np.timedelta64(91, "D"))
    )
    inside = (days >= start) & (days < split + np.timedelta64(91, "D"))
    edge = pd.DataFrame(
        {"customer_id": -1, "date": [start, split + np.timedelta64(90, "D")], "order": [-1, -2]}
    )
    edge = edge.assign(product="p0", quantity=1, amount=10.0)
    there, back = (
        explain_revenue_change(
            read_transactions(pd.concat([some[inside], edge])), BEFORE, AFTER
        ).parts.set_index("part")["money_with_season"]
        for some in (lines, mirrored)
    )
    for part in (FREQUENCY, BASKET, PRICE, MIX):
        assert there[part] == pytest.approx(-back[part], abs=0.01)


def test_missing_money_agrees_with_the_parts(returning):
    tx = read_transactions(returning)
    why = explain_revenue_change(tx, BEFORE, AFTER)
    lost = why.missing.loc[why.missing["from"] == LOST, "money"].sum()
    parts = why.parts.set_index("part")["money_with_season"]
    assert lost == pytest.approx(-parts[LOST])
    fewer = why.missing.loc[why.missing["from"] == FREQUENCY, "money"].sum()
    assert fewer == pytest.approx(-parts[FREQUENCY], abs=1e-3)
    rows = missing_customers(tx, BEFORE, AFTER)
    assert rows["probability_active"].between(0, 1).all()
    table = why.missing.dropna()
    assert why.missing["demand"].tolist() == [*table["demand"], MORE_OFTEN]
    assert (table["back_low"] <= table["expected_back"]).all()
    assert (table["expected_back"] <= table["back_high"]).all()


def test_no_missing_money_is_negative_and_sentence_and_table_agree(steady):
    why = steady[1]
    *missing, more = why.missing["money"]
    assert min(missing) >= 0 > more
    words = " ".join(why.sentences)
    assert f"{sum(missing):,.0f} currency units is missing" in words
    assert f"brought {-more:,.0f} currency units more" in words
    parts = why.parts.set_index("part")["money_with_season"]
    assert f"changed revenue by {parts[LOST] + parts[FREQUENCY]:+,.0f} currency units together" in words


def test_returned_customers_have_both_amounts_where_the_season_is_taken_out(steady):
    back = steady[1].parts.set_index("part").loc[RETURNED]
    both = f"({back['money_with_season']:+,.0f} currency units; {back['money']:+,.0f} after the season is taken out)"
    assert f"{back['customers']:,.0f} came back after a pause {both}" in " ".join(steady[1].sentences)


def test_nothing_after_the_second_period_changes_what_is_called_postponed(returning):
    known = returning[returning["date"] < np.datetime64(AFTER.end)]
    rows = [missing_customers(read_transactions(some), BEFORE, AFTER) for some in (returning, known)]
    pd.testing.assert_frame_equal(*rows)


def test_postponed_customers_come_back_more_often_than_those_called_uncertain():
    tx = read_transactions("dataset:cdnow")
    after = Window("1997-10-01", 91)
    table = postponed_outcomes(tx, after.earlier(91), after).set_index(["from", "demand"])
    back = table.groupby("demand")[["came_back", "customers"]].sum()
    rate = back["came_back"] / back["customers"]
    assert rate[POSTPONED] > 1.5 * rate[UNCERTAIN]


def test_sentences_are_three_to_six_and_name_the_figures(steady):
    _, why = steady
    assert 3 <= len(why.sentences) <= 6
    assert all(sentence.endswith(".") for sentence in why.sentences)
    assert f"{why.revenue_before:,.0f}" in why.sentences[0]
    assert str(why).startswith(why.sentences[0])


def test_a_sentence_explains_won_customers_below_zero_where_the_season_is_taken_out(steady):
    _, why = steady
    money = {LOST: -10.0, WON: -30.0, RETURNED: 5.0, SEASON: 20.0}

    def explained(**other):
        parts = pd.DataFrame({"part": list(money), "money": [other.get(name, money[name]) for name in money]})
        return replace(why, parts=parts)._against_season()

    assert len(explained()) == 1
    assert explained(**{WON: 30.0}) == []
    assert len(explained(**{WON: 30.0, LOST: 10.0})) == 1
    assert replace(why, parts=why.parts[why.parts["part"] != SEASON])._against_season() == []


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (Window("2021-01-01", 90), Window("2021-06-01", 91), "give both as many"),
        (Window("2021-06-01", 91), Window("2021-06-01", 91), "follow each other"),
        (Window("2019-06-01", 91), Window("2021-06-01", 91), "not inside the transactions"),
    ],
)
def test_periods_that_cannot_be_compared_are_refused(steady, before, after, words):
    with pytest.raises(InputError, match=words):
        explain_revenue_change(steady[0], before, after)


def test_a_model_decides_by_its_own_probabilities(shop):
    after = Window(shop.window.cutoff, shop.window.horizon).earlier(shop.window.horizon)
    before = after.earlier(after.horizon)
    rows = missing_customers(shop.tx, before, after, shop.model)
    scores = shop.model.predict(shop.customers, with_reasons=False).set_index("customer_id")
    expected = scores["probability_active"].reindex(rows["customer_id"]).to_numpy()
    assert rows["probability_active"].to_numpy() == pytest.approx(expected)
    assert (rows.loc[rows["demand"] == POSTPONED, "probability_active"] >= 0.5).all()
    money = rows["probability_active"] * rows["if_active"]
    assert money.to_numpy() == pytest.approx(
        scores["predicted_value"].reindex(rows["customer_id"]).to_numpy()
    )
    table = missing_demand(shop.tx, before, after, shop.model)
    assert table["money"].sum() == pytest.approx(rows["missing"].sum())
    with pytest.raises(InputError, match="horizon of the periods"):
        missing_customers(shop.tx, before, Window(after.cutoff, after.horizon - 1), shop.model)
    with pytest.raises(InputError, match="fitted before it"):
        missing_customers(shop.tx, before.earlier(30), after.earlier(30), shop.model)


def test_no_group_is_expected_to_bring_back_more_than_its_customers_are_forecast_to_spend(shop):
    after = shop.window.earlier(shop.window.horizon)
    before = after.earlier(after.horizon)
    rows = missing_customers(shop.tx, before, after, shop.model)
    predicted = shop.ranking.set_index("customer_id")["predicted_value"]
    above = predicted.reindex(rows["customer_id"]).to_numpy() - rows["spent_after"].to_numpy()
    most = pd.Series(np.minimum(rows["missing"], np.maximum(above, 0.0)), name="most")
    most = most[rows["missing"] > 0].groupby([rows["from"], rows["demand"]]).sum()
    table = missing_demand(shop.tx, before, after, shop.model).dropna().set_index(["from", "demand"])
    assert (table["expected_back"] > 0).any()
    assert (table["expected_back"] <= most.reindex(table.index, fill_value=0.0) + 1e-6).all()
    assert (table["back_low"] <= table["expected_back"]).all()
    assert (table["expected_back"] <= table["back_high"]).all()
    assert (table["back_high"] <= table["money"]).all()
    pd.testing.assert_frame_equal(
        missing_demand(shop.tx, before, after, scores=shop.ranking).dropna(), table.reset_index()
    )


MONEY = st.integers(1, 1_000_000).map(lambda cents: cents / 100)


@given(
    st.lists(
        st.tuples(MONEY, MONEY, st.integers(0, 100).map(lambda cents: cents / 100), MONEY),
        min_size=1,
        max_size=20,
    ),
    st.floats(0.5, 2),
    st.floats(0, 1),
)
def test_money_is_expected_back_customer_by_customer(customers, level, miss):
    group = pd.DataFrame(customers, columns=["missing", "spent_after", "probability_active", "if_active"])
    expected = level * group["probability_active"] * group["if_active"]
    most = np.minimum(group["missing"], np.maximum(expected - group["spent_after"], 0.0)).sum()
    back, low, high = _expected_back(group, level, miss, 1.28)
    assert 0 <= low <= back <= high <= group["missing"].sum() * (1 + 1e-9)
    assert back <= most * (1 + 1e-9)
    each = [_expected_back(group.iloc[[at]], level, miss, 1.28)[0] for at in range(len(group))]
    assert back == pytest.approx(sum(each))
