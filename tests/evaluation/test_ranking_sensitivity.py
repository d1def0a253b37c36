"""What changes the ranking, measured on the real shop with few refits, and what is refused or said instead."""

import numpy as np
import pandas as pd
import pytest

from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.errors import InputError
from duramen.evaluation.ranking_sensitivity import PART, sensitivity
from duramen.evaluation.top_customers import first_count
from duramen.scoring.growth_weight import GROWTH_WEIGHTS
from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.ranking import rank_core_customers

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(shop):
    # The weight that the shop's model learned, given: learning it again would take as long as a refit.
    given = CoreCustomerModel(growth_weight=shop.model.growth_weight_)
    return sensitivity(shop.tx, shop.window, given, seeds=1, parts=1, draws=40)


def test_every_variation_is_compared_with_the_ranking(found):
    varied = found.variations.groupby("varied")["setting"].apply(list)
    assert varied["growth weight"] == [f"{weight:g}" for weight in GROWTH_WEIGHTS]
    assert varied["seed"] == ["1"]
    assert varied["horizon"] == ["45 days", "182 days"]
    assert varied["customers"] == ["half of the customers, draw 1"]
    assert found.notes == []
    figures = found.variations[["top_10", "top_20", "spearman"]]
    assert (figures > 0.7).all(axis=None)
    assert (figures <= 1 + 1e-12).all(axis=None)


def test_the_weight_of_the_ranking_itself_changes_nothing(shop, found):
    used = f"{shop.model.growth_weight_:g}"
    weights = found.variations[found.variations["varied"] == "growth weight"]
    same = weights[weights["setting"] == used]
    assert same[["top_10", "top_20", "spearman"]].to_numpy() == pytest.approx(np.ones((1, 3)))


def test_overlap_is_that_of_the_rankings(shop, found):
    money = shop.scores["predicted_value"] + shop.scores["growth_potential"]
    other = rank_core_customers(shop.scores.assign(score=money))
    first = int(np.ceil(0.2 * len(other)))
    both = set(other["customer_id"][:first]) & set(shop.ranking["customer_id"][:first])
    by_setting = found.variations.set_index(["varied", "setting"])
    assert by_setting.loc[("growth weight", "1"), "top_20"] == len(both) / first
    assert by_setting.loc[("seed", "1"), "top_20"] < 1


def test_rank_intervals_are_of_the_customers_as_ranked(shop, found):
    ranks = found.ranks
    pd.testing.assert_frame_equal(ranks[["customer_id", "rank"]], shop.ranking[["customer_id", "rank"]])
    for kind in ("refit", "drawn"):
        assert (ranks[f"{kind}_low"] <= ranks[f"{kind}_high"]).all()
        assert ranks[f"{kind}_low"].min() >= 1
        assert ranks[f"{kind}_high"].max() <= len(ranks)
    # Three rankings in all, of which one is the ranking itself.
    np.testing.assert_allclose(np.unique(ranks["top_20_refits"]), np.arange(4) / 3)
    assert ranks["top_20_refits"].mean() == pytest.approx(np.ceil(0.2 * len(ranks)) / len(ranks))
    first = ranks[ranks["rank"] <= 0.2 * len(ranks)]
    width = {kind: (first[f"{kind}_high"] - first[f"{kind}_low"]).median() for kind in ("refit", "drawn")}
    assert width["drawn"] > width["refit"]


def test_actual_ranks_lie_inside_the_drawn_ranks_about_as_often_as_stated(shop, found):
    later = shop.orders[shop.orders["date"] >= pd.Timestamp(shop.window.cutoff)]
    later = later[later["date"] < pd.Timestamp(shop.window.end)]
    money = later.groupby("customer_id")["amount"].sum().reindex(found.ranks["customer_id"], fill_value=0.0)
    actual = money.rank(ascending=False).to_numpy()
    # Only of those who may well come; the rest share one place, inside or outside all together.
    sure = shop.ranking.set_index("customer_id")["probability_active"].loc[found.ranks["customer_id"]] > 0.5
    inside = (actual >= found.ranks["drawn_low"]) & (actual <= found.ranks["drawn_high"])
    assert inside[sure.to_numpy()].mean() == pytest.approx(0.8, abs=0.15)


def test_it_prints_the_figures_and_what_they_mean(found):
    text = str(found)
    assert "growth weight" in text
    assert "customers are among the first 20 % in every refit" in text


def test_the_transactions_are_left_as_they_were(shop, found):
    assert found.notes == []
    pd.testing.assert_frame_equal(customer_table(shop.tx, shop.window.cutoff), shop.customers)
    assert "days_of_part" not in shop.tx.days.get_backend().list_tables()


@pytest.mark.parametrize(("share", "standard_errors"), [(PART, 1.0), (0.8, 0.5)])
def test_a_mean_over_half_of_the_customers_varies_as_one_over_a_bootstrap_of_them(
    shop, share, standard_errors
):
    money = shop.customers["net_spend"].to_numpy()[::10]
    size, rng = first_count(len(money), share), np.random.default_rng(0)
    without = [rng.choice(money, size, replace=False).mean() for _ in range(20_000)]
    bootstrap = [rng.choice(money, len(money)).mean() for _ in range(20_000)]
    assert np.mean(without) == pytest.approx(money.mean(), rel=0.005)
    assert np.std(without) == pytest.approx(standard_errors * np.std(bootstrap), rel=0.03)


def test_a_horizon_that_is_too_long_for_the_history_is_named(shop_orders):
    chosen = np.sort(shop_orders["customer_id"].unique())[::8]
    tx = read_transactions(shop_orders[shop_orders["customer_id"].isin(chosen)])
    found = sensitivity(tx, Window("1997-10-01", 91), seeds=1, parts=0, draws=2)
    assert list(found.variations.query("varied == 'horizon'")["setting"]) == ["45 days"]
    assert found.notes == [
        "No ranking over 182 days: the history of 273 days is too short to evaluate such a forecast; 455 days or more "
        "are needed."
    ]
    assert "No ranking over 182 days" in str(found)


@pytest.mark.parametrize("repeats", [{"seeds": 0, "parts": 0}, {"seeds": -1}, {"draws": 0}])
def test_intervals_of_nothing_are_refused(shop, repeats):
    with pytest.raises(InputError, match="at least one refit and one draw"):
        sensitivity(shop.tx, shop.window, **repeats)
