"""Treatments: one for every customer, by tier, stage and frequency; none against the tier, the stage or the churn."""

from itertools import product

import pandas as pd
import pytest

from duramen.errors import InputError
from duramen.scoring.ranking import rank_core_customers
from duramen.scoring.tiers import Tier, Tiers
from duramen.scoring.treatments import (
    RELEASE,
    TIER_KEYS,
    TREATMENTS,
    refuse_treatments,
    treatment_of,
    treatment_table,
)
from duramen.segments.lifecycle_stage import STAGES
from duramen.segments.naming import FREQUENCIES


def segment_of(frequency):
    return f"1 active {frequency} buyers, high spend"


def test_every_kind_of_customer_has_a_treatment_that_says_who_acts():
    for tier, stage, frequency in product(TIER_KEYS, STAGES, FREQUENCIES):
        who, what = treatment_of(tier, stage, segment_of(frequency), {}).split(": ")
        assert who in {"account manager", "sales team", "service team", "automated e-mail", RELEASE}
        assert len(what) > 20


def test_only_small_lapsed_customers_are_released():
    released = {
        (tier, stage)
        for tier, stage, frequency in product(TIER_KEYS, STAGES, FREQUENCIES)
        if treatment_of(tier, stage, segment_of(frequency), {}).startswith(RELEASE)
    }
    assert released == {("small", "lapsed")}


def test_a_given_treatment_counts_before_any_usual_one_and_the_closest_first():
    given = {
        "vip": "flowers",
        "vip at risk": "the director calls",
        "at risk": "a letter",
        "one-time": "a coupon",
    }
    segment = segment_of("one-time")
    assert treatment_of("vip", "at risk", segment, given) == "the director calls"
    assert treatment_of("vip", "steady", segment, given) == "flowers"
    assert treatment_of("main", "at risk", segment, given) == "a letter"
    assert treatment_of("main", "steady", segment, given) == "a coupon"
    assert treatment_of("main", "steady", segment_of("frequent"), given) == TREATMENTS["main steady"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"vip at rsk": "call"}, "no kind of customer 'vip at rsk' to treat; did you mean 'vip at risk'"),
        ({"at risk vip": "call"}, "no kind of customer 'at risk vip'"),
        ({"vip": " "}, "treatment of 'vip' is ' '; write what is to be done in words"),
        ({"vip": 5}, "treatment of 'vip' is 5"),
    ],
)
def test_a_treatment_that_is_for_nobody_or_says_nothing_is_refused(given, sentence):
    with pytest.raises(InputError, match=sentence):
        refuse_treatments(given)
    with pytest.raises(InputError, match=sentence):
        Tiers(treatments=given)


def test_treatments_are_kept_with_the_tiers_and_added_to():
    tiers = Tiers(treatments={"vip": "flowers"}, small=Tier("basic", "online only"))
    assert Tiers.from_dict(tiers.to_dict()) == tiers
    more = Tiers.from_dict({"treatments": {"main": "a call"}}, tiers)
    assert more.treatments == {"vip": "flowers", "main": "a call"}


def test_the_ranking_has_the_treatment_of_the_names_of_its_tiers(shop):
    tiers = Tiers(vip=Tier("gold", "dine with them"), treatments={"vip": "flowers"})
    ranking = rank_core_customers(shop.scores, tiers)
    assert set(ranking.loc[ranking["tier"] == "gold", "treatment"]) == {"flowers"}
    assert not ranking["treatment"].isna().any()
    usual = rank_core_customers(shop.scores)
    pd.testing.assert_series_equal(
        usual["treatment"].where(usual["tier"] != "VIP"),
        ranking["treatment"].where(ranking["tier"] != "gold"),
    )


def test_the_table_of_treatments_covers_every_customer_once(shop):
    table = treatment_table(shop.ranking)
    assert table["customers"].sum() == len(shop.ranking)
    assert table["share_of_value"].sum() == pytest.approx(1)
    assert table["predicted_value"].is_monotonic_decreasing
    assert set(table["treatment"]) == set(shop.ranking["treatment"])
