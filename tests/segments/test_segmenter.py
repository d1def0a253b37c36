"""Behavioural segments: stable, named, described by rules, and given to new customers without a refit."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duramen.errors import InputError
from duramen.segments.activity import ActivityLevels
from duramen.segments.clustering import FEWEST, METHODS, MOST, SMALLEST_SHARE, STABLE
from duramen.segments.naming import FREQUENCIES, distinct_names, frequency_in_words
from duramen.segments.segmenter import MOST_OUTLIERS, WEIGHTS, BehaviouralSegmenter


@pytest.fixture(scope="module")
def fitted(shop):
    return shop.model.segments_


@pytest.fixture(scope="module")
def labels(shop, fitted):
    return fitted.predict(shop.customers)


@pytest.fixture(scope="module")
def earlier(shop):
    """The segments of the shop a quarter before."""
    from duramen.data.customers import customer_table

    return BehaviouralSegmenter().fit(customer_table(shop.tx, shop.window.earlier(91).cutoff))


@pytest.fixture(scope="module")
def refitted(shop, earlier):
    return BehaviouralSegmenter(previous=earlier).fit(shop.customers)


def few_kinds(kinds):
    rows = [
        {"frequency": 0.0, "T": 100.0, "gap_mean": np.nan, "basket_geometric_mean": 10.0 * 5**kind,
         "time_since_last": 100.0, "purchase_position": np.nan}
        for kind in range(kinds)
    ]  # fmt: skip
    return pd.DataFrame(rows * 30)


def crowd(rng, customers=300):
    """Customers in whom nothing separates one kind from another."""
    # As much spread in each measure after its weight, and none goes with another.
    frequency = np.round(60 * rng.lognormal(0, 0.5, customers))
    gap = 1_000 / (frequency + 1)
    return pd.DataFrame(
        {"frequency": frequency, "T": 1_000.0, "gap_mean": gap,
         "basket_geometric_mean": rng.lognormal(3, 0.5 / 0.7, customers) / frequency,
         "time_since_last": gap * np.expm1(rng.normal(1.5, 0.4, customers).clip(0.1)),
         "purchase_position": rng.normal(0.5, 0.2, customers).clip(0.01, 0.99)}
    )  # fmt: skip


def test_there_are_three_to_seven_segments_and_none_is_tiny(fitted, labels):
    sizes = np.bincount(labels)
    assert FEWEST <= len(sizes) - 1 <= MOST
    assert sizes[1:].min() >= SMALLEST_SHARE * len(labels) * 0.9
    np.testing.assert_array_equal(fitted.profile_["customers"], sizes[1:])


def test_segments_are_numbered_by_falling_spend_rate(shop, labels):
    rate = np.log(
        (shop.customers["frequency"] + 0.5) / (shop.customers["T"] + shop.model.segments_.base_gap_)
    )
    spend = (rate + np.log(shop.customers["basket_geometric_mean"])).groupby(labels).mean()
    assert spend.drop(index=0, errors="ignore").is_monotonic_decreasing


def test_the_order_of_rows_changes_no_label(shop, fitted, labels):
    order = np.random.default_rng(0).permutation(len(labels))
    np.testing.assert_array_equal(fitted.predict(shop.customers.iloc[order]), labels[order])


@pytest.mark.slow
def test_a_refit_with_the_same_seed_gives_the_same_segments(shop, fitted):
    probability = shop.scores["probability_active"].to_numpy()
    again = BehaviouralSegmenter(seed=0).fit(shop.customers, probability_active=probability)
    assert again.to_dict() == fitted.to_dict()


def test_a_refit_on_most_of_the_customers_keeps_most_labels(shop, labels):
    from sklearn.metrics import adjusted_rand_score

    again = BehaviouralSegmenter(seed=1).fit(shop.customers.sample(frac=0.8, random_state=0))
    assert adjusted_rand_score(labels, again.predict(shop.customers)) > 0.6


def test_a_new_customer_is_given_the_segment_of_its_twin(shop, fitted, labels):
    newcomer = shop.customers.iloc[[11]].assign(customer_id="newcomer")
    assert fitted.predict(newcomer) == labels[[11]]


# Outliers


def test_an_extreme_customer_is_an_outlier_of_the_nearest_segment(shop, fitted):
    extreme = shop.customers.head(1).assign(frequency=5000.0, basket_geometric_mean=1e9, gap_mean=0.1)
    assert fitted.place(extreme)[1].tolist() == [True]
    assert fitted.predict(extreme)[0] in set(fitted.profile_["segment"])


def test_outliers_are_few(shop, fitted):
    assert 0 < fitted.place(shop.customers)[1].sum() <= np.ceil(MOST_OUTLIERS * len(shop.customers))


def test_extreme_customers_do_not_move_the_centres(shop, fitted):
    wild = shop.customers.head(20).assign(basket_geometric_mean=1e9)
    again = BehaviouralSegmenter().fit(pd.concat([shop.customers, wild], ignore_index=True))
    assert again.place(wild)[1].all()
    from sklearn.metrics import adjusted_rand_score

    assert adjusted_rand_score(fitted.predict(shop.customers), again.predict(shop.customers)) > 0.8


# Words


def test_names_are_distinct_and_carry_the_number(fitted):
    names = fitted.names(fitted.profile_["segment"].to_numpy())
    assert len(set(names)) == len(names)
    assert [name.split(" ")[0] for name in names] == [str(number) for number in fitted.profile_["segment"]]


def test_every_segment_has_a_rule_and_says_how_often_its_customers_buy(fitted):
    assert fitted.profile_["rule"].str.len().gt(0).all()
    assert set(fitted.profile_["name"].map(frequency_in_words)) <= set(FREQUENCIES)


def test_the_first_words_of_segments_are_in_the_order_of_their_probabilities(shop):
    scores = shop.scores
    mean = scores.groupby("segment")["probability_active"].mean()
    words = mean.index.str.split(" ", n=1).str[1].str.extract("^(active|at risk|lapsed)", expand=False)
    assert words.notna().all()
    levels = shop.model.segments_.activity_levels_
    assert levels == ActivityLevels.of_segments(mean)
    assert (words == levels.words(mean)).all()
    ends = (
        mean.groupby(words.to_numpy()).agg(["min", "max"]).reindex(["active", "at risk", "lapsed"]).dropna()
    )
    assert (ends["min"].to_numpy()[:-1] >= ends["max"].to_numpy()[1:]).all()


def test_rules_are_as_faithful_as_they_say(fitted):
    assert 0.6 < fitted.rule_fidelity_ <= 1.0


def test_a_rule_covers_and_holds_as_it_says(fitted, shop, labels):
    """One rule read back from its words, on the customers themselves."""
    profile = fitted.profile_.set_index("segment")
    number = profile.index[profile["rule"].str.startswith("spend a year at most")][0]
    words = profile.loc[number, "rule"].split(" (")[0].split(" and ")
    rate = (shop.customers["frequency"] + 0.5) / (shop.customers["T"] + fitted.base_gap_) * 364
    columns = {
        "repeat purchase days": shop.customers["frequency"],
        "basket": shop.customers["basket_geometric_mean"],
        "days since last purchase": shop.customers["time_since_last"],
        "spend a year": rate * shop.customers["basket_geometric_mean"],
        "share of life at the mean purchase": shop.customers["purchase_position"].fillna(0.5),
    }
    inside = np.ones(len(labels), dtype=bool)
    for word in words:
        name, bound = word.rsplit(" ", 1)[0], float(word.rsplit(" ", 1)[1].replace(",", ""))
        measure, side = next((m, name[len(m) + 1 :]) for m in columns if name.startswith(m))
        values = columns[measure]
        inside &= {"at most": values <= bound, "above": values > bound, "at least": values >= bound}[side]
    inside &= labels > 0
    theirs = labels == number
    assert (inside & theirs).sum() / theirs.sum() == pytest.approx(
        profile.loc[number, "rule_covers"], abs=0.01
    )
    assert (inside & theirs).sum() / inside.sum() == pytest.approx(
        profile.loc[number, "rule_holds"], abs=0.01
    )


def test_a_rule_that_covers_little_says_so(fitted):
    for row in fitted.profile_.iloc[:-1].itertuples():
        f1 = 2 * row.rule_covers * row.rule_holds / (row.rule_covers + row.rule_holds)
        assert row.rule.startswith("no simple rule") == (f1 < 0.5)
        assert f"covers {row.rule_covers:.0%} of the segment" in row.rule


def test_on_the_shop_every_segment_has_a_simple_rule(fitted):
    assert not fitted.profile_["rule"].str.contains("no simple rule").any()


@pytest.mark.parametrize(
    ("measure", "values", "words"),
    [
        ("purchases_per_year", [52, 12], ["weekly", "monthly"]),
        ("purchases_per_year", [60, 50], ["every 6 days", "every 7 days"]),
        ("purchases_per_year", [364, 0.5], ["daily", "less than yearly"]),
        ("spend_per_year", [20.0, 90.5], ["lower spend", "higher spend"]),
        ("spend_per_year", [7.0, 90.5, 20.0], ["lowest spend", "highest spend", "medium spend"]),
        ("spend_per_year", [5.0, 1.0, 3.0, 2.0, 4.0], [f"spend rank {n} of 5" for n in (1, 5, 3, 4, 2)]),
        ("purchase_position", [0.8, 0.2], ["more often lately", "less often lately"]),
        ("purchase_position", [0.9, 0.5, 0.3], ["more often lately", "at an even pace", "less often lately"]),
        ("silence", [0.2, 1.4], ["no purchase for 2 days", "no purchase for 14 days"]),
    ],
)
def test_equal_names_add_the_measure_that_differs_most(measure, values, words):
    profile = pd.DataFrame({"purchases_per_year": 12.0, "spend_per_year": 20.0, "silence": 1.0,
                            "time_since_last": 10.0, "purchase_position": 0.5}, index=range(len(values)))  # fmt: skip
    profile[measure] = values
    if measure == "silence":
        profile["time_since_last"] = [2.0, 14.0]
    distinct = distinct_names(["active frequent buyers, high spend"] * len(values), profile)
    stem = "active frequent buyers" + (", high spend" if measure != "spend_per_year" else "")
    assert distinct == [f"{stem}, {word}" for word in words]


def test_equal_names_that_differ_in_nothing_still_become_distinct():
    profile = pd.DataFrame({"purchases_per_year": [12.0] * 2, "spend_per_year": 20.0, "silence": 1.0,
                            "time_since_last": 10.0, "purchase_position": 0.5})  # fmt: skip
    assert len(set(distinct_names(["buyers, low spend"] * 2, profile))) == 2


# Configuration


def test_a_measure_of_no_weight_changes_nothing(shop):
    weights, table = {"trend": 0, "silence": 0}, shop.customers.head(500)
    silence = np.random.default_rng(0).permutation(table["time_since_last"])
    other = table.assign(purchase_position=0.5, time_since_last=silence)
    one, two = (BehaviouralSegmenter(weights=weights).fit(customers) for customers in (table, other))
    assert one.weights_ == WEIGHTS | {"trend": 0.0, "silence": 0.0}
    np.testing.assert_array_equal(one.predict(table), two.predict(other))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"weights": {"colour": 1}}, "no measure 'colour'"),
        ({"weights": {"trend": -1}}, "weight of trend is -1"),
        ({"weights": {"trend": "much"}}, "weight of trend is 'much'"),
        ({"weights": {"trend": float("nan")}}, "weight of trend is nan"),
        ({"weights": dict.fromkeys(WEIGHTS, 0)}, "all weights are 0"),
    ],
)
def test_an_invalid_setting_is_refused_in_a_sentence(shop, settings, sentence):
    with pytest.raises(InputError, match=sentence):
        BehaviouralSegmenter(**settings).fit(shop.customers)


# The choice


def test_three_methods_are_compared_and_one_is_chosen(fitted):
    table = fitted.candidates_
    assert set(table["method"]) == set(METHODS)
    chosen = table[table["chosen"]].iloc[0]
    assert table["chosen"].sum() == 1
    assert chosen["eligible"]
    assert (chosen["stability"], chosen["method"]) == (fitted.stability_, fitted.partition_.method)
    assert chosen["segments"] == len(fitted.centres_)
    assert table["agreement"].notna().equals(table["method"] == "HDBSCAN")


def test_stability_is_between_zero_and_one_and_high_on_the_shop(fitted):
    assert 0.8 <= fitted.stability_ <= 1.0
    assert not fitted.notes_


def test_where_no_segmentation_is_stable_it_is_said_with_the_figure():
    model = BehaviouralSegmenter().fit(crowd(np.random.default_rng(0)))
    assert model.stability_ < STABLE
    assert "No stable segmentation exists" in model.notes_[0]
    assert f"{model.stability_:.2f}" in model.notes_[0]


def test_the_unit_of_money_does_not_matter(shop, labels):
    dear = shop.customers.assign(basket_geometric_mean=shop.customers["basket_geometric_mean"] * 1024)
    again = BehaviouralSegmenter(seed=0).fit(dear).predict(dear)
    assert (again == labels).mean() > 0.99


# A refit after another


def test_numbers_survive_a_refit(shop, earlier, refitted):
    now, before = refitted.predict(shop.customers), earlier.predict(shop.customers)
    # Outliers of either have no segment to stay in.
    in_both = (now > 0) & (before > 0)
    now, before = now[in_both], before[in_both]
    changes = refitted.changes_.set_index("segment")
    kept = changes[changes["change"] == "kept"]
    assert len(kept) >= len(earlier.numbers_) - 1
    for number in kept.index:
        shared = 2 * ((now == number) & (before == number)).sum()
        assert shared / ((now == number).sum() + (before == number).sum()) == pytest.approx(
            kept.loc[number, "overlap"]
        )


def test_a_new_segment_never_gets_an_old_number(shop, refitted, earlier):
    third = BehaviouralSegmenter(previous=refitted, weights={"rhythm": 0, "silence": 3}).fit(shop.customers)
    new = set(third.numbers_) - set(refitted.numbers_)
    assert all(number > refitted.last_number_ for number in new)
    assert third.last_number_ >= refitted.last_number_ >= earlier.last_number_
    assert len(set(third.numbers_)) == len(third.numbers_)


def test_a_refit_after_itself_changes_nothing(shop, fitted, labels):
    again = BehaviouralSegmenter(previous=fitted).fit(shop.customers)
    assert (again.predict(shop.customers) == labels).mean() > 0.97
    assert set(again.changes_["change"]) == {"kept"}


# What the data may be like


@pytest.mark.parametrize("kinds", [1, 2, 3, 4])
def test_customers_of_a_few_kinds_are_no_error(kinds):
    customers = few_kinds(kinds)
    model = BehaviouralSegmenter().fit(customers)
    labels = model.predict(customers)
    assert 1 <= len(set(labels)) <= max(kinds, 1)
    if kinds <= FEWEST:
        assert "No segments were formed" in model.notes_[0]
        assert set(labels) == {1}


@pytest.mark.slow
@settings(max_examples=25)
@given(
    customers=st.integers(1, 40),
    constant=st.sampled_from(["frequency", "basket_geometric_mean", "time_since_last", "T", None]),
    missing=st.sampled_from(["basket_geometric_mean", "time_since_last", "frequency", "T", None]),
    share=st.floats(0, 1),
    seed=st.integers(0, 9),
)
def test_every_customer_gets_a_known_segment(customers, constant, missing, share, seed):
    rng = np.random.default_rng(seed)
    table = crowd(rng, customers)
    if constant is not None:
        table[constant] = table[constant].iloc[0]
    if missing is not None:
        table.loc[rng.random(customers) < share, missing] = np.nan
    model = BehaviouralSegmenter().fit(table)
    labels = model.predict(table)
    assert set(labels) <= set(model.profile_["segment"])
    assert model.profile_["customers"].sum() == customers
    assert not pd.isna(model.names(labels)).any()
    again = BehaviouralSegmenter.from_dict(json.loads(json.dumps(model.to_dict(), allow_nan=False)))
    np.testing.assert_array_equal(again.predict(table), labels)


def test_an_empty_table_and_a_missing_column_are_refused_in_a_sentence(shop):
    with pytest.raises(InputError, match="empty"):
        BehaviouralSegmenter().fit(shop.customers.head(0))
    with pytest.raises(InputError, match="lacks the column gap_mean"):
        BehaviouralSegmenter().fit(shop.customers.drop(columns="gap_mean"))


def test_an_empty_table_is_assigned_no_segments(shop, fitted):
    assert fitted.predict(shop.customers.head(0)).shape == (0,)


def test_state_and_back_assigns_and_names_the_same(shop, fitted, labels):
    again = BehaviouralSegmenter.from_dict(fitted.to_dict())
    np.testing.assert_array_equal(again.predict(shop.customers), labels)
    np.testing.assert_array_equal(again.names(labels), fitted.names(labels))
    pd.testing.assert_frame_equal(again.profile_, fitted.profile_)
    pd.testing.assert_frame_equal(again.candidates_, fitted.candidates_)
    assert again.to_dict() == fitted.to_dict()


def test_changes_survive_saving_and_a_refit_can_follow_a_loaded_one(shop, refitted):
    again = BehaviouralSegmenter.from_dict(json.loads(json.dumps(refitted.to_dict())))
    pd.testing.assert_frame_equal(again.changes_, refitted.changes_)
    few = shop.customers.head(400)
    one, two = (BehaviouralSegmenter(previous=old).fit(few) for old in (again, refitted))
    assert one.to_dict() == two.to_dict()
