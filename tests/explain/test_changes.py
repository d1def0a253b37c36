"""What changed since the previous scoring, in a sentence a customer."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from duramen.data.customers import customer_table
from duramen.errors import InputError
from duramen.explain.changes import NEW, purchases_between, what_changed
from duramen.scoring.ranking import rank_core_customers


def ranking(**columns):
    count = len(next(iter(columns.values())))
    plain = {
        "customer_id": list("abcdefgh")[:count],
        "rank": range(101, 101 + count),
        "predicted_value": 100.0,
    }
    return pd.DataFrame(plain | columns)


def test_a_customer_who_rose_is_described_by_rank_value_and_purchases():
    told = what_changed(
        ranking(rank=[12], predicted_value=[135.0]),
        ranking(rank=[40], predicted_value=[100.0]),
        pd.Series({"a": 3}),
    )
    assert told.tolist() == ["rank 12, was 40; value up 35%: bought 3 times since"]


def test_a_customer_of_whom_nothing_notable_changed_has_no_sentence():
    before = ranking(rank=[1, 2, 100], predicted_value=[100.0, 90.0, 10.0])
    now = ranking(rank=[2, 1, 107], predicted_value=[95.0, 96.0, 9.3])
    assert what_changed(now, before).tolist() == ["", "", ""]
    assert what_changed(now, before, pd.Series({"a": 5})).tolist() == ["", "", ""]


def test_a_customer_who_was_not_scored_before_is_new():
    told = what_changed(ranking(rank=[1, 2]), ranking(rank=[1]), pd.Series({"b": 2}))
    assert told.tolist() == ["", NEW]


def test_customers_who_are_no_longer_scored_are_left_out():
    assert what_changed(ranking(rank=[1]), ranking(rank=[1, 2])).tolist() == [""]


def test_another_tier_and_another_stage_are_notable():
    before = ranking(tier=["VIP", "main"], lifecycle_stage=["steady", "steady"])
    now = ranking(tier=["main", "main"], lifecycle_stage=["steady", "lapsed"])
    assert what_changed(now, before).tolist() == ["tier main, was VIP", "now lapsed, was steady"]


def test_another_model_is_named_beside_what_changed_and_nowhere_else():
    before = ranking(predicted_value=[100.0, 100.0], model_version="1")
    now = ranking(predicted_value=[50.0, 100.0], model_version="2")
    told = what_changed(now, before, pd.Series(dtype=float)).tolist()
    assert told == ["value down 50%: no purchase since; scored with another model than before", ""]


def test_customers_are_found_by_id_in_any_order_and_in_the_type_of_either_file():
    before = ranking(customer_id=[3, 1, 2], rank=[30, 10, 20])
    now = ranking(customer_id=["1", "2", "3"], rank=[20, 21, 10]).set_index(pd.Index([7, 5, 6]))
    told = what_changed(now, before, pd.Series({2.0: 1, 3.0: 2}))
    assert told.to_dict() == {
        7: "rank 20, was 10: no purchase since",
        5: "",
        6: "rank 10, was 30: bought twice since",
    }


def test_frames_of_the_caller_stay_as_they_were():
    before, now = ranking(rank=[1, 2]), ranking(rank=[9, 8])
    copies = before.copy(), now.copy()
    what_changed(now, before, pd.Series({"a": 1}))
    pd.testing.assert_frame_equal(before, copies[0])
    pd.testing.assert_frame_equal(now, copies[1])


def test_no_customers_have_no_sentences():
    assert what_changed(ranking(rank=[1]).iloc[:0], ranking(rank=[1])).tolist() == []
    assert what_changed(ranking(rank=[1]), ranking(rank=[1]).iloc[:0]).tolist() == [NEW]


def test_a_customer_who_is_there_twice_is_refused():
    twice = ranking(customer_id=["a", "a"])
    with pytest.raises(InputError, match=r"^scores have 1 customers twice \(for example 'a'\)"):
        what_changed(twice, ranking(rank=[1]))
    with pytest.raises(InputError, match="previous scores have 1 customers twice"):
        what_changed(ranking(rank=[1]), twice)
    with pytest.raises(InputError, match="purchases have 1 customers twice"):
        what_changed(ranking(rank=[1]), ranking(rank=[1]), pd.Series([1, 2], index=["a", "a"]))


def test_scores_without_ranks_and_scores_of_a_later_cutoff_are_refused():
    with pytest.raises(InputError, match="previous scores have no column 'rank'; give a ranking"):
        what_changed(ranking(rank=[1]), ranking(rank=[1]).drop(columns="rank"))
    dates = [ranking(rank=[1], cutoff=pd.Timestamp(day)) for day in ("2020-01-01", "2020-02-01")]
    with pytest.raises(InputError, match="are of 2020-02-01, after 2020-01-01"):
        what_changed(*dates)


def test_the_sentences_of_the_shop_agree_with_both_rankings(shop):
    then = customer_table(shop.tx, "1998-02-01")
    before = rank_core_customers(shop.model.predict(then, with_reasons=False))
    frequency = shop.customers.set_index("customer_id")["frequency"]
    bought = (frequency - then.set_index("customer_id")["frequency"]).dropna()
    since = purchases_between(shop.tx, date(1998, 2, 1), date(1998, 4, 1))
    assert since.to_dict() == bought[bought > 0].to_dict()
    told = what_changed(shop.ranking, before, since).set_axis(shop.ranking["customer_id"])
    now, was = (of.set_index("customer_id") for of in (shop.ranking, before))
    assert set(told.index[told == NEW]) == set(now.index) - set(was.index)
    known = told[told != NEW]
    was = was.loc[known.index]
    now = now.loc[known.index]
    ranks = known.str.extract(r"rank ([\d,]+), was ([\d,]+)").dropna()
    assert len(ranks) > 100
    for column, table in enumerate((now, was)):
        told_ranks = ranks[column].str.replace(",", "").astype(int)
        np.testing.assert_array_equal(told_ranks, table.loc[ranks.index, "rank"])
    rose = known.str.contains("value up|times what it was")
    assert (now["predicted_value"][rose] > was["predicted_value"][rose]).all()
    active = known.str.contains(r"bought (?:once|twice|[\d,]+ times) since")
    assert active.sum() > 20
    assert (bought.loc[known.index][active] > 0).all()
    assert not known.str.contains("another model").any()
