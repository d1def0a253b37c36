"""Where churn is high, and what sets those who left apart, each with how sure it is."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from duramen.analysis.churn_groups import churn_by_group, compare_churners
from duramen.data.features import FEATURES
from duramen.data.outcomes import customer_outcomes
from duramen.errors import InputError


@pytest.fixture(scope="module")
def churned(shop):
    return 1 - customer_outcomes(shop.tx, shop.window, shop.customers)["active"]


def bases(groups, spread, mean, largest, seed):
    """Draw groups of known rates and their customers."""
    rng = np.random.default_rng(seed)
    rate = rng.beta(mean / spread**2, (1 - mean) / spread**2, groups)
    size = rng.integers(1, largest, groups)
    group = np.repeat(np.arange(groups), size)
    return rate, (rng.random(len(group)) < rate[group]).astype(float), group


@pytest.mark.parametrize(("spread", "mean"), [(0.2, 0.4), (0.4, 0.15), (0.5, 0.7)])
def test_both_intervals_hold_the_rate_of_nineteen_groups_in_twenty(spread, mean):
    rate, churned, group = bases(2000, spread, mean, 120, seed=1)
    found = churn_by_group(churned, group).sort_values("group")
    assert 0.93 <= np.mean((found["rate_low"] <= rate) & (rate <= found["rate_high"])) <= 0.97
    assert 0.93 <= np.mean((found["shrunk_low"] <= rate) & (rate <= found["shrunk_high"])) <= 0.97
    assert np.mean((found["shrunk_rate"] - rate) ** 2) < 0.8 * np.mean((found["rate"] - rate) ** 2)
    assert (found["shrunk_high"] - found["shrunk_low"]).mean() < (
        found["rate_high"] - found["rate_low"]
    ).mean()


@pytest.mark.slow
def test_the_shrunk_interval_holds_also_where_a_base_has_four_groups():
    held = []
    for seed in range(300):
        rate, churned, group = bases(4, 0.3, 0.4, 200, seed)
        found = churn_by_group(churned, group).sort_values("group")
        held.append(np.mean((found["shrunk_low"] <= rate) & (rate <= found["shrunk_high"])))
    assert 0.93 <= np.mean(held) <= 0.97


def test_three_customers_who_left_are_not_the_worst_group():
    sizes, left = [400, 380, 420, 390, 3], [280, 120, 130, 110, 3]
    group = np.repeat(["a", "b", "c", "d", "e"], sizes)
    churned = np.concatenate([np.arange(n) < x for n, x in zip(sizes, left, strict=True)])
    found = churn_by_group(churned, group)
    assert found.loc[found["rate"].idxmax(), "group"] == "e"
    assert found.loc[0, "group"] == "a"
    assert found.loc[found["group"] == "e", "shrunk_low"].item() < churned.mean()


def test_groups_of_one_rate_are_drawn_together():
    churned, group = np.tile([1.0, 0.0, 0.0], 400), np.repeat(np.arange(40), 30)
    found = churn_by_group(churned, group)
    np.testing.assert_allclose(found["shrunk_rate"], 1 / 3, atol=1e-3)
    assert (found["shrunk_high"] - found["shrunk_low"] < 0.2).all()


def test_large_groups_keep_their_own_rate():
    group = np.repeat(["one", "two", "three"], 20_000)
    churned = np.concatenate([np.arange(20_000) < share * 20_000 for share in (0.2, 0.5, 0.8)])
    found = churn_by_group(churned, group)
    np.testing.assert_allclose(found["shrunk_rate"], [0.8, 0.5, 0.2], atol=1e-3)
    np.testing.assert_allclose(found["shrunk_low"], found["rate_low"], atol=1e-3)
    np.testing.assert_allclose(found["shrunk_high"], found["rate_high"], atol=1e-3)


def test_wilson_interval_at_published_figures():
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3: 81/263, 15/148, 0/20, 1/29.
    group = np.repeat(["81/263", "15/148", "0/20", "1/29"], [263, 148, 20, 29])
    churned = np.concatenate([np.arange(n) < x for x, n in ((81, 263), (15, 148), (0, 20), (1, 29))])
    found = churn_by_group(churned, group).set_index("group")[["rate_low", "rate_high"]].round(4)
    assert found.loc["81/263"].tolist() == [0.2553, 0.3662]
    assert found.loc["15/148"].tolist() == [0.0624, 0.1605]
    assert found.loc["0/20"].tolist() == [0.0, 0.1611]
    assert found.loc["1/29"].tolist() == [0.0061, 0.1718]


@pytest.mark.parametrize("left", [0.0, 1.0])
def test_all_alike_gives_finite_rates_within_bounds(left):
    found = churn_by_group(np.full(50, left), np.repeat(["a", "b"], [1, 49]))
    numbers = found.drop(columns="group")
    assert np.isfinite(numbers.to_numpy()).all()
    assert found[["rate_low", "shrunk_low"]].min(axis=None) >= 0
    assert found[["rate_high", "shrunk_high"]].max(axis=None) <= 1
    assert (found["shrunk_low"] < found["shrunk_rate"]).all()
    assert (found["shrunk_rate"] < found["shrunk_high"]).all()


def test_real_segments_hold_all_customers_and_what_the_model_expected(shop, churned):
    found = churn_by_group(churned, shop.scores["segment"], shop.scores["churn_probability"])
    assert found["customers"].sum() == len(shop.customers)
    assert found["churned"].sum() == churned.sum()
    assert found["shrunk_rate"].is_monotonic_decreasing
    np.testing.assert_allclose(found["difference"], found["shrunk_rate"] - churned.mean())
    one = shop.scores["segment"] == found.loc[0, "group"]
    assert found.loc[0, "predicted_rate"] == pytest.approx(shop.scores.loc[one, "churn_probability"].mean())
    assert "predicted_rate" not in churn_by_group(churned, shop.scores["segment"])


def test_customers_without_a_group_are_one_and_unused_categories_none():
    group = pd.Categorical(["web", None, "web", None], categories=["web", "fair"])
    found = churn_by_group([0, 1, 0, 1], group)
    assert found["customers"].tolist() == [2, 2]
    assert found["group"].isna().tolist() == [True, False]


def test_groups_and_churned_of_different_length_are_refused():
    with pytest.raises(InputError, match="group has 2 rows and churned 3; give one group for each customer"):
        churn_by_group([1, 0, 1], ["a", "b"])
    with pytest.raises(
        InputError, match="churn_probability is missing or not a number from 0 to 1 for 1 of 3"
    ):
        churn_by_group([1, 0, 1], ["a", "b", "b"], [0.5, 0.5, 2])


def test_separation_is_the_mann_whitney_statistic_with_its_variance():
    rng = np.random.default_rng(3)
    values, churned = rng.poisson(2, 300).astype(float), rng.random(300) < 0.3
    found = compare_churners(pd.DataFrame({"visits": values}), churned).loc[0]
    left, stayed = values[churned], values[~churned]
    pairs = np.sign(left[:, None] - stayed[None, :])
    assert found["separation"] == pytest.approx(pairs.mean() / 2)
    test = stats.mannwhitneyu(left, stayed, use_continuity=False, method="asymptotic")
    assert found["false_discovery"] == pytest.approx(test.pvalue)
    shuffled = [
        compare_churners(pd.DataFrame({"visits": values}), rng.permutation(churned)).loc[0, "separation"]
        for _ in range(400)
    ]
    assert np.std(shuffled) == pytest.approx(found["standard_error"], rel=0.1)


def test_silence_sets_lost_cdnow_customers_apart_and_is_explained(shop, churned):
    found = compare_churners(shop.customers, churned)
    assert found["separation"].abs().dropna().is_monotonic_decreasing
    silence = found.set_index("feature").loc["time_since_last"]
    assert silence["separation"] > 0.2
    assert silence["false_discovery"] < 1e-10
    assert silence["median_left"] > silence["median_stayed"]
    assert silence["meaning"] == FEATURES["time_since_last"].meaning
    assert silence["known_left"] + silence["known_stayed"] == len(shop.customers)
    assert set(found["feature"]) == set(shop.customers.columns) - {"customer_id"}


def test_what_is_missing_is_left_out_of_the_comparison():
    satisfaction = [1.0, np.nan, 2.0, 5.0, 4.0, np.nan]
    told = compare_churners(pd.DataFrame({"satisfaction": satisfaction}), [1, 1, 1, 0, 0, 0]).loc[0]
    assert told["separation"] == -0.5
    assert (told["known_left"], told["known_stayed"]) == (2, 2)
    assert (told["median_left"], told["median_stayed"], told["meaning"]) == (1.5, 4.5, "")


def test_what_cannot_be_compared_comes_last_and_what_never_varies_tells_nothing():
    table = pd.DataFrame(
        {
            "unknown": np.nan,
            "known_for_stayers": [np.nan, np.nan, 1.0, 2.0],
            "same": 1.0,
            "referred": [True, True, False, True],
            "name": list("abcd"),
            "score": pd.array([3, 4, None, 1], dtype="Int64"),
        }
    )
    found = compare_churners(table, [1, 1, 0, 0]).set_index("feature")
    assert found.index.tolist() == ["score", "referred", "same", "unknown", "known_for_stayers"]
    assert found.loc["same", ["separation", "standard_error", "false_discovery"]].tolist() == [0, 0, 1]
    assert found.loc[["unknown", "known_for_stayers"], "false_discovery"].isna().all()
    assert np.isnan(found.loc["known_for_stayers", "median_left"])
    assert found.loc["known_for_stayers", "median_stayed"] == 1.5


def test_features_that_are_all_unknown_are_told_as_such():
    found = compare_churners(pd.DataFrame({"satisfaction": [np.nan, np.nan]}), [1, 0])
    assert found["false_discovery"].isna().all()


def test_few_of_many_idle_features_are_found():
    rng = np.random.default_rng(5)
    false, true = [], []
    for _ in range(60):
        churned = rng.random(400) < 0.4
        table = pd.DataFrame(rng.normal(size=(400, 40))).add_prefix("idle_")
        table["told"] = rng.normal(size=400) + churned
        found = compare_churners(table, churned).set_index("feature")["false_discovery"] < 0.1
        true.append(found["told"])
        false.append((found.sum() - found["told"]) / max(found.sum(), 1))
    assert all(true)
    assert np.mean(false) <= 0.1


def test_order_of_customers_and_units_do_not_matter(shop, churned):
    one = compare_churners(shop.customers, churned)
    turned = shop.customers.iloc[::-1].assign(net_spend=lambda table: 100 * table["net_spend"])
    other = compare_churners(turned, churned.to_numpy()[::-1])
    np.testing.assert_allclose(one["separation"], other["separation"], atol=1e-12)


def test_without_two_sides_or_numbers_there_is_nothing_to_compare():
    table = pd.DataFrame({"customer_id": [1, 2], "visits": [1.0, 2.0]})
    with pytest.raises(InputError, match="all of the 2 customers left, so there are no two sides"):
        compare_churners(table, [1, 1])
    with pytest.raises(InputError, match="none of the 2 customers left"):
        compare_churners(table, [0, 0])
    with pytest.raises(InputError, match="the customer table has no numeric column"):
        compare_churners(table[["customer_id"]], [1, 0])
    with pytest.raises(InputError, match=r"churned has the shape \(3,\)"):
        compare_churners(table, [1, 0, 1])
