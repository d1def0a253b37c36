"""Consistency: what a ranking says of its customers agrees with the numbers beside it, on real purchases too."""

import numpy as np
import pandas as pd
import pytest

from duramen.analysis.consistency import check_consistency
from duramen.data.customers import customer_table
from duramen.data.datasets import complete_journey
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.errors import InputError
from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.ranking import rank_core_customers


def failed(ranking):
    table = check_consistency(ranking)
    return table.loc[~table["holds"], ["check", "figure"]].to_dict(orient="records")


def test_the_ranking_of_the_shop_tells_one_story(shop):
    assert failed(shop.ranking) == []


@pytest.mark.slow
@pytest.mark.parametrize("cutoff", ["1997-07-15", "1997-10-01", "1998-01-01", "1998-04-01", "1998-07-01"])
def test_rankings_at_other_cutoffs_and_on_the_last_day_tell_one_story(shop, cutoff):
    model = CoreCustomerModel().fit(shop.tx, Window(cutoff, 91))
    scores = model.predict(customer_table(shop.tx, cutoff), with_reasons=False)
    assert failed(rank_core_customers(scores)) == []


@pytest.fixture(scope="module")
def grocer():
    return read_transactions(complete_journey(), currency="USD")


@pytest.mark.slow
@pytest.mark.parametrize("cutoff", ["2017-07-03", "2017-08-04", "2017-09-03", "2017-10-02", "2018-01-01"])
def test_the_rankings_of_the_grocer_tell_one_story(grocer, cutoff):
    model = CoreCustomerModel().fit(grocer, Window(cutoff, 91))
    scores = model.predict(customer_table(grocer, cutoff), with_reasons=False)
    assert failed(rank_core_customers(scores)) == []


@pytest.mark.parametrize(
    ("wrong", "check"),
    [
        ({"segment": "1 lapsed frequent buyers"}, "top-tier customers"),
        ({"growth_rate": 1.0}, "growth is above 0"),
        ({"lifecycle_stage": "growing"}, "growing customers"),
        ({"lifecycle_stage": "steady"}, "steady customers"),
        ({"lifecycle_stage": "declining", "growth_rate": 0.2}, "declining customers"),
        ({"quadrant": "core and declining", "growth_rate": -0.05}, "core customers"),
        ({"tier": "rising", "lifecycle_stage": "at risk"}, "no rising customer"),
        ({"probability_growing": 1.0}, "nobody is likelier"),
        ({"expected_spend": 1.0}, "expected purchases"),
        ({"predicted_value_high": 0.0}, "intervals contain"),
    ],
)
def test_a_planted_contradiction_is_found(shop, wrong, check):
    assert any(found["check"].startswith(check) for found in failed(shop.ranking.assign(**wrong)))


def test_names_in_the_wrong_order_of_probability_are_found(shop):
    by = shop.ranking["probability_active"]
    names = np.where(by > by.median(), "1 lapsed buyers", "2 active buyers")
    assert any("in this order" in found["check"] for found in failed(shop.ranking.assign(segment=names)))


def test_stages_whose_words_contradict_a_probability_are_found(shop):
    stages = shop.ranking["lifecycle_stage"].to_numpy(copy=True)
    safest = shop.ranking["probability_active"].argmax()
    stages[safest] = "lapsed"
    one = failed(shop.ranking.assign(lifecycle_stage=stages))
    assert [found["check"].split(",")[0] for found in one] == [
        "nobody at risk is likelier to buy than a customer of an active stage"
    ]
    turned = shop.ranking["lifecycle_stage"].replace({"lapsed": "steady", "steady": "lapsed"})
    assert any(
        "active stages" in found["check"] for found in failed(shop.ranking.assign(lifecycle_stage=turned))
    )


def test_a_ranking_without_a_column_is_refused():
    with pytest.raises(InputError, match="no column tier or segment or"):
        check_consistency(pd.DataFrame({"customer_id": [1]}))
