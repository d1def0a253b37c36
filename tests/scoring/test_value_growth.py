"""The map of value and growth: every customer in one of four quadrants, and none against their forecast."""

import pytest

from duramen.scoring.value_growth import CORE_DECLINING, CORE_GROWING, QUADRANTS, RISING, value_growth_map


def test_quadrants_agree_with_tier_and_forecast(shop):
    ranking = shop.ranking
    of = ranking.groupby("quadrant")
    assert set(of.groups) <= set(QUADRANTS)
    assert (of.get_group(CORE_GROWING)["growth_rate"] > 0).all()
    assert (of.get_group(CORE_DECLINING)["growth_rate"] <= 0).all()
    assert set(of.get_group(CORE_GROWING)["tier"]) | set(of.get_group(CORE_DECLINING)["tier"]) == {
        "VIP",
        "main",
    }
    assert (ranking["quadrant"] == RISING).tolist() == (ranking["tier"] == "rising").tolist()


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
