"""The map of value and growth: every customer in one of five places, and none against their forecast."""

import pandas as pd
import pytest

from duramen.scoring.value_growth import (
    CORE_DECLINING,
    CORE_GROWING,
    CORE_STEADY,
    QUADRANTS,
    RISING,
    quadrants,
    value_growth_map,
)


def test_places_agree_with_tier_and_stage(shop):
    ranking = shop.ranking
    core = ranking["tier"].isin(["VIP", "main"])
    for stage, place in {"growing": CORE_GROWING, "steady": CORE_STEADY, "declining": CORE_DECLINING}.items():
        of_stage = ranking[core & (ranking["lifecycle_stage"] == stage)]
        assert (of_stage["quadrant"] == place).all()
    assert ranking.loc[core, "quadrant"].isin([CORE_GROWING, CORE_STEADY, CORE_DECLINING]).all()
    assert (ranking["quadrant"] == RISING).tolist() == (ranking["tier"] == "rising").tolist()


def test_less_than_a_tenth_either_way_is_steady():
    core = pd.DataFrame({"tier": "VIP", "growth_rate": [0.1, 0.099, 0, -0.099, -0.1, float("nan")]})
    expected = [CORE_GROWING, CORE_STEADY, CORE_STEADY, CORE_STEADY, CORE_DECLINING, CORE_STEADY]
    assert quadrants(core).tolist() == expected


def test_the_map_adds_up(shop):
    table = value_growth_map(shop.ranking)
    assert list(table["quadrant"]) == list(QUADRANTS)
    assert table["customers"].sum() == len(shop.ranking)
    assert table["share_of_value"].sum() == pytest.approx(1)
    assert table["past_value"].sum() == pytest.approx(shop.ranking["past_value"].sum())
    by_name = table.set_index("quadrant")
    assert by_name.loc[CORE_DECLINING, "change"] < 0 < by_name.loc[CORE_GROWING, "change"]


def test_an_empty_quadrant_has_no_means(shop):
    table = value_growth_map(shop.ranking[shop.ranking["quadrant"] != RISING]).set_index("quadrant")
    assert table.loc[RISING, "customers"] == 0
    assert table.loc[RISING, ["change", "churn_probability_mean"]].isna().all()
