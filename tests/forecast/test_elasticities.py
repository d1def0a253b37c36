"""Elasticities planted in made-up worlds are found; where there are none to find, all are 1 with a reason."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from tests.markets import START, market_world

from duramen.data.reading import read_transactions
from duramen.errors import InputError
from duramen.forecast.elasticities import market_elasticities


@pytest.fixture(scope="module")
def planted():
    tx, elasticity, level, cutoff = market_world()
    return market_elasticities(tx, cutoff), elasticity, level


@pytest.fixture(scope="module")
def alike():
    tx, _, _, cutoff = market_world(spread=0.0)
    return market_elasticities(tx, cutoff)


def errors(found, elasticity):
    """Return how many standard errors each elasticity lies off the truth."""
    table = found.customers.set_index("customer_id")
    return (table["elasticity"] - elasticity.reindex(table.index)) / table["standard_error"]


def test_planted_elasticities_lie_within_their_standard_errors(planted):
    found, elasticity, _ = planted
    assert found.identified
    assert not found.reason
    off = errors(found, elasticity)
    # The spread itself is known to a sixth here, and all standard errors with it.
    assert 0.8 < off.std() < 1.2
    assert abs(off.mean()) < 0.1
    assert found.spread == pytest.approx(0.5, abs=0.1)


def test_shrinkage_neither_overstates_nor_understates_what_differs(planted):
    found, elasticity, _ = planted
    table = found.customers.set_index("customer_id")
    slope = np.polyfit(table["elasticity"], elasticity.reindex(table.index), 1)[0]
    assert slope == pytest.approx(1, abs=0.2)
    few = table["purchases"] <= 2
    assert table.loc[few, "elasticity"].std() < 0.3 * table.loc[~few, "elasticity"].std()
    assert table.loc[few, "standard_error"].min() > 0.9 * found.spread


def test_the_level_and_its_swing_are_those_of_the_market_world(planted):
    found, _, level = planted
    table = found.level["level"].notna().to_numpy()
    assert table.sum() >= 19
    assert np.corrcoef(np.log(found.level.loc[table, "level"]), level[table])[0, 1] > 0.97
    assert found.typical_change == pytest.approx(np.expm1(np.sqrt(np.mean(np.diff(level) ** 2))), rel=0.2)


def test_what_is_transient_is_not_taken_for_an_elasticity():
    tx, elasticity, _, cutoff = market_world(wobble=0.7, rate=4.0, seed=4)
    off = errors(market_elasticities(tx, cutoff), elasticity)
    assert 0.85 < off.std() < 1.15
    tx, _, _, cutoff = market_world(spread=0.0, wobble=0.7, rate=4.0, seed=4)
    assert not market_elasticities(tx, cutoff).identified


def test_newcomers_and_ageing_are_no_market():
    """Four in five customers join in the second half, and all slow down; the market stands still."""
    rng = np.random.default_rng(5)
    join = np.where(rng.random(4000) < 0.8, rng.integers(280, 532, 4000), rng.integers(0, 280, 4000))
    gaps = rng.exponential(20, (4000, 40)) * 1.08 ** np.arange(40)
    days = join[:, None] + np.cumsum(gaps, axis=1)
    days[:, 0] = join
    row, column = np.nonzero(days < 560)
    bought = pd.DataFrame(
        {"customer_id": row.astype(str), "date": pd.Timestamp(START) + pd.to_timedelta(days[row, column] // 1, "D")}
    ).assign(amount=1.0)  # fmt: skip
    found = market_elasticities(read_transactions(bought), START + timedelta(560))
    settled = found.level.iloc[4:]
    assert settled["purchases"].iloc[-1] > 3 * settled["purchases"].iloc[0]
    assert np.log(settled["level"]).abs().max() < 0.1
    assert not found.identified


def test_groups_have_means_of_their_own_towards_which_their_customers_are_shrunk():
    mean = np.repeat([0.4, 1.6], 1500)
    tx, elasticity, _, cutoff = market_world(spread=0.3, mean=mean)
    groups = pd.Series(np.repeat(["calm", "keen"], 1500), index=elasticity.index)
    found = market_elasticities(tx, cutoff, groups)
    table = found.customers.groupby("group")["elasticity"].mean()
    # The level is that of all, in which the keen half weighs as much as the calm.
    assert table["keen"] - table["calm"] == pytest.approx(1.2, abs=0.25)
    few = found.customers["purchases"] == 0
    assert found.customers[few].groupby("group")["elasticity"].nunique().eq(1).all()
    assert 0.85 < errors(found, elasticity).std() < 1.15


def test_in_a_world_without_differing_elasticities_all_are_1(alike):
    assert not alike.identified
    assert "does not carry over" in alike.reason
    assert alike.customers["elasticity"].eq(1).all()
    assert alike.customers["standard_error"].isna().all()


def test_too_few_periods_are_refused():
    tx, _, _, cutoff = market_world(periods=11)
    found = market_elasticities(tx, cutoff)
    assert not found.identified
    assert "12 are needed" in found.reason
    assert "12 are needed" in str(found)
    soon = market_elasticities(tx, START + timedelta(20))
    assert soon.level.empty
    assert not soon.identified
    assert soon.customers["elasticity"].eq(1).all()


def test_a_market_that_stands_still_shows_no_elasticity():
    tx, _, _, cutoff = market_world(swing=0.0)
    found = market_elasticities(tx, cutoff)
    assert not found.identified
    assert "by chance" in found.reason


def test_later_purchases_change_nothing(planted):
    tx, _, _, cutoff = market_world()
    later = pd.DataFrame({"customer_id": ["c00001"], "date": [pd.Timestamp(cutoff)], "amount": [1e6]})
    days = tx.days.to_pyarrow().to_pandas()
    orders = pd.concat([days[["customer_id", "date"]].assign(amount=10.0), later], ignore_index=True)
    again = market_elasticities(read_transactions(orders), cutoff)
    pd.testing.assert_frame_equal(again.customers, planted[0].customers)


def test_groups_that_do_not_fit_are_refused(shop):
    with pytest.raises(InputError, match="have no group, for example"):
        market_elasticities(shop.tx, "1998-04-01", pd.Series({"nobody": "x"}))
    with pytest.raises(InputError, match="two groups, for example nobody"):
        market_elasticities(shop.tx, "1998-04-01", pd.Series(["x", "y"], index=["nobody", "nobody"]))
    with pytest.raises(InputError, match="choose a cutoff inside them"):
        market_elasticities(shop.tx, "1990-01-01")


def index_of(level):
    days = [START + timedelta(28 * period) for period in range(len(level))]
    return pd.DataFrame({"date": days, "level": 100 * np.exp(level)})


def test_against_a_known_index_a_segment_that_responds_twice_as_much_is_found():
    tx, elasticity, level, cutoff = market_world(spread=0.0, mean=np.repeat([1.0, 2.0], 1500))
    groups = pd.Series(np.repeat(["once", "twice"], 1500), index=elasticity.index)
    found = market_elasticities(tx, cutoff, groups, index=index_of(level))
    assert found.identified
    assert found.outside
    assert found.mean == pytest.approx(1.5, abs=0.15)
    by_group = found.customers.groupby("group")["elasticity"].mean()
    assert by_group["once"] == pytest.approx(1, abs=0.15)
    assert by_group["twice"] == pytest.approx(2, abs=0.15)
    assert "to the outside index" in str(found)
    assert found.level["standard_error"].isna().all()


@pytest.mark.parametrize("own_market", [True, False])
def test_customers_who_respond_alike_to_an_index_are_not_called_different(own_market):
    """All respond half as much to it; or the index is another market, and theirs moves without it."""
    tx, _, level, cutoff = market_world(spread=0.0, mean=0.5, seed=7)
    other = 0.35 * np.random.default_rng(107).standard_normal(len(level))
    found = market_elasticities(tx, cutoff, index=index_of(level if own_market else other))
    assert not found.identified
    assert "does not carry over" in found.reason
    assert found.customers["elasticity"].eq(1).all()


def test_an_index_that_overlaps_too_little_is_refused():
    tx, _, level, cutoff = market_world()
    with pytest.raises(InputError, match=r"covers 5 of the 19 periods .* and 12 are needed"):
        market_elasticities(tx, cutoff, index=index_of(level).head(6))


def test_an_index_that_stands_still_during_the_history_is_refused():
    tx, _, level, cutoff = market_world()
    flat = index_of(np.zeros(len(level)))
    flat.loc[len(flat)] = [cutoff + timedelta(28), 200.0]
    with pytest.raises(InputError, match="is 100 over the whole history"):
        market_elasticities(tx, cutoff, index=flat)
