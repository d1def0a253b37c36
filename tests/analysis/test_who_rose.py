"""Who rises for reasons of their own is named; what all have in common, and what is noise, is not."""

import numpy as np
import pandas as pd
import pytest

from duramen.analysis.who_rose import customers_who_rose
from duramen.data.customers import customer_table
from duramen.data.outcomes import customer_outcomes
from duramen.errors import InputError


def scores(value, high=None, ids=None, cutoff="2021-01-01"):
    value = np.asarray(value, dtype=float)
    return pd.DataFrame(
        {
            "customer_id": ids or [f"c{i:03d}" for i in range(len(value))],
            "cutoff": pd.Timestamp(cutoff),
            "predicted_value": value,
            "predicted_value_high": 2.5 * value if high is None else high,
            "score": value,
        }
    )


@pytest.fixture
def base():
    return np.linspace(100, 2, 99)


def test_a_season_that_moves_all_names_nobody(base):
    assert customers_who_rose(scores(base), scores(3 * base, cutoff="2021-04-01")).empty


def test_who_rose_is_named_with_places_and_values(base):
    now = 0.5 * base
    now[90] = 120.0
    found = customers_who_rose(scores(base), scores(now, cutoff="2021-04-01"))
    assert found["customer_id"].tolist() == ["c090"]
    row, common = found.iloc[0], now.sum() / base.sum()
    assert (row["rank_before"], row["rank_now"], row["places"]) == (91, 1, 90)
    assert (row["value_before"], row["value_now"]) == (base[90], 120.0)
    assert row["value_with_all"] == pytest.approx(base[90] * common)
    assert row["own_factor"] == pytest.approx(120 / (base[90] * common))
    assert row["likely_before"] == pytest.approx(1.5 * 2.5 * base[90] * common)
    assert row["entered_core"]
    assert not row["core_before"]


def test_a_rise_within_the_earlier_interval_is_noise(base):
    now = base.copy()
    now[50] *= 2.3
    found = customers_who_rose(scores(base), scores(now, cutoff="2021-04-01"))
    assert found.empty
    now[50] *= 1.7
    found = customers_who_rose(scores(base), scores(now, cutoff="2021-04-01"))
    assert found["customer_id"].tolist() == ["c050"]


def test_an_interval_that_ends_at_zero_lends_the_usual_one(base):
    high = np.where(base < 50, 0.0, 2.5 * base)
    now = base.copy()
    now[[80, 85]] *= [1.5, 4.5]
    found = customers_who_rose(scores(base, high), scores(now, cutoff="2021-04-01"))
    assert found["customer_id"].tolist() == ["c085"]


def test_newcomers_push_nobody_down_and_none_of_them_is_named(base):
    now = base.copy()
    now[70] *= 10
    later = scores(now, cutoff="2021-04-01")
    newcomers = scores([1000.0] * 30, ids=[f"a{i}" for i in range(30)], cutoff="2021-04-01")
    alone = customers_who_rose(scores(base), later)
    pd.testing.assert_frame_equal(customers_who_rose(scores(base), pd.concat([newcomers, later])), alone)


def test_order_of_rows_and_unit_of_money_change_nothing(base):
    now = base[::-1].copy()
    earlier, later = scores(base), scores(now, cutoff="2021-04-01")
    found = customers_who_rose(earlier, later)
    assert found["places"].is_monotonic_decreasing
    shuffled = customers_who_rose(
        earlier.sample(frac=1, random_state=1), later.sample(frac=1, random_state=2)
    )
    pd.testing.assert_frame_equal(shuffled, found)
    dear = customers_who_rose(scores(base), scores(1024 * now, cutoff="2021-04-01"))
    assert dear[["customer_id", "places"]].equals(found[["customer_id", "places"]])


def test_those_named_in_a_real_shop_then_spend_more_than_those_who_were_worth_as_much(shop):
    earlier = shop.model.predict(customer_table(shop.tx, "1998-01-01"), with_reasons=False)
    found = customers_who_rose(earlier, shop.scores)
    assert 10 < len(found) < len(earlier) / 10
    assert (found["value_now"] > found["likely_before"]).all()
    spent = customer_outcomes(shop.tx, shop.window, shop.customers).set_index("customer_id")["value"]
    both = earlier.assign(
        spent=earlier["customer_id"].map(spent), named=earlier["customer_id"].isin(found["customer_id"])
    )
    named = both[both["named"]]
    alike = pd.cut(
        both["predicted_value"], [-1, *np.quantile(named["predicted_value"], np.linspace(0, 1, 6))]
    )
    others = both[~both["named"]].groupby(alike, observed=True)["spent"].mean()
    assert named["spent"].mean() > 1.5 * named.groupby(alike, observed=True)["spent"].size().mul(
        others
    ).sum() / len(named)


def test_what_does_not_fit_is_refused(base):
    earlier, later = scores(base), scores(base, cutoff="2021-04-01")
    with pytest.raises(InputError, match="the later scores lack predicted_value_high"):
        customers_who_rose(earlier, later.drop(columns="predicted_value_high"))
    with pytest.raises(InputError, match="two rows in the earlier scores, for example c000"):
        customers_who_rose(pd.concat([earlier, earlier.iloc[:1]]), later)
    with pytest.raises(InputError, match="give the earlier cutoff first"):
        customers_who_rose(later, earlier)
    with pytest.raises(InputError, match="none of 1 customers is also among"):
        customers_who_rose(earlier, scores([1.0], ids=["x"], cutoff="2021-04-01"))
    with pytest.raises(InputError, match="without value at both"):
        customers_who_rose(scores(0 * base), later)
